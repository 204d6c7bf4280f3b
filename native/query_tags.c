/* query_tags.c: tag filters on a block: from its dictionary to a bitmap of its elements, without touching bodies.
 *
 * Strings are compared once per entry of the block's dictionary, never once per element. */
#include "query.h"

/* Set the bits of the elements that have one of the pairs [from, to). */
static void set_postings(const view *v, uint64_t from, uint64_t to, uint64_t *bits)
{
    if (to > v->n_pairs || from >= to)
        return;
    uint64_t start = column_get(&v->posting_start, from), end = column_get(&v->posting_start, to);
    for (; start < end && end <= v->posting.n; start++) {
        uint64_t slot = column_get(&v->posting, start);
        if (slot < v->n)
            bits[slot / 64] |= 1ull << slot % 64;
    }
}

static int set_matching_values(const view *v, uint32_t k, osm3s_regex *values, uint64_t *bits)
{
    uint64_t from = column_get(&v->key_pair, k), to = column_get(&v->key_pair, k + 1);
    for (; from < to && to <= v->n_pairs; from++) {
        size_t len;
        const char *value = view_value(v, (uint32_t)from, &len);
        int found = regex_matches(values, value, len);
        if (found < 0)
            return found;
        if (found)
            set_postings(v, from, from + 1, bits);
    }
    return OSM3S_OK;
}

/* Set the bits of the elements that have a tag as the filter says, apart from its negation. */
static int set_having(const view *v, const osm3s_tag_filter *f, uint64_t *bits)
{
    if (f->kind == OSM3S_TAG_KEY_MATCHES) {
        for (uint32_t k = 0; k < v->n_keys; k++) {
            size_t len;
            const char *key = view_key(v, k, &len);
            int found = regex_matches(f->key_regex, key, len);
            if (found > 0)
                found = set_matching_values(v, k, f->value_regex, bits);
            if (found < 0)
                return found;
        }
        return OSM3S_OK;
    }
    ptrdiff_t k = view_find_key(v, f->key, f->key_len);
    if (k < 0)
        return OSM3S_OK;
    uint64_t from = column_get(&v->key_pair, (size_t)k), to = column_get(&v->key_pair, (size_t)k + 1);
    if (f->kind == OSM3S_TAG_HAS_KEY) {
        set_postings(v, from, to, bits);
        return OSM3S_OK;
    }
    if (f->kind == OSM3S_TAG_MATCHES)
        return set_matching_values(v, (uint32_t)k, f->value_regex, bits);
    ptrdiff_t p = view_find_pair(v, k, f->value, f->value_len);
    if (p >= 0)
        set_postings(v, (uint64_t)p, (uint64_t)p + 1, bits);
    return OSM3S_OK;
}

int tag_filter_apply(const view *v, const osm3s_tag_filter *f, uint64_t *bits, uint64_t *spare)
{
    size_t words = ((size_t)v->n + 63) / 64;
    memset(spare, 0, words * sizeof *spare);
    int error = v->n_pairs ? set_having(v, f, spare) : OSM3S_OK;
    uint64_t flip = f->negate ? UINT64_MAX : 0;
    for (size_t w = 0; w < words; w++)
        bits[w] &= spare[w] ^ flip;
    return error;
}
