/* check.h: what the files of the check share. Interface and order of calls: interface/check.h. */
#ifndef OSM3S_CHECK_H
#define OSM3S_CHECK_H

#include "geom.h"
#include "import.h"
#include "locations.h"
#include "record.h"

enum { LINK_ABSENT = 3, LINK_HISTORY = 4, LINK_FORMER = 7, LINK_KINDS = 10 }; /* see update.h */
enum { ATTIC_FAMILY = 4 };

typedef struct { owner_link *items; size_t n, cap, at; bool sorted; } link_list;

/* What the tag directory must say of a block and what it does: sums over hashes of entry and count. */
typedef struct {
    uint64_t wanted, found;
    uint32_t n_wanted, n_found;
    bool unknown;              /* the block cannot be read */
} tag_sums;

struct osm3s_check {
    osm3s_snapshot *s;
    bool with_meta, with_positions; /* with_positions: the nodes of ways have no ids */
    locations of[3];           /* rows: the ids of the id map; block: where it says they are */
    uint64_t *seen[3];         /* bit per row: found in a block */
    osm3s_bbox *way_boxes;     /* per row of the ways */
    link_list links[LINK_KINDS];
    tag_sums *tags;            /* per block of the snapshot */
    link_list attic_tags[OSM3S_FAMILIES], attic_found; /* hash of an entry -> block: wanted, listed */
    buffer last_entry;         /* of the tag directory */
    uint64_t counts[3];
    int32_t *uids; size_t n_uids, cap_uids;
    uint32_t *uid_table; size_t uid_table_len;
    way_nodes nodes;
    members members;
    buffer lines;
    bool lines_read;
};

/* Add a line to the problems; OSM3S_OK, or OSM3S_NOMEM. */
int check_report(osm3s_check *, const char *format, ...) __attribute__((format(printf, 2, 3)));
int check_note_link(osm3s_check *, int kind, uint64_t member, uint64_t owner);
/* An entry of the tag directory for superseded versions. */
int check_attic_entry(osm3s_check *, int family, const tag_entry *);
int check_attic_tags_end(osm3s_check *, int family);
/* Of a key, or of a tag. */
uint64_t check_hash_of_entry(const char *key, size_t key_len, const char *value, size_t value_len);
bool check_has_tag(const view *, const char *key, size_t key_len, const char *value, size_t value_len);
/* What the tag directory must say of a block. */
int check_note_tags(osm3s_check *, uint32_t block, const view *base, const view *delta);

extern const char *const CHECK_FAMILIES[OSM3S_FAMILIES];
extern const char *const CHECK_TYPES[3];

static inline bool check_was_seen(const osm3s_check *c, int type, ptrdiff_t row)
{
    return c->seen[type][row / 64] >> row % 64 & 1;
}

/* --- check_part.c: one part of a block by itself --- */

/* Read everything; OSM3S_CORRUPT says what does not fit together. */
int check_part(const view *, way_nodes *, members *);

#endif
