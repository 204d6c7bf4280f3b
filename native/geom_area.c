/* geom_area.c: many areas at once, and which places are in any of them.
 *
 * Over all areas lies a grid of cells. A cell that no border touches is inside an area as a whole or outside of all of
 * them; the others have a list of the areas whose border touches them, of which each is asked. Sums over rectangles of
 * cells tell in constant time whether a box is inside or outside: what is far from all borders costs next to nothing. */
#include "geom_poly.h"

enum { MIN_VISITS = 4096, MAX_SIDE = 1 << 13 };

typedef struct {
    poly *poly;
    bool is_way;
} area;

struct area_index {
    osm3s_context *context;     /* of the query; may be NULL */
    uint64_t n_bytes;
    area *items;
    size_t n, cap, cap_vertices;
    position *vertices;         /* of the way that is being added */
    osm3s_bbox box;             /* of all areas */
    int64_t side;               /* of a cell */
    uint32_t rows, columns;
    bool *covered;              /* by cell: inside of an area, away from its border */
    uint32_t *start, *touching; /* areas whose border touches a cell: touching[start[cell]] ... */
    uint32_t *n_covered, *n_open; /* sums over the cells south and west: covered ones, ones that a border touches */
};

area_index *area_index_new(osm3s_context *context)
{
    area_index *a = calloc(1, sizeof *a);
    if (a == NULL)
        fail(OSM3S_NOMEM, "out of memory for areas");
    else
        a->context = context;
    return a;
}

uint64_t area_index_bytes(const area_index *a)
{
    return a->n_bytes;
}

/* Count memory towards what the query may use, before it is taken where it is much. */
static int charge(area_index *a, uint64_t n_bytes)
{
    a->n_bytes += n_bytes;
    if (a->context)
        a->context->used_bytes += n_bytes;
    return context_check(a->context);
}

void area_index_free(area_index *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->n; i++)
        poly_free(a->items[i].poly);
    free(a->items);
    free(a->vertices);
    free(a->covered);
    free(a->start);
    free(a->touching);
    free(a->n_covered);
    free(a->n_open);
    free(a);
}

static int add(area_index *a, poly *p, bool is_way)
{
    if (p == NULL || grow(&a->items, &a->cap, a->n + 1, sizeof *a->items)) {
        poly_free(p);
        return OSM3S_NOMEM;
    }
    a->items[a->n++] = (area){p, is_way};
    return charge(a, sizeof *a->items + poly_bytes(p));
}

int area_index_add_lines(area_index *a, const position *vertices, const uint32_t *line_sizes, size_t n_lines)
{
    return add(a, poly_of_lines(vertices, line_sizes, n_lines, TOWARDS_END), false);
}

int area_index_add_way(area_index *a, const way_node *nodes, size_t n)
{
    if (n < 2)
        return OSM3S_OK; /* nothing is in a way of a single node, not even that */
    if (grow(&a->vertices, &a->cap_vertices, n + 1, sizeof *a->vertices))
        return OSM3S_NOMEM;
    uint32_t size = closed_line(nodes, n, a->vertices);
    return add(a, poly_of_lines(a->vertices, &size, 1, TO_NEAREST), true);
}

/* --- cells --- */

static uint32_t row_of(const area_index *a, int64_t lat) { return (uint32_t)((lat - a->box.south) / a->side); }
static uint32_t column_of(const area_index *a, int64_t lon) { return (uint32_t)((lon - a->box.west) / a->side); }

/* Where an area may be. Around a pole it reaches farther than its border. */
static osm3s_bbox reach_of(const poly *p)
{
    return p->cut ? (osm3s_bbox){p->box.south, -LON_180, LAT_90, LON_180} : p->box;
}

typedef struct { uint32_t row, last_row, column, last_column; } cells;

static cells cells_of(const area_index *a, const osm3s_bbox *box)
{
    return (cells){row_of(a, box->south), row_of(a, box->north), column_of(a, box->west), column_of(a, box->east)};
}

static uint64_t count_cells(cells c)
{
    return (uint64_t)(c.last_row - c.row + 1) * (c.last_column - c.column + 1);
}

/* Make cells as small as can be paid for: every area is asked about every cell in its box. */
static int divide(area_index *a)
{
    int64_t height = (int64_t)a->box.north - a->box.south + 1, width = (int64_t)a->box.east - a->box.west + 1;
    uint64_t budget = MIN_VISITS, visits;
    for (size_t i = 0; i < a->n; i++)
        budget += 4 * a->items[i].poly->n;
    a->side = 64;
    do {
        a->side *= 2;
        a->rows = (uint32_t)((height - 1) / a->side + 1);
        a->columns = (uint32_t)((width - 1) / a->side + 1);
        visits = (uint64_t)a->rows * a->columns;
        for (size_t i = 0; i < a->n && visits <= budget; i++) {
            osm3s_bbox reach = reach_of(a->items[i].poly);
            visits += bbox_is_empty(&reach) ? 0 : count_cells(cells_of(a, &reach));
        }
        int error = context_check(a->context);
        if (error)
            return error;
    } while (visits > budget || a->rows > MAX_SIDE || a->columns > MAX_SIDE);
    return OSM3S_OK;
}

/* Floor of the latitude of an edge at a longitude between its ends. */
static int64_t lat_at(const segment *e, int64_t lon)
{
    int64_t run = (int64_t)e->lon1 - e->lon0, rise = (int64_t)e->lat1 - e->lat0, product = rise * (lon - e->lon0);
    return e->lat0 + product / run - (product % run < 0);
}

/* The rows of a column that an edge touches, and maybe one more; false if there are none in the box. */
static bool rows_touched(const area_index *a, const segment *e, uint32_t column, uint32_t *row, uint32_t *last_row)
{
    int64_t west = a->box.west + (int64_t)column * a->side, east = west + a->side;
    int64_t south = southern(e), north = northern(e);
    if (e->lon0 < e->lon1) {
        int64_t from = lat_at(e, west > e->lon0 ? west : e->lon0), to = lat_at(e, east < e->lon1 ? east : e->lon1);
        int64_t low = from < to ? from : to, high = (from < to ? to : from) + 1;
        south = low > south ? low : south;
        north = high < north ? high : north;
    }
    if (north < a->box.south || south > a->box.north)
        return false;
    *row = row_of(a, south > a->box.south ? south : a->box.south);
    *last_row = row_of(a, north < a->box.north ? north : a->box.north);
    return true;
}

/* The columns that an edge touches. */
static bool columns_touched(const area_index *a, const segment *e, uint32_t *column, uint32_t *last_column)
{
    if (e->lon1 < a->box.west || e->lon0 > a->box.east)
        return false;
    *column = column_of(a, e->lon0 > a->box.west ? e->lon0 : a->box.west);
    *last_column = column_of(a, e->lon1 < a->box.east ? e->lon1 : a->box.east);
    return true;
}

typedef void (*visitor)(area_index *, uint32_t cell, uint32_t area);

static void visit_edge(area_index *a, const segment *e, uint32_t number, visitor visit)
{
    uint32_t column, last_column, row, last_row;
    if (!columns_touched(a, e, &column, &last_column))
        return;
    for (; column <= last_column; column++)
        if (rows_touched(a, e, column, &row, &last_row))
            for (; row <= last_row; row++)
                visit(a, row * a->columns + column, number);
}

/* While the lists are counted, touching[cell] is one more than the last area that was counted for the cell; while they
 * are filled, n_open[cell] is. */
static void count_touch(area_index *a, uint32_t cell, uint32_t number)
{
    if (a->touching[cell] != number + 1) {
        a->touching[cell] = number + 1;
        a->start[cell + 1]++;
    }
}

static void place_touch(area_index *a, uint32_t cell, uint32_t number)
{
    if (a->n_open[cell] != number + 1) {
        a->n_open[cell] = number + 1;
        a->touching[a->start[cell]++] = number;
    }
}

enum { EDGES_PER_CHECK = 1024 };

static int visit_edges(area_index *a, visitor visit)
{
    uint32_t countdown = EDGES_PER_CHECK;
    for (size_t i = 0; i < a->n; i++)
        for (size_t e = 0; e < a->items[i].poly->n; e++) {
            visit_edge(a, a->items[i].poly->edges + e, (uint32_t)i, visit);
            if (--countdown == 0) {
                int error = context_check(a->context);
                if (error)
                    return error;
                countdown = EDGES_PER_CHECK;
            }
        }
    return OSM3S_OK;
}

static int list_touching(area_index *a)
{
    size_t n_cells = (size_t)a->rows * a->columns;
    int error = visit_edges(a, count_touch);
    if (error)
        return error;
    for (size_t cell = 0; cell < n_cells; cell++)
        a->start[cell + 1] += a->start[cell];
    free(a->touching);
    a->touching = NULL;
    if ((error = charge(a, a->start[n_cells] * sizeof *a->touching)))
        return error;
    a->touching = malloc(((size_t)a->start[n_cells] + 1) * sizeof *a->touching);
    if (a->touching == NULL)
        return fail(OSM3S_NOMEM, "out of memory for the cells of %zu areas", a->n);
    if ((error = visit_edges(a, place_touch)))
        return error;
    memmove(a->start + 1, a->start, n_cells * sizeof *a->start); /* placing moved every start to the next cell's */
    a->start[0] = 0;
    return OSM3S_OK;
}

static bool is_touched_by(const area_index *a, size_t cell, uint32_t number)
{
    uint32_t low = a->start[cell], high = a->start[cell + 1]; /* ascending */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (a->touching[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < a->start[cell + 1] && a->touching[low] == number;
}

/* Cells that no border separates are on the same side of it. */
static int mark_covered(area_index *a, uint32_t number)
{
    const poly *p = a->items[number].poly;
    osm3s_bbox reach = reach_of(p);
    if (bbox_is_empty(&reach))
        return OSM3S_OK;
    cells all = cells_of(a, &reach);
    for (uint32_t row = all.row; row <= all.last_row; row++) {
        bool known = false, inside = false;
        for (uint32_t column = all.column; column <= all.last_column; column++) {
            size_t cell = (size_t)row * a->columns + column;
            if (is_touched_by(a, cell, number)) {
                known = false;
                continue;
            }
            if (!known)
                inside = poly_locate(p, (int32_t)(a->box.south + row * a->side), (int32_t)(a->box.west + column * a->side))
                         == POLY_INSIDE;
            known = true;
            a->covered[cell] = a->covered[cell] || inside;
        }
        int error = context_check(a->context);
        if (error)
            return error;
    }
    return OSM3S_OK;
}

static void sum_up(area_index *a)
{
    size_t width = (size_t)a->columns + 1;
    memset(a->n_open, 0, (a->rows + 1) * width * sizeof *a->n_open);
    for (uint32_t row = 0; row < a->rows; row++) {
        uint32_t covered = 0, open = 0;
        for (uint32_t column = 0; column < a->columns; column++) {
            size_t cell = (size_t)row * a->columns + column, at = (row + 1) * width + column + 1;
            covered += a->covered[cell];
            open += !a->covered[cell] && a->start[cell] < a->start[cell + 1];
            a->n_covered[at] = a->n_covered[at - width] + covered;
            a->n_open[at] = a->n_open[at - width] + open;
        }
    }
}

int area_index_prepare(area_index *a)
{
    a->box = bbox_empty();
    for (size_t i = 0; i < a->n; i++) {
        const poly *p = a->items[i].poly;
        osm3s_bbox reach = reach_of(p);
        if (!bbox_is_empty(&p->box))
            bbox_add(&a->box, &reach);
    }
    if (bbox_is_empty(&a->box))
        return OSM3S_OK;
    int error = divide(a);
    size_t n_cells = (size_t)a->rows * a->columns, n_sums = ((size_t)a->rows + 1) * ((size_t)a->columns + 1);
    if (error || (error = charge(a, n_cells * (sizeof *a->covered + 2 * sizeof *a->start) + n_sums * 2 * sizeof *a->n_open)))
        return error;
    a->covered = calloc(n_cells, sizeof *a->covered);
    a->start = calloc(n_cells + 1, sizeof *a->start);
    a->touching = calloc(n_cells, sizeof *a->touching);
    a->n_covered = calloc(n_sums, sizeof *a->n_covered);
    a->n_open = calloc(n_sums, sizeof *a->n_open);
    if (!a->covered || !a->start || !a->touching || !a->n_covered || !a->n_open)
        return fail(OSM3S_NOMEM, "out of memory for the cells of %zu areas", a->n);
    error = list_touching(a);
    for (size_t i = 0; i < a->n && error == OSM3S_OK; i++)
        error = mark_covered(a, (uint32_t)i);
    if (error == OSM3S_OK)
        sum_up(a);
    return error;
}

/* --- tests --- */

static uint32_t sum_of(const area_index *a, const uint32_t *sums, cells c)
{
    size_t width = (size_t)a->columns + 1;
    return sums[(c.last_row + 1) * width + c.last_column + 1] - sums[c.row * width + c.last_column + 1]
           - sums[(c.last_row + 1) * width + c.column] + sums[c.row * width + c.column];
}

osm3s_bbox area_index_bbox(const area_index *a)
{
    return a->box;
}

int area_index_classify(const area_index *a, const osm3s_bbox *box)
{
    if (bbox_is_empty(box) || bbox_is_empty(&a->box) || !bbox_meets(&a->box, box))
        return POLY_OUTSIDE;
    osm3s_bbox part = *box;
    bool reaches_out = !bbox_covers(&a->box, box);
    if (reaches_out) {
        part.south = part.south > a->box.south ? part.south : a->box.south;
        part.west = part.west > a->box.west ? part.west : a->box.west;
        part.north = part.north < a->box.north ? part.north : a->box.north;
        part.east = part.east < a->box.east ? part.east : a->box.east;
    }
    cells c = cells_of(a, &part);
    uint32_t covered = sum_of(a, a->n_covered, c);
    if (covered == 0 && sum_of(a, a->n_open, c) == 0)
        return POLY_OUTSIDE;
    return covered == count_cells(c) && !reaches_out ? POLY_INSIDE : POLY_BORDER;
}

bool area_index_contain(const area_index *a, int32_t lat, int32_t lon, bool border)
{
    if (bbox_is_empty(&a->box) || !bbox_contains(&a->box, lat, lon))
        return false;
    size_t cell = (size_t)row_of(a, lat) * a->columns + column_of(a, lon);
    if (a->covered[cell])
        return true;
    for (uint32_t i = a->start[cell]; i < a->start[cell + 1]; i++) {
        int where = poly_locate(a->items[a->touching[i]].poly, lat, lon);
        if (where == POLY_INSIDE || (border && where == POLY_BORDER))
            return true;
    }
    return false;
}

/* Ways along the border of a stored area are judged by their rounded pieces, as in the reference; which misses some of
 * those that run through. */
static bool has_part_of_way(const area *a, const way_node *nodes, size_t n)
{
    return poly_has_part_of_way(a->poly, nodes, n) || (!a->is_way && poly_meets_way(a->poly, nodes, n, false));
}

/* A way of which no node is inside, and which of the areas have been asked about it. */
typedef struct {
    const area_index *areas;
    const way_node *nodes;
    size_t n;
    uint64_t *asked;
} way_test;

static bool asks_cell(way_test *t, size_t cell)
{
    const area_index *a = t->areas;
    for (uint32_t i = a->start[cell]; i < a->start[cell + 1]; i++) {
        uint32_t number = a->touching[i];
        if (t->asked[number / 64] >> number % 64 & 1)
            continue;
        t->asked[number / 64] |= 1ull << number % 64;
        if (has_part_of_way(&a->items[number], t->nodes, t->n))
            return true;
    }
    return false;
}

static bool asks_segment(way_test *t, const segment *s)
{
    uint32_t column, last_column, row, last_row;
    if (!columns_touched(t->areas, s, &column, &last_column))
        return false;
    for (; column <= last_column; column++)
        if (rows_touched(t->areas, s, column, &row, &last_row))
            for (; row <= last_row; row++)
                if (asks_cell(t, (size_t)row * t->areas->columns + column))
                    return true;
    return false;
}

/* Only areas whose border is near a segment can have a part of the way. */
static bool asks_segments(way_test *t)
{
    for (size_t i = 1; i < t->n; i++) {
        const way_node *from = &t->nodes[i - 1], *to = &t->nodes[i];
        if (from->lat == OSM3S_NO_COORD || to->lat == OSM3S_NO_COORD)
            continue;
        segment parts[2];
        int n = cut_at_antimeridian((position){from->lat, from->lon}, (position){to->lat, to->lon}, parts);
        for (int k = 0; k < n; k++) {
            segment s = eastward(parts[k]);
            if (asks_segment(t, &s))
                return true;
        }
    }
    return false;
}

enum { FEW_WORDS = 16 };

int area_index_meet_way(const area_index *a, const way_node *nodes, size_t n)
{
    osm3s_bbox box = bbox_of_way(nodes, n);
    if (bbox_is_empty(&box) || area_index_classify(a, &box) == POLY_OUTSIDE)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (nodes[i].lat != OSM3S_NO_COORD && area_index_contain(a, nodes[i].lat, nodes[i].lon, false))
            return 1;
    uint64_t few[FEW_WORDS] = {0}, *asked = few;
    if (a->n > 64 * FEW_WORDS && (asked = calloc(a->n / 64 + 1, sizeof *asked)) == NULL)
        return fail(OSM3S_NOMEM, "out of memory for %zu areas", a->n);
    int meets = asks_segments(&(way_test){a, nodes, n, asked});
    if (asked != few)
        free(asked);
    return meets;
}
