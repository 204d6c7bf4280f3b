/* pile.h: sorts any number of records by a 64-bit key in bounded memory. Records go in in any order; full arenas are
 * sorted and written to temporary files by a second thread; records come out in the order of their keys (of their upper
 * 44 bits; equal ones in the order of arrival). */
#ifndef OSM3S_PILE_H
#define OSM3S_PILE_H

#include "internal.h"

typedef struct pile pile;

/* `folder` holds the temporary files (they are unlinked at once); an arena takes arena_len bytes, two exist. */
pile *pile_new(const char *folder, size_t arena_len);
void pile_free(pile *);
int pile_add(pile *, uint64_t key, const void *data, size_t len);
/* After the last add, before the first next. */
int pile_finish(pile *);
/* The next record: 1, or 0 at the end, or an error. The bytes stay valid until the next call. */
int pile_next(pile *, uint64_t *key, const uint8_t **data, size_t *len);

#endif
