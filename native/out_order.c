/* out_order.c: the order of `out qt` and of loops: what is there now, then what was there at the time that is asked about;
 * each by the reference's quadtile index, then by id. */
#include "geom.h"
#include "internal.h"

enum { ROWS_PER_CHECK = 4096 };

typedef struct {
    uint32_t key, row;
} keyed;

typedef struct {
    const osm3s_rows *rows;
    uint32_t *turn; /* row numbers */
    keyed *items;
} ordering;

static int quad_of_row(osm3s_snapshot *s, const osm3s_row *row, int type, uint32_t *quad)
{
    if (type == OSM3S_NODE) {
        *quad = quad_of_position(row->lat, row->lon);
        return OSM3S_OK;
    }
    uint32_t slot;
    const view *v = snapshot_view(s, row->block, row->slot, &slot);
    if (v == NULL)
        return OSM3S_CORRUPT;
    if (type == OSM3S_WAY) {
        osm3s_bbox box = view_bbox(v, slot);
        *quad = quad_of_bbox(&box);
    } else
        *quad = (uint32_t)column_get(&v->quad, slot);
    return OSM3S_OK;
}

int osm3s_quads(osm3s_snapshot *s, const osm3s_row *rows, size_t n, int type, uint32_t *out)
{
    int error = OSM3S_OK;
    for (size_t i = 0; i < n && error == OSM3S_OK; i++)
        error = quad_of_row(s, &rows[i], type, &out[i]);
    return error;
}

/* One pass of a stable radix sort, by 16 bits of the key. */
static void sort_pass(const keyed *from, keyed *to, size_t n, int shift, uint32_t *counts)
{
    memset(counts, 0, 65536 * sizeof *counts);
    for (size_t i = 0; i < n; i++)
        counts[from[i].key >> shift & 0xffff]++;
    uint32_t before = 0;
    for (size_t digit = 0; digit < 65536; digit++) {
        uint32_t count = counts[digit];
        counts[digit] = before;
        before += count;
    }
    for (size_t i = 0; i < n; i++)
        to[counts[from[i].key >> shift & 0xffff]++] = from[i];
}

static int by_key_then_row(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : (x->row > y->row) - (x->row < y->row);
}

static int sort_keyed(keyed *items, size_t n)
{
    if (n < 8192) { /* the radix table alone would cost more */
        qsort(items, n, sizeof *items, by_key_then_row);
        return OSM3S_OK;
    }
    keyed *other = malloc(n * sizeof *other);
    uint32_t *counts = malloc(65536 * sizeof *counts);
    if (other != NULL && counts != NULL) {
        sort_pass(items, other, n, 0, counts);
        sort_pass(other, items, n, 16, counts);
    }
    bool done = other != NULL && counts != NULL;
    free(other);
    free(counts);
    return done ? OSM3S_OK : fail(OSM3S_NOMEM, "out of memory: order of %zu elements", n);
}

/* Whether a row is a version from an attic. */
static int is_superseded(const osm3s_snapshot *s, const osm3s_row *row)
{
    if (s == NULL || row->block == OSM3S_UNRESOLVED || snapshot_time(s) == 0)
        return 0;
    const osm3s_dir_entry *e = osm3s_snapshot_entry(s, row->block);
    return e && row->slot >= e->n + e->n_delta;
}

/* Order the rows whose numbers are in turn[0] to turn[n - 1]. */
static int order_part(osm3s_snapshot *s, osm3s_context *context, ordering *o, size_t n, int type, osm3s_row *out)
{
    int error = OSM3S_OK;
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        uint32_t quad = 0;
        error = quad_of_row(s, &o->rows->rows[o->turn[i]], type, &quad);
        o->items[i] = (keyed){quad_order(quad), (uint32_t)i};
        if (error == OSM3S_OK && context != NULL && i % ROWS_PER_CHECK == 0)
            error = context_check(context);
    }
    if (error == OSM3S_OK)
        error = sort_keyed(o->items, n);
    for (size_t i = 0; i < n && error == OSM3S_OK; i++)
        out[i] = o->rows->rows[o->turn[o->items[i].row]];
    return error;
}

int osm3s_order_quadtile(osm3s_snapshot *s, osm3s_context *context, const osm3s_rows *rows, int type, osm3s_row *out)
{
    if (rows->n > UINT32_MAX)
        return fail(OSM3S_LIMIT, "%zu elements are too many to be ordered", rows->n);
    ordering o = {rows, malloc(rows->n * sizeof *o.turn + 1), malloc(rows->n * sizeof *o.items + 1)};
    int error = OSM3S_OK;
    if (o.turn == NULL || o.items == NULL)
        error = fail(OSM3S_NOMEM, "out of memory: order of %zu elements", rows->n);
    size_t done = 0;
    for (int superseded = 0; superseded < 2 && error == OSM3S_OK; superseded++) { /* what is there now, then what was */
        size_t n = 0;
        for (size_t i = 0; i < rows->n; i++)
            if (is_superseded(s, &rows->rows[i]) == superseded)
                o.turn[n++] = (uint32_t)i;
        error = order_part(s, context, &o, n, type, out + done);
        done += n;
    }
    free(o.turn);
    free(o.items);
    return error;
}
