/* geom_grid.c: boxes indexed by the cells of a uniform grid. */
#include "geom.h"

enum { MAX_SIDE = 1 << 16, MAX_SIDE_2D = 1 << 11, ENTRIES_PER_BOX = 8 };

struct grid {
    osm3s_bbox all;
    int64_t height, width; /* of a cell */
    uint32_t rows, columns;
    uint32_t *start;       /* rows * columns + 1 offsets into items */
    uint32_t *items;
};

static uint32_t parts(int64_t extent, int64_t side)
{
    return (uint32_t)((extent - 1) / side + 1);
}

/* Set the sides of the cells, enlarged by 2^coarser. */
static void divide(grid *g, size_t n, bool columns, int coarser)
{
    int64_t extent_lat = (int64_t)g->all.north - g->all.south + 1, extent_lon = (int64_t)g->all.east - g->all.west + 1;
    if (columns) {
        int64_t wanted = n < MAX_SIDE ? (int64_t)n : MAX_SIDE;
        g->height = extent_lat;
        g->width = extent_lon / wanted + 1;
    } else {
        /* Square cells, as many as boxes, by halving: no cell is smaller than needed. */
        int64_t side = 1;
        while (side * MAX_SIDE_2D < extent_lat || side * MAX_SIDE_2D < extent_lon
               || (uint64_t)parts(extent_lat, side) * parts(extent_lon, side) > n)
            side *= 2;
        g->height = g->width = side;
    }
    g->width <<= coarser;
    g->height = columns ? g->height : g->height << coarser;
    g->rows = parts(extent_lat, g->height);
    g->columns = parts(extent_lon, g->width);
}

grid_cells grid_touched(const grid *g, const osm3s_bbox *box)
{
    const osm3s_bbox *all = &g->all;
    grid_cells cells = {.empty = true};
    if (bbox_is_empty(box) || !bbox_meets(all, box))
        return cells;
    int64_t south = box->south > all->south ? box->south : all->south, west = box->west > all->west ? box->west : all->west;
    int64_t north = box->north < all->north ? box->north : all->north, east = box->east < all->east ? box->east : all->east;
    cells.row = (uint32_t)((south - all->south) / g->height);
    cells.last_row = (uint32_t)((north - all->south) / g->height);
    cells.column = (uint32_t)((west - all->west) / g->width);
    cells.last_column = (uint32_t)((east - all->west) / g->width);
    cells.empty = false;
    return cells;
}

static uint64_t count_entries(const grid *g, const osm3s_bbox *boxes, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        grid_cells c = grid_touched(g, boxes + i);
        if (!c.empty)
            sum += (uint64_t)(c.last_row - c.row + 1) * (c.last_column - c.column + 1);
    }
    return sum;
}

/* Counting sort: the first pass counts into start[cell + 1], the second one places. */
static void fill(grid *g, const osm3s_bbox *boxes, size_t n)
{
    uint32_t cells = g->rows * g->columns;
    for (int placing = 0; placing <= 1; placing++) {
        for (size_t i = 0; i < n; i++) {
            grid_cells c = grid_touched(g, boxes + i);
            if (c.empty)
                continue;
            for (uint32_t row = c.row; row <= c.last_row; row++)
                for (uint32_t cell = row * g->columns + c.column; cell <= row * g->columns + c.last_column; cell++) {
                    if (placing)
                        g->items[g->start[cell]++] = (uint32_t)i;
                    else
                        g->start[cell + 1]++;
                }
        }
        for (uint32_t cell = 0; !placing && cell < cells; cell++)
            g->start[cell + 1] += g->start[cell];
    }
    /* Placing moved every start to the next cell's. */
    memmove(g->start + 1, g->start, cells * sizeof *g->start);
    g->start[0] = 0;
}

grid *grid_new(const osm3s_bbox *boxes, size_t n, bool columns)
{
    grid *g = calloc(1, sizeof *g);
    if (g == NULL || n > INT32_MAX)
        goto failed;
    g->all = bbox_empty();
    for (size_t i = 0; i < n; i++)
        bbox_add(&g->all, boxes + i);
    uint64_t entries = 0;
    if (!bbox_is_empty(&g->all)) {
        int coarser = 0;
        do {
            divide(g, n, columns, coarser++);
            entries = count_entries(g, boxes, n);
        } while (entries > (uint64_t)n * ENTRIES_PER_BOX && g->rows * g->columns > 1);
    }
    if (entries > UINT32_MAX)
        goto failed;
    g->start = calloc((size_t)g->rows * g->columns + 1, sizeof *g->start);
    g->items = malloc((entries + 1) * sizeof *g->items);
    if (g->start == NULL || g->items == NULL)
        goto failed;
    if (entries > 0)
        fill(g, boxes, n);
    return g;
failed:
    grid_free(g);
    fail(OSM3S_NOMEM, "out of memory: an index of %zu boxes", n);
    return NULL;
}

void grid_free(grid *g)
{
    if (g == NULL)
        return;
    free(g->start);
    free(g->items);
    free(g);
}

const uint32_t *grid_cell(const grid *g, uint32_t row, uint32_t column, size_t *n)
{
    uint32_t cell = row * g->columns + column;
    *n = g->start[cell + 1] - g->start[cell];
    return g->items + g->start[cell];
}

size_t grid_bytes(const grid *g)
{
    size_t cells = (size_t)g->rows * g->columns;
    return sizeof *g + (cells + 1 + g->start[cells]) * sizeof *g->start;
}

uint32_t grid_columns(const grid *g)
{
    return g->columns;
}

osm3s_bbox grid_box(const grid *g, uint32_t row, uint32_t column)
{
    int64_t south = g->all.south + row * g->height, west = g->all.west + column * g->width;
    int64_t north = south + g->height - 1, east = west + g->width - 1;
    return (osm3s_bbox){(int32_t)south, (int32_t)west, (int32_t)(north < g->all.north ? north : g->all.north),
                        (int32_t)(east < g->all.east ? east : g->all.east)};
}
