/* geom_poly_way.c: ways and polygons.
 *
 * Ways are tested as the reference does it, whose outcome depends on how it cuts way and polygon into blocks of 2^20 units
 * (16 x 16 quadtiles): the run of consecutive nodes that lie in one block is judged as a whole, a segment between blocks
 * piece by piece. */
#include <math.h>

#include "geom_poly.h"

uint32_t closed_line(const way_node *nodes, size_t n, position *vertices)
{
    uint32_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (nodes[i].lat != OSM3S_NO_COORD)
            vertices[known++] = (position){nodes[i].lat, nodes[i].lon};
    if (known) /* the ends may be unknown */
        vertices[known++] = vertices[0];
    return known;
}

typedef struct { int32_t row, column; } block;

static const int32_t BLOCK = 1 << 20, TILE = 1 << 16, BLOCK_SOUTH = -910000000;

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
    box = (osm3s_bbox){box.south - margin, box.west - margin, box.north + margin, box.east + margin};
    grid_cells cells = grid_touched(p->columns.index, &box);
    int found = APART;
    for (uint32_t column = cells.column; !cells.empty && column <= cells.last_column; column++) {
        column_walk walk = columns_walk(&p->columns, column, box.south, box.north);
        for (const segment *e; (e = next_edge(&walk));) {
            segment piece;
            if (e->lon0 > box.east || e->lon1 < box.west || !piece_of_block(e, at, &piece))
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
        segment s = eastward((segment){run[i - 1].lat, run[i - 1].lon, run[i].lat, run[i].lon});
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
        segment s = eastward(parts[k]);
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

/* --- what is inside --- */

enum { MOST_TOUCHES = 64 };

/* Ends of a segment and places where the border touches it, sorted along it. */
typedef struct { position at[MOST_TOUCHES]; size_t n; bool too_many; } touches;

static void touch(touches *t, const segment *s, int32_t lat, int32_t lon)
{
    bool falls = s->lat0 > s->lat1;
    size_t i = t->n;
    for (; i > 0; i--) {
        const position *before = &t->at[i - 1];
        if (before->lat == lat && before->lon == lon)
            return;
        if (before->lon < lon || (before->lon == lon && (falls ? before->lat > lat : before->lat < lat)))
            break;
    }
    if (t->n == MOST_TOUCHES) {
        t->too_many = true;
        return;
    }
    memmove(t->at + i + 1, t->at + i, (t->n - i) * sizeof *t->at);
    t->at[i] = (position){lat, lon};
    t->n++;
}

/* Where a segment crosses an edge, rounded. */
static position crossing(const segment *s, const segment *e)
{
    double edge_rise = (double)e->lat1 - e->lat0, edge_run = (double)e->lon1 - e->lon0;
    double rise = (double)s->lat1 - s->lat0, run = (double)s->lon1 - s->lon0;
    double beyond = (double)(e->lat0 - (int64_t)s->lat0) * edge_run - (double)(e->lon0 - (int64_t)s->lon0) * edge_rise;
    double share = beyond / (rise * edge_run - run * edge_rise);
    return (position){(int32_t)lround(s->lat0 + share * rise), (int32_t)lround(s->lon0 + share * run)};
}

/* Does an edge cross the segment (1), or only touch it or not even that (0)? Touches are noted; of stored areas,
 * crossings are touches. */
static bool crosses(const segment *s, const segment *e, bool stored, touches *t)
{
    int e0 = side_of(s, e->lat0, e->lon0), e1 = side_of(s, e->lat1, e->lon1);
    int s0 = side_of(e, s->lat0, s->lon0), s1 = side_of(e, s->lat1, s->lon1);
    if (e0 * e1 > 0 || s0 * s1 > 0)
        return false;
    if (e0 && e1 && s0 && s1) {
        if (!stored)
            return true;
        position at = crossing(s, e);
        touch(t, s, at.lat, at.lon);
        return false;
    }
    osm3s_bbox box = box_of(s);
    if (e0 == 0 && bbox_contains(&box, e->lat0, e->lon0))
        touch(t, s, e->lat0, e->lon0);
    if (e1 == 0 && bbox_contains(&box, e->lat1, e->lon1))
        touch(t, s, e->lat1, e->lon1);
    return false;
}

/* The reference cuts segments that reach farther than to the next tile of 2^16 units, and rounds the cuts: along an edge
 * of an area such a segment is in it somewhere, unless it keeps its latitude or longitude. */
static bool is_cut(const segment *s)
{
    if (s->lat0 == s->lat1 || s->lon0 == s->lon1)
        return false;
    int64_t rows = ((int64_t)northern(s) - BLOCK_SOUTH) / TILE - ((int64_t)southern(s) - BLOCK_SOUTH) / TILE;
    int64_t columns = (s->lon1 + INT64_C(2147483648)) / TILE - (s->lon0 + INT64_C(2147483648)) / TILE;
    return rows > 1 || columns > 1;
}

/* Inside of a stored area, and not only by rounding. */
static bool is_well_inside(const poly *p, int32_t lat, int32_t lon)
{
    return poly_locate(p, lat + 1, lon) == POLY_INSIDE && poly_locate(p, lat - 1, lon) == POLY_INSIDE
           && poly_locate(p, lat, lon + 1) == POLY_INSIDE && poly_locate(p, lat, lon - 1) == POLY_INSIDE;
}

/* A segment between places that are not strictly inside, from west to east. */
static bool part_is_inside(const poly *p, const segment *s)
{
    bool stored = p->rounding != TO_NEAREST;
    touches found = {.n = 0};
    osm3s_bbox box = box_of(s);
    touch(&found, s, s->lat0, s->lon0);
    touch(&found, s, s->lat1, s->lon1);
    grid_cells cells = grid_touched(p->columns.index, &box);
    for (uint32_t column = cells.column; !cells.empty && column <= cells.last_column; column++) {
        column_walk walk = columns_walk(&p->columns, column, box.south, box.north);
        for (const segment *e; (e = next_edge(&walk));) {
            if (e->lon0 > box.east || e->lon1 < box.west)
                continue;
            if (crosses(s, e, stored, &found))
                return true;
        }
    }
    if (found.too_many) { /* each half has fewer */
        position middle = found.at[MOST_TOUCHES / 2];
        return part_is_inside(p, &(segment){s->lat0, s->lon0, middle.lat, middle.lon})
               || part_is_inside(p, &(segment){middle.lat, middle.lon, s->lat1, s->lon1});
    }
    /* Between two touches the border is nowhere, or everywhere: the middle tells. */
    for (size_t i = 1; i < found.n; i++) {
        const position *a = &found.at[i - 1], *b = &found.at[i];
        int32_t lat = middle(a->lat, b->lat), lon = (int32_t)(((int64_t)a->lon + b->lon) / 2);
        int where = poly_locate(p, lat, lon);
        if (stored ? where == POLY_INSIDE && is_well_inside(p, lat, lon)
                   : where == POLY_INSIDE || (where == POLY_BORDER && is_cut(s)))
            return true;
    }
    return false;
}

bool poly_has_part_of_way(const poly *p, const way_node *nodes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (nodes[i].lat != OSM3S_NO_COORD && poly_locate(p, nodes[i].lat, nodes[i].lon) == POLY_INSIDE)
            return true;
    for (size_t i = 1; i < n; i++) {
        if (nodes[i - 1].lat == OSM3S_NO_COORD || nodes[i].lat == OSM3S_NO_COORD)
            continue;
        segment parts[2];
        int n_parts = cut_at_antimeridian((position){nodes[i - 1].lat, nodes[i - 1].lon},
                                          (position){nodes[i].lat, nodes[i].lon}, parts);
        for (int k = 0; k < n_parts; k++) {
            segment s = eastward(parts[k]);
            if (part_is_inside(p, &s))
                return true;
        }
    }
    return false;
}
