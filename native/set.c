/* set.c: rows sorted by id. */
#include "internal.h"

osm3s_set *osm3s_set_new(void)
{
    return calloc(1, sizeof(osm3s_set));
}

void osm3s_set_clear(osm3s_set *set)
{
    for (int type = 0; type < 3; type++) {
        free(set->of[type].rows);
        set->of[type] = (osm3s_rows){NULL, 0, 0};
    }
}

void osm3s_set_free(osm3s_set *set)
{
    if (set == NULL)
        return;
    osm3s_set_clear(set);
    free(set);
}

int rows_push(osm3s_rows *rows, osm3s_row row)
{
    if (rows->n == rows->cap && grow(&rows->rows, &rows->cap, rows->n + 1, sizeof row))
        return OSM3S_NOMEM;
    rows->rows[rows->n++] = row;
    return OSM3S_OK;
}

ptrdiff_t rows_find(const osm3s_rows *rows, uint64_t id)
{
    size_t low = 0, high = rows->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (rows->rows[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < rows->n && rows->rows[low].id == id ? (ptrdiff_t)low : -1;
}

int id_filter_build(id_filter *f, const osm3s_rows *rows)
{
    *f = (id_filter){rows, NULL, 64 - 10};
    if (rows->n < 8)
        return OSM3S_OK;
    while (f->shift > 32 && (uint64_t)rows->n * 16 > 1ull << (64 - f->shift))
        f->shift--;
    f->bits = calloc(1ull << (64 - f->shift - 6), sizeof *f->bits);
    if (f->bits == NULL)
        return fail(OSM3S_NOMEM, "out of memory for a filter of %zu ids", rows->n);
    for (size_t i = 0; i < rows->n; i++) {
        uint64_t bit = rows->rows[i].id * 0x9e3779b97f4a7c15u >> f->shift;
        f->bits[bit / 64] |= 1ull << bit % 64;
    }
    return OSM3S_OK;
}

void id_filter_free(id_filter *f)
{
    free(f->bits);
    f->bits = NULL;
}

static int compare_ids(const void *left, const void *right)
{
    uint64_t l = ((const osm3s_row *)left)->id, r = ((const osm3s_row *)right)->id;
    return (l > r) - (l < r);
}

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, SMALL = 512 };

/* Least significant digit first, on the bits in which the ids differ. */
static int radix_sort(osm3s_rows *rows, uint64_t lowest, uint64_t highest)
{
    size_t n = rows->n;
    osm3s_row *spare = malloc(n * sizeof *spare), *from = rows->rows, *to = spare;
    size_t *count = malloc(DIGITS * sizeof *count);
    if (spare == NULL || count == NULL) {
        free(spare);
        free(count);
        return fail(OSM3S_NOMEM, "out of memory while sorting %zu rows", n);
    }
    for (uint32_t shift = 0; shift < 64 && (highest - lowest) >> shift; shift += DIGIT_BITS) {
        memset(count, 0, DIGITS * sizeof *count);
        for (size_t i = 0; i < n; i++)
            count[(from[i].id - lowest) >> shift & (DIGITS - 1)]++;
        size_t start = 0;
        for (size_t d = 0; d < DIGITS; d++) {
            size_t c = count[d];
            count[d] = start;
            start += c;
        }
        for (size_t i = 0; i < n; i++)
            to[count[(from[i].id - lowest) >> shift & (DIGITS - 1)]++] = from[i];
        osm3s_row *swap = from;
        from = to;
        to = swap;
    }
    if (from == spare) {
        rows->rows = spare;
        rows->cap = n;
        free(to);
    } else {
        free(spare);
    }
    free(count);
    return OSM3S_OK;
}

#if defined(__x86_64__) && defined(__GNUC__)
#define WITH_POPCNT __attribute__((target_clones("popcnt", "default")))
#else
#define WITH_POPCNT
#endif

/* For ids that are dense in their range: a bitmap of the ids says how many different ones are smaller than each. One pass
 * moves every row to its place; rows of the same id meet there, of which a resolved one wins. */
WITH_POPCNT static int rank_sort(osm3s_rows *rows, uint64_t lowest, uint64_t highest)
{
    size_t n = rows->n, words = (size_t)((highest - lowest) / 64) + 1, before = 0, n_resolved = 0;
    uint64_t *bits = calloc(words, sizeof *bits);
    uint32_t *rank = malloc(words * sizeof *rank);
    if (bits == NULL || rank == NULL) {
        free(bits);
        free(rank);
        return fail(OSM3S_NOMEM, "out of memory while sorting %zu rows", n);
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t offset = rows->rows[i].id - lowest;
        bits[offset / 64] |= 1ull << offset % 64;
        n_resolved += rows->rows[i].block != OSM3S_UNRESOLVED;
    }
    for (size_t w = 0; w < words; w++) {
        rank[w] = (uint32_t)before;
        before += (size_t)__builtin_popcountll(bits[w]);
    }
    osm3s_row *out = malloc(before * sizeof *out);
    bool mixed = n_resolved > 0 && n_resolved < n;
    if (out)
        use_huge_pages(out, before * sizeof *out);
    for (int resolved = mixed ? 0 : 1; resolved < 2 && out; resolved++)
        for (size_t i = 0; i < n; i++) {
            const osm3s_row *row = &rows->rows[i];
            uint64_t offset = row->id - lowest, smaller = bits[offset / 64] & ((1ull << offset % 64) - 1);
            if (!mixed || (row->block != OSM3S_UNRESOLVED) == resolved)
                out[rank[offset / 64] + (size_t)__builtin_popcountll(smaller)] = *row;
        }
    free(bits);
    free(rank);
    if (out == NULL)
        return fail(OSM3S_NOMEM, "out of memory while sorting %zu rows", n);
    free(rows->rows);
    *rows = (osm3s_rows){out, before, before};
    return OSM3S_OK;
}

static int sort_many(osm3s_rows *rows, uint64_t lowest, uint64_t highest)
{
    bool dense = (highest - lowest) / 64 <= rows->n && rows->n < UINT32_MAX;
    return dense ? rank_sort(rows, lowest, highest) : radix_sort(rows, lowest, highest);
}

int rows_sort(osm3s_rows *rows)
{
    size_t n = rows->n;
    bool sorted = true, distinct = true;
    uint64_t lowest = UINT64_MAX, highest = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t id = rows->rows[i].id;
        if (i && rows->rows[i - 1].id >= id) {
            distinct = false;
            sorted = sorted && rows->rows[i - 1].id == id;
        }
        if (id < lowest) lowest = id;
        if (id > highest) highest = id;
    }
    if (distinct)
        return OSM3S_OK;
    if (!sorted && n <= SMALL)
        qsort(rows->rows, n, sizeof *rows->rows, compare_ids);
    else if (!sorted && sort_many(rows, lowest, highest))
        return OSM3S_NOMEM;
    n = rows->n;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        osm3s_row *last = kept ? &rows->rows[kept - 1] : NULL;
        if (last && last->id == rows->rows[i].id) {
            if (last->block == OSM3S_UNRESOLVED)
                *last = rows->rows[i];
        } else {
            rows->rows[kept++] = rows->rows[i];
        }
    }
    rows->n = kept;
    return OSM3S_OK;
}

int osm3s_rows_sort(osm3s_rows *rows)
{
    return rows_sort(rows);
}

int osm3s_rows_push(osm3s_rows *rows, uint64_t id, uint32_t block, uint32_t slot, int32_t lat, int32_t lon)
{
    return rows_push(rows, (osm3s_row){id, block, slot, lat, lon});
}

int osm3s_rows_push_ids(osm3s_rows *rows, const uint64_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rows_push(rows, (osm3s_row){ids[i], OSM3S_UNRESOLVED, 0, OSM3S_NO_COORD, 0}))
            return OSM3S_NOMEM;
    return OSM3S_OK;
}

void osm3s_rows_ids(const osm3s_rows *rows, uint64_t *out)
{
    for (size_t i = 0; i < rows->n; i++)
        out[i] = rows->rows[i].id;
}

int osm3s_rows_copy(const osm3s_rows *from, osm3s_rows *into)
{
    if (grow(&into->rows, &into->cap, from->n, sizeof *into->rows))
        return OSM3S_NOMEM;
    if (from->n)
        memcpy(into->rows, from->rows, from->n * sizeof *from->rows);
    into->n = from->n;
    return OSM3S_OK;
}

int osm3s_rows_take(osm3s_rows *into, osm3s_rows *from)
{
    if (into->n)
        return osm3s_rows_add(into, from);
    osm3s_rows swap = *into;
    *into = *from;
    *from = swap;
    return OSM3S_OK;
}

int osm3s_rows_add(osm3s_rows *into, const osm3s_rows *other)
{
    if (other->n == 0)
        return OSM3S_OK;
    if (into->n == 0 || into->rows[into->n - 1].id < other->rows[0].id) {
        if (grow(&into->rows, &into->cap, into->n + other->n, sizeof *into->rows))
            return OSM3S_NOMEM;
        memcpy(into->rows + into->n, other->rows, other->n * sizeof *other->rows);
        into->n += other->n;
        return OSM3S_OK;
    }
    size_t cap = into->n + other->n, n = 0, i = 0, j = 0;
    osm3s_row *merged = malloc(cap * sizeof *merged);
    if (merged == NULL)
        return fail(OSM3S_NOMEM, "out of memory for %zu rows", cap);
    use_huge_pages(merged, cap * sizeof *merged);
    while (i < into->n || j < other->n) {
        const osm3s_row *left = i < into->n ? &into->rows[i] : NULL, *right = j < other->n ? &other->rows[j] : NULL;
        bool take_left = right == NULL || (left && left->id <= right->id), same = left && right && left->id == right->id;
        merged[n++] = same && left->block == OSM3S_UNRESOLVED ? *right : take_left ? *left : *right;
        i += take_left;
        j += !take_left || same;
    }
    free(into->rows);
    *into = (osm3s_rows){merged, n, cap};
    return OSM3S_OK;
}

/* Keep the rows whose id is (keep) or is not (!keep) in `other`. */
static void rows_filter(osm3s_rows *rows, const osm3s_rows *other, bool keep)
{
    size_t kept = 0, at = 0;
    for (size_t i = 0; i < rows->n; i++) {
        uint64_t id = rows->rows[i].id;
        while (at < other->n && other->rows[at].id < id)
            at++;
        if ((at < other->n && other->rows[at].id == id) == keep)
            rows->rows[kept++] = rows->rows[i];
    }
    rows->n = kept;
}

void osm3s_rows_subtract(osm3s_rows *rows, const osm3s_rows *other)
{
    rows_filter(rows, other, false);
}

void osm3s_rows_intersect(osm3s_rows *rows, const osm3s_rows *other)
{
    rows_filter(rows, other, true);
}
