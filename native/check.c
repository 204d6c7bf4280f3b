/* check.c: the elements of all blocks against the id map, the directory, and each other. See interface/check.h.
 *
 * The id map gives the table of all ids; blocks are then read in their order, and each element must be in the table once,
 * with this block. Nodes leave their position in the table, ways their box: so ways and relations can be compared. */
#include <stdarg.h>
#include <stdio.h>

#include "check.h"

const char *const CHECK_FAMILIES[OSM3S_FAMILIES] = {"nodes", "tagged_nodes", "ways", "relations"};
const char *const CHECK_TYPES[3] = {"node", "way", "relation"};

osm3s_check *osm3s_check_new(osm3s_snapshot *s, int with_meta)
{
    osm3s_check *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    size_t n_blocks = osm3s_snapshot_first_block(s, OSM3S_RELATIONS) + osm3s_snapshot_n_blocks(s, OSM3S_RELATIONS);
    c->s = s;
    c->with_meta = with_meta;
    c->tags = calloc(n_blocks + 1, sizeof *c->tags);
    c->uid_table_len = 1 << 12;
    c->uid_table = calloc(c->uid_table_len, sizeof *c->uid_table);
    if (c->tags == NULL || c->uid_table == NULL) {
        osm3s_check_free(c);
        return NULL;
    }
    return c;
}

void osm3s_check_with_positions(osm3s_check *c)
{
    c->with_positions = true;
}

void osm3s_check_free(osm3s_check *c)
{
    if (c == NULL)
        return;
    for (int t = 0; t < 3; t++) {
        locations_free(&c->of[t]);
        free(c->seen[t]);
    }
    for (int k = 0; k < LINK_KINDS; k++)
        free(c->links[k].items);
    for (int f = 0; f < OSM3S_FAMILIES; f++)
        free(c->attic_tags[f].items);
    free(c->attic_found.items);
    free(c->way_boxes);
    free(c->tags);
    free(c->last_entry.data);
    free(c->uids);
    free(c->uid_table);
    free(c->nodes.items);
    free(c->members.items);
    free(c->lines.data);
    free(c);
}

int check_report(osm3s_check *c, const char *format, ...)
{
    char line[500];
    va_list arguments;
    if (c->lines_read)
        c->lines.len = 0;
    c->lines_read = false;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    return buffer_put(&c->lines, line, strlen(line)) || buffer_put(&c->lines, "\n", 1) ? OSM3S_NOMEM : OSM3S_OK;
}

osm3s_bytes osm3s_check_problems(osm3s_check *c)
{
    osm3s_bytes lines = {c->lines.data, c->lines_read ? 0 : c->lines.len};
    c->lines_read = true;
    return lines;
}

void osm3s_check_counts(const osm3s_check *c, uint64_t counts[3])
{
    memcpy(counts, c->counts, sizeof c->counts);
}

const int32_t *osm3s_check_uids(const osm3s_check *c, size_t *n)
{
    *n = c->n_uids;
    return c->uids;
}

/* --- the id map --- */

int osm3s_check_id_page(osm3s_check *c, int type, uint64_t page_number, const uint8_t *page, size_t len)
{
    uint32_t blocks[ID_PAGE];
    locations *l = &c->of[type];
    if (id_page_decode(page, len, blocks))
        return check_report(c, "id map: page %llu of %ss is damaged", (unsigned long long)page_number, CHECK_TYPES[type]);
    size_t before = l->n;
    for (uint32_t i = 0; i < ID_PAGE; i++) {
        uint64_t id = page_number << ID_PAGE_BITS | i;
        if (blocks[i] == OSM3S_UNRESOLVED)
            continue;
        if (osm3s_snapshot_block_of_id(c->s, type, blocks[i]) == OSM3S_UNRESOLVED
            && check_report(c, "id map: %s %llu is in block %u, which the directory does not have", CHECK_TYPES[type],
                            (unsigned long long)id, blocks[i]))
            return OSM3S_NOMEM;
        if (locations_add(l, id, OSM3S_NO_COORD, 0) || grow(&l->block, &l->cap_block, l->n, sizeof *l->block))
            return OSM3S_NOMEM;
        l->block[l->n - 1] = blocks[i];
    }
    if (l->n == before)
        return check_report(c, "id map: page %llu of %ss is empty", (unsigned long long)page_number, CHECK_TYPES[type]);
    return OSM3S_OK;
}

int osm3s_check_ids_end(osm3s_check *c, int type)
{
    size_t n = c->of[type].n;
    c->seen[type] = calloc(n / 64 + 1, sizeof *c->seen[type]);
    if (type == OSM3S_WAY)
        c->way_boxes = calloc(n + 1, sizeof *c->way_boxes);
    if (c->seen[type] == NULL || (type == OSM3S_WAY && c->way_boxes == NULL))
        return fail(OSM3S_NOMEM, "out of memory for %zu elements", n);
    return locations_seal(&c->of[type]);
}

int osm3s_check_elements_end(osm3s_check *c, int type)
{
    const locations *l = &c->of[type];
    for (size_t row = 0; row < l->n; row++) {
        uint32_t block = osm3s_snapshot_block_of_id(c->s, type, l->block[row]);
        if (check_was_seen(c, type, (ptrdiff_t)row) || block == OSM3S_UNRESOLVED || c->tags[block].unknown)
            continue;
        if (check_report(c, "id map: %s %llu is in block %u, where it is not", CHECK_TYPES[type],
                         (unsigned long long)l->ids[row], l->block[row]))
            return OSM3S_NOMEM;
    }
    return OSM3S_OK;
}

/* --- one element --- */

typedef struct {
    osm3s_check *c;
    const osm3s_dir_entry *entry;
    uint32_t block;
    uint64_t lowest, highest; /* keys that belong here */
    int type, family;
} place;

static int report_element(const place *p, uint64_t id, const char *what)
{
    return check_report(p->c, "%s, block %u: %s %llu %s", CHECK_FAMILIES[p->family], p->entry->id, CHECK_TYPES[p->type],
                        (unsigned long long)id, what);
}

static bool same_box(const osm3s_bbox *a, const osm3s_bbox *b)
{
    return bbox_is_empty(a) ? bbox_is_empty(b) : memcmp(a, b, sizeof *a) == 0;
}

static int note_uid(osm3s_check *c, int32_t uid)
{
    size_t mask = c->uid_table_len - 1, at = ((uint32_t)uid * 2654435761u >> 7) & mask;
    for (; c->uid_table[at]; at = (at + 1) & mask)
        if (c->uids[c->uid_table[at] - 1] == uid)
            return OSM3S_OK;
    if (grow(&c->uids, &c->cap_uids, c->n_uids + 1, sizeof *c->uids))
        return OSM3S_NOMEM;
    c->uids[c->n_uids++] = uid;
    c->uid_table[at] = (uint32_t)c->n_uids;
    if (c->n_uids * 2 < c->uid_table_len)
        return OSM3S_OK;
    size_t larger = c->uid_table_len * 2;
    uint32_t *table = calloc(larger, sizeof *table);
    if (table == NULL)
        return fail(OSM3S_NOMEM, "out of memory for users");
    for (size_t n = 0; n < c->n_uids; n++) {
        at = ((uint32_t)c->uids[n] * 2654435761u >> 7) & (larger - 1);
        while (table[at])
            at = (at + 1) & (larger - 1);
        table[at] = (uint32_t)n + 1;
    }
    free(c->uid_table);
    c->uid_table = table;
    c->uid_table_len = larger;
    return OSM3S_OK;
}

/* A node of an area. */
static int check_position(osm3s_check *c, const way_node *n, uint64_t id)
{
    return n->ref == 0 ? OSM3S_OK : check_report(c, "area %llu has a node with the id %lld", (unsigned long long)id,
                                                 (long long)n->ref);
}

static int check_way(const place *p, const view *v, uint32_t slot, ptrdiff_t row, uint64_t id)
{
    osm3s_check *c = p->c;
    osm3s_bbox box = bbox_empty(), stated = view_bbox(v, slot);
    const locations *nodes = &c->of[OSM3S_NODE];
    if (view_way_nodes(v, slot, &c->nodes))
        return report_element(p, id, "has a damaged record");
    for (size_t i = 0; i < c->nodes.n; i++) {
        const way_node *n = &c->nodes.items[i];
        if (n->lat != OSM3S_NO_COORD)
            bbox_add_position(&box, n->lat, n->lon);
        if (c->with_positions) {
            if (check_position(c, n, id))
                return OSM3S_NOMEM;
            continue;
        }
        ptrdiff_t at = locations_find(nodes, (uint64_t)n->ref);
        if (n->lat == OSM3S_NO_COORD && check_note_link(c, LINK_ABSENT, (uint64_t)n->ref, id))
            return OSM3S_NOMEM;
        if (at >= 0 && !check_was_seen(c, OSM3S_NODE, at))
            continue; /* the node cannot be read, which is reported elsewhere */
        int32_t lat = at < 0 ? OSM3S_NO_COORD : nodes->at[at].lat;
        int32_t lon = at < 0 || lat == OSM3S_NO_COORD ? n->lon : nodes->at[at].lon;
        if ((lat != n->lat || (lat != OSM3S_NO_COORD && lon != n->lon))
            && check_report(c, "ways, block %u: way %llu has node %lld at %d %d (1e-7 degree), the node is at %d %d",
                            p->entry->id, (unsigned long long)id, (long long)n->ref, n->lat, n->lon, lat, lon))
            return OSM3S_NOMEM;
    }
    if (row >= 0)
        c->way_boxes[row] = stated;
    return same_box(&box, &stated) ? OSM3S_OK : report_element(p, id, "has a box that is not that of its nodes");
}

static int check_relation(const place *p, const view *v, uint32_t slot, uint64_t id)
{
    osm3s_check *c = p->c;
    osm3s_bbox box = bbox_empty(), stated = view_bbox(v, slot);
    quad_sum quads;
    quad_sum_start(&quads);
    if (view_members(v, slot, &c->members))
        return report_element(p, id, "has a damaged record");
    bool known = true;
    for (size_t i = 0; i < c->members.n; i++) {
        const member *m = &c->members.items[i];
        if (check_note_link(c, m->type, (uint64_t)m->ref, id))
            return OSM3S_NOMEM;
        ptrdiff_t row = m->type <= OSM3S_WAY ? locations_find(&c->of[m->type], (uint64_t)m->ref) : -1;
        if (row < 0)
            continue;
        known = known && check_was_seen(c, m->type, row);
        if (m->type == OSM3S_NODE && c->of[OSM3S_NODE].at[row].lat != OSM3S_NO_COORD) {
            int32_t lat = c->of[OSM3S_NODE].at[row].lat, lon = c->of[OSM3S_NODE].at[row].lon;
            bbox_add_position(&box, lat, lon);
            quad_sum_add(&quads, quad_of_position(lat, lon));
        } else if (m->type == OSM3S_WAY) {
            if (!bbox_is_empty(&c->way_boxes[row]))
                bbox_add(&box, &c->way_boxes[row]);
            quad_sum_add(&quads, quad_of_bbox(&c->way_boxes[row]));
        }
    }
    if (!known)
        return OSM3S_OK;
    if (!same_box(&box, &stated) && report_element(p, id, "has a box that is not that of its members"))
        return OSM3S_NOMEM;
    if ((uint32_t)column_get(&v->quad, slot) != quad_sum_finish(&quads))
        return report_element(p, id, "has a quadtile that is not that of its members");
    return OSM3S_OK;
}

/* Is the element in the id map, once and with this block? *row: where, or -1. */
static int check_id(const place *p, uint64_t id, ptrdiff_t *row)
{
    osm3s_check *c = p->c;
    *row = locations_find(&c->of[p->type], id);
    if (*row < 0)
        return report_element(p, id, "is not in the id map");
    bool twice = check_was_seen(c, p->type, *row), elsewhere = c->of[p->type].block[*row] != p->entry->id;
    if (elsewhere) {
        uint32_t there = c->of[p->type].block[*row];
        *row = -1;
        return check_report(c, "%s, block %u: %s %llu is in block %u by the id map", CHECK_FAMILIES[p->family],
                            p->entry->id, CHECK_TYPES[p->type], (unsigned long long)id, there);
    }
    c->seen[p->type][*row / 64] |= 1ull << *row % 64;
    return twice ? report_element(p, id, "is stored twice") : OSM3S_OK;
}

static int check_element(const place *p, const view *v, uint32_t slot)
{
    osm3s_check *c = p->c;
    uint64_t id = column_get(&v->id, slot);
    osm3s_bbox box = view_bbox(v, slot);
    bool is_node = p->type == OSM3S_NODE, placed = is_node ? box.south != OSM3S_NO_COORD : !bbox_is_empty(&box);
    uint64_t key = is_node ? order_key_of_position(box.south, box.west) : order_key_of_bbox(&box);
    ptrdiff_t row;
    int error = check_id(p, id, &row);
    c->counts[p->type]++;
    if (error == OSM3S_OK && (key < p->lowest || key > p->highest))
        error = report_element(p, id, "is outside of the key range of its block");
    if (error == OSM3S_OK && placed && (bbox_is_empty(&p->entry->bbox) || !bbox_covers(&p->entry->bbox, &box)))
        error = report_element(p, id, "is outside of the box of its block");
    if (p->family <= OSM3S_TAGGED_NODES && error == OSM3S_OK) {
        uint32_t from, to;
        view_tags(v, slot, &from, &to);
        if ((from < to) != (p->family == OSM3S_TAGGED_NODES))
            error = report_element(p, id, "has no tags, but is among the tagged nodes");
        if (row >= 0) {
            c->of[OSM3S_NODE].at[row].lat = box.south;
            c->of[OSM3S_NODE].at[row].lon = box.west;
        }
    }
    if (p->family == OSM3S_WAYS && error == OSM3S_OK)
        error = check_way(p, v, slot, row, id);
    if (p->family == OSM3S_RELATIONS && error == OSM3S_OK)
        error = check_relation(p, v, slot, id);
    if (!c->with_meta || error)
        return error;
    osm3s_meta m = view_meta(v, slot);
    if (m.timestamp > p->entry->newest && report_element(p, id, "is newer than its block says"))
        return OSM3S_NOMEM;
    return m.uid ? note_uid(c, m.uid) : OSM3S_OK;
}

/* --- one block --- */

static int report_block(const place *p, const char *part, const char *why)
{
    p->c->tags[p->block].unknown = true;
    return check_report(p->c, "%s, block %u%s: %s", CHECK_FAMILIES[p->family], p->entry->id, part, why);
}

/* A copy of a part's view with its metadata; reported if the part cannot be read. */
static int open_part(const place *p, const view *part, const char *name, const uint8_t *meta, size_t meta_len, view *out)
{
    osm3s_check *c = p->c;
    *out = *part;
    int error = meta_len ? view_attach_meta(out, meta, meta_len) : OSM3S_OK;
    if (error == OSM3S_OK && part->n)
        error = check_part(out, &c->nodes, &c->members);
    if (error == OSM3S_CORRUPT)
        return report_block(p, name, osm3s_last_error());
    return error;
}

int osm3s_check_block(osm3s_check *c, uint32_t block, const uint8_t *meta, size_t meta_len, const uint8_t *delta_meta,
                      size_t delta_meta_len)
{
    place p = {.c = c, .entry = osm3s_snapshot_entry(c->s, block), .block = block, .highest = UINT64_MAX};
    while (block >= osm3s_snapshot_first_block(c->s, p.family) + osm3s_snapshot_n_blocks(c->s, p.family))
        p.family++;
    p.type = p.family <= OSM3S_TAGGED_NODES ? OSM3S_NODE : p.family - 1;
    uint32_t first = osm3s_snapshot_first_block(c->s, p.family), end = first + osm3s_snapshot_n_blocks(c->s, p.family);
    if (block > first)
        p.lowest = p.entry->order_key;
    if (block + 1 < end)
        p.highest = osm3s_snapshot_entry(c->s, block + 1)->order_key;
    int error = osm3s_snapshot_check_block(c->s, block);
    if (error == OSM3S_CORRUPT)
        return report_block(&p, "", osm3s_last_error());
    if (error)
        return error;
    view base, delta;
    error = open_part(&p, snapshot_base(c->s, block), "", meta, meta_len, &base);
    if (error == OSM3S_OK && !c->tags[block].unknown)
        error = open_part(&p, snapshot_delta(c->s, block), ", delta", delta_meta, delta_meta_len, &delta);
    if (error || c->tags[block].unknown)
        return error;
    if (p.family != OSM3S_NODES && (error = check_note_tags(c, block, &base, &delta)))
        return error;
    const uint64_t *dead = snapshot_dead(c->s, block);
    for (uint32_t slot = 0; slot < base.n && error == OSM3S_OK; slot++)
        if (!(dead && dead[slot / 64] >> slot % 64 & 1))
            error = check_element(&p, &base, slot);
    for (uint32_t slot = 0; slot < delta.n && error == OSM3S_OK; slot++)
        error = check_element(&p, &delta, slot);
    return error;
}
