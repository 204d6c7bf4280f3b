/* base.h: errors, types of elements, boxes, metadata. Conventions: osm3s.h. */
#pragma once

enum {
    OSM3S_OK = 0,
    OSM3S_NOMEM = -1,     /* malloc failed */
    OSM3S_CORRUPT = -2,   /* bytes contradict their checksum or format */
    OSM3S_INPUT = -3,     /* an input file is malformed */
    OSM3S_TIMEOUT = -4,   /* the query's time is used up */
    OSM3S_MEMLIMIT = -5,  /* the query's sets need more memory than allowed */
    OSM3S_CANCELLED = -6, /* the client has gone */
    OSM3S_IO = -7,        /* a system call failed */
    OSM3S_REGEX = -8,     /* a regular expression does not compile */
    OSM3S_LIMIT = -9,     /* an element exceeds a format limit */
    OSM3S_UNSORTED = -10, /* the elements of an input file are not sorted by type and id */
};

const char *osm3s_last_error(void);

enum { OSM3S_NO_COORD = -2147483647 - 1 };
enum { OSM3S_NODE = 0, OSM3S_WAY = 1, OSM3S_RELATION = 2, OSM3S_AREA = 3 /* a way of the areas' domain as it is printed */ };
enum { OSM3S_LEVEL_DATA = 0, OSM3S_LEVEL_META = 1, OSM3S_LEVEL_ATTIC = 2 }; /* what is kept of elements */
enum { OSM3S_NODES = 0, OSM3S_TAGGED_NODES = 1, OSM3S_WAYS = 2, OSM3S_RELATIONS = 3, OSM3S_FAMILIES = 4 };

typedef struct { int32_t south, west, north, east; } osm3s_bbox; /* inclusive; south > north means: empty */

typedef struct {
    uint32_t version, timestamp, changeset;
    int32_t uid;
} osm3s_meta;
