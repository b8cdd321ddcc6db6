/*
 * As much JSON as a testee needs: the value of a name in an object, without copying. Lines come from
 * the runner, which writes them by a library; still nothing is read beyond `length`.
 */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A value as it stands in the text: strings with their quotes. `at` is NULL for none. */
struct json {
    const char *at;
    size_t length;
};

static inline size_t json_blank(const char *text, size_t at, size_t length) {
    while (at < length && strchr(" \t\r\n", text[at]) != NULL) at++;
    return at;
}

/* Where the value that begins at `at` ends. */
static inline size_t json_end(const char *text, size_t at, size_t length) {
    int depth = 0, quoted = 0;
    for (; at < length; at++) {
        char c = text[at];
        if (quoted) {
            if (c == '\\') at++;
            else if (c == '"') quoted = 0;
        } else if (c == '"') {
            quoted = 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0) return at;
            depth--;
        } else if (c == ',' && depth == 0) {
            return at;
        }
    }
    return length;
}

/* The value of `name` in an object. */
static inline struct json json_get(struct json object, const char *name) {
    const struct json none = {NULL, 0};
    size_t at = 1, size = strlen(name);
    if (object.at == NULL || object.length == 0 || object.at[0] != '{') return none;
    for (;;) {
        size_t from, to;
        int same;
        at = json_blank(object.at, at, object.length);
        if (at + size + 2 >= object.length || object.at[at] != '"') return none;
        same = memcmp(object.at + at + 1, name, size) == 0 && object.at[at + 1 + size] == '"';
        while (at < object.length && object.at[at] != ':') at++;
        from = json_blank(object.at, at + 1, object.length);
        to = json_end(object.at, from, object.length);
        if (same) {
            struct json found = {object.at + from, to - from};
            return found;
        }
        if (to >= object.length || object.at[to] != ',') return none;
        at = to + 1;
    }
}

/* The element of a list; none beyond its end. */
static inline struct json json_item(struct json list, size_t number) {
    const struct json none = {NULL, 0};
    size_t at = 1;
    if (list.at == NULL || list.length < 2 || list.at[0] != '[') return none;
    for (;; number--) {
        size_t from = json_blank(list.at, at, list.length);
        size_t to = json_end(list.at, from, list.length);
        if (to == from) return none;
        if (number == 0) {
            struct json found = {list.at + from, to - from};
            return found;
        }
        if (to >= list.length || list.at[to] != ',') return none;
        at = to + 1;
    }
}

static inline int json_is(struct json value, const char *word) {
    size_t size = strlen(word);
    return value.at != NULL && value.length == size + 2 && memcmp(value.at + 1, word, size) == 0;
}

static inline double json_number(struct json value) {
    return value.at == NULL ? 0 : strtod(value.at, NULL);
}

static inline uint64_t json_integer(struct json value) {
    return value.at == NULL ? 0 : strtoull(value.at, NULL, 10);
}

static inline int json_true(struct json value) {
    return value.at != NULL && value.at[0] == 't';
}

/* A string without quotes and escapes, as UTF-8 and with a zero byte; to be freed. Escapes by number
 * are not read: the runner writes none. */
static inline char *json_text(struct json value, size_t *length) {
    char *text = (char *)calloc(1, value.length + 1);
    size_t from, to = 0;
    for (from = 1; text != NULL && value.at != NULL && from + 1 < value.length; from++) {
        char c = value.at[from];
        if (c == '\\') {
            c = value.at[++from];
            if (c == 'n') c = '\n';
            else if (c == 't') c = '\t';
        }
        text[to++] = c;
    }
    if (length != NULL) *length = to;
    return text;
}

/* Writes a string with quotes and escapes. */
static inline void json_put(FILE *out, const char *text, size_t length) {
    size_t at;
    fputc('"', out);
    for (at = 0; at < length; at++) {
        unsigned char c = (unsigned char)text[at];
        if (c == '"' || c == '\\') fprintf(out, "\\%c", c);
        else if (c < 0x20) fprintf(out, "\\u%04x", c);
        else fputc(c, out);
    }
    fputc('"', out);
}

#endif
