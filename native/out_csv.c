/* out_csv.c: elements as lines of a table (spec: overpass-language.md 8.4). */
#include "out.h"

/* The value of a key, or NULL: keys of a block are sorted by their bytes. */
static const char *tag_value(const printer *o, const char *key, size_t key_len, size_t *len)
{
    const view *v = o->view;
    uint32_t from = 0, to = 0;
    if (v == NULL || !(o->options->detail & OSM3S_OUT_TAGS))
        return NULL;
    view_tags(v, o->slot, &from, &to);
    for (uint32_t i = from; i < to; i++) {
        uint64_t pair = column_get(&v->tag, i);
        if (pair >= v->n_pairs)
            return NULL;
        size_t found_len;
        const char *found = view_key(v, view_key_of_pair(v, (uint32_t)pair), &found_len);
        if (found_len == key_len && memcmp(found, key, key_len) == 0)
            return view_value(v, (uint32_t)pair, len);
    }
    return NULL;
}

/* Quoted if it contains a comma, a quote or a line feed, whatever the separator is. */
static char *put_csv_text(char *p, const char *s, size_t len)
{
    bool quoted = memchr(s, ',', len) || memchr(s, '"', len) || memchr(s, '\n', len);
    if (!quoted)
        return put_bytes(p, s, len);
    *p++ = '"';
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '"')
            *p++ = '"';
        *p++ = s[i];
    }
    *p++ = '"';
    return p;
}

static int print_tag(printer *o, const osm3s_csv_field *field)
{
    size_t len = 0;
    const char *value = tag_value(o, field->key, field->key_len, &len);
    if (value == NULL)
        return OSM3S_OK;
    char *p = sink_room(o->sink, len * 2 + 2);
    if (p == NULL)
        return o->sink->error;
    sink_advance(o->sink, put_csv_text(p, value, len));
    return OSM3S_OK;
}

/* Where the element is: a node's position, or the centre of the bounds. */
static bool place_of(const printer *o, position *place)
{
    const osm3s_out_options *options = o->options;
    if (o->type == OSM3S_NODE) {
        *place = (position){o->row.lat, o->row.lon};
        return (options->detail & OSM3S_OUT_COORDS || options->geometry != OSM3S_GEOMETRY_NONE)
               && place->lat != OSM3S_NO_COORD;
    }
    if (o->has_box)
        *place = box_center(o->box);
    return o->has_box;
}

static char *put_special(char *p, const printer *o, int kind)
{
    position place;
    switch (kind) {
    case OSM3S_FIELD_ID: return o->options->detail & OSM3S_OUT_IDS ? put_u64(p, o->row.id) : p;
    case OSM3S_FIELD_TYPE: return put_type(p, o->type);
    case OSM3S_FIELD_OTYPE: return put_u64(p, (uint64_t)o->type + 1);
    case OSM3S_FIELD_LAT: return place_of(o, &place) ? put_coord(p, place.lat) : p;
    case OSM3S_FIELD_LON: return place_of(o, &place) ? put_coord(p, place.lon) : p;
    case OSM3S_FIELD_VERSION: return o->has_meta ? put_u64(p, o->meta.version) : p;
    case OSM3S_FIELD_TIMESTAMP: return o->has_meta ? put_timestamp(p, o->meta.timestamp) : p;
    case OSM3S_FIELD_CHANGESET: return o->has_meta ? put_u64(p, o->meta.changeset) : p;
    case OSM3S_FIELD_UID: return o->has_meta ? put_i64(p, o->meta.uid) : p;
    default: return p;
    }
}

static int print_field(printer *o, const osm3s_csv_field *field)
{
    if (field->kind == OSM3S_FIELD_TAG)
        return print_tag(o, field);
    if (field->kind == OSM3S_FIELD_USER) {
        const char *name;
        size_t len;
        bool known = o->has_meta && user_name(o->options->users, o->meta.uid, &name, &len);
        return known ? osm3s_sink_write(o->sink, name, len) : OSM3S_OK;
    }
    char *p = sink_room(o->sink, 32);
    if (p == NULL)
        return o->sink->error;
    sink_advance(o->sink, put_special(p, o, field->kind));
    return OSM3S_OK;
}

int print_csv(printer *o)
{
    const osm3s_out_options *options = o->options;
    for (size_t i = 0; i < options->n_fields; i++) {
        int error = i == 0 ? OSM3S_OK : osm3s_sink_write(o->sink, options->separator, options->separator_len);
        if (error == OSM3S_OK)
            error = print_field(o, &options->fields[i]);
        if (error)
            return error;
    }
    return osm3s_sink_write(o->sink, "\n", 1);
}
