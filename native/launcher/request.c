/* request.c: packing a request, and the buffer it is packed into. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"

static void make_room(buffer *b, size_t need)
{
    if (b->cap - b->n >= need)
        return;
    size_t cap = b->cap * 2 > b->n + need ? b->cap * 2 : b->n + need + 4096;
    b->bytes = realloc(b->bytes, cap);
    if (b->bytes == NULL) {
        fputs("out of memory\n", stderr);
        exit(LAUNCH_DIED);
    }
    b->cap = cap;
}

void buffer_add(buffer *b, const void *bytes, size_t n)
{
    make_room(b, n);
    memcpy(b->bytes + b->n, bytes, n);
    b->n += n;
}

void buffer_read_stdin(buffer *b, size_t at_most)
{
    size_t end = b->n + at_most;
    while (b->n < end) {
        size_t step = end - b->n < 65536 ? end - b->n : 65536;
        make_room(b, step);
        ssize_t got = read(STDIN_FILENO, b->bytes + b->n, step);
        if (got > 0)
            b->n += (size_t)got;
        else if (got == 0 || errno != EINTR)
            return;
    }
}

/* A MessagePack type byte followed by a big-endian u32. */
static void put_u32(buffer *b, unsigned char type, size_t value)
{
    uint32_t v = (uint32_t)value;
    unsigned char bytes[5] = {type, (unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8),
                              (unsigned char)v};
    buffer_add(b, bytes, sizeof bytes);
}

static void put_string(buffer *b, const char *text)
{
    put_u32(b, 0xdb, strlen(text));
    buffer_add(b, text, strlen(text));
}

void put_map(buffer *b, unsigned n_fields)
{
    put_u32(b, 0xdf, n_fields);
}

void put_text(buffer *b, const char *key, const char *value)
{
    put_string(b, key);
    put_string(b, value);
}

void put_bytes(buffer *b, const char *key, const void *bytes, size_t n)
{
    put_string(b, key);
    put_u32(b, 0xc6, n);
    buffer_add(b, bytes, n);
}

void put_texts(buffer *b, const char *key, char **values, unsigned n)
{
    put_string(b, key);
    put_u32(b, 0xdd, n);
    for (unsigned i = 0; i < n; i++)
        put_string(b, values[i]);
}
