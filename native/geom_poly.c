/* geom_poly.c: polygons. Whether a position is inside is decided by the edges that the meridian south of it crosses, so
 * edges are indexed by columns of longitude; within a column they are sorted by their southern end.
 *
 * Positions and boxes are tested exactly. Ways are tested as the reference does it, whose outcome depends on how it cuts
 * way and polygon into blocks of 2^20 units (16 x 16 quadtiles): the run of consecutive nodes that lie in one block is
 * judged as a whole, a segment between blocks piece by piece. */
#include "geom.h"

typedef struct { int32_t lat0, lon0, lat1, lon1; } segment; /* edges: lon0 <= lon1 */

struct poly {
    osm3s_bbox box; /* of all edges */
    bool cut;       /* an edge crosses the antimeridian: then the inside may reach north of all edges */
    size_t n;
    segment *edges;
    grid *index;
};

/* Where a position is from the line through the segment, seen from its first end: 1 left, 0 on it, -1 right. Left of
 * an edge from west to east is north. Products stay below 2^63: extents are at most 360 and 180 degrees. */
static int side_of(const segment *s, int32_t lat, int32_t lon)
{
    int64_t up = ((int64_t)s->lon1 - s->lon0) * ((int64_t)lat - s->lat0);
    int64_t down = ((int64_t)s->lat1 - s->lat0) * ((int64_t)lon - s->lon0);
    return (up > down) - (up < down);
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

int poly_locate(const poly *p, int32_t lat, int32_t lon)
{
    if (lat < p->box.south || (lat > p->box.north && !p->cut))
        return POLY_OUTSIDE;
    grid_cells cells = grid_touched(p->index, &(osm3s_bbox){p->box.south, lon, p->box.north, lon});
    if (cells.empty)
        return POLY_OUTSIDE;
    size_t n;
    const uint32_t *items = grid_cell(p->index, 0, cells.column, &n);
    bool inside = false;
    for (size_t i = 0; i < n; i++) {
        const segment *e = p->edges + items[i];
        if (southern(e) > lat)
            break;
        if (lon < e->lon0 || lon > e->lon1)
            continue;
        bool south_of_it = northern(e) < lat;
        if (!south_of_it) {
            int side = side_of(e, lat, lon);
            if (e->lon0 == e->lon1 || side == 0)
                return POLY_BORDER; /* the latitudes were compared above */
            south_of_it = side > 0;
        }
        /* An end shared by two edges must count once: as the eastern edge's, on the antimeridian as the western one's. */
        if (south_of_it && (lon == LON_180 ? lon > e->lon0 : lon < e->lon1))
            inside = !inside;
    }
    return inside ? POLY_INSIDE : POLY_OUTSIDE;
}

/* --- ways --- */

typedef struct { int32_t row, column; } block;

static const int32_t BLOCK = 1 << 20, BLOCK_SOUTH = -910000000;

static block block_of(int32_t lat, int32_t lon)
{
    return (block){(int32_t)((uint32_t)(lat - BLOCK_SOUTH) >> 20), (int32_t)((lon + INT64_C(2147483648)) >> 20)};
}

static int32_t south_of_row(int32_t row)
{
    return (int32_t)((int64_t)row * BLOCK + BLOCK_SOUTH);
}

static int32_t west_of_column(int32_t column)
{
    return (int32_t)((int64_t)column * BLOCK - INT64_C(2147483648));
}

/* What is to `from` ... `to` as `at` is to `low` ... `high`; rounded towards `from`. */
static int32_t proportion(int32_t low, int64_t at, int32_t high, int32_t from, int32_t to)
{
    return low == high ? from : (int32_t)(((int64_t)to - from) * (at - low) / ((int64_t)high - low) + from);
}

/* The piece of a segment, from west to east, in one column of blocks that it touches. */
static segment piece_of_column(const segment *s, int32_t column)
{
    int32_t west = west_of_column(column), east = west + BLOCK - 1;
    segment piece = *s;
    if (s->lon0 < west) {
        piece.lat0 = proportion(s->lon0, west, s->lon1, s->lat0, s->lat1);
        piece.lon0 = west;
    }
    if (s->lon1 > east) {
        piece.lat1 = proportion(s->lon0, east, s->lon1, s->lat0, s->lat1);
        piece.lon1 = east;
    }
    return piece;
}

/* The piece of a column's piece in one row that it touches, again from west to east. */
static segment piece_of_row(const segment *s, int32_t row)
{
    int32_t south = south_of_row(row), north = south + BLOCK - 1;
    bool falls = s->lat0 > s->lat1;
    segment rising = falls ? (segment){s->lat1, s->lon1, s->lat0, s->lon0} : *s, piece = rising;
    if (rising.lat0 < south) {
        piece.lon0 = proportion(rising.lat0, south, rising.lat1, rising.lon0, rising.lon1);
        piece.lat0 = south;
    }
    if (rising.lat1 > north) {
        piece.lon1 = proportion(rising.lat0, (int64_t)north + 1, rising.lat1, rising.lon0, rising.lon1);
        piece.lat1 = north;
    }
    return piece.lon0 <= piece.lon1 ? piece : (segment){piece.lat1, piece.lon1, piece.lat0, piece.lon0};
}

static bool piece_of_block(const segment *e, block at, segment *piece)
{
    if (e->lon1 < west_of_column(at.column) || e->lon0 >= (int64_t)west_of_column(at.column) + BLOCK)
        return false;
    segment part = piece_of_column(e, at.column);
    if (northern(&part) < south_of_row(at.row) || southern(&part) >= (int64_t)south_of_row(at.row) + BLOCK)
        return false;
    *piece = piece_of_row(&part, at.row);
    return true;
}

enum { APART, ALONG, ACROSS };

/* How a piece of the way meets a piece of an edge in the same block, both from west to east: across is with a point of
 * the border strictly between the ends of the way's piece. */
static int meeting(const segment *way, const segment *edge)
{
    bool way_upright = way->lon0 == way->lon1, edge_upright = edge->lon0 == edge->lon1;
    if (way_upright && edge_upright)
        return way->lon0 == edge->lon0 && southern(way) < northern(edge) && southern(edge) < northern(way) ? ALONG : APART;
    int way_west = side_of(edge, way->lat0, way->lon0), way_east = side_of(edge, way->lat1, way->lon1);
    int edge_west = side_of(way, edge->lat0, edge->lon0), edge_east = side_of(way, edge->lat1, edge->lon1);
    if (way_upright)
        return edge->lon0 < way->lon0 && way->lon0 < edge->lon1 && way_west * way_east < 0 ? ACROSS : APART;
    if (edge_upright)
        return way->lon0 < edge->lon0 && edge->lon0 < way->lon1 && edge_west * edge_east < 0 ? ACROSS : APART;
    if (way->lon0 >= edge->lon1 || edge->lon0 >= way->lon1)
        return APART;
    int64_t way_rise = (int64_t)way->lat1 - way->lat0, way_run = (int64_t)way->lon1 - way->lon0;
    int64_t edge_rise = (int64_t)edge->lat1 - edge->lat0, edge_run = (int64_t)edge->lon1 - edge->lon0;
    if (way_rise * edge_run == edge_rise * way_run) {
        /* Cutting rounds to whole units, so parallels that are a unit apart count as one line. */
        int64_t off = ((int64_t)way->lat0 - edge->lat0) * edge_run - ((int64_t)way->lon0 - edge->lon0) * edge_rise;
        return off >= -edge_run && off <= edge_run ? ALONG : APART;
    }
    /* The reference subtracts these two latitudes as unsigned numbers: it does not see crossings where the edge's
     * western end is south of the way's. */
    if (edge->lat0 < way->lat0)
        return APART;
    return way_west * way_east < 0 && edge_west * edge_east <= 0 ? ACROSS : APART;
}

static int meets_border(const poly *p, const segment *way, block at)
{
    const int32_t margin = 2; /* for the rounding of pieces */
    osm3s_bbox box = box_of(way);
    grid_cells cells = grid_touched(p->index, &(osm3s_bbox){box.south - margin, box.west - margin, box.north + margin,
                                                            box.east + margin});
    int found = APART;
    for (uint32_t column = cells.column; !cells.empty && column <= cells.last_column; column++) {
        size_t n;
        const uint32_t *items = grid_cell(p->index, 0, column, &n);
        for (size_t i = 0; i < n; i++) {
            const segment *e = p->edges + items[i];
            segment piece;
            if (southern(e) > box.north + margin)
                break;
            if (northern(e) < box.south - margin || e->lon0 > box.east + margin || e->lon1 < box.west - margin
                || !piece_of_block(e, at, &piece))
                continue;
            int how = meeting(way, &piece);
            if (how == ACROSS)
                return ACROSS;
            found = how == ALONG ? ALONG : found;
        }
    }
    return found;
}

static int32_t middle(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a + b) >> 1);
}

/* A run of nodes in one block. If the border does not tell, the midpoints do: by an odd number of them inside, as in
 * the reference. */
static bool run_meets(const poly *p, const way_node *run, size_t n, block at, bool border)
{
    bool along = false, odd = false, on_border = false;
    for (size_t i = 1; i < n; i++) {
        segment s = {run[i - 1].lat, run[i - 1].lon, run[i].lat, run[i].lon};
        if (s.lon0 > s.lon1)
            s = (segment){s.lat1, s.lon1, s.lat0, s.lon0};
        int how = meets_border(p, &s, at);
        if (how == ACROSS || (how == ALONG && border))
            return true;
        along = along || how == ALONG;
        int where = poly_locate(p, middle(s.lat0, s.lat1), middle(s.lon0, s.lon1));
        odd = odd != (where == POLY_INSIDE);
        on_border = on_border || where == POLY_BORDER;
    }
    return !along && (on_border ? border : odd);
}

/* A segment between blocks. */
static bool long_segment_meets(const poly *p, const way_node *from, const way_node *to, bool border)
{
    segment parts[2];
    int n = cut_at_antimeridian((position){from->lat, from->lon}, (position){to->lat, to->lon}, parts);
    for (int k = 0; k < n; k++) {
        segment s = parts[k];
        if (s.lon0 > s.lon1)
            s = (segment){s.lat1, s.lon1, s.lat0, s.lon0};
        int32_t last_column = block_of(s.lat1, s.lon1).column;
        for (int32_t column = block_of(s.lat0, s.lon0).column; column <= last_column; column++) {
            segment part = piece_of_column(&s, column);
            int32_t last_row = block_of(northern(&part), 0).row;
            for (int32_t row = block_of(southern(&part), 0).row; row <= last_row; row++) {
                segment piece = piece_of_row(&part, row);
                way_node ends[2] = {{0, piece.lat0, piece.lon0}, {0, piece.lat1, piece.lon1}};
                if (run_meets(p, ends, 2, (block){row, column}, border))
                    return true;
            }
        }
    }
    return false;
}

bool poly_meets_way(const poly *p, const way_node *nodes, size_t n, bool border)
{
    for (size_t i = 0; i < n; i++)
        if (nodes[i].lat != OSM3S_NO_COORD && poly_locate(p, nodes[i].lat, nodes[i].lon) == POLY_INSIDE)
            return true;
    size_t first = 0; /* of the run that node i may continue */
    block at = {-1, -1};
    for (size_t i = 0; i <= n; i++) {
        bool is_known = i < n && nodes[i].lat != OSM3S_NO_COORD;
        block here = is_known ? block_of(nodes[i].lat, nodes[i].lon) : (block){-1, -1};
        if (here.row == at.row && here.column == at.column)
            continue;
        if (at.row >= 0 && run_meets(p, nodes + first, i - first, at, border))
            return true;
        if (at.row >= 0 && is_known && long_segment_meets(p, nodes + i - 1, nodes + i, border))
            return true;
        first = i;
        at = here;
    }
    return false;
}

/* --- boxes --- */

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
            int sw = side_of(e, box->south, box->west), se = side_of(e, box->south, box->east);
            int nw = side_of(e, box->north, box->west), ne = side_of(e, box->north, box->east);
            if (sw == 0 || sw != se || sw != nw || sw != ne)
                return POLY_BORDER;
        }
    }
    /* No edge enters the box, so all of its points are on the same side of the border. */
    return poly_locate(p, box->south, box->west);
}
