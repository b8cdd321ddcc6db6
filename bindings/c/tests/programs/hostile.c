/* A host that is slow, or fails in a callback, harms its own participant and no other. */
#include "check.h"

static atomic_int lines, failed, log_destroyed;
static _Atomic lens_participant watched;

static void log_line(void *user_data, lens_log_level level, const char *line, size_t length) {
    CHECK(user_data == &lines && level >= LENS_LOG_ERROR && line != NULL && length > 0);
    CHECK(lens_set_log_callback(LENS_LOG_OFF, NULL, NULL, NULL) == LENS_STATUS_INVALID_STATE);
    /* Calls from within are allowed; a line names nobody. */
    lens_participant named = watched;
    lens_state state;
    if (named != 0) CHECK(lens_participant_state(named, &state, NULL) != LENS_STATUS_INTERNAL);
    char text[200];
    CHECK(length < sizeof text && memchr(line, '\n', length) == NULL);
    memcpy(text, line, length);
    text[length] = 0;
    CHECK(strstr(text, "0199d1f2") == NULL && strstr(text, "Margit") == NULL);
    failed += strstr(text, "code=\"host_panicked\"") != NULL && level == LENS_LOG_WARN;
    lines++;
}

static void log_destroy(void *user_data) {
    CHECK(user_data == &lines);
    log_destroyed++;
}

static void *lens_churn_log(void *unused) {
    for (int i = 0; i < 200; i++) {
        lens_status set = lens_set_log_callback(LENS_LOG_TRACE, log_line, &lines, log_destroy);
        CHECK(set == LENS_STATUS_OK);
    }
    return unused;
}

static void failing_in_a_callback(lens_engine engine) {
    struct host broken, sound;
    host_enter_conference(&broken, engine);
    host_enter_conference(&sound, engine);
    broken.fail = 1;
    OK(receive(&broken, TORCH("1")));
    UNTIL(broken.observer_destroyed == 1 && broken.network_destroyed == 1);
    CHECK(broken.commands == 1);
    watched = broken.participant;
    lens_state state = -1;
    lens_status code = 0;
    UNTIL(lens_participant_state(broken.participant, &state, &code) == 0 &&
          state == LENS_STATE_FAILED);
    CHECK(code == LENS_STATUS_HOST_PANICKED);
    CHECK(strcmp(lens_status_name(code), "host_panicked") == 0);
    CHECK(receive(&broken, TORCH("2")) == LENS_STATUS_CLOSED);
    OK(receive(&sound, TORCH("1")));
    UNTIL(sound.commands == 1);
    OK(lens_participant_destroy(broken.participant));
    OK(lens_participant_destroy(sound.participant));
}

static void slow(lens_engine engine) {
    struct host slow, quick;
    host_enter_conference(&slow, engine);
    host_enter_conference(&quick, engine);
    slow.hold = 1;
    OK(receive(&slow, TORCH("1")));
    UNTIL(slow.running == 1);
    OK(receive(&quick, TORCH("1")));
    UNTIL(quick.commands == 1);
    CHECK(slow.running == 1); /* the quick one did not wait for it */
    slow.hold = 0;
    UNTIL(slow.commands == 1);
    OK(lens_participant_destroy(quick.participant));
    OK(lens_participant_destroy(slow.participant));
    CHECK(slow.commands == 1 && slow.observer_destroyed == 1);
}

int main(void) {
    pthread_t thread;
    OK(lens_set_log_callback(LENS_LOG_TRACE, log_line, &lines, log_destroy));
    lens_engine engine = engine_with(LENS_CALLBACKS_THREADS);
    failing_in_a_callback(engine);
    slow(engine);
    CHECK(failed == 1 && lines >= 4);
    CHECK(pthread_create(&thread, NULL, lens_churn_log, NULL) == 0);
    failing_in_a_callback(engine);
    pthread_join(thread, NULL);
    OK(lens_engine_destroy(engine));
    OK(lens_set_log_callback(LENS_LOG_OFF, NULL, NULL, NULL));
    CHECK(log_destroyed == 201);
    CHECK(lens_live_handles() == 0);
    return 0;
}
