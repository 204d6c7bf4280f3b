/* geom_quad.c: the quadtile numbers of the Overpass API, which define its quadtile order.
 *
 * A tile is 65536 x 65536 units of 1e-7 degree; its coordinates are the upper 16 bits of lat + 91 degrees and of lon with
 * the sign bit flipped. A tile's number interleaves both, latitude first. An element in several tiles has the number of
 * an enclosing square: squares of level l = 1 ... 7 are 4^l tiles wide and start at multiples of half their width; the
 * number is that of the square's south-western tile, with bit 31 set and bit l - 1 as the mark of the level. */
#include "geom.h"

enum { NO_TILE = 0xfe, LEVELS = 7 };
static const uint32_t SQUARE = 0x80000000u, WORLD = 0x80000080u;

/* Bit i of x moves to bit 2 i. */
static uint64_t spread(uint32_t x)
{
    uint64_t v = x;
    v = (v | v << 16) & UINT64_C(0x0000ffff0000ffff);
    v = (v | v << 8) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v | v << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    v = (v | v << 2) & UINT64_C(0x3333333333333333);
    return (v | v << 1) & UINT64_C(0x5555555555555555);
}

/* Bit 2 i of v moves to bit i. */
static uint32_t gather(uint64_t v)
{
    v &= UINT64_C(0x5555555555555555);
    v = (v | v >> 1) & UINT64_C(0x3333333333333333);
    v = (v | v >> 2) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    v = (v | v >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v | v >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(v | v >> 16);
}

static uint32_t unsigned_lat(int32_t lat)
{
    return (uint32_t)lat + 910000000u;
}

static uint32_t unsigned_lon(int32_t lon)
{
    return (uint32_t)lon ^ 0x80000000u;
}

uint64_t morton_of_position(int32_t lat, int32_t lon)
{
    return spread(unsigned_lat(lat)) << 1 | spread(unsigned_lon(lon));
}

position position_of_morton(uint64_t morton)
{
    return (position){(int32_t)(gather(morton >> 1) - 910000000u), (int32_t)(gather(morton) ^ 0x80000000u)};
}

uint32_t quad_of_position(int32_t lat, int32_t lon)
{
    return (uint32_t)(morton_of_position(lat, lon) >> 32);
}

static uint32_t interleave(uint32_t y, uint32_t x)
{
    return (uint32_t)(spread(y) << 1 | spread(x));
}

/* All coordinates have 16 bits; east may be less than west where a square reached beyond the last column. */
static uint32_t quad_of_tiles(uint32_t south, uint32_t west, uint32_t north, uint32_t east)
{
    if (south == north && west == east)
        return interleave(south, west);
    for (int level = 1; level <= LEVELS; level++) {
        uint32_t width = 1u << 2 * level, start = ~(width / 2 - 1);
        if ((north & start) - (south & start) < width && (east & start) - (west & start) < width)
            return interleave(south & start, west & start) | SQUARE | 1u << (level - 1);
    }
    return WORLD;
}

uint32_t quad_of_bbox(const osm3s_bbox *plain)
{
    if (bbox_is_empty(plain))
        return NO_TILE;
    return quad_of_tiles(unsigned_lat(plain->south) >> 16, unsigned_lon(plain->west) >> 16,
                         unsigned_lat(plain->north) >> 16, unsigned_lon(plain->east) >> 16);
}

void quad_sum_start(quad_sum *sum)
{
    *sum = (quad_sum){.south = UINT32_MAX, .west = UINT32_MAX};
}

void quad_sum_add(quad_sum *sum, uint32_t quad)
{
    uint32_t level = 0, mask = 0;
    if (quad & SQUARE) {
        for (level = 1; level <= LEVELS && !(quad & 1u << (level - 1)); level++)
            ;
        mask = (1u << (2 * level - 1)) - 1;
    }
    sum->any = true;
    if (level > LEVELS) {
        sum->world = true;
        return;
    }
    uint32_t south = gather((quad & 0x7fffffffu) >> 1) & ~mask, west = gather(quad) & ~mask;
    /* A square counts up to its north-eastern tile. Columns wrap round, as in the reference. */
    uint32_t reach = (1u << 2 * level) - 1, north = south + reach, east = (west + reach) & 0xffff;
    sum->south = south < sum->south ? south : sum->south;
    sum->west = west < sum->west ? west : sum->west;
    sum->north = north > sum->north ? north : sum->north;
    sum->east = east > sum->east ? east : sum->east;
}

uint32_t quad_sum_finish(const quad_sum *sum)
{
    if (!sum->any)
        return NO_TILE;
    return sum->world ? WORLD : quad_of_tiles(sum->south, sum->west, sum->north, sum->east);
}
