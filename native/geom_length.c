/* geom_length.c: great-circle distances, in the order of operations that the reference's printed digits depend on. */
#include <math.h>

#include "geom.h"

double distance_m(double lat_a, double lon_a, double lat_b, double lon_b)
{
    if (lat_a == lat_b && lon_a == lon_b)
        return 0;
    double quarter = acos(0), degree = quarter / 90.;
    double cosine = cos((lat_b - lat_a) * degree)
        + cos(lat_a * degree) * cos(lat_b * degree) * (cos((lon_b - lon_a) * degree) - 1);
    return acos(cosine > 1 ? 1 : cosine) * (10 * 1000 * 1000 / quarter);
}

double length_of_way_m(const way_node *nodes, size_t n)
{
    double sum = 0;
    for (size_t i = 1; i < n; i++) {
        const way_node *a = nodes + i - 1, *b = nodes + i;
        if (a->lat != OSM3S_NO_COORD && b->lat != OSM3S_NO_COORD)
            sum += distance_m(degrees_of_lat(a->lat), degrees_of_lon(a->lon), degrees_of_lat(b->lat),
                              degrees_of_lon(b->lon));
    }
    return sum;
}
