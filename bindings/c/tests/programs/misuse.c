/* What a host may do wrong is refused by name, and harms nobody. */
#include "check.h"

static void expect_message(const char *part) {
    char message[200];
    size_t length = lens_last_error_message(message, sizeof message);
    CHECK(length > 0 && strstr(message, part) != NULL);
    /* A buffer too small is filled as far as it goes. */
    char little[4] = "xxx";
    CHECK(lens_last_error_message(little, sizeof little) == length);
    CHECK(little[3] == 0 && memcmp(little, message, 3) == 0);
    CHECK(lens_last_error_message(NULL, 0) == length);
}

static void handles(lens_engine engine, lens_participant participant) {
    lens_state state;
    CHECK(lens_participant_state(0, &state, NULL) == LENS_STATUS_INVALID_HANDLE);
    expect_message("handle is 0");
    CHECK(lens_participant_close(engine) == LENS_STATUS_INVALID_HANDLE);
    expect_message("another kind");
    CHECK(lens_engine_destroy(participant) == LENS_STATUS_INVALID_HANDLE);
    CHECK(lens_participant_close(1234567890123ULL) == LENS_STATUS_INVALID_HANDLE);
    expect_message("no handle");
    CHECK(lens_participant_close(~0ULL) == LENS_STATUS_INVALID_HANDLE);
    struct host gone;
    host_enter_conference(&gone, engine);
    OK(lens_participant_destroy(gone.participant));
    CHECK(lens_participant_state(gone.participant, &state, NULL) == LENS_STATUS_INVALID_HANDLE);
    expect_message("stale");
    struct host next; /* in the same place, and still another one */
    host_enter_conference(&next, engine);
    CHECK(lens_participant_close(gone.participant) == LENS_STATUS_INVALID_HANDLE);
    OK(lens_participant_state(next.participant, &state, NULL));
    CHECK(state == LENS_STATE_NEW);
    OK(lens_participant_destroy(next.participant));
}

static void structs(lens_engine engine, struct host *host) {
    lens_engine_config engine_config;
    lens_engine made;
    CHECK(lens_engine_config_init(NULL, sizeof engine_config) == LENS_STATUS_INVALID_ARGUMENT);
    CHECK(lens_engine_config_init(&engine_config, 3) == LENS_STATUS_INVALID_ARGUMENT);
    memset(&engine_config, 0, sizeof engine_config);
    CHECK(lens_engine_create(&engine_config, &made) == LENS_STATUS_INVALID_ARGUMENT);
    expect_message("struct_size is 0");
    CHECK(lens_engine_create(NULL, NULL) == LENS_STATUS_INVALID_ARGUMENT);
    OK(lens_engine_config_init(&engine_config, sizeof engine_config));
    engine_config.callbacks = 99;
    CHECK(lens_engine_create(&engine_config, &made) == LENS_STATUS_INVALID_ARGUMENT);
    CHECK(made == 0);
    OK(lens_engine_config_init(&engine_config, sizeof engine_config));
    engine_config.addresses = "nowhere";
    engine_config.addresses_length = 7;
    CHECK(lens_engine_create(&engine_config, &made) == LENS_STATUS_INVALID_ARGUMENT);

    /* A program of a newer header: more fields, which have to be zero here. */
    struct { lens_participant_config known; uint64_t newer; } config;
    lens_network network;
    lens_observer observer;
    lens_participant participant;
    host_tables(host, &network, &observer);
    network.destroy = observer.destroy = NULL;
    OK(lens_participant_config_init(&config.known, sizeof config));
    CHECK(config.known.struct_size == sizeof config && config.newer == 0);
    config.known.role = LENS_ROLE_VIEWER;
    OK(lens_participant_create(engine, &config.known, &network, &observer, &participant));
    OK(lens_participant_destroy(participant));
    config.newer = 1;
    CHECK(lens_participant_create(engine, &config.known, &network, &observer, &participant) ==
          LENS_STATUS_UNSUPPORTED);
    config.newer = 0;
    CHECK(lens_participant_create(engine, NULL, &network, &observer, &participant) ==
          LENS_STATUS_INVALID_ARGUMENT);
    CHECK(lens_participant_create(engine, &config.known, NULL, &observer, &participant) ==
          LENS_STATUS_INVALID_ARGUMENT);
    network.send = NULL;
    CHECK(lens_participant_create(engine, &config.known, &network, &observer, &participant) ==
          LENS_STATUS_INVALID_ARGUMENT);
    expect_message("network.send is NULL");
    network.send = host_send;
    config.known.role = 9;
    CHECK(lens_participant_create(engine, &config.known, &network, &observer, &participant) ==
          LENS_STATUS_INVALID_ARGUMENT);
    config.known.role = LENS_ROLE_VIEWER;
    OK(lens_participant_create(engine, &config.known, &network, NULL, &participant));
    OK(lens_participant_destroy(participant));
}

static void signals(struct host *host) {
    static const char *const bad[] = {"", "{", "[]", "{\"kind\":\"offer\"}", "\xff\xfe"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(receive(host, bad[i]) == LENS_STATUS_INVALID_ARGUMENT);
    CHECK(lens_participant_receive(host->participant, NULL, 5) == LENS_STATUS_INVALID_ARGUMENT);
    OK(receive(host, "{\"kind\":\"telepathy\",\"strength\":9}"));
    OK(receive(host, ROSTER));
    OK(receive(host, ROSTER));
    UNTIL(host->rosters >= 1);
    OK(lens_participant_signal_sent(host->participant, 12345));
    OK(lens_participant_signal_failed(host->participant, 12345, 1));
    OK(lens_participant_signal_refused(host->participant, 12345,
                                       LENS_STATUS_SERVER_CONFERENCE_FULL));
    CHECK(lens_participant_signal_refused(host->participant, 1, 4) ==
          LENS_STATUS_INVALID_ARGUMENT);
    CHECK(lens_participant_request_offer(host->participant, 17) == LENS_STATUS_INVALID_ARGUMENT);
    CHECK(lens_status_from_name("conference_full", 15) == LENS_STATUS_SERVER_CONFERENCE_FULL);
    CHECK(lens_status_from_name("no such", 7) == 0);
    lens_stats stats;
    memset(&stats, 0, sizeof stats);
    CHECK(lens_participant_stats(host->participant, &stats) == LENS_STATUS_INVALID_ARGUMENT);
    stats.struct_size = sizeof stats;
    UNTIL(lens_participant_stats(host->participant, &stats) == 0 && stats.ignored >= 1);
    CHECK(stats.rtt_ms == -1.0f && stats.transport == 0);
}

static void frames_and_talk(struct host *host) {
    lens_participant p = host->participant;
    lens_encoded_frame frame;
    uint64_t id = 0;
    OK(lens_encoded_frame_init(&frame, sizeof frame));
    CHECK(lens_participant_push_frame(p, NULL) == LENS_STATUS_INVALID_ARGUMENT);
    CHECK(lens_participant_push_frame(p, &frame) == LENS_STATUS_INVALID_ARGUMENT);
    frame.codec = LENS_CODEC_VP8;
    CHECK(lens_participant_push_frame(p, &frame) == LENS_STATUS_INVALID_ARGUMENT);
    frame.length = 10;
    CHECK(lens_participant_push_frame(p, &frame) == LENS_STATUS_INVALID_ARGUMENT);
    expect_message("frame.data is NULL");
    uint8_t *data = calloc(1, 10);
    frame.data = data;
    frame.rotation = 45;
    CHECK(lens_participant_push_frame(p, &frame) == LENS_STATUS_INVALID_ARGUMENT);
    frame.rotation = 90;
    OK(lens_participant_push_frame(p, &frame));
    free(data);
    CHECK(lens_participant_set_muted(p, 3, 1) == LENS_STATUS_INVALID_ARGUMENT);
    OK(lens_participant_set_muted(p, LENS_MEDIA_AUDIO, 1));
    CHECK(lens_chat_send(p, "", 0, &id) == LENS_STATUS_INVALID_ARGUMENT);
    CHECK(lens_chat_send(p, "\xc3", 1, &id) == LENS_STATUS_INVALID_ARGUMENT);
    lens_command command;
    OK(lens_command_init(&command, sizeof command));
    CHECK(lens_command_send(p, &command, &id) == LENS_STATUS_INVALID_ARGUMENT);
    command.kind = LENS_COMMAND_ZOOM;
    command.factor = 1000.0f;
    CHECK(lens_command_send(p, &command, &id) == LENS_STATUS_INVALID_ARGUMENT);
    CHECK(lens_command_reply(p, 1, 77) == LENS_STATUS_INVALID_ARGUMENT);
    lens_annotation drawing;
    float points[4] = {0.0f, 0.0f, 1.0f, 2.0f};
    OK(lens_annotation_init(&drawing, sizeof drawing));
    CHECK(drawing.color == -1 && drawing.width == -1.0f);
    drawing.shape = LENS_SHAPE_ARROW;
    CHECK(lens_annotation_send(p, &drawing) == LENS_STATUS_INVALID_ARGUMENT);
    drawing.points = points;
    drawing.point_count = 2;
    CHECK(lens_annotation_send(p, &drawing) == LENS_STATUS_INVALID_ARGUMENT);
    drawing.point_count = (size_t)1 << 62;
    CHECK(lens_annotation_send(p, &drawing) == LENS_STATUS_INVALID_ARGUMENT);
    lens_id nobody;
    memset(&nobody, 0, sizeof nobody);
    CHECK(lens_key_message_send(p, &nobody, "x", 1) == LENS_STATUS_INVALID_ARGUMENT);
    /* Messages are never dropped: the queue fills, and says so. */
    lens_status status = LENS_STATUS_OK;
    int taken = 0;
    while (status == LENS_STATUS_OK && taken < 100) {
        status = lens_chat_send(p, "hello", 5, &id);
        taken += status == LENS_STATUS_OK;
    }
    CHECK(status == LENS_STATUS_WOULD_BLOCK && taken == 64);
    CHECK(strcmp(lens_status_name(status), "would_block") == 0);
}

int main(void) {
    struct host host;
    lens_engine engine = engine_with(LENS_CALLBACKS_THREADS);
    host_enter_conference(&host, engine);
    CHECK(lens_api_version() == LENS_API_VERSION && lens_version_string()[0] != 0);
    CHECK(strcmp(lens_status_name(LENS_STATUS_OK), "ok") == 0);
    CHECK(lens_status_sentence(LENS_STATUS_CLOSED)[0] != 0);
    CHECK(lens_engine_run_callbacks(engine) == LENS_STATUS_INVALID_STATE);
    CHECK(lens_callback_failed("x", 1) == LENS_STATUS_INVALID_STATE);
    CHECK(lens_set_log_callback(99, NULL, NULL, NULL) == LENS_STATUS_INVALID_ARGUMENT);
    handles(engine, host.participant);
    structs(engine, &host);
    signals(&host);
    frames_and_talk(&host);
    OK(lens_engine_destroy(engine));
    CHECK(host.network_destroyed == 1 && host.observer_destroyed == 1);
    CHECK(lens_live_handles() == 0);
    return 0;
}
