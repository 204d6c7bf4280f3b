/* process.c: what Linux offers to a process and Python does not. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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

int osm3s_end_when_closed(int connection)
{
    signal(SIGIO, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    int flags = fcntl(connection, F_GETFL);
    if (flags < 0 || fcntl(connection, F_SETOWN, getpid()) || fcntl(connection, F_SETFL, flags | O_ASYNC))
        return OSM3S_IO;
    struct pollfd already = {.fd = connection, .events = POLLIN | POLLRDHUP};
    return poll(&already, 1, 0) > 0 ? OSM3S_IO : OSM3S_OK;
}
