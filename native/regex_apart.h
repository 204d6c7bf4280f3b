/* regex_apart.h: regular expressions in a process of their own. */
#ifndef OSM3S_REGEX_APART_H
#define OSM3S_REGEX_APART_H

#include <regex.h>
#include <sys/types.h>

#include "internal.h"

typedef struct {
    pid_t pid; /* 0: not started */
    int fd;
} regex_apart;

/* Start the process; OSM3S_REGEX if the pattern does not compile, OSM3S_TIMEOUT if that takes until the deadline of the
 * context (which may be NULL), OSM3S_NOMEM if it takes too much memory. `flags` are those of regcomp. */
int regex_apart_start(regex_apart *, const char *pattern, int flags, const osm3s_context *);
/* 0, 1, or an error as above. */
int regex_apart_matches(regex_apart *, const char *text, size_t len, const osm3s_context *);
/* Kill the process; may be called again. */
void regex_apart_end(regex_apart *);

#endif
