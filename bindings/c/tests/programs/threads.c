/* Many threads on one participant, on one engine, and on their ends: each call is answered by one of
 * the statuses that its state allows, each table is destroyed once, nothing waits for ever. */
#include "check.h"

enum { THREADS = 6 };

static int rounds = 30;
static lens_engine engine;
static _Atomic lens_participant shared;
static atomic_int stop, begun, made, network_ended, observer_ended, stage_ended;
static atomic_int several, in_callback; /* participants at a time; calls that run */

static void one_at_a_time(int begins) {
    if (begins) CHECK(atomic_fetch_add(&in_callback, 1) == 0 || several);
    if (!begins) atomic_fetch_sub(&in_callback, 1);
}

static void on_command(void *user_data, uint64_t id, const lens_id *from,
                       const lens_command *command) {
    lens_participant own = shared;
    (void)from;
    one_at_a_time(1);
    CHECK(user_data == &shared && command->kind == LENS_COMMAND_TORCH);
    lens_status status = lens_command_reply(own, id, LENS_OUTCOME_DONE);
    CHECK(status == LENS_STATUS_OK || status == LENS_STATUS_CLOSED ||
          status == LENS_STATUS_INVALID_HANDLE);
    one_at_a_time(0);
}

static void send_signal(void *user_data, uint64_t id, uint32_t attempt, lens_signal_kind kind,
                        const char *json, size_t length) {
    (void)kind;
    one_at_a_time(1);
    CHECK(user_data == &shared && attempt >= 1 && length > 2 && json[0] == '{');
    lens_status status = lens_participant_signal_failed(shared, id, 1);
    CHECK(status == LENS_STATUS_OK || status == LENS_STATUS_INVALID_HANDLE);
    one_at_a_time(0);
}

static lens_transformed transform(void *user_data, const lens_frame_info *info, uint8_t *data,
                                  size_t *length, size_t capacity) {
    CHECK(user_data == &shared && info->codec == LENS_CODEC_VP8 && *length == 100);
    memset(data, 7, capacity);
    *length = capacity;
    return LENS_TRANSFORM_PASS;
}

/* An end may call the library: whatever it asks is answered. */
static void ended(atomic_int *count) {
    lens_state state;
    lens_status status = lens_participant_state(shared, &state, NULL);
    CHECK(status == LENS_STATUS_OK || status == LENS_STATUS_INVALID_HANDLE);
    /* Perhaps another one's, which closes this one at the same time. */
    status = lens_participant_close(shared);
    CHECK(status == LENS_STATUS_OK || status == LENS_STATUS_INVALID_HANDLE);
    (*count)++;
}

static void network_destroy(void *user_data) {
    CHECK(user_data == &shared);
    ended(&network_ended);
}

static void observer_destroy(void *user_data) {
    CHECK(user_data == &shared);
    ended(&observer_ended);
}

static void stage_destroy(void *user_data) {
    CHECK(user_data == &shared);
    ended(&stage_ended);
}


static lens_status enter(void) {
    lens_network network;
    lens_observer observer;
    lens_participant_config config;
    lens_frame_transform stage;
    lens_participant entered = 0;
    OK(lens_network_init(&network, sizeof network));
    network.user_data = &shared;
    network.destroy = network_destroy;
    network.send = send_signal;
    OK(lens_observer_init(&observer, sizeof observer));
    observer.user_data = &shared;
    observer.destroy = observer_destroy;
    observer.on_command = on_command;
    OK(lens_frame_transform_init(&stage, sizeof stage));
    stage.user_data = &shared;
    stage.destroy = stage_destroy;
    stage.transform = transform;
    OK(lens_participant_config_init(&config, sizeof config));
    config.role = LENS_ROLE_CAMERA;
    config.sender_transform = &stage;
    lens_status status = lens_participant_create(engine, &config, &network, &observer, &entered);
    if (status == LENS_STATUS_OK) {
        made++;
        shared = entered;
    }
    return status;
}

static void any_of(lens_status status, lens_status third) {
    CHECK(status == LENS_STATUS_OK || status == LENS_STATUS_CLOSED ||
          status == LENS_STATUS_INVALID_HANDLE || status == third);
}

static void one_of_each(unsigned number) {
    lens_participant p = shared;
    uint8_t bytes[100] = {0};
    lens_encoded_frame frame;
    lens_stats stats;
    lens_state state;
    OK(lens_encoded_frame_init(&frame, sizeof frame));
    frame.codec = LENS_CODEC_VP8;
    frame.data = bytes;
    frame.length = sizeof bytes;
    frame.pts_us = number;
    frame.keyframe = 1;
    any_of(lens_participant_push_frame(p, &frame), 0);
    any_of(lens_participant_receive(p, TORCH("1"), strlen(TORCH("1"))), 0);
    any_of(lens_participant_receive(p, ROSTER, strlen(ROSTER)), 0);
    any_of(lens_chat_send(p, "x", 1, NULL), LENS_STATUS_WOULD_BLOCK);
    any_of(lens_participant_request_offer(p, LENS_OFFER_RESTART), 0);
    any_of(lens_participant_set_paused(p, number & 1), 0);
    OK(lens_stats_init(&stats, sizeof stats));
    any_of(lens_participant_stats(p, &stats), 0);
    any_of(lens_participant_state(p, &state, NULL), 0);
}

static void *hammer(void *argument) {
    unsigned number = 0;
    (void)argument;
    begun++;
    while (!stop) one_of_each(number++);
    one_of_each(number);
    return NULL;
}

static void start(pthread_t *threads, void *(*body)(void *)) {
    begun = stop = 0;
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, body, NULL) == 0);
    UNTIL(begun == THREADS);
}

static void join(pthread_t *threads) {
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static void *close_all(void *argument) {
    (void)argument;
    begun++;
    while (!stop) pause_ms(1);
    any_of(lens_participant_close(shared), 0);
    any_of(lens_participant_destroy(shared), 0);
    return NULL;
}

static void all_are_over(void) {
    UNTIL(network_ended == made && observer_ended == made && stage_ended == made);
    CHECK(in_callback == 0);
}

/* Closed and released by six threads at once, while six others call. */
static void closing_under_load(void) {
    pthread_t callers[THREADS], closers[THREADS];
    for (int round = 0; round < rounds; round++) {
        OK(enter());
        start(closers, close_all);
        begun = 0;
        for (int i = 0; i < THREADS; i++)
            CHECK(pthread_create(&callers[i], NULL, hammer, NULL) == 0);
        UNTIL(begun == THREADS);
        stop = 1;
        join(closers);
        join(callers);
        all_are_over();
        CHECK(lens_live_handles() == 1);
    }
}

static void *enter_again(void *argument) {
    (void)argument;
    begun++;
    for (;;) {
        lens_status status = enter();
        if (status == LENS_STATUS_CLOSED || status == LENS_STATUS_INVALID_HANDLE) return NULL;
        CHECK(status == LENS_STATUS_OK);
        one_of_each(1);
        any_of(lens_participant_destroy(shared), 0);
    }
}

/* An engine that ends while others make participants of it. */
static void ending_the_engine_under_load(lens_callbacks callbacks) {
    pthread_t threads[THREADS];
    several = 1;
    for (int round = 0; round < rounds; round++) {
        engine = engine_with(callbacks);
        start(threads, enter_again);
        pause_ms(round % 4);
        OK(lens_engine_destroy(engine));
        join(threads);
        all_are_over();
        UNTIL(lens_live_handles() == 0);
    }
    several = 0;
}

static void *lend(void *argument) {
    (void)argument;
    begun++;
    lens_status status = lens_engine_run_callbacks(engine);
    CHECK(status == LENS_STATUS_OK || status == LENS_STATUS_INVALID_HANDLE);
    return NULL;
}

/* Lent threads, all for one participant: its callbacks still come one at a time. */
static void many_threads_are_lent(void) {
    pthread_t lent[THREADS], callers[THREADS];
    engine = engine_with(LENS_CALLBACKS_HOST);
    OK(enter());
    start(lent, lend);
    start(callers, hammer);
    pause_ms(100);
    stop = 1;
    join(callers);
    OK(lens_engine_destroy(engine));
    join(lent);
    all_are_over();
}

/* Nobody lends a thread: ending does not wait for one. */
static void nobody_lends_a_thread(void) {
    engine = engine_with(LENS_CALLBACKS_HOST);
    OK(enter());
    one_of_each(1);
    OK(lens_participant_close(shared));
    all_are_over();
    OK(enter());
    one_of_each(1);
    OK(lens_engine_destroy(engine));
    all_are_over();
}

int main(int count, char **arguments) {
    if (count > 1) rounds = atoi(arguments[1]);
    engine = engine_with(LENS_CALLBACKS_THREADS);
    closing_under_load();
    OK(lens_engine_destroy(engine));
    ending_the_engine_under_load(LENS_CALLBACKS_THREADS);
    ending_the_engine_under_load(LENS_CALLBACKS_HOST);
    many_threads_are_lent();
    nobody_lends_a_thread();
    CHECK(lens_live_handles() == 0);
    return 0;
}
