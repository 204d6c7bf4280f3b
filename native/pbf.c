/* pbf.c: a decompressed PrimitiveBlock of a PBF file -> elements of a batch. Message and field numbers are those of
 * osmformat.proto. Everything read may be damaged: lengths and string numbers are checked where they are used. */
#include <stdio.h>

#include "protobuf.h"
#include "utf8.h"

typedef struct {
    osm3s_batch *to;
    uint32_t n_strings, first_string; /* the block's strings, and the number the first one has in the batch */
    int64_t granularity, date_granularity, lat_offset, lon_offset;
} block;

/* The spans of a node, way or relation, before they are decoded. */
typedef struct {
    int64_t id, lat, lon;
    span keys, values, info, roles, refs, types;
} record;

enum { LAT_MAX = 900000000, LON_MAX = 1800000000 };

static int malformed(const char *what)
{
    return fail(OSM3S_INPUT, "malformed PBF data: %s", what);
}

/* In 1e-7 degree, rounded half away from zero; OSM3S_NO_COORD if beyond `max`. */
static inline int32_t coordinate(int64_t raw, int64_t granularity, int64_t offset_nanodeg, int32_t max)
{
    int64_t value = raw, nanodeg;
    if (granularity != 100 || offset_nanodeg != 0) {
        if (__builtin_mul_overflow(raw, granularity, &nanodeg) ||
            __builtin_add_overflow(nanodeg, offset_nanodeg, &nanodeg) || nanodeg > 100 * (int64_t)max ||
            nanodeg < -100 * (int64_t)max)
            return OSM3S_NO_COORD;
        value = (nanodeg + (nanodeg < 0 ? -50 : 50)) / 100;
    }
    return value > max || value < -(int64_t)max ? OSM3S_NO_COORD : (int32_t)value;
}

static inline void set_position(const block *b, osm3s_element *e, int64_t raw_lat, int64_t raw_lon)
{
    e->lat = coordinate(raw_lat, b->granularity, b->lat_offset, LAT_MAX);
    e->lon = coordinate(raw_lon, b->granularity, b->lon_offset, LON_MAX);
    if (e->lat == OSM3S_NO_COORD || e->lon == OSM3S_NO_COORD) {
        e->lat = OSM3S_NO_COORD;
        e->lon = 0;
    }
}

/* What does not fit means "not known", as it does in the writers that use -1 for that. */
static inline uint32_t unsigned_or_zero(int64_t value)
{
    return value < 0 || value > UINT32_MAX ? 0 : (uint32_t)value;
}

static inline int32_t uid_or_zero(int64_t value)
{
    return value < 0 || value > INT32_MAX ? 0 : (int32_t)value;
}

/* Not known: what is out of range, or stands for no end. */
static inline uint32_t seconds(const block *b, int64_t raw)
{
    if (b->date_granularity != 1000) {
        if (__builtin_mul_overflow(raw, b->date_granularity, &raw))
            return 0;
        raw /= 1000;
    }
    return raw == OSM3S_FOREVER ? 0 : unsigned_or_zero(raw);
}

/* The batch's number of a string of the block. Number 0 stands for "" in both. */
static inline bool string_number(const block *b, uint64_t number, uint32_t *out)
{
    if (number >= b->n_strings && number != 0)
        return false;
    *out = number == 0 ? 0 : b->first_string + (uint32_t)number;
    return true;
}

/* Sums of deltas wrap around in damaged files instead of overflowing. */
static inline int64_t add_delta(int64_t sum, uint64_t zigzagged)
{
    return (int64_t)((uint64_t)sum + (uint64_t)unzigzag(zigzagged));
}

static int packed(const field *f, span *out)
{
    if (out->at != out->end)
        return field_damaged(f, "occurs twice");
    *out = f->bytes;
    return field_expect(f, WIRE_BYTES);
}

/* Answers are UTF-8 because all that is taken in is. */
static int not_utf8(span text, const uint8_t *at)
{
    char shown[64];
    size_t n = 0;
    for (const uint8_t *p = text.at; p < text.end && n < sizeof shown - 5; p++)
        n += (size_t)snprintf(shown + n, sizeof shown - n, *p >= ' ' && *p < 0x7f ? "%c" : "\\x%02x", *p);
    return fail(OSM3S_INPUT, "malformed PBF data: a text that is not UTF-8 from byte %zu on: \"%s\"",
                (size_t)(at - text.at), shown);
}

static int decode_strings(block *b, span table)
{
    field f;
    int more;
    uint64_t n = 0, bytes = 0;
    for (span s = table; (more = field_next(&s, &f)) > 0;) {
        if (f.number != 1)
            continue;
        if (field_expect(&f, WIRE_BYTES) != OSM3S_OK)
            return OSM3S_INPUT;
        n++;
        bytes += span_len(f.bytes);
    }
    if (more < 0)
        return more;
    int code = batch_reserve_strings(b->to, n, bytes);
    if (code != OSM3S_OK)
        return code;
    /* string 0 of the block is the one that is already there */
    b->first_string = b->to->n_strings - 1;
    b->n_strings = (uint32_t)n;
    bool first = true;
    for (span s = table; field_next(&s, &f) > 0;) {
        if (f.number == 1 && !first) {
            const uint8_t *invalid = utf8_invalid(f.bytes.at, f.bytes.end);
            if (invalid)
                return not_utf8(f.bytes, invalid);
            batch_push_string(b->to, (const char *)f.bytes.at, (uint32_t)span_len(f.bytes));
        }
        first = first && f.number != 1;
    }
    return OSM3S_OK;
}

static int decode_info(const block *b, span message, osm3s_element *e)
{
    field f;
    int more;
    while ((more = field_next(&message, &f)) > 0) {
        if (f.number >= 1 && f.number <= 6 && field_expect(&f, WIRE_VARINT) != OSM3S_OK)
            return OSM3S_INPUT;
        int64_t value = (int64_t)f.value;
        switch (f.number) {
        case 1: e->meta.version = unsigned_or_zero(value); break;
        case 2: e->meta.timestamp = seconds(b, value); break;
        case 3: e->meta.changeset = unsigned_or_zero(value); break;
        case 4: e->meta.uid = uid_or_zero(value); break;
        case 5:
            if (!string_number(b, f.value, &e->user))
                return malformed("a user name's string number is out of range");
            break;
        case 6: e->deleted = value == 0; break;
        }
    }
    return more;
}

static int decode_tags(const block *b, span keys, span values, osm3s_element *e)
{
    size_t n = span_count(keys);
    uint64_t key, value;
    int code = batch_reserve_tags(b->to, n);
    if (code != OSM3S_OK)
        return code;
    osm3s_tag *tag = b->to->tags + b->to->n_tags;
    for (size_t i = 0; i < n; i++, tag++)
        if (!span_take(&keys, &key) || !span_take(&values, &value) || !string_number(b, key, &tag->key) ||
            !string_number(b, value, &tag->value))
            return malformed("a tag's string number is out of range");
    if (keys.at != keys.end || values.at != values.end)
        return malformed("keys and values of tags differ in number");
    b->to->n_tags += (uint32_t)n;
    e->n_tags = (uint32_t)n;
    return OSM3S_OK;
}

/* Node ids of a way or members of a relation. */
static int decode_refs(const block *b, const record *r, osm3s_element *e)
{
    span refs = r->refs, roles = r->roles, types = r->types;
    size_t n = span_count(refs);
    uint64_t raw, role, type;
    int64_t ref = 0;
    osm3s_batch *to = b->to;
    int code = batch_reserve_refs(to, n);
    if (code != OSM3S_OK)
        return code;
    for (size_t i = 0, at = to->n_refs; i < n; i++, at++) {
        if (!span_take(&refs, &raw))
            return malformed("a reference is cut off");
        to->refs[at] = ref = add_delta(ref, raw);
        if (e->type == OSM3S_WAY)
            continue;
        if (!span_take(&roles, &role) || !string_number(b, role, &to->ref_roles[at]))
            return malformed("a role's string number is out of range");
        if (!span_take(&types, &type) || type > OSM3S_RELATION)
            return malformed("a member is neither node nor way nor relation");
        to->ref_types[at] = (uint8_t)type;
    }
    if (refs.at != refs.end || roles.at != roles.end || types.at != types.end)
        return malformed("ids, roles and types of members differ in number");
    to->n_refs += (uint32_t)n;
    e->n_refs = (uint32_t)n;
    return OSM3S_OK;
}

/* Split a Node, Way or Relation into its parts. */
static int read_record(uint8_t type, span message, record *r)
{
    field f;
    int more, code = OSM3S_OK;
    *r = (record){.id = 0};
    while (code == OSM3S_OK && (more = field_next(&message, &f)) > 0) {
        if (type == OSM3S_NODE && (f.number == 8 || f.number == 9)) {
            code = field_expect(&f, WIRE_VARINT);
            *(f.number == 8 ? &r->lat : &r->lon) = unzigzag(f.value);
            continue;
        }
        switch (f.number) {
        case 1:
            code = field_expect(&f, WIRE_VARINT);
            r->id = type == OSM3S_NODE ? unzigzag(f.value) : (int64_t)f.value;
            break;
        case 2: code = packed(&f, &r->keys); break;
        case 3: code = packed(&f, &r->values); break;
        case 4: code = packed(&f, &r->info); break;
        case 8: code = packed(&f, type == OSM3S_WAY ? &r->refs : &r->roles); break;
        case 9:
        case 10: /* in a way: coordinates of its nodes, which the nodes themselves state too */
            if (type == OSM3S_RELATION)
                code = packed(&f, f.number == 9 ? &r->refs : &r->types);
            break;
        }
    }
    return code != OSM3S_OK ? code : more;
}

static int decode_element(const block *b, uint8_t type, span message)
{
    static const char *const names[] = {"node", "way", "relation"};
    record r;
    osm3s_batch *to = b->to;
    osm3s_element e = {.type = type, .tag_start = to->n_tags, .ref_start = to->n_refs};
    int code = read_record(type, message, &r);
    if (code == OSM3S_OK && r.id <= 0)
        code = fail(OSM3S_INPUT, "%s %lld: ids must be positive", names[type], (long long)r.id);
    if (code == OSM3S_OK && type == OSM3S_NODE)
        set_position(b, &e, r.lat, r.lon);
    e.id = r.id;
    if (code == OSM3S_OK)
        code = decode_info(b, r.info, &e);
    if (code == OSM3S_OK)
        code = decode_tags(b, r.keys, r.values, &e);
    if (code == OSM3S_OK && type != OSM3S_NODE)
        code = decode_refs(b, &r, &e);
    if (code == OSM3S_OK)
        code = batch_reserve_elements(to, 1);
    if (code == OSM3S_OK)
        to->elements[to->n_elements++] = e;
    return code;
}

static int decode_dense_info(const block *b, span message, osm3s_element *e, size_t n)
{
    enum { VERSION = 1, TIMESTAMP, CHANGESET, UID, USER, VISIBLE, COLUMNS };
    span column[COLUMNS] = {{NULL, NULL}};
    field f;
    int more, code = OSM3S_OK;
    while (code == OSM3S_OK && (more = field_next(&message, &f)) > 0)
        if (f.number >= VERSION && f.number < COLUMNS)
            code = packed(&f, &column[f.number]);
    if (code != OSM3S_OK || more < 0)
        return OSM3S_INPUT;
    for (int c = VERSION; c < COLUMNS; c++)
        if (column[c].at != column[c].end && span_count(column[c]) != n)
            return malformed("the metadata of dense nodes differ from them in number");

    /* an absent column has no number to take: its values stay zero, and nodes stay visible */
    bool sound = true;
    span version = column[VERSION], timestamp = column[TIMESTAMP], changeset = column[CHANGESET], uid = column[UID],
         user = column[USER], visible = column[VISIBLE];
    const bool has_version = version.at != version.end, has_timestamp = timestamp.at != timestamp.end,
               has_changeset = changeset.at != changeset.end, has_uid = uid.at != uid.end,
               has_user = user.at != user.end, has_visible = visible.at != visible.end;
    int64_t timestamp_sum = 0, changeset_sum = 0, uid_sum = 0, user_sum = 0;
    for (size_t i = 0; i < n && sound; i++, e++) {
        uint64_t raw = 0;
        if (has_version) {
            sound = span_take(&version, &raw);
            e->meta.version = unsigned_or_zero((int64_t)raw);
        }
        if (has_timestamp) {
            sound &= span_take(&timestamp, &raw);
            timestamp_sum = add_delta(timestamp_sum, raw);
            e->meta.timestamp = seconds(b, timestamp_sum);
        }
        if (has_changeset) {
            sound &= span_take(&changeset, &raw);
            changeset_sum = add_delta(changeset_sum, raw);
            e->meta.changeset = unsigned_or_zero(changeset_sum);
        }
        if (has_uid) {
            sound &= span_take(&uid, &raw);
            uid_sum = add_delta(uid_sum, raw);
            e->meta.uid = uid_or_zero(uid_sum);
        }
        if (has_user) {
            sound &= span_take(&user, &raw);
            user_sum = add_delta(user_sum, raw);
            sound &= string_number(b, (uint64_t)user_sum, &e->user);
        }
        if (has_visible) {
            sound &= span_take(&visible, &raw);
            e->deleted = raw == 0;
        }
    }
    return sound ? OSM3S_OK : malformed("the metadata of dense nodes are cut off or name an unknown string");
}

/* keys_vals: key, value, key, value ..., 0 for each node; nothing at all if no node has tags. */
static int decode_dense_tags(const block *b, span list, osm3s_element *e, size_t n)
{
    osm3s_batch *to = b->to;
    uint64_t key, value;
    int code = batch_reserve_tags(to, span_count(list) / 2);
    if (code != OSM3S_OK || list.at == list.end)
        return code;
    for (const osm3s_element *end = e + n; e < end; e++) {
        e->tag_start = to->n_tags;
        for (;;) {
            if (!span_take(&list, &key))
                return malformed("the tags of dense nodes are cut off");
            if (key == 0)
                break;
            osm3s_tag tag;
            if (!span_take(&list, &value) || !string_number(b, key, &tag.key) ||
                !string_number(b, value, &tag.value))
                return malformed("a tag's string number is out of range");
            to->tags[to->n_tags++] = tag;
        }
        e->n_tags = to->n_tags - e->tag_start;
    }
    return list.at == list.end ? OSM3S_OK : malformed("more tags than dense nodes");
}

static int decode_dense(const block *b, span message)
{
    span ids = {NULL, NULL}, info = ids, lats = ids, lons = ids, tags = ids;
    osm3s_batch *to = b->to;
    field f;
    int more, code = OSM3S_OK;
    while (code == OSM3S_OK && (more = field_next(&message, &f)) > 0)
        switch (f.number) {
        case 1: code = packed(&f, &ids); break;
        case 5: code = packed(&f, &info); break;
        case 8: code = packed(&f, &lats); break;
        case 9: code = packed(&f, &lons); break;
        case 10: code = packed(&f, &tags); break;
        }
    if (code != OSM3S_OK || more < 0)
        return OSM3S_INPUT;

    size_t n = span_count(ids);
    code = batch_reserve_elements(to, n);
    if (code != OSM3S_OK)
        return code;
    osm3s_element *const first = to->elements + to->n_elements;
    int64_t id = 0, lat = 0, lon = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t raw_id, raw_lat, raw_lon;
        if (!span_take(&ids, &raw_id) || !span_take(&lats, &raw_lat) || !span_take(&lons, &raw_lon))
            return malformed("ids and coordinates of dense nodes differ in number");
        id = add_delta(id, raw_id);
        lat = add_delta(lat, raw_lat);
        lon = add_delta(lon, raw_lon);
        if (id <= 0)
            return fail(OSM3S_INPUT, "node %lld: ids must be positive", (long long)id);
        first[i] = (osm3s_element){.id = id, .type = OSM3S_NODE, .tag_start = to->n_tags, .ref_start = to->n_refs};
        set_position(b, &first[i], lat, lon);
    }
    if (ids.at != ids.end || lats.at != lats.end || lons.at != lons.end)
        return malformed("ids and coordinates of dense nodes differ in number");
    code = decode_dense_info(b, info, first, n);
    if (code == OSM3S_OK)
        code = decode_dense_tags(b, tags, first, n);
    if (code == OSM3S_OK)
        to->n_elements += (uint32_t)n;
    return code;
}

static int decode_group(const block *b, span message)
{
    field f;
    int more, code = OSM3S_OK;
    while (code == OSM3S_OK && (more = field_next(&message, &f)) > 0) {
        if (f.number >= 1 && f.number <= 4)
            code = field_expect(&f, WIRE_BYTES);
        if (code != OSM3S_OK)
            break;
        switch (f.number) {
        case 1: code = decode_element(b, OSM3S_NODE, f.bytes); break;
        case 2: code = decode_dense(b, f.bytes); break;
        case 3: code = decode_element(b, OSM3S_WAY, f.bytes); break;
        case 4: code = decode_element(b, OSM3S_RELATION, f.bytes); break;
        }
    }
    return code != OSM3S_OK ? code : more;
}

/* Everything that groups refer to; it may stand behind them. */
static int read_block(block *b, span message)
{
    span strings = {NULL, NULL};
    field f;
    int more;
    while ((more = field_next(&message, &f)) > 0) {
        bool in_bytes = f.number == 1 || f.number == 2, number = f.number >= 17 && f.number <= 20;
        if ((in_bytes || number) && field_expect(&f, in_bytes ? WIRE_BYTES : WIRE_VARINT) != OSM3S_OK)
            return OSM3S_INPUT;
        int64_t value = (int64_t)f.value;
        switch (f.number) {
        case 1: strings = f.bytes; break;
        case 17: b->granularity = value; break;
        case 18: b->date_granularity = value; break;
        case 19: b->lat_offset = value; break;
        case 20: b->lon_offset = value; break;
        }
    }
    return more < 0 ? more : decode_strings(b, strings);
}

int osm3s_pbf_decode_block(const uint8_t *data, size_t len, osm3s_batch *into)
{
    const uint32_t n_elements = into->n_elements, n_tags = into->n_tags, n_refs = into->n_refs,
                   n_strings = into->n_strings, n_bytes = into->n_bytes;
    block b = {.to = into, .granularity = 100, .date_granularity = 1000};
    span message = {data, data + len};
    field f;
    int code = read_block(&b, message);
    while (code == OSM3S_OK && field_next(&message, &f) > 0)
        if (f.number == 2)
            code = decode_group(&b, f.bytes);
    if (code != OSM3S_OK) {
        into->n_elements = n_elements;
        into->n_tags = n_tags;
        into->n_refs = n_refs;
        into->n_strings = n_strings;
        into->n_bytes = n_bytes;
    }
    return code;
}
