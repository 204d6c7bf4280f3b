/* xml_element.c: what the attributes of OSM's XML elements mean: a start tag -> an element, or a part of one, of a batch. */
#include "xml.h"

static bool parse_integer(text t, int64_t *out)
{
    size_t i = t.len > 0 && t.at[0] == '-';
    int64_t sum = 0;
    if (i == t.len)
        return false;
    for (; i < t.len; i++) {
        int digit = t.at[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, digit, &sum))
            return false;
    }
    return t.at[0] == '-' ? (*out = sum, true) : !__builtin_sub_overflow((int64_t)0, sum, out);
}

/* A number that is not known if it cannot be read or does not fit. */
static uint32_t number_or_zero(text t, int64_t max)
{
    int64_t value;
    return parse_integer(t, &value) && value >= 0 && value <= max ? (uint32_t)value : 0;
}

/* "-12.3456789" or "1.5E-5" in 1e-7 degree, exactly rounded; a tie goes to the north (latitude) or away from 0
 * (longitude), as in the reference. False if it is no number or beyond `max`. */
static bool parse_degrees(text t, int32_t max, bool tie_goes_north, int32_t *out)
{
    const char *p = t.at, *end = t.at + t.len;
    bool negative = p < end && *p == '-', fraction = false, sticky = false;
    uint64_t mantissa = 0;
    int exponent = 7, n_digits = 0;
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (*p < '0' || *p > '9' || ++n_digits > 1000)
            return false;
        if (mantissa > UINT64_MAX / 10 - 1) { /* further digits matter for the exponent and for ties only */
            sticky = sticky || *p != '0';
            exponent += !fraction;
            continue;
        }
        mantissa = 10 * mantissa + (uint64_t)(*p - '0');
        exponent -= fraction;
    }
    if (n_digits == 0)
        return false;
    if (p < end) {
        int64_t shift;
        text tail = {p + 1, (size_t)(end - p - 1)};
        if (tail.len > 0 && *tail.at == '+')
            tail = (text){tail.at + 1, tail.len - 1};
        if (!parse_integer(tail, &shift) || shift > 1000 || shift < -1000)
            return false;
        exponent += (int)shift;
    }
    for (; exponent > 0 && mantissa > 0; exponent--)
        if (__builtin_mul_overflow(mantissa, 10, &mantissa) || mantissa > (uint64_t)max)
            return false;
    uint64_t last = 0;
    for (; exponent < 0 && (mantissa > 0 || last > 0); exponent++) {
        sticky = sticky || last > 0;
        last = mantissa % 10;
        mantissa /= 10;
    }
    bool tie = last == 5 && !sticky;
    mantissa += last > 5 || (last == 5 && sticky) || (tie && !(negative && tie_goes_north));
    if (mantissa > (uint64_t)max)
        return false;
    *out = negative ? -(int32_t)mantissa : (int32_t)mantissa;
    return true;
}

/* Seconds since 1970 of YYYY-MM-DDThh:mm:ss at fixed places; what follows is ignored. False if it is no time. */
static bool parse_time(text t, uint32_t *out)
{
    static const uint8_t at[] = {0, 5, 8, 11, 14, 17}, digits[] = {4, 2, 2, 2, 2, 2};
    int64_t part[6];
    if (t.len < 19)
        return false;
    for (int i = 0; i < 6; i++)
        if (!parse_integer((text){t.at + at[i], digits[i]}, &part[i]) || part[i] < 0)
            return false;
    if (part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 || part[3] > 24 || part[4] > 59 || part[5] > 60)
        return false;
    /* days since 1970: years count from March on, so that the leap day is the last of the year */
    int64_t month = (part[1] + 9) % 12, year = part[0] - (part[1] <= 2);
    int64_t days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + part[2] - 1 - 719468;
    int64_t seconds = ((days * 24 + part[3]) * 60 + part[4]) * 60 + part[5];
    *out = seconds < 0 || seconds >= OSM3S_FOREVER ? 0 : (uint32_t)seconds;
    return true;
}

static int shown(text t)
{
    return (int)(t.len < 60 ? t.len : 60);
}

int xml_add_element(osm3s_batch *b, uint8_t type, bool in_delete, const attribute *attributes, size_t n)
{
    static const char *const names[] = {"node", "way", "relation"};
    text user = {"", 0}, id_text = {"", 0}, time = {"", 0};
    osm3s_meta meta = {0};
    int64_t id = 0;
    int32_t lat = 0, lon = 0;
    bool has_lat = false, has_lon = false, deleted = in_delete;
    for (size_t i = 0; i < n; i++) {
        text name = attributes[i].name, value = attributes[i].value;
        if (text_is(name, "id"))
            id_text = value;
        else if (text_is(name, "lat"))
            has_lat = parse_degrees(value, 900000000, true, &lat);
        else if (text_is(name, "lon"))
            has_lon = parse_degrees(value, 1800000000, false, &lon);
        else if (text_is(name, "version"))
            meta.version = number_or_zero(value, UINT32_MAX);
        else if (text_is(name, "timestamp"))
            time = value;
        else if (text_is(name, "changeset"))
            meta.changeset = number_or_zero(value, UINT32_MAX);
        else if (text_is(name, "uid"))
            meta.uid = (int32_t)number_or_zero(value, INT32_MAX);
        else if (text_is(name, "user"))
            user = value;
        else if (text_is(name, "visible"))
            deleted = deleted || text_is(value, "false");
    }
    if (!parse_integer(id_text, &id))
        return fail(OSM3S_INPUT, "a %s has the id \"%.*s\"", names[type], shown(id_text), id_text.at);
    if (id <= 0)
        return fail(OSM3S_INPUT, "%s %lld: ids must be positive", names[type], (long long)id);
    if (time.len > 0 && !parse_time(time, &meta.timestamp))
        return fail(OSM3S_INPUT, "%s %lld: the timestamp \"%.*s\" is not of the form 2024-12-31T23:59:59Z", names[type],
                    (long long)id, shown(time), time.at);
    if (type != OSM3S_NODE)
        lat = lon = 0;
    else if (!has_lat || !has_lon) {
        lat = OSM3S_NO_COORD;
        lon = 0;
    }
    return osm3s_batch_add_element(b, type, id, lat, lon, meta, user.at, user.len, deleted);
}

int xml_add_tag(osm3s_batch *b, const attribute *attributes, size_t n)
{
    text k = {NULL, 0}, v = {NULL, 0};
    for (size_t i = 0; i < n; i++)
        if (text_is(attributes[i].name, "k"))
            k = attributes[i].value;
        else if (text_is(attributes[i].name, "v"))
            v = attributes[i].value;
    if (k.at == NULL || v.at == NULL)
        return fail(OSM3S_INPUT, "a tag without %c", k.at == NULL ? 'k' : 'v');
    return osm3s_batch_add_tag(b, k.at, k.len, v.at, v.len);
}

static int parse_ref(text ref, int64_t *out)
{
    return parse_integer(ref, out) ? OSM3S_OK : fail(OSM3S_INPUT, "the reference \"%.*s\"", shown(ref), ref.at);
}

int xml_add_nd(osm3s_batch *b, const attribute *attributes, size_t n)
{
    text ref_text = {"", 0};
    int64_t ref = 0;
    for (size_t i = 0; i < n; i++)
        if (text_is(attributes[i].name, "ref"))
            ref_text = attributes[i].value;
    int code = parse_ref(ref_text, &ref);
    return code != OSM3S_OK ? code : osm3s_batch_add_ref(b, ref);
}

int xml_add_member(osm3s_batch *b, const attribute *attributes, size_t n)
{
    text ref_text = {"", 0}, type = {"", 0}, role = {"", 0};
    int64_t ref = 0;
    for (size_t i = 0; i < n; i++)
        if (text_is(attributes[i].name, "ref"))
            ref_text = attributes[i].value;
        else if (text_is(attributes[i].name, "type"))
            type = attributes[i].value;
        else if (text_is(attributes[i].name, "role"))
            role = attributes[i].value;
    int code = parse_ref(ref_text, &ref);
    if (code != OSM3S_OK)
        return code;
    if (!text_is(type, "node") && !text_is(type, "way") && !text_is(type, "relation"))
        return fail(OSM3S_INPUT, "a member of the type \"%.*s\"", shown(type), type.at);
    return osm3s_batch_add_member(b, text_is(type, "node") ? OSM3S_NODE : text_is(type, "way") ? OSM3S_WAY : OSM3S_RELATION, ref,
                                  role.at, role.len);
}
