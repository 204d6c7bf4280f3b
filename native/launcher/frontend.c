/* frontend.c: the conversation with a frontend process; see osm3s/serve/wire.py. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "launcher.h"

enum { PAGE_DB_DIR = 320, PAGE_HEAD = 4096 }; /* place of the database directory in the dispatcher's status page */

/* The database directory that the dispatcher's status page tells; NULL if there is none. */
static const char *announced_db_dir(void)
{
    static char page[PAGE_HEAD + 1];
    const char *memory = getenv("OSM3S_SHM_DIR");
    char path[4096];
    snprintf(path, sizeof path, "%s%s", memory != NULL && *memory != '\0' ? memory : "/dev/shm", STATUS_PAGE);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return NULL;
    ssize_t n = pread(file, page, PAGE_HEAD, 0);
    close(file);
    uint16_t length;
    memcpy(&length, page + PAGE_DB_DIR, sizeof length);
    if (n != PAGE_HEAD || length == 0 || length > PAGE_HEAD - PAGE_DB_DIR - 2)
        return NULL;
    page[PAGE_DB_DIR + 2 + length] = '\0';
    return page + PAGE_DB_DIR + 2;
}

int frontend_connect(const char *db_dir)
{
    const char *place = getenv("OVERPASS_SOCKET_DIR");
    if (place == NULL || *place == '\0')
        place = db_dir != NULL ? db_dir : announced_db_dir();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (place == NULL || snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", place, FRONTEND_SOCKET) >=
                             (int)sizeof address.sun_path)
        return -1;
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection >= 0 && connect(connection, (struct sockaddr *)&address, sizeof address) == 0)
        return connection;
    close(connection);
    return -1;
}

/* Send `n` bytes, with the first of them our descriptors for output and messages. */
static int send_request(int connection, const unsigned char *bytes, size_t n)
{
    union {
        char space[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = {.space = {0}};
    struct iovec piece = {(void *)bytes, n};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.space,
                             .msg_controllen = sizeof control.space};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    int descriptors[2] = {STDOUT_FILENO, STDERR_FILENO};
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof descriptors);
    memcpy(CMSG_DATA(rights), descriptors, sizeof descriptors);
    while (n > 0) {
        ssize_t sent = sendmsg(connection, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return -1;
        if (sent > 0) {
            piece.iov_base = (char *)piece.iov_base + sent;
            piece.iov_len = n -= (size_t)sent;
            message.msg_control = NULL;
            message.msg_controllen = 0;
        }
    }
    return 0;
}

int frontend_ask(int connection, const buffer *request)
{
    uint32_t length = (uint32_t)request->n;
    buffer framed = {NULL, 0, 0};
    unsigned char prefix[4] = {(unsigned char)length, (unsigned char)(length >> 8), (unsigned char)(length >> 16),
                               (unsigned char)(length >> 24)};
    buffer_add(&framed, prefix, sizeof prefix);
    buffer_add(&framed, request->bytes, request->n);
    unsigned char status = 0;
    ssize_t got = 0;
    if (send_request(connection, framed.bytes, framed.n) == 0) {
        /* Nobody reads our output any more: leave, which ends the frontend as well. */
        struct pollfd watched[2] = {{.fd = connection, .events = POLLIN}, {.fd = STDOUT_FILENO}};
        do {
            while (poll(watched, 2, -1) < 0 && errno == EINTR)
                ;
            if (watched[1].revents & POLLNVAL)
                watched[1].fd = -1;
        } while (watched[0].revents == 0 && (watched[1].revents & (POLLERR | POLLHUP)) == 0);
        if (watched[0].revents == 0)
            return LAUNCH_DIED;
        do
            got = read(connection, &status, 1);
        while (got < 0 && errno == EINTR);
    }
    free(framed.bytes);
    if (got == 1)
        return status;
    fputs("runtime error: The process that answered the query has died.\n", stderr);
    return LAUNCH_DIED;
}
