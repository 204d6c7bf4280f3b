/* link_page.c: see index_page.h.
 *
 * Page: u32 n; then n links sorted by (member, owner), as varints: member as difference to the one before; then the
 * owner: absolute if the member differs from the one before, else as difference. */
#include "index_page.h"
#include "varint.h"

int link_page_encode(const owner_link *links, size_t n, buffer *out)
{
    uint32_t n32 = (uint32_t)n;
    uint64_t last = 0, last_owner = 0;
    if (buffer_put(out, &n32, 4))
        return OSM3S_NOMEM;
    for (size_t i = 0; i < n; i++) {
        bool same = i && links[i].member == last;
        if (buffer_put_varint(out, links[i].member - last)
            || buffer_put_varint(out, same ? links[i].owner - last_owner : links[i].owner))
            return OSM3S_NOMEM;
        last = links[i].member;
        last_owner = links[i].owner;
    }
    return OSM3S_OK;
}

int link_page_decode(const uint8_t *page, size_t len, owner_link **links, size_t *n, size_t *cap)
{
    uint32_t count;
    if (len < 4)
        return fail(OSM3S_CORRUPT, "a page of links is damaged");
    memcpy(&count, page, 4);
    if (count > len || grow(links, cap, *n + count, sizeof **links))
        return count > len ? fail(OSM3S_CORRUPT, "a page of links is damaged") : OSM3S_NOMEM;
    const uint8_t *p = page + 4, *end = page + len;
    uint64_t member = 0, owner = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t step, value;
        if ((p = varint_get(p, end, &step)) == NULL || (p = varint_get(p, end, &value)) == NULL)
            return fail(OSM3S_CORRUPT, "a page of links is damaged");
        member += step;
        owner = i && step == 0 ? owner + value : value;
        (*links)[(*n)++] = (owner_link){member, owner};
    }
    return OSM3S_OK;
}

static int compare_links(const void *left, const void *right)
{
    const owner_link *l = left, *r = right;
    if (l->member != r->member)
        return l->member < r->member ? -1 : 1;
    return (l->owner > r->owner) - (l->owner < r->owner);
}

void links_sort(owner_link *links, size_t *n)
{
    if (*n)
        qsort(links, *n, sizeof *links, compare_links);
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (kept == 0 || compare_links(&links[kept - 1], &links[i]))
            links[kept++] = links[i];
    *n = kept;
}

static int page_links(const uint8_t *page, size_t len, const osm3s_rows *members, size_t *from, bool of_blocks,
                      osm3s_rows *out)
{
    owner_link *links = NULL;
    size_t n_links = 0, cap = 0, at = 0;
    int error = link_page_decode(page, len, &links, &n_links, &cap);
    if (error == OSM3S_OK && n_links == 0)
        error = fail(OSM3S_CORRUPT, "an empty page of links");
    for (; error == OSM3S_OK && *from < members->n && members->rows[*from].id <= links[n_links - 1].member; ++*from) {
        uint64_t id = members->rows[*from].id;
        size_t high = n_links;
        while (at < high) { /* the first link of a member that is not smaller */
            size_t middle = (at + high) / 2;
            if (links[middle].member < id)
                at = middle + 1;
            else
                high = middle;
        }
        for (size_t j = at; j < n_links && links[j].member == id && error == OSM3S_OK; j++)
            error = rows_push(out, of_blocks ? (osm3s_row){id, (uint32_t)links[j].owner, 0, 0, 0}
                                             : (osm3s_row){links[j].owner, OSM3S_UNRESOLVED, 0, 0, 0});
    }
    free(links);
    return error;
}

int osm3s_link_page_owners(const uint8_t *page, size_t len, const osm3s_rows *members, size_t *from, osm3s_rows *owners)
{
    return page_links(page, len, members, from, false, owners);
}

int osm3s_link_page_blocks(const uint8_t *page, size_t len, const osm3s_rows *members, size_t *from, osm3s_rows *links)
{
    return page_links(page, len, members, from, true, links);
}

int osm3s_link_page_last(const uint8_t *page, size_t len, uint64_t *member)
{
    owner_link *links = NULL;
    size_t n = 0, cap = 0;
    int error = link_page_decode(page, len, &links, &n, &cap);
    if (error == OSM3S_OK && n == 0)
        error = fail(OSM3S_CORRUPT, "an empty page of links");
    if (error == OSM3S_OK)
        *member = links[n - 1].member;
    free(links);
    return error;
}

int osm3s_link_page_update(const uint8_t *page, size_t len, const uint64_t *members, const uint64_t *owners,
                           const uint8_t *added, size_t n, uint8_t **out, size_t *out_len)
{
    owner_link *links = NULL;
    size_t n_links = 0, cap = 0;
    buffer b = {0};
    int error = len ? link_page_decode(page, len, &links, &n_links, &cap) : OSM3S_OK;
    for (size_t i = 0; i < n && error == OSM3S_OK; i++) {
        owner_link change = {members[i], owners[i]};
        if (added[i]) {
            error = grow(&links, &cap, n_links + 1, sizeof *links);
            if (error == OSM3S_OK)
                links[n_links++] = change;
            continue;
        }
        for (size_t j = 0; j < n_links; j++)
            if (compare_links(&links[j], &change) == 0)
                links[j--] = links[--n_links];
    }
    *out = NULL;
    *out_len = 0;
    if (error == OSM3S_OK)
        links_sort(links, &n_links);
    if (error == OSM3S_OK && n_links && (error = link_page_encode(links, n_links, &b)) == OSM3S_OK) {
        *out = b.data;
        *out_len = b.len;
    } else {
        free(b.data);
    }
    free(links);
    return error;
}
