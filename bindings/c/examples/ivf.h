/*
 * IVF files: 32 bytes of header, then frames of a 12-byte header each. Little-endian. For the
 * examples; a real camera has an encoder in place of a file.
 */
#ifndef IVF_H
#define IVF_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ivf_frame {
    uint8_t *data;
    uint32_t length;
    uint8_t keyframe;
};

struct ivf_clip {
    struct ivf_frame *frames;
    size_t count;
    uint32_t rate, scale; /* rate / scale frames a second */
};

static inline uint32_t ivf_u32(const uint8_t *at) {
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline void ivf_put(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

static inline void ivf_free(struct ivf_clip *clip) {
    for (size_t i = 0; i < clip->count; i++) free(clip->frames[i].data);
    free(clip->frames);
    memset(clip, 0, sizeof *clip);
}

/* Reads a clip of VP8 that begins with a keyframe; 0 when it did. The first frame that is cut off
 * ends it. */
static inline int ivf_read(const char *path, struct ivf_clip *clip) {
    uint8_t header[32], frame[12];
    FILE *file = fopen(path, "rb");
    int good;
    memset(clip, 0, sizeof *clip);
    if (file == NULL) return -1;
    good = fread(header, 1, 32, file) == 32 && memcmp(header, "DKIF", 4) == 0 &&
           memcmp(header + 8, "VP80", 4) == 0;
    if (good) {
        clip->rate = ivf_u32(header + 16);
        clip->scale = ivf_u32(header + 20);
        good = clip->rate > 0 && clip->scale > 0;
    }
    while (good && fread(frame, 1, 12, file) == 12) {
        struct ivf_frame next = {NULL, ivf_u32(frame), 0};
        void *larger = realloc(clip->frames, (clip->count + 1) * sizeof next);
        if (larger == NULL) break;
        clip->frames = (struct ivf_frame *)larger;
        if (next.length == 0 || next.length > 2u << 20) break;
        next.data = (uint8_t *)malloc(next.length);
        if (next.data == NULL || fread(next.data, 1, next.length, file) != next.length) {
            free(next.data);
            break;
        }
        next.keyframe = (next.data[0] & 1) == 0; /* RFC 6386, 9.1 */
        clip->frames[clip->count++] = next;
    }
    fclose(file);
    if (clip->count > 0 && clip->frames[0].keyframe) return 0;
    ivf_free(clip);
    return -1;
}

/* Begins a file of VP8 whose times are in milliseconds. */
static inline void ivf_begin(FILE *file) {
    uint8_t header[32] = {'D', 'K', 'I', 'F', 0, 0, 32, 0, 'V', 'P', '8', '0'};
    ivf_put(header + 16, 1000);
    ivf_put(header + 20, 1);
    fwrite(header, 1, sizeof header, file);
}

static inline void ivf_add(FILE *file, const uint8_t *data, size_t length, uint64_t pts_ms) {
    uint8_t header[12];
    ivf_put(header, (uint32_t)length);
    ivf_put(header + 4, (uint32_t)pts_ms);
    ivf_put(header + 8, (uint32_t)(pts_ms >> 32));
    fwrite(header, 1, sizeof header, file);
    fwrite(data, 1, length, file);
}

#endif
