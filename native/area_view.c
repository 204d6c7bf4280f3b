/* area_view.c: reading stored areas: which there are, where they are, what bounds them. */
#include "geom.h"

static bool box_meets(const view *v, uint32_t slot, const osm3s_bbox *box)
{
    osm3s_bbox of_area = view_bbox(v, slot);
    return of_area.south <= of_area.north && of_area.south <= box->north && box->south <= of_area.north
           && of_area.west <= box->east && box->west <= of_area.east;
}

static int add_part(const view *v, uint32_t block, uint32_t first_slot, const uint64_t *dead, const osm3s_bbox *box,
                    osm3s_rows *out)
{
    for (uint32_t slot = 0; slot < v->n; slot++) {
        if ((dead && dead[slot / 64] >> slot % 64 & 1) || (box && !box_meets(v, slot, box)))
            continue;
        if (rows_push(out, (osm3s_row){column_get(&v->id, slot), block, first_slot + slot, 0, 0}))
            return OSM3S_NOMEM;
    }
    return OSM3S_OK;
}

/* All areas, or those whose box meets a box. */
static int add_areas(osm3s_snapshot *s, const osm3s_bbox *box, osm3s_rows *out)
{
    uint32_t first = osm3s_snapshot_first_block(s, OSM3S_WAYS), n = osm3s_snapshot_n_blocks(s, OSM3S_WAYS);
    int error = OSM3S_OK;
    for (uint32_t block = first; block < first + n && error == OSM3S_OK; block++) {
        const osm3s_bbox *of_block = &osm3s_snapshot_entry(s, block)->bbox;
        if (box && (of_block->south > box->north || box->south > of_block->north || of_block->west > box->east
                    || box->west > of_block->east))
            continue;
        const view *base = snapshot_base(s, block), *delta = snapshot_delta(s, block);
        if (base == NULL || delta == NULL)
            return OSM3S_CORRUPT;
        error = add_part(base, block, 0, snapshot_dead(s, block), box, out);
        if (error == OSM3S_OK)
            error = add_part(delta, block, base->n, NULL, box, out);
    }
    return error ? error : rows_sort(out);
}

int osm3s_areas_meeting(osm3s_snapshot *s, osm3s_bbox plain, osm3s_rows *out)
{
    return add_areas(s, &plain, out);
}

int osm3s_areas_all(osm3s_snapshot *s, osm3s_rows *out)
{
    return add_areas(s, NULL, out);
}

int osm3s_areas_boxes(osm3s_snapshot *s, const osm3s_row *rows, size_t n, osm3s_bbox *out)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t slot;
        const view *v = snapshot_view(s, rows[i].block, rows[i].slot, &slot);
        if (v == NULL)
            return OSM3S_CORRUPT;
        out[i] = view_bbox(v, slot);
    }
    return OSM3S_OK;
}

void osm3s_outline_free(osm3s_outline *outline)
{
    if (outline == NULL)
        return;
    free(outline->lat_lon);
    free(outline->sizes);
    free(outline);
}

static osm3s_outline *outline_of(const way_nodes *way)
{
    osm3s_outline *o = calloc(1, sizeof *o);
    if (o) {
        o->lat_lon = malloc((way->n + 1) * 2 * sizeof *o->lat_lon);
        o->sizes = malloc((way->n / 2 + 1) * sizeof *o->sizes);
    }
    if (o == NULL || o->lat_lon == NULL || o->sizes == NULL) {
        osm3s_outline_free(o);
        fail(OSM3S_NOMEM, "out of memory for an outline of %zu points", way->n);
        return NULL;
    }
    for (size_t from = 0, to; from < way->n; from = to + 1) {
        for (to = from; to < way->n && way->items[to].lat != OSM3S_NO_COORD;)
            to++;
        if (to - from < 2) /* says something of the box alone */
            continue;
        for (size_t i = from; i < to; i++) {
            o->lat_lon[2 * o->n_points] = way->items[i].lat;
            o->lat_lon[2 * o->n_points++ + 1] = way->items[i].lon;
        }
        o->sizes[o->n_lines++] = (uint32_t)(to - from);
    }
    return o;
}

osm3s_outline *osm3s_area_outline(osm3s_snapshot *s, const osm3s_row *row)
{
    way_nodes way = {0};
    uint32_t slot;
    osm3s_outline *outline = NULL;
    const view *v = snapshot_view(s, row->block, row->slot, &slot);
    if (v != NULL && view_way_nodes(v, slot, &way) == OSM3S_OK)
        outline = outline_of(&way);
    free(way.items);
    return outline;
}
