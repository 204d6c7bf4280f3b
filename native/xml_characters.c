/* xml_characters.c: which bytes are characters of an XML 1.0 document in UTF-8, and what references stand for. */
#include "utf8.h"
#include "xml.h"

static bool is_character(uint32_t c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd) ||
           (c >= 0x10000 && c <= 0x10ffff);
}

/* Length of the character at p, 0 if it is none that XML allows. */
static size_t character_len(const uint8_t *p, const uint8_t *end)
{
    uint32_t c;
    size_t len = utf8_take(p, end, &c);
    return len && is_character(c) ? len : 0;
}

const char *xml_invalid_character(const char *from, const char *to)
{
    const uint8_t *p = (const uint8_t *)from, *end = (const uint8_t *)to;
    while (p < end) {
        uint64_t eight;
        while (end - p >= 8) { /* skip eight at a time that are ASCII and no control characters */
            memcpy(&eight, p, 8);
            uint64_t below_blank = (eight - 0x2020202020202020u) & ~eight;
            if ((eight | below_blank) & 0x8080808080808080u)
                break;
            p += 8;
        }
        for (int i = 0; i < 8 && p < end; i++) {
            size_t len = character_len(p, end);
            if (len == 0)
                return (const char *)p;
            p += len;
        }
    }
    return NULL;
}

/* Write a character in UTF-8; return the end. */
static char *put_character(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    int tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    *to++ = (char)((c >> (6 * tail)) | (0xf00u >> (tail + 1) & 0xff));
    while (tail-- > 0)
        *to++ = (char)(0x80 | (c >> (6 * tail) & 0x3f));
    return to;
}

/* The character that the reference between & and ; names; 0 if there is none. */
static uint32_t referenced(text name)
{
    static const struct { const char *name; char character; } known[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_is(name, known[i].name))
            return (uint32_t)known[i].character;
    bool hex = name.len > 1 && name.at[1] == 'x';
    if (name.len < 2u + hex || name.at[0] != '#')
        return 0;
    uint32_t c = 0;
    for (size_t i = 1 + hex; i < name.len; i++) {
        char d = name.at[i], lower = (char)(d | 0x20);
        if (d >= '0' && d <= '9')
            c = c * (hex ? 16 : 10) + (uint32_t)(d - '0');
        else if (hex && lower >= 'a' && lower <= 'f')
            c = c * 16 + (uint32_t)(lower - 'a' + 10);
        else
            return 0;
        if (c > 0x10ffff)
            return 0;
    }
    return is_character(c) ? c : 0;
}

int xml_resolve(text raw, char *into, text *out)
{
    const char *p = raw.at, *end = raw.at + raw.len;
    while (p < end && *p != '&' && *p != '\n' && *p != '\t' && *p != '\r')
        p++;
    *out = raw;
    if (p == end)
        return OSM3S_OK;
    char *to = into;
    for (p = raw.at; p < end; p++) {
        if (*p == '&') {
            const char *semicolon = memchr(p, ';', (size_t)(end - p));
            uint32_t c = semicolon == NULL ? 0 : referenced((text){p + 1, (size_t)(semicolon - p - 1)});
            if (c == 0)
                return fail(OSM3S_INPUT, "not well-formed XML: \"%.*s\" does not begin with a reference",
                            (int)(end - p < 20 ? end - p : 20), p);
            to = put_character(to, c);
            p = semicolon;
        } else if (*p == '\r' && p + 1 < end && p[1] == '\n') {
            continue; /* the line end counts as one character, which the \n becomes */
        } else {
            *to++ = *p == '\n' || *p == '\t' || *p == '\r' ? ' ' : *p;
        }
    }
    *out = (text){into, (size_t)(to - into)};
    return OSM3S_OK;
}
