/* geom_columns.c: the edges of a polygon by columns of longitude.
 *
 * A border that runs from south to north has most of its edges in a few columns. Of such a crowded column is known, after
 * each so many of its edges by their northern ends, at which longitudes the number of those so far turns from even to odd
 * or back: ends that two edges share cancel out, so these are about as many as there are lines side by side. */
#include "geom_poly.h"

typedef struct { int32_t north; uint32_t item; } northern_end;
typedef struct { uint32_t n_edges, n_turns; } mark;

struct crowd {
    uint32_t n;
    northern_end *ends;       /* ascending */
    int32_t *chunk_norths;    /* the northernmost end of each EDGES_PER_CHUNK edges by their southern ends */
    int32_t *reaches;         /* the same of these and of all before */
    size_t n_marks;
    mark *marks;              /* the turns of the first n_edges edges are those from the n_turns of the mark before on */
    int32_t *turns; size_t n_turns, cap_turns;
};

static void crowd_free(crowd *c)
{
    if (c == NULL)
        return;
    free(c->ends);
    free(c->chunk_norths);
    free(c->reaches);
    free(c->marks);
    free(c->turns);
    free(c);
}

static int compare_norths(const void *a, const void *b)
{
    const northern_end *x = a, *y = b;
    return (x->north > y->north) - (x->north < y->north);
}

static int compare_numbers(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* The turns after some edges more: those of the mark before, with the ends of the edges; what is there twice cancels out.
 * `scratch` has room for two ends of each edge. */
static int add_mark(crowd *c, const segment *edges, int32_t west, int32_t east, uint32_t n_more, int32_t *scratch)
{
    mark last = c->n_marks ? c->marks[c->n_marks - 1] : (mark){0, 0};
    size_t old = c->n_marks > 1 ? c->marks[c->n_marks - 2].n_turns : 0, n_ends = 0;
    for (uint32_t i = last.n_edges; i < last.n_edges + n_more; i++) {
        const segment *e = edges + c->ends[i].item;
        int32_t from = e->lon0 > west ? e->lon0 : west;
        if (from >= e->lon1)
            continue;
        scratch[n_ends++] = from;
        if (e->lon1 <= east)
            scratch[n_ends++] = e->lon1;
    }
    qsort(scratch, n_ends, sizeof *scratch, compare_numbers);
    if (grow(&c->turns, &c->cap_turns, c->n_turns + (last.n_turns - old) + n_ends, sizeof *c->turns))
        return OSM3S_NOMEM;
    size_t first = c->n_turns;
    for (size_t i = 0; old < last.n_turns || i < n_ends;) {
        bool is_old = i == n_ends || (old < last.n_turns && c->turns[old] <= scratch[i]);
        int32_t lon = is_old ? c->turns[old++] : scratch[i++];
        if (c->n_turns > first && c->turns[c->n_turns - 1] == lon)
            c->n_turns--;
        else
            c->turns[c->n_turns++] = lon;
    }
    c->marks[c->n_marks++] = (mark){last.n_edges + n_more, (uint32_t)c->n_turns};
    return OSM3S_OK;
}

/* So many edges apart that there are not more turns than edges. */
static int add_marks(crowd *c, const segment *edges, int32_t west, int32_t east)
{
    int32_t *scratch = malloc(2 * (size_t)c->n * sizeof *scratch);
    if (scratch == NULL)
        return OSM3S_NOMEM;
    int error = OSM3S_OK;
    size_t before = 0;
    for (uint32_t at = 0, n_more; at < c->n && error == OSM3S_OK; at += n_more) {
        size_t n_turns = c->n_turns - before;
        before = c->n_turns;
        n_more = n_turns > EDGES_PER_CHUNK ? (uint32_t)n_turns : EDGES_PER_CHUNK;
        n_more = n_more < c->n - at ? n_more : c->n - at;
        error = add_mark(c, edges, west, east, n_more, scratch);
    }
    free(scratch);
    return error;
}

/* `items`: the edges of a column from west to east, by their southern ends. */
static crowd *crowd_new(const segment *edges, const uint32_t *items, size_t n, int32_t west, int32_t east)
{
    size_t n_chunks = n / EDGES_PER_CHUNK + 1;
    crowd *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->n = (uint32_t)n;
    c->ends = malloc(n * sizeof *c->ends);
    c->chunk_norths = malloc(n_chunks * sizeof *c->chunk_norths);
    c->reaches = malloc(n_chunks * sizeof *c->reaches);
    c->marks = malloc(n_chunks * sizeof *c->marks);
    if (c->ends == NULL || c->chunk_norths == NULL || c->reaches == NULL || c->marks == NULL)
        goto failed;
    for (size_t i = 0; i < n; i++) {
        int32_t north = northern(edges + items[i]), *of_chunk = &c->chunk_norths[i / EDGES_PER_CHUNK];
        *of_chunk = i % EDGES_PER_CHUNK && *of_chunk > north ? *of_chunk : north;
        c->ends[i] = (northern_end){north, items[i]};
    }
    for (size_t i = 0; i * EDGES_PER_CHUNK < n; i++)
        c->reaches[i] = i && c->reaches[i - 1] > c->chunk_norths[i] ? c->reaches[i - 1] : c->chunk_norths[i];
    qsort(c->ends, n, sizeof *c->ends, compare_norths);
    if (add_marks(c, edges, west, east) == OSM3S_OK)
        return c;
failed:
    crowd_free(c);
    return NULL;
}

static size_t crowd_bytes(const crowd *c)
{
    size_t n_chunks = c->n / EDGES_PER_CHUNK + 1;
    return sizeof *c + c->n * sizeof *c->ends + n_chunks * (2 * sizeof *c->chunk_norths + sizeof *c->marks)
           + c->cap_turns * sizeof *c->turns;
}

void columns_free(columns *c)
{
    for (uint32_t i = 0; c->crowds && i < c->n; i++)
        crowd_free(c->crowds[i]);
    free(c->crowds);
    grid_free(c->index);
    *c = (columns){0};
}

int columns_build(columns *c, const segment *edges, size_t n)
{
    osm3s_bbox *boxes = calloc(n + 1, sizeof *boxes);
    if (boxes == NULL)
        return OSM3S_NOMEM;
    for (size_t i = 0; i < n; i++)
        boxes[i] = box_of(edges + i);
    *c = (columns){.edges = edges, .index = grid_new(boxes, n, true)};
    free(boxes);
    if (c->index == NULL)
        return OSM3S_NOMEM;
    c->n = n ? grid_columns(c->index) : 0;
    for (uint32_t i = 0; i < c->n; i++) {
        size_t n_items;
        const uint32_t *items = grid_cell(c->index, 0, i, &n_items);
        if (n_items <= MOST_UNCROWDED)
            continue;
        if (c->crowds == NULL && (c->crowds = calloc(c->n, sizeof *c->crowds)) == NULL)
            return OSM3S_NOMEM;
        osm3s_bbox box = grid_box(c->index, 0, i);
        if ((c->crowds[i] = crowd_new(edges, items, n_items, box.west, box.east)) == NULL)
            return OSM3S_NOMEM;
    }
    return OSM3S_OK;
}

size_t columns_bytes(const columns *c)
{
    size_t sum = grid_bytes(c->index) + (c->crowds ? c->n * sizeof *c->crowds : 0);
    for (uint32_t i = 0; c->crowds && i < c->n; i++)
        sum += c->crowds[i] ? crowd_bytes(c->crowds[i]) : 0;
    return sum;
}

/* How many edges end south of a latitude. */
static uint32_t count_ends(const crowd *c, int32_t lat)
{
    uint32_t low = 0, high = c->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (c->ends[middle].north < lat)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool crowd_is_odd(const crowd *c, const segment *edges, int32_t lat, int32_t lon)
{
    lon -= lon == LON_180; /* on the antimeridian the western edge counts */
    uint32_t n = count_ends(c, lat);
    size_t low = 0, high = c->n_marks; /* marks of at most n edges */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c->marks[middle].n_edges <= n)
            low = middle + 1;
        else
            high = middle;
    }
    mark last = low ? c->marks[low - 1] : (mark){0, 0};
    size_t first = low > 1 ? c->marks[low - 2].n_turns : 0, from = first, to = last.n_turns;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (c->turns[middle] <= lon)
            from = middle + 1;
        else
            to = middle;
    }
    bool odd = (from - first) % 2;
    for (uint32_t i = last.n_edges; i < n; i++) {
        const segment *e = edges + c->ends[i].item;
        odd = odd != (e->lon0 <= lon && lon < e->lon1);
    }
    return odd;
}

column_walk columns_walk(const columns *c, uint32_t column, int32_t south, int32_t north)
{
    column_walk w = {.edges = c->edges, .south = south, .north = north};
    const crowd *crowd = c->crowds ? c->crowds[column] : NULL;
    w.items = grid_cell(c->index, 0, column, &w.n);
    if (crowd == NULL)
        return w;
    size_t low = 0, high = (w.n - 1) / EDGES_PER_CHUNK + 1; /* the first chunk that may have an edge */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (crowd->reaches[middle] < south)
            low = middle + 1;
        else
            high = middle;
    }
    w.at = low * EDGES_PER_CHUNK;
    w.chunk_norths = crowd->chunk_norths;
    return w;
}
