/* pile.c: see pile.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "pile.h"

typedef struct { uint64_t key; uint64_t at; } item; /* key; offset of (u32 len, bytes) in the arena */

typedef struct {
    uint8_t *bytes; size_t len;
    item *items, *spare; size_t n, cap, cap_spare;
} arena;

enum { READ_LEN = 1 << 20 };

typedef struct {
    int fd;
    uint64_t key;          /* of the current record */
    uint8_t *buffer;
    size_t at, filled, cap, len;
    bool ended;
} run;

struct pile {
    char folder[PATH_MAX];
    size_t arena_len;
    arena arenas[2];
    int filling;
    pthread_t writer; bool writing; int written; int error_number;
    run *runs; size_t n_runs, cap_runs;
    size_t *heap; size_t heap_n;
    size_t next;           /* without runs: next item of the one arena */
    bool first;
};

pile *pile_new(const char *folder, size_t arena_len)
{
    pile *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    snprintf(p->folder, sizeof p->folder, "%s", folder);
    p->arena_len = arena_len;
    return p;
}

void pile_free(pile *p)
{
    if (p == NULL)
        return;
    if (p->writing)
        pthread_join(p->writer, NULL);
    for (int i = 0; i < 2; i++) {
        free(p->arenas[i].bytes);
        free(p->arenas[i].items);
        free(p->arenas[i].spare);
    }
    for (size_t i = 0; i < p->n_runs; i++) {
        if (p->runs[i].fd >= 0)
            close(p->runs[i].fd);
        free(p->runs[i].buffer);
    }
    free(p->runs);
    free(p->heap);
    free(p);
}

/* Sort by the upper 44 bits: four digits of 11 bits, least significant first. */
static int sort_arena(arena *a)
{
    size_t (*count)[2048] = calloc(4, sizeof *count);
    if (count == NULL || grow(&a->spare, &a->cap_spare, a->n, sizeof *a->spare)) {
        free(count);
        return OSM3S_NOMEM;
    }
    for (size_t i = 0; i < a->n; i++)
        for (int d = 0; d < 4; d++)
            count[d][a->items[i].key >> (20 + 11 * d) & 2047]++;
    item *from = a->items, *to = a->spare;
    for (int d = 0; d < 4; d++) {
        size_t start = 0, *c = count[d];
        for (int i = 0; i < 2048; i++) {
            size_t here = c[i];
            c[i] = start;
            start += here;
        }
        for (size_t i = 0; i < a->n; i++)
            to[c[from[i].key >> (20 + 11 * d) & 2047]++] = from[i];
        item *swap = from;
        from = to;
        to = swap;
    }
    free(count); /* four passes: the result is back in a->items */
    return OSM3S_OK;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return errno ? errno : EIO;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Thread: sort the full arena and write it as (u64 key, u32 len, bytes)* to the last run's file. */
static void *write_run(void *argument)
{
    pile *p = argument;
    arena *a = &p->arenas[!p->filling];
    int fd = p->runs[p->n_runs - 1].fd;
    enum { OUT = 1 << 20 };
    uint8_t *out = malloc(OUT);
    size_t filled = 0;
    p->written = out == NULL || sort_arena(a) ? OSM3S_NOMEM : OSM3S_OK;
    for (size_t i = 0; i < a->n && p->written == OSM3S_OK; i++) {
        uint32_t len;
        const uint8_t *record = a->bytes + a->items[i].at;
        memcpy(&len, record, 4);
        if (filled + 12 + len > OUT) {
            p->error_number = write_all(fd, out, filled);
            filled = 0;
            if (p->error_number == 0 && 12 + (size_t)len > OUT) {
                p->error_number = write_all(fd, (const uint8_t *)&a->items[i].key, 8);
                if (p->error_number == 0)
                    p->error_number = write_all(fd, record, 4 + (size_t)len);
            }
            if (p->error_number)
                p->written = OSM3S_IO;
            if (12 + (size_t)len > OUT)
                continue;
        }
        memcpy(out + filled, &a->items[i].key, 8);
        memcpy(out + filled + 8, record, 4 + (size_t)len);
        filled += 12 + len;
    }
    if (p->written == OSM3S_OK && (p->error_number = write_all(fd, out, filled)) != 0)
        p->written = OSM3S_IO;
    free(out);
    return NULL;
}

static int join_writer(pile *p)
{
    if (!p->writing)
        return OSM3S_OK;
    pthread_join(p->writer, NULL);
    p->writing = false;
    if (p->written == OSM3S_IO)
        return fail(OSM3S_IO, "cannot write a temporary file in %s: %s", p->folder, strerror(p->error_number));
    return p->written == OSM3S_OK ? OSM3S_OK : fail(OSM3S_NOMEM, "out of memory while sorting");
}

static int spill(pile *p)
{
    int error = join_writer(p);
    if (error)
        return error;
    if (grow(&p->runs, &p->cap_runs, p->n_runs + 1, sizeof *p->runs))
        return OSM3S_NOMEM;
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/run.XXXXXX", p->folder);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return fail(OSM3S_IO, "cannot create a temporary file in %s: %s", p->folder, strerror(errno));
    unlink(path);
    p->runs[p->n_runs++] = (run){.fd = fd};
    p->filling = !p->filling;
    p->arenas[p->filling].len = p->arenas[p->filling].n = 0;
    if (pthread_create(&p->writer, NULL, write_run, p))
        return fail(OSM3S_IO, "cannot start a thread");
    p->writing = true;
    return OSM3S_OK;
}

int pile_add(pile *p, uint64_t key, const void *data, size_t len)
{
    if (len > UINT32_MAX / 2)
        return fail(OSM3S_LIMIT, "an element of %zu bytes", len);
    arena *a = &p->arenas[p->filling];
    if (a->n && a->len + a->n * 2 * sizeof(item) + 4 + len > p->arena_len) {
        int error = spill(p);
        if (error)
            return error;
        a = &p->arenas[p->filling];
    }
    size_t cap = a->bytes ? p->arena_len : 0;
    if (a->len + 4 + len > cap) { /* first use, or one record larger than the whole arena */
        size_t want = a->len + 4 + len > p->arena_len ? a->len + 4 + len : p->arena_len;
        uint8_t *bytes = realloc(a->bytes, want);
        if (bytes == NULL)
            return fail(OSM3S_NOMEM, "out of memory while sorting");
        a->bytes = bytes;
    }
    if (grow(&a->items, &a->cap, a->n + 1, sizeof *a->items))
        return OSM3S_NOMEM;
    a->items[a->n++] = (item){key, a->len};
    uint32_t len32 = (uint32_t)len;
    memcpy(a->bytes + a->len, &len32, 4);
    memcpy(a->bytes + a->len + 4, data, len);
    a->len += 4 + len;
    return OSM3S_OK;
}

/* Make `want` bytes of a run available at r->at; false at the end of the file. */
static int available(run *r, size_t want)
{
    if (r->filled - r->at >= want)
        return 1;
    memmove(r->buffer, r->buffer + r->at, r->filled - r->at);
    r->filled -= r->at;
    r->at = 0;
    if (want > r->cap) {
        uint8_t *larger = realloc(r->buffer, want);
        if (larger == NULL)
            return fail(OSM3S_NOMEM, "out of memory while merging");
        r->buffer = larger;
        r->cap = want;
    }
    while (r->filled < want) {
        ssize_t n = read(r->fd, r->buffer + r->filled, r->cap - r->filled);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(OSM3S_IO, "cannot read a temporary file: %s", strerror(errno));
        if (n == 0)
            return 0;
        r->filled += (size_t)n;
    }
    return 1;
}

/* Step to the next record of a run: 1, 0 at the end, or an error. */
static int advance(run *r)
{
    r->at += r->len;
    r->len = 0;
    int there = available(r, 12);
    if (there <= 0)
        return there;
    uint32_t len;
    memcpy(&r->key, r->buffer + r->at, 8);
    memcpy(&len, r->buffer + r->at + 8, 4);
    there = available(r, 12 + (size_t)len);
    if (there == 0)
        return fail(OSM3S_IO, "a temporary file is shorter than it was");
    r->len = 12 + (size_t)len;
    return there;
}

static bool before(const pile *p, size_t left, size_t right)
{
    uint64_t l = p->runs[left].key >> 20, r = p->runs[right].key >> 20;
    return l != r ? l < r : left < right;
}

static void sift_down(pile *p, size_t i)
{
    for (;;) {
        size_t least = i, left = 2 * i + 1;
        for (size_t c = left; c <= left + 1 && c < p->heap_n; c++)
            if (before(p, p->heap[c], p->heap[least]))
                least = c;
        if (least == i)
            return;
        size_t swap = p->heap[i];
        p->heap[i] = p->heap[least];
        p->heap[least] = swap;
        i = least;
    }
}

int pile_finish(pile *p)
{
    if (p->n_runs == 0) {
        if (sort_arena(&p->arenas[p->filling]))
            return fail(OSM3S_NOMEM, "out of memory while sorting");
        return OSM3S_OK;
    }
    int error = p->arenas[p->filling].n ? spill(p) : OSM3S_OK;
    if (error == OSM3S_OK)
        error = join_writer(p);
    if (error)
        return error;
    for (int i = 0; i < 2; i++) {
        free(p->arenas[i].bytes);
        free(p->arenas[i].items);
        free(p->arenas[i].spare);
        p->arenas[i] = (arena){0};
    }
    p->heap = malloc(p->n_runs * sizeof *p->heap);
    if (p->heap == NULL)
        return fail(OSM3S_NOMEM, "out of memory while merging");
    for (size_t i = 0; i < p->n_runs; i++) {
        run *r = &p->runs[i];
        r->cap = READ_LEN;
        r->buffer = malloc(r->cap);
        if (r->buffer == NULL)
            return fail(OSM3S_NOMEM, "out of memory while merging");
        if (lseek(r->fd, 0, SEEK_SET) < 0)
            return fail(OSM3S_IO, "cannot rewind a temporary file: %s", strerror(errno));
        int there = advance(r);
        if (there < 0)
            return there;
        if (there)
            p->heap[p->heap_n++] = i;
    }
    for (size_t i = p->heap_n; i-- > 0;)
        sift_down(p, i);
    p->first = true;
    return OSM3S_OK;
}

int pile_next(pile *p, uint64_t *key, const uint8_t **data, size_t *len)
{
    if (p->n_runs == 0) {
        arena *a = &p->arenas[p->filling];
        if (p->next == a->n)
            return 0;
        const item *i = &a->items[p->next++];
        uint32_t len32;
        memcpy(&len32, a->bytes + i->at, 4);
        *key = i->key;
        *data = a->bytes + i->at + 4;
        *len = len32;
        return 1;
    }
    if (!p->first && p->heap_n) {
        int there = advance(&p->runs[p->heap[0]]);
        if (there < 0)
            return there;
        if (there == 0)
            p->heap[0] = p->heap[--p->heap_n];
        sift_down(p, 0);
    }
    p->first = false;
    if (p->heap_n == 0)
        return 0;
    const run *r = &p->runs[p->heap[0]];
    *key = r->key;
    *data = r->buffer + r->at + 12;
    *len = r->len - 12;
    return 1;
}
