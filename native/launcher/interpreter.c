/* interpreter.c: all CGI programs (osm3s/serve/doors.py); which one, the name by which it is called tells. */
#include <stdlib.h>
#include <string.h>

#include "launcher.h"

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL ? value : "";
}

/* Whether the request text is in the body: always, unless a method without body comes with a query string. */
static int needs_body(const char *method, const char *query_string)
{
    int bodiless = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "OPTIONS") == 0;
    return !bodiless || query_string[strspn(query_string, " \t\r\n\v\f")] == '\0';
}

static const char *program_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

int main(int argc, char **argv)
{
    const char *name = program_name(argc > 0 ? argv[0] : "");
    const char *db_dir = getenv("OVERPASS_DB_DIR");
    int connection = frontend_connect(db_dir != NULL && *db_dir != '\0' ? db_dir : NULL);
    if (connection < 0) {
        char *arguments[] = {(char *)name, NULL};
        become_python("osm3s.serve.cgi", arguments);
    }
    const char *method = environment("REQUEST_METHOD"), *query_string = environment("QUERY_STRING");
    buffer body = {NULL, 0, 0}, request = {NULL, 0, 0};
    const char *length = environment("CONTENT_LENGTH");
    if (needs_body(method, query_string) && (*length != '\0' || strcmp(name, "interpreter") == 0)) {
        char *end;
        unsigned long at_most = strtoul(length, &end, 10);
        if (end == length || *end != '\0' || at_most > LAUNCH_MAX_BODY)
            at_most = LAUNCH_MAX_BODY;
        buffer_read_stdin(&body, at_most);
    }
    put_map(&request, 9);
    put_text(&request, "door", name);
    put_text(&request, "transport", "cgi");
    put_text(&request, "method", method);
    put_bytes(&request, "query_string", query_string, strlen(query_string));
    put_bytes(&request, "body", body.bytes != NULL ? body.bytes : (unsigned char *)"", body.n);
    put_text(&request, "remote_addr", environment("REMOTE_ADDR"));
    put_text(&request, "api_key", environment("HTTP_X_API_KEY"));
    put_text(&request, "origin", environment("HTTP_ORIGIN"));
    put_text(&request, "requested_headers", environment("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"));
    return frontend_ask(connection, &request);
}
