/* launcher.h: the small programs in front of a warmed parent (osm3s/serve/parent.py).
 *
 * They pack the request, hand it and their own output descriptors to a waiting frontend process and exit with the status
 * it tells. Where no parent runs, they become a Python process that does the same work by itself.
 *
 * The build defines PYTHON (the interpreter, relative to the directory of the program or absolute), ROOT (the directory
 * of the package osm3s, likewise), FRONTEND_SOCKET (its name in a database directory) and STATUS_PAGE
 * (the name of the dispatcher's page in shared memory). */
#ifndef OSM3S_LAUNCHER_H
#define OSM3S_LAUNCHER_H

#include <stddef.h>

enum { LAUNCH_MAX_BODY = 16 * 1024 * 1024 + 64 * 1024 + 1 }; /* one byte more than a frontend accepts */
enum { LAUNCH_DIED = 70 };                       /* exit status: the frontend died, its answer may be cut */

/* A growing array of bytes. Running out of memory ends the program. */
typedef struct {
    unsigned char *bytes;
    size_t n, cap;
} buffer;

void buffer_add(buffer *, const void *bytes, size_t n);
/* Read from standard input to its end, or `at_most` bytes. */
void buffer_read_stdin(buffer *, size_t at_most);

/* request.c: a request in the form of osm3s/serve/request.py, a MessagePack map. First the number of fields. */
void put_map(buffer *, unsigned n_fields);
void put_text(buffer *, const char *key, const char *value);
void put_bytes(buffer *, const char *key, const void *bytes, size_t n);
void put_texts(buffer *, const char *key, char **values, unsigned n);

/* frontend.c */
/* Connect to the frontends of a database directory; NULL: that of the dispatcher started last. -1 if there are none. */
int frontend_connect(const char *db_dir);
/* Hand over request and output descriptors, wait, return the exit status to use. */
int frontend_ask(int connection, const buffer *request);

/* python.c: become `python -m module arguments…`; returns only by exit. */
void become_python(const char *module, char **arguments);

#endif
