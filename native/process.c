/* process.c: what Linux offers to a process and Python does not. */
#include <sys/prctl.h>
#include <unistd.h>

#include "osm3s.h"

int osm3s_signal_when_parent_ends(int signal)
{
    return prctl(PR_SET_PDEATHSIG, signal) ? OSM3S_IO : OSM3S_OK;
}

int osm3s_fork(void)
{
    return fork();
}
