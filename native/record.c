/* record.c: see record.h. */
#include "record.h"

#include "geom.h"

static int put_tag(buffer *b, const char *key, size_t key_len, const char *value, size_t value_len)
{
    uint32_t lens[2] = {(uint32_t)key_len, (uint32_t)value_len};
    if (buffer_put(b, lens, sizeof lens) || buffer_put(b, key, key_len) || buffer_put(b, value, value_len))
        return OSM3S_NOMEM;
    return OSM3S_OK;
}

static int put_member(buffer *b, uint8_t type, int64_t ref, const char *role, size_t role_len)
{
    member_head h = {.ref = ref, .role_len = (uint32_t)role_len, .type = type};
    return buffer_put(b, &h, sizeof h) || buffer_put(b, role, role_len) ? OSM3S_NOMEM : OSM3S_OK;
}

static const char *batch_string(const osm3s_batch *batch, uint32_t number, size_t *len)
{
    uint32_t from = batch->string_start[number];
    *len = batch->string_start[number + 1] - from;
    return batch->bytes + from;
}

int record_from_batch(buffer *b, const osm3s_batch *batch, const osm3s_element *e)
{
    record_head h = {.id = (uint64_t)e->id, .meta = e->meta, .since = e->meta.timestamp, .until = OSM3S_FOREVER,
                     .lat = e->lat, .lon = e->lon, .n_tags = e->n_tags, .n_refs = e->n_refs, .bbox = {1, 0, 0, 0}};
    b->len = 0;
    if (buffer_put(b, &h, sizeof h))
        return OSM3S_NOMEM;
    for (uint32_t t = e->tag_start; t < e->tag_start + e->n_tags; t++) {
        size_t key_len, value_len;
        const char *key = batch_string(batch, batch->tags[t].key, &key_len);
        const char *value = batch_string(batch, batch->tags[t].value, &value_len);
        if (put_tag(b, key, key_len, value, value_len))
            return OSM3S_NOMEM;
    }
    h.tags_len = (uint32_t)(b->len - sizeof h);
    memcpy(b->data, &h, sizeof h);
    for (uint32_t r = e->ref_start; r < e->ref_start + e->n_refs; r++) {
        int error;
        if (e->type == OSM3S_WAY) {
            way_node n = {batch->refs[r], OSM3S_NO_COORD, OSM3S_NO_COORD};
            error = buffer_put(b, &n, sizeof n);
        } else {
            size_t role_len;
            const char *role = batch_string(batch, batch->ref_roles[r], &role_len);
            error = put_member(b, batch->ref_types[r], batch->refs[r], role, role_len);
        }
        if (error)
            return error;
    }
    return OSM3S_OK;
}

int record_from_view(buffer *b, const view *v, uint32_t slot, way_nodes *nodes, members *list)
{
    record_head h = {.id = column_get(&v->id, slot), .meta = view_meta(v, slot), .since = view_since(v, slot),
                     .until = view_until(v, slot), .bbox = {1, 0, 0, 0}};
    uint32_t from, to;
    if (v->family <= OSM3S_TAGGED_NODES) {
        h.lat = (int32_t)column_get(&v->lat, slot);
        h.lon = (int32_t)column_get(&v->lon, slot);
    } else {
        h.bbox = view_bbox(v, slot);
    }
    if (v->family == OSM3S_RELATIONS)
        h.quad = (uint32_t)column_get(&v->quad, slot);
    b->len = 0;
    if (buffer_put(b, &h, sizeof h))
        return OSM3S_NOMEM;
    view_tags(v, slot, &from, &to);
    h.n_tags = to - from;
    for (; from < to; from++) {
        uint32_t p = (uint32_t)column_get(&v->tag, from);
        size_t key_len, value_len;
        const char *key = view_key(v, view_key_of_pair(v, p), &key_len), *value = view_value(v, p, &value_len);
        if (put_tag(b, key, key_len, value, value_len))
            return OSM3S_NOMEM;
    }
    h.tags_len = (uint32_t)(b->len - sizeof h);
    int error = OSM3S_OK;
    if (v->family == OSM3S_WAYS && (error = view_way_nodes(v, slot, nodes)) == OSM3S_OK) {
        h.n_refs = (uint32_t)nodes->n;
        error = buffer_put(b, nodes->items, nodes->n * sizeof *nodes->items);
    } else if (v->family == OSM3S_RELATIONS && (error = view_members(v, slot, list)) == OSM3S_OK) {
        h.n_refs = (uint32_t)list->n;
        for (size_t i = 0; i < list->n && error == OSM3S_OK; i++) {
            size_t len;
            const char *role = view_role(v, list->items[i].role, &len);
            error = put_member(b, list->items[i].type, list->items[i].ref, role, len);
        }
    }
    memcpy(b->data, &h, sizeof h);
    return error;
}

int record_build(osm3s_block_builder *builder, int family, const uint8_t *record, size_t len)
{
    record_head h = record_head_of(record);
    const uint8_t *p = record + sizeof h;
    int error;
    if (family <= OSM3S_TAGGED_NODES)
        error = osm3s_block_add_node(builder, h.id, h.lat, h.lon, h.meta);
    else if (family == OSM3S_WAYS)
        error = osm3s_block_add_way(builder, h.id, h.meta);
    else
        error = osm3s_block_add_relation(builder, h.id, h.bbox, h.quad, h.meta);
    if (error == OSM3S_OK)
        osm3s_block_set_times(builder, h.since, h.until);
    for (uint32_t t = 0; t < h.n_tags && error == OSM3S_OK; t++) {
        uint32_t lens[2];
        memcpy(lens, p, sizeof lens);
        p += sizeof lens;
        error = osm3s_block_add_tag(builder, (const char *)p, lens[0], (const char *)p + lens[0], lens[1]);
        p += (size_t)lens[0] + lens[1];
    }
    for (uint32_t r = 0; r < h.n_refs && error == OSM3S_OK; r++) {
        if (family == OSM3S_WAYS) {
            way_node n;
            memcpy(&n, p, sizeof n);
            p += sizeof n;
            error = osm3s_block_add_way_node(builder, n.ref, n.lat, n.lon);
        } else {
            member_head m;
            memcpy(&m, p, sizeof m);
            p += sizeof m;
            error = osm3s_block_add_member(builder, m.type, m.ref, (const char *)p, m.role_len);
            p += m.role_len;
        }
    }
    if (error == OSM3S_OK && p > record + len)
        return fail(OSM3S_CORRUPT, "an element record is shorter than it says");
    return error;
}

/* The low 20 bits say where inside a cell of some 20 m an element is: not worth sorting by. */
static const uint64_t ORDER_MASK = ~(uint64_t)0xfffff;

uint64_t order_key_of_position(int32_t lat, int32_t lon)
{
    return lat == OSM3S_NO_COORD ? ORDER_MASK : morton_of_position(lat, lon) & ORDER_MASK;
}

uint64_t order_key_of_bbox(const osm3s_bbox *box)
{
    if (box->south > box->north)
        return ORDER_MASK;
    int64_t height = (int64_t)box->north - box->south, width = (int64_t)box->east - box->west;
    int64_t size = height > width ? height : width;
    uint64_t level = size < 1 << 17 ? 0 : size < 1 << 20 ? 1 : size < 1 << 23 ? 2 : 3;
    int32_t lat = (int32_t)(box->south + height / 2), lon = (int32_t)(box->west + width / 2);
    return (level << 62 | morton_of_position(lat, lon) >> 2) & ORDER_MASK;
}
