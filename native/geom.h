/* geom.h: pure geometry, no storage.
 *
 * Positions are int32 in 1e-7 degree, or doubles in degrees where a parameter says so. A box is *plain* if west <= east;
 * a box with west > east spans the antimeridian. A box with south > north is empty. In a row of way nodes, lat ==
 * OSM3S_NO_COORD means: not known; segments that touch such a node do not exist.
 * Objects are built once and then only read, so several threads may test against the same one.
 */
#ifndef OSM3S_GEOM_H
#define OSM3S_GEOM_H

#include "internal.h"

enum { LAT_90 = 900000000, LON_180 = 1800000000 };
#define LON_360 INT64_C(3600000000)

typedef struct { int32_t lat, lon; } position;

/* --- geom_quad.c: quadtile numbers, which define the order `out qt`. Formulae: the file itself. --- */

/* Both coordinates made unsigned and interleaved, latitude first; its upper half is the node's quadtile. */
uint64_t morton_of_position(int32_t lat, int32_t lon);
position position_of_morton(uint64_t morton);

/* Quadtile of a node. */
uint32_t quad_of_position(int32_t lat, int32_t lon);
/* Quadtile index of a way whose known nodes have this plain box; 0xfe if the box is empty. */
uint32_t quad_of_bbox(const osm3s_bbox *plain);

/* Quadtile index of a relation: start, add the quadtile of every known node member and the index of every known way
 * member (0xfe for a way without known nodes; it counts as the tile of that number), in any order, finish. */
typedef struct {
    uint32_t south, west, north, east; /* tile coordinates, 16 bit */
    bool any, world;
} quad_sum;

void quad_sum_start(quad_sum *);
void quad_sum_add(quad_sum *, uint32_t quad);
uint32_t quad_sum_finish(const quad_sum *);

/* Sort key of quadtile order, for all element types: by the lower 31 bits, then single tiles before enclosing squares.
 * Elements of equal key are ordered by id. */
static inline uint32_t quad_order(uint32_t quad)
{
    return quad << 1 | quad >> 31;
}

/* --- geom_bbox.c --- */

/* Degrees to 1e-7 degree, rounded as the reference does. lat in [-91, 90], lon in [-180, 180]. */
int32_t e7_of_lat(double lat);
int32_t e7_of_lon(double lon);
/* Back to degrees: the doubles the reference computes with. */
double degrees_of_lat(int32_t lat);
double degrees_of_lon(int32_t lon);

osm3s_bbox bbox_empty(void);

static inline bool bbox_is_empty(const osm3s_bbox *b)
{
    return b->south > b->north;
}

/* Borders belong to the box; the box may span the antimeridian. */
static inline bool bbox_contains(const osm3s_bbox *b, int32_t lat, int32_t lon)
{
    if (lat < b->south || lat > b->north)
        return false;
    return b->west <= b->east ? lon >= b->west && lon <= b->east : lon >= b->west || lon <= b->east;
}

/* Closed boxes with a point in common; either may span the antimeridian. */
bool bbox_meets(const osm3s_bbox *, const osm3s_bbox *);
/* Every point of `inner` is in `outer`; `inner` is plain and not empty, `outer` may span the antimeridian. */
bool bbox_covers(const osm3s_bbox *outer, const osm3s_bbox *inner);
/* Enlarge a plain box by a plain box. */
void bbox_add(osm3s_bbox *plain, const osm3s_bbox *more);
void bbox_add_position(osm3s_bbox *plain, int32_t lat, int32_t lon);

/* Does the closed box have a point in common with the segments of a way? Exact; segments are straight in lat/lon and
 * go the short way round, so those with more than 180 degrees between their ends cross the antimeridian. A known node
 * without a known neighbour counts as a point. The interior of a closed way does not count. */
bool way_meets_bbox(const way_node *nodes, size_t n, const osm3s_bbox *);
/* The same for one segment (from == to: a point). */
bool segment_meets_bbox(position from, position to, const osm3s_bbox *);

/* Plain box that holds all known nodes and all points of all segments: whole circles of latitude if a segment crosses
 * the antimeridian. For indexes. */
osm3s_bbox bbox_of_way(const way_node *nodes, size_t n);

/* Bounds as printed with an element, over the known nodes of a way: if they span more than 180 degrees, the box that
 * crosses the antimeridian, or -180 ... 180 if that one is no smaller. Empty without known nodes. */
osm3s_bbox bounds_of_way(const way_node *nodes, size_t n);

/* Bounds of a relation: start, add the position of every known node member and the bounds of every way member (empty
 * ones are ignored) with multiplicity or without, finish. */
typedef struct {
    osm3s_bbox plain;
    int32_t wrapped_west, wrapped_east;
    bool wraps, scattered;
} bounds_sum;

void bounds_sum_start(bounds_sum *);
void bounds_sum_add(bounds_sum *, const osm3s_bbox *bounds);
osm3s_bbox bounds_sum_finish(const bounds_sum *);

/* Midpoint of bounds, in degrees. */
void center_of_bounds(const osm3s_bbox *bounds, double *lat, double *lon);

/* --- geom_length.c: great circles on the sphere whose quarter meridian is 10,000 km --- */

double distance_m(double lat_a, double lon_a, double lat_b, double lon_b); /* degrees */
double length_of_way_m(const way_node *nodes, size_t n);

/* --- geom_grid.c: which of many boxes are near a place --- */

typedef struct grid grid;

/* Index plain boxes by cells. With `columns`, cells reach over all latitudes. The numbers of a cell's boxes come in
 * ascending order. NULL: no memory, or more than 2^31 boxes. */
grid *grid_new(const osm3s_bbox *plain, size_t n, bool columns);
void grid_free(grid *);
size_t grid_bytes(const grid *);
uint32_t grid_columns(const grid *);
osm3s_bbox grid_box(const grid *, uint32_t row, uint32_t column); /* of a cell */

typedef struct { uint32_t row, last_row, column, last_column; bool empty; } grid_cells;

/* The cells that a plain box touches; empty if it is outside of everything. */
grid_cells grid_touched(const grid *, const osm3s_bbox *plain);
/* Numbers of the boxes that touch a cell; a box that touches several cells is in each of them. */
const uint32_t *grid_cell(const grid *, uint32_t row, uint32_t column, size_t *n);

/* --- geom_poly.c: polygons straight in lat/lon, even-odd, any number of rings --- */

typedef struct poly poly;
/* Where an edge is not at a whole latitude: as it is; at the nearest one, as the reference has it with closed ways; or at
 * the next one towards the latitude of its end, as the reference has it with polygons of filters and areas of the rules. */
enum rounding { NOT_ROUNDED, TO_NEAREST, TOWARDS_END };
enum { POLY_OUTSIDE = 0, POLY_BORDER = 1, POLY_INSIDE = 2 };

/* Rings one after the other, each closed implicitly, rounded TOWARDS_END. Edges between lon < -90 and lon > 90 cross the
 * antimeridian.
 * What is inside is counted along the meridian from the south pole. NULL: no memory. */
poly *poly_new(const position *vertices, const uint32_t *ring_sizes, size_t n_rings);
/* The same from lines one after the other that together make closed rings, whatever their order and direction. What
 * goes around a pole contains it. */
poly *poly_of_lines(const position *vertices, const uint32_t *line_sizes, size_t n_lines, enum rounding);
void poly_free(poly *);
size_t poly_bytes(const poly *);

/* Where a position is. */
int poly_locate(const poly *, int32_t lat, int32_t lon);
/* The same as of a poly_of_lines, without making one: for few positions. */
int lines_locate(const position *vertices, const uint32_t *line_sizes, size_t n_lines, enum rounding, int32_t lat,
                 int32_t lon);
/* The line of a closed way, of which nodes may be unknown, into `vertices` (room for n + 1); returns its size. */
uint32_t closed_line(const way_node *nodes, size_t n, position *vertices);

/* Is the way in the polygon, as the reference sees it: a known node strictly inside, or a border point strictly between
 * the ends of a segment, or, where the nodes do not tell, midpoints inside. The reference overlooks about half of the
 * crossings; so does this, see geom_poly_way.c. A segment that runs along an edge counts only with `border`: it does for ways
 * that are asked for, not for the members that make a relation match. */
bool poly_meets_way(const poly *, const way_node *nodes, size_t n, bool border);
/* Is any part of the way strictly inside? Exact, but that of parts between places on the border the middle is rounded
 * down to whole units, as in the reference: of a way along an edge it may be inside by a fraction of a unit. */
bool poly_has_part_of_way(const poly *, const way_node *nodes, size_t n);

/* Box of all vertices, plain: whole circles of latitude if an edge crosses the antimeridian. Beyond that, a polygon
 * around a pole also has points north of it, see poly_classify. */
osm3s_bbox poly_bbox(const poly *);

/* POLY_OUTSIDE: no point of the plain box is inside or on the border; POLY_INSIDE: every point is strictly inside;
 * POLY_BORDER: not decided. */
int poly_classify(const poly *, const osm3s_bbox *plain);

/* --- geom_area.c: the places that are in any of many areas --- */

typedef struct area_index area_index;

/* Add, prepare once, then test. Adding and preparing count their memory in the context, which may be NULL and must
 * live until the areas are prepared; they return OSM3S_OK, OSM3S_NOMEM, OSM3S_MEMLIMIT, OSM3S_TIMEOUT or
 * OSM3S_CANCELLED. */
area_index *area_index_new(osm3s_context *);
uint64_t area_index_bytes(const area_index *);
void area_index_free(area_index *);
/* An area of the rules: see poly_of_lines. Ways are tested as poly_meets_way does it. */
int area_index_add_lines(area_index *, const position *vertices, const uint32_t *line_sizes, size_t n_lines);
/* A closed way. Ways are tested by poly_has_part_of_way. */
int area_index_add_way(area_index *, const way_node *nodes, size_t n);
int area_index_prepare(area_index *);

/* Box of all areas, plain: whole circles of latitude if one of them crosses the antimeridian; empty without areas. */
osm3s_bbox area_index_bbox(const area_index *);
/* POLY_OUTSIDE: no point of the plain box is in an area; POLY_INSIDE: every point is strictly inside of one;
 * POLY_BORDER: not decided. Constant time. */
int area_index_classify(const area_index *, const osm3s_bbox *plain);
/* In an area, or on its border if that counts. */
bool area_index_contain(const area_index *, int32_t lat, int32_t lon, bool border);
/* 1: a part of the way is in an area; 0; or OSM3S_NOMEM. */
int area_index_meet_way(const area_index *, const way_node *nodes, size_t n);

/* --- geom_around.c, geom_sphere.c: what is within a distance of points and lines --- */

typedef struct around around;

/* Distances are great-circle distances in metres. Add the inputs, prepare once, then test. Adding and preparing return
 * OSM3S_OK or OSM3S_NOMEM; a line also adds each of its points. */
around *around_new(double radius_m);
void around_free(around *);
int around_add_point(around *, double lat, double lon);                         /* degrees */
int around_add_line(around *, const double *lat_lon, size_t n_points);          /* degrees */
int around_add_way(around *, const way_node *nodes, size_t n);
int around_prepare(around *);

/* Within the radius of an input point or segment; at radius 0: at the same place. */
bool around_contains(const around *, int32_t lat, int32_t lon);
/* A known node is contained, an input point is within the radius of a segment, or a segment crosses an input segment. */
bool around_meets_way(const around *, const way_node *nodes, size_t n);

/* False: no node in the plain box, and no way whose bbox_of_way is inside it, is in range. For skipping blocks and
 * elements. */
bool around_may_meet(const around *, const osm3s_bbox *plain);
/* At most some 2000 plain boxes that together hold every position in range. A way in range has a point in them, but on
 * long segments maybe outside of its bbox_of_way: use around_may_meet there. The array is the caller's, to be freed;
 * OSM3S_NOMEM. */
int around_boxes(const around *, osm3s_bbox **boxes, size_t *n);

#endif
