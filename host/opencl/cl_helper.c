/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_helper.h"
#include "host/base/text.h"
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const double hello_seconds = 10, answer_seconds = 120;

/* ---- Where it is ----------------------------------------------------------------------------- */

static bool is_program(const char *path) { return *path == '/' && access(path, X_OK) == 0; }

/* Beside a file of this process, or where an installation puts it relative to that file. */
static bool find_beside(const char *file, char path[PATH_MAX])
{
    static const char *const places[] = {".", LS_HELPER_FROM_LIB, LS_HELPER_FROM_BIN};
    const char *end = strrchr(file, '/');
    for (size_t i = 0; end && i < sizeof places / sizeof *places; i++) {
        int n = snprintf(path, PATH_MAX, "%.*s/%s/" LS_HELPER_NAME, (int)(end - file), file,
                         places[i]);
        if (n > 0 && n < PATH_MAX && is_program(path)) return true;
    }
    return false;
}

/* The library may be a file of its own or a part of the program. */
static bool find_helper(char path[PATH_MAX])
{
    const char *given = getenv("LOCKSTEP_HELPER");
    if (given) {
        int n = snprintf(path, PATH_MAX, "%s", given);
        return n > 0 && n < PATH_MAX && is_program(path);
    }
    Dl_info self;
    static const char here = 0; /* its address is in this library */
    if (dladdr(&here, &self) && self.dli_fname && *self.dli_fname == '/' &&
        find_beside(self.dli_fname, path))
        return true;
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n > 0) {
        program[n] = 0;
        if (find_beside(program, path)) return true;
    }
    snprintf(path, PATH_MAX, "%s", LS_HELPER_INSTALLED);
    return is_program(path);
}

/* ---- Starting and stopping ------------------------------------------------------------------- */

/* With the signals' default actions, whatever the host program has set. */
static bool spawn(const char *path, int end, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *const arguments[] = {(char *)path, NULL};
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (posix_spawn_file_actions_init(&actions) != 0) return false;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return false;
    }
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    bool started = posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO) == 0 &&
                   posix_spawn(child, path, &actions, &attributes, arguments, environ) == 0;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return started;
}

/* The exit state; false if somebody else has taken it. */
static bool reap(ls_cl_helper *h, int *state)
{
    pid_t waited;
    while ((waited = waitpid(h->child, state, 0)) < 0 && errno == EINTR) continue;
    bool reaped = waited == h->child;
    close(h->socket);
    *h = (ls_cl_helper){0};
    return reaped;
}

void ls_cl_helper_stop(ls_cl_helper *h)
{
    int state;
    if (!h->child) return;
    kill(h->child, SIGKILL);
    reap(h, &state);
}

bool ls_cl_helper_start(ls_cl_helper *h)
{
    char path[PATH_MAX], *bytes = NULL;
    int ends[2];
    ls_message_kind kind;
    size_t size;
    ls_hello mine;
    *h = (ls_cl_helper){0};
    if (!find_helper(path) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    bool started = spawn(path, ends[1], &h->child);
    close(ends[1]);
    if (!started) {
        close(ends[0]);
        *h = (ls_cl_helper){0};
        return false;
    }
    h->socket = ends[0];
    ls_hello_fill(&mine);
    bool fits = ls_message_receive(h->socket, hello_seconds, &kind, &bytes, &size) == LS_RECEIVED;
    if (fits) fits = kind == LS_MESSAGE_HELLO && size == sizeof mine && !memcmp(bytes, &mine, size);
    free(bytes);
    if (!fits) ls_cl_helper_stop(h);
    return fits;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static double limit(void)
{
    const char *text = getenv("LOCKSTEP_HELPER_SECONDS");
    double seconds;
    return text && ls_parse_double(text, &seconds) && seconds > 0 && seconds < 86400
               ? seconds
               : answer_seconds;
}

/* Processor time of the helper; negative if unknown. */
static double cpu_seconds(const ls_cl_helper *h)
{
    clockid_t id;
    struct timespec t;
    if (clock_getcpuclockid(h->child, &id) != 0 || clock_gettime(id, &t) != 0) return -1;
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Waits until the helper has begun to answer, or has ended. False if it hangs: it has computed for
 * half of the time, or not at all. In between, a busy machine leaves it little time, and it is
 * given more. */
static bool is_answering(const ls_cl_helper *h, double seconds)
{
    enum { MORE = 10 };
    double before = cpu_seconds(h);
    for (int turn = 0; turn < MORE; turn++) {
        if (ls_message_wait(h->socket, seconds)) return true;
        double used = cpu_seconds(h) - before;
        if (before < 0 || used > 0.5 * seconds || used < 0.01 * seconds * (turn + 1)) return false;
    }
    return false;
}

/* Signals by which somebody ends a process; the kernel does so with SIGKILL if memory is short. */
static bool is_foreign(int signal)
{
    return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT ||
           signal == SIGKILL;
}

static void explain(ls_cl_helper *h, ls_received got, double seconds, ls_helper_failure *f)
{
    int state = 0;
    if (got == LS_RECEIVED_LATE || got == LS_RECEIVED_NONSENSE) {
        ls_cl_helper_stop(h);
        f->lasting = true;
        f->crashed = got == LS_RECEIVED_NONSENSE;
        if (got == LS_RECEIVED_LATE)
            snprintf(f->how, sizeof f->how, "does not end within %g s", seconds);
        else snprintf(f->how, sizeof f->how, "destroys its own memory");
        return;
    }
    bool reaped = reap(h, &state);
    f->crashed = true;
    f->lasting = reaped && !(WIFSIGNALED(state) && is_foreign(WTERMSIG(state)));
    if (reaped && WIFSIGNALED(state))
        snprintf(f->how, sizeof f->how, "crashes (%.90s)", strsignal(WTERMSIG(state)));
    else if (reaped) snprintf(f->how, sizeof f->how, "ends the process");
    else snprintf(f->how, sizeof f->how, "ends in an unknown way");
}

bool ls_cl_helper_ask(ls_cl_helper *h, ls_message_kind kind, const void *a, size_t a_size,
                      const void *b, size_t b_size, void *answer, size_t answer_size,
                      ls_helper_failure *f)
{
    ls_message_kind answered;
    char *bytes = NULL;
    size_t size = 0;
    double seconds = limit();
    ls_received got = LS_RECEIVED_END;
    if (ls_message_send(h->socket, kind, a, a_size, b, b_size))
        got = is_answering(h, seconds)
                  ? ls_message_receive(h->socket, seconds, &answered, &bytes, &size)
                  : LS_RECEIVED_LATE;
    if (got == LS_RECEIVED && (answered != kind || size != answer_size)) got = LS_RECEIVED_NONSENSE;
    if (got == LS_RECEIVED) memcpy(answer, bytes, size);
    else explain(h, got, seconds, f);
    free(bytes);
    return got == LS_RECEIVED;
}

bool ls_cl_helper_open(ls_cl_helper *h, size_t number, const ls_device_info *info,
                       ls_cl_copies_use copies, ls_open_answer *answer, ls_helper_failure *f)
{
    ls_open_request request;
    memset(&request, 0, sizeof request);
    request.number = number;
    request.copies = copies;
    request.info = *info;
    if (!ls_cl_helper_ask(h, LS_MESSAGE_OPEN, &request, sizeof request, NULL, 0, answer,
                          sizeof *answer, f))
        return false;
    answer->message[sizeof answer->message - 1] = 0;
    bool sound = answer->count <= LS_CHECK_PARTS_MOST;
    for (size_t i = 0; sound && i < answer->count; i++) {
        ls_check_part *p = &answer->parts[i];
        p->name[sizeof p->name - 1] = 0;
        sound = p->kind < LS_CHECK_KINDS && p->way < LS_CL_WAY_COUNT;
    }
    if (sound) return true;
    explain(h, LS_RECEIVED_NONSENSE, 0, f);
    return false;
}
