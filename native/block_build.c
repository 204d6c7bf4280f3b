/* block_build.c: elements -> the bytes of a block. Layout: block_format.h and FORMAT.md.
 *
 * Elements arrive in any order and leave sorted by id. While they arrive, tags are numbered in a dictionary of
 * (key, value) pairs and bodies are encoded; `finish` sorts everything and writes the columns. */
#include "block_format.h"
#include "internal.h"
#include "varint.h"

typedef struct {
    uint64_t id;
    int32_t lat, lon;
    osm3s_bbox bbox;
    uint32_t quad;
    osm3s_meta meta;
    uint32_t since, until;
    uint32_t tag_from, tag_to;
    size_t body_from, body_to;
    uint32_t ref_from, ref_to;
} element;

typedef struct {
    uint32_t key, key_len, value, value_len; /* into text */
    uint32_t hash, next;                     /* chain; number + 1 */
    uint32_t count;
} pair;

typedef struct {
    uint32_t text, len, hash, next;
} role;

struct osm3s_block_builder {
    int family, times;
    element *elements; size_t n, cap_elements;
    pair *pairs; size_t n_pairs, cap_pairs;
    role *roles; size_t n_roles, cap_roles;
    uint32_t *pair_head, *role_head;         /* hash tables of TABLE chains */
    char *text; size_t text_len, cap_text;
    uint32_t *tags; size_t n_tags, cap_tags; /* pair numbers, per element in order of arrival */
    way_node *nodes; size_t n_nodes, cap_nodes;
    member *members; size_t n_members, cap_members;
    uint8_t *body; size_t body_len, cap_body;
    uint32_t *order, *order_spare, *rank; size_t cap_order, cap_order_spare, cap_rank;
    uint64_t *values; size_t cap_values;
    uint8_t *out; size_t out_len, cap_out;
    uint8_t *meta; size_t meta_len, cap_meta;
};

enum { TABLE = 1 << 14 };

osm3s_block_builder *osm3s_block_builder_new(void)
{
    osm3s_block_builder *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->pair_head = calloc(TABLE, sizeof *b->pair_head);
    b->role_head = calloc(TABLE, sizeof *b->role_head);
    if (b->pair_head == NULL || b->role_head == NULL) {
        osm3s_block_builder_free(b);
        return NULL;
    }
    return b;
}

void osm3s_block_builder_free(osm3s_block_builder *b)
{
    if (b == NULL)
        return;
    void *owned[] = {b->elements, b->pairs, b->roles, b->pair_head, b->role_head, b->text, b->tags, b->nodes,
                     b->members, b->body, b->order, b->order_spare, b->rank, b->values, b->out, b->meta};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    free(b);
}

void osm3s_block_builder_start(osm3s_block_builder *b, int family)
{
    for (size_t i = 0; i < b->n_pairs; i++)
        b->pair_head[b->pairs[i].hash % TABLE] = 0;
    for (size_t i = 0; i < b->n_roles; i++)
        b->role_head[b->roles[i].hash % TABLE] = 0;
    b->family = family;
    b->times = OSM3S_TIMES_NONE;
    b->n = b->n_pairs = b->n_roles = b->text_len = b->n_tags = b->n_nodes = b->n_members = b->body_len = 0;
}

void osm3s_block_keep_times(osm3s_block_builder *b, int times)
{
    b->times = times;
}

void osm3s_block_set_times(osm3s_block_builder *b, uint32_t since, uint32_t until)
{
    b->elements[b->n - 1].since = since;
    b->elements[b->n - 1].until = until;
}

static uint32_t hash_bytes(uint32_t hash, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)s[i]) * 16777619u; /* FNV-1a */
    return hash;
}

static int add_text(osm3s_block_builder *b, const char *s, size_t len, uint32_t *at)
{
    if (b->text_len + len > UINT32_MAX / 2)
        return fail(OSM3S_LIMIT, "more than 2 GiB of strings in one block");
    if (grow(&b->text, &b->cap_text, b->text_len + len + 1, 1))
        return OSM3S_NOMEM;
    *at = (uint32_t)b->text_len;
    if (len)
        memcpy(b->text + b->text_len, s, len);
    b->text_len += len;
    return OSM3S_OK;
}

static int add_element(osm3s_block_builder *b, uint64_t id, osm3s_meta meta)
{
    if (b->n >= 65535)
        return fail(OSM3S_LIMIT, "more than 65535 elements in one block");
    if (grow(&b->elements, &b->cap_elements, b->n + 1, sizeof *b->elements))
        return OSM3S_NOMEM;
    element *e = &b->elements[b->n++];
    memset(e, 0, sizeof *e);
    e->id = id;
    e->meta = meta;
    e->since = meta.timestamp;
    e->until = OSM3S_FOREVER;
    e->bbox = (osm3s_bbox){1, 0, 0, 0};
    e->tag_from = e->tag_to = (uint32_t)b->n_tags;
    e->ref_from = e->ref_to = (uint32_t)(b->family == OSM3S_WAYS ? b->n_nodes : b->n_members);
    return OSM3S_OK;
}

int osm3s_block_add_node(osm3s_block_builder *b, uint64_t id, int32_t lat, int32_t lon, osm3s_meta meta)
{
    int error = add_element(b, id, meta);
    if (error)
        return error;
    element *e = &b->elements[b->n - 1];
    e->lat = lat;
    e->lon = lon;
    if (lat != OSM3S_NO_COORD)
        e->bbox = (osm3s_bbox){lat, lon, lat, lon};
    return OSM3S_OK;
}

int osm3s_block_add_way(osm3s_block_builder *b, uint64_t id, osm3s_meta meta)
{
    return add_element(b, id, meta);
}

int osm3s_block_add_relation(osm3s_block_builder *b, uint64_t id, osm3s_bbox bbox, uint32_t quad, osm3s_meta meta)
{
    int error = add_element(b, id, meta);
    if (error)
        return error;
    b->elements[b->n - 1].bbox = bbox;
    b->elements[b->n - 1].quad = quad;
    return OSM3S_OK;
}

int osm3s_block_add_tag(osm3s_block_builder *b, const char *key, size_t key_len, const char *value, size_t value_len)
{
    uint32_t hash = hash_bytes(hash_bytes(2166136261u, key, key_len) * 31, value, value_len);
    uint32_t number = b->pair_head[hash % TABLE];
    for (; number; number = b->pairs[number - 1].next) {
        const pair *p = &b->pairs[number - 1];
        if (p->hash == hash && p->key_len == key_len && p->value_len == value_len
            && memcmp(b->text + p->key, key, key_len) == 0 && memcmp(b->text + p->value, value, value_len) == 0)
            break;
    }
    if (number == 0) {
        if (b->n_pairs >= 65535)
            return fail(OSM3S_LIMIT, "more than 65535 different tags in one block");
        if (grow(&b->pairs, &b->cap_pairs, b->n_pairs + 1, sizeof *b->pairs))
            return OSM3S_NOMEM;
        pair *p = &b->pairs[b->n_pairs];
        *p = (pair){.key_len = (uint32_t)key_len, .value_len = (uint32_t)value_len, .hash = hash};
        int error = add_text(b, key, key_len, &p->key);
        if (error == OSM3S_OK)
            error = add_text(b, value, value_len, &p->value);
        if (error)
            return error;
        p->next = b->pair_head[hash % TABLE];
        number = (uint32_t)++b->n_pairs;
        b->pair_head[hash % TABLE] = number;
    }
    if (grow(&b->tags, &b->cap_tags, b->n_tags + 1, sizeof *b->tags))
        return OSM3S_NOMEM;
    b->tags[b->n_tags++] = number - 1;
    b->pairs[number - 1].count++;
    b->elements[b->n - 1].tag_to = (uint32_t)b->n_tags;
    return OSM3S_OK;
}

int osm3s_block_add_way_node(osm3s_block_builder *b, int64_t ref, int32_t lat, int32_t lon)
{
    if (grow(&b->nodes, &b->cap_nodes, b->n_nodes + 1, sizeof *b->nodes))
        return OSM3S_NOMEM;
    b->nodes[b->n_nodes++] = (way_node){ref, lat, lon};
    element *e = &b->elements[b->n - 1];
    e->ref_to = (uint32_t)b->n_nodes;
    if (lat == OSM3S_NO_COORD)
        return OSM3S_OK;
    if (e->bbox.south > e->bbox.north)
        e->bbox = (osm3s_bbox){lat, lon, lat, lon};
    if (lat < e->bbox.south) e->bbox.south = lat;
    if (lat > e->bbox.north) e->bbox.north = lat;
    if (lon < e->bbox.west) e->bbox.west = lon;
    if (lon > e->bbox.east) e->bbox.east = lon;
    return OSM3S_OK;
}

static int role_number(osm3s_block_builder *b, const char *text, size_t len, uint32_t *number)
{
    uint32_t hash = hash_bytes(2166136261u, text, len);
    for (*number = b->role_head[hash % TABLE]; *number; *number = b->roles[*number - 1].next) {
        const role *r = &b->roles[*number - 1];
        if (r->hash == hash && r->len == len && memcmp(b->text + r->text, text, len) == 0) {
            --*number;
            return OSM3S_OK;
        }
    }
    if (grow(&b->roles, &b->cap_roles, b->n_roles + 1, sizeof *b->roles))
        return OSM3S_NOMEM;
    role *r = &b->roles[b->n_roles];
    *r = (role){.len = (uint32_t)len, .hash = hash, .next = b->role_head[hash % TABLE]};
    int error = add_text(b, text, len, &r->text);
    if (error)
        return error;
    *number = (uint32_t)b->n_roles++;
    b->role_head[hash % TABLE] = (uint32_t)b->n_roles;
    return OSM3S_OK;
}

int osm3s_block_add_member(osm3s_block_builder *b, uint8_t type, int64_t ref, const char *text, size_t len)
{
    uint32_t number;
    int error = role_number(b, text, len, &number);
    if (error)
        return error;
    if (grow(&b->members, &b->cap_members, b->n_members + 1, sizeof *b->members))
        return OSM3S_NOMEM;
    b->members[b->n_members++] = (member){ref, number, type};
    b->elements[b->n - 1].ref_to = (uint32_t)b->n_members;
    return OSM3S_OK;
}

/* --- bodies --- */

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

/* --- bodies of attics: what has changed since the version before --- */

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

/* --- columns --- */

typedef struct {
    uint8_t **out;
    size_t *len, *cap;
} frame;

/* Append a column of n values (two's complement) to a frame and describe it. */
static int put_column(frame f, const uint64_t *values, size_t n, column_descriptor *d)
{
    int64_t low = 0, high = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t v = (int64_t)values[i];
        if (i == 0 || v < low) low = v;
        if (i == 0 || v > high) high = v;
    }
    uint64_t range = (uint64_t)high - (uint64_t)low;
    uint32_t width = 0;
    while (width < 8 && range >> (8 * width))
        width++;
    if (grow(f.out, f.cap, *f.len + n * width + 8, 1))
        return OSM3S_NOMEM;
    *d = (column_descriptor){(uint64_t)low, (uint32_t)*f.len, width};
    uint8_t *p = *f.out + *f.len;
    for (size_t i = 0; i < n; i++, p += width) {
        uint64_t v = values[i] - (uint64_t)low;
        memcpy(p, &v, 8); /* the next entry overwrites what is too much; room for the last is there */
    }
    *f.len += n * width;
    return OSM3S_OK;
}

static int pad(frame f, size_t zeros)
{
    if (grow(f.out, f.cap, *f.len + zeros, 1))
        return OSM3S_NOMEM;
    memset(*f.out + *f.len, 0, zeros);
    *f.len += zeros;
    return OSM3S_OK;
}

/* --- sorting --- */

static int compare_bytes(const char *a, size_t a_len, const char *c, size_t c_len)
{
    int order = memcmp(a, c, a_len < c_len ? a_len : c_len);
    return order ? order : (a_len > c_len) - (a_len < c_len);
}

static int compare_pairs(const void *left, const void *right, void *builder)
{
    const osm3s_block_builder *b = builder;
    const pair *l = &b->pairs[*(const uint32_t *)left], *r = &b->pairs[*(const uint32_t *)right];
    int order = compare_bytes(b->text + l->key, l->key_len, b->text + r->key, r->key_len);
    return order ? order : compare_bytes(b->text + l->value, l->value_len, b->text + r->value, r->value_len);
}

static int compare_numbers(const void *left, const void *right)
{
    uint32_t l = *(const uint32_t *)left, r = *(const uint32_t *)right;
    return (l > r) - (l < r);
}

static int order_pairs(osm3s_block_builder *b)
{
    if (grow(&b->rank, &b->cap_rank, b->n_pairs + 1, sizeof *b->rank))
        return OSM3S_NOMEM;
    for (size_t i = 0; i < b->n_pairs; i++)
        b->rank[i] = (uint32_t)i;
    if (b->n_pairs)
        qsort_r(b->rank, b->n_pairs, sizeof *b->rank, compare_pairs, b);
    return OSM3S_OK;
}

/* Order the elements by id: radix sort on the bytes in which ids differ, least significant first. */
static int order_elements(osm3s_block_builder *b)
{
    if (grow(&b->order, &b->cap_order, b->n + 1, sizeof *b->order)
        || grow(&b->order_spare, &b->cap_order_spare, b->n + 1, sizeof *b->order_spare))
        return OSM3S_NOMEM;
    uint64_t differing = 0;
    bool sorted = true;
    for (size_t i = 0; i < b->n; i++) {
        b->order[i] = (uint32_t)i;
        differing |= b->elements[i].id ^ b->elements[0].id;
        sorted = sorted && (i == 0 || b->elements[i - 1].id <= b->elements[i].id);
    }
    for (int shift = 0; shift < 64 && !sorted; shift += 8) {
        uint32_t count[256] = {0}, start = 0;
        if ((differing >> shift & 255) == 0)
            continue;
        for (size_t i = 0; i < b->n; i++)
            count[b->elements[i].id >> shift & 255]++;
        for (int digit = 0; digit < 256; digit++) {
            uint32_t here = count[digit];
            count[digit] = start;
            start += here;
        }
        for (size_t i = 0; i < b->n; i++)
            b->order_spare[count[b->elements[b->order[i]].id >> shift & 255]++] = b->order[i];
        uint32_t *swap = b->order;
        b->order = b->order_spare;
        b->order_spare = swap;
        size_t swap_cap = b->cap_order;
        b->cap_order = b->cap_order_spare;
        b->cap_order_spare = swap_cap;
    }
    return OSM3S_OK;
}

/* --- the head --- */

typedef struct {
    osm3s_block_builder *b;
    frame out;
    column_descriptor descriptors[OSM3S_COLUMNS];
    uint32_t columns;
    int error;
} head;

/* Put the n values prepared in b->values as column `c`. */
static void put_values(head *h, int c, size_t n)
{
    if (h->error == OSM3S_OK)
        h->error = put_column(h->out, h->b->values, n, &h->descriptors[c]);
    h->columns |= 1u << c;
}

static void put_tag_columns(head *h, block_header *header)
{
    osm3s_block_builder *b = h->b;
    uint64_t *values = b->values;
    size_t n = 0, text = 0;
    const pair *last = NULL;
    /* strings: keys and values in the order of the pairs */
    for (size_t i = 0; i < b->n_pairs; i++) {
        const pair *p = &b->pairs[b->rank[i]];
        if (last && compare_bytes(b->text + last->key, last->key_len, b->text + p->key, p->key_len) == 0)
            continue;
        values[n++] = text;
        text += p->key_len;
        last = p;
    }
    header->n_keys = (uint32_t)n;
    header->n_pairs = (uint32_t)b->n_pairs;
    values[n] = text;
    put_values(h, OSM3S_COL_KEY_START, n + 1);
    n = 0;
    last = NULL;
    for (size_t i = 0; i < b->n_pairs; i++) {
        const pair *p = &b->pairs[b->rank[i]];
        if (last == NULL || compare_bytes(b->text + last->key, last->key_len, b->text + p->key, p->key_len))
            values[n++] = i;
        last = p;
    }
    values[n] = b->n_pairs;
    put_values(h, OSM3S_COL_KEY_PAIR, n + 1);
    for (size_t i = 0; i < b->n_pairs; i++) {
        values[i] = text;
        text += b->pairs[b->rank[i]].value_len;
    }
    values[b->n_pairs] = text;
    put_values(h, OSM3S_COL_VALUE_START, b->n_pairs + 1);
    /* postings: reuse `next` as the write position of each pair, `hash` as its rank */
    uint64_t start = 0;
    for (size_t i = 0; i < b->n_pairs; i++) {
        pair *p = &b->pairs[b->rank[i]];
        values[i] = start;
        p->next = (uint32_t)start;
        start += p->count;
    }
    values[b->n_pairs] = start;
    put_values(h, OSM3S_COL_POSTING_START, b->n_pairs + 1);
    for (size_t slot = 0; slot < b->n; slot++) {
        const element *e = &b->elements[b->order[slot]];
        for (uint32_t t = e->tag_from; t < e->tag_to; t++)
            values[b->pairs[b->tags[t]].next++] = slot;
    }
    put_values(h, OSM3S_COL_POSTING, b->n_tags);
    start = 0;
    for (size_t slot = 0; slot < b->n; slot++) {
        values[slot] = start;
        start += b->elements[b->order[slot]].tag_to - b->elements[b->order[slot]].tag_from;
    }
    values[b->n] = start;
    put_values(h, OSM3S_COL_TAG_START, b->n + 1);
    for (size_t i = 0; i < b->n_pairs; i++)
        b->pairs[b->rank[i]].count = (uint32_t)i; /* from here on: the rank */
    n = 0;
    for (size_t slot = 0; slot < b->n; slot++) {
        const element *e = &b->elements[b->order[slot]];
        for (uint32_t t = e->tag_from; t < e->tag_to; t++)
            b->tags[t] = b->pairs[b->tags[t]].count;
        if (e->tag_to > e->tag_from + 1)
            qsort(b->tags + e->tag_from, e->tag_to - e->tag_from, sizeof *b->tags, compare_numbers);
        for (uint32_t t = e->tag_from; t < e->tag_to; t++)
            values[n++] = b->tags[t];
    }
    put_values(h, OSM3S_COL_TAG, n);
}

static void put_role_column(head *h, size_t text)
{
    osm3s_block_builder *b = h->b;
    for (size_t i = 0; i < b->n_roles; i++) {
        b->values[i] = text;
        text += b->roles[i].len;
    }
    b->values[b->n_roles] = text;
    put_values(h, OSM3S_COL_ROLE_START, b->n_roles + 1);
}

static size_t strings_of_tags(const osm3s_block_builder *b, uint8_t *out)
{
    size_t len = 0;
    const pair *last = NULL;
    for (size_t i = 0; i < b->n_pairs; i++) {
        const pair *p = &b->pairs[b->rank[i]];
        if (last && compare_bytes(b->text + last->key, last->key_len, b->text + p->key, p->key_len) == 0)
            continue;
        if (out)
            memcpy(out + len, b->text + p->key, p->key_len);
        len += p->key_len;
        last = p;
    }
    for (size_t i = 0; i < b->n_pairs; i++) {
        const pair *p = &b->pairs[b->rank[i]];
        if (out)
            memcpy(out + len, b->text + p->value, p->value_len);
        len += p->value_len;
    }
    return len;
}

static int encode_bodies(osm3s_block_builder *b)
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

#define COLUMN(number, expression)                                                                                     \
    do {                                                                                                               \
        for (size_t slot = 0; slot < b->n; slot++) {                                                                   \
            const element *e = &b->elements[b->order[slot]];                                                           \
            b->values[slot] = (uint64_t)(expression);                                                                  \
        }                                                                                                              \
        put_values(&h, number, b->n);                                                                                  \
    } while (0)

/* Behind the head: the records, then the times. */
static int put_body(head *h)
{
    osm3s_block_builder *b = h->b;
    if (grow(&b->out, &b->cap_out, b->out_len + b->body_len, 1))
        return h->error = OSM3S_NOMEM;
    if (b->body_len)
        memcpy(b->out + b->out_len, b->body, b->body_len);
    b->out_len += b->body_len;
    for (int c = OSM3S_COL_SINCE; c <= OSM3S_COL_UNTIL; c++) {
        if (c - OSM3S_COL_SINCE >= b->times)
            break;
        for (size_t slot = 0; slot < b->n; slot++) {
            const element *e = &b->elements[b->order[slot]];
            b->values[slot] = c == OSM3S_COL_SINCE ? e->since : e->until;
        }
        put_values(h, c, b->n);
    }
    if (h->error == OSM3S_OK && b->times != OSM3S_TIMES_NONE)
        h->error = pad(h->out, FRAME_PADDING);
    return h->error;
}

/* Head and body; their lengths into out_lens. */
static int put_block(osm3s_block_builder *b, uint32_t out_lens[2])
{
    frame out = {&b->out, &b->out_len, &b->cap_out};
    head h = {.b = b, .out = out};
    block_header header = {.magic = BLOCK_MAGIC, .family = (uint8_t)b->family, .n = (uint32_t)b->n};
    uint32_t columns = 1u << OSM3S_COL_ID;
    bool nodes = b->family <= OSM3S_TAGGED_NODES, tags = b->family != OSM3S_NODES;
    columns |= nodes ? 3u << OSM3S_COL_LAT : 15u << OSM3S_COL_SOUTH | 1u << OSM3S_COL_BODY_START;
    if (b->family == OSM3S_RELATIONS)
        columns |= 1u << OSM3S_COL_QUAD | 1u << OSM3S_COL_ROLE_START;
    if (tags)
        columns |= 127u << OSM3S_COL_KEY_START;
    if (b->times != OSM3S_TIMES_NONE)
        columns |= 1u << OSM3S_COL_SINCE;
    if (b->times == OSM3S_TIMES_BOTH)
        columns |= 1u << OSM3S_COL_UNTIL;
    header.columns = columns;
    header.n_descriptors = (uint32_t)__builtin_popcount(columns);
    b->out_len = 0;
    if (pad(out, sizeof header + header.n_descriptors * sizeof(column_descriptor)))
        return OSM3S_NOMEM;

    COLUMN(OSM3S_COL_ID, e->id);
    if (nodes) {
        COLUMN(OSM3S_COL_LAT, (int64_t)e->lat);
        COLUMN(OSM3S_COL_LON, (int64_t)e->lon);
    } else {
        COLUMN(OSM3S_COL_SOUTH, (int64_t)e->bbox.south);
        COLUMN(OSM3S_COL_WEST, (int64_t)e->bbox.west);
        COLUMN(OSM3S_COL_NORTH, (int64_t)e->bbox.north);
        COLUMN(OSM3S_COL_EAST, (int64_t)e->bbox.east);
    }
    size_t text = tags ? strings_of_tags(b, NULL) : 0;
    if (b->family == OSM3S_RELATIONS)
        COLUMN(OSM3S_COL_QUAD, e->quad);
    if (tags)
        put_tag_columns(&h, &header);
    if (b->family == OSM3S_RELATIONS) {
        header.n_roles = (uint32_t)b->n_roles;
        put_role_column(&h, text);
    }
    if (!nodes) {
        for (size_t slot = 0; slot < b->n; slot++)
            b->values[slot] = b->elements[b->order[slot]].body_from;
        b->values[b->n] = b->body_len;
        put_values(&h, OSM3S_COL_BODY_START, b->n + 1);
    }
    if (h.error)
        return h.error;

    size_t role_text = 0;
    for (size_t i = 0; i < b->n_roles; i++)
        role_text += b->roles[i].len;
    header.strings = (uint32_t)b->out_len;
    header.strings_len = (uint32_t)(text + role_text);
    if (grow(&b->out, &b->cap_out, b->out_len + text + role_text, 1))
        return OSM3S_NOMEM;
    if (tags)
        strings_of_tags(b, b->out + b->out_len);
    b->out_len += text;
    for (size_t i = 0; i < b->n_roles; i++) {
        if (b->roles[i].len)
            memcpy(b->out + b->out_len, b->text + b->roles[i].text, b->roles[i].len);
        b->out_len += b->roles[i].len;
    }
    if (pad(out, FRAME_PADDING + (8 - (b->out_len + FRAME_PADDING) % 8) % 8))
        return OSM3S_NOMEM;
    if (b->out_len > UINT32_MAX / 2)
        return fail(OSM3S_LIMIT, "a block head of more than 2 GiB");
    size_t head_len = b->out_len;
    if (put_body(&h))
        return h.error;
    out_lens[0] = (uint32_t)head_len;
    out_lens[1] = (uint32_t)(b->out_len - head_len);
    uint8_t *p = b->out;
    memcpy(p, &header, sizeof header);
    p += sizeof header;
    for (int c = 0; c < OSM3S_COLUMNS; c++)
        if (columns >> c & 1) {
            memcpy(p, &h.descriptors[c], sizeof *h.descriptors);
            p += sizeof *h.descriptors;
        }
    return OSM3S_OK;
}

/* --- the meta frame --- */

static bool same_triple(const osm3s_meta *a, const osm3s_meta *c)
{
    return a->timestamp == c->timestamp && a->changeset == c->changeset && a->uid == c->uid;
}

static int put_meta(osm3s_block_builder *b)
{
    frame out = {&b->meta, &b->meta_len, &b->cap_meta};
    column_descriptor descriptors[META_COLUMNS];
    uint64_t *values = b->values;
    bool any = false;
    b->meta_len = 0;
    for (size_t i = 0; i < b->n; i++) {
        const osm3s_meta *m = &b->elements[i].meta;
        any |= m->version || m->timestamp || m->changeset || m->uid;
    }
    if (!any)
        return OSM3S_OK;
    if (pad(out, sizeof(meta_header) + sizeof descriptors))
        return OSM3S_NOMEM;
    for (size_t i = 0; i < b->n; i++)
        values[i] = b->elements[b->order[i]].meta.version;
    int error = put_column(out, values, b->n, &descriptors[META_VERSION]);
    /* number the distinct triples in order of appearance; pair_head is free now and serves as the hash table */
    memset(b->pair_head, 0, TABLE * sizeof *b->pair_head);
    if (grow(&b->rank, &b->cap_rank, b->n, sizeof *b->rank))
        return OSM3S_NOMEM;
    uint32_t n_triples = 0;
    for (size_t i = 0; i < b->n; i++) {
        const osm3s_meta *m = &b->elements[b->order[i]].meta;
        uint32_t at = ((m->changeset * 31 + m->timestamp) * 2654435761u + (uint32_t)m->uid) % TABLE;
        /* linear probing; a full table (only in blocks of over 16 k elements) just stops finding duplicates */
        uint32_t probes = 0;
        while (b->pair_head[at] && probes < 64
               && !same_triple(m, &b->elements[b->rank[b->pair_head[at] - 1]].meta)) {
            at = (at + 1) % TABLE;
            probes++;
        }
        if (b->pair_head[at] == 0 || probes == 64) {
            b->rank[n_triples++] = b->order[i];
            b->pair_head[at] = n_triples;
        }
        values[i] = b->pair_head[at] - 1;
    }
    memset(b->pair_head, 0, TABLE * sizeof *b->pair_head);
    if (error == OSM3S_OK)
        error = put_column(out, values, b->n, &descriptors[META_INDEX]);
    for (int c = META_TIMESTAMP; c <= META_UID && error == OSM3S_OK; c++) {
        for (size_t i = 0; i < n_triples; i++) {
            const osm3s_meta *m = &b->elements[b->rank[i]].meta;
            values[i] = c == META_TIMESTAMP ? m->timestamp : c == META_CHANGESET ? m->changeset
                                                           : (uint64_t)(int64_t)m->uid;
        }
        error = put_column(out, values, n_triples, &descriptors[c]);
    }
    if (error)
        return error;
    meta_header header = {META_MAGIC, (uint32_t)b->n, n_triples, 0};
    memcpy(b->meta, &header, sizeof header);
    memcpy(b->meta + sizeof header, descriptors, sizeof descriptors);
    return pad(out, FRAME_PADDING);
}

int osm3s_block_finish(osm3s_block_builder *b, osm3s_block *out)
{
    memset(out, 0, sizeof *out);
    uint32_t lens[2] = {0, 0};
    size_t most = b->n + 1;
    size_t counts[] = {b->n_pairs + 1, b->n_tags, b->n_roles + 1};
    for (int i = 0; i < 3; i++)
        most = counts[i] > most ? counts[i] : most;
    if (grow(&b->values, &b->cap_values, most, sizeof *b->values))
        return OSM3S_NOMEM;
    int error = order_elements(b);
    if (error == OSM3S_OK)
        error = order_pairs(b);
    if (error == OSM3S_OK && b->family >= OSM3S_WAYS)
        error = encode_bodies(b);
    if (error == OSM3S_OK)
        error = put_block(b, lens);
    if (error == OSM3S_OK)
        error = put_meta(b);
    if (error)
        return error;
    out->head_len = lens[0];
    out->body_len = lens[1];
    out->block = b->out;
    out->meta = b->meta;
    out->meta_len = (uint32_t)b->meta_len;
    out->n = (uint32_t)b->n;
    out->bbox = (osm3s_bbox){1, 0, 0, 0};
    for (size_t i = 0; i < b->n; i++) {
        const osm3s_bbox *box = &b->elements[i].bbox;
        const element *e = &b->elements[i];
        uint32_t newest = b->times == OSM3S_TIMES_NONE ? e->meta.timestamp
                          : b->times == OSM3S_TIMES_BOTH && e->until != OSM3S_FOREVER ? e->until : e->since;
        if (newest > out->newest)
            out->newest = newest;
        if (b->times != OSM3S_TIMES_NONE && (i == 0 || e->since < out->oldest))
            out->oldest = e->since;
        if (box->south > box->north)
            continue;
        if (out->bbox.south > out->bbox.north)
            out->bbox = *box;
        if (box->south < out->bbox.south) out->bbox.south = box->south;
        if (box->north > out->bbox.north) out->bbox.north = box->north;
        if (box->west < out->bbox.west) out->bbox.west = box->west;
        if (box->east > out->bbox.east) out->bbox.east = box->east;
    }
    return OSM3S_OK;
}
