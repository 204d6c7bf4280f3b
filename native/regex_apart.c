/* regex_apart.c: a regular expression that is compiled and matched in a process of its own.
 *
 * The C library takes exponential time for some patterns with back references, and quadratic memory to compile long
 * ones; neither can be interrupted. A process can: it is killed when the query's time is up, and when it gets no more
 * memory the query is told so. It calls nothing but the C library, as a child of a process with threads must. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "regex_apart.h"

static const rlim_t DATA_BYTES = 4ull << 30;

enum { NO_MATCH, MATCH, OUT_OF_MEMORY, COMPILED, DOES_NOT_COMPILE };

static bool write_all(int fd, const void *data, size_t len)
{
    for (const char *p = data; len > 0;) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

static bool read_all(int fd, void *data, size_t len)
{
    for (char *p = data; len > 0;) {
        ssize_t n = read(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* A process without a limit of memory gives its child one; a pattern too deep for the stack makes no noise. */
static void prepare_to_fail(void)
{
    signal(SIGSEGV, SIG_DFL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY) {
        limit.rlim_cur = DATA_BYTES;
        setrlimit(RLIMIT_DATA, &limit);
    }
}

/* The child: tells whether the pattern compiles, then answers texts (u32 length, bytes) until nobody asks any more. */
static void serve(int fd, const char *pattern, int flags)
{
    regex_t compiled;
    int code = regcomp(&compiled, pattern, flags);
    uint8_t answer = code == 0 ? COMPILED : code == REG_ESPACE ? OUT_OF_MEMORY : DOES_NOT_COMPILE;
    if (!write_all(fd, &answer, 1) || code)
        return;
    char *text = NULL;
    size_t cap = 0;
    for (uint32_t len; read_all(fd, &len, sizeof len);) {
        if (grow(&text, &cap, (size_t)len + 1, 1)) {
            answer = OUT_OF_MEMORY;
        } else {
            if (!read_all(fd, text, len))
                return;
            text[len] = '\0';
            code = regexec(&compiled, text, 0, NULL, 0);
            answer = code == 0 ? MATCH : code == REG_NOMATCH ? NO_MATCH : OUT_OF_MEMORY;
        }
        if (!write_all(fd, &answer, 1) || answer == OUT_OF_MEMORY)
            return;
    }
}

/* What the child says next; OSM3S_TIMEOUT or OSM3S_CANCELLED when the query must not wait any longer. */
static int hear(const regex_apart *r, const osm3s_context *c)
{
    for (;;) {
        int wait_ms = -1;
        if (c != NULL && c->deadline_ns) {
            struct timespec now;
            clock_gettime(CLOCK_MONOTONIC, &now);
            int64_t left_ms = (c->deadline_ns - (now.tv_sec * 1000000000ll + now.tv_nsec)) / 1000000 + 1;
            wait_ms = left_ms < 0 ? 0 : left_ms > 1000000 ? 1000000 : (int)left_ms;
        }
        struct pollfd waiting = {.fd = r->fd, .events = POLLIN};
        int ready = poll(&waiting, 1, wait_ms);
        if (c != NULL && c->cancelled)
            return fail(OSM3S_CANCELLED, "the client has gone");
        if (ready == 0 && wait_ms < 1000000)
            return fail(OSM3S_TIMEOUT, "time is up");
        if (ready > 0)
            break;
    }
    uint8_t answer;
    if (!read_all(r->fd, &answer, 1)) /* killed for want of memory */
        return OUT_OF_MEMORY;
    return answer;
}

int regex_apart_start(regex_apart *r, const char *pattern, int flags, const osm3s_context *c)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return fail(OSM3S_NOMEM, "no socket for a regular expression: %s", strerror(errno));
    pid_t parent = getpid();
    r->pid = fork();
    if (r->pid == 0) {
        close(ends[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prepare_to_fail();
        if (getppid() == parent)
            serve(ends[1], pattern, flags);
        _exit(0);
    }
    close(ends[1]);
    r->fd = ends[0];
    if (r->pid < 0) {
        close(r->fd);
        r->pid = 0;
        return fail(OSM3S_NOMEM, "no process for a regular expression: %s", strerror(errno));
    }
    int heard = hear(r, c);
    if (heard == COMPILED)
        return OSM3S_OK;
    regex_apart_end(r);
    if (heard == DOES_NOT_COMPILE)
        return fail(OSM3S_REGEX, "Invalid regular expression: \"%s\"", pattern);
    return heard < 0 ? heard : fail(OSM3S_NOMEM, "out of memory for a regular expression");
}

int regex_apart_matches(regex_apart *r, const char *text, size_t len, const osm3s_context *c)
{
    uint32_t size = (uint32_t)len;
    bool asked = write_all(r->fd, &size, sizeof size) && write_all(r->fd, text, len);
    int heard = asked ? hear(r, c) : OUT_OF_MEMORY;
    if (heard == OUT_OF_MEMORY)
        return fail(OSM3S_NOMEM, "out of memory for a regular expression");
    return heard < 0 ? heard : heard == MATCH;
}

void regex_apart_end(regex_apart *r)
{
    if (r->pid <= 0)
        return;
    close(r->fd);
    kill(r->pid, SIGKILL);
    while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    r->pid = 0;
}
