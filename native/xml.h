/* xml.h: what the XML scanner hands to the part that knows OSM. */
#ifndef OSM3S_XML_H
#define OSM3S_XML_H

#include "internal.h"

typedef struct { const char *at; size_t len; } text;
typedef struct { text name, value; } attribute; /* the value with its references resolved */

static inline bool text_is(text t, const char *word)
{
    return t.len == strlen(word) && memcmp(t.at, word, t.len) == 0;
}

/* --- xml_element.c: add an element, or a part of the last one, from the attributes of its start tag. OSM3S_INPUT says
 * what is wrong with a value. --- */
int xml_add_element(osm3s_batch *, uint8_t type, bool in_delete, const attribute *, size_t n);
int xml_add_tag(osm3s_batch *, const attribute *, size_t n);
int xml_add_nd(osm3s_batch *, const attribute *, size_t n);
int xml_add_member(osm3s_batch *, const attribute *, size_t n);

/* --- xml_characters.c: text in UTF-8 --- */

/* The first byte that is not part of a character that XML allows; NULL if there is none. */
const char *xml_invalid_character(const char *from, const char *end);

/* The value of an attribute, or text between tags: references resolved, white space made blanks. `into` has room for as
 * many bytes as `raw` has; *out may point there or into `raw`. OSM3S_INPUT: a reference is not allowed. */
int xml_resolve(text raw, char *into, text *out);

#endif
