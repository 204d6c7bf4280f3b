/* is_in.c: which closed ways and areas nodes are in. */
#include "geom.h"

enum { FEW_NODES = 16 };

/* Lines as those of an area. With few nodes it is not worth while to index them. */
static int lines_around(const position *vertices, const uint32_t *sizes, size_t n_lines, enum rounding rounding,
                        const osm3s_row *nodes, size_t n)
{
    if (n <= FEW_NODES) {
        for (size_t i = 0; i < n; i++)
            if (lines_locate(vertices, sizes, n_lines, rounding, nodes[i].lat, nodes[i].lon) != POLY_OUTSIDE)
                return 1;
        return 0;
    }
    poly *p = poly_of_lines(vertices, sizes, n_lines, rounding);
    if (p == NULL)
        return OSM3S_NOMEM;
    int found = 0;
    for (size_t i = 0; i < n && !found; i++)
        found = poly_locate(p, nodes[i].lat, nodes[i].lon) != POLY_OUTSIDE;
    poly_free(p);
    return found;
}

/* Is one of the nodes in the area? 1, 0, or an error. */
static int area_is_around(osm3s_snapshot *areas, const osm3s_row *area, const osm3s_rows *nodes)
{
    osm3s_outline *o = osm3s_area_outline(areas, area);
    if (o == NULL)
        return OSM3S_CORRUPT;
    int found = lines_around((const position *)o->lat_lon, o->sizes, o->n_lines, TOWARDS_END, nodes->rows, nodes->n);
    osm3s_outline_free(o);
    return found;
}

int osm3s_areas_around_nodes(osm3s_snapshot *areas, osm3s_context *c, osm3s_bbox plain, const osm3s_rows *nodes,
                             osm3s_rows *out)
{
    osm3s_rows near = {0};
    int error = osm3s_areas_meeting(areas, plain, &near);
    for (size_t i = 0; i < near.n && error == OSM3S_OK; i++) {
        int found = area_is_around(areas, &near.rows[i], nodes);
        error = found < 0 ? found : found && rows_push(out, near.rows[i]) ? OSM3S_NOMEM : context_check(c);
    }
    free(near.rows);
    return error;
}

/* --- closed ways --- */

typedef struct {
    osm3s_snapshot *snapshot;
    osm3s_row *nodes;       /* with position */
    size_t n, n_near;
    osm3s_bbox box;         /* of all of them */
    grid *index;
    osm3s_row *near;        /* those in the box of the way in question */
    way_nodes way;
    position *vertices;
    size_t cap_vertices;
} search;

static void search_free(search *s)
{
    grid_free(s->index);
    free(s->nodes);
    free(s->near);
    free(s->way.items);
    free(s->vertices);
}

static int search_start(search *s, const osm3s_rows *nodes)
{
    osm3s_bbox *boxes = malloc((nodes->n + 1) * sizeof *boxes);
    s->nodes = malloc((nodes->n + 1) * sizeof *s->nodes);
    s->near = malloc((nodes->n + 1) * sizeof *s->near);
    s->box = bbox_empty();
    for (size_t i = 0; boxes && s->nodes && i < nodes->n; i++)
        if (nodes->rows[i].lat != OSM3S_NO_COORD) {
            const osm3s_row *node = s->nodes + s->n;
            s->nodes[s->n] = nodes->rows[i];
            boxes[s->n] = (osm3s_bbox){node->lat, node->lon, node->lat, node->lon};
            bbox_add(&s->box, &boxes[s->n++]);
        }
    if (boxes && s->nodes && s->near)
        s->index = grid_new(boxes, s->n, false);
    free(boxes);
    return s->index ? OSM3S_OK : fail(OSM3S_NOMEM, "out of memory for %zu nodes", nodes->n);
}

/* The nodes in a plain box, into s->near. `one`: at most one of them, to know whether there is any. */
static void find_near(search *s, const osm3s_bbox *box, bool one)
{
    grid_cells c = grid_touched(s->index, box);
    s->n_near = 0;
    for (uint32_t row = c.row; !c.empty && row <= c.last_row; row++)
        for (uint32_t column = c.column; column <= c.last_column; column++) {
            size_t n;
            const uint32_t *items = grid_cell(s->index, row, column, &n);
            for (size_t i = 0; i < n; i++) {
                const osm3s_row *node = s->nodes + items[i];
                if (!bbox_contains(box, node->lat, node->lon))
                    continue;
                s->near[s->n_near++] = *node;
                if (one)
                    return;
            }
        }
}

static bool is_closed(const way_nodes *way)
{
    return way->n > 0 && way->items[0].ref == way->items[way->n - 1].ref;
}

/* The nodes in the box of the way of a slot, into s->near. */
static void find_candidates(search *s, const view *v, uint32_t slot)
{
    s->n_near = 0;
    osm3s_bbox box = {.west = (int32_t)column_get(&v->west, slot), .east = (int32_t)column_get(&v->east, slot)};
    bool wide = (int64_t)box.east - box.west > LON_180; /* over the antimeridian, maybe around a pole */
    if (!wide && (box.west > s->box.east || box.east < s->box.west))
        return;
    box.south = (int32_t)column_get(&v->south, slot);
    box.north = (int32_t)column_get(&v->north, slot);
    if (box.south > box.north || (!wide && (box.south > s->box.north || box.north < s->box.south)))
        return;
    find_near(s, wide ? &(osm3s_bbox){-LAT_90, -LON_180, LAT_90, LON_180} : &box, false);
}

/* Does the way of a slot contain one of the nodes in its box? 1, 0, or an error. */
static int way_is_around(search *s, const view *v, uint32_t block, uint32_t slot)
{
    int error = snapshot_check_body(s->snapshot, block);
    if (error || (error = view_way_nodes(v, slot, &s->way)) || !is_closed(&s->way) || s->way.n < 2)
        return error; /* a way of a single node has no border */
    if (grow(&s->vertices, &s->cap_vertices, s->way.n + 1, sizeof *s->vertices))
        return OSM3S_NOMEM;
    uint32_t n = closed_line(s->way.items, s->way.n, s->vertices);
    return lines_around(s->vertices, &n, 1, TO_NEAREST, s->near, s->n_near);
}

static int search_part(search *s, const view *v, const uint64_t *dead, uint32_t block, uint32_t slot_offset,
                       uint32_t time, osm3s_rows *out)
{
    for (uint32_t slot = 0; slot < v->n; slot++) {
        if ((dead && dead[slot / 64] >> slot % 64 & 1) || (time && !view_valid_at(v, slot, time)))
            continue;
        find_candidates(s, v, slot);
        int found = s->n_near ? way_is_around(s, v, block, slot) : 0;
        if (found < 0 || (found && rows_push(out, (osm3s_row){column_get(&v->id, slot), block, slot + slot_offset, 0, 0})))
            return found < 0 ? found : OSM3S_NOMEM;
    }
    return OSM3S_OK;
}

int osm3s_ways_around_nodes(osm3s_snapshot *s, osm3s_context *c, const uint32_t *blocks, size_t n_blocks,
                            const osm3s_rows *nodes, osm3s_rows *out)
{
    search search = {.snapshot = s};
    int error = search_start(&search, nodes);
    for (size_t i = 0; i < n_blocks && error == OSM3S_OK; i++) {
        const osm3s_dir_entry *e = osm3s_snapshot_entry(s, blocks[i]);
        bool wide = (int64_t)e->bbox.east - e->bbox.west > LON_180;
        find_near(&search, &e->bbox, true);
        if (search.n_near == 0 && !wide)
            continue;
        uint32_t time = snapshot_is_current(s, blocks[i]) ? 0 : snapshot_time(s), slot = 0;
        const view *base = snapshot_base(s, blocks[i]), *delta = snapshot_delta(s, blocks[i]), *old;
        if (base == NULL || delta == NULL)
            error = OSM3S_CORRUPT;
        else if (time)
            error = snapshot_check_body(s, blocks[i]);
        if (error == OSM3S_OK)
            error = search_part(&search, base, snapshot_dead(s, blocks[i]), blocks[i], 0, time, out);
        if (error == OSM3S_OK && delta->n)
            error = search_part(&search, delta, NULL, blocks[i], base->n, time, out);
        for (uint32_t part = 0; time && error == OSM3S_OK && (old = snapshot_attic(s, blocks[i], part, &slot)); part++)
            error = search_part(&search, old, NULL, blocks[i], slot, time, out);
        if (error == OSM3S_OK)
            error = context_check(c);
    }
    search_free(&search);
    return error ? error : rows_sort(out);
}

/* --- rows --- */

typedef int (*way_visitor)(void *argument, const osm3s_row *, const way_nodes *);

static int visit_closed(osm3s_snapshot *s, osm3s_context *c, const osm3s_rows *ways, way_visitor visit, void *argument)
{
    way_nodes way = {0};
    int error = OSM3S_OK;
    for (size_t i = 0; i < ways->n && error == OSM3S_OK; i++) {
        uint32_t local;
        const view *v = snapshot_view(s, ways->rows[i].block, ways->rows[i].slot, &local);
        error = v ? view_way_nodes(v, local, &way) : OSM3S_CORRUPT;
        if (error == OSM3S_OK && is_closed(&way))
            error = visit(argument, &ways->rows[i], &way);
        if (error == OSM3S_OK && i % 64 == 0)
            error = context_check(c);
    }
    free(way.items);
    return error;
}

static int add_area(void *areas, const osm3s_row *row, const way_nodes *way)
{
    (void)row;
    return area_index_add_way(areas, way->items, way->n);
}

int osm3s_area_index_add_rows(osm3s_snapshot *s, osm3s_context *c, struct area_index *areas, const osm3s_rows *ways)
{
    return visit_closed(s, c, ways, add_area, areas);
}

static int push_row(void *out, const osm3s_row *row, const way_nodes *way)
{
    (void)way;
    return rows_push(out, *row);
}

int osm3s_closed_ways(osm3s_snapshot *s, osm3s_context *c, const osm3s_rows *ways, osm3s_rows *out)
{
    return visit_closed(s, c, ways, push_row, out);
}
