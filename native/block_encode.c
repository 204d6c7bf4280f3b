/* block_encode.c: the elements of a block, sorted by id, as its bytes: head, body, and the meta frame. Layout:
 * block_format.h and FORMAT.md. */
#include "block_builder.h"

/* --- columns --- */

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

void head_put_values(head *h, int c, size_t n)
{
    if (h->error == OSM3S_OK)
        h->error = put_column(h->out, h->b->values, n, &h->descriptors[c]);
    h->columns |= 1u << c;
}

/* --- the block --- */

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

#define COLUMN(number, expression)                                                                                     \
    do {                                                                                                               \
        for (size_t slot = 0; slot < b->n; slot++) {                                                                   \
            const element *e = &b->elements[b->order[slot]];                                                           \
            b->values[slot] = (uint64_t)(expression);                                                                  \
        }                                                                                                              \
        head_put_values(h, number, b->n);                                                                              \
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
        head_put_values(h, c, b->n);
    }
    if (h->error == OSM3S_OK && b->times != OSM3S_TIMES_NONE)
        h->error = pad(h->out, FRAME_PADDING);
    return h->error;
}

/* Which columns a block has. */
static uint32_t columns_of(const osm3s_block_builder *b)
{
    uint32_t columns = 1u << OSM3S_COL_ID;
    columns |= b->family <= OSM3S_TAGGED_NODES ? 3u << OSM3S_COL_LAT : 15u << OSM3S_COL_SOUTH | 1u << OSM3S_COL_BODY_START;
    if (b->family == OSM3S_RELATIONS)
        columns |= 1u << OSM3S_COL_QUAD | 1u << OSM3S_COL_ROLE_START;
    if (b->family != OSM3S_NODES)
        columns |= 127u << OSM3S_COL_KEY_START;
    if (b->times != OSM3S_TIMES_NONE)
        columns |= 1u << OSM3S_COL_SINCE;
    if (b->times == OSM3S_TIMES_BOTH)
        columns |= 1u << OSM3S_COL_UNTIL;
    return columns;
}

/* The columns of the head, in the order of their numbers. `text`: bytes of keys and values. */
static void put_columns(head *h, block_header *header, size_t text)
{
    osm3s_block_builder *b = h->b;
    COLUMN(OSM3S_COL_ID, e->id);
    if (b->family <= OSM3S_TAGGED_NODES) {
        COLUMN(OSM3S_COL_LAT, (int64_t)e->lat);
        COLUMN(OSM3S_COL_LON, (int64_t)e->lon);
    } else {
        COLUMN(OSM3S_COL_SOUTH, (int64_t)e->bbox.south);
        COLUMN(OSM3S_COL_WEST, (int64_t)e->bbox.west);
        COLUMN(OSM3S_COL_NORTH, (int64_t)e->bbox.north);
        COLUMN(OSM3S_COL_EAST, (int64_t)e->bbox.east);
    }
    if (b->family == OSM3S_RELATIONS)
        COLUMN(OSM3S_COL_QUAD, e->quad);
    if (b->family != OSM3S_NODES)
        head_put_tags(h, header);
    if (b->family == OSM3S_RELATIONS) {
        header->n_roles = (uint32_t)b->n_roles;
        head_put_roles(h, text);
    }
    if (b->family >= OSM3S_WAYS) {
        for (size_t slot = 0; slot < b->n; slot++)
            b->values[slot] = b->elements[b->order[slot]].body_from;
        b->values[b->n] = b->body_len;
        head_put_values(h, OSM3S_COL_BODY_START, b->n + 1);
    }
}

/* The texts of keys and values, `text` bytes, and those of roles. */
static int put_texts(osm3s_block_builder *b, block_header *header, size_t text)
{
    size_t role_text = 0;
    for (size_t i = 0; i < b->n_roles; i++)
        role_text += b->roles[i].len;
    header->strings = (uint32_t)b->out_len;
    header->strings_len = (uint32_t)(text + role_text);
    if (grow(&b->out, &b->cap_out, b->out_len + text + role_text, 1))
        return OSM3S_NOMEM;
    if (text)
        block_put_texts_of_tags(b, b->out + b->out_len);
    b->out_len += text;
    for (size_t i = 0; i < b->n_roles; i++) {
        if (b->roles[i].len)
            memcpy(b->out + b->out_len, b->text + b->roles[i].text, b->roles[i].len);
        b->out_len += b->roles[i].len;
    }
    return OSM3S_OK;
}

/* Head and body; their lengths into out_lens. */
static int put_block(osm3s_block_builder *b, uint32_t out_lens[2])
{
    frame out = {&b->out, &b->out_len, &b->cap_out};
    head h = {.b = b, .out = out};
    block_header header = {.magic = BLOCK_MAGIC, .family = (uint8_t)b->family, .n = (uint32_t)b->n, .columns = columns_of(b)};
    header.n_descriptors = (uint32_t)__builtin_popcount(header.columns);
    size_t text = b->family != OSM3S_NODES ? block_put_texts_of_tags(b, NULL) : 0;
    b->out_len = 0;
    if (pad(out, sizeof header + header.n_descriptors * sizeof(column_descriptor)))
        return OSM3S_NOMEM;
    put_columns(&h, &header, text);
    if (h.error)
        return h.error;
    if (put_texts(b, &header, text) || pad(out, FRAME_PADDING + (8 - (b->out_len + FRAME_PADDING) % 8) % 8))
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
        if (header.columns >> c & 1) {
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
        error = block_order_pairs(b);
    if (error == OSM3S_OK && b->family >= OSM3S_WAYS)
        error = block_put_records(b);
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
