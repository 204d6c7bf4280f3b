/* memory.c: growing arrays. */
#include "internal.h"

int grow(void *array, size_t *cap, size_t want, size_t size)
{
    if (want <= *cap)
        return OSM3S_OK;
    size_t larger = *cap < 16 ? 16 : *cap + *cap / 2;
    if (larger < want)
        larger = want;
    void *moved = larger > SIZE_MAX / size ? NULL : realloc(*(void **)array, larger * size);
    if (moved == NULL)
        return fail(OSM3S_NOMEM, "out of memory: %zu items of %zu bytes", larger, size);
    *(void **)array = moved;
    *cap = larger;
    return OSM3S_OK;
}

void osm3s_free(void *memory)
{
    free(memory);
}
