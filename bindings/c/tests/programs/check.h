/* What the test programs share: a host that counts, and checks that name what they missed. */
#ifndef CHECK_H
#define CHECK_H

#include <stdatomic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lens_media.h"

#define CHECK(condition)                                                                   \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            char message_[256];                                                            \
            lens_last_error_message(message_, sizeof message_);                            \
            fprintf(stderr, "%s:%d: %s (last error: %s)\n", __FILE__, __LINE__, #condition, \
                    message_);                                                             \
            exit(1);                                                                       \
        }                                                                                  \
    } while (0)

#define OK(call) CHECK((call) == LENS_STATUS_OK)

/* Waits until it is so, far longer than needed: a slow machine does not matter. */
#define UNTIL(condition)                                                 \
    do {                                                                 \
        int rounds_ = 0;                                                 \
        while (!(condition) && rounds_++ < 6000) pause_ms(5);            \
        CHECK(condition);                                                \
    } while (0)

static inline void pause_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* A host, and what it was told. */
struct host {
    lens_participant participant;
    lens_engine engine;
    atomic_int sends, commands, rosters, states;
    atomic_int network_destroyed, observer_destroyed;
    atomic_int running, late;   /* in a callback now; called after it was destroyed */
    atomic_int close_in_callback, destroy_in_callback, end_engine_in_callback, hold, fail;
    struct host *close_other;   /* in a callback, once both are in one */
    void (*in_callback)(void);
    atomic_int last_kind, last_state, last_code, last_command;
    char last_json[512];
};

static void host_enter(struct host *host) {
    if (host->observer_destroyed && host->network_destroyed) host->late++;
    host->running++;
    while (host->hold) pause_ms(1);
    if (host->close_other != NULL) {
        UNTIL(host->close_other->running == 1);
        OK(lens_participant_close(host->close_other->participant));
    }
    if (host->in_callback != NULL) host->in_callback();
    if (host->close_in_callback) OK(lens_participant_close(host->participant));
    if (host->destroy_in_callback) OK(lens_participant_destroy(host->participant));
    if (host->end_engine_in_callback) OK(lens_engine_destroy(host->engine));
    if (host->fail) OK(lens_callback_failed("thrown", 6));
    host->running--;
}

static void host_send(void *user_data, uint64_t id, uint32_t attempt, lens_signal_kind kind,
                      const char *json, size_t json_length) {
    struct host *host = user_data;
    CHECK(attempt >= 1 && json_length > 2 && json[0] == '{');
    if (json_length < sizeof host->last_json) {
        memcpy(host->last_json, json, json_length);
        host->last_json[json_length] = 0;
    }
    host->last_kind = kind;
    lens_status reported = lens_participant_signal_sent(host->participant, id);
    CHECK(reported == LENS_STATUS_OK || reported == LENS_STATUS_INVALID_HANDLE);
    host_enter(host);
    host->sends++;
}

static void host_on_state(void *user_data, lens_state state, lens_status code) {
    struct host *host = user_data;
    host->last_state = state;
    host->last_code = code;
    host->states++;
}

static void host_on_command(void *user_data, uint64_t id, const lens_id *from,
                            const lens_command *command) {
    struct host *host = user_data;
    CHECK(id > 0 && from->text[0] == 0 && command->struct_size == sizeof *command);
    host->last_command = command->kind;
    host_enter(host);
    host->commands++;
}

static void host_on_roster(void *user_data, const lens_roster_entry *const *entries,
                           size_t count) {
    struct host *host = user_data;
    CHECK(count == 2);
    CHECK(entries[0]->role == LENS_ROLE_CAMERA && entries[1]->role == LENS_ROLE_VIEWER);
    CHECK(entries[1]->name_length == 4 && memcmp(entries[1]->name, "Anna", 4) == 0);
    CHECK(strlen(entries[1]->participant.text) == 36);
    host_enter(host);
    host->rosters++;
}

static void host_network_destroy(void *user_data) {
    struct host *host = user_data;
    CHECK(host->running == 0);
    host->network_destroyed++;
}

static void host_observer_destroy(void *user_data) {
    struct host *host = user_data;
    CHECK(host->running == 0);
    host->observer_destroyed++;
}

static inline void host_tables(struct host *host, lens_network *network, lens_observer *observer) {
    OK(lens_network_init(network, sizeof *network));
    network->user_data = host;
    network->destroy = host_network_destroy;
    network->send = host_send;
    OK(lens_observer_init(observer, sizeof *observer));
    observer->user_data = host;
    observer->destroy = host_observer_destroy;
    observer->on_state = host_on_state;
    observer->on_command = host_on_command;
    observer->on_roster = host_on_roster;
}

static inline lens_engine engine_with(lens_callbacks callbacks) {
    lens_engine engine = 0;
    lens_engine_config config;
    OK(lens_engine_config_init(&config, sizeof config));
    config.callbacks = callbacks;
    config.addresses = "127.0.0.1";
    config.addresses_length = strlen(config.addresses);
    OK(lens_engine_create(&config, &engine));
    CHECK(engine != 0);
    return engine;
}

static inline void host_enter_conference(struct host *host, lens_engine engine) {
    lens_network network;
    lens_observer observer;
    lens_participant_config config;
    memset(host, 0, sizeof *host);
    host_tables(host, &network, &observer);
    OK(lens_participant_config_init(&config, sizeof config));
    config.role = LENS_ROLE_CAMERA;
    host->engine = engine;
    OK(lens_participant_create(engine, &config, &network, &observer, &host->participant));
    CHECK(host->participant != 0);
}

/* The text lies in memory of exactly its size, which is gone afterwards: valgrind sees a library that
 * reads on, or later. */
static inline lens_status receive(struct host *host, const char *json) {
    size_t length = strlen(json);
    char *own = malloc(length + (length == 0));
    CHECK(own != NULL);
    memcpy(own, json, length);
    lens_status status = lens_participant_receive(host->participant, own, length);
    memset(own, 0xee, length);
    free(own);
    return status;
}

#define TORCH(number)                                                          \
    "{\"kind\":\"command\",\"id\":\"0199d1f2-0000-7000-8000-00000000000" number \
    "\",\"command\":\"torch\",\"arguments\":{\"on\":true}}"

#define ROSTER                                                                              \
    "{\"kind\":\"roster\",\"conference\":\"0199d1f2-0000-7000-8000-000000000001\","         \
    "\"you\":\"0199d1f2-0000-7000-8000-000000000002\",\"participants\":["                   \
    "{\"participant\":\"0199d1f2-0000-7000-8000-000000000002\",\"role\":\"camera\","        \
    "\"display_name\":\"Margit\",\"slots\":[]},"                                            \
    "{\"participant\":\"0199d1f2-0000-7000-8000-000000000003\",\"role\":\"viewer\","        \
    "\"display_name\":\"Anna\",\"slots\":[]}]}"

#endif
