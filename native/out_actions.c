/* out_actions.c: printing what differs between two times as actions, in XML. */
#include "out.h"

static int put(osm3s_sink *sink, const char *text)
{
    return osm3s_sink_write(sink, text, strlen(text));
}

static int put_beside(osm3s_sink *sink, const char *before, const osm3s_bytes *text, const char *after)
{
    int error = put(sink, before);
    if (error == OSM3S_OK)
        error = osm3s_sink_write(sink, (const char *)text->data, text->len);
    return error ? error : put(sink, after);
}

/* NULL: not in this result. `beside` is what is known of it nevertheless, if it has a text. */
static int print_action(printer *before, const osm3s_row *old, printer *after, const osm3s_row *new_,
                        const osm3s_bytes *beside)
{
    osm3s_sink *sink = before->sink;
    bool was = old != NULL || beside->data != NULL;
    int error = OSM3S_OK;
    if (old != NULL) {
        error = put(sink, new_ != NULL ? "<action type=\"modify\">\n<old>\n" : "<action type=\"delete\">\n<old>\n");
        if (error == OSM3S_OK)
            error = printer_print(before, old);
        if (error == OSM3S_OK)
            error = put(sink, "</old>\n");
    } else if (was) {
        error = put_beside(sink, "<action type=\"modify\">\n<old>\n", beside, "</old>\n");
    }
    if (error)
        return error;
    if (new_ != NULL) {
        error = put(sink, was ? "<new>\n" : "<action type=\"create\">\n");
        if (error == OSM3S_OK)
            error = printer_print(after, new_);
        if (error == OSM3S_OK && was)
            error = put(sink, "</new>\n");
    } else if (beside->data != NULL) {
        error = put_beside(sink, "<new>\n", beside, "</new>\n");
    }
    return error ? error : put(sink, "</action>\n");
}

int osm3s_out_actions(osm3s_snapshot *snapshot, osm3s_context *context, int type, const osm3s_result *old,
                      const osm3s_result *new_, const osm3s_pair *pairs, const osm3s_bytes *beside, size_t n,
                      osm3s_sink *sink)
{
    printer before = {.snapshot = snapshot, .context = context, .options = old->options, .sink = sink, .type = type};
    printer after = {.snapshot = snapshot, .context = context, .options = new_->options, .sink = sink, .type = type};
    int error = printer_begin(&before);
    if (error == OSM3S_OK)
        error = printer_begin(&after);
    for (size_t k = 0; k < n && error == OSM3S_OK; k++) {
        uint32_t i = pairs[k].old, j = pairs[k].new_;
        error = print_action(&before, i == OSM3S_UNRESOLVED ? NULL : &old->rows[i],
                             &after, j == OSM3S_UNRESOLVED ? NULL : &new_->rows[j], &beside[k]);
    }
    printer_end(&before);
    printer_end(&after);
    return error;
}
