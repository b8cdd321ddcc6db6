/*
 * Lens MediaSDK for C++11: engines and participants that end with their scope, callbacks as virtual
 * functions. Header only, over lens_media.h, whose comments hold for what is not said here.
 *
 *   struct Eyes : lens::Observer {
 *       void on_frame(const lens_track &, const lens_encoded_frame &frame) override { show(frame); }
 *   };
 *   lens::Engine engine;
 *   lens::Participant viewer(engine, LENS_ROLE_VIEWER, std::make_shared<MySignalling>(),
 *                            std::make_shared<Eyes>());
 *   viewer.receive(join_answer);
 *
 * Calls that fail throw lens::Error. With LENS_MEDIA_NO_EXCEPTIONS defined they return the status
 * instead, and an object whose construction failed is `false`. Exceptions that leave a callback end
 * the participant with LENS_STATUS_HOST_PANICKED, and nothing else.
 *
 * Observers and networks are shared: the library holds them until the last callback. One that holds
 * its own Participant keeps nothing alive but a handle; closing from a callback is allowed.
 */
#ifndef LENS_MEDIA_HPP
#define LENS_MEDIA_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "lens_media.h"

namespace lens {

/* The sentence of this thread's last failure. */
inline std::string last_error() {
    std::string text(lens_last_error_message(nullptr, 0) + 1, '\0');
    text.resize(lens_last_error_message(&text[0], text.size()));
    return text;
}

#ifndef LENS_MEDIA_NO_EXCEPTIONS
/* A call that failed. */
class Error : public std::exception {
public:
    explicit Error(lens_status status)
        : status_(status), text_(std::string(lens_status_name(status)) + ": " + last_error()) {}
    lens_status status() const noexcept { return status_; }
    const char *what() const noexcept override { return text_.c_str(); }

private:
    lens_status status_;
    std::string text_;
};
#endif

namespace detail {

inline lens_status done(lens_status status) {
#ifndef LENS_MEDIA_NO_EXCEPTIONS
    if (status != LENS_STATUS_OK) throw Error(status);
#endif
    return status;
}

/* Runs a callback: nothing may be thrown through the library. */
template <typename Body>
void call(Body body) noexcept {
#ifdef LENS_MEDIA_NO_EXCEPTIONS
    body();
#else
    try {
        body();
    } catch (const std::exception &error) {
        if (lens_callback_failed(error.what(), std::strlen(error.what())) != LENS_STATUS_OK)
            lens_callback_failed("", 0);
    } catch (...) {
        lens_callback_failed("", 0);
    }
#endif
}

}  // namespace detail

/* Takes a log line; without line feed. On any thread, several at a time. */
using Logger = std::function<void(lens_log_level, const std::string &)>;

namespace detail {

extern "C" {
inline void lens_hpp_drop_logger(void *data) { delete static_cast<Logger *>(data); }
inline void lens_hpp_log(void *data, lens_log_level level, const char *line, std::size_t length) {
#ifdef LENS_MEDIA_NO_EXCEPTIONS
    (*static_cast<Logger *>(data))(level, std::string(line, length));
#else
    try {
        (*static_cast<Logger *>(data))(level, std::string(line, length));
    } catch (...) {
        /* Nobody is left to be told. */
    }
#endif
}
}  // extern "C"

}  // namespace detail

/* Has log lines up to a level given to `logger`, for the whole process; empty ends it. See
 * lens_set_log_callback. */
inline lens_status log(lens_log_level most, Logger logger) {
    if (!logger) return detail::done(lens_set_log_callback(LENS_LOG_OFF, nullptr, nullptr, nullptr));
    std::unique_ptr<Logger> kept(new Logger(std::move(logger)));
    const lens_status status = lens_set_log_callback(most, detail::lens_hpp_log, kept.get(),
                                                     detail::lens_hpp_drop_logger);
    if (status == LENS_STATUS_OK) kept.release();
    return detail::done(status);
}

/* A signal to be carried; borrowed during `send`. */
struct Signal {
    std::uint64_t id;
    std::uint32_t attempt;
    lens_signal_kind kind;
    const char *json;
    std::size_t length;
};

/* Carries signals: see lens_network. */
class Network {
public:
    virtual ~Network() = default;
    virtual void send(const Signal &signal) = 0;
};

/* What a participant tells: see lens_observer. Override what you want. */
class Observer {
public:
    virtual ~Observer() = default;
    virtual void on_state(lens_state, lens_status /*code*/) {}
    virtual void on_generation(std::uint32_t) {}
    virtual void on_roster(const lens_roster_entry *const * /*entries*/, std::size_t /*count*/) {}
    virtual void on_track(const lens_track &) {}
    virtual void on_track_end(const lens_track &) {}
    virtual void on_frame(const lens_track &, const lens_encoded_frame &) {}
    virtual void on_bitrate(std::uint32_t /*target_bps*/, std::uint32_t /*max_fps*/) {}
    virtual void on_keyframe_request() {}
    virtual void on_capture_stopped() {}
    virtual void on_chat(const lens_id & /*from*/, std::uint64_t /*id*/, const std::string &) {}
    virtual void on_command(std::uint64_t /*id*/, const lens_id & /*from*/, const lens_command &) {}
    virtual void on_command_reply(std::uint64_t /*id*/, lens_outcome) {}
    virtual void on_annotation(const lens_id & /*from*/, const lens_annotation &) {}
    virtual void on_annotation_clear(const lens_id & /*from*/, const std::uint64_t * /*id*/) {}
    virtual void on_key_message(const lens_id & /*from*/, const std::string &) {}
    virtual void on_talk_ready(const lens_id & /*participant*/) {}
};

/* A stage that each frame passes: see lens_frame_transform. */
class FrameTransform {
public:
    virtual ~FrameTransform() = default;
    /* Changes `length` of at most `capacity` bytes in place; false drops the frame. */
    virtual bool transform(const lens_frame_info &info, std::uint8_t *data, std::size_t &length,
                           std::size_t capacity) = 0;
};

namespace detail {

using SharedObserver = std::shared_ptr<Observer>;
using SharedNetwork = std::shared_ptr<Network>;
using SharedTransform = std::shared_ptr<FrameTransform>;

inline Observer &observer(void *data) { return **static_cast<SharedObserver *>(data); }

extern "C" {
inline void lens_hpp_drop_observer(void *data) { delete static_cast<SharedObserver *>(data); }
inline void lens_hpp_drop_network(void *data) { delete static_cast<SharedNetwork *>(data); }
inline void lens_hpp_drop_transform(void *data) { delete static_cast<SharedTransform *>(data); }
inline lens_transformed lens_hpp_transform(void *data, const lens_frame_info *info,
                                           std::uint8_t *bytes, std::size_t *length,
                                           std::size_t capacity) {
    lens_transformed outcome = LENS_TRANSFORM_DROP;
    call([&] {
        if ((*static_cast<SharedTransform *>(data))->transform(*info, bytes, *length, capacity))
            outcome = LENS_TRANSFORM_PASS;
    });
    return outcome;
}
inline void lens_hpp_send(void *data, std::uint64_t id, std::uint32_t attempt,
                          lens_signal_kind kind, const char *json, std::size_t length) {
    call([&] { (*static_cast<SharedNetwork *>(data))->send({id, attempt, kind, json, length}); });
}
inline void lens_hpp_on_state(void *data, lens_state state, lens_status code) {
    call([&] { observer(data).on_state(state, code); });
}
inline void lens_hpp_on_generation(void *data, std::uint32_t generation) {
    call([&] { observer(data).on_generation(generation); });
}
inline void lens_hpp_on_roster(void *data, const lens_roster_entry *const *entries,
                               std::size_t count) {
    call([&] { observer(data).on_roster(entries, count); });
}
inline void lens_hpp_on_track(void *data, const lens_track *track) {
    call([&] { observer(data).on_track(*track); });
}
inline void lens_hpp_on_track_end(void *data, const lens_track *track) {
    call([&] { observer(data).on_track_end(*track); });
}
inline void lens_hpp_on_frame(void *data, const lens_track *track,
                              const lens_encoded_frame *frame) {
    call([&] { observer(data).on_frame(*track, *frame); });
}
inline void lens_hpp_on_bitrate(void *data, std::uint32_t target_bps, std::uint32_t max_fps) {
    call([&] { observer(data).on_bitrate(target_bps, max_fps); });
}
inline void lens_hpp_on_keyframe_request(void *data) {
    call([&] { observer(data).on_keyframe_request(); });
}
inline void lens_hpp_on_capture_stopped(void *data) {
    call([&] { observer(data).on_capture_stopped(); });
}
inline void lens_hpp_on_chat(void *data, const lens_id *from, std::uint64_t id, const char *text,
                             std::size_t length) {
    call([&] { observer(data).on_chat(*from, id, std::string(text, length)); });
}
inline void lens_hpp_on_command(void *data, std::uint64_t id, const lens_id *from,
                                const lens_command *command) {
    call([&] { observer(data).on_command(id, *from, *command); });
}
inline void lens_hpp_on_command_reply(void *data, std::uint64_t id, lens_outcome outcome) {
    call([&] { observer(data).on_command_reply(id, outcome); });
}
inline void lens_hpp_on_annotation(void *data, const lens_id *from,
                                   const lens_annotation *annotation) {
    call([&] { observer(data).on_annotation(*from, *annotation); });
}
inline void lens_hpp_on_annotation_clear(void *data, const lens_id *from,
                                         const std::uint64_t *id) {
    call([&] { observer(data).on_annotation_clear(*from, id); });
}
inline void lens_hpp_on_key_message(void *data, const lens_id *from, const char *payload,
                                    std::size_t length) {
    call([&] { observer(data).on_key_message(*from, std::string(payload, length)); });
}
inline void lens_hpp_on_talk_ready(void *data, const lens_id *participant) {
    call([&] { observer(data).on_talk_ready(*participant); });
}
}  // extern "C"

inline lens_observer table(SharedObserver *observer) {
    lens_observer made;
    lens_observer_init(&made, sizeof made);
    made.user_data = observer;
    made.destroy = lens_hpp_drop_observer;
    made.on_state = lens_hpp_on_state;
    made.on_generation = lens_hpp_on_generation;
    made.on_roster = lens_hpp_on_roster;
    made.on_track = lens_hpp_on_track;
    made.on_track_end = lens_hpp_on_track_end;
    made.on_frame = lens_hpp_on_frame;
    made.on_bitrate = lens_hpp_on_bitrate;
    made.on_keyframe_request = lens_hpp_on_keyframe_request;
    made.on_capture_stopped = lens_hpp_on_capture_stopped;
    made.on_chat = lens_hpp_on_chat;
    made.on_command = lens_hpp_on_command;
    made.on_command_reply = lens_hpp_on_command_reply;
    made.on_annotation = lens_hpp_on_annotation;
    made.on_annotation_clear = lens_hpp_on_annotation_clear;
    made.on_key_message = lens_hpp_on_key_message;
    made.on_talk_ready = lens_hpp_on_talk_ready;
    return made;
}

inline lens_frame_transform table(SharedTransform *transform) {
    lens_frame_transform made;
    lens_frame_transform_init(&made, sizeof made);
    made.user_data = transform;
    made.destroy = lens_hpp_drop_transform;
    made.transform = lens_hpp_transform;
    return made;
}

inline lens_network table(SharedNetwork *network) {
    lens_network made;
    lens_network_init(&made, sizeof made);
    made.user_data = network;
    made.destroy = lens_hpp_drop_network;
    made.send = lens_hpp_send;
    return made;
}

}  // namespace detail

/* An engine; ends, with its participants, when it goes out of scope. */
class Engine {
public:
    explicit Engine(const lens_engine_config *config = nullptr) : handle_(0) {
        detail::done(lens_engine_create(config, &handle_));
    }
    ~Engine() { end(); }
    Engine(Engine &&other) noexcept : handle_(other.handle_) { other.handle_ = 0; }
    Engine &operator=(Engine &&other) noexcept {
        if (this != &other) {
            end();
            std::swap(handle_, other.handle_);
        }
        return *this;
    }
    Engine(const Engine &) = delete;
    Engine &operator=(const Engine &) = delete;

    explicit operator bool() const noexcept { return handle_ != 0; }
    lens_engine handle() const noexcept { return handle_; }
    lens_status run_callbacks() { return detail::done(lens_engine_run_callbacks(handle_)); }
    lens_status network_changed() { return detail::done(lens_engine_network_changed(handle_)); }

private:
    void end() noexcept {
        if (handle_ != 0) lens_engine_destroy(handle_);
        handle_ = 0;
    }
    lens_engine handle_;
};

/* The stages that a participant's frames pass; either may be empty. */
struct Transforms {
    std::shared_ptr<FrameTransform> sender;
    std::shared_ptr<FrameTransform> receiver;
};

/* A participant; closed and released when it goes out of scope. */
class Participant {
public:
    Participant() noexcept : handle_(0) {}
    Participant(const Engine &engine, lens_role role, std::shared_ptr<Network> network,
                std::shared_ptr<Observer> observer)
        : handle_(0) {
        lens_participant_config config;
        lens_participant_config_init(&config, sizeof config);
        config.role = role;
        create(engine, config, std::move(network), std::move(observer));
    }
    Participant(const Engine &engine, const lens_participant_config &config,
                std::shared_ptr<Network> network, std::shared_ptr<Observer> observer,
                Transforms transforms = Transforms())
        : handle_(0) {
        create(engine, config, std::move(network), std::move(observer), std::move(transforms));
    }
    ~Participant() { end(); }
    Participant(Participant &&other) noexcept : handle_(other.handle_) { other.handle_ = 0; }
    Participant &operator=(Participant &&other) noexcept {
        if (this != &other) {
            end();
            std::swap(handle_, other.handle_);
        }
        return *this;
    }
    Participant(const Participant &) = delete;
    Participant &operator=(const Participant &) = delete;

    explicit operator bool() const noexcept { return handle_ != 0; }
    /* For the functions of lens_media.h that have no method here. */
    lens_participant handle() const noexcept { return handle_; }

    lens_status close() { return detail::done(lens_participant_close(handle_)); }
    lens_status leave(const std::string &reason = std::string()) {
        return detail::done(lens_participant_leave(handle_, reason.data(), reason.size()));
    }
    lens_status receive(const std::string &json) {
        return detail::done(lens_participant_receive(handle_, json.data(), json.size()));
    }
    lens_status signal_sent(std::uint64_t id) {
        return detail::done(lens_participant_signal_sent(handle_, id));
    }
    lens_status signal_failed(std::uint64_t id, bool retryable) {
        return detail::done(lens_participant_signal_failed(handle_, id, retryable));
    }
    lens_status signal_refused(std::uint64_t id, lens_status code) {
        return detail::done(lens_participant_signal_refused(handle_, id, code));
    }
    lens_status request_offer(lens_offer_reason reason) {
        return detail::done(lens_participant_request_offer(handle_, reason));
    }
    lens_state state() const {
        lens_state found = LENS_STATE_CLOSED;
        detail::done(lens_participant_state(handle_, &found, nullptr));
        return found;
    }
    /* Why it failed; LENS_STATUS_OK when it has not. */
    lens_status failure() const {
        lens_state ignored = LENS_STATE_CLOSED;
        lens_status found = LENS_STATUS_OK;
        detail::done(lens_participant_state(handle_, &ignored, &found));
        return found;
    }
    /* All zero before the first offer. */
    lens_id id() const {
        lens_id found = lens_id();
        detail::done(lens_participant_id(handle_, &found, nullptr));
        return found;
    }
    std::uint32_t generation() const {
        std::uint32_t found = 0;
        detail::done(lens_participant_id(handle_, nullptr, &found));
        return found;
    }
    lens_stats stats() const {
        lens_stats found;
        lens_stats_init(&found, sizeof found);
        detail::done(lens_participant_stats(handle_, &found));
        return found;
    }
    lens_status push(const lens_encoded_frame &frame) {
        return detail::done(lens_participant_push_frame(handle_, &frame));
    }
    lens_status set_muted(lens_media media, bool muted) {
        return detail::done(lens_participant_set_muted(handle_, media, muted));
    }
    lens_status set_paused(bool paused) {
        return detail::done(lens_participant_set_paused(handle_, paused));
    }
    lens_status resume_capture() {
        return detail::done(lens_participant_resume_capture(handle_));
    }
    lens_status request_keyframe() {
        return detail::done(lens_participant_request_keyframe(handle_));
    }
    lens_status network_changed() {
        return detail::done(lens_participant_network_changed(handle_));
    }
    lens_status chat(const std::string &text, std::uint64_t *id = nullptr) {
        return detail::done(lens_chat_send(handle_, text.data(), text.size(), id));
    }
    lens_status command(const lens_command &command, std::uint64_t *id) {
        return detail::done(lens_command_send(handle_, &command, id));
    }
    lens_status reply(std::uint64_t id, lens_outcome outcome) {
        return detail::done(lens_command_reply(handle_, id, outcome));
    }
    lens_status annotate(const lens_annotation &annotation) {
        return detail::done(lens_annotation_send(handle_, &annotation));
    }
    lens_status clear_annotations(const std::uint64_t *id = nullptr) {
        return detail::done(lens_annotation_clear(handle_, id));
    }
    lens_status key_message(const lens_id &to, const std::string &payload) {
        return detail::done(lens_key_message_send(handle_, &to, payload.data(), payload.size()));
    }

private:
    void create(const Engine &engine, lens_participant_config config,
                std::shared_ptr<Network> network, std::shared_ptr<Observer> observer,
                Transforms transforms = Transforms()) {
        /* The library's once the call succeeds; ours when it fails. */
        std::unique_ptr<detail::SharedNetwork> carries(
            new detail::SharedNetwork(std::move(network)));
        std::unique_ptr<detail::SharedObserver> watches(
            new detail::SharedObserver(std::move(observer)));
        const lens_network network_table = detail::table(carries.get());
        const lens_observer observer_table = detail::table(watches.get());
        const bool carried = static_cast<bool>(*carries), watched = static_cast<bool>(*watches);
        std::unique_ptr<detail::SharedTransform> sends, receives;
        lens_frame_transform sender_table, receiver_table;
        if (transforms.sender) {
            sends.reset(new detail::SharedTransform(std::move(transforms.sender)));
            sender_table = detail::table(sends.get());
            config.sender_transform = &sender_table;
        }
        if (transforms.receiver) {
            receives.reset(new detail::SharedTransform(std::move(transforms.receiver)));
            receiver_table = detail::table(receives.get());
            config.receiver_transform = &receiver_table;
        }
        const lens_status status = lens_participant_create(
            engine.handle(), &config, carried ? &network_table : nullptr,
            watched ? &observer_table : nullptr, &handle_);
        if (status == LENS_STATUS_OK) {
            carries.release();
            if (watched) watches.release();
            sends.release();
            receives.release();
        }
        detail::done(status);
    }
    void end() noexcept {
        if (handle_ != 0) lens_participant_destroy(handle_);
        handle_ = 0;
    }
    lens_participant handle_;
};

}  // namespace lens

#endif
