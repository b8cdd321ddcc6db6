/* A thousand come and go, and leave no handle, thread or descriptor. */
#include <dirent.h>

#include "check.h"

static int entries(const char *folder) {
    int count = 0;
    DIR *dir = opendir(folder);
    CHECK(dir != NULL);
    while (readdir(dir) != NULL) count++;
    closedir(dir);
    return count;
}

static void cycle(lens_engine engine, int number) {
    struct host host;
    host_enter_conference(&host, engine);
    OK(receive(&host, TORCH("1")));
    OK(lens_participant_request_offer(host.participant, LENS_OFFER_RELOAD));
    if (number % 3 == 0) UNTIL(host.sends > 0);
    OK(lens_participant_close(host.participant));
    CHECK(host.network_destroyed == 1 && host.observer_destroyed == 1 && host.late == 0);
    OK(lens_participant_destroy(host.participant));
}

int main(int count, char **arguments) {
    int rounds = count > 1 ? atoi(arguments[1]) : 1000;
    lens_engine engine = engine_with(LENS_CALLBACKS_THREADS);
    cycle(engine, 0);
    int threads = entries("/proc/self/task"), descriptors = entries("/proc/self/fd");
    for (int i = 0; i < rounds; i++) cycle(engine, i);
    for (int i = 0; i < rounds / 50; i++) {
        lens_engine other = engine_with(LENS_CALLBACKS_THREADS);
        cycle(other, i);
        OK(lens_engine_destroy(other));
    }
    CHECK(lens_live_handles() == 1);
    UNTIL(entries("/proc/self/task") <= threads);
    UNTIL(entries("/proc/self/fd") <= descriptors);
    OK(lens_engine_destroy(engine));
    CHECK(lens_live_handles() == 0);
    return 0;
}
