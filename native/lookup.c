/* lookup.c: unresolved rows -> their place, by way of the id map's pages; and whose they are. */
#include "index_page.h"

size_t osm3s_rows_pages(const osm3s_rows *rows, size_t from, uint64_t *pages, size_t most, size_t *n)
{
    *n = 0;
    for (; from < rows->n; from++) {
        uint64_t page = rows->rows[from].id >> ID_PAGE_BITS;
        if (*n && pages[*n - 1] == page)
            continue;
        if (*n == most)
            break;
        pages[(*n)++] = page;
    }
    return from;
}

int osm3s_rows_note_blocks(osm3s_rows *rows, size_t from, size_t to, const uint8_t *data, const size_t *lengths)
{
    const uint8_t *page = data;
    for (size_t i = from; i < to; i++) {
        osm3s_row *row = &rows->rows[i];
        if (i > from && row->id >> ID_PAGE_BITS != rows->rows[i - 1].id >> ID_PAGE_BITS)
            page += *lengths++;
        row->block = OSM3S_UNRESOLVED;
        int error = *lengths ? osm3s_id_page_lookup(page, *lengths, row->id >> ID_PAGE_BITS, &row->id, 1, &row->block)
                             : OSM3S_OK;
        if (error)
            return error;
    }
    return OSM3S_OK;
}

int snapshot_locate_row(osm3s_snapshot *s, int type, osm3s_row *row)
{
    uint32_t block_id = row->block, block = osm3s_snapshot_block_of_id(s, type, block_id);
    if (block == OSM3S_UNRESOLVED)
        return fail(OSM3S_CORRUPT, "the id map names block %u, which the directory does not have", block_id);
    ptrdiff_t slot = snapshot_find(s, block, row->id);
    if (slot == -1)
        return fail(OSM3S_CORRUPT, "the id map places element %llu in block %u, where it is not",
                    (unsigned long long)row->id, block_id);
    return slot < 0 ? OSM3S_CORRUPT : snapshot_place_row(s, type, block, (uint32_t)slot, row);
}

int osm3s_rows_locate(osm3s_snapshot *s, int type, osm3s_rows *rows)
{
    size_t kept = 0;
    for (size_t i = 0; i < rows->n; i++) {
        osm3s_row row = rows->rows[i];
        if (row.block == OSM3S_UNRESOLVED)
            continue;
        if (snapshot_locate_row(s, type, &row))
            return OSM3S_CORRUPT;
        rows->rows[kept++] = row;
    }
    rows->n = kept;
    return OSM3S_OK;
}

static int compare_i32(const void *left, const void *right)
{
    int32_t l = *(const int32_t *)left, r = *(const int32_t *)right;
    return (l > r) - (l < r);
}

int osm3s_rows_uids(osm3s_snapshot *s, const osm3s_rows *rows, int32_t *out, size_t *n)
{
    enum { RECENT = 1 << 12 };
    int32_t *recent = calloc(RECENT, sizeof *recent); /* by hash: uids just seen need not be sorted again */
    if (recent == NULL)
        return fail(OSM3S_NOMEM, "out of memory");
    size_t found = 0;
    bool seen_zero = false;
    for (size_t i = 0; i < rows->n; i++) {
        uint32_t local;
        if (rows->rows[i].block == OSM3S_UNRESOLVED)
            continue;
        const view *v = snapshot_head(s, rows->rows[i].block, rows->rows[i].slot, &local);
        if (v == NULL) {
            free(recent);
            return OSM3S_CORRUPT;
        }
        int32_t uid = view_meta(v, local).uid;
        uint32_t at = (uint32_t)uid * 2654435761u >> 20;
        if (uid == 0 ? seen_zero : recent[at] == uid)
            continue;
        seen_zero |= uid == 0;
        recent[at] = uid;
        out[found++] = uid;
    }
    free(recent);
    qsort(out, found, sizeof *out, compare_i32);
    *n = 0;
    for (size_t i = 0; i < found; i++)
        if (i == 0 || out[i] != out[*n - 1])
            out[(*n)++] = out[i];
    return OSM3S_OK;
}
