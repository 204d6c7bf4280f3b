/* block_builder.h: what the files that make a block share: the elements as they came (block_build.c), their records
 * (block_record.c), the dictionary of their tags and roles (block_tags.c), the frames (block_encode.c). */
#ifndef OSM3S_BLOCK_BUILDER_H
#define OSM3S_BLOCK_BUILDER_H

#include "block_format.h"
#include "internal.h"

typedef struct {
    uint64_t id;
    int32_t lat, lon;
    osm3s_bbox bbox;
    uint32_t quad;
    osm3s_meta meta;
    uint32_t since, until;
    uint32_t tag_from, tag_to;
    size_t body_from, body_to;
    uint32_t ref_from, ref_to;
} element;

typedef struct {
    uint32_t key, key_len, value, value_len; /* into text */
    uint32_t hash, next;                     /* chain; number + 1 */
    uint32_t count;
} pair;

typedef struct {
    uint32_t text, len, hash, next;
} role;

struct osm3s_block_builder {
    int family, times;
    element *elements; size_t n, cap_elements;
    pair *pairs; size_t n_pairs, cap_pairs;
    role *roles; size_t n_roles, cap_roles;
    uint32_t *pair_head, *role_head;         /* hash tables of TABLE chains */
    char *text; size_t text_len, cap_text;
    uint32_t *tags; size_t n_tags, cap_tags; /* pair numbers, per element in order of arrival */
    way_node *nodes; size_t n_nodes, cap_nodes;
    member *members; size_t n_members, cap_members;
    uint8_t *body; size_t body_len, cap_body;
    uint32_t *order, *order_spare, *rank; size_t cap_order, cap_order_spare, cap_rank;
    uint64_t *values; size_t cap_values;
    uint8_t *out; size_t out_len, cap_out;
    uint8_t *meta; size_t meta_len, cap_meta;
};

enum { TABLE = 1 << 14 };

/* --- block_encode.c --- */

typedef struct {
    uint8_t **out;
    size_t *len, *cap;
} frame;

/* The head of a block in the making. */
typedef struct {
    osm3s_block_builder *b;
    frame out;
    column_descriptor descriptors[OSM3S_COLUMNS];
    uint32_t columns;
    int error;
} head;

/* Put the n values prepared in b->values as column `c`; what fails stands in h->error. */
void head_put_values(head *h, int c, size_t n);

/* --- block_record.c --- */

/* The records of the elements in their order into b->body. */
int block_put_records(osm3s_block_builder *b);

/* --- block_tags.c --- */

/* The order of the pairs, by key, then value, into b->rank. */
int block_order_pairs(osm3s_block_builder *b);
/* The columns of keys, pairs and postings; each element's tags, from here on by rank. */
void head_put_tags(head *h, block_header *header);
/* The column of roles, whose texts stand behind `text` bytes of others. */
void head_put_roles(head *h, size_t text);
/* The texts of keys and values to `out`, if it is not NULL; how many bytes they are. */
size_t block_put_texts_of_tags(const osm3s_block_builder *b, uint8_t *out);

#endif
