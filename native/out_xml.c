/* out_xml.c: elements as XML (spec: overpass-language.md 8.2). */
#include "out.h"

enum { HEAD_TEXT = 512, ND_LINE = 96 };

char *render_xml_tag(char *p, const char *key, size_t key_len, const char *value, size_t value_len)
{
    p = PUT(p, "    <tag k=\"");
    p = put_xml_text(p, key, key_len);
    p = PUT(p, "\" v=\"");
    p = put_xml_text(p, value, value_len);
    return PUT(p, "\"/>\n");
}

static inline char *put_lat_lon(char *p, int32_t lat, int32_t lon)
{
    p = PUT(p, " lat=\"");
    p = put_coord(p, lat);
    p = PUT(p, "\" lon=\"");
    p = put_coord(p, lon);
    return PUT(p, "\"");
}

static char *put_meta(char *p, const osm3s_meta *meta, const char *user, size_t user_len)
{
    p = PUT(p, " version=\"");
    p = put_u64(p, meta->version);
    p = PUT(p, "\" timestamp=\"");
    p = put_timestamp(p, meta->timestamp);
    p = PUT(p, "\" changeset=\"");
    p = put_u64(p, meta->changeset);
    p = PUT(p, "\" uid=\"");
    p = put_i64(p, meta->uid);
    if (user != NULL) {
        p = PUT(p, "\" user=\"");
        p = put_xml_text(p, user, user_len);
    }
    return PUT(p, "\"");
}

static char *put_box(char *p, const printer *o)
{
    if (o->options->geometry == OSM3S_GEOMETRY_CENTER) {
        position center = o->options->rounds_centers ? rounded_center(o->box) : box_center(o->box);
        p = PUT(p, "    <center");
        p = put_lat_lon(p, center.lat, center.lon);
        return PUT(p, "/>\n");
    }
    p = PUT(p, "    <bounds minlat=\"");
    p = put_coord(p, o->box.south);
    p = PUT(p, "\" minlon=\"");
    p = put_coord(p, o->box.west);
    p = PUT(p, "\" maxlat=\"");
    p = put_coord(p, o->box.north);
    p = PUT(p, "\" maxlon=\"");
    p = put_coord(p, o->box.east);
    return PUT(p, "\"/>\n");
}

static int print_nodes(const printer *o)
{
    char *p = sink_room(o->sink, o->nodes.n * ND_LINE);
    if (p == NULL)
        return o->sink->error;
    for (size_t i = 0; i < o->nodes.n; i++) {
        const way_node *node = &o->nodes.items[i];
        p = PUT(p, "    <nd ref=\"");
        p = put_i64(p, node->ref);
        p = PUT(p, "\"");
        if (o->want_line && node->lat != OSM3S_NO_COORD)
            p = put_lat_lon(p, node->lat, node->lon);
        p = PUT(p, "/>\n");
    }
    sink_advance(o->sink, p);
    return OSM3S_OK;
}

/* What stands between the attributes and the end of a member way. */
static char *put_member_line(char *p, const position *from, const position *to)
{
    const position *visible = from;
    while (visible < to && visible->lat == OSM3S_NO_COORD)
        visible++;
    if (visible == to)
        return PUT(p, "/>\n");
    p = PUT(p, ">\n");
    for (const position *at = from; at < to; at++) {
        p = PUT(p, "      <nd");
        if (at->lat != OSM3S_NO_COORD)
            p = put_lat_lon(p, at->lat, at->lon);
        p = PUT(p, "/>\n");
    }
    return PUT(p, "    </member>\n");
}

static int print_members(const printer *o)
{
    for (size_t i = 0; i < o->members.n; i++) {
        printed_member shown;
        char *p = begin_member(o, i, ND_LINE, &shown);
        if (p == NULL)
            return o->sink->error;
        p = PUT(p, "    <member type=\"");
        p = put_type(p, shown.m->type);
        p = PUT(p, "\" ref=\"");
        p = put_i64(p, shown.m->ref);
        p = PUT(p, "\" role=\"");
        p = put_xml_text(p, shown.role, shown.role_len);
        p = PUT(p, "\"");
        if (shown.m->type == OSM3S_NODE && shown.from < shown.to && shown.from->lat != OSM3S_NO_COORD)
            p = put_lat_lon(p, shown.from->lat, shown.from->lon);
        p = shown.m->type == OSM3S_WAY ? put_member_line(p, shown.from, shown.to) : PUT(p, "/>\n");
        sink_advance(o->sink, p);
    }
    return OSM3S_OK;
}

static bool has_tags(const printer *o)
{
    uint32_t from = 0, to = 0;
    if (o->options->detail & OSM3S_OUT_TAGS && o->view != NULL)
        view_tags(o->view, o->slot, &from, &to);
    return from < to;
}

int print_xml(printer *o)
{
    const osm3s_out_options *options = o->options;
    const char *user = NULL;
    size_t user_len = 0;
    if (o->has_meta)
        user_name(options->users, o->meta.uid, &user, &user_len);
    char *p = sink_room(o->sink, HEAD_TEXT + user_len * ESCAPED);
    if (p == NULL)
        return o->sink->error;
    p = PUT(p, "  <");
    p = put_type(p, o->type);
    if (options->detail & OSM3S_OUT_IDS) {
        p = PUT(p, " id=\"");
        p = put_u64(p, o->row.id);
        p = PUT(p, "\"");
    }
    if (o->type == OSM3S_NODE && (options->detail & OSM3S_OUT_COORDS || options->geometry != OSM3S_GEOMETRY_NONE)
        && o->row.lat != OSM3S_NO_COORD)
        p = put_lat_lon(p, o->row.lat, o->row.lon);
    if (o->has_meta)
        p = put_meta(p, &o->meta, user, user_len);

    bool box = o->type != OSM3S_NODE && o->has_box, tags = has_tags(o);
    bool nodes = o->type == OSM3S_WAY && o->want_refs && o->nodes.n > 0;
    bool members = o->type == OSM3S_RELATION && o->want_refs && o->members.n > 0;
    if (!box && !tags && !nodes && !members) {
        sink_advance(o->sink, PUT(p, "/>\n"));
        return OSM3S_OK;
    }
    p = PUT(p, ">\n");
    if (box)
        p = put_box(p, o);
    sink_advance(o->sink, p);
    int error = nodes ? print_nodes(o) : members ? print_members(o) : OSM3S_OK;
    uint32_t n_tags;
    if (error == OSM3S_OK && tags)
        error = put_tags(o, "", 0, 0, &n_tags);
    if (error)
        return error;
    p = sink_room(o->sink, 16);
    if (p == NULL)
        return o->sink->error;
    p = PUT(p, "  </");
    p = put_type(p, o->type);
    sink_advance(o->sink, PUT(p, ">\n"));
    return OSM3S_OK;
}
