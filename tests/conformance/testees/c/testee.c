/*
 * The C face in the conformance suite: a participant that is told what to do by lines of JSON. The
 * words stand in tests/conformance/README.md. C11 and POSIX threads.
 */
#include <dirent.h>
#include <pthread.h>
#include <time.h>

#include "ivf.h"
#include "json.h"
#include "lens_media.h"

#define FRAME_NS 33333333

struct testee {
    lens_participant participant;
    struct ivf_clip clip;
    pthread_t camera;
    pthread_mutex_t lock; /* guards what follows */
    int publishing, over;
    size_t next_frame;
    FILE *record;
    uint64_t recorded;
    char *path;
    uint64_t pushed, given, sent, received; /* pictures: taken, given out, through the transforms */
    char on[16], does[16], *greeting;       /* what the host does in which callback */
    long pause_ms;
    long times; /* how often still; negative for each time */
    int observers_gone, networks_gone, late;
};

/* Of the library that the testee is linked with only; see hooks.rs. */
lens_status lens_test_panic(lens_participant participant);

static lens_engine engine;
static pthread_mutex_t speaking = PTHREAD_MUTEX_INITIALIZER;

/* One line to the runner: begun, written by the caller, ended. */
static void begin_line(void) { pthread_mutex_lock(&speaking); }

static void end_line(void) {
    fputc('\n', stdout);
    fflush(stdout);
    pthread_mutex_unlock(&speaking);
}

/* --- names ---------------------------------------------------------------------------------------- */

static const char *const STATES[] = {"new", "connecting", "connected", "reconnecting", "closed", "failed"};
static const char *const OUTCOMES[] = {"", "done", "refused", "unsupported", "failed"};
static const char *const COMMANDS[] = {"", "torch", "zoom", "freeze", "snapshot", "switch_camera"};
static const char *const SHAPES[] = {"", "stroke", "arrow", "ellipse", "rectangle", "point", "text"};
static const char *const FACINGS[] = {"", "front", "back"};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static int32_t number_of(const char *const *names, size_t count, struct json word) {
    size_t at;
    for (at = 1; at < count; at++)
        if (json_is(word, names[at])) return (int32_t)at;
    return 0;
}

/* --- what the library tells ----------------------------------------------------------------------- */

/* At the end of each callback: what the runner wants the host to do in it. */
static void called(struct testee *testee, const char *callback) {
    char does[16];
    struct timespec pause;
    pthread_mutex_lock(&testee->lock);
    if (testee->observers_gone > 0) testee->late++;
    does[0] = 0;
    if (strcmp(testee->on, callback) == 0 && testee->times != 0) {
        strcpy(does, testee->does);
        if (testee->times > 0) testee->times--;
    }
    pause.tv_sec = testee->pause_ms / 1000;
    pause.tv_nsec = testee->pause_ms % 1000 * 1000000;
    pthread_mutex_unlock(&testee->lock);
    if (strcmp(does, "sleep") == 0) nanosleep(&pause, NULL);
    if (strcmp(does, "throw") == 0) lens_callback_failed("on request", 10);
    if (strcmp(does, "close") == 0) lens_participant_close(testee->participant);
}

static void observer_gone(void *user) {
    struct testee *testee = user;
    pthread_mutex_lock(&testee->lock);
    testee->observers_gone++;
    pthread_mutex_unlock(&testee->lock);
}

static void network_gone(void *user) {
    struct testee *testee = user;
    pthread_mutex_lock(&testee->lock);
    testee->networks_gone++;
    pthread_mutex_unlock(&testee->lock);
}

/* As every testee's: all but the first ten bytes, which the server reads, are turned over. */
static void turn(struct testee *testee, uint64_t *passed, const lens_frame_info *info, uint8_t *data,
                 size_t length) {
    size_t at;
    if (info->codec == LENS_CODEC_OPUS) return;
    for (at = 10; at < length; at++) data[at] ^= 0x5a;
    pthread_mutex_lock(&testee->lock);
    (*passed)++;
    pthread_mutex_unlock(&testee->lock);
}

static lens_transformed send_transform(void *user, const lens_frame_info *info, uint8_t *data, size_t *length,
                                       size_t capacity) {
    struct testee *testee = user;
    (void)capacity;
    turn(testee, &testee->sent, info, data, *length);
    return LENS_TRANSFORM_PASS;
}

static lens_transformed receive_transform(void *user, const lens_frame_info *info, uint8_t *data, size_t *length,
                                          size_t capacity) {
    struct testee *testee = user;
    (void)capacity;
    turn(testee, &testee->received, info, data, *length);
    return LENS_TRANSFORM_PASS;
}

static void on_state(void *user, lens_state state, lens_status code) {
    begin_line();
    printf("{\"event\":\"state\",\"state\":\"%s\"", STATES[state]);
    if (code != LENS_STATUS_OK) printf(",\"code\":\"%s\"", lens_status_name(code));
    printf("}");
    end_line();
    called(user, "state");
}

static void on_generation(void *user, uint32_t generation) {
    (void)user;
    begin_line();
    printf("{\"event\":\"generation\",\"generation\":%u}", generation);
    end_line();
}

static void on_frame(void *user, const struct lens_track *track, const struct lens_encoded_frame *frame) {
    struct testee *testee = user;
    if (track->media != LENS_MEDIA_VIDEO) return;
    pthread_mutex_lock(&testee->lock);
    testee->given++;
    if (testee->record != NULL && (testee->recorded > 0 || frame->keyframe)) {
        ivf_add(testee->record, frame->data, frame->length, frame->pts_us / 1000);
        fflush(testee->record);
        testee->recorded++;
    }
    pthread_mutex_unlock(&testee->lock);
    called(testee, "frame");
}

static void on_keyframe_request(void *user) {
    struct testee *testee = user;
    size_t at;
    pthread_mutex_lock(&testee->lock);
    for (at = testee->next_frame; at < testee->clip.count && !testee->clip.frames[at].keyframe; at++) {}
    testee->next_frame = at < testee->clip.count ? at : 0;
    pthread_mutex_unlock(&testee->lock);
}

static void on_talk_ready(void *user, const struct lens_id *participant) {
    struct testee *testee = user;
    uint64_t id;
    begin_line();
    printf("{\"event\":\"talk_ready\",\"participant\":\"%s\"}", participant->text);
    end_line();
    pthread_mutex_lock(&testee->lock);
    char *greeting = testee->greeting;
    pthread_mutex_unlock(&testee->lock);
    if (greeting != NULL) lens_chat_send(testee->participant, greeting, strlen(greeting), &id);
}

static void on_chat(void *user, const struct lens_id *from, uint64_t id, const char *text, size_t length) {
    (void)id;
    begin_line();
    printf("{\"event\":\"chat\",\"from\":\"%s\",\"text\":", from->text);
    json_put(stdout, text, length);
    printf("}");
    end_line();
    called(user, "chat");
}

static void put_command(const struct lens_command *command) {
    printf("{\"command\":\"%s\"", COMMANDS[command->kind]);
    if (command->kind == LENS_COMMAND_TORCH || command->kind == LENS_COMMAND_FREEZE)
        printf(",\"on\":%s", command->on ? "true" : "false");
    if (command->kind == LENS_COMMAND_ZOOM) printf(",\"factor\":%g", (double)command->factor);
    if (command->facing != LENS_FACING_OTHER) printf(",\"facing\":\"%s\"", FACINGS[command->facing]);
    printf("}");
}

/* As every testee: a lamp, no wish to be seen closely, nothing else. */
static void on_command(void *user, uint64_t id, const struct lens_id *from, const struct lens_command *command) {
    struct testee *testee = user;
    lens_outcome outcome = LENS_OUTCOME_UNSUPPORTED;
    begin_line();
    printf("{\"event\":\"command\",\"from\":\"%s\",\"command\":", from->text);
    put_command(command);
    printf("}");
    end_line();
    if (command->kind == LENS_COMMAND_TORCH) outcome = LENS_OUTCOME_DONE;
    if (command->kind == LENS_COMMAND_ZOOM) outcome = LENS_OUTCOME_REFUSED;
    lens_command_reply(testee->participant, id, outcome);
}

static void on_command_reply(void *user, uint64_t id, lens_outcome outcome) {
    (void)user, (void)id;
    begin_line();
    printf("{\"event\":\"command_reply\",\"outcome\":\"%s\"}", OUTCOMES[outcome]);
    end_line();
}

static void on_annotation(void *user, const struct lens_id *from, const struct lens_annotation *drawn) {
    size_t at;
    (void)user;
    begin_line();
    printf("{\"event\":\"annotation\",\"from\":\"%s\",\"annotation\":{\"id\":%llu,\"shape\":\"%s\",\"points\":[",
           from->text, (unsigned long long)drawn->id, SHAPES[drawn->shape]);
    for (at = 0; at < drawn->point_count; at++)
        printf("%s[%g,%g]", at ? "," : "", (double)drawn->points[2 * at], (double)drawn->points[2 * at + 1]);
    printf("]");
    if (drawn->color >= 0) printf(",\"color\":\"#%06x\"", (unsigned)drawn->color);
    printf("}}");
    end_line();
}

static void on_annotation_clear(void *user, const struct lens_id *from, const uint64_t *id) {
    (void)user;
    begin_line();
    printf("{\"event\":\"annotation_clear\",\"from\":\"%s\"", from->text);
    if (id != NULL) printf(",\"id\":%llu", (unsigned long long)*id);
    printf("}");
    end_line();
}

static void send_signal(void *user, uint64_t id, uint32_t attempt, lens_signal_kind kind, const char *json,
                        size_t length) {
    (void)attempt, (void)kind;
    begin_line();
    printf("{\"event\":\"signal\",\"signal_id\":%llu,\"signal\":%.*s}", (unsigned long long)id, (int)length, json);
    end_line();
    called(user, "signal");
}

/* --- the camera: a clip, again and again, at its pace ---------------------------------------------- */

static int push_next(struct testee *testee) {
    struct lens_encoded_frame frame;
    struct timespec now;
    lens_status status;
    size_t at;
    int over;
    pthread_mutex_lock(&testee->lock);
    over = testee->over;
    if (testee->publishing && !over) {
        const struct ivf_frame *next = &testee->clip.frames[testee->next_frame];
        at = testee->next_frame;
        lens_encoded_frame_init(&frame, sizeof frame);
        clock_gettime(CLOCK_MONOTONIC, &now);
        frame.codec = LENS_CODEC_VP8;
        frame.data = next->data;
        frame.length = next->length;
        frame.keyframe = next->keyframe;
        frame.pts_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
        pthread_mutex_unlock(&testee->lock); /* the transform wants it */
        status = lens_participant_push_frame(testee->participant, &frame);
        pthread_mutex_lock(&testee->lock);
        /* Nobody to send to yet is no fault of the camera's. */
        if (status == LENS_STATUS_OK) {
            testee->pushed++;
            if (testee->next_frame == at) testee->next_frame = (at + 1) % testee->clip.count;
        }
    }
    pthread_mutex_unlock(&testee->lock);
    return !over;
}

static void *film(void *user) {
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    while (push_next(user)) {
        due.tv_nsec += FRAME_NS;
        if (due.tv_nsec >= 1000000000) {
            due.tv_nsec -= 1000000000;
            due.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    }
    return NULL;
}

/* --- verbs ---------------------------------------------------------------------------------------- */

static lens_status create(struct testee *testee, lens_role role, int transform) {
    struct lens_participant_config config;
    struct lens_frame_transform sender, receiver;
    struct lens_network network;
    struct lens_observer observer;
    lens_participant_config_init(&config, sizeof config);
    lens_network_init(&network, sizeof network);
    lens_observer_init(&observer, sizeof observer);
    config.role = role;
    lens_frame_transform_init(&sender, sizeof sender);
    lens_frame_transform_init(&receiver, sizeof receiver);
    sender.user_data = receiver.user_data = testee;
    sender.transform = send_transform;
    receiver.transform = receive_transform;
    if (transform) {
        config.sender_transform = &sender;
        config.receiver_transform = &receiver;
    }
    network.user_data = testee;
    network.destroy = network_gone;
    network.send = send_signal;
    observer.user_data = testee;
    observer.destroy = observer_gone;
    observer.on_talk_ready = on_talk_ready;
    observer.on_state = on_state;
    observer.on_generation = on_generation;
    observer.on_frame = on_frame;
    observer.on_keyframe_request = on_keyframe_request;
    observer.on_chat = on_chat;
    observer.on_command = on_command;
    observer.on_command_reply = on_command_reply;
    observer.on_annotation = on_annotation;
    observer.on_annotation_clear = on_annotation_clear;
    return lens_participant_create(engine, &config, &network, &observer, &testee->participant);
}

static lens_status begin(struct testee *testee, struct json call) {
    char *clip = json_text(json_get(call, "clip"), NULL);
    lens_status status = LENS_STATUS_INVALID_ARGUMENT;
    memset(testee, 0, sizeof *testee);
    pthread_mutex_init(&testee->lock, NULL);
    testee->path = json_text(json_get(call, "record"), NULL);
    testee->record = fopen(testee->path, "wb");
    if (testee->record != NULL) ivf_begin(testee->record);
    if (ivf_read(clip, &testee->clip) == 0)
        status = create(testee, json_is(json_get(call, "role"), "camera") ? LENS_ROLE_CAMERA : LENS_ROLE_VIEWER,
                        json_true(json_get(call, "transform")));
    free(clip);
    if (status == LENS_STATUS_OK) pthread_create(&testee->camera, NULL, film, testee);
    return status;
}

static lens_status finish(struct testee *testee) {
    if (testee->participant == 0) return LENS_STATUS_OK;
    lens_participant_destroy(testee->participant);
    pthread_mutex_lock(&testee->lock);
    testee->over = 1;
    pthread_mutex_unlock(&testee->lock);
    pthread_join(testee->camera, NULL);
    if (testee->record != NULL) fclose(testee->record);
    ivf_free(&testee->clip);
    free(testee->path);
    free(testee->greeting);
    pthread_mutex_destroy(&testee->lock);
    memset(testee, 0, sizeof *testee);
    return LENS_STATUS_OK;
}

static lens_status publish(struct testee *testee, int publishing) {
    pthread_mutex_lock(&testee->lock);
    testee->publishing = publishing;
    pthread_mutex_unlock(&testee->lock);
    return LENS_STATUS_OK;
}

static lens_status greet(struct testee *testee, struct json text) {
    pthread_mutex_lock(&testee->lock);
    if (testee->greeting == NULL) testee->greeting = json_text(text, NULL);
    pthread_mutex_unlock(&testee->lock);
    return LENS_STATUS_OK;
}

static void copy_word(char to[16], struct json word) {
    char *text = json_text(word, NULL);
    snprintf(to, 16, "%s", text != NULL ? text : "");
    free(text);
}

/* What the host does from now on. */
static lens_status behave(struct testee *testee, struct json call) {
    pthread_mutex_lock(&testee->lock);
    copy_word(testee->on, json_get(call, "on"));
    copy_word(testee->does, json_get(call, "does"));
    testee->pause_ms = (long)json_integer(json_get(call, "ms"));
    testee->times = json_get(call, "times").at != NULL ? (long)json_integer(json_get(call, "times")) : -1;
    pthread_mutex_unlock(&testee->lock);
    return LENS_STATUS_OK;
}

static void *close_it(void *testee) {
    lens_participant_close(((struct testee *)testee)->participant);
    return NULL;
}

static lens_status close_elsewhere(struct testee *testee, struct json call) {
    pthread_t threads[16];
    size_t count = json_integer(json_get(call, "threads")), at;
    if (count > COUNT(threads)) return LENS_STATUS_INVALID_ARGUMENT;
    for (at = 0; at < count; at++)
        if (pthread_create(&threads[at], NULL, close_it, testee) != 0) return LENS_STATUS_IO;
    for (at = 0; at < count; at++) pthread_join(threads[at], NULL);
    return LENS_STATUS_OK;
}

static lens_status say(struct testee *testee, struct json call) {
    size_t length = 0;
    uint64_t id;
    char *text = json_text(json_get(call, "text"), &length);
    lens_status status = lens_chat_send(testee->participant, text, length, &id);
    free(text);
    return status;
}

static lens_status ask(struct testee *testee, struct json said) {
    struct lens_command command;
    uint64_t id;
    lens_command_init(&command, sizeof command);
    command.kind = number_of(COMMANDS, COUNT(COMMANDS), json_get(said, "command"));
    command.on = json_true(json_get(said, "on"));
    command.factor = (float)json_number(json_get(said, "factor"));
    command.facing = number_of(FACINGS, COUNT(FACINGS), json_get(said, "facing"));
    return lens_command_send(testee->participant, &command, &id);
}

static lens_status draw(struct testee *testee, struct json said) {
    struct lens_annotation drawing;
    struct json points = json_get(said, "points");
    char *color = json_text(json_get(said, "color"), NULL);
    float places[64];
    size_t count = 0;
    for (; count < 32 && json_item(points, count).at != NULL; count++) {
        places[2 * count] = (float)json_number(json_item(json_item(points, count), 0));
        places[2 * count + 1] = (float)json_number(json_item(json_item(points, count), 1));
    }
    lens_annotation_init(&drawing, sizeof drawing);
    drawing.id = json_integer(json_get(said, "id"));
    drawing.shape = number_of(SHAPES, COUNT(SHAPES), json_get(said, "shape"));
    drawing.points = places;
    drawing.point_count = count;
    if (color != NULL && color[0] == '#') drawing.color = (int32_t)strtol(color + 1, NULL, 16);
    free(color);
    return lens_annotation_send(testee->participant, &drawing);
}

static lens_status clear(struct testee *testee, struct json id) {
    uint64_t number = json_integer(id);
    return lens_annotation_clear(testee->participant, id.at == NULL ? NULL : &number);
}

/* Signals that come after the end are harmless: the library says that it is closed. */
static lens_status receive(struct testee *testee, struct json signal) {
    lens_status status = lens_participant_receive(testee->participant, signal.at, signal.length);
    return status == LENS_STATUS_CLOSED ? LENS_STATUS_OK : status;
}

static long entries(const char *folder) {
    DIR *directory = opendir(folder);
    long count = 0;
    while (directory != NULL && readdir(directory) != NULL) count++;
    if (directory != NULL) closedir(directory);
    return count;
}

/* Makes and closes participants; prints what is more than before. Threads end a moment after them. */
static lens_status cycle(FILE *out, struct json call) {
    long threads = entries("/proc/self/task"), files = entries("/proc/self/fd"), rounds;
    uint32_t handles = lens_live_handles();
    uint64_t times = json_integer(json_get(call, "times"));
    const struct timespec pause = {0, 10000000};
    struct testee one;
    for (; times > 0; times--) {
        memset(&one, 0, sizeof one);
        pthread_mutex_init(&one.lock, NULL);
        if (create(&one, LENS_ROLE_VIEWER, 0) != LENS_STATUS_OK) return LENS_STATUS_INTERNAL;
        lens_participant_close(one.participant);
        lens_participant_destroy(one.participant);
        pthread_mutex_destroy(&one.lock);
    }
    for (rounds = 0; rounds < 500 && entries("/proc/self/task") > threads; rounds++) nanosleep(&pause, NULL);
    threads = entries("/proc/self/task") - threads;
    files = entries("/proc/self/fd") - files;
    fprintf(out, "\"left\":{\"participants\":%u,\"threads\":%ld,\"descriptors\":%ld}", lens_live_handles() - handles,
           threads > 0 ? threads : 0, files > 0 ? files : 0);
    return LENS_STATUS_OK;
}

static void put_frames(FILE *out, struct testee *testee) {
    pthread_mutex_lock(&testee->lock);
    fprintf(out, "\"count\":%llu,\"ivf\":", (unsigned long long)testee->recorded);
    json_put(out, testee->path, strlen(testee->path));
    pthread_mutex_unlock(&testee->lock);
}

static void put_state(FILE *out, struct testee *testee) {
    lens_state state = LENS_STATE_CLOSED;
    struct lens_id id;
    uint32_t generation = 0;
    lens_participant_state(testee->participant, &state, NULL);
    lens_participant_id(testee->participant, &id, &generation);
    fprintf(out, "\"state\":\"%s\",\"generation\":%u,\"id\":\"%s\"", STATES[state], generation, id.text);
}

static void put_stats(FILE *out, struct testee *testee) {
    struct lens_stats stats;
    memset(&stats, 0, sizeof stats);
    stats.struct_size = sizeof stats;
    lens_participant_stats(testee->participant, &stats);
    fprintf(out, "\"frames_sent\":%llu,\"frames_delivered\":%llu,\"frames_dropped_queue\":%llu",
           (unsigned long long)stats.frames_sent, (unsigned long long)stats.frames_delivered,
           (unsigned long long)stats.frames_dropped_queue);
}

static void put_transformed(FILE *out, struct testee *testee) {
    pthread_mutex_lock(&testee->lock);
    fprintf(out, "\"sent\":%llu,\"pushed\":%llu,\"received\":%llu,\"given\":%llu",
           (unsigned long long)testee->sent, (unsigned long long)testee->pushed,
           (unsigned long long)testee->received, (unsigned long long)testee->given);
    pthread_mutex_unlock(&testee->lock);
}

/* How often both tables were let go, and what was called after it. */
static void put_ended(FILE *out, struct testee *testee) {
    pthread_mutex_lock(&testee->lock);
    fprintf(out, "\"destroyed\":%d,\"late\":%d",
           testee->observers_gone == testee->networks_gone ? testee->observers_gone : -1, testee->late);
    pthread_mutex_unlock(&testee->lock);
}

/* Calls with handles that are stale, of another kind, or none: how many, and how many did something. */
static void put_stale(FILE *out, struct testee *testee) {
    const lens_participant stale = testee->participant;
    const lens_participant handles[] = {stale, engine, 0, 12345, UINT64_MAX};
    struct lens_command command;
    struct lens_stats stats;
    lens_state state;
    uint64_t id;
    size_t at, calls = 0, done = 0;
    lens_participant_destroy(stale);
    lens_command_init(&command, sizeof command);
    command.kind = LENS_COMMAND_SNAPSHOT;
    memset(&stats, 0, sizeof stats);
    stats.struct_size = sizeof stats;
    for (at = 0; at < COUNT(handles); at++) {
        const lens_participant handle = handles[at];
        const lens_status answers[] = {
            lens_participant_close(handle),
            lens_participant_destroy(handle),
            lens_participant_state(handle, &state, NULL),
            lens_participant_stats(handle, &stats),
            lens_participant_receive(handle, "{\"kind\":\"bye\"}", 14),
            lens_participant_signal_sent(handle, 1),
            lens_participant_set_paused(handle, 1),
            lens_participant_network_changed(handle),
            lens_participant_leave(handle, NULL, 0),
            lens_chat_send(handle, "late", 4, &id),
            lens_command_send(handle, &command, &id),
            lens_annotation_clear(handle, NULL),
        };
        size_t answer;
        for (answer = 0; answer < COUNT(answers); answer++, calls++)
            if (answers[answer] != LENS_STATUS_INVALID_HANDLE) done++;
    }
    fprintf(out, "\"calls\":%zu,\"done\":%zu", calls, done);
}

/* Does a verb that only answers whether it was done. */
static lens_status act(struct testee *testee, struct json verb, struct json call) {
    uint64_t signal = json_integer(json_get(call, "signal_id"));
    if (json_is(verb, "begin")) return begin(testee, call);
    if (json_is(verb, "finish")) return finish(testee);
    if (json_is(verb, "receive")) return receive(testee, json_get(call, "signal"));
    if (json_is(verb, "sent")) return lens_participant_signal_sent(testee->participant, signal), LENS_STATUS_OK;
    if (json_is(verb, "failed")) {
        lens_participant_signal_failed(testee->participant, signal, json_true(json_get(call, "retryable")));
        return LENS_STATUS_OK;
    }
    if (json_is(verb, "publish")) return publish(testee, 1);
    if (json_is(verb, "unpublish")) return publish(testee, 0);
    if (json_is(verb, "chat")) return say(testee, call);
    if (json_is(verb, "command")) return ask(testee, json_get(call, "command"));
    if (json_is(verb, "annotate")) return draw(testee, json_get(call, "annotation"));
    if (json_is(verb, "clear")) return clear(testee, json_get(call, "annotation"));
    if (json_is(verb, "close")) return lens_participant_close(testee->participant);
    if (json_is(verb, "close_elsewhere")) return close_elsewhere(testee, call);
    if (json_is(verb, "greet")) return greet(testee, json_get(call, "text"));
    if (json_is(verb, "host")) return behave(testee, call);
    if (json_is(verb, "network_changed")) return lens_participant_network_changed(testee->participant);
    if (json_is(verb, "panic")) return lens_test_panic(testee->participant);
    return LENS_STATUS_UNSUPPORTED;
}

/* Does a verb whose answer has words, writing them to `out`; whether it was one. */
static int tell(FILE *out, struct testee *testee, struct json verb, struct json call) {
    if (json_is(verb, "frames")) return put_frames(out, testee), 1;
    if (json_is(verb, "state")) return put_state(out, testee), 1;
    if (json_is(verb, "stats")) return put_stats(out, testee), 1;
    if (json_is(verb, "transformed")) return put_transformed(out, testee), 1;
    if (json_is(verb, "ended")) return put_ended(out, testee), 1;
    if (json_is(verb, "stale")) return put_stale(out, testee), 1;
    return json_is(verb, "cycle") && cycle(out, call) == LENS_STATUS_OK;
}

static void answer(struct testee *testee, struct json call) {
    struct json verb = json_get(call, "do");
    unsigned long long id = json_integer(json_get(call, "id"));
    char *words = NULL, message[512] = "";
    size_t length = 0;
    /* Gathered apart: a verb may wait for callbacks, which say lines of their own. */
    FILE *gathered = open_memstream(&words, &length);
    lens_status status = LENS_STATUS_OK;
    int told = tell(gathered, testee, verb, call);
    fclose(gathered);
    if (!told) status = act(testee, verb, call);
    lens_last_error_message(message, sizeof message);
    begin_line();
    if (status == LENS_STATUS_OK) {
        printf("{\"id\":%llu,\"ok\":{%s}}", id, words);
    } else {
        printf("{\"id\":%llu,\"error\":\"%s\",\"detail\":", id, lens_status_name(status));
        json_put(stdout, message, strlen(message));
        printf("}");
    }
    end_line();
    free(words);
}

int main(void) {
    static struct testee testee;
    struct lens_engine_config config;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    lens_engine_config_init(&config, sizeof config);
    if (lens_engine_create(&config, &engine) != LENS_STATUS_OK) return 1;
    while ((length = getline(&line, &room, stdin)) > 0) {
        struct json call = {line, (size_t)length};
        answer(&testee, call);
    }
    finish(&testee);
    free(line);
    lens_engine_destroy(engine);
    return 0;
}
