/* Each function of the header, given what no caller should give it: refused by name, never a crash,
 * and nothing half done. `programs.rs` sees to it that none is missing here. */
#include <limits.h>
#include <math.h>

#include "check.h"

#define BAD LENS_STATUS_INVALID_ARGUMENT

static lens_engine engine;
static struct host host;
static lens_participant p;

/* Memory for any struct, whose first four bytes say a size. */
static _Alignas(16) unsigned char memory[8192];

static void *sized(uint32_t size, int filling) {
    memset(memory, filling, sizeof memory);
    memcpy(memory, &size, sizeof size);
    return memory;
}

/* Each `_init`: its struct's size, and what it makes of NULL, a short, a huge and a longer one. */
typedef lens_status (*init_fn)(void *, uint32_t);
#define INIT(name)                                                                     \
    static lens_status init_##name(void *to, uint32_t size) {                          \
        return lens_##name##_init(to, size);                                           \
    }
INIT(engine_config)
INIT(participant_config)
INIT(network)
INIT(observer)
INIT(encoded_frame)
INIT(frame_transform)
INIT(command)
INIT(annotation)
INIT(stats)

static const struct {
    init_fn init;
    uint32_t size;
} inits[] = {
    {init_engine_config, sizeof(lens_engine_config)},
    {init_participant_config, sizeof(lens_participant_config)},
    {init_network, sizeof(lens_network)},
    {init_observer, sizeof(lens_observer)},
    {init_encoded_frame, sizeof(lens_encoded_frame)},
    {init_frame_transform, sizeof(lens_frame_transform)},
    {init_command, sizeof(lens_command)},
    {init_annotation, sizeof(lens_annotation)},
    {init_stats, sizeof(lens_stats)},
};

static void inits_write_as_much_as_they_are_told(void) {
    for (size_t i = 0; i < sizeof inits / sizeof *inits; i++) {
        uint32_t size = inits[i].size, written;
        CHECK(inits[i].init(NULL, size) == BAD);
        CHECK(inits[i].init(memory + 1, size) == BAD);
        for (size_t bad = 0; bad < 4; bad++) {
            const uint32_t sizes[] = {0, 4, 4097, UINT32_MAX};
            memset(memory, 0xee, sizeof memory);
            CHECK(inits[i].init(memory, sizes[bad]) == BAD);
            CHECK(memory[0] == 0xee && memory[8] == 0xee);
        }
        for (uint32_t longer = 0; longer <= 8; longer += 8) {
            memset(memory, 0xee, sizeof memory);
            OK(inits[i].init(memory, size + longer));
            memcpy(&written, memory, sizeof written);
            CHECK(written == size + longer && memory[size + longer] == 0xee);
            for (uint32_t at = size; at < size + longer; at++) CHECK(memory[at] == 0);
        }
    }
}

/* Calls that read a struct of the host's. */
static lens_status with_engine_config(const void *config) {
    lens_engine made = 7;
    lens_status status = lens_engine_create(config, &made);
    CHECK(status == LENS_STATUS_OK || made == 0);
    return status;
}

static lens_status create(const void *config, const void *network, const void *observer) {
    lens_participant made = 7;
    lens_status status = lens_participant_create(engine, config, network, observer, &made);
    CHECK(status != LENS_STATUS_OK && made == 0);
    return status;
}

static lens_participant_config viewer;
static lens_network carrier;

static lens_status with_participant_config(const void *config) {
    return create(config, &carrier, NULL);
}

static lens_status with_network(const void *network) { return create(&viewer, network, NULL); }

static lens_status with_observer(const void *observer) {
    return create(&viewer, &carrier, observer);
}

static lens_status with_sender_transform(const void *stage) {
    lens_participant_config config = viewer;
    config.sender_transform = stage;
    return create(&config, &carrier, NULL);
}

static lens_status with_receiver_transform(const void *stage) {
    lens_participant_config config = viewer;
    config.receiver_transform = stage;
    return create(&config, &carrier, NULL);
}

static lens_status with_frame(const void *frame) { return lens_participant_push_frame(p, frame); }

static lens_status with_command(const void *command) {
    uint64_t id = 7;
    lens_status status = lens_command_send(p, command, &id);
    CHECK(id == 7);
    return status;
}

static lens_status with_annotation(const void *drawing) { return lens_annotation_send(p, drawing); }

static lens_status with_stats(const void *stats) {
    return lens_participant_stats(p, (lens_stats *)stats);
}

static const struct {
    lens_status (*call)(const void *);
    uint32_t size;
    int may_be_null, written;
} readers[] = {
    {with_engine_config, sizeof(lens_engine_config), 1, 0},
    {with_participant_config, sizeof(lens_participant_config), 0, 0},
    {with_network, sizeof(lens_network), 0, 0},
    {with_observer, sizeof(lens_observer), 1, 0},
    {with_sender_transform, sizeof(lens_frame_transform), 1, 0},
    {with_receiver_transform, sizeof(lens_frame_transform), 1, 0},
    {with_frame, sizeof(lens_encoded_frame), 0, 0},
    {with_command, sizeof(lens_command), 0, 0},
    {with_annotation, sizeof(lens_annotation), 0, 0},
    {with_stats, sizeof(lens_stats), 0, 1},
};

static void structs_without_their_size_are_refused(void) {
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        const uint32_t sizes[] = {0, 4, 8, 4097, 0xeeeeeeee, UINT32_MAX};
        if (!readers[i].may_be_null) CHECK(readers[i].call(NULL) == BAD);
        CHECK(readers[i].call(memory + 1) == BAD);
        for (size_t bad = 0; bad < sizeof sizes / sizeof *sizes; bad++)
            CHECK(readers[i].call(sized(sizes[bad], 0)) == BAD);
        /* A newer header's field that is in use. */
        if (!readers[i].written)
            CHECK(readers[i].call(sized(readers[i].size + 8, 0xee)) == LENS_STATUS_UNSUPPORTED);
        else
            OK(readers[i].call(sized(readers[i].size + 8, 0xee)));
    }
}

/* Numbers outside their lists and ranges. */
static void fields_outside_their_range_are_refused(void) {
    lens_engine_config engine_config;
    lens_engine made;
    OK(lens_engine_config_init(&engine_config, sizeof engine_config));
    engine_config.udp = engine_config.tcp = 0;
    CHECK(lens_engine_create(&engine_config, &made) == BAD);
    OK(lens_engine_config_init(&engine_config, sizeof engine_config));
    engine_config.addresses_length = 5;
    CHECK(lens_engine_create(&engine_config, &made) == BAD);
    engine_config.addresses = "\xff\xff\xff\xff\xff";
    CHECK(lens_engine_create(&engine_config, &made) == BAD);
    CHECK(lens_engine_create(&engine_config, (lens_engine *)(memory + 1)) == BAD);

    static const struct {
        size_t field;
        uint32_t low, high;
    } ranges[] = {
        {offsetof(lens_participant_config, role), 0, 3},
        {offsetof(lens_participant_config, signal_timeout_ms), 999, 120001},
        {offsetof(lens_participant_config, max_video_kbps), 49, 20001},
        {offsetof(lens_participant_config, max_fps), 0, 121},
        {offsetof(lens_participant_config, playout_min_ms), 251, UINT32_MAX},
        {offsetof(lens_participant_config, playout_max_ms), 19, 2001},
        {offsetof(lens_participant_config, frame_queue), 0, 1001},
        {offsetof(lens_participant_config, message_queue), 0, 10001},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const uint32_t values[] = {ranges[i].low, ranges[i].high, UINT32_MAX};
        for (size_t bad = 0; bad < 3; bad++) {
            lens_participant_config config = viewer;
            memcpy((char *)&config + ranges[i].field, &values[bad], sizeof values[bad]);
            CHECK(create(&config, &carrier, NULL) == BAD);
        }
    }

    const int32_t none[] = {INT32_MIN, -1, 6, 99, INT32_MAX};
    for (size_t bad = 0; bad < sizeof none / sizeof *none; bad++) {
        lens_command command;
        lens_annotation drawing;
        lens_encoded_frame frame;
        const float points[4] = {0};
        const uint8_t bytes[4] = {0};
        CHECK(lens_participant_set_muted(p, none[bad], 1) == BAD);
        CHECK(lens_participant_request_offer(p, none[bad]) == BAD);
        CHECK(lens_participant_signal_refused(p, 1, none[bad]) == BAD);
        CHECK(lens_command_reply(p, 1, none[bad]) == BAD);
        CHECK(lens_set_log_callback(none[bad], NULL, NULL, NULL) == BAD);
        CHECK(strcmp(lens_status_name(none[bad] == 6 || none[bad] == 99 ? 97 : none[bad]),
                     "unknown") == 0);
        CHECK(lens_status_sentence(none[bad])[0] != 0);
        OK(lens_command_init(&command, sizeof command));
        command.kind = none[bad];
        CHECK(with_command(&command) == BAD);
        command.kind = LENS_COMMAND_SWITCH_CAMERA;
        command.facing = none[bad];
        CHECK(with_command(&command) == BAD);
        OK(lens_annotation_init(&drawing, sizeof drawing));
        drawing.shape = none[bad] == 6 ? 7 : none[bad];
        drawing.points = points;
        drawing.point_count = 2;
        CHECK(lens_annotation_send(p, &drawing) == BAD);
        OK(lens_encoded_frame_init(&frame, sizeof frame));
        frame.codec = none[bad];
        frame.data = bytes;
        frame.length = sizeof bytes;
        CHECK(lens_participant_push_frame(p, &frame) == BAD);
    }
}

static void numbers_that_are_none_are_refused(void) {
    const float bad[] = {NAN, INFINITY, -INFINITY, -0.5f, 1e30f};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lens_command command;
        lens_annotation drawing;
        float points[2] = {0.5f, bad[i]};
        OK(lens_command_init(&command, sizeof command));
        command.kind = LENS_COMMAND_ZOOM;
        command.factor = bad[i];
        CHECK(with_command(&command) == BAD);
        OK(lens_annotation_init(&drawing, sizeof drawing));
        drawing.shape = LENS_SHAPE_POINT;
        drawing.points = points;
        drawing.point_count = 1;
        CHECK(lens_annotation_send(p, &drawing) == BAD);
        points[1] = 0.5f;
        drawing.width = bad[i];
        CHECK(lens_annotation_send(p, &drawing) == BAD);
        drawing.width = -1.0f;
        drawing.color = i % 2 ? -2 : 0x1000000;
        CHECK(lens_annotation_send(p, &drawing) == BAD);
        drawing.color = -1;
        drawing.text_length = 3;
        drawing.text = "\xff\xff\xff";
        CHECK(lens_annotation_send(p, &drawing) == BAD);
        drawing.text = NULL;
        CHECK(lens_annotation_send(p, &drawing) == BAD);
    }
}

/* A text that is NULL, no UTF-8, or longer than memory. */
static void texts_are_checked(void) {
    static const struct {
        const char *text;
        size_t length;
    } bad[] = {{NULL, 1}, {"\xff", 1}, {"\xed\xa0\x80", 3}, {"x", SIZE_MAX}, {NULL, SIZE_MAX}};
    lens_id id;
    memset(&id, 'x', sizeof id);
    CHECK(lens_key_message_send(p, &id, "x", 1) == BAD);
    CHECK(lens_key_message_send(p, NULL, "x", 1) == BAD);
    strcpy(id.text, "0199d1f2-0000-7000-8000-000000000003");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t number = 7;
        CHECK(lens_chat_send(p, bad[i].text, bad[i].length, &number) == BAD && number == 7);
        CHECK(lens_participant_receive(p, bad[i].text, bad[i].length) == BAD);
        CHECK(lens_participant_leave(p, bad[i].text, bad[i].length) == BAD);
        CHECK(lens_key_message_send(p, &id, bad[i].text, bad[i].length) == BAD);
        CHECK(lens_callback_failed(bad[i].text, bad[i].length) == BAD);
        CHECK(lens_status_from_name(bad[i].text, bad[i].length) == 0);
    }
    CHECK(lens_callback_failed("x", 1) == LENS_STATUS_INVALID_STATE);
    CHECK(lens_last_error_message(NULL, 100) > 0 && lens_last_error_message((char *)memory, 0) > 0);
}

/* A place for a result that cannot be written: nothing was done. */
static void results_need_a_place(void) {
    lens_state state;
    lens_stats stats;
    uint64_t *crooked = (uint64_t *)(void *)(memory + 1);
    lens_command command;
    OK(lens_command_init(&command, sizeof command));
    command.kind = LENS_COMMAND_SNAPSHOT;
    CHECK(lens_command_send(p, &command, NULL) == BAD);
    CHECK(lens_command_send(p, &command, crooked) == BAD);
    CHECK(lens_annotation_clear(p, crooked) == BAD);
    CHECK(lens_participant_state(p, NULL, NULL) == BAD);
    CHECK(lens_participant_state(p, &state, (lens_status *)(void *)crooked) == BAD);
    CHECK(lens_participant_id(p, NULL, (uint32_t *)(void *)crooked) == BAD);
    OK(lens_participant_id(p, NULL, NULL));
    CHECK(lens_participant_create(engine, &viewer, &carrier, NULL, NULL) == BAD);
    /* 64 messages find room (`message_queue`): none of those refused took any. */
    for (int i = 0; i < 100; i++) CHECK(lens_chat_send(p, "x", 1, crooked) == BAD);
    for (int i = 0; i < 64; i++) OK(lens_chat_send(p, "x", 1, NULL));
    CHECK(lens_chat_send(p, "x", 1, NULL) == LENS_STATUS_WOULD_BLOCK);
    CHECK(lens_annotation_clear(p, NULL) == LENS_STATUS_WOULD_BLOCK);
    OK(lens_stats_init(&stats, sizeof stats));
    OK(lens_participant_stats(p, &stats));
    CHECK(stats.messages_sent == 0 && lens_live_handles() == 2);
}

/* Every function that takes a handle: what it says of one that names nothing, or something else. */
static lens_status state_of(uint64_t h) { lens_state state; return lens_participant_state(h, &state, NULL); }
static lens_status id_of(uint64_t h) { return lens_participant_id(h, NULL, NULL); }
static lens_status leave(uint64_t h) { return lens_participant_leave(h, NULL, 0); }
static lens_status push(uint64_t h) {
    lens_encoded_frame frame;
    OK(lens_encoded_frame_init(&frame, sizeof frame));
    frame.codec = LENS_CODEC_VP8;
    frame.data = (const uint8_t *)"frame";
    frame.length = 5;
    return lens_participant_push_frame(h, &frame);
}
static lens_status mute(uint64_t h) { return lens_participant_set_muted(h, LENS_MEDIA_AUDIO, 1); }
static lens_status hold(uint64_t h) { return lens_participant_set_paused(h, 1); }
static lens_status take(uint64_t h) { return lens_participant_receive(h, ROSTER, strlen(ROSTER)); }
static lens_status sent(uint64_t h) { return lens_participant_signal_sent(h, 1); }
static lens_status failed(uint64_t h) { return lens_participant_signal_failed(h, 1, 0); }
static lens_status turned(uint64_t h) {
    return lens_participant_signal_refused(h, 1, LENS_STATUS_SERVER_CONFERENCE_FULL);
}
static lens_status offer(uint64_t h) { return lens_participant_request_offer(h, LENS_OFFER_RELOAD); }
static lens_status stats_of(uint64_t h) {
    lens_stats stats;
    OK(lens_stats_init(&stats, sizeof stats));
    return lens_participant_stats(h, &stats);
}
static lens_status chat(uint64_t h) { return lens_chat_send(h, "x", 1, NULL); }
static lens_status ask(uint64_t h) {
    lens_command command;
    uint64_t id;
    OK(lens_command_init(&command, sizeof command));
    command.kind = LENS_COMMAND_SNAPSHOT;
    return lens_command_send(h, &command, &id);
}
static lens_status answer(uint64_t h) { return lens_command_reply(h, 1, LENS_OUTCOME_DONE); }
static lens_status draw(uint64_t h) {
    lens_annotation drawing;
    const float points[2] = {0.5f, 0.5f};
    OK(lens_annotation_init(&drawing, sizeof drawing));
    drawing.shape = LENS_SHAPE_POINT;
    drawing.points = points;
    drawing.point_count = 1;
    return lens_annotation_send(h, &drawing);
}
static lens_status wipe(uint64_t h) { return lens_annotation_clear(h, NULL); }
static lens_status key(uint64_t h) {
    lens_id id;
    memset(&id, 0, sizeof id);
    strcpy(id.text, "0199d1f2-0000-7000-8000-000000000003");
    return lens_key_message_send(h, &id, "x", 1);
}

static const struct {
    lens_status (*call)(uint64_t);
    lens_status after_close;
} calls[] = {
    {state_of, LENS_STATUS_OK},
    {stats_of, LENS_STATUS_OK},
    {id_of, LENS_STATUS_OK},
    {lens_participant_close, LENS_STATUS_OK},
    {sent, LENS_STATUS_OK},
    {failed, LENS_STATUS_OK},
    {turned, LENS_STATUS_OK},
    {leave, LENS_STATUS_CLOSED},
    {push, LENS_STATUS_CLOSED},
    {mute, LENS_STATUS_CLOSED},
    {hold, LENS_STATUS_CLOSED},
    {lens_participant_resume_capture, LENS_STATUS_CLOSED},
    {lens_participant_request_keyframe, LENS_STATUS_CLOSED},
    {lens_participant_network_changed, LENS_STATUS_CLOSED},
    {take, LENS_STATUS_CLOSED},
    {offer, LENS_STATUS_CLOSED},
    {chat, LENS_STATUS_CLOSED},
    {ask, LENS_STATUS_CLOSED},
    {answer, LENS_STATUS_CLOSED},
    {draw, LENS_STATUS_CLOSED},
    {wipe, LENS_STATUS_CLOSED},
    {key, LENS_STATUS_CLOSED},
    {lens_participant_destroy, LENS_STATUS_OK}, /* last: it releases the handle */
};

static void handles_that_name_nothing_are_refused(void) {
    const uint64_t none[] = {0, 1, engine, engine ^ 1, p ^ (UINT64_C(1) << 16), UINT64_MAX};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (size_t bad = 0; bad < sizeof none / sizeof *none; bad++)
            CHECK(calls[i].call(none[bad]) == LENS_STATUS_INVALID_HANDLE);
    const uint64_t not_engines[] = {0, 1, p, engine ^ 2, UINT64_MAX};
    for (size_t bad = 0; bad < sizeof not_engines / sizeof *not_engines; bad++) {
        lens_participant made = 7;
        CHECK(lens_engine_destroy(not_engines[bad]) == LENS_STATUS_INVALID_HANDLE);
        CHECK(lens_engine_network_changed(not_engines[bad]) == LENS_STATUS_INVALID_HANDLE);
        CHECK(lens_engine_run_callbacks(not_engines[bad]) == LENS_STATUS_INVALID_HANDLE);
        CHECK(lens_participant_create(not_engines[bad], &viewer, &carrier, NULL, &made) ==
              LENS_STATUS_INVALID_HANDLE);
        CHECK(made == 0);
    }
}

static void calls_after_close_say_so(void) {
    OK(lens_participant_close(p));
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        CHECK(calls[i].call(p) == calls[i].after_close);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        CHECK(calls[i].call(p) == LENS_STATUS_INVALID_HANDLE);
    CHECK(host.network_destroyed == 1 && host.observer_destroyed == 1);
}

int main(void) {
    engine = engine_with(LENS_CALLBACKS_THREADS);
    host_enter_conference(&host, engine);
    p = host.participant;
    OK(lens_participant_config_init(&viewer, sizeof viewer));
    viewer.role = LENS_ROLE_VIEWER;
    OK(lens_network_init(&carrier, sizeof carrier));
    carrier.send = host_send;
    CHECK(lens_api_version() == LENS_API_VERSION && lens_version_string()[0] != 0);
    inits_write_as_much_as_they_are_told();
    structs_without_their_size_are_refused();
    fields_outside_their_range_are_refused();
    numbers_that_are_none_are_refused();
    texts_are_checked();
    results_need_a_place();
    handles_that_name_nothing_are_refused();
    OK(lens_engine_network_changed(engine));
    calls_after_close_say_so();
    OK(lens_engine_destroy(engine));
    CHECK(lens_live_handles() == 0);
    return 0;
}
