/* geom_bbox.c: boxes in lat/lon. */
#include "geom.h"

int32_t e7_of_lat(double lat)
{
    return (int32_t)((int64_t)((lat + 91.0) * 10000000 + 0.5) - 910000000);
}

int32_t e7_of_lon(double lon)
{
    return (int32_t)(lon * 10000000 + (lon > 0 ? 0.5 : -0.5));
}

double degrees_of_lat(int32_t lat)
{
    return (double)((int64_t)lat + 910000000) / 10000000 - 91.0;
}

double degrees_of_lon(int32_t lon)
{
    return (double)lon / 10000000;
}

osm3s_bbox bbox_empty(void)
{
    return (osm3s_bbox){INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN};
}

bool bbox_meets(const osm3s_bbox *a, const osm3s_bbox *b)
{
    if (bbox_is_empty(a) || bbox_is_empty(b) || a->south > b->north || b->south > a->north)
        return false;
    bool a_wraps = a->west > a->east, b_wraps = b->west > b->east;
    if (a_wraps || b_wraps)
        return (a_wraps && b_wraps) || a->west <= b->east || b->west <= a->east;
    return a->west <= b->east && b->west <= a->east;
}

bool bbox_covers(const osm3s_bbox *outer, const osm3s_bbox *inner)
{
    if (inner->south < outer->south || inner->north > outer->north)
        return false;
    if (outer->west > outer->east)
        return inner->west >= outer->west || inner->east <= outer->east;
    return inner->west >= outer->west && inner->east <= outer->east;
}

void bbox_add(osm3s_bbox *box, const osm3s_bbox *more)
{
    if (bbox_is_empty(more))
        return;
    box->south = more->south < box->south ? more->south : box->south;
    box->west = more->west < box->west ? more->west : box->west;
    box->north = more->north > box->north ? more->north : box->north;
    box->east = more->east > box->east ? more->east : box->east;
}

void bbox_add_position(osm3s_bbox *box, int32_t lat, int32_t lon)
{
    bbox_add(box, &(osm3s_bbox){lat, lon, lat, lon});
}

/* --- segments against a box --- */

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

/* Longitudes here may go beyond 180 degrees; `west` <= `east`. |x1 - x0| is at most 180 degrees, so all products stay
 * below 2^62. */
static bool meets(int64_t y0, int64_t x0, int64_t y1, int64_t x1, int64_t south, int64_t west, int64_t north, int64_t east)
{
    /* Only the part of the box that lies in the segment's own box matters. */
    south = max_of(south, min_of(y0, y1));
    north = min_of(north, max_of(y0, y1));
    west = max_of(west, min_of(x0, x1));
    east = min_of(east, max_of(x0, x1));
    if (south > north || west > east)
        return false;
    /* Missed only if all four corners are strictly on the same side of the segment's line. */
    int64_t dy = y1 - y0, dx = x1 - x0;
    int64_t at_south = dx * (south - y0), at_north = dx * (north - y0);
    int64_t at_west = dy * (west - x0), at_east = dy * (east - x0);
    bool all_left = min_of(at_south, at_north) > max_of(at_west, at_east);
    bool all_right = max_of(at_south, at_north) < min_of(at_west, at_east);
    return !all_left && !all_right;
}

bool segment_meets_bbox(position from, position to, const osm3s_bbox *box)
{
    if (bbox_is_empty(box))
        return false;
    if (box->west > box->east) {
        osm3s_bbox western = *box, eastern = *box;
        western.east = LON_180;
        eastern.west = -LON_180;
        return segment_meets_bbox(from, to, &western) || segment_meets_bbox(from, to, &eastern);
    }
    /* A segment over the antimeridian goes on beyond 180 degrees, and there it meets the box of the next turn. */
    int64_t x0 = from.lon, x1 = to.lon;
    bool crosses = false;
    if (x1 - x0 > LON_180) {
        x0 += LON_360;
        crosses = true;
    } else if (x0 - x1 > LON_180) {
        x1 += LON_360;
        crosses = true;
    }
    return meets(from.lat, x0, to.lat, x1, box->south, box->west, box->north, box->east)
        || (crosses
            && meets(from.lat, x0, to.lat, x1, box->south, box->west + LON_360, box->north, box->east + LON_360));
}

static bool known(const way_node *node)
{
    return node->lat != OSM3S_NO_COORD;
}

bool way_meets_bbox(const way_node *nodes, size_t n, const osm3s_bbox *box)
{
    /* Most ways that match have a node inside, which is cheap to see. */
    for (size_t i = 0; i < n; i++)
        if (known(nodes + i) && bbox_contains(box, nodes[i].lat, nodes[i].lon))
            return true;
    for (size_t i = 1; i < n; i++) {
        const way_node *a = nodes + i - 1, *b = nodes + i;
        if (known(a) && known(b)
            && segment_meets_bbox((position){a->lat, a->lon}, (position){b->lat, b->lon}, box))
            return true;
    }
    return false;
}

osm3s_bbox bbox_of_way(const way_node *nodes, size_t n)
{
    osm3s_bbox box = bbox_empty();
    bool crosses = false;
    for (size_t i = 0; i < n; i++) {
        if (!known(nodes + i))
            continue;
        bbox_add_position(&box, nodes[i].lat, nodes[i].lon);
        if (i > 0 && known(nodes + i - 1)) {
            int64_t step = (int64_t)nodes[i].lon - nodes[i - 1].lon;
            crosses = crosses || step > LON_180 || step < -LON_180;
        }
    }
    if (crosses) {
        box.west = -LON_180;
        box.east = LON_180;
    }
    return box;
}

/* --- bounds --- */

osm3s_bbox bounds_of_way(const way_node *nodes, size_t n)
{
    osm3s_bbox box = bbox_empty();
    int32_t wrapped_west = LON_180, wrapped_east = -LON_180;
    for (size_t i = 0; i < n; i++) {
        if (!known(nodes + i))
            continue;
        int32_t lon = nodes[i].lon;
        bbox_add_position(&box, nodes[i].lat, lon);
        if (lon > 0)
            wrapped_west = lon < wrapped_west ? lon : wrapped_west;
        else
            wrapped_east = lon > wrapped_east ? lon : wrapped_east;
    }
    if (bbox_is_empty(&box) || (int64_t)box.east - box.west <= LON_180)
        return box;
    bool wraps = (int64_t)wrapped_west - wrapped_east > LON_180;
    box.west = wraps ? wrapped_west : -LON_180;
    box.east = wraps ? wrapped_east : LON_180;
    return box;
}

void bounds_sum_start(bounds_sum *sum)
{
    *sum = (bounds_sum){.plain = bbox_empty(), .wrapped_west = INT32_MAX, .wrapped_east = INT32_MIN};
}

void bounds_sum_add(bounds_sum *sum, const osm3s_bbox *bounds)
{
    if (bbox_is_empty(bounds))
        return;
    bbox_add(&sum->plain, bounds);
    sum->wraps = sum->wraps || bounds->west > bounds->east;
    /* The same sum as seen from the antimeridian: a member lies on one side of it, or spans it. */
    if (bounds->east <= 0)
        sum->wrapped_east = bounds->east > sum->wrapped_east ? bounds->east : sum->wrapped_east;
    if (bounds->west >= 0)
        sum->wrapped_west = bounds->west < sum->wrapped_west ? bounds->west : sum->wrapped_west;
    if (bounds->east > 0 && bounds->west < 0)
        sum->scattered = true;
}

osm3s_bbox bounds_sum_finish(const bounds_sum *sum)
{
    osm3s_bbox box = sum->plain;
    if (bbox_is_empty(&box) || (!sum->wraps && (int64_t)box.east - box.west <= LON_180))
        return box;
    bool wraps = !sum->scattered && (int64_t)sum->wrapped_west - sum->wrapped_east > LON_180;
    box.west = wraps ? sum->wrapped_west : -LON_180;
    box.east = wraps ? sum->wrapped_east : LON_180;
    return box;
}

void center_of_bounds(const osm3s_bbox *bounds, double *lat, double *lon)
{
    double west = degrees_of_lon(bounds->west), east = degrees_of_lon(bounds->east), middle = (west + east) / 2;
    *lat = (degrees_of_lat(bounds->south) + degrees_of_lat(bounds->north)) / 2;
    *lon = west <= east ? middle : middle <= 0 ? middle + 180.0 : middle - 180.0;
}
