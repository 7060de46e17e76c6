/* SPDX-License-Identifier: MIT */
/* kill -9 at any moment: a training with checkpoints, and a search with a state file, end after it
 * with the files of an undisturbed one. LOCKSTEP_LONG=1 in the environment: 200 moments each. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/runs.h"

TestSuite(killed, .timeout = 1500);

static size_t moments(void) { return getenv("LOCKSTEP_LONG") ? 200 : 12; }

static uint32_t dice(uint32_t *state, uint32_t sides)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % sides;
}

/* Runs the program, kills it after so many microseconds, and returns whether it had ended by
 * itself. */
static bool killed_after(const char *const *arguments, unsigned microseconds)
{
    runs_child child;
    int pid = runs_start(arguments);
    for (unsigned waited = 0; waited < microseconds; waited += 1000) {
        siginfo_t ended = {0};
        usleep(microseconds - waited < 1000 ? microseconds - waited : 1000);
        if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid)
            break;
    }
    kill(pid, SIGKILL);
    runs_wait(pid, &child);
    bool ended = child.status == 0;
    cr_assert(ended || child.status == 128 + SIGKILL, "status %d: %s", child.status, child.err);
    runs_child_free(&child);
    return ended;
}

static const char *const training[] = {
    LS_PROGRAM,     "train",        "moons",      "--epochs", "400",
    "--validation", "0.2",          "--patience", "300",      "--batch",
    "16",           "--checkpoint", "c",          "--every",  "7",
    "-o",           "m.st",         "--run",      "r",        "-q",
    "--device",     "cpu",          "--threads",  "1",        NULL};
static const char *const resumption[] = {LS_PROGRAM, "resume",    "c", "-q", "--device",
                                         "cpu",      "--threads", "1", NULL};

Test(killed, trainings_go_on)
{
    uint32_t state = 7;
    char folder[64], right[65], hash[65];
    runs_folder_enter(folder);
    free(runs_program_expect("train moons --epochs 400 --validation 0.2 --patience 300 --batch 16 "
                             "-o right.st --run right -q",
                             0));
    runs_file_sha256("right.st", right);
    size_t killed = 0;
    for (size_t i = 0; i < moments(); i++) {
        bool ended = killed_after(training, dice(&state, 120000));
        killed += !ended;
        /* a training that was killed before it has begun has left nothing to resume */
        for (size_t turn = 0; !ended && access("c/outputs.json", F_OK) == 0; turn++) {
            ended = killed_after(resumption, turn < 3 ? dice(&state, 120000) : 20000000);
            killed += !ended;
        }
        if (ended) {
            runs_file_sha256("m.st", hash);
            cr_assert_str_eq(hash, right, "moment %zu", i);
            free(runs_program_expect("verify right r --no-report", 0));
        }
        cr_assert(system("rm -rf c r m.st") == 0);
    }
    cr_expect_gt(killed, 0);
    runs_folder_leave(folder);
}

static const char *const searching[] = {
    LS_PROGRAM, "search", "moons",    "--hidden", "4|8|4,4",   "--lr",  "1e-3..1:log",
    "--trials", "60",     "--epochs", "40",       "--report",  "t.csv", "-o",
    "m.st",     "-q",     "--device", "cpu",      "--threads", "1",     NULL};

Test(killed, searches_go_on)
{
    uint32_t state = 9;
    char folder[64], right[2][65], hash[65];
    runs_child child;
    runs_folder_enter(folder);
    runs_spawn(searching, &child);
    cr_assert_eq(child.status, 0, "%s", child.err);
    runs_child_free(&child);
    runs_file_sha256("m.st", right[0]);
    runs_file_sha256("t.csv", right[1]);
    size_t killed = 0;
    for (size_t i = 0; i < moments(); i++) {
        bool ended = false;
        cr_assert(system("rm -f t.csv* m.st") == 0);
        for (size_t turn = 0; !ended; turn++) {
            ended = killed_after(searching, turn < 4 ? dice(&state, 400000) : 60000000);
            killed += !ended;
        }
        runs_file_sha256("m.st", hash);
        cr_assert_str_eq(hash, right[0], "moment %zu", i);
    }
    cr_expect_gt(killed, 0);
    runs_folder_leave(folder);
}
