/* update_tags.c: what new deltas and new bases change in the tag directory. An entry lists exactly the blocks whose base
 * or delta has the key or tag in its dictionary, with the number of elements in the base. */
#include "update.h"

static int add_change(osm3s_update *u, const view *v, uint32_t key, ptrdiff_t pair, uint32_t block_id, uint64_t count,
                      bool removed)
{
    size_t key_len, value_len = 0;
    const char *key_text = view_key(v, key, &key_len);
    const char *value = pair < 0 ? NULL : view_value(v, (uint32_t)pair, &value_len);
    tag_change c = {.entry = u->tag_text.len, .entry_len = (uint32_t)(key_len + 1 + value_len), .block_id = block_id,
                    .count = (uint32_t)count, .family = (uint8_t)v->family, .removed = removed};
    if (buffer_put(&u->tag_text, key_text, key_len) || buffer_put(&u->tag_text, pair < 0 ? "\0" : "\1", 1)
        || (pair >= 0 && buffer_put(&u->tag_text, value, value_len))
        || grow(&u->tag_changes, &u->cap_tag_changes, u->n_tag_changes + 1, sizeof *u->tag_changes))
        return OSM3S_NOMEM;
    u->tag_changes[u->n_tag_changes++] = c;
    return OSM3S_OK;
}

/* For every entry of `v`: if neither `a` nor `b` has it, note it as added with count 0, or as removed. */
static int note_missing(osm3s_update *u, const view *v, const view *a, const view *b, uint32_t block_id, bool removed)
{
    for (uint32_t k = 0; v && k < v->n_keys; k++) {
        size_t len;
        const char *text = view_key(v, k, &len);
        ptrdiff_t in_a = view_find_key(a, text, len), in_b = view_find_key(b, text, len);
        if (in_a < 0 && in_b < 0 && add_change(u, v, k, -1, block_id, 0, removed))
            return OSM3S_NOMEM;
        for (uint64_t p = column_get(&v->key_pair, k); p < column_get(&v->key_pair, k + 1); p++) {
            const char *value = view_value(v, (uint32_t)p, &len);
            if (view_find_pair(a, in_a, value, len) < 0 && view_find_pair(b, in_b, value, len) < 0
                && add_change(u, v, k, (ptrdiff_t)p, block_id, 0, removed))
                return OSM3S_NOMEM;
        }
    }
    return OSM3S_OK;
}

/* What the tag directory no longer says of a block may still be so of its superseded versions. */
static int keep_removed(osm3s_update *u, size_t from)
{
    size_t n = u->n_tag_changes;
    if (!u->with_history || n == from)
        return OSM3S_OK;
    if (grow(&u->tag_changes, &u->cap_tag_changes, n + (n - from), sizeof *u->tag_changes))
        return OSM3S_NOMEM;
    for (size_t i = from; i < n; i++) {
        tag_change c = u->tag_changes[i];
        if (!c.removed)
            continue;
        c.family = (uint8_t)(c.family + ATTIC_FAMILY);
        c.removed = false;
        c.count = 0;
        u->tag_changes[u->n_tag_changes++] = c;
    }
    return OSM3S_OK;
}

static bool any_has(const view *const *views, size_t n, const char *key, size_t key_len, const char *value, size_t len)
{
    for (size_t i = 0; i < n; i++) {
        ptrdiff_t k = view_find_key(views[i], key, key_len);
        if (k >= 0 && (value == NULL || view_find_pair(views[i], k, value, len) >= 0))
            return true;
    }
    return false;
}

int tags_of_attic(osm3s_update *u, const view *attic, const view *const *others, size_t n_others, uint32_t block_id)
{
    size_t from = u->n_tag_changes;
    for (uint32_t k = 0; k < attic->n_keys; k++) {
        size_t key_len, len;
        const char *key = view_key(attic, k, &key_len);
        if (!any_has(others, n_others, key, key_len, NULL, 0) && add_change(u, attic, k, -1, block_id, 0, false))
            return OSM3S_NOMEM;
        for (uint64_t p = column_get(&attic->key_pair, k); p < column_get(&attic->key_pair, k + 1); p++) {
            const char *value = view_value(attic, (uint32_t)p, &len);
            if (!any_has(others, n_others, key, key_len, value, len)
                && add_change(u, attic, k, (ptrdiff_t)p, block_id, 0, false))
                return OSM3S_NOMEM;
        }
    }
    for (; from < u->n_tag_changes; from++)
        u->tag_changes[from].family += ATTIC_FAMILY;
    return OSM3S_OK;
}

int tags_of_delta(osm3s_update *u, const view *base, const view *old_delta, const view *new_delta, uint32_t block_id)
{
    int error = note_missing(u, new_delta, base, old_delta, block_id, false);
    size_t from = u->n_tag_changes;
    if (error == OSM3S_OK)
        error = note_missing(u, old_delta, base, new_delta, block_id, true);
    return error ? error : keep_removed(u, from);
}

int tags_of_base(osm3s_update *u, const view *base, const view *old_delta, const view *v, uint32_t block_id)
{
    for (uint32_t k = 0; k < v->n_keys; k++) {
        size_t len;
        const char *text = view_key(v, k, &len);
        ptrdiff_t was = view_find_key(base, text, len);
        uint64_t count = view_count_key(v, k);
        if ((was < 0 || view_count_key(base, (uint32_t)was) != count) && add_change(u, v, k, -1, block_id, count, false))
            return OSM3S_NOMEM;
        for (uint64_t p = column_get(&v->key_pair, k); p < column_get(&v->key_pair, k + 1); p++) {
            const char *value = view_value(v, (uint32_t)p, &len);
            ptrdiff_t pair = view_find_pair(base, was, value, len);
            count = view_count_pair(v, p);
            if ((pair < 0 || view_count_pair(base, (uint64_t)pair) != count)
                && add_change(u, v, k, (ptrdiff_t)p, block_id, count, false))
                return OSM3S_NOMEM;
        }
    }
    size_t from = u->n_tag_changes;
    int error = note_missing(u, base, v, NULL, block_id, true);
    if (error == OSM3S_OK)
        error = note_missing(u, old_delta, v, base, block_id, true);
    return error ? error : keep_removed(u, from);
}

static int compare_tag_changes(const void *left, const void *right, void *update)
{
    const osm3s_update *u = update;
    const tag_change *l = left, *r = right;
    if (l->family != r->family)
        return l->family < r->family ? -1 : 1;
    int order = compare_texts((const char *)u->tag_text.data + l->entry, l->entry_len,
                              (const char *)u->tag_text.data + r->entry, r->entry_len);
    return order ? order : (l->block_id > r->block_id) - (l->block_id < r->block_id);
}

int sort_tag_changes(osm3s_update *u)
{
    if (u->n_tag_changes)
        qsort_r(u->tag_changes, u->n_tag_changes, sizeof *u->tag_changes, compare_tag_changes, u);
    return OSM3S_OK;
}
