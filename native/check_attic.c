/* check_attic.c: the superseded versions of blocks: can each of them be found? */
#include "check.h"

static int report_version(osm3s_check *c, int family, uint32_t block_id, uint64_t id, const char *what)
{
    int type = family <= OSM3S_TAGGED_NODES ? OSM3S_NODE : family - 1;
    return check_report(c, "attic of %s, block %u: a version of %s %llu %s", CHECK_FAMILIES[family], block_id,
                        CHECK_TYPES[type], (unsigned long long)id, what);
}

/* By place: the block's box and its range of keys; by time: the block's newest change; by id: the id map or a link. */
static int check_version(osm3s_check *c, uint32_t block, const view *v, uint32_t slot, uint64_t lowest, uint64_t highest)
{
    const osm3s_dir_entry *e = osm3s_snapshot_entry(c->s, block);
    int family = (int)v->family, type = family <= OSM3S_TAGGED_NODES ? OSM3S_NODE : family - 1, error = OSM3S_OK;
    uint64_t id = column_get(&v->id, slot);
    uint32_t since = view_since(v, slot), until = view_until(v, slot);
    osm3s_bbox box = view_bbox(v, slot);
    bool placed = type == OSM3S_NODE ? box.south != OSM3S_NO_COORD : !bbox_is_empty(&box);
    uint64_t key = type == OSM3S_NODE ? order_key_of_position(box.south, box.west) : order_key_of_bbox(&box);
    if (until == OSM3S_FOREVER)
        error = report_version(c, family, e->id, id, "does not end");
    if (error == OSM3S_OK && until > e->newest)
        error = report_version(c, family, e->id, id, "ends later than its block changed");
    if (error == OSM3S_OK && since < until && (key < lowest || key > highest))
        error = report_version(c, family, e->id, id, "is outside of the key range of its block");
    if (error == OSM3S_OK && placed && (bbox_is_empty(&e->bbox) || !bbox_covers(&e->bbox, &box)))
        error = report_version(c, family, e->id, id, "is outside of the box of its block");
    ptrdiff_t row = locations_find(&c->of[type], id);
    if (error == OSM3S_OK && (row < 0 || c->of[type].block[row] != e->id))
        error = check_note_link(c, LINK_HISTORY + type, id, e->id);
    return error;
}

static int want_tag(osm3s_check *c, const view *v, uint32_t block_id, uint64_t hash)
{
    link_list *l = &c->attic_tags[v->family];
    if (grow(&l->items, &l->cap, l->n + 1, sizeof *l->items))
        return OSM3S_NOMEM;
    l->items[l->n++] = (owner_link){hash, block_id};
    return OSM3S_OK;
}

/* The tags that neither base nor delta of the block have must be listed for its attic. */
static int want_tags(osm3s_check *c, uint32_t block, const view *v)
{
    const view *base = snapshot_base(c->s, block), *delta = snapshot_delta(c->s, block);
    uint32_t id = osm3s_snapshot_entry(c->s, block)->id;
    if (base == NULL || delta == NULL)
        return OSM3S_CORRUPT;
    for (uint32_t k = 0; k < v->n_keys; k++) {
        size_t key_len, len;
        const char *key = view_key(v, k, &key_len);
        if (!check_has_tag(base, key, key_len, NULL, 0) && !check_has_tag(delta, key, key_len, NULL, 0)
            && want_tag(c, v, id, check_hash_of_entry(key, key_len, NULL, 0)))
            return OSM3S_NOMEM;
        for (uint64_t p = column_get(&v->key_pair, k); p < column_get(&v->key_pair, (size_t)k + 1); p++) {
            const char *value = view_value(v, (uint32_t)p, &len);
            if (!check_has_tag(base, key, key_len, value, len) && !check_has_tag(delta, key, key_len, value, len)
                && want_tag(c, v, id, check_hash_of_entry(key, key_len, value, len)))
                return OSM3S_NOMEM;
        }
    }
    return OSM3S_OK;
}

int osm3s_check_attic(osm3s_check *c, uint32_t block)
{
    int family = 0, error = OSM3S_OK;
    while (block >= osm3s_snapshot_first_block(c->s, family) + osm3s_snapshot_n_blocks(c->s, family))
        family++;
    const osm3s_dir_entry *e = osm3s_snapshot_entry(c->s, block);
    uint32_t first = osm3s_snapshot_first_block(c->s, family), end = first + osm3s_snapshot_n_blocks(c->s, family);
    uint64_t lowest = block > first ? e->order_key : 0, n = 0;
    uint64_t highest = block + 1 < end ? osm3s_snapshot_entry(c->s, block + 1)->order_key : UINT64_MAX;
    const view *v;
    uint32_t first_slot;
    for (uint32_t part = 0; error == OSM3S_OK && (v = snapshot_attic(c->s, block, part, &first_slot)); part++) {
        if (check_part(v, &c->nodes, &c->members)) {
            error = check_report(c, "attic of %s, block %u: %s", CHECK_FAMILIES[family], e->id, osm3s_last_error());
            continue;
        }
        n += v->n;
        for (uint32_t slot = 0; slot < v->n && error == OSM3S_OK; slot++)
            error = check_version(c, block, v, slot, lowest, highest);
        if (family != OSM3S_NODES && error == OSM3S_OK)
            error = want_tags(c, block, v);
    }
    if (error == OSM3S_OK && n != e->n_attic)
        error = check_report(c, "attic of %s, block %u: %llu versions, the directory says %u", CHECK_FAMILIES[family],
                             e->id, (unsigned long long)n, e->n_attic);
    return error;
}

int check_attic_entry(osm3s_check *c, int family, const tag_entry *e)
{
    uint64_t total, hash;
    size_t n, room = e->value_len / 2 + 1;
    uint32_t *ids = malloc(room * sizeof *ids), *counts = malloc(room * sizeof *counts);
    int error = ids && counts ? OSM3S_OK : fail(OSM3S_NOMEM, "out of memory");
    const uint8_t *value = memchr(e->key, 1, e->key_len);
    size_t key_len = value ? (size_t)(value - e->key) : e->key_len - (e->key_len > 0);
    hash = check_hash_of_entry((const char *)e->key, key_len, value ? (const char *)value + 1 : NULL,
                               value ? e->key_len - key_len - 1 : 0);
    if (error == OSM3S_OK && osm3s_tag_blocks(e->value, e->value_len, &total, ids, counts, room, &n)) {
        error = check_report(c, "tag directory, attic of %s: an entry is damaged", CHECK_FAMILIES[family]);
        n = 0;
    }
    for (size_t i = 0; error == OSM3S_OK && i < n; i++) {
        if ((error = grow(&c->attic_found.items, &c->attic_found.cap, c->attic_found.n + 1, sizeof(owner_link))))
            break;
        c->attic_found.items[c->attic_found.n++] = (owner_link){hash, ids[i]};
    }
    free(ids);
    free(counts);
    return error;
}

int check_attic_tags_end(osm3s_check *c, int family)
{
    link_list *wanted = &c->attic_tags[family], *found = &c->attic_found;
    int error = OSM3S_OK;
    size_t at = 0;
    links_sort(wanted->items, &wanted->n);
    links_sort(found->items, &found->n);
    for (size_t i = 0; i < wanted->n && error == OSM3S_OK; i++) {
        const owner_link *w = &wanted->items[i];
        while (at < found->n && (found->items[at].member < w->member
                                 || (found->items[at].member == w->member && found->items[at].owner < w->owner)))
            at++;
        if (at == found->n || found->items[at].member != w->member || found->items[at].owner != w->owner)
            error = check_report(c, "tag directory, attic of %s: a key or tag of block %llu is not listed",
                                 CHECK_FAMILIES[family], (unsigned long long)w->owner);
    }
    found->n = 0;
    c->last_entry.len = 0;
    return error;
}
