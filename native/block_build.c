/* block_build.c: takes in the elements of a block. They come in any order; tags and roles are numbered in dictionaries as
 * they arrive. */
#include "block_builder.h"

osm3s_block_builder *osm3s_block_builder_new(void)
{
    osm3s_block_builder *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->pair_head = calloc(TABLE, sizeof *b->pair_head);
    b->role_head = calloc(TABLE, sizeof *b->role_head);
    if (b->pair_head == NULL || b->role_head == NULL) {
        osm3s_block_builder_free(b);
        return NULL;
    }
    return b;
}

void osm3s_block_builder_free(osm3s_block_builder *b)
{
    if (b == NULL)
        return;
    void *owned[] = {b->elements, b->pairs, b->roles, b->pair_head, b->role_head, b->text, b->tags, b->nodes,
                     b->members, b->body, b->order, b->order_spare, b->rank, b->values, b->out, b->meta};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    free(b);
}

void osm3s_block_builder_start(osm3s_block_builder *b, int family)
{
    for (size_t i = 0; i < b->n_pairs; i++)
        b->pair_head[b->pairs[i].hash % TABLE] = 0;
    for (size_t i = 0; i < b->n_roles; i++)
        b->role_head[b->roles[i].hash % TABLE] = 0;
    b->family = family;
    b->times = OSM3S_TIMES_NONE;
    b->n = b->n_pairs = b->n_roles = b->text_len = b->n_tags = b->n_nodes = b->n_members = b->body_len = 0;
}

void osm3s_block_keep_times(osm3s_block_builder *b, int times)
{
    b->times = times;
}

void osm3s_block_set_times(osm3s_block_builder *b, uint32_t since, uint32_t until)
{
    b->elements[b->n - 1].since = since;
    b->elements[b->n - 1].until = until;
}

static uint32_t hash_bytes(uint32_t hash, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)s[i]) * 16777619u; /* FNV-1a */
    return hash;
}

static int add_text(osm3s_block_builder *b, const char *s, size_t len, uint32_t *at)
{
    if (b->text_len + len > UINT32_MAX / 2)
        return fail(OSM3S_LIMIT, "more than 2 GiB of strings in one block");
    if (grow(&b->text, &b->cap_text, b->text_len + len + 1, 1))
        return OSM3S_NOMEM;
    *at = (uint32_t)b->text_len;
    if (len)
        memcpy(b->text + b->text_len, s, len);
    b->text_len += len;
    return OSM3S_OK;
}

static int add_element(osm3s_block_builder *b, uint64_t id, osm3s_meta meta)
{
    if (b->n >= 65535)
        return fail(OSM3S_LIMIT, "more than 65535 elements in one block");
    if (grow(&b->elements, &b->cap_elements, b->n + 1, sizeof *b->elements))
        return OSM3S_NOMEM;
    element *e = &b->elements[b->n++];
    memset(e, 0, sizeof *e);
    e->id = id;
    e->meta = meta;
    e->since = meta.timestamp;
    e->until = OSM3S_FOREVER;
    e->bbox = (osm3s_bbox){1, 0, 0, 0};
    e->tag_from = e->tag_to = (uint32_t)b->n_tags;
    e->ref_from = e->ref_to = (uint32_t)(b->family == OSM3S_WAYS ? b->n_nodes : b->n_members);
    return OSM3S_OK;
}

int osm3s_block_add_node(osm3s_block_builder *b, uint64_t id, int32_t lat, int32_t lon, osm3s_meta meta)
{
    int error = add_element(b, id, meta);
    if (error)
        return error;
    element *e = &b->elements[b->n - 1];
    e->lat = lat;
    e->lon = lon;
    if (lat != OSM3S_NO_COORD)
        e->bbox = (osm3s_bbox){lat, lon, lat, lon};
    return OSM3S_OK;
}

int osm3s_block_add_way(osm3s_block_builder *b, uint64_t id, osm3s_meta meta)
{
    return add_element(b, id, meta);
}

int osm3s_block_add_relation(osm3s_block_builder *b, uint64_t id, osm3s_bbox bbox, uint32_t quad, osm3s_meta meta)
{
    int error = add_element(b, id, meta);
    if (error)
        return error;
    b->elements[b->n - 1].bbox = bbox;
    b->elements[b->n - 1].quad = quad;
    return OSM3S_OK;
}

int osm3s_block_add_tag(osm3s_block_builder *b, const char *key, size_t key_len, const char *value, size_t value_len)
{
    uint32_t hash = hash_bytes(hash_bytes(2166136261u, key, key_len) * 31, value, value_len);
    uint32_t number = b->pair_head[hash % TABLE];
    for (; number; number = b->pairs[number - 1].next) {
        const pair *p = &b->pairs[number - 1];
        if (p->hash == hash && p->key_len == key_len && p->value_len == value_len
            && memcmp(b->text + p->key, key, key_len) == 0 && memcmp(b->text + p->value, value, value_len) == 0)
            break;
    }
    if (number == 0) {
        if (b->n_pairs >= 65535)
            return fail(OSM3S_LIMIT, "more than 65535 different tags in one block");
        if (grow(&b->pairs, &b->cap_pairs, b->n_pairs + 1, sizeof *b->pairs))
            return OSM3S_NOMEM;
        pair *p = &b->pairs[b->n_pairs];
        *p = (pair){.key_len = (uint32_t)key_len, .value_len = (uint32_t)value_len, .hash = hash};
        int error = add_text(b, key, key_len, &p->key);
        if (error == OSM3S_OK)
            error = add_text(b, value, value_len, &p->value);
        if (error)
            return error;
        p->next = b->pair_head[hash % TABLE];
        number = (uint32_t)++b->n_pairs;
        b->pair_head[hash % TABLE] = number;
    }
    if (grow(&b->tags, &b->cap_tags, b->n_tags + 1, sizeof *b->tags))
        return OSM3S_NOMEM;
    b->tags[b->n_tags++] = number - 1;
    b->pairs[number - 1].count++;
    b->elements[b->n - 1].tag_to = (uint32_t)b->n_tags;
    return OSM3S_OK;
}

int osm3s_block_add_way_node(osm3s_block_builder *b, int64_t ref, int32_t lat, int32_t lon)
{
    if (grow(&b->nodes, &b->cap_nodes, b->n_nodes + 1, sizeof *b->nodes))
        return OSM3S_NOMEM;
    b->nodes[b->n_nodes++] = (way_node){ref, lat, lon};
    element *e = &b->elements[b->n - 1];
    e->ref_to = (uint32_t)b->n_nodes;
    if (lat == OSM3S_NO_COORD)
        return OSM3S_OK;
    if (e->bbox.south > e->bbox.north)
        e->bbox = (osm3s_bbox){lat, lon, lat, lon};
    if (lat < e->bbox.south) e->bbox.south = lat;
    if (lat > e->bbox.north) e->bbox.north = lat;
    if (lon < e->bbox.west) e->bbox.west = lon;
    if (lon > e->bbox.east) e->bbox.east = lon;
    return OSM3S_OK;
}

static int role_number(osm3s_block_builder *b, const char *text, size_t len, uint32_t *number)
{
    uint32_t hash = hash_bytes(2166136261u, text, len);
    for (*number = b->role_head[hash % TABLE]; *number; *number = b->roles[*number - 1].next) {
        const role *r = &b->roles[*number - 1];
        if (r->hash == hash && r->len == len && memcmp(b->text + r->text, text, len) == 0) {
            --*number;
            return OSM3S_OK;
        }
    }
    if (grow(&b->roles, &b->cap_roles, b->n_roles + 1, sizeof *b->roles))
        return OSM3S_NOMEM;
    role *r = &b->roles[b->n_roles];
    *r = (role){.len = (uint32_t)len, .hash = hash, .next = b->role_head[hash % TABLE]};
    int error = add_text(b, text, len, &r->text);
    if (error)
        return error;
    *number = (uint32_t)b->n_roles++;
    b->role_head[hash % TABLE] = (uint32_t)b->n_roles;
    return OSM3S_OK;
}

int osm3s_block_add_member(osm3s_block_builder *b, uint8_t type, int64_t ref, const char *text, size_t len)
{
    uint32_t number;
    int error = role_number(b, text, len, &number);
    if (error)
        return error;
    if (grow(&b->members, &b->cap_members, b->n_members + 1, sizeof *b->members))
        return OSM3S_NOMEM;
    b->members[b->n_members++] = (member){ref, number, type};
    b->elements[b->n - 1].ref_to = (uint32_t)b->n_members;
    return OSM3S_OK;
}
