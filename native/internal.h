/* internal.h: what the files of the core share among themselves. */
#ifndef OSM3S_INTERNAL_H
#define OSM3S_INTERNAL_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "osm3s.h"

/* --- error.c --- */

/* Set the sentence of the last error and return `code`. */
int fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- context.c --- */

/* OSM3S_OK, or why the query must stop. Cheap: call it every some hundred elements. */
int context_check(osm3s_context *);

/* --- block_view.c: reading a block. A view points into mapped memory and owns nothing. --- */

typedef struct {
    const uint8_t *data; /* 8 readable bytes follow the last entry */
    uint64_t base, mask;
    uint32_t width, n;   /* bytes per entry (0: all equal base), entries */
} column;

static inline uint64_t column_get(const column *c, size_t i)
{
    uint64_t raw;
    memcpy(&raw, c->data + i * c->width, 8);
    return c->base + (raw & c->mask);
}

typedef struct {
    uint32_t family, n;               /* OSM3S_NODES ..., elements */
    column id;                        /* ascending */
    column lat, lon;                  /* nodes */
    column south, west, north, east;  /* ways, relations: bbox of the known geometry; south > north: none */
    column quad;                      /* relations: the reference's quadtile index, see geom_quad.c */
    /* tags: keys sorted by bytes; pairs (key, value) sorted by key, then value; postings: slots per pair, ascending */
    uint32_t n_keys, n_pairs;
    column key_start;                 /* n_keys + 1 offsets into strings */
    column key_pair;                  /* n_keys + 1: first pair of key k; pairs of k are [key_pair[k], key_pair[k+1]) */
    column value_start;               /* n_pairs + 1 offsets into strings */
    column posting_start;             /* n_pairs + 1 into posting */
    column posting;                   /* slots */
    column tag_start;                 /* n + 1 into tag */
    column tag;                       /* pair numbers of element e, ascending: tags sorted by key */
    uint32_t n_roles;
    column role_start;                /* n_roles + 1 offsets into strings */
    const char *strings;
    column body_start;                /* n + 1 offsets into body; ways and relations */
    const uint8_t *body;
    size_t body_len;
    /* meta: present after the block's meta frame was attached */
    bool has_meta;
    column version, timestamp, changeset, uid; /* per distinct triple for the last three, through: */
    column meta_index;                /* n: which triple */
} view;

/* Text of key k, of the value of pair p, of role r. */
static inline const char *view_key(const view *v, uint32_t k, size_t *len)
{
    uint64_t from = column_get(&v->key_start, k);
    *len = column_get(&v->key_start, k + 1) - from;
    return v->strings + from;
}

static inline const char *view_value(const view *v, uint32_t p, size_t *len)
{
    uint64_t from = column_get(&v->value_start, p);
    *len = column_get(&v->value_start, p + 1) - from;
    return v->strings + from;
}

static inline const char *view_role(const view *v, uint32_t r, size_t *len)
{
    uint64_t from = column_get(&v->role_start, r);
    *len = column_get(&v->role_start, r + 1) - from;
    return v->strings + from;
}

/* Number of the key that pair p belongs to. */
uint32_t view_key_of_pair(const view *, uint32_t p);

/* Metadata of a slot; all zero where the block has none. */
osm3s_meta view_meta(const view *, uint32_t slot);

typedef struct {
    int64_t ref;
    int32_t lat, lon; /* lat is OSM3S_NO_COORD if the node is not in the database */
} way_node;

typedef struct {
    int64_t ref;
    uint32_t role;    /* number in the view's roles */
    uint8_t type;
} member;

/* A growing array that is reused from element to element. */
typedef struct { way_node *items; size_t n, cap; } way_nodes;
typedef struct { member *items; size_t n, cap; } members;

/* Decode the nodes of a way, the members of a relation, into *out (replacing what it held). OSM3S_CORRUPT if the
 * record does not parse. */
int view_way_nodes(const view *, uint32_t slot, way_nodes *out);
int view_members(const view *, uint32_t slot, members *out);

/* --- snapshot.c --- */

/* The view of block `block` that holds `slot`, and the slot inside it; NULL with the error set if the block cannot be
 * read. Checks the frame's checksum when it is touched for the first time. */
const view *snapshot_view(osm3s_snapshot *, uint32_t block, uint32_t slot, uint32_t *local_slot);

/* Find nodes by position: fills block and slot of a row whose id, lat, lon are known, or leaves it unresolved if the
 * node is not there. */
int snapshot_resolve_node(osm3s_snapshot *, osm3s_row *row);
/* As before, but looks among the tagged nodes only. */
int snapshot_resolve_tagged_node(osm3s_snapshot *, osm3s_row *row);

/* --- set.c --- */

/* Append (the caller sorts before the set is seen by others); OSM3S_NOMEM. */
int rows_push(osm3s_rows *, osm3s_row row);
/* Sort by id and drop duplicates. */
int rows_sort(osm3s_rows *);
/* Index of an id in sorted rows, or -1. */
ptrdiff_t rows_find(const osm3s_rows *, uint64_t id);

/* --- geom_*.c: pure geometry, no storage. Coordinates as in osm3s.h. --- */

#endif
