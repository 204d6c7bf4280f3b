/* geom_around.c: the filter `around`. A grid of the places that points and arcs can reach spares the inputs that are
 * certainly too far away; the others are tested as the reference tests them. */
#include "geom_sphere.h"

typedef struct {
    size_t n, cap;
    osm3s_bbox *boxes;  /* plain, with the radius */
    uint32_t *owners;   /* number of the point or arc */
    size_t cap_owners;
    grid *index;
} reach_index;

struct around {
    double radius_m;
    size_t n_points, cap_points, n_arcs, cap_arcs;
    point *points;
    arc *arcs;
    reach_index near_points, near_arcs;
};

/* --- building --- */

static int index_boxes(reach_index *index, const plain_boxes *boxes, size_t owner)
{
    if (grow(&index->boxes, &index->cap, index->n + 2, sizeof *index->boxes) < 0
        || grow(&index->owners, &index->cap_owners, index->n + 2, sizeof *index->owners) < 0)
        return OSM3S_NOMEM;
    for (int i = 0; i < boxes->n; i++) {
        index->boxes[index->n] = boxes->parts[i];
        index->owners[index->n++] = (uint32_t)owner;
    }
    return OSM3S_OK;
}

around *around_new(double radius_m)
{
    around *a = calloc(1, sizeof *a);
    if (a == NULL)
        fail(OSM3S_NOMEM, "out of memory: an around filter");
    else
        a->radius_m = radius_m;
    return a;
}

static void index_clear(reach_index *index)
{
    grid_free(index->index);
    free(index->boxes);
    free(index->owners);
    *index = (reach_index){0};
}

void around_free(around *a)
{
    if (a == NULL)
        return;
    index_clear(&a->near_points);
    index_clear(&a->near_arcs);
    free(a->points);
    free(a->arcs);
    free(a);
}

static int add_point(around *a, const point *p)
{
    if (grow(&a->points, &a->cap_points, a->n_points + 1, sizeof *a->points) < 0)
        return OSM3S_NOMEM;
    a->points[a->n_points++] = *p;
    return OSM3S_OK;
}

static int add_arc(around *a, const point *from, const point *to)
{
    if (grow(&a->arcs, &a->cap_arcs, a->n_arcs + 1, sizeof *a->arcs) < 0)
        return OSM3S_NOMEM;
    a->arcs[a->n_arcs++] = arc_of(from, to, a->radius_m);
    return OSM3S_OK;
}

int around_add_point(around *a, double lat, double lon)
{
    point p = point_of(lat, lon);
    return add_point(a, &p);
}

int around_add_line(around *a, const double *lat_lon, size_t n_points)
{
    point before = {0};
    for (size_t i = 0; i < n_points; i++) {
        point p = point_of(lat_lon[2 * i], lat_lon[2 * i + 1]);
        if (add_point(a, &p) < 0 || (i > 0 && add_arc(a, &before, &p) < 0))
            return OSM3S_NOMEM;
        before = p;
    }
    return OSM3S_OK;
}

int around_add_way(around *a, const way_node *nodes, size_t n)
{
    point before = {0};
    bool connected = false;
    for (size_t i = 0; i < n; i++) {
        if (nodes[i].lat == OSM3S_NO_COORD) {
            connected = false;
            continue;
        }
        point p = point_of_position(nodes[i].lat, nodes[i].lon);
        if (add_point(a, &p) < 0 || (connected && add_arc(a, &before, &p) < 0))
            return OSM3S_NOMEM;
        before = p;
        connected = true;
    }
    return OSM3S_OK;
}

int around_prepare(around *a)
{
    index_clear(&a->near_points);
    index_clear(&a->near_arcs);
    for (size_t i = 0; i < a->n_points; i++) {
        plain_boxes boxes = boxes_near_point(a->points + i, a->radius_m);
        if (index_boxes(&a->near_points, &boxes, i) < 0)
            return OSM3S_NOMEM;
    }
    for (size_t i = 0; i < a->n_arcs; i++) {
        plain_boxes boxes = boxes_near_arc(a->arcs + i, a->radius_m);
        if (index_boxes(&a->near_arcs, &boxes, i) < 0)
            return OSM3S_NOMEM;
    }
    a->near_points.index = grid_new(a->near_points.boxes, a->near_points.n, false);
    a->near_arcs.index = grid_new(a->near_arcs.boxes, a->near_arcs.n, false);
    return a->near_points.index && a->near_arcs.index ? OSM3S_OK : OSM3S_NOMEM;
}

/* --- testing --- */

/* A walk over the owners of all boxes that meet a given one; an owner may come several times. */
typedef struct {
    const reach_index *index;
    osm3s_bbox box;
    grid_cells cells;
    uint32_t row, column;
    const uint32_t *items;
    size_t i, n;
} walk;

static walk walk_start(const reach_index *index, const osm3s_bbox *box)
{
    walk w = {.index = index, .box = *box, .cells = grid_touched(index->index, box)};
    w.row = w.cells.row;
    w.column = w.cells.column;
    if (!w.cells.empty)
        w.items = grid_cell(index->index, w.row, w.column, &w.n);
    return w;
}

static bool walk_next(walk *w, uint32_t *owner)
{
    while (!w->cells.empty) {
        while (w->i < w->n) {
            uint32_t item = w->items[w->i++];
            if (bbox_meets(w->index->boxes + item, &w->box)) {
                *owner = w->index->owners[item];
                return true;
            }
        }
        if (w->column++ == w->cells.last_column) {
            w->column = w->cells.column;
            if (w->row++ == w->cells.last_row)
                break;
        }
        w->items = grid_cell(w->index->index, w->row, w->column, &w->n);
        w->i = 0;
    }
    w->cells.empty = true;
    return false;
}

static bool has_any(const reach_index *index, const osm3s_bbox *box)
{
    uint32_t owner;
    walk w = walk_start(index, box);
    return walk_next(&w, &owner);
}

static bool contains(const around *a, const point *p, const osm3s_bbox *box)
{
    uint32_t owner;
    for (walk w = walk_start(&a->near_points, box); walk_next(&w, &owner);)
        if (point_reaches(a->points + owner, p, a->radius_m))
            return true;
    for (walk w = walk_start(&a->near_arcs, box); walk_next(&w, &owner);)
        if (arc_reaches(a->arcs + owner, p, a->radius_m))
            return true;
    return false;
}

bool around_contains(const around *a, int32_t lat, int32_t lon)
{
    osm3s_bbox box = {lat, lon, lat, lon};
    if (!has_any(&a->near_points, &box) && !has_any(&a->near_arcs, &box))
        return false;
    point p = point_of_position(lat, lon);
    return contains(a, &p, &box);
}

bool around_may_meet(const around *a, const osm3s_bbox *plain)
{
    osm3s_bbox box = box_with_arcs(*plain, a->radius_m);
    return has_any(&a->near_points, &box) || has_any(&a->near_arcs, &box);
}

static bool meets_arc(const around *a, const arc *s, const osm3s_bbox *box)
{
    uint32_t owner;
    for (walk w = walk_start(&a->near_points, box); walk_next(&w, &owner);)
        if (arc_reaches(s, a->points + owner, a->radius_m))
            return true;
    for (walk w = walk_start(&a->near_arcs, box); walk_next(&w, &owner);)
        if (arcs_cross(a->arcs + owner, s))
            return true;
    return false;
}

bool around_meets_way(const around *a, const way_node *nodes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (nodes[i].lat != OSM3S_NO_COORD && around_contains(a, nodes[i].lat, nodes[i].lon))
            return true;
    for (size_t i = 1; i < n; i++) {
        const way_node *p = nodes + i - 1, *q = nodes + i;
        if (p->lat == OSM3S_NO_COORD || q->lat == OSM3S_NO_COORD)
            continue;
        point from = point_of_position(p->lat, p->lon);
        point to = point_of_position(q->lat, q->lon);
        arc s = arc_of(&from, &to, a->radius_m);
        plain_boxes boxes = boxes_of_arc(&s, a->radius_m);
        for (int k = 0; k < boxes.n; k++)
            if (meets_arc(a, &s, boxes.parts + k))
                return true;
    }
    return false;
}

/* --- boxes that hold everything in range --- */

enum { FEW_BOXES = 256, RASTER = 64 };

/* Mark the cells of a raster over `all` that a box meets. */
static void mark(uint64_t rows[RASTER], const osm3s_bbox *all, const osm3s_bbox *box, int64_t height, int64_t width)
{
    int64_t first = ((int64_t)box->south - all->south) / height, last = ((int64_t)box->north - all->south) / height;
    int64_t left = ((int64_t)box->west - all->west) / width, right = ((int64_t)box->east - all->west) / width;
    uint64_t bits = (UINT64_MAX >> (63 - (right - left))) << left;
    for (int64_t row = first; row <= last; row++)
        rows[row] |= bits;
}

/* The runs of marked cells in a row, as boxes. */
static size_t runs(uint64_t bits, int64_t south, int64_t north, const osm3s_bbox *all, int64_t width, osm3s_bbox *out)
{
    size_t n = 0;
    for (int column = 0; column < RASTER; column++) {
        if (!(bits >> column & 1))
            continue;
        int64_t west = all->west + column * width;
        while (column + 1 < RASTER && bits >> (column + 1) & 1)
            column++;
        int64_t east = all->west + (column + 1) * width - 1;
        out[n++] = (osm3s_bbox){(int32_t)south, (int32_t)west, (int32_t)(north < all->north ? north : all->north),
                                (int32_t)(east < all->east ? east : all->east)};
    }
    return n;
}

int around_boxes(const around *a, osm3s_bbox **boxes, size_t *n)
{
    const reach_index *indexes[] = {&a->near_points, &a->near_arcs};
    size_t total = indexes[0]->n + indexes[1]->n, room = total <= FEW_BOXES ? total : RASTER * RASTER / 2;
    *n = 0;
    *boxes = malloc((room + 1) * sizeof **boxes);
    if (*boxes == NULL)
        return fail(OSM3S_NOMEM, "out of memory: %zu boxes", room);
    osm3s_bbox all = bbox_empty();
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < indexes[k]->n; i++) {
            if (total <= FEW_BOXES)
                (*boxes)[(*n)++] = indexes[k]->boxes[i];
            bbox_add(&all, indexes[k]->boxes + i);
        }
    if (total <= FEW_BOXES)
        return OSM3S_OK;
    uint64_t rows[RASTER] = {0};
    int64_t height = ((int64_t)all.north - all.south) / RASTER + 1, width = ((int64_t)all.east - all.west) / RASTER + 1;
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < indexes[k]->n; i++)
            mark(rows, &all, indexes[k]->boxes + i, height, width);
    for (int row = 0; row < RASTER; row++)
        *n += runs(rows[row], all.south + row * height, all.south + (row + 1) * height - 1, &all, width, *boxes + *n);
    return OSM3S_OK;
}
