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
};

const char *osm3s_last_error(void);

enum { OSM3S_NO_COORD = -2147483647 - 1 };
enum { OSM3S_NODE = 0, OSM3S_WAY = 1, OSM3S_RELATION = 2 };
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

/* --- pbf.c: one decompressed PrimitiveBlock -> elements appended to a batch. Format: OSM wiki "PBF Format". --- */
int osm3s_pbf_decode_block(const uint8_t *data, size_t len, osm3s_batch *into);

/* --- block.c: the codec of element blocks. Layout in native/FORMAT.md. --- */

typedef struct osm3s_block_builder osm3s_block_builder;
typedef struct { const uint8_t *data; size_t len; } osm3s_bytes;

osm3s_block_builder *osm3s_block_builder_new(void);
void osm3s_block_builder_free(osm3s_block_builder *);
void osm3s_block_builder_clear(osm3s_block_builder *);

/* --- snapshot.c: one consistent version of the database, for reading --- */

typedef struct osm3s_snapshot osm3s_snapshot;

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

/* --- context.c: what bounds a running query --- */

typedef struct {
    int64_t deadline_ns;     /* CLOCK_MONOTONIC; 0: none */
    uint64_t max_bytes;      /* estimated size of all sets; 0: unlimited */
    uint64_t used_bytes;
    volatile int cancelled;  /* set from a signal handler or another thread */
    uint32_t countdown;      /* internal: calls until the clock is read again */
} osm3s_context;
/* --- cffi end --- */

#endif
