/* snapshot.h: what snapshot.c and snapshot_attic.c share. */
#ifndef OSM3S_SNAPSHOT_H
#define OSM3S_SNAPSHOT_H

#include "record.h"

typedef struct {
    osm3s_attic_part place;
    uint32_t first_slot;   /* of the block */
    view view;             /* n 0 as long as it is not attached */
} attic_part;

typedef struct {
    view base, delta;      /* base: use snapshot_base, which opens it when it is asked for */
    uint32_t n_base;       /* slots from here on are the delta's, then the attic's */
    uint8_t family;
    uint64_t *dead;        /* bitmap of base slots; NULL if none */
    bool base_opened, body_checked, attic_known;
    attic_part *attic; uint32_t n_attic;
} open_block;

struct osm3s_snapshot {
    struct { const uint8_t *data; size_t len; char path[256]; } file[OSM3S_FILES];
    const osm3s_dir_entry **entries; size_t n_entries, cap_entries;
    void **copies; size_t n_copies, cap_copies; /* of entries that would not have stayed */
    uint32_t first[OSM3S_FAMILIES + 1];
    int family;            /* of the entries being added */
    open_block **opened;
    uint32_t *of_id[3];    /* per element type: permanent id -> block number */
    uint32_t n_of_id[3];
    uint32_t time;         /* that is asked about; 0: now */
};

/* A block, opened; NULL with the error set. */
open_block *snapshot_open(osm3s_snapshot *, uint32_t block);
/* As osm3s_snapshot_block_of_key; *near, the block found last, is tried first. */
uint32_t snapshot_block_near(const osm3s_snapshot *, int family, uint64_t order_key, uint32_t *near);
/* As snapshot_resolve_node; near: the blocks found last, per family of nodes. */
int snapshot_resolve_near(osm3s_snapshot *, osm3s_row *, int tagged_only, uint32_t near[2]);
/* Bytes [offset, offset + len) of a file, or NULL. */
const uint8_t *snapshot_extent(const osm3s_snapshot *, int file, uint64_t offset, uint64_t len);
int snapshot_corrupt_frame(const osm3s_snapshot *, int file, uint64_t offset, const char *frame);

/* The part of an attic that holds a slot. */
uint32_t attic_part_of(const open_block *, uint32_t slot);

#endif
