/* geom_sphere.h: points and arcs on the sphere, for geom_around.c. */
#ifndef OSM3S_GEOM_SPHERE_H
#define OSM3S_GEOM_SPHERE_H

#include "geom.h"

typedef struct { double x, y, z; } vec; /* unit sphere; x to the north pole, z to 0 N 0 E */
typedef struct { double lat, lon; vec at; } point; /* degrees */
/* The shorter way between two points. limit_m: the distance from an end up to which something is beside the arc. */
typedef struct { point from, to; vec norm; double limit_m; } arc;

point point_of(double lat, double lon);
point point_of_position(int32_t lat, int32_t lon);
arc arc_of(const point *from, const point *to, double radius_m);

/* Point within the radius of an arc: close enough to its great circle, and not beyond its ends by more than that. */
bool arc_reaches(const arc *, const point *, double radius_m);
/* Point within the radius of a point. */
bool point_reaches(const point *, const point *, double radius_m);
bool arcs_cross(const arc *, const arc *);

/* One or two plain boxes; two if the antimeridian is in between. */
typedef struct { osm3s_bbox parts[2]; int n; } plain_boxes;

/* Boxes that hold everything within the radius of a point or an arc, or that could be judged so by doubles. */
plain_boxes boxes_near_point(const point *, double radius_m);
plain_boxes boxes_near_arc(const arc *, double radius_m);
/* Boxes of the arc itself, with the margin that doubles need, for comparison with boxes near points or arcs of this
 * radius. */
plain_boxes boxes_of_arc(const arc *, double radius_m);

/* A plain box grown to hold the arcs between positions in it, which bulge towards the poles, for comparison as above. */
osm3s_bbox box_with_arcs(osm3s_bbox plain, double radius_m);

#endif
