/* The end of a participant: once, from anywhere, and nothing after it. */
#include "check.h"

static void assert_over(struct host *host) {
    int calls = host->sends + host->commands + host->states;
    CHECK(host->network_destroyed == 1 && host->observer_destroyed == 1);
    lens_state state = -1;
    lens_status code = -1;
    OK(lens_participant_state(host->participant, &state, &code));
    CHECK(state == LENS_STATE_CLOSED && code == 0);
    CHECK(receive(host, TORCH("9")) == LENS_STATUS_CLOSED);
    CHECK(lens_participant_set_paused(host->participant, 1) == LENS_STATUS_CLOSED);
    CHECK(calls == host->sends + host->commands + host->states && host->late == 0);
}

static void closing_twice(lens_engine engine) {
    struct host host;
    host_enter_conference(&host, engine);
    OK(receive(&host, TORCH("1")));
    UNTIL(host.commands == 1);
    CHECK(host.last_command == LENS_COMMAND_TORCH);
    OK(lens_participant_close(host.participant));
    OK(lens_participant_close(host.participant));
    assert_over(&host);
    OK(lens_participant_destroy(host.participant));
    CHECK(lens_participant_close(host.participant) == LENS_STATUS_INVALID_HANDLE);
    CHECK(lens_participant_destroy(host.participant) == LENS_STATUS_INVALID_HANDLE);
    CHECK(host.network_destroyed == 1 && host.observer_destroyed == 1);
}

static void closing_from_a_callback(lens_engine engine) {
    struct host host;
    host_enter_conference(&host, engine);
    host.close_in_callback = 1;
    OK(receive(&host, TORCH("1")));
    /* The first one's callback may have closed it already. */
    lens_status second = receive(&host, TORCH("2"));
    CHECK(second == LENS_STATUS_OK || second == LENS_STATUS_CLOSED);
    UNTIL(host.observer_destroyed == 1 && host.network_destroyed == 1);
    CHECK(host.commands == 1);
    assert_over(&host);
    OK(lens_participant_destroy(host.participant));
}

static void destroying_from_a_callback(lens_engine engine) {
    struct host host;
    host_enter_conference(&host, engine);
    host.destroy_in_callback = 1;
    OK(receive(&host, TORCH("1")));
    UNTIL(host.observer_destroyed == 1 && host.network_destroyed == 1);
    CHECK(host.commands == 1);
    CHECK(lens_participant_close(host.participant) == LENS_STATUS_INVALID_HANDLE);
}

static void *close_it(void *host) {
    OK(lens_participant_close(((struct host *)host)->participant));
    CHECK(((struct host *)host)->running == 0);
    return NULL;
}

/* Closing from elsewhere returns after the last callback. */
static void closing_while_a_callback_runs(lens_engine engine) {
    struct host host;
    pthread_t threads[2];
    lens_state state = LENS_STATE_NEW;
    host_enter_conference(&host, engine);
    host.hold = 1;
    OK(receive(&host, TORCH("1")));
    OK(receive(&host, TORCH("2")));
    UNTIL(host.running == 1);
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], NULL, close_it, &host) == 0);
    UNTIL(lens_participant_state(host.participant, &state, NULL) == 0 &&
          state == LENS_STATE_CLOSED);
    CHECK(host.running == 1 && host.observer_destroyed == 0);
    host.hold = 0;
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    CHECK(host.commands == 1);
    assert_over(&host);
    OK(lens_participant_destroy(host.participant));
}

/* From callbacks, at the same time, around a ring: nobody waits for who waits for it. */
static void closing_each_other(lens_engine engine) {
    for (int several = 2; several <= 3; several++) {
        struct host hosts[3];
        for (int i = 0; i < several; i++) host_enter_conference(&hosts[i], engine);
        for (int i = 0; i < several; i++) hosts[i].close_other = &hosts[(i + 1) % several];
        for (int i = 0; i < several; i++) OK(receive(&hosts[i], TORCH("1")));
        for (int i = 0; i < several; i++) {
            UNTIL(hosts[i].network_destroyed == 1 && hosts[i].observer_destroyed == 1);
            CHECK(hosts[i].commands == 1);
            assert_over(&hosts[i]);
        }
        for (int i = 0; i < several; i++) OK(lens_participant_destroy(hosts[i].participant));
    }
}

/* An engine takes its participants with it, their handles as well. */
static void ending_the_engine(int from_callback) {
    struct host hosts[3];
    lens_engine engine = engine_with(LENS_CALLBACKS_THREADS);
    for (int i = 0; i < 3; i++) host_enter_conference(&hosts[i], engine);
    if (from_callback) {
        hosts[1].end_engine_in_callback = 1;
        OK(receive(&hosts[1], TORCH("1")));
        UNTIL(hosts[1].observer_destroyed == 1);
    } else {
        OK(lens_engine_destroy(engine));
    }
    for (int i = 0; i < 3; i++) {
        UNTIL(hosts[i].network_destroyed == 1 && hosts[i].observer_destroyed == 1);
        UNTIL(lens_participant_close(hosts[i].participant) == LENS_STATUS_INVALID_HANDLE);
    }
    CHECK(lens_engine_destroy(engine) == LENS_STATUS_INVALID_HANDLE);
}

/* The second thread may come when the engine is gone already. */
static void *lend(void *engine) {
    lens_status lent = lens_engine_run_callbacks(*(lens_engine *)engine);
    CHECK(lent == LENS_STATUS_OK || lent == LENS_STATUS_INVALID_HANDLE);
    return NULL;
}

static void callbacks_on_lent_threads(void) {
    struct host host;
    pthread_t threads[2];
    lens_engine engine = engine_with(LENS_CALLBACKS_HOST);
    host_enter_conference(&host, engine);
    OK(receive(&host, TORCH("1")));
    pause_ms(20);
    CHECK(host.commands == 0);
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], NULL, lend, &engine) == 0);
    UNTIL(host.commands == 1);
    OK(lens_participant_close(host.participant));
    assert_over(&host);
    lens_engine copy = engine;
    OK(lens_engine_destroy(copy));
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

/* A goodbye of ours is carried, then told as the last thing. */
static void leaving(lens_engine engine) {
    struct host host;
    host_enter_conference(&host, engine);
    OK(lens_participant_leave(host.participant, "done", 4));
    UNTIL(host.observer_destroyed == 1);
    CHECK(host.last_kind == LENS_SIGNAL_BYE && strstr(host.last_json, "\"done\""));
    CHECK(host.last_state == LENS_STATE_CLOSED && host.last_code == 0);
    OK(lens_participant_destroy(host.participant));
}

/* While it connects: to a server that is not there. */
static void closing_while_it_connects(lens_engine engine, const char *offer) {
    for (int round = 0; round < 20; round++) {
        struct host host;
        lens_state state = LENS_STATE_NEW;
        host_enter_conference(&host, engine);
        OK(receive(&host, offer));
        if (round % 4 == 0) {
            UNTIL(host.sends >= 1);
            CHECK(host.last_kind == LENS_SIGNAL_ANSWER);
            UNTIL(lens_participant_state(host.participant, &state, NULL) == 0 &&
                  state == LENS_STATE_CONNECTING);
        }
        if (round % 2 == 0) pause_ms(round);
        if (round % 4 == 1) host.close_in_callback = 1;
        if (round % 4 == 1) UNTIL(host.observer_destroyed == 1);
        OK(lens_participant_close(host.participant));
        assert_over(&host);
        OK(lens_participant_destroy(host.participant));
    }
}

/* The same offer twice, and an older one late, are harmless; each is answered once. */
static void duplicates_and_late_ones(lens_engine engine, const char *offer) {
    struct host host;
    lens_stats stats;
    host_enter_conference(&host, engine);
    for (int i = 0; i < 3; i++) OK(receive(&host, offer));
    stats.struct_size = sizeof stats;
    UNTIL(lens_participant_stats(host.participant, &stats) == 0 && stats.stale_signals == 2);
    CHECK(host.sends <= 1);
    uint32_t generation = 0;
    lens_id id;
    OK(lens_participant_id(host.participant, &id, &generation));
    CHECK(generation == 1 && strlen(id.text) == 36 && strstr(offer, id.text));
    OK(lens_participant_destroy(host.participant));
}

/* Tables of a call that fails stay the host's. */
static void failing_to_create(lens_engine engine) {
    struct host host;
    lens_network network;
    lens_observer observer;
    lens_participant_config config;
    memset(&host, 0, sizeof host);
    host_tables(&host, &network, &observer);
    OK(lens_participant_config_init(&config, sizeof config));
    config.role = LENS_ROLE_VIEWER;
    config.max_fps = 100000;
    host.participant = 7;
    CHECK(lens_participant_create(engine, &config, &network, &observer, &host.participant) ==
          LENS_STATUS_INVALID_ARGUMENT);
    CHECK(host.participant == 0);
    CHECK(host.network_destroyed == 0 && host.observer_destroyed == 0);
}

int main(int count, char **arguments) {
    static char offer[65536];
    FILE *file = count > 1 ? fopen(arguments[1], "rb") : NULL;
    CHECK(file != NULL && fread(offer, 1, sizeof offer - 1, file) > 0);
    fclose(file);
    lens_engine engine = engine_with(LENS_CALLBACKS_THREADS);
    closing_twice(engine);
    closing_from_a_callback(engine);
    destroying_from_a_callback(engine);
    closing_while_a_callback_runs(engine);
    closing_each_other(engine);
    closing_while_it_connects(engine, offer);
    duplicates_and_late_ones(engine, offer);
    leaving(engine);
    failing_to_create(engine);
    ending_the_engine(0);
    ending_the_engine(1);
    callbacks_on_lent_threads();
    OK(lens_engine_destroy(engine));
    UNTIL(lens_live_handles() == 0);
    return 0;
}
