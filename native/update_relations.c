/* update_relations.c: changed relations, and relations with members whose place has changed: new box, quadtile, block. */
#include "update.h"

/* The record of a relation: changed or as stored, still with its old box. */
static int start_record(osm3s_update *u, const touched *t)
{
    if (t->batch)
        return record_of_change(u, t);
    uint32_t slot;
    const view *v = snapshot_view(u->s, t->old_block, t->old_slot, &slot);
    return v ? record_from_view(&u->record, v, slot, &u->nodes, &u->list) : OSM3S_CORRUPT;
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
        if (t->batch == NULL) {
            const view *v = snapshot_view(u->s, t->old_block, t->old_slot, &slot);
            if (v == NULL || (error = view_members(v, slot, &u->list)))
                return v ? error : OSM3S_CORRUPT;
            want_meta(u, t->old_block, slot == t->old_slot ? META_BASE : META_DELTA);
        }
        size_t n = t->batch ? t->present ? t->element->n_refs : 0 : u->list.n;
        for (size_t m = 0; m < n && error == OSM3S_OK; m++) {
            uint32_t at = t->batch ? t->element->ref_start + (uint32_t)m : 0;
            uint8_t type = t->batch ? t->batch->ref_types[at] : u->list.items[m].type;
            int64_t ref = t->batch ? t->batch->refs[at] : u->list.items[m].ref;
            if (type <= OSM3S_WAY && touched_find(&u->of[type], (uint64_t)ref) < 0)
                error = question_add(&u->asked[type], (uint64_t)ref);
        }
    }
    if (error == OSM3S_OK)
        error = question_seal(&u->asked[OSM3S_NODE]);
    return error ? error : question_seal(&u->asked[OSM3S_WAY]);
}

/* The box of a way after the update; *there: whether it exists. */
static int box_after(osm3s_update *u, uint64_t id, osm3s_bbox *box, bool *there)
{
    ptrdiff_t at = touched_find(&u->of[OSM3S_WAY], id);
    *box = no_box();
    if (at >= 0) {
        *there = u->of[OSM3S_WAY].items[at].present;
        *box = u->of[OSM3S_WAY].items[at].box;
        return OSM3S_OK;
    }
    const question *q = &u->asked[OSM3S_WAY];
    at = question_find(q, id);
    *there = at >= 0 && q->block_ids[at] != OSM3S_UNRESOLVED;
    if (!*there)
        return OSM3S_OK;
    uint32_t block = osm3s_snapshot_block_of_id(u->s, OSM3S_WAY, q->block_ids[at]);
    ptrdiff_t slot = block == OSM3S_UNRESOLVED ? -1 : snapshot_find(u->s, block, id);
    if (slot < 0)
        return slot == -2 ? OSM3S_CORRUPT : fail(OSM3S_CORRUPT, "the id map places way %llu in block %u, where it is not",
                                                 (unsigned long long)id, q->block_ids[at]);
    const view *base = snapshot_base(u->s, block); /* boxes are in the head: the body stays untouched */
    bool in_delta = slot >= (ptrdiff_t)base->n;
    *box = in_delta ? view_bbox(snapshot_delta(u->s, block), (uint32_t)slot - base->n) : view_bbox(base, (uint32_t)slot);
    return OSM3S_OK;
}

static int place_relation(osm3s_update *u, touched *t)
{
    int error = start_record(u, t);
    if (error)
        return error;
    record_head h = record_head_of(u->record.data);
    const uint8_t *p = record_refs(u->record.data);
    osm3s_bbox old_box = h.bbox;
    uint32_t old_quad = h.quad;
    quad_sum quads;
    quad_sum_start(&quads);
    h.bbox = bbox_empty();
    for (uint32_t r = 0; r < h.n_refs && error == OSM3S_OK; r++) {
        member_head m;
        memcpy(&m, p, sizeof m);
        p += sizeof m + m.role_len;
        if (t->batch && (error = add_link_change(u, m.type, (uint64_t)m.ref, t->id, true)))
            break;
        if (m.type == OSM3S_NODE) {
            int32_t lat, lon;
            error = position_after(u, (uint64_t)m.ref, &lat, &lon);
            if (error == OSM3S_OK && lat != OSM3S_NO_COORD) {
                bbox_add_position(&h.bbox, lat, lon);
                quad_sum_add(&quads, quad_of_position(lat, lon));
            }
        } else if (m.type == OSM3S_WAY) {
            osm3s_bbox box;
            bool there;
            error = box_after(u, (uint64_t)m.ref, &box, &there);
            if (error == OSM3S_OK && there) {
                if (!bbox_is_empty(&box))
                    bbox_add(&h.bbox, &box);
                quad_sum_add(&quads, quad_of_bbox(&box));
            }
        }
    }
    if (error)
        return error;
    h.quad = quad_sum_finish(&quads);
    memcpy(u->record.data, &h, sizeof h);
    t->box = bbox_is_empty(&h.bbox) ? no_box() : h.bbox;
    t->unchanged = t->batch == NULL && h.quad == old_quad
                   && (same_box(&h.bbox, &old_box) || (bbox_is_empty(&h.bbox) && bbox_is_empty(&old_box)));
    t->family = OSM3S_RELATIONS;
    t->key = order_key_of_bbox(&h.bbox);
    t->block = t->unchanged ? t->old_block : target_block(u, t, OSM3S_RELATIONS, t->key);
    return t->unchanged ? OSM3S_OK : keep_record(u, t, &u->record);
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
        if (t->present && error == OSM3S_OK)
            error = place_relation(u, t);
    }
    return error;
}
