/* check_part.c: does everything in one block part fit together? */
#include "check.h"

/* A column of n + 1 starts must ascend from its first entry to at most `end`. */
static bool ascends(const column *starts, uint64_t end)
{
    for (uint32_t i = 0; i + 1 < starts->n; i++)
        if (column_get(starts, i) > column_get(starts, i + 1))
            return false;
    return starts->n == 0 || column_get(starts, starts->n - 1) <= end;
}

static int check_dictionary(const view *v)
{
    if (!ascends(&v->key_start, v->strings_len) || !ascends(&v->value_start, v->strings_len)
        || !ascends(&v->key_pair, v->n_pairs) || !ascends(&v->posting_start, v->posting.n)
        || !ascends(&v->tag_start, v->tag.n) || !ascends(&v->role_start, v->strings_len))
        return fail(OSM3S_CORRUPT, "offsets in the dictionary do not ascend");
    if (v->family == OSM3S_NODES)
        return OSM3S_OK;
    if (column_get(&v->key_pair, 0) != 0 || column_get(&v->key_pair, v->n_keys) != v->n_pairs
        || column_get(&v->posting_start, 0) != 0 || column_get(&v->tag_start, 0) != 0
        || column_get(&v->tag_start, v->n) != v->tag.n)
        return fail(OSM3S_CORRUPT, "the dictionary does not cover its lists");
    for (uint32_t k = 0; k < v->n_keys; k++) {
        size_t len, next_len;
        const char *text = view_key(v, k, &len);
        const char *next = k + 1 < v->n_keys ? view_key(v, k + 1, &next_len) : NULL;
        if (next && compare_texts(text, len, next, next_len) >= 0)
            return fail(OSM3S_CORRUPT, "keys of the dictionary are not in order");
        uint64_t from = column_get(&v->key_pair, k), to = column_get(&v->key_pair, (size_t)k + 1);
        if (from == to)
            return fail(OSM3S_CORRUPT, "a key without values in the dictionary");
        for (; from + 1 < to; from++) {
            text = view_value(v, (uint32_t)from, &len);
            next = view_value(v, (uint32_t)from + 1, &next_len);
            if (compare_texts(text, len, next, next_len) >= 0)
                return fail(OSM3S_CORRUPT, "values of the dictionary are not in order");
        }
    }
    return OSM3S_OK;
}

static uint64_t mixed(uint64_t pair, uint64_t slot)
{
    uint64_t x = (pair << 32 | slot) * 0x9e3779b97f4a7c15u;
    return (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
}

/* The postings and the tags of the elements must be the same relation, seen from both sides. */
static int check_postings(const view *v)
{
    uint64_t sum = 0;
    for (uint32_t p = 0; p < v->n_pairs; p++) {
        uint64_t from = column_get(&v->posting_start, p), to = column_get(&v->posting_start, (size_t)p + 1), last = 0;
        if (from == to)
            return fail(OSM3S_CORRUPT, "a tag of the dictionary that no element has");
        for (; from < to; from++) {
            uint64_t slot = column_get(&v->posting, from);
            if (slot >= v->n || slot < last)
                return fail(OSM3S_CORRUPT, "the list of the elements with a tag is damaged");
            sum += mixed(p, slot);
            last = slot;
        }
    }
    for (uint32_t slot = 0; slot < v->n; slot++) {
        uint32_t from, to;
        view_tags(v, slot, &from, &to);
        for (uint64_t last = 0; from < to; from++) {
            uint64_t p = column_get(&v->tag, from);
            if (p >= v->n_pairs || p < last)
                return fail(OSM3S_CORRUPT, "the list of an element's tags is damaged");
            sum -= mixed(p, slot);
            last = p;
        }
    }
    return sum ? fail(OSM3S_CORRUPT, "elements and dictionary disagree about tags") : OSM3S_OK;
}

static int check_meta(const view *v)
{
    for (uint32_t slot = 0; v->has_meta && slot < v->n; slot++)
        if (column_get(&v->meta_index, slot) >= v->timestamp.n)
            return fail(OSM3S_CORRUPT, "an element's metadata is not in the meta frame");
    return OSM3S_OK;
}

/* Ids ascend; in an attic there are several versions of one, in the order of time. */
static bool follows(const view *v, uint32_t slot)
{
    uint64_t before = column_get(&v->id, slot - 1), id = column_get(&v->id, slot);
    return before < id || (v->until.n && before == id && view_since(v, slot - 1) <= view_since(v, slot));
}

int check_part(const view *v, way_nodes *nodes, members *list)
{
    int error = check_dictionary(v);
    if (error == OSM3S_OK)
        error = check_postings(v);
    if (error == OSM3S_OK)
        error = check_meta(v);
    if (error == OSM3S_OK && v->family >= OSM3S_WAYS
        && (!ascends(&v->body_start, v->body_len) || column_get(&v->body_start, v->n) != v->records_len))
        error = fail(OSM3S_CORRUPT, "the records do not fill the body");
    for (uint32_t slot = 0; slot < v->n && error == OSM3S_OK; slot++) {
        if (slot && !follows(v, slot))
            return fail(OSM3S_CORRUPT, "ids are not ascending");
        if (view_since(v, slot) > view_until(v, slot))
            return fail(OSM3S_CORRUPT, "an element ends before it begins");
        if (v->family == OSM3S_WAYS)
            error = view_way_nodes(v, slot, nodes);
        else if (v->family == OSM3S_RELATIONS)
            error = view_members(v, slot, list);
        for (size_t m = 0; v->family == OSM3S_RELATIONS && m < list->n && error == OSM3S_OK; m++)
            if (list->items[m].role >= v->n_roles || list->items[m].type > OSM3S_RELATION)
                error = fail(OSM3S_CORRUPT, "a relation has a member of unknown type or role");
    }
    return error;
}

int osm3s_block_check(const uint8_t *block, size_t head_len, size_t body_len, const uint8_t *meta, size_t meta_len)
{
    view v;
    way_nodes nodes = {0};
    members list = {0};
    int error = view_open(&v, block, head_len, body_len);
    if (error == OSM3S_OK && meta_len)
        error = view_attach_meta(&v, meta, meta_len);
    if (error)
        return error;
    error = check_part(&v, &nodes, &list);
    volatile uint64_t sum = 0; /* what queries read, whether or not the block is sound */
    for (uint32_t k = 0; k < v.n_keys; k++)
        sum += view_count_key(&v, k);
    for (uint32_t p = 0; p < v.n_pairs; p++) {
        size_t len;
        view_value(&v, p, &len);
        view_key(&v, view_key_of_pair(&v, p), &len);
        sum += view_count_pair(&v, p);
    }
    for (uint32_t slot = 0; slot < v.n; slot++) {
        sum += view_meta(&v, slot).version + (uint64_t)view_find(&v, column_get(&v.id, slot));
        sum += (uint64_t)view_bbox(&v, slot).south;
        if (v.family == OSM3S_WAYS)
            view_way_nodes(&v, slot, &nodes);
        if (v.family == OSM3S_RELATIONS && view_members(&v, slot, &list) == OSM3S_OK)
            for (size_t m = 0; m < list.n; m++) {
                size_t len;
                view_role(&v, list.items[m].role, &len);
                sum += len;
            }
    }
    free(nodes.items);
    free(list.items);
    return error;
}
