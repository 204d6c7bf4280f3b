/* osm3s_query.c: the command-line program. Only what a frontend can do is handed over; the rest is Python's. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"

static int starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static int for_frontend(const char *argument)
{
    static const char *const known[] = {"--quiet", "--concise", "--progress", "--verbose"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(argument, known[i]) == 0)
            return 1;
    return starts_with(argument, "--request=") || (starts_with(argument, "--db-dir=") && argument[9] != '\0') ||
           starts_with(argument, "--dump-");
}

int main(int argc, char **argv)
{
    const char *db_dir = getenv("OVERPASS_DB_DIR");
    int alone = 0, has_text = 0;
    for (int i = 1; i < argc; i++) {
        alone |= !for_frontend(argv[i]);
        has_text |= starts_with(argv[i], "--request=") && argv[i][10] != '\0';
        if (starts_with(argv[i], "--db-dir="))
            db_dir = argv[i] + 9;
    }
    alone |= !has_text && isatty(STDIN_FILENO); /* a person gets the prompt before typing */
    int connection = alone ? -1 : frontend_connect(db_dir != NULL && *db_dir != '\0' ? db_dir : NULL);
    if (connection < 0)
        become_python("osm3s.cli.osm3s_query", argv + 1);
    buffer body = {NULL, 0, 0}, request = {NULL, 0, 0};
    if (!has_text)
        buffer_read_stdin(&body, LAUNCH_MAX_BODY);
    put_map(&request, 4);
    put_text(&request, "door", "osm3s_query");
    put_text(&request, "transport", "console");
    put_bytes(&request, "body", body.bytes != NULL ? body.bytes : (unsigned char *)"", body.n);
    put_texts(&request, "arguments", argv + 1, (unsigned)(argc > 0 ? argc - 1 : 0));
    return frontend_ask(connection, &request);
}
