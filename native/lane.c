/* lane.c: the slow lane. A query that has used much of a processor goes on with a lower priority, and only while it
 * holds one of as many tokens as there are processors. A query that needs less never meets any of this.
 *
 * Everything happens in the handler of SIGPROF, which the kernel sends when the time is used up, wherever the query
 * may be; it makes system calls only. Tokens are bytes in a pipe that all frontends share. To wait for one costs
 * nothing, ends at the query's deadline, and the signals that end a query come through. */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { NICER_BY = 5 };

static struct {
    int take, give;         /* ends of the pipe of tokens */
    uint8_t *place;         /* where the parent sees the state of this process */
    uint8_t waits, holds;   /* what is written there */
    uint32_t cpu_ms;
    uint64_t deadline_ns;
    volatile sig_atomic_t slow, has_token;
} lane;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void change_lane(int number)
{
    (void)number;
    int saved = errno;
    if (!lane.slow)
        setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICER_BY);
    lane.slow = 1;
    if (!lane.has_token)
        *lane.place = lane.waits;
    while (!lane.has_token) {
        uint64_t now = now_ns();
        if (now >= lane.deadline_ns)
            break; /* go on without: the query is about to notice its deadline */
        struct pollfd there = {.fd = lane.take, .events = POLLIN};
        struct timespec wait = {.tv_sec = (time_t)((lane.deadline_ns - now) / 1000000000u),
                                .tv_nsec = (long)((lane.deadline_ns - now) % 1000000000u)};
        char token;
        if (ppoll(&there, 1, &wait, NULL) > 0 && read(lane.take, &token, 1) == 1) {
            lane.has_token = 1;
            *lane.place = lane.holds;
        } else if (there.revents & (POLLERR | POLLNVAL)) {
            break;
        }
    }
    errno = saved;
}

void osm3s_lane_enter(int take, int give, uint8_t *place, uint8_t waits, uint8_t holds, uint32_t cpu_ms)
{
    lane.take = take;
    lane.give = give;
    lane.place = place;
    lane.waits = waits;
    lane.holds = holds;
    lane.cpu_ms = cpu_ms;
}

int osm3s_lane_arm(uint64_t deadline_ns)
{
    if (!lane.place)
        return OSM3S_OK;
    lane.deadline_ns = deadline_ns;
    struct itimerval timer = {{0, 0}, {lane.cpu_ms / 1000, (suseconds_t)(lane.cpu_ms % 1000) * 1000}};
    if (handle_signal(SIGPROF, change_lane) || setitimer(ITIMER_PROF, &timer, NULL))
        return OSM3S_IO;
    return OSM3S_OK;
}

static void disarm(void)
{
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_PROF, &never, NULL);
}

int osm3s_lane_change(void)
{
    if (!lane.place)
        return 1;
    disarm(); /* first: the handler must not come on top */
    change_lane(SIGPROF);
    return lane.has_token;
}

int osm3s_lane_leave(void)
{
    if (!lane.place)
        return 0;
    disarm();
    if (lane.has_token) {
        lane.has_token = 0;
        *lane.place = lane.waits; /* first: a token that is lost is replaced, one too many would stay */
        if (write(lane.give, "t", 1) != 1)
            return 1;
    }
    return lane.slow;
}
