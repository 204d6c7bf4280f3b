/* area_make.c: the outlines of areas, from the ways of a relation or from any set of ways.
 *
 * Each way of at least two nodes becomes a line of the outline, unless one of its nodes is not known: such a way is left
 * out as a whole, as by the reference. If the others are not closed without it, nothing is in the area. Lines are not
 * joined: whether a point is inside is a matter of even and odd, which needs no rings. Between two lines stands a node
 * without position. Lines of one point, which bound nothing, widen the box of an area that crosses the antimeridian or
 * contains a pole, and are the box of one in which nothing is. */
#include "geom.h"

static const uint64_t WAY_AREAS = 2400000000, RELATION_AREAS = 3600000000;

typedef struct { int64_t *ids; size_t n, cap; } end_nodes;

typedef struct {
    osm3s_snapshot *s;
    osm3s_context *ctx;
    osm3s_batch *into;
    const osm3s_rows *nodes;        /* the nodes that may be used; NULL: all */
    way_nodes way;
    end_nodes ends, line_ends;      /* of all ways; of those that are lines */
    int64_t *outline; size_t n_outline, cap_outline;
    unsigned crossings;             /* of the antimeridian */
    int32_t some_lat;
} maker;

int64_t osm3s_ref_of_position(int32_t lat, int32_t lon)
{
    return (int64_t)((uint64_t)(uint32_t)lat << 32 | (uint32_t)lon);
}

uint64_t osm3s_area_id(int pivot_type, uint64_t pivot_id)
{
    return pivot_id + (pivot_type == OSM3S_RELATION ? RELATION_AREAS : pivot_type == OSM3S_WAY ? WAY_AREAS : 0);
}

static void maker_free(maker *m)
{
    free(m->way.items);
    free(m->ends.ids);
    free(m->line_ends.ids);
    free(m->outline);
}

static int add_point(maker *m, int32_t lat, int32_t lon)
{
    if (grow(&m->outline, &m->cap_outline, m->n_outline + 1, sizeof *m->outline))
        return OSM3S_NOMEM;
    m->outline[m->n_outline++] = osm3s_ref_of_position(lat, lon);
    return OSM3S_OK;
}

static int end_line(maker *m)
{
    return m->n_outline ? add_point(m, OSM3S_NO_COORD, 0) : OSM3S_OK;
}

static bool is_usable(const maker *m, const way_node *n)
{
    return n->lat != OSM3S_NO_COORD && (m->nodes == NULL || rows_find(m->nodes, (uint64_t)n->ref) >= 0);
}

static int add_ends(end_nodes *ends, int64_t first, int64_t last)
{
    if (grow(&ends->ids, &ends->cap, ends->n + 2, sizeof *ends->ids))
        return OSM3S_NOMEM;
    ends->ids[ends->n++] = first;
    ends->ids[ends->n++] = last;
    return OSM3S_OK;
}

static int add_ends_of_way(end_nodes *ends, const way_nodes *way)
{
    return add_ends(ends, way->items[0].ref, way->items[way->n - 1].ref);
}

/* The nodes of m->way as a line, if all are usable. */
static int add_line(maker *m)
{
    for (size_t i = 0; i < m->way.n; i++)
        if (!is_usable(m, &m->way.items[i]))
            return OSM3S_OK;
    int error = add_ends_of_way(&m->line_ends, &m->way);
    if (error == OSM3S_OK)
        error = end_line(m);
    if (error || (error = grow(&m->outline, &m->cap_outline, m->n_outline + m->way.n, sizeof *m->outline)))
        return error;
    for (size_t i = 0; i < m->way.n; i++) {
        const way_node *n = &m->way.items[i];
        int64_t step = i ? (int64_t)n->lon - n[-1].lon : 0;
        m->crossings += step > LON_180 || step < -LON_180;
        m->outline[m->n_outline++] = osm3s_ref_of_position(n->lat, n->lon);
    }
    m->some_lat = m->way.items[m->way.n - 1].lat;
    return OSM3S_OK;
}

/* Read a way into m->way: its nodes, or their ids alone. */
static int read_way(maker *m, const osm3s_row *row, int (*read)(const view *, uint32_t, way_nodes *))
{
    uint32_t slot;
    const view *v = snapshot_view(m->s, row->block, row->slot, &slot);
    int error = v ? context_check(m->ctx) : OSM3S_CORRUPT;
    return error ? error : read(v, slot, &m->way);
}

static int add_way(maker *m, const osm3s_row *row)
{
    int error = read_way(m, row, view_way_nodes);
    if (error || m->way.n < 2)
        return error;
    error = add_ends_of_way(&m->ends, &m->way);
    return error ? error : add_line(m);
}

static int compare_refs(const void *left, const void *right)
{
    int64_t l = *(const int64_t *)left, r = *(const int64_t *)right;
    return (l > r) - (l < r);
}

/* The smallest id of a node that is the end of an odd number of ways, or 0. */
static int64_t odd_end(end_nodes *ends)
{
    if (ends->n)
        qsort(ends->ids, ends->n, sizeof *ends->ids, compare_refs);
    for (size_t i = 0, j; i < ends->n; i = j) {
        for (j = i; j < ends->n && ends->ids[j] == ends->ids[i];)
            j++;
        if ((j - i) % 2)
            return ends->ids[i];
    }
    return 0;
}

static int add_box_point(maker *m, int32_t lat, int32_t lon)
{
    int error = end_line(m);
    return error ? error : add_point(m, lat, lon);
}

/* Of lines with a gap only their box is kept. */
static int open_up(maker *m)
{
    osm3s_bbox box = bbox_empty();
    for (size_t i = 0; i < m->n_outline; i++) {
        int32_t lat = (int32_t)(m->outline[i] >> 32), lon = (int32_t)(uint32_t)m->outline[i];
        if (lat != OSM3S_NO_COORD)
            bbox_add(&box, &(osm3s_bbox){lat, lon, lat, lon});
    }
    m->n_outline = 0;
    int error = add_box_point(m, box.south, box.west);
    return error ? error : add_box_point(m, box.north, box.east);
}

/* An area that crosses the antimeridian reaches from side to side of the map; one that does so an odd number of times
 * contains a pole. */
static int widen_box(maker *m)
{
    if (m->crossings == 0)
        return OSM3S_OK;
    bool pole = m->crossings % 2;
    int error = add_box_point(m, pole ? -LAT_90 : m->some_lat, -LON_180);
    return error ? error : add_box_point(m, pole ? LAT_90 : m->some_lat, LON_180);
}

static int put_tags(osm3s_batch *into, const view *v, uint32_t slot)
{
    uint32_t from, to;
    int error = OSM3S_OK;
    for (view_tags(v, slot, &from, &to); from < to && error == OSM3S_OK; from++) {
        uint32_t pair = (uint32_t)column_get(&v->tag, from);
        size_t key_len, value_len;
        const char *key = view_key(v, view_key_of_pair(v, pair), &key_len), *value = view_value(v, pair, &value_len);
        error = osm3s_batch_add_tag(into, key, key_len, value, value_len);
    }
    return error;
}

/* Append the area whose ways have been added: 1; 0 if there is none. */
static int finish(maker *m, const osm3s_row *pivot, int pivot_type, const view *v, uint32_t slot, int64_t *odd_node)
{
    *odd_node = odd_end(&m->ends);
    if (*odd_node || m->n_outline == 0)
        return 0;
    int error = odd_end(&m->line_ends) ? open_up(m) : OSM3S_OK;
    if (error == OSM3S_OK)
        error = widen_box(m);
    if (error == OSM3S_OK)
        error = osm3s_batch_add_element(m->into, OSM3S_WAY, (int64_t)osm3s_area_id(pivot_type, pivot->id),
                                        OSM3S_NO_COORD, 0, (osm3s_meta){0, 0, 0, 0}, "", 0, 0);
    if (error == OSM3S_OK && v != NULL)
        error = put_tags(m->into, v, slot);
    if (error || (error = batch_reserve_refs(m->into, m->n_outline)))
        return error;
    memcpy(m->into->refs + m->into->n_refs, m->outline, m->n_outline * sizeof *m->outline);
    m->into->n_refs += m->n_outline;
    m->into->elements[m->into->n_elements - 1].n_refs = (uint32_t)m->n_outline;
    return 1;
}

static void start(maker *m)
{
    m->ends.n = m->line_ends.n = m->n_outline = 0;
    m->crossings = 0;
}

int osm3s_area_make(osm3s_snapshot *s, osm3s_context *ctx, const osm3s_row *pivot, int pivot_type, const osm3s_rows *ways,
                    const osm3s_rows *nodes, osm3s_batch *into, int64_t *odd_node)
{
    maker m = {.s = s, .ctx = ctx, .into = into, .nodes = nodes};
    uint32_t slot = 0;
    const view *v = NULL;
    int error = OSM3S_OK;
    if (pivot->block != OSM3S_UNRESOLVED && (v = snapshot_view(s, pivot->block, pivot->slot, &slot)) == NULL)
        return OSM3S_CORRUPT;
    for (size_t i = 0; i < ways->n && error == OSM3S_OK; i++)
        error = add_way(&m, &ways->rows[i]);
    int made = error ? error : finish(&m, pivot, pivot_type, v, slot, odd_node);
    maker_free(&m);
    return made;
}

/* The places of a relation's way members in `ways`, ascending, each once. */
static int find_members(const members *list, const id_filter *ways, int64_t **places, size_t *cap, size_t *n)
{
    *n = 0;
    if (grow(places, cap, list->n + 1, sizeof **places))
        return OSM3S_NOMEM;
    for (size_t i = 0; i < list->n; i++) {
        uint64_t id = (uint64_t)list->items[i].ref;
        if (list->items[i].type == OSM3S_WAY && id_filter_has(ways, id))
            (*places)[(*n)++] = rows_find(ways->rows, id);
    }
    if (*n)
        qsort(*places, *n, sizeof **places, compare_refs);
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (kept == 0 || (*places)[kept - 1] != (*places)[i])
            (*places)[kept++] = (*places)[i];
    *n = kept;
    return OSM3S_OK;
}

/* The ends of all ways, two each; of those with less than two nodes 0. */
static int read_ends(maker *m, const osm3s_rows *ways, end_nodes *ends)
{
    int error = OSM3S_OK;
    for (size_t i = 0; i < ways->n && error == OSM3S_OK; i++) {
        error = read_way(m, &ways->rows[i], view_way_refs);
        if (error == OSM3S_OK)
            error = m->way.n < 2 ? add_ends(ends, 0, 0) : add_ends_of_way(ends, &m->way);
    }
    return error;
}

/* Are the ends of some ways touched an odd number of times? If so, they need not be decoded. 1, 0, or an error. */
static int are_broken(maker *m, const end_nodes *ends, const int64_t *places, size_t n)
{
    start(m);
    for (size_t i = 0; i < n; i++) {
        const int64_t *of_way = ends->ids + 2 * places[i];
        if (of_way[0] && add_ends(&m->ends, of_way[0], of_way[1]))
            return OSM3S_NOMEM;
    }
    return odd_end(&m->ends) != 0;
}

int osm3s_areas_of_relations(osm3s_snapshot *s, osm3s_context *ctx, const osm3s_rows *relations, const osm3s_rows *ways,
                             osm3s_batch *into, osm3s_rows *broken)
{
    maker m = {.s = s, .ctx = ctx, .into = into};
    members list = {0};
    end_nodes ends = {0};
    int64_t *places = NULL, odd_node;
    size_t cap = 0, n = 0;
    id_filter known; /* most members of an extract's relations are not in it */
    int error = id_filter_build(&known, ways);
    if (error == OSM3S_OK)
        error = read_ends(&m, ways, &ends);
    for (size_t i = 0; i < relations->n && error == OSM3S_OK; i++) {
        uint32_t slot;
        const view *v = snapshot_view(s, relations->rows[i].block, relations->rows[i].slot, &slot);
        error = v ? view_members(v, slot, &list) : OSM3S_CORRUPT;
        if (error == OSM3S_OK)
            error = find_members(&list, &known, &places, &cap, &n);
        int result = error ? error : are_broken(&m, &ends, places, n);
        if (result == 1)
            result = rows_push(broken, relations->rows[i]);
        else if (result == 0) {
            start(&m);
            for (size_t w = 0; w < n && error == OSM3S_OK; w++)
                error = add_way(&m, &ways->rows[places[w]]);
            result = error ? error : finish(&m, &relations->rows[i], OSM3S_RELATION, v, slot, &odd_node);
        }
        error = result < 0 ? result : OSM3S_OK;
    }
    id_filter_free(&known);
    free(ends.ids);
    free(places);
    free(list.items);
    maker_free(&m);
    return error;
}
