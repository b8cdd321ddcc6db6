// The C++ wrapper where it hurts: whatever a host throws, moves, empties or ends from within.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "lens_media.hpp"

#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            std::cerr << __FILE__ << ":" << __LINE__ << ": " << #condition << " ("             \
                      << lens::last_error() << ")\n";                                          \
            std::exit(1);                                                                      \
        }                                                                                      \
    } while (0)

template <typename Condition>
static void until(Condition condition) {
    for (int i = 0; i < 6000 && !condition(); i++)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(condition());
}

template <typename Body>
static lens_status thrown(Body body) {
    try {
        body();
    } catch (const lens::Error &error) {
        CHECK(std::string(error.what()).find(lens_status_name(error.status())) == 0);
        return error.status();
    }
    return LENS_STATUS_OK;
}

static std::atomic<int> alive(0);

struct Counted {
    Counted() { alive++; }
    ~Counted() { alive--; }
};

struct Carrier : lens::Network {
    void send(const lens::Signal &) override {
        if (throws) throw 17;
    }
    Counted counted;
    bool throws = false;
};

static const char torch[] =
    "{\"kind\":\"command\",\"id\":\"0199d1f2-0000-7000-8000-000000000001\","
    "\"command\":\"torch\",\"arguments\":{\"on\":true}}";
static const char roster[] =
    "{\"kind\":\"roster\",\"conference\":\"0199d1f2-0000-7000-8000-000000000001\","
    "\"you\":\"0199d1f2-0000-7000-8000-000000000002\",\"participants\":[]}";

struct Thrower : lens::Observer {
    void on_command(std::uint64_t, const lens_id &, const lens_command &) override {
        throw std::runtime_error(std::string("zero \0 and \xff inside", 18));
    }
    void on_roster(const lens_roster_entry *const *, std::size_t) override { throw 17; }
    Counted counted;
};

static void whatever_is_thrown_ends_its_participant(lens::Engine &engine) {
    for (int way = 0; way < 3; way++) {
        auto carrier = std::make_shared<Carrier>();
        carrier->throws = way == 2;
        lens::Participant one(engine, LENS_ROLE_CAMERA, carrier, std::make_shared<Thrower>());
        carrier.reset();
        if (way == 0) one.receive(torch);
        if (way == 1) one.receive(roster);
        if (way == 2) one.request_offer(LENS_OFFER_RELOAD);
        until([&] { return one.state() == LENS_STATE_FAILED; });
        CHECK(one.failure() == LENS_STATUS_HOST_PANICKED);
        until([] { return alive == 0; });
    }
}

// Who gave its handle away is refused by name, and can be filled anew.
static void moved_from(lens::Engine &engine) {
    lens::Participant first(engine, LENS_ROLE_VIEWER, std::make_shared<Carrier>(), nullptr);
    CHECK(std::string(first.id().text).empty() && first.generation() == 0 && first.failure() == 0);
    lens::Participant second(std::move(first));
    CHECK(thrown([&] { first.close(); }) == LENS_STATUS_INVALID_HANDLE);
    CHECK(thrown([&] { first.receive(torch); }) == LENS_STATUS_INVALID_HANDLE);
    CHECK(thrown([&] { first.stats(); }) == LENS_STATUS_INVALID_HANDLE);
    CHECK(thrown([&] { first.id(); }) == LENS_STATUS_INVALID_HANDLE);
    first = std::move(second);
    CHECK(first && !second && first.stats().frames_sent == 0 && first.stats().rtt_ms == -1.0f);
    first = lens::Participant(engine, LENS_ROLE_VIEWER, std::make_shared<Carrier>(), nullptr);
    CHECK(alive == 1);
    lens::Engine other;
    lens::Engine taken(std::move(other));
    CHECK(!other && taken);
    CHECK(thrown([&] { other.network_changed(); }) == LENS_STATUS_INVALID_HANDLE);
    CHECK(thrown([&] {
              lens::Participant nobody(other, LENS_ROLE_VIEWER, std::make_shared<Carrier>(),
                                       nullptr);
          }) == LENS_STATUS_INVALID_HANDLE);
    CHECK(alive == 1);
    lens_id nobody = lens_id();
    CHECK(thrown([&] { first.key_message(nobody, "x"); }) == LENS_STATUS_INVALID_ARGUMENT);
}

// The sentence is that of the call that failed, not of one before.
static void a_missing_network(lens::Engine &engine) {
    CHECK(lens_participant_close(0) == LENS_STATUS_INVALID_HANDLE);
    try {
        lens::Participant nobody(engine, LENS_ROLE_VIEWER, nullptr, nullptr);
        CHECK(false);
    } catch (const lens::Error &error) {
        CHECK(error.status() == LENS_STATUS_INVALID_ARGUMENT);
        CHECK(std::string(error.what()).find("network is NULL") != std::string::npos);
    }
}

// An observer that holds its own participant, and lets it go from its callback, or never.
struct Selfish : lens::Observer {
    explicit Selfish(bool lets_go) : lets_go(lets_go) {}
    void on_command(std::uint64_t, const lens_id &, const lens_command &) override {
        if (lets_go) self = lens::Participant();
        asked = true;
    }
    lens::Participant self;
    bool lets_go;
    std::atomic<bool> asked{false};
    Counted counted;
};

static void ending_oneself() {
    lens::Engine engine;
    for (int lets_go = 0; lets_go < 2; lets_go++) {
        auto selfish = std::make_shared<Selfish>(lets_go != 0);
        selfish->self = lens::Participant(engine, LENS_ROLE_CAMERA, std::make_shared<Carrier>(),
                                          selfish);
        selfish->self.receive(torch);
        until([&] { return selfish->asked.load(); });
        selfish.reset();
        if (lets_go) until([] { return alive == 2; });
    }
    engine = lens::Engine();
    CHECK(alive == 0 && lens_live_handles() == 2);
}

// Lines come as they are; a logger that throws harms nobody.
static void logging() {
    std::atomic<int> lines(0);
    auto counted = std::make_shared<Counted>();
    lens::log(LENS_LOG_TRACE, [&lines, counted](lens_log_level level, const std::string &line) {
        CHECK(level >= LENS_LOG_ERROR && !line.empty());
        lines++;
        throw std::runtime_error("a logger broke");
    });
    counted.reset();
    {
        lens::Engine engine;
        lens::Participant one(engine, LENS_ROLE_CAMERA, std::make_shared<Carrier>(),
                              std::make_shared<Thrower>());
        one.receive(torch);
        until([&] { return one.state() == LENS_STATE_FAILED; });
    }
    CHECK(lines > 0);
    lens::log(LENS_LOG_OFF, nullptr);
    CHECK(alive == 0);
}

int main() {
    {
        lens::Engine engine;
        whatever_is_thrown_ends_its_participant(engine);
        moved_from(engine);
        a_missing_network(engine);
        CHECK(alive == 0);
        ending_oneself();
    }
    logging();
    CHECK(alive == 0 && lens_live_handles() == 0);
    return 0;
}
