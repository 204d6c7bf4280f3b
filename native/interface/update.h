/* update.h: one transaction of changes. Conventions: osm3s.h. */
#pragma once

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
