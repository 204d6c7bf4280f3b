/* row.c: what evaluators want to know of rows, column by column: one call per property and many elements. Texts are
 * handed over once each and then go by numbers. Unresolved rows have nothing but id and position. */
#include <math.h>

#include "geom.h"
#include "query.h"

/* The block part of a row; *v is NULL if the row is unresolved. */
static int row_view(osm3s_snapshot *s, const osm3s_row *row, const view **v, uint32_t *slot)
{
    *v = NULL;
    if (row->block == OSM3S_UNRESOLVED)
        return OSM3S_OK;
    *v = snapshot_view(s, row->block, row->slot, slot);
    return *v == NULL ? OSM3S_CORRUPT : OSM3S_OK;
}

/* --- which tag: the pairs of a key, remembered per block --- */

enum { KEY_PLACES = 256 };

typedef struct {
    const char *key;
    size_t len;
    struct { const view *view; uint64_t from, to; } places[KEY_PLACES];
} key_pairs;

/* The pair of an element that has the key, or -1. */
static int64_t pair_of_key(key_pairs *keys, const view *v, uint32_t slot)
{
    size_t place = ((uintptr_t)v >> 6) % KEY_PLACES;
    if (keys->places[place].view != v) {
        ptrdiff_t key = view_find_key(v, keys->key, keys->len);
        keys->places[place].view = v;
        keys->places[place].from = key < 0 ? 1 : column_get(&v->key_pair, (size_t)key);
        keys->places[place].to = key < 0 ? 0 : column_get(&v->key_pair, (size_t)key + 1);
    }
    uint64_t from = keys->places[place].from, to = keys->places[place].to;
    uint32_t i, end;
    if (from >= to)
        return -1;
    for (view_tags(v, slot, &i, &end); i < end; i++) {
        uint64_t pair = column_get(&v->tag, i);
        if (pair >= from)
            return pair < to && pair < v->n_pairs ? (int64_t)pair : -1;
    }
    return -1;
}

/* --- numbers --- */

static int64_t meta_number(const view *v, uint32_t slot, int kind)
{
    osm3s_meta m = view_meta(v, slot);
    return kind == OSM3S_VERSION     ? (int64_t)m.version
           : kind == OSM3S_TIMESTAMP ? (int64_t)m.timestamp
           : kind == OSM3S_CHANGESET ? (int64_t)m.changeset
                                     : (int64_t)m.uid;
}

static int ref_number(const view *v, uint32_t slot, int kind, way_nodes *nodes, members *list, int64_t *out)
{
    int error;
    if (v->family == OSM3S_RELATIONS) {
        error = view_members(v, slot, list);
        *out = (int64_t)list->n;
        return error;
    }
    error = view_way_refs(v, slot, nodes);
    if (error == OSM3S_OK && kind == OSM3S_IS_CLOSED)
        *out = nodes->n > 0 && nodes->items[0].ref == nodes->items[nodes->n - 1].ref;
    else
        *out = (int64_t)nodes->n;
    return error;
}

int osm3s_rows_numbers(osm3s_snapshot *s, const osm3s_row *rows, size_t n, int kind, const osm3s_text *key, int64_t *out)
{
    way_nodes nodes = {0};
    members list = {0};
    key_pairs *keys = NULL;
    int error = OSM3S_OK;
    if (kind == OSM3S_HAS_KEY) {
        keys = calloc(1, sizeof *keys);
        if (keys == NULL)
            return fail(OSM3S_NOMEM, "out of memory: pairs of a key");
        keys->key = key->text;
        keys->len = key->len;
    }
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        const view *v;
        uint32_t slot = 0, from, to;
        out[i] = 0;
        error = row_view(s, &rows[i], &v, &slot);
        if (error || v == NULL)
            continue;
        if (kind == OSM3S_NUMBER_OF_TAGS) {
            view_tags(v, slot, &from, &to);
            out[i] = to - from;
        } else if (kind == OSM3S_HAS_KEY) {
            out[i] = pair_of_key(keys, v, slot) >= 0;
        } else if (kind >= OSM3S_VERSION) {
            out[i] = meta_number(v, slot, kind);
        } else if (v->family >= OSM3S_WAYS) {
            error = ref_number(v, slot, kind, &nodes, &list, &out[i]);
        }
    }
    free(keys);
    free(nodes.items);
    free(list.items);
    return error;
}

int osm3s_ways_lengths(osm3s_snapshot *s, const osm3s_row *rows, size_t n, double *out_m)
{
    way_nodes nodes = {0};
    int error = OSM3S_OK;
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        const view *v;
        uint32_t slot = 0;
        out_m[i] = 0;
        error = row_view(s, &rows[i], &v, &slot);
        if (error == OSM3S_OK && v != NULL && (error = view_way_nodes(v, slot, &nodes)) == OSM3S_OK)
            out_m[i] = length_of_way_m(nodes.items, nodes.n);
    }
    free(nodes.items);
    return error;
}

/* Centre of the bounds of a way, which the block's box tells unless they may cross the antimeridian. */
static int way_center(const view *v, uint32_t slot, way_nodes *nodes, double *lat_lon)
{
    osm3s_bbox box = view_bbox(v, slot);
    int error = OSM3S_OK;
    if (!bbox_is_empty(&box) && (int64_t)box.east - box.west > LON_180) {
        error = view_way_nodes(v, slot, nodes);
        box = bounds_of_way(nodes->items, nodes->n);
    }
    if (error == OSM3S_OK && !bbox_is_empty(&box))
        center_of_bounds(&box, &lat_lon[0], &lat_lon[1]);
    return error;
}

int osm3s_rows_centers(osm3s_snapshot *s, const osm3s_row *rows, size_t n, int type, double *lat_lon)
{
    way_nodes nodes = {0};
    int error = OSM3S_OK;
    for (size_t i = 0; i < n && error == OSM3S_OK; i++, lat_lon += 2) {
        const view *v;
        uint32_t slot = 0;
        lat_lon[0] = lat_lon[1] = NAN;
        if (type == OSM3S_NODE) {
            if (rows[i].lat != OSM3S_NO_COORD) {
                lat_lon[0] = degrees_of_lat(rows[i].lat);
                lat_lon[1] = degrees_of_lon(rows[i].lon);
            }
            continue;
        }
        error = row_view(s, &rows[i], &v, &slot);
        if (error == OSM3S_OK && v != NULL)
            error = way_center(v, slot, &nodes, lat_lon);
    }
    free(nodes.items);
    return error;
}

/* --- lists --- */

/* The public part is first. Texts lie in mapped blocks, so equal places mean equal texts. */
typedef struct {
    osm3s_lists lists;
    size_t cap_start, cap_ref, cap_lat_lon, cap_type, cap_text, cap_value, cap_text_start, cap_bytes, n_bytes;
    const char **places;   /* hash table: where a text lies, and its number */
    uint32_t *numbers;
    size_t mask;
} list_builder;

osm3s_lists *osm3s_lists_new(void)
{
    list_builder *b = calloc(1, sizeof *b);
    return b == NULL ? NULL : &b->lists;
}

void osm3s_lists_free(osm3s_lists *lists)
{
    list_builder *b = (list_builder *)lists;
    if (b == NULL)
        return;
    free(lists->start);
    free(lists->ref);
    free(lists->lat_lon);
    free(lists->type);
    free(lists->text);
    free(lists->value);
    free(lists->text_start);
    free(lists->bytes);
    free(b->places);
    free(b->numbers);
    free(b);
}

static size_t place_of(const char **places, size_t mask, const char *text)
{
    size_t i = (size_t)((uintptr_t)text * 0x9e3779b97f4a7c15ull >> 32) & mask;
    while (places[i] != NULL && places[i] != text)
        i = (i + 1) & mask;
    return i;
}

static int enlarge_table(list_builder *b)
{
    size_t mask = b->places ? b->mask * 2 + 1 : 1023;
    const char **places = calloc(mask + 1, sizeof *places);
    uint32_t *numbers = malloc((mask + 1) * sizeof *numbers);
    if (places == NULL || numbers == NULL) {
        free(places);
        free(numbers);
        return fail(OSM3S_NOMEM, "out of memory: table of %zu texts", mask + 1);
    }
    for (size_t i = 0; b->places != NULL && i <= b->mask; i++)
        if (b->places[i] != NULL) {
            size_t place = place_of(places, mask, b->places[i]);
            places[place] = b->places[i];
            numbers[place] = b->numbers[i];
        }
    free(b->places);
    free(b->numbers);
    b->places = places;
    b->numbers = numbers;
    b->mask = mask;
    return OSM3S_OK;
}

static int put_text(list_builder *b, const char *text, size_t len)
{
    osm3s_lists *l = &b->lists;
    if (grow(&l->bytes, &b->cap_bytes, b->n_bytes + len + 1, 1)
        || grow(&l->text_start, &b->cap_text_start, l->n_texts + 2, sizeof *l->text_start))
        return OSM3S_NOMEM;
    if (b->n_bytes + len > UINT32_MAX)
        return fail(OSM3S_LIMIT, "the texts of one step are longer than 4 GB");
    memcpy(l->bytes + b->n_bytes, text, len);
    l->text_start[l->n_texts++] = (uint32_t)b->n_bytes;
    b->n_bytes += len;
    l->text_start[l->n_texts] = (uint32_t)b->n_bytes;
    return OSM3S_OK;
}

static int number_of_text(list_builder *b, const char *text, size_t len, uint32_t *number)
{
    if (len == 0) {
        *number = 0;
        return OSM3S_OK;
    }
    if ((b->places == NULL || b->lists.n_texts * 2 > b->mask) && enlarge_table(b))
        return OSM3S_NOMEM;
    size_t place = place_of(b->places, b->mask, text);
    if (b->places[place] == NULL) {
        b->places[place] = text;
        b->numbers[place] = (uint32_t)b->lists.n_texts;
        int error = put_text(b, text, len);
        if (error)
            return error;
    }
    *number = b->numbers[place];
    return OSM3S_OK;
}

/* Begin anew, for n rows; text 0 is "". */
static int start_lists(list_builder *b, size_t n)
{
    osm3s_lists *l = &b->lists;
    l->n_items = l->n_texts = b->n_bytes = 0;
    if (b->places != NULL)
        memset(b->places, 0, (b->mask + 1) * sizeof *b->places);
    if (grow(&l->start, &b->cap_start, n + 1, sizeof *l->start))
        return OSM3S_NOMEM;
    l->start[0] = 0;
    return put_text(b, "", 0);
}

static int end_row(list_builder *b, size_t row)
{
    if (b->lists.n_items > UINT32_MAX)
        return fail(OSM3S_LIMIT, "the lists of one step have more than 2^32 items");
    b->lists.start[row + 1] = (uint32_t)b->lists.n_items;
    return OSM3S_OK;
}

int osm3s_rows_values(osm3s_snapshot *s, const osm3s_row *rows, size_t n, const osm3s_text *key, osm3s_lists *lists)
{
    list_builder *b = (list_builder *)lists;
    key_pairs *keys = calloc(1, sizeof *keys);
    int error = keys == NULL ? fail(OSM3S_NOMEM, "out of memory: pairs of a key") : start_lists(b, n);
    if (error == OSM3S_OK)
        error = grow(&lists->text, &b->cap_text, n, sizeof *lists->text);
    if (error == OSM3S_OK) {
        keys->key = key->text;
        keys->len = key->len;
    }
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        const view *v;
        uint32_t slot = 0;
        error = row_view(s, &rows[i], &v, &slot);
        int64_t pair = error || v == NULL ? -1 : pair_of_key(keys, v, slot);
        lists->text[i] = 0;
        if (pair >= 0) {
            size_t len;
            const char *value = view_value(v, (uint32_t)pair, &len);
            error = number_of_text(b, value, len, &lists->text[i]);
        }
        lists->n_items = i + 1;
        if (error == OSM3S_OK)
            error = end_row(b, i);
    }
    free(keys);
    return error;
}

static int put_tag(list_builder *b, const view *v, uint64_t pair)
{
    osm3s_lists *l = &b->lists;
    size_t at = l->n_items, key_len, value_len;
    if (pair >= v->n_pairs)
        return fail(OSM3S_CORRUPT, "an element has tag %llu of %u", (unsigned long long)pair, v->n_pairs);
    if (grow(&l->text, &b->cap_text, at + 1, sizeof *l->text)
        || grow(&l->value, &b->cap_value, at + 1, sizeof *l->value))
        return OSM3S_NOMEM;
    const char *key = view_key(v, view_key_of_pair(v, (uint32_t)pair), &key_len);
    const char *value = view_value(v, (uint32_t)pair, &value_len);
    int error = number_of_text(b, key, key_len, &l->text[at]);
    l->n_items++;
    return error ? error : number_of_text(b, value, value_len, &l->value[at]);
}

int osm3s_rows_tags(osm3s_snapshot *s, const osm3s_row *rows, size_t n, osm3s_lists *lists)
{
    list_builder *b = (list_builder *)lists;
    int error = start_lists(b, n);
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        const view *v;
        uint32_t slot = 0, from = 0, to = 0;
        error = row_view(s, &rows[i], &v, &slot);
        if (error == OSM3S_OK && v != NULL)
            view_tags(v, slot, &from, &to);
        for (; from < to && error == OSM3S_OK; from++)
            error = put_tag(b, v, column_get(&v->tag, from));
        if (error == OSM3S_OK)
            error = end_row(b, i);
    }
    return error;
}

int osm3s_ways_nodes(osm3s_snapshot *s, const osm3s_row *rows, size_t n, osm3s_lists *lists)
{
    list_builder *b = (list_builder *)lists;
    way_nodes nodes = {0};
    int error = start_lists(b, n);
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        const view *v;
        uint32_t slot = 0;
        error = row_view(s, &rows[i], &v, &slot);
        nodes.n = 0;
        if (error == OSM3S_OK && v != NULL)
            error = view_way_nodes(v, slot, &nodes);
        size_t at = lists->n_items;
        if (error || grow(&lists->ref, &b->cap_ref, at + nodes.n, sizeof *lists->ref)
            || grow(&lists->lat_lon, &b->cap_lat_lon, 2 * (at + nodes.n), sizeof *lists->lat_lon)) {
            error = error ? error : OSM3S_NOMEM;
            break;
        }
        for (size_t k = 0; k < nodes.n; k++, at++) {
            bool known = nodes.items[k].lat != OSM3S_NO_COORD;
            lists->ref[at] = nodes.items[k].ref;
            lists->lat_lon[2 * at] = known ? degrees_of_lat(nodes.items[k].lat) : NAN;
            lists->lat_lon[2 * at + 1] = known ? degrees_of_lon(nodes.items[k].lon) : NAN;
        }
        lists->n_items = at;
        error = end_row(b, i);
    }
    free(nodes.items);
    return error;
}

int osm3s_relations_members(osm3s_snapshot *s, const osm3s_row *rows, size_t n, osm3s_lists *lists)
{
    list_builder *b = (list_builder *)lists;
    members list = {0};
    int error = start_lists(b, n);
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        const view *v;
        uint32_t slot = 0;
        error = row_view(s, &rows[i], &v, &slot);
        list.n = 0;
        if (error == OSM3S_OK && v != NULL)
            error = view_members(v, slot, &list);
        size_t at = lists->n_items, end = at + list.n;
        if (error || grow(&lists->ref, &b->cap_ref, end, sizeof *lists->ref)
            || grow(&lists->type, &b->cap_type, end, sizeof *lists->type)
            || grow(&lists->text, &b->cap_text, end, sizeof *lists->text)) {
            error = error ? error : OSM3S_NOMEM;
            break;
        }
        for (size_t k = 0; k < list.n && error == OSM3S_OK; k++, at++) {
            size_t len;
            const char *role = view_role(v, list.items[k].role, &len);
            lists->ref[at] = list.items[k].ref;
            lists->type[at] = list.items[k].type;
            error = number_of_text(b, role, len, &lists->text[at]);
        }
        lists->n_items = end;
        if (error == OSM3S_OK)
            error = end_row(b, i);
    }
    free(list.items);
    return error;
}

int osm3s_rows_keep(const osm3s_row *rows, size_t n, const char *keep, osm3s_rows *out)
{
    for (size_t i = 0; i < n; i++)
        if (keep[i] && rows_push(out, rows[i]))
            return OSM3S_NOMEM;
    return OSM3S_OK;
}

int osm3s_rows_pick(const osm3s_row *rows, const uint32_t *indexes, size_t n, osm3s_rows *out)
{
    for (size_t i = 0; i < n; i++)
        if (rows_push(out, rows[indexes[i]]))
            return OSM3S_NOMEM;
    return OSM3S_OK;
}
