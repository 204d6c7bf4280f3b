/* snapshot.c: the block files of one version of the database, and the way from a block number to its view.
 *
 * Blocks are opened, and their head checked against its checksum, when they are touched for the first time; bodies are
 * checked when first asked for through snapshot_view's caller (ways and relations: together with the head's first
 * use of the body, see open_part). */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot.h"

osm3s_snapshot *osm3s_snapshot_new(void)
{
    return calloc(1, sizeof(osm3s_snapshot));
}

void osm3s_snapshot_free(osm3s_snapshot *s)
{
    if (s == NULL)
        return;
    for (int f = 0; f < OSM3S_FILES; f++)
        if (s->file[f].data)
            munmap((void *)s->file[f].data, s->file[f].len);
    for (size_t i = 0; s->opened && i < s->n_entries; i++)
        if (s->opened[i]) {
            free(s->opened[i]->dead);
            free(s->opened[i]->attic);
            free(s->opened[i]);
        }
    free(s->opened);
    free(s->entries);
    for (size_t i = 0; i < s->n_copies; i++)
        free(s->copies[i]);
    free(s->copies);
    for (int t = 0; t < 3; t++)
        free(s->of_id[t]);
    free(s);
}

int osm3s_snapshot_map(osm3s_snapshot *s, int file, const char *path)
{
    snprintf(s->file[file].path, sizeof s->file[file].path, "%s", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? OSM3S_OK : fail(OSM3S_IO, "cannot open %s: %s", path, strerror(errno));
    struct stat st;
    void *data = MAP_FAILED;
    int error = fstat(fd, &st);
    if (error == 0 && st.st_size > 0)
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    int saved = errno;
    close(fd);
    if (error == 0 && st.st_size == 0)
        return OSM3S_OK;
    if (error || data == MAP_FAILED)
        return fail(OSM3S_IO, "cannot map %s: %s", path, strerror(saved));
    s->file[file].data = data;
    s->file[file].len = (size_t)st.st_size;
    return OSM3S_OK;
}

/* As people know it: the areas have files of their own. */
static const char *file_name(const osm3s_snapshot *s, int file)
{
    const char *slash = strrchr(s->file[file].path, '/');
    return slash ? slash + 1 : s->file[file].path;
}

/* A copy that the snapshot owns. */
static const void *keep_copy(osm3s_snapshot *s, const void *entries, size_t len)
{
    if (grow(&s->copies, &s->cap_copies, s->n_copies + 1, sizeof *s->copies))
        return NULL;
    void *copy = malloc(len);
    if (copy == NULL) {
        fail(OSM3S_NOMEM, "out of memory for %zu bytes of the directory", len);
        return NULL;
    }
    s->copies[s->n_copies++] = copy;
    return memcpy(copy, entries, len);
}

int osm3s_snapshot_add_directory(osm3s_snapshot *s, int family, const void *entries, size_t len, int stays)
{
    if (len % sizeof(osm3s_dir_entry))
        return fail(OSM3S_CORRUPT, "a directory page of %zu bytes", len);
    for (; s->family < family; s->family++)
        s->first[s->family + 1] = (uint32_t)s->n_entries;
    size_t n = len / sizeof(osm3s_dir_entry);
    if (grow(&s->entries, &s->cap_entries, s->n_entries + n, sizeof *s->entries))
        return OSM3S_NOMEM;
    if (n && (!stays || (uintptr_t)entries % _Alignof(osm3s_dir_entry)) && !(entries = keep_copy(s, entries, len)))
        return OSM3S_NOMEM;
    for (size_t i = 0; i < n; i++)
        s->entries[s->n_entries + i] = (const osm3s_dir_entry *)entries + i;
    s->n_entries += n;
    return OSM3S_OK;
}

static int type_of_family(int family)
{
    return family <= OSM3S_TAGGED_NODES ? OSM3S_NODE : family - 1;
}

int osm3s_snapshot_seal(osm3s_snapshot *s)
{
    for (; s->family < OSM3S_FAMILIES; s->family++)
        s->first[s->family + 1] = (uint32_t)s->n_entries;
    s->opened = calloc(s->n_entries + 1, sizeof *s->opened);
    if (s->opened == NULL)
        return fail(OSM3S_NOMEM, "out of memory for %zu blocks", s->n_entries);
    return OSM3S_OK;
}

/* The tables from permanent ids are made when first asked for: most queries never look an id up. */
static int index_ids(osm3s_snapshot *s, int type)
{
    uint32_t largest = 0;
    for (int f = 0; f < OSM3S_FAMILIES; f++)
        for (uint32_t b = s->first[f]; type_of_family(f) == type && b < s->first[f + 1]; b++)
            if (s->entries[b]->id > 1u << 26)
                return fail(OSM3S_CORRUPT, "block id %u in the directory", s->entries[b]->id);
            else if (s->entries[b]->id >= largest)
                largest = s->entries[b]->id + 1;
    s->of_id[type] = malloc(((size_t)largest + 1) * sizeof(uint32_t));
    if (s->of_id[type] == NULL)
        return fail(OSM3S_NOMEM, "out of memory for %u blocks", largest);
    memset(s->of_id[type], 0xff, ((size_t)largest + 1) * sizeof(uint32_t));
    s->n_of_id[type] = largest;
    for (int f = 0; f < OSM3S_FAMILIES; f++)
        for (uint32_t b = s->first[f]; type_of_family(f) == type && b < s->first[f + 1]; b++)
            s->of_id[type][s->entries[b]->id] = b;
    return OSM3S_OK;
}

uint32_t osm3s_snapshot_first_block(const osm3s_snapshot *s, int family)
{
    return s->first[family];
}

uint32_t osm3s_snapshot_n_blocks(const osm3s_snapshot *s, int family)
{
    return s->first[family + 1] - s->first[family];
}

const osm3s_dir_entry *osm3s_snapshot_entry(const osm3s_snapshot *s, uint32_t block)
{
    return block < s->n_entries ? s->entries[block] : NULL;
}

uint32_t osm3s_snapshot_block_of_id(const osm3s_snapshot *s, int type, uint32_t id)
{
    if (s->of_id[type] == NULL && index_ids((osm3s_snapshot *)s, type))
        return OSM3S_UNRESOLVED;
    return id < s->n_of_id[type] ? s->of_id[type][id] : OSM3S_UNRESOLVED;
}

uint32_t osm3s_snapshot_block_of_key(const osm3s_snapshot *s, int family, uint64_t order_key)
{
    uint32_t low = s->first[family], high = s->first[family + 1];
    if (low == high)
        return OSM3S_UNRESOLVED;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (s->entries[middle]->order_key <= order_key)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint32_t snapshot_block_near(const osm3s_snapshot *s, int family, uint64_t order_key, uint32_t *near)
{
    uint32_t block = *near, end = s->first[family + 1];
    bool is_same = block >= s->first[family] && block < end && s->entries[block]->order_key <= order_key
                   && (block + 1 == end || s->entries[block + 1]->order_key > order_key);
    return is_same ? block : (*near = osm3s_snapshot_block_of_key(s, family, order_key));
}

static int family_of_block(const osm3s_snapshot *s, uint32_t block)
{
    int f = 0;
    while (block >= s->first[f + 1])
        f++;
    return f;
}

const uint8_t *snapshot_extent(const osm3s_snapshot *s, int file, uint64_t offset, uint64_t len)
{
    if (s->file[file].data == NULL || offset > s->file[file].len || len > s->file[file].len - offset) {
        fail(OSM3S_CORRUPT, "%s ends before offset %llu + %llu: the file is truncated", file_name(s, file),
             (unsigned long long)offset, (unsigned long long)len);
        return NULL;
    }
    return s->file[file].data + offset;
}

/* Read-ahead pays where a few blocks lie apart; a long scan is what the kernel foresees by itself. */
enum { MOST_BLOCKS_AHEAD = 512 };

void snapshot_will_need(osm3s_snapshot *s, const uint32_t *blocks, size_t n)
{
    const uintptr_t page = 4096;
    if (n > MOST_BLOCKS_AHEAD)
        return;
    for (size_t i = 0; i < n;) {
        int file = family_of_block(s, blocks[i]);
        uint64_t from = s->entries[blocks[i]]->base_offset, to = from;
        for (; i < n && family_of_block(s, blocks[i]) == file; i++) { /* neighbours become one range */
            const osm3s_dir_entry *e = s->entries[blocks[i]];
            uint64_t end = e->base_offset + e->head_len + e->body_len;
            if (e->base_offset < from || e->base_offset > to + 16 * page)
                break;
            to = end > to ? end : to;
        }
        if (s->file[file].data && to <= s->file[file].len)
            madvise((void *)((uintptr_t)(s->file[file].data + from) & ~(page - 1)), to - from + page, MADV_WILLNEED);
    }
}

static size_t dead_len(const osm3s_dir_entry *e)
{
    return ((size_t)e->n_dead * 2 + 7) / 8 * 8;
}

int snapshot_corrupt_frame(const osm3s_snapshot *s, int file, uint64_t offset, const char *frame)
{
    return fail(OSM3S_CORRUPT, "%s, offset %llu: the %s frame does not match its checksum; restore the file or import again",
                file_name(s, file), (unsigned long long)offset, frame);
}

static int open_base(osm3s_snapshot *s, uint32_t block, open_block *o)
{
    const osm3s_dir_entry *e = s->entries[block];
    const uint8_t *data = snapshot_extent(s, o->family, e->base_offset, (uint64_t)e->head_len + e->body_len);
    if (data == NULL)
        return OSM3S_CORRUPT;
    if (checksum(data, e->head_len) != e->head_sum)
        return snapshot_corrupt_frame(s, o->family, e->base_offset, "head");
    int error = view_open(&o->base, data, e->head_len, e->body_len);
    if (error)
        return error;
    if (o->base.n != e->n || o->base.family != o->family)
        return fail(OSM3S_CORRUPT, "block %u of %s is not the one of the directory", e->id, file_name(s, o->family));
    o->base_opened = true;
    return OSM3S_OK;
}

static int open_delta(osm3s_snapshot *s, uint32_t block, open_block *o)
{
    const osm3s_dir_entry *e = s->entries[block];
    if (e->delta_head_len == 0)
        return OSM3S_OK;
    size_t dead = dead_len(e), len = dead + e->delta_head_len + e->delta_body_len;
    const uint8_t *delta = snapshot_extent(s, OSM3S_FAMILIES, e->delta_offset, len);
    if (delta == NULL)
        return OSM3S_CORRUPT;
    if (checksum(delta, len) != e->delta_sum)
        return snapshot_corrupt_frame(s, OSM3S_FAMILIES, e->delta_offset, "delta");
    if (e->n_dead) {
        o->dead = calloc(((size_t)e->n + 63) / 64 + 1, 8);
        if (o->dead == NULL)
            return fail(OSM3S_NOMEM, "out of memory opening a block");
        for (uint32_t i = 0; i < e->n_dead; i++) {
            uint16_t slot;
            memcpy(&slot, delta + (size_t)i * 2, 2);
            if (slot >= e->n)
                return fail(OSM3S_CORRUPT, "a delta of block %u kills slot %u of %u", e->id, slot, e->n);
            o->dead[slot / 64] |= 1ull << slot % 64;
        }
    }
    int error = view_open(&o->delta, delta + dead, e->delta_head_len, e->delta_body_len);
    if (error == OSM3S_OK && (o->delta.n != e->n_delta || o->delta.family != o->family))
        error = fail(OSM3S_CORRUPT, "the delta of block %u of %s is not the one of the directory", e->id,
                     file_name(s, o->family));
    return error;
}

open_block *snapshot_open(osm3s_snapshot *s, uint32_t block)
{
    if (block >= s->n_entries) {
        fail(OSM3S_CORRUPT, "block number %u of %zu", block, s->n_entries);
        return NULL;
    }
    open_block *o = s->opened[block];
    if (o)
        return o;
    o = calloc(1, sizeof *o);
    if (o == NULL) {
        fail(OSM3S_NOMEM, "out of memory opening a block");
        return NULL;
    }
    o->n_base = s->entries[block]->n;
    o->family = (uint8_t)family_of_block(s, block);
    if (open_delta(s, block, o)) {
        free(o->dead);
        free(o);
        return NULL;
    }
    s->opened[block] = o;
    return o;
}

bool snapshot_is_superseded(osm3s_snapshot *s, const osm3s_row *row)
{
    const open_block *o = snapshot_open(s, row->block);
    return o && row->slot >= o->n_base + o->delta.n;
}

const view *snapshot_base(osm3s_snapshot *s, uint32_t block)
{
    open_block *o = snapshot_open(s, block);
    return o && (o->base_opened || open_base(s, block, o) == OSM3S_OK) ? &o->base : NULL;
}

const view *snapshot_delta(osm3s_snapshot *s, uint32_t block)
{
    open_block *o = snapshot_open(s, block);
    return o ? &o->delta : NULL;
}

const uint64_t *snapshot_dead(osm3s_snapshot *s, uint32_t block)
{
    open_block *o = snapshot_open(s, block);
    return o ? o->dead : NULL;
}

int snapshot_check_body(osm3s_snapshot *s, uint32_t block)
{
    const view *base = snapshot_base(s, block);
    if (base == NULL)
        return OSM3S_CORRUPT;
    open_block *o = s->opened[block];
    if (o->body_checked)
        return OSM3S_OK;
    const osm3s_dir_entry *e = s->entries[block];
    if (checksum(base->body, e->body_len) != e->body_sum)
        return snapshot_corrupt_frame(s, o->family, e->base_offset + e->head_len, "body");
    o->body_checked = true;
    return OSM3S_OK;
}

uint32_t attic_part_of(const open_block *o, uint32_t slot)
{
    uint32_t low = 0, high = o->n_attic;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (o->attic[middle].first_slot <= slot)
            low = middle;
        else
            high = middle;
    }
    return low;
}

const view *snapshot_view(osm3s_snapshot *s, uint32_t block, uint32_t slot, uint32_t *local_slot)
{
    open_block *o = snapshot_open(s, block);
    if (o == NULL)
        return NULL;
    bool reads_body = slot < o->n_base && o->family >= OSM3S_WAYS;
    if (reads_body && !o->body_checked && snapshot_check_body(s, block))
        return NULL;
    return snapshot_head(s, block, slot, local_slot);
}

const view *snapshot_head(osm3s_snapshot *s, uint32_t block, uint32_t slot, uint32_t *local_slot)
{
    open_block *o = snapshot_open(s, block);
    if (o == NULL)
        return NULL;
    bool in_delta = slot >= o->n_base;
    const view *v = in_delta ? &o->delta : o->base_opened ? &o->base : snapshot_base(s, block);
    if (v == NULL)
        return NULL;
    *local_slot = in_delta ? slot - o->n_base : slot;
    if (in_delta && *local_slot >= v->n && o->n_attic) {
        const attic_part *p = &o->attic[attic_part_of(o, slot)];
        *local_slot = slot - p->first_slot;
        v = &p->view;
    }
    if (*local_slot >= v->n) {
        fail(OSM3S_CORRUPT, "slot %u of block %u does not exist", slot, block);
        return NULL;
    }
    return v;
}

const uint8_t *osm3s_snapshot_meta_frame(osm3s_snapshot *s, uint32_t block, int delta, uint32_t *len)
{
    const osm3s_dir_entry *e = s->entries[block];
    int family = family_of_block(s, block), file = delta ? OSM3S_FAMILIES : family;
    uint64_t offset = delta ? e->delta_offset + dead_len(e) + e->delta_head_len + e->delta_body_len
                            : e->base_offset + e->head_len + e->body_len;
    *len = delta ? e->delta_meta_len : e->meta_len;
    if (*len == 0)
        return NULL;
    const uint8_t *data = snapshot_extent(s, file, offset, *len);
    if (data && checksum(data, *len) != (delta ? e->delta_meta_sum : e->meta_sum)) {
        snapshot_corrupt_frame(s, file, offset, "meta");
        return NULL;
    }
    return data;
}

int osm3s_snapshot_attach_meta(osm3s_snapshot *s, uint32_t block, int delta, const uint8_t *data, size_t len)
{
    open_block *o = snapshot_open(s, block);
    if (o == NULL)
        return OSM3S_CORRUPT;
    if (!delta && snapshot_base(s, block) == NULL)
        return OSM3S_CORRUPT;
    return view_attach_meta(delta ? &o->delta : &o->base, data, len);
}

/* Slot of an id in a block (delta slots count on from the base's), or -1; -2: the block cannot be read. */
ptrdiff_t snapshot_find(osm3s_snapshot *s, uint32_t block, uint64_t id)
{
    open_block *o = snapshot_open(s, block);
    if (o == NULL)
        return -2;
    ptrdiff_t slot = o->delta.n ? view_find(&o->delta, id) : -1;
    if (slot >= 0)
        return slot + (ptrdiff_t)o->n_base;
    const view *base = snapshot_base(s, block);
    if (base == NULL)
        return -2;
    slot = view_find(base, id);
    if (slot >= 0 && o->dead && o->dead[slot / 64] >> slot % 64 & 1)
        return -1;
    return slot;
}

int snapshot_place_row(osm3s_snapshot *s, int type, uint32_t block, uint32_t slot, osm3s_row *row)
{
    row->block = block;
    row->slot = slot;
    if (type != OSM3S_NODE)
        return OSM3S_OK;
    uint32_t local;
    const view *v = snapshot_view(s, block, slot, &local);
    if (v == NULL || v->family > OSM3S_TAGGED_NODES)
        return OSM3S_CORRUPT;
    row->lat = (int32_t)column_get(&v->lat, local);
    row->lon = (int32_t)column_get(&v->lon, local);
    return OSM3S_OK;
}

/* Look for a node of known position in a family: in the block of its key, and before it while keys are equal. */
static int resolve_in(osm3s_snapshot *s, int family, uint64_t key, osm3s_row *row, uint32_t *near)
{
    uint32_t block = snapshot_block_near(s, family, key, near);
    if (block == OSM3S_UNRESOLVED)
        return OSM3S_OK;
    for (;; block--) {
        ptrdiff_t slot = snapshot_find_at(s, block, row->id);
        if (slot == -2)
            return OSM3S_CORRUPT;
        if (slot >= 0) {
            row->block = block;
            row->slot = (uint32_t)slot;
            return OSM3S_OK;
        }
        if (block == s->first[family] || s->entries[block]->order_key < key)
            return OSM3S_OK;
    }
}

int snapshot_resolve_near(osm3s_snapshot *s, osm3s_row *row, int tagged_only, uint32_t near[2])
{
    uint64_t key = order_key_of_position(row->lat, row->lon);
    int error = resolve_in(s, OSM3S_TAGGED_NODES, key, row, &near[OSM3S_TAGGED_NODES]);
    if (error == OSM3S_OK && row->block == OSM3S_UNRESOLVED && !tagged_only)
        error = resolve_in(s, OSM3S_NODES, key, row, &near[OSM3S_NODES]);
    return error;
}

int snapshot_resolve_node(osm3s_snapshot *s, osm3s_row *row)
{
    uint32_t near[2] = {0, 0};
    return snapshot_resolve_near(s, row, false, near);
}

int osm3s_snapshot_resolve_nodes(osm3s_snapshot *s, osm3s_rows *rows, int tagged_only)
{
    uint32_t near[2] = {0, 0};
    int error = OSM3S_OK;
    for (size_t i = 0; i < rows->n && error == OSM3S_OK; i++)
        if (rows->rows[i].block == OSM3S_UNRESOLVED)
            error = snapshot_resolve_near(s, &rows->rows[i], tagged_only, near);
    return error;
}

/* --- checking --- */

static int check_part(const view *v)
{
    way_nodes nodes = {0};
    members list = {0};
    int error = OSM3S_OK;
    for (uint32_t slot = 0; slot < v->n && error == OSM3S_OK; slot++) {
        if (slot && column_get(&v->id, slot) <= column_get(&v->id, slot - 1))
            error = fail(OSM3S_CORRUPT, "ids are not ascending");
        else if (v->family == OSM3S_WAYS)
            error = view_way_nodes(v, slot, &nodes);
        else if (v->family == OSM3S_RELATIONS)
            error = view_members(v, slot, &list);
        uint32_t from, to;
        view_tags(v, slot, &from, &to);
        for (; from < to && error == OSM3S_OK; from++)
            if (column_get(&v->tag, from) >= v->n_pairs)
                error = fail(OSM3S_CORRUPT, "a tag number is out of range");
    }
    free(nodes.items);
    free(list.items);
    return error;
}

int osm3s_snapshot_check_block(osm3s_snapshot *s, uint32_t block)
{
    open_block *o = snapshot_open(s, block);
    if (o == NULL)
        return OSM3S_CORRUPT;
    int error = snapshot_check_body(s, block);
    if (error == OSM3S_OK)
        error = check_part(&o->base); /* opened with its body */
    if (error == OSM3S_OK)
        error = check_part(&o->delta);
    uint32_t len;
    for (int delta = 0; delta < 2 && error == OSM3S_OK; delta++)
        if (osm3s_snapshot_meta_frame(s, block, delta, &len) == NULL && len)
            error = OSM3S_CORRUPT;
    return error;
}
