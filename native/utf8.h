/* utf8.h: which bytes are UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef OSM3S_UTF8_H
#define OSM3S_UTF8_H

#include <stdint.h>
#include <string.h>

/* Length of the character at p, which is before end, 0 if it is none; *code is its number. */
static inline size_t utf8_take(const uint8_t *p, const uint8_t *end, uint32_t *code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (*p < 0x80) {
        *code = *p;
        return 1;
    }
    size_t len = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
    if (*p < 0xc2 || *p > 0xf4 || (size_t)(end - p) < len)
        return 0;
    uint32_t c = *p & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    *code = c;
    return c >= smallest[len] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) ? len : 0;
}

/* The first byte that is not part of a character; NULL if there is none. */
static inline const uint8_t *utf8_invalid(const uint8_t *p, const uint8_t *end)
{
    uint64_t eight;
    uint32_t code;
    while (p < end) {
        while (end - p >= 8 && (memcpy(&eight, p, 8), !(eight & 0x8080808080808080u)))
            p += 8;
        if (p < end) {
            size_t len = utf8_take(p, end, &code);
            if (len == 0)
                return p;
            p += len;
        }
    }
    return NULL;
}

#endif
