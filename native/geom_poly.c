/* geom_poly.c: polygons. Whether a position is inside is decided by the edges that the meridian south of it crosses, so
 * edges are indexed by columns of longitude; within a column they are sorted by their southern end. All tests are
 * exact. */
#include "geom.h"

typedef struct { int32_t lat0, lon0, lat1, lon1; } segment; /* edges: lon0 <= lon1 */

struct poly {
    osm3s_bbox box; /* of all edges */
    bool cut;       /* an edge crosses the antimeridian: then the inside may reach north of all edges */
    size_t n;
    segment *edges;
    grid *index;
};

/* Sign of a * b - c * d. */
static int compare_products(int64_t a, int64_t b, int64_t c, int64_t d)
{
    __int128 left = (__int128)a * b, right = (__int128)c * d;
    return (left > right) - (left < right);
}

/* Where (lat2, lon2), in half units, is from the line through the segment, seen from its first end: 1 left, 0 on it,
 * -1 right. Left of an edge from west to east is north. */
static int side_of(const segment *s, int64_t lat2, int64_t lon2)
{
    return compare_products((int64_t)s->lon1 - s->lon0, lat2 - 2 * (int64_t)s->lat0,
                            (int64_t)s->lat1 - s->lat0, lon2 - 2 * (int64_t)s->lon0);
}

static int32_t southern(const segment *s) { return s->lat0 < s->lat1 ? s->lat0 : s->lat1; }
static int32_t northern(const segment *s) { return s->lat0 > s->lat1 ? s->lat0 : s->lat1; }
static int32_t western(const segment *s) { return s->lon0 < s->lon1 ? s->lon0 : s->lon1; }
static int32_t eastern(const segment *s) { return s->lon0 > s->lon1 ? s->lon0 : s->lon1; }

static osm3s_bbox box_of(const segment *s)
{
    return (osm3s_bbox){southern(s), western(s), northern(s), eastern(s)};
}

/* Cut a segment at the antimeridian if it reaches from beyond 90 degrees west to beyond 90 degrees east. Returns how
 * many parts there are. The latitude of the cut is rounded to whole units, as in the reference. */
static int cut_at_antimeridian(position from, position to, segment parts[2])
{
    const int32_t beyond = LON_180 / 2;
    parts[0] = (segment){from.lat, from.lon, to.lat, to.lon};
    if (!(from.lon < -beyond && to.lon > beyond) && !(from.lon > beyond && to.lon < -beyond))
        return 1;
    position a = from.lon > 0 ? from : to, b = from.lon > 0 ? to : from;
    int64_t rise = (int64_t)b.lat - a.lat, run = (int64_t)b.lon + LON_360 - a.lon;
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
    if (s.lat0 == s.lat1 && s.lon0 == s.lon1)
        return;
    p->edges[p->n++] = s.lon0 <= s.lon1 ? s : (segment){s.lat1, s.lon1, s.lat0, s.lon0};
}

poly *poly_new(const position *vertices, const uint32_t *ring_sizes, size_t n_rings)
{
    size_t total = 0;
    for (size_t r = 0; r < n_rings; r++)
        total += ring_sizes[r];
    osm3s_bbox *boxes = NULL;
    poly *p = calloc(1, sizeof *p);
    if (p == NULL || (p->edges = malloc((2 * total + 1) * sizeof *p->edges)) == NULL)
        goto failed;
    for (size_t r = 0, first = 0; r < n_rings; first += ring_sizes[r++])
        for (uint32_t i = 0; i < ring_sizes[r]; i++) {
            segment parts[2];
            int n = cut_at_antimeridian(vertices[first + i], vertices[first + (i + 1) % ring_sizes[r]], parts);
            for (int k = 0; k < n; k++)
                add_edge(p, parts[k]);
            p->cut = p->cut || n > 1;
        }
    qsort(p->edges, p->n, sizeof *p->edges, by_southern_end);
    boxes = malloc((p->n + 1) * sizeof *boxes);
    if (boxes == NULL)
        goto failed;
    p->box = bbox_empty();
    for (size_t i = 0; i < p->n; i++) {
        boxes[i] = box_of(p->edges + i);
        bbox_add(&p->box, boxes + i);
    }
    p->index = grid_new(boxes, p->n, true);
    if (p->index == NULL)
        goto failed;
    free(boxes);
    return p;
failed:
    free(boxes);
    poly_free(p);
    fail(OSM3S_NOMEM, "out of memory: a polygon of %zu vertices", total);
    return NULL;
}

void poly_free(poly *p)
{
    if (p == NULL)
        return;
    grid_free(p->index);
    free(p->edges);
    free(p);
}

osm3s_bbox poly_bbox(const poly *p)
{
    return p->box;
}

/* Where a position in half units is. */
static int locate(const poly *p, int64_t lat2, int64_t lon2)
{
    int32_t lon = (int32_t)(lon2 >> 1);
    if (!p->cut && lat2 > 2 * (int64_t)p->box.north)
        return POLY_OUTSIDE;
    grid_cells cells = grid_touched(p->index, &(osm3s_bbox){p->box.south, lon, p->box.north, lon});
    if (cells.empty || lat2 < 2 * (int64_t)p->box.south)
        return POLY_OUTSIDE;
    size_t n;
    const uint32_t *items = grid_cell(p->index, 0, cells.column, &n);
    bool inside = false;
    for (size_t i = 0; i < n; i++) {
        const segment *e = p->edges + items[i];
        if (2 * (int64_t)southern(e) > lat2)
            break;
        int64_t west2 = 2 * (int64_t)e->lon0, east2 = 2 * (int64_t)e->lon1;
        if (lon2 < west2 || lon2 > east2)
            continue;
        bool south_of_it = 2 * (int64_t)northern(e) < lat2;
        if (!south_of_it) {
            int side = side_of(e, lat2, lon2);
            if (e->lon0 == e->lon1 || side == 0)
                return POLY_BORDER; /* the latitudes were compared above */
            south_of_it = side > 0;
        }
        /* An end shared by two edges must count once: as the eastern edge's, on the antimeridian as the western one's. */
        if (south_of_it && (lon2 == 2 * (int64_t)LON_180 ? lon2 > west2 : lon2 < east2))
            inside = !inside;
    }
    return inside ? POLY_INSIDE : POLY_OUTSIDE;
}

int poly_locate(const poly *p, int32_t lat, int32_t lon)
{
    return locate(p, 2 * (int64_t)lat, 2 * (int64_t)lon);
}

/* Does the open segment have a point in common with the closed edge? */
static bool touches(const segment *s, const segment *e, bool along_counts)
{
    int from = side_of(e, 2 * (int64_t)s->lat0, 2 * (int64_t)s->lon0);
    int to = side_of(e, 2 * (int64_t)s->lat1, 2 * (int64_t)s->lon1);
    if (from * to > 0)
        return false;
    if (from == 0 && to == 0) {
        /* On one line: then they have more than an end in common if their longitudes, or latitudes, have. */
        if (!along_counts)
            return false;
        if (e->lon0 != e->lon1)
            return western(s) < e->lon1 && e->lon0 < eastern(s);
        return southern(s) < northern(e) && southern(e) < northern(s);
    }
    if (from == 0 || to == 0)
        return false;
    return side_of(s, 2 * (int64_t)e->lat0, 2 * (int64_t)e->lon0)
        * side_of(s, 2 * (int64_t)e->lat1, 2 * (int64_t)e->lon1) <= 0;
}

static bool touches_border(const poly *p, const segment *s, bool along_counts)
{
    osm3s_bbox box = box_of(s);
    grid_cells cells = grid_touched(p->index, &box);
    if (cells.empty)
        return false;
    for (uint32_t column = cells.column; column <= cells.last_column; column++) {
        size_t n;
        const uint32_t *items = grid_cell(p->index, 0, column, &n);
        for (size_t i = 0; i < n; i++) {
            const segment *e = p->edges + items[i];
            if (southern(e) > box.north)
                break;
            if (northern(e) >= box.south && e->lon0 <= box.east && e->lon1 >= box.west && touches(s, e, along_counts))
                return true;
        }
    }
    return false;
}

bool poly_meets_way(const poly *p, const way_node *nodes, size_t n, bool border)
{
    int here = POLY_OUTSIDE, before;
    for (size_t i = 0; i < n; i++) {
        if (nodes[i].lat == OSM3S_NO_COORD)
            continue;
        before = here;
        here = poly_locate(p, nodes[i].lat, nodes[i].lon);
        if (here == POLY_INSIDE)
            return true;
        if (i == 0 || nodes[i - 1].lat == OSM3S_NO_COORD)
            continue;
        segment parts[2];
        int n_parts = cut_at_antimeridian((position){nodes[i - 1].lat, nodes[i - 1].lon},
                                          (position){nodes[i].lat, nodes[i].lon}, parts);
        for (int k = 0; k < n_parts; k++) {
            const segment *s = parts + k;
            if (s->lat0 == s->lat1 && s->lon0 == s->lon1)
                continue;
            if (touches_border(p, s, border))
                return true;
            /* No border point between the ends. If they are on the border, the midpoint stands for what is between. */
            bool open = n_parts > 1 || (before == POLY_BORDER && here == POLY_BORDER);
            if (open && locate(p, (int64_t)s->lat0 + s->lat1, (int64_t)s->lon0 + s->lon1) == POLY_INSIDE)
                return true;
        }
    }
    return false;
}

int poly_classify(const poly *p, const osm3s_bbox *box)
{
    if (bbox_is_empty(box))
        return POLY_OUTSIDE;
    grid_cells cells = grid_touched(p->index, box);
    for (uint32_t column = cells.column; !cells.empty && column <= cells.last_column; column++) {
        size_t n;
        const uint32_t *items = grid_cell(p->index, 0, column, &n);
        for (size_t i = 0; i < n; i++) {
            const segment *e = p->edges + items[i];
            if (southern(e) > box->north)
                break;
            osm3s_bbox near = box_of(e);
            if (!bbox_meets(&near, box))
                continue;
            /* Missed if all corners are strictly on one side. */
            int sw = side_of(e, 2 * (int64_t)box->south, 2 * (int64_t)box->west);
            int se = side_of(e, 2 * (int64_t)box->south, 2 * (int64_t)box->east);
            int nw = side_of(e, 2 * (int64_t)box->north, 2 * (int64_t)box->west);
            int ne = side_of(e, 2 * (int64_t)box->north, 2 * (int64_t)box->east);
            if (sw == 0 || sw != se || sw != nw || sw != ne)
                return POLY_BORDER;
        }
    }
    /* No edge enters the box, so all of its points are on the same side of the border. */
    return poly_locate(p, box->south, box->west);
}
