/* update_scan.c: the ways of moved nodes. A way has its nodes' coordinates inline, so its box contains the old position
 * of each of them: only ways whose box does are looked into. */
#include "update.h"

typedef struct { int32_t lat, lon; uint64_t id; } moved_node;

typedef struct {
    moved_node *nodes; size_t n;       /* by latitude */
    uint64_t *ids; size_t mask;        /* hash set; 0: free */
    uint32_t *near; size_t n_near, cap_near;
    int32_t *columns; size_t cap_columns;
    uint32_t *hit; size_t cap_hit;
} scan;

static int compare_lat(const void *left, const void *right)
{
    const moved_node *l = left, *r = right;
    return (l->lat > r->lat) - (l->lat < r->lat);
}

static size_t hash_id(uint64_t id, size_t mask)
{
    return (size_t)(id * 0x9e3779b97f4a7c15u >> 20) & mask;
}

static bool is_moved(const scan *k, uint64_t id)
{
    size_t at = hash_id(id, k->mask);
    for (; k->ids[at]; at = (at + 1) & k->mask)
        if (k->ids[at] == id)
            return true;
    return false;
}

static int collect_moved(const osm3s_update *u, scan *k)
{
    const touched_list *nodes = &u->of[OSM3S_NODE];
    size_t size = 16;
    while (size < nodes->n * 2 + 2)
        size *= 2;
    k->mask = size - 1;
    k->nodes = malloc((nodes->n + 1) * sizeof *k->nodes);
    k->ids = calloc(size, sizeof *k->ids);
    if (k->nodes == NULL || k->ids == NULL)
        return fail(OSM3S_NOMEM, "out of memory for %zu changed nodes", nodes->n);
    for (size_t i = 0; i < nodes->n; i++) {
        const touched *t = &nodes->items[i];
        if (bbox_is_empty(&t->old_box) || !t->moved)
            continue;
        k->nodes[k->n++] = (moved_node){t->old_box.south, t->old_box.west, t->id};
        size_t at = hash_id(t->id, k->mask);
        while (k->ids[at])
            at = (at + 1) & k->mask;
        k->ids[at] = t->id;
    }
    qsort(k->nodes, k->n, sizeof *k->nodes, compare_lat);
    return OSM3S_OK;
}

/* The moved nodes that were inside a box, into k->near. */
static int find_near(scan *k, const osm3s_bbox *box)
{
    size_t low = 0, high = k->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (k->nodes[middle].lat < box->south)
            low = middle + 1;
        else
            high = middle;
    }
    k->n_near = 0;
    for (; low < k->n && k->nodes[low].lat <= box->north; low++) {
        if (k->nodes[low].lon < box->west || k->nodes[low].lon > box->east)
            continue;
        if (grow(&k->near, &k->cap_near, k->n_near + 1, sizeof *k->near))
            return OSM3S_NOMEM;
        k->near[k->n_near++] = (uint32_t)low;
    }
    return OSM3S_OK;
}

static void decode(const column *c, int32_t *out, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = (int32_t)column_get(c, i);
}

enum { FEW = 24 }; /* so many nodes are tested one after the other against all boxes */

static bool any_near(const scan *k, int32_t south, int32_t west, int32_t north, int32_t east)
{
    size_t low = 0, high = k->n_near;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (k->nodes[k->near[middle]].lat < south)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < k->n_near && k->nodes[k->near[low]].lat <= north; low++)
        if (k->nodes[k->near[low]].lon >= west && k->nodes[k->near[low]].lon <= east)
            return true;
    return false;
}

/* Mark the ways of a block part whose box contains a near node. */
static int mark_hits(scan *k, const view *v)
{
    uint32_t n = v->n;
    if (grow(&k->columns, &k->cap_columns, (size_t)n * 4 + 4, sizeof *k->columns)
        || grow(&k->hit, &k->cap_hit, n + 1, sizeof *k->hit))
        return OSM3S_NOMEM;
    int32_t *south = k->columns, *west = south + n, *north = west + n, *east = north + n;
    uint32_t *hit = k->hit;
    decode(&v->south, south, n);
    decode(&v->west, west, n);
    decode(&v->north, north, n);
    decode(&v->east, east, n);
    if (k->n_near > FEW) {
        for (uint32_t slot = 0; slot < n; slot++)
            hit[slot] = any_near(k, south[slot], west[slot], north[slot], east[slot]);
        return OSM3S_OK;
    }
    memset(hit, 0, n * sizeof *hit);
    for (size_t i = 0; i < k->n_near; i++) {
        int32_t lat = k->nodes[k->near[i]].lat, lon = k->nodes[k->near[i]].lon;
        for (uint32_t slot = 0; slot < n; slot++) /* the compiler makes four or eight tests at a time of this */
            hit[slot] |= (uint32_t)((south[slot] <= lat) & (north[slot] >= lat) & (west[slot] <= lon)
                                    & (east[slot] >= lon));
    }
    return OSM3S_OK;
}

static int scan_part(osm3s_update *u, scan *k, uint32_t block, const view *v, uint32_t first_slot, const uint64_t *dead)
{
    touched_list *ways = &u->of[OSM3S_WAY];
    int error = v->n ? mark_hits(k, v) : OSM3S_OK;
    bool body_checked = false;
    for (uint32_t slot = 0; slot < v->n && error == OSM3S_OK; slot++) {
        if (!k->hit[slot] || (dead && dead[slot / 64] >> slot % 64 & 1))
            continue;
        if (!body_checked && (error = snapshot_check_body(u->s, block)))
            break;
        body_checked = true;
        if ((error = view_way_refs(v, slot, &u->nodes)))
            break;
        bool uses = false;
        for (size_t r = 0; r < u->nodes.n && !uses; r++)
            uses = is_moved(k, (uint64_t)u->nodes.items[r].ref);
        if (!uses)
            continue;
        touched way = {.id = column_get(&v->id, slot), .present = true, .old_block = block,
                       .old_slot = first_slot + slot, .old_box = no_box(), .box = no_box()};
        error = touched_add(ways, way);
    }
    return error;
}

int touch_ways_of_moved_nodes(osm3s_update *u)
{
    scan k = {0};
    int error = collect_moved(u, &k);
    uint32_t first = osm3s_snapshot_first_block(u->s, OSM3S_WAYS), n = osm3s_snapshot_n_blocks(u->s, OSM3S_WAYS);
    for (uint32_t block = first; k.n && block < first + n && error == OSM3S_OK; block++) {
        const osm3s_dir_entry *e = osm3s_snapshot_entry(u->s, block);
        if ((error = find_near(&k, &e->bbox)) || k.n_near == 0)
            continue;
        const view *base = snapshot_base(u->s, block), *delta = snapshot_delta(u->s, block);
        if (base == NULL || delta == NULL)
            error = OSM3S_CORRUPT;
        if (error == OSM3S_OK)
            error = scan_part(u, &k, block, base, 0, snapshot_dead(u->s, block));
        if (error == OSM3S_OK)
            error = scan_part(u, &k, block, delta, base->n, NULL);
    }
    free(k.nodes);
    free(k.ids);
    free(k.near);
    free(k.columns);
    free(k.hit);
    return error;
}
