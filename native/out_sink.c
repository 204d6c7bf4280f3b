/* out_sink.c: where an answer goes: a buffer in front of a file descriptor, or a buffer that grows in memory. */
#include <errno.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "internal.h"
#include "out.h"

enum { CHUNK = 256 * 1024 }; /* written at once: stays in the processor's cache between formatting and writing */

osm3s_sink *osm3s_sink_new(int fd)
{
    osm3s_sink *sink = calloc(1, sizeof *sink);
    if (sink == NULL)
        return NULL;
    sink->fd = fd;
    return sink;
}

void osm3s_sink_free(osm3s_sink *sink)
{
    if (sink == NULL)
        return;
    free(sink->head);
    free(sink->data);
    free(sink);
}

/* Wait until the descriptor takes bytes again, which matters only if it does not block. */
static int wait_writable(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLOUT};
    while (poll(&wanted, 1, -1) < 0)
        if (errno != EINTR)
            return fail(OSM3S_IO, "waiting for the client: %s", strerror(errno));
    return OSM3S_OK;
}

int sink_write_pieces(osm3s_sink *sink, struct iovec *pieces, int n)
{
    while (n > 0) {
        ssize_t written = writev(sink->fd, pieces, n);
        if (written >= 0) {
            size_t left = (size_t)written;
            for (; n > 0 && left >= pieces->iov_len; pieces++, n--)
                left -= pieces->iov_len;
            if (n > 0) {
                pieces->iov_base = (char *)pieces->iov_base + left;
                pieces->iov_len -= left;
            }
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            int error = wait_writable(sink->fd);
            if (error)
                return error;
        } else if (errno == EPIPE || errno == ECONNRESET)
            return fail(OSM3S_CANCELLED, "the client has closed the connection");
        else if (errno != EINTR)
            return fail(OSM3S_IO, "writing the answer: %s", strerror(errno));
    }
    return OSM3S_OK;
}

int osm3s_sink_flush(osm3s_sink *sink)
{
    if (sink->error || sink->fd < 0)
        return sink->error;
    sink->error = sink_send(sink, sink->data, sink->n, false);
    sink->n = 0;
    return sink->error;
}

char *sink_make_room(osm3s_sink *sink, size_t need)
{
    if (sink->error)
        return NULL;
    if (sink->fd >= 0 && sink->n > 0 && sink->n + need > CHUNK && osm3s_sink_flush(sink))
        return NULL;
    size_t want = sink->n + need;
    if (sink->fd >= 0 && want < CHUNK)
        want = CHUNK;
    if (want > sink->cap) {
        size_t larger = sink->cap * 2 > want ? sink->cap * 2 : want;
        char *moved = realloc(sink->data, larger);
        if (moved == NULL) {
            sink->error = fail(OSM3S_NOMEM, "out of memory: answer of %zu bytes", larger);
            return NULL;
        }
        sink->data = moved;
        sink->cap = larger;
    }
    return sink->data + sink->n;
}

int osm3s_sink_write(osm3s_sink *sink, const char *bytes, size_t len)
{
    if (sink->fd >= 0 && len >= CHUNK) { /* no use in copying it first */
        if (osm3s_sink_flush(sink) == OSM3S_OK)
            sink->error = sink_send(sink, bytes, len, false);
        return sink->error;
    }
    char *p = sink_room(sink, len);
    if (p == NULL)
        return sink->error;
    memcpy(p, bytes, len);
    sink->n += len;
    return OSM3S_OK;
}

int osm3s_sink_next_element(osm3s_sink *sink, const char *separator, size_t len)
{
    return sink->elements++ == 0 ? sink->error : osm3s_sink_write(sink, separator, len);
}

uint64_t osm3s_sink_elements(const osm3s_sink *sink)
{
    return sink->elements;
}

uint64_t osm3s_sink_bytes(const osm3s_sink *sink)
{
    return sink->passed_on + sink->n;
}

const char *osm3s_sink_data(const osm3s_sink *sink, size_t *len)
{
    *len = sink->n;
    return sink->data;
}
