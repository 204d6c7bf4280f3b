/* update.c: the elements that a transaction touches: what is asked of the index about them, and where they go. */
#include "update.h"

osm3s_update *osm3s_update_new(osm3s_snapshot *s, int level, const uint32_t next_block_id[3], uint32_t next_serial)
{
    osm3s_update *u = calloc(1, sizeof *u);
    if (u == NULL)
        return NULL;
    u->s = s;
    u->with_meta = level != OSM3S_LEVEL_DATA;
    u->with_history = level == OSM3S_LEVEL_ATTIC;
    u->next_serial = next_serial;
    for (int t = 0; t < 3; t++)
        u->next_id[t] = next_block_id[t];
    for (int f = 0; f < OSM3S_FAMILIES; f++)
        u->n_blocks += osm3s_snapshot_n_blocks(s, f);
    u->meta_wanted = calloc(u->n_blocks + 1, 1);
    u->meta_done = calloc(u->n_blocks + 1, 1);
    u->rewrite = calloc(u->n_blocks + 1, 1);
    u->builder = osm3s_block_builder_new();
    u->attic_builder = osm3s_block_builder_new();
    if (!u->meta_wanted || !u->meta_done || !u->rewrite || !u->builder || !u->attic_builder) {
        osm3s_update_free(u);
        return NULL;
    }
    return u;
}

void osm3s_update_free(osm3s_update *u)
{
    if (u == NULL)
        return;
    for (int t = 0; t < 3; t++) {
        free(u->of[t].items);
        free(u->asked[t].ids);
        free(u->asked[t].block_ids);
    }
    for (int k = 0; k < LINK_KINDS; k++)
        free(u->members[k].ids);
    void *owned[] = {u->changes, u->records.data, u->owners, u->meta_wanted, u->meta_done, u->rewrite, u->placements,
                     u->groups, u->pieces, u->piece_records.data, u->record.data, u->nodes.items, u->list.items,
                     u->dead, u->id_changes, u->link_changes, u->tag_changes, u->tag_text.data, u->users, u->pages,
                     u->page_bytes.data, u->versions, u->states, u->times, u->attic, u->old, u->attic_records.data,
                     u->live_ids, u->linked.keys, u->linking.keys};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    osm3s_block_builder_free(u->builder);
    osm3s_block_builder_free(u->attic_builder);
    free(u);
}

void osm3s_update_with_positions(osm3s_update *u)
{
    u->with_positions = true;
}

/* --- changes --- */

int osm3s_update_add(osm3s_update *u, const osm3s_batch *batch)
{
    if (grow(&u->changes, &u->cap_changes, u->n_changes + batch->n_elements, sizeof *u->changes))
        return OSM3S_NOMEM;
    for (uint32_t i = 0; i < batch->n_elements; i++)
        if (batch->elements[i].id > 0) /* others are no ids of OpenStreetMap */
            u->changes[u->n_changes++] = (change){batch, &batch->elements[i]};
    return OSM3S_OK;
}

int compare_changes(const void *left, const void *right)
{
    const osm3s_element *l = ((const change *)left)->element, *r = ((const change *)right)->element;
    if (l->type != r->type)
        return l->type < r->type ? -1 : 1;
    if (l->id != r->id)
        return l->id < r->id ? -1 : 1;
    return (l->meta.version > r->meta.version) - (l->meta.version < r->meta.version);
}

int changes_sort(change *changes, size_t n)
{
    change *spare = malloc((n + 1) * sizeof *spare), *from = changes, *to = spare;
    if (spare == NULL)
        return fail(OSM3S_NOMEM, "out of memory for %zu changes", n);
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t start = 0; start < n; start += 2 * width) {
            size_t middle = start + width < n ? start + width : n, end = start + 2 * width < n ? start + 2 * width : n;
            size_t l = start, r = middle;
            for (size_t k = start; k < end; k++)
                to[k] = r >= end || (l < middle && compare_changes(&from[l], &from[r]) <= 0) ? from[l++] : from[r++];
        }
        change *swap = from;
        from = to;
        to = swap;
    }
    if (from == spare && n)
        memcpy(changes, spare, n * sizeof *changes);
    free(spare);
    return OSM3S_OK;
}

static int compare_users(const void *left, const void *right)
{
    const osm3s_element *l = ((const change *)left)->element, *r = ((const change *)right)->element;
    if (l->meta.uid != r->meta.uid)
        return l->meta.uid < r->meta.uid ? -1 : 1;
    return (l->meta.timestamp < r->meta.timestamp) - (l->meta.timestamp > r->meta.timestamp);
}

/* The users of the changes that count, each once, with the name of the newest change. */
static int collect_users(osm3s_update *u)
{
    for (size_t i = 0; i < u->n_changes; i++) {
        const change *c = &u->changes[i];
        bool is_last = i + 1 == u->n_changes || c[1].element->type != c->element->type || c[1].element->id != c->element->id;
        if ((c->element->meta.uid == 0 && c->element->user == 0) || !(is_last || u->with_history))
            continue;
        if (grow(&u->users, &u->cap_users, u->n_users + 1, sizeof *u->users))
            return OSM3S_NOMEM;
        u->users[u->n_users++] = *c;
    }
    if (u->n_users)
        qsort(u->users, u->n_users, sizeof *u->users, compare_users);
    size_t kept = 0;
    for (size_t i = 0; i < u->n_users; i++)
        if (kept == 0 || u->users[kept - 1].element->meta.uid != u->users[i].element->meta.uid)
            u->users[kept++] = u->users[i];
    u->n_users = kept;
    return OSM3S_OK;
}

/* The versions [from, to) of an element, without those that end when they begin, or before. */
static int keep_versions(osm3s_update *u, touched *t, size_t from, size_t to)
{
    t->version = u->n_versions;
    if (grow(&u->versions, &u->cap_versions, u->n_versions + (to - from), sizeof *u->versions))
        return OSM3S_NOMEM;
    uint32_t next = OSM3S_FOREVER;
    for (size_t i = to; i-- > from;) { /* from the last on, which always stays */
        uint32_t timestamp = u->changes[i].element->meta.timestamp;
        if (i + 1 < to && timestamp >= next)
            continue;
        u->versions[u->n_versions + t->n_versions++] = u->changes[i];
        next = timestamp;
    }
    for (size_t i = 0; i < t->n_versions / 2; i++) {
        change *first = &u->versions[u->n_versions + i], *last = &u->versions[u->n_versions + t->n_versions - 1 - i];
        change swap = *first;
        *first = *last;
        *last = swap;
    }
    u->n_versions += t->n_versions;
    return OSM3S_OK;
}

int osm3s_update_begin(osm3s_update *u)
{
    int error = changes_sort(u->changes, u->n_changes);
    size_t first = 0; /* version of the element */
    for (size_t i = 0; i < u->n_changes && error == OSM3S_OK; i++) {
        const osm3s_element *e = u->changes[i].element;
        bool superseded = i + 1 < u->n_changes && u->changes[i + 1].element->type == e->type
                          && u->changes[i + 1].element->id == e->id;
        if (superseded)
            continue;
        touched_list *list = &u->of[e->type];
        touched changed = {
            .id = (uint64_t)e->id, .batch = u->changes[i].batch, .element = e, .present = !e->deleted,
            .old_block = OSM3S_UNRESOLVED, .block = OSM3S_UNRESOLVED, .old_box = no_box(), .box = no_box()};
        if (touched_add(list, changed))
            return OSM3S_NOMEM;
        if (u->with_history)
            error = keep_versions(u, &list->items[list->n - 1], first, i + 1);
        first = i + 1;
        if (error == OSM3S_OK)
            error = question_add(&u->asked[e->type], (uint64_t)e->id);
    }
    for (int t = 0; t < 3 && error == OSM3S_OK; t++)
        error = question_seal(&u->asked[t]);
    return error ? error : collect_users(u);
}

int osm3s_update_next_user(osm3s_update *u, int32_t *uid, osm3s_bytes *name)
{
    if (u->user_at == u->n_users)
        return 0;
    const change *c = &u->users[u->user_at++];
    uint32_t from = c->batch->string_start[c->element->user], to = c->batch->string_start[c->element->user + 1];
    *uid = c->element->meta.uid;
    *name = (osm3s_bytes){(const uint8_t *)c->batch->bytes + from, to - from};
    return 1;
}

/* --- questions to the index --- */

static int compare_ids(const void *left, const void *right)
{
    uint64_t l = *(const uint64_t *)left, r = *(const uint64_t *)right;
    return (l > r) - (l < r);
}

void question_clear(question *q)
{
    q->n = q->at = 0;
}

int question_add(question *q, uint64_t id)
{
    if (q->n && q->ids[q->n - 1] == id)
        return OSM3S_OK;
    if (q->n == q->cap && grow(&q->ids, &q->cap, q->n + 1, sizeof *q->ids))
        return OSM3S_NOMEM;
    q->ids[q->n++] = id;
    return OSM3S_OK;
}

int question_seal(question *q)
{
    size_t kept = 0;
    if (q->n)
        qsort(q->ids, q->n, sizeof *q->ids, compare_ids);
    for (size_t i = 0; i < q->n; i++)
        if (kept == 0 || q->ids[kept - 1] != q->ids[i])
            q->ids[kept++] = q->ids[i];
    q->n = kept;
    q->at = 0;
    return grow(&q->block_ids, &q->cap_block_ids, kept + 1, sizeof *q->block_ids);
}

ptrdiff_t question_find(const question *q, uint64_t id)
{
    size_t low = 0, high = q->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (q->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < q->n && q->ids[low] == id ? (ptrdiff_t)low : -1;
}

int osm3s_update_asks_page(osm3s_update *u, int type, uint64_t *page)
{
    question *q = &u->asked[type];
    if (q->at == q->n)
        return 0;
    *page = q->ids[q->at] >> ID_PAGE_BITS;
    return 1;
}

int osm3s_update_answer_page(osm3s_update *u, int type, const uint8_t *page, size_t len)
{
    question *q = &u->asked[type];
    size_t from = q->at, to = from;
    while (to < q->n && q->ids[to] >> ID_PAGE_BITS == q->ids[from] >> ID_PAGE_BITS)
        to++;
    q->at = to;
    if (len)
        return osm3s_id_page_lookup(page, len, q->ids[from] >> ID_PAGE_BITS, q->ids + from, to - from,
                                    q->block_ids + from);
    memset(q->block_ids + from, 0xff, (to - from) * sizeof *q->block_ids);
    return OSM3S_OK;
}

int osm3s_update_asks_owners(osm3s_update *u, int kind, uint64_t *member)
{
    question *q = &u->members[kind];
    if (q->at == q->n)
        return 0;
    *member = q->ids[q->at];
    return 1;
}

int osm3s_update_answer_owners(osm3s_update *u, int kind, const uint8_t *page, size_t len)
{
    question *q = &u->members[kind];
    owner_link *links = NULL;
    size_t n = 0, cap = 0, l = 0;
    if (len == 0) {
        q->at = q->n;
        return OSM3S_OK;
    }
    int error = link_page_decode(page, len, &links, &n, &cap);
    if (error == OSM3S_OK && (n == 0 || links[n - 1].member < q->ids[q->at]))
        error = fail(OSM3S_CORRUPT, "a page of links does not end where its key says");
    for (; error == OSM3S_OK && q->at < q->n && q->ids[q->at] <= links[n - 1].member; q->at++) {
        while (l < n && links[l].member < q->ids[q->at])
            l++;
        for (; l < n && links[l].member == q->ids[q->at] && error == OSM3S_OK; l++) {
            error = grow(&u->owners, &u->cap_owners, u->n_owners + 1, sizeof *u->owners);
            if (error == OSM3S_OK) /* of a block with history it is the element that matters */
                u->owners[u->n_owners++] = kind < LINK_HISTORY ? links[l].owner : links[l].member;
        }
    }
    free(links);
    return error;
}

int osm3s_update_ask_for_owners(osm3s_update *u, int type)
{
    question *q = &u->asked[type];
    int error = OSM3S_OK;
    question_clear(q);
    for (size_t i = 0; i < u->n_owners && error == OSM3S_OK; i++)
        if (touched_find(&u->of[type], u->owners[i]) < 0)
            error = question_add(q, u->owners[i]);
    u->n_owners = 0;
    return error ? error : question_seal(q);
}

/* --- touched elements --- */

static size_t touched_bit(uint64_t id)
{
    return id * 0x9e3779b97f4a7c15u >> (64 - TOUCHED_BITS);
}

int touched_add(touched_list *list, touched item)
{
    if (grow(&list->items, &list->cap, list->n + 1, sizeof *list->items))
        return OSM3S_NOMEM;
    size_t bit = touched_bit(item.id);
    list->seen[bit / 64] |= 1ull << bit % 64;
    list->items[list->n++] = item;
    return OSM3S_OK;
}

ptrdiff_t touched_find(const touched_list *list, uint64_t id)
{
    size_t bit = touched_bit(id);
    if (!(list->seen[bit / 64] >> bit % 64 & 1))
        return -1;
    size_t low = 0, high = list->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (list->items[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->n && list->items[low].id == id ? (ptrdiff_t)low : -1;
}

static int compare_touched(const void *left, const void *right)
{
    const touched *l = left, *r = right;
    if (l->id != r->id)
        return l->id < r->id ? -1 : 1;
    return (l->batch == NULL) - (r->batch == NULL); /* what is changed by itself comes first, and stays */
}

void touched_merge(touched_list *list, size_t n_before)
{
    if (list->n == n_before)
        return;
    qsort(list->items, list->n, sizeof *list->items, compare_touched);
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++)
        if (kept == 0 || list->items[kept - 1].id != list->items[i].id)
            list->items[kept++] = list->items[i];
    list->n = kept;
}

int osm3s_update_locate(osm3s_update *u, int type)
{
    touched_list *list = &u->of[type];
    const question *q = &u->asked[type];
    for (size_t i = 0; i < list->n; i++) {
        touched *t = &list->items[i];
        ptrdiff_t at = question_find(q, t->id);
        if (at < 0 || q->block_ids[at] == OSM3S_UNRESOLVED) {
            int error = u->with_history ? question_add(&u->members[LINK_HISTORY + type], t->id) : OSM3S_OK;
            if (error)
                return error;
            continue;
        }
        osm3s_row row = {.id = t->id, .block = q->block_ids[at]};
        int error = snapshot_locate_row(u->s, type, &row);
        t->old_block = row.block;
        t->old_slot = row.slot;
        if (error == OSM3S_OK)
            error = touched_read_old(u, t, type);
        if (error == OSM3S_OK && u->with_history) /* of what is superseded */
            error = want_meta(u, t->old_block, t->old_slot >= osm3s_snapshot_entry(u->s, t->old_block)->n ? META_DELTA : META_BASE);
        if (error)
            return error;
    }
    return u->with_history ? question_seal(&u->members[LINK_HISTORY + type]) : OSM3S_OK;
}

int osm3s_update_note_known(osm3s_update *u, int type)
{
    for (size_t i = 0; i < u->n_owners; i++) {
        ptrdiff_t at = touched_find(&u->of[type], u->owners[i]);
        if (at >= 0)
            u->of[type].items[at].known = true;
    }
    u->n_owners = 0;
    return OSM3S_OK;
}

int touch_asked(osm3s_update *u, int type)
{
    touched_list *list = &u->of[type];
    const question *q = &u->asked[type];
    for (size_t i = 0; i < q->n; i++) {
        if (q->block_ids[i] == OSM3S_UNRESOLVED)
            continue;
        osm3s_row row = {.id = q->ids[i], .block = q->block_ids[i]};
        int error = snapshot_locate_row(u->s, type, &row);
        if (error)
            return error;
        touched owner = {.id = row.id, .old_block = row.block, .old_slot = row.slot, .present = true,
                         .old_box = no_box(), .box = no_box()};
        if (touched_add(list, owner))
            return OSM3S_NOMEM;
    }
    return OSM3S_OK;
}

int touched_read_old(osm3s_update *u, touched *t, int type)
{
    uint32_t slot;
    const view *v = snapshot_view(u->s, t->old_block, t->old_slot, &slot);
    if (v == NULL)
        return OSM3S_CORRUPT;
    t->old_family = (uint8_t)v->family;
    t->known = true;
    bool in_base = t->old_slot < osm3s_snapshot_entry(u->s, t->old_block)->n;
    if (u->with_history && in_base && snapshot_check_body(u->s, t->old_block)) /* the times are in the body */
        return OSM3S_CORRUPT;
    t->old_since = view_since(v, slot);
    t->old_box = view_bbox(v, slot);
    if (type == OSM3S_NODE && t->old_box.south == OSM3S_NO_COORD)
        t->old_box = no_box();
    if (bbox_is_empty(&t->old_box))
        t->old_box = no_box();
    return OSM3S_OK;
}

/* An element stays in its block as long as a search by its key would find it there. */
uint32_t target_block(const osm3s_update *u, const touched *t, int family, uint64_t key)
{
    uint32_t block = osm3s_snapshot_block_of_key(u->s, family, key);
    if (t->old_block == OSM3S_UNRESOLVED || t->old_family != family || block == OSM3S_UNRESOLVED)
        return block;
    bool stays = t->old_block == block
                 || (t->old_block < block && osm3s_snapshot_entry(u->s, t->old_block + 1)->order_key >= key);
    return stays ? t->old_block : block;
}

int keep_record(osm3s_update *u, touched *t, const buffer *record)
{
    t->record = u->records.len;
    t->record_len = record->len;
    if (u->with_history)
        note_begun(u, t, record_head_of(record->data).since);
    return buffer_put(&u->records, record->data, record->len);
}

static int record_of(osm3s_update *u, const osm3s_batch *batch, const osm3s_element *e)
{
    int error = record_from_batch(&u->record, batch, e);
    if (error == OSM3S_OK && !u->with_meta) {
        record_head h = record_head_of(u->record.data);
        h.meta = (osm3s_meta){0, 0, 0, 0};
        memcpy(u->record.data, &h, sizeof h);
    }
    return error;
}

int record_of_change(osm3s_update *u, const touched *t)
{
    return record_of(u, t->batch, t->element);
}

int record_of_version(osm3s_update *u, const touched *t, uint32_t version)
{
    const change *c = &u->versions[t->version + version];
    return record_of(u, c->batch, c->element);
}

int record_of_stored(osm3s_update *u, const touched *t)
{
    uint32_t slot;
    const view *v = snapshot_view(u->s, t->old_block, t->old_slot, &slot);
    return v ? record_from_view(&u->record, v, slot, &u->nodes, &u->list) : OSM3S_CORRUPT;
}

/* --- metadata frames, which the caller decompresses --- */

int want_meta(osm3s_update *u, uint32_t block, int part)
{
    u->meta_wanted[block] |= (uint8_t)part & (uint8_t)~u->meta_done[block];
    return OSM3S_OK;
}

int osm3s_update_asks_meta(osm3s_update *u, uint32_t *block, int *delta, const uint8_t **frame, uint32_t *len)
{
    for (; u->meta_at < u->n_blocks; u->meta_at++)
        for (int part = META_BASE; part <= META_DELTA; part <<= 1) {
            if (!(u->meta_wanted[u->meta_at] & part))
                continue;
            u->meta_wanted[u->meta_at] &= (uint8_t)~part;
            u->meta_done[u->meta_at] |= (uint8_t)part;
            *block = (uint32_t)u->meta_at;
            *delta = part == META_DELTA;
            *len = 0;
            *frame = osm3s_snapshot_meta_frame(u->s, *block, *delta, len);
            if (*frame)
                return 1;
            if (*len)
                return OSM3S_CORRUPT;
        }
    u->meta_at = 0;
    return 0;
}

/* --- changes of the index --- */

int add_link_change(osm3s_update *u, int kind, uint64_t member, uint64_t owner, bool added)
{
    if (grow(&u->link_changes, &u->cap_link_changes, u->n_link_changes + 1, sizeof *u->link_changes))
        return OSM3S_NOMEM;
    u->link_changes[u->n_link_changes++] = (link_change){member, owner, (uint8_t)kind, added};
    return OSM3S_OK;
}

int add_id_change(osm3s_update *u, int type, uint64_t id, uint32_t block_id)
{
    if (grow(&u->id_changes, &u->cap_id_changes, u->n_id_changes + 1, sizeof *u->id_changes))
        return OSM3S_NOMEM;
    u->id_changes[u->n_id_changes++] = (id_change){id, block_id, (uint8_t)type};
    return OSM3S_OK;
}

/* --- what has changed, for the changelog --- */

size_t osm3s_update_n_changed(const osm3s_update *u)
{
    return u->of[0].n + u->of[1].n + u->of[2].n;
}

size_t osm3s_update_changed(const osm3s_update *u, osm3s_changed *rows)
{
    size_t n = 0;
    for (int type = 0; type < 3; type++)
        for (size_t i = 0; i < u->of[type].n; i++) {
            const touched *t = &u->of[type].items[i];
            bool was = t->old_block != OSM3S_UNRESOLVED;
            if (!was && !t->present && t->n_begun == 0)
                continue;
            int kind = t->batch == NULL ? OSM3S_CHANGED_IMPLICITLY : !t->present ? OSM3S_DELETED
                       : was ? OSM3S_MODIFIED : OSM3S_CREATED;
            rows[n++] = (osm3s_changed){.id = t->id, .old_box = t->old_box, .new_box = t->box,
                                        .type = (uint8_t)type, .kind = (uint8_t)kind,
                                        .n_begun = (uint8_t)(t->n_begun > 1 ? 2 : t->n_begun), .since = t->last_begun};
        }
    return n;
}

int osm3s_update_begun(const osm3s_update *u, uint32_t *first, uint32_t *last)
{
    *first = u->first_begun;
    *last = u->last_begun;
    return u->last_begun > 0;
}

void osm3s_update_numbers(const osm3s_update *u, uint32_t next_block_id[3], uint32_t *next_serial, int64_t elements[3])
{
    for (int t = 0; t < 3; t++) {
        next_block_id[t] = u->next_id[t];
        elements[t] = u->delta_elements[t];
    }
    *next_serial = u->next_serial;
}
