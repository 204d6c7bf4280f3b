/* out_tags.c: the tags of an element. Elements of a block share most of their tags; once a block has been used a few
 * times, each tag is rendered once and copied from then on. */
#include "out.h"

enum { USES_BEFORE_CACHING = 4, TEXT_LIMIT = 64 << 20 };

static size_t place_of(const tag_texts *t, const char *strings)
{
    size_t i = (size_t)((uintptr_t)strings * 0x9e3779b97f4a7c15ull >> 32) & t->mask;
    while (t->dictionaries[i].strings != NULL && t->dictionaries[i].strings != strings)
        i = (i + 1) & t->mask;
    return i;
}

void tag_texts_free(tag_texts *t)
{
    for (size_t i = 0; t->dictionaries != NULL && i <= t->mask; i++)
        free(t->dictionaries[i].texts);
    free(t->dictionaries);
    free(t->text);
    *t = (tag_texts){.render = t->render};
}

static int enlarge(tag_texts *t)
{
    size_t mask = t->dictionaries ? t->mask * 2 + 1 : 255;
    tag_texts larger = *t;
    larger.mask = mask;
    larger.dictionaries = calloc(mask + 1, sizeof *larger.dictionaries);
    if (larger.dictionaries == NULL)
        return fail(OSM3S_NOMEM, "out of memory: table of %zu blocks", mask + 1);
    for (size_t i = 0; t->dictionaries != NULL && i <= t->mask; i++)
        if (t->dictionaries[i].strings != NULL)
            larger.dictionaries[place_of(&larger, t->dictionaries[i].strings)] = t->dictionaries[i];
    free(t->dictionaries);
    *t = larger;
    return OSM3S_OK;
}

/* The dictionary of a block, or NULL as long as it does not pay (or memory is short). */
static uint32_t *texts_of(tag_texts *t, const view *v)
{
    if (t->text_len > TEXT_LIMIT)
        tag_texts_free(t);
    if (t->dictionaries == NULL || t->n * 2 > t->mask)
        if (enlarge(t))
            return NULL;
    tag_dictionary *d = &t->dictionaries[place_of(t, v->strings)];
    if (d->strings == NULL) {
        d->strings = v->strings;
        t->n++;
    }
    if (d->texts == NULL && ++d->uses > USES_BEFORE_CACHING)
        d->texts = calloc(v->n_pairs, sizeof *d->texts);
    return d->texts;
}

/* `of_key`: that of the element's tag before, in whose order tags are; becomes that of this one. */
static char *render_pair(const view *v, uint32_t pair, uint32_t *of_key, render_tag *render, osm3s_sink *sink)
{
    size_t key_len, value_len;
    *of_key = view_next_key_of_pair(v, pair, *of_key);
    const char *key = view_key(v, *of_key, &key_len);
    const char *value = view_value(v, pair, &value_len);
    char *p = sink_room(sink, (key_len + value_len) * ESCAPED + 32);
    return p == NULL ? NULL : render(p, key, key_len, value, value_len);
}

/* Keep a rendered text: its length, then its bytes, padded so that it can be copied in steps. */
static void remember(tag_texts *t, uint32_t *place, const char *text, size_t len)
{
    if (grow(&t->text, &t->text_cap, t->text_len + sizeof(uint32_t) + len + 32, 1))
        return;
    uint32_t stored = (uint32_t)len;
    memcpy(t->text + t->text_len, &stored, sizeof stored);
    memcpy(t->text + t->text_len + sizeof stored, text, len);
    *place = (uint32_t)t->text_len + 1;
    t->text_len += sizeof stored + len;
}

int put_tags(printer *o, const char *before, size_t before_len, size_t skip_of_first, uint32_t *n)
{
    const view *v = o->view;
    osm3s_sink *sink = o->sink;
    tag_texts *t = &o->tags;
    uint32_t from = 0, to = 0, key = 0;
    if (v != NULL)
        view_tags(v, o->slot, &from, &to);
    *n = to - from;
    if (from == to)
        return OSM3S_OK;
    uint32_t *texts = texts_of(t, v);
    for (uint32_t i = from; i < to; i++) {
        uint64_t pair = column_get(&v->tag, i);
        if (pair >= v->n_pairs)
            return fail(OSM3S_CORRUPT, "an element has tag %llu of %u", (unsigned long long)pair, v->n_pairs);
        size_t skip = i == from ? skip_of_first : 0;
        if (i == from) {
            char *p = sink_room(sink, before_len);
            if (p == NULL)
                return sink->error;
            sink_advance(sink, put_bytes(p, before, before_len));
        }
        if (texts != NULL && texts[pair] != 0) {
            uint32_t len;
            memcpy(&len, t->text + texts[pair] - 1, sizeof len);
            char *p = sink_room(sink, len);
            if (p == NULL)
                return sink->error;
            sink_advance(sink, put_padded(p, t->text + texts[pair] - 1 + sizeof len + skip, len - skip));
            continue;
        }
        char *end = render_pair(v, (uint32_t)pair, &key, t->render, sink);
        if (end == NULL)
            return sink->error;
        char *start = sink->data + sink->n;
        size_t len = (size_t)(end - start);
        if (texts != NULL)
            remember(t, &texts[pair], start, len);
        if (skip) {
            memmove(start, start + skip, len - skip);
            end -= skip;
        }
        sink_advance(sink, end);
    }
    return OSM3S_OK;
}
