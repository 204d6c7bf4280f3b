/* check_index.c: links and tag directory against what the blocks say. See interface/check.h. */
#include "check.h"

/* --- links --- */

int check_note_link(osm3s_check *c, int kind, uint64_t member, uint64_t owner)
{
    link_list *l = &c->links[kind];
    if (grow(&l->items, &l->cap, l->n + 1, sizeof *l->items))
        return OSM3S_NOMEM;
    l->items[l->n++] = (owner_link){member, owner};
    return OSM3S_OK;
}

static bool before(const owner_link *a, const owner_link *b)
{
    return a->member != b->member ? a->member < b->member : a->owner < b->owner;
}

static int report_link(osm3s_check *c, int kind, const owner_link *link, const char *what)
{
    const char *member = kind == LINK_ABSENT ? "absent node" : CHECK_TYPES[kind < LINK_ABSENT ? kind : (kind - 1) % 3];
    const char *owner = kind == LINK_ABSENT ? "way" : kind < LINK_HISTORY ? "relation"
                        : kind < LINK_FORMER ? "block with superseded versions" : "former relation";
    return check_report(c, "links: %s %llu -> %s %llu %s", member, (unsigned long long)link->member,
                        owner, (unsigned long long)link->owner, what);
}

static void sort_once(link_list *l)
{
    if (!l->sorted)
        links_sort(l->items, &l->n);
    l->sorted = true;
}

/* Report the links that should have been there up to `to` (excluded; NULL: all). */
static int report_missing(osm3s_check *c, int kind, const owner_link *to)
{
    link_list *l = &c->links[kind];
    int error = OSM3S_OK;
    for (; l->at < l->n && (to == NULL || before(&l->items[l->at], to)) && error == OSM3S_OK; l->at++)
        error = report_link(c, kind, &l->items[l->at], "is missing");
    return error;
}

int osm3s_check_link_page(osm3s_check *c, int kind, uint64_t key_member, const uint8_t *page, size_t len)
{
    link_list *l = &c->links[kind];
    owner_link *links = NULL;
    size_t n = 0, cap = 0;
    sort_once(l);
    if (link_page_decode(page, len, &links, &n, &cap) || n == 0) {
        free(links);
        return check_report(c, "links: page %llu of kind %d is damaged", (unsigned long long)key_member, kind);
    }
    int error = OSM3S_OK;
    if (links[n - 1].member != key_member)
        error = check_report(c, "links: page %llu of kind %d ends with member %llu", (unsigned long long)key_member, kind,
                             (unsigned long long)links[n - 1].member);
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        if (i && !before(&links[i - 1], &links[i]))
            error = report_link(c, kind, &links[i], "is not in order");
        if (error == OSM3S_OK)
            error = report_missing(c, kind, &links[i]);
        bool wanted = l->at < l->n && !before(&links[i], &l->items[l->at]);
        if (wanted)
            l->at++;
        else if (error == OSM3S_OK && kind < LINK_HISTORY) /* the others need not all be of use */
            error = report_link(c, kind, &links[i], "is not in the data");
    }
    free(links);
    return error;
}

int osm3s_check_links_end(osm3s_check *c, int kind)
{
    sort_once(&c->links[kind]);
    return report_missing(c, kind, NULL);
}

/* --- the tag directory --- */

static uint64_t hash_start(void)
{
    return 0xcbf29ce484222325u;
}

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t with_count(uint64_t hash, uint64_t count)
{
    hash = (hash ^ count * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
    return hash ^ hash >> 31;
}

static void want(tag_sums *t, uint64_t hash, uint64_t count)
{
    t->wanted += with_count(hash, count);
    t->n_wanted++;
}

/* All entries of a part, as far as they are not in `base`, too. */
static void want_all(tag_sums *t, const view *v, const view *base)
{
    for (uint32_t k = 0; k < v->n_keys; k++) {
        size_t len;
        const char *text = view_key(v, k, &len);
        uint64_t hash = hash_bytes(hash_start(), text, len);
        ptrdiff_t in_base = view_find_key(base, text, len);
        if (in_base < 0)
            want(t, hash_bytes(hash, "\0", 1), base ? 0 : view_count_key(v, k));
        hash = hash_bytes(hash, "\1", 1);
        for (uint64_t p = column_get(&v->key_pair, k); p < column_get(&v->key_pair, (size_t)k + 1); p++) {
            const char *value = view_value(v, (uint32_t)p, &len);
            if (view_find_pair(base, in_base, value, len) < 0)
                want(t, hash_bytes(hash, value, len), base ? 0 : view_count_pair(v, p));
        }
    }
}

int check_note_tags(osm3s_check *c, uint32_t block, const view *base, const view *delta)
{
    want_all(&c->tags[block], base, NULL);
    want_all(&c->tags[block], delta, base);
    return OSM3S_OK;
}

/* An entry as it is printed: key, or key=value; what is too long is cut. */
static void print_entry(const tag_entry *e, char *out, size_t room)
{
    size_t n = e->key_len < room - 1 ? e->key_len : room - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(e->key[i] == 1 ? '=' : e->key[i] < 32 ? ' ' : e->key[i]);
    out[n] = '\0';
}

static int check_tag_entry(osm3s_check *c, int family, const tag_entry *e)
{
    char name[120];
    uint64_t total = 0, stated;
    size_t n, room = e->value_len / 2 + 1;
    int type = family <= OSM3S_TAGGED_NODES ? OSM3S_NODE : family - 1;
    uint32_t first = osm3s_snapshot_first_block(c->s, family), end = first + osm3s_snapshot_n_blocks(c->s, family);
    uint32_t *ids = malloc(room * sizeof *ids), *counts = malloc(room * sizeof *counts);
    int error = ids && counts ? OSM3S_OK : fail(OSM3S_NOMEM, "out of memory");
    print_entry(e, name, sizeof name);
    if (error == OSM3S_OK && osm3s_tag_blocks(e->value, e->value_len, &stated, ids, counts, room, &n)) {
        error = check_report(c, "tag directory, %s: the entry %s is damaged", CHECK_FAMILIES[family], name);
        n = 0;
        stated = 0;
    }
    uint64_t hash = hash_bytes(hash_start(), e->key, e->key_len);
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        uint32_t block = osm3s_snapshot_block_of_id(c->s, type, ids[i]);
        total += counts[i];
        if (block < first || block >= end || (i && ids[i] <= ids[i - 1])) {
            error = check_report(c, "tag directory, %s: the entry %s names block %u, which %s", CHECK_FAMILIES[family], name,
                                 ids[i], block < first || block >= end ? "does not exist" : "is not in order");
            continue;
        }
        c->tags[block].found += with_count(hash, counts[i]);
        c->tags[block].n_found++;
    }
    if (error == OSM3S_OK && total != stated)
        error = check_report(c, "tag directory, %s: the entry %s says %llu elements, its blocks have %llu",
                             CHECK_FAMILIES[family], name, (unsigned long long)stated, (unsigned long long)total);
    free(ids);
    free(counts);
    return error;
}

int osm3s_check_tag_page(osm3s_check *c, int family, const uint8_t *key, size_t key_len, const uint8_t *page, size_t len)
{
    size_t at = 0;
    tag_entry e = {0};
    int there, error = OSM3S_OK;
    while ((there = tag_page_next(page, len, &at, &e)) == 1 && error == OSM3S_OK) {
        size_t shorter = e.key_len < c->last_entry.len ? e.key_len : c->last_entry.len;
        int order = shorter ? memcmp(c->last_entry.data, e.key, shorter) : 0;
        if (order > 0 || (order == 0 && c->last_entry.len >= e.key_len && c->last_entry.len)) {
            char name[120];
            print_entry(&e, name, sizeof name);
            error = check_report(c, "tag directory, %s: the entry %s is not in order", CHECK_FAMILIES[family % ATTIC_FAMILY], name);
        }
        c->last_entry.len = 0;
        if (error == OSM3S_OK)
            error = buffer_put(&c->last_entry, e.key, e.key_len);
        if (error == OSM3S_OK)
            error = family < ATTIC_FAMILY ? check_tag_entry(c, family, &e)
                                          : check_attic_entry(c, family - ATTIC_FAMILY, &e);
    }
    if (error)
        return error;
    size_t last = e.key_len < 480 ? e.key_len : 480;
    if (there < 0 || at == 0)
        return check_report(c, "tag directory, %s: a page is damaged", CHECK_FAMILIES[family % ATTIC_FAMILY]);
    if (last != key_len || memcmp(key, e.key, last))
        return check_report(c, "tag directory, %s: a page does not end with the entry of its key",
                            CHECK_FAMILIES[family % ATTIC_FAMILY]);
    return OSM3S_OK;
}

uint64_t check_hash_of_entry(const char *key, size_t key_len, const char *value, size_t value_len)
{
    uint64_t hash = hash_bytes(hash_start(), key, key_len);
    return value ? hash_bytes(hash_bytes(hash, "\1", 1), value, value_len) : hash_bytes(hash, "\0", 1);
}

bool check_has_tag(const view *v, const char *key, size_t key_len, const char *value, size_t value_len)
{
    ptrdiff_t k = view_find_key(v, key, key_len);
    return k >= 0 && (value == NULL || view_find_pair(v, k, value, value_len) >= 0);
}

int osm3s_check_tags_end(osm3s_check *c, int family)
{
    if (family >= ATTIC_FAMILY)
        return check_attic_tags_end(c, family - ATTIC_FAMILY);
    uint32_t first = osm3s_snapshot_first_block(c->s, family), end = first + osm3s_snapshot_n_blocks(c->s, family);
    c->last_entry.len = 0;
    for (uint32_t b = first; b < end; b++) {
        const tag_sums *t = &c->tags[b];
        if (!t->unknown && (t->wanted != t->found || t->n_wanted != t->n_found)
            && check_report(c, "tag directory, %s: block %u has %u keys and tags, %u are listed, or others or other counts",
                            CHECK_FAMILIES[family], osm3s_snapshot_entry(c->s, b)->id, t->n_wanted, t->n_found))
            return OSM3S_NOMEM;
    }
    return OSM3S_OK;
}
