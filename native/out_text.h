/* out_text.h: writing numbers and text into a buffer that has room for them. Every function takes the place to write
 * at and returns the end of what it wrote; up to 32 bytes after the end may be overwritten. */
#ifndef OSM3S_OUT_TEXT_H
#define OSM3S_OUT_TEXT_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "osm3s.h"

#define PUT(p, literal) put_bytes(p, literal, sizeof(literal) - 1)

static inline char *put_bytes(char *p, const char *bytes, size_t len)
{
    memcpy(p, bytes, len);
    return p + len;
}

/* Copy in steps of 32 bytes: reads up to 31 bytes behind the text. */
static inline char *put_padded(char *p, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i += 32)
        memcpy(p + i, bytes + i, 32);
    return p + len;
}

/* The eight decimal digits of v < 10^8, most significant in the lowest byte, as values 0 to 9. Halves, then quarters,
 * then single digits are split off in all lanes at once; the multipliers are reciprocals exact in their range. */
static inline uint64_t digits8(uint32_t v)
{
    uint64_t halves = v / 10000 | (uint64_t)(v % 10000) << 32;
    uint64_t high = (halves * 10486 >> 20) & 0x7f0000007full;
    uint64_t pairs = (halves - 100 * high) << 16 | high;
    uint64_t tens = (pairs * 103 >> 10) & 0x000f000f000f000full;
    return (pairs - 10 * tens) << 8 | tens;
}

#define ASCII_ZEROS 0x3030303030303030ull
enum { U64_TEXT = 20, COORD_TEXT = 12, TIMESTAMP_TEXT = 20 };

static inline char *put_digits8(char *p, uint32_t v)
{
    uint64_t text = digits8(v) + ASCII_ZEROS;
    memcpy(p, &text, 8);
    return p + 8;
}

static inline char *put_u32_below_1e8(char *p, uint32_t v)
{
    uint64_t digits = digits8(v);
    unsigned zeros = digits ? (unsigned)__builtin_ctzll(digits) / 8 : 7;
    uint64_t text = (digits + ASCII_ZEROS) >> 8 * zeros;
    memcpy(p, &text, 8);
    return p + 8 - zeros;
}

static inline char *put_u64(char *p, uint64_t v)
{
    if (v < 100000000)
        return put_u32_below_1e8(p, (uint32_t)v);
    if (v < 10000000000000000ull)
        p = put_u32_below_1e8(p, (uint32_t)(v / 100000000));
    else {
        p = put_u32_below_1e8(p, (uint32_t)(v / 10000000000000000ull));
        p = put_digits8(p, (uint32_t)(v / 100000000 % 100000000));
    }
    return put_digits8(p, (uint32_t)(v % 100000000));
}

static inline char *put_i64(char *p, int64_t v)
{
    if (v < 0)
        *p++ = '-';
    return put_u64(p, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

/* Degrees with seven decimals. */
static inline char *put_coord(char *p, int32_t e7)
{
    *p = '-';
    p += e7 < 0;
    uint32_t v = e7 < 0 ? -(uint32_t)e7 : (uint32_t)e7;
    uint32_t degrees = v / 10000000;
    uint64_t fraction = digits8(v % 10000000) + ASCII_ZEROS; /* its first digit is 0 and becomes the point */
    fraction = (fraction & ~0xffull) | '.';
    if (degrees < 10)
        *p++ = (char)('0' + degrees);
    else {
        if (degrees >= 100) {
            *p++ = (char)('0' + degrees / 100);
            degrees %= 100;
        }
        *p++ = (char)('0' + degrees / 10);
        *p++ = (char)('0' + degrees % 10);
    }
    memcpy(p, &fraction, 8);
    return p + 8;
}

/* ISO 8601; no time at all is written with zeros. */
static inline char *put_timestamp(char *p, uint32_t seconds)
{
    if (seconds == 0)
        return PUT(p, "0000-00-00T00:00:00Z");
    /* Civil date of a day number; years begin in March, so that the leap day is the last of its year. */
    uint32_t day = seconds / 86400 + 719468, second = seconds % 86400; /* days since 0000-03-01 */
    uint32_t era = day / 146097, of_era = day % 146097;
    uint32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint32_t month = (5 * of_year + 2) / 153;
    uint32_t date = of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    year += era * 400 + (month <= 2);
    put_digits8(p, year * 10000 + month * 100 + date); /* yyyymmdd */
    char d[4] = {p[4], p[5], p[6], p[7]};
    p[4] = '-';
    p[5] = d[0];
    p[6] = d[1];
    p[7] = '-';
    p[8] = d[2];
    p[9] = d[3];
    p[10] = 'T';
    uint32_t part[3] = {second / 3600, second / 60 % 60, second % 60};
    for (int i = 0; i < 3; i++) {
        p[11 + 3 * i] = (char)('0' + part[i] / 10);
        p[12 + 3 * i] = (char)('0' + part[i] % 10);
        p[13 + 3 * i] = i < 2 ? ':' : 'Z';
    }
    return p + TIMESTAMP_TEXT;
}

/* Degrees rounded to seven decimals as printf rounds them, that is: from the exact value of the double, which for the
 * middle of two coordinates often lies next to the border between two values. The sign of a fused multiply-add is exact. */
static inline int32_t e7_as_printed(double degrees)
{
    int32_t near = (int32_t)(degrees * 1e7 + (degrees < 0 ? -0.5 : 0.5));
    double above = fma(degrees, 1e7, -(near + 0.5)), below = fma(degrees, 1e7, -(near - 0.5));
    if (above > 0 || (above == 0 && near & 1))
        return near + 1;
    return below < 0 || (below == 0 && near & 1) ? near - 1 : near;
}

/* Bytes of a word that equal `byte`, or lie below it (`byte` up to 128), as 0x80 in their place. Exact for the lowest
 * match; bytes above it may be reported wrongly, which is enough to find the first. */
static inline uint64_t bytes_equal(uint64_t word, uint8_t byte)
{
    uint64_t x = word ^ 0x0101010101010101ull * byte;
    return (x - 0x0101010101010101ull) & ~x & 0x8080808080808080ull;
}

static inline uint64_t bytes_below(uint64_t word, uint8_t byte)
{
    return (word - 0x0101010101010101ull * byte) & ~word & 0x8080808080808080ull;
}

enum { ESCAPED = 6 }; /* bytes that one byte may become: &quot; and &#x0a; */

static inline char *put_json_special(char *p, char c)
{
    switch (c) {
    case '"': return PUT(p, "\\\"");
    case '\\': return PUT(p, "\\\\");
    case '\n': return PUT(p, "\\n");
    case '\t': return PUT(p, "\\t");
    case '\r': return PUT(p, "\\r");
    default: *p = (unsigned char)c < 32 ? '?' : c; return p + 1;
    }
}

static inline char *put_xml_special(char *p, char c)
{
    switch (c) {
    case '&': return PUT(p, "&amp;");
    case '"': return PUT(p, "&quot;");
    case '<': return PUT(p, "&lt;");
    case '>': return PUT(p, "&gt;");
    case '\n': return PUT(p, "&#x0a;");
    case '\t': return PUT(p, "&#x09;");
    case '\r': return PUT(p, "&#x0d;");
    default: *p = (unsigned char)c < 32 ? '?' : c; return p + 1;
    }
}

/* Bytes of a word that cannot stand in a text as they are, and what is written for one byte. */
typedef uint64_t special_finder(uint64_t word);
typedef char *special_writer(char *p, char c);

static inline uint64_t json_special_bytes(uint64_t word)
{
    return bytes_below(word, 32) | bytes_equal(word, '"') | bytes_equal(word, '\\');
}

static inline uint64_t xml_special_bytes(uint64_t word)
{
    return bytes_below(word, 32) | bytes_equal(word, '"') | bytes_equal(word, '&')
           | bytes_equal(word & ~0x0202020202020202ull, '<'); /* < and > differ in this bit */
}

/* Text between quotes: eight bytes at a time while nothing in them needs care. Made anew for each format. */
static inline __attribute__((always_inline)) char *put_escaped(char *p, const char *s, size_t len, special_finder *find,
                                                               special_writer *put)
{
    size_t i = 0;
    while (len - i >= 8) {
        uint64_t word;
        memcpy(&word, s + i, 8);
        uint64_t special = find(word);
        memcpy(p, &word, 8);
        if (special == 0) {
            p += 8;
            i += 8;
            continue;
        }
        unsigned plain = (unsigned)__builtin_ctzll(special) / 8;
        p = put(p + plain, s[i + plain]);
        i += plain + 1;
    }
    for (; i < len; i++)
        p = put(p, s[i]);
    return p;
}

static inline char *put_json_text(char *p, const char *s, size_t len)
{
    return put_escaped(p, s, len, json_special_bytes, put_json_special);
}

static inline char *put_xml_text(char *p, const char *s, size_t len)
{
    return put_escaped(p, s, len, xml_special_bytes, put_xml_special);
}

#endif
