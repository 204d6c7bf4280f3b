/* id_page.c: see index_page.h.
 *
 * Page: u32 n_blocks, then n_blocks block ids (u32); u8 kind, u8 bits, u16 count; then
 *   kind 0: ID_PAGE numbers of `bits` bits each (0: absent, else 1 + index of the block)
 *   kind 1: `count` times (u16 id within the page), then `count` numbers of `bits` bits (index of the block). */
#include "index_page.h"

static uint32_t bits_for(uint32_t largest)
{
    uint32_t bits = 0;
    while (bits < 32 && largest >> bits)
        bits++;
    return bits;
}

static int put_packed(buffer *out, const uint16_t *numbers, size_t n, uint32_t bits)
{
    size_t from = out->len, bytes = (n * bits + 7) / 8;
    if (grow(&out->data, &out->cap, from + bytes, 1))
        return OSM3S_NOMEM;
    out->len += bytes;
    uint8_t *p = out->data + from;
    uint32_t pending = 0, n_pending = 0; /* bits not written yet */
    for (size_t i = 0; i < n; i++) {
        pending |= (uint32_t)numbers[i] << n_pending;
        for (n_pending += bits; n_pending >= 8; n_pending -= 8, pending >>= 8)
            *p++ = (uint8_t)pending;
    }
    if (n_pending)
        *p = (uint8_t)pending;
    return OSM3S_OK;
}

/* Number i of `bits` <= 13 bits; reads no byte behind its last. */
static uint32_t packed_get(const uint8_t *packed, size_t i, uint32_t bits)
{
    if (bits == 0)
        return 0;
    size_t bit = i * bits, last = (bit + bits - 1) / 8;
    uint32_t raw = packed[bit / 8];
    if (last > bit / 8)
        raw |= (uint32_t)packed[bit / 8 + 1] << 8;
    if (last > bit / 8 + 1)
        raw |= (uint32_t)packed[bit / 8 + 2] << 16;
    return raw >> bit % 8 & ((1u << bits) - 1);
}

static int compare_u32(const void *left, const void *right)
{
    uint32_t l = *(const uint32_t *)left, r = *(const uint32_t *)right;
    return (l > r) - (l < r);
}

int id_page_encode(const uint32_t block_ids[ID_PAGE], buffer *out)
{
    uint32_t blocks[ID_PAGE];
    uint16_t numbers[ID_PAGE], ids[ID_PAGE];
    uint32_t count = 0, n_blocks = 0;
    for (uint32_t i = 0; i < ID_PAGE; i++)
        if (block_ids[i] != OSM3S_UNRESOLVED && (count == 0 || blocks[count - 1] != block_ids[i]))
            blocks[count++] = block_ids[i];
    qsort(blocks, count, sizeof *blocks, compare_u32);
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || blocks[i] != blocks[n_blocks - 1])
            blocks[n_blocks++] = blocks[i];
    count = 0;
    uint32_t last = OSM3S_UNRESOLVED, at = 0;
    for (uint32_t i = 0; i < ID_PAGE; i++) {
        numbers[i] = 0;
        if (block_ids[i] == OSM3S_UNRESOLVED)
            continue;
        if (block_ids[i] != last) {
            last = block_ids[i];
            uint32_t low = 0, high = n_blocks;
            while (high - low > 1) {
                uint32_t middle = (low + high) / 2;
                if (blocks[middle] <= last)
                    low = middle;
                else
                    high = middle;
            }
            at = low;
        }
        numbers[i] = (uint16_t)(at + 1);
        ids[count++] = (uint16_t)i;
    }
    uint32_t dense_bits = bits_for(n_blocks), sparse_bits = bits_for(n_blocks ? n_blocks - 1 : 0);
    bool sparse = (size_t)count * (16 + sparse_bits) < (size_t)ID_PAGE * dense_bits;
    uint8_t kind[2] = {sparse, (uint8_t)(sparse ? sparse_bits : dense_bits)};
    uint16_t stored = (uint16_t)count; /* ID_PAGE elements only happen in kind 0, which does not need it */
    if (buffer_put(out, &n_blocks, 4) || buffer_put(out, blocks, n_blocks * 4) || buffer_put(out, kind, 2)
        || buffer_put(out, &stored, 2))
        return OSM3S_NOMEM;
    if (!sparse)
        return put_packed(out, numbers, ID_PAGE, dense_bits);
    if (buffer_put(out, ids, count * 2))
        return OSM3S_NOMEM;
    for (uint32_t i = 0; i < count; i++)
        ids[i] = (uint16_t)(numbers[ids[i]] - 1);
    return put_packed(out, ids, count, sparse_bits);
}

/* The parts of a page; false if it is damaged. */
static bool open_page(const uint8_t *page, size_t len, uint32_t *n_blocks, const uint8_t **rest, size_t *rest_len)
{
    if (len < 8)
        return false;
    memcpy(n_blocks, page, 4);
    if (*n_blocks > ID_PAGE || 8 + (size_t)*n_blocks * 4 > len)
        return false;
    *rest = page + 4 + (size_t)*n_blocks * 4;
    *rest_len = len - 4 - (size_t)*n_blocks * 4;
    uint16_t count;
    memcpy(&count, *rest + 2, 2);
    uint32_t bits = (*rest)[1];
    size_t need = (*rest)[0] ? (size_t)count * 2 + ((size_t)count * bits + 7) / 8 : ((size_t)ID_PAGE * bits + 7) / 8;
    return bits <= 13 && (*rest)[0] <= 1 && *rest_len >= 4 + need;
}

int id_page_decode(const uint8_t *page, size_t len, uint32_t *block_ids)
{
    uint32_t n_blocks;
    const uint8_t *rest;
    size_t rest_len;
    if (!open_page(page, len, &n_blocks, &rest, &rest_len))
        return fail(OSM3S_CORRUPT, "a page of the id map is damaged");
    memset(block_ids, 0xff, ID_PAGE * sizeof *block_ids);
    uint32_t bits = rest[1];
    uint16_t count;
    memcpy(&count, rest + 2, 2);
    bool sparse = rest[0];
    const uint8_t *packed = rest + 4 + (sparse ? (size_t)count * 2 : 0);
    for (uint32_t i = 0; i < (sparse ? count : ID_PAGE); i++) {
        uint16_t id = (uint16_t)i;
        if (sparse)
            memcpy(&id, rest + 4 + (size_t)i * 2, 2);
        uint32_t number = packed_get(packed, i, bits) + sparse;
        if (number == 0)
            continue;
        if (number > n_blocks || id >= ID_PAGE)
            return fail(OSM3S_CORRUPT, "a page of the id map is damaged");
        memcpy(&block_ids[id], page + 4 + (size_t)(number - 1) * 4, 4);
    }
    return OSM3S_OK;
}

int osm3s_id_page_lookup(const uint8_t *page, size_t len, uint64_t page_number, const uint64_t *ids, size_t n,
                         uint32_t *block_ids)
{
    uint32_t n_blocks;
    const uint8_t *rest;
    size_t rest_len;
    if (!open_page(page, len, &n_blocks, &rest, &rest_len))
        return fail(OSM3S_CORRUPT, "page %llu of the id map is damaged", (unsigned long long)page_number);
    uint32_t bits = rest[1];
    uint16_t count;
    memcpy(&count, rest + 2, 2);
    bool sparse = rest[0];
    for (size_t i = 0; i < n; i++) {
        uint32_t number = 0, id = ids[i] & (ID_PAGE - 1);
        block_ids[i] = OSM3S_UNRESOLVED;
        if (sparse) {
            uint32_t low = 0, high = count;
            while (low < high) {
                uint32_t middle = (low + high) / 2;
                uint16_t there;
                memcpy(&there, rest + 4 + (size_t)middle * 2, 2);
                if (there < id)
                    low = middle + 1;
                else
                    high = middle;
            }
            uint16_t there = 0;
            if (low < count)
                memcpy(&there, rest + 4 + (size_t)low * 2, 2);
            if (low < count && there == id)
                number = packed_get(rest + 4 + (size_t)count * 2, low, bits) + 1;
        } else {
            number = packed_get(rest + 4, id, bits);
        }
        if (number > n_blocks)
            return fail(OSM3S_CORRUPT, "page %llu of the id map is damaged", (unsigned long long)page_number);
        if (number)
            memcpy(&block_ids[i], page + 4 + (size_t)(number - 1) * 4, 4);
    }
    return OSM3S_OK;
}

int osm3s_id_page_update(const uint8_t *page, size_t len, const uint64_t *ids, const uint32_t *block_ids, size_t n,
                         uint8_t *out, size_t out_cap, size_t *out_len)
{
    uint32_t *all = malloc(ID_PAGE * sizeof *all);
    buffer b = {0};
    int error = all ? OSM3S_OK : fail(OSM3S_NOMEM, "out of memory");
    if (error == OSM3S_OK && len)
        error = id_page_decode(page, len, all);
    else if (error == OSM3S_OK)
        memset(all, 0xff, ID_PAGE * sizeof *all);
    for (size_t i = 0; i < n && error == OSM3S_OK; i++)
        all[ids[i] & (ID_PAGE - 1)] = block_ids[i];
    bool any = false;
    for (size_t i = 0; i < ID_PAGE && error == OSM3S_OK; i++)
        any |= all[i] != OSM3S_UNRESOLVED;
    *out_len = 0;
    if (error == OSM3S_OK && any) {
        error = id_page_encode(all, &b);
        if (error == OSM3S_OK && b.len > out_cap)
            error = fail(OSM3S_NOMEM, "an id page of %zu bytes", b.len);
        if (error == OSM3S_OK) {
            memcpy(out, b.data, b.len);
            *out_len = b.len;
        }
    }
    free(all);
    free(b.data);
    return error;
}
