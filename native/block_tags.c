/* block_tags.c: the dictionary of a block: keys and values sorted, the elements that have each pair, the pairs that each
 * element has, and the roles. Layout: FORMAT.md. */
#include "block_builder.h"

static int compare_pairs(const void *left, const void *right, void *builder)
{
    const osm3s_block_builder *b = builder;
    const pair *l = &b->pairs[*(const uint32_t *)left], *r = &b->pairs[*(const uint32_t *)right];
    int order = compare_texts(b->text + l->key, l->key_len, b->text + r->key, r->key_len);
    return order ? order : compare_texts(b->text + l->value, l->value_len, b->text + r->value, r->value_len);
}

int block_order_pairs(osm3s_block_builder *b)
{
    if (grow(&b->rank, &b->cap_rank, b->n_pairs + 1, sizeof *b->rank))
        return OSM3S_NOMEM;
    for (size_t i = 0; i < b->n_pairs; i++)
        b->rank[i] = (uint32_t)i;
    if (b->n_pairs)
        qsort_r(b->rank, b->n_pairs, sizeof *b->rank, compare_pairs, b);
    return OSM3S_OK;
}

static int compare_numbers(const void *left, const void *right)
{
    uint32_t l = *(const uint32_t *)left, r = *(const uint32_t *)right;
    return (l > r) - (l < r);
}

void head_put_tags(head *h, block_header *header)
{
    osm3s_block_builder *b = h->b;
    uint64_t *values = b->values;
    size_t n = 0, text = 0;
    const pair *last = NULL;
    /* strings: keys and values in the order of the pairs */
    for (size_t i = 0; i < b->n_pairs; i++) {
        const pair *p = &b->pairs[b->rank[i]];
        if (last && compare_texts(b->text + last->key, last->key_len, b->text + p->key, p->key_len) == 0)
            continue;
        values[n++] = text;
        text += p->key_len;
        last = p;
    }
    header->n_keys = (uint32_t)n;
    header->n_pairs = (uint32_t)b->n_pairs;
    values[n] = text;
    head_put_values(h, OSM3S_COL_KEY_START, n + 1);
    n = 0;
    last = NULL;
    for (size_t i = 0; i < b->n_pairs; i++) {
        const pair *p = &b->pairs[b->rank[i]];
        if (last == NULL || compare_texts(b->text + last->key, last->key_len, b->text + p->key, p->key_len))
            values[n++] = i;
        last = p;
    }
    values[n] = b->n_pairs;
    head_put_values(h, OSM3S_COL_KEY_PAIR, n + 1);
    for (size_t i = 0; i < b->n_pairs; i++) {
        values[i] = text;
        text += b->pairs[b->rank[i]].value_len;
    }
    values[b->n_pairs] = text;
    head_put_values(h, OSM3S_COL_VALUE_START, b->n_pairs + 1);
    /* postings: reuse `next` as the write position of each pair, `hash` as its rank */
    uint64_t start = 0;
    for (size_t i = 0; i < b->n_pairs; i++) {
        pair *p = &b->pairs[b->rank[i]];
        values[i] = start;
        p->next = (uint32_t)start;
        start += p->count;
    }
    values[b->n_pairs] = start;
    head_put_values(h, OSM3S_COL_POSTING_START, b->n_pairs + 1);
    for (size_t slot = 0; slot < b->n; slot++) {
        const element *e = &b->elements[b->order[slot]];
        for (uint32_t t = e->tag_from; t < e->tag_to; t++)
            values[b->pairs[b->tags[t]].next++] = slot;
    }
    head_put_values(h, OSM3S_COL_POSTING, b->n_tags);
    start = 0;
    for (size_t slot = 0; slot < b->n; slot++) {
        values[slot] = start;
        start += b->elements[b->order[slot]].tag_to - b->elements[b->order[slot]].tag_from;
    }
    values[b->n] = start;
    head_put_values(h, OSM3S_COL_TAG_START, b->n + 1);
    for (size_t i = 0; i < b->n_pairs; i++)
        b->pairs[b->rank[i]].count = (uint32_t)i; /* from here on: the rank */
    n = 0;
    for (size_t slot = 0; slot < b->n; slot++) {
        const element *e = &b->elements[b->order[slot]];
        for (uint32_t t = e->tag_from; t < e->tag_to; t++)
            b->tags[t] = b->pairs[b->tags[t]].count;
        if (e->tag_to > e->tag_from + 1)
            qsort(b->tags + e->tag_from, e->tag_to - e->tag_from, sizeof *b->tags, compare_numbers);
        for (uint32_t t = e->tag_from; t < e->tag_to; t++)
            values[n++] = b->tags[t];
    }
    head_put_values(h, OSM3S_COL_TAG, n);
}

void head_put_roles(head *h, size_t text)
{
    osm3s_block_builder *b = h->b;
    for (size_t i = 0; i < b->n_roles; i++) {
        b->values[i] = text;
        text += b->roles[i].len;
    }
    b->values[b->n_roles] = text;
    head_put_values(h, OSM3S_COL_ROLE_START, b->n_roles + 1);
}

size_t block_put_texts_of_tags(const osm3s_block_builder *b, uint8_t *out)
{
    size_t len = 0;
    const pair *last = NULL;
    for (size_t i = 0; i < b->n_pairs; i++) {
        const pair *p = &b->pairs[b->rank[i]];
        if (last && compare_texts(b->text + last->key, last->key_len, b->text + p->key, p->key_len) == 0)
            continue;
        if (out)
            memcpy(out + len, b->text + p->key, p->key_len);
        len += p->key_len;
        last = p;
    }
    for (size_t i = 0; i < b->n_pairs; i++) {
        const pair *p = &b->pairs[b->rank[i]];
        if (out)
            memcpy(out + len, b->text + p->value, p->value_len);
        len += p->value_len;
    }
    return len;
}
