/* query.c: the elements of some blocks, or of a set, that satisfy a predicate.
 *
 * A block part (base or delta) is one bitmap: all elements that live, then one AND per tag filter. What is left is
 * tested one by one, the cheap tests first; geometry is decoded only where the boxes do not decide. */
#include "geom.h"
#include "query.h"

typedef struct {
    osm3s_snapshot *snapshot;
    osm3s_context *context;
    const osm3s_predicate *predicate;
    uint64_t *bits, *spare;
    size_t cap_bits, cap_spare;
    way_nodes nodes;
    osm3s_rows *out; /* NULL: only count */
    uint64_t count;
} query;

static void query_free(query *q)
{
    free(q->bits);
    free(q->spare);
    free(q->nodes.items);
}

/* --- one element --- */

static bool is_spatial(const osm3s_predicate *p)
{
    return p->n_boxes + p->n_polys + p->n_arounds + p->n_areas > 0;
}

static bool needs_meta(const osm3s_predicate *p)
{
    return p->newer_than || p->n_uids;
}

static bool meta_passes(const query *q, const view *v, uint32_t slot)
{
    const osm3s_predicate *p = q->predicate;
    if (!needs_meta(p))
        return true;
    osm3s_meta m = view_meta(v, slot);
    if (p->newer_than && m.timestamp < p->newer_than)
        return false;
    bool known = p->n_uids == 0;
    for (size_t i = 0; i < p->n_uids && !known; i++)
        known = p->uids[i] == m.uid;
    return known;
}

static bool ids_pass(const query *q, uint64_t id)
{
    for (size_t i = 0; i < q->predicate->n_within; i++)
        if (rows_find(q->predicate->within[i], id) < 0)
            return false;
    return true;
}

static bool node_passes(const query *q, int32_t lat, int32_t lon)
{
    const osm3s_predicate *p = q->predicate;
    if (lat == OSM3S_NO_COORD)
        return !is_spatial(p);
    for (size_t i = 0; i < p->n_boxes; i++)
        if (!bbox_contains(&p->boxes[i], lat, lon))
            return false;
    for (size_t i = 0; i < p->n_polys; i++)
        if (poly_locate(p->polys[i], lat, lon) == POLY_OUTSIDE)
            return false;
    for (size_t i = 0; i < p->n_arounds; i++)
        if (!around_contains(p->arounds[i], lat, lon))
            return false;
    for (size_t i = 0; i < p->n_areas; i++)
        if (!area_index_contain(p->areas[i], lat, lon, !p->members_only))
            return false;
    return true;
}

/* Is the way of a slot closed? 1, 0, or an error. */
static int is_closed(query *q, const view *v, uint32_t slot)
{
    int error = view_way_refs(v, slot, &q->nodes);
    return error ? error : q->nodes.n > 0 && q->nodes.items[0].ref == q->nodes.items[q->nodes.n - 1].ref;
}

/* 1, 0, or an error. */
static int way_passes(query *q, const view *v, uint32_t slot)
{
    const osm3s_predicate *p = q->predicate;
    osm3s_bbox box = view_bbox(v, slot);
    if (bbox_is_empty(&box))
        return !is_spatial(p);
    bool crosses_antimeridian = (int64_t)box.east - box.west > LON_180;
    if (crosses_antimeridian) { /* the box does not tell where its segments are */
        box.west = -LON_180;
        box.east = LON_180;
    }
    bool decided = !crosses_antimeridian && p->n_polys + p->n_arounds == 0;
    for (size_t i = 0; i < p->n_areas; i++) {
        int where = crosses_antimeridian ? POLY_BORDER : area_index_classify(p->areas[i], &box);
        if (where == POLY_OUTSIDE)
            return 0;
        decided = decided && where == POLY_INSIDE;
    }
    for (size_t i = 0; i < p->n_boxes; i++) {
        if (!bbox_meets(&p->boxes[i], &box))
            return 0;
        decided = decided && bbox_covers(&p->boxes[i], &box);
    }
    for (size_t i = 0; i < p->n_polys; i++)
        if (!crosses_antimeridian && poly_classify(p->polys[i], &box) == POLY_OUTSIDE)
            return 0;
    for (size_t i = 0; i < p->n_arounds; i++)
        if (!around_may_meet(p->arounds[i], &box))
            return 0;
    if (decided)
        return 1;
    int error = view_way_nodes(v, slot, &q->nodes);
    if (error)
        return error;
    for (size_t i = 0; i < p->n_boxes; i++)
        if (!way_meets_bbox(q->nodes.items, q->nodes.n, &p->boxes[i]))
            return 0;
    for (size_t i = 0; i < p->n_polys; i++)
        if (!poly_meets_way(p->polys[i], q->nodes.items, q->nodes.n, !p->members_only))
            return 0;
    for (size_t i = 0; i < p->n_arounds; i++)
        if (!around_meets_way(p->arounds[i], q->nodes.items, q->nodes.n))
            return 0;
    for (size_t i = 0; i < p->n_areas; i++) {
        int meets = area_index_meet_way(p->areas[i], q->nodes.items, q->nodes.n);
        if (meets <= 0)
            return meets;
    }
    return 1;
}

/* Relations are only compared by their boxes here: whether a member really matches is decided by the caller. */
static bool relation_may_pass(const query *q, const view *v, uint32_t slot)
{
    const osm3s_predicate *p = q->predicate;
    if (!is_spatial(p))
        return true;
    osm3s_bbox box = view_bbox(v, slot);
    if (bbox_is_empty(&box))
        return false;
    if ((int64_t)box.east - box.west > LON_180) {
        box.west = -LON_180;
        box.east = LON_180;
    }
    for (size_t i = 0; i < p->n_boxes; i++)
        if (!bbox_meets(&p->boxes[i], &box))
            return false;
    for (size_t i = 0; i < p->n_polys; i++)
        if (poly_classify(p->polys[i], &box) == POLY_OUTSIDE)
            return false;
    for (size_t i = 0; i < p->n_areas; i++)
        if (area_index_classify(p->areas[i], &box) == POLY_OUTSIDE)
            return false;
    for (size_t i = 0; i < p->n_arounds; i++)
        if (!around_may_meet(p->arounds[i], &box))
            return false;
    return true;
}

/* Test an element and put it into the result. `inside`: its whole block satisfies the spatial filters. */
static int test_element(query *q, const view *v, uint32_t local, uint32_t block, uint32_t slot, bool inside)
{
    uint64_t id = column_get(&v->id, local);
    osm3s_row row = {id, block, slot, 0, 0};
    if (v->family <= OSM3S_TAGGED_NODES) {
        row.lat = (int32_t)column_get(&v->lat, local);
        row.lon = (int32_t)column_get(&v->lon, local);
        if (!inside && !node_passes(q, row.lat, row.lon))
            return OSM3S_OK;
    } else if (!inside) {
        int passes = v->family == OSM3S_WAYS ? way_passes(q, v, local) : relation_may_pass(q, v, local);
        if (passes <= 0)
            return passes;
    }
    if (!meta_passes(q, v, local) || !ids_pass(q, id))
        return OSM3S_OK;
    if (q->predicate->closed_only && v->family == OSM3S_WAYS) {
        int closed = is_closed(q, v, local);
        if (closed <= 0)
            return closed;
    }
    q->count++;
    return q->out ? rows_push(q->out, row) : OSM3S_OK;
}

/* --- a block --- */

/* Does everything with a place in this box satisfy the spatial filters (1), nothing (0), or is that open (-1)? */
static int classify_box(const query *q, const osm3s_bbox *box)
{
    const osm3s_predicate *p = q->predicate;
    if (!is_spatial(p))
        return 1;
    if (bbox_is_empty(box))
        return 0;
    int all = p->n_arounds == 0 ? 1 : -1;
    bool wide = (int64_t)box->east - box->west > LON_180;
    for (size_t i = 0; i < p->n_boxes; i++) {
        if (!wide && !bbox_meets(&p->boxes[i], box))
            return 0;
        if (!bbox_covers(&p->boxes[i], box))
            all = -1;
    }
    for (size_t i = 0; i < p->n_polys; i++) {
        int where = wide ? POLY_BORDER : poly_classify(p->polys[i], box);
        if (where == POLY_OUTSIDE)
            return 0;
        if (where != POLY_INSIDE)
            all = -1;
    }
    for (size_t i = 0; i < p->n_areas; i++) {
        int where = wide ? POLY_BORDER : area_index_classify(p->areas[i], box);
        if (where == POLY_OUTSIDE)
            return 0;
        if (where != POLY_INSIDE)
            all = -1;
    }
    return wide ? -1 : all;
}

/* Clear the bits of the elements that were not valid at a time. */
static void keep_valid(query *q, const view *v, uint32_t time)
{
    for (size_t w = 0; w < ((size_t)v->n + 63) / 64; w++)
        for (uint64_t rest = q->bits[w]; rest; rest &= rest - 1) {
            uint32_t slot = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(rest);
            if (!view_valid_at(v, slot, time))
                q->bits[w] &= ~(1ull << slot % 64);
        }
}

static int part_bits(query *q, const view *v, const uint64_t *dead)
{
    size_t words = ((size_t)v->n + 63) / 64;
    if (grow(&q->bits, &q->cap_bits, words + 1, sizeof *q->bits)
        || grow(&q->spare, &q->cap_spare, words + 1, sizeof *q->spare))
        return OSM3S_NOMEM;
    for (size_t w = 0; w < words; w++)
        q->bits[w] = dead ? ~dead[w] : UINT64_MAX;
    if (v->n % 64)
        q->bits[words - 1] &= (1ull << v->n % 64) - 1;
    for (size_t f = 0; f < q->predicate->n_tags; f++) {
        int error = tag_filter_apply(v, &q->predicate->tags[f], q->bits, q->spare);
        if (error)
            return error;
    }
    return OSM3S_OK;
}

/* Nodes of which only the position matters: straight over the columns. */
static int place_nodes(query *q, const view *v, const uint64_t *dead, uint32_t block, uint32_t slot_offset, bool inside)
{
    const osm3s_predicate *p = q->predicate;
    bool one_box = p->n_boxes == 1 && p->n_polys + p->n_arounds + p->n_areas == 0 && p->boxes[0].west <= p->boxes[0].east;
    osm3s_rows *out = q->out;
    size_t found = out->n;
    if (grow(&out->rows, &out->cap, found + v->n, sizeof *out->rows))
        return OSM3S_NOMEM;
    for (uint32_t slot = 0; slot < v->n; slot++) {
        int32_t lat = (int32_t)column_get(&v->lat, slot), lon = (int32_t)column_get(&v->lon, slot);
        if (!inside) {
            bool passes = one_box ? lat >= p->boxes[0].south && lat <= p->boxes[0].north && lon >= p->boxes[0].west
                                        && lon <= p->boxes[0].east && lat != OSM3S_NO_COORD
                                  : node_passes(q, lat, lon);
            if (!passes)
                continue;
        }
        if (dead && dead[slot / 64] >> slot % 64 & 1)
            continue;
        out->rows[found++] = (osm3s_row){column_get(&v->id, slot), block, slot + slot_offset, lat, lon};
    }
    q->count += found - out->n;
    out->n = found;
    return OSM3S_OK;
}

/* `time`: only elements that were valid then; 0: all that are not dead. */
static int query_part(query *q, const view *v, const uint64_t *dead, uint32_t block, uint32_t slot_offset, bool inside,
                      uint32_t time)
{
    const osm3s_predicate *p = q->predicate;
    bool nothing_else = !needs_meta(p) && p->n_within == 0 && !p->closed_only;
    if (q->out && nothing_else && time == 0 && p->n_tags == 0 && v->family <= OSM3S_TAGGED_NODES)
        return place_nodes(q, v, dead, block, slot_offset, inside);
    int error = part_bits(q, v, dead);
    if (error)
        return error;
    if (time)
        keep_valid(q, v, time);
    size_t words = ((size_t)v->n + 63) / 64;
    /* an element without any position is in no place, even if its block's box is inside */
    if (q->out == NULL && inside && nothing_else && !is_spatial(p)) {
        for (size_t w = 0; w < words; w++)
            q->count += (uint64_t)__builtin_popcountll(q->bits[w]);
        return OSM3S_OK;
    }
    for (size_t w = 0; w < words; w++) {
        for (uint64_t rest = q->bits[w]; rest; rest &= rest - 1) {
            uint32_t slot = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(rest);
            if ((error = test_element(q, v, slot, block, slot + slot_offset, inside)))
                return error;
        }
        if (w % 16 == 15 && (error = context_check(q->context)))
            return error;
    }
    return OSM3S_OK;
}

/* The superseded versions of a block, as far as they are attached. */
static int query_attic(query *q, uint32_t block, bool inside, uint32_t time)
{
    uint32_t first_slot = 0;
    const view *v;
    int error = OSM3S_OK;
    for (uint32_t part = 0; error == OSM3S_OK && (v = snapshot_attic(q->snapshot, block, part, &first_slot)); part++)
        if (v->n)
            error = query_part(q, v, NULL, block, first_slot, inside, time);
    return error;
}

/* Every element of the block has a position: then a block inside needs no tests. */
static bool all_placed(const view *v)
{
    return v->family <= OSM3S_TAGGED_NODES ? (int32_t)v->lat.base != OSM3S_NO_COORD : false;
}

/* Room for all nodes of the blocks, of which most will be found: growing a large array step by step copies it. */
static int reserve(osm3s_snapshot *s, const uint32_t *blocks, size_t n, osm3s_rows *out)
{
    size_t total = out->n;
    for (size_t i = 0; i < n; i++) {
        const osm3s_dir_entry *e = osm3s_snapshot_entry(s, blocks[i]);
        if (e && e->n <= 65535 && e->n_delta <= 65535) /* else the block will be refused */
            total += (size_t)e->n + e->n_delta;
    }
    return grow(&out->rows, &out->cap, total, sizeof *out->rows);
}

int osm3s_query_blocks(osm3s_snapshot *s, osm3s_context *c, const uint32_t *blocks, size_t n, const osm3s_predicate *p,
                       osm3s_rows *out, uint64_t *count)
{
    query q = {.snapshot = s, .context = c, .predicate = p, .out = out};
    bool spatial = is_spatial(p);
    int error = OSM3S_OK;
    snapshot_will_need(s, blocks, n);
    if (out && p->n_tags == 0 && p->n_within == 0)
        error = reserve(s, blocks, n, out);
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        const osm3s_dir_entry *e = osm3s_snapshot_entry(s, blocks[i]);
        int where = e ? classify_box(&q, &e->bbox) : 1;
        if (where == 0)
            continue;
        uint32_t time = snapshot_is_current(s, blocks[i]) ? 0 : snapshot_time(s);
        const view *base = snapshot_base(s, blocks[i]), *delta = snapshot_delta(s, blocks[i]);
        if (base == NULL)
            error = OSM3S_CORRUPT;
        else if (time || (base->family == OSM3S_WAYS && (where < 0 || p->closed_only)))
            error = snapshot_check_body(s, blocks[i]);
        if (error == OSM3S_OK)
            error = query_part(&q, base, snapshot_dead(s, blocks[i]), blocks[i], 0,
                               where == 1 && (!spatial || all_placed(base)), time);
        if (error == OSM3S_OK && delta->n)
            error = query_part(&q, delta, NULL, blocks[i], base->n, where == 1 && (!spatial || all_placed(delta)), time);
        if (error == OSM3S_OK && time)
            error = query_attic(&q, blocks[i], where == 1 && !spatial, time);
        if (error == OSM3S_OK)
            error = context_check(c);
    }
    if (error == OSM3S_OK && out)
        error = rows_sort(out);
    *count = q.count;
    query_free(&q);
    return error;
}

static int compare_places(const void *left, const void *right)
{
    const osm3s_row *l = left, *r = right;
    if (l->block != r->block)
        return l->block < r->block ? -1 : 1;
    return (l->slot > r->slot) - (l->slot < r->slot);
}

int osm3s_query_rows(osm3s_snapshot *s, osm3s_context *c, const osm3s_rows *in, const osm3s_predicate *p, osm3s_rows *out)
{
    query q = {.snapshot = s, .context = c, .predicate = p, .out = out};
    osm3s_rows sorted = {0};
    bool untagged_passes = true;
    for (size_t f = 0; f < p->n_tags; f++)
        untagged_passes = untagged_passes && p->tags[f].negate;
    int error = osm3s_rows_copy(in, &sorted);
    if (error == OSM3S_OK && sorted.n)
        qsort(sorted.rows, sorted.n, sizeof *sorted.rows, compare_places);
    const view *tested = NULL; /* the part whose tag bits are in q.bits */
    bool body = is_spatial(p) || p->closed_only;
    for (size_t i = 0; i < sorted.n && error == OSM3S_OK; i++) {
        const osm3s_row *row = &sorted.rows[i];
        if (row->block == OSM3S_UNRESOLVED) { /* a node without tags, or whose tags are not in question */
            if (untagged_passes && !needs_meta(p) && node_passes(&q, row->lat, row->lon) && ids_pass(&q, row->id))
                error = rows_push(out, *row);
            continue;
        }
        uint32_t local;
        const view *v = (body ? snapshot_view : snapshot_head)(s, row->block, row->slot, &local);
        if (v == NULL) {
            error = OSM3S_CORRUPT;
            continue;
        }
        if (p->n_tags && v != tested) {
            error = part_bits(&q, v, NULL);
            tested = v;
        }
        if (error == OSM3S_OK && (p->n_tags == 0 || q.bits[local / 64] >> local % 64 & 1))
            error = test_element(&q, v, local, row->block, row->slot, false);
        if (error == OSM3S_OK && i % 256 == 0)
            error = context_check(c);
    }
    if (error == OSM3S_OK)
        error = rows_sort(out);
    free(sorted.rows);
    query_free(&q);
    return error;
}

int osm3s_relations_inside(osm3s_snapshot *s, osm3s_context *c, const osm3s_rows *relations, const osm3s_predicate *p,
                           osm3s_rows *inside, osm3s_rows *uncertain)
{
    query q = {.snapshot = s, .context = c, .predicate = p};
    for (size_t i = 0; i < relations->n; i++) {
        const osm3s_row *row = &relations->rows[i];
        uint32_t local;
        const view *v = snapshot_view(s, row->block, row->slot, &local);
        if (v == NULL)
            return OSM3S_CORRUPT;
        bool superseded = snapshot_is_superseded(s, row);
        osm3s_bbox box = view_bbox(v, local);
        int where = superseded ? -1 : classify_box(&q, &box);
        if (where && rows_push(where > 0 ? inside : uncertain, *row))
            return OSM3S_NOMEM;
        if (i % 256 == 255 && context_check(c))
            return context_check(c);
    }
    return OSM3S_OK;
}

int osm3s_around_add_rows(osm3s_snapshot *s, struct around *a, const osm3s_rows *rows, int type)
{
    way_nodes nodes = {0};
    int error = OSM3S_OK;
    for (size_t i = 0; i < rows->n && error == OSM3S_OK; i++) {
        const osm3s_row *row = &rows->rows[i];
        uint32_t local;
        if (type == OSM3S_NODE) {
            if (row->lat != OSM3S_NO_COORD)
                error = around_add_point(a, degrees_of_lat(row->lat), degrees_of_lon(row->lon));
            continue;
        }
        const view *v = snapshot_view(s, row->block, row->slot, &local);
        error = v ? view_way_nodes(v, local, &nodes) : OSM3S_CORRUPT;
        if (error == OSM3S_OK)
            error = around_add_way(a, nodes.items, nodes.n);
    }
    free(nodes.items);
    return error;
}

/* --- which blocks --- */

int osm3s_select_blocks(osm3s_snapshot *s, int family, const osm3s_bbox *boxes, size_t n_boxes, uint32_t *out, size_t *n)
{
    uint32_t first = osm3s_snapshot_first_block(s, family), end = first + osm3s_snapshot_n_blocks(s, family);
    *n = 0;
    for (uint32_t b = first; b < end; b++) {
        const osm3s_bbox *box = &osm3s_snapshot_entry(s, b)->bbox;
        bool wide = (int64_t)box->east - box->west > LON_180, wanted = n_boxes == 0;
        for (size_t i = 0; i < n_boxes && !wanted; i++)
            wanted = !bbox_is_empty(box) && (wide ? box->south <= boxes[i].north && box->north >= boxes[i].south
                                                  : bbox_meets(&boxes[i], box));
        if (wanted)
            out[(*n)++] = b;
    }
    return OSM3S_OK;
}

uint64_t osm3s_elements_of_blocks(osm3s_snapshot *s, const uint32_t *blocks, size_t n)
{
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        const osm3s_dir_entry *e = osm3s_snapshot_entry(s, blocks[i]);
        total += (uint64_t)e->n + e->n_delta;
    }
    return total;
}

static int compare_u32(const void *left, const void *right)
{
    uint32_t l = *(const uint32_t *)left, r = *(const uint32_t *)right;
    return (l > r) - (l < r);
}

int osm3s_intersect_blocks(osm3s_snapshot *s, int type, uint32_t *blocks, size_t *n, const uint32_t *ids, size_t n_ids)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        uint32_t id = osm3s_snapshot_entry(s, blocks[i])->id;
        if (bsearch(&id, ids, n_ids, sizeof *ids, compare_u32))
            blocks[kept++] = blocks[i];
    }
    *n = kept;
    return OSM3S_OK;
}

int osm3s_count_unchanged(osm3s_snapshot *s, int type, const uint32_t *ids, const uint32_t *counts, size_t n_ids,
                          uint64_t *total, uint32_t *changed, size_t *n)
{
    *total = *n = 0;
    for (size_t i = 0; i < n_ids; i++) {
        uint32_t block = osm3s_snapshot_block_of_id(s, type, ids[i]);
        if (block == OSM3S_UNRESOLVED)
            return fail(OSM3S_CORRUPT, "the tag directory names block %u, which does not exist", ids[i]);
        if (osm3s_snapshot_entry(s, block)->delta_head_len || !snapshot_is_current(s, block))
            changed[(*n)++] = block;
        else
            *total += counts[i];
    }
    return OSM3S_OK;
}
