/* recurse.c: from elements to those they consist of, and from nodes to their ways. */
#include "geom.h"
#include "internal.h"

/* Is position i of n (0-based) one of the asked ones (1-based, negative from the end; none: all)? */
static bool position_wanted(size_t i, size_t n, const int32_t *positions, size_t n_positions)
{
    if (n_positions == 0)
        return true;
    for (size_t p = 0; p < n_positions; p++)
        if (positions[p] > 0 ? (size_t)positions[p] == i + 1 : (size_t)-(int64_t)positions[p] == n - i)
            return true;
    return false;
}

/* Walks over rows; `error` tells why it ended before the last one. */
typedef struct {
    osm3s_snapshot *snapshot;
    osm3s_context *context;
    const osm3s_rows *rows;
    size_t next;
    const view *v; /* of the current row */
    int error;
} row_walk;

/* The next row's slot in its view; false at the end. Checks the context now and then. */
static bool next_row(row_walk *w, uint32_t *slot)
{
    if (w->error || w->next == w->rows->n)
        return false;
    if (w->next % 64 == 0 && (w->error = context_check(w->context)))
        return false;
    const osm3s_row *row = &w->rows->rows[w->next++];
    w->v = snapshot_view(w->snapshot, row->block, row->slot, slot);
    if (w->v == NULL)
        w->error = OSM3S_CORRUPT;
    return w->v != NULL;
}

static bool next_way(row_walk *w, way_nodes *nodes)
{
    uint32_t slot;
    return next_row(w, &slot) && (w->error = view_way_nodes(w->v, slot, nodes)) == OSM3S_OK;
}

static bool next_relation(row_walk *w, members *list)
{
    uint32_t slot;
    return next_row(w, &slot) && (w->error = view_members(w->v, slot, list)) == OSM3S_OK;
}

int osm3s_nodes_of_ways(osm3s_snapshot *s, osm3s_context *c, const osm3s_rows *ways, const int32_t *positions, size_t n,
                        osm3s_rows *out)
{
    way_nodes nodes = {0};
    row_walk walk = {s, c, ways, 0, NULL, OSM3S_OK};
    while (next_way(&walk, &nodes))
        for (size_t k = 0; k < nodes.n && walk.error == OSM3S_OK; k++) {
            const way_node *w = &nodes.items[k];
            if (w->lat != OSM3S_NO_COORD && position_wanted(k, nodes.n, positions, n))
                walk.error = rows_push(out, (osm3s_row){(uint64_t)w->ref, OSM3S_UNRESOLVED, 0, w->lat, w->lon});
        }
    free(nodes.items);
    return walk.error ? walk.error : rows_sort(out);
}

static bool role_matches(const view *v, uint32_t role, const osm3s_text *wanted)
{
    if (wanted == NULL)
        return true;
    size_t len;
    const char *text = view_role(v, role, &len);
    return len == wanted->len && memcmp(text, wanted->text, len) == 0;
}

int osm3s_members_of(osm3s_snapshot *s, osm3s_context *c, const osm3s_rows *relations, int type, const osm3s_text *role,
                     osm3s_rows *out)
{
    members list = {0};
    row_walk walk = {s, c, relations, 0, NULL, OSM3S_OK};
    while (next_relation(&walk, &list))
        for (size_t k = 0; k < list.n && walk.error == OSM3S_OK; k++) {
            const member *m = &list.items[k];
            if (m->type == type && role_matches(walk.v, m->role, role))
                walk.error = rows_push(out, (osm3s_row){(uint64_t)m->ref, OSM3S_UNRESOLVED, 0, 0, 0});
        }
    free(list.items);
    return walk.error ? walk.error : rows_sort(out);
}

int osm3s_nodes_and_ways_of(osm3s_snapshot *s, osm3s_context *c, const osm3s_rows *relations, osm3s_rows *nodes,
                            osm3s_rows *ways)
{
    members list = {0};
    row_walk walk = {s, c, relations, 0, NULL, OSM3S_OK};
    while (next_relation(&walk, &list))
        for (size_t k = 0; k < list.n && walk.error == OSM3S_OK; k++) {
            const member *m = &list.items[k];
            if (m->type < OSM3S_RELATION)
                walk.error = rows_push(m->type == OSM3S_NODE ? nodes : ways,
                                       (osm3s_row){(uint64_t)m->ref, OSM3S_UNRESOLVED, 0, 0, 0});
        }
    free(list.items);
    return walk.error;
}

int osm3s_relations_with(osm3s_snapshot *s, osm3s_context *c, const osm3s_rows *relations, const osm3s_rows *nodes,
                         const osm3s_rows *ways, const osm3s_rows *members_, const osm3s_text *role, osm3s_rows *out)
{
    const osm3s_rows *wanted[3] = {nodes, ways, members_};
    id_filter filters[3] = {{0}};
    members list = {0};
    row_walk walk = {s, c, relations, 0, NULL, OSM3S_OK};
    for (int type = 0; type < 3 && walk.error == OSM3S_OK; type++)
        if (wanted[type])
            walk.error = id_filter_build(&filters[type], wanted[type]);
    while (walk.error == OSM3S_OK && next_relation(&walk, &list)) {
        bool found = false;
        for (size_t k = 0; k < list.n && !found; k++) {
            const member *m = &list.items[k];
            found = m->type < 3 && wanted[m->type] && role_matches(walk.v, m->role, role)
                    && id_filter_has(&filters[m->type], (uint64_t)m->ref);
        }
        if (found)
            walk.error = rows_push(out, relations->rows[walk.next - 1]);
    }
    for (int type = 0; type < 3; type++)
        id_filter_free(&filters[type]);
    free(list.items);
    return walk.error;
}

/* --- from nodes to ways --- */

/* The nodes of a set as a hash table of ids and a coarse bitmap of places: a way whose box touches no marked cell needs
 * no decoding. */
typedef struct {
    uint64_t *ids; size_t mask; /* id + 1, open addressing */
    uint64_t *cells;            /* GRID x GRID bits over `box` */
    osm3s_bbox box;
    int64_t cell_height, cell_width;
} node_filter;

enum { GRID = 512 };

static uint32_t cell_of(int64_t offset, int64_t size)
{
    int64_t cell = offset / size;
    return (uint32_t)(cell < 0 ? 0 : cell >= GRID ? GRID - 1 : cell);
}

static int node_filter_build(node_filter *f, const osm3s_rows *nodes)
{
    size_t size = 64;
    while (size < nodes->n * 2)
        size *= 2;
    f->ids = calloc(size, sizeof *f->ids);
    f->cells = calloc(GRID * GRID / 64, sizeof *f->cells);
    if (f->ids == NULL || f->cells == NULL)
        return fail(OSM3S_NOMEM, "out of memory for %zu nodes", nodes->n);
    f->mask = size - 1;
    f->box = bbox_empty();
    for (size_t i = 0; i < nodes->n; i++)
        if (nodes->rows[i].lat != OSM3S_NO_COORD)
            bbox_add_position(&f->box, nodes->rows[i].lat, nodes->rows[i].lon);
    f->cell_height = ((int64_t)f->box.north - f->box.south) / GRID + 1;
    f->cell_width = ((int64_t)f->box.east - f->box.west) / GRID + 1;
    for (size_t i = 0; i < nodes->n; i++) {
        const osm3s_row *r = &nodes->rows[i];
        size_t at = (r->id * 0x9e3779b97f4a7c15u >> 20) & f->mask;
        while (f->ids[at])
            at = (at + 1) & f->mask;
        f->ids[at] = r->id + 1;
        if (r->lat == OSM3S_NO_COORD)
            continue;
        uint32_t cell = cell_of((int64_t)r->lat - f->box.south, f->cell_height) * GRID
                        + cell_of((int64_t)r->lon - f->box.west, f->cell_width);
        f->cells[cell / 64] |= 1ull << cell % 64;
    }
    return OSM3S_OK;
}

static bool node_filter_has(const node_filter *f, uint64_t id)
{
    size_t at = (id * 0x9e3779b97f4a7c15u >> 20) & f->mask;
    while (f->ids[at] && f->ids[at] != id + 1)
        at = (at + 1) & f->mask;
    return f->ids[at] != 0;
}

static bool node_filter_near(const node_filter *f, const osm3s_bbox *box)
{
    if (bbox_is_empty(box) || bbox_is_empty(&f->box) || box->south > f->box.north || box->north < f->box.south
        || box->west > f->box.east || box->east < f->box.west)
        return false;
    uint32_t south = cell_of((int64_t)box->south - f->box.south, f->cell_height);
    uint32_t north = cell_of((int64_t)box->north - f->box.south, f->cell_height);
    uint32_t west = cell_of((int64_t)box->west - f->box.west, f->cell_width);
    uint32_t east = cell_of((int64_t)box->east - f->box.west, f->cell_width);
    for (uint32_t y = south; y <= north; y++)
        for (uint32_t x = west; x <= east;) {
            uint32_t cell = y * GRID + x, in_word = 64 - cell % 64;
            uint32_t wanted = east - x + 1 < in_word ? east - x + 1 : in_word;
            uint64_t word = f->cells[cell / 64] >> cell % 64;
            if (wanted < 64 ? word & ((1ull << wanted) - 1) : word)
                return true;
            x += wanted;
        }
    return false;
}

/* `time`: only ways that were valid then; 0: all that are not dead. */
static int ways_in_part(const view *v, uint32_t block, const uint64_t *dead, uint32_t slot_offset, uint32_t time,
                        const node_filter *f, const int32_t *positions, size_t n, way_nodes *nodes, osm3s_rows *out)
{
    for (uint32_t slot = 0; slot < v->n; slot++) {
        if ((dead && dead[slot / 64] >> slot % 64 & 1) || (time && !view_valid_at(v, slot, time)))
            continue;
        osm3s_bbox box = view_bbox(v, slot);
        if (!node_filter_near(f, &box))
            continue;
        int error = view_way_nodes(v, slot, nodes);
        if (error)
            return error;
        bool found = false;
        for (size_t k = 0; k < nodes->n && !found; k++)
            found = node_filter_has(f, (uint64_t)nodes->items[k].ref) && position_wanted(k, nodes->n, positions, n);
        if (found && rows_push(out, (osm3s_row){column_get(&v->id, slot), block, slot + slot_offset, 0, 0}))
            return OSM3S_NOMEM;
    }
    return OSM3S_OK;
}

int osm3s_ways_of_nodes(osm3s_snapshot *s, osm3s_context *c, const uint32_t *blocks, size_t n_blocks,
                        const osm3s_rows *nodes, const int32_t *positions, size_t n, osm3s_rows *out)
{
    node_filter f = {0};
    way_nodes decoded = {0};
    int error = node_filter_build(&f, nodes);
    for (size_t i = 0; i < n_blocks && error == OSM3S_OK; i++) {
        if (!node_filter_near(&f, &osm3s_snapshot_entry(s, blocks[i])->bbox))
            continue;
        uint32_t time = snapshot_is_current(s, blocks[i]) ? 0 : snapshot_time(s);
        const view *base = snapshot_base(s, blocks[i]), *delta = snapshot_delta(s, blocks[i]);
        error = base ? snapshot_check_body(s, blocks[i]) : OSM3S_CORRUPT;
        if (error == OSM3S_OK)
            error = ways_in_part(base, blocks[i], snapshot_dead(s, blocks[i]), 0, time, &f, positions, n, &decoded, out);
        if (error == OSM3S_OK)
            error = ways_in_part(delta, blocks[i], NULL, base->n, time, &f, positions, n, &decoded, out);
        uint32_t slot = 0;
        const view *old;
        for (uint32_t part = 0; time && error == OSM3S_OK && (old = snapshot_attic(s, blocks[i], part, &slot)); part++)
            error = ways_in_part(old, blocks[i], NULL, slot, time, &f, positions, n, &decoded, out);
        if (error == OSM3S_OK)
            error = context_check(c);
    }
    free(f.ids);
    free(f.cells);
    free(decoded.items);
    return error ? error : rows_sort(out);
}

int osm3s_rows_bbox(osm3s_snapshot *s, const osm3s_rows *rows, int type, osm3s_bbox *out)
{
    *out = bbox_empty();
    for (size_t i = 0; i < rows->n; i++) {
        const osm3s_row *r = &rows->rows[i];
        if (type == OSM3S_NODE) {
            if (r->lat != OSM3S_NO_COORD)
                bbox_add_position(out, r->lat, r->lon);
            continue;
        }
        uint32_t local;
        const view *v = snapshot_view(s, r->block, r->slot, &local);
        if (v == NULL)
            return OSM3S_CORRUPT;
        osm3s_bbox box = view_bbox(v, local);
        if (!bbox_is_empty(&box))
            bbox_add(out, &box);
    }
    return OSM3S_OK;
}

/* --- way_cnt, way_link --- */

static int compare_ids(const void *left, const void *right)
{
    uint64_t l = ((const osm3s_row *)left)->id, r = ((const osm3s_row *)right)->id;
    return (l > r) - (l < r);
}

int osm3s_nodes_by_way_count(osm3s_snapshot *s, osm3s_context *c, const osm3s_rows *ways, int count_links, uint64_t lower,
                             uint64_t upper, osm3s_rows *out)
{
    osm3s_rows all = {0}; /* slot: how much a node counts for one way */
    way_nodes nodes = {0};
    row_walk walk = {s, c, ways, 0, NULL, OSM3S_OK};
    while (next_way(&walk, &nodes)) {
        size_t from = all.n;
        for (size_t k = 0; k < nodes.n && walk.error == OSM3S_OK; k++) {
            const way_node *w = &nodes.items[k];
            uint32_t links = (k > 0) + (k + 1 < nodes.n);
            if (w->lat != OSM3S_NO_COORD)
                walk.error = rows_push(&all, (osm3s_row){(uint64_t)w->ref, OSM3S_UNRESOLVED, count_links ? links : 1,
                                                         w->lat, w->lon});
        }
        if (walk.error || count_links || all.n == from)
            continue;
        qsort(all.rows + from, all.n - from, sizeof *all.rows, compare_ids); /* a way counts once per node */
        size_t kept = from;
        for (size_t k = from; k < all.n; k++)
            if (k == from || all.rows[k].id != all.rows[kept - 1].id)
                all.rows[kept++] = all.rows[k];
        all.n = kept;
    }
    int error = walk.error;
    if (error == OSM3S_OK && all.n)
        qsort(all.rows, all.n, sizeof *all.rows, compare_ids);
    for (size_t i = 0; i < all.n && error == OSM3S_OK;) {
        uint64_t sum = 0;
        size_t end = i;
        for (; end < all.n && all.rows[end].id == all.rows[i].id; end++)
            sum += all.rows[end].slot;
        if (sum >= lower && sum <= upper) {
            all.rows[i].slot = 0;
            error = rows_push(out, all.rows[i]);
        }
        i = end;
    }
    free(all.rows);
    free(nodes.items);
    return error;
}
