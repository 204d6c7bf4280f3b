/* update_nodes.c: changed nodes: their new records and places. */
#include "update.h"

static int place_node(osm3s_update *u, touched *t)
{
    if (!t->present)
        return OSM3S_OK;
    const osm3s_element *e = t->element;
    if (e->lat != OSM3S_NO_COORD)
        t->box = (osm3s_bbox){e->lat, e->lon, e->lat, e->lon};
    t->family = e->n_tags ? OSM3S_TAGGED_NODES : OSM3S_NODES;
    t->key = order_key_of_position(e->lat, e->lon);
    t->block = target_block(u, t, t->family, t->key);
    int error = record_of_change(u, t);
    return error ? error : keep_record(u, t, &u->record);
}

int osm3s_update_nodes(osm3s_update *u)
{
    touched_list *nodes = &u->of[OSM3S_NODE];
    int error = OSM3S_OK;
    for (size_t i = 0; i < nodes->n && error == OSM3S_OK; i++) {
        touched *t = &nodes->items[i];
        error = place_node(u, t);
        if (error == OSM3S_OK && bbox_is_empty(&t->old_box) && !bbox_is_empty(&t->box))
            error = question_add(&u->members[LINK_ABSENT], t->id);
        if (error == OSM3S_OK && !same_box(&t->old_box, &t->box))
            error = question_add(&u->members[OSM3S_NODE], t->id);
    }
    if (error == OSM3S_OK)
        error = question_seal(&u->members[LINK_ABSENT]);
    return error ? error : question_seal(&u->members[OSM3S_NODE]);
}
