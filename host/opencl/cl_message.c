/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_message.h"
#include "host/opencl/cl_cache.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
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
    const size_t sizes[] = {
        sizeof(ls_find_answer),   sizeof(ls_found_device),  sizeof(ls_open_request),
        sizeof(ls_open_answer),   sizeof(ls_check_part),    sizeof(ls_check_answer),
        sizeof(ls_build_request), sizeof(ls_speed_request), sizeof(ls_speed_answer),
        sizeof(ls_use_open),      sizeof(ls_use_request),   sizeof(ls_use_answer),
        sizeof(ls_use_run),       sizeof(ls_use_change),    sizeof(ls_use_part),
        sizeof(ls_tried),         sizeof(ls_shared),        sizeof(ls_driver_look),
        sizeof(ls_memory_report), sizeof(ls_plan),          sizeof(ls_op),
        LS_MESSAGE_KINDS};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        hello->sizes = 1009 * hello->sizes + sizes[i];
}

bool ls_message_send(int socket, ls_message_kind kind, const void *a, size_t a_size, const void *b,
                     size_t b_size)
{
    header h = {magic, (uint32_t)kind, a_size + b_size};
    struct iovec parts[] = {{&h, sizeof h}, {(void *)a, a_size}, {(void *)b, b_size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
    while (message.msg_iovlen) {
        ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        for (; message.msg_iovlen && (size_t)sent >= message.msg_iov->iov_len;
             message.msg_iov++, message.msg_iovlen--)
            sent -= (ssize_t)message.msg_iov->iov_len;
        if (!message.msg_iovlen) break;
        message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + sent;
        message.msg_iov->iov_len -= (size_t)sent;
    }
    return true;
}

double ls_message_clock(void)
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
        double left = deadline - ls_message_clock();
        int ready = poll(&wait_for, 1, deadline < 0 ? -1 : left > 0 ? (int)(left * 1000) + 1 : 0);
        if (ready >= 0 || errno != EINTR) return ready;
    }
}

bool ls_message_wait(int socket, double seconds)
{
    /* looking again and again before sleeping would be slower: the driver needs the cores */
    return wait_until(socket, ls_message_clock() + seconds) != 0;
}

static ls_received receive_all(int socket, double deadline, void *to, size_t size)
{
    char *at = to;
    while (size) {
        ssize_t got = recv(socket, at, size, deadline < 0 ? 0 : MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (wait_until(socket, deadline) == 0) return LS_RECEIVED_LATE;
            continue;
        }
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
    double deadline = seconds < 0 ? -1 : ls_message_clock() + seconds;
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
