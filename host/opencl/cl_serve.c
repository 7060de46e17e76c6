/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_serve.h"
#include "core_cpu/cpu.h"
#include "host/opencl/check_parts.h"
#include "host/opencl/cl_backend.h"
#include "host/opencl/cl_guard.h"
#include "host/opencl/cl_program.h"
#include "host/opencl/cl_run.h"
#include "host/opencl/cl_speed.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    ORPHAN_SECONDS = 600
}; /* a request that takes longer ends the process, even if nobody is
      left to do so */

typedef struct {
    int socket;
    ls_serve_hook hook;
    ls_cl_api cl;
    ls_cl_device *device;
    ls_backend *cpu;
} server;

static bool answer(const server *s, ls_message_kind kind, const void *bytes, size_t size)
{
    return ls_message_send(s->socket, kind, bytes, size, NULL, 0);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static bool same_device(const ls_device_info *a, const ls_device_info *b)
{
    return !strcmp(a->platform, b->platform) && !strcmp(a->vendor, b->vendor) &&
           !strcmp(a->name, b->name) && !strcmp(a->driver, b->driver);
}

/* The device of that number, or else the first that looks the same: a driver may list its devices
 * in another order. */
static const ls_cl_found *find(const ls_cl_found *list, size_t count, const ls_open_request *r)
{
    if (r->number < count && same_device(&list[r->number].info, &r->info)) return &list[r->number];
    for (size_t i = 0; i < count; i++)
        if (same_device(&list[i].info, &r->info)) return &list[i];
    return NULL;
}

static ls_status open_device(server *s, const ls_open_request *r, ls_error *err)
{
    ls_cl_found *list = NULL;
    size_t count = 0;
    char note[256];
    if (s->device) return ls_fail(err, LS_ERR_ARGUMENT, "a helper opens one device");
    LS_TRY(ls_cl_api_open(&s->cl, err));
    LS_TRY(ls_cl_find(&s->cl, &list, &count, note, err));
    const ls_cl_found *found = find(list, count, r);
    ls_status status = found ? ls_cl_backend_create(&s->cl, found, r->copies, &s->device, err)
                             : ls_fail(err, LS_ERR_DEVICE, "the device has gone");
    free(list);
    if (status == LS_OK) s->device->is_helper = true;
    if (status == LS_OK) status = ls_cpu_open(1, NULL, &s->cpu, err);
    return status;
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
        a.async_copies = s->device->async_copies;
    } else snprintf(a.message, sizeof a.message, "%.500s", err.message);
    return answer(s, LS_MESSAGE_OPEN, &a, sizeof a);
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

static bool serve(server *s, ls_message_kind kind, const char *bytes, size_t size)
{
    switch (kind) {
    case LS_MESSAGE_OPEN: return serve_open(s, bytes, size);
    case LS_MESSAGE_CHECK: return serve_check(s, bytes, size);
    case LS_MESSAGE_BUILD: return serve_build(s, bytes, size);
    case LS_MESSAGE_SPEED: return serve_speed(s, bytes, size);
    default: return false;
    }
}

/* Drivers print to both outputs, and may be ended by a signal: nobody wants either to be seen. */
static void become_quiet(void)
{
    const struct rlimit no_core = {0, 0};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    setrlimit(RLIMIT_CORE, &no_core);
    if (null < 0) return;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
}

int ls_cl_serve(ls_serve_hook hook)
{
    server s = {.socket = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), .hook = hook};
    ls_hello hello;
    ls_message_kind kind;
    char *bytes;
    size_t size;
    if (s.socket < 0) return 1;
    become_quiet();
    ls_hello_fill(&hello);
    bool going = answer(&s, LS_MESSAGE_HELLO, &hello, sizeof hello);
    while (going && ls_message_receive(s.socket, -1, &kind, &bytes, &size) == LS_RECEIVED) {
        alarm(ORPHAN_SECONDS);
        going = serve(&s, kind, bytes, size);
        alarm(0);
        free(bytes);
    }
    /* not exit(): handlers of drivers may crash or hang, and there is nothing left to be done */
    _exit(0);
}
