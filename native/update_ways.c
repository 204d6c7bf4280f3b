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
            const view *base = snapshot_base(u->s, t->old_block);
            want_meta(u, t->old_block, t->old_slot >= base->n ? META_DELTA : META_BASE);
            continue;
        }
        if (u->with_positions)
            continue;
        if (t->present)
            error = stored_nodes_by_id(u, t);
        for (uint32_t r = 0; t->present && r < t->element->n_refs && error == OSM3S_OK; r++) {
            int64_t ref = t->batch->refs[t->element->ref_start + r];
            if (touched_find(&u->of[OSM3S_NODE], (uint64_t)ref) < 0 && find_stored(u, ref) == NULL)
                error = question_add(q, (uint64_t)ref);
        }
    }
    return error ? error : question_seal(q);
}

int position_after(osm3s_update *u, uint64_t id, int32_t *lat, int32_t *lon)
{
    ptrdiff_t at = touched_find(&u->of[OSM3S_NODE], id);
    *lat = *lon = OSM3S_NO_COORD;
    if (at >= 0) {
        const touched *t = &u->of[OSM3S_NODE].items[at];
        if (!bbox_is_empty(&t->box)) {
            *lat = t->box.south;
            *lon = t->box.west;
        }
        return OSM3S_OK;
    }
    const question *q = &u->asked[OSM3S_NODE];
    at = question_find(q, id);
    if (at < 0 || q->block_ids[at] == OSM3S_UNRESOLVED)
        return OSM3S_OK;
    uint32_t block = osm3s_snapshot_block_of_id(u->s, OSM3S_NODE, q->block_ids[at]), slot;
    ptrdiff_t found = block == OSM3S_UNRESOLVED ? -1 : snapshot_find(u->s, block, id);
    if (found < 0)
        return found == -2 ? OSM3S_CORRUPT
                           : fail(OSM3S_CORRUPT, "the id map places node %llu in block %u, where it is not",
                                  (unsigned long long)id, q->block_ids[at]);
    const view *v = snapshot_view(u->s, block, (uint32_t)found, &slot);
    if (v == NULL)
        return OSM3S_CORRUPT;
    *lat = (int32_t)column_get(&v->lat, slot);
    *lon = (int32_t)column_get(&v->lon, slot);
    return OSM3S_OK;
}

/* The record of a way as it is stored now. */
static int record_of_stored(osm3s_update *u, const touched *t)
{
    uint32_t slot;
    const view *v = snapshot_view(u->s, t->old_block, t->old_slot, &slot);
    return v ? record_from_view(&u->record, v, slot, &u->nodes, &u->list) : OSM3S_CORRUPT;
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

static int place_at(osm3s_update *u, touched *t, const osm3s_bbox *box)
{
    t->box = bbox_is_empty(box) ? no_box() : *box;
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
    return place_at(u, t, &box);
}

static int place_way(osm3s_update *u, touched *t)
{
    int error = t->batch ? record_of_change(u, t) : record_of_stored(u, t);
    if (error == OSM3S_OK && t->batch)
        error = stored_nodes_by_id(u, t);
    if (error)
        return error;
    record_head h = record_head_of(u->record.data);
    uint8_t *refs = record_refs(u->record.data);
    osm3s_bbox box = bbox_empty();
    for (uint32_t r = 0; r < h.n_refs && error == OSM3S_OK; r++) {
        way_node n;
        memcpy(&n, refs + r * sizeof n, sizeof n);
        bool is_touched = touched_find(&u->of[OSM3S_NODE], (uint64_t)n.ref) >= 0;
        const way_node *stored = t->batch && !is_touched ? find_stored(u, n.ref) : NULL;
        if (stored)
            n = *stored;
        else if (t->batch || is_touched)
            error = position_after(u, (uint64_t)n.ref, &n.lat, &n.lon);
        if (n.lat == OSM3S_NO_COORD)
            error = error ? error : add_link_change(u, LINK_ABSENT, (uint64_t)n.ref, t->id, true);
        else
            bbox_add_position(&box, n.lat, n.lon);
        memcpy(refs + r * sizeof n, &n, sizeof n);
    }
    return error ? error : place_at(u, t, &box);
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
        if (t->present && error == OSM3S_OK)
            error = u->with_positions ? place_positions(u, t) : place_way(u, t);
        if (error == OSM3S_OK && (was != t->present || !same_box(&t->old_box, &t->box)))
            error = question_add(&u->members[OSM3S_WAY], t->id);
    }
    return error ? error : question_seal(&u->members[OSM3S_WAY]);
}
