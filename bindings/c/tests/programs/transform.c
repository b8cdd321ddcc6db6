/* A sender's frame transform: sees each frame, may change its length, and harms only its own. */
#include "check.h"

struct stage {
    lens_participant participant;
    atomic_int seen, destroyed, running, hold;
    int outcome, grow, fail, close, push;
    lens_status pushed;
};

static lens_status push(lens_participant participant, uint64_t pts_us) {
    uint8_t *bytes = malloc(100);
    lens_encoded_frame frame;
    CHECK(bytes != NULL);
    memset(bytes, 7, 100);
    OK(lens_encoded_frame_init(&frame, sizeof frame));
    frame.codec = LENS_CODEC_VP8;
    frame.data = bytes;
    frame.length = 100;
    frame.pts_us = pts_us;
    frame.keyframe = 1;
    lens_status status = lens_participant_push_frame(participant, &frame);
    for (int at = 0; at < 100; at++) CHECK(bytes[at] == 7); /* it was given a copy */
    free(bytes);
    return status;
}

static lens_transformed transform(void *user_data, const lens_frame_info *info, uint8_t *data,
                                  size_t *length, size_t capacity) {
    struct stage *stage = user_data;
    CHECK(stage->destroyed == 0);
    stage->running++;
    CHECK(info->struct_size == sizeof *info && info->codec == LENS_CODEC_VP8 && info->keyframe == 1);
    CHECK(info->pts_us == 1000 + (uint64_t)stage->seen);
    CHECK(*length == 100 && capacity == *length + LENS_TRANSFORM_ROOM);
    for (size_t at = 0; at < *length; at++) data[at] ^= 0xff;
    memset(data + *length, 1, capacity - *length); /* all of it may be written */
    while (stage->hold) pause_ms(1);
    if (stage->close) OK(lens_participant_close(stage->participant));
    if (stage->push) stage->pushed = push(stage->participant, 1);
    if (stage->fail) OK(lens_callback_failed("no key", 6));
    *length += stage->grow;
    stage->seen++;
    stage->running--;
    return stage->outcome;
}

static void stage_destroy(void *user_data) {
    struct stage *stage = user_data;
    CHECK(stage->running == 0);
    stage->destroyed++;
}

static void enter(struct stage *stage, struct host *host, lens_engine engine) {
    lens_network network;
    lens_observer observer;
    lens_participant_config config;
    lens_frame_transform table;
    memset(stage, 0, sizeof *stage);
    memset(host, 0, sizeof *host);
    host_tables(host, &network, &observer);
    OK(lens_frame_transform_init(&table, sizeof table));
    table.user_data = stage;
    table.destroy = stage_destroy;
    table.transform = transform;
    OK(lens_participant_config_init(&config, sizeof config));
    config.role = LENS_ROLE_CAMERA;
    config.sender_transform = &table;
    OK(lens_participant_create(engine, &config, &network, &observer, &host->participant));
    memset(&table, 0xee, sizeof table); /* it was copied */
    stage->participant = host->participant;
}

static lens_status next(struct stage *stage) {
    return push(stage->participant, 1000 + (uint64_t)stage->seen);
}

static void it_sees_each_frame(lens_engine engine) {
    struct stage stage;
    struct host host;
    enter(&stage, &host, engine);
    for (int at = 0; at < 10; at++) {
        stage.grow = at % 3 * 500 - 50;
        stage.outcome = at % 4 == 3 ? LENS_TRANSFORM_DROP : LENS_TRANSFORM_PASS;
        OK(next(&stage));
    }
    stage.grow = -100; /* nothing is left: dropped */
    stage.outcome = LENS_TRANSFORM_PASS;
    OK(next(&stage));
    stage.grow = LENS_TRANSFORM_ROOM;
    OK(next(&stage));
    CHECK(stage.seen == 12 && stage.destroyed == 0);
    OK(lens_participant_close(host.participant));
    CHECK(stage.destroyed == 1 && host.observer_destroyed == 1);
    CHECK(next(&stage) == LENS_STATUS_CLOSED && stage.seen == 12);
    OK(lens_participant_destroy(host.participant));
    CHECK(stage.destroyed == 1);
}

/* Each way of failing ends its participant by name, and no other. */
static void failing(lens_engine engine) {
    struct stage sound;
    struct host sound_host;
    enter(&sound, &sound_host, engine);
    for (int way = 0; way < 3; way++) {
        struct stage stage;
        struct host host;
        lens_state state = -1;
        lens_status code = 0;
        enter(&stage, &host, engine);
        if (way == 0) stage.fail = 1;
        if (way == 1) stage.outcome = 77;
        if (way == 2) stage.grow = LENS_TRANSFORM_ROOM + 1;
        CHECK(next(&stage) == LENS_STATUS_HOST_PANICKED);
        UNTIL(lens_participant_state(host.participant, &state, &code) == 0 &&
              state == LENS_STATE_FAILED);
        CHECK(code == LENS_STATUS_HOST_PANICKED);
        OK(lens_participant_destroy(host.participant));
        CHECK(stage.destroyed == 1 && host.network_destroyed == 1);
        OK(next(&sound));
    }
    OK(lens_participant_destroy(sound_host.participant));
    CHECK(sound.seen == 3 && sound.destroyed == 1);
}

static void calling_back_from_it(lens_engine engine) {
    struct stage stage;
    struct host host;
    enter(&stage, &host, engine);
    stage.push = 1;
    OK(next(&stage));
    CHECK(stage.pushed == LENS_STATUS_INVALID_STATE && stage.seen == 1);
    stage.push = 0;
    stage.close = 1;
    next(&stage);
    CHECK(stage.seen == 2 && stage.destroyed == 1);
    OK(lens_participant_destroy(host.participant));
    CHECK(stage.destroyed == 1);
}

static void *push_one(void *stage) {
    next(stage);
    return NULL;
}

/* Closed while a frame is in it: it goes when the frame has left, not before. */
static void closing_while_it_runs(lens_engine engine) {
    struct stage stage;
    struct host host;
    pthread_t thread;
    enter(&stage, &host, engine);
    stage.hold = 1;
    CHECK(pthread_create(&thread, NULL, push_one, &stage) == 0);
    UNTIL(stage.running == 1);
    OK(lens_participant_close(host.participant));
    CHECK(stage.destroyed == 0 && stage.running == 1);
    stage.hold = 0;
    pthread_join(thread, NULL);
    CHECK(stage.destroyed == 1);
    OK(lens_participant_destroy(host.participant));
    CHECK(stage.destroyed == 1);
}

struct pusher {
    struct stage *stage;
    atomic_int begun;
    lens_status status;
};

static void *push_behind(void *user_data) {
    struct pusher *pusher = user_data;
    pusher->begun = 1;
    pusher->status = push(pusher->stage->participant, 1001);
    return NULL;
}

/* Who waited while it was closed is in it no more, and no frame goes on as it was. */
static void closing_while_another_waits_for_it(lens_engine engine) {
    struct stage stage;
    struct host host;
    struct pusher behind = {&stage, 0, 0};
    pthread_t first, second;
    enter(&stage, &host, engine);
    stage.hold = 1;
    CHECK(pthread_create(&first, NULL, push_one, &stage) == 0);
    UNTIL(stage.running == 1);
    CHECK(pthread_create(&second, NULL, push_behind, &behind) == 0);
    UNTIL(behind.begun);
    pause_ms(100); /* most likely it waits; a machine that is slower sees less */
    OK(lens_participant_close(host.participant));
    CHECK(stage.destroyed == 0 && stage.running == 1);
    stage.hold = 0;
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    CHECK(behind.status == LENS_STATUS_CLOSED);
    CHECK(stage.seen == 1 && stage.destroyed == 1);
    OK(lens_participant_destroy(host.participant));
    CHECK(stage.destroyed == 1);
}

static struct pusher from_callback;

static void push_in_callback(void) {
    push_behind(&from_callback);
}

/* A callback waits for the stage, and the stage, which closes, for the callback: nobody for ever. */
static void closing_from_it_while_a_callback_waits_for_it(lens_engine engine) {
    struct stage stage;
    struct host host;
    pthread_t thread;
    enter(&stage, &host, engine);
    from_callback.stage = &stage;
    from_callback.begun = 0;
    host.in_callback = push_in_callback;
    stage.hold = 1;
    stage.close = 1;
    CHECK(pthread_create(&thread, NULL, push_one, &stage) == 0);
    UNTIL(stage.running == 1);
    OK(receive(&host, TORCH("1")));
    UNTIL(from_callback.begun);
    pause_ms(100); /* as above */
    stage.hold = 0;
    pthread_join(thread, NULL);
    UNTIL(host.observer_destroyed == 1 && host.network_destroyed == 1 && stage.destroyed == 1);
    CHECK(from_callback.status == LENS_STATUS_CLOSED);
    CHECK(stage.seen == 1 && host.commands == 1);
    OK(lens_participant_destroy(host.participant));
}

/* Two stages that push into each other's participant: one of them is refused. */
static struct stage crossing[2];
static atomic_int crossed_ok, crossed_refused;

static lens_transformed cross(void *user_data, const lens_frame_info *info, uint8_t *data,
                              size_t *length, size_t capacity) {
    struct stage *own = user_data, *other = &crossing[own == crossing];
    (void)info, (void)data, (void)length, (void)capacity;
    if (own->running++ == 0 && !own->push) {
        own->push = 1;
        UNTIL(other->running >= 1);
        lens_status status = push(other->participant, 2);
        CHECK(status == LENS_STATUS_OK || status == LENS_STATUS_INVALID_STATE);
        if (status == LENS_STATUS_OK) crossed_ok++;
        else crossed_refused++;
    }
    return LENS_TRANSFORM_PASS;
}

static void pushing_across(lens_engine engine) {
    struct host hosts[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        lens_network network;
        lens_observer observer;
        lens_participant_config config;
        lens_frame_transform table;
        memset(&hosts[i], 0, sizeof hosts[i]);
        host_tables(&hosts[i], &network, &observer);
        OK(lens_frame_transform_init(&table, sizeof table));
        table.user_data = &crossing[i];
        table.transform = cross;
        OK(lens_participant_config_init(&config, sizeof config));
        config.role = LENS_ROLE_CAMERA;
        config.sender_transform = &table;
        OK(lens_participant_create(engine, &config, &network, &observer,
                                   &crossing[i].participant));
    }
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, push_one, &crossing[i]) == 0);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    CHECK(crossed_ok == 1 && crossed_refused == 1);
    for (int i = 0; i < 2; i++) OK(lens_participant_destroy(crossing[i].participant));
}

/* A table of a call that fails stays the host's. */
static void refused(lens_engine engine) {
    struct stage stage;
    struct host host;
    lens_network network;
    lens_observer observer;
    lens_participant_config config;
    lens_frame_transform table;
    lens_participant made = 7;
    memset(&stage, 0, sizeof stage);
    memset(&host, 0, sizeof host);
    host_tables(&host, &network, &observer);
    OK(lens_participant_config_init(&config, sizeof config));
    OK(lens_frame_transform_init(&table, sizeof table));
    config.role = LENS_ROLE_CAMERA;
    config.receiver_transform = &table;
    table.user_data = &stage;
    table.destroy = stage_destroy;
    CHECK(lens_participant_create(engine, &config, &network, &observer, &made) ==
          LENS_STATUS_INVALID_ARGUMENT);
    table.transform = transform;
    table.struct_size = 8;
    CHECK(lens_participant_create(engine, &config, &network, &observer, &made) ==
          LENS_STATUS_INVALID_ARGUMENT);
    table.struct_size = sizeof table;
    config.max_fps = 100000;
    CHECK(lens_participant_create(engine, &config, &network, &observer, &made) ==
          LENS_STATUS_INVALID_ARGUMENT);
    CHECK(made == 0 && stage.destroyed == 0 && host.observer_destroyed == 0);
    /* A host that was compiled before there were transforms gives a shorter struct. */
    config.max_fps = 30;
    config.struct_size = (uint32_t)offsetof(lens_participant_config, sender_transform);
    OK(lens_participant_create(engine, &config, &network, &observer, &made));
    OK(lens_participant_destroy(made));
    CHECK(stage.destroyed == 0 && host.observer_destroyed == 1);
}

int main(void) {
    lens_engine engine = engine_with(LENS_CALLBACKS_THREADS);
    it_sees_each_frame(engine);
    failing(engine);
    calling_back_from_it(engine);
    closing_while_it_runs(engine);
    closing_while_another_waits_for_it(engine);
    closing_from_it_while_a_callback_waits_for_it(engine);
    pushing_across(engine);
    refused(engine);
    OK(lens_engine_destroy(engine));
    UNTIL(lens_live_handles() == 0);
    return 0;
}
