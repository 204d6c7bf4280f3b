/* locations.c: see locations.h. */
#include "locations.h"

int locations_add(locations *l, uint64_t id, int32_t lat, int32_t lon)
{
    if (l->n == l->cap || l->n == l->cap_at)
        if (grow(&l->ids, &l->cap, l->n + 1, sizeof *l->ids) || grow(&l->at, &l->cap_at, l->n + 1, sizeof *l->at))
            return OSM3S_NOMEM;
    if (l->n >= OSM3S_UNRESOLVED)
        return fail(OSM3S_LIMIT, "more than 4294967294 nodes in one import");
    l->ids[l->n] = id;
    l->at[l->n].lat = lat;
    l->at[l->n++].lon = lon;
    return OSM3S_OK;
}

int locations_seal(locations *l)
{
    if (grow(&l->block, &l->cap_block, l->n + 1, sizeof *l->block))
        return OSM3S_NOMEM;
    uint64_t range = l->n ? l->ids[l->n - 1] - l->ids[0] : 0;
    while (range >> l->shift > l->n / 32 + 1024)
        l->shift++;
    l->n_top = (size_t)(range >> l->shift) + 2;
    l->top = malloc(l->n_top * sizeof *l->top);
    if (l->top == NULL)
        return fail(OSM3S_NOMEM, "out of memory for %zu nodes", l->n);
    size_t row = 0;
    for (size_t t = 0; t < l->n_top; t++) {
        while (row < l->n && (l->ids[row] - l->ids[0]) >> l->shift < t)
            row++;
        l->top[t] = (uint32_t)row;
    }
    return OSM3S_OK;
}

ptrdiff_t locations_find(const locations *l, uint64_t id)
{
    if (l->n == 0 || id < l->ids[0] || id > l->ids[l->n - 1])
        return -1;
    size_t t = (size_t)((id - l->ids[0]) >> l->shift), low = l->top[t], high = l->top[t + 1];
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (l->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < l->n && l->ids[low] == id ? (ptrdiff_t)low : -1;
}

void locations_free(locations *l)
{
    free(l->ids);
    free(l->at);
    free(l->block);
    free(l->top);
    memset(l, 0, sizeof *l);
}
