/* process.c: what Linux offers to a process and Python does not. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

int osm3s_signal_when_parent_ends(int signal)
{
    return prctl(PR_SET_PDEATHSIG, signal) ? OSM3S_IO : OSM3S_OK;
}

int osm3s_fork(void)
{
    return fork();
}

int handle_signal(int number, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, NULL);
}

static int watched = -1;

/* The kernel wakes the receiver of a message before it signals its coming: if the sender is suspended in between, the
 * signal is about a request that has been read long since. */
static void end_if_closed(int number)
{
    struct pollfd closed = {.fd = watched, .events = POLLIN | POLLRDHUP};
    int saved = errno;
    if (poll(&closed, 1, 0) > 0) {
        signal(number, SIG_DFL);
        raise(number);
    }
    errno = saved;
}

int osm3s_end_when_closed(int connection)
{
    watched = connection;
    if (handle_signal(SIGIO, end_if_closed))
        return OSM3S_IO;
    signal(SIGPIPE, SIG_DFL);
    int flags = fcntl(connection, F_GETFL);
    if (flags < 0 || fcntl(connection, F_SETOWN, getpid()) || fcntl(connection, F_SETFL, flags | O_ASYNC))
        return OSM3S_IO;
    struct pollfd already = {.fd = connection, .events = POLLIN | POLLRDHUP};
    return poll(&already, 1, 0) > 0 ? OSM3S_IO : OSM3S_OK;
}

static struct {
    char by_bus[256], by_segv[256];
    int status;
} damaged;

static void say_and_end(int number)
{
    const char *line = number == SIGBUS ? damaged.by_bus : damaged.by_segv;
    ssize_t ignored = write(2, line, strlen(line));
    (void)ignored;
    _exit(damaged.status);
}

int osm3s_say_when_damaged(const char *program, int status)
{
    snprintf(damaged.by_bus, sizeof damaged.by_bus,
             "%s: a file of the database is damaged or the disk is: reading it ended with SIGBUS; verify says more\n", program);
    snprintf(damaged.by_segv, sizeof damaged.by_segv,
             "%s: a file of the database is damaged, or this program errs: it ended with SIGSEGV; verify says more\n", program);
    damaged.status = status;
    return handle_signal(SIGBUS, say_and_end) || handle_signal(SIGSEGV, say_and_end) ? OSM3S_IO : OSM3S_OK;
}

static struct {
    int connection;
    uint8_t bytes[64];
    size_t n;
    int armed;
    timer_t timer;
} repeated;

static void send_again(int number)
{
    (void)number;
    int saved = errno;
    send(repeated.connection, repeated.bytes, repeated.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    errno = saved;
}

int osm3s_repeat_message(int connection, const uint8_t *bytes, size_t n, uint32_t every_ms)
{
    if (n > sizeof repeated.bytes || osm3s_repeat_no_more() != OSM3S_OK)
        return OSM3S_IO;
    memcpy(repeated.bytes, bytes, n);
    repeated.n = n;
    repeated.connection = connection;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct timespec every = {(time_t)(every_ms / 1000), (long)(every_ms % 1000) * 1000000};
    struct itimerspec times = {every, every};
    if (handle_signal(SIGRTMIN, send_again) || timer_create(CLOCK_MONOTONIC, &event, &repeated.timer))
        return OSM3S_IO;
    repeated.armed = 1;
    return timer_settime(repeated.timer, 0, &times, NULL) ? OSM3S_IO : OSM3S_OK;
}

int osm3s_repeat_no_more(void)
{
    int was_armed = repeated.armed;
    repeated.armed = 0;
    return was_armed && timer_delete(repeated.timer) ? OSM3S_IO : OSM3S_OK;
}
