/* query_end.c: ending one query of a process that answers several, one after the other. Whoever sends the signal has
 * asked which query the process runs, and by now that may have ended; so the signal says which one is meant. */
#include "internal.h"

#include <signal.h>
#include <string.h>
#include <sys/types.h>

static volatile sig_atomic_t running;

static void end_if_meant(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_code == SI_QUEUE && info->si_value.sival_int != running)
        return;
    signal(number, SIG_DFL);
    raise(number);
}

int osm3s_query_runs(int query)
{
    static int installed;
    running = query;
    if (!installed) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_sigaction = end_if_meant;
        action.sa_flags = SA_SIGINFO | SA_RESTART;
        sigemptyset(&action.sa_mask);
        if (sigaction(SIGTERM, &action, NULL))
            return OSM3S_IO;
        installed = 1;
    }
    return OSM3S_OK;
}

int osm3s_end_query(int pid, int query)
{
    union sigval which = {.sival_int = query};
    return sigqueue(pid, SIGTERM, which);
}
