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

/* An experiment that is interrupted again and again ends with the same tables. */
Test(killed, experiments_go_on)
{
    static const char *const tables[] = {"R.csv", "R-curves.csv", "W.csv", "H.csv", "H-losses.csv"};
    static const char *const words[] = {LS_PROGRAM, "experiment", "RWH",     "-o",
                                        "b",        "--seeds",    "2",       "-q",
                                        "--device", "cpu",        "--quick", NULL};
    uint32_t state = 11;
    char folder[64], right[65], hash[65], path[64];
    size_t interrupted = 0;
    runs_folder_enter(folder);
    free(runs_program_expect("experiment RWH -o a --seeds 2 -q --device cpu --quick", 0));
    for (bool ended = false; !ended;) {
        runs_child child;
        int pid = runs_start(words);
        usleep(100000 + (useconds_t)dice(&state, 200000));
        kill(pid, SIGINT);
        runs_wait(pid, &child);
        ended = child.status == 0;
        interrupted += child.status == 130;
        cr_assert(ended || child.status == 130 || child.status == 128 + SIGINT, "status %d: %s",
                  child.status, child.err);
        runs_child_free(&child);
    }
    for (size_t i = 0; i < RUNS_COUNT(tables); i++) {
        snprintf(path, sizeof path, "a/%s", tables[i]);
        if (access(path, F_OK) != 0) continue;
        runs_file_sha256(path, right);
        snprintf(path, sizeof path, "b/%s", tables[i]);
        runs_file_sha256(path, hash);
        cr_expect_str_eq(hash, right, "%s", tables[i]);
    }
    cr_expect_gt(interrupted, 0);
    cr_expect(access("b/unfinished", F_OK) != 0);
    runs_folder_leave(folder);
}

/* A training that was ended while it made its run folder goes on, and fills it. */
Test(killed, a_folder_that_was_hardly_begun)
{
    char folder[64], right[65], hash[65];
    runs_folder_enter(folder);
    free(runs_program_expect("train moons --epochs 30 --checkpoint c --every 10 --run r -o m.st -q",
                             0));
    runs_file_sha256("m.st", right);
    cr_assert_eq(
        system("rm r/* m.st c/checkpoint-*; : > r/metrics.jsonl; : > r/.lockstep-1-2-3.tmp"), 0);
    free(runs_program_expect("resume c -q", 0));
    runs_file_sha256("m.st", hash);
    cr_expect_str_eq(hash, right);
    cr_expect_eq(system("echo x >> r/metrics.jsonl; rm r/run.json"), 0);
    runs_child c = runs_program("resume c -q");
    cr_expect_eq(c.status, 2, "%s", c.err);
    runs_child_free(&c);
    runs_folder_leave(folder);
}

/* What was changed in between is not taken, and what is missing is told. */
Test(killed, resume_looks_at_what_it_goes_on_with)
{
    static const char *const damages[] = {
        "rm c/outputs.json; mkfifo c/outputs.json",
        "rm c/run.json; mkfifo c/run.json",
        "rm -r r; cp -r other r",
        "rm r/run.json",
        "rm c/*.safetensors; mkfifo c/checkpoint-000000000500.safetensors",
    };
    static const char *const losses[] = {"rm r/metrics.jsonl", "echo > l", "rm -r r",
                                         "rm r/*; : > r/metrics.jsonl"};
    const char *begin =
        "train moons --epochs 2000000 --patience 0 --batch 16 --checkpoint c --every 50 -o m.st "
        "--run r --log l -q --device cpu --threads 1";
    char folder[64], command[300];
    runs_folder_enter(folder);
    free(runs_program_expect("train circles --epochs 2 --run other -q --device cpu", 0));
    snprintf(command, sizeof command, "timeout --foreground -s INT 1 %s %s > /dev/null 2>&1",
             LS_PROGRAM, begin);
    cr_assert_eq(WEXITSTATUS(system(command)), 124);
    cr_assert_eq(system("mkdir kept && cp -r c r l m.st kept"), 0);
    for (size_t i = 0; i < RUNS_COUNT(damages) + RUNS_COUNT(losses); i++) {
        bool refused = i < RUNS_COUNT(damages);
        cr_assert_eq(system("rm -rf c r l m.st && cp -r kept/* ."), 0);
        cr_assert_eq(system(refused ? damages[i] : losses[i - RUNS_COUNT(damages)]), 0);
        snprintf(command, sizeof command,
                 "timeout --foreground -k 60 -s INT 3 %s resume c -q > out 2> err", LS_PROGRAM);
        int status = WEXITSTATUS(system(command));
        char *err = runs_file_read("err", NULL);
        if (refused) cr_expect(status == 1 || status == 2, "%zu: status %d: %s", i, status, err);
        else cr_expect(strstr(err, "lacks epochs"), "%zu: status %d: %s", i, status, err);
        free(err);
    }
    char *other = runs_file_read("other/run.json", NULL);
    cr_expect(strstr(other, "circles"));
    free(other);
    runs_folder_leave(folder);
}
