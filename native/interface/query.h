/* query.h: query statements: filters, recursion, versions, columns of rows, look-up by id. Conventions: osm3s.h. */
#pragma once

/* --- regex.c, query*.c: query statements --- */
typedef struct osm3s_regex osm3s_regex;
/* Make a regular expression; *out is to be freed whatever is returned: OSM3S_REGEX if the pattern does not compile,
 * OSM3S_TIMEOUT or OSM3S_NOMEM if that takes too much. `size` is the number of characters and operators with all
 * repetitions written out; 0: too many, or unknown, so that the pattern is to be kept in a process of its own. The
 * context (NULL: no limits) must outlive it. */
int osm3s_regex_new(const char *pattern, int ignore_case, uint32_t size, osm3s_context *, osm3s_regex **out);
void osm3s_regex_free(osm3s_regex *);
/* 0, 1, or an error, also when time is up. */
int osm3s_regex_matches(osm3s_regex *, const char *text, size_t len);
/* Regular expressions see UTF-8: once per process. */
void osm3s_set_locale(void);

/* --- process.c --- */
/* The signal comes when the thread that forked this process ends. */
int osm3s_signal_when_parent_ends(int signal);

/* fork(2) without what Python does after it: for a process that only ever had one thread. -1: errno tells why. */
int osm3s_fork(void);
/* From now on SIGIO ends this process when the other side closes or sends. OSM3S_IO: it has done so already. */
int osm3s_end_when_closed(int connection);
/* Send at most 64 bytes every so often, by a signal (SIGRTMIN) and without a thread; only the latest message. */
int osm3s_repeat_message(int connection, const uint8_t *bytes, size_t n, uint32_t every_ms);
int osm3s_repeat_no_more(void);
/* A damaged page of a mapped file ends who reads it with SIGBUS or SIGSEGV: from now on with a line that begins with
 * `program`, and with `status`. */
int osm3s_say_when_damaged(const char *program, int status);
/* Which query this process runs; 0: none. SIGTERM sent by osm3s_end_query ends it if that query is meant, others do. */
int osm3s_query_runs(int query);
int osm3s_end_query(int pid, int query); /* -1: errno tells why */

/* --- lane.c --- */
/* take, give: non-blocking ends of a pipe of tokens; `place` shows `waits` or `holds` once a query has used `cpu_ms`. */
void osm3s_lane_enter(int take, int give, uint8_t *place, uint8_t waits, uint8_t holds, uint32_t cpu_ms);
/* A query begins; it waits for a token until its deadline (CLOCK_MONOTONIC) at most. No effect before lane_enter. */
int osm3s_lane_arm(uint64_t deadline_ns);
/* To the slow lane at once. Returns 0 if the deadline has passed without a token. */
int osm3s_lane_change(void);
int osm3s_lane_leave(void); /* The query has ended. Returns 1 if it was slow: this process, now of low priority, should end. */

enum { OSM3S_TAG_HAS_KEY, OSM3S_TAG_EQUALS, OSM3S_TAG_MATCHES, OSM3S_TAG_KEY_MATCHES };
typedef struct {
    int kind, negate;
    const char *key; size_t key_len;
    const char *value; size_t value_len;
    osm3s_regex *key_regex, *value_regex;
} osm3s_tag_filter;

/* All conditions must hold. newer_than 0 and n_uids 0: no such condition; else metadata must be attached. */
typedef struct {
    const osm3s_tag_filter *tags; size_t n_tags;
    const osm3s_bbox *boxes; size_t n_boxes;
    struct poly **polys; size_t n_polys;
    struct around **arounds; size_t n_arounds;
    struct area_index **areas; size_t n_areas;
    const osm3s_rows **within; size_t n_within; /* the id must be in each of these */
    uint32_t newer_than;
    const int32_t *uids; size_t n_uids;
    int members_only; /* tested as members of relations: being on the border of a polygon or area does not count */
    int closed_only;  /* of the ways, only closed ones */
} osm3s_predicate;

/* Numbers of the blocks of a family that meet one of the boxes (n_boxes 0: all); `out` has room for all of them. */
int osm3s_select_blocks(osm3s_snapshot *, int family, const osm3s_bbox *boxes, size_t n_boxes, uint32_t *out, size_t *n);
/* Elements of the blocks that satisfy the predicate, appended to `out` and sorted; `out` NULL: only counted. Relations
 * are tested by their bounding box only. */
int osm3s_query_blocks(osm3s_snapshot *, osm3s_context *, const uint32_t *blocks, size_t n, const osm3s_predicate *,
                       osm3s_rows *out, uint64_t *count);
/* The same for the elements of a set. Nodes must be resolved if tags or metadata matter. */
int osm3s_query_rows(osm3s_snapshot *, osm3s_context *, const osm3s_rows *in, const osm3s_predicate *, osm3s_rows *out);

/* Divide relations by a predicate's places: appended to `inside` are those that lie wholly in them, as the box of their
 * members tells, to `uncertain` those of which it does not tell; the others have no member there. */
int osm3s_relations_inside(osm3s_snapshot *, osm3s_context *, const osm3s_rows *relations, const osm3s_predicate *,
                           osm3s_rows *inside, osm3s_rows *uncertain);
/* How many elements the blocks hold; some of them may be dead. */
uint64_t osm3s_elements_of_blocks(osm3s_snapshot *, const uint32_t *blocks, size_t n);

/* Keep only the blocks whose permanent id is among `ids` (ascending). */
int osm3s_intersect_blocks(osm3s_snapshot *, int type, uint32_t *blocks, size_t *n, const uint32_t *ids, size_t n_ids);
/* Sum up the counts of blocks (permanent ids) that have no delta and are as they were; list the others in `changed`. */
int osm3s_count_unchanged(osm3s_snapshot *, int type, const uint32_t *ids, const uint32_t *counts, size_t n_ids,
                          uint64_t *total, uint32_t *changed, size_t *n);
/* Add the positions of node rows, or the lines of way rows, to what is around. */
int osm3s_around_add_rows(osm3s_snapshot *, struct around *, const osm3s_rows *, int type);

/* Add the closed ways among way rows to areas. */
int osm3s_area_index_add_rows(osm3s_snapshot *, osm3s_context *, struct area_index *, const osm3s_rows *);

/* --- is_in.c: from nodes to what they are in --- */
/* Closed ways of some blocks that contain a node of a set, or have it on their border. */
int osm3s_ways_around_nodes(osm3s_snapshot *, osm3s_context *, const uint32_t *blocks, size_t n_blocks,
                            const osm3s_rows *nodes, osm3s_rows *out);
/* The same for stored areas, of the snapshot of their domain. `plain`: the box of the nodes. */
int osm3s_areas_around_nodes(osm3s_snapshot *, osm3s_context *, osm3s_bbox plain, const osm3s_rows *nodes, osm3s_rows *out);
/* Closed ways of a set, appended to another one. */
int osm3s_closed_ways(osm3s_snapshot *, osm3s_context *, const osm3s_rows *ways, osm3s_rows *out);

/* --- recurse.c: from elements to those they consist of, or that consist of them --- */
typedef struct { const char *text; size_t len; } osm3s_text;
/* Known nodes of ways, as unresolved rows with position. positions: 1-based, negative from the end; n 0: all. */
int osm3s_nodes_of_ways(osm3s_snapshot *, osm3s_context *, const osm3s_rows *ways, const int32_t *positions, size_t n,
                        osm3s_rows *out);
/* Ids of the members of relations that have one type, as unresolved rows without position. role NULL: any. */
int osm3s_members_of(osm3s_snapshot *, osm3s_context *, const osm3s_rows *relations, int type, const osm3s_text *role,
                     osm3s_rows *out);
/* Ways of the given blocks that have a node of a set [at one of the positions]. */
int osm3s_ways_of_nodes(osm3s_snapshot *, osm3s_context *, const uint32_t *blocks, size_t n_blocks,
                        const osm3s_rows *nodes, const int32_t *positions, size_t n, osm3s_rows *out);
/* Append the members that are nodes and those that are ways, unresolved, in the order in which they come. */
int osm3s_nodes_and_ways_of(osm3s_snapshot *, osm3s_context *, const osm3s_rows *in, osm3s_rows *nodes, osm3s_rows *ways);
/* Relations of a set that have a member in one of the three row lists (NULL: no such) [with the role]. */
int osm3s_relations_with(osm3s_snapshot *, osm3s_context *, const osm3s_rows *relations, const osm3s_rows *nodes,
                         const osm3s_rows *ways, const osm3s_rows *members, const osm3s_text *role, osm3s_rows *out);
/* Box over the positions of node rows, over the boxes of way rows. */
int osm3s_rows_bbox(osm3s_snapshot *, const osm3s_rows *, int type, osm3s_bbox *out);
/* How many ways of the set have a node (count_links: how many way pieces meet there) -> nodes with lower..upper. */
int osm3s_nodes_by_way_count(osm3s_snapshot *, osm3s_context *, const osm3s_rows *ways, int count_links, uint64_t lower,
                             uint64_t upper, osm3s_rows *out);

/* --- versions.c: elements over time. Rows are versions here: unsorted, several of one id, deletions among them. The
 * attics of the blocks must be attached as a whole. --- */

typedef struct { uint64_t id; uint32_t since, until; osm3s_meta meta; } osm3s_version;
/* Versions that began after `since`, up to `until`. */
int osm3s_versions_begun(osm3s_snapshot *, osm3s_context *, const uint32_t *blocks, size_t n, uint32_t since,
                         uint32_t until, osm3s_rows *out);
/* The same by the rows of a changelog, `len` bytes, for all types. `unsure` gets the elements that had several versions in
 * its commit, of which one that is not the last may have begun then. Unresolved, in order. */
int osm3s_changelog_begun(const uint8_t *changelog, size_t len, uint32_t since, uint32_t until, osm3s_set *begun,
                          osm3s_set *unsure);
/* All elements of a changelog, unresolved, in its order. */
int osm3s_changelog_ids(const uint8_t *changelog, size_t len, osm3s_set *out);
/* All versions of some elements (sorted rows). */
int osm3s_versions_of(osm3s_snapshot *, osm3s_context *, const uint32_t *blocks, size_t n, const osm3s_rows *ids,
                      osm3s_rows *out);
/* Versions by users; metadata must be attached. */
int osm3s_versions_by(osm3s_snapshot *, osm3s_context *, const uint32_t *blocks, size_t n, const int32_t *uids,
                      size_t n_uids, osm3s_rows *out);
/* One for each; metadata must be attached. */
int osm3s_versions_describe(osm3s_snapshot *, const osm3s_rows *versions, osm3s_version *out);
/* The elements that got another place after `since`, up to `until`, or went, or came back; all their versions must be
 * there. Sorted, unresolved. */
int osm3s_versions_moved(osm3s_snapshot *, const osm3s_rows *versions, uint32_t since, uint32_t until, osm3s_rows *out);
/* The elements, sorted, unresolved. */
int osm3s_versions_ids(const osm3s_rows *versions, osm3s_rows *out);
/* A number for each that tells places from each other. */
int osm3s_versions_places(osm3s_snapshot *, const osm3s_row *rows, size_t n, uint64_t *out);
/* The elements of two results (sorted rows), but for equal rows that are not in `moved`. Returns how many. */
size_t osm3s_rows_pairs(const osm3s_rows *old, const osm3s_rows *new_, const osm3s_rows *moved, osm3s_pair *out);
/* Append the rows of those that are in both results. */
int osm3s_pairs_rows(const osm3s_rows *old, const osm3s_rows *new_, const osm3s_pair *pairs, size_t n, osm3s_rows *out);
/* Leave out pairs of the same version at the same place that are not in `moved`; metadata must be attached. */
int osm3s_pairs_differing(osm3s_snapshot *, const osm3s_rows *old, const osm3s_rows *new_, const osm3s_rows *moved,
                          osm3s_pair *pairs, size_t *n);
/* Keep only versions that were valid at some time after `since`, up to `until`. */
int osm3s_versions_valid(osm3s_snapshot *, osm3s_rows *versions, uint32_t since, uint32_t until);

/* --- row.c: what is known of rows, column by column. Unresolved rows have nothing but id and position. --- */
enum { OSM3S_NUMBER_OF_TAGS, OSM3S_HAS_KEY, OSM3S_NUMBER_OF_REFS, OSM3S_IS_CLOSED, OSM3S_VERSION, OSM3S_TIMESTAMP,
       OSM3S_CHANGESET, OSM3S_UID };
/* One number per row. `key` is for OSM3S_HAS_KEY alone; metadata must be attached. */
int osm3s_rows_numbers(osm3s_snapshot *, const osm3s_row *rows, size_t n, int kind, const osm3s_text *key, int64_t *out);
int osm3s_ways_lengths(osm3s_snapshot *, const osm3s_row *rows, size_t n, double *out_m);
/* Positions of nodes, centres of the bounds of ways: pairs lat, lon in degrees; NaN if not known. */
int osm3s_rows_centers(osm3s_snapshot *, const osm3s_row *rows, size_t n, int type, double *lat_lon);

/* Items that belong to rows: those of row i are start[i] to start[i + 1]. Each call sets some of the arrays. */
typedef struct {
    size_t n_items, n_texts;
    uint32_t *start;
    int64_t *ref;
    double *lat_lon;             /* pairs, in degrees; NaN if not known */
    uint8_t *type;
    uint32_t *text, *value;      /* numbers of texts */
    uint32_t *text_start;        /* n_texts + 1 offsets into bytes; text 0 is "" */
    char *bytes;
} osm3s_lists;

osm3s_lists *osm3s_lists_new(void);
void osm3s_lists_free(osm3s_lists *);
/* The value of one key, an item per row: text. */
int osm3s_rows_values(osm3s_snapshot *, const osm3s_row *rows, size_t n, const osm3s_text *key, osm3s_lists *);
/* All tags: text (the key) and value. */
int osm3s_rows_tags(osm3s_snapshot *, const osm3s_row *rows, size_t n, osm3s_lists *);
/* The nodes of ways: ref and lat_lon. */
int osm3s_ways_nodes(osm3s_snapshot *, const osm3s_row *rows, size_t n, osm3s_lists *);
/* The members of relations: ref, type, and text, which is the role. */
int osm3s_relations_members(osm3s_snapshot *, const osm3s_row *rows, size_t n, osm3s_lists *);
/* Append the rows whose byte in `keep` is not 0. */
int osm3s_rows_keep(const osm3s_row *rows, size_t n, const char *keep, osm3s_rows *out);
/* Append some rows. */
int osm3s_rows_pick(const osm3s_row *rows, const uint32_t *indexes, size_t n, osm3s_rows *out);

/* --- lookup.c: unresolved rows (sorted by id) -> their place, by pages of the id map --- */
/* The numbers of the next pages of the id map that rows from `from` on are in, *n up to `most`; returns the end of these
 * rows. */
size_t osm3s_rows_pages(const osm3s_rows *, size_t from, uint64_t *pages, size_t most, size_t *n);
/* Note the permanent block ids of rows [from, to) in their `block`. `data`: their pages one after the other, of these
 * lengths (0: there is no such page, so they do not exist). */
int osm3s_rows_note_blocks(osm3s_rows *, size_t from, size_t to, const uint8_t *data, const size_t *lengths);
/* Turn noted block ids into places; rows that do not exist are dropped. */
int osm3s_rows_locate(osm3s_snapshot *, int type, osm3s_rows *);
/* Distinct user ids of resolved rows with attached metadata, ascending; `out` has room for rows->n. */
int osm3s_rows_uids(osm3s_snapshot *, const osm3s_rows *, int32_t *out, size_t *n);
