/*
 * Lens MediaSDK: take part in a Lens conference as its camera or as a viewer.
 *
 * A thin library that hides WebRTC and shows what is meaningful to peers. Encoded frames go in and
 * come out; signalling is yours: the library hands you JSON to carry (lens_network) and takes what
 * arrives (lens_participant_receive). docs/C-API.md gets you to a first frame in one page.
 *
 *   engine        one per program; one thread for the network
 *   participant   one connection to a conference, with a queue of callbacks of its own
 *
 * Rules for the whole of it:
 * - Every function may be called from any thread, and from callbacks. None waits for the network.
 *   lens_participant_close, lens_participant_destroy and lens_engine_destroy wait for callbacks that
 *   run; lens_engine_run_callbacks returns at the engine's end.
 * - Functions return a lens_status, LENS_STATUS_OK (0) or why not; lens_last_error_message has the
 *   sentence. Out parameters of calls that fail are left alone, or 0 where that is said.
 * - Structs begin with struct_size, so that later versions can add fields at their ends. Yours have
 *   an _init function that sets it and the defaults; set fields after it. Those that callbacks get
 *   say how much the library filled: never copy more of one. lens_id alone has none, and stays.
 * - Pointers given to a call are used during the call only; pointers given to a callback are valid
 *   until it returns. Nothing ever has to be freed.
 * - Texts are UTF-8 with a length and need no zero byte.
 * - lens_participant_close is idempotent, from any thread and any callback. After it has returned
 *   nothing is called any more, and destroy of each table has been called once. Three exceptions:
 *   from a callback, that one is the last; a sender's frame transform in which a thread of yours is
 *   (in lens_participant_push_frame) ends when that thread leaves it; and of callbacks that close
 *   each other's participants at the same time, one does not wait for the other.
 * - A handle that is stale, of another kind, or none is refused: LENS_STATUS_INVALID_HANDLE. Its
 *   number comes round again after 32,767 others in its place.
 * - A fault inside the library ends as LENS_STATUS_INTERNAL, as a call's status or as the code of a
 *   participant that failed; the program goes on.
 *
 * Made by `cargo xtask headers` from bindings/c/src. Do not edit.
 */

#ifndef LENS_MEDIA_H
#define LENS_MEDIA_H

#include <stddef.h>
#include <stdint.h>

// The version of the interface that this header describes: the major version in the upper 16
// bits, the minor one in the lower.
#define LENS_API_VERSION 65536

// How many bytes a frame may grow by in a transform.
#define LENS_TRANSFORM_ROOM 1024

// Whether a call did what was asked: `LENS_STATUS_OK`, or why not. Positive numbers are this
// library's own, negative ones the server's. Numbers are never reused.
typedef int32_t lens_status;

// Who runs callbacks: one of `LENS_CALLBACKS_*`.
typedef int32_t lens_callbacks;

// How an engine is set up. `lens_engine_config_init` fills it with its defaults.
typedef struct lens_engine_config {
    // `sizeof(lens_engine_config)`, set by `lens_engine_config_init`.
    uint32_t struct_size;
    // One of `LENS_CALLBACKS_*`.
    lens_callbacks callbacks;
    // Addresses of this machine that media may use, separated by commas, `addresses_length` bytes;
    // NULL, the default, means all of its interfaces, looked for anew every second.
    const char *addresses;
    // How many bytes.
    size_t addresses_length;
    // Not 0, the default, when datagrams are used; 0 for TCP only. One of both has to be.
    uint32_t udp;
    // Not 0, the default, when TCP (RFC 6544) is tried where datagrams do not pass.
    uint32_t tcp;
} lens_engine_config;

// Names an engine; never 0. Handles may be copied and used from every thread; one whose engine was
// destroyed is refused with `LENS_STATUS_INVALID_HANDLE`.
typedef uint64_t lens_engine;

// What a participant does in the conference: one of `LENS_ROLE_*`.
typedef int32_t lens_role;

// Called exactly once, after the last call of the table that names it, so that the host can free
// `user_data`; on the thread of the last callback, or on the one that closed. It may call this
// library.
typedef void (*lens_destroy_fn)(void *user_data);

// What becomes of a frame: one of `LENS_TRANSFORM_*`.
typedef int32_t lens_transformed;

// How a frame is encoded: one of `LENS_CODEC_*`; 0 when none is known.
typedef int32_t lens_codec;

// What a transform is told of a frame. Borrowed until the call returns.
typedef struct lens_frame_info {
    // `sizeof(lens_frame_info)` of the library.
    uint32_t struct_size;
    // One of `LENS_CODEC_*`.
    lens_codec codec;
    // Its time, as in `lens_encoded_frame`.
    uint64_t pts_us;
    // 1 when a decoder can begin with it, else 0. Always 1 for voices.
    uint8_t keyframe;
    // 0.
    uint8_t reserved[7];
} lens_frame_info;

// A stage that each frame passes, named by `lens_participant_config`. `lens_frame_transform_init`
// fills it with zeros; `transform` has to be set.
//
// A sender's stage runs on the thread that calls `lens_participant_push_frame`, before that
// returns; a receiver's on the participant's callback queue, right before `on_frame`. Each is called
// one at a time and sees every frame in order, but the two of one participant may run at the same
// time. Every function of this library may be called from them, except that a sender's stage must
// not push frames of its own participant, nor wait for a thread that does
// (`LENS_STATUS_INVALID_STATE` for the push). No frame enters a stage, or passes by it, once its
// participant is closed.
typedef struct lens_frame_transform {
    // `sizeof(lens_frame_transform)`, set by `lens_frame_transform_init`.
    uint32_t struct_size;
    // 0.
    uint32_t reserved;
    // Handed to each of the functions below. May be NULL.
    void *user_data;
    // Called once, after the last `transform`: when the participant is closed, a receiver's also
    // when it fails or ends otherwise; or, for a sender's stage, on the thread that was in
    // `transform` then, when it returns. May be NULL.
    lens_destroy_fn destroy;
    // Changes a frame in place; required. Returns one of `LENS_TRANSFORM_*`.
    //
    // `data` is memory of the library's, valid and writable until this returns: `*length` bytes of
    // the frame, and room behind them up to `capacity` (`LENS_TRANSFORM_ROOM` bytes more). Write to
    // `length` how long the frame is then, at most `capacity`; 0 drops it.
    //
    // Anything else that is returned, a length beyond `capacity`, and `lens_callback_failed` called
    // from here, end the participant with `LENS_STATUS_HOST_PANICKED`, and no other;
    // `lens_participant_push_frame` then answers the same.
    //
    // What the media server reads of a frame has to stay as it is: the first byte of VP8, the start
    // codes and first bytes of H.264's units. Encryption begins behind them.
    lens_transformed (*transform)(void *user_data,
                                  const struct lens_frame_info *info,
                                  uint8_t *data,
                                  size_t *length,
                                  size_t capacity);
} lens_frame_transform;

// How a participant is set up. `lens_participant_config_init` fills it with its defaults; the role
// has to be set.
typedef struct lens_participant_config {
    // `sizeof(lens_participant_config)`, set by `lens_participant_config_init`.
    uint32_t struct_size;
    // One of `LENS_ROLE_*`. The offer's layout decides what it can send.
    lens_role role;
    // After how many milliseconds a signal that nothing is reported of counts as failed. 1,000 to
    // 120,000; default 10,000.
    uint32_t signal_timeout_ms;
    // Most kilobits per second of video it sends; the server's limit holds beside it. 50 to 20,000;
    // default 2,500.
    uint32_t max_video_kbps;
    // Most pictures a second that the encoder is told. 1 to 120; default 30.
    uint32_t max_fps;
    // Shortest wait of received frames, in milliseconds. 0 to `playout_max_ms`; default
    // 20.
    uint32_t playout_min_ms;
    // Longest wait of received frames, in milliseconds. At most 2,000; default 250.
    uint32_t playout_max_ms;
    // Most frames of a kind that wait for a slow thread or host, in either direction, before the
    // oldest is dropped. 1 to 1,000; default 30.
    uint32_t frame_queue;
    // Most messages that wait for the connection, before more are refused with
    // `LENS_STATUS_WOULD_BLOCK`. 1 to 10,000; default 64.
    uint32_t message_queue;
    // 0.
    uint32_t reserved;
    // A stage that each frame passes before it is sent; NULL for none. The table is copied when the
    // participant is made.
    const struct lens_frame_transform *sender_transform;
    // A stage that each received frame passes before it is given out; NULL for none. Copied, too.
    const struct lens_frame_transform *receiver_transform;
} lens_participant_config;

// What a signal says: one of `LENS_SIGNAL_*`, or 0 for a kind of a newer library, which is carried
// like the others.
typedef int32_t lens_signal_kind;

// Carries a participant's signals to the server. `lens_network_init` fills it with zeros; `send`
// has to be set.
typedef struct lens_network {
    // `sizeof(lens_network)`, set by `lens_network_init`.
    uint32_t struct_size;
    // 0.
    uint32_t reserved;
    // Handed to each of the functions below. May be NULL.
    void *user_data;
    // Called once, after the last `send`. May be NULL.
    lens_destroy_fn destroy;
    // Carries a signal; required. One at a time, on the participant's callback queue.
    //
    // `json` are `json_length` bytes of UTF-8 (no zero byte at the end), an object whose `kind` is
    // `kind` in words, borrowed until this returns: hand it over and return. When you know what
    // became of it, call `lens_participant_signal_sent`, `_failed` or `_refused` with `id`, from
    // any thread, also from here. A signal that nothing is reported of within `signal_timeout_ms`
    // counts as failed. The library tries again by itself, with growing pauses, the same `id` and
    // `attempt` 2, 3 and so on: servers tell duplicates by the `negotiation_id` in it.
    void (*send)(void *user_data,
                 uint64_t id,
                 uint32_t attempt,
                 lens_signal_kind kind,
                 const char *json,
                 size_t json_length);
} lens_network;

// Where a participant stands: one of `LENS_STATE_*`.
typedef int32_t lens_state;

// The id of a participant: 36 characters of ASCII and a zero byte; all zero when there is none.
typedef struct lens_id {
    // For example `0199d1f2-0000-7000-8000-000000000000`.
    char text[40];
} lens_id;

// Somebody who takes part. Borrowed until the callback returns, with all it points to.
typedef struct lens_roster_entry {
    // `sizeof(lens_roster_entry)` of the library.
    uint32_t struct_size;
    // One of `LENS_ROLE_*`.
    lens_role role;
    // Who.
    struct lens_id participant;
    // Their name, `name_length` bytes of UTF-8.
    const char *name;
    // How many.
    size_t name_length;
} lens_roster_entry;

// Pictures or voices: one of `LENS_MEDIA_*`.
typedef int32_t lens_media;

// Where received frames come from: a slot of the participant's layout, and who is in it. Borrowed
// until the callback returns, with all it points to.
typedef struct lens_track {
    // `sizeof(lens_track)` of the library.
    uint32_t struct_size;
    // One of `LENS_MEDIA_*`.
    lens_media media;
    // The section's `a=mid`, `mid_length` bytes of ASCII; names the track within one generation.
    const char *mid;
    // How many.
    size_t mid_length;
    // Whose it is; all zero while no roster has said so.
    struct lens_id participant;
} lens_track;

// One encoded frame, whole: a picture, or a piece of voice. `lens_encoded_frame_init` fills it with
// zeros.
typedef struct lens_encoded_frame {
    // `sizeof(lens_encoded_frame)`, set by `lens_encoded_frame_init`.
    uint32_t struct_size;
    // One of `LENS_CODEC_*`.
    lens_codec codec;
    // The encoded bytes. A call that takes a frame copies them before it returns; a callback that
    // gets one may use them until it returns.
    const uint8_t *data;
    // How many bytes: 1 to 2,097,152 (2 MiB).
    size_t length;
    // When it was captured, in microseconds of the sender's own count, rising within a track. A
    // receiver sees another count of the same pace.
    uint64_t pts_us;
    // 1 when a decoder can begin with it, else 0. Always 1 for voices.
    uint8_t keyframe;
    // In received frames: 1 when frames are missing before this one. Ignored in those you send.
    uint8_t after_gap;
    // How the picture has to be turned clockwise to stand upright, in degrees: 0, 90, 180 or 270.
    uint16_t rotation;
    // 0.
    uint32_t reserved;
} lens_encoded_frame;

// Which command: one of `LENS_COMMAND_*`.
typedef int32_t lens_command_kind;

// Which way a camera looks: one of `LENS_FACING_*`.
typedef int32_t lens_facing;

// A command. Fields that its kind does not have are 0. `lens_command_init` fills it with zeros.
typedef struct lens_command {
    // `sizeof(lens_command)`, set by `lens_command_init`.
    uint32_t struct_size;
    // One of `LENS_COMMAND_*`; in a command that came, 0 for one of a newer library: answer it with
    // `LENS_OUTCOME_UNSUPPORTED`.
    lens_command_kind kind;
    // Torch and freeze: 1 for on, 0 for off.
    int32_t on;
    // Switch camera: one of `LENS_FACING_*`.
    lens_facing facing;
    // Zoom: 1 is the whole picture, at most 100.
    float factor;
    // 0.
    uint32_t reserved;
} lens_command;

// What became of a command: one of `LENS_OUTCOME_*`.
typedef int32_t lens_outcome;

// What is drawn between the points: one of `LENS_SHAPE_*`.
typedef int32_t lens_shape;

// Something drawn on the camera's picture. Places are parts of the picture as the camera sent it,
// before rotation, so that a phone that was turned and a frozen picture agree.
// `lens_annotation_init` fills it with its defaults.
typedef struct lens_annotation {
    // `sizeof(lens_annotation)`, set by `lens_annotation_init`.
    uint32_t struct_size;
    // One of `LENS_SHAPE_*`.
    lens_shape shape;
    // Your own name for it; another with the same id replaces it.
    uint64_t id;
    // `2 * point_count` numbers, x and y in turn, each 0 to 1 from the left and upper edge.
    const float *points;
    // 1 to 512.
    size_t point_count;
    // A label, `text_length` bytes of UTF-8, at most 200 characters; NULL for none.
    const char *text;
    // How many bytes.
    size_t text_length;
    // The frame it was drawn on (`pts_us` of that frame), when `has_pts` is 1: in the count of whoever
    // drew it. Ends count apart: it tells drawings on one frozen picture from those on another, and
    // does not find the frame at another end.
    uint64_t pts_us;
    // 1 when `pts_us` says something. Default 0.
    uint32_t has_pts;
    // `0xRRGGBB`; -1, the default, when none is named.
    int32_t color;
    // Width of the line as a part of the picture's width, 0 to 1; -1, the default, when none is
    // named.
    float width;
    // 0.
    uint32_t reserved;
} lens_annotation;

// What a participant tells its host. `lens_observer_init` fills it with zeros; set the functions
// you want, NULL is nothing.
//
// Calls come one at a time and in order, on the participant's callback queue: a thread of the
// library's, or one that you lend (`lens_engine_run_callbacks`). They never come from within a call
// of yours. Every function of this library may be called from them, `lens_participant_close`,
// `lens_participant_destroy` and `lens_engine_destroy` as well. All pointers are borrowed until the
// callback returns.
//
// A slow host delays its own participant only: frames that wait too long are dropped, oldest first,
// and counted (`frames_dropped_queue`); messages are not, and a host that lets thousands of them
// pile up ends its participant with `LENS_STATUS_HOST_TOO_SLOW`. Exceptions must not leave a
// callback: see `lens_callback_failed`.
//
// After `lens_participant_close` has returned, nothing is called any more.
typedef struct lens_observer {
    // `sizeof(lens_observer)`, set by `lens_observer_init`.
    uint32_t struct_size;
    // 0.
    uint32_t reserved;
    // Handed to each of the functions below. May be NULL.
    void *user_data;
    // Called once, after the last callback. May be NULL.
    lens_destroy_fn destroy;
    // The state changed (`LENS_STATE_*`). `code` says why it failed; else it is 0. Nothing comes
    // after `LENS_STATE_CLOSED` and `LENS_STATE_FAILED`. The end that `lens_participant_close`
    // brings is not told.
    void (*on_state)(void *user_data, lens_state state, lens_status code);
    // A new generation has taken over.
    void (*on_generation)(void *user_data, uint32_t generation);
    // Who takes part now: `count` pointers.
    void (*on_roster)(void *user_data, const struct lens_roster_entry *const *entries, size_t count);
    // Somebody is in a slot, and can be seen or heard.
    void (*on_track)(void *user_data, const struct lens_track *track);
    // They are gone from their slot.
    void (*on_track_end)(void *user_data, const struct lens_track *track);
    // A frame, due to be decoded and shown now.
    void (*on_frame)(void *user_data,
                     const struct lens_track *track,
                     const struct lens_encoded_frame *frame);
    // What the encoder may produce: at most `target_bps` bits per second of video and `max_fps`
    // pictures a second. Told when it changes noticeably.
    void (*on_bitrate)(void *user_data, uint32_t target_bps, uint32_t max_fps);
    // Somebody cannot go on without a keyframe: let the encoder make one now.
    void (*on_keyframe_request)(void *user_data);
    // Without connection for 60 s, capture has to stop: nobody films for nobody unknowingly. Frames
    // are refused until `lens_participant_resume_capture`.
    void (*on_capture_stopped)(void *user_data);
    // A line of talk from another participant: `length` bytes of UTF-8, and the sender's count.
    void (*on_chat)(void *user_data,
                    const struct lens_id *from,
                    uint64_t id,
                    const char *text,
                    size_t length);
    // A viewer asks for something. Answer it, in your own time, with `lens_command_reply` and this
    // `id`; the customer may refuse. `from` is all zero when it came by signalling.
    void (*on_command)(void *user_data,
                       uint64_t id,
                       const struct lens_id *from,
                       const struct lens_command *command);
    // What became of a command of ours: `id` as `lens_command_send` gave it.
    void (*on_command_reply)(void *user_data, uint64_t id, lens_outcome outcome);
    // Somebody draws on the picture.
    void (*on_annotation)(void *user_data,
                          const struct lens_id *from,
                          const struct lens_annotation *annotation);
    // Somebody takes one drawing of theirs away, or all of them when `id` is NULL.
    void (*on_annotation_clear)(void *user_data, const struct lens_id *from, const uint64_t *id);
    // Key agreement, from another participant: `length` bytes of UTF-8.
    void (*on_key_message)(void *user_data,
                           const struct lens_id *from,
                           const char *payload,
                           size_t length);
    // This participant hears what is said from now on, and what they say is heard here. Told for
    // each of the others, and again after either side had a new connection. What is said before
    // reaches only those who hear already: chat, commands and drawings are kept by nobody.
    void (*on_talk_ready)(void *user_data, const struct lens_id *participant);
} lens_observer;

// Names a participant; never 0. Handles may be copied and used from every thread. After
// `lens_participant_close` calls answer `LENS_STATUS_CLOSED`; after `lens_participant_destroy`, or
// the end of its engine, `LENS_STATUS_INVALID_HANDLE`.
typedef uint64_t lens_participant;

// Why a new generation is asked for: one of `LENS_OFFER_*`.
typedef int32_t lens_offer_reason;

// How media travels: one of `LENS_TRANSPORT_*`; 0 while it is not known.
typedef int32_t lens_transport;

// Figures of the last few hundred milliseconds. Counts run over generations. What is not known is
// -1 in numbers with a fraction, and 0 in the others. `lens_stats_init`, or setting `struct_size`
// yourself, comes before the first call.
typedef struct lens_stats {
    // `sizeof(lens_stats)`, set by `lens_stats_init`.
    uint32_t struct_size;
    // One of `LENS_TRANSPORT_*`.
    lens_transport transport;
    // Round trip to the media server, in milliseconds.
    float rtt_ms;
    // Packets lost on the way to us (viewer) or from us (camera), in percent.
    float loss_percent;
    // Media bits of the main direction over the last second, in kilobits per second.
    float kbps;
    // Pictures in the last second.
    float frames_per_second;
    // How unevenly frames come: 95th percentile, in milliseconds (receiver).
    float jitter_ms;
    // How long frames wait before they are given out, in milliseconds (receiver).
    float playout_delay_ms;
    // What the encoder was last told, in bits per second (sender).
    uint32_t target_bps;
    // Codec of the picture last sent or received: one of `LENS_CODEC_*`.
    lens_codec codec;
    // Size of that picture in pixels, before rotation (VP8 keyframes).
    uint32_t width;
    // As `width`.
    uint32_t height;
    // Pictures and pieces of voice taken from the host and sent.
    uint64_t frames_sent;
    // Frames of the host dropped before they were sent: queue full, or no way to send them.
    uint64_t frames_dropped_sending;
    // Pictures and pieces of voice received whole.
    uint64_t frames_received;
    // Of these, given to the observer.
    uint64_t frames_delivered;
    // Dropped because a later one had been given out, or a former generation had given it out.
    uint64_t frames_dropped_late;
    // Dropped because frames before them were missing, until the next keyframe.
    uint64_t frames_dropped_undecodable;
    // Dropped because the host was slow: oldest first.
    uint64_t frames_dropped_queue;
    // Gaps of more than 500 ms between two pictures that were to be shown (receiver).
    uint64_t freeze_count;
    // Keyframes asked for.
    uint64_t keyframe_requests_sent;
    // Keyframes the others asked for.
    uint64_t keyframe_requests_received;
    // Messages sent over the data channel.
    uint64_t messages_sent;
    // Messages received over it.
    uint64_t messages_received;
    // Messages and signals of unknown kinds, or that could not be read.
    uint64_t ignored;
    // Signals that came twice, late, or for another participant.
    uint64_t stale_signals;
    // Generations that took over.
    uint64_t generations;
} lens_stats;

// How much is told: one of `LENS_LOG_*`; each includes those with smaller numbers.
typedef int32_t lens_log_level;

// Takes a log line: `length` bytes of UTF-8, without line feed or zero byte at its end, borrowed
// until it returns. On any thread, several at a time. It must not block, so it must not close or
// destroy; other calls of this library are allowed and not logged.
typedef void (*lens_log_fn)(void *user_data, lens_log_level level, const char *line, size_t length);

// It was done.
#define LENS_STATUS_OK 0

// An argument is outside its range, or has another form than the call takes.
#define LENS_STATUS_INVALID_ARGUMENT 1

// The handle is stale, or of another kind.
#define LENS_STATUS_INVALID_HANDLE 2

// This cannot be done in the present state.
#define LENS_STATUS_INVALID_STATE 3

// The participant or engine is closed.
#define LENS_STATUS_CLOSED 4

// The queue is full; try again when what waits has gone.
#define LENS_STATUS_WOULD_BLOCK 5

// The buffer is too small; the size needed was written.
#define LENS_STATUS_BUFFER_TOO_SMALL 6

// This build or peer cannot do that.
#define LENS_STATUS_UNSUPPORTED 7

// The customer or the system does not allow it.
#define LENS_STATUS_PERMISSION_DENIED 8

// It was not done in time.
#define LENS_STATUS_TIMEOUT 9

// The network of the host could not carry a signal, and trying again is of no use.
#define LENS_STATUS_SIGNALLING_FAILED 10

// The offer cannot be answered.
#define LENS_STATUS_SDP_REJECTED 11

// No path to the media server was found.
#define LENS_STATUS_ICE_FAILED 12

// The handshake with the media server failed.
#define LENS_STATUS_DTLS_FAILED 13

// A codec refused a frame.
#define LENS_STATUS_CODEC_FAILED 14

// A key or a cipher failed.
#define LENS_STATUS_CRYPTO_FAILED 15

// The system refused a socket, thread or file.
#define LENS_STATUS_IO 16

// There is no memory left.
#define LENS_STATUS_NO_MEMORY 17

// The host takes its messages so slowly that some would be lost.
#define LENS_STATUS_HOST_TOO_SLOW 18

// The library broke one of its own rules; only this participant is lost.
#define LENS_STATUS_INTERNAL 98

// A callback of the host panicked or threw.
#define LENS_STATUS_HOST_PANICKED 99

// The body is not JSON.
#define LENS_STATUS_SERVER_MALFORMED_JSON -101

// The body has another shape than this call takes, or a field a value outside its range. See the detail.
#define LENS_STATUS_SERVER_INVALID_VALUE -102

// The request is larger than the limit named in the API description.
#define LENS_STATUS_SERVER_PAYLOAD_TOO_LARGE -103

// Send the body with the Content-Type that this call takes: application/json, or for WHIP and WHEP application/sdp and application/trickle-ice-sdpfrag.
#define LENS_STATUS_SERVER_UNSUPPORTED_MEDIA_TYPE -104

// This path does not take that method.
#define LENS_STATUS_SERVER_METHOD_NOT_ALLOWED -105

// There is nothing at this address, or you may not know of it.
#define LENS_STATUS_SERVER_NOT_FOUND -106

// Too many requests. Wait as long as Retry-After says.
#define LENS_STATUS_SERVER_RATE_LIMITED -107

// This Idempotency-Key was used with another body. Use a new key.
#define LENS_STATUS_SERVER_IDEMPOTENCY_MISMATCH -108

// The first request with this Idempotency-Key is still running. Try again shortly.
#define LENS_STATUS_SERVER_IDEMPOTENCY_IN_FLIGHT -109

// This request came from another site. Open the page from this server.
#define LENS_STATUS_SERVER_BAD_ORIGIN -110

// Send the ETag of the answer in If-Match.
#define LENS_STATUS_SERVER_PRECONDITION_REQUIRED -111

// If-Match is not the ETag of this connection.
#define LENS_STATUS_SERVER_PRECONDITION_FAILED -112

// Sign in first.
#define LENS_STATUS_SERVER_NOT_SIGNED_IN -201

// E-mail or password is wrong, or the account cannot sign in now.
#define LENS_STATUS_SERVER_BAD_CREDENTIALS -202

// You may not do this. Ask an administrator for the permission.
#define LENS_STATUS_SERVER_FORBIDDEN -203

// The token or key is unknown, expired or revoked. Get a new one.
#define LENS_STATUS_SERVER_TOKEN_INVALID -204

// The token belongs to another conference or participant.
#define LENS_STATUS_SERVER_TOKEN_WRONG_CONFERENCE -205

// The ticket is unknown, expired or was used already. Get a new one.
#define LENS_STATUS_SERVER_TICKET_INVALID -206

// This set-up link was used or has expired. Restart Lens for a new one while no administrator exists.
#define LENS_STATUS_SERVER_SETUP_CLOSED -207

// This password is too easy to guess. Use a longer one, such as four unrelated words.
#define LENS_STATUS_SERVER_WEAK_PASSWORD -208

// An account with this e-mail exists already.
#define LENS_STATUS_SERVER_EMAIL_TAKEN -209

// There is no such session, or you may not see it.
#define LENS_STATUS_SERVER_SESSION_NOT_FOUND -301

// We can't find this PIN or link. Check it, or ask for a new one.
#define LENS_STATUS_SERVER_INVITATION_NOT_FOUND -302

// This invitation was used in another browser. Ask for a new one.
#define LENS_STATUS_SERVER_INVITATION_TAKEN -303

// The session is not in a state that allows this. Reload to see where it stands.
#define LENS_STATUS_SERVER_WRONG_STATE -304

// The session is closed.
#define LENS_STATUS_SERVER_SESSION_CLOSED -305

// Another technician has started this session. You can join it.
#define LENS_STATUS_SERVER_ALREADY_STARTED -306

// The customer has not agreed yet.
#define LENS_STATUS_SERVER_CONSENT_MISSING -307

// What is asked has changed. Read it again before agreeing.
#define LENS_STATUS_SERVER_CONSENT_CHANGED -308

// There is no such conference, or it is not yours.
#define LENS_STATUS_SERVER_CONFERENCE_NOT_FOUND -309

// The conference has ended.
#define LENS_STATUS_SERVER_CONFERENCE_ENDED -310

// The conference has as many participants as it was made for.
#define LENS_STATUS_SERVER_CONFERENCE_FULL -311

// The conference has a camera already.
#define LENS_STATUS_SERVER_ROLE_TAKEN -312

// A live conference of yours has this external_id; the detail names it.
#define LENS_STATUS_SERVER_EXTERNAL_ID_TAKEN -313

// There is no such participant in this conference.
#define LENS_STATUS_SERVER_PARTICIPANT_NOT_FOUND -314

// The conference's media policy does not allow this way in. Create it with media.whip or media.whep.
#define LENS_STATUS_SERVER_PROTOCOL_NOT_ALLOWED -315

// This participant came by WHIP or WHEP and makes its own offers: it comes back by a new POST.
#define LENS_STATUS_SERVER_CLIENT_MAKES_OFFERS -316

// The SDP cannot be used. The detail says which line or rule.
#define LENS_STATUS_SERVER_INVALID_SDP -401

// A newer offer replaced this one. Answer the newest.
#define LENS_STATUS_SERVER_STALE_GENERATION -402

// This offer has been answered.
#define LENS_STATUS_SERVER_ALREADY_ANSWERED -403

// The conference was placed anew; this call came from a former placement.
#define LENS_STATUS_SERVER_STALE_EPOCH -404

// Too many ICE candidates in one request.
#define LENS_STATUS_SERVER_TOO_MANY_CANDIDATES -405

// The media connection was not made in time.
#define LENS_STATUS_SERVER_CONNECT_TIMEOUT -406

// The media connection went silent.
#define LENS_STATUS_SERVER_MEDIA_TIMEOUT -407

// The media connection broke. Start a new generation.
#define LENS_STATUS_SERVER_MEDIA_FAILED -408

// No media node can take this conference now. Try again shortly.
#define LENS_STATUS_SERVER_NO_MEDIA_NODE -409

// The media node of this conference does not answer. Ask for a new offer.
#define LENS_STATUS_SERVER_MEDIA_NODE_LOST -410

// The media node is being emptied and takes no new conferences.
#define LENS_STATUS_SERVER_NODE_DRAINING -411

// The media node carries as much as it may. The detail names the cap.
#define LENS_STATUS_SERVER_NODE_FULL -412

// The offer has no codec that the conference carries. VP8 and Opus always are.
#define LENS_STATUS_SERVER_NO_COMMON_CODEC -413

// ICE is not restarted here. Delete this connection and make a new one.
#define LENS_STATUS_SERVER_ICE_RESTART_REFUSED -414

// Something went wrong on the server. Quote the trace id when you report it.
#define LENS_STATUS_SERVER_INTERNAL -501

// The service is busy or starting. Try again shortly.
#define LENS_STATUS_SERVER_UNAVAILABLE -502

// The store did not take the change; nothing was changed. See the server's log.
#define LENS_STATUS_SERVER_STORAGE_FAILED -503

// The server's disk is full; nothing was changed. Free space on the data directory.
#define LENS_STATUS_SERVER_STORAGE_FULL -504

// Each participant has a thread of the library's. The default.
#define LENS_CALLBACKS_THREADS 0

// Threads that the host lends by `lens_engine_run_callbacks`.
#define LENS_CALLBACKS_HOST 1

// Sends the camera and a voice. At most one per conference.
#define LENS_ROLE_CAMERA 1

// Receives the camera; sends a voice.
#define LENS_ROLE_VIEWER 2

// No offer has come yet.
#define LENS_STATE_NEW 0

// The first connection is being made.
#define LENS_STATE_CONNECTING 1

// Media can flow.
#define LENS_STATE_CONNECTED 2

// Media could flow; a new path or a new generation is being made.
#define LENS_STATE_RECONNECTING 3

// Closed by the host, or by the server's goodbye. Never left.
#define LENS_STATE_CLOSED 4

// It cannot go on. Never left.
#define LENS_STATE_FAILED 5

// The answer to an offer.
#define LENS_SIGNAL_ANSWER 1

// Asks the server for a new generation.
#define LENS_SIGNAL_OFFER_REQUEST 2

// Answers a command that came by signalling.
#define LENS_SIGNAL_COMMAND_REPLY 3

// Key agreement between peers.
#define LENS_SIGNAL_KEY_MESSAGE 4

// The participant leaves for good.
#define LENS_SIGNAL_BYE 5

// The program was started anew.
#define LENS_OFFER_RELOAD 1

// A person wants it.
#define LENS_OFFER_RESTART 2

// The network changed.
#define LENS_OFFER_NETWORK 3

// The connection broke.
#define LENS_OFFER_FAILED 4

// Pictures.
#define LENS_MEDIA_VIDEO 1

// Voices.
#define LENS_MEDIA_AUDIO 2

// RFC 6386; every Lens peer takes it.
#define LENS_CODEC_VP8 1

// ITU-T H.264 as an Annex B byte stream (start codes), constrained baseline; where the media server
// offered it.
#define LENS_CODEC_H264 2

// RFC 6716 at 48 kHz; one packet is one frame.
#define LENS_CODEC_OPUS 3

// It goes on.
#define LENS_TRANSFORM_PASS 0

// It is dropped. At the sender it is counted in `frames_dropped_sending` and a keyframe is asked
// for; at the receiver it is not given out.
#define LENS_TRANSFORM_DROP 1

// The lamp beside the camera; see `on`.
#define LENS_COMMAND_TORCH 1

// A closer look; see `factor`.
#define LENS_COMMAND_ZOOM 2

// The picture stands still; see `on`.
#define LENS_COMMAND_FREEZE 3

// A picture in full resolution.
#define LENS_COMMAND_SNAPSHOT 4

// Another camera; see `facing`.
#define LENS_COMMAND_SWITCH_CAMERA 5

// The other one than now.
#define LENS_FACING_OTHER 0

// At whoever holds the device.
#define LENS_FACING_FRONT 1

// Away from them.
#define LENS_FACING_BACK 2

// It was done.
#define LENS_OUTCOME_DONE 1

// The customer, or their program, does not want it.
#define LENS_OUTCOME_REFUSED 2

// This device or program cannot do it.
#define LENS_OUTCOME_UNSUPPORTED 3

// It was tried and went wrong.
#define LENS_OUTCOME_FAILED 4

// A line through all points, as a hand drew it.
#define LENS_SHAPE_STROKE 1

// From the first point to the last, which it points at.
#define LENS_SHAPE_ARROW 2

// Around the box between the first and the last point.
#define LENS_SHAPE_ELLIPSE 3

// The box between the first and the last point.
#define LENS_SHAPE_RECTANGLE 4

// A mark at the first point.
#define LENS_SHAPE_POINT 5

// The label at the first point.
#define LENS_SHAPE_TEXT 6

// Datagrams.
#define LENS_TRANSPORT_UDP 1

// ICE-TCP (RFC 6544), where datagrams are blocked.
#define LENS_TRANSPORT_TCP 2

// Nothing.
#define LENS_LOG_OFF 0

// What broke inside the library.
#define LENS_LOG_ERROR 1

// A participant that failed, a signal that was refused or not carried.
#define LENS_LOG_WARN 2

// Milestones: each state, each new generation.
#define LENS_LOG_INFO 3

// Steps: signals, tracks, commands, what the encoder is told. A handful a second.
#define LENS_LOG_DEBUG 4

// Everything; no more than the steps today.
#define LENS_LOG_TRACE 5

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the interface that the loaded library has. Programs run with any library of the
// same major version whose minor version is not older than their header's.
uint32_t lens_api_version(void);

// The library's release, for example `0.1.0`. Lives as long as the program.
const char *lens_version_string(void);

// The stable name of a status, for example `would_block`; `ok` for 0 and `unknown` for numbers of
// a newer library. The same word in every face and in the server's answers. Lives as long as the
// program.
const char *lens_status_name(lens_status status);

// One sentence for people about a status, in English. Lives as long as the program.
const char *lens_status_sentence(lens_status status);

// The status with this name: the server's (the `code` of its JSON answers, or of a signal of kind
// `error`), for `lens_participant_signal_refused`; where the server has none, the library's own; 0
// when there is none at all, or `name` is no UTF-8.
// The caller promises:
// `name` points to `length` readable bytes.
lens_status lens_status_from_name(const char *name, size_t length);

// Writes what went wrong in this thread's last call that failed, as UTF-8 with a zero byte at its
// end, to `buffer`, and returns how many bytes the message has without that byte. A longer message
// than fits is cut at a character. `buffer` may be NULL when `capacity` is 0.
//
// For people and logs; programs look at the status. A call that succeeds leaves it as it is.
// The caller promises:
// `buffer` points to `capacity` writable bytes.
size_t lens_last_error_message(char *buffer, size_t capacity);

// Says, from within a callback, that the host's code failed in it (an exception was thrown, a
// program of a script broke). When the callback returns, its participant ends with
// `LENS_STATUS_HOST_PANICKED` and no other participant notices.
//
// Exceptions of C++ must not leave a callback: the process would end. `lens_media.hpp` catches them
// and calls this.
//
// `LENS_STATUS_INVALID_STATE` when the calling thread is in no callback, `_INVALID_ARGUMENT` when
// the message is no UTF-8.
// The caller promises:
// `message` points to `length` readable bytes, or is NULL with a length of 0.
lens_status lens_callback_failed(const char *message, size_t length);

// Fills the configuration with its defaults. `struct_size` is `sizeof(lens_engine_config)`.
// The caller promises:
// `config` points to `struct_size` writable bytes.
lens_status lens_engine_config_init(struct lens_engine_config *config, uint32_t struct_size);

// Starts an engine: one thread, `lens-engine`, that carries the network of all its participants.
// Make one per program. `config` may be NULL for the defaults. Writes the handle to `engine`.
//
// `LENS_STATUS_INVALID_ARGUMENT` for a field outside its range, `LENS_STATUS_IO` when the system
// gives no thread or descriptor, `LENS_STATUS_NO_MEMORY` when 32,000 engines are in use.
// The caller promises:
// `config` is NULL or a valid configuration; `engine` points to a writable handle.
lens_status lens_engine_create(const struct lens_engine_config *config, lens_engine *engine);

// Closes all participants of the engine, ends its thread and releases its handle and theirs. From
// any thread and any callback: from elsewhere it returns after the last callback of all of them,
// from a callback at once.
//
// `LENS_STATUS_INVALID_HANDLE` when it was destroyed before.
lens_status lens_engine_destroy(lens_engine engine);

// Lends the calling thread for callbacks; returns `LENS_STATUS_OK` once the engine is destroyed.
// Several threads may be lent; those of one participant never run at the same time.
//
// `LENS_STATUS_INVALID_STATE` unless the engine was made with `LENS_CALLBACKS_HOST`.
lens_status lens_engine_run_callbacks(lens_engine engine);

// Says that the system's network changed: addresses are looked for now, and connections are
// checked. Harmless at any time.
lens_status lens_engine_network_changed(lens_engine engine);

// How many handles, of engines and participants, are in use in this process: for tests of leaks.
uint32_t lens_live_handles(void);

// Fills the configuration with its defaults. `struct_size` is `sizeof(lens_participant_config)`.
// The caller promises:
// `config` points to `struct_size` writable bytes.
lens_status lens_participant_config_init(struct lens_participant_config *config,
                                         uint32_t struct_size);

// Makes a participant that waits for its first offer (`lens_participant_receive`), and writes its
// handle to `participant`. No callback runs before the first signal is received. `config` and the
// tables are copied; `observer` may be NULL.
//
// When it succeeds, the `user_data` of all tables, those of the transforms as well, are the library's
// until it calls their `destroy`. When it fails they stay yours, `destroy` is not called, and the
// handle is 0.
//
// `LENS_STATUS_INVALID_ARGUMENT` for a NULL pointer, a struct without its size, or a field outside
// its range; `LENS_STATUS_INVALID_HANDLE`; `LENS_STATUS_CLOSED` when the engine is being destroyed;
// `LENS_STATUS_IO` when the system gives no thread; `LENS_STATUS_NO_MEMORY` when 32,000
// participants are in use.
// The caller promises:
// The pointers are NULL, or point to structs whose first field is their size; `user_data` and the
// functions may be used from any thread, one at a time.
lens_status lens_participant_create(lens_engine engine,
                                    const struct lens_participant_config *config,
                                    const struct lens_network *network,
                                    const struct lens_observer *observer,
                                    lens_participant *participant);

// Ends the participant. From any thread and any callback, as often as you like.
//
// From another thread it returns after the last callback, and each `destroy` has been called; a
// sender's transform in use apart (`lens_frame_transform`). From one of its own callbacks it returns
// at once; that callback is the last one, and `destroy` is called when it returns.
//
// The handle stays valid for `lens_participant_state`, `_id` and `_stats`, reports of signals are
// ignored, and other calls answer `LENS_STATUS_CLOSED`; release it with `lens_participant_destroy`.
//
// Where participants close each other from their callbacks, transforms or a `destroy`, at the same
// time, one of these calls returns before the other's callback has ended: nobody waits for ever.
lens_status lens_participant_close(lens_participant participant);

// Closes the participant as `lens_participant_close` does, and releases its handle.
lens_status lens_participant_destroy(lens_participant participant);

// Says goodbye through signalling, waits for it at most 3 s, then closes; the observer is told
// `LENS_STATE_CLOSED`. Returns at once. `reason` is UTF-8 of `length` bytes; NULL for none.
//
// `LENS_STATUS_INVALID_ARGUMENT` when the reason is no UTF-8; `LENS_STATUS_CLOSED`.
// The caller promises:
// `reason` points to `length` readable bytes, or is NULL.
lens_status lens_participant_leave(lens_participant participant, const char *reason, size_t length);

// Writes where the participant stands (`LENS_STATE_*`) to `state`, and why it failed, else 0, to
// `code`, which may be NULL. Also after close.
// The caller promises:
// `state` points to a writable number; `code` as well, or is NULL.
lens_status lens_participant_state(lens_participant participant,
                                   lens_state *state,
                                   lens_status *code);

// Writes the participant's id, all zero before the first offer, to `id`, and the generation that
// plays, or is about to, 0 before the first, to `generation`. Either may be NULL. Also after close.
// The caller promises:
// The pointers are NULL or point to writable values.
lens_status lens_participant_id(lens_participant participant,
                                struct lens_id *id,
                                uint32_t *generation);

// Sends a frame. Its bytes are copied before this returns. It is sent when there is a connection and
// the frame can be decoded at the other end; if not it is dropped and counted, and a keyframe is
// asked for where one is missing: that is no error.
//
// `LENS_STATUS_INVALID_ARGUMENT` for an empty or too large frame or a field outside its range,
// `LENS_STATUS_INVALID_STATE` when the offer has no slot for it, capture has stopped, or its
// transform waits for this thread, `LENS_STATUS_HOST_PANICKED` when its transform failed
// (`lens_frame_transform`), `LENS_STATUS_UNSUPPORTED` when the server does not take the codec,
// `LENS_STATUS_CLOSED`.
// The caller promises:
// `frame` is a valid frame, its `data` points to `length` readable bytes.
lens_status lens_participant_push_frame(lens_participant participant,
                                        const struct lens_encoded_frame *frame);

// Stops (`muted` other than 0) or resumes sending pictures or voices. `media` is one of
// `LENS_MEDIA_*`. Frames that are pushed meanwhile are dropped and counted; that is no error.
lens_status lens_participant_set_muted(lens_participant participant,
                                       lens_media media,
                                       int32_t muted);

// Stops (`paused` other than 0) or resumes sending everything: the same as muting, or not, both
// pictures and voices.
lens_status lens_participant_set_paused(lens_participant participant, int32_t paused);

// Begins capture anew after it had stopped (`on_capture_stopped`): a person's wish, not a
// program's.
lens_status lens_participant_resume_capture(lens_participant participant);

// Asks the sender of each received picture for a keyframe, at most every 500 ms.
lens_status lens_participant_request_keyframe(lens_participant participant);

// Says that the system's network changed: a new path is looked for. Harmless at any time.
lens_status lens_participant_network_changed(lens_participant participant);

// Takes a signal that arrived for the participant: `length` bytes of UTF-8, a JSON object with
// `kind` as the server sent it. An object without `kind` is taken for an offer, as the HTTP API
// answers a join. Duplicates, late ones and unknown kinds are harmless.
//
// `LENS_STATUS_INVALID_ARGUMENT` when it is no such object; `LENS_STATUS_CLOSED`.
// The caller promises:
// `json` points to `length` readable bytes.
lens_status lens_participant_receive(lens_participant participant, const char *json, size_t length);

// Reports that a signal (its `id` in `send`) reached the server. Harmless when late or closed.
lens_status lens_participant_signal_sent(lens_participant participant, uint64_t id);

// Reports that a signal could not be carried. With `retryable` other than 0 the library tries again
// after a pause; with 0 the participant fails with `LENS_STATUS_SIGNALLING_FAILED` where it cannot
// go on without. Harmless when late or closed.
lens_status lens_participant_signal_failed(lens_participant participant,
                                           uint64_t id,
                                           int32_t retryable);

// Reports that the server refused a signal, with its code: one of `LENS_STATUS_SERVER_*`, which
// `lens_status_from_name` finds by name. The library knows what follows from each. Better than
// `lens_participant_signal_failed` where the code is at hand.
//
// `LENS_STATUS_INVALID_ARGUMENT` for a number that is no code of the server's.
lens_status lens_participant_signal_refused(lens_participant participant,
                                            uint64_t id,
                                            lens_status code);

// Asks the server for a new generation. `reason` is one of `LENS_OFFER_*`.
lens_status lens_participant_request_offer(lens_participant participant, lens_offer_reason reason);

// Fills the table with zeros and its size. `struct_size` is `sizeof(lens_network)`.
// The caller promises:
// `network` points to `struct_size` writable bytes.
lens_status lens_network_init(struct lens_network *network, uint32_t struct_size);

// Fills the frame with zeros and its size. `struct_size` is `sizeof(lens_encoded_frame)`.
// The caller promises:
// `frame` points to `struct_size` writable bytes.
lens_status lens_encoded_frame_init(struct lens_encoded_frame *frame, uint32_t struct_size);

// Fills the table with zeros and its size. `struct_size` is `sizeof(lens_frame_transform)`.
// The caller promises:
// `transform` points to `struct_size` writable bytes.
lens_status lens_frame_transform_init(struct lens_frame_transform *transform, uint32_t struct_size);

// Fills the command with zeros and its size. `struct_size` is `sizeof(lens_command)`.
// The caller promises:
// `command` points to `struct_size` writable bytes.
lens_status lens_command_init(struct lens_command *command, uint32_t struct_size);

// Fills the annotation with its defaults. `struct_size` is `sizeof(lens_annotation)`.
// The caller promises:
// `annotation` points to `struct_size` writable bytes.
lens_status lens_annotation_init(struct lens_annotation *annotation, uint32_t struct_size);

// Fills the table with zeros and its size. `struct_size` is `sizeof(lens_observer)`.
// The caller promises:
// `observer` points to `struct_size` writable bytes.
lens_status lens_observer_init(struct lens_observer *observer, uint32_t struct_size);

// Fills the figures with those of a participant that has done nothing yet. `struct_size` is
// `sizeof(lens_stats)`.
// The caller promises:
// `stats` points to `struct_size` writable bytes.
lens_status lens_stats_init(struct lens_stats *stats, uint32_t struct_size);

// Writes the participant's figures; the last ones when it is over.
// The caller promises:
// `stats` points to as many writable bytes as its `struct_size` says.
lens_status lens_participant_stats(lens_participant participant, struct lens_stats *stats);

// Says something to all others over the data channel: 1 to 2,000 characters, `length` bytes of
// UTF-8. Writes its number to `id`, which may be NULL. It is kept by nobody: what has to be on
// record goes through the website's chat.
//
// `LENS_STATUS_WOULD_BLOCK` while too many messages wait, `LENS_STATUS_INVALID_ARGUMENT`,
// `LENS_STATUS_CLOSED`.
// The caller promises:
// `message` points to `length` readable bytes; `id` to a writable number, or is NULL.
lens_status lens_chat_send(lens_participant participant,
                           const char *message,
                           size_t length,
                           uint64_t *id);

// Asks the camera's program for something; the answer comes as `on_command_reply` with the number
// that is written to `id`, which is required.
//
// Statuses as `lens_chat_send`.
// The caller promises:
// `command` is a valid command; `id` points to a writable number.
lens_status lens_command_send(lens_participant participant,
                              const struct lens_command *command,
                              uint64_t *id);

// Answers a command (`on_command`) with one of `LENS_OUTCOME_*`. A second answer to the same one,
// and one to a command that never came, are ignored.
lens_status lens_command_reply(lens_participant participant, uint64_t id, lens_outcome outcome);

// Draws on the camera's picture, for all others.
//
// Statuses as `lens_chat_send`; `LENS_STATUS_INVALID_ARGUMENT` outside the picture.
// The caller promises:
// `annotation` is a valid annotation.
lens_status lens_annotation_send(lens_participant participant,
                                 const struct lens_annotation *annotation);

// Takes one drawing of ours away, or all of them when `id` is NULL.
//
// Statuses as `lens_chat_send`.
// The caller promises:
// `id` points to a readable number, or is NULL.
lens_status lens_annotation_clear(lens_participant participant, const uint64_t *id);

// Sends a key message, `length` bytes of UTF-8, to another participant, through signalling: it
// comes back to you as a signal to be carried (`LENS_SIGNAL_KEY_MESSAGE`).
//
// `LENS_STATUS_INVALID_ARGUMENT` when `to` is no id or the payload no UTF-8; `LENS_STATUS_CLOSED`.
// The caller promises:
// `to` points to an id, `payload` to `length` readable bytes.
lens_status lens_key_message_send(lens_participant participant,
                                  const struct lens_id *to,
                                  const char *payload,
                                  size_t length);

// Has log lines up to a level given to `log`, for all engines of this process. It replaces the one
// before, whose `destroy` is called once none of its calls run. `LENS_LOG_OFF`, or a NULL function,
// ends it; a `destroy` that comes with it is called before this returns. Lines name no secret, SDP,
// address or chat text.
//
// `LENS_STATUS_INVALID_ARGUMENT` for an unknown level, `LENS_STATUS_INVALID_STATE` from within a
// log function, and when the program is in Rust and has a `tracing` subscriber of its own. When it
// fails, `user_data` stays yours and `destroy` is not called.
// The caller promises:
// `log` and `destroy` may be called with `user_data` from any thread.
lens_status lens_set_log_callback(lens_log_level most,
                                  lens_log_fn log,
                                  void *user_data,
                                  lens_destroy_fn destroy);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LENS_MEDIA_H */


