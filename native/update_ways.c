/* update_ways.c: changed ways, and ways whose nodes have moved, appeared or gone: new coordinates, box and place. */
#include "update.h"

static int compare_refs(const void *left, const void *right)
{
    int64_t l = ((const way_node *)left)->ref, r = ((const way_node *)right)->ref;
    return (l > r) - (l < r);
}

/* The nodes of the way as it is stored, by id, into u->nodes; none if it was not there. Their coordinates are true
 * unless the node is touched. */
static int stored_nodes_by_id(osm3s_update *u, const touched *t)
{
    uint32_t slot;
    u->nodes.n = 0;
    if (t->old_block == OSM3S_UNRESOLVED)
        return OSM3S_OK;
    const view *v = snapshot_view(u->s, t->old_block, t->old_slot, &slot);
    int error = v ? view_way_nodes(v, slot, &u->nodes) : OSM3S_CORRUPT;
    if (error == OSM3S_OK && u->nodes.n)
        qsort(u->nodes.items, u->nodes.n, sizeof *u->nodes.items, compare_refs);
    return error;
}

static const way_node *find_stored(const osm3s_update *u, int64_t ref)
{
    way_node wanted = {.ref = ref};
    return u->nodes.n ? bsearch(&wanted, u->nodes.items, u->nodes.n, sizeof wanted, compare_refs) : NULL;
}

/* Ask for the nodes of a version of a way that are neither touched nor among u->nodes. */
static int ask_for_nodes(osm3s_update *u, const osm3s_batch *batch, const osm3s_element *e)
{
    int error = OSM3S_OK;
    for (uint32_t r = 0; !e->deleted && r < e->n_refs && error == OSM3S_OK; r++) {
        int64_t ref = batch->refs[e->ref_start + r];
        if (touched_find(&u->of[OSM3S_NODE], (uint64_t)ref) < 0 && find_stored(u, ref) == NULL)
            error = question_add(&u->asked[OSM3S_NODE], (uint64_t)ref);
    }
    return error;
}

int osm3s_update_find_ways(osm3s_update *u)
{
    touched_list *ways = &u->of[OSM3S_WAY];
    size_t n_before = ways->n;
    int error = touch_asked(u, OSM3S_WAY);
    if (error == OSM3S_OK && !u->with_positions)
        error = touch_ways_of_moved_nodes(u);
    if (error)
        return error;
    touched_merge(ways, n_before);
    question *q = &u->asked[OSM3S_NODE];
    question_clear(q);
    for (size_t i = 0; i < ways->n && error == OSM3S_OK; i++) {
        touched *t = &ways->items[i];
        if (t->old_block != OSM3S_UNRESOLVED && (error = touched_read_old(u, t, OSM3S_WAY)))
            break;
        if (t->batch == NULL) {
            bool in_delta = t->old_slot >= osm3s_snapshot_entry(u->s, t->old_block)->n;
            want_meta(u, t->old_block, in_delta ? META_DELTA : META_BASE);
            continue;
        }
        if (u->with_positions)
            continue;
        error = stored_nodes_by_id(u, t);
        if (!u->with_history && error == OSM3S_OK)
            error = ask_for_nodes(u, t->batch, t->element);
        for (uint32_t i = 0; i < t->n_versions && error == OSM3S_OK; i++)
            error = ask_for_nodes(u, u->versions[t->version + i].batch, u->versions[t->version + i].element);
    }
    return error ? error : question_seal(q);
}

/* Links of the way's nodes without position: those before go, those after come; equal ones cancel out later. */
static int drop_absent_links(osm3s_update *u, const touched *t)
{
    uint32_t slot;
    const view *v = snapshot_view(u->s, t->old_block, t->old_slot, &slot);
    int error = v ? view_way_nodes(v, slot, &u->nodes) : OSM3S_CORRUPT;
    for (size_t r = 0; r < u->nodes.n && error == OSM3S_OK; r++)
        if (u->nodes.items[r].lat == OSM3S_NO_COORD)
            error = add_link_change(u, LINK_ABSENT, (uint64_t)u->nodes.items[r].ref, t->id, false);
    return error;
}

/* Set the positions of the nodes in u->record to those of a time; u->nodes has the stored ones by id. *changed: whether
 * one is not as the record had it; with `note`: note which are absent. */
static int place_nodes(osm3s_update *u, const touched *t, bool is_stored, uint32_t time, bool note, osm3s_bbox *box,
                       bool *changed)
{
    record_head h = record_head_of(u->record.data);
    uint8_t *refs = record_refs(u->record.data);
    int error = OSM3S_OK;
    *box = bbox_empty();
    for (uint32_t r = 0; r < h.n_refs && error == OSM3S_OK; r++) {
        way_node n;
        memcpy(&n, refs + r * sizeof n, sizeof n);
        way_node before = n;
        bool is_touched = touched_find(&u->of[OSM3S_NODE], (uint64_t)n.ref) >= 0;
        const way_node *stored = !is_stored && !is_touched ? find_stored(u, n.ref) : NULL;
        if (stored)
            n = *stored;
        else if (!is_stored || is_touched)
            error = position_at(u, (uint64_t)n.ref, time, &n.lat, &n.lon);
        if (n.lat != OSM3S_NO_COORD)
            bbox_add_position(box, n.lat, n.lon);
        else if (note && error == OSM3S_OK)
            error = add_link_change(u, LINK_ABSENT, (uint64_t)n.ref, t->id, true);
        *changed = *changed || n.lat != before.lat || n.lon != before.lon;
        memcpy(refs + r * sizeof n, &n, sizeof n);
    }
    if (bbox_is_empty(box))
        *box = no_box();
    return error;
}

/* What u->record holds is what the way is in the end. */
static int keep_way(osm3s_update *u, touched *t, const osm3s_bbox *box)
{
    t->box = *box;
    t->family = OSM3S_WAYS;
    t->key = order_key_of_bbox(box);
    t->block = target_block(u, t, OSM3S_WAYS, t->key);
    return keep_record(u, t, &u->record);
}

/* A way whose refs are positions. */
static int place_positions(osm3s_update *u, touched *t)
{
    int error = record_of_change(u, t);
    if (error)
        return error;
    record_head h = record_head_of(u->record.data);
    uint8_t *refs = record_refs(u->record.data);
    osm3s_bbox box = bbox_empty();
    for (uint32_t r = 0; r < h.n_refs; r++) {
        way_node n;
        memcpy(&n, refs + r * sizeof n, sizeof n);
        n.lat = (int32_t)(uint32_t)((uint64_t)n.ref >> 32);
        n.lon = (int32_t)(uint32_t)n.ref;
        n.ref = 0;
        if (n.lat != OSM3S_NO_COORD)
            bbox_add_position(&box, n.lat, n.lon);
        memcpy(refs + r * sizeof n, &n, sizeof n);
    }
    if (bbox_is_empty(&box))
        box = no_box();
    return keep_way(u, t, &box);
}

static int place_way(osm3s_update *u, touched *t)
{
    bool changed = false;
    osm3s_bbox box;
    int error = t->batch ? record_of_change(u, t) : record_of_stored(u, t);
    if (error == OSM3S_OK && t->batch)
        error = stored_nodes_by_id(u, t);
    if (error == OSM3S_OK)
        error = place_nodes(u, t, t->batch == NULL, OSM3S_FOREVER, true, &box, &changed);
    return error ? error : keep_way(u, t, &box);
}

/* One version of a way (-1: the stored one): as its nodes move it becomes one state after the other. */
static int version_states(osm3s_update *u, touched *t, int32_t version, uint32_t since, uint32_t until, bool is_last)
{
    bool is_stored = version < 0, changed = false;
    osm3s_bbox box;
    int error = is_stored ? record_of_stored(u, t) : record_of_version(u, t, (uint32_t)version);
    u->n_times = 0;
    if (error)
        return error;
    const uint8_t *refs = record_refs(u->record.data);
    for (uint32_t r = 0; r < record_head_of(u->record.data).n_refs && error == OSM3S_OK; r++) {
        way_node n;
        memcpy(&n, refs + r * sizeof n, sizeof n);
        ptrdiff_t at = touched_find(&u->of[OSM3S_NODE], (uint64_t)n.ref);
        if (at >= 0)
            error = collect_times(u, &u->of[OSM3S_NODE].items[at], since, until);
    }
    if (error == OSM3S_OK && (error = sort_times(u)) == OSM3S_OK && !is_stored)
        error = stored_nodes_by_id(u, t);
    for (size_t i = 0; i <= u->n_times && error == OSM3S_OK; i++) {
        uint32_t from = i ? u->times[i - 1] : since, to = i < u->n_times ? u->times[i] : until;
        bool stays = is_last && i == u->n_times;
        error = place_nodes(u, t, is_stored, from, stays, &box, &changed);
        if (error == OSM3S_OK)
            error = add_state(u, t, from, true, &box);
        record_head h = record_head_of(u->record.data);
        h.since = from;
        memcpy(u->record.data, &h, sizeof h);
        if (error == OSM3S_OK && stays && !changed && is_stored) {
            t->unchanged = true;
            t->box = t->old_box;
            t->block = t->old_block;
        } else if (error == OSM3S_OK) {
            error = stays ? keep_way(u, t, &box) : add_superseded(u, t, OSM3S_WAYS, &box, from, to);
        }
    }
    return error;
}

int osm3s_update_ways(osm3s_update *u)
{
    touched_list *ways = &u->of[OSM3S_WAY];
    int error = OSM3S_OK;
    for (size_t i = 0; i < ways->n && error == OSM3S_OK; i++) {
        touched *t = &ways->items[i];
        bool was = t->old_block != OSM3S_UNRESOLVED;
        if (was && !u->with_positions)
            error = drop_absent_links(u, t);
        if (u->with_history && error == OSM3S_OK)
            error = states_of_versions(u, t, OSM3S_WAYS, version_states);
        else if (t->present && error == OSM3S_OK)
            error = u->with_positions ? place_positions(u, t) : place_way(u, t);
        if (error == OSM3S_OK && (was != t->present || place_changes(u, t)))
            error = question_add(&u->members[OSM3S_WAY], t->id);
    }
    return error ? error : question_seal(&u->members[OSM3S_WAY]);
}
