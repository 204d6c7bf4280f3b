/* out_http.c: sending the content of a sink, as it is or as the body of an HTTP response.
 *
 * The head of a response is held back until the first bytes have to go: an answer that is complete by then gets its
 * Content-Length, a longer one goes in chunks. What was cut off never looks complete: it lacks the last chunk. */
#include <stdio.h>
#include <sys/uio.h>

#include "internal.h"
#include "out.h"

int osm3s_sink_frame_http(osm3s_sink *sink, const char *head, size_t len, int may_chunk)
{
    if (sink->error)
        return sink->error;
    if (sink->n > 0 || sink->passed_on > 0 || sink->head != NULL)
        return sink->error = fail(OSM3S_IO, "the head of a response must come first");
    sink->head = malloc(len);
    if (sink->head == NULL)
        return sink->error = fail(OSM3S_NOMEM, "out of memory: head of a response");
    memcpy(sink->head, head, len);
    sink->head_len = len;
    sink->may_chunk = may_chunk;
    return OSM3S_OK;
}

int sink_send(osm3s_sink *sink, const char *bytes, size_t len, bool last)
{
    if (len == 0 && !last)
        return OSM3S_OK;
    struct iovec pieces[4];
    int n = 0;
    char before[96] = "";
    if (sink->head != NULL) {
        pieces[n++] = (struct iovec){sink->head, sink->head_len};
        sink->chunked = sink->may_chunk && !last;
        if (last)
            snprintf(before, sizeof before, "Content-Length: %zu\r\n\r\n", len);
        else if (sink->chunked)
            snprintf(before, sizeof before, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", len);
        else
            snprintf(before, sizeof before, "\r\n");
    } else if (sink->chunked && len > 0)
        snprintf(before, sizeof before, "%zx\r\n", len);
    char *after = !sink->chunked ? "" : !last ? "\r\n" : len > 0 ? "\r\n0\r\n\r\n" : "0\r\n\r\n";
    pieces[n++] = (struct iovec){before, strlen(before)};
    pieces[n++] = (struct iovec){(char *)bytes, len};
    pieces[n++] = (struct iovec){after, strlen(after)};
    int error = sink_write_pieces(sink, pieces, n);
    free(sink->head);
    sink->head = NULL;
    if (error == OSM3S_OK)
        sink->passed_on += len;
    return error;
}

int osm3s_sink_finish(osm3s_sink *sink)
{
    if (sink->error || sink->fd < 0)
        return sink->error;
    sink->error = sink_send(sink, sink->data, sink->n, true);
    sink->n = 0;
    return sink->error;
}
