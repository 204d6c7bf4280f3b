/* geom_poly.h: what the two halves of the polygon kernel share. */
#ifndef OSM3S_GEOM_POLY_H
#define OSM3S_GEOM_POLY_H

#include "geom.h"

/* Edges: lon0 <= lon1; `back`: drawn from east to west. */
typedef struct { int32_t lat0, lon0, lat1, lon1; bool back; } segment;

struct poly {
    osm3s_bbox box; /* of all edges */
    enum rounding rounding;
    bool cut;       /* an edge crosses the antimeridian: then the inside may reach north of all edges */
    size_t n;
    segment *edges;
    grid *index;
};

/* Where a position is from the line through the segment, seen from its first end: 1 left, 0 on it, -1 right. Left of
 * an edge from west to east is north. Products stay below 2^63: extents are at most 360 and 180 degrees. */
static inline int side_of(const segment *s, int32_t lat, int32_t lon)
{
    int64_t up = ((int64_t)s->lon1 - s->lon0) * ((int64_t)lat - s->lat0);
    int64_t down = ((int64_t)s->lat1 - s->lat0) * ((int64_t)lon - s->lon0);
    return (up > down) - (up < down);
}

static inline int32_t southern(const segment *s) { return s->lat0 < s->lat1 ? s->lat0 : s->lat1; }
static inline int32_t northern(const segment *s) { return s->lat0 > s->lat1 ? s->lat0 : s->lat1; }
static inline int32_t western(const segment *s) { return s->lon0 < s->lon1 ? s->lon0 : s->lon1; }
static inline int32_t eastern(const segment *s) { return s->lon0 > s->lon1 ? s->lon0 : s->lon1; }

static inline osm3s_bbox box_of(const segment *s)
{
    return (osm3s_bbox){southern(s), western(s), northern(s), eastern(s)};
}

static inline segment eastward(segment s)
{
    return s.lon0 <= s.lon1 ? s : (segment){s.lat1, s.lon1, s.lat0, s.lon0, !s.back};
}

/* Cut a segment at the antimeridian if it reaches from beyond 90 degrees west to beyond 90 degrees east. Returns how
 * many parts there are. The latitude of the cut is rounded to whole units, as in the reference. */
int cut_at_antimeridian(position from, position to, segment parts[2]);

#endif
