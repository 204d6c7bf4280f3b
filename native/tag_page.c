/* tag_page.c: see index_page.h. Page: entries one after the other: varint key_len, key, varint value_len, value. */
#include "index_page.h"
#include "query.h"
#include "varint.h"

int tag_page_put(buffer *page, const uint8_t *key, size_t key_len, const uint8_t *value, size_t value_len)
{
    if (buffer_put_varint(page, key_len) || buffer_put(page, key, key_len) || buffer_put_varint(page, value_len)
        || buffer_put(page, value, value_len))
        return OSM3S_NOMEM;
    return OSM3S_OK;
}

static const uint8_t *get_bytes(const uint8_t *p, const uint8_t *end, const uint8_t **bytes, uint32_t *len)
{
    uint64_t n;
    if ((p = varint_get(p, end, &n)) == NULL || n > (uint64_t)(end - p))
        return NULL;
    *bytes = p;
    *len = (uint32_t)n;
    return p + n;
}

int tag_page_next(const uint8_t *page, size_t len, size_t *at, tag_entry *entry)
{
    if (*at >= len)
        return 0;
    const uint8_t *p = page + *at, *end = page + len;
    if ((p = get_bytes(p, end, &entry->key, &entry->key_len)) == NULL
        || (p = get_bytes(p, end, &entry->value, &entry->value_len)) == NULL)
        return fail(OSM3S_CORRUPT, "a page of the tag directory is damaged");
    *at = (size_t)(p - page);
    return 1;
}

int osm3s_tag_page_next(const uint8_t *page, size_t len, size_t *at, osm3s_bytes *key, osm3s_bytes *value)
{
    tag_entry e;
    int there = tag_page_next(page, len, at, &e);
    if (there == 1) {
        *key = (osm3s_bytes){e.key, e.key_len};
        *value = (osm3s_bytes){e.value, e.value_len};
    }
    return there;
}

/* Value of an entry: varint sum of the counts; then per block varint step of the block id, varint count. */
int osm3s_tag_blocks(const uint8_t *value, size_t len, uint64_t *total, uint32_t *block_ids, uint32_t *counts, size_t cap,
                     size_t *n)
{
    const uint8_t *p = value, *end = value + len;
    uint64_t block = 0, step, count;
    *n = 0;
    if ((p = varint_get(p, end, total)) == NULL)
        return fail(OSM3S_CORRUPT, "an entry of the tag directory is damaged");
    while (p < end) {
        if ((p = varint_get(p, end, &step)) == NULL || (p = varint_get(p, end, &count)) == NULL)
            return fail(OSM3S_CORRUPT, "an entry of the tag directory is damaged");
        block += step;
        if (*n < cap) {
            block_ids[*n] = (uint32_t)block;
            counts[*n] = (uint32_t)count;
        }
        ++*n;
    }
    return OSM3S_OK;
}

int osm3s_tag_page_find(const uint8_t *page, size_t len, const uint8_t *wanted, size_t wanted_len, osm3s_bytes *value)
{
    size_t at = 0;
    tag_entry e;
    int there;
    while ((there = tag_page_next(page, len, &at, &e)) == 1) {
        int order = memcmp(e.key, wanted, e.key_len < wanted_len ? e.key_len : wanted_len);
        if (order == 0 && e.key_len == wanted_len) {
            *value = (osm3s_bytes){e.value, e.value_len};
            return 1;
        }
        if (order > 0 || (order == 0 && e.key_len > wanted_len))
            return 0;
    }
    return there < 0 ? there : 2;
}

static int mark_blocks(const tag_entry *e, uint8_t *marks, size_t n_blocks)
{
    const uint8_t *p = e->value, *end = p + e->value_len;
    uint64_t block = 0, number;
    if ((p = varint_get(p, end, &number)) == NULL)
        return fail(OSM3S_CORRUPT, "an entry of the tag directory is damaged");
    while (p < end) {
        if ((p = varint_get(p, end, &number)) == NULL)
            return fail(OSM3S_CORRUPT, "an entry of the tag directory is damaged");
        block += number;
        if (block >= n_blocks || (p = varint_get(p, end, &number)) == NULL)
            return fail(OSM3S_CORRUPT, "an entry of the tag directory is damaged");
        marks[block] = 1;
    }
    return OSM3S_OK;
}

int osm3s_tag_page_mark_matching(const uint8_t *page, size_t len, const uint8_t *prefix, size_t prefix_len,
                                 osm3s_regex *regex, uint8_t *marks, size_t n_blocks)
{
    size_t at = 0;
    tag_entry e;
    int there;
    while ((there = tag_page_next(page, len, &at, &e)) == 1) {
        int order = memcmp(e.key, prefix, e.key_len < prefix_len ? e.key_len : prefix_len);
        if (order > 0)
            return 0;
        if (order < 0 || e.key_len < prefix_len)
            continue;
        int found = regex_matches(regex, (const char *)e.key + prefix_len, e.key_len - prefix_len);
        if (found > 0)
            found = mark_blocks(&e, marks, n_blocks);
        if (found < 0)
            return found;
    }
    return there < 0 ? there : 1;
}
