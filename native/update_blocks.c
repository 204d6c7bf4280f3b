/* update_blocks.c: what was placed -> deltas of blocks, and whole blocks where a delta would not do. */
#include "update.h"

/* Elements per block aimed at; a block is cut when it has grown past twice that. As in import.c. */
static const uint32_t AIM[OSM3S_FAMILIES] = {8192, 2048, 1024, 512};
enum { AIM_BYTES = 1 << 19, AIM_TAGS = 50000, MOST_ELEMENTS = 65000 };
/* A delta of more records than this, which is also larger than its base, is not written: the block is made anew. */
enum { MOST_DELTA_RECORDS = 4096, MOST_DELTA_BYTES = 1 << 18 };

static int add_placement(osm3s_update *u, const touched *t, uint32_t block, int family, bool goes_in, uint32_t old_id)
{
    if (grow(&u->placements, &u->cap_placements, u->n_placements + 1, sizeof *u->placements))
        return OSM3S_NOMEM;
    u->placements[u->n_placements++] = (placement){
        .block = block, .family = (uint8_t)family, .id = t->id, .key = t->key, .old_id = old_id,
        .record = t->record, .record_len = goes_in ? t->record_len : 0};
    return OSM3S_OK;
}

static int compare_placements(const void *left, const void *right)
{
    const placement *l = left, *r = right;
    if (l->family != r->family)
        return l->family < r->family ? -1 : 1;
    if (l->block != r->block)
        return l->block < r->block ? -1 : 1;
    if (l->id != r->id)
        return l->id < r->id ? -1 : 1;
    if ((l->record_len > 0) != (r->record_len > 0))
        return (l->record_len > 0) - (r->record_len > 0);
    return (l->since > r->since) - (l->since < r->since);
}

static int family_of(const osm3s_update *u, uint32_t block)
{
    int f = 0;
    while (f + 1 < OSM3S_FAMILIES && block >= osm3s_snapshot_first_block(u->s, f + 1))
        f++;
    return f;
}

/* Bytes that a delta may have whatever the size of its base, and which part of the base it may be else. */
enum { SMALL_DELTA_BYTES = 2048, LARGE_DELTA_PART = 5 };

/* Whether a delta is so large, with so many bytes more, that the block should be made anew. */
static bool is_due(const osm3s_dir_entry *e, uint64_t more)
{
    uint64_t base = (uint64_t)e->head_len + e->body_len + e->meta_len;
    uint64_t delta = (uint64_t)e->n_dead * 2 + e->delta_head_len + e->delta_body_len + e->delta_meta_len + more;
    return delta > SMALL_DELTA_BYTES && delta > base / LARGE_DELTA_PART;
}

/* How much smaller records become in a delta, at least; nodes without tags, all others. Measured: 6 and 2.5 to 4. */
enum { NODES_PACKED_TO = 5, OTHERS_PACKED_TO = 2 };

uint32_t osm3s_update_rewrite_due(osm3s_update *u, uint32_t most)
{
    uint32_t n = 0;
    for (uint32_t b = 0; b < u->n_blocks && n < most; b++)
        if (is_due(osm3s_snapshot_entry(u->s, b), 0)) {
            u->rewrite[b] = 1;
            n++;
        }
    return n;
}

static int place_all(osm3s_update *u)
{
    for (int type = 0; type < 3; type++)
        for (size_t i = 0; i < u->of[type].n; i++) {
            const touched *t = &u->of[type].items[i];
            bool was = t->old_block != OSM3S_UNRESOLVED;
            u->delta_elements[type] += (int)t->present - (int)was;
            if (t->unchanged)
                continue;
            uint32_t old_id = was ? osm3s_snapshot_entry(u->s, t->old_block)->id : OSM3S_UNRESOLVED;
            bool leaves = was && (!t->present || t->block != t->old_block);
            if (leaves && add_placement(u, t, t->old_block, t->old_family, false, old_id))
                return OSM3S_NOMEM;
            if (leaves && u->with_history && add_link_change(u, LINK_HISTORY + type, t->id, old_id, true))
                return OSM3S_NOMEM;
            if (t->present && add_placement(u, t, t->block, t->family, true, old_id))
                return OSM3S_NOMEM;
            if (was && !t->present && add_id_change(u, type, t->id, OSM3S_UNRESOLVED))
                return OSM3S_NOMEM;
        }
    return OSM3S_OK;
}

static int add_group(osm3s_update *u, block_group g)
{
    size_t bytes = 0, n = 0, tags = 0;
    for (size_t i = g.from; i < g.to; i++) {
        bytes += u->placements[i].record_len;
        n += u->placements[i].record_len > 0;
        if (u->placements[i].record_len)
            tags += record_head_of(u->records.data + u->placements[i].record).n_tags;
    }
    if (g.block == OSM3S_UNRESOLVED) {
        g.rewrite = true;
    } else {
        const osm3s_dir_entry *e = osm3s_snapshot_entry(u->s, g.block);
        size_t delta = bytes + e->delta_head_len + e->delta_body_len, base = (size_t)e->head_len + e->body_len;
        /* what would be due at once is made anew now, so that it is written once and not twice */
        g.rewrite = u->rewrite[g.block] || e->n_delta + n > MOST_DELTA_RECORDS || tags > AIM_TAGS / 2
                    || (delta > MOST_DELTA_BYTES && delta > base)
                    || (n && is_due(e, bytes / (g.family == OSM3S_NODES ? NODES_PACKED_TO : OTHERS_PACKED_TO)));
        if (e->delta_head_len)
            want_meta(u, g.block, META_DELTA);
        if (g.rewrite)
            want_meta(u, g.block, META_BASE);
    }
    if (grow(&u->groups, &u->cap_groups, u->n_groups + 1, sizeof *u->groups))
        return OSM3S_NOMEM;
    u->groups[u->n_groups++] = g;
    return OSM3S_OK;
}

static int compare_groups(const void *left, const void *right)
{
    const block_group *l = left, *r = right;
    if (l->family != r->family)
        return l->family < r->family ? -1 : 1;
    return (l->block > r->block) - (l->block < r->block);
}

/* The group of the next placements and superseded versions, which go into one block; false: there are no more. */
static bool next_group(const osm3s_update *u, block_group *g)
{
    size_t i = g->to, a = g->attic_to;
    const placement *live = i < u->n_placements ? &u->placements[i] : NULL;
    const placement *old = a < u->n_attic ? &u->attic[a] : NULL;
    if (live == NULL && old == NULL)
        return false;
    int order = live == NULL ? 1 : old == NULL ? -1 : (int)live->family - old->family;
    if (order == 0)
        order = (live->block > old->block) - (live->block < old->block);
    const placement *first = order <= 0 ? live : old;
    *g = (block_group){.block = first->block, .family = first->family, .from = i, .to = i, .attic_from = a, .attic_to = a};
    for (; g->to < u->n_placements && u->placements[g->to].family == g->family && u->placements[g->to].block == g->block;)
        g->to++;
    for (; g->attic_to < u->n_attic && u->attic[g->attic_to].family == g->family
           && u->attic[g->attic_to].block == g->block;)
        g->attic_to++;
    return true;
}

int osm3s_update_plan(osm3s_update *u)
{
    int error = place_all(u);
    if (error)
        return error;
    if (u->n_placements)
        qsort(u->placements, u->n_placements, sizeof *u->placements, compare_placements);
    if (u->n_attic)
        qsort(u->attic, u->n_attic, sizeof *u->attic, compare_placements);
    block_group g = {0};
    while (error == OSM3S_OK && next_group(u, &g)) {
        error = add_group(u, g);
        if (g.block != OSM3S_UNRESOLVED)
            u->rewrite[g.block] = 0; /* noted in the group */
    }
    for (uint32_t b = 0; b < u->n_blocks && error == OSM3S_OK; b++)
        if (u->rewrite[b])
            error = add_group(u, (block_group){.block = b, .family = (uint8_t)family_of(u, b)});
    if (error == OSM3S_OK && u->n_groups)
        qsort(u->groups, u->n_groups, sizeof *u->groups, compare_groups);
    u->group_at = u->n_groups; /* before the first */
    return error;
}

static bool in_group(const osm3s_update *u, const block_group *g, uint64_t id)
{
    size_t low = g->from, high = g->to;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (u->placements[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < g->to && u->placements[low].id == id;
}

static bool is_dead(const uint64_t *dead, uint32_t slot)
{
    return dead && dead[slot / 64] >> slot % 64 & 1;
}

static osm3s_bbox joined(osm3s_bbox a, osm3s_bbox b)
{
    if (bbox_is_empty(&a))
        return b;
    if (!bbox_is_empty(&b))
        bbox_add(&a, &b);
    return a;
}

static void start_block(osm3s_update *u, int family)
{
    osm3s_block_builder_start(u->builder, family);
    osm3s_block_keep_times(u->builder, u->with_history ? OSM3S_TIMES_SINCE : OSM3S_TIMES_NONE);
}

/* --- a delta --- */

static int collect_dead(osm3s_update *u, const block_group *g, const view *base, const uint64_t *dead, uint32_t *n)
{
    if (grow(&u->dead, &u->cap_dead, base->n + 1, sizeof *u->dead))
        return OSM3S_NOMEM;
    *n = 0;
    for (uint32_t slot = 0; dead && slot < base->n; slot++)
        if (is_dead(dead, slot))
            u->dead[(*n)++] = (uint16_t)slot;
    uint32_t before = *n;
    for (size_t i = g->from; i < g->to; i++) {
        ptrdiff_t slot = view_find(base, u->placements[i].id);
        if (slot >= 0 && !is_dead(dead, (uint32_t)slot)
            && (*n == before || u->dead[*n - 1] != (uint16_t)slot)) /* an id may leave and come in one group */
            u->dead[(*n)++] = (uint16_t)slot;
    }
    return OSM3S_OK;
}

static int build_delta(osm3s_update *u, const block_group *g, osm3s_built_block *out)
{
    const osm3s_dir_entry *e = osm3s_snapshot_entry(u->s, g->block);
    const view *base = snapshot_base(u->s, g->block), *delta = snapshot_delta(u->s, g->block);
    if (base == NULL || delta == NULL)
        return OSM3S_CORRUPT;
    int error = collect_dead(u, g, base, snapshot_dead(u->s, g->block), &out->n_dead);
    start_block(u, g->family);
    for (uint32_t slot = 0; slot < delta->n && error == OSM3S_OK; slot++) {
        if (in_group(u, g, column_get(&delta->id, slot)))
            continue;
        error = record_from_view(&u->record, delta, slot, &u->nodes, &u->list);
        if (error == OSM3S_OK)
            error = record_build(u->builder, g->family, u->record.data, u->record.len);
    }
    int type = g->family <= OSM3S_TAGGED_NODES ? OSM3S_NODE : g->family - 1;
    for (size_t i = g->from; i < g->to && error == OSM3S_OK; i++) {
        const placement *p = &u->placements[i];
        if (p->record_len == 0)
            continue;
        error = record_build(u->builder, g->family, u->records.data + p->record, p->record_len);
        if (error == OSM3S_OK && p->old_id != e->id)
            error = add_id_change(u, type, p->id, e->id);
    }
    if (error == OSM3S_OK)
        error = osm3s_block_finish(u->builder, &out->parts);
    view v;
    if (error == OSM3S_OK)
        error = view_open(&v, out->parts.block, out->parts.head_len, out->parts.body_len);
    if (error == OSM3S_OK)
        error = tags_of_delta(u, base, delta, &v, e->id);
    if (error == OSM3S_OK)
        error = take_attic(u, true, 0);
    u->attic_base = *base;
    u->attic_delta = v;
    u->attic_id = e->id;
    out->family = g->family;
    out->block = g->block;
    out->id = e->id;
    out->order_key = e->order_key;
    out->dead = u->dead;
    out->bbox = joined(e->bbox, out->parts.bbox);
    out->newest = e->newest > out->parts.newest ? e->newest : out->parts.newest;
    return error;
}

/* --- whole blocks --- */

static int add_piece(osm3s_update *u, const view *v, uint32_t slot, uint32_t old_id)
{
    int error = record_from_view(&u->record, v, slot, &u->nodes, &u->list);
    if (error)
        return error;
    record_head h = record_head_of(u->record.data);
    uint64_t key = v->family <= OSM3S_TAGGED_NODES ? order_key_of_position(h.lat, h.lon) : order_key_of_bbox(&h.bbox);
    if (grow(&u->pieces, &u->cap_pieces, u->n_pieces + 1, sizeof *u->pieces))
        return OSM3S_NOMEM;
    u->pieces[u->n_pieces++] = (placement){.family = (uint8_t)v->family, .id = h.id, .key = key, .old_id = old_id,
                                           .record = u->piece_records.len, .record_len = u->record.len};
    return buffer_put(&u->piece_records, u->record.data, u->record.len);
}

static int compare_pieces(const void *left, const void *right)
{
    const placement *l = left, *r = right;
    if (l->key != r->key)
        return l->key < r->key ? -1 : 1;
    return (l->id > r->id) - (l->id < r->id);
}

/* All elements of the block as it will be, in the order of their keys. */
static int collect_pieces(osm3s_update *u, const block_group *g)
{
    int error = OSM3S_OK;
    u->n_pieces = u->piece_at = 0;
    u->piece_records.len = 0;
    u->cut = 0;
    if (g->block != OSM3S_UNRESOLVED) {
        const view *base = snapshot_base(u->s, g->block), *delta = snapshot_delta(u->s, g->block);
        const uint64_t *dead = snapshot_dead(u->s, g->block);
        uint32_t old_id = osm3s_snapshot_entry(u->s, g->block)->id;
        if (base == NULL || delta == NULL || snapshot_check_body(u->s, g->block))
            return OSM3S_CORRUPT;
        for (uint32_t slot = 0; slot < base->n && error == OSM3S_OK; slot++)
            if (!is_dead(dead, slot) && !in_group(u, g, column_get(&base->id, slot)))
                error = add_piece(u, base, slot, old_id);
        for (uint32_t slot = 0; slot < delta->n && error == OSM3S_OK; slot++)
            if (!in_group(u, g, column_get(&delta->id, slot)))
                error = add_piece(u, delta, slot, old_id);
    }
    for (size_t i = g->from; i < g->to && error == OSM3S_OK; i++) {
        placement p = u->placements[i];
        if (p.record_len == 0)
            continue;
        if (grow(&u->pieces, &u->cap_pieces, u->n_pieces + 1, sizeof *u->pieces))
            return OSM3S_NOMEM;
        size_t from = p.record;
        p.record = u->piece_records.len;
        u->pieces[u->n_pieces++] = p;
        error = buffer_put(&u->piece_records, u->records.data + from, p.record_len);
    }
    if (u->n_pieces)
        qsort(u->pieces, u->n_pieces, sizeof *u->pieces, compare_pieces);
    /* how many blocks: one, until it is twice as large as aimed at */
    size_t bytes = u->piece_records.len, tags = 0;
    for (size_t i = 0; i < u->n_pieces; i++)
        tags += record_head_of(u->piece_records.data + u->pieces[i].record).n_tags;
    size_t by_n = u->n_pieces / AIM[g->family], by_bytes = bytes / AIM_BYTES, by_tags = tags / AIM_TAGS;
    size_t times = by_n > by_bytes ? by_n : by_bytes;
    times = by_tags > times ? by_tags : times;
    u->n_cuts = times < 2 ? 1 : (uint32_t)times + 1;
    return error;
}

static bool is_cut(const osm3s_update *u, const block_group *g)
{
    return g->block == OSM3S_UNRESOLVED || (g->rewrite && u->n_cuts > 1);
}

static int compare_u64(const void *left, const void *right)
{
    uint64_t l = *(const uint64_t *)left, r = *(const uint64_t *)right;
    return (l > r) - (l < r);
}

/* The ids of some pieces, ascending. */
static int note_live_ids(osm3s_update *u, size_t from, size_t to)
{
    if (!u->with_history)
        return OSM3S_OK;
    if (grow(&u->live_ids, &u->cap_live_ids, to - from + 1, sizeof *u->live_ids))
        return OSM3S_NOMEM;
    u->n_live_ids = to - from;
    for (size_t i = from; i < to; i++)
        u->live_ids[i - from] = u->pieces[i].id;
    if (u->n_live_ids)
        qsort(u->live_ids, u->n_live_ids, sizeof *u->live_ids, compare_u64);
    return OSM3S_OK;
}

/* The next block of the pieces: up to an equal share of what is left, then on to a change of key. */
static int build_base(osm3s_update *u, const block_group *g, osm3s_built_block *out)
{
    bool first = u->piece_at == 0, known = g->block != OSM3S_UNRESOLVED;
    int type = g->family <= OSM3S_TAGGED_NODES ? OSM3S_NODE : g->family - 1, error = OSM3S_OK;
    uint32_t left = u->n_cuts > u->cut ? u->n_cuts - u->cut : 1;
    size_t from = u->piece_at, share = (u->n_pieces - from + left - 1) / left, bytes = 0, tags = 0, to = from;
    bool cutting = u->n_cuts > 1;
    start_block(u, g->family);
    out->id = first && known ? osm3s_snapshot_entry(u->s, g->block)->id : u->next_id[type]++;
    for (; to < u->n_pieces && error == OSM3S_OK; to++) {
        const placement *p = &u->pieces[to];
        uint32_t n_tags = record_head_of(u->piece_records.data + p->record).n_tags;
        bool enough = cutting && (to - from >= share || bytes >= AIM_BYTES || tags >= AIM_TAGS);
        bool too_much = to - from >= MOST_ELEMENTS || tags + n_tags > MOST_ELEMENTS;
        if (to > from && ((enough && p->key != u->pieces[to - 1].key) || too_much))
            break;
        error = record_build(u->builder, g->family, u->piece_records.data + p->record, p->record_len);
        if (error == OSM3S_OK && p->old_id != out->id)
            error = add_id_change(u, type, p->id, out->id);
        bytes += p->record_len;
        tags += n_tags;
    }
    u->piece_at = to;
    u->cut++;
    if (error == OSM3S_OK)
        error = osm3s_block_finish(u->builder, &out->parts);
    view v;
    if (error == OSM3S_OK)
        error = view_open(&v, out->parts.block, out->parts.head_len, out->parts.body_len);
    const view *base = first && known ? snapshot_base(u->s, g->block) : NULL;
    if (error == OSM3S_OK)
        error = note_live_ids(u, from, to);
    if (error == OSM3S_OK)
        error = take_attic(u, to == u->n_pieces, to < u->n_pieces ? u->pieces[to].key : 0);
    u->attic_base = v;
    u->attic_delta = (view){0};
    u->attic_id = out->id;
    if (error == OSM3S_OK)
        error = tags_of_base(u, base, base ? snapshot_delta(u->s, g->block) : NULL, &v, out->id);
    out->family = g->family;
    out->block = first ? g->block : OSM3S_UNRESOLVED;
    out->is_base = 1;
    out->order_key = from < u->n_pieces ? u->pieces[from].key : UINT64_MAX;
    if (first && known) { /* only the first block of a family has elements whose keys are smaller than its own */
        uint64_t old_key = osm3s_snapshot_entry(u->s, g->block)->order_key;
        out->order_key = out->order_key < old_key ? out->order_key : old_key;
    } else if (from == u->n_pieces) {
        out->order_key = 0;
    }
    out->bbox = out->parts.bbox;
    out->newest = out->parts.newest;
    if (u->with_history && known && !is_cut(u, g)) { /* its attic stays where it is */
        const osm3s_dir_entry *e = osm3s_snapshot_entry(u->s, g->block);
        out->bbox = joined(e->bbox, out->bbox);
        out->newest = e->newest > out->newest ? e->newest : out->newest;
    }
    return error;
}

int osm3s_update_next_group(osm3s_update *u, osm3s_block_group *out)
{
    memset(out, 0, sizeof *out);
    u->group_at = u->group_at == u->n_groups && !u->begun ? 0 : u->group_at + 1;
    u->begun = true;
    if (u->group_at >= u->n_groups)
        return 0;
    const block_group *g = &u->groups[u->group_at];
    u->n_live_ids = u->n_old = u->old_at = u->old_to = 0;
    u->group_done = false;
    u->merged_from = UINT32_MAX;
    int error = g->rewrite ? collect_pieces(u, g) : OSM3S_OK;
    *out = (osm3s_block_group){.family = g->family, .is_cut = is_cut(u, g), .block = g->block, .id = OSM3S_UNRESOLVED,
                               .n_superseded = (uint32_t)(g->attic_to - g->attic_from)};
    if (g->block != OSM3S_UNRESOLVED)
        out->id = osm3s_snapshot_entry(u->s, g->block)->id;
    for (size_t i = g->attic_from; i < g->attic_to; i++)
        out->superseded_len += u->attic[i].record_len;
    return error ? error : 1;
}

int osm3s_update_merge_attic(osm3s_update *u, uint32_t from_part)
{
    u->merged_from = from_part;
    return collect_attic(u, &u->groups[u->group_at]);
}

int osm3s_update_next_block(osm3s_update *u, osm3s_built_block *out)
{
    memset(out, 0, sizeof *out);
    if (u->group_done)
        return 0;
    const block_group *g = &u->groups[u->group_at];
    int error = g->rewrite ? build_base(u, g, out) : build_delta(u, g, out);
    u->group_done = !g->rewrite || u->piece_at == u->n_pieces;
    return error ? error : 1;
}
