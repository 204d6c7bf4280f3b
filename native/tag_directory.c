/* tag_directory.c: see tag_directory.h. Keys of entries: key bytes, 0x00 (the key as a whole), or key bytes, 0x01,
 * value bytes (one tag). */
#include "tag_directory.h"

typedef struct {
    uint32_t hash, key_len;
    uint8_t family;
    uint8_t *key;       /* in the text arena */
    uint8_t *list; size_t list_len, list_cap;
    uint64_t total;
    uint32_t last_block;
} entry;

enum { CHUNK = 1 << 20 };

struct tag_directory {
    entry *entries; size_t n, cap;
    uint32_t *table; size_t table_len; /* entry number + 1; open addressing, power of two */
    uint8_t *chunk; size_t chunk_len, chunk_used;
    uint8_t **chunks; size_t n_chunks, cap_chunks;
    uint32_t *order; size_t next;
    buffer key;
};

tag_directory *tag_directory_new(void)
{
    tag_directory *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->table_len = 1 << 16;
    d->table = calloc(d->table_len, sizeof *d->table);
    if (d->table == NULL) {
        free(d);
        return NULL;
    }
    return d;
}

void tag_directory_free(tag_directory *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->n; i++)
        free(d->entries[i].list);
    for (size_t i = 0; i < d->n_chunks; i++)
        free(d->chunks[i]);
    free(d->chunks);
    free(d->entries);
    free(d->table);
    free(d->order);
    free(d->key.data);
    free(d);
}

static uint8_t *keep(tag_directory *d, const uint8_t *bytes, size_t len)
{
    if (d->chunk == NULL || d->chunk_used + len > d->chunk_len) {
        d->chunk_len = len > CHUNK ? len : CHUNK;
        d->chunk = malloc(d->chunk_len);
        d->chunk_used = 0;
        if (d->chunk == NULL || grow(&d->chunks, &d->cap_chunks, d->n_chunks + 1, sizeof *d->chunks)) {
            free(d->chunk);
            d->chunk = NULL;
            return NULL;
        }
        d->chunks[d->n_chunks++] = d->chunk;
    }
    uint8_t *at = d->chunk + d->chunk_used;
    memcpy(at, bytes, len);
    d->chunk_used += len;
    return at;
}

static int enlarge_table(tag_directory *d)
{
    size_t len = d->table_len * 2;
    uint32_t *table = calloc(len, sizeof *table);
    if (table == NULL)
        return fail(OSM3S_NOMEM, "out of memory for %zu tags", d->n);
    for (size_t i = 0; i < d->n; i++) {
        size_t at = d->entries[i].hash & (len - 1);
        while (table[at])
            at = (at + 1) & (len - 1);
        table[at] = (uint32_t)i + 1;
    }
    free(d->table);
    d->table = table;
    d->table_len = len;
    return OSM3S_OK;
}

static int count_in(tag_directory *d, int family, uint32_t block, uint64_t count)
{
    uint32_t hash = 2166136261u + (uint32_t)family;
    for (size_t i = 0; i < d->key.len; i++)
        hash = (hash ^ d->key.data[i]) * 16777619u;
    hash ^= hash >> 15;
    size_t at = hash & (d->table_len - 1);
    entry *e = NULL;
    for (; d->table[at]; at = (at + 1) & (d->table_len - 1)) {
        entry *there = &d->entries[d->table[at] - 1];
        if (there->hash == hash && there->family == family && there->key_len == d->key.len
            && memcmp(there->key, d->key.data, d->key.len) == 0) {
            e = there;
            break;
        }
    }
    if (e == NULL) {
        if (grow(&d->entries, &d->cap, d->n + 1, sizeof *d->entries))
            return OSM3S_NOMEM;
        e = &d->entries[d->n];
        *e = (entry){.hash = hash, .key_len = (uint32_t)d->key.len, .family = (uint8_t)family};
        e->key = keep(d, d->key.data, d->key.len);
        if (e->key == NULL)
            return fail(OSM3S_NOMEM, "out of memory for %zu tags", d->n);
        d->table[at] = (uint32_t)++d->n;
        if (d->n * 2 > d->table_len) {
            if (enlarge_table(d))
                return OSM3S_NOMEM;
        }
    }
    buffer list = {e->list, e->list_len, e->list_cap};
    int error = buffer_put_varint(&list, block - e->last_block) || buffer_put_varint(&list, count);
    e->list = list.data;
    e->list_len = list.len;
    e->list_cap = list.cap;
    e->last_block = block;
    e->total += count;
    return error ? OSM3S_NOMEM : OSM3S_OK;
}

int tag_directory_add(tag_directory *d, const view *v, uint32_t block)
{
    for (uint32_t k = 0; k < v->n_keys; k++) {
        size_t key_len;
        const char *key = view_key(v, k, &key_len);
        d->key.len = 0;
        if (buffer_put(&d->key, key, key_len) || buffer_put(&d->key, "\0", 1)
            || count_in(d, (int)v->family, block, view_count_key(v, k)))
            return OSM3S_NOMEM;
        d->key.data[key_len] = 1;
        for (uint64_t p = column_get(&v->key_pair, k); p < column_get(&v->key_pair, k + 1); p++) {
            size_t value_len;
            const char *value = view_value(v, (uint32_t)p, &value_len);
            d->key.len = key_len + 1;
            if (buffer_put(&d->key, value, value_len) || count_in(d, (int)v->family, block, view_count_pair(v, p)))
                return OSM3S_NOMEM;
        }
    }
    return OSM3S_OK;
}

static int compare_entries(const void *left, const void *right, void *directory)
{
    const tag_directory *d = directory;
    const entry *l = &d->entries[*(const uint32_t *)left], *r = &d->entries[*(const uint32_t *)right];
    if (l->family != r->family)
        return l->family < r->family ? -1 : 1;
    int order = memcmp(l->key, r->key, l->key_len < r->key_len ? l->key_len : r->key_len);
    return order ? order : (l->key_len > r->key_len) - (l->key_len < r->key_len);
}

static int seal(tag_directory *d)
{
    free(d->table);
    d->table = NULL;
    d->order = malloc((d->n + 1) * sizeof *d->order);
    if (d->order == NULL)
        return fail(OSM3S_NOMEM, "out of memory for %zu tags", d->n);
    for (size_t i = 0; i < d->n; i++)
        d->order[i] = (uint32_t)i;
    qsort_r(d->order, d->n, sizeof *d->order, compare_entries, d);
    return OSM3S_OK;
}

int tag_directory_page(tag_directory *d, size_t page_len, int *family, buffer *page, buffer *last)
{
    buffer value = {0};
    page->len = 0;
    int error = d->order == NULL ? seal(d) : OSM3S_OK;
    while (d->next < d->n && error == OSM3S_OK) {
        const entry *e = &d->entries[d->order[d->next]];
        if (page->len && (e->family != *family || page->len + e->key_len + e->list_len > page_len))
            break;
        *family = e->family;
        value.len = 0;
        last->len = 0;
        if (buffer_put_varint(&value, e->total) || buffer_put(&value, e->list, e->list_len)
            || tag_page_put(page, e->key, e->key_len, value.data, value.len) || buffer_put(last, e->key, e->key_len))
            error = OSM3S_NOMEM;
        d->next++;
    }
    free(value.data);
    return error ? error : page->len > 0;
}
