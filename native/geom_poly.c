/* geom_poly.c: polygons. Whether a position is inside is decided by the edges that the meridian south of it crosses, so
 * edges are indexed by columns of longitude; within a column they are sorted by their southern end. Integers only. */
#include "geom_poly.h"

int cut_at_antimeridian(position from, position to, segment parts[2])
{
    const int32_t beyond = LON_180 / 2;
    parts[0] = (segment){from.lat, from.lon, to.lat, to.lon};
    if (!(from.lon < -beyond && to.lon > beyond) && !(from.lon > beyond && to.lon < -beyond))
        return 1;
    position a = from.lon > 0 ? from : to, b = from.lon > 0 ? to : from;
    int64_t rise = (int64_t)b.lat - a.lat, run = (int64_t)b.lon + LON_360 - a.lon;
    if (run == 0) { /* along the antimeridian: on both sides of it */
        parts[0] = (segment){a.lat, LON_180, b.lat, LON_180};
        parts[1] = (segment){a.lat, -LON_180, b.lat, -LON_180};
        return 2;
    }
    int32_t lat = (int32_t)(a.lat + rise * (LON_180 - (int64_t)a.lon) / run);
    parts[0] = (segment){a.lat, a.lon, lat, LON_180};
    parts[1] = (segment){lat, -LON_180, b.lat, b.lon};
    return 2;
}

static int by_southern_end(const void *a, const void *b)
{
    int32_t x = southern(a), y = southern(b);
    return (x > y) - (x < y);
}

static void add_edge(poly *p, segment s)
{
    p->edges[p->n++] = eastward(s);
}

/* The edges of a row of vertices; `ring`: the last one is connected to the first. Returns how many cuts it has. */
static size_t add_edges(poly *p, const position *vertices, uint32_t n, bool ring)
{
    size_t cuts = 0;
    for (uint32_t i = 0; n > 0 && i < (ring ? n : n - 1); i++) {
        segment parts[2];
        int n_parts = cut_at_antimeridian(vertices[i], vertices[i + 1 < n ? i + 1 : 0], parts);
        for (int k = 0; k < n_parts; k++)
            add_edge(p, parts[k]);
        cuts += n_parts > 1;
    }
    return cuts;
}

/* An area with an odd number of cuts is around a pole. The meridian starts in it if that is the south pole, so then
 * there must be one more edge: along the pole. Which pole it is, is told by where the most of the border is. */
static const segment SOUTH_POLE = {-LAT_90, -LON_180, -LAT_90, LON_180};

/* How much an edge tells for the south. */
static int64_t weight_of(const segment *e)
{
    int64_t extent = (int64_t)eastern(e) - western(e) + northern(e) - southern(e);
    return (int64_t)e->lat0 + e->lat1 < 0 ? extent : -extent;
}

static int build_index(poly *p)
{
    qsort(p->edges, p->n, sizeof *p->edges, by_southern_end);
    p->box = bbox_empty();
    for (size_t i = 0; i < p->n; i++) {
        osm3s_bbox box = box_of(p->edges + i);
        bbox_add(&p->box, &box);
    }
    return columns_build(&p->columns, p->edges, p->n);
}

static poly *build(const position *vertices, const uint32_t *sizes, size_t n, bool rings)
{
    size_t total = 0, cuts = 0;
    for (size_t i = 0; i < n; i++)
        total += sizes[i];
    poly *p = calloc(1, sizeof *p);
    if (p == NULL || (p->edges = malloc((2 * total + 1) * sizeof *p->edges)) == NULL)
        goto failed;
    for (size_t i = 0, first = 0; i < n; first += sizes[i++])
        cuts += add_edges(p, vertices + first, sizes[i], rings);
    p->cut = cuts > 0;
    int64_t southern_weight = 0;
    for (size_t i = 0; i < p->n; i++)
        southern_weight += weight_of(p->edges + i);
    if (!rings && cuts % 2 && southern_weight >= 0)
        add_edge(p, SOUTH_POLE);
    segment *fitting = realloc(p->edges, (p->n + 1) * sizeof *p->edges); /* there may be very many small ones */
    p->edges = fitting ? fitting : p->edges;
    if (build_index(p) == OSM3S_OK)
        return p;
failed:
    poly_free(p);
    fail(OSM3S_NOMEM, "out of memory: a polygon of %zu vertices", total);
    return NULL;
}

poly *poly_new(const position *vertices, const uint32_t *ring_sizes, size_t n_rings)
{
    poly *p = build(vertices, ring_sizes, n_rings, true);
    if (p)
        p->rounding = TOWARDS_END;
    return p;
}

poly *poly_of_lines(const position *vertices, const uint32_t *line_sizes, size_t n_lines, enum rounding rounding)
{
    poly *p = build(vertices, line_sizes, n_lines, false);
    if (p)
        p->rounding = rounding;
    return p;
}

void poly_free(poly *p)
{
    if (p == NULL)
        return;
    columns_free(&p->columns);
    free(p->edges);
    free(p);
}

size_t poly_bytes(const poly *p)
{
    return sizeof *p + (p->n + 1) * sizeof *p->edges + columns_bytes(&p->columns);
}

osm3s_bbox poly_bbox(const poly *p)
{
    return p->box;
}

enum { EFFECT_NONE, EFFECT_TOGGLE, EFFECT_BORDER };

/* Is a position on an edge when that is rounded? It is `above` / `run` units north of it. */
static bool rounds_to(const segment *e, enum rounding rounding, int64_t run, int64_t above)
{
    if (rounding == TO_NEAREST)
        return above < run - above && -above < run + above;
    if (rounding == TOWARDS_END)
        return (e->lat1 >= e->lat0) == e->back ? above > -run && above <= 0 : above >= 0 && above < run;
    return above == 0;
}

/* What an edge tells about a position: nothing, that the way from the south crosses it, or that it is on the edge. */
static int effect_of(const segment *e, enum rounding rounding, int32_t lat, int32_t lon)
{
    if (lon < e->lon0 || lon > e->lon1 || southern(e) > lat)
        return EFFECT_NONE;
    bool south_of_it = northern(e) < lat;
    if (!south_of_it) {
        int64_t run = (int64_t)e->lon1 - e->lon0;
        int64_t above = run * ((int64_t)lat - e->lat0) - ((int64_t)e->lat1 - e->lat0) * ((int64_t)lon - e->lon0);
        if (run == 0 || rounds_to(e, rounding, run, above))
            return EFFECT_BORDER; /* the latitudes were compared above */
        south_of_it = above > 0;
    }
    /* An end shared by two edges must count once: as the eastern edge's, on the antimeridian as the western one's. */
    return south_of_it && (lon == LON_180 ? lon > e->lon0 : lon < e->lon1) ? EFFECT_TOGGLE : EFFECT_NONE;
}

int poly_locate(const poly *p, int32_t lat, int32_t lon)
{
    if (lat < p->box.south || (lat > p->box.north && !p->cut))
        return POLY_OUTSIDE;
    grid_cells cells = grid_touched(p->columns.index, &(osm3s_bbox){p->box.south, lon, p->box.north, lon});
    if (cells.empty)
        return POLY_OUTSIDE;
    const crowd *crowd = p->columns.crowds ? p->columns.crowds[cells.column] : NULL;
    bool inside = crowd && crowd_is_odd(crowd, p->edges, lat, lon);
    column_walk walk = columns_walk(&p->columns, cells.column, crowd ? lat : p->box.south, lat);
    for (const segment *e; (e = next_edge(&walk));) {
        int effect = effect_of(e, p->rounding, lat, lon);
        if (effect == EFFECT_BORDER)
            return POLY_BORDER;
        inside = inside != (effect == EFFECT_TOGGLE);
    }
    return inside ? POLY_INSIDE : POLY_OUTSIDE;
}

int lines_locate(const position *vertices, const uint32_t *line_sizes, size_t n_lines, enum rounding rounding, int32_t lat,
                 int32_t lon)
{
    bool inside = false, odd_cuts = false;
    int64_t southern_weight = 0;
    for (size_t line = 0; line < n_lines; vertices += line_sizes[line++])
        for (uint32_t i = 1; i < line_sizes[line]; i++) {
            segment parts[2];
            int n = cut_at_antimeridian(vertices[i - 1], vertices[i], parts);
            odd_cuts = odd_cuts != (n > 1);
            for (int k = 0; k < n; k++) {
                segment e = eastward(parts[k]);
                int effect = effect_of(&e, rounding, lat, lon);
                if (effect == EFFECT_BORDER)
                    return POLY_BORDER;
                inside = inside != (effect == EFFECT_TOGGLE);
                southern_weight += weight_of(&e);
            }
        }
    if (odd_cuts && southern_weight >= 0) {
        int effect = effect_of(&SOUTH_POLE, NOT_ROUNDED, lat, lon);
        if (effect == EFFECT_BORDER)
            return POLY_BORDER;
        inside = inside != (effect == EFFECT_TOGGLE);
    }
    return inside ? POLY_INSIDE : POLY_OUTSIDE;
}

/* --- boxes --- */

int poly_classify(const poly *p, const osm3s_bbox *box)
{
    if (bbox_is_empty(box))
        return POLY_OUTSIDE;
    osm3s_bbox grown = *box; /* edges are rounded by less than one unit of latitude */
    if (p->rounding != NOT_ROUNDED)
        grown.south--, grown.north++;
    grid_cells cells = grid_touched(p->columns.index, &grown);
    for (uint32_t column = cells.column; !cells.empty && column <= cells.last_column; column++) {
        column_walk walk = columns_walk(&p->columns, column, grown.south, grown.north);
        for (const segment *e; (e = next_edge(&walk));) {
            osm3s_bbox near = box_of(e);
            if (!bbox_meets(&near, &grown))
                continue;
            /* Missed if all corners are strictly on one side. */
            int sw = side_of(e, grown.south, box->west), se = side_of(e, grown.south, box->east);
            int nw = side_of(e, grown.north, box->west), ne = side_of(e, grown.north, box->east);
            if (sw == 0 || sw != se || sw != nw || sw != ne)
                return POLY_BORDER;
        }
    }
    /* No edge enters the box, so all of its points are on the same side of the border. */
    return poly_locate(p, box->south, box->west);
}
