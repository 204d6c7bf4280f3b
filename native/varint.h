/* varint.h: little-endian base-128 numbers and zigzag, the encoding of block bodies. */
#ifndef OSM3S_VARINT_H
#define OSM3S_VARINT_H

#include <stdint.h>

static inline uint64_t zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* Write v at p (10 bytes must be free); return the end. */
static inline uint8_t *varint_put(uint8_t *p, uint64_t v)
{
    while (v > 127) {
        *p++ = (uint8_t)(v | 128);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

/* Read one number before `end`; NULL if there is none. */
static inline const uint8_t *varint_get(const uint8_t *p, const uint8_t *end, uint64_t *v)
{
    if (p < end && *p < 128) {
        *v = *p;
        return p + 1;
    }
    uint64_t sum = 0;
    for (int shift = 0; p < end && shift < 64; shift += 7) {
        uint8_t byte = *p++;
        sum |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            *v = sum;
            return p;
        }
    }
    return NULL;
}

#endif
