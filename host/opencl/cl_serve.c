/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_serve.h"
#include "core_cpu/cpu.h"
#include "host/opencl/check_parts.h"
#include "host/opencl/cl_backend.h"
#include "host/opencl/cl_guard.h"
#include "host/opencl/cl_look.h"
#include "host/opencl/cl_memory.h"
#include "host/opencl/cl_program.h"
#include "host/opencl/cl_run.h"
#include "host/opencl/cl_serve_use.h"
#include "host/opencl/cl_speed.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    int socket;
    ls_serve_hook hook;
    ls_shared *shared;
    ls_cl_api cl;
    ls_cl_found *found; /* once they have been listed */
    size_t count;
    char note[256];
    ls_cl_device *device; /* to be checked */
    ls_backend *cpu;
    ls_cl_use use;
} server;

static bool answer(const server *s, ls_message_kind kind, const void *bytes, size_t size)
{
    return ls_message_send(s->socket, kind, bytes, size, NULL, 0);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static bool same_device(const ls_device_info *a, const ls_device_info *b)
{
    return !strcmp(a->platform, b->platform) && !strcmp(a->vendor, b->vendor) &&
           !strcmp(a->name, b->name) && !strcmp(a->driver, b->driver) &&
           !strcmp(a->version, b->version);
}

static ls_status list_devices(server *s, ls_error *err)
{
    if (s->found) return LS_OK;
    LS_TRY(ls_cl_api_open(&s->cl, err));
    return ls_cl_find(&s->cl, &s->found, &s->count, s->note, err);
}

/* The device of that number, or else the first that looks the same: a driver may list its devices
 * in another order. */
static ls_status find(server *s, size_t number, const ls_device_info *info, const ls_cl_found **out,
                      ls_error *err)
{
    if (s->device || s->use.device) return ls_fail(err, LS_ERR_DEVICE, "a helper opens one device");
    LS_TRY(list_devices(s, err));
    *out = number < s->count && same_device(&s->found[number].info, info) ? &s->found[number]
                                                                          : NULL;
    for (size_t i = 0; i < s->count && !*out; i++)
        if (same_device(&s->found[i].info, info)) *out = &s->found[i];
    return *out ? LS_OK : ls_fail(err, LS_ERR_DEVICE, "the device has gone");
}

static ls_status open_device(server *s, const ls_open_request *r, ls_error *err)
{
    const ls_cl_found *found;
    LS_TRY(find(s, r->number, &r->info, &found, err));
    LS_TRY(ls_cl_backend_create(&s->cl, found, r->copies, &s->device, err));
    s->device->is_helper = true;
    s->device->counts = &s->shared->counts;
    return ls_cpu_open(1, NULL, &s->cpu, err);
}

static bool serve_open(server *s, const char *bytes, size_t size)
{
    ls_open_request request;
    ls_open_answer a;
    ls_error err = {0};
    if (size != sizeof request) return false;
    memcpy(&request, bytes, size);
    if (s->hook) s->hook(LS_MESSAGE_OPEN, request.copies == LS_CL_COPIES_PROBE ? "probe" : "open");
    memset(&a, 0, sizeof a);
    a.status = open_device(s, &request, &err);
    if (a.status == LS_OK) {
        a.count = ls_check_parts(s->device, a.parts);
        if (request.thorough) a.count = ls_check_more_parts(s->device, a.parts, a.count);
        a.async_copies = s->device->async_copies;
    } else snprintf(a.message, sizeof a.message, "%.500s", err.message);
    return answer(s, LS_MESSAGE_OPEN, &a, sizeof a);
}

/* What a process without a loader says is a note. */
static bool serve_find(server *s)
{
    ls_find_answer a;
    ls_found_device *list = NULL;
    ls_error err = {0};
    if (s->hook) s->hook(LS_MESSAGE_FIND, "list");
    memset(&a, 0, sizeof a);
    a.status = list_devices(s, &err);
    if (a.status == LS_OK) memcpy(a.note, s->note, sizeof a.note);
    else snprintf(a.message, sizeof a.message, "%.500s", err.message);
    list = s->count ? calloc(s->count, sizeof *list) : NULL;
    if (list) a.count = s->count;
    for (size_t i = 0; i < a.count; i++) {
        list[i].info = s->found[i].info;
        list[i].guess = s->found[i].guess;
    }
    bool sent = ls_message_send(s->socket, LS_MESSAGE_FIND, &a, sizeof a, list,
                                a.count * sizeof *list);
    free(list);
    return sent;
}

/* ---- Requests about the open device ---------------------------------------------------------- */

static bool serve_check(server *s, const char *bytes, size_t size)
{
    ls_check_part part;
    ls_check_answer a;
    ls_error err = {0};
    if (size != sizeof part || !s->cpu) return false;
    memcpy(&part, bytes, size);
    if (s->hook) s->hook(LS_MESSAGE_CHECK, part.name);
    memset(&a, 0, sizeof a);
    a.status = ls_check_part_run(s->device, s->cpu, &part, a.reason, &err);
    ls_cl_guard_keep(s->device, a.status == LS_OK);
    if (a.status != LS_OK) snprintf(a.message, sizeof a.message, "%.1000s", err.message);
    return answer(s, LS_MESSAGE_CHECK, &a, sizeof a);
}

/* PoCL's clBuildProgram leaves the kernels' machine code for later; asking for the binary makes it
 * now. */
static void ask_binary(server *s, cl_program program)
{
    size_t bytes = 0;
    if (s->cl.clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, NULL) !=
            CL_SUCCESS ||
        !bytes)
        return;
    unsigned char *binary = malloc(bytes);
    if (binary) s->cl.clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL);
    free(binary);
}

static bool serve_build(server *s, const char *bytes, size_t size)
{
    ls_build_request request;
    ls_check_answer a;
    ls_error err = {0};
    cl_program program;
    if (size < sizeof request || !s->cpu) return false;
    memcpy(&request, bytes, sizeof request);
    size -= sizeof request;
    const char *options = bytes + sizeof request;
    if (!request.options || request.options > size || request.source != size - request.options ||
        options[request.options - 1])
        return false;
    if (s->hook) s->hook(LS_MESSAGE_BUILD, options);
    memset(&a, 0, sizeof a);
    a.status = ls_cl_build_exactly(s->device, options + request.options, request.source, options,
                                   &program, &err);
    if (a.status != LS_OK) snprintf(a.message, sizeof a.message, "%.1000s", err.message);
    else {
        if (request.binaries) ask_binary(s, program);
        s->cl.clReleaseProgram(program);
    }
    ls_cl_guard_keep(s->device, false); /* the other side remembers it */
    return answer(s, LS_MESSAGE_BUILD, &a, sizeof a);
}

/* The hook is told the ways that may run, by the names of their parts of the check. */
static bool serve_speed(server *s, const char *bytes, size_t size)
{
    ls_speed_request request;
    ls_speed_answer a;
    char ways[128] = "speed";
    if (size != sizeof request || !s->cpu) return false;
    memcpy(&request, bytes, size);
    for (int way = 0; way < LS_CL_WAY_COUNT; way++) {
        if (request.out[way])
            snprintf(s->device->way_out[way], sizeof s->device->way_out[way], "not to be used");
        if (ls_cl_way_is_used(s->device, (ls_cl_way_id)way))
            snprintf(ways + strlen(ways), sizeof ways - strlen(ways), "; training, %s",
                     ls_cl_way_name((ls_cl_way_id)way));
    }
    if (s->hook) s->hook(LS_MESSAGE_SPEED, ways);
    memset(&a, 0, sizeof a);
    a.status = ls_cl_speed_measure(s->device, &a.speed, NULL);
    ls_cl_guard_keep(s->device, a.status == LS_OK);
    return answer(s, LS_MESSAGE_SPEED, &a, sizeof a);
}

/* ---- For doctor ------------------------------------------------------------------------------ */

static bool serve_look(const server *s, const char *bytes, size_t size)
{
    ls_driver_look a;
    if (!size || bytes[size - 1]) return false;
    if (s->hook) s->hook(LS_MESSAGE_LOOK, bytes);
    ls_cl_look(bytes, &a);
    return answer(s, LS_MESSAGE_LOOK, &a, sizeof a);
}

static bool serve_memory(server *s)
{
    ls_memory_report a;
    if (!s->device) return false;
    if (s->hook) s->hook(LS_MESSAGE_MEMORY, "memory");
    ls_cl_memory_check(s->device, &a);
    ls_cl_guard_keep(s->device, !*a.failed);
    return answer(s, LS_MESSAGE_MEMORY, &a, sizeof a);
}

/* ---- The device in use ----------------------------------------------------------------------- */

static bool serve_use(server *s, const char *bytes, size_t size)
{
    ls_use_open request;
    ls_use_answer a;
    ls_error err = {0};
    const ls_cl_found *found;
    if (size != sizeof request) return false;
    memcpy(&request, bytes, size);
    if (s->hook) s->hook(LS_MESSAGE_USE, "start");
    memset(&a, 0, sizeof a);
    a.status = find(s, request.number, &request.info, &found, &err);
    if (a.status != LS_OK) snprintf(a.message, sizeof a.message, "%.1000s", err.message);
    else ls_cl_use_open(&s->use, &s->cl, found, &request.verdict, &a);
    return answer(s, LS_MESSAGE_USE, &a, sizeof a);
}

static bool serve_work(server *s, ls_message_kind kind, const char *bytes, size_t size)
{
    static const char *const names[LS_MESSAGE_KINDS] = {
        [LS_MESSAGE_ROWS] = "work: rows",       [LS_MESSAGE_FILL] = "work: fill",
        [LS_MESSAGE_LEAVE] = "work: leave",     [LS_MESSAGE_ADD] = "work: add",
        [LS_MESSAGE_RUN] = "work: run",         [LS_MESSAGE_INFER] = "work: infer",
        [LS_MESSAGE_READ] = "work: read",       [LS_MESSAGE_WRITE] = "work: write",
        [LS_MESSAGE_CHANGES] = "work: changes", [LS_MESSAGE_NOTE] = "work: note",
        [LS_MESSAGE_TUNE] = "work: tune",       [LS_MESSAGE_PART] = "work: part"};
    ls_use_request request;
    ls_use_answer a;
    if (!names[kind] || size < sizeof request) return false;
    memcpy(&request, bytes, sizeof request);
    if (size - sizeof request != request.changes) return false;
    if (s->hook) s->hook(kind, names[kind]);
    memset(&a, 0, sizeof a);
    return ls_cl_use_serve(&s->use, kind, &request, bytes + sizeof request, &a) &&
           answer(s, kind, &a, sizeof a);
}

/* ---- The process ----------------------------------------------------------------------------- */

static bool serve(server *s, ls_message_kind kind, const char *bytes, size_t size)
{
    switch (kind) {
    case LS_MESSAGE_FIND: return serve_find(s);
    case LS_MESSAGE_OPEN: return serve_open(s, bytes, size);
    case LS_MESSAGE_CHECK: return serve_check(s, bytes, size);
    case LS_MESSAGE_BUILD: return serve_build(s, bytes, size);
    case LS_MESSAGE_SPEED: return serve_speed(s, bytes, size);
    case LS_MESSAGE_LOOK: return serve_look(s, bytes, size);
    case LS_MESSAGE_MEMORY: return serve_memory(s);
    case LS_MESSAGE_USE: return serve_use(s, bytes, size);
    case LS_MESSAGE_CLOSE: ls_cl_use_close(&s->use); return false;
    default: return serve_work(s, kind, bytes, size);
    }
}

/* Descriptors of the program that it has not marked to be closed. */
static void close_others(int socket)
{
    DIR *list = opendir("/proc/self/fd");
    if (!list) return;
    for (struct dirent *entry; (entry = readdir(list));) {
        int file = atoi(entry->d_name);
        if (file > STDERR_FILENO && file != socket && file != dirfd(list)) close(file);
    }
    closedir(list);
}

/* Drivers print to both outputs, and may be ended by a signal: nobody wants either to be seen. */
static void become_quiet(void)
{
    const struct rlimit no_core = {1,
                                   1}; /* with 0, a program that takes core files would get one */
    int null = open("/dev/null", O_RDWR);
    setrlimit(RLIMIT_CORE, &no_core);
    if (null < 0) return;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    if (null > STDERR_FILENO) close(null);
}

/* Ends this process as soon as the other one has ended: the socket is closed then, unless a child
 * of that process has a copy. */
static void *watch(void *user)
{
    const server *s = user;
    struct ucred other = {.pid = getppid()};
    socklen_t size = sizeof other;
    (void)getsockopt(s->socket, SOL_SOCKET, SO_PEERCRED, &other, &size);
    for (;;) {
        struct pollfd closed = {.fd = s->socket, .events = POLLRDHUP};
        int ready = poll(&closed, 1, 1000);
        if (ready > 0 || getppid() != other.pid) _exit(0);
    }
}

static void begin_watching(server *s)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 1 << 16);
    (void)pthread_create(&thread, &attributes, watch, s);
    pthread_attr_destroy(&attributes);
}

int ls_cl_serve(ls_serve_hook hook)
{
    server s = {.socket = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), .hook = hook};
    ls_hello hello;
    ls_message_kind kind;
    char *bytes;
    size_t size;
    void *shared = mmap(NULL, LS_SHARED_MOST, PROT_READ | PROT_WRITE, MAP_SHARED, STDOUT_FILENO, 0);
    if (s.socket < 0 || shared == MAP_FAILED) return 1;
    s.shared = shared;
    s.use = (ls_cl_use){.socket = s.socket, .shared = shared};
    close_others(s.socket);
    become_quiet();
    begin_watching(&s);
    ls_hello_fill(&hello);
    bool going = answer(&s, LS_MESSAGE_HELLO, &hello, sizeof hello);
    while (going && ls_message_receive(s.socket, -1, &kind, &bytes, &size) == LS_RECEIVED) {
        going = serve(&s, kind, bytes, size);
        free(bytes);
    }
    /* not exit(): handlers of drivers may crash or hang, and there is nothing left to be done */
    _exit(0);
}
