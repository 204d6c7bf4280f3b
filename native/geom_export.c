/* geom_export.c: the geometry functions that Python calls. Positions come as pairs lat, lon of int32 in 1e-7 degree. */
#include "geom.h"

static way_node *nodes_of(const int32_t *lat_lon, size_t n)
{
    way_node *nodes = malloc((n + 1) * sizeof *nodes);
    if (nodes == NULL)
        fail(OSM3S_NOMEM, "out of memory: a way of %zu nodes", n);
    for (size_t i = 0; nodes != NULL && i < n; i++)
        nodes[i] = (way_node){0, lat_lon[2 * i], lat_lon[2 * i + 1]};
    return nodes;
}

uint32_t osm3s_quad_of_position(int32_t lat, int32_t lon)
{
    return quad_of_position(lat, lon);
}

uint32_t osm3s_quad_of_bbox(osm3s_bbox plain)
{
    return quad_of_bbox(&plain);
}

uint32_t osm3s_quad_of_members(const uint32_t *quads, size_t n)
{
    quad_sum sum;
    quad_sum_start(&sum);
    for (size_t i = 0; i < n; i++)
        quad_sum_add(&sum, quads[i]);
    return quad_sum_finish(&sum);
}

uint32_t osm3s_quad_order(uint32_t quad)
{
    return quad_order(quad);
}

uint64_t osm3s_morton_of_position(int32_t lat, int32_t lon)
{
    return morton_of_position(lat, lon);
}

void osm3s_position_of_morton(uint64_t morton, int32_t *lat, int32_t *lon)
{
    position p = position_of_morton(morton);
    *lat = p.lat;
    *lon = p.lon;
}

int32_t osm3s_e7_of_lat(double lat)
{
    return e7_of_lat(lat);
}

int32_t osm3s_e7_of_lon(double lon)
{
    return e7_of_lon(lon);
}

int osm3s_bbox_contains(osm3s_bbox box, int32_t lat, int32_t lon)
{
    return bbox_contains(&box, lat, lon);
}

int osm3s_bbox_meets(osm3s_bbox a, osm3s_bbox b)
{
    return bbox_meets(&a, &b);
}

int osm3s_bbox_covers(osm3s_bbox outer, osm3s_bbox inner)
{
    return bbox_covers(&outer, &inner);
}

int osm3s_way_meets_bbox(const int32_t *lat_lon, size_t n, osm3s_bbox box)
{
    way_node *nodes = nodes_of(lat_lon, n);
    if (nodes == NULL)
        return OSM3S_NOMEM;
    int meets = way_meets_bbox(nodes, n, &box);
    free(nodes);
    return meets;
}

int osm3s_bbox_of_way(const int32_t *lat_lon, size_t n, osm3s_bbox *out)
{
    way_node *nodes = nodes_of(lat_lon, n);
    if (nodes == NULL)
        return OSM3S_NOMEM;
    *out = bbox_of_way(nodes, n);
    free(nodes);
    return OSM3S_OK;
}

int osm3s_bounds_of_way(const int32_t *lat_lon, size_t n, osm3s_bbox *out)
{
    way_node *nodes = nodes_of(lat_lon, n);
    if (nodes == NULL)
        return OSM3S_NOMEM;
    *out = bounds_of_way(nodes, n);
    free(nodes);
    return OSM3S_OK;
}

osm3s_bbox osm3s_bounds_of_members(const osm3s_bbox *bounds, size_t n)
{
    bounds_sum sum;
    bounds_sum_start(&sum);
    for (size_t i = 0; i < n; i++)
        bounds_sum_add(&sum, bounds + i);
    return bounds_sum_finish(&sum);
}

void osm3s_center_of_bounds(osm3s_bbox bounds, double *lat, double *lon)
{
    center_of_bounds(&bounds, lat, lon);
}

double osm3s_distance_m(double lat_a, double lon_a, double lat_b, double lon_b)
{
    return distance_m(lat_a, lon_a, lat_b, lon_b);
}

double osm3s_length_m(const int32_t *lat_lon, size_t n)
{
    way_node *nodes = nodes_of(lat_lon, n);
    if (nodes == NULL)
        return OSM3S_NOMEM;
    double length_m = length_of_way_m(nodes, n);
    free(nodes);
    return length_m;
}

/* --- prepared objects --- */

osm3s_poly *osm3s_poly_new(const double *lat_lon, size_t n)
{
    uint32_t ring = (uint32_t)n;
    position *vertices = malloc((n + 1) * sizeof *vertices);
    if (vertices == NULL || n > INT32_MAX) {
        free(vertices);
        fail(OSM3S_NOMEM, "out of memory: a polygon of %zu vertices", n);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        vertices[i] = (position){e7_of_lat(lat_lon[2 * i]), e7_of_lon(lat_lon[2 * i + 1])};
    poly *made = poly_new(vertices, &ring, 1);
    free(vertices);
    return made;
}

void osm3s_poly_free(osm3s_poly *p)
{
    poly_free(p);
}

int osm3s_poly_locate(const osm3s_poly *p, int32_t lat, int32_t lon)
{
    return poly_locate(p, lat, lon);
}

int osm3s_poly_meets_way(const osm3s_poly *p, const int32_t *lat_lon, size_t n, int border)
{
    way_node *nodes = nodes_of(lat_lon, n);
    if (nodes == NULL)
        return OSM3S_NOMEM;
    int meets = poly_meets_way(p, nodes, n, border != 0);
    free(nodes);
    return meets;
}

int osm3s_poly_classify(const osm3s_poly *p, osm3s_bbox plain)
{
    return poly_classify(p, &plain);
}

osm3s_bbox osm3s_poly_bbox(const osm3s_poly *p)
{
    return poly_bbox(p);
}

osm3s_area_index *osm3s_area_index_new(osm3s_context *context)
{
    return area_index_new(context);
}

uint64_t osm3s_area_index_bytes(const osm3s_area_index *a)
{
    return area_index_bytes(a);
}

void osm3s_area_index_free(osm3s_area_index *a)
{
    area_index_free(a);
}

int osm3s_area_index_add_lines(osm3s_area_index *a, const int32_t *lat_lon, const uint32_t *line_sizes, size_t n_lines)
{
    return area_index_add_lines(a, (const position *)lat_lon, line_sizes, n_lines);
}

int osm3s_area_index_add_way(osm3s_area_index *a, const int32_t *lat_lon, size_t n)
{
    way_node *nodes = nodes_of(lat_lon, n);
    if (nodes == NULL)
        return OSM3S_NOMEM;
    int code = area_index_add_way(a, nodes, n);
    free(nodes);
    return code;
}

int osm3s_area_index_prepare(osm3s_area_index *a)
{
    return area_index_prepare(a);
}

int osm3s_area_index_contain(const osm3s_area_index *a, int32_t lat, int32_t lon, int border)
{
    return area_index_contain(a, lat, lon, border != 0);
}

int osm3s_area_index_meet_way(const osm3s_area_index *a, const int32_t *lat_lon, size_t n)
{
    way_node *nodes = nodes_of(lat_lon, n);
    if (nodes == NULL)
        return OSM3S_NOMEM;
    int meets = area_index_meet_way(a, nodes, n);
    free(nodes);
    return meets;
}

int osm3s_area_index_classify(const osm3s_area_index *a, osm3s_bbox plain)
{
    return area_index_classify(a, &plain);
}

osm3s_bbox osm3s_area_index_bbox(const osm3s_area_index *a)
{
    return area_index_bbox(a);
}

osm3s_around *osm3s_around_new(double radius_m)
{
    return around_new(radius_m);
}

void osm3s_around_free(osm3s_around *a)
{
    around_free(a);
}

int osm3s_around_add_line(osm3s_around *a, const double *lat_lon, size_t n)
{
    return around_add_line(a, lat_lon, n);
}

int osm3s_around_add_way(osm3s_around *a, const int32_t *lat_lon, size_t n)
{
    way_node *nodes = nodes_of(lat_lon, n);
    if (nodes == NULL)
        return OSM3S_NOMEM;
    int code = around_add_way(a, nodes, n);
    free(nodes);
    return code;
}

int osm3s_around_prepare(osm3s_around *a)
{
    return around_prepare(a);
}

int osm3s_around_contains(const osm3s_around *a, int32_t lat, int32_t lon)
{
    return around_contains(a, lat, lon);
}

int osm3s_around_meets_way(const osm3s_around *a, const int32_t *lat_lon, size_t n)
{
    way_node *nodes = nodes_of(lat_lon, n);
    if (nodes == NULL)
        return OSM3S_NOMEM;
    int meets = around_meets_way(a, nodes, n);
    free(nodes);
    return meets;
}

int osm3s_around_may_meet(const osm3s_around *a, osm3s_bbox plain)
{
    return around_may_meet(a, &plain);
}

int osm3s_around_boxes(const osm3s_around *a, osm3s_bbox *out, size_t room, size_t *n)
{
    osm3s_bbox *boxes;
    int code = around_boxes(a, &boxes, n);
    if (code < 0)
        return code;
    if (room)
        memcpy(out, boxes, (*n < room ? *n : room) * sizeof *out);
    free(boxes);
    return OSM3S_OK;
}
