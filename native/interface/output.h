/* output.h: printing. Conventions: osm3s.h. */
#pragma once

/* --- out_sink.c: where an answer goes --- */
typedef struct osm3s_sink osm3s_sink;
/* fd -1: keep the answer in memory. The descriptor stays the caller's; SIGPIPE must be ignored. */
osm3s_sink *osm3s_sink_new(int fd);
void osm3s_sink_free(osm3s_sink *);
int osm3s_sink_write(osm3s_sink *, const char *bytes, size_t len);
/* OSM3S_CANCELLED if the client has gone. An error of a sink stays: every later call returns it. */
int osm3s_sink_flush(osm3s_sink *);
/* What is written next is the body of an HTTP response. `head` has all lines but those that tell the length; they are
 * added once it is known. Chunks are sent only if `may_chunk`. Must come before anything is written. */
int osm3s_sink_frame_http(osm3s_sink *, const char *head, size_t len, int may_chunk);
/* Flush, and end the body of a response. The last call to a sink. */
int osm3s_sink_finish(osm3s_sink *);
/* What a memory sink holds; valid until the next call with this sink. */
const char *osm3s_sink_data(const osm3s_sink *, size_t *len);
/* All bytes written so far, flushed or not. */
uint64_t osm3s_sink_bytes(const osm3s_sink *);
/* Announce an element: writes the separator unless it is the first one. */
int osm3s_sink_next_element(osm3s_sink *, const char *separator, size_t len);
uint64_t osm3s_sink_elements(const osm3s_sink *);

/* --- out_rows.c: printing elements --- */
enum { OSM3S_XML = 0, OSM3S_JSON = 1, OSM3S_CSV = 2 };
enum { OSM3S_OUT_IDS = 1, OSM3S_OUT_COORDS = 2, OSM3S_OUT_REFS = 4, OSM3S_OUT_TAGS = 8, OSM3S_OUT_META = 16 };
enum { OSM3S_GEOMETRY_NONE = 0, OSM3S_GEOMETRY_FULL = 1, OSM3S_GEOMETRY_BOUNDS = 2, OSM3S_GEOMETRY_CENTER = 3 };
enum { OSM3S_FIELD_TAG, OSM3S_FIELD_ID, OSM3S_FIELD_TYPE, OSM3S_FIELD_OTYPE, OSM3S_FIELD_LAT, OSM3S_FIELD_LON,
       OSM3S_FIELD_VERSION, OSM3S_FIELD_TIMESTAMP, OSM3S_FIELD_CHANGESET, OSM3S_FIELD_UID, OSM3S_FIELD_USER,
       OSM3S_FIELD_EMPTY };

typedef struct {
    size_t n;
    const int32_t *uid;     /* ascending */
    const uint32_t *start;  /* n + 1 offsets into bytes */
    const char *bytes;
} osm3s_users;

typedef struct {
    int kind;               /* OSM3S_FIELD_... */
    const char *key;        /* OSM3S_FIELD_TAG only */
    size_t key_len;
} osm3s_csv_field;

typedef struct {
    int format;             /* OSM3S_XML ... */
    uint32_t detail;        /* OSM3S_OUT_... */
    int geometry;           /* OSM3S_GEOMETRY_... */
    int clipped;            /* whether only what lies in `clip` gets coordinates; clip.west > clip.east is allowed */
    osm3s_bbox clip;
    int rounds_centers;          /* centres are positions, halves rounded up, as the reference has them in differences */
    const osm3s_users *users;    /* may be NULL */
    const osm3s_set *members;    /* of relations: nodes with position, ways resolved; NULL: stored bounds will do */
    const osm3s_csv_field *fields;
    size_t n_fields;
    const char *separator;
    size_t separator_len;
} osm3s_out_options;

/* Are the bounds of relations those in their blocks? Not at a time in the past or if superseded, nor beyond 180 degrees. */
int osm3s_bounds_are_stored(osm3s_snapshot *, const osm3s_rows *relations, int *all);
/* Print rows of one type in the given order, areas without geometry. Tags and metadata of unresolved rows are missing. With
 * OSM3S_OUT_META, elements of blocks without a meta frame get zeros: leave it out if the database has no metadata. */
int osm3s_out_rows(osm3s_snapshot *, osm3s_context *, const osm3s_row *rows, size_t n, int type,
                   const osm3s_out_options *, osm3s_sink *);

/* --- out_actions.c --- */
typedef struct { const osm3s_row *rows; const osm3s_out_options *options; } osm3s_result;
/* Print what two results (rows of one type) differ in, as actions in XML. `beside`, of the pairs, as many: the XML element to be shown for the one that
 * is not in a result, no data: none. */
int osm3s_out_actions(osm3s_snapshot *, osm3s_context *, int type, const osm3s_result *old, const osm3s_result *new_,
                      const osm3s_pair *pairs, const osm3s_bytes *beside, size_t n, osm3s_sink *);

/* --- out_order.c --- */
/* The rows in the reference's quadtile order, then by id, into out (room for rows->n). At a time in the past what is there
 * now comes before what was, as in the reference. */
int osm3s_order_quadtile(osm3s_snapshot *, osm3s_context *, const osm3s_rows *rows, int type, osm3s_row *out);
/* The reference's quadtile indexes of n rows, into out. */
int osm3s_quads(osm3s_snapshot *, const osm3s_row *rows, size_t n, int type, uint32_t *out);
