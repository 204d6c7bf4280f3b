/* batch.c: elements as they come from an input file. Four growing arrays and a pool of strings. */
#include "internal.h"

enum { STRING_MAX = 16 << 20, RECENT = 1024 };

/* Room for `more` further items in parallel arrays that share one count and one capacity. `pointers` are the addresses
 * of the `n_arrays` pointers, `sizes` the sizes of their items. */
static int reserve(void *const pointers[], const size_t sizes[], int n_arrays, uint32_t n, uint32_t *cap, uint64_t more)
{
    if (more <= *cap - n)
        return OSM3S_OK;
    uint64_t want = n + more, larger = (uint64_t)*cap + *cap / 2;
    if (want < more || want > UINT32_MAX)
        return fail(OSM3S_LIMIT, "more than 4294967295 items in one batch of input data");
    larger = larger < 64 ? 64 : larger > UINT32_MAX ? UINT32_MAX : larger;
    if (larger < want)
        larger = want;
    for (int i = 0; i < n_arrays; i++) {
        void *items;
        memcpy(&items, pointers[i], sizeof items);
        items = larger > SIZE_MAX / sizes[i] ? NULL : realloc(items, (size_t)larger * sizes[i]);
        if (items == NULL)
            return fail(OSM3S_NOMEM, "out of memory while reading input data");
        memcpy(pointers[i], &items, sizeof items);
    }
    *cap = (uint32_t)larger;
    return OSM3S_OK;
}

int batch_reserve_elements(osm3s_batch *b, uint64_t more)
{
    void *const pointers[] = {&b->elements};
    const size_t sizes[] = {sizeof *b->elements};
    return reserve(pointers, sizes, 1, b->n_elements, &b->cap_elements, more);
}

int batch_reserve_tags(osm3s_batch *b, uint64_t more)
{
    void *const pointers[] = {&b->tags};
    const size_t sizes[] = {sizeof *b->tags};
    return reserve(pointers, sizes, 1, b->n_tags, &b->cap_tags, more);
}

int batch_reserve_refs(osm3s_batch *b, uint64_t more)
{
    void *const pointers[] = {&b->refs, &b->ref_types, &b->ref_roles};
    const size_t sizes[] = {sizeof *b->refs, sizeof *b->ref_types, sizeof *b->ref_roles};
    return reserve(pointers, sizes, 3, b->n_refs, &b->cap_refs, more);
}

int batch_reserve_strings(osm3s_batch *b, uint64_t more, uint64_t more_bytes)
{
    void *const starts[] = {&b->string_start}, *const bytes[] = {&b->bytes};
    const size_t start_size[] = {sizeof *b->string_start}, byte_size[] = {1};
    int code = reserve(starts, start_size, 1, b->n_strings, &b->cap_strings, more + 1);
    return code != OSM3S_OK ? code : reserve(bytes, byte_size, 1, b->n_bytes, &b->cap_bytes, more_bytes);
}

void batch_push_string(osm3s_batch *b, const char *text, uint32_t len)
{
    if (len > 0)
        memcpy(b->bytes + b->n_bytes, text, len);
    b->n_bytes += len;
    b->string_start[++b->n_strings] = b->n_bytes;
}

void osm3s_batch_clear(osm3s_batch *b)
{
    b->n_elements = b->n_tags = b->n_refs = b->n_bytes = 0;
    b->n_strings = 1;
    memset(b->recent, 0, RECENT * sizeof *b->recent);
}

osm3s_batch *osm3s_batch_new(void)
{
    osm3s_batch *b = calloc(1, sizeof *b);
    if (b != NULL) {
        b->recent = calloc(RECENT, sizeof *b->recent);
        b->string_start = calloc(2, sizeof *b->string_start);
        b->bytes = malloc(1); /* never NULL, so that "" has an address */
    }
    if (b == NULL || b->recent == NULL || b->string_start == NULL || b->bytes == NULL) {
        osm3s_batch_free(b);
        fail(OSM3S_NOMEM, "out of memory for a batch of input data");
        return NULL;
    }
    b->cap_strings = 2;
    b->cap_bytes = 1;
    b->n_strings = 1;
    return b;
}

void osm3s_batch_free(osm3s_batch *b)
{
    if (b == NULL)
        return;
    free(b->elements);
    free(b->tags);
    free(b->refs);
    free(b->ref_types);
    free(b->ref_roles);
    free(b->string_start);
    free(b->bytes);
    free(b->recent);
    free(b);
}

/* The number of a string; one that was added lately is not stored again. */
static int add_string(osm3s_batch *b, const char *text, size_t len, uint32_t *number)
{
    *number = 0;
    if (len == 0)
        return OSM3S_OK;
    if (len > STRING_MAX)
        return fail(OSM3S_LIMIT, "a string of %zu bytes; at most 16 MiB are supported", len);
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    uint32_t *seen = &b->recent[(hash ^ hash >> 16) % RECENT];
    uint32_t from = b->string_start[*seen];
    if (b->string_start[*seen + 1] - from == len && memcmp(b->bytes + from, text, len) == 0) {
        *number = *seen;
        return OSM3S_OK;
    }
    int code = batch_reserve_strings(b, 1, len);
    if (code != OSM3S_OK)
        return code;
    *number = *seen = b->n_strings;
    batch_push_string(b, text, (uint32_t)len);
    return OSM3S_OK;
}

int osm3s_batch_add_element(osm3s_batch *b, uint8_t type, int64_t id, int32_t lat, int32_t lon, osm3s_meta meta,
                            const char *user, size_t user_len, int deleted)
{
    uint32_t user_number;
    int code = add_string(b, user, user_len, &user_number);
    if (code == OSM3S_OK)
        code = batch_reserve_elements(b, 1);
    if (code != OSM3S_OK)
        return code;
    b->elements[b->n_elements++] = (osm3s_element){
        .id = id, .lat = lat, .lon = lon, .meta = meta, .user = user_number,
        .tag_start = b->n_tags, .ref_start = b->n_refs, .type = type, .deleted = deleted != 0,
    };
    return OSM3S_OK;
}

int osm3s_batch_add_tag(osm3s_batch *b, const char *key, size_t key_len, const char *value, size_t value_len)
{
    osm3s_tag tag;
    if (b->n_elements == 0)
        return fail(OSM3S_INPUT, "a tag outside of an element");
    int code = add_string(b, key, key_len, &tag.key);
    if (code == OSM3S_OK)
        code = add_string(b, value, value_len, &tag.value);
    if (code == OSM3S_OK)
        code = batch_reserve_tags(b, 1);
    if (code != OSM3S_OK)
        return code;
    b->tags[b->n_tags++] = tag;
    b->elements[b->n_elements - 1].n_tags++;
    return OSM3S_OK;
}

int osm3s_batch_add_ref(osm3s_batch *b, int64_t ref)
{
    if (b->n_elements == 0 || b->elements[b->n_elements - 1].type != OSM3S_WAY)
        return fail(OSM3S_INPUT, "a node reference outside of a way");
    int code = batch_reserve_refs(b, 1);
    if (code != OSM3S_OK)
        return code;
    b->refs[b->n_refs++] = ref;
    b->elements[b->n_elements - 1].n_refs++;
    return OSM3S_OK;
}

int osm3s_batch_add_member(osm3s_batch *b, uint8_t type, int64_t ref, const char *role, size_t role_len)
{
    uint32_t role_number;
    if (b->n_elements == 0 || b->elements[b->n_elements - 1].type != OSM3S_RELATION)
        return fail(OSM3S_INPUT, "a member outside of a relation");
    int code = add_string(b, role, role_len, &role_number);
    if (code == OSM3S_OK)
        code = batch_reserve_refs(b, 1);
    if (code != OSM3S_OK)
        return code;
    b->refs[b->n_refs] = ref;
    b->ref_types[b->n_refs] = type;
    b->ref_roles[b->n_refs++] = role_number;
    b->elements[b->n_elements - 1].n_refs++;
    return OSM3S_OK;
}

int osm3s_batch_has_versions(const osm3s_batch *b)
{
    for (uint32_t i = 1; i < b->n_elements; i++)
        if (b->elements[i].id == b->elements[i - 1].id && b->elements[i].type == b->elements[i - 1].type)
            return 1;
    return 0;
}

int batch_copy_element(osm3s_batch *into, const osm3s_batch *b, const osm3s_element *e)
{
    uint32_t from = b->string_start[e->user];
    int error = osm3s_batch_add_element(into, e->type, e->id, e->lat, e->lon, e->meta, b->bytes + from,
                                        b->string_start[e->user + 1] - from, e->deleted);
    for (uint32_t t = e->tag_start; t < e->tag_start + e->n_tags && error == OSM3S_OK; t++) {
        uint32_t k = b->string_start[b->tags[t].key], v = b->string_start[b->tags[t].value];
        error = osm3s_batch_add_tag(into, b->bytes + k, b->string_start[b->tags[t].key + 1] - k, b->bytes + v,
                                    b->string_start[b->tags[t].value + 1] - v);
    }
    for (uint32_t r = e->ref_start; r < e->ref_start + e->n_refs && error == OSM3S_OK; r++) {
        if (e->type == OSM3S_WAY) {
            error = osm3s_batch_add_ref(into, b->refs[r]);
        } else {
            uint32_t role = b->string_start[b->ref_roles[r]];
            error = osm3s_batch_add_member(into, b->ref_types[r], b->refs[r], b->bytes + role,
                                           b->string_start[b->ref_roles[r] + 1] - role);
        }
    }
    return error;
}
