/* update_pages.c: the changes of an update, brought into the pages of the index that they concern, page by page. */
#include "update.h"
#include "varint.h"

/* A page and some room to grow fit into one page of LMDB. */
enum { PAGE_LEN = 3600, LINKS_PER_PAGE = 1500, MOST_KEY = 480 };

/* --- pages that come out of an edit --- */

static void pages_clear(osm3s_update *u)
{
    u->n_pages = u->page_at = 0;
    u->page_bytes.len = 0;
}

static int page_put(osm3s_update *u, const buffer *key, const buffer *value)
{
    if (grow(&u->pages, &u->cap_pages, u->n_pages + 1, sizeof *u->pages))
        return OSM3S_NOMEM;
    size_t at = u->page_bytes.len;
    u->pages[u->n_pages++] = (struct edited_page){at, key->len, at + key->len, value->len};
    return buffer_put(&u->page_bytes, key->data, key->len) || buffer_put(&u->page_bytes, value->data, value->len);
}

int osm3s_update_next_page(osm3s_update *u, osm3s_bytes *key, osm3s_bytes *value)
{
    if (u->page_at == u->n_pages)
        return 0;
    const struct edited_page *p = &u->pages[u->page_at++];
    *key = (osm3s_bytes){u->page_bytes.data + p->key, p->key_len};
    *value = (osm3s_bytes){u->page_bytes.data + p->value, p->value_len};
    return 1;
}

static int number_key(buffer *key, char letter, uint8_t kind, uint64_t number)
{
    uint8_t bytes[10] = {(uint8_t)letter, kind};
    for (int b = 0; b < 8; b++)
        bytes[2 + b] = (uint8_t)(number >> (56 - 8 * b));
    key->len = 0;
    return buffer_put(key, bytes, sizeof bytes);
}

/* --- sorting --- */

static int compare_id_changes(const void *left, const void *right)
{
    const id_change *l = left, *r = right;
    if (l->type != r->type)
        return l->type < r->type ? -1 : 1;
    return (l->id > r->id) - (l->id < r->id);
}

static int compare_link_changes(const void *left, const void *right)
{
    const link_change *l = left, *r = right;
    if (l->kind != r->kind)
        return l->kind < r->kind ? -1 : 1;
    if (l->member != r->member)
        return l->member < r->member ? -1 : 1;
    if (l->owner != r->owner)
        return l->owner < r->owner ? -1 : 1;
    return (int)l->added - (int)r->added;
}

/* A link that goes and comes stays. */
static void drop_opposites(osm3s_update *u)
{
    size_t kept = 0;
    for (size_t i = 0, j; i < u->n_link_changes; i = j) {
        const link_change *c = &u->link_changes[i];
        bool removed = false, added = false;
        for (j = i; j < u->n_link_changes && u->link_changes[j].kind == c->kind && u->link_changes[j].member == c->member
                    && u->link_changes[j].owner == c->owner; j++) {
            removed |= !u->link_changes[j].added;
            added |= u->link_changes[j].added != 0;
        }
        if (removed != added) /* of several that are added one stays */
            u->link_changes[kept++] = u->link_changes[i];
    }
    u->n_link_changes = kept;
}

/* Relations that lose a member had it once. */
static int keep_former_links(osm3s_update *u)
{
    size_t n = u->n_link_changes;
    int error = OSM3S_OK;
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        const link_change c = u->link_changes[i];
        if (c.kind < LINK_ABSENT && !c.added)
            error = add_link_change(u, LINK_FORMER + c.kind, c.member, c.owner, true);
    }
    if (error == OSM3S_OK && u->n_link_changes > n)
        qsort(u->link_changes, u->n_link_changes, sizeof *u->link_changes, compare_link_changes);
    drop_opposites(u);
    return error;
}

int osm3s_update_seal(osm3s_update *u)
{
    if (u->n_id_changes)
        qsort(u->id_changes, u->n_id_changes, sizeof *u->id_changes, compare_id_changes);
    if (u->n_link_changes)
        qsort(u->link_changes, u->n_link_changes, sizeof *u->link_changes, compare_link_changes);
    drop_opposites(u);
    int error = u->with_history ? keep_former_links(u) : OSM3S_OK;
    return error ? error : sort_tag_changes(u);
}

/* --- the id map --- */

int osm3s_update_edits_ids(osm3s_update *u, int *type, uint64_t *page)
{
    if (u->id_at == u->n_id_changes)
        return 0;
    *type = u->id_changes[u->id_at].type;
    *page = u->id_changes[u->id_at].id >> ID_PAGE_BITS;
    return 1;
}

int osm3s_update_edit_ids(osm3s_update *u, const uint8_t *page, size_t len)
{
    uint32_t *all = malloc(ID_PAGE * sizeof *all);
    const id_change first = u->id_changes[u->id_at];
    buffer key = {0}, value = {0};
    int error = all ? OSM3S_OK : fail(OSM3S_NOMEM, "out of memory for a page of the id map");
    pages_clear(u);
    if (error == OSM3S_OK && len)
        error = id_page_decode(page, len, all);
    else if (error == OSM3S_OK)
        memset(all, 0xff, ID_PAGE * sizeof *all);
    for (; error == OSM3S_OK && u->id_at < u->n_id_changes; u->id_at++) {
        const id_change *c = &u->id_changes[u->id_at];
        if (c->type != first.type || c->id >> ID_PAGE_BITS != first.id >> ID_PAGE_BITS)
            break;
        all[c->id & (ID_PAGE - 1)] = c->block_id;
    }
    bool any = false;
    for (size_t i = 0; i < ID_PAGE && error == OSM3S_OK && !any; i++)
        any = all[i] != OSM3S_UNRESOLVED;
    if (error == OSM3S_OK && any)
        error = id_page_encode(all, &value) || number_key(&key, 'I', first.type, first.id >> ID_PAGE_BITS)
                        || page_put(u, &key, &value)
                    ? OSM3S_NOMEM : OSM3S_OK;
    free(all);
    free(key.data);
    free(value.data);
    return error;
}

/* --- links --- */

int osm3s_update_edits_links(osm3s_update *u, int *kind, uint64_t *member)
{
    if (u->link_at == u->n_link_changes)
        return 0;
    *kind = u->link_changes[u->link_at].kind;
    *member = u->link_changes[u->link_at].member;
    return 1;
}

static int put_link_pages(osm3s_update *u, int kind, const owner_link *links, size_t n)
{
    buffer key = {0}, value = {0};
    size_t most = n > 2 * LINKS_PER_PAGE ? LINKS_PER_PAGE : n;
    int error = OSM3S_OK;
    for (size_t from = 0, to; from < n && error == OSM3S_OK; from = to) {
        to = from;
        while (to < n && (to - from < most || links[to].member == links[to - 1].member))
            to++;
        value.len = 0;
        if (link_page_encode(links + from, to - from, &value) || number_key(&key, 'L', (uint8_t)kind, links[to - 1].member)
            || page_put(u, &key, &value))
            error = OSM3S_NOMEM;
    }
    free(key.data);
    free(value.data);
    return error;
}

int osm3s_update_edit_links(osm3s_update *u, const uint8_t *page, size_t len, int is_last)
{
    owner_link *old = NULL, *new = NULL;
    size_t n_old = 0, cap_old = 0, n = 0, cap = 0, o = 0;
    const int kind = u->link_changes[u->link_at].kind;
    int error = len ? link_page_decode(page, len, &old, &n_old, &cap_old) : OSM3S_OK;
    pages_clear(u);
    uint64_t last = is_last || n_old == 0 ? UINT64_MAX : old[n_old - 1].member;
    while (error == OSM3S_OK) {
        const link_change *c = u->link_at < u->n_link_changes ? &u->link_changes[u->link_at] : NULL;
        if (c && (c->kind != kind || c->member > last))
            c = NULL;
        if (c == NULL && o == n_old)
            break;
        int order = c == NULL ? -1 : o == n_old ? 1
                    : old[o].member != c->member ? (old[o].member < c->member ? -1 : 1)
                    : (old[o].owner > c->owner) - (old[o].owner < c->owner);
        if ((error = grow(&new, &cap, n + 1, sizeof *new)))
            break;
        if (order < 0) {
            new[n++] = old[o++];
            continue;
        }
        if (c->added)
            new[n++] = (owner_link){c->member, c->owner};
        o += order == 0;
        u->link_at++;
    }
    if (error == OSM3S_OK)
        error = put_link_pages(u, kind, new, n);
    free(old);
    free(new);
    return error;
}

/* --- the tag directory --- */

int osm3s_update_edits_tags(osm3s_update *u, int *family, osm3s_bytes *entry)
{
    if (u->tag_at == u->n_tag_changes)
        return 0;
    const tag_change *c = &u->tag_changes[u->tag_at];
    *family = c->family;
    *entry = (osm3s_bytes){u->tag_text.data + c->entry, c->entry_len};
    return 1;
}

static int compare_entries(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare_change_to(const osm3s_update *u, const tag_change *c, const uint8_t *entry, size_t len)
{
    return compare_entries(u->tag_text.data + c->entry, c->entry_len, entry, len);
}

static bool same_entry(const osm3s_update *u, const tag_change *a, const tag_change *b)
{
    return a->family == b->family && compare_change_to(u, a, u->tag_text.data + b->entry, b->entry_len) == 0;
}

/* The list of one entry with the changes [from, to) of it; `out` stays empty if no block is left. */
static int edit_list(const uint8_t *list, size_t len, const tag_change *from, const tag_change *to, buffer *out)
{
    const uint8_t *p = list, *end = list + len;
    uint64_t total = 0, block = 0, step = 0, count = 0, last = 0, ignored;
    buffer blocks = {0};
    bool there = false;
    int error = OSM3S_OK;
    out->len = 0;
    if (len && (p = varint_get(p, end, &ignored)) == NULL)
        return fail(OSM3S_CORRUPT, "an entry of the tag directory is damaged");
    while (error == OSM3S_OK) {
        if (!there && p < end) {
            if ((p = varint_get(p, end, &step)) == NULL || (p = varint_get(p, end, &count)) == NULL) {
                error = fail(OSM3S_CORRUPT, "an entry of the tag directory is damaged");
                break;
            }
            block += step;
            there = true;
        }
        if (!there && from == to)
            break;
        uint64_t put_block = block, put_count = count;
        bool put = true;
        if (from < to && (!there || from->block_id <= block)) {
            there = there && from->block_id != block;
            put_block = from->block_id;
            put_count = from->count;
            put = !from->removed;
            from++;
        } else {
            there = false;
        }
        if (!put)
            continue;
        if (buffer_put_varint(&blocks, put_block - last) || buffer_put_varint(&blocks, put_count))
            error = OSM3S_NOMEM;
        last = put_block;
        total += put_count;
    }
    if (error == OSM3S_OK && blocks.len && (buffer_put_varint(out, total) || buffer_put(out, blocks.data, blocks.len)))
        error = OSM3S_NOMEM;
    free(blocks.data);
    return error;
}

typedef struct {
    int family;
    buffer page, last, key;
    const uint8_t *old_serial; /* four bytes; NULL: it is used */
} tag_pages;

static int close_page(osm3s_update *u, tag_pages *t, const uint8_t *serial)
{
    uint8_t head[2] = {'T', (uint8_t)t->family}, zero = 0, fresh[4];
    if (serial == NULL) {
        uint32_t s = u->next_serial++;
        for (int i = 0; i < 4; i++)
            fresh[i] = (uint8_t)(s >> (24 - 8 * i));
        serial = fresh;
    }
    t->key.len = 0;
    if (buffer_put(&t->key, head, 2) || buffer_put(&t->key, t->last.data, t->last.len < MOST_KEY ? t->last.len : MOST_KEY)
        || buffer_put(&t->key, &zero, 1) || buffer_put(&t->key, serial, 4) || page_put(u, &t->key, &t->page))
        return OSM3S_NOMEM;
    t->page.len = 0;
    return OSM3S_OK;
}

/* Whether a page may end before `entry`: the keys of the two pages must differ in what is kept of their last entries. */
static bool may_end_before(const tag_pages *t, const uint8_t *entry, size_t len)
{
    return !(t->last.len >= MOST_KEY && len >= MOST_KEY && memcmp(t->last.data, entry, MOST_KEY) == 0);
}

static int put_entry(osm3s_update *u, tag_pages *t, size_t most, const uint8_t *entry, size_t len, const uint8_t *list,
                     size_t list_len)
{
    if (list_len == 0)
        return OSM3S_OK;
    if (t->page.len && t->page.len + len + list_len > most && may_end_before(t, entry, len) && close_page(u, t, NULL))
        return OSM3S_NOMEM;
    t->last.len = 0;
    return tag_page_put(&t->page, entry, len, list, list_len) || buffer_put(&t->last, entry, len);
}

/* Find the last entry of a page: 1, 0 if the page is empty. */
static int last_entry(const uint8_t *page, size_t len, tag_entry *last)
{
    size_t at = 0;
    tag_entry e;
    int there, any = 0;
    while ((there = tag_page_next(page, len, &at, &e)) == 1) {
        *last = e;
        any = 1;
    }
    return there < 0 ? there : any;
}

int osm3s_update_edit_tags(osm3s_update *u, const uint8_t *page, size_t len, const uint8_t *serial, int is_last)
{
    const tag_change *c = &u->tag_changes[u->tag_at], *end = u->tag_changes + u->n_tag_changes;
    tag_pages t = {.family = c->family};
    tag_entry e, last = {0};
    buffer list = {0};
    size_t at = 0;
    pages_clear(u);
    int there = len ? last_entry(page, len, &last) : 0, error = OSM3S_OK;
    if (there < 0)
        return there;
    if (there && !is_last && compare_change_to(u, c, last.key, last.key_len) > 0)
        return 0; /* it belongs to one of the pages that follow */
    bool bounded = there && !is_last;
    size_t most = len > 2 * PAGE_LEN ? PAGE_LEN : 2 * PAGE_LEN; /* cut what has grown to twice the size */
    if (len == 0)
        most = PAGE_LEN;
    there = len ? tag_page_next(page, len, &at, &e) : 0;
    while (error == OSM3S_OK && there >= 0) {
        bool more = c < end && c->family == t.family
                    && !(bounded && compare_change_to(u, c, last.key, last.key_len) > 0);
        if (!more && !there)
            break;
        int order = !more ? -1 : !there ? 1 : -compare_change_to(u, c, e.key, e.key_len);
        if (order < 0) {
            error = put_entry(u, &t, most, e.key, e.key_len, e.value, e.value_len);
            there = tag_page_next(page, len, &at, &e);
            continue;
        }
        const tag_change *to = c + 1;
        while (to < end && same_entry(u, c, to))
            to++;
        error = edit_list(order == 0 ? e.value : NULL, order == 0 ? e.value_len : 0, c, to, &list);
        if (error == OSM3S_OK)
            error = put_entry(u, &t, most, u->tag_text.data + c->entry, c->entry_len, list.data, list.len);
        c = to;
        if (order == 0)
            there = tag_page_next(page, len, &at, &e);
    }
    if (there < 0)
        error = there;
    if (error == OSM3S_OK && t.page.len)
        error = close_page(u, &t, serial);
    u->tag_at = (size_t)(c - u->tag_changes);
    free(t.page.data);
    free(t.last.data);
    free(t.key.data);
    free(list.data);
    return error ? error : 1;
}
