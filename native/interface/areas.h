/* areas.h: outlines of areas, stored areas. Conventions: osm3s.h. */
#pragma once

/* --- area_make.c: outlines of areas from ways. An area is stored as a way without node ids, see FORMAT.md; here it is
 * an element of a batch, for an update with positions. Its id is that of its pivot plus osm3s_area_id's offset. --- */

int64_t osm3s_ref_of_position(int32_t lat, int32_t lon);
uint64_t osm3s_area_id(int pivot_type, uint64_t pivot_id);
/* One area of all the ways (resolved), with the tags of the pivot. Ways with a node that is not among `nodes` (NULL: that
 * is not known) are left out. 1: appended; 0: there is none, because nothing of the outline is known, or because an end
 * is touched an odd number of times: then *odd_node is that node, else 0. */
int osm3s_area_make(osm3s_snapshot *, osm3s_context *, const osm3s_row *pivot, int pivot_type, const osm3s_rows *ways,
                    const osm3s_rows *nodes, osm3s_batch *into, int64_t *odd_node);
/* An area for each relation, of those of its members that are among `ways` (resolved, sorted). Relations with an end
 * that is touched an odd number of times are appended to `broken` instead; without any outline they have no area. */
int osm3s_areas_of_relations(osm3s_snapshot *, osm3s_context *, const osm3s_rows *relations, const osm3s_rows *ways,
                             osm3s_batch *into, osm3s_rows *broken);

/* --- area_view.c: stored areas. Rows are those of ways in the snapshot of the areas. --- */
/* The areas whose box meets a plain box, as rows sorted by id. */
int osm3s_areas_meeting(osm3s_snapshot *, osm3s_bbox plain, osm3s_rows *out);
/* All of them. */
int osm3s_areas_all(osm3s_snapshot *, osm3s_rows *out);
int osm3s_areas_boxes(osm3s_snapshot *, const osm3s_row *rows, size_t n, osm3s_bbox *out);
/* The lines that an area is bounded by, one after the other: sizes[i] points each, at least two. Even-odd; a segment
 * between longitudes more than 180 degrees apart crosses the antimeridian. */
typedef struct { size_t n_points, n_lines; int32_t *lat_lon; uint32_t *sizes; } osm3s_outline;
osm3s_outline *osm3s_area_outline(osm3s_snapshot *, const osm3s_row *);
void osm3s_outline_free(osm3s_outline *);
