/* locations.h: all nodes of an import by id: where they are, and in which block. */
#ifndef OSM3S_LOCATIONS_H
#define OSM3S_LOCATIONS_H

#include "internal.h"

typedef struct {
    uint64_t *ids; size_t n, cap; /* ascending */
    struct { int32_t lat, lon; } *at; size_t cap_at;
    uint32_t *block; size_t cap_block;
    uint32_t *top;                /* first row whose (id - ids[0]) >> shift is at least the index */
    uint32_t shift; size_t n_top;
} locations;

int locations_add(locations *, uint64_t id, int32_t lat, int32_t lon);
/* After the last add. */
int locations_seal(locations *);
/* Row of an id, or -1. */
ptrdiff_t locations_find(const locations *, uint64_t id);
void locations_free(locations *);

#endif
