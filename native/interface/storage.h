/* storage.h: blocks, sets of rows, limits, and one version of the database for reading. Conventions: osm3s.h. */
#pragma once

/* --- block.c: the codec of element blocks. Layout in native/FORMAT.md. --- */
typedef struct osm3s_block_builder osm3s_block_builder;
/* Column numbers of a block head, in the order in which they lie in it. */
enum {
    OSM3S_COL_ID, OSM3S_COL_LAT, OSM3S_COL_LON, OSM3S_COL_SOUTH, OSM3S_COL_WEST, OSM3S_COL_NORTH, OSM3S_COL_EAST,
    OSM3S_COL_QUAD, OSM3S_COL_KEY_START, OSM3S_COL_KEY_PAIR, OSM3S_COL_VALUE_START, OSM3S_COL_POSTING_START,
    OSM3S_COL_POSTING, OSM3S_COL_TAG_START, OSM3S_COL_TAG, OSM3S_COL_ROLE_START, OSM3S_COL_BODY_START,
    OSM3S_COL_SINCE, OSM3S_COL_UNTIL, /* these two lie behind the body */
    OSM3S_COLUMNS
};

/* A finished block; the bytes stay valid until the builder is used again. */
typedef struct {
    const uint8_t *block;      /* head, then body */
    uint32_t head_len, body_len;
    const uint8_t *meta;       /* uncompressed meta frame */
    uint32_t meta_len;         /* 0: no element has metadata */
    uint32_t n, newest;        /* elements; newest timestamp, or with times: latest change */
    uint32_t oldest;           /* with times: when the first of them began */
    osm3s_bbox bbox;           /* union over the elements; empty if none has a position */
} osm3s_block;

osm3s_block_builder *osm3s_block_builder_new(void);
void osm3s_block_builder_free(osm3s_block_builder *);
void osm3s_block_builder_start(osm3s_block_builder *, int family);
/* What is kept of the times in which elements are valid; OSM3S_TIMES_NONE after a start. */
enum { OSM3S_TIMES_NONE = 0, OSM3S_TIMES_SINCE = 1, OSM3S_TIMES_BOTH = 2 };
void osm3s_block_keep_times(osm3s_block_builder *, int times);
enum { OSM3S_FOREVER = 0xffffffff };
/* The last element is valid from `since` on, before `until` (both the same: it was deleted then). Unless told so: from
 * its timestamp on, forever. */
void osm3s_block_set_times(osm3s_block_builder *, uint32_t since, uint32_t until);
/* Add elements in any order, each followed by its tags, refs, members. Those of one id keep their order. */
int osm3s_block_add_node(osm3s_block_builder *, uint64_t id, int32_t lat, int32_t lon, osm3s_meta meta);
int osm3s_block_add_way(osm3s_block_builder *, uint64_t id, osm3s_meta meta);
int osm3s_block_add_relation(osm3s_block_builder *, uint64_t id, osm3s_bbox bbox, uint32_t quad, osm3s_meta meta);
int osm3s_block_add_tag(osm3s_block_builder *, const char *key, size_t key_len, const char *value, size_t value_len);
int osm3s_block_add_way_node(osm3s_block_builder *, int64_t ref, int32_t lat, int32_t lon);
int osm3s_block_add_member(osm3s_block_builder *, uint8_t type, int64_t ref, const char *role, size_t role_len);
int osm3s_block_finish(osm3s_block_builder *, osm3s_block *out);
uint64_t osm3s_checksum(const void *data, size_t len);

/* --- set.c: results of statements. Rows of one type are sorted by id, without duplicates. --- */
enum { OSM3S_UNRESOLVED = 0xffffffff };
typedef struct {
    uint64_t id;
    uint32_t block;    /* number in the snapshot, or OSM3S_UNRESOLVED: only id, lat, lon are known yet (nodes) */
    uint32_t slot;     /* element of the block; numbers from the base's count on are the delta's */
    int32_t lat, lon;  /* nodes: the position; else unused */
} osm3s_row;
typedef struct {
    osm3s_row *rows;
    size_t n, cap;
} osm3s_rows;

typedef struct {
    osm3s_rows of[3]; /* by OSM3S_NODE, OSM3S_WAY, OSM3S_RELATION */
} osm3s_set;

/* Of an element in two results of one type: the numbers of its rows, or OSM3S_UNRESOLVED where it is not in the result. */
typedef struct { uint32_t old, new_; } osm3s_pair;

osm3s_set *osm3s_set_new(void);
void osm3s_set_free(osm3s_set *);
void osm3s_set_clear(osm3s_set *);
int osm3s_rows_sort(osm3s_rows *);
int osm3s_rows_push(osm3s_rows *, uint64_t id, uint32_t block, uint32_t slot, int32_t lat, int32_t lon); /* unsorted */
int osm3s_rows_push_ids(osm3s_rows *, const uint64_t *ids, size_t n); /* unsorted and unresolved */
void osm3s_rows_ids(const osm3s_rows *, uint64_t *out);               /* into room for rows->n */
int osm3s_rows_copy(const osm3s_rows *from, osm3s_rows *into);
int osm3s_rows_add(osm3s_rows *into, const osm3s_rows *other);
int osm3s_rows_take(osm3s_rows *into, osm3s_rows *from); /* as add, but `from` is worthless afterwards */
void osm3s_rows_subtract(osm3s_rows *, const osm3s_rows *other);
void osm3s_rows_intersect(osm3s_rows *, const osm3s_rows *other);

/* --- context.c: what bounds a running query --- */
typedef struct {
    int64_t deadline_ns;     /* CLOCK_MONOTONIC; 0: none */
    uint64_t max_bytes;      /* estimated size of all sets; 0: unlimited */
    uint64_t used_bytes;
    volatile int cancelled;  /* set from a signal handler or another thread */
    uint32_t countdown;      /* internal: calls until the clock is read again */
} osm3s_context;

/* --- snapshot.c: one consistent version of the database, for reading --- */
/* What the block directory says about a block. Stored in the index as it is here: 144 bytes, little-endian.
 * The base lies in the family's file: head, body, meta frame (compressed). The delta, if delta_len > 0, lies in the
 * file of deltas: n_dead slots of the base that no longer count (u16 each, padded to 8), head, body, meta frame. */
typedef struct {
    uint64_t order_key;        /* the block holds the elements from this key on, up to the next block's */
    uint32_t id, n;            /* permanent number; elements in the base */
    uint64_t base_offset, head_sum, body_sum, meta_sum;
    uint32_t head_len, body_len, meta_len, newest;
    uint64_t delta_offset, delta_sum, delta_meta_sum;
    uint32_t n_dead, delta_head_len, delta_body_len, delta_meta_len;
    uint32_t n_delta, n_attic;  /* elements of the delta; superseded versions */
    osm3s_bbox bbox;           /* over base and delta */
} osm3s_dir_entry;

typedef struct osm3s_snapshot osm3s_snapshot;
osm3s_snapshot *osm3s_snapshot_new(void);
void osm3s_snapshot_free(osm3s_snapshot *);
enum { OSM3S_FILE_DELTAS = 4, OSM3S_FILE_ATTIC = 5, OSM3S_FILES = 6 };
/* Map a block file read-only: file = family, OSM3S_FILE_DELTAS or OSM3S_FILE_ATTIC. An empty or absent file is allowed. */
int osm3s_snapshot_map(osm3s_snapshot *, int file, const char *path);
/* Append directory entries of a family, in order. The bytes are copied, or stay where they are until the snapshot ends. */
int osm3s_snapshot_add_directory(osm3s_snapshot *, int family, const void *entries, size_t len, int stays);
/* After the last directory page. */
int osm3s_snapshot_seal(osm3s_snapshot *);

/* Blocks of a family are numbered from first on. */
uint32_t osm3s_snapshot_first_block(const osm3s_snapshot *, int family);
uint32_t osm3s_snapshot_n_blocks(const osm3s_snapshot *, int family);
const osm3s_dir_entry *osm3s_snapshot_entry(const osm3s_snapshot *, uint32_t block);
/* Block number of a permanent block id (node families share one number space), or OSM3S_UNRESOLVED. */
uint32_t osm3s_snapshot_block_of_id(const osm3s_snapshot *, int type, uint32_t id);
/* The block of a family in whose key range `order_key` falls, or OSM3S_UNRESOLVED if the family is empty. */
uint32_t osm3s_snapshot_block_of_key(const osm3s_snapshot *, int family, uint64_t order_key);

/* Compressed meta frames: where they are, and handing in what they decompress to (kept by the caller). */
const uint8_t *osm3s_snapshot_meta_frame(osm3s_snapshot *, uint32_t block, int delta, uint32_t *len);
int osm3s_snapshot_attach_meta(osm3s_snapshot *, uint32_t block, int delta, const uint8_t *data, size_t len);
enum { OSM3S_FIRST_ATTIC_PART = 2 }; /* parts of a block: 0 is the base, 1 the delta, then those of the attic */
/* The next frame, of parts that are attached, that is not, from *at and in that block from *part on: 1, and the frame of
 * *part of blocks[*at]; 0: that was all. */
int osm3s_snapshot_next_meta(osm3s_snapshot *, const uint32_t *blocks, size_t n, size_t *at, uint32_t *part,
                             const uint8_t **frame, uint32_t *len);
/* The same of the parts that rows are in, from row *at on: *part of the block of that row. */
int osm3s_rows_next_meta(osm3s_snapshot *, const osm3s_rows *, size_t *at, uint32_t *part, const uint8_t **frame,
                         uint32_t *len);

/* --- snapshot_attic.c: the superseded versions of a block, and which versions are valid at a time. --- */
/* Where a part of a block's attic is: a block with times, either as that of a base (`is_plain`: head, body, compressed meta
 * frame), or head, body and meta frame in one zstd frame. Stored in the index as it is here: 48 bytes, little-endian. The
 * slots of the parts follow those of the delta. */
typedef struct {
    uint64_t offset, sum;
    uint32_t len, n;           /* bytes as stored; elements */
    uint32_t head_len, body_len, meta_len;
    uint32_t oldest, newest;   /* when the first of them began, when the last of them ended */
    uint32_t is_plain;
} osm3s_attic_part;

/* Ask about a time from now on; 0: about the present. Rows found before stay valid. */
void osm3s_snapshot_set_time(osm3s_snapshot *, uint32_t time);
/* Those of the blocks that have an attic and have changed after a time, 0: ever; *n_unplaced: so many, which come first,
 * are still to be placed. */
int osm3s_snapshot_want_attic(osm3s_snapshot *, const uint32_t *blocks, size_t n, uint32_t since, uint32_t *out,
                              size_t *n_out, size_t *n_unplaced);
/* When something changed last. */
uint32_t osm3s_snapshot_newest(const osm3s_snapshot *);
/* All blocks of a family that have changed after a time, 0: ever. `out` has room for them. */
void osm3s_snapshot_changed_blocks(const osm3s_snapshot *, int family, uint32_t since, uint32_t *out, size_t *n);
/* Tell where the parts of a block's attic are (len: bytes of the index entry). */
int osm3s_snapshot_place_attic(osm3s_snapshot *, uint32_t block, const void *parts, size_t len);
/* Attach the plain parts of the blocks, from *at and in each from *part on, with versions that ended after one time (0: any)
 * and began up to the other. 1: *part of blocks[*at] is to be decompressed from *frame and attached; 0: that was all. */
int osm3s_snapshot_next_attic(osm3s_snapshot *, const uint32_t *blocks, size_t n, uint32_t since, uint32_t until, size_t *at,
                              uint32_t *part, const uint8_t **frame, uint32_t *len);
/* Hand in what it decompresses to (kept by the caller). */
int osm3s_snapshot_attach_attic(osm3s_snapshot *, uint32_t block, uint32_t part, const uint8_t *data, size_t len);
/* The next attached part of a block's attic, from *part on, without the metadata that it has: 1, and the compressed meta
 * frame; 0: there is none. */
int osm3s_snapshot_attic_meta_frame(osm3s_snapshot *, uint32_t block, uint32_t *part, const uint8_t **frame, uint32_t *len);
/* Hand in what that decompresses to (kept by the caller). */
int osm3s_snapshot_attach_attic_meta(osm3s_snapshot *, uint32_t block, uint32_t part, const uint8_t *data, size_t len);
/* Forget what was attached of a block's attic: its rows must not be used any more. */
void osm3s_snapshot_detach_attic(osm3s_snapshot *, uint32_t block);

/* Rows of type, sorted by id, whose `block` notes a permanent block id or OSM3S_UNRESOLVED: the blocks that may hold
 * what they were at the time: those noted, and those of `links` (rows whose `block` is a permanent id, sorted by id; several
 * of one id). `out` has room for all blocks. */
int osm3s_rows_blocks_at(osm3s_snapshot *, int type, const osm3s_rows *, const osm3s_rows *links, uint32_t *out, size_t *n);
/* Append rows for those that were there at the time; the others go to `missing`, still noted. */
int osm3s_rows_locate_at(osm3s_snapshot *, int type, const osm3s_rows *, const osm3s_rows *links, osm3s_rows *found,
                         osm3s_rows *missing);
/* Append rows for elements in the first version that is known of them, if that began after the time: what they were before
 * is taken to be the same. The attics of the blocks must be attached as a whole. */
int osm3s_rows_locate_first(osm3s_snapshot *, int type, const osm3s_rows *, const osm3s_rows *links, osm3s_rows *found);
/* Fill in block and slot of unresolved nodes where a block has changed since the time; `drop`: of ways, later ones go. */
int osm3s_rows_resolve_changed(osm3s_snapshot *, osm3s_rows *, int drop);
/* The blocks, changed since the time, in which a search by the positions of unresolved nodes looks; room for all. */
int osm3s_rows_blocks_of_positions(osm3s_snapshot *, const osm3s_rows *, int tagged_only, uint32_t *out, size_t *n);

/* Fill in block and slot of node rows that have only a position. `tagged_only`: untagged nodes stay unresolved. */
int osm3s_snapshot_resolve_nodes(osm3s_snapshot *, osm3s_rows *rows, int tagged_only);
/* Check every frame and record of one block; OSM3S_CORRUPT names what is wrong. */
int osm3s_snapshot_check_block(osm3s_snapshot *, uint32_t block);
