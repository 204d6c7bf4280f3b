/* area_make.c: the outlines of areas, from the ways of a relation or from any set of ways.
 *
 * Each way of at least two nodes becomes a line of the outline, unless one of its nodes is not known: such a way is left
 * out as a whole, as by the reference. If the others are not closed without it, nothing is in the area. Lines are not
 * joined: whether a point is inside is a matter of even and odd, which needs no rings. Between two lines stands a node
 * without position. Lines of one point, which bound nothing, widen the box of an area that crosses the antimeridian or
 * contains a pole, and are the box of one in which nothing is. */
#include "geom.h"

static const uint64_t WAY_AREAS = 2400000000, RELATION_AREAS = 3600000000;

typedef struct {
    osm3s_snapshot *s;
    osm3s_context *ctx;
    osm3s_batch *into;
    const osm3s_rows *nodes;        /* the nodes that may be used; NULL: all */
    way_nodes way;
    int64_t *ends; size_t n_ends, cap_ends;                 /* of all ways */
    int64_t *line_ends; size_t n_line_ends, cap_line_ends;  /* of those that are lines */
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
    free(m->ends);
    free(m->line_ends);
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

static int add_ends(const way_nodes *way, int64_t **ends, size_t *n, size_t *cap)
{
    if (grow(ends, cap, *n + 2, sizeof **ends))
        return OSM3S_NOMEM;
    (*ends)[(*n)++] = way->items[0].ref;
    (*ends)[(*n)++] = way->items[way->n - 1].ref;
    return OSM3S_OK;
}

/* The nodes of m->way as a line, if all are usable. */
static int add_line(maker *m)
{
    for (size_t i = 0; i < m->way.n; i++)
        if (!is_usable(m, &m->way.items[i]))
            return OSM3S_OK;
    int error = add_ends(&m->way, &m->line_ends, &m->n_line_ends, &m->cap_line_ends);
    if (error == OSM3S_OK)
        error = end_line(m);
    for (size_t i = 0; i < m->way.n && error == OSM3S_OK; i++) {
        const way_node *n = &m->way.items[i];
        int64_t step = i ? (int64_t)n->lon - n[-1].lon : 0;
        m->crossings += step > LON_180 || step < -LON_180;
        m->some_lat = n->lat;
        error = add_point(m, n->lat, n->lon);
    }
    return error;
}

static int add_way(maker *m, const osm3s_row *row)
{
    uint32_t slot;
    const view *v = snapshot_view(m->s, row->block, row->slot, &slot);
    int error = v ? context_check(m->ctx) : OSM3S_CORRUPT;
    if (error == OSM3S_OK)
        error = view_way_nodes(v, slot, &m->way);
    if (error || m->way.n < 2)
        return error;
    error = add_ends(&m->way, &m->ends, &m->n_ends, &m->cap_ends);
    return error ? error : add_line(m);
}

static int compare_refs(const void *left, const void *right)
{
    int64_t l = *(const int64_t *)left, r = *(const int64_t *)right;
    return (l > r) - (l < r);
}

/* The smallest id of a node that is the end of an odd number of ways, or 0. */
static int64_t odd_end(int64_t *ends, size_t n)
{
    if (n)
        qsort(ends, n, sizeof *ends, compare_refs);
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && ends[j] == ends[i];)
            j++;
        if ((j - i) % 2)
            return ends[i];
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
    *odd_node = odd_end(m->ends, m->n_ends);
    if (*odd_node || m->n_outline == 0)
        return 0;
    int error = odd_end(m->line_ends, m->n_line_ends) ? open_up(m) : OSM3S_OK;
    if (error == OSM3S_OK)
        error = widen_box(m);
    if (error == OSM3S_OK)
        error = osm3s_batch_add_element(m->into, OSM3S_WAY, (int64_t)osm3s_area_id(pivot_type, pivot->id),
                                        OSM3S_NO_COORD, 0, (osm3s_meta){0, 0, 0, 0}, "", 0, 0);
    if (error == OSM3S_OK && v != NULL)
        error = put_tags(m->into, v, slot);
    for (size_t i = 0; i < m->n_outline && error == OSM3S_OK; i++)
        error = osm3s_batch_add_ref(m->into, m->outline[i]);
    return error ? error : 1;
}

static void start(maker *m)
{
    m->n_ends = m->n_line_ends = m->n_outline = 0;
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
static int find_members(const members *list, const osm3s_rows *ways, int64_t **places, size_t *cap, size_t *n)
{
    *n = 0;
    if (grow(places, cap, list->n + 1, sizeof **places))
        return OSM3S_NOMEM;
    for (size_t i = 0; i < list->n; i++) {
        ptrdiff_t at = list->items[i].type == OSM3S_WAY ? rows_find(ways, (uint64_t)list->items[i].ref) : -1;
        if (at >= 0)
            (*places)[(*n)++] = at;
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

int osm3s_areas_of_relations(osm3s_snapshot *s, osm3s_context *ctx, const osm3s_rows *relations, const osm3s_rows *ways,
                             osm3s_batch *into, osm3s_rows *broken)
{
    maker m = {.s = s, .ctx = ctx, .into = into};
    members list = {0};
    int64_t *places = NULL;
    size_t cap = 0, n = 0;
    int error = OSM3S_OK;
    for (size_t i = 0; i < relations->n && error == OSM3S_OK; i++) {
        uint32_t slot;
        const view *v = snapshot_view(s, relations->rows[i].block, relations->rows[i].slot, &slot);
        int64_t odd_node = 0;
        error = v ? view_members(v, slot, &list) : OSM3S_CORRUPT;
        if (error == OSM3S_OK)
            error = find_members(&list, ways, &places, &cap, &n);
        start(&m);
        for (size_t w = 0; w < n && error == OSM3S_OK; w++)
            error = add_way(&m, &ways->rows[places[w]]);
        if (error == OSM3S_OK) {
            int made = finish(&m, &relations->rows[i], OSM3S_RELATION, v, slot, &odd_node);
            error = made < 0 ? made : odd_node ? rows_push(broken, relations->rows[i]) : OSM3S_OK;
        }
    }
    free(places);
    free(list.items);
    maker_free(&m);
    return error;
}
