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

/* --- checksum.c --- */

/* 64-bit checksum of a frame; any change of a single 8-byte word changes it. Not for security. */
uint64_t checksum(const void *data, size_t len);

/* --- process.c --- */

/* Call `handler` at this signal; calls that it interrupts go on. As sigaction(2). */
int handle_signal(int number, void (*handler)(int));

/* --- memory.c --- */

/* Make room for `want` items of `size` bytes; OSM3S_NOMEM. */
int grow(void *array, size_t *cap, size_t want, size_t size);

/* A growing run of bytes. */
typedef struct {
    uint8_t *data;
    size_t len, cap;
} buffer;

static inline int buffer_put(buffer *b, const void *data, size_t len)
{
    if (grow(&b->data, &b->cap, b->len + len, 1))
        return OSM3S_NOMEM;
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    return OSM3S_OK;
}

int buffer_put_varint(buffer *, uint64_t v);

/* Tell the kernel that a large allocation will be used as a whole: the first touch of memory costs a third then. */
void use_huge_pages(void *memory, size_t len);

/* --- batch.c: room for `more` items. batch_push_string takes a string that room was made for. --- */
int batch_reserve_elements(osm3s_batch *, uint64_t more);
int batch_reserve_tags(osm3s_batch *, uint64_t more);
int batch_reserve_refs(osm3s_batch *, uint64_t more);
int batch_reserve_strings(osm3s_batch *, uint64_t more, uint64_t more_bytes);
void batch_push_string(osm3s_batch *, const char *text, uint32_t len);
int batch_copy_element(osm3s_batch *into, const osm3s_batch *from, const osm3s_element *);

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
    uint64_t strings_len;
    column body_start;                /* n + 1 offsets into body; ways and relations */
    column since, until;              /* when elements are valid; n 0: not kept */
    const uint8_t *body;
    size_t body_len;
    size_t records_len;               /* where the records of the body end, and the times begin */
    /* meta: present after the block's meta frame was attached */
    bool has_meta;
    column version, timestamp, changeset, uid; /* per distinct triple for the last three, through: */
    column meta_index;                /* n: which triple */
} view;

/* String i of a column of offsets. A damaged block yields "" instead of bytes outside of it. */
static inline const char *view_string(const view *v, const column *starts, uint32_t i, size_t *len)
{
    if (i + 1 >= starts->n) {
        *len = 0;
        return v->strings;
    }
    uint64_t from = column_get(starts, i), to = column_get(starts, i + 1);
    bool sound = from <= to && to <= v->strings_len;
    *len = sound ? to - from : 0;
    return v->strings + (sound ? from : 0);
}

/* Text of key k, of the value of pair p, of role r. */
static inline const char *view_key(const view *v, uint32_t k, size_t *len)
{
    return view_string(v, &v->key_start, k, len);
}

static inline const char *view_value(const view *v, uint32_t p, size_t *len)
{
    return view_string(v, &v->value_start, p, len);
}

static inline const char *view_role(const view *v, uint32_t r, size_t *len)
{
    return view_string(v, &v->role_start, r, len);
}

/* The pairs of an element are tag[*from] ... tag[*to - 1]; empty if the block is damaged there. */
static inline void view_tags(const view *v, uint32_t slot, uint32_t *from, uint32_t *to)
{
    *from = *to = 0;
    if (v->n_pairs == 0 || slot + 1 >= v->tag_start.n)
        return;
    uint64_t start = column_get(&v->tag_start, slot), end = column_get(&v->tag_start, slot + 1);
    if (start <= end && end <= v->tag.n) {
        *from = (uint32_t)start;
        *to = (uint32_t)end;
    }
}

/* Parse and check the structure of a block: head, then body, `len` bytes in all. OSM3S_CORRUPT says what is wrong.
 * Contents are guarded where they are used. */
int view_open(view *, const uint8_t *data, size_t head_len, size_t body_len);
/* Attach a decompressed meta frame. */
int view_attach_meta(view *, const uint8_t *data, size_t len);

/* When an element is valid: from `since` on, before `until`; always if no times are kept. Equal: a deletion. */
static inline uint32_t view_since(const view *v, uint32_t slot)
{
    return v->since.n ? (uint32_t)column_get(&v->since, slot) : 0;
}

static inline uint32_t view_until(const view *v, uint32_t slot)
{
    return v->until.n ? (uint32_t)column_get(&v->until, slot) : OSM3S_FOREVER;
}

static inline bool view_valid_at(const view *v, uint32_t slot, uint32_t time)
{
    return view_since(v, slot) <= time && time < view_until(v, slot);
}

/* Position of a node, or bounding box of the known geometry. */
static inline osm3s_bbox view_bbox(const view *v, uint32_t slot)
{
    if (v->family <= OSM3S_TAGGED_NODES) {
        int32_t lat = (int32_t)column_get(&v->lat, slot), lon = (int32_t)column_get(&v->lon, slot);
        return (osm3s_bbox){lat, lon, lat, lon};
    }
    return (osm3s_bbox){(int32_t)column_get(&v->south, slot), (int32_t)column_get(&v->west, slot),
                        (int32_t)column_get(&v->north, slot), (int32_t)column_get(&v->east, slot)};
}

/* Slot of an id, or -1. */
ptrdiff_t view_find(const view *, uint64_t id);

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
/* The refs alone: the coordinates of *out are not set. */
int view_way_refs(const view *, uint32_t slot, way_nodes *out);
int view_members(const view *, uint32_t slot, members *out);

/* --- block_dictionary.c: the distinct keys of a block, and their pairs with a value --- */

/* The order of keys, and of the values of a key: by bytes; a beginning of the other comes first. */
static inline int compare_texts(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* Number of a key, or -1; a view that is NULL has none. */
ptrdiff_t view_find_key(const view *, const char *key, size_t len);
/* Number of the pair of key number `key` (-1: there is none) and a value, or -1. */
ptrdiff_t view_find_pair(const view *, ptrdiff_t key, const char *value, size_t len);
/* Number of the key that pair p belongs to. */
uint32_t view_key_of_pair(const view *, uint32_t p);
/* The same, quicker, for the tags of one element in their order: `last` is the key of the one before, first 0. */
uint32_t view_next_key_of_pair(const view *, uint32_t p, uint32_t last);

/* How many elements have pair p, key k. An element counts once, even if it has the key several times. */
uint64_t view_count_pair(const view *, uint64_t p);
uint64_t view_count_key(const view *, uint32_t k);

/* --- snapshot.c --- */

/* The view of block `block` that holds `slot`, and the slot inside it; NULL with the error set if the block cannot be
 * read. Checks the frame's checksum when it is touched for the first time. */
const view *snapshot_view(osm3s_snapshot *, uint32_t block, uint32_t slot, uint32_t *local_slot);
/* The same for a caller that reads only the head: the body is neither checked nor brought into memory. */
const view *snapshot_head(osm3s_snapshot *, uint32_t block, uint32_t slot, uint32_t *local_slot);

/* The two parts of a block and the bitmap of dead base slots (NULL: none dead). The delta's n is 0 if there is none.
 * NULL views: the block cannot be read. */
const view *snapshot_base(osm3s_snapshot *, uint32_t block);
const view *snapshot_delta(osm3s_snapshot *, uint32_t block);
const uint64_t *snapshot_dead(osm3s_snapshot *, uint32_t block);
/* Whether a row is of the attic: its block's box is not of its time. */
bool snapshot_is_superseded(osm3s_snapshot *, const osm3s_row *);
/* Check the body against its checksum, once; call before reading records or times through snapshot_base. */
int snapshot_check_body(osm3s_snapshot *, uint32_t block);
/* Have the kernel read blocks (ascending numbers) ahead of use. */
void snapshot_will_need(osm3s_snapshot *, const uint32_t *blocks, size_t n);
/* Slot of an id in a block (delta slots count on from the base's), or -1; -2: the block cannot be read. */
ptrdiff_t snapshot_find(osm3s_snapshot *, uint32_t block, uint64_t id);

/* Fill block and slot of a row, and the position of a node. OSM3S_CORRUPT if the block cannot be read. */
int snapshot_place_row(osm3s_snapshot *, int type, uint32_t block, uint32_t slot, osm3s_row *row);
/* lookup.c: the same of a row whose `block` is a permanent id, as the id map has it. OSM3S_CORRUPT if it is not there. */
int snapshot_locate_row(osm3s_snapshot *, int type, osm3s_row *row);

/* Whether all elements that live now are those of the time that is asked about, and no others. */
bool snapshot_is_current(const osm3s_snapshot *, uint32_t block);
/* The time that is asked about; 0: now. */
uint32_t snapshot_time(const osm3s_snapshot *);
/* Part `part` of a block's attic that is attached, and its first slot in *first_slot; NULL: there are no more. Parts not
 * attached have n 0. */
const view *snapshot_attic(osm3s_snapshot *, uint32_t block, uint32_t part, uint32_t *first_slot);
/* As snapshot_find, at the time that is asked about. */
ptrdiff_t snapshot_find_at(osm3s_snapshot *, uint32_t block, uint64_t id);

/* Find nodes by position: fills block and slot of a row whose id, lat, lon are known, or leaves it unresolved if the
 * node is not there. */
int snapshot_resolve_node(osm3s_snapshot *, osm3s_row *row);

/* --- set.c --- */

/* Append (the caller sorts before the set is seen by others); OSM3S_NOMEM. */
int rows_push(osm3s_rows *, osm3s_row row);
/* Sort by id and drop duplicates. */
int rows_sort(osm3s_rows *);
/* Index of an id in sorted rows, or -1. */
ptrdiff_t rows_find(const osm3s_rows *, uint64_t id);

/* Whether ids are in sorted rows, asked many times: a bitmap answers most questions about those that are not. */
typedef struct { const osm3s_rows *rows; uint64_t *bits; int shift; } id_filter;
int id_filter_build(id_filter *, const osm3s_rows *);
void id_filter_free(id_filter *);

static inline bool id_filter_has(const id_filter *f, uint64_t id)
{
    uint64_t bit = f->bits ? id * 0x9e3779b97f4a7c15u >> f->shift : 0;
    return (f->bits == NULL || f->bits[bit / 64] >> bit % 64 & 1) && rows_find(f->rows, id) >= 0;
}

/* --- geom_*.c: pure geometry, no storage. Coordinates as in osm3s.h. --- */

#endif
