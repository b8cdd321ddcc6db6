/*
 * A viewer: writes the camera's picture to a file (IVF, VP8), until standard input ends.
 *
 *   viewer out.ivf < signals-for-us > signals-from-us
 *
 * Two more lines of standard input: `torch` asks the camera for its lamp, `say WORDS` says something
 * to the others.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdatomic.h>

#include "ivf.h"
#include "signals.h"

struct viewer {
    FILE *out;
    long frames;
    atomic_int over;
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
    struct viewer *viewer = user_data;
    fprintf(stderr, "state %d %s\n", (int)state, lens_status_name(code));
    if (state == LENS_STATE_CLOSED || state == LENS_STATE_FAILED) viewer->over = 1;
}

/* The bytes are ours until this returns. */
static void on_frame(void *user_data, const lens_track *track, const lens_encoded_frame *frame) {
    struct viewer *viewer = user_data;
    if (track->media != LENS_MEDIA_VIDEO || frame->codec != LENS_CODEC_VP8) return;
    if (viewer->frames == 0 && !frame->keyframe) return;
    ivf_add(viewer->out, frame->data, frame->length, frame->pts_us / 1000);
    if (++viewer->frames % 30 == 0) fprintf(stderr, "frames %ld\n", viewer->frames);
}

static void on_command_reply(void *user_data, uint64_t id, lens_outcome outcome) {
    static const char *const words[] = {"unknown", "done", "refused", "unsupported", "failed"};
    (void)user_data;
    fprintf(stderr, "command %llu %s\n", (unsigned long long)id,
            words[outcome >= 1 && outcome <= 4 ? outcome : 0]);
}

/* While the queue is full a program waits and says it again; this one tells its user. */
static void said(lens_status status, const char *what) {
    if (status != LENS_STATUS_OK) fprintf(stderr, "%s: %s\n", what, lens_status_sentence(status));
}

static void talk(lens_participant participant, const char *line) {
    uint64_t number;
    if (strcmp(line, "torch") == 0) {
        lens_command command;
        lens_command_init(&command, sizeof command);
        command.kind = LENS_COMMAND_TORCH;
        command.on = 1;
        said(lens_command_send(participant, &command, &number), "torch");
    } else if (strncmp(line, "say ", 4) == 0) {
        said(lens_chat_send(participant, line + 4, strlen(line + 4), &number), "say");
    }
}

int main(int count, char **arguments) {
    struct viewer viewer;
    lens_participant participant;
    lens_engine engine;
    lens_participant_config config;
    lens_network network;
    lens_observer observer;
    lens_stats stats;
    char *line;
    int more;

    memset(&viewer, 0, sizeof viewer);
    if (count != 2) {
        fprintf(stderr, "usage: viewer out.ivf\n");
        return 2;
    }
    if ((viewer.out = fopen(arguments[1], "wb")) == NULL) {
        perror(arguments[1]);
        return 1;
    }
    ivf_begin(viewer.out);
    must(lens_engine_create(NULL, &engine), "engine");
    must(lens_participant_config_init(&config, sizeof config), "config");
    config.role = LENS_ROLE_VIEWER;
    must(lens_network_init(&network, sizeof network), "network");
    network.send = signals_send;
    must(lens_observer_init(&observer, sizeof observer), "observer");
    observer.user_data = &viewer;
    observer.on_state = on_state;
    observer.on_frame = on_frame;
    observer.on_command_reply = on_command_reply;
    must(lens_participant_create(engine, &config, &network, &observer, &participant),
         "participant");

    while (!viewer.over && (more = signals_line(&line)) >= 0)
        if (more && !signals_take(participant, line)) talk(participant, line);
    must(lens_stats_init(&stats, sizeof stats), "stats");
    must(lens_participant_stats(participant, &stats), "stats");
    fprintf(stderr, "%llu frames received, %llu shown, %llu late, %llu undecodable, %llu too many\n",
            (unsigned long long)stats.frames_received, (unsigned long long)stats.frames_delivered,
            (unsigned long long)stats.frames_dropped_late,
            (unsigned long long)stats.frames_dropped_undecodable,
            (unsigned long long)stats.frames_dropped_queue);
    lens_engine_destroy(engine); /* after it no callback runs, and the file is ours again */
    fclose(viewer.out);
    return 0;
}
