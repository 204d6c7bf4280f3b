/* checksum.c: the checksum of frames. Eight independent multiply lanes, so that it runs at memory speed: every step is
 * a bijection of its lane, hence a change of one word always changes the sum. */
#include "internal.h"

static const uint64_t ODD = 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio: odd, bits well mixed */

uint64_t checksum(const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t lane[8] = {1, 2, 3, 4, 5, 6, 7, 8}, word[8];
    size_t rest = len;
    for (; rest >= 64; rest -= 64, p += 64) {
        memcpy(word, p, 64);
        for (int i = 0; i < 8; i++)
            lane[i] = (lane[i] ^ word[i]) * ODD + (uint64_t)i;
    }
    memset(word, 0, 64);
    if (rest)
        memcpy(word, p, rest);
    uint64_t sum = len * ODD;
    for (int i = 0; i < 8; i++) {
        lane[i] = (lane[i] ^ word[i]) * ODD;
        sum = (sum ^ lane[i] ^ (lane[i] >> 32)) * ODD;
    }
    return sum ^ (sum >> 32);
}

uint64_t osm3s_checksum(const void *data, size_t len)
{
    return checksum(data, len);
}
