/* block_view.c: reading the bytes of a block. Layout: block_format.h and FORMAT.md. */
#include "block_format.h"
#include "internal.h"
#include "varint.h"

/* Fill a column of n entries from its descriptor; false if it reaches out of the frame. */
static bool open_column(column *c, const uint8_t *frame, size_t frame_len, const uint8_t *descriptor, uint32_t n)
{
    column_descriptor d;
    memcpy(&d, descriptor, sizeof d);
    if (d.width > 8 || d.offset > frame_len || (uint64_t)n * d.width + FRAME_PADDING > frame_len - d.offset)
        return false;
    *c = (column){.data = frame + d.offset, .base = d.base, .width = d.width, .n = n,
                  .mask = d.width == 8 ? UINT64_MAX : (1ull << (8 * d.width)) - 1};
    return true;
}

int view_open(view *v, const uint8_t *data, size_t head_len, size_t body_len)
{
    block_header header;
    memset(v, 0, sizeof *v);
    if (head_len < sizeof header + FRAME_PADDING)
        return fail(OSM3S_CORRUPT, "block head of %zu bytes is too short", head_len);
    memcpy(&header, data, sizeof header);
    if (header.magic != BLOCK_MAGIC || header.family >= OSM3S_FAMILIES || header.n > 65535)
        return fail(OSM3S_CORRUPT, "not a block: magic %08x, family %u, %u elements", header.magic, header.family, header.n);
    uint32_t columns = header.columns;
    size_t descriptors = (size_t)__builtin_popcount(columns) * sizeof(column_descriptor);
    if (columns >> OSM3S_COLUMNS || sizeof header + descriptors + FRAME_PADDING > head_len
        || header.strings > head_len || header.strings_len > head_len - header.strings
        || header.n_pairs > 65535 || header.n_keys > header.n_pairs || header.n_roles > head_len)
        return fail(OSM3S_CORRUPT, "block header is damaged");
    const uint32_t times = 3u << OSM3S_COL_SINCE;
    uint32_t needed = 1u << OSM3S_COL_ID | (header.family <= OSM3S_TAGGED_NODES ? 3u << OSM3S_COL_LAT
                                            : 15u << OSM3S_COL_SOUTH | 1u << OSM3S_COL_BODY_START);
    if (header.family != OSM3S_NODES)
        needed |= 127u << OSM3S_COL_KEY_START;
    if (header.family == OSM3S_RELATIONS)
        needed |= 1u << OSM3S_COL_QUAD | 1u << OSM3S_COL_ROLE_START;
    if ((columns & ~times) != needed || (columns & times) == 1u << OSM3S_COL_UNTIL)
        return fail(OSM3S_CORRUPT, "a block of family %u has columns %x", header.family, columns);
    if (header.family == OSM3S_NODES && header.n_pairs)
        return fail(OSM3S_CORRUPT, "a block of untagged nodes has tags");
    v->family = header.family;
    v->n = header.n;
    v->n_keys = header.n_keys;
    v->n_pairs = header.n_pairs;
    v->n_roles = header.n_roles;
    v->strings = (const char *)data + header.strings;
    v->strings_len = header.strings_len;
    v->body = data + head_len;
    v->body_len = body_len;

    column *into[OSM3S_COLUMNS] = {&v->id, &v->lat, &v->lon, &v->south, &v->west, &v->north, &v->east, &v->quad,
                                   &v->key_start, &v->key_pair, &v->value_start, &v->posting_start, &v->posting,
                                   &v->tag_start, &v->tag, &v->role_start, &v->body_start, &v->since, &v->until};
    uint32_t n = header.n;
    uint32_t counts[OSM3S_COLUMNS] = {n, n, n, n, n, n, n, n, header.n_keys + 1, header.n_keys + 1, header.n_pairs + 1,
                                      header.n_pairs + 1, 0, n + 1, 0, header.n_roles + 1, n + 1, n, n};
    const uint8_t *descriptor = data + sizeof header;
    for (int c = 0; c < OSM3S_COLUMNS; c++) {
        if (!(columns >> c & 1))
            continue;
        if (c == OSM3S_COL_POSTING) {
            uint64_t total = column_get(&v->posting_start, header.n_pairs);
            if (total > head_len * 8)
                return fail(OSM3S_CORRUPT, "block has %llu postings", (unsigned long long)total);
            counts[OSM3S_COL_POSTING] = counts[OSM3S_COL_TAG] = (uint32_t)total;
        }
        size_t frame_len = c < OSM3S_COL_SINCE ? head_len : head_len + body_len;
        if (!open_column(into[c], data, frame_len, descriptor, counts[c]))
            return fail(OSM3S_CORRUPT, "column %d of a block reaches out of its frame", c);
        descriptor += sizeof(column_descriptor);
    }
    v->records_len = v->since.n ? (size_t)(v->since.data - v->body) : body_len;
    if (v->since.n && v->since.data < v->body)
        return fail(OSM3S_CORRUPT, "the times of a block are not behind its records");
    return OSM3S_OK;
}

int view_attach_meta(view *v, const uint8_t *data, size_t len)
{
    meta_header header;
    if (len < sizeof header + META_COLUMNS * sizeof(column_descriptor) + FRAME_PADDING)
        return fail(OSM3S_CORRUPT, "meta frame of %zu bytes is too short", len);
    memcpy(&header, data, sizeof header);
    if (header.magic != META_MAGIC || header.n != v->n)
        return fail(OSM3S_CORRUPT, "not the meta frame of this block");
    column *into[META_COLUMNS] = {&v->version, &v->meta_index, &v->timestamp, &v->changeset, &v->uid};
    for (int c = 0; c < META_COLUMNS; c++) {
        uint32_t n = c <= META_INDEX ? header.n : header.n_triples;
        const uint8_t *descriptor = data + sizeof header + (size_t)c * sizeof(column_descriptor);
        if (!open_column(into[c], data, len, descriptor, n))
            return fail(OSM3S_CORRUPT, "column %d of a meta frame reaches out of it", c);
    }
    v->has_meta = true;
    return OSM3S_OK;
}

ptrdiff_t view_find(const view *v, uint64_t id)
{
    size_t low = 0, high = v->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (column_get(&v->id, middle) < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < v->n && column_get(&v->id, low) == id ? (ptrdiff_t)low : -1;
}

osm3s_meta view_meta(const view *v, uint32_t slot)
{
    if (!v->has_meta || slot >= v->version.n)
        return (osm3s_meta){0, 0, 0, 0};
    uint64_t triple = column_get(&v->meta_index, slot);
    osm3s_meta m = {.version = (uint32_t)column_get(&v->version, slot)};
    if (triple < v->timestamp.n) {
        m.timestamp = (uint32_t)column_get(&v->timestamp, triple);
        m.changeset = (uint32_t)column_get(&v->changeset, triple);
        m.uid = (int32_t)column_get(&v->uid, triple);
    }
    return m;
}

/* The body record of a slot; false if it reaches out of the body. */
static bool body_of(const view *v, uint32_t slot, const uint8_t **from, const uint8_t **to)
{
    if (slot + 1 >= v->body_start.n)
        return false;
    uint64_t start = column_get(&v->body_start, slot), end = column_get(&v->body_start, slot + 1);
    if (start > end || end > v->body_len)
        return false;
    *from = v->body + start;
    *to = v->body + end;
    return true;
}

/* The slot whose record is whole, on which that of a slot builds: itself but in an attic; false if there is none. */
static bool whole_record(const view *v, uint32_t slot, uint32_t *whole)
{
    const uint8_t *from, *to;
    for (*whole = slot; body_of(v, *whole, &from, &to); --*whole) {
        bool differs = from == to || (*from == RECORD_SPLICED && to - from > 1)
                       || (*from == RECORD_MOVED && v->family == OSM3S_WAYS);
        if (!differs)
            return true;
        if (*whole == 0 || column_get(&v->id, *whole) != column_get(&v->id, *whole - 1))
            return false;
    }
    return false;
}

/* Make room for `inserted` items of a size between the first `head` and the last `tail` of an array of n; false if there
 * are not as many. */
static bool splice(void *array, size_t *cap, size_t *n, size_t size, uint64_t head, uint64_t tail, uint64_t inserted)
{
    uint8_t **items = array;
    if (head > *n || tail > *n - head || grow(array, cap, head + inserted + tail, size))
        return false;
    memmove(*items + (head + inserted) * size, *items + (*n - tail) * size, tail * size);
    *n = head + inserted + tail;
    return true;
}

/* The three numbers at the beginning of a spliced record; where the items follow, or NULL. */
static const uint8_t *splice_numbers(const uint8_t *p, const uint8_t *end, uint64_t *head, uint64_t *tail, uint64_t *inserted)
{
    if ((p = varint_get(p + 1, end, head)) && (p = varint_get(p, end, tail)) && (p = varint_get(p, end, inserted)))
        return *inserted <= (uint64_t)(end - p) ? p : NULL;
    return NULL;
}

/* The refs of a way into out->items; *p: where the coordinates start; *missing: the bitmap of unknown nodes, or NULL. */
static int read_refs(const view *v, uint32_t slot, way_nodes *out, const uint8_t **at, const uint8_t **to,
                     const uint8_t **missing)
{
    const uint8_t *p, *end;
    uint64_t n = 0, delta = 0;
    out->n = 0;
    if (!body_of(v, slot, &p, &end) || (p = varint_get(p, end, &n)) == NULL)
        return fail(OSM3S_CORRUPT, "a way record is damaged");
    bool gaps = n & 1;
    n >>= 1;
    *missing = gaps ? p : NULL;
    if (n > (uint64_t)(end - p) || (gaps && (n + 7) / 8 > (uint64_t)(end - p)))
        return fail(OSM3S_CORRUPT, "a way record is damaged");
    if (gaps)
        p += (n + 7) / 8;
    if (grow(&out->items, &out->cap, n, sizeof *out->items))
        return OSM3S_NOMEM;
    uint64_t ref = 0;
    for (uint64_t i = 0; i < n; i++) {
        if ((p = varint_get(p, end, &delta)) == NULL)
            return fail(OSM3S_CORRUPT, "a way record is damaged");
        ref += (uint64_t)unzigzag(delta);
        out->items[i].ref = (int64_t)ref;
    }
    out->n = n;
    *at = p;
    *to = end;
    return OSM3S_OK;
}

int view_way_refs(const view *v, uint32_t slot, way_nodes *out)
{
    const uint8_t *p, *end, *missing;
    uint32_t whole;
    out->n = 0;
    if (!whole_record(v, slot, &whole))
        return fail(OSM3S_CORRUPT, "a way record is damaged");
    return whole < slot ? view_way_nodes(v, slot, out) : read_refs(v, whole, out, &p, &end, &missing);
}

static bool move_nodes(const uint8_t *p, const uint8_t *end, way_nodes *nodes)
{
    uint64_t moved, step, dlat, dlon, at = 0;
    if ((p = varint_get(p + 1, end, &moved)) == NULL)
        return false;
    for (uint64_t i = 0; i < moved; i++) {
        if ((p = varint_get(p, end, &step)) == NULL || (p = varint_get(p, end, &dlat)) == NULL
            || (p = varint_get(p, end, &dlon)) == NULL || step >= nodes->n - at)
            return false;
        way_node *node = &nodes->items[at += step];
        node->lat = (int32_t)((uint32_t)node->lat + (uint32_t)unzigzag(dlat));
        node->lon = (int32_t)((uint32_t)node->lon + (uint32_t)unzigzag(dlon));
    }
    return true;
}

static bool splice_nodes(const uint8_t *p, const uint8_t *end, way_nodes *nodes)
{
    uint64_t head, tail, inserted, number, ref = 0;
    uint32_t lat = 0, lon = 0;
    if ((p = splice_numbers(p, end, &head, &tail, &inserted)) == NULL
        || !splice(&nodes->items, &nodes->cap, &nodes->n, sizeof *nodes->items, head, tail, inserted))
        return false;
    for (way_node *node = nodes->items + head; inserted--; node++) {
        if ((p = varint_get(p, end, &number)) == NULL)
            return false;
        *node = (way_node){(int64_t)(ref += (uint64_t)unzigzag(number)), OSM3S_NO_COORD, OSM3S_NO_COORD};
        if ((p = varint_get(p, end, &number)) == NULL)
            return false;
        if (number == 0)
            continue;
        node->lat = (int32_t)(lat += (uint32_t)unzigzag(number - 1));
        if ((p = varint_get(p, end, &number)) == NULL)
            return false;
        node->lon = (int32_t)(lon += (uint32_t)unzigzag(number));
    }
    return true;
}

/* From the nodes of the version before to those of a slot. */
static bool next_nodes(const view *v, uint32_t slot, way_nodes *nodes)
{
    const uint8_t *p, *end;
    if (!body_of(v, slot, &p, &end))
        return false;
    return p == end || (*p == RECORD_MOVED ? move_nodes(p, end, nodes) : splice_nodes(p, end, nodes));
}

int view_way_nodes(const view *v, uint32_t slot, way_nodes *out)
{
    const uint8_t *p, *end, *missing;
    uint32_t whole;
    out->n = 0;
    if (!whole_record(v, slot, &whole))
        return fail(OSM3S_CORRUPT, "a way record is damaged");
    int error = read_refs(v, whole, out, &p, &end, &missing);
    if (error)
        return error;
    way_node *nodes = out->items;
    uint64_t n = out->n;
    out->n = 0;
    uint32_t lat = (uint32_t)column_get(&v->south, whole), lon = (uint32_t)column_get(&v->west, whole);
    for (uint64_t i = 0; i < n; i++) {
        if (missing && missing[i / 8] >> i % 8 & 1) {
            nodes[i].lat = nodes[i].lon = OSM3S_NO_COORD;
            continue;
        }
        uint64_t dlat, dlon;
        if ((p = varint_get(p, end, &dlat)) == NULL || (p = varint_get(p, end, &dlon)) == NULL)
            return fail(OSM3S_CORRUPT, "a way record is damaged");
        nodes[i].lat = (int32_t)(lat += (uint32_t)unzigzag(dlat));
        nodes[i].lon = (int32_t)(lon += (uint32_t)unzigzag(dlon));
    }
    out->n = n;
    while (whole < slot)
        if (!next_nodes(v, ++whole, out))
            return fail(OSM3S_CORRUPT, "a way record is damaged");
    return OSM3S_OK;
}

static bool splice_members(const uint8_t *p, const uint8_t *end, members *list)
{
    uint64_t head, tail, inserted, kind, number, ref = 0;
    if (p == end)
        return true;
    if ((p = splice_numbers(p, end, &head, &tail, &inserted)) == NULL
        || !splice(&list->items, &list->cap, &list->n, sizeof *list->items, head, tail, inserted))
        return false;
    for (member *m = list->items + head; inserted--; m++) {
        if ((p = varint_get(p, end, &kind)) == NULL || (p = varint_get(p, end, &number)) == NULL)
            return false;
        *m = (member){(int64_t)(ref += (uint64_t)unzigzag(number)), (uint32_t)(kind >> 2), kind & 3};
    }
    return true;
}

int view_members(const view *v, uint32_t slot, members *out)
{
    const uint8_t *p, *end;
    uint64_t n = 0, head, delta;
    uint32_t whole;
    out->n = 0;
    if (!whole_record(v, slot, &whole) || !body_of(v, whole, &p, &end) || (p = varint_get(p, end, &n)) == NULL
        || n > (uint64_t)(end - p))
        return fail(OSM3S_CORRUPT, "a relation record is damaged");
    if (grow(&out->items, &out->cap, n, sizeof *out->items))
        return OSM3S_NOMEM;
    uint64_t last[4] = {0};
    for (uint64_t i = 0; i < n; i++) {
        if ((p = varint_get(p, end, &head)) == NULL || (p = varint_get(p, end, &delta)) == NULL)
            return fail(OSM3S_CORRUPT, "a relation record is damaged");
        uint8_t type = head & 3;
        last[type] += (uint64_t)unzigzag(delta);
        out->items[i] = (member){(int64_t)last[type], (uint32_t)(head >> 2), type};
    }
    out->n = n;
    while (whole < slot)
        if (!body_of(v, ++whole, &p, &end) || !splice_members(p, end, out)) {
            out->n = 0;
            return fail(OSM3S_CORRUPT, "a relation record is damaged");
        }
    return OSM3S_OK;
}
