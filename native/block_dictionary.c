/* block_dictionary.c: a block's distinct keys and tags: where one stands, and how many elements have it.
 *
 * Keys are sorted by their bytes, the pairs of a key by those of their values (FORMAT.md, "blocks"). */
#include "internal.h"

typedef const char *text_at(const view *, uint32_t, size_t *len);

/* Number of a text among those numbered [from, to), which are sorted; or -1. */
static inline ptrdiff_t find_text(const view *v, text_at *at, uint64_t from, uint64_t to, const char *text, size_t len)
{
    while (from < to) {
        uint64_t middle = (from + to) / 2;
        size_t there_len;
        const char *there = at(v, (uint32_t)middle, &there_len);
        int order = compare_texts(there, there_len, text, len);
        if (order == 0)
            return (ptrdiff_t)middle;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return -1;
}

ptrdiff_t view_find_key(const view *v, const char *key, size_t len)
{
    return v ? find_text(v, view_key, 0, v->n_keys, key, len) : -1;
}

ptrdiff_t view_find_pair(const view *v, ptrdiff_t key, const char *value, size_t len)
{
    if (key < 0)
        return -1;
    uint64_t from = column_get(&v->key_pair, (size_t)key), to = column_get(&v->key_pair, (size_t)key + 1);
    return find_text(v, view_value, from, to < v->n_pairs ? to : v->n_pairs, value, len);
}

/* The largest k from `low` up to before `high` with key_pair[k] <= p. */
static uint32_t key_between(const view *v, uint32_t p, uint32_t low, uint32_t high)
{
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (column_get(&v->key_pair, middle) <= p)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint32_t view_key_of_pair(const view *v, uint32_t p)
{
    return key_between(v, p, 0, v->n_keys);
}

uint32_t view_next_key_of_pair(const view *v, uint32_t p, uint32_t last)
{
    uint32_t low = last, step = 1;
    if (column_get(&v->key_pair, low) > p)
        return view_key_of_pair(v, p);
    while (v->n_keys - low > step && column_get(&v->key_pair, low + step) <= p) {
        low += step;
        step *= 2;
    }
    return key_between(v, p, low, v->n_keys - low > step ? low + step : v->n_keys);
}

uint64_t view_count_pair(const view *v, uint64_t p)
{
    if (p >= v->n_pairs)
        return 0;
    uint64_t from = column_get(&v->posting_start, p), to = column_get(&v->posting_start, p + 1), n = 0, last = UINT64_MAX;
    for (; from < to && to <= v->posting.n; from++) {
        uint64_t slot = column_get(&v->posting, from);
        n += slot != last; /* ascending: a tag that an element has twice is found side by side */
        last = slot;
    }
    return n;
}

uint64_t view_count_key(const view *v, uint32_t k)
{
    uint64_t from = column_get(&v->key_pair, k), to = column_get(&v->key_pair, (size_t)k + 1);
    if (to > v->n_pairs || from >= to)
        return 0;
    if (to - from == 1)
        return view_count_pair(v, from);
    uint64_t start = column_get(&v->posting_start, from), end = column_get(&v->posting_start, to), n = 0;
    uint64_t seen[65536 / 64];
    memset(seen, 0, (v->n + 63u) / 64 * sizeof *seen);
    for (; start < end && end <= v->posting.n; start++) {
        uint64_t slot = column_get(&v->posting, start);
        if (slot >= v->n)
            continue;
        n += !(seen[slot / 64] >> slot % 64 & 1);
        seen[slot / 64] |= 1ull << slot % 64;
    }
    return n;
}
