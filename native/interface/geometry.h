/* geometry.h: geometry. Conventions: osm3s.h. */
#pragma once

/* --- geom_*.c: geometry. Ways are n pairs lat, lon; lat OSM3S_NO_COORD: not known. See native/geom.h. --- */
uint64_t osm3s_morton_of_position(int32_t lat, int32_t lon);
void osm3s_position_of_morton(uint64_t morton, int32_t *lat, int32_t *lon);
uint32_t osm3s_quad_of_position(int32_t lat, int32_t lon);
uint32_t osm3s_quad_of_bbox(osm3s_bbox plain);
uint32_t osm3s_quad_of_members(const uint32_t *quads, size_t n);
uint32_t osm3s_quad_order(uint32_t quad);

int32_t osm3s_e7_of_lat(double lat);
int32_t osm3s_e7_of_lon(double lon);
int osm3s_bbox_contains(osm3s_bbox box, int32_t lat, int32_t lon);
int osm3s_bbox_meets(osm3s_bbox a, osm3s_bbox b);
int osm3s_bbox_covers(osm3s_bbox outer, osm3s_bbox inner_plain);
int osm3s_way_meets_bbox(const int32_t *lat_lon, size_t n, osm3s_bbox box);
int osm3s_bbox_of_way(const int32_t *lat_lon, size_t n, osm3s_bbox *out);
int osm3s_bounds_of_way(const int32_t *lat_lon, size_t n, osm3s_bbox *out);
osm3s_bbox osm3s_bounds_of_members(const osm3s_bbox *bounds, size_t n);
void osm3s_center_of_bounds(osm3s_bbox bounds, double *lat, double *lon); /* degrees */

double osm3s_distance_m(double lat_a, double lon_a, double lat_b, double lon_b); /* degrees */
double osm3s_length_m(const int32_t *lat_lon, size_t n); /* negative: OSM3S_NOMEM */

/* Corners of the convex hull of at least two different positions (degrees, sorted by longitude, then latitude), as
 * indexes; `out` has room for n. */
int osm3s_hull(osm3s_context *, const double *lat_lon, size_t n, uint32_t *out, size_t *n_out);

/* A polygon of one ring, vertices in degrees; NULL: no memory. */
typedef struct poly osm3s_poly;
enum { OSM3S_OUTSIDE = 0, OSM3S_BORDER = 1, OSM3S_INSIDE = 2 };
osm3s_poly *osm3s_poly_new(const double *lat_lon, size_t n);
void osm3s_poly_free(osm3s_poly *);
int osm3s_poly_locate(const osm3s_poly *, int32_t lat, int32_t lon);
int osm3s_poly_meets_way(const osm3s_poly *, const int32_t *lat_lon, size_t n, int border);
int osm3s_poly_classify(const osm3s_poly *, osm3s_bbox plain); /* OSM3S_BORDER: not decided */
osm3s_bbox osm3s_poly_bbox(const osm3s_poly *);

/* Add areas, prepare, test. Lines of an area: together closed rings, in any order and direction; even-odd. */
typedef struct area_index osm3s_area_index;
osm3s_area_index *osm3s_area_index_new(osm3s_context *);
uint64_t osm3s_area_index_bytes(const osm3s_area_index *);
void osm3s_area_index_free(osm3s_area_index *);
int osm3s_area_index_add_lines(osm3s_area_index *, const int32_t *lat_lon, const uint32_t *line_sizes, size_t n_lines);
int osm3s_area_index_add_way(osm3s_area_index *, const int32_t *lat_lon, size_t n);
int osm3s_area_index_prepare(osm3s_area_index *);
int osm3s_area_index_contain(const osm3s_area_index *, int32_t lat, int32_t lon, int border);
int osm3s_area_index_meet_way(const osm3s_area_index *, const int32_t *lat_lon, size_t n);
int osm3s_area_index_classify(const osm3s_area_index *, osm3s_bbox plain);
osm3s_bbox osm3s_area_index_bbox(const osm3s_area_index *);

/* Add points and lines (in degrees) and ways, prepare, test. */
typedef struct around osm3s_around;
osm3s_around *osm3s_around_new(double radius_m);
void osm3s_around_free(osm3s_around *);
int osm3s_around_add_line(osm3s_around *, const double *lat_lon, size_t n);
int osm3s_around_add_way(osm3s_around *, const int32_t *lat_lon, size_t n);
int osm3s_around_prepare(osm3s_around *);
int osm3s_around_contains(const osm3s_around *, int32_t lat, int32_t lon);
int osm3s_around_meets_way(const osm3s_around *, const int32_t *lat_lon, size_t n);
int osm3s_around_may_meet(const osm3s_around *, osm3s_bbox plain);
/* Up to `room` of the *n boxes that hold every position in range. */
int osm3s_around_boxes(const osm3s_around *, osm3s_bbox *out, size_t room, size_t *n);
