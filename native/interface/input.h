/* input.h: elements from input files: batches, PBF, OSM XML. Conventions: osm3s.h. */
#pragma once

/* --- batch.c: elements as they come from an input file, before they have a place --- */
typedef struct { uint32_t key, value; } osm3s_tag; /* string numbers of the batch */

typedef struct {
    int64_t id;
    int32_t lat, lon; /* nodes only */
    osm3s_meta meta;
    uint32_t user;                 /* string number */
    uint32_t tag_start, n_tags;    /* into tags */
    uint32_t ref_start, n_refs;    /* into refs: node ids of a way, members of a relation */
    uint8_t type;                  /* OSM3S_NODE ... */
    uint8_t deleted;               /* visible="false", or inside <delete> */
} osm3s_element;

typedef struct {
    uint32_t n_elements, cap_elements;
    osm3s_element *elements;
    uint32_t n_tags, cap_tags;
    osm3s_tag *tags;
    uint32_t n_refs, cap_refs;
    int64_t *refs;
    uint8_t *ref_types;            /* relations only, else unset */
    uint32_t *ref_roles;           /* string numbers; relations only, else unset */
    uint32_t n_strings, cap_strings;
    uint32_t *string_start;        /* n_strings + 1 offsets into bytes; string 0 is "" */
    uint32_t n_bytes, cap_bytes;
    char *bytes;
    uint32_t *recent;              /* internal: string numbers by hash, to store equal strings once */
} osm3s_batch;

osm3s_batch *osm3s_batch_new(void);
void osm3s_batch_free(osm3s_batch *);
void osm3s_batch_clear(osm3s_batch *);

/* Adding in document order: an element, then its tags and refs, then the next element. String arguments are bytes
 * of any length up to 16 MiB; equal strings of one batch may share a number. */
int osm3s_batch_add_element(osm3s_batch *, uint8_t type, int64_t id, int32_t lat, int32_t lon, osm3s_meta meta,
                            const char *user, size_t user_len, int deleted);
int osm3s_batch_add_tag(osm3s_batch *, const char *key, size_t key_len, const char *value, size_t value_len);
int osm3s_batch_add_ref(osm3s_batch *, int64_t ref); /* a node of the last way */
int osm3s_batch_add_member(osm3s_batch *, uint8_t type, int64_t ref, const char *role, size_t role_len);

/* 1 if two neighbours are versions of the same element, as in a history file; else 0. */
int osm3s_batch_has_versions(const osm3s_batch *);

/* --- batch_order.c: the elements of several batches, sorted by type, id and version. The batches must outlive it. --- */
typedef struct osm3s_batch_order osm3s_batch_order;
osm3s_batch_order *osm3s_batch_order_new(void);
void osm3s_batch_order_free(osm3s_batch_order *);
int osm3s_batch_order_add(osm3s_batch_order *, const osm3s_batch *);
/* After the last add: 1 if they were in order already, 0 if they are now. Stable. */
int osm3s_batch_order_sort(osm3s_batch_order *);
/* The next elements, at most so many, into a batch (replacing what it held): 1, or 0 if there are none left. */
int osm3s_batch_order_next(osm3s_batch_order *, osm3s_batch *into, uint32_t most);

/* --- pbf.c: one decompressed PrimitiveBlock -> elements appended to a batch. Format: OSM wiki "PBF Format". --- */
int osm3s_pbf_decode_block(const uint8_t *data, size_t len, osm3s_batch *into);

/* --- pbf_header.c: the other messages of a PBF file. Pointers and offsets refer to the message passed in. --- */
typedef struct {
    int32_t has_bbox, has_history; /* has_history: elements occur in several versions, deleted ones included */
    osm3s_bbox bbox;
    int64_t replication_timestamp; /* seconds; 0: not stated */
    int64_t replication_sequence;  /* -1: not stated */
    const char *replication_url, *writing_program;
    size_t replication_url_len, writing_program_len;
} osm3s_pbf_header;

/* A HeaderBlock. OSM3S_INPUT names a required feature that is not supported. */
int osm3s_pbf_decode_header(const uint8_t *data, size_t len, osm3s_pbf_header *out);

enum { OSM3S_BLOB_HEADER_MAX = 65536, OSM3S_BLOB_MAX = 33554432 };
enum { OSM3S_BLOB_OTHER = 0, OSM3S_BLOB_OSM_HEADER = 1, OSM3S_BLOB_OSM_DATA = 2 };
enum { OSM3S_BLOB_RAW = 0, OSM3S_BLOB_ZLIB = 1, OSM3S_BLOB_ZSTD = 2 };

/* A BlobHeader: what the following blob is, and how many bytes it has. */
int osm3s_pbf_blob_header(const uint8_t *data, size_t len, int *type, uint32_t *blob_len);

/* A Blob: where its content is, how that is compressed and how long it is without compression. */
typedef struct { uint32_t start, len, raw_len; int compression; } osm3s_pbf_blob;
int osm3s_pbf_decode_blob(const uint8_t *data, size_t len, osm3s_pbf_blob *out);

/* --- xml_scan.c: OSM XML or osmChange in UTF-8, piece by piece -> elements appended to batches --- */
typedef struct {
    uint64_t line;       /* where the scanner stands; after an error: where that is */
    int has_root, is_change;
    char timestamp[40];  /* of the data, as the document states it; else "" */
    /* internal: */
    int has_begun, inside, deletes; /* inside: type of the open element, or -1; deletes: open <delete> sections */
    char *open;          /* names of the open XML elements, a 0 after each */
    size_t open_len, open_cap;
    char *resolved;
    size_t resolved_cap;
} osm3s_xml;

osm3s_xml *osm3s_xml_new(void);
void osm3s_xml_free(osm3s_xml *);

enum { OSM3S_XML_FULL = 1 };
/* Scan as much of `data` as is complete; what *consumed leaves over is to be passed again, with more behind it. When the
 * batch has `max_elements` and is complete, stops with OSM3S_XML_FULL. `is_last`: nothing follows; all is consumed then
 * or it is an error. */
int osm3s_xml_scan(osm3s_xml *, const char *data, size_t len, int is_last, uint32_t max_elements, osm3s_batch *into,
                   size_t *consumed);
