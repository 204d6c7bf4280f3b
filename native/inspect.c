/* inspect.c: the parts of a block, for tools. */
#include "internal.h"

static const view *part_of(osm3s_snapshot *s, uint32_t block, int delta)
{
    return delta ? snapshot_delta(s, block) : snapshot_base(s, block);
}

int osm3s_inspect_part(osm3s_snapshot *s, uint32_t block, int delta, osm3s_part *out)
{
    const view *v = part_of(s, block, delta);
    const uint64_t *dead = snapshot_dead(s, block);
    if (v == NULL)
        return OSM3S_CORRUPT;
    *out = (osm3s_part){.n = v->n, .n_keys = v->n_keys, .n_pairs = v->n_pairs, .n_roles = v->n_roles};
    for (uint32_t slot = 0; dead && !delta && slot < v->n; slot++)
        out->n_dead += dead[slot / 64] >> slot % 64 & 1;
    const column *columns[OSM3S_COLUMNS] = {&v->id, &v->lat, &v->lon, &v->south, &v->west, &v->north, &v->east, &v->quad,
                                            &v->key_start, &v->key_pair, &v->value_start, &v->posting_start, &v->posting,
                                            &v->tag_start, &v->tag, &v->role_start, &v->body_start, &v->since, &v->until};
    for (int c = 0; c < OSM3S_COLUMNS; c++)
        out->columns[c] = (osm3s_column_description){columns[c]->data != NULL, columns[c]->n, columns[c]->width,
                                                     columns[c]->base};
    return OSM3S_OK;
}

int osm3s_inspect_pair(osm3s_snapshot *s, uint32_t block, int delta, uint32_t pair, osm3s_bytes *key, osm3s_bytes *value,
                       uint64_t *n)
{
    const view *v = part_of(s, block, delta);
    if (v == NULL)
        return OSM3S_CORRUPT;
    if (pair >= v->n_pairs)
        return fail(OSM3S_LIMIT, "block %u has no pair %u", block, pair);
    key->data = (const uint8_t *)view_key(v, view_key_of_pair(v, pair), &key->len);
    value->data = (const uint8_t *)view_value(v, pair, &value->len);
    *n = view_count_pair(v, pair);
    return OSM3S_OK;
}
