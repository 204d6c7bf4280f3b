/* pbf_header.c: the messages of a PBF file that do not hold elements. Numbers are those of fileformat.proto and
 * osmformat.proto. */
#include "protobuf.h"

static bool equals(span s, const char *text)
{
    return span_len(s) == strlen(text) && memcmp(s.at, text, span_len(s)) == 0;
}

int osm3s_pbf_blob_header(const uint8_t *data, size_t len, int *type, uint32_t *blob_len)
{
    span message = {data, data + len};
    field f;
    int more;
    bool has_type = false, has_len = false;
    while ((more = field_next(&message, &f)) > 0) {
        if (f.number == 1 && f.wire == WIRE_BYTES) {
            has_type = true;
            *type = equals(f.bytes, "OSMHeader") ? OSM3S_BLOB_OSM_HEADER
                    : equals(f.bytes, "OSMData") ? OSM3S_BLOB_OSM_DATA
                                                 : OSM3S_BLOB_OTHER;
        } else if (f.number == 3 && f.wire == WIRE_VARINT) {
            if (f.value > OSM3S_BLOB_MAX)
                return fail(OSM3S_INPUT, "malformed PBF data: a blob of %llu bytes; at most 32 MiB are allowed",
                            (unsigned long long)f.value);
            has_len = true;
            *blob_len = (uint32_t)f.value;
        }
    }
    if (more == 0 && !(has_type && has_len))
        return fail(OSM3S_INPUT, "malformed PBF data: a blob header without type or size");
    return more;
}

int osm3s_pbf_decode_blob(const uint8_t *data, size_t len, osm3s_pbf_blob *out)
{
    span message = {data, data + len}, content = {NULL, NULL};
    field f;
    int more;
    bool has_content = false, has_raw_len = false;
    *out = (osm3s_pbf_blob){.compression = OSM3S_BLOB_RAW};
    while ((more = field_next(&message, &f)) > 0) {
        if (f.number == 2 && f.wire == WIRE_VARINT) {
            if (f.value > OSM3S_BLOB_MAX)
                return fail(OSM3S_INPUT, "malformed PBF data: a block of %llu bytes; at most 32 MiB are allowed",
                            (unsigned long long)f.value);
            has_raw_len = true;
            out->raw_len = (uint32_t)f.value;
        } else if (f.wire == WIRE_BYTES && (f.number == 1 || f.number == 3 || f.number == 7)) {
            has_content = true;
            content = f.bytes;
            out->compression = f.number == 1 ? OSM3S_BLOB_RAW : f.number == 3 ? OSM3S_BLOB_ZLIB : OSM3S_BLOB_ZSTD;
        } else if (f.wire == WIRE_BYTES && f.number >= 4 && f.number <= 6) {
            return fail(OSM3S_INPUT, "the file is compressed with %s, which is not supported; rewrite it with zlib",
                        f.number == 4 ? "lzma" : f.number == 5 ? "bzip2" : "lz4");
        }
    }
    if (more < 0)
        return more;
    if (!has_content)
        return fail(OSM3S_INPUT, "malformed PBF data: a blob without content");
    if (len > OSM3S_BLOB_MAX)
        return fail(OSM3S_INPUT, "malformed PBF data: a blob of %zu bytes; at most 32 MiB are allowed", len);
    out->start = (uint32_t)(content.at - data);
    out->len = (uint32_t)span_len(content);
    if (out->compression == OSM3S_BLOB_RAW)
        out->raw_len = out->len;
    else if (!has_raw_len)
        return fail(OSM3S_INPUT, "malformed PBF data: a compressed blob does not state its size");
    return OSM3S_OK;
}

static int32_t from_nanodeg(int64_t value, int32_t max)
{
    int64_t rounded = value < 0 ? (value - 50) / 100 : (value + 50) / 100;
    return rounded > max ? max : rounded < -(int64_t)max ? -max : (int32_t)rounded;
}

static int decode_bbox(span message, osm3s_pbf_header *out)
{
    enum { LEFT = 1, RIGHT, TOP, BOTTOM, SIDES };
    int64_t side[SIDES] = {0};
    field f;
    int more, code = OSM3S_OK;
    while (code == OSM3S_OK && (more = field_next(&message, &f)) > 0)
        if (f.number >= LEFT && f.number < SIDES) {
            code = field_expect(&f, WIRE_VARINT);
            /* clamped far beyond any degree, so that rounding cannot overflow */
            int64_t value = unzigzag(f.value);
            side[f.number] = value > INT64_MAX / 2 ? INT64_MAX / 2 : value < INT64_MIN / 2 ? INT64_MIN / 2 : value;
        }
    if (code != OSM3S_OK || more < 0)
        return OSM3S_INPUT;
    out->has_bbox = 1;
    out->bbox = (osm3s_bbox){
        .south = from_nanodeg(side[BOTTOM], 900000000), .west = from_nanodeg(side[LEFT], 1800000000),
        .north = from_nanodeg(side[TOP], 900000000), .east = from_nanodeg(side[RIGHT], 1800000000)};
    return OSM3S_OK;
}

static int require_feature(span feature, osm3s_pbf_header *out)
{
    if (equals(feature, "HistoricalInformation"))
        out->has_history = 1;
    else if (!equals(feature, "OsmSchema-V0.6") && !equals(feature, "DenseNodes"))
        return fail(OSM3S_INPUT, "the file requires the feature \"%.*s\", which is not supported",
                    (int)(span_len(feature) < 100 ? span_len(feature) : 100), (const char *)feature.at);
    return OSM3S_OK;
}

int osm3s_pbf_decode_header(const uint8_t *data, size_t len, osm3s_pbf_header *out)
{
    span message = {data, data + len};
    field f;
    int more, code = OSM3S_OK;
    *out = (osm3s_pbf_header){.replication_sequence = -1};
    while (code == OSM3S_OK && (more = field_next(&message, &f)) > 0) {
        bool text = f.number == 1 || f.number == 4 || f.number == 16 || f.number == 34;
        if (text || f.number == 32 || f.number == 33)
            code = field_expect(&f, text ? WIRE_BYTES : WIRE_VARINT);
        if (code != OSM3S_OK)
            break;
        switch (f.number) {
        case 1: code = decode_bbox(f.bytes, out); break;
        case 4: code = require_feature(f.bytes, out); break;
        case 16:
            out->writing_program = (const char *)f.bytes.at;
            out->writing_program_len = span_len(f.bytes);
            break;
        case 32: out->replication_timestamp = (int64_t)f.value; break;
        case 33: out->replication_sequence = (int64_t)f.value; break;
        case 34:
            out->replication_url = (const char *)f.bytes.at;
            out->replication_url_len = span_len(f.bytes);
            break;
        }
    }
    return code != OSM3S_OK ? code : more;
}
