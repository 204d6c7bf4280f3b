/* update_states.c: what touched elements are one after the other, in databases that keep superseded versions.
 *
 * An element has its stored state, if it was there, and then one state after the other: by versions of its own, and as the
 * nodes and ways move that it consists of. All states but the last are superseded. What a node was before it was known
 * for the first time is what it was then: so ways have a geometry from their beginning on. */
#include "update.h"

/* --- where an element is when --- */

static const element_state *states_of(const osm3s_update *u, const touched *t)
{
    return u->states + t->state;
}

/* The box before the first state of the update. */
static osm3s_bbox box_before(const osm3s_update *u, const touched *t, bool *present)
{
    *present = t->old_block != OSM3S_UNRESOLVED;
    if (t->known)
        return t->old_box;
    for (uint32_t i = 0; i < t->n_states; i++)
        if (states_of(u, t)[i].present) {
            *present = true;
            return states_of(u, t)[i].box;
        }
    return no_box();
}

osm3s_bbox box_at(const osm3s_update *u, const touched *t, uint32_t time, bool *present)
{
    *present = t->present;
    if (time == OSM3S_FOREVER || !u->with_history)
        return t->present ? t->box : no_box();
    for (uint32_t i = t->n_states; i-- > 0;)
        if (states_of(u, t)[i].since <= time) {
            *present = states_of(u, t)[i].present;
            return states_of(u, t)[i].box;
        }
    return box_before(u, t, present);
}

int position_at(osm3s_update *u, uint64_t id, uint32_t time, int32_t *lat, int32_t *lon)
{
    ptrdiff_t at = touched_find(&u->of[OSM3S_NODE], id);
    *lat = *lon = OSM3S_NO_COORD;
    if (at >= 0) {
        bool present;
        osm3s_bbox box = box_at(u, &u->of[OSM3S_NODE].items[at], time, &present);
        if (!bbox_is_empty(&box)) {
            *lat = box.south;
            *lon = box.west;
        }
        return OSM3S_OK;
    }
    const question *q = &u->asked[OSM3S_NODE];
    at = question_find(q, id);
    if (at < 0 || q->block_ids[at] == OSM3S_UNRESOLVED)
        return OSM3S_OK;
    osm3s_row row = {.id = id, .block = q->block_ids[at]};
    if (snapshot_locate_row(u->s, OSM3S_NODE, &row))
        return OSM3S_CORRUPT;
    *lat = row.lat;
    *lon = row.lon;
    return OSM3S_OK;
}

int add_state(osm3s_update *u, touched *t, uint32_t since, bool present, const osm3s_bbox *box)
{
    if (grow(&u->states, &u->cap_states, u->n_states + 1, sizeof *u->states))
        return OSM3S_NOMEM;
    u->states[u->n_states++] = (element_state){since, present, *box};
    t->n_states++;
    return OSM3S_OK;
}

bool place_changes(const osm3s_update *u, const touched *t)
{
    for (uint32_t i = 0; i < t->n_states; i++)
        if (!same_box(&states_of(u, t)[i].box, &t->old_box))
            return true;
    return !same_box(&t->box, &t->old_box);
}

int collect_times(osm3s_update *u, const touched *t, uint32_t from, uint32_t to)
{
    bool present, is_present;
    osm3s_bbox before = box_before(u, t, &present);
    for (uint32_t i = 0; i < t->n_states; i++) {
        const element_state *s = &states_of(u, t)[i];
        is_present = s->present || (i == 0 && !t->known);
        bool changes = is_present != present || !same_box(&s->box, &before);
        before = s->box;
        present = is_present;
        if (!changes || s->since <= from || s->since >= to)
            continue;
        if (grow(&u->times, &u->cap_times, u->n_times + 1, sizeof *u->times))
            return OSM3S_NOMEM;
        u->times[u->n_times++] = s->since;
    }
    return OSM3S_OK;
}

static int compare_times(const void *left, const void *right)
{
    uint32_t l = *(const uint32_t *)left, r = *(const uint32_t *)right;
    return (l > r) - (l < r);
}

int sort_times(osm3s_update *u)
{
    size_t kept = 0;
    if (u->n_times)
        qsort(u->times, u->n_times, sizeof *u->times, compare_times);
    for (size_t i = 0; i < u->n_times; i++)
        if (kept == 0 || u->times[kept - 1] != u->times[i])
            u->times[kept++] = u->times[i];
    u->n_times = kept;
    return OSM3S_OK;
}

/* --- versions --- */

uint32_t version_since(const osm3s_update *u, const touched *t, uint32_t version)
{
    uint32_t timestamp = u->versions[t->version + version].element->meta.timestamp;
    return t->old_block != OSM3S_UNRESOLVED && timestamp < t->old_since ? t->old_since : timestamp;
}

uint32_t version_until(const osm3s_update *u, const touched *t, uint32_t version)
{
    return version + 1 < t->n_versions ? version_since(u, t, version + 1) : OSM3S_FOREVER;
}

void note_begun(osm3s_update *u, touched *t, uint32_t since)
{
    if (t->old_block != OSM3S_UNRESOLVED && since <= t->old_since)
        return;
    if (u->last_begun == 0 || since < u->first_begun)
        u->first_begun = since;
    if (since > u->last_begun)
        u->last_begun = since;
    if (t->n_begun++ == 0 || since > t->last_begun)
        t->last_begun = since;
}

int add_superseded(osm3s_update *u, touched *t, int family, const osm3s_bbox *box, uint32_t since, uint32_t until)
{
    record_head h = record_head_of(u->record.data);
    note_begun(u, t, since);
    uint64_t key = family > OSM3S_TAGGED_NODES ? order_key_of_bbox(box)
                   : order_key_of_position(bbox_is_empty(box) ? OSM3S_NO_COORD : box->south, box->west);
    h.since = since;
    h.until = until;
    memcpy(u->record.data, &h, sizeof h);
    if (grow(&u->attic, &u->cap_attic, u->n_attic + 1, sizeof *u->attic))
        return OSM3S_NOMEM;
    u->attic[u->n_attic++] = (placement){
        .block = target_block(u, t, family, key), .family = (uint8_t)family, .id = t->id, .key = key, .since = since, .until = until,
        .record = u->records.len, .record_len = u->record.len};
    return buffer_put(&u->records, u->record.data, u->record.len);
}

/* It is kept as a version without content that ends when it begins, at the place that the element had before. */
int add_deletion(osm3s_update *u, touched *t, uint32_t version, int family)
{
    uint32_t since = version_since(u, t, version);
    osm3s_bbox box = t->old_box;
    bool was = t->known || t->n_states > 0;
    if (t->n_states) {
        const element_state *before = &states_of(u, t)[t->n_states - 1];
        box = before->present ? before->box : no_box();
    } else if (family <= OSM3S_TAGGED_NODES && t->old_block != OSM3S_UNRESOLVED) {
        family = t->old_family;
    }
    osm3s_bbox none = no_box();
    int error = add_state(u, t, since, false, &none);
    if (error || !was)
        return error; /* nothing is known of what was deleted */
    const osm3s_element *e = u->versions[t->version + version].element;
    bool is_node = family <= OSM3S_TAGGED_NODES;
    record_head h = {.id = t->id, .meta = e->meta, .bbox = box, .lat = OSM3S_NO_COORD, .lon = 0};
    if (is_node && !bbox_is_empty(&box)) {
        h.lat = box.south;
        h.lon = box.west;
    }
    u->record.len = 0;
    if (grow(&u->record.data, &u->record.cap, sizeof h, 1))
        return OSM3S_NOMEM;
    memcpy(u->record.data, &h, sizeof h);
    u->record.len = sizeof h;
    return add_superseded(u, t, family, &box, since, since);
}

int states_of_versions(osm3s_update *u, touched *t, int family, version_states_fn *of_version)
{
    bool was = t->old_block != OSM3S_UNRESOLVED;
    int error = OSM3S_OK;
    t->state = u->n_states;
    for (int32_t v = was ? -1 : 0; v < (int32_t)t->n_versions && error == OSM3S_OK; v++) {
        bool is_last = v + 1 == (int32_t)t->n_versions;
        uint32_t since = v < 0 ? t->old_since : version_since(u, t, (uint32_t)v);
        uint32_t until = is_last ? OSM3S_FOREVER : version_since(u, t, (uint32_t)(v + 1));
        if (since >= until && !is_last)
            continue;
        if (v >= 0 && u->versions[t->version + (uint32_t)v].element->deleted)
            error = add_deletion(u, t, (uint32_t)v, family);
        else
            error = of_version(u, t, v, since, until, is_last);
    }
    return error;
}
