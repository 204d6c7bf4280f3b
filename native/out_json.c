/* out_json.c: elements as JSON objects (spec: overpass-language.md 8.3). */
#include "out.h"

enum { HEAD_TEXT = 512, REF_LINE = 32, POINT_LINE = 72 };
#define TAGS_BEGIN ",\n  \"tags\": {"

char *render_json_tag(char *p, const char *key, size_t key_len, const char *value, size_t value_len)
{
    p = PUT(p, ",\n    \"");
    p = put_json_text(p, key, key_len);
    p = PUT(p, "\": \"");
    p = put_json_text(p, value, value_len);
    return PUT(p, "\"");
}

static inline char *put_lat_lon(char *p, int32_t lat, int32_t lon)
{
    p = PUT(p, "{ \"lat\": ");
    p = put_coord(p, lat);
    p = PUT(p, ", \"lon\": ");
    p = put_coord(p, lon);
    return PUT(p, " }");
}

static char *put_head(char *p, const printer *o)
{
    const osm3s_out_options *options = o->options;
    if (o->sink->elements > 0)
        p = PUT(p, ",\n");
    p = PUT(p, "{\n  \"type\": \"");
    p = put_type(p, o->type);
    p = PUT(p, "\"");
    if (options->detail & OSM3S_OUT_IDS) {
        p = PUT(p, ",\n  \"id\": ");
        p = put_u64(p, o->row.id);
    }
    if (o->type == OSM3S_NODE && (options->detail & OSM3S_OUT_COORDS || options->geometry != OSM3S_GEOMETRY_NONE)
        && o->row.lat != OSM3S_NO_COORD) {
        p = PUT(p, ",\n  \"lat\": ");
        p = put_coord(p, o->row.lat);
        p = PUT(p, ",\n  \"lon\": ");
        p = put_coord(p, o->row.lon);
    }
    return p;
}

static char *put_meta(char *p, const osm3s_meta *meta, const char *user, size_t user_len)
{
    p = PUT(p, ",\n  \"timestamp\": \"");
    p = put_timestamp(p, meta->timestamp);
    p = PUT(p, "\",\n  \"version\": ");
    p = put_u64(p, meta->version);
    p = PUT(p, ",\n  \"changeset\": ");
    p = put_u64(p, meta->changeset);
    if (user != NULL) {
        p = PUT(p, ",\n  \"user\": \"");
        p = put_json_text(p, user, user_len);
        p = PUT(p, "\"");
    }
    p = PUT(p, ",\n  \"uid\": ");
    return put_i64(p, meta->uid);
}

static char *put_box(char *p, const printer *o)
{
    if (o->options->geometry == OSM3S_GEOMETRY_CENTER) {
        position center = box_center(o->box);
        p = PUT(p, ",\n  \"center\": {\n    \"lat\": ");
        p = put_coord(p, center.lat);
        p = PUT(p, ",\n    \"lon\": ");
        p = put_coord(p, center.lon);
        return PUT(p, "\n  }");
    }
    p = PUT(p, ",\n  \"bounds\": {\n    \"minlat\": ");
    p = put_coord(p, o->box.south);
    p = PUT(p, ",\n    \"minlon\": ");
    p = put_coord(p, o->box.west);
    p = PUT(p, ",\n    \"maxlat\": ");
    p = put_coord(p, o->box.north);
    p = PUT(p, ",\n    \"maxlon\": ");
    p = put_coord(p, o->box.east);
    return PUT(p, "\n  }");
}

static int print_refs(const printer *o)
{
    char *p = sink_room(o->sink, o->nodes.n * REF_LINE + 32);
    if (p == NULL)
        return o->sink->error;
    p = PUT(p, ",\n  \"nodes\": [\n    ");
    p = put_i64(p, o->nodes.items[0].ref);
    for (size_t i = 1; i < o->nodes.n; i++) {
        p = PUT(p, ",\n    ");
        p = put_i64(p, o->nodes.items[i].ref);
    }
    sink_advance(o->sink, PUT(p, "\n  ]"));
    return OSM3S_OK;
}

static int print_line(const printer *o)
{
    char *p = sink_room(o->sink, o->nodes.n * POINT_LINE + 32);
    if (p == NULL)
        return o->sink->error;
    p = PUT(p, ",\n  \"geometry\": [");
    for (size_t i = 0; i < o->nodes.n; i++) {
        const way_node *node = &o->nodes.items[i];
        p = PUT(p, "\n    ");
        p = node->lat == OSM3S_NO_COORD ? PUT(p, "null") : put_lat_lon(p, node->lat, node->lon);
        *p++ = ',';
    }
    p -= o->nodes.n > 0;
    sink_advance(o->sink, PUT(p, "\n  ]"));
    return OSM3S_OK;
}

static char *put_member_line(char *p, const position *from, const position *to)
{
    p = PUT(p, ",\n      \"geometry\": [");
    for (const position *at = from; at < to; at++) {
        p = PUT(p, "\n         ");
        p = at->lat == OSM3S_NO_COORD ? PUT(p, "null") : put_lat_lon(p, at->lat, at->lon);
        *p++ = ',';
    }
    p -= from < to;
    return PUT(p, "\n      ]");
}

static int print_members(const printer *o)
{
    for (size_t i = 0; i < o->members.n; i++) {
        printed_member shown;
        char *p = begin_member(o, i, POINT_LINE, &shown);
        if (p == NULL)
            return o->sink->error;
        p = i == 0 ? PUT(p, ",\n  \"members\": [\n    {\n      \"type\": \"") : PUT(p, ",\n    {\n      \"type\": \"");
        p = put_type(p, shown.m->type);
        p = PUT(p, "\",\n      \"ref\": ");
        p = put_i64(p, shown.m->ref);
        p = PUT(p, ",\n      \"role\": \"");
        p = put_json_text(p, shown.role, shown.role_len);
        p = PUT(p, "\"");
        if (shown.m->type == OSM3S_NODE && shown.from < shown.to && shown.from->lat != OSM3S_NO_COORD) {
            p = PUT(p, ",\n      \"lat\": ");
            p = put_coord(p, shown.from->lat);
            p = PUT(p, ",\n      \"lon\": ");
            p = put_coord(p, shown.from->lon);
        } else if (shown.m->type == OSM3S_WAY && o->want_line)
            p = put_member_line(p, shown.from, shown.to);
        sink_advance(o->sink, PUT(p, "\n    }"));
    }
    return osm3s_sink_write(o->sink, "\n  ]", 4);
}

int print_json(printer *o)
{
    const char *user = NULL;
    size_t user_len = 0;
    if (o->has_meta)
        user_name(o->options->users, o->meta.uid, &user, &user_len);
    char *p = sink_room(o->sink, HEAD_TEXT + user_len * ESCAPED);
    if (p == NULL)
        return o->sink->error;
    p = put_head(p, o);
    if (o->has_meta)
        p = put_meta(p, &o->meta, user, user_len);
    if (o->type != OSM3S_NODE && o->has_box)
        p = put_box(p, o);
    bool tags = o->options->detail & OSM3S_OUT_TAGS;
    if (o->type == OSM3S_NODE && !tags) {
        sink_advance(o->sink, PUT(p, "\n}"));
        return OSM3S_OK;
    }
    sink_advance(o->sink, p);

    int error = OSM3S_OK;
    if (o->type == OSM3S_WAY) {
        if (o->want_refs && o->nodes.n > 0)
            error = print_refs(o);
        if (error == OSM3S_OK && o->want_line)
            error = print_line(o);
    } else if (o->type == OSM3S_RELATION && o->want_refs && o->members.n > 0)
        error = print_members(o);
    uint32_t n_tags = 0;
    if (error == OSM3S_OK && tags)
        error = put_tags(o, TAGS_BEGIN, sizeof TAGS_BEGIN - 1, 1, &n_tags);
    if (error)
        return error;
    return n_tags ? osm3s_sink_write(o->sink, "\n  }\n}", 6) : osm3s_sink_write(o->sink, "\n}", 2);
}
