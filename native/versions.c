/* versions.c: elements over time: which versions there are in some blocks, and what changed when. */
#include "internal.h"

typedef struct {
    osm3s_snapshot *snapshot;
    osm3s_context *context;
    osm3s_rows *out;
    /* What is looked for: begun after `since` and up to `until`; of `ids`; by `uids`. */
    uint32_t since, until;
    const id_filter *ids;
    const int32_t *uids; size_t n_uids;
} search;

static bool is_wanted(const search *q, const view *v, uint32_t slot)
{
    if (q->ids)
        return id_filter_has(q->ids, column_get(&v->id, slot));
    if (q->uids) {
        int32_t uid = view_meta(v, slot).uid;
        for (size_t i = 0; i < q->n_uids; i++)
            if (q->uids[i] == uid)
                return true;
        return false;
    }
    uint32_t since = view_since(v, slot);
    return since > q->since && since <= q->until;
}

static int search_part(const search *q, const view *v, uint32_t block, uint32_t first_slot, const uint64_t *dead)
{
    for (uint32_t slot = 0; slot < v->n; slot++) {
        if ((dead && dead[slot / 64] >> slot % 64 & 1) || !is_wanted(q, v, slot))
            continue;
        osm3s_row row = {column_get(&v->id, slot), block, first_slot + slot, OSM3S_NO_COORD, 0};
        if (v->family <= OSM3S_TAGGED_NODES) {
            row.lat = (int32_t)column_get(&v->lat, slot);
            row.lon = (int32_t)column_get(&v->lon, slot);
        }
        if (rows_push(q->out, row))
            return OSM3S_NOMEM;
    }
    return OSM3S_OK;
}

static int search_blocks(const search *q, const uint32_t *blocks, size_t n)
{
    int error = OSM3S_OK;
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        const view *base = snapshot_base(q->snapshot, blocks[i]), *delta = snapshot_delta(q->snapshot, blocks[i]), *old;
        uint32_t slot = 0;
        if (base == NULL || delta == NULL || snapshot_check_body(q->snapshot, blocks[i]))
            return OSM3S_CORRUPT;
        error = search_part(q, base, blocks[i], 0, snapshot_dead(q->snapshot, blocks[i]));
        if (error == OSM3S_OK)
            error = search_part(q, delta, blocks[i], base->n, NULL);
        for (uint32_t p = 0; error == OSM3S_OK && (old = snapshot_attic(q->snapshot, blocks[i], p, &slot)); p++)
            error = search_part(q, old, blocks[i], slot, NULL);
        if (error == OSM3S_OK)
            error = context_check(q->context);
    }
    return error;
}

int osm3s_versions_begun(osm3s_snapshot *s, osm3s_context *c, const uint32_t *blocks, size_t n, uint32_t since,
                         uint32_t until, osm3s_rows *out)
{
    search q = {.snapshot = s, .context = c, .out = out, .since = since, .until = until};
    return search_blocks(&q, blocks, n);
}

int osm3s_changelog_begun(const uint8_t *changelog, size_t len, uint32_t since, uint32_t until, osm3s_set *begun,
                          osm3s_set *unsure)
{
    for (size_t at = 0; at + sizeof(osm3s_changed) <= len; at += sizeof(osm3s_changed)) {
        osm3s_changed c;
        memcpy(&c, changelog + at, sizeof c);
        if (c.type > OSM3S_RELATION || c.n_begun == 0 || c.since <= since)
            continue;
        if (c.since > until && c.n_begun == 1)
            continue;
        if (rows_push(c.since <= until ? &begun->of[c.type] : &unsure->of[c.type], (osm3s_row){c.id, OSM3S_UNRESOLVED, 0, OSM3S_NO_COORD, 0}))
            return OSM3S_NOMEM;
    }
    return OSM3S_OK;
}

int osm3s_changelog_ids(const uint8_t *changelog, size_t len, osm3s_set *out)
{
    for (size_t at = 0; at + sizeof(osm3s_changed) <= len; at += sizeof(osm3s_changed)) {
        osm3s_changed c;
        memcpy(&c, changelog + at, sizeof c);
        if (c.type <= OSM3S_RELATION && rows_push(&out->of[c.type], (osm3s_row){c.id, OSM3S_UNRESOLVED, 0, OSM3S_NO_COORD, 0}))
            return OSM3S_NOMEM;
    }
    return OSM3S_OK;
}

int osm3s_versions_of(osm3s_snapshot *s, osm3s_context *c, const uint32_t *blocks, size_t n, const osm3s_rows *ids,
                      osm3s_rows *out)
{
    id_filter filter;
    int error = id_filter_build(&filter, ids);
    search q = {.snapshot = s, .context = c, .out = out, .ids = &filter};
    if (error == OSM3S_OK)
        error = search_blocks(&q, blocks, n);
    id_filter_free(&filter);
    return error;
}

int osm3s_versions_by(osm3s_snapshot *s, osm3s_context *c, const uint32_t *blocks, size_t n, const int32_t *uids,
                      size_t n_uids, osm3s_rows *out)
{
    search q = {.snapshot = s, .context = c, .out = out, .uids = uids, .n_uids = n_uids};
    return search_blocks(&q, blocks, n);
}

/* --- one after the other --- */

int osm3s_versions_describe(osm3s_snapshot *s, const osm3s_rows *versions, osm3s_version *out)
{
    for (size_t i = 0; i < versions->n; i++) {
        uint32_t slot;
        const view *v = snapshot_view(s, versions->rows[i].block, versions->rows[i].slot, &slot);
        if (v == NULL)
            return OSM3S_CORRUPT;
        out[i] = (osm3s_version){versions->rows[i].id, view_since(v, slot), view_until(v, slot), view_meta(v, slot)};
    }
    return OSM3S_OK;
}

typedef struct { uint64_t id, place; uint32_t since; bool deleted; } placed;

static int compare_placed(const void *left, const void *right)
{
    const placed *l = left, *r = right;
    if (l->id != r->id)
        return l->id < r->id ? -1 : 1;
    return (l->since > r->since) - (l->since < r->since);
}

/* A number that tells places from each other. */
static int place_of(const view *v, uint32_t slot, way_nodes *nodes, uint64_t *place)
{
    osm3s_bbox box = view_bbox(v, slot);
    uint64_t sum = 0xcbf29ce484222325u;
    if (v->family <= OSM3S_TAGGED_NODES) {
        *place = (uint64_t)(uint32_t)box.south << 32 | (uint32_t)box.west;
        return OSM3S_OK;
    }
    int error = v->family == OSM3S_WAYS ? view_way_nodes(v, slot, nodes) : OSM3S_OK;
    for (size_t i = 0; v->family == OSM3S_WAYS && error == OSM3S_OK && i < nodes->n; i++) {
        uint64_t position = (uint64_t)(uint32_t)nodes->items[i].lat << 32 | (uint32_t)nodes->items[i].lon;
        sum = (sum ^ position) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 29;
    }
    *place = sum;
    return error;
}

int osm3s_versions_moved(osm3s_snapshot *s, const osm3s_rows *versions, uint32_t since, uint32_t until, osm3s_rows *out)
{
    placed *all = malloc((versions->n + 1) * sizeof *all);
    way_nodes nodes = {0};
    int error = all ? OSM3S_OK : fail(OSM3S_NOMEM, "out of memory for %zu versions", versions->n);
    for (size_t i = 0; i < versions->n && error == OSM3S_OK; i++) {
        uint32_t slot;
        const view *v = snapshot_view(s, versions->rows[i].block, versions->rows[i].slot, &slot);
        if (v == NULL) {
            error = OSM3S_CORRUPT;
            break;
        }
        all[i] = (placed){.id = versions->rows[i].id, .since = view_since(v, slot),
                          .deleted = view_since(v, slot) == view_until(v, slot)};
        error = place_of(v, slot, &nodes, &all[i].place);
    }
    if (error == OSM3S_OK && versions->n)
        qsort(all, versions->n, sizeof *all, compare_placed);
    for (size_t i = 1; i < versions->n && error == OSM3S_OK; i++) {
        bool follows = all[i].id == all[i - 1].id && all[i].since > since && all[i].since <= until;
        if (follows && (all[i].deleted != all[i - 1].deleted || (!all[i].deleted && all[i].place != all[i - 1].place)))
            error = rows_push(out, (osm3s_row){all[i].id, OSM3S_UNRESOLVED, 0, OSM3S_NO_COORD, 0});
    }
    free(nodes.items);
    free(all);
    return error ? error : rows_sort(out);
}

int osm3s_versions_places(osm3s_snapshot *s, const osm3s_row *rows, size_t n, uint64_t *out)
{
    way_nodes nodes = {0};
    int error = OSM3S_OK;
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        uint32_t slot;
        const view *v = snapshot_view(s, rows[i].block, rows[i].slot, &slot);
        error = v ? place_of(v, slot, &nodes, &out[i]) : OSM3S_CORRUPT;
    }
    free(nodes.items);
    return error;
}

int osm3s_versions_ids(const osm3s_rows *versions, osm3s_rows *out)
{
    for (size_t i = 0; i < versions->n; i++)
        if (rows_push(out, (osm3s_row){versions->rows[i].id, OSM3S_UNRESOLVED, 0, OSM3S_NO_COORD, 0}))
            return OSM3S_NOMEM;
    return rows_sort(out);
}

int osm3s_versions_valid(osm3s_snapshot *s, osm3s_rows *versions, uint32_t since, uint32_t until)
{
    size_t kept = 0;
    for (size_t i = 0; i < versions->n; i++) {
        uint32_t slot;
        const view *v = snapshot_view(s, versions->rows[i].block, versions->rows[i].slot, &slot);
        if (v == NULL)
            return OSM3S_CORRUPT;
        uint32_t begin = view_since(v, slot), end = view_until(v, slot);
        if (begin < end && begin <= until && end > since)
            versions->rows[kept++] = versions->rows[i];
    }
    versions->n = kept;
    return OSM3S_OK;
}

/* --- two results --- */

size_t osm3s_rows_pairs(const osm3s_rows *old, const osm3s_rows *new_, const osm3s_rows *moved, osm3s_pair *out)
{
    size_t n = 0, i = 0, j = 0;
    while (i < old->n || j < new_->n) {
        const osm3s_row *a = i < old->n ? &old->rows[i] : NULL, *b = j < new_->n ? &new_->rows[j] : NULL;
        bool takes_old = a && (!b || a->id <= b->id), takes_new = b && (!a || b->id <= a->id);
        bool same = takes_old && takes_new && a->block == b->block && a->slot == b->slot && rows_find(moved, a->id) < 0;
        if (!same)
            out[n++] = (osm3s_pair){takes_old ? (uint32_t)i : OSM3S_UNRESOLVED, takes_new ? (uint32_t)j : OSM3S_UNRESOLVED};
        i += takes_old;
        j += takes_new;
    }
    return n;
}

static bool has_both(osm3s_pair p)
{
    return p.old != OSM3S_UNRESOLVED && p.new_ != OSM3S_UNRESOLVED;
}

int osm3s_pairs_rows(const osm3s_rows *old, const osm3s_rows *new_, const osm3s_pair *pairs, size_t n, osm3s_rows *out)
{
    for (size_t k = 0; k < n; k++)
        if (has_both(pairs[k]) && (rows_push(out, old->rows[pairs[k].old]) || rows_push(out, new_->rows[pairs[k].new_])))
            return OSM3S_NOMEM;
    return OSM3S_OK;
}

/* Whether two rows are of one version that is at one place. */
static int is_same(osm3s_snapshot *s, const osm3s_row *a, const osm3s_row *b, way_nodes *nodes, bool *same)
{
    uint32_t old_slot, new_slot;
    uint64_t old_place, new_place;
    const view *old = snapshot_view(s, a->block, a->slot, &old_slot), *new_ = snapshot_view(s, b->block, b->slot, &new_slot);
    if (old == NULL || new_ == NULL)
        return OSM3S_CORRUPT;
    *same = view_meta(old, old_slot).version == view_meta(new_, new_slot).version;
    if (!*same)
        return OSM3S_OK;
    int error = place_of(old, old_slot, nodes, &old_place);
    if (error == OSM3S_OK)
        error = place_of(new_, new_slot, nodes, &new_place);
    *same = error == OSM3S_OK && old_place == new_place;
    return error;
}

int osm3s_pairs_differing(osm3s_snapshot *s, const osm3s_rows *old, const osm3s_rows *new_, const osm3s_rows *moved,
                          osm3s_pair *pairs, size_t *n)
{
    way_nodes nodes = {0};
    size_t kept = 0;
    int error = OSM3S_OK;
    for (size_t k = 0; k < *n && error == OSM3S_OK; k++) {
        bool same = false;
        if (has_both(pairs[k]))
            error = is_same(s, &old->rows[pairs[k].old], &new_->rows[pairs[k].new_], &nodes, &same);
        if (!same || rows_find(moved, old->rows[pairs[k].old].id) >= 0)
            pairs[kept++] = pairs[k];
    }
    *n = kept;
    free(nodes.items);
    return error;
}
