/* protobuf.h: reading protocol buffer messages field by field, from bytes that may be damaged. */
#ifndef OSM3S_PROTOBUF_H
#define OSM3S_PROTOBUF_H

#include "internal.h"
#include "varint.h"

typedef struct { const uint8_t *at, *end; } span;

enum { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_BYTES = 2, WIRE_32BIT = 5 };

typedef struct {
    uint32_t number, wire;
    uint64_t value; /* WIRE_VARINT */
    span bytes;     /* WIRE_BYTES */
} field;

static inline size_t span_len(span s)
{
    return (size_t)(s.end - s.at);
}

/* The next number of a packed field; false if there is none or it is damaged. */
static inline bool span_take(span *s, uint64_t *value)
{
    const uint8_t *next = varint_get(s->at, s->end, value);
    if (next == NULL)
        return false;
    s->at = next;
    return true;
}

/* How many numbers a packed field has. */
static inline size_t span_count(span s)
{
    size_t n = 0;
    for (const uint8_t *p = s.at; p < s.end; p++)
        n += *p < 128;
    return n;
}

static inline int field_damaged(const field *f, const char *how)
{
    fail(OSM3S_INPUT, "malformed PBF data: field %u %s", f->number, how);
    return OSM3S_INPUT;
}

/* 1: *f is the next field of the message; 0: the message has ended; OSM3S_INPUT: it is damaged. */
static inline int field_next(span *message, field *f)
{
    uint64_t tag, skip;
    *f = (field){.number = 0};
    if (message->at == message->end)
        return 0;
    if (!span_take(message, &tag) || tag > UINT32_MAX)
        return field_damaged(f, "has no number");
    f->number = (uint32_t)(tag >> 3);
    f->wire = tag & 7;
    switch (f->wire) {
    case WIRE_VARINT:
        return span_take(message, &f->value) ? 1 : field_damaged(f, "is cut off");
    case WIRE_BYTES:
        if (!span_take(message, &skip))
            return field_damaged(f, "is cut off");
        break;
    case WIRE_64BIT:
        skip = 8;
        break;
    case WIRE_32BIT:
        skip = 4;
        break;
    default:
        return field_damaged(f, "has an unknown type");
    }
    if (skip > span_len(*message))
        return field_damaged(f, "is longer than what contains it");
    f->bytes = (span){message->at, message->at + skip};
    message->at += skip;
    return 1;
}

/* Check that a known field has the type that the format gives it. */
static inline int field_expect(const field *f, uint32_t wire)
{
    return f->wire == wire ? OSM3S_OK : field_damaged(f, "has another type than the format says");
}

#endif
