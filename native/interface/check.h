/* check.h: is a database what it should be, and what is in a block. Conventions: osm3s.h. */
#pragma once

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
