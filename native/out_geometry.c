/* out_geometry.c: the geometry an element is printed with: bounds, and which positions are visible inside the clip box
 * (spec: overpass-language.md 8.1.2). */
#include "out.h"

position box_center(osm3s_bbox box)
{
    double lat, lon;
    center_of_bounds(&box, &lat, &lon);
    return (position){e7_as_printed(lat), e7_as_printed(lon)};
}

position rounded_center(osm3s_bbox box)
{
    double lat, lon;
    center_of_bounds(&box, &lat, &lon);
    return (position){e7_of_lat(lat), e7_of_lon(lon)};
}

static void set_box(printer *o, osm3s_bbox box)
{
    o->box = box;
    o->has_box = !bbox_is_empty(&box);
}

/* Bounds of a way: those of the block, unless they are so wide that the antimeridian may shorten them. */
static int bounds_of(const view *v, uint32_t slot, way_nodes *nodes, bool decoded, osm3s_bbox *bounds)
{
    *bounds = view_bbox(v, slot);
    if (bbox_is_empty(bounds) || (int64_t)bounds->east - bounds->west <= LON_180)
        return OSM3S_OK;
    int error = decoded ? OSM3S_OK : view_way_nodes(v, slot, nodes);
    if (error == OSM3S_OK)
        *bounds = bounds_of_way(nodes->items, nodes->n);
    return error;
}

/* --- the clip box --- */

static bool inside(const osm3s_bbox *box, int32_t lat, int32_t lon)
{
    return lat != OSM3S_NO_COORD && bbox_contains(box, lat, lon);
}

static bool segment_visible(const osm3s_bbox *box, const way_node *a, const way_node *b)
{
    return a->lat != OSM3S_NO_COORD && b->lat != OSM3S_NO_COORD
           && segment_meets_bbox((position){a->lat, a->lon}, (position){b->lat, b->lon}, box);
}

/* Take the position from every node that is neither inside nor the end of a segment that touches the box. */
static void clip_way(const osm3s_bbox *box, way_nodes *nodes)
{
    bool touched = false; /* by the segment that ends at node i; an end inside touches as well */
    for (size_t i = 0; i < nodes->n; i++) {
        way_node *node = &nodes->items[i];
        bool next = i + 1 < nodes->n && segment_visible(box, node, node + 1);
        bool neighbour_inside = i + 1 < nodes->n && inside(box, node[1].lat, node[1].lon);
        bool visible = touched || next || neighbour_inside || inside(box, node->lat, node->lon);
        touched = next || inside(box, node->lat, node->lon);
        if (!visible)
            node->lat = OSM3S_NO_COORD;
    }
}

/* The same for a member way, where the reference looks at the nodes only: visible are those inside and their
 * neighbours. False if nothing is. */
static bool clip_member_way(const osm3s_bbox *box, way_nodes *nodes)
{
    bool before = false, here = nodes->n > 0 && inside(box, nodes->items[0].lat, nodes->items[0].lon), any = false;
    for (size_t i = 0; i < nodes->n; i++) {
        way_node *node = &nodes->items[i];
        bool after = i + 1 < nodes->n && inside(box, node[1].lat, node[1].lon);
        if (!before && !here && !after)
            node->lat = OSM3S_NO_COORD;
        else
            any |= node->lat != OSM3S_NO_COORD;
        before = here;
        here = after;
    }
    return any;
}

/* Whether the square of a way's quadtile index has a point in the clip box. Only such member ways does the reference
 * look up, and print with placeholders if nothing of them is visible. */
static bool square_meets(uint32_t quad, const osm3s_bbox *clip)
{
    if (quad >> 31 && (quad & 0xff) == 0x80) /* the whole world */
        return true;
    /* Tiles of 65536 units; the square of level i has 4 * 4^i of them on a side and begins at a multiple of half. */
    unsigned level = quad >> 31 ? (unsigned)__builtin_ctz(quad & 0x7f) : 0;
    int64_t side = (quad >> 31 ? (int64_t)4 << 2 * level : 1) * 65536;
    uint32_t base = quad >> 31 ? quad & 0x7fffffffu & ~((1u << (4 * level + 2)) - 1) : quad;
    position corner = position_of_morton((uint64_t)base << 32);
    int64_t north = corner.lat + side - 1, east = corner.lon + side - 1;
    osm3s_bbox square = {corner.lat, corner.lon, (int32_t)(north < LAT_90 ? north : LAT_90),
                         (int32_t)(east < LON_180 ? east : LON_180)};
    return bbox_meets(&square, clip);
}

/* --- ways --- */

int load_way_geometry(printer *o)
{
    const osm3s_out_options *options = o->options;
    bool clipped = o->want_box && options->clipped;
    bool decoded = o->want_line || clipped;
    o->nodes.n = 0;
    o->has_box = false;
    if (o->view == NULL)
        return OSM3S_OK;
    int error = decoded         ? view_way_nodes(o->view, o->slot, &o->nodes)
                : o->want_refs ? view_way_refs(o->view, o->slot, &o->nodes)
                               : OSM3S_OK;
    if (error || !o->want_box)
        return error;
    osm3s_bbox box;
    if (clipped) {
        clip_way(&options->clip, &o->nodes);
        box = bounds_of_way(o->nodes.items, o->nodes.n);
    } else {
        error = bounds_of(o->view, o->slot, &o->nodes, decoded, &box);
        if (error)
            return error;
    }
    set_box(o, box);
    return OSM3S_OK;
}

/* --- relations --- */

static size_t hash_id(uint64_t id, size_t mask)
{
    return (size_t)(id * 0x9e3779b97f4a7c15ull >> 32) & mask;
}

int member_index_build(member_index *index, const osm3s_rows *rows)
{
    size_t size = 16;
    while (size < rows->n * 2)
        size *= 2;
    index->ids = calloc(size, sizeof *index->ids);
    index->indexes = malloc(size * sizeof *index->indexes);
    index->mask = size - 1;
    index->rows = rows;
    if (index->ids == NULL || index->indexes == NULL)
        return fail(OSM3S_NOMEM, "out of memory: index of %zu members", rows->n);
    for (size_t i = 0; i < rows->n; i++) {
        size_t place = hash_id(rows->rows[i].id, index->mask);
        while (index->ids[place] != 0)
            place = (place + 1) & index->mask;
        index->ids[place] = rows->rows[i].id + 1;
        index->indexes[place] = (uint32_t)i;
    }
    return OSM3S_OK;
}

void member_index_free(member_index *index)
{
    free(index->ids);
    free(index->indexes);
}

static const osm3s_row *find_member(const member_index *index, int64_t ref)
{
    if (index->ids == NULL)
        return NULL;
    uint64_t wanted = (uint64_t)ref + 1;
    for (size_t place = hash_id((uint64_t)ref, index->mask); index->ids[place] != 0; place = (place + 1) & index->mask)
        if (index->ids[place] == wanted)
            return &index->rows->rows[index->indexes[place]];
    return NULL;
}

static int find_way(printer *o, int64_t ref, const view **v, uint32_t *slot)
{
    const osm3s_row *row = find_member(&o->member_ways, ref);
    *v = NULL;
    if (row == NULL || row->block == OSM3S_UNRESOLVED)
        return OSM3S_OK;
    *v = snapshot_view(o->snapshot, row->block, row->slot, slot);
    return *v == NULL ? OSM3S_CORRUPT : OSM3S_OK;
}

static int load_member_way(printer *o, int64_t ref, bounds_sum *sum)
{
    const osm3s_out_options *options = o->options;
    const view *v;
    uint32_t slot;
    bool decoded = o->want_line || options->clipped;
    osm3s_bbox bounds;
    int error = find_way(o, ref, &v, &slot);
    if (error == OSM3S_OK && v != NULL && decoded)
        error = view_way_nodes(v, slot, &o->member_way);
    if (error || v == NULL)
        return error;
    size_t n = o->member_way.n;
    if (options->clipped) {
        osm3s_bbox plain = view_bbox(v, slot);
        if (!clip_member_way(&options->clip, &o->member_way) && !square_meets(quad_of_bbox(&plain), &options->clip))
            return OSM3S_OK;
        bounds = bounds_of_way(o->member_way.items, n);
    } else if ((error = bounds_of(v, slot, &o->member_way, decoded, &bounds)))
        return error;
    bounds_sum_add(sum, &bounds);
    if (!o->want_line)
        return OSM3S_OK;
    if (n == 1 && o->member_way.items[0].lat != OSM3S_NO_COORD) /* not drawn, as in the reference */
        return OSM3S_OK;
    if (grow(&o->positions, &o->cap_positions, o->n_positions + n, sizeof *o->positions))
        return OSM3S_NOMEM;
    for (size_t i = 0; i < n; i++)
        o->positions[o->n_positions + i] = (position){o->member_way.items[i].lat, o->member_way.items[i].lon};
    o->n_positions += n;
    return OSM3S_OK;
}

static int load_member_node(printer *o, int64_t ref, bounds_sum *sum)
{
    const osm3s_row *row = find_member(&o->member_nodes, ref);
    if (row == NULL || row->lat == OSM3S_NO_COORD
        || (o->options->clipped && !inside(&o->options->clip, row->lat, row->lon)))
        return OSM3S_OK;
    bounds_sum_add(sum, &(osm3s_bbox){row->lat, row->lon, row->lat, row->lon});
    if (grow(&o->positions, &o->cap_positions, o->n_positions + 1, sizeof *o->positions))
        return OSM3S_NOMEM;
    o->positions[o->n_positions++] = (position){row->lat, row->lon};
    return OSM3S_OK;
}

int osm3s_bounds_are_stored(osm3s_snapshot *s, const osm3s_rows *relations, int *all)
{
    *all = snapshot_time(s) == 0;
    for (size_t i = 0; i < relations->n && *all; i++) {
        const osm3s_row *row = &relations->rows[i];
        uint32_t slot;
        const view *v = snapshot_view(s, row->block, row->slot, &slot);
        if (v == NULL)
            return OSM3S_CORRUPT;
        osm3s_bbox box = view_bbox(v, slot);
        bool superseded = snapshot_is_superseded(s, row);
        bool wide = !bbox_is_empty(&box) && (int64_t)box.east - box.west > LON_180;
        *all = !superseded && !wide;
    }
    return OSM3S_OK;
}

int load_relation_geometry(printer *o)
{
    o->members.n = o->n_positions = 0;
    o->has_box = false;
    if (o->view == NULL || !(o->want_refs || o->want_box))
        return OSM3S_OK;
    bool stored = o->want_box && !o->want_line && !o->options->clipped && o->options->members == NULL;
    if (stored)
        set_box(o, view_bbox(o->view, o->slot));
    if (stored && !o->want_refs)
        return OSM3S_OK;
    int error = view_members(o->view, o->slot, &o->members);
    size_t n = o->members.n;
    for (size_t i = 0; i < n && error == OSM3S_OK; i++)
        if (o->members.items[i].type > OSM3S_RELATION)
            error = fail(OSM3S_CORRUPT, "relation %llu has a member of no known type", (unsigned long long)o->row.id);
    if (error || !o->want_box || stored)
        return error;
    if (grow(&o->first_position, &o->cap_first, n + 1, sizeof *o->first_position))
        return OSM3S_NOMEM;
    bounds_sum sum;
    bounds_sum_start(&sum);
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        const member *m = &o->members.items[i];
        o->first_position[i] = (uint32_t)o->n_positions;
        if (m->type == OSM3S_NODE)
            error = load_member_node(o, m->ref, &sum);
        else if (m->type == OSM3S_WAY)
            error = load_member_way(o, m->ref, &sum);
    }
    o->first_position[n] = (uint32_t)o->n_positions;
    set_box(o, bounds_sum_finish(&sum));
    return error;
}

/* --- members --- */

enum { MEMBER_TEXT = 256 }; /* around role and positions */

char *begin_member(const printer *o, size_t i, size_t point_size, printed_member *shown)
{
    *shown = (printed_member){.m = &o->members.items[i], .role = "???", .role_len = 3};
    if (shown->m->role < o->view->n_roles)
        shown->role = view_role(o->view, shown->m->role, &shown->role_len);
    if (o->want_line) {
        shown->from = o->positions + o->first_position[i];
        shown->to = o->positions + o->first_position[i + 1];
    }
    return sink_room(o->sink, MEMBER_TEXT + shown->role_len * ESCAPED + (size_t)(shown->to - shown->from) * point_size);
}
