/* memory.c: growing arrays and runs of bytes. */
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"
#include "varint.h"

enum { LARGE = 4 << 20, KEPT = 32 << 20 };

void use_huge_pages(void *memory, size_t len)
{
    if (len < LARGE)
        return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)memory + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)memory + len) / page * page;
    madvise((void *)from, to - from, MADV_HUGEPAGE); /* advice: without effect is no failure */
}

int grow(void *array, size_t *cap, size_t want, size_t size)
{
    if (want <= *cap)
        return OSM3S_OK;
    size_t larger = *cap < 16 ? 16 : *cap + *cap / 2;
    if (larger < want)
        larger = want;
    void *moved = larger > SIZE_MAX / size ? NULL : realloc(*(void **)array, larger * size);
    if (moved == NULL)
        return fail(OSM3S_NOMEM, "out of memory: %zu items of %zu bytes", larger, size);
    use_huge_pages(moved, larger * size);
    *(void **)array = moved;
    *cap = larger;
    return OSM3S_OK;
}

int buffer_put_varint(buffer *b, uint64_t v)
{
    uint8_t bytes[10];
    return buffer_put(b, bytes, (size_t)(varint_put(bytes, v) - bytes));
}

void osm3s_free(void *memory)
{
    free(memory);
}

void osm3s_keep_freed_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE);
    mallopt(M_TRIM_THRESHOLD, KEPT);
    mallopt(M_TOP_PAD, LARGE);
}
