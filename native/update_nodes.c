/* update_nodes.c: changed nodes: their new records and places. */
#include "update.h"

static osm3s_bbox box_of_node(const osm3s_element *e)
{
    return e->lat == OSM3S_NO_COORD ? no_box() : (osm3s_bbox){e->lat, e->lon, e->lat, e->lon};
}

static int place_node(osm3s_update *u, touched *t)
{
    if (!t->present)
        return OSM3S_OK;
    const osm3s_element *e = t->element;
    t->box = box_of_node(e);
    t->family = e->n_tags ? OSM3S_TAGGED_NODES : OSM3S_NODES;
    t->key = order_key_of_position(e->lat, e->lon);
    t->block = target_block(u, t, t->family, t->key);
    int error = record_of_change(u, t);
    if (error == OSM3S_OK && u->with_history) {
        record_head h = record_head_of(u->record.data);
        h.since = version_since(u, t, t->n_versions - 1);
        memcpy(u->record.data, &h, sizeof h);
    }
    return error ? error : keep_record(u, t, &u->record);
}

/* All that the node was one after the other, but for what it is in the end. */
static int node_states(osm3s_update *u, touched *t)
{
    uint32_t until = version_since(u, t, 0);
    int error = OSM3S_OK;
    t->state = u->n_states;
    if (t->old_block != OSM3S_UNRESOLVED && t->old_since < until && (error = record_of_stored(u, t)) == OSM3S_OK)
        error = add_superseded(u, t, t->old_family, &t->old_box, t->old_since, until);
    for (uint32_t v = 0; v < t->n_versions && error == OSM3S_OK; v++) {
        const osm3s_element *e = u->versions[t->version + v].element;
        uint32_t since = version_since(u, t, v);
        int family = e->n_tags ? OSM3S_TAGGED_NODES : OSM3S_NODES;
        osm3s_bbox box = box_of_node(e);
        until = version_until(u, t, v);
        if (since >= until)
            continue;
        if (e->deleted) {
            error = add_deletion(u, t, v, family);
            continue;
        }
        if (v + 1 < t->n_versions && (error = record_of_version(u, t, v)) == OSM3S_OK)
            error = add_superseded(u, t, family, &box, since, until);
        if (error == OSM3S_OK)
            error = add_state(u, t, since, true, &box);
    }
    return error;
}

int osm3s_update_nodes(osm3s_update *u)
{
    touched_list *nodes = &u->of[OSM3S_NODE];
    int error = OSM3S_OK;
    for (size_t i = 0; i < nodes->n && error == OSM3S_OK; i++) {
        touched *t = &nodes->items[i];
        if (u->with_history)
            error = node_states(u, t);
        if (error == OSM3S_OK)
            error = place_node(u, t);
        t->moved = place_changes(u, t);
        if (error == OSM3S_OK && bbox_is_empty(&t->old_box) && t->moved)
            error = question_add(&u->members[LINK_ABSENT], t->id);
        if (error == OSM3S_OK && t->moved)
            error = question_add(&u->members[OSM3S_NODE], t->id);
    }
    if (error == OSM3S_OK)
        error = question_seal(&u->members[LINK_ABSENT]);
    return error ? error : question_seal(&u->members[OSM3S_NODE]);
}
