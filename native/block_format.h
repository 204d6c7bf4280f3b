/* block_format.h: what the writer of a block (block_encode.c, block_record.c, block_tags.c) and its reader (block_view.c)
 * agree on. See FORMAT.md.
 * The values are stored in files: never renumber. */
#ifndef OSM3S_BLOCK_FORMAT_H
#define OSM3S_BLOCK_FORMAT_H

#include <stdint.h>

#define BLOCK_MAGIC 0x3142334fu /* "O3B1" */
#define META_MAGIC 0x314d334fu  /* "O3M1" */

typedef struct {
    uint32_t magic;
    uint8_t family, reserved[3];
    uint32_t n;                        /* elements */
    uint32_t n_keys, n_pairs, n_roles;
    uint32_t strings, strings_len;     /* offset from the start of the block, bytes */
    uint32_t columns;                  /* bit c: column c is there */
    uint32_t n_descriptors;            /* number of set bits */
} block_header;

typedef struct {
    uint64_t base;                     /* smallest value; two's complement */
    uint32_t offset;                   /* from the start of the frame */
    uint32_t width;                    /* bytes per entry, 0..8 */
} column_descriptor;

/* The meta frame: header, then five descriptors (version, index per element; timestamp, changeset, uid per triple). */
typedef struct {
    uint32_t magic, n, n_triples, reserved;
} meta_header;

enum { META_VERSION, META_INDEX, META_TIMESTAMP, META_CHANGESET, META_UID, META_COLUMNS };

/* How a record of an attic begins that says what has changed since the version before: nodes of a way have moved (as of a
 * way without nodes, of which some are not known); a stretch of nodes or members is another one (as of an element without
 * any, but longer). An empty record: nothing has. */
enum { RECORD_SPLICED = 0, RECORD_MOVED = 1 };

/* Every frame ends with this many zero bytes, so that the last entry of a column can be read as eight bytes. */
#define FRAME_PADDING 8

#endif
