/* query.h: what decides whether an element is in the result of a query statement. */
#ifndef OSM3S_QUERY_H
#define OSM3S_QUERY_H

#include "internal.h"

/* --- regex.c --- */

/* Does a string match; remembers its answers by string. OSM3S_NOMEM (or another error) or 0 or 1. */
int regex_matches(osm3s_regex *, const char *text, size_t len);

/* --- query_tags.c --- */

/* Clear the bits of the slots of a block part that fail a tag filter. `bits` has (v->n + 63) / 64 words; `spare` has as
 * many and is overwritten. */
int tag_filter_apply(const view *, const osm3s_tag_filter *, uint64_t *bits, uint64_t *spare);

#endif
