/*
 * A camera: streams a clip (IVF, VP8) into a conference, over and over, until standard input ends.
 *
 *   camera clip.ivf < signals-for-us > signals-from-us
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "ivf.h"
#include "signals.h"

struct camera {
    lens_participant participant;
    struct ivf_clip clip;
    atomic_int want_keyframe, over;
};

/* Ends the program when a call fails. */
static void must(lens_status status, const char *what) {
    char message[200];
    if (status == LENS_STATUS_OK) return;
    lens_last_error_message(message, sizeof message);
    fprintf(stderr, "%s: %s: %s\n", what, lens_status_name(status), message);
    exit(1);
}

static void on_state(void *user_data, lens_state state, lens_status code) {
    struct camera *camera = user_data;
    fprintf(stderr, "state %d %s\n", (int)state, lens_status_name(code));
    if (state == LENS_STATE_CLOSED || state == LENS_STATE_FAILED) camera->over = 1;
}

/* An encoder would be told to make one; a clip begins anew. */
static void on_keyframe_request(void *user_data) {
    ((struct camera *)user_data)->want_keyframe = 1;
}

static void on_bitrate(void *user_data, uint32_t target_bps, uint32_t max_fps) {
    (void)user_data;
    fprintf(stderr, "encode at most %u bit/s, %u pictures a second\n", target_bps, max_fps);
}

/* A clip has no lamp. A phone would ask its owner here, and answer later. */
static void on_command(void *user_data, uint64_t id, const lens_id *from,
                       const lens_command *command) {
    struct camera *camera = user_data;
    fprintf(stderr, "command %d of %s\n", (int)command->kind, from->text);
    lens_command_reply(camera->participant, id, LENS_OUTCOME_REFUSED);
}

static void on_chat(void *user_data, const lens_id *from, uint64_t id, const char *text,
                    size_t length) {
    (void)user_data;
    (void)id;
    fprintf(stderr, "chat %s: %.*s\n", from->text, (int)length, text);
}

/* Pushes the clip's frames at their pace until it is over. Before there is a connection they are
 * dropped, and a keyframe is asked for once there is one. */
static void *film(void *argument) {
    struct camera *camera = argument;
    struct ivf_clip *clip = &camera->clip;
    uint64_t step_us = UINT64_C(1000000) * clip->scale / clip->rate, pts_us = 0;
    struct timespec step = {(time_t)(step_us / 1000000), (long)(step_us % 1000000) * 1000};
    size_t next = 0;
    while (!camera->over) {
        lens_encoded_frame frame;
        if (atomic_exchange(&camera->want_keyframe, 0)) next = 0;
        lens_encoded_frame_init(&frame, sizeof frame);
        frame.codec = LENS_CODEC_VP8;
        frame.data = clip->frames[next].data;
        frame.length = clip->frames[next].length;
        frame.keyframe = clip->frames[next].keyframe;
        frame.pts_us = pts_us;
        if (lens_participant_push_frame(camera->participant, &frame) == LENS_STATUS_CLOSED) break;
        pts_us += step_us;
        next = (next + 1) % clip->count;
        nanosleep(&step, NULL);
    }
    return NULL;
}

int main(int count, char **arguments) {
    struct camera camera;
    lens_engine engine;
    lens_participant_config config;
    lens_network network;
    lens_observer observer;
    lens_stats stats;
    pthread_t filming;
    char *line;
    int more;

    memset(&camera, 0, sizeof camera);
    if (count != 2) {
        fprintf(stderr, "usage: camera clip.ivf\n");
        return 2;
    }
    if (ivf_read(arguments[1], &camera.clip) != 0) {
        fprintf(stderr, "%s: no clip of VP8 in IVF that begins with a keyframe\n", arguments[1]);
        return 1;
    }
    must(lens_engine_create(NULL, &engine), "engine");
    must(lens_participant_config_init(&config, sizeof config), "config");
    config.role = LENS_ROLE_CAMERA;
    must(lens_network_init(&network, sizeof network), "network");
    network.send = signals_send;
    must(lens_observer_init(&observer, sizeof observer), "observer");
    observer.user_data = &camera;
    observer.on_state = on_state;
    observer.on_keyframe_request = on_keyframe_request;
    observer.on_bitrate = on_bitrate;
    observer.on_command = on_command;
    observer.on_chat = on_chat;
    must(lens_participant_create(engine, &config, &network, &observer, &camera.participant),
         "participant");
    if (pthread_create(&filming, NULL, film, &camera) != 0) return 1;

    while (!camera.over && (more = signals_line(&line)) >= 0)
        if (more) signals_take(camera.participant, line);
    camera.over = 1;
    pthread_join(filming, NULL);
    must(lens_stats_init(&stats, sizeof stats), "stats");
    must(lens_participant_stats(camera.participant, &stats), "stats");
    fprintf(stderr, "%llu frames sent, %llu dropped, %llu keyframes asked for\n",
            (unsigned long long)stats.frames_sent,
            (unsigned long long)stats.frames_dropped_sending,
            (unsigned long long)stats.keyframe_requests_received);
    lens_engine_destroy(engine); /* and its participant; no callback runs after it */
    ivf_free(&camera.clip);
    return 0;
}
