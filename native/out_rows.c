/* out_rows.c: printing elements of one type, one after the other. */
#include "out.h"

enum { ELEMENTS_PER_CHECK = 256 };

bool user_name(const osm3s_users *users, int32_t uid, const char **name, size_t *len)
{
    size_t low = 0, high = users == NULL ? 0 : users->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (users->uid[middle] < uid)
            low = middle + 1;
        else
            high = middle;
    }
    if (users == NULL || low == users->n || users->uid[low] != uid)
        return false;
    *name = users->bytes + users->start[low];
    *len = users->start[low + 1] - users->start[low];
    return true;
}

static int load_element(printer *o)
{
    o->view = NULL;
    o->has_meta = false;
    bool row_is_enough = o->type == OSM3S_NODE && !(o->options->detail & (OSM3S_OUT_TAGS | OSM3S_OUT_META));
    if (o->row.block != OSM3S_UNRESOLVED && !row_is_enough) {
        bool body = o->want_refs || o->want_box || o->want_line;
        o->view = (body ? snapshot_view : snapshot_head)(o->snapshot, o->row.block, o->row.slot, &o->slot);
        if (o->view == NULL)
            return OSM3S_CORRUPT;
        o->has_meta = o->options->detail & OSM3S_OUT_META;
        if (o->has_meta)
            o->meta = view_meta(o->view, o->slot);
    }
    if (o->type == OSM3S_WAY)
        return load_way_geometry(o);
    if (o->type == OSM3S_RELATION)
        return load_relation_geometry(o);
    return OSM3S_OK;
}

int printer_begin(printer *o)
{
    const osm3s_out_options *options = o->options;
    bool csv = options->format == OSM3S_CSV, full = options->geometry == OSM3S_GEOMETRY_FULL;
    o->want_refs = options->detail & OSM3S_OUT_REFS && !csv;
    o->want_box = options->geometry != OSM3S_GEOMETRY_NONE;
    /* Without refs, only ways in JSON get their line. */
    o->want_line = full && (o->want_refs || (options->format == OSM3S_JSON && o->type == OSM3S_WAY));
    o->tags.render = options->format == OSM3S_XML ? render_xml_tag : render_json_tag;
    o->print = options->format == OSM3S_XML ? print_xml : options->format == OSM3S_JSON ? print_json : print_csv;
    if (o->sink->error || o->type != OSM3S_RELATION || !o->want_box || options->members == NULL)
        return o->sink->error;
    int error = member_index_build(&o->member_nodes, &options->members->of[OSM3S_NODE]);
    return error ? error : member_index_build(&o->member_ways, &options->members->of[OSM3S_WAY]);
}

int printer_print(printer *o, const osm3s_row *row)
{
    o->row = *row;
    int error = load_element(o);
    if (error == OSM3S_OK)
        error = o->print(o);
    o->work += 1 + (o->type == OSM3S_RELATION ? o->members.n : 0);
    if (error == OSM3S_OK && o->work >= ELEMENTS_PER_CHECK && o->context != NULL) {
        error = context_check(o->context);
        o->work = 0;
    }
    if (error == OSM3S_OK)
        o->sink->elements++;
    return error;
}

void printer_end(printer *o)
{
    member_index_free(&o->member_nodes);
    member_index_free(&o->member_ways);
    tag_texts_free(&o->tags);
    free(o->nodes.items);
    free(o->members.items);
    free(o->member_way.items);
    free(o->positions);
    free(o->first_position);
}

int osm3s_out_rows(osm3s_snapshot *snapshot, osm3s_context *context, const osm3s_row *rows, size_t n, int type,
                   const osm3s_out_options *options, osm3s_sink *sink)
{
    printer o = {.snapshot = snapshot, .context = context, .options = options, .sink = sink, .type = type};
    int error = printer_begin(&o);
    for (size_t i = 0; i < n && error == OSM3S_OK; i++)
        error = printer_print(&o, &rows[i]);
    printer_end(&o);
    return error;
}
