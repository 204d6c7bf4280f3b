/* geom_sphere.c: points and arcs on the sphere. The tests compute with the same doubles, in the same order of operations,
 * as the reference, so that elements at the very edge of a radius are decided alike. */
#include <math.h>

#include "geom_sphere.h"

static vec cartesian(double lat, double lon)
{
    double quarter = acos(0), c = cos(lat / 90.0 * quarter);
    return (vec){sin(lat / 90.0 * quarter), c * sin(lon / 90.0 * quarter), c * cos(lon / 90.0 * quarter)};
}

static double dot(vec a, vec b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static vec cross(vec a, vec b)
{
    return (vec){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

static vec plus(vec a, vec b)
{
    return (vec){a.x + b.x, a.y + b.y, a.z + b.z};
}

point point_of(double lat, double lon)
{
    return (point){lat, lon, cartesian(lat, lon)};
}

point point_of_position(int32_t lat, int32_t lon)
{
    return point_of(degrees_of_lat(lat), degrees_of_lon(lon));
}

static double apart_m(const point *a, const point *b)
{
    return distance_m(a->lat, a->lon, b->lat, b->lon);
}

arc arc_of(const point *from, const point *to, double radius_m)
{
    double length = apart_m(from, to);
    return (arc){*from, *to, cross(from->at, to->at), sqrt(length * length + radius_m * radius_m)};
}

/* Arcs of no length have no great circle: the comparison with NaN is false. */
bool arc_reaches(const arc *a, const point *p, double radius_m)
{
    double sine = fabs(dot(p->at, a->norm)) / sqrt(dot(a->norm, a->norm));
    if (sine > 1)
        sine = 1;
    return asin(sine) * (10 * 1000 * 1000 / acos(0)) <= radius_m
        && apart_m(p, &a->from) <= a->limit_m && apart_m(p, &a->to) <= a->limit_m;
}

bool arcs_cross(const arc *a, const arc *b)
{
    vec where = cross(a->norm, b->norm);
    double scale = 1.0 / sqrt(dot(where, where));
    where = (vec){where.x * scale, where.y * scale, where.z * scale};
    vec a_middle = plus(a->from.at, a->to.at), b_middle = plus(b->from.at, b->to.at);
    return fabs(dot(a_middle, where)) >= dot(a_middle, a->from.at)
        && fabs(dot(b_middle, where)) >= dot(b_middle, b->from.at);
}

bool point_reaches(const point *a, const point *p, double radius_m)
{
    return (radius_m > 0 && apart_m(a, p) <= radius_m)
        || (fabs(a->lat - p->lat) < 1e-7 && fabs(a->lon - p->lon) < 1e-7);
}

/* --- boxes --- */

static int32_t floor_e7(double degrees, double least)
{
    double e7 = floor(degrees * 1e7) - 1;
    return (int32_t)(e7 < least ? least : e7);
}

static int32_t ceil_e7(double degrees, double most)
{
    double e7 = ceil(degrees * 1e7) + 1;
    return (int32_t)(e7 > most ? most : e7);
}

/* Everything within `reach` degrees of the box between two latitudes and, going east, two longitudes. */
static plain_boxes grown(double south, double north, double west, double east, double reach)
{
    const double degree = acos(0) / 90;
    double widest = fabs(south) > fabs(north) ? fabs(south) : fabs(north), aside = 360;
    if (widest + reach < 90)
        aside = asin(sin(reach * degree) / cos(widest * degree)) / degree + 1e-7;
    osm3s_bbox box = {floor_e7(south - reach, -LAT_90), -LON_180, ceil_e7(north + reach, LAT_90), LON_180};
    west -= aside;
    east += aside;
    plain_boxes boxes = {{box, box}, 1};
    if (east - west >= 359.9)
        return boxes;
    if (west < -180) {
        west += 360;
        east += 360;
    }
    boxes.parts[0].west = floor_e7(west, -LON_180);
    boxes.parts[0].east = ceil_e7(east, LON_180);
    if (east > 180) {
        boxes.parts[1].east = ceil_e7(east - 360, LON_180);
        boxes.n = 2;
    }
    return boxes;
}

static plain_boxes everywhere(void)
{
    return grown(-90, 90, -180, 180, 0);
}

static const double METRES_PER_DEGREE = 10 * 1000 * 1000 / 90.;

/* The rules are not metric at the ends of long arcs: where arc and radius together exceed this, no box is tried. */
static const double FAR_M = 6000000;

/* Reach in degrees: the radius, a tenth for the flat-earth limit at the ends of long arcs, two metres for the doubles. */
static double reach_of(double radius_m)
{
    return (radius_m * 1.1 + 2) / METRES_PER_DEGREE;
}

static plain_boxes boxes_of(const arc *a, double reach)
{
    const point *p = &a->from, *q = &a->to;
    double south = p->lat < q->lat ? p->lat : q->lat, north = p->lat > q->lat ? p->lat : q->lat;
    /* Where the arc leads away from the equator at both ends, the great circle's highest latitude is between them. */
    double cosine = dot(p->at, q->at), rise = q->at.x - cosine * p->at.x, fall = p->at.x - cosine * q->at.x;
    double norm = sqrt(dot(a->norm, a->norm));
    if (norm > 0 && ((rise > 0 && fall > 0) || (rise < 0 && fall < 0))) {
        double share = fabs(a->norm.x) / norm, highest = acos(share > 1 ? 1 : share) / acos(0) * 90;
        if (rise > 0 && highest > north)
            north = highest;
        if (rise < 0 && -highest < south)
            south = -highest;
    }
    double west = p->lon < q->lon ? p->lon : q->lon, east = p->lon < q->lon ? q->lon : p->lon;
    if (east - west > 179.9 && east - west < 180.1)
        return grown(south < 0 ? -90 : south, north > 0 ? 90 : north, -180, 180, reach);
    if (east - west > 180) {
        double swap = west + 360;
        west = east;
        east = swap;
    }
    return grown(south, north, west, east, reach);
}

static bool is_far(const arc *a, double radius_m)
{
    return !(apart_m(&a->from, &a->to) + radius_m < FAR_M);
}

plain_boxes boxes_near_point(const point *p, double radius_m)
{
    return radius_m < FAR_M ? grown(p->lat, p->lat, p->lon, p->lon, reach_of(radius_m)) : everywhere();
}

plain_boxes boxes_near_arc(const arc *a, double radius_m)
{
    return is_far(a, radius_m) ? everywhere() : boxes_of(a, reach_of(radius_m));
}

plain_boxes boxes_of_arc(const arc *a, double radius_m)
{
    return is_far(a, radius_m) ? everywhere() : boxes_of(a, reach_of(0));
}

osm3s_bbox box_with_arcs(osm3s_bbox box, double radius_m)
{
    if (bbox_is_empty(&box))
        return box;
    /* Up to this width an arc leaves its ends' box by little more than a metre, for which the reach has room. */
    const int64_t narrow = 1000000;
    int64_t width = (int64_t)box.east - box.west;
    if (width <= narrow)
        return box;
    double longest_m = ((double)width + box.north - (double)box.south) / 1e7 * METRES_PER_DEGREE;
    if (!(longest_m + radius_m < FAR_M))
        return (osm3s_bbox){-LAT_90, -LON_180, LAT_90, LON_180};
    const double degree = acos(0) / 90;
    double shrink = width < LON_180 ? cos(width / 2e7 * degree) : 0;
    if (box.north > 0)
        box.north = shrink > 0 ? ceil_e7(atan(tan(box.north / 1e7 * degree) / shrink) / degree, LAT_90) : LAT_90;
    if (box.south < 0)
        box.south = shrink > 0 ? floor_e7(atan(tan(box.south / 1e7 * degree) / shrink) / degree, -LAT_90) : -LAT_90;
    return box;
}
