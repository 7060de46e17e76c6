/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_message.h"
#include "host/opencl/cl_cache.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static const uint32_t magic = 0x6c6f636b;

typedef struct {
    uint32_t magic, kind;
    uint64_t size;
} header;

void ls_hello_fill(ls_hello *hello)
{
    memset(hello, 0, sizeof *hello);
    ls_cl_build_id(hello->build);
    hello->sizes = sizeof(ls_open_request) + 1009 * sizeof(ls_open_answer) +
                   9001 * sizeof(ls_check_part) + 70001 * sizeof(ls_check_answer) +
                   600011 * sizeof(ls_build_request) + 5000011 * sizeof(ls_speed_answer);
}

static bool send_all(int socket, const void *bytes, size_t size)
{
    const char *from = bytes;
    while (size) {
        ssize_t sent = send(socket, from, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        from += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool ls_message_send(int socket, ls_message_kind kind, const void *a, size_t a_size, const void *b,
                     size_t b_size)
{
    const header h = {magic, (uint32_t)kind, a_size + b_size};
    return send_all(socket, &h, sizeof h) && send_all(socket, a, a_size) &&
           send_all(socket, b, b_size);
}

/* Not ls_clock, which tests replace: this limit is there for processes that hang. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* 1: there is something; 0: too late; -1: an error. deadline: negative for none. */
static int wait_until(int socket, double deadline)
{
    for (;;) {
        struct pollfd wait_for = {.fd = socket, .events = POLLIN};
        double left = deadline - now();
        int ready = poll(&wait_for, 1, deadline < 0 ? -1 : left > 0 ? (int)(left * 1000) + 1 : 0);
        if (ready >= 0 || errno != EINTR) return ready;
    }
}

bool ls_message_wait(int socket, double seconds)
{
    return wait_until(socket, now() + seconds) != 0;
}

static ls_received receive_all(int socket, double deadline, void *to, size_t size)
{
    char *at = to;
    while (size) {
        int ready = wait_until(socket, deadline);
        if (ready == 0) return LS_RECEIVED_LATE;
        ssize_t got = ready > 0 ? recv(socket, at, size, 0) : -1;
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return LS_RECEIVED_END;
        at += got;
        size -= (size_t)got;
    }
    return LS_RECEIVED;
}

ls_received ls_message_receive(int socket, double seconds, ls_message_kind *kind, char **bytes,
                               size_t *size)
{
    header h;
    double deadline = seconds < 0 ? -1 : now() + seconds;
    ls_received got = receive_all(socket, deadline, &h, sizeof h);
    if (got != LS_RECEIVED) return got;
    if (h.magic != magic || h.kind >= LS_MESSAGE_KINDS || h.size > LS_MESSAGE_MOST)
        return LS_RECEIVED_NONSENSE;
    char *memory = calloc(1, (size_t)h.size + 1);
    if (!memory) return LS_RECEIVED_NONSENSE;
    got = receive_all(socket, deadline, memory, (size_t)h.size);
    if (got != LS_RECEIVED) {
        free(memory);
        return got;
    }
    *kind = (ls_message_kind)h.kind;
    *bytes = memory;
    *size = (size_t)h.size;
    return LS_RECEIVED;
}
