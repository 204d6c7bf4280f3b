/* update.h: what the files of the write path share. An update holds the elements that one transaction touches, in the
 * old state (a snapshot) and the new one. Interface and order of calls: interface/update.h. */
#ifndef OSM3S_UPDATE_H
#define OSM3S_UPDATE_H

#include "geom.h"
#include "import.h"
#include "record.h"

typedef struct {
    uint64_t id;
    const osm3s_batch *batch;      /* NULL: touched only because something it consists of has changed */
    const osm3s_element *element;
    size_t version; uint32_t n_versions; /* with history: all its new versions, into the update's versions */
    size_t state; uint32_t n_states;     /* what it was from when on, into the update's states; the last one stays */
    uint32_t old_since;            /* with history: since when it has been as it is stored */
    uint32_t n_begun, last_begun;  /* with history: how many of its versions are not stored yet; since when the last one is */
    uint32_t old_block, old_slot;  /* OSM3S_UNRESOLVED: was not there */
    uint32_t block;                /* where it goes; OSM3S_UNRESOLVED: into a block still to be made */
    uint8_t old_family, family;
    bool present;                  /* is there afterwards */
    bool known;                    /* is or was in the database */
    bool moved;                    /* has another position than before, at the end or for some time */
    bool unchanged;                /* stays as it is although something it consists of has changed */
    osm3s_bbox old_box, box;       /* empty: no position known, or not there */
    uint64_t key;
    size_t record, record_len;     /* into the update's records */
} touched;

enum { TOUCHED_BITS = 19 };
/* Sorted by id. `seen` has a bit for each hash of an id in it: most ids that are looked for are not there. */
typedef struct { touched *items; size_t n, cap; uint64_t seen[(1 << TOUCHED_BITS) / 64]; } touched_list;

typedef struct {
    uint64_t *ids; size_t n, cap;              /* ascending once sealed */
    uint32_t *block_ids; size_t cap_block_ids; /* the answers, as far as `at` */
    size_t at;
} question;

typedef struct { const osm3s_batch *batch; const osm3s_element *element; } change;

/* What an element is from a time on, until that of its next state. */
typedef struct { uint32_t since; bool present; osm3s_bbox box; } element_state;

typedef struct { uint64_t id; uint32_t block_id; uint8_t type; } id_change;
typedef struct { uint64_t member, owner; uint8_t kind, added; } link_change;

typedef struct {
    size_t entry; uint32_t entry_len;          /* into tag_text */
    uint32_t block_id, count;
    uint8_t family, removed;
} tag_change;

/* An element that goes into a block, or leaves it (record_len 0). */
typedef struct {
    uint32_t block; uint8_t family;
    uint64_t id, key;
    size_t record, record_len;
    uint32_t since, until;                     /* a superseded version: when it began and ended */
    bool is_merged;                            /* a superseded version that was stored: its record is in attic_records */
    uint32_t old_id;                           /* permanent id of the block it was in, or OSM3S_UNRESOLVED */
} placement;

/* All placements of one block. */
typedef struct {
    uint32_t block; uint8_t family;
    bool rewrite;
    size_t from, to;
    size_t attic_from, attic_to;               /* superseded versions */
} block_group;

/* Links from LINK_HISTORY on: of a node, way, relation to other blocks than its own that hold superseded versions of it,
 * or may; from LINK_FORMER on: to relations that had it as member and have it no longer, or may. */
enum { LINK_ABSENT = 3, LINK_HISTORY = 4, LINK_FORMER = 7, LINK_KINDS = 10 };
/* The families of the tag directory for what only superseded versions have. */
enum { ATTIC_FAMILY = 4 };
enum { META_BASE = 1, META_DELTA = 2 };

struct osm3s_update {
    osm3s_snapshot *s;
    bool with_meta, with_history;
    bool with_positions;                       /* refs of ways are positions, see interface/update.h */
    change *changes; size_t n_changes, cap_changes;
    touched_list of[3];
    change *versions; size_t n_versions, cap_versions;
    element_state *states; size_t n_states, cap_states;
    uint32_t *times; size_t n_times, cap_times;  /* at which an element changes by what it consists of */
    uint32_t first_begun, last_begun;          /* of all versions that are not stored yet; last 0: there is none */
    buffer records;
    question asked[3];                         /* ids whose block is wanted */
    question members[LINK_KINDS];              /* members whose owners are wanted; block_ids unused */
    uint64_t *owners; size_t n_owners, cap_owners;
    /* members of the version linked last as a former one, and of the one in work: id << 2 | type */
    struct member_keys { uint64_t *keys; size_t n, cap; } linked, linking;
    uint64_t linked_owner;
    uint8_t *meta_wanted, *meta_done; size_t meta_at, n_blocks;
    /* blocks */
    uint8_t *rewrite;                          /* per block: asked for */
    placement *placements; size_t n_placements, cap_placements;
    block_group *groups; size_t n_groups, cap_groups, group_at; bool begun, group_done;
    /* superseded versions */
    placement *attic; size_t n_attic, cap_attic;
    placement *old; size_t n_old, cap_old, old_at, old_to; /* of the group in work, in the end of the block in work */
    buffer attic_records; osm3s_block_builder *attic_builder;
    uint32_t merged_from;                      /* parts of the attic of the group's block from here on are made anew */
    uint64_t *live_ids; size_t n_live_ids, cap_live_ids; /* of the block in work, ascending; only when it is cut */
    uint32_t attic_id; uint8_t attic_family; view attic_base, attic_delta;
    placement *pieces; size_t n_pieces, cap_pieces, piece_at; uint32_t n_cuts, cut;
    buffer piece_records;
    osm3s_block_builder *builder;
    buffer record;
    way_nodes nodes;
    members list;
    uint16_t *dead; size_t cap_dead;
    uint32_t next_id[3];
    int64_t delta_elements[3];                 /* created less deleted */
    /* index */
    id_change *id_changes; size_t n_id_changes, cap_id_changes, id_at;
    link_change *link_changes; size_t n_link_changes, cap_link_changes, link_at;
    tag_change *tag_changes; size_t n_tag_changes, cap_tag_changes, tag_at;
    buffer tag_text;
    change *users; size_t n_users, cap_users, user_at;
    uint32_t next_serial;
    struct edited_page { size_t key, key_len, value, value_len; } *pages; size_t n_pages, cap_pages, page_at;
    buffer page_bytes;
};

/* --- update.c --- */

/* By type, id, version. */
int compare_changes(const void *, const void *);
/* Stable: what compares equal keeps its order. */
int changes_sort(change *, size_t n);

/* Index of an id, or -1. */
ptrdiff_t touched_find(const touched_list *, uint64_t id);
/* Append an element; the list is to be merged then, unless it is the largest id. */
int touched_add(touched_list *, touched);
/* Index of an answered id, or -1. */
ptrdiff_t question_find(const question *, uint64_t id);
int question_add(question *, uint64_t id);
/* After the last add: sort, drop duplicates, forget the answers. */
int question_seal(question *);
void question_clear(question *);
/* Append elements that are not touched yet by the answers to asked[type]; blocks that are not there are passed over. */
int touch_asked(osm3s_update *, int type);
/* Sort by id, drop elements that are touched already or twice. */
void touched_merge(touched_list *, size_t n_before);
/* Read where a touched element was: family, box. */
int touched_read_old(osm3s_update *, touched *, int type);
/* Where an element of this key goes; `t` has its old place. */
uint32_t target_block(const osm3s_update *, const touched *t, int family, uint64_t key);
int keep_record(osm3s_update *, touched *, const buffer *);
/* The record of the element of a batch, without metadata if the database keeps none. */
int record_of_change(osm3s_update *, const touched *);
int want_meta(osm3s_update *, uint32_t block, int part);
int add_link_change(osm3s_update *, int kind, uint64_t member, uint64_t owner, bool added);
int add_id_change(osm3s_update *, int type, uint64_t id, uint32_t block_id);

static inline bool same_box(const osm3s_bbox *a, const osm3s_bbox *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static inline osm3s_bbox no_box(void)
{
    return (osm3s_bbox){1, 0, 0, 0};
}

/* --- update_states.c --- */

/* The position of a node at a time of the update, OSM3S_FOREVER: after it; OSM3S_NO_COORD if it has none. Nodes not
 * touched must have been asked for. */
int position_at(osm3s_update *, uint64_t id, uint32_t time, int32_t *lat, int32_t *lon);
/* The box of an element at a time; *present: whether it is there. */
osm3s_bbox box_at(const osm3s_update *, const touched *, uint32_t time, bool *present);
int add_state(osm3s_update *, touched *, uint32_t since, bool present, const osm3s_bbox *box);
/* Whether its place is another one at any time of the update. */
bool place_changes(const osm3s_update *, const touched *);
/* When a version begins, given that history before `old_since` is closed; when it ends. */
uint32_t version_since(const osm3s_update *, const touched *, uint32_t version);
uint32_t version_until(const osm3s_update *, const touched *, uint32_t version);
/* Collect into u->times when the place of an element changes within (from, to); then sort. */
int collect_times(osm3s_update *, const touched *, uint32_t from, uint32_t to);
int sort_times(osm3s_update *);
/* A version of an element is written: count it if it is a new one. */
void note_begun(osm3s_update *, touched *, uint32_t since);
/* The record in u->record as a superseded version. */
int add_superseded(osm3s_update *, touched *, int family, const osm3s_bbox *box, uint32_t since, uint32_t until);
/* That a version of an element was deleted. */
int add_deletion(osm3s_update *, touched *, uint32_t version, int family);
int record_of_version(osm3s_update *, const touched *, uint32_t version);
/* Adds the states that one version of an element has from `since` until `until`; version -1 is the stored one. */
typedef int version_states_fn(osm3s_update *, touched *, int32_t version, uint32_t since, uint32_t until, bool is_last);
/* All that an element is one after the other: its versions, and what each of them becomes as its members move. */
int states_of_versions(osm3s_update *, touched *, int family, version_states_fn *);
/* The record of an element as it is stored. */
int record_of_stored(osm3s_update *, const touched *);

/* --- update_attic.c --- */

/* Look for the superseded versions of the group in work; false: it has none. */
int collect_attic(osm3s_update *, const block_group *);
/* The next block takes those with keys below `end`, or all (is_last). */
int take_attic(osm3s_update *, bool is_last, uint64_t end);

/* --- update_scan.c --- */

/* Touch all ways that contain a node whose old position is known and no longer true. Unsorted. */
int touch_ways_of_moved_nodes(osm3s_update *);

/* --- update_tags.c --- */

/* Note what the new delta of a block changes in the tag directory. */
int tags_of_delta(osm3s_update *, const view *base, const view *old_delta, const view *new_delta, uint32_t block_id);
/* The same for a new base; base and delta of the block before are NULL for a new block. */
int tags_of_base(osm3s_update *, const view *base, const view *old_delta, const view *new_base, uint32_t block_id);
int sort_tag_changes(osm3s_update *);
/* A part of an attic lists what is in none of the other parts of its block. */
int tags_of_attic(osm3s_update *, const view *attic, const view *const *others, size_t n_others, uint32_t block_id);

#endif
