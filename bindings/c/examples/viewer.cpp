// A viewer in C++: counts the camera's pictures, and tells who is there. What is typed and is no
// signal is said to the others.
//
//   viewer < signals-for-us > signals-from-us
//
// Signalling as in signals.h.
#include <atomic>
#include <iostream>
#include <memory>

#include "lens_media.hpp"
#include "signals.h"

namespace {

struct Carrier : lens::Network {
    void send(const lens::Signal &signal) override {
        signals_send(nullptr, signal.id, signal.attempt, signal.kind, signal.json, signal.length);
    }
};

struct Eyes : lens::Observer {
    std::atomic<bool> over{false};
    std::atomic<long> frames{0};

    void on_state(lens_state state, lens_status code) override {
        std::cerr << "state " << state << " " << lens_status_name(code) << std::endl;
        over = state == LENS_STATE_CLOSED || state == LENS_STATE_FAILED;
    }

    void on_roster(const lens_roster_entry *const *entries, std::size_t count) override {
        for (std::size_t i = 0; i < count; i++)
            std::cerr << "here is " << std::string(entries[i]->name, entries[i]->name_length)
                      << std::endl;
    }

    void on_frame(const lens_track &track, const lens_encoded_frame &frame) override {
        if (track.media != LENS_MEDIA_VIDEO) return;
        if (++frames % 30 == 1) std::cerr << "a frame of " << frame.length << " bytes" << std::endl;
    }

    void on_chat(const lens_id &from, std::uint64_t, const std::string &text) override {
        std::cerr << from.text << ": " << text << std::endl;
    }
};

}  // namespace

int main() {
    try {
        auto eyes = std::make_shared<Eyes>();
        lens::Engine engine;
        lens::Participant viewer(engine, LENS_ROLE_VIEWER, std::make_shared<Carrier>(), eyes);
        char *line = nullptr;
        for (int more = 0; !eyes->over && more >= 0;) {
            more = signals_line(&line);
            if (more <= 0 || signals_take(viewer.handle(), line)) continue;
            try {
                viewer.chat(line);
            } catch (const lens::Error &error) {  // the queue is full, or it is over
                std::cerr << error.what() << std::endl;
            }
        }
        std::cerr << eyes->frames << " frames" << std::endl;
        return 0;
    } catch (const lens::Error &error) {
        std::cerr << error.what() << std::endl;
        return 1;
    }
}
