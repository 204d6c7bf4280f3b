/* geom_poly.h: what the two halves of the polygon kernel share. */
#ifndef OSM3S_GEOM_POLY_H
#define OSM3S_GEOM_POLY_H

#include "geom.h"

/* Edges: lon0 <= lon1; `back`: drawn from east to west. */
typedef struct { int32_t lat0, lon0, lat1, lon1; bool back; } segment;

enum { EDGES_PER_CHUNK = 64, MOST_UNCROWDED = 2 * EDGES_PER_CHUNK };

/* geom_columns.c: edges by columns of longitude, within each by their southern ends. */
typedef struct crowd crowd;
typedef struct {
    const segment *edges;
    grid *index;
    uint32_t n;
    crowd **crowds; /* of columns with more than MOST_UNCROWDED edges, else NULL; NULL if there are none */
} columns;

struct poly {
    osm3s_bbox box; /* of all edges */
    enum rounding rounding;
    bool cut;       /* an edge crosses the antimeridian: then the inside may reach north of all edges */
    size_t n;
    segment *edges;
    columns columns;
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

/* Edges by their southern ends, which stay the caller's; to be freed also after OSM3S_NOMEM. */
int columns_build(columns *, const segment *edges, size_t n);
void columns_free(columns *);
size_t columns_bytes(const columns *);
/* Of the edges that end south of a latitude: do an odd number pass a longitude, which is in the column? */
bool crowd_is_odd(const crowd *, const segment *edges, int32_t lat, int32_t lon);

/* The edges of a column that reach into a range of latitudes. */
typedef struct {
    const segment *edges;
    const uint32_t *items;
    const int32_t *chunk_norths; /* NULL: not known */
    size_t n, at;
    int32_t south, north;
} column_walk;

column_walk columns_walk(const columns *, uint32_t column, int32_t south, int32_t north);

static inline const segment *next_edge(column_walk *w)
{
    while (w->at < w->n) {
        if (w->chunk_norths && w->at % EDGES_PER_CHUNK == 0 && w->chunk_norths[w->at / EDGES_PER_CHUNK] < w->south) {
            w->at += EDGES_PER_CHUNK;
            continue;
        }
        const segment *e = w->edges + w->items[w->at++];
        if (southern(e) > w->north)
            break;
        if (northern(e) >= w->south)
            return e;
    }
    return NULL;
}

#endif
