/* regex.c: POSIX extended regular expressions of the C library, with a memory of what has been asked.
 *
 * The same value stands in the dictionaries of many blocks; matching is far dearer than a look into a hash table.
 * Patterns and texts that could take long are left to a process that can be killed (regex_apart.c). */
#include <locale.h>
#include <malloc.h>
#include <regex.h>

#include "query.h"
#include "regex_apart.h"

enum {
    SLOTS = 1 << 10,
    TEXT_MAX = 56, /* 64 bytes each; larger ones would cost more in page faults than they save */
    STEPS_HERE = 1 << 27, /* length of the text squared times size of the pattern: a tenth of a second at worst */
    LOOK_EVERY = 1 << 10, /* matches between two looks at the memory in use */
    STATES_BYTES = 64 << 20,
};

typedef struct {
    uint32_t hash;
    uint8_t len, answer, used;
    char text[TEXT_MAX];
} answer;

struct osm3s_regex {
    char *pattern;
    int flags;
    osm3s_context *context;
    bool anything;      /* "." or ".*": every string, as in the reference */
    bool here;          /* compiled in this process */
    regex_t compiled;
    uint64_t size;
    uint32_t countdown; /* matches until the next look */
    size_t heap_bytes;  /* in use when it was compiled */
    regex_apart apart;
    answer *answers;
    char *text; size_t cap;
};

/* What the C library has built while matching stays with the compiled pattern. */
static size_t heap_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static int compile(osm3s_regex *r)
{
    int code = regcomp(&r->compiled, r->pattern, r->flags);
    if (code == REG_ESPACE)
        return fail(OSM3S_NOMEM, "out of memory for a regular expression");
    if (code)
        return fail(OSM3S_REGEX, "Invalid regular expression: \"%s\"", r->pattern);
    r->here = true;
    r->countdown = LOOK_EVERY;
    r->heap_bytes = heap_in_use();
    return OSM3S_OK;
}

static int forget_states(osm3s_regex *r)
{
    regfree(&r->compiled);
    r->here = false;
    return compile(r);
}

int osm3s_regex_new(const char *pattern, int ignore_case, uint32_t size, osm3s_context *context, osm3s_regex **out)
{
    osm3s_regex *r = calloc(1, sizeof *r);
    *out = r;
    if (r == NULL || (r->pattern = strdup(pattern)) == NULL || (r->answers = calloc(SLOTS, sizeof *r->answers)) == NULL)
        return fail(OSM3S_NOMEM, "out of memory for a regular expression");
    r->flags = REG_EXTENDED | REG_NOSUB | (ignore_case ? REG_ICASE : 0);
    r->context = context;
    r->size = size;
    r->anything = strcmp(pattern, ".") == 0 || strcmp(pattern, ".*") == 0;
    return size ? compile(r) : regex_apart_start(&r->apart, r->pattern, r->flags, context);
}

void osm3s_regex_free(osm3s_regex *r)
{
    if (r == NULL)
        return;
    if (r->here)
        regfree(&r->compiled);
    regex_apart_end(&r->apart);
    free(r->pattern);
    free(r->answers);
    free(r->text);
    free(r);
}

void osm3s_set_locale(void)
{
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        setlocale(LC_CTYPE, "en_US.UTF-8");
}

static int matches_apart(osm3s_regex *r, const char *text, size_t len)
{
    int error = r->apart.pid ? OSM3S_OK : regex_apart_start(&r->apart, r->pattern, r->flags, r->context);
    return error ? error : regex_apart_matches(&r->apart, text, len, r->context);
}

static int matches(osm3s_regex *r, const char *text, size_t len)
{
    if (!r->here || (uint64_t)len * len * r->size > STEPS_HERE)
        return matches_apart(r, text, len);
    int error = context_check(r->context);
    if (error || (error = grow(&r->text, &r->cap, len + 1, 1)))
        return error;
    if (len)
        memcpy(r->text, text, len);
    r->text[len] = '\0';
    if (r->countdown-- == 0) {
        r->countdown = LOOK_EVERY;
        if (heap_in_use() > r->heap_bytes + STATES_BYTES && (error = forget_states(r)))
            return error;
    }
    int code = regexec(&r->compiled, r->text, 0, NULL, 0);
    if (code != 0 && code != REG_NOMATCH)
        return fail(OSM3S_NOMEM, "out of memory for a regular expression");
    return code == 0;
}

int regex_matches(osm3s_regex *r, const char *text, size_t len)
{
    if (r->anything)
        return 1;
    if (len > TEXT_MAX)
        return matches(r, text, len);
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    answer *a = &r->answers[(hash ^ hash >> 12) % SLOTS];
    if (a->used && a->hash == hash && a->len == len && memcmp(a->text, text, len) == 0)
        return a->answer;
    int found = matches(r, text, len);
    if (found < 0)
        return found;
    *a = (answer){.hash = hash, .len = (uint8_t)len, .answer = (uint8_t)found, .used = 1};
    memcpy(a->text, text, len);
    return found;
}

int osm3s_regex_matches(osm3s_regex *r, const char *text, size_t len)
{
    return regex_matches(r, text, len);
}
