/* regex.c: POSIX extended regular expressions of the C library, with a memory of what has been asked.
 *
 * The same value stands in the dictionaries of many blocks; matching is far dearer than a look into a hash table. */
#include <locale.h>
#include <regex.h>

#include "query.h"

enum { SLOTS = 1 << 10, TEXT_MAX = 56 }; /* 64 bytes each; larger ones would cost more in page faults than they save */

typedef struct {
    uint32_t hash;
    uint8_t len, answer, used;
    char text[TEXT_MAX];
} answer;

struct osm3s_regex {
    regex_t compiled;
    bool anything; /* "." or ".*": every string, as in the reference */
    answer *answers;
    char *text; size_t cap;
};

osm3s_regex *osm3s_regex_new(const char *pattern, int ignore_case)
{
    osm3s_regex *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    int code = regcomp(&r->compiled, pattern, REG_EXTENDED | REG_NOSUB | (ignore_case ? REG_ICASE : 0));
    if (code) {
        char why[120];
        regerror(code, &r->compiled, why, sizeof why);
        fail(OSM3S_REGEX, "Invalid regular expression: \"%s\" (%s)", pattern, why);
        free(r);
        return NULL;
    }
    r->anything = strcmp(pattern, ".") == 0 || strcmp(pattern, ".*") == 0;
    r->answers = calloc(SLOTS, sizeof *r->answers);
    if (r->answers == NULL) {
        osm3s_regex_free(r);
        return NULL;
    }
    return r;
}

void osm3s_regex_free(osm3s_regex *r)
{
    if (r == NULL)
        return;
    regfree(&r->compiled);
    free(r->answers);
    free(r->text);
    free(r);
}

void osm3s_set_locale(void)
{
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        setlocale(LC_CTYPE, "en_US.UTF-8");
}

static int matches(osm3s_regex *r, const char *text, size_t len)
{
    if (grow(&r->text, &r->cap, len + 1, 1))
        return OSM3S_NOMEM;
    if (len)
        memcpy(r->text, text, len);
    r->text[len] = '\0';
    return regexec(&r->compiled, r->text, 0, NULL, 0) == 0;
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
