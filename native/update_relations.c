/* update_relations.c: changed relations, and relations with members whose place has changed: new box, quadtile, block. */
#include "update.h"

static int ask_for_member(osm3s_update *u, uint8_t type, int64_t ref)
{
    if (type > OSM3S_WAY || touched_find(&u->of[type], (uint64_t)ref) >= 0)
        return OSM3S_OK;
    return question_add(&u->asked[type], (uint64_t)ref);
}

static int ask_for_members(osm3s_update *u, const osm3s_batch *batch, const osm3s_element *e)
{
    int error = OSM3S_OK;
    for (uint32_t at = e->ref_start; !e->deleted && at < e->ref_start + e->n_refs && error == OSM3S_OK; at++)
        error = ask_for_member(u, batch->ref_types[at], batch->refs[at]);
    return error;
}

int osm3s_update_find_relations(osm3s_update *u)
{
    touched_list *relations = &u->of[OSM3S_RELATION];
    size_t n_before = relations->n;
    int error = touch_asked(u, OSM3S_RELATION);
    if (error)
        return error;
    touched_merge(relations, n_before);
    question_clear(&u->asked[OSM3S_NODE]);
    question_clear(&u->asked[OSM3S_WAY]);
    for (size_t i = 0; i < relations->n && error == OSM3S_OK; i++) {
        touched *t = &relations->items[i];
        uint32_t slot;
        if (t->old_block != OSM3S_UNRESOLVED && (error = touched_read_old(u, t, OSM3S_RELATION)))
            break;
        if (t->batch == NULL || (u->with_history && t->old_block != OSM3S_UNRESOLVED)) {
            const view *v = snapshot_view(u->s, t->old_block, t->old_slot, &slot);
            if (v == NULL || (error = view_members(v, slot, &u->list)))
                return v ? error : OSM3S_CORRUPT;
            want_meta(u, t->old_block, slot == t->old_slot ? META_BASE : META_DELTA);
            for (size_t m = 0; m < u->list.n && error == OSM3S_OK; m++)
                error = ask_for_member(u, u->list.items[m].type, u->list.items[m].ref);
        }
        if (t->batch && !u->with_history && error == OSM3S_OK)
            error = ask_for_members(u, t->batch, t->element);
        for (uint32_t v = 0; v < t->n_versions && error == OSM3S_OK; v++)
            error = ask_for_members(u, u->versions[t->version + v].batch, u->versions[t->version + v].element);
    }
    if (error == OSM3S_OK)
        error = question_seal(&u->asked[OSM3S_NODE]);
    return error ? error : question_seal(&u->asked[OSM3S_WAY]);
}

/* The box of a way at a time of the update; *there: whether it exists. */
static int way_box_at(osm3s_update *u, uint64_t id, uint32_t time, osm3s_bbox *box, bool *there)
{
    ptrdiff_t at = touched_find(&u->of[OSM3S_WAY], id);
    *box = no_box();
    if (at >= 0) {
        *box = box_at(u, &u->of[OSM3S_WAY].items[at], time, there);
        return OSM3S_OK;
    }
    const question *q = &u->asked[OSM3S_WAY];
    at = question_find(q, id);
    *there = at >= 0 && q->block_ids[at] != OSM3S_UNRESOLVED;
    if (!*there)
        return OSM3S_OK;
    osm3s_row row = {.id = id, .block = q->block_ids[at]};
    if (snapshot_locate_row(u->s, OSM3S_WAY, &row))
        return OSM3S_CORRUPT;
    uint32_t slot;
    const view *v = snapshot_head(u->s, row.block, row.slot, &slot); /* boxes are in it: the body stays untouched */
    if (v == NULL)
        return OSM3S_CORRUPT;
    *box = view_bbox(v, slot);
    return OSM3S_OK;
}

/* Box and quadtile at a time of the relation in u->record. */
static int place_members(osm3s_update *u, uint32_t time, osm3s_bbox *bbox, uint32_t *quad)
{
    record_head h = record_head_of(u->record.data);
    const uint8_t *p = record_refs(u->record.data);
    int error = OSM3S_OK;
    quad_sum quads;
    quad_sum_start(&quads);
    *bbox = bbox_empty();
    for (uint32_t r = 0; r < h.n_refs && error == OSM3S_OK; r++) {
        member_head m;
        memcpy(&m, p, sizeof m);
        p += sizeof m + m.role_len;
        if (m.type == OSM3S_NODE) {
            int32_t lat, lon;
            error = position_at(u, (uint64_t)m.ref, time, &lat, &lon);
            if (error == OSM3S_OK && lat != OSM3S_NO_COORD) {
                bbox_add_position(bbox, lat, lon);
                quad_sum_add(&quads, quad_of_position(lat, lon));
            }
        } else if (m.type == OSM3S_WAY) {
            osm3s_bbox box;
            bool there;
            error = way_box_at(u, (uint64_t)m.ref, time, &box, &there);
            if (error == OSM3S_OK && there) {
                if (!bbox_is_empty(&box))
                    bbox_add(bbox, &box);
                quad_sum_add(&quads, quad_of_bbox(&box));
            }
        }
    }
    *quad = quad_sum_finish(&quads);
    return error;
}

static void set_place(osm3s_update *u, const osm3s_bbox *box, uint32_t quad)
{
    record_head h = record_head_of(u->record.data);
    h.bbox = *box;
    h.quad = quad;
    memcpy(u->record.data, &h, sizeof h);
}

static bool same_place(const osm3s_bbox *a, const osm3s_bbox *b)
{
    return same_box(a, b) || (bbox_is_empty(a) && bbox_is_empty(b));
}

/* What u->record holds, with its box, is what the relation is in the end. */
static int keep_relation(osm3s_update *u, touched *t, bool unchanged)
{
    record_head h = record_head_of(u->record.data);
    t->box = bbox_is_empty(&h.bbox) ? no_box() : h.bbox;
    t->unchanged = unchanged;
    t->family = OSM3S_RELATIONS;
    t->key = order_key_of_bbox(&h.bbox);
    t->block = unchanged ? t->old_block : target_block(u, t, OSM3S_RELATIONS, t->key);
    return unchanged ? OSM3S_OK : keep_record(u, t, &u->record);
}

static int place_relation(osm3s_update *u, touched *t)
{
    osm3s_bbox box;
    uint32_t quad;
    int error = t->batch ? record_of_change(u, t) : record_of_stored(u, t);
    if (error || (error = place_members(u, OSM3S_FOREVER, &box, &quad)))
        return error;
    record_head h = record_head_of(u->record.data);
    set_place(u, &box, quad);
    return keep_relation(u, t, t->batch == NULL && h.quad == quad && same_place(&box, &h.bbox));
}

/* Links from the members of the record in u->record. */
static int add_member_links(osm3s_update *u, const touched *t)
{
    record_head h = record_head_of(u->record.data);
    const uint8_t *p = record_refs(u->record.data);
    int error = OSM3S_OK;
    for (uint32_t r = 0; r < h.n_refs && error == OSM3S_OK; r++) {
        member_head m;
        memcpy(&m, p, sizeof m);
        p += sizeof m + m.role_len;
        error = add_link_change(u, m.type, (uint64_t)m.ref, t->id, true);
    }
    return error;
}

/* Whether the version linked last has this member, too, at about the same place. */
static bool is_linked(const struct member_keys *linked, uint64_t key, size_t *at)
{
    enum { LOOK_AHEAD = 16 };
    for (size_t i = *at; i < linked->n && i < *at + LOOK_AHEAD; i++)
        if (linked->keys[i] == key) {
            *at = i + 1;
            return true;
        }
    return false;
}

/* Links from the members of the record in u->record, a former version. The next version has mostly the same members in
 * the same order, and a link twice is dropped in the end: most of them need not be added. */
static int add_former_links(osm3s_update *u, const touched *t)
{
    record_head h = record_head_of(u->record.data);
    const uint8_t *p = record_refs(u->record.data);
    struct member_keys *linking = &u->linking;
    size_t at = 0;
    int error = grow(&linking->keys, &linking->cap, (size_t)h.n_refs + 1, sizeof *linking->keys);
    if (u->linked_owner != t->id)
        u->linked.n = 0;
    linking->n = 0;
    for (uint32_t r = 0; r < h.n_refs && error == OSM3S_OK; r++) {
        member_head m;
        memcpy(&m, p, sizeof m);
        p += sizeof m + m.role_len;
        uint64_t key = (uint64_t)m.ref << 2 | m.type;
        linking->keys[linking->n++] = key;
        if (!is_linked(&u->linked, key, &at))
            error = add_link_change(u, LINK_FORMER + m.type, (uint64_t)m.ref, t->id, true);
    }
    struct member_keys before = u->linked;
    u->linked = *linking;
    *linking = before;
    u->linked_owner = t->id;
    return error;
}

/* When the members of the record in u->record change their place within (since, until): into u->times. */
static int times_of_members(osm3s_update *u, uint32_t since, uint32_t until)
{
    record_head h = record_head_of(u->record.data);
    const uint8_t *p = record_refs(u->record.data);
    int error = OSM3S_OK;
    u->n_times = 0;
    for (uint32_t r = 0; r < h.n_refs && error == OSM3S_OK; r++) {
        member_head m;
        memcpy(&m, p, sizeof m);
        p += sizeof m + m.role_len;
        ptrdiff_t at = m.type <= OSM3S_WAY ? touched_find(&u->of[m.type], (uint64_t)m.ref) : -1;
        if (at >= 0)
            error = collect_times(u, &u->of[m.type].items[at], since, until);
    }
    return error ? error : sort_times(u);
}

/* One version of a relation (-1: the stored one): as its members move it becomes one state after the other. */
static int version_states(osm3s_update *u, touched *t, int32_t version, uint32_t since, uint32_t until, bool is_last)
{
    bool is_stored = version < 0;
    osm3s_bbox box;
    uint32_t quad, from = since;
    int error = is_stored ? record_of_stored(u, t) : record_of_version(u, t, (uint32_t)version);
    if (error == OSM3S_OK && (error = times_of_members(u, since, until)) == OSM3S_OK)
        error = place_members(u, since, &box, &quad);
    if (error)
        return error;
    record_head stored = record_head_of(u->record.data);
    bool changed = !is_stored || stored.quad != quad || !same_place(&box, &stored.bbox);
    set_place(u, &box, quad);
    if (!is_last && !is_stored)
        error = add_former_links(u, t);
    for (size_t i = 0; i < u->n_times && error == OSM3S_OK; i++) {
        osm3s_bbox next_box;
        uint32_t next_quad;
        error = place_members(u, u->times[i], &next_box, &next_quad);
        if (error || (next_quad == quad && same_place(&next_box, &box)))
            continue;
        error = add_superseded(u, t, OSM3S_RELATIONS, &box, from, u->times[i]);
        if (error == OSM3S_OK)
            error = add_state(u, t, from, true, &box);
        box = next_box;
        quad = next_quad;
        from = u->times[i];
        changed = true;
        set_place(u, &box, quad);
    }
    if (error == OSM3S_OK)
        error = add_state(u, t, from, true, &box);
    if (error || !is_last)
        return error ? error : add_superseded(u, t, OSM3S_RELATIONS, &box, from, until);
    record_head h = record_head_of(u->record.data);
    h.since = from;
    h.until = OSM3S_FOREVER;
    memcpy(u->record.data, &h, sizeof h);
    return keep_relation(u, t, !changed);
}

/* All that the relation is one after the other, and its members in the end. */
static int relation_states(osm3s_update *u, touched *t)
{
    int error = states_of_versions(u, t, OSM3S_RELATIONS, version_states);
    if (error == OSM3S_OK && t->batch && t->present && (error = record_of_change(u, t)) == OSM3S_OK)
        error = add_member_links(u, t);
    return error;
}

static int drop_member_links(osm3s_update *u, const touched *t)
{
    uint32_t slot;
    const view *v = snapshot_view(u->s, t->old_block, t->old_slot, &slot);
    int error = v ? view_members(v, slot, &u->list) : OSM3S_CORRUPT;
    for (size_t m = 0; m < u->list.n && error == OSM3S_OK; m++)
        error = add_link_change(u, u->list.items[m].type, (uint64_t)u->list.items[m].ref, t->id, false);
    return error;
}

int osm3s_update_relations(osm3s_update *u)
{
    touched_list *relations = &u->of[OSM3S_RELATION];
    int error = OSM3S_OK;
    for (size_t i = 0; i < relations->n && error == OSM3S_OK; i++) {
        touched *t = &relations->items[i];
        if (t->batch && t->old_block != OSM3S_UNRESOLVED)
            error = drop_member_links(u, t);
        if (u->with_history && error == OSM3S_OK)
            error = relation_states(u, t);
        else if (t->present && error == OSM3S_OK)
            error = place_relation(u, t);
        if (!u->with_history && t->batch && t->present && error == OSM3S_OK)
            error = add_member_links(u, t);
    }
    return error;
}
