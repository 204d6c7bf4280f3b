/* index_page.h: the three kinds of pages that the index (LMDB) holds besides the block directory. Layouts: FORMAT.md. */
#ifndef OSM3S_INDEX_PAGE_H
#define OSM3S_INDEX_PAGE_H

#include "internal.h"

/* --- id_page.c: which block holds an id. One page per ID_PAGE consecutive ids. --- */

enum { ID_PAGE_BITS = 12, ID_PAGE = 1 << ID_PAGE_BITS };

/* Encode the block ids of one page; OSM3S_UNRESOLVED where there is no such element. */
int id_page_encode(const uint32_t block_ids[ID_PAGE], buffer *out);
/* The inverse, into an array of ID_PAGE entries. */
int id_page_decode(const uint8_t *page, size_t len, uint32_t *block_ids);

/* --- link_page.c: from a member to its owners --- */

typedef struct { uint64_t member, owner; } owner_link;

/* Encode links sorted by (member, owner). */
int link_page_encode(const owner_link *links, size_t n, buffer *out);
/* Decode; grows *links. */
int link_page_decode(const uint8_t *page, size_t len, owner_link **links, size_t *n, size_t *cap);

/* --- tag_page.c: sorted entries of bytes -> bytes --- */

typedef struct {
    const uint8_t *key, *value;
    uint32_t key_len, value_len;
} tag_entry;

int tag_page_put(buffer *page, const uint8_t *key, size_t key_len, const uint8_t *value, size_t value_len);
/* Read the entry at *at and step on: 1, 0 at the end, or OSM3S_CORRUPT. Start with *at = 0. */
int tag_page_next(const uint8_t *page, size_t len, size_t *at, tag_entry *entry);

#endif
