/* import.c: elements sorted by type and id -> blocks in the order of their keys, and the pages of the index.
 *
 * Reading: untagged and tagged nodes go to piles, ordered by position. Ways and relations, which come
 * behind them, are given their geometry at once and go to piles, too. Then the piles are cut into blocks. At the end: pages. */
#include "geom.h"
#include "import.h"
#include "locations.h"
#include "pile.h"
#include "record.h"
#include "tag_directory.h"

typedef struct { uint64_t id; osm3s_bbox bbox; uint32_t quad, block; } placed_way;
typedef struct { uint64_t id; uint32_t block; } placed_relation;
typedef struct { int32_t uid; uint32_t text, len; } user;

enum { LINK_KINDS = 4 }; /* owners of: member nodes, ways, relations; ways with an absent node */

/* What making the blocks of one family needs. Families 0 and 1 may be worked on in one thread while 2 and 3 are in
 * another: they share only what is no longer changed then. */
typedef struct {
    pile *pile;
    osm3s_block_builder *builder;
    tag_directory *tags;
    bool started, pending; /* pending: `key`, `data`, `len` are the next record */
    uint64_t key; const uint8_t *data; size_t len;
} family_state;

/* The record of an untagged node. */
typedef struct {
    uint64_t id;
    osm3s_meta meta;
    int32_t lat, lon;
    uint32_t row, reserved;
} node_record;

struct osm3s_import {
    locations nodes;
    placed_way *ways; size_t n_ways, cap_ways;
    placed_relation *relations; size_t n_relations, cap_relations;
    owner_link *links[LINK_KINDS]; size_t n_links[LINK_KINDS], cap_links[LINK_KINDS];
    user *users; size_t n_users, cap_users;
    uint32_t *user_table; size_t user_table_len;
    buffer user_text;
    family_state families[OSM3S_FAMILIES];
    buffer record;
    osm3s_batch *held;            /* the last element so far: a newer version of it may follow */
    int last_type; int64_t last_id;
    uint32_t next_id[3];
    int times;
    int page_kind; size_t page_at; int tag_family; buffer page, page_key, last;
};

osm3s_import *osm3s_import_new(const char *folder, uint64_t arena_len, int times)
{
    osm3s_import *i = calloc(1, sizeof *i);
    if (i == NULL)
        return NULL;
    i->last_type = -1;
    i->times = times;
    i->held = osm3s_batch_new();
    i->user_table_len = 1 << 12;
    i->user_table = calloc(i->user_table_len, sizeof *i->user_table);
    bool sound = i->held && i->user_table;
    for (int f = 0; f < OSM3S_FAMILIES; f++) {
        family_state *state = &i->families[f];
        state->pile = pile_new(folder, arena_len);
        state->builder = osm3s_block_builder_new();
        state->tags = tag_directory_new();
        sound = sound && state->pile && state->builder && state->tags;
    }
    if (!sound) {
        osm3s_import_free(i);
        return NULL;
    }
    return i;
}

void osm3s_import_free(osm3s_import *i)
{
    if (i == NULL)
        return;
    locations_free(&i->nodes);
    free(i->ways);
    free(i->relations);
    for (int k = 0; k < LINK_KINDS; k++)
        free(i->links[k]);
    free(i->users);
    free(i->user_table);
    free(i->user_text.data);
    for (int f = 0; f < OSM3S_FAMILIES; f++) {
        pile_free(i->families[f].pile);
        osm3s_block_builder_free(i->families[f].builder);
        tag_directory_free(i->families[f].tags);
    }
    free(i->record.data);
    osm3s_batch_free(i->held);
    free(i->page.data);
    free(i->page_key.data);
    free(i->last.data);
    free(i);
}

/* --- reading --- */

static int remember_user(osm3s_import *i, int32_t uid, const char *name, size_t len)
{
    size_t mask = i->user_table_len - 1, at = ((uint32_t)uid * 2654435761u >> 7) & mask;
    while (i->user_table[at] && i->users[i->user_table[at] - 1].uid != uid)
        at = (at + 1) & mask;
    user *u;
    if (i->user_table[at]) {
        u = &i->users[i->user_table[at] - 1];
        if (u->len == len && (len == 0 || memcmp(i->user_text.data + u->text, name, len) == 0))
            return OSM3S_OK; /* else: renamed, the newest name wins */
    } else {
        if (grow(&i->users, &i->cap_users, i->n_users + 1, sizeof *i->users))
            return OSM3S_NOMEM;
        i->user_table[at] = (uint32_t)i->n_users + 1;
        u = &i->users[i->n_users++];
        u->uid = uid;
    }
    u->text = (uint32_t)i->user_text.len;
    u->len = (uint32_t)len;
    if (i->user_text.len + len > UINT32_MAX || buffer_put(&i->user_text, name, len))
        return fail(OSM3S_NOMEM, "out of memory for user names");
    if (i->n_users * 2 < i->user_table_len)
        return OSM3S_OK;
    size_t larger = i->user_table_len * 2;
    uint32_t *table = calloc(larger, sizeof *table);
    if (table == NULL)
        return fail(OSM3S_NOMEM, "out of memory for user names");
    for (size_t n = 0; n < i->n_users; n++) {
        at = ((uint32_t)i->users[n].uid * 2654435761u >> 7) & (larger - 1);
        while (table[at])
            at = (at + 1) & (larger - 1);
        table[at] = (uint32_t)n + 1;
    }
    free(i->user_table);
    i->user_table = table;
    i->user_table_len = larger;
    return OSM3S_OK;
}

static int place_way(osm3s_import *i);
static int place_relation(osm3s_import *i);

static int start_family(osm3s_import *i, int family)
{
    i->families[family].started = true;
    return pile_finish(i->families[family].pile);
}

/* All nodes are there. Their piles give their arenas back before those of the ways grow. */
static int end_of_nodes(osm3s_import *i)
{
    if (i->nodes.top)
        return OSM3S_OK;
    int error = start_family(i, OSM3S_NODES);
    if (error == OSM3S_OK)
        error = start_family(i, OSM3S_TAGGED_NODES);
    return error ? error : locations_seal(&i->nodes);
}

static int add_element(osm3s_import *i, const osm3s_batch *batch, const osm3s_element *e)
{
    if (e->deleted)
        return OSM3S_OK;
    uint32_t from = batch->string_start[e->user];
    int error = remember_user(i, e->meta.uid, batch->bytes + from, batch->string_start[e->user + 1] - from);
    if (error)
        return error;
    if (e->type != OSM3S_NODE) {
        if ((error = end_of_nodes(i)))
            return error;
        error = record_from_batch(&i->record, batch, e);
        return error ? error : e->type == OSM3S_WAY ? place_way(i) : place_relation(i);
    }
    if (e->n_tags == 0) { /* the hot path */
        node_record n = {(uint64_t)e->id, e->meta, e->lat, e->lon, (uint32_t)i->nodes.n, 0};
        error = pile_add(i->families[OSM3S_NODES].pile, order_key_of_position(e->lat, e->lon), &n, sizeof n);
    } else if ((error = record_from_batch(&i->record, batch, e)) == OSM3S_OK) {
        ((record_head *)(void *)i->record.data)->row = (uint32_t)i->nodes.n;
        error = pile_add(i->families[OSM3S_TAGGED_NODES].pile, order_key_of_position(e->lat, e->lon), i->record.data,
                         i->record.len);
    }
    return error ? error : locations_add(&i->nodes, (uint64_t)e->id, e->lat, e->lon);
}

/* Keep element e aside: copy it into the held batch. */
static int hold(osm3s_import *i, const osm3s_batch *b, const osm3s_element *e)
{
    osm3s_batch_clear(i->held);
    return batch_copy_element(i->held, b, e);
}

static int release_held(osm3s_import *i)
{
    if (i->held->n_elements == 0)
        return OSM3S_OK;
    int error = add_element(i, i->held, &i->held->elements[0]);
    osm3s_batch_clear(i->held);
    return error;
}

int osm3s_import_add(osm3s_import *i, const osm3s_batch *batch)
{
    for (uint32_t n = 0; n < batch->n_elements; n++) {
        const osm3s_element *e = &batch->elements[n];
        if (e->id <= 0)
            continue; /* not an id of OpenStreetMap; the reference drops their content, too */
        if (e->type < i->last_type || (e->type == i->last_type && e->id < i->last_id))
            return OSM3S_UNSORTED;
        bool newer_version = e->type == i->last_type && e->id == i->last_id;
        i->last_type = e->type;
        i->last_id = e->id;
        int error = OSM3S_OK;
        if (newer_version)
            osm3s_batch_clear(i->held);
        else
            error = release_held(i);
        const osm3s_element *next = e + 1;
        if (error == OSM3S_OK && n + 1 < batch->n_elements && (next->type != e->type || next->id != e->id))
            error = add_element(i, batch, e);
        else if (error == OSM3S_OK && n + 1 == batch->n_elements)
            error = hold(i, batch, e);
        if (error)
            return error;
    }
    return OSM3S_OK;
}

int osm3s_import_end_of_input(osm3s_import *i)
{
    int error = release_held(i);
    return error ? error : end_of_nodes(i);
}

void osm3s_import_counts(const osm3s_import *i, uint64_t counts[3])
{
    counts[0] = i->nodes.n;
    counts[1] = i->n_ways;
    counts[2] = i->n_relations;
}

/* --- giving ways and relations their geometry --- */

static int add_link(osm3s_import *i, int kind, uint64_t member, uint64_t owner)
{
    if (grow(&i->links[kind], &i->cap_links[kind], i->n_links[kind] + 1, sizeof(owner_link)))
        return OSM3S_NOMEM;
    i->links[kind][i->n_links[kind]++] = (owner_link){member, owner};
    return OSM3S_OK;
}

static int place_way(osm3s_import *i)
{
    record_head h = record_head_of(i->record.data);
    uint8_t *refs = record_refs(i->record.data);
    osm3s_bbox box = bbox_empty();
    for (uint32_t r = 0; r < h.n_refs; r++) {
        way_node n;
        memcpy(&n, refs + r * sizeof n, sizeof n);
        ptrdiff_t row = locations_find(&i->nodes, (uint64_t)n.ref);
        if (row < 0 || i->nodes.at[row].lat == OSM3S_NO_COORD) {
            if (add_link(i, 3, (uint64_t)n.ref, h.id))
                return OSM3S_NOMEM;
            continue;
        }
        n.lat = i->nodes.at[row].lat;
        n.lon = i->nodes.at[row].lon;
        memcpy(refs + r * sizeof n, &n, sizeof n);
        bbox_add_position(&box, n.lat, n.lon);
    }
    if (grow(&i->ways, &i->cap_ways, i->n_ways + 1, sizeof *i->ways))
        return OSM3S_NOMEM;
    h.row = (uint32_t)i->n_ways;
    memcpy(i->record.data, &h, sizeof h);
    i->ways[i->n_ways++] = (placed_way){h.id, box, quad_of_bbox(&box), OSM3S_UNRESOLVED};
    return pile_add(i->families[OSM3S_WAYS].pile, order_key_of_bbox(&box), i->record.data, i->record.len);
}

static const placed_way *find_way(const osm3s_import *i, uint64_t id)
{
    size_t low = 0, high = i->n_ways;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (i->ways[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < i->n_ways && i->ways[low].id == id ? &i->ways[low] : NULL;
}

static int place_relation(osm3s_import *i)
{
    record_head h = record_head_of(i->record.data);
    const uint8_t *p = record_refs(i->record.data);
    quad_sum quads;
    quad_sum_start(&quads);
    h.bbox = bbox_empty();
    for (uint32_t r = 0; r < h.n_refs; r++) {
        member_head m;
        memcpy(&m, p, sizeof m);
        p += sizeof m + m.role_len;
        if (add_link(i, m.type, (uint64_t)m.ref, h.id))
            return OSM3S_NOMEM;
        ptrdiff_t row = m.type == OSM3S_NODE ? locations_find(&i->nodes, (uint64_t)m.ref) : -1;
        const placed_way *way = m.type == OSM3S_WAY ? find_way(i, (uint64_t)m.ref) : NULL;
        if (row >= 0 && i->nodes.at[row].lat != OSM3S_NO_COORD) {
            bbox_add_position(&h.bbox, i->nodes.at[row].lat, i->nodes.at[row].lon);
            quad_sum_add(&quads, quad_of_position(i->nodes.at[row].lat, i->nodes.at[row].lon));
        } else if (way) {
            if (!bbox_is_empty(&way->bbox))
                bbox_add(&h.bbox, &way->bbox);
            quad_sum_add(&quads, way->quad);
        }
    }
    h.quad = quad_sum_finish(&quads);
    h.row = (uint32_t)i->n_relations;
    memcpy(i->record.data, &h, sizeof h);
    if (grow(&i->relations, &i->cap_relations, i->n_relations + 1, sizeof *i->relations))
        return OSM3S_NOMEM;
    i->relations[i->n_relations++] = (placed_relation){h.id, OSM3S_UNRESOLVED};
    return pile_add(i->families[OSM3S_RELATIONS].pile, order_key_of_bbox(&h.bbox), i->record.data, i->record.len);
}

/* --- cutting blocks --- */

/* Elements per block aimed at, and bytes of records that are enough in any case. */
static const uint32_t ENOUGH[OSM3S_FAMILIES] = {8192, 2048, 1024, 512};
enum { ENOUGH_BYTES = 1 << 20, ENOUGH_TAGS = 50000, MOST_ELEMENTS = 65000 };

static void place_row(osm3s_import *i, int family, uint32_t row, uint32_t block)
{
    if (family <= OSM3S_TAGGED_NODES)
        i->nodes.block[row] = block;
    else if (family == OSM3S_WAYS)
        i->ways[row].block = block;
    else
        i->relations[row].block = block;
}

/* Add the pending record to the block that is being filled. */
static int take_record(osm3s_import *i, int family, uint32_t block)
{
    family_state *state = &i->families[family];
    state->pending = false;
    if (family == OSM3S_NODES) {
        node_record n;
        memcpy(&n, state->data, sizeof n);
        i->nodes.block[n.row] = block;
        return osm3s_block_add_node(state->builder, n.id, n.lat, n.lon, n.meta);
    }
    place_row(i, family, record_head_of(state->data).row, block);
    return record_build(state->builder, family, state->data, state->len);
}

int osm3s_import_next_block(osm3s_import *i, int family, osm3s_block *out, uint64_t *order_key, uint32_t *id)
{
    family_state *state = &i->families[family];
    int type = family <= OSM3S_TAGGED_NODES ? OSM3S_NODE : family - 1, error = OSM3S_OK;
    if (!state->started && (error = start_family(i, family)))
        return error;
    osm3s_block_builder_start(state->builder, family);
    osm3s_block_keep_times(state->builder, i->times);
    size_t bytes = 0, tags = 0;
    uint64_t last_key = 0;
    uint32_t n = 0;
    *id = i->next_id[type];
    for (;;) {
        if (!state->pending) {
            int there = pile_next(state->pile, &state->key, &state->data, &state->len);
            if (there < 0)
                return there;
            if (there == 0)
                break;
            state->pending = true;
        }
        uint32_t n_tags = family == OSM3S_NODES ? 0 : record_head_of(state->data).n_tags;
        bool enough = n >= ENOUGH[family] || bytes >= ENOUGH_BYTES || tags >= ENOUGH_TAGS;
        bool too_much = n >= MOST_ELEMENTS || tags + n_tags > 65000;
        if (n && ((enough && state->key >> 20 != last_key >> 20) || too_much))
            break;
        if (n == 0)
            *order_key = state->key;
        last_key = state->key;
        if ((error = take_record(i, family, *id)))
            return error;
        n++;
        bytes += state->len;
        tags += n_tags;
    }
    if (n == 0) {
        pile_free(state->pile);
        state->pile = NULL;
        return 0;
    }
    if ((error = osm3s_block_finish(state->builder, out)))
        return error;
    i->next_id[type]++;
    view v;
    if ((error = view_open(&v, out->block, out->head_len, out->body_len)))
        return error;
    if (family != OSM3S_NODES && (error = tag_directory_add(state->tags, &v, *id)))
        return error;
    return 1;
}

/* --- pages of the index; keys as in osm3s/storage/index.py and FORMAT.md --- */

/* A page and some room to grow fit into one page of LMDB. */
enum { PAGE_LEN = 3600, LINKS_PER_PAGE = 1500, MOST_KEY = 480 };

static int put_key(buffer *key, char letter, uint8_t kind, uint64_t number)
{
    uint8_t bytes[10] = {(uint8_t)letter, kind};
    for (int b = 0; b < 8; b++)
        bytes[2 + b] = (uint8_t)(number >> (56 - 8 * b));
    key->len = 0;
    return buffer_put(key, bytes, sizeof bytes);
}

/* One page of the id map of a type: rows [page_at, ...) that share a page number. */
static int next_id_page(osm3s_import *i, int type)
{
    size_t n = type == 0 ? i->nodes.n : type == 1 ? i->n_ways : i->n_relations, row = i->page_at;
    if (row == n)
        return 0;
    uint32_t blocks[ID_PAGE];
    memset(blocks, 0xff, sizeof blocks);
    uint64_t page = UINT64_MAX;
    for (; row < n; row++) {
        uint64_t id = type == 0 ? i->nodes.ids[row] : type == 1 ? i->ways[row].id : i->relations[row].id;
        if (page != UINT64_MAX && id >> ID_PAGE_BITS != page)
            break;
        page = id >> ID_PAGE_BITS;
        blocks[id & (ID_PAGE - 1)] = type == 0 ? i->nodes.block[row] : type == 1 ? i->ways[row].block
                                                                                 : i->relations[row].block;
    }
    i->page_at = row;
    i->page.len = 0;
    if (put_key(&i->page_key, 'I', (uint8_t)type, page) || id_page_encode(blocks, &i->page))
        return OSM3S_NOMEM;
    return 1;
}

/* One page of links; all links of one member stay together. */
static int next_link_page(osm3s_import *i, int kind)
{
    const owner_link *links = i->links[kind];
    size_t from = i->page_at, n = i->n_links[kind], to = from;
    if (from == 0)
        links_sort(i->links[kind], &i->n_links[kind]);
    n = i->n_links[kind];
    if (from == n)
        return 0;
    while (to < n && (to - from < LINKS_PER_PAGE || links[to].member == links[to - 1].member))
        to++;
    i->page_at = to;
    i->page.len = 0;
    if (put_key(&i->page_key, 'L', (uint8_t)kind, links[to - 1].member)
        || link_page_encode(links + from, to - from, &i->page))
        return OSM3S_NOMEM;
    return 1;
}

static int next_tag_page(osm3s_import *i)
{
    int family, there = 0;
    for (; i->tag_family < OSM3S_FAMILIES; i->tag_family++) {
        tag_directory *tags = i->families[i->tag_family].tags;
        if ((there = tag_directory_page(tags, PAGE_LEN, &family, &i->page, &i->last)))
            break;
        tag_directory_free(tags);
        i->families[i->tag_family].tags = NULL;
    }
    if (there <= 0)
        return there;
    uint8_t head[2] = {'T', (uint8_t)family};
    uint32_t serial = (uint32_t)i->page_at++;
    uint8_t tail[5] = {0x00, (uint8_t)(serial >> 24), (uint8_t)(serial >> 16), (uint8_t)(serial >> 8), (uint8_t)serial};
    i->page_key.len = 0;
    if (buffer_put(&i->page_key, head, 2)
        || buffer_put(&i->page_key, i->last.data, i->last.len < MOST_KEY ? i->last.len : MOST_KEY)
        || buffer_put(&i->page_key, tail, sizeof tail))
        return OSM3S_NOMEM;
    return 1;
}

static int next_user(osm3s_import *i)
{
    if (i->page_at == i->n_users)
        return 0;
    const user *u = &i->users[i->page_at++];
    i->page.len = 0;
    if (put_key(&i->page_key, 'U', 0, (uint32_t)u->uid) || buffer_put(&i->page, i->user_text.data + u->text, u->len))
        return OSM3S_NOMEM;
    return 1;
}

int osm3s_import_next_page(osm3s_import *i, osm3s_bytes *key, osm3s_bytes *value)
{
    for (; i->page_kind < 3 + LINK_KINDS + 2; i->page_kind++, i->page_at = 0) {
        int kind = i->page_kind;
        int there = kind < 3 ? next_id_page(i, kind) : kind < 3 + LINK_KINDS ? next_link_page(i, kind - 3)
                    : kind == 3 + LINK_KINDS ? next_tag_page(i) : next_user(i);
        if (there < 0)
            return there;
        if (there) {
            *key = (osm3s_bytes){i->page_key.data, i->page_key.len};
            *value = (osm3s_bytes){i->page.data, i->page.len};
            return 1;
        }
    }
    return 0;
}
