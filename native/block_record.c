/* block_record.c: the record of a way, of a relation: what a block's body has of an element. In attics it says what has
 * changed since the version before. Layout: FORMAT.md. */
#include "block_builder.h"
#include "varint.h"

/* A way: n * 2 + has_gaps; with gaps, a bitmap of the nodes without position; refs as differences; then latitudes and
 * longitudes of the known nodes as differences, the first against the south-west corner of the way's bbox. */
static uint8_t *put_way(uint8_t *p, const element *e, const way_node *nodes)
{
    uint32_t n = e->ref_to - e->ref_from;
    bool gaps = false;
    for (uint32_t i = 0; i < n; i++)
        gaps |= nodes[i].lat == OSM3S_NO_COORD;
    p = varint_put(p, (uint64_t)n * 2 + gaps);
    if (gaps) {
        memset(p, 0, (n + 7) / 8);
        for (uint32_t i = 0; i < n; i++)
            if (nodes[i].lat == OSM3S_NO_COORD)
                p[i / 8] |= (uint8_t)(1 << i % 8);
        p += (n + 7) / 8;
    }
    int64_t ref = 0;
    for (uint32_t i = 0; i < n; i++) {
        p = varint_put(p, zigzag((int64_t)((uint64_t)nodes[i].ref - (uint64_t)ref)));
        ref = nodes[i].ref;
    }
    int64_t lat = e->bbox.south, lon = e->bbox.west;
    for (uint32_t i = 0; i < n; i++) {
        if (nodes[i].lat == OSM3S_NO_COORD)
            continue;
        p = varint_put(p, zigzag(nodes[i].lat - lat));
        p = varint_put(p, zigzag(nodes[i].lon - lon));
        lat = nodes[i].lat;
        lon = nodes[i].lon;
    }
    return p;
}

/* A relation: number of members; per member role * 4 + type, then the ref as difference to the last of its type. */
static uint8_t *put_relation(uint8_t *p, const element *e, const member *members)
{
    uint32_t n = e->ref_to - e->ref_from;
    int64_t last[4] = {0};
    p = varint_put(p, n);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t type = members[i].type & 3;
        p = varint_put(p, (uint64_t)members[i].role * 4 + type);
        p = varint_put(p, zigzag((int64_t)((uint64_t)members[i].ref - (uint64_t)last[type])));
        last[type] = members[i].ref;
    }
    return p;
}

/* --- attics --- */

enum { LONGEST_CHAIN = 32 }; /* so many records are decoded at most to get one more */

static bool same_node(const way_node *a, const way_node *c)
{
    return a->ref == c->ref && a->lat == c->lat && a->lon == c->lon;
}

static bool same_member(const member *a, const member *c)
{
    return a->ref == c->ref && a->role == c->role && a->type == c->type;
}

static bool same_refs(const way_node *nodes, const way_node *before, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (nodes[i].ref != before[i].ref || (nodes[i].lat == OSM3S_NO_COORD) != (before[i].lat == OSM3S_NO_COORD))
            return false;
    return true;
}

/* The number of nodes that have moved; per node the distance to the one before in the list, and by how much it moved. */
static uint8_t *put_moved(uint8_t *p, const way_node *nodes, const way_node *before, uint32_t n)
{
    uint32_t moved = 0, last = 0;
    for (uint32_t i = 0; i < n; i++)
        moved += !same_node(&nodes[i], &before[i]);
    if (moved == 0)
        return p;
    *p++ = RECORD_MOVED;
    p = varint_put(p, moved);
    for (uint32_t i = 0; i < n; i++) {
        if (same_node(&nodes[i], &before[i]))
            continue;
        p = varint_put(p, i - last);
        p = varint_put(p, zigzag((int64_t)nodes[i].lat - before[i].lat));
        p = varint_put(p, zigzag((int64_t)nodes[i].lon - before[i].lon));
        last = i;
    }
    return p;
}

/* Nodes or members `from` to `to` of an element, each by itself. */
static uint8_t *put_stretch(const osm3s_block_builder *b, uint8_t *p, uint32_t from, uint32_t to)
{
    int64_t ref = 0, lat = 0, lon = 0;
    for (uint32_t i = from; i < to; i++) {
        if (b->family == OSM3S_RELATIONS) {
            p = varint_put(p, (uint64_t)b->members[i].role * 4 + (b->members[i].type & 3));
            p = varint_put(p, zigzag((int64_t)((uint64_t)b->members[i].ref - (uint64_t)ref)));
            ref = b->members[i].ref;
            continue;
        }
        const way_node *node = &b->nodes[i];
        p = varint_put(p, zigzag((int64_t)((uint64_t)node->ref - (uint64_t)ref)));
        ref = node->ref;
        p = varint_put(p, node->lat == OSM3S_NO_COORD ? 0 : zigzag(node->lat - lat) + 1);
        if (node->lat == OSM3S_NO_COORD)
            continue;
        p = varint_put(p, zigzag(node->lon - lon));
        lat = node->lat;
        lon = node->lon;
    }
    return p;
}

/* How many items at the beginning stay, how many at the end, how many lie between them now, and those. NULL: so few stay
 * that a record by itself is better. */
static uint8_t *put_splice(const osm3s_block_builder *b, uint8_t *p, const element *e, const element *before)
{
    uint32_t n = e->ref_to - e->ref_from, n_before = before->ref_to - before->ref_from;
    uint32_t least = n < n_before ? n : n_before, head = 0, tail = 0;
    bool ways = b->family == OSM3S_WAYS;
    while (head < least && (ways ? same_node(&b->nodes[e->ref_from + head], &b->nodes[before->ref_from + head])
                                 : same_member(&b->members[e->ref_from + head], &b->members[before->ref_from + head])))
        head++;
    while (tail < least - head
           && (ways ? same_node(&b->nodes[e->ref_to - tail - 1], &b->nodes[before->ref_to - tail - 1])
                    : same_member(&b->members[e->ref_to - tail - 1], &b->members[before->ref_to - tail - 1])))
        tail++;
    if (head == n && n == n_before)
        return p;
    if ((uint64_t)head + tail < n / 2 + 1)
        return NULL;
    *p++ = RECORD_SPLICED;
    p = varint_put(p, head);
    p = varint_put(p, tail);
    p = varint_put(p, n - head - tail);
    return put_stretch(b, p, e->ref_from + head, e->ref_to - tail);
}

/* A record as the difference to that of the version before; NULL: it must stand by itself. */
static uint8_t *put_difference(const osm3s_block_builder *b, uint8_t *p, const element *e, const element *before)
{
    uint32_t n = e->ref_to - e->ref_from;
    if (e->id != before->id || n == 0 || before->ref_to == before->ref_from)
        return NULL;
    if (b->family == OSM3S_WAYS && n == before->ref_to - before->ref_from
        && same_refs(b->nodes + e->ref_from, b->nodes + before->ref_from, n))
        return put_moved(p, b->nodes + e->ref_from, b->nodes + before->ref_from, n);
    return put_splice(b, p, e, before);
}

/* --- all of a block --- */

int block_put_records(osm3s_block_builder *b)
{
    uint32_t chain = 0;
    b->body_len = 0;
    for (size_t slot = 0; slot < b->n; slot++) {
        element *e = &b->elements[b->order[slot]];
        size_t n = e->ref_to - e->ref_from;
        if (grow(&b->body, &b->cap_body, b->body_len + 32 + n * 32, 1))
            return OSM3S_NOMEM;
        uint8_t *start = b->body + b->body_len, *p = NULL;
        if (b->times == OSM3S_TIMES_BOTH && slot && chain < LONGEST_CHAIN)
            p = put_difference(b, start, e, &b->elements[b->order[slot - 1]]);
        chain = p ? chain + 1 : 0;
        if (p == NULL)
            p = b->family == OSM3S_WAYS ? put_way(start, e, b->nodes + e->ref_from)
                                        : put_relation(start, e, b->members + e->ref_from);
        e->body_from = b->body_len;
        b->body_len = e->body_to = (size_t)(p - b->body);
    }
    if (b->body_len > UINT32_MAX / 2)
        return fail(OSM3S_LIMIT, "a block body of more than 2 GiB");
    return OSM3S_OK;
}
