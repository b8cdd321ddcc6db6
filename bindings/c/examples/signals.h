/*
 * Signalling of the examples: a line of JSON each way on standard input and output. Replace it by
 * yours: a WebSocket, your own server, anything that carries text.
 *
 *   out  {"id":1,"kind":"answer",...}   a signal to be delivered; say what became of it:
 *   in   sent 1                         the server took it
 *        failed 1                       it could not be carried; the library tries again
 *        refused 1 CODE                 the server refused it, with the code of its problem answer
 *        bye                            leave the conference
 *        {...}                          a signal that arrived; the first one is the answer of
 *                                       POST /v1/conferences/{id}/participants
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lens_media.h"

/* For lens_network.send. */
static inline void signals_send(void *user_data, uint64_t id, uint32_t attempt,
                                lens_signal_kind kind, const char *json, size_t length) {
    (void)user_data;
    (void)attempt;
    (void)kind;
    /* An object: its id goes in front of its own fields. */
    printf("{\"id\":%llu,%.*s\n", (unsigned long long)id, (int)(length - 1), json + 1);
    fflush(stdout);
}

/* Takes a line; 0 when it is none of signalling. */
static inline int signals_take(lens_participant participant, const char *line) {
    unsigned long long id;
    char code[64];
    if (line[0] == '{') {
        lens_status status = lens_participant_receive(participant, line, strlen(line));
        if (status != LENS_STATUS_OK && status != LENS_STATUS_CLOSED)
            fprintf(stderr, "bad signal: %s\n", lens_status_name(status));
    } else if (strcmp(line, "bye") == 0) {
        lens_participant_leave(participant, NULL, 0);
    } else if (sscanf(line, "sent %llu", &id) == 1) {
        lens_participant_signal_sent(participant, id);
    } else if (sscanf(line, "failed %llu", &id) == 1) {
        lens_participant_signal_failed(participant, id, 1);
    } else if (sscanf(line, "refused %llu %63s", &id, code) == 2) {
        lens_status known = lens_status_from_name(code, strlen(code));
        if (lens_participant_signal_refused(participant, id, known) != LENS_STATUS_OK)
            lens_participant_signal_failed(participant, id, 0);
    } else {
        return 0;
    }
    return 1;
}

/* The next line of standard input, without its end; 1 when there is one, 0 while there is none, -1
 * when no more will come. Waits at most 100 ms. */
static inline int signals_line(char **line) {
    static char *buffer = NULL;
    static size_t used = 0, capacity = 0, taken = 0;
    struct pollfd input = {0, POLLIN, 0};
    for (;;) {
        char *end;
        if (taken > 0) memmove(buffer, buffer + taken, used -= taken);
        taken = 0;
        end = used ? (char *)memchr(buffer, '\n', used) : NULL;
        if (end != NULL) {
            *end = 0;
            *line = buffer;
            taken = (size_t)(end - buffer) + 1;
            return 1;
        }
        if (capacity - used < 4096) {
            char *larger = (char *)realloc(buffer, capacity += 65536);
            if (larger == NULL) return -1;
            buffer = larger;
        }
        if (poll(&input, 1, 100) <= 0) return 0;
        ssize_t length = read(0, buffer + used, capacity - used);
        if (length <= 0) {
            free(buffer);
            buffer = NULL;
            used = capacity = 0;
            return -1;
        }
        used += (size_t)length;
    }
}

#endif
