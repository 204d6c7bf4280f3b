/* geom_hull.c: the convex hull on the sphere, grown position by position. Which positions become corners, and where the
 * ring starts, is as in the reference. */
#include <math.h>

#include "geom.h"

typedef struct { double x, y, z; } vector;
typedef struct {
    size_t position;
    vector at, edge;   /* edge: normal of the great circle from the corner before, on its outer side */
    double beyond;     /* scratch: how far the new position is beyond the edge */
} corner;

typedef struct {
    corner *corners;
    size_t n, cap;
} ring;

static const double OUTSIDE = 1e-8; /* in radians */

static vector vector_of(const double *lat_lon)
{
    const double degree = acos(0) / 90.0;
    double lat = lat_lon[0] * degree, lon = lat_lon[1] * degree;
    return (vector){sin(lat), cos(lat) * sin(lon), cos(lat) * cos(lon)};
}

static vector normal(vector a, vector b)
{
    vector v = {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
    double length = sqrt(v.x * v.x + v.y * v.y + v.z * v.z);
    return (vector){v.x / length, v.y / length, v.z / length};
}

/* Put a position in the place of the corners from `first` on, up to but not including `last`, whose edge now starts
 * there, and drop the corners from `end` on. */
static int replace(ring *r, size_t position, vector at, size_t first, size_t last, size_t end)
{
    if (grow(&r->corners, &r->cap, r->n + 1, sizeof *r->corners))
        return OSM3S_NOMEM;
    r->corners[last].edge = normal(at, r->corners[last].at);
    memmove(r->corners + first + 1, r->corners + last, (end - last) * sizeof *r->corners);
    r->n = first + 1 + (end - last);
    r->corners[first] = (corner){.position = position, .at = at};
    r->corners[first].edge = normal(r->corners[first > 0 ? first - 1 : r->n - 1].at, at);
    return OSM3S_OK;
}

static int add(ring *r, const double *lat_lon, size_t position)
{
    vector at = vector_of(lat_lon + 2 * position);
    size_t n = r->n, first = n;
    for (size_t i = 0; i < n; i++) {
        corner *c = &r->corners[i];
        c->beyond = c->edge.x * at.x + c->edge.y * at.y + c->edge.z * at.z;
        if (first == n && c->beyond >= OUTSIDE)
            first = i;
    }
    if (first == n)
        return OSM3S_OK;
    size_t end = n;
    if (r->corners[0].beyond >= 0) { /* the edges that see the position go on at the end of the list */
        first = 0;
        while (end > 1 && r->corners[end - 1].beyond >= 0)
            end--;
    }
    size_t last = first;
    while (last + 1 < end && r->corners[last + 1].beyond >= 0)
        last++;
    while (first > 0 && r->corners[first - 1].beyond >= 0)
        first--;
    return replace(r, position, at, first, last, end);
}

/* Between which neighbours by longitude the widest gap is: the hull's ends. */
static void find_ends(const double *lat_lon, size_t n, size_t *west, size_t *east)
{
    *west = 0;
    *east = n - 1;
    double widest = lat_lon[1] + 360.0 - lat_lon[2 * (n - 1) + 1];
    for (size_t i = 1; i < n; i++) {
        double gap = lat_lon[2 * i + 1] - lat_lon[2 * (i - 1) + 1];
        if (gap > widest) {
            widest = gap;
            *west = i;
            *east = i - 1;
        }
    }
}

int osm3s_hull(osm3s_context *context, const double *lat_lon, size_t n, uint32_t *out, size_t *n_out)
{
    ring r = {NULL, 0, 0};
    size_t a, b;
    *n_out = 0;
    if (n < 2 || n > UINT32_MAX)
        return fail(OSM3S_LIMIT, "no hull of %zu positions", n);
    find_ends(lat_lon, n, &a, &b);
    if (lat_lon[2 * a + 1] == lat_lon[2 * b + 1])
        for (size_t i = a = b = 0; i < n; i++) {
            a = lat_lon[2 * i] < lat_lon[2 * a] ? i : a;
            b = lat_lon[2 * i] > lat_lon[2 * b] ? i : b;
        }
    if (grow(&r.corners, &r.cap, 2, sizeof *r.corners))
        return OSM3S_NOMEM;
    vector from = vector_of(lat_lon + 2 * a), to = vector_of(lat_lon + 2 * b);
    r.corners[0] = (corner){a, from, normal(to, from), 0};
    r.corners[1] = (corner){b, to, normal(from, to), 0};
    r.n = 2;
    int error = OSM3S_OK;
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        error = add(&r, lat_lon, i);
        if (error == OSM3S_OK && i % 4096 == 0)
            error = context_check(context);
    }
    for (size_t i = 0; i < r.n && error == OSM3S_OK; i++)
        out[(*n_out)++] = (uint32_t)r.corners[i].position;
    free(r.corners);
    return error;
}
