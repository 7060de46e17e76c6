/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_helper.h"
#include "host/base/companion.h"
#include "host/base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const double hello_seconds = 10, answer_seconds = 120;
/* What a driver gets to end what it is doing once it is to stop, and to end after a kill. */
static const double stop_seconds = 0.5, kill_seconds = 2;
enum { LEAST_ROOM = 1 << 18 };

/* ---- Where it is ----------------------------------------------------------------------------- */

static bool find_helper(char path[PATH_MAX])
{
    const char *given = getenv("LOCKSTEP_HELPER");
    if (!given) return ls_find_companion("lockstep-device-helper", true, path);
    int n = snprintf(path, PATH_MAX, "%s", given);
    return n > 0 && n < PATH_MAX && *path == '/' && access(path, X_OK) == 0;
}

/* ---- Starting and stopping ------------------------------------------------------------------- */

/* Moves a descriptor away from those of standard input and outputs, which the program may have
 * closed and may open again. */
static int move_up(int file)
{
    if (file < 0 || file > STDERR_FILENO) return file;
    int higher = fcntl(file, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(file);
    return higher;
}

/* With the signals' default actions, whatever the host program has set, and in a process group of
 * its own: what the terminal sends is for the program, which ends the helper. Its standard input is
 * the socket, its standard output the shared memory. */
static bool spawn(const char *path, int end, int memory, pid_t *child)
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
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    bool started = posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO) == 0 &&
                   posix_spawn_file_actions_adddup2(&actions, memory, STDOUT_FILENO) == 0 &&
                   posix_spawn(child, path, &actions, &attributes, arguments, environ) == 0;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return started;
}

static bool allocate(int file, size_t bytes)
{
    int code;
    while ((code = posix_fallocate(file, 0, (off_t)bytes)) == EINTR) continue;
    return code == 0;
}

/* Memory for both processes: address space for all of it, and a first part of the file. Nobody can
 * make that smaller, so that reading it cannot fail. */
static bool make_memory(ls_cl_helper *h)
{
    h->memory = move_up(memfd_create("lockstep", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (h->memory < 0) return false;
    (void)fcntl(h->memory, F_ADD_SEALS, F_SEAL_SHRINK);
    if (!allocate(h->memory, sizeof(ls_shared) + LEAST_ROOM)) return false;
    h->room = LEAST_ROOM;
    void *at = mmap(NULL, LS_SHARED_MOST, PROT_READ | PROT_WRITE, MAP_SHARED, h->memory, 0);
    if (at != MAP_FAILED) h->shared = at;
    return h->shared != NULL;
}

size_t ls_cl_helper_room(ls_cl_helper *h, size_t bytes)
{
    const size_t most = LS_SHARED_MOST - sizeof(ls_shared);
    size_t more = 2 * h->room > bytes ? 2 * h->room : bytes;
    if (bytes <= h->room) return h->room;
    if (more > most) more = most;
    if (more > h->room && allocate(h->memory, sizeof(ls_shared) + more)) h->room = more;
    return h->room;
}

static void forget(ls_cl_helper *h)
{
    if (h->shared) munmap(h->shared, LS_SHARED_MOST);
    if (h->memory >= 0) close(h->memory);
    if (h->socket >= 0) close(h->socket);
    *h = (ls_cl_helper){.socket = -1, .memory = -1, .stop = h->stop};
}

/* The exit state; false if somebody else has taken it, or the process does not end: one that hangs
 * inside the kernel does not. */
static bool reap(ls_cl_helper *h, int *state)
{
    const double late = ls_message_clock() + kill_seconds;
    struct timespec moment = {.tv_nsec = 100000};
    pid_t waited;
    while ((waited = waitpid(h->child, state, WNOHANG)) == 0 || (waited < 0 && errno == EINTR)) {
        if (ls_message_clock() > late) break;
        nanosleep(&moment, NULL);
        if (moment.tv_nsec < 10000000) moment.tv_nsec *= 2;
    }
    bool reaped = waited == h->child;
    forget(h);
    return reaped;
}

void ls_cl_helper_stop(ls_cl_helper *h)
{
    int state;
    if (!h->child) return;
    if (h->owner != getpid()) {
        forget(h);
        return;
    }
    kill(h->child, SIGKILL);
    reap(h, &state);
}

/* Processor time of the helper; negative if unknown. */
static double cpu_seconds(const ls_cl_helper *h)
{
    clockid_t id;
    struct timespec t;
    if (clock_getcpuclockid(h->child, &id) != 0 || clock_gettime(id, &t) != 0) return -1;
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_stopped(const ls_cl_helper *h) { return h->stop && atomic_load(h->stop); }

/* Waits until the helper has ended; false after so many seconds, or if the caller gives up. */
static bool ends_within(const ls_cl_helper *h, double seconds)
{
    const double late = ls_message_clock() + seconds;
    char byte;
    while (!is_stopped(h) && ls_message_clock() < late)
        if (ls_message_wait(h->socket, 0.05) && recv(h->socket, &byte, 1, MSG_DONTWAIT) <= 0)
            return true;
    return false;
}

/* On a busy machine it gets more time, as long as it does something. */
void ls_cl_helper_close(ls_cl_helper *h, double seconds)
{
    enum { MORE = 5 };
    bool asked = h->child && h->owner == getpid() &&
                 ls_message_send(h->socket, LS_MESSAGE_CLOSE, NULL, 0, NULL, 0);
    double before = asked ? cpu_seconds(h) : 0;
    for (int turn = 0; asked && turn < MORE && !ends_within(h, seconds) && !is_stopped(h); turn++) {
        double now = cpu_seconds(h);
        if (now - before < 0.001) break;
        before = now;
    }
    ls_cl_helper_stop(h);
}

static bool is_answering(const ls_cl_helper *h, double seconds, ls_received *got);

/* The helper's first message shows that it is one, and of this build. */
static bool greets(ls_cl_helper *h)
{
    ls_message_kind kind;
    char *bytes = NULL;
    size_t size;
    ls_hello mine;
    ls_received got = LS_RECEIVED_LATE;
    ls_hello_fill(&mine);
    if (is_answering(h, hello_seconds, &got))
        got = ls_message_receive(h->socket, hello_seconds, &kind, &bytes, &size);
    bool fits = got == LS_RECEIVED && kind == LS_MESSAGE_HELLO && size == sizeof mine &&
                !memcmp(bytes, &mine, size);
    free(bytes);
    return fits;
}

bool ls_cl_helper_start_with(ls_cl_helper *h, const atomic_bool *stop)
{
    char path[PATH_MAX];
    int ends[2];
    *h = (ls_cl_helper){.socket = -1, .memory = -1, .stop = stop, .owner = getpid()};
    if (!find_helper(path) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    h->socket = move_up(ends[0]);
    int end = move_up(ends[1]);
    bool started = h->socket >= 0 && end >= 0 && make_memory(h) &&
                   spawn(path, end, h->memory, &h->child);
    if (end >= 0) close(end);
    if (started && greets(h)) return true;
    if (started) ls_cl_helper_stop(h);
    else forget(h);
    return false;
}

bool ls_cl_helper_start(ls_cl_helper *h) { return ls_cl_helper_start_with(h, NULL); }

/* ---- Asking ---------------------------------------------------------------------------------- */

double ls_cl_helper_limit(void)
{
    const char *text = getenv("LOCKSTEP_HELPER_SECONDS");
    double seconds;
    return text && ls_parse_double(text, &seconds) && seconds > 0 && seconds < 86400
               ? seconds
               : answer_seconds;
}

/* Waits for a message; false after so many seconds, or if the caller gives up. */
static bool wait_for(const ls_cl_helper *h, double seconds, ls_received *got)
{
    static const double slice = 0.05;
    const double late = ls_message_clock() + seconds;
    double stopped = 0;
    if (!h->stop) return ls_message_wait(h->socket, seconds);
    for (double left = seconds; left > 0; left = late - ls_message_clock()) {
        if (ls_message_wait(h->socket, left < slice ? left : slice)) return true;
        if (is_stopped(h) && stopped <= 0) stopped = ls_message_clock();
        if (stopped > 0 && ls_message_clock() - stopped > stop_seconds) {
            *got = LS_RECEIVED_STOPPED;
            return false;
        }
    }
    return false;
}

/* Waits until the helper has begun to answer, or has ended. False if it hangs: since it last showed
 * progress it has computed for half of the time, or not at all. In between, a busy machine leaves
 * it little time, and it is given more. */
static bool is_answering(const ls_cl_helper *h, double seconds, ls_received *got)
{
    enum { MORE = 10 };
    double before = cpu_seconds(h);
    unsigned seen = atomic_load(&h->shared->counts.progress);
    for (int turn = 0; turn < MORE; turn++) {
        if (wait_for(h, seconds, got)) return true;
        if (*got == LS_RECEIVED_STOPPED) return false;
        double used = cpu_seconds(h) - before;
        unsigned now = atomic_load(&h->shared->counts.progress);
        if (now != seen) {
            seen = now, before += used, turn = -1;
            continue;
        }
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

static void say(ls_helper_failure *f, const char *now, const char *past, const char *what)
{
    snprintf(f->how, sizeof f->how, "%s%s", now, what);
    snprintf(f->past, sizeof f->past, "%s%s", past, what);
}

/* What has become of a helper that did not answer. */
static void explain(ls_cl_helper *h, ls_received got, double seconds, ls_helper_failure *f)
{
    int state = 0;
    char what[100] = "";
    bool late = got == LS_RECEIVED_LATE, stopped = got == LS_RECEIVED_STOPPED;
    if (late || stopped || got == LS_RECEIVED_NONSENSE) {
        ls_cl_helper_stop(h);
        f->lasting = !stopped;
        f->crashed = got == LS_RECEIVED_NONSENSE;
        snprintf(what, sizeof what, " within %g s", seconds);
        if (late) say(f, "does not end", "hung: it did not answer", what);
        else if (stopped) say(f, "was stopped", "was stopped", "");
        else say(f, "destroys its own memory", "destroyed its own memory", "");
        return;
    }
    bool reaped = reap(h, &state), signalled = reaped && WIFSIGNALED(state),
         foreign = signalled && is_foreign(WTERMSIG(state));
    f->crashed = true;
    f->lasting = reaped && !foreign;
    if (signalled) snprintf(what, sizeof what, " (%.90s)", strsignal(WTERMSIG(state)));
    if (signalled) say(f, "crashes", foreign ? LS_HELPER_WAS_ENDED : "crashed", what);
    else if (reaped) say(f, "ends the process", "ended its process", "");
    else say(f, "ends in an unknown way", "ended in an unknown way", "");
}

void ls_cl_helper_distrust(ls_cl_helper *h, ls_helper_failure *f)
{
    explain(h, LS_RECEIVED_NONSENSE, 0, f);
}

bool ls_cl_helper_tell(ls_cl_helper *h, ls_message_kind kind, const void *bytes, size_t size,
                       ls_helper_failure *f)
{
    if (ls_message_send(h->socket, kind, bytes, size, NULL, 0)) return true;
    explain(h, LS_RECEIVED_END, 0, f);
    return false;
}

bool ls_cl_helper_hear(ls_cl_helper *h, double seconds, ls_message_kind *kind, char **bytes,
                       size_t *size, ls_helper_failure *f)
{
    ls_received got = is_stopped(h) ? LS_RECEIVED_STOPPED : LS_RECEIVED_LATE;
    if (got != LS_RECEIVED_STOPPED && is_answering(h, seconds, &got))
        got = ls_message_receive(h->socket, seconds, kind, bytes, size);
    if (got == LS_RECEIVED) return true;
    explain(h, got, seconds, f);
    return false;
}

bool ls_cl_helper_ask(ls_cl_helper *h, ls_message_kind kind, const void *a, size_t a_size,
                      const void *b, size_t b_size, void *answer, size_t answer_size,
                      ls_helper_failure *f)
{
    ls_message_kind answered;
    char *bytes = NULL;
    size_t size = 0;
    if (!ls_message_send(h->socket, kind, a, a_size, b, b_size)) {
        explain(h, LS_RECEIVED_END, 0, f);
        return false;
    }
    if (!ls_cl_helper_hear(h, ls_cl_helper_limit(), &answered, &bytes, &size, f)) return false;
    bool good = answered == kind && size == answer_size;
    if (good) memcpy(answer, bytes, size);
    else ls_cl_helper_distrust(h, f);
    free(bytes);
    return good;
}

static bool open_device(ls_cl_helper *h, size_t number, const ls_device_info *info,
                        ls_cl_copies_use copies, bool thorough, ls_open_answer *answer,
                        ls_helper_failure *f)
{
    ls_open_request request;
    memset(&request, 0, sizeof request);
    request.number = number;
    request.copies = copies;
    request.thorough = thorough;
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
    ls_cl_helper_distrust(h, f);
    return false;
}

bool ls_cl_helper_open(ls_cl_helper *h, size_t number, const ls_device_info *info,
                       ls_cl_copies_use copies, ls_open_answer *answer, ls_helper_failure *f)
{
    return open_device(h, number, info, copies, false, answer, f);
}

bool ls_cl_helper_open_thoroughly(ls_cl_helper *h, size_t number, const ls_device_info *info,
                                  ls_cl_copies_use copies, ls_open_answer *answer,
                                  ls_helper_failure *f)
{
    return open_device(h, number, info, copies, true, answer, f);
}
