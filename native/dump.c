/* dump.c: everything that a block says of its elements, for tests and tools. */
#include "geom.h"
#include "index_page.h"

/* `places`: per element bbox (4 int32), quad (u32), number of coordinates (u32), then that many pairs lat, lon. */
static int put_place(buffer *places, const view *v, uint32_t slot, const way_nodes *nodes)
{
    osm3s_bbox box = view_bbox(v, slot);
    uint32_t quad = v->family == OSM3S_RELATIONS ? (uint32_t)column_get(&v->quad, slot) : 0;
    uint32_t n = v->family == OSM3S_WAYS ? (uint32_t)nodes->n : 0;
    int error = buffer_put(places, &box, sizeof box) || buffer_put(places, &quad, 4) || buffer_put(places, &n, 4);
    for (uint32_t i = 0; i < n && !error; i++)
        error = buffer_put(places, &nodes->items[i].lat, 4) || buffer_put(places, &nodes->items[i].lon, 4);
    return error ? OSM3S_NOMEM : OSM3S_OK;
}

static int dump_element(const view *v, uint32_t slot, osm3s_batch *into, buffer *places, way_nodes *nodes, members *list)
{
    uint8_t type = v->family <= OSM3S_TAGGED_NODES ? OSM3S_NODE : (uint8_t)(v->family - 1);
    int32_t lat = type ? OSM3S_NO_COORD : (int32_t)column_get(&v->lat, slot);
    int32_t lon = type ? OSM3S_NO_COORD : (int32_t)column_get(&v->lon, slot);
    int error = osm3s_batch_add_element(into, type, (int64_t)column_get(&v->id, slot), lat, lon, view_meta(v, slot), "", 0, 0);
    uint32_t from, to;
    view_tags(v, slot, &from, &to);
    for (; from < to && error == OSM3S_OK; from++) {
        uint32_t p = (uint32_t)column_get(&v->tag, from);
        size_t key_len, value_len;
        const char *key = view_key(v, view_key_of_pair(v, p), &key_len), *value = view_value(v, p, &value_len);
        error = osm3s_batch_add_tag(into, key, key_len, value, value_len);
    }
    if (type == OSM3S_WAY && error == OSM3S_OK) {
        error = view_way_nodes(v, slot, nodes);
        for (size_t i = 0; i < nodes->n && error == OSM3S_OK; i++)
            error = osm3s_batch_add_ref(into, nodes->items[i].ref);
    } else if (type == OSM3S_RELATION && error == OSM3S_OK) {
        error = view_members(v, slot, list);
        for (size_t i = 0; i < list->n && error == OSM3S_OK; i++) {
            size_t len;
            const char *role = view_role(v, list->items[i].role, &len);
            error = osm3s_batch_add_member(into, list->items[i].type, list->items[i].ref, role, len);
        }
    }
    return error ? error : put_place(places, v, slot, nodes);
}

int osm3s_dump_block(osm3s_snapshot *s, uint32_t block, osm3s_batch *into, osm3s_bytes *places)
{
    const view *base = snapshot_base(s, block), *delta = snapshot_delta(s, block);
    const uint64_t *dead = snapshot_dead(s, block);
    if (base == NULL || delta == NULL || snapshot_check_body(s, block))
        return OSM3S_CORRUPT;
    way_nodes nodes = {0};
    members list = {0};
    buffer out = {0};
    int error = OSM3S_OK;
    for (uint32_t slot = 0; slot < base->n && error == OSM3S_OK; slot++)
        if (!(dead && dead[slot / 64] >> slot % 64 & 1))
            error = dump_element(base, slot, into, &out, &nodes, &list);
    for (uint32_t slot = 0; slot < delta->n && error == OSM3S_OK; slot++)
        error = dump_element(delta, slot, into, &out, &nodes, &list);
    free(nodes.items);
    free(list.items);
    if (error || places == NULL) {
        free(out.data);
        return error;
    }
    *places = (osm3s_bytes){out.data, out.len}; /* the caller's, to be given to osm3s_free */
    return OSM3S_OK;
}
