/* xml_scan.c: scans XML in UTF-8 without document type, checks that it is well-formed, and recognises OSM's elements.
 * It sees the document in pieces: a construct that is not complete is left for the next piece. */
#include "xml.h"

enum { MAX_ATTRIBUTES = 100, INCOMPLETE = 2 };

typedef struct {
    osm3s_xml *x;
    osm3s_batch *into;
    uint32_t max_elements;
    const char *begin, *at, *end; /* the piece, and in it the construct to be scanned next */
    char *resolved; /* room for the resolved values of one tag */
    attribute attributes[MAX_ATTRIBUTES];
    size_t n_attributes;
} scan;

osm3s_xml *osm3s_xml_new(void)
{
    osm3s_xml *x = calloc(1, sizeof *x);
    if (x == NULL) {
        fail(OSM3S_NOMEM, "out of memory for reading XML");
        return NULL;
    }
    x->line = 1;
    x->inside = -1;
    return x;
}

void osm3s_xml_free(osm3s_xml *x)
{
    if (x == NULL)
        return;
    free(x->open);
    free(x->resolved);
    free(x);
}

static inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

static inline bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || (c & 0x80) != 0;
}

static inline text scan_name(const char *p, const char *end)
{
    text name = {p, 0};
    if (p < end && is_name_start(*p))
        for (p++; p < end && (is_name_start(*p) || (*p >= '0' && *p <= '9') || *p == '-' || *p == '.'); p++)
            ;
    name.len = (size_t)(p - name.at);
    return name;
}

static int shown(text t)
{
    return (int)(t.len < 60 ? t.len : 60);
}

static int not_well_formed(const char *why)
{
    return fail(OSM3S_INPUT, "not well-formed XML: %s", why);
}

/* --- meaning --- */

static void copy_timestamp(osm3s_xml *x, const scan *s, const char *name)
{
    for (size_t i = 0; i < s->n_attributes; i++) {
        text value = s->attributes[i].value;
        if (text_is(s->attributes[i].name, name) && value.len < sizeof x->timestamp && x->timestamp[0] == 0) {
            memcpy(x->timestamp, value.at, value.len);
            x->timestamp[value.len] = 0;
        }
    }
}

static int start_root(scan *s, text name)
{
    if (s->x->has_root)
        return not_well_formed("something follows the root element");
    if (text_is(name, "html") || text_is(name, "HTML"))
        return fail(OSM3S_INPUT, "not OSM data but an HTML page");
    s->x->is_change = text_is(name, "osmChange");
    if (!s->x->is_change && !text_is(name, "osm"))
        return fail(OSM3S_INPUT, "not OSM data but a document with the root element <%.*s>", shown(name), name.at);
    s->x->has_root = 1;
    copy_timestamp(s->x, s, "osmosis_replication_timestamp");
    copy_timestamp(s->x, s, "timestamp");
    return OSM3S_OK;
}

static int element_type(text name)
{
    return text_is(name, "node") ? OSM3S_NODE : text_is(name, "way") ? OSM3S_WAY
           : text_is(name, "relation") ? OSM3S_RELATION : -1;
}

/* The start tag of anything below the root. OSM3S_XML_FULL: nothing was done, the batch is to be changed first. */
static int start_element(scan *s, text name, bool is_empty)
{
    osm3s_xml *x = s->x;
    if (text_is(name, "nd"))
        return x->inside == OSM3S_WAY ? xml_add_nd(s->into, s->attributes, s->n_attributes) : OSM3S_OK;
    if (text_is(name, "tag"))
        return x->inside >= 0 ? xml_add_tag(s->into, s->attributes, s->n_attributes) : OSM3S_OK;
    if (text_is(name, "member"))
        return x->inside == OSM3S_RELATION ? xml_add_member(s->into, s->attributes, s->n_attributes) : OSM3S_OK;
    int type = element_type(name);
    if (type >= 0) {
        if (x->inside >= 0)
            return fail(OSM3S_INPUT, "<%.*s> inside another element", shown(name), name.at);
        if (s->into->n_elements >= s->max_elements)
            return OSM3S_XML_FULL;
        if (!is_empty)
            x->inside = type;
        return xml_add_element(s->into, (uint8_t)type, x->deletes > 0, s->attributes, s->n_attributes);
    }
    if (text_is(name, "delete") && !is_empty)
        x->deletes++;
    else if (text_is(name, "meta") && x->inside < 0)
        copy_timestamp(x, s, "osm_base");
    return OSM3S_OK;
}

static void end_element(osm3s_xml *x, text name)
{
    if (element_type(name) >= 0)
        x->inside = -1;
    else if (text_is(name, "delete"))
        x->deletes--;
}

/* --- syntax. Each function scans one construct at s->at, and moves s->at behind it if it is complete. --- */

static int scan_attribute(scan *s, const char **at)
{
    text name = scan_name(*at, s->end), raw;
    const char *p = skip_space(name.at + name.len, s->end);
    if (p == s->end)
        return INCOMPLETE;
    if (name.len == 0 || *p != '=')
        return not_well_formed("a tag has something that is no attribute");
    p = skip_space(p + 1, s->end);
    if (p == s->end)
        return INCOMPLETE;
    if (*p != '"' && *p != '\'')
        return not_well_formed("the value of an attribute does not stand in quotes");
    const char *quote = memchr(p + 1, *p, (size_t)(s->end - p - 1));
    raw = (text){p + 1, (size_t)((quote == NULL ? s->end : quote) - p - 1)};
    if (memchr(raw.at, '<', raw.len) != NULL)
        return not_well_formed("the value of an attribute contains <");
    if (quote == NULL)
        return INCOMPLETE;
    if (s->n_attributes == MAX_ATTRIBUTES)
        return fail(OSM3S_INPUT, "a tag with more than %d attributes", MAX_ATTRIBUTES);
    for (size_t i = 0; i < s->n_attributes; i++) {
        text other = s->attributes[i].name;
        if (other.len == name.len && memcmp(other.at, name.at, name.len) == 0)
            return fail(OSM3S_INPUT, "not well-formed XML: the attribute \"%.*s\" occurs twice", shown(name), name.at);
    }
    attribute *a = &s->attributes[s->n_attributes++];
    a->name = name;
    int code = xml_resolve(raw, s->resolved, &a->value);
    if (code == OSM3S_OK && a->value.at == s->resolved)
        s->resolved += a->value.len;
    *at = quote + 1;
    return code;
}

static int scan_start_tag(scan *s)
{
    osm3s_xml *x = s->x;
    text name = scan_name(s->at + 1, s->end);
    const char *p = name.at + name.len;
    bool is_empty = false;
    if (name.len == 0)
        return not_well_formed("< begins no tag");
    s->n_attributes = 0;
    s->resolved = x->resolved;
    for (;;) {
        const char *blank = p;
        p = skip_space(p, s->end);
        if (p == s->end || (*p == '/' && p + 1 == s->end))
            return INCOMPLETE;
        is_empty = *p == '/';
        if (*p == '>' || (is_empty && p[1] == '>'))
            break;
        if (is_empty || p == blank)
            return not_well_formed("a tag has something that is no attribute");
        int code = scan_attribute(s, &p);
        if (code != OSM3S_OK)
            return code;
    }
    int code = x->open_len == 0 ? start_root(s, name) : start_element(s, name, is_empty);
    if (code != OSM3S_OK)
        return code;
    if (!is_empty) {
        code = grow(&x->open, &x->open_cap, x->open_len + name.len + 1, 1);
        if (code != OSM3S_OK)
            return code;
        memcpy(x->open + x->open_len, name.at, name.len);
        x->open_len += name.len;
        x->open[x->open_len++] = 0;
    }
    s->at = p + 1 + is_empty;
    return OSM3S_OK;
}

static int scan_end_tag(scan *s)
{
    osm3s_xml *x = s->x;
    text name = scan_name(s->at + 2, s->end);
    const char *p = skip_space(name.at + name.len, s->end);
    if (p == s->end)
        return INCOMPLETE;
    if (name.len == 0 || *p != '>')
        return not_well_formed("</ begins no end tag");
    size_t from = x->open_len - name.len - 1;
    if (x->open_len <= name.len || memcmp(x->open + from, name.at, name.len) != 0 || (from > 0 && x->open[from - 1] != 0))
        return fail(OSM3S_INPUT, "not well-formed XML: mismatched tag </%.*s>", shown(name), name.at);
    x->open_len = from;
    end_element(x, name);
    s->at = p + 1;
    return OSM3S_OK;
}

/* Where `mark` ends; NULL if it is not in [p, end). */
static const char *behind(const char *p, const char *end, const char *mark)
{
    size_t len = strlen(mark);
    for (; (size_t)(end - p) >= len; p++) {
        p = memchr(p, mark[0], (size_t)(end - p) - len + 1);
        if (p == NULL)
            return NULL;
        if (memcmp(p, mark, len) == 0)
            return p + len;
    }
    return NULL;
}

/* A comment, processing instruction or CDATA section, which begins with `begin` and ends with `end`. */
static int scan_ignored(scan *s, const char *begin, const char *end)
{
    const char *from = s->at + strlen(begin), *to = behind(from, s->end, end);
    if (begin[1] == '!' && begin[2] == '-') {
        const char *dashes = behind(from, s->end, "--");
        if (dashes != NULL && dashes < s->end && *dashes != '>')
            return not_well_formed("-- inside a comment");
    }
    if (to == NULL)
        return INCOMPLETE;
    if (begin[1] == '?') {
        text target = scan_name(from, to);
        const char *next = target.at + target.len;
        if (target.len == 0 || (!is_space(*next) && next != to - 2))
            return not_well_formed("a processing instruction without a name");
        bool is_xml = target.len == 3 && (target.at[0] | 0x20) == 'x' && (target.at[1] | 0x20) == 'm' &&
                      (target.at[2] | 0x20) == 'l';
        if (is_xml && (s->x->has_begun || s->at != s->begin || !text_is(target, "xml")))
            return not_well_formed("an XML declaration that does not begin the document");
    }
    s->at = to;
    return OSM3S_OK;
}

static bool begins_with(const scan *s, const char *word)
{
    size_t len = strlen(word), left = (size_t)(s->end - s->at);
    return memcmp(s->at, word, len < left ? len : left) == 0;
}

static int scan_declaration(scan *s)
{
    if (begins_with(s, "<!--"))
        return s->end - s->at < 4 ? INCOMPLETE : scan_ignored(s, "<!--", "-->");
    if (begins_with(s, "<![CDATA[") && s->x->open_len > 0)
        return s->end - s->at < 9 ? INCOMPLETE : scan_ignored(s, "<![CDATA[", "]]>");
    if (!begins_with(s, "<!DOCTYPE") && !begins_with(s, "<!doctype"))
        return not_well_formed("<! begins nothing known");
    if (s->end - s->at < 10)
        return INCOMPLETE;
    const char *p = skip_space(s->at + 9, s->end);
    text name = scan_name(p, s->end);
    if (name.at + name.len == s->end)
        return INCOMPLETE;
    if (text_is(name, "html") || text_is(name, "HTML"))
        return fail(OSM3S_INPUT, "not OSM data but an HTML page");
    return fail(OSM3S_INPUT, "a document type declaration, which OSM data does not have");
}

/* Text between tags; it has no meaning in OSM data. */
static int scan_text(scan *s)
{
    const char *next = memchr(s->at, '<', (size_t)(s->end - s->at));
    text raw = {s->at, (size_t)((next == NULL ? s->end : next) - s->at)}, ignored;
    if (s->x->open_len == 0)
        return s->x->has_root ? not_well_formed("something follows the root element")
                              : fail(OSM3S_INPUT, "not OSM data: neither XML nor PBF");
    if (behind(raw.at, raw.at + raw.len, "]]>") != NULL)
        return not_well_formed("]]> in a text");
    if (next == NULL)
        return INCOMPLETE;
    int code = xml_resolve(raw, s->x->resolved, &ignored);
    s->at = code == OSM3S_OK ? next : s->at;
    return code;
}

static int scan_construct(scan *s)
{
    if (*s->at != '<')
        return scan_text(s);
    if (s->end - s->at < 2)
        return INCOMPLETE;
    switch (s->at[1]) {
    case '/': return scan_end_tag(s);
    case '?': return scan_ignored(s, "<?", "?>");
    case '!': return scan_declaration(s);
    default: return scan_start_tag(s);
    }
}

static int incomplete_at_end(const scan *s)
{
    if (!s->x->has_root)
        return fail(OSM3S_INPUT, "not OSM data: no root element found");
    size_t from = s->x->open_len;
    if (from == 0)
        return not_well_formed("something follows the root element");
    for (from--; from > 0 && s->x->open[from - 1] != 0;)
        from--;
    return fail(OSM3S_INPUT, "the file is truncated: it ends inside of <%.60s>", s->x->open + from);
}

int osm3s_xml_scan(osm3s_xml *x, const char *data, size_t len, int is_last, uint32_t max_elements, osm3s_batch *into,
                   size_t *consumed)
{
    scan s = {.x = x, .into = into, .max_elements = max_elements, .begin = data, .at = data, .end = data + len};
    const char *line_start = data, *sound_end = s.end, *invalid;
    int code = grow(&x->resolved, &x->resolved_cap, len + 1, 1);
    *consumed = 0;
    if (code != OSM3S_OK)
        return code;
    /* no construct ends behind the last of these, and no character is cut in two before it */
    while (!is_last && sound_end > data && sound_end[-1] != '>' && sound_end[-1] != '<')
        sound_end--;
    invalid = xml_invalid_character(data, sound_end);
    while (code == OSM3S_OK) {
        s.at = skip_space(s.at, s.end);
        if (s.at == s.end)
            break;
        code = scan_construct(&s);
        if (code == OSM3S_OK && invalid != NULL && s.at > invalid)
            code = not_well_formed("bytes that are no UTF-8 or no character of XML");
    }
    if (is_last && (code == INCOMPLETE || (code == OSM3S_OK && (x->open_len > 0 || !x->has_root))))
        code = incomplete_at_end(&s);
    while ((line_start = memchr(line_start, '\n', (size_t)(s.at - line_start))) != NULL) {
        line_start++;
        x->line++;
    }
    *consumed = (size_t)(s.at - data);
    x->has_begun = x->has_begun || *consumed > 0;
    return code == INCOMPLETE ? OSM3S_OK : code;
}
