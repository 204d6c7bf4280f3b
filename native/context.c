/* context.c: time, memory and cancellation of a running query. */
#include <time.h>

#include "internal.h"

enum { CALLS_PER_CLOCK = 16 };

int context_check(osm3s_context *c)
{
    if (c == NULL)
        return OSM3S_OK;
    if (c->cancelled)
        return fail(OSM3S_CANCELLED, "the client has gone");
    if (c->max_bytes && c->used_bytes > c->max_bytes)
        return fail(OSM3S_MEMLIMIT, "%llu", (unsigned long long)(c->used_bytes >> 20));
    if (c->deadline_ns == 0 || c->countdown-- > 0)
        return OSM3S_OK;
    c->countdown = CALLS_PER_CLOCK;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec * 1000000000ll + now.tv_nsec > c->deadline_ns)
        return fail(OSM3S_TIMEOUT, "time is up");
    return OSM3S_OK;
}
