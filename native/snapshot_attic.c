/* snapshot_attic.c: the superseded versions of blocks, and what was valid at the time that is asked about.
 *
 * A block that has not changed after that time is as it is now: neither its times nor its attic are looked at. */
#include "snapshot.h"

void osm3s_snapshot_set_time(osm3s_snapshot *s, uint32_t time)
{
    s->time = time;
}

uint32_t snapshot_time(const osm3s_snapshot *s)
{
    return s->time;
}

bool snapshot_is_current(const osm3s_snapshot *s, uint32_t block)
{
    return s->time == 0 || s->entries[block]->newest <= s->time;
}

int osm3s_snapshot_want_attic(osm3s_snapshot *s, const uint32_t *blocks, size_t n, uint32_t since, uint32_t *out,
                              size_t *n_out, size_t *n_unplaced)
{
    *n_out = *n_unplaced = 0;
    for (size_t i = 0; i < n; i++) {
        if (blocks[i] >= s->n_entries)
            return fail(OSM3S_CORRUPT, "block number %u of %zu", blocks[i], s->n_entries);
        if (since && s->entries[blocks[i]]->newest <= since)
            continue;
        if (s->entries[blocks[i]]->n_attic == 0)
            continue;
        const open_block *o = snapshot_open(s, blocks[i]);
        if (o == NULL)
            return OSM3S_CORRUPT;
        out[(*n_out)++] = blocks[i];
        if (!o->attic_known) {
            out[*n_out - 1] = out[*n_unplaced];
            out[(*n_unplaced)++] = blocks[i];
        }
    }
    return OSM3S_OK;
}

void osm3s_snapshot_changed_blocks(const osm3s_snapshot *s, int family, uint32_t since, uint32_t *out, size_t *n)
{
    *n = 0;
    for (uint32_t block = s->first[family]; block < s->first[family + 1]; block++)
        if (since == 0 || s->entries[block]->newest > since)
            out[(*n)++] = block;
}

uint32_t osm3s_snapshot_newest(const osm3s_snapshot *s)
{
    uint32_t newest = 0;
    for (size_t block = 0; block < s->n_entries; block++)
        if (s->entries[block]->newest > newest)
            newest = s->entries[block]->newest;
    return newest;
}

int osm3s_snapshot_place_attic(osm3s_snapshot *s, uint32_t block, const void *parts, size_t len)
{
    open_block *o = snapshot_open(s, block);
    if (o == NULL)
        return OSM3S_CORRUPT;
    if (o->attic_known)
        return OSM3S_OK;
    size_t n = len / sizeof(osm3s_attic_part);
    if (len % sizeof(osm3s_attic_part) || n == 0 || n > UINT16_MAX)
        return fail(OSM3S_CORRUPT, "the attic of block %u has an entry of %zu bytes", s->entries[block]->id, len);
    o->attic = calloc(n, sizeof *o->attic);
    if (o->attic == NULL)
        return fail(OSM3S_NOMEM, "out of memory for %zu parts of an attic", n);
    uint64_t slot = (uint64_t)o->n_base + o->delta.n;
    for (size_t i = 0; i < n; i++) {
        attic_part *p = &o->attic[i];
        memcpy(&p->place, (const uint8_t *)parts + i * sizeof p->place, sizeof p->place);
        p->first_slot = (uint32_t)slot;
        slot += p->place.n;
        if (p->place.n > 65535)
            return fail(OSM3S_CORRUPT, "a part of an attic with %u elements", p->place.n);
    }
    o->n_attic = (uint32_t)n;
    o->attic_known = true;
    return OSM3S_OK;
}

/* Open a part, of which `data` are head, body and then `meta_len` bytes of a meta frame that is not compressed. */
static int open_part(osm3s_snapshot *s, uint32_t block, uint32_t part, const uint8_t *data, uint32_t meta_len)
{
    open_block *o = s->opened[block];
    const osm3s_attic_part *p = &o->attic[part].place;
    view v;
    int error = view_open(&v, data, p->head_len, p->body_len);
    if (error == OSM3S_OK && meta_len)
        error = view_attach_meta(&v, data + p->head_len + p->body_len, meta_len);
    if (error == OSM3S_OK && (v.n != p->n || v.family != o->family || v.until.n != v.n))
        error = fail(OSM3S_CORRUPT, "the attic of block %u is not the one of the index", s->entries[block]->id);
    if (error == OSM3S_OK)
        o->attic[part].view = v;
    return error;
}

int osm3s_snapshot_next_attic(osm3s_snapshot *s, const uint32_t *blocks, size_t n, uint32_t since, uint32_t until, size_t *at,
                              uint32_t *part, const uint8_t **frame, uint32_t *len)
{
    for (; *at < n; ++*at, *part = 0) {
        open_block *o = snapshot_open(s, blocks[*at]);
        if (o == NULL)
            return OSM3S_CORRUPT;
        for (; *part < o->n_attic; ++*part) {
            const attic_part *p = &o->attic[*part];
            if (p->view.n || p->place.oldest > until || (since && p->place.newest <= since))
                continue;
            *len = p->place.len;
            *frame = snapshot_extent(s, OSM3S_FILE_ATTIC, p->place.offset, p->place.len);
            if (*frame == NULL)
                return OSM3S_CORRUPT;
            if (checksum(*frame, *len) != p->place.sum)
                return snapshot_corrupt_frame(s, OSM3S_FILE_ATTIC, p->place.offset, "attic");
            if (!p->place.is_plain)
                return 1;
            if ((uint64_t)p->place.head_len + p->place.body_len > *len)
                return fail(OSM3S_CORRUPT, "an attic of %u bytes, the index says others", *len);
            int error = open_part(s, blocks[*at], *part, *frame, 0);
            if (error)
                return error;
        }
    }
    return 0;
}

int osm3s_snapshot_attach_attic(osm3s_snapshot *s, uint32_t block, uint32_t part, const uint8_t *data, size_t len)
{
    open_block *o = snapshot_open(s, block);
    if (o == NULL || part >= o->n_attic)
        return OSM3S_CORRUPT;
    const osm3s_attic_part *p = &o->attic[part].place;
    if ((uint64_t)p->head_len + p->body_len + p->meta_len != len)
        return fail(OSM3S_CORRUPT, "an attic of %zu bytes, the index says others", len);
    return open_part(s, block, part, data, p->meta_len);
}

int osm3s_snapshot_attic_meta_frame(osm3s_snapshot *s, uint32_t block, uint32_t *part, const uint8_t **frame, uint32_t *len)
{
    open_block *o = snapshot_open(s, block);
    if (o == NULL)
        return OSM3S_CORRUPT;
    for (; *part < o->n_attic; ++*part) {
        const attic_part *p = &o->attic[*part];
        if (p->view.n == 0 || p->view.has_meta || p->place.meta_len == 0)
            continue;
        uint32_t before = p->place.head_len + p->place.body_len; /* not more than len: the part was opened */
        *len = p->place.len - before;
        *frame = snapshot_extent(s, OSM3S_FILE_ATTIC, p->place.offset + before, *len);
        return *frame ? 1 : OSM3S_CORRUPT;
    }
    return 0;
}

int osm3s_snapshot_attach_attic_meta(osm3s_snapshot *s, uint32_t block, uint32_t part, const uint8_t *data, size_t len)
{
    open_block *o = snapshot_open(s, block);
    if (o == NULL || part >= o->n_attic)
        return OSM3S_CORRUPT;
    return view_attach_meta(&o->attic[part].view, data, len);
}

/* The meta frame of a part that is not attached: 1, 0: none. */
static int part_meta(osm3s_snapshot *s, uint32_t block, uint32_t part, const uint8_t **frame, uint32_t *len)
{
    const open_block *o = s->opened[block];
    if (part >= OSM3S_FIRST_ATTIC_PART) {
        uint32_t of_attic = part - OSM3S_FIRST_ATTIC_PART, next = of_attic;
        int found = osm3s_snapshot_attic_meta_frame(s, block, &next, frame, len);
        return next == of_attic ? found : 0;
    }
    if (part ? o->delta.has_meta : o->base.has_meta)
        return 0;
    *frame = osm3s_snapshot_meta_frame(s, block, (int)part, len);
    return *frame ? 1 : *len ? OSM3S_CORRUPT : 0;
}

int osm3s_snapshot_next_meta(osm3s_snapshot *s, const uint32_t *blocks, size_t n, size_t *at, uint32_t *part,
                             const uint8_t **frame, uint32_t *len)
{
    for (; *at < n; ++*at, *part = 0) {
        const open_block *o = snapshot_open(s, blocks[*at]);
        if (o == NULL)
            return OSM3S_CORRUPT;
        for (; *part < OSM3S_FIRST_ATTIC_PART + o->n_attic; ++*part) {
            int found = part_meta(s, blocks[*at], *part, frame, len);
            if (found)
                return found;
        }
    }
    return 0;
}

int osm3s_rows_next_meta(osm3s_snapshot *s, const osm3s_rows *rows, size_t *at, uint32_t *part, const uint8_t **frame,
                         uint32_t *len)
{
    uint32_t block = OSM3S_UNRESOLVED, seen = 0; /* of the row before: most are in the same part */
    for (; *at < rows->n; ++*at) {
        const osm3s_row *row = &rows->rows[*at];
        if (row->block == OSM3S_UNRESOLVED)
            continue;
        const open_block *o = snapshot_open(s, row->block);
        if (o == NULL)
            return OSM3S_CORRUPT;
        *part = row->slot < o->n_base ? 0 : row->slot < o->n_base + o->delta.n ? 1
                                          : OSM3S_FIRST_ATTIC_PART + attic_part_of(o, row->slot);
        if (row->block == block && *part == seen)
            continue;
        int found = part_meta(s, row->block, *part, frame, len);
        if (found)
            return found;
        block = row->block;
        seen = *part;
    }
    return 0;
}

void osm3s_snapshot_detach_attic(osm3s_snapshot *s, uint32_t block)
{
    open_block *o = s->opened[block];
    for (uint32_t i = 0; o && i < o->n_attic; i++)
        o->attic[i].view = (view){0};
}

const view *snapshot_attic(osm3s_snapshot *s, uint32_t block, uint32_t part, uint32_t *first_slot)
{
    const open_block *o = snapshot_open(s, block);
    if (o == NULL || part >= o->n_attic)
        return NULL;
    *first_slot = o->attic[part].first_slot;
    return &o->attic[part].view;
}

/* Slot of the version of an id that was valid at the time, or -1. */
static ptrdiff_t find_version(const view *v, uint64_t id, uint32_t time)
{
    if (v->n == 0)
        return -1;
    for (ptrdiff_t slot = view_find(v, id); slot >= 0 && slot < (ptrdiff_t)v->n; slot++) {
        if (column_get(&v->id, (size_t)slot) != id)
            return -1;
        if (view_valid_at(v, (uint32_t)slot, time))
            return slot;
    }
    return -1;
}

ptrdiff_t snapshot_find_at(osm3s_snapshot *s, uint32_t block, uint64_t id)
{
    ptrdiff_t slot = snapshot_find(s, block, id);
    if (slot == -2 || snapshot_is_current(s, block))
        return slot;
    const open_block *o = s->opened[block];
    if (slot >= 0) {
        bool in_delta = (size_t)slot >= o->n_base;
        if (!in_delta && snapshot_check_body(s, block)) /* the times are in the body */
            return -2;
        if (view_since(in_delta ? &o->delta : &o->base, (uint32_t)slot - (in_delta ? o->n_base : 0)) <= s->time)
            return slot;
    }
    for (uint32_t p = 0; p < o->n_attic; p++) {
        slot = find_version(&o->attic[p].view, id, s->time);
        if (slot >= 0)
            return slot + (ptrdiff_t)o->attic[p].first_slot;
    }
    return -1;
}

/* --- by id --- */

typedef struct { uint8_t *bits; uint32_t *out; size_t *n; } block_list;

static int start_list(osm3s_snapshot *s, block_list *l, uint32_t *out, size_t *n)
{
    *l = (block_list){calloc(s->n_entries / 8 + 1, 1), out, n};
    *n = 0;
    return l->bits ? OSM3S_OK : fail(OSM3S_NOMEM, "out of memory for %zu blocks", s->n_entries);
}

static void list_block(block_list *l, uint32_t block)
{
    if (l->bits[block / 8] >> block % 8 & 1)
        return;
    l->bits[block / 8] |= (uint8_t)(1 << block % 8);
    l->out[(*l->n)++] = block;
}

static int block_of(osm3s_snapshot *s, int type, uint32_t id, uint32_t *block)
{
    *block = osm3s_snapshot_block_of_id(s, type, id);
    return *block != OSM3S_UNRESOLVED ? OSM3S_OK
           : fail(OSM3S_CORRUPT, "the index names block %u, which the directory does not have", id);
}

int osm3s_rows_blocks_at(osm3s_snapshot *s, int type, const osm3s_rows *rows, const osm3s_rows *links, uint32_t *out,
                         size_t *n)
{
    block_list list;
    uint32_t block;
    int error = start_list(s, &list, out, n);
    for (size_t i = 0; i < rows->n && error == OSM3S_OK; i++)
        if (rows->rows[i].block != OSM3S_UNRESOLVED && (error = block_of(s, type, rows->rows[i].block, &block)) == OSM3S_OK)
            list_block(&list, block);
    for (size_t i = 0; i < links->n && error == OSM3S_OK; i++)
        if ((error = block_of(s, type, links->rows[i].block, &block)) == OSM3S_OK)
            list_block(&list, block);
    free(list.bits);
    return error;
}

static int push_found(osm3s_snapshot *s, int type, uint64_t id, uint32_t block, ptrdiff_t slot, osm3s_rows *found)
{
    osm3s_row row = {.id = id};
    return snapshot_place_row(s, type, block, (uint32_t)slot, &row) ? OSM3S_CORRUPT : rows_push(found, row);
}

int osm3s_rows_locate_at(osm3s_snapshot *s, int type, const osm3s_rows *rows, const osm3s_rows *links, osm3s_rows *found,
                         osm3s_rows *missing)
{
    size_t l = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const osm3s_row *row = &rows->rows[i];
        uint32_t block = OSM3S_UNRESOLVED;
        ptrdiff_t slot = -1;
        int error = row->block == OSM3S_UNRESOLVED ? OSM3S_OK : block_of(s, type, row->block, &block);
        if (error)
            return error;
        if (block != OSM3S_UNRESOLVED)
            slot = snapshot_find_at(s, block, row->id);
        while (l < links->n && links->rows[l].id < row->id)
            l++;
        for (; slot == -1 && l < links->n && links->rows[l].id == row->id; l++) {
            if ((error = block_of(s, type, links->rows[l].block, &block)))
                return error;
            slot = snapshot_find_at(s, block, row->id);
        }
        if (slot == -2)
            return OSM3S_CORRUPT;
        error = slot >= 0 ? push_found(s, type, row->id, block, slot, found) : missing ? rows_push(missing, *row) : OSM3S_OK;
        if (error)
            return error;
    }
    return OSM3S_OK;
}

typedef struct { uint32_t block, slot, since; bool deleted; } first_version;

static void take_earlier(const view *v, uint64_t id, uint32_t block, uint32_t first_slot, first_version *first)
{
    ptrdiff_t slot = v->n ? view_find(v, id) : -1; /* the first one in time */
    if (slot < 0 || view_since(v, (uint32_t)slot) >= first->since)
        return;
    uint32_t since = view_since(v, (uint32_t)slot);
    *first = (first_version){block, first_slot + (uint32_t)slot, since, since == view_until(v, (uint32_t)slot)};
}

static int find_first(osm3s_snapshot *s, uint32_t block, uint64_t id, first_version *first)
{
    ptrdiff_t slot = snapshot_find(s, block, id);
    if (slot == -2)
        return OSM3S_CORRUPT;
    const open_block *o = s->opened[block];
    if (slot >= 0 && (size_t)slot < o->n_base && snapshot_check_body(s, block))
        return OSM3S_CORRUPT;
    if (slot >= 0 && (size_t)slot >= o->n_base)
        take_earlier(&o->delta, id, block, o->n_base, first);
    else if (slot >= 0)
        take_earlier(&o->base, id, block, 0, first);
    for (uint32_t p = 0; p < o->n_attic; p++)
        take_earlier(&o->attic[p].view, id, block, o->attic[p].first_slot, first);
    return OSM3S_OK;
}

int osm3s_rows_locate_first(osm3s_snapshot *s, int type, const osm3s_rows *rows, const osm3s_rows *links, osm3s_rows *found)
{
    size_t l = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const osm3s_row *row = &rows->rows[i];
        first_version first = {OSM3S_UNRESOLVED, 0, OSM3S_FOREVER, true};
        uint32_t block;
        int error = OSM3S_OK;
        if (row->block != OSM3S_UNRESOLVED && (error = block_of(s, type, row->block, &block)) == OSM3S_OK)
            error = find_first(s, block, row->id, &first);
        while (l < links->n && links->rows[l].id < row->id)
            l++;
        for (; error == OSM3S_OK && l < links->n && links->rows[l].id == row->id; l++)
            if ((error = block_of(s, type, links->rows[l].block, &block)) == OSM3S_OK)
                error = find_first(s, block, row->id, &first);
        if (error == OSM3S_OK && !first.deleted && first.since > s->time)
            error = push_found(s, type, row->id, first.block, (ptrdiff_t)first.slot, found);
        if (error)
            return error;
    }
    return OSM3S_OK;
}

/* --- by position --- */

typedef struct { block_list *list; bool all_current; } position_search;

/* Look at all blocks of a family in which a search by a key looks: list those that have changed since the time. */
static void look_at_key(const osm3s_snapshot *s, int family, uint64_t key, uint32_t *near, position_search *search)
{
    uint32_t block = snapshot_block_near(s, family, key, near);
    for (; block != OSM3S_UNRESOLVED; block--) {
        if (!snapshot_is_current(s, block)) {
            search->all_current = false;
            if (search->list)
                list_block(search->list, block);
        }
        if (block == s->first[family] || s->entries[block]->order_key < key)
            break;
    }
}

int osm3s_rows_resolve_changed(osm3s_snapshot *s, osm3s_rows *rows, int drop)
{
    size_t kept = 0;
    uint32_t near[2] = {0, 0}, found[2] = {0, 0};
    for (size_t i = 0; i < rows->n; i++) {
        osm3s_row *row = &rows->rows[i];
        uint64_t key = order_key_of_position(row->lat, row->lon);
        position_search search = {.all_current = true};
        for (int family = OSM3S_NODES; row->block == OSM3S_UNRESOLVED && family <= OSM3S_TAGGED_NODES; family++)
            look_at_key(s, family, key, &near[family], &search);
        if (!search.all_current && snapshot_resolve_near(s, row, false, found))
            return OSM3S_CORRUPT;
        if (!drop || search.all_current || row->block != OSM3S_UNRESOLVED)
            rows->rows[kept++] = *row;
    }
    rows->n = kept;
    return OSM3S_OK;
}

int osm3s_rows_blocks_of_positions(osm3s_snapshot *s, const osm3s_rows *rows, int tagged_only, uint32_t *out, size_t *n)
{
    block_list list;
    uint32_t near[2] = {0, 0};
    int error = start_list(s, &list, out, n);
    position_search search = {.list = &list};
    for (size_t i = 0; i < rows->n && error == OSM3S_OK; i++) {
        const osm3s_row *row = &rows->rows[i];
        if (row->block != OSM3S_UNRESOLVED)
            continue;
        uint64_t key = order_key_of_position(row->lat, row->lon);
        for (int family = tagged_only ? OSM3S_TAGGED_NODES : OSM3S_NODES; family <= OSM3S_TAGGED_NODES; family++)
            look_at_key(s, family, key, &near[family], &search);
    }
    free(list.bits);
    return error;
}
