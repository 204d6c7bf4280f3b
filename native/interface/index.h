/* index.h: imports, and the pages of the index. Conventions: osm3s.h. */
#pragma once

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
