/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_probe.h"
#include "host/opencl/cl_find.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_MS = 30000 };

/* The child: makes the calls that the parent will make, with its output discarded, and then writes
 * "k" to the pipe. */
static void probe_child(int to_parent)
{
    ls_cl_api cl;
    ls_cl_found *found;
    size_t count;
    char note[256];
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
    }
    signal(SIGABRT, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    if (ls_cl_api_open(&cl, NULL) == LS_OK) ls_cl_find(&cl, &found, &count, note, NULL);
    ssize_t written = write(to_parent, "k", 1);
    _exit(written == 1 ? 0 : 1);
}

/* Waits for the child's byte. */
static bool survived(int from_child, pid_t child, char note[256])
{
    char byte = 0;
    int state = 0;
    struct pollfd wait_for = {.fd = from_child, .events = POLLIN};
    int ready;
    time_t start = time(NULL);
    /* poll is called again after signals of the program */
    while ((ready = poll(&wait_for, 1, TIMEOUT_MS)) < 0 && errno == EINTR &&
           time(NULL) - start < TIMEOUT_MS / 1000)
        continue;
    bool answered = ready > 0;
    ssize_t got = -1;
    while (answered && (got = read(from_child, &byte, 1)) < 0 && errno == EINTR) continue;
    bool alive = got == 1 && byte == 'k';
    if (!answered) kill(child, SIGKILL);
    pid_t waited;
    while ((waited = waitpid(child, &state, 0)) < 0 && errno == EINTR) continue;
    bool reaped = waited == child;
    if (alive) return true;
    if (!answered) snprintf(note, 256, "an OpenCL driver hangs when it is asked for its devices");
    else if (reaped && WIFSIGNALED(state))
        snprintf(note, 256,
                 "an OpenCL driver crashes when it is asked for its devices (%s); "
                 "clinfo should crash, too",
                 strsignal(WTERMSIG(state)));
    else snprintf(note, 256, "an OpenCL driver ends the program when it is asked for its devices");
    return false;
}

/* Whether there are other threads than the caller and those known to be idle. The child of such a
 * process could wait forever for a lock that one of them held, so the drivers are not probed. */
static bool has_threads(unsigned idle)
{
    DIR *tasks = opendir("/proc/self/task");
    unsigned count = 0;
    if (!tasks) return false;
    for (struct dirent *entry; (entry = readdir(tasks));) count += entry->d_name[0] != '.';
    closedir(tasks);
    return count > 1 + idle;
}

/* Drivers that have answered once are not probed again by this process. */
static atomic_bool known_good;

void ls_cl_probe_begin(ls_cl_probing *p, unsigned idle)
{
    int ends[2];
    *p = (ls_cl_probing){.from_child = -1};
    if (atomic_load(&known_good) || has_threads(idle) || pipe2(ends, O_CLOEXEC) != 0) return;
    p->child = fork();
    if (p->child == 0) probe_child(ends[1]);
    close(ends[1]);
    p->from_child = ends[0];
}

bool ls_cl_probe_end(ls_cl_probing *p, char note[256])
{
    if (p->from_child < 0) return true;
    bool good = p->child < 0 || survived(p->from_child, p->child, note);
    close(p->from_child);
    p->from_child = -1;
    if (good) atomic_store(&known_good, true);
    return good;
}
