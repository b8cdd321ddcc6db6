// The C++ wrapper: scopes end things, moves keep them, exceptions stay inside.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "lens_media.hpp"

#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            std::cerr << __FILE__ << ":" << __LINE__ << ": " << #condition << "\n";            \
            std::exit(1);                                                                      \
        }                                                                                      \
    } while (0)

template <typename Condition>
static void until(Condition condition) {
    for (int i = 0; i < 6000 && !condition(); i++)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(condition());
}

static std::atomic<int> alive(0), sent(0), asked(0), transformed(0);

struct Carrier : lens::Network {
    Carrier() { alive++; }
    ~Carrier() override { alive--; }
    void send(const lens::Signal &signal) override {
        CHECK(signal.length > 0 && signal.json[0] == '{');
        sent++;
    }
};

struct Watcher : lens::Observer {
    explicit Watcher(bool throws) : throws_(throws) { alive++; }
    ~Watcher() override { alive--; }
    void on_command(std::uint64_t, const lens_id &, const lens_command &command) override {
        CHECK(command.kind == LENS_COMMAND_TORCH && command.on == 1);
        asked++;
        if (throws_) throw std::runtime_error("the host broke");
    }
    bool throws_;
};

struct Cipher : lens::FrameTransform {
    explicit Cipher(bool throws) : throws_(throws) { alive++; }
    ~Cipher() override { alive--; }
    bool transform(const lens_frame_info &info, std::uint8_t *data, std::size_t &length,
                   std::size_t capacity) override {
        CHECK(info.codec == LENS_CODEC_VP8 && length == 3 && capacity > length);
        if (throws_) throw std::runtime_error("no key");
        data[length++] ^= 1;
        transformed++;
        return true;
    }
    bool throws_;
};

static const char torch[] =
    "{\"kind\":\"command\",\"id\":\"0199d1f2-0000-7000-8000-000000000001\","
    "\"command\":\"torch\",\"arguments\":{\"on\":true}}";

int main() {
    {
        lens::Engine engine;
        lens::Participant first(engine, LENS_ROLE_CAMERA, std::make_shared<Carrier>(),
                                std::make_shared<Watcher>(false));
        CHECK(first && alive == 2 && lens_live_handles() == 2);
        first.receive(torch);
        until([] { return asked == 1; });
        lens::Participant moved(std::move(first));
        CHECK(!first && moved && moved.state() == LENS_STATE_NEW);
        moved.request_offer(LENS_OFFER_RELOAD);
        until([] { return sent >= 1; });
        moved = lens::Participant();
        CHECK(alive == 0 && lens_live_handles() == 1);

        lens::Participant thrower(engine, LENS_ROLE_CAMERA, std::make_shared<Carrier>(),
                                  std::make_shared<Watcher>(true));
        thrower.receive(torch);
        until([&] { return thrower.state() == LENS_STATE_FAILED; });
        lens_status code = 0;
        lens_state state = 0;
        lens_participant_state(thrower.handle(), &state, &code);
        CHECK(code == LENS_STATUS_HOST_PANICKED);
        try {
            thrower.receive(torch);
            CHECK(false);
        } catch (const lens::Error &error) {
            CHECK(error.status() == LENS_STATUS_CLOSED);
            CHECK(std::string(error.what()).find("closed") != std::string::npos);
        }
        try {
            lens::Participant nobody(engine, 77, std::make_shared<Carrier>(), nullptr);
            CHECK(false);
        } catch (const lens::Error &error) {
            CHECK(error.status() == LENS_STATUS_INVALID_ARGUMENT);
        }
        lens_participant_config config;
        lens_participant_config_init(&config, sizeof config);
        config.role = LENS_ROLE_CAMERA;
        lens::Transforms transforms;
        transforms.sender = std::make_shared<Cipher>(false);
        transforms.receiver = std::make_shared<Cipher>(false);
        lens::Participant ciphered(engine, config, std::make_shared<Carrier>(), nullptr, transforms);
        const std::uint8_t bytes[] = {1, 2, 3};
        lens_encoded_frame frame;
        lens_encoded_frame_init(&frame, sizeof frame);
        frame.codec = LENS_CODEC_VP8;
        frame.data = bytes;
        frame.length = sizeof bytes;
        ciphered.push(frame);
        CHECK(transformed == 1);
        transforms.sender = std::make_shared<Cipher>(true);
        lens::Participant keyless(engine, config, std::make_shared<Carrier>(), nullptr, transforms);
        try {
            keyless.push(frame);
            CHECK(false);
        } catch (const lens::Error &error) {
            CHECK(error.status() == LENS_STATUS_HOST_PANICKED);
        }
        transforms = lens::Transforms();
        lens::Participant unwatched(engine, LENS_ROLE_VIEWER, std::make_shared<Carrier>(), nullptr);
        CHECK(unwatched.stats().generations == 0);
    }
    CHECK(alive == 0 && lens_live_handles() == 0);
    return 0;
}
