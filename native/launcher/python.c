/* python.c: doing without a frontend: this process becomes a Python process. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"

enum { PATH_SIZE = 4096 };

/* `name` as it is if absolute, else below the directory of this program, so that a moved checkout goes on working. */
static void resolve(char *path, const char *name)
{
    char self[PATH_SIZE];
    ssize_t n = name[0] == '/' ? -1 : readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash = NULL;
    if (n > 0) {
        self[n] = '\0';
        slash = strrchr(self, '/');
    }
    if (slash == NULL) {
        snprintf(path, PATH_SIZE, "%s", name);
        return;
    }
    *slash = '\0';
    if (snprintf(path, PATH_SIZE, "%s/%s", self, name) >= PATH_SIZE)
        path[0] = '\0';
}

void become_python(const char *module, char **arguments)
{
    char python[PATH_SIZE], root[PATH_SIZE], search[2 * PATH_SIZE];
    resolve(python, PYTHON);
    resolve(root, ROOT);
    const char *before = getenv("PYTHONPATH");
    snprintf(search, sizeof search, "%s%s%s", root, before && *before ? ":" : "", before ? before : "");
    setenv("PYTHONPATH", search, 1);

    size_t n = 0;
    while (arguments[n] != NULL)
        n++;
    char **argv = calloc(n + 6, sizeof *argv);
    if (argv == NULL)
        exit(LAUNCH_DIED);
    sigset_t interrupt; /* Python would answer it with a traceback until the program itself begins: it waits so long */
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupt, NULL);
    argv[0] = python;
    argv[1] = "-P";
    argv[2] = "-m";
    argv[3] = "osm3s.cli.start";
    argv[4] = (char *)module;
    memcpy(argv + 5, arguments, n * sizeof *argv);
    execv(python, argv);
    argv[0] = "python3";
    execvp("python3", argv);
    fprintf(stderr, "Neither %s nor python3 can be started: %s\n", python, strerror(errno));
    exit(LAUNCH_DIED);
}
