/* record.h: an element as one run of bytes: between input, sorting, and blocks. Never on disk but in temporary files.
 *
 * Layout: record_head; n_tags times (u32 key_len, u32 value_len, key, value); then for a way n_refs way_nodes, for a
 * relation n_refs times (member_head, role bytes). Nothing is aligned: use memcpy. */
#ifndef OSM3S_RECORD_H
#define OSM3S_RECORD_H

#include "internal.h"

typedef struct {
    uint64_t id;
    osm3s_meta meta;
    uint32_t since, until;     /* when it is valid */
    int32_t lat, lon;          /* nodes */
    osm3s_bbox bbox;           /* relations */
    uint32_t quad;             /* relations */
    uint32_t n_tags, n_refs;
    uint32_t tags_len;         /* bytes of the tags */
    uint32_t row;              /* import: row of the location table */
} record_head;

typedef struct {
    int64_t ref;
    uint32_t role_len;
    uint8_t type, pad[3];
} member_head;

/* Replace the buffer's content by element `e` of a batch; the nodes of a way have no position yet. */
int record_from_batch(buffer *, const osm3s_batch *, const osm3s_element *e);
/* Replace the buffer's content by an element of a block. */
int record_from_view(buffer *, const view *, uint32_t slot, way_nodes *, members *);
/* Add a record to a block. */
int record_build(osm3s_block_builder *, int family, const uint8_t *record, size_t len);

static inline record_head record_head_of(const uint8_t *record)
{
    record_head h;
    memcpy(&h, record, sizeof h);
    return h;
}

/* Where the refs of a record start. */
static inline uint8_t *record_refs(const uint8_t *record)
{
    return (uint8_t *)record + sizeof(record_head) + record_head_of(record).tags_len;
}

/* The order key of a way or relation (see FORMAT.md, "order keys"). */
uint64_t order_key_of_bbox(const osm3s_bbox *);
/* The order key of a node. */
uint64_t order_key_of_position(int32_t lat, int32_t lon);

#endif
