/* out.h: what the files of the output share. */
#ifndef OSM3S_OUT_H
#define OSM3S_OUT_H

#include "geom.h"
#include "internal.h"
#include "out_text.h"

struct osm3s_sink {
    int fd;              /* -1: keep everything in memory */
    int error;           /* the first error; nothing is written after it */
    char *data;
    size_t n, cap;
    uint64_t passed_on;  /* bytes written to fd */
    char *head;          /* of an HTTP response, until its first bytes are sent; else NULL */
    size_t head_len;
    bool may_chunk, chunked;
    uint64_t elements;   /* for the separators of JSON */
};

enum { SINK_SLACK = 64 }; /* what the functions of out_text.h may overwrite behind their end */

/* Slow path of sink_room. */
char *sink_make_room(osm3s_sink *, size_t need);

/* out_http.c: send bytes, framed if they are the body of a response; `last` ends it. */
int sink_send(osm3s_sink *, const char *bytes, size_t len, bool last);

/* Write all pieces to the descriptor; changes the array. */
struct iovec;
int sink_write_pieces(osm3s_sink *, struct iovec *pieces, int n);

/* A place for `need` bytes at the end of the buffer, or NULL if the sink has failed. */
static inline char *sink_room(osm3s_sink *sink, size_t need)
{
    need += SINK_SLACK;
    return sink->cap - sink->n >= need && !sink->error ? sink->data + sink->n : sink_make_room(sink, need);
}

static inline void sink_advance(osm3s_sink *sink, const char *end)
{
    sink->n = (size_t)(end - sink->data);
}

typedef struct {
    uint64_t *ids;     /* id + 1; 0: free */
    uint32_t *indexes; /* into rows */
    size_t mask;
    const osm3s_rows *rows;
} member_index;

/* Rendered tags of one block, by pair number; 0: not rendered yet, else 1 + offset of the text in `text`. */
typedef struct {
    const char *strings; /* identifies the block: its strings stay where they are while the snapshot is open */
    uint32_t uses;
    uint32_t *texts;
} tag_dictionary;

typedef char *render_tag(char *p, const char *key, size_t key_len, const char *value, size_t value_len);

typedef struct {
    render_tag *render;
    tag_dictionary *dictionaries; /* hash table */
    size_t n, mask;
    char *text;
    size_t text_len, text_cap;
} tag_texts;

/* What prints elements of one type; the part below "current" describes the element being printed. */
typedef struct printer {
    osm3s_snapshot *snapshot;
    osm3s_context *context;    /* NULL: no limits */
    const osm3s_out_options *options;
    osm3s_sink *sink;
    int (*print)(struct printer *);
    size_t work;               /* elements and members since the last check of the limits */
    bool want_refs, want_line, want_box; /* what the format and the options need of each element */
    member_index member_nodes, member_ways;
    tag_texts tags;
    /* current */
    const view *view;          /* NULL: only the row is known */
    uint32_t slot;
    osm3s_row row;
    int type;
    way_nodes nodes;           /* a way's nodes; those that are clipped have no position */
    members members;           /* a relation's members */
    position *positions;       /* of a relation's members; lat is OSM3S_NO_COORD if unknown or clipped */
    size_t n_positions, cap_positions;
    uint32_t *first_position;  /* member i has positions [i] to [i + 1] */
    size_t cap_first;
    way_nodes member_way;      /* scratch */
    bool has_box;
    osm3s_bbox box;            /* of what is visible; west > east if it crosses the antimeridian */
    bool has_meta;
    osm3s_meta meta;
} printer;

/* out_rows.c: snapshot, context, options, sink and type are given; begin, print each, and in any case end. */
int printer_begin(printer *);
int printer_print(printer *, const osm3s_row *);
void printer_end(printer *);

/* out_geometry.c: load nodes or members of the current element and what `geometry` asks for. */
int load_way_geometry(printer *);
int load_relation_geometry(printer *);
int member_index_build(member_index *, const osm3s_rows *);
void member_index_free(member_index *);
/* Centre of a box. */
position box_center(osm3s_bbox);
/* The same as a position of the map. */
position rounded_center(osm3s_bbox);

/* A member as it is printed: its role, and the positions that are shown of it. */
typedef struct {
    const member *m;
    const char *role; size_t role_len;
    const position *from, *to; /* none unless `want_line` */
} printed_member;

/* Member i of the current relation, and room for its text, of which each position takes `point_size` at most; NULL: the
 * sink has failed. */
char *begin_member(const printer *, size_t i, size_t point_size, printed_member *);

/* out_tags.c */
/* Write the current element's tags, if it has any: `before`, then each tag as the format renders it, the first one
 * without its first `skip_of_first` bytes. *n is how many there are. */
int put_tags(printer *, const char *before, size_t before_len, size_t skip_of_first, uint32_t *n);
void tag_texts_free(tag_texts *);

/* Name of a uid; false if it is not known. */
bool user_name(const osm3s_users *, int32_t uid, const char **name, size_t *len);

/* out_xml.c, out_json.c, out_csv.c: print the current element. */
int print_xml(printer *);
int print_json(printer *);
int print_csv(printer *);
render_tag render_xml_tag, render_json_tag;

static inline char *put_type(char *p, int type)
{
    static const char names[4][8] = {"node", "way", {'r', 'e', 'l', 'a', 't', 'i', 'o', 'n'}, "area"};
    static const uint8_t lengths[4] = {4, 3, 8, 4};
    memcpy(p, names[type], 8);
    return p + lengths[type];
}

#endif
