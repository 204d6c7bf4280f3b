/* osm3s.h: the native core's one public header.
 *
 * Conventions
 *  1. Functions return OSM3S_OK (0) or a negative error of the table below; osm3s_last_error() has the sentence.
 *  2. Every X_new is paired with exactly one X_free; X_free(NULL) is allowed. Buffers passed in stay the caller's;
 *     pointers handed out live as long as the object they came from.
 *  3. Coordinates are int32 in 1e-7 degree; OSM3S_NO_COORD in lat means: not known. Times are seconds since 1970,
 *     0 means: not known.
 *  4. The core calls libc only, never Python; it keeps no global state but the last error (one per thread).
 *
 * What stands between the two marker lines is also the cffi declaration: plain C without preprocessor inside.
 */
#ifndef OSM3S_H
#define OSM3S_H

#include <stddef.h>
#include <stdint.h>

/* --- cffi begin --- */
enum {
    OSM3S_OK = 0,
    OSM3S_NOMEM = -1,     /* malloc failed */
    OSM3S_CORRUPT = -2,   /* bytes contradict their checksum or format */
    OSM3S_INPUT = -3,     /* an input file is malformed */
    OSM3S_TIMEOUT = -4,   /* the query's time is used up */
    OSM3S_MEMLIMIT = -5,  /* the query's sets need more memory than allowed */
    OSM3S_CANCELLED = -6, /* the client has gone */
    OSM3S_IO = -7,        /* a system call failed */
    OSM3S_REGEX = -8,     /* a regular expression does not compile */
    OSM3S_LIMIT = -9,     /* an element exceeds a format limit */
    OSM3S_UNSORTED = -10, /* the elements of an input file are not sorted by type and id */
};

const char *osm3s_last_error(void);

enum { OSM3S_NO_COORD = -2147483647 - 1 };
enum { OSM3S_NODE = 0, OSM3S_WAY = 1, OSM3S_RELATION = 2, OSM3S_AREA = 3 /* a way of the areas' domain as it is printed */ };
enum { OSM3S_LEVEL_DATA = 0, OSM3S_LEVEL_META = 1, OSM3S_LEVEL_ATTIC = 2 }; /* what is kept of elements */
enum { OSM3S_NODES = 0, OSM3S_TAGGED_NODES = 1, OSM3S_WAYS = 2, OSM3S_RELATIONS = 3, OSM3S_FAMILIES = 4 };

typedef struct { int32_t south, west, north, east; } osm3s_bbox; /* inclusive; south > north means: empty */

typedef struct {
    uint32_t version, timestamp, changeset;
    int32_t uid;
} osm3s_meta;

/* --- batch.c: elements as they come from an input file, before they have a place --- */
typedef struct { uint32_t key, value; } osm3s_tag; /* string numbers of the batch */

typedef struct {
    int64_t id;
    int32_t lat, lon; /* nodes only */
    osm3s_meta meta;
    uint32_t user;                 /* string number */
    uint32_t tag_start, n_tags;    /* into tags */
    uint32_t ref_start, n_refs;    /* into refs: node ids of a way, members of a relation */
    uint8_t type;                  /* OSM3S_NODE ... */
    uint8_t deleted;               /* visible="false", or inside <delete> */
} osm3s_element;

typedef struct {
    uint32_t n_elements, cap_elements;
    osm3s_element *elements;
    uint32_t n_tags, cap_tags;
    osm3s_tag *tags;
    uint32_t n_refs, cap_refs;
    int64_t *refs;
    uint8_t *ref_types;            /* relations only, else unset */
    uint32_t *ref_roles;           /* string numbers; relations only, else unset */
    uint32_t n_strings, cap_strings;
    uint32_t *string_start;        /* n_strings + 1 offsets into bytes; string 0 is "" */
    uint32_t n_bytes, cap_bytes;
    char *bytes;
    uint32_t *recent;              /* internal: string numbers by hash, to store equal strings once */
} osm3s_batch;

osm3s_batch *osm3s_batch_new(void);
void osm3s_batch_free(osm3s_batch *);
void osm3s_batch_clear(osm3s_batch *);

/* Adding in document order: an element, then its tags and refs, then the next element. String arguments are bytes
 * of any length up to 16 MiB; equal strings of one batch may share a number. */
int osm3s_batch_add_element(osm3s_batch *, uint8_t type, int64_t id, int32_t lat, int32_t lon, osm3s_meta meta,
                            const char *user, size_t user_len, int deleted);
int osm3s_batch_add_tag(osm3s_batch *, const char *key, size_t key_len, const char *value, size_t value_len);
int osm3s_batch_add_ref(osm3s_batch *, int64_t ref); /* a node of the last way */
int osm3s_batch_add_member(osm3s_batch *, uint8_t type, int64_t ref, const char *role, size_t role_len);

/* 1 if two neighbours are versions of the same element, as in a history file; else 0. */
int osm3s_batch_has_versions(const osm3s_batch *);

/* --- batch_order.c: the elements of several batches, sorted by type, id and version. The batches must outlive it. --- */
typedef struct osm3s_batch_order osm3s_batch_order;
osm3s_batch_order *osm3s_batch_order_new(void);
void osm3s_batch_order_free(osm3s_batch_order *);
int osm3s_batch_order_add(osm3s_batch_order *, const osm3s_batch *);
/* After the last add: 1 if they were in order already, 0 if they are now. Stable. */
int osm3s_batch_order_sort(osm3s_batch_order *);
/* The next elements, at most so many, into a batch (replacing what it held): 1, or 0 if there are none left. */
int osm3s_batch_order_next(osm3s_batch_order *, osm3s_batch *into, uint32_t most);

/* --- pbf.c: one decompressed PrimitiveBlock -> elements appended to a batch. Format: OSM wiki "PBF Format". --- */
int osm3s_pbf_decode_block(const uint8_t *data, size_t len, osm3s_batch *into);

/* --- pbf_header.c: the other messages of a PBF file. Pointers and offsets refer to the message passed in. --- */
typedef struct {
    int32_t has_bbox, has_history; /* has_history: elements occur in several versions, deleted ones included */
    osm3s_bbox bbox;
    int64_t replication_timestamp; /* seconds; 0: not stated */
    int64_t replication_sequence;  /* -1: not stated */
    const char *replication_url, *writing_program;
    size_t replication_url_len, writing_program_len;
} osm3s_pbf_header;

/* A HeaderBlock. OSM3S_INPUT names a required feature that is not supported. */
int osm3s_pbf_decode_header(const uint8_t *data, size_t len, osm3s_pbf_header *out);

enum { OSM3S_BLOB_HEADER_MAX = 65536, OSM3S_BLOB_MAX = 33554432 };
enum { OSM3S_BLOB_OTHER = 0, OSM3S_BLOB_OSM_HEADER = 1, OSM3S_BLOB_OSM_DATA = 2 };
enum { OSM3S_BLOB_RAW = 0, OSM3S_BLOB_ZLIB = 1, OSM3S_BLOB_ZSTD = 2 };

/* A BlobHeader: what the following blob is, and how many bytes it has. */
int osm3s_pbf_blob_header(const uint8_t *data, size_t len, int *type, uint32_t *blob_len);

/* A Blob: where its content is, how that is compressed and how long it is without compression. */
typedef struct { uint32_t start, len, raw_len; int compression; } osm3s_pbf_blob;
int osm3s_pbf_decode_blob(const uint8_t *data, size_t len, osm3s_pbf_blob *out);

/* --- xml_scan.c: OSM XML or osmChange in UTF-8, piece by piece -> elements appended to batches --- */
typedef struct {
    uint64_t line;       /* where the scanner stands; after an error: where that is */
    int has_root, is_change;
    char timestamp[40];  /* of the data, as the document states it; else "" */
    /* internal: */
    int has_begun, inside, deletes; /* inside: type of the open element, or -1; deletes: open <delete> sections */
    char *open;          /* names of the open XML elements, a 0 after each */
    size_t open_len, open_cap;
    char *resolved;
    size_t resolved_cap;
} osm3s_xml;

osm3s_xml *osm3s_xml_new(void);
void osm3s_xml_free(osm3s_xml *);

enum { OSM3S_XML_FULL = 1 };
/* Scan as much of `data` as is complete; what *consumed leaves over is to be passed again, with more behind it. When the
 * batch has `max_elements` and is complete, stops with OSM3S_XML_FULL. `is_last`: nothing follows; all is consumed then
 * or it is an error. */
int osm3s_xml_scan(osm3s_xml *, const char *data, size_t len, int is_last, uint32_t max_elements, osm3s_batch *into,
                   size_t *consumed);

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

/* --- regex.c, query*.c: query statements --- */
typedef struct osm3s_regex osm3s_regex;
/* Make a regular expression; *out is to be freed whatever is returned: OSM3S_REGEX if the pattern does not compile,
 * OSM3S_TIMEOUT or OSM3S_NOMEM if that takes too much. `size` is the number of characters and operators with all
 * repetitions written out; 0: too many, or unknown, so that the pattern is to be kept in a process of its own. The
 * context (NULL: no limits) must outlive it. */
int osm3s_regex_new(const char *pattern, int ignore_case, uint32_t size, osm3s_context *, osm3s_regex **out);
void osm3s_regex_free(osm3s_regex *);
/* 0, 1, or an error, also when time is up. */
int osm3s_regex_matches(osm3s_regex *, const char *text, size_t len);
/* Regular expressions see UTF-8: once per process. */
void osm3s_set_locale(void);

/* --- process.c --- */
/* The signal comes when the thread that forked this process ends. */
int osm3s_signal_when_parent_ends(int signal);

/* fork(2) without what Python does after it: for a process that only ever had one thread. -1: errno tells why. */
int osm3s_fork(void);
/* From now on SIGIO ends this process when the other side closes or sends. OSM3S_IO: it has done so already. */
int osm3s_end_when_closed(int connection);
/* Send at most 64 bytes every so often, by a signal (SIGRTMIN) and without a thread; only the latest message. */
int osm3s_repeat_message(int connection, const uint8_t *bytes, size_t n, uint32_t every_ms);
int osm3s_repeat_no_more(void);
/* Which query this process runs; 0: none. SIGTERM sent by osm3s_end_query ends it if that query is meant, others do. */
int osm3s_query_runs(int query);
int osm3s_end_query(int pid, int query); /* -1: errno tells why */

/* --- lane.c --- */
/* take, give: non-blocking ends of a pipe of tokens; `place` shows `waits` or `holds` once a query has used `cpu_ms`. */
void osm3s_lane_enter(int take, int give, uint8_t *place, uint8_t waits, uint8_t holds, uint32_t cpu_ms);
/* A query begins; it waits for a token until its deadline (CLOCK_MONOTONIC) at most. No effect before lane_enter. */
int osm3s_lane_arm(uint64_t deadline_ns);
/* To the slow lane at once. Returns 0 if the deadline has passed without a token. */
int osm3s_lane_change(void);
int osm3s_lane_leave(void); /* The query has ended. Returns 1 if it was slow: this process, now of low priority, should end. */

enum { OSM3S_TAG_HAS_KEY, OSM3S_TAG_EQUALS, OSM3S_TAG_MATCHES, OSM3S_TAG_KEY_MATCHES };
typedef struct {
    int kind, negate;
    const char *key; size_t key_len;
    const char *value; size_t value_len;
    osm3s_regex *key_regex, *value_regex;
} osm3s_tag_filter;

/* All conditions must hold. newer_than 0 and n_uids 0: no such condition; else metadata must be attached. */
typedef struct {
    const osm3s_tag_filter *tags; size_t n_tags;
    const osm3s_bbox *boxes; size_t n_boxes;
    struct poly **polys; size_t n_polys;
    struct around **arounds; size_t n_arounds;
    struct area_index **areas; size_t n_areas;
    const osm3s_rows **within; size_t n_within; /* the id must be in each of these */
    uint32_t newer_than;
    const int32_t *uids; size_t n_uids;
    int members_only; /* tested as members of relations: being on the border of a polygon or area does not count */
    int closed_only;  /* of the ways, only closed ones */
} osm3s_predicate;

/* Numbers of the blocks of a family that meet one of the boxes (n_boxes 0: all); `out` has room for all of them. */
int osm3s_select_blocks(osm3s_snapshot *, int family, const osm3s_bbox *boxes, size_t n_boxes, uint32_t *out, size_t *n);
/* Elements of the blocks that satisfy the predicate, appended to `out` and sorted; `out` NULL: only counted. Relations
 * are tested by their bounding box only. */
int osm3s_query_blocks(osm3s_snapshot *, osm3s_context *, const uint32_t *blocks, size_t n, const osm3s_predicate *,
                       osm3s_rows *out, uint64_t *count);
/* The same for the elements of a set. Nodes must be resolved if tags or metadata matter. */
int osm3s_query_rows(osm3s_snapshot *, osm3s_context *, const osm3s_rows *in, const osm3s_predicate *, osm3s_rows *out);

/* Divide relations by a predicate's places: appended to `inside` are those that lie wholly in them, as the box of their
 * members tells, to `uncertain` those of which it does not tell; the others have no member there. */
int osm3s_relations_inside(osm3s_snapshot *, osm3s_context *, const osm3s_rows *relations, const osm3s_predicate *,
                           osm3s_rows *inside, osm3s_rows *uncertain);
/* How many elements the blocks hold; some of them may be dead. */
uint64_t osm3s_elements_of_blocks(osm3s_snapshot *, const uint32_t *blocks, size_t n);

/* Keep only the blocks whose permanent id is among `ids` (ascending). */
int osm3s_intersect_blocks(osm3s_snapshot *, int type, uint32_t *blocks, size_t *n, const uint32_t *ids, size_t n_ids);
/* Sum up the counts of blocks (permanent ids) that have no delta and are as they were; list the others in `changed`. */
int osm3s_count_unchanged(osm3s_snapshot *, int type, const uint32_t *ids, const uint32_t *counts, size_t n_ids,
                          uint64_t *total, uint32_t *changed, size_t *n);
/* Add the positions of node rows, or the lines of way rows, to what is around. */
int osm3s_around_add_rows(osm3s_snapshot *, struct around *, const osm3s_rows *, int type);

/* Add the closed ways among way rows to areas. */
int osm3s_area_index_add_rows(osm3s_snapshot *, osm3s_context *, struct area_index *, const osm3s_rows *);

/* --- is_in.c: from nodes to what they are in --- */
/* Closed ways of some blocks that contain a node of a set, or have it on their border. */
int osm3s_ways_around_nodes(osm3s_snapshot *, osm3s_context *, const uint32_t *blocks, size_t n_blocks,
                            const osm3s_rows *nodes, osm3s_rows *out);
/* The same for stored areas, of the snapshot of their domain. `plain`: the box of the nodes. */
int osm3s_areas_around_nodes(osm3s_snapshot *, osm3s_context *, osm3s_bbox plain, const osm3s_rows *nodes, osm3s_rows *out);
/* Closed ways of a set, appended to another one. */
int osm3s_closed_ways(osm3s_snapshot *, osm3s_context *, const osm3s_rows *ways, osm3s_rows *out);

/* --- recurse.c: from elements to those they consist of, or that consist of them --- */
typedef struct { const char *text; size_t len; } osm3s_text;
/* Known nodes of ways, as unresolved rows with position. positions: 1-based, negative from the end; n 0: all. */
int osm3s_nodes_of_ways(osm3s_snapshot *, osm3s_context *, const osm3s_rows *ways, const int32_t *positions, size_t n,
                        osm3s_rows *out);
/* Ids of the members of relations that have one type, as unresolved rows without position. role NULL: any. */
int osm3s_members_of(osm3s_snapshot *, osm3s_context *, const osm3s_rows *relations, int type, const osm3s_text *role,
                     osm3s_rows *out);
/* Ways of the given blocks that have a node of a set [at one of the positions]. */
int osm3s_ways_of_nodes(osm3s_snapshot *, osm3s_context *, const uint32_t *blocks, size_t n_blocks,
                        const osm3s_rows *nodes, const int32_t *positions, size_t n, osm3s_rows *out);
/* Append the members that are nodes and those that are ways, unresolved, in the order in which they come. */
int osm3s_nodes_and_ways_of(osm3s_snapshot *, osm3s_context *, const osm3s_rows *in, osm3s_rows *nodes, osm3s_rows *ways);
/* Relations of a set that have a member in one of the three row lists (NULL: no such) [with the role]. */
int osm3s_relations_with(osm3s_snapshot *, osm3s_context *, const osm3s_rows *relations, const osm3s_rows *nodes,
                         const osm3s_rows *ways, const osm3s_rows *members, const osm3s_text *role, osm3s_rows *out);
/* Box over the positions of node rows, over the boxes of way rows. */
int osm3s_rows_bbox(osm3s_snapshot *, const osm3s_rows *, int type, osm3s_bbox *out);
/* How many ways of the set have a node (count_links: how many way pieces meet there) -> nodes with lower..upper. */
int osm3s_nodes_by_way_count(osm3s_snapshot *, osm3s_context *, const osm3s_rows *ways, int count_links, uint64_t lower,
                             uint64_t upper, osm3s_rows *out);

/* --- versions.c: elements over time. Rows are versions here: unsorted, several of one id, deletions among them. The
 * attics of the blocks must be attached as a whole. --- */

typedef struct { uint64_t id; uint32_t since, until; osm3s_meta meta; } osm3s_version;
/* Versions that began after `since`, up to `until`. */
int osm3s_versions_begun(osm3s_snapshot *, osm3s_context *, const uint32_t *blocks, size_t n, uint32_t since,
                         uint32_t until, osm3s_rows *out);
/* The same by a changelog's rows of a type, `len` bytes. `unsure` gets the elements that had several versions in its
 * commit, of which one that is not the last may have begun then. Unresolved, in order. */
int osm3s_changelog_begun(const uint8_t *changelog, size_t len, int type, uint32_t since, uint32_t until,
                          osm3s_rows *begun, osm3s_rows *unsure);
/* All versions of some elements (sorted rows). */
int osm3s_versions_of(osm3s_snapshot *, osm3s_context *, const uint32_t *blocks, size_t n, const osm3s_rows *ids,
                      osm3s_rows *out);
/* Versions by users; metadata must be attached. */
int osm3s_versions_by(osm3s_snapshot *, osm3s_context *, const uint32_t *blocks, size_t n, const int32_t *uids,
                      size_t n_uids, osm3s_rows *out);
/* One for each; metadata must be attached. */
int osm3s_versions_describe(osm3s_snapshot *, const osm3s_rows *versions, osm3s_version *out);
/* The elements that got another place after `since`, up to `until`, or went, or came back; all their versions must be
 * there. Sorted, unresolved. */
int osm3s_versions_moved(osm3s_snapshot *, const osm3s_rows *versions, uint32_t since, uint32_t until, osm3s_rows *out);
/* The elements, sorted, unresolved. */
int osm3s_versions_ids(const osm3s_rows *versions, osm3s_rows *out);
/* A number for each that tells places from each other; with `with_version` versions, too. */
int osm3s_versions_places(osm3s_snapshot *, const osm3s_row *rows, size_t n, int with_version, uint64_t *out);
/* Numbers of the rows of each id, two by two, or OSM3S_UNRESOLVED; not of equal rows but in `moved`. Returns how many. */
size_t osm3s_rows_pairs(const osm3s_rows *old, const osm3s_rows *new_, const osm3s_rows *moved, uint32_t *out);
/* Keep only versions that were valid at some time after `since`, up to `until`. */
int osm3s_versions_valid(osm3s_snapshot *, osm3s_rows *versions, uint32_t since, uint32_t until);

/* --- row.c: what is known of rows, column by column. Unresolved rows have nothing but id and position. --- */
enum { OSM3S_NUMBER_OF_TAGS, OSM3S_HAS_KEY, OSM3S_NUMBER_OF_REFS, OSM3S_IS_CLOSED, OSM3S_VERSION, OSM3S_TIMESTAMP,
       OSM3S_CHANGESET, OSM3S_UID };
/* One number per row. `key` is for OSM3S_HAS_KEY alone; metadata must be attached. */
int osm3s_rows_numbers(osm3s_snapshot *, const osm3s_row *rows, size_t n, int kind, const osm3s_text *key, int64_t *out);
int osm3s_ways_lengths(osm3s_snapshot *, const osm3s_row *rows, size_t n, double *out_m);
/* Positions of nodes, centres of the bounds of ways: pairs lat, lon in degrees; NaN if not known. */
int osm3s_rows_centers(osm3s_snapshot *, const osm3s_row *rows, size_t n, int type, double *lat_lon);

/* Items that belong to rows: those of row i are start[i] to start[i + 1]. Each call sets some of the arrays. */
typedef struct {
    size_t n_items, n_texts;
    uint32_t *start;
    int64_t *ref;
    double *lat_lon;             /* pairs, in degrees; NaN if not known */
    uint8_t *type;
    uint32_t *text, *value;      /* numbers of texts */
    uint32_t *text_start;        /* n_texts + 1 offsets into bytes; text 0 is "" */
    char *bytes;
} osm3s_lists;

osm3s_lists *osm3s_lists_new(void);
void osm3s_lists_free(osm3s_lists *);
/* The value of one key, an item per row: text. */
int osm3s_rows_values(osm3s_snapshot *, const osm3s_row *rows, size_t n, const osm3s_text *key, osm3s_lists *);
/* All tags: text (the key) and value. */
int osm3s_rows_tags(osm3s_snapshot *, const osm3s_row *rows, size_t n, osm3s_lists *);
/* The nodes of ways: ref and lat_lon. */
int osm3s_ways_nodes(osm3s_snapshot *, const osm3s_row *rows, size_t n, osm3s_lists *);
/* The members of relations: ref, type, and text, which is the role. */
int osm3s_relations_members(osm3s_snapshot *, const osm3s_row *rows, size_t n, osm3s_lists *);
/* Append the rows whose byte in `keep` is not 0. */
int osm3s_rows_keep(const osm3s_row *rows, size_t n, const char *keep, osm3s_rows *out);
/* Append some rows. */
int osm3s_rows_pick(const osm3s_row *rows, const uint32_t *indexes, size_t n, osm3s_rows *out);

/* --- lookup.c: unresolved rows (sorted by id) -> their place, by pages of the id map --- */
/* The numbers of the next pages of the id map that rows from `from` on are in, *n up to `most`; returns the end of these
 * rows. */
size_t osm3s_rows_pages(const osm3s_rows *, size_t from, uint64_t *pages, size_t most, size_t *n);
/* Note the permanent block ids of rows [from, to) in their `block`. `data`: their pages one after the other, of these
 * lengths (0: there is no such page, so they do not exist). */
int osm3s_rows_note_blocks(osm3s_rows *, size_t from, size_t to, const uint8_t *data, const size_t *lengths);
/* Turn noted block ids into places; rows that do not exist are dropped. */
int osm3s_rows_locate(osm3s_snapshot *, int type, osm3s_rows *);
/* Distinct blocks of resolved rows, ascending; `out` has room for min(rows, blocks). */
int osm3s_rows_blocks(osm3s_snapshot *, const osm3s_rows *, uint32_t *out, size_t *n);
/* Distinct user ids of resolved rows with attached metadata, ascending; `out` has room for rows->n. */
int osm3s_rows_uids(osm3s_snapshot *, const osm3s_rows *, int32_t *out, size_t *n);

/* --- import.c: elements sorted by type and id -> blocks and index pages --- */
typedef struct { const uint8_t *data; size_t len; } osm3s_bytes;
typedef struct osm3s_import osm3s_import;
/* `folder` holds temporary files; an arena of arena_len bytes is sorted at a time. `times`: see osm3s_block_keep_times. */
osm3s_import *osm3s_import_new(const char *folder, uint64_t arena_len, int times);
void osm3s_import_free(osm3s_import *);
int osm3s_import_add(osm3s_import *, const osm3s_batch *);
int osm3s_import_end_of_input(osm3s_import *);
/* Nodes, ways, relations taken in; ways and relations count when their blocks are made. */
void osm3s_import_counts(const osm3s_import *, uint64_t counts[3]);
/* The next block of a family: 1, or 0 when there is none left. Families in the order of their numbers. */
int osm3s_import_next_block(osm3s_import *, int family, osm3s_block *out, uint64_t *order_key, uint32_t *id);
/* After all blocks: the next page of the index: 1, or 0 when there is none left. */
int osm3s_import_next_page(osm3s_import *, osm3s_bytes *key, osm3s_bytes *value);

/* --- id_page.c, link_page.c, tag_page.c: pages of the index. Layouts: FORMAT.md --- */
/* Ids of one page (id >> 12 == page_number), ascending -> their permanent block ids, OSM3S_UNRESOLVED if absent. */
int osm3s_id_page_lookup(const uint8_t *page, size_t len, uint64_t page_number, const uint64_t *ids, size_t n,
                         uint32_t *block_ids);
/* Rewrite a page (len 0: a new one) with new block ids for some ids; *out_len is 0 if nothing is left in it. */
int osm3s_id_page_update(const uint8_t *page, size_t len, const uint64_t *ids, const uint32_t *block_ids, size_t n,
                         uint8_t *out, size_t out_cap, size_t *out_len);
/* Append the owners of the members from row *from on that the page covers, as unresolved unsorted rows; *from moves
 * behind those members. */
int osm3s_link_page_owners(const uint8_t *page, size_t len, const osm3s_rows *members, size_t *from, osm3s_rows *owners);
/* The same for kinds whose owners are blocks: rows with the id of the member, and the owner as `block`. */
int osm3s_link_page_blocks(const uint8_t *page, size_t len, const osm3s_rows *members, size_t *from, osm3s_rows *links);
/* Rewrite a page: add links, or remove those whose added flag is 0. *out is malloc'ed (osm3s_free); *out_len is 0 if
 * nothing is left. */
int osm3s_link_page_update(const uint8_t *page, size_t len, const uint64_t *members, const uint64_t *owners,
                           const uint8_t *added, size_t n, uint8_t **out, size_t *out_len);
int osm3s_link_page_last(const uint8_t *page, size_t len, uint64_t *member);
/* Step through the entries of a tag page: 1, or 0 at the end. Start with *at = 0. */
int osm3s_tag_page_next(const uint8_t *page, size_t len, size_t *at, osm3s_bytes *key, osm3s_bytes *value);
/* Look for one entry: 1 and its value; 0: it does not exist; 2: it is behind the end of this page. */
int osm3s_tag_page_find(const uint8_t *page, size_t len, const uint8_t *wanted, size_t wanted_len, osm3s_bytes *value);
/* Mark (one byte per permanent block id, n_blocks of them) the blocks of all entries that start with `prefix` and whose
 * rest matches. 1: go on with the next page; 0: the entries of the prefix end here. */
int osm3s_tag_page_mark_matching(const uint8_t *page, size_t len, const uint8_t *prefix, size_t prefix_len,
                                 struct osm3s_regex *, uint8_t *marks, size_t n_blocks);
/* Decode an entry's value: blocks (permanent ids, ascending) and how many of their elements have it. Stores at most cap
 * of them; *n is their number. */
int osm3s_tag_blocks(const uint8_t *value, size_t len, uint64_t *total, uint32_t *block_ids, uint32_t *counts, size_t cap,
                     size_t *n);
void osm3s_free(void *);
void osm3s_keep_freed_memory(void); /* up to some megabytes, for a writer, that fills buffers of a size again and again */

/* --- out_sink.c: where an answer goes --- */
typedef struct osm3s_sink osm3s_sink;
/* fd -1: keep the answer in memory. The descriptor stays the caller's; SIGPIPE must be ignored. */
osm3s_sink *osm3s_sink_new(int fd);
void osm3s_sink_free(osm3s_sink *);
int osm3s_sink_write(osm3s_sink *, const char *bytes, size_t len);
/* OSM3S_CANCELLED if the client has gone. An error of a sink stays: every later call returns it. */
int osm3s_sink_flush(osm3s_sink *);
/* What is written next is the body of an HTTP response. `head` has all lines but those that tell the length; they are
 * added once it is known. Chunks are sent only if `may_chunk`. Must come before anything is written. */
int osm3s_sink_frame_http(osm3s_sink *, const char *head, size_t len, int may_chunk);
/* Flush, and end the body of a response. The last call to a sink. */
int osm3s_sink_finish(osm3s_sink *);
/* What a memory sink holds; valid until the next call with this sink. */
const char *osm3s_sink_data(const osm3s_sink *, size_t *len);
/* All bytes written so far, flushed or not. */
uint64_t osm3s_sink_bytes(const osm3s_sink *);
/* Announce an element: writes the separator unless it is the first one. */
int osm3s_sink_next_element(osm3s_sink *, const char *separator, size_t len);
uint64_t osm3s_sink_elements(const osm3s_sink *);

/* --- out_rows.c: printing elements --- */
enum { OSM3S_XML = 0, OSM3S_JSON = 1, OSM3S_CSV = 2 };
enum { OSM3S_OUT_IDS = 1, OSM3S_OUT_COORDS = 2, OSM3S_OUT_REFS = 4, OSM3S_OUT_TAGS = 8, OSM3S_OUT_META = 16 };
enum { OSM3S_GEOMETRY_NONE = 0, OSM3S_GEOMETRY_FULL = 1, OSM3S_GEOMETRY_BOUNDS = 2, OSM3S_GEOMETRY_CENTER = 3 };
enum { OSM3S_FIELD_TAG, OSM3S_FIELD_ID, OSM3S_FIELD_TYPE, OSM3S_FIELD_OTYPE, OSM3S_FIELD_LAT, OSM3S_FIELD_LON,
       OSM3S_FIELD_VERSION, OSM3S_FIELD_TIMESTAMP, OSM3S_FIELD_CHANGESET, OSM3S_FIELD_UID, OSM3S_FIELD_USER,
       OSM3S_FIELD_EMPTY };

typedef struct {
    size_t n;
    const int32_t *uid;     /* ascending */
    const uint32_t *start;  /* n + 1 offsets into bytes */
    const char *bytes;
} osm3s_users;

typedef struct {
    int kind;               /* OSM3S_FIELD_... */
    const char *key;        /* OSM3S_FIELD_TAG only */
    size_t key_len;
} osm3s_csv_field;

typedef struct {
    int format;             /* OSM3S_XML ... */
    uint32_t detail;        /* OSM3S_OUT_... */
    int geometry;           /* OSM3S_GEOMETRY_... */
    int clipped;            /* whether only what lies in `clip` gets coordinates; clip.west > clip.east is allowed */
    osm3s_bbox clip;
    int rounds_centers;          /* centres are positions, halves rounded up, as the reference has them in differences */
    const osm3s_users *users;    /* may be NULL */
    const osm3s_set *members;    /* of relations: nodes with position, ways resolved; NULL: stored bounds will do */
    const osm3s_csv_field *fields;
    size_t n_fields;
    const char *separator;
    size_t separator_len;
} osm3s_out_options;

/* Are the bounds of relations those in their blocks? Not at a time in the past or if superseded, nor beyond 180 degrees. */
int osm3s_bounds_are_stored(osm3s_snapshot *, const osm3s_rows *relations, int *all);
/* Print rows of one type in the given order, areas without geometry. Tags and metadata of unresolved rows are missing. With
 * OSM3S_OUT_META, elements of blocks without a meta frame get zeros: leave it out if the database has no metadata. */
int osm3s_out_rows(osm3s_snapshot *, osm3s_context *, const osm3s_row *rows, size_t n, int type,
                   const osm3s_out_options *, osm3s_sink *);

/* --- out_actions.c --- */
typedef struct { const osm3s_row *rows; const osm3s_out_options *options; } osm3s_result;
/* Print what two results (rows of one type) differ in, as actions in XML. `pairs`: numbers of the rows, two by two, or
 * OSM3S_UNRESOLVED where an element is in one result alone; `beside`, as many: the XML element to be shown for the one that
 * is not in a result, no data: none. */
int osm3s_out_actions(osm3s_snapshot *, osm3s_context *, int type, const osm3s_result *old, const osm3s_result *new_,
                      const uint32_t *pairs, const osm3s_bytes *beside, size_t n, osm3s_sink *);

/* --- out_order.c --- */
/* The rows in the reference's quadtile order, then by id, into out (room for rows->n). At a time in the past what is there
 * now comes before what was, as in the reference. */
int osm3s_order_quadtile(osm3s_snapshot *, osm3s_context *, const osm3s_rows *rows, int type, osm3s_row *out);
/* The reference's quadtile indexes of n rows, into out. */
int osm3s_quads(osm3s_snapshot *, const osm3s_row *rows, size_t n, int type, uint32_t *out);

/* --- geom_*.c: geometry. Ways are n pairs lat, lon; lat OSM3S_NO_COORD: not known. See native/geom.h. --- */
uint64_t osm3s_morton_of_position(int32_t lat, int32_t lon);
void osm3s_position_of_morton(uint64_t morton, int32_t *lat, int32_t *lon);
uint32_t osm3s_quad_of_position(int32_t lat, int32_t lon);
uint32_t osm3s_quad_of_bbox(osm3s_bbox plain);
uint32_t osm3s_quad_of_members(const uint32_t *quads, size_t n);
uint32_t osm3s_quad_order(uint32_t quad);

int32_t osm3s_e7_of_lat(double lat);
int32_t osm3s_e7_of_lon(double lon);
int osm3s_bbox_contains(osm3s_bbox box, int32_t lat, int32_t lon);
int osm3s_bbox_meets(osm3s_bbox a, osm3s_bbox b);
int osm3s_bbox_covers(osm3s_bbox outer, osm3s_bbox inner_plain);
int osm3s_way_meets_bbox(const int32_t *lat_lon, size_t n, osm3s_bbox box);
int osm3s_bbox_of_way(const int32_t *lat_lon, size_t n, osm3s_bbox *out);
int osm3s_bounds_of_way(const int32_t *lat_lon, size_t n, osm3s_bbox *out);
osm3s_bbox osm3s_bounds_of_members(const osm3s_bbox *bounds, size_t n);
void osm3s_center_of_bounds(osm3s_bbox bounds, double *lat, double *lon); /* degrees */

double osm3s_distance_m(double lat_a, double lon_a, double lat_b, double lon_b); /* degrees */
double osm3s_length_m(const int32_t *lat_lon, size_t n); /* negative: OSM3S_NOMEM */

/* Corners of the convex hull of at least two different positions (degrees, sorted by longitude, then latitude), as
 * indexes; `out` has room for n. */
int osm3s_hull(osm3s_context *, const double *lat_lon, size_t n, uint32_t *out, size_t *n_out);

/* A polygon of one ring, vertices in degrees; NULL: no memory. */
typedef struct poly osm3s_poly;
enum { OSM3S_OUTSIDE = 0, OSM3S_BORDER = 1, OSM3S_INSIDE = 2 };
osm3s_poly *osm3s_poly_new(const double *lat_lon, size_t n);
void osm3s_poly_free(osm3s_poly *);
int osm3s_poly_locate(const osm3s_poly *, int32_t lat, int32_t lon);
int osm3s_poly_meets_way(const osm3s_poly *, const int32_t *lat_lon, size_t n, int border);
int osm3s_poly_classify(const osm3s_poly *, osm3s_bbox plain); /* OSM3S_BORDER: not decided */
osm3s_bbox osm3s_poly_bbox(const osm3s_poly *);

/* Add areas, prepare, test. Lines of an area: together closed rings, in any order and direction; even-odd. */
typedef struct area_index osm3s_area_index;
osm3s_area_index *osm3s_area_index_new(osm3s_context *);
uint64_t osm3s_area_index_bytes(const osm3s_area_index *);
void osm3s_area_index_free(osm3s_area_index *);
int osm3s_area_index_add_lines(osm3s_area_index *, const int32_t *lat_lon, const uint32_t *line_sizes, size_t n_lines);
int osm3s_area_index_add_way(osm3s_area_index *, const int32_t *lat_lon, size_t n);
int osm3s_area_index_prepare(osm3s_area_index *);
int osm3s_area_index_contain(const osm3s_area_index *, int32_t lat, int32_t lon, int border);
int osm3s_area_index_meet_way(const osm3s_area_index *, const int32_t *lat_lon, size_t n);
int osm3s_area_index_classify(const osm3s_area_index *, osm3s_bbox plain);
osm3s_bbox osm3s_area_index_bbox(const osm3s_area_index *);

/* Add points and lines (in degrees) and ways, prepare, test. */
typedef struct around osm3s_around;
osm3s_around *osm3s_around_new(double radius_m);
void osm3s_around_free(osm3s_around *);
int osm3s_around_add_line(osm3s_around *, const double *lat_lon, size_t n);
int osm3s_around_add_way(osm3s_around *, const int32_t *lat_lon, size_t n);
int osm3s_around_prepare(osm3s_around *);
int osm3s_around_contains(const osm3s_around *, int32_t lat, int32_t lon);
int osm3s_around_meets_way(const osm3s_around *, const int32_t *lat_lon, size_t n);
int osm3s_around_may_meet(const osm3s_around *, osm3s_bbox plain);
/* Up to `room` of the *n boxes that hold every position in range. */
int osm3s_around_boxes(const osm3s_around *, osm3s_bbox *out, size_t room, size_t *n);
/* --- update*.c: one transaction of changes to elements. Order of calls: new, add ..., begin, then stage by stage; in
 * between, the caller answers what the stage asks of the index, as long as there is a question (1; 0: no more):
 *   begin                  asks pages of the id map (all types)
 *   locate (each type)     with history: asks owners of kind 4 + type, before note_known, and metadata frames
 *   nodes                  asks owners of kind 3
 *   ask_for_owners(way)    asks pages of ways
 *   find_ways              asks pages of nodes, then metadata frames
 *   ways                   asks owners of kinds 0 and 1
 *   ask_for_owners(relation)     asks pages of relations
 *   find_relations         asks pages of nodes and ways, then metadata frames
 *   relations, plan        ask metadata frames
 *   next_group ...         says what is to be written; with history the caller then attaches the parts of the attic to be
 *                          merged and calls merge_attic; then
 *   next_block ...         hands out the blocks of the group, and after each of them
 *   next_attic ...         the parts of its attic
 *   seal                   then the edits of pages of the index: edits_X names a page, edit_X takes it, next_page ...
 *                          hands out what takes its place
 * The snapshot and the batches must outlive the update. --- */

typedef struct osm3s_update osm3s_update;
osm3s_update *osm3s_update_new(osm3s_snapshot *, int level, const uint32_t next_block_id[3], uint32_t next_serial);
void osm3s_update_free(osm3s_update *);
/* Before anything is added: the refs of ways are no node ids but positions (osm3s_ref_of_position), which are stored as
 * they are, with 0 as id of each node. For databases without nodes. */
void osm3s_update_with_positions(osm3s_update *);
/* Elements of any order: of several with one id the last of the highest version counts; with history those of lower
 * versions are superseded ones if their timestamps ascend. */
int osm3s_update_add(osm3s_update *, const osm3s_batch *);
/* Ask for at most so many blocks to be made anew whose delta has more than 2 KiB and a fifth of its base; returns how
 * many there are. For an update without elements. */
uint32_t osm3s_update_rewrite_due(osm3s_update *, uint32_t most);
int osm3s_update_begin(osm3s_update *);
int osm3s_update_next_user(osm3s_update *, int32_t *uid, osm3s_bytes *name);
int osm3s_update_locate(osm3s_update *, int type);
/* The owners asked of kind 4 + type have been answered. */
int osm3s_update_note_known(osm3s_update *, int type);
int osm3s_update_nodes(osm3s_update *);
int osm3s_update_ask_for_owners(osm3s_update *, int type);
int osm3s_update_find_ways(osm3s_update *);
int osm3s_update_ways(osm3s_update *);
int osm3s_update_find_relations(osm3s_update *);
int osm3s_update_relations(osm3s_update *);
int osm3s_update_plan(osm3s_update *);

int osm3s_update_asks_page(osm3s_update *, int type, uint64_t *page);
/* len 0: there is no such page. */
int osm3s_update_answer_page(osm3s_update *, int type, const uint8_t *page, size_t len);
int osm3s_update_asks_owners(osm3s_update *, int kind, uint64_t *member);
/* The page in which `member` would be; len 0: there is none behind it. */
int osm3s_update_answer_owners(osm3s_update *, int kind, const uint8_t *page, size_t len);
/* A metadata frame to decompress and attach to the snapshot. */
int osm3s_update_asks_meta(osm3s_update *, uint32_t *block, int *delta, const uint8_t **frame, uint32_t *len);

/* A block to be written; the bytes stay valid until the next call. */
typedef struct {
    int32_t family, is_base;    /* is_base: the whole block, which has no delta then; else its delta */
    uint32_t block, id;         /* number in the snapshot (OSM3S_UNRESOLVED: new), permanent number */
    uint64_t order_key;
    osm3s_block parts;
    const uint16_t *dead;
    uint32_t n_dead, newest;
    osm3s_bbox bbox;            /* over base and delta */
} osm3s_built_block;
int osm3s_update_next_block(osm3s_update *, osm3s_built_block *out);

/* A block to be changed. */
typedef struct {
    int32_t family, is_cut;     /* is_cut: into several; all of its attic is distributed anew */
    uint32_t block, id;         /* number in the snapshot (OSM3S_UNRESOLVED: new), permanent number */
    uint32_t n_superseded;      /* new superseded versions */
    uint64_t superseded_len;    /* bytes of their records */
} osm3s_block_group;
int osm3s_update_next_group(osm3s_update *, osm3s_block_group *out);
/* Parts of the attic from this one on, which are attached, are to be made anew. */
int osm3s_update_merge_attic(osm3s_update *, uint32_t from_part);
/* A new part of the attic of the block handed out last: 1; 0: there is none, or no more. */
int osm3s_update_next_attic(osm3s_update *, osm3s_block *out);

int osm3s_update_seal(osm3s_update *);
int osm3s_update_edits_ids(osm3s_update *, int *type, uint64_t *page);
int osm3s_update_edit_ids(osm3s_update *, const uint8_t *page, size_t len);
/* The page that `member` belongs to, or the last one of its kind (is_last), which takes what lies behind it. */
int osm3s_update_edits_links(osm3s_update *, int *kind, uint64_t *member);
int osm3s_update_edit_links(osm3s_update *, const uint8_t *page, size_t len, int is_last);
/* 1, or 0 if the entry lies behind this page. `serial`: the last four bytes of the page's key; NULL for no page. */
int osm3s_update_edits_tags(osm3s_update *, int *family, osm3s_bytes *entry);
int osm3s_update_edit_tags(osm3s_update *, const uint8_t *page, size_t len, const uint8_t *serial, int is_last);
int osm3s_update_next_page(osm3s_update *, osm3s_bytes *key, osm3s_bytes *value);

enum { OSM3S_CREATED = 1, OSM3S_MODIFIED = 2, OSM3S_DELETED = 3, OSM3S_CHANGED_IMPLICITLY = 4 };
typedef struct {                /* a row of the changelog, stored as it is here: 48 bytes, little-endian */
    uint64_t id;
    osm3s_bbox old_box, new_box; /* south > north: none */
    uint8_t type, kind, n_begun, reserved; /* level attic: n_begun versions of it began, 2: or more */
    uint32_t since;             /* when the last of these began; else 0 */
} osm3s_changed;
/* At most n_changed rows; returns how many. */
size_t osm3s_update_n_changed(const osm3s_update *);
size_t osm3s_update_changed(const osm3s_update *, osm3s_changed *rows);
/* With history: when the first and the last of the versions began that the update adds; 0: there are none. */
int osm3s_update_begun(const osm3s_update *, uint32_t *first, uint32_t *last);
/* The counters after the update, and by how much the numbers of elements have grown. */
void osm3s_update_numbers(const osm3s_update *, uint32_t next_block_id[3], uint32_t *next_serial, int64_t elements[3]);

/* All live elements of a block as a batch (ways: without coordinates), for tests and tools; metadata must be attached.
 * user stays empty. `places`, if not NULL, gets box and quadtile of each element, and the coordinates of way nodes. */
int osm3s_dump_block(osm3s_snapshot *, uint32_t block, osm3s_batch *into, osm3s_bytes *places);

/* --- area_make.c: outlines of areas from ways. An area is stored as a way without node ids, see FORMAT.md; here it is
 * an element of a batch, for an update with positions. Its id is that of its pivot plus osm3s_area_id's offset. --- */

int64_t osm3s_ref_of_position(int32_t lat, int32_t lon);
uint64_t osm3s_area_id(int pivot_type, uint64_t pivot_id);
/* One area of all the ways (resolved), with the tags of the pivot. Ways with a node that is not among `nodes` (NULL: that
 * is not known) are left out. 1: appended; 0: there is none, because nothing of the outline is known, or because an end
 * is touched an odd number of times: then *odd_node is that node, else 0. */
int osm3s_area_make(osm3s_snapshot *, osm3s_context *, const osm3s_row *pivot, int pivot_type, const osm3s_rows *ways,
                    const osm3s_rows *nodes, osm3s_batch *into, int64_t *odd_node);
/* An area for each relation, of those of its members that are among `ways` (resolved, sorted). Relations with an end
 * that is touched an odd number of times are appended to `broken` instead; without any outline they have no area. */
int osm3s_areas_of_relations(osm3s_snapshot *, osm3s_context *, const osm3s_rows *relations, const osm3s_rows *ways,
                             osm3s_batch *into, osm3s_rows *broken);

/* --- area_view.c: stored areas. Rows are those of ways in the snapshot of the areas. --- */
/* The areas whose box meets a plain box, as rows sorted by id. */
int osm3s_areas_meeting(osm3s_snapshot *, osm3s_bbox plain, osm3s_rows *out);
/* All of them. */
int osm3s_areas_all(osm3s_snapshot *, osm3s_rows *out);
int osm3s_areas_boxes(osm3s_snapshot *, const osm3s_row *rows, size_t n, osm3s_bbox *out);
/* The lines that an area is bounded by, one after the other: sizes[i] points each, at least two. Even-odd; a segment
 * between longitudes more than 180 degrees apart crosses the antimeridian. */
typedef struct { size_t n_points, n_lines; int32_t *lat_lon; uint32_t *sizes; } osm3s_outline;
osm3s_outline *osm3s_area_outline(osm3s_snapshot *, const osm3s_row *);
void osm3s_outline_free(osm3s_outline *);

/* --- check*.c: is a database what FORMAT.md says? Order of calls: new; for each type: id_page ..., ids_end, block ...
 * (all blocks of its families), elements_end; then link_page ..., links_end; tag_page ..., tags_end. What is wrong comes
 * as lines from `problems`; the functions return an error only if the check itself cannot go on. Takes about 20 bytes per
 * element. --- */

typedef struct osm3s_check osm3s_check;
/* The snapshot must outlive the check. */
osm3s_check *osm3s_check_new(osm3s_snapshot *, int with_meta);
void osm3s_check_free(osm3s_check *);
/* Before anything else: ways are areas, whose nodes have the id 0. */
void osm3s_check_with_positions(osm3s_check *);
/* Lines, each ended by \n, found since the last call; valid until the next call of any of these functions. */
osm3s_bytes osm3s_check_problems(osm3s_check *);
/* Pages of the id map of a type, in their order. */
int osm3s_check_id_page(osm3s_check *, int type, uint64_t page_number, const uint8_t *page, size_t len);
int osm3s_check_ids_end(osm3s_check *, int type);
/* One block with its decompressed meta frames (len 0: none). */
int osm3s_check_block(osm3s_check *, uint32_t block, const uint8_t *meta, size_t meta_len, const uint8_t *delta_meta,
                      size_t delta_meta_len);
/* The attic of a block, of which all parts are attached; after it. */
int osm3s_check_attic(osm3s_check *, uint32_t block);
int osm3s_check_elements_end(osm3s_check *, int type);
/* Pages of links of a kind, in their order, and the member that the page's key names. */
int osm3s_check_link_page(osm3s_check *, int kind, uint64_t key_member, const uint8_t *page, size_t len);
int osm3s_check_links_end(osm3s_check *, int kind);
/* Pages of the tag directory of a family, in their order; `key`: the entry that the page's key names. */
int osm3s_check_tag_page(osm3s_check *, int family, const uint8_t *key, size_t key_len, const uint8_t *page, size_t len);
int osm3s_check_tags_end(osm3s_check *, int family);
/* Elements found, and the users they name (distinct, not sorted). */
void osm3s_check_counts(const osm3s_check *, uint64_t counts[3]);
const int32_t *osm3s_check_uids(const osm3s_check *, size_t *n);

/* Read everything in the bytes of one block and its meta frame (len 0: none): OSM3S_OK, or OSM3S_CORRUPT. Any bytes
 * are allowed; `block` has head_len + body_len of them. */
int osm3s_block_check(const uint8_t *block, size_t head_len, size_t body_len, const uint8_t *meta, size_t meta_len);

/* --- inspect.c: the parts of a block, for tools --- */
typedef struct { uint32_t present, n, width; uint64_t base; } osm3s_column_description;
typedef struct { uint32_t n, n_dead, n_keys, n_pairs, n_roles; osm3s_column_description columns[19]; } osm3s_part;

/* The base (delta 0) or the delta of a block. */
int osm3s_inspect_part(osm3s_snapshot *, uint32_t block, int delta, osm3s_part *out);
/* Pair number `pair` of the dictionary of a part, and how many of its elements have it. */
int osm3s_inspect_pair(osm3s_snapshot *, uint32_t block, int delta, uint32_t pair, osm3s_bytes *key, osm3s_bytes *value,
                       uint64_t *n);

/* --- cffi end --- */
#endif
