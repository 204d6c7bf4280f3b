/* update_attic.c: superseded versions -> new parts of the attics of blocks.
 *
 * Small parts are merged with new versions into a new part, larger ones stay; which, decides the caller. When a block is
 * cut into several, its whole attic is distributed like its elements: by order keys. */
#include "update.h"

/* Elements, tags, bytes that one part takes at most; one element may be more. Many versions are divided by the time at
 * which they ended: a query about last year opens only what has ended since. */
enum { MOST_VERSIONS = 1024, MOST_TAGS = 40000, MOST_BYTES = 1 << 24 };

static const uint8_t *record_of_old(const osm3s_update *u, const placement *p)
{
    return (p->is_merged ? u->attic_records.data : u->records.data) + p->record;
}

static int add_old(osm3s_update *u, placement p)
{
    if (grow(&u->old, &u->cap_old, u->n_old + 1, sizeof *u->old))
        return OSM3S_NOMEM;
    u->old[u->n_old++] = p;
    return OSM3S_OK;
}

static int merge_part(osm3s_update *u, const view *v)
{
    int error = OSM3S_OK;
    for (uint32_t slot = 0; slot < v->n && error == OSM3S_OK; slot++) {
        if ((error = record_from_view(&u->record, v, slot, &u->nodes, &u->list)))
            break;
        record_head h = record_head_of(u->record.data);
        bool is_node = v->family <= OSM3S_TAGGED_NODES;
        placement p = {.family = (uint8_t)v->family, .id = h.id, .since = h.since, .until = h.until, .is_merged = true,
                       .key = is_node ? order_key_of_position(h.lat, h.lon) : order_key_of_bbox(&h.bbox),
                       .record = u->attic_records.len, .record_len = u->record.len};
        if (v->family == OSM3S_WAYS && bbox_is_empty(&h.bbox) && slot && column_get(&v->id, slot - 1) == h.id)
            p.key = u->old[u->n_old - 1].key; /* a deletion stays with what was deleted */
        error = buffer_put(&u->attic_records, u->record.data, u->record.len);
        if (error == OSM3S_OK)
            error = add_old(u, p);
    }
    return error;
}

static int compare_keys(const void *left, const void *right)
{
    const placement *l = left, *r = right;
    return (l->key > r->key) - (l->key < r->key);
}

static int compare_versions(const void *left, const void *right)
{
    const placement *l = left, *r = right;
    if (l->id != r->id)
        return l->id < r->id ? -1 : 1;
    return (l->since > r->since) - (l->since < r->since);
}

static int compare_ends(const void *left, const void *right)
{
    const placement *l = left, *r = right;
    if (l->until != r->until)
        return l->until < r->until ? -1 : 1;
    return compare_versions(left, right);
}

int collect_attic(osm3s_update *u, const block_group *g)
{
    uint32_t first_slot;
    const view *v;
    int error = OSM3S_OK;
    u->attic_records.len = 0;
    for (size_t i = g->attic_from; i < g->attic_to && error == OSM3S_OK; i++)
        error = add_old(u, u->attic[i]);
    for (uint32_t part = u->merged_from; error == OSM3S_OK && g->block != OSM3S_UNRESOLVED
                                         && (v = snapshot_attic(u->s, g->block, part, &first_slot)); part++)
        error = merge_part(u, v);
    if (u->n_old)
        qsort(u->old, u->n_old, sizeof *u->old, compare_keys);
    return error;
}

int take_attic(osm3s_update *u, bool is_last, uint64_t end)
{
    u->old_at = u->old_to;
    while (u->old_to < u->n_old && (is_last || u->old[u->old_to].key < end))
        u->old_to++;
    if (u->old_to > u->old_at)
        qsort(u->old + u->old_at, u->old_to - u->old_at, sizeof *u->old, compare_ends);
    return OSM3S_OK;
}

static bool lives_here(const osm3s_update *u, const block_group *g, const placement *p, int type)
{
    if (g->rewrite) {
        size_t low = 0, high = u->n_live_ids;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (u->live_ids[middle] < p->id)
                low = middle + 1;
            else
                high = middle;
        }
        return low < u->n_live_ids && u->live_ids[low] == p->id;
    }
    ptrdiff_t at = touched_find(&u->of[type], p->id);
    const touched *t = at < 0 ? NULL : &u->of[type].items[at];
    return t && t->present && t->block == g->block;
}

/* An element whose versions are elsewhere than itself is linked to them. Those merged in a block that is not cut are so
 * already. */
static int link_version(osm3s_update *u, const block_group *g, const placement *p, bool is_cut)
{
    int type = g->family <= OSM3S_TAGGED_NODES ? OSM3S_NODE : g->family - 1;
    if ((p->is_merged && !is_cut) || lives_here(u, g, p, type))
        return OSM3S_OK;
    return add_link_change(u, LINK_HISTORY + type, p->id, u->attic_id, true);
}

/* All other parts of the block whose tags the tag directory lists. */
static int tags_of_part(osm3s_update *u, const block_group *g, const view *part, bool is_cut)
{
    enum { MOST_OTHERS = 64 };
    const view *others[MOST_OTHERS] = {&u->attic_base, &u->attic_delta};
    size_t n = u->attic_delta.n ? 2 : 1;
    const view *v;
    uint32_t first_slot;
    if (u->attic_base.family != part->family)
        n = 0;
    for (uint32_t i = 0; !is_cut && n < MOST_OTHERS && (v = snapshot_attic(u->s, g->block, i, &first_slot)); i++)
        if (v->n)
            others[n++] = v;
    return tags_of_attic(u, part, others, n, u->attic_id);
}

int osm3s_update_next_attic(osm3s_update *u, osm3s_block *out)
{
    const block_group *g = &u->groups[u->group_at];
    bool is_cut = g->block == OSM3S_UNRESOLVED || (g->rewrite && u->n_cuts > 1);
    size_t from = u->old_at, bytes = 0, tags = 0;
    size_t to = u->old_to - from > MOST_VERSIONS ? from + MOST_VERSIONS : u->old_to;
    int error = OSM3S_OK;
    memset(out, 0, sizeof *out);
    if (from == u->old_to)
        return 0;
    qsort(u->old + from, to - from, sizeof *u->old, compare_versions);
    osm3s_block_builder_start(u->attic_builder, g->family);
    osm3s_block_keep_times(u->attic_builder, OSM3S_TIMES_BOTH);
    for (; u->old_at < to && error == OSM3S_OK; u->old_at++) {
        const placement *p = &u->old[u->old_at];
        uint32_t n_tags = record_head_of(record_of_old(u, p)).n_tags;
        if (u->old_at > from && (tags + n_tags > MOST_TAGS || bytes >= MOST_BYTES))
            break;
        error = record_build(u->attic_builder, g->family, record_of_old(u, p), p->record_len);
        if (error == OSM3S_OK)
            error = link_version(u, g, p, is_cut);
        tags += n_tags;
        bytes += p->record_len;
    }
    if (error == OSM3S_OK)
        error = osm3s_block_finish(u->attic_builder, out);
    view v;
    if (error == OSM3S_OK)
        error = view_open(&v, out->block, out->head_len, out->body_len);
    if (error == OSM3S_OK && g->family != OSM3S_NODES)
        error = tags_of_part(u, g, &v, is_cut);
    return error ? error : 1;
}
