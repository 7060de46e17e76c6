/* SPDX-License-Identifier: MIT */
/* Readers that go away, descriptors that are closed, and signals: none costs a result. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/program.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(streams, .init = enter, .fini = leave, .timeout = 300);

/* Runs a line of the shell, in which $LS is the program. */
static runs_child shell(const char *line)
{
    char text[1200];
    runs_child c;
    cr_assert_lt((size_t)snprintf(text, sizeof text, "LS='%s'; %s", LS_PROGRAM, line), sizeof text);
    runs_spawn((const char *const[]){"/bin/sh", "-c", text, NULL}, &c);
    return c;
}

/* ---- Readers --------------------------------------------------------------------------------- */

/* The reader of progress is gone before the training begins; its status goes to a file, since a
 * shell gives that of the reader. */
Test(streams, a_training_outlives_the_reader_of_its_progress)
{
    static const char *const lines[] = {
        "train moons --epochs 40 --device cpu -o m.st",
        "train moons --epochs 40 --device cpu -o m.st --run run",
        "search moons --trials 2 --epochs 3 --device cpu -o m.st",
    };
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        char line[400];
        snprintf(
            line, sizeof line,
            "rm -rf run; mkfifo pipe; (exec 3<pipe; exec 3<&-; : > gone) & { while [ ! -e gone ]; "
            "do :; done; $LS %s >out; echo $? >status; } 2>pipe; wait; rm pipe gone",
            lines[i]);
        runs_child c = shell(line);
        char *status = runs_file_read("status", NULL);
        cr_expect(status && !strcmp(status, "0\n"), "lockstep %s: %s %s", lines[i], status, c.err);
        free(status);
        runs_child_free(&c);
        program_do("show m.st");
        cr_assert_eq(unlink("m.st"), 0);
    }
}

/* The reader of the results is told to be gone, and the model is kept. */
Test(streams, a_training_outlives_the_reader_of_its_results)
{
    runs_child c =
        shell("{ $LS train moons --epochs 20 --device cpu -q -o m.st; echo $? >status; } | "
              "exec true; while [ ! -s status ]; do :; done");
    char *status = runs_file_read("status", NULL);
    cr_expect(status && (!strcmp(status, "1\n") || !strcmp(status, "0\n")), "%s", status);
    free(status);
    runs_child_free(&c);
    program_do("show m.st");
}

/* ---- Closed descriptors ---------------------------------------------------------------------- */

Test(streams, closed_descriptors_take_no_file)
{
    static const struct {
        const char *line;
        int status;
    } list[] = {
        {"$LS train moons --epochs 40 --device cpu -o m.st --run run --log log 2>&-", 0},
        {"$LS train moons --epochs 40 --device cpu -o m.st --run run --log log <&- 2>&-", 0},
        {"$LS train moons --epochs 40 --device cpu -o m.st --run run --log log <&- >&- 2>&-", 1},
    };
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        size_t lines = 0;
        char command[300];
        snprintf(command, sizeof command, "rm -rf run; %s", list[i].line);
        runs_child c = shell(command);
        cr_expect_eq(c.status, list[i].status, "%s: %d %s", list[i].line, c.status, c.err);
        runs_child_free(&c);
        char *text = runs_file_read("run/metrics.jsonl", NULL);
        cr_assert_not_null(text);
        for (char *line = text; *line; line = strchr(line, '\n') + 1, lines++)
            cr_assert(!strncmp(line, "{\"epoch\":", 9), "%s: %s", list[i].line, line);
        cr_expect_eq(lines, 40);
        free(text);
        program_do("verify run m.st");
        program_do("verify run --device cpu -q");
    }
    runs_child c = shell("$LS predict m.st - --device cpu <&-");
    cr_expect_eq(c.status, 1, "%d %s", c.status, c.err);
    runs_child_free(&c);
    c = shell("$LS make moons >&-"); /* rows that go nowhere are a failure, not lost in silence */
    cr_expect(c.status == 1 && strstr(c.err, "standard output"), "%d %s", c.status, c.err);
    runs_child_free(&c);
}

/* ---- Signals --------------------------------------------------------------------------------- */

#define ENDLESS                                                                                    \
    "train moons --hidden 20 --epochs 1000000000 --patience 0 --device cpu -q -o m.st --log log --run run"

/* Starts it with `ignored` (0: none) ignored, sends the signals, and waits. */
static runs_child signalled(const char *line, int ignored, const int *list)
{
    runs_child c;
    void (*before)(int) = ignored ? signal(ignored, SIG_IGN) : SIG_DFL;
    int pid = program_start(line);
    if (ignored) signal(ignored, before);
    program_wait_for_file(pid, "log", 1);
    for (size_t before_log, size; *list; list++) {
        cr_assert_eq(kill(pid, *list), 0);
        if (!list[1]) break;
        /* it goes on: the log grows by more than what was being written */
        struct stat about;
        cr_assert_eq(stat("log", &about), 0);
        before_log = (size_t)about.st_size, size = before_log + 4096;
        cr_expect(program_wait_for_file(pid, "log", size), "signal %d ended it", *list);
    }
    runs_wait(pid, &c);
    return c;
}

static void remove_all(void)
{
    runs_child c = shell("rm -rf run m.st log");
    runs_child_free(&c);
}

Test(streams, each_signal_ends_a_training_cleanly)
{
    static const int list[][2] = {{SIGINT, 0}, {SIGTERM, 0}, {SIGHUP, 0}};
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        runs_child c = signalled(ENDLESS, 0, list[i]);
        cr_expect(c.status == 130 && strstr(c.err, "the model so far is in m.st"),
                  "signal %d: %d %s", list[i][0], c.status, c.err);
        runs_child_free(&c);
        program_do("verify run m.st");
        json_t *run = program_read_json("run/run.json");
        cr_expect_str_eq(json_string_value(json_object_get(json_object_get(run, "result"),
                                                           "stopped")),
                         "interrupted");
        json_decref(run);
        remove_all();
    }
}

/* nohup, or trap '' in a shell. */
Test(streams, ignored_signals_stay_ignored)
{
    static const int list[][3] = {{SIGHUP, SIGTERM, 0}, {SIGINT, SIGTERM, 0}, {SIGTERM, SIGINT, 0}};
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        runs_child c = signalled(ENDLESS, list[i][0], list[i]);
        cr_expect(c.status == 130 && strstr(c.err, "the model so far"), "signal %d: %d %s",
                  list[i][0], c.status, c.err);
        runs_child_free(&c);
        program_do("show m.st");
        remove_all();
    }
}

/* Waits until a pipe takes no more: no byte comes for a while. */
static void wait_until_full(int pid, int pipe)
{
    for (int held = -1, now = 0, same = 0; program_is_running(pid) && same < 100; usleep(1000)) {
        cr_assert_eq(ioctl(pipe, FIONREAD, &now), 0);
        same = now == held && now > 32768 ? same + 1 : 0;
        held = now;
    }
}

/* A training that cannot end: its log is a pipe that nobody reads. Only the second signal ends it,
 * whichever it is. (Where it was not yet waiting for the pipe, the first one did: once more.) */
Test(streams, a_second_signal_ends_the_program)
{
    static const int pairs[][2] = {{SIGINT, SIGINT}, {SIGINT, SIGTERM}, {SIGHUP, SIGINT}};
    for (size_t i = 0, tries = 0; i < RUNS_COUNT(pairs) && tries < 60; tries++) {
        runs_child c;
        unlink("log");
        cr_assert_eq(mkfifo("log", 0600), 0);
        int pid = program_start(
            "train moons --hidden 2 --epochs 1000000000 --patience 0 --device cpu -q -o m.st --log log");
        int reader = open("log", O_RDONLY);
        cr_assert_geq(reader, 0);
        wait_until_full(pid, reader);
        cr_assert_eq(kill(pid, pairs[i][0]), 0);
        while (program_is_running(pid)) { /* not at once, since two of a kind are one */
            usleep(20000);
            kill(pid, pairs[i][1]);
        }
        runs_wait(pid, &c);
        close(reader);
        cr_expect(c.status == 128 + pairs[i][1] || c.status == 130, "%d %s", c.status, c.err);
        i += c.status == 128 + pairs[i][1];
        cr_assert(tries < 59 || i == RUNS_COUNT(pairs));
        runs_child_free(&c);
    }
}

/* ---- gnuplot --------------------------------------------------------------------------------- */

/* A gnuplot that is slow, during which a signal goes to the whole group of the program, as Ctrl-C
 * does. */
Test(streams, a_signal_does_not_cost_a_page)
{
    static const char slow[] = "#!/bin/sh\n: > started\nsleep 0.2\nexec /usr/bin/gnuplot \"$@\"\n",
                      line[] = "PATH=$PWD:$PATH; exec setsid '" LS_PROGRAM
                               "' train moons --epochs 3 --device cpu -q -o m.st --report r.html";
    if (access("/usr/bin/gnuplot", X_OK) != 0) cr_skip_test("gnuplot is not installed");
    runs_file_write("gnuplot", slow, sizeof slow - 1);
    cr_assert_eq(chmod("gnuplot", 0700), 0);
    int pid = runs_start((const char *const[]){"/bin/sh", "-c", line, NULL});
    program_wait_for_file(pid, "started", 0);
    cr_assert_eq(kill(-pid, SIGTERM), 0);
    runs_child c;
    runs_wait(pid, &c);
    cr_expect_eq(c.status, 130, "%d %s", c.status, c.err);
    cr_expect(access("m.st", F_OK) == 0, "%s", c.err);
    char *page = runs_file_read("r.html", NULL);
    cr_expect(page && strstr(page, "<svg"), "no plot: %s", c.err);
    free(page);
    runs_child_free(&c);
}

/* The cause is told, and TMPDIR is where temporary files go. */
Test(streams, a_temporary_folder_that_is_full_is_told)
{
    program_do("train moons --epochs 3 --device cpu -q -o m.st");
    runs_child c = shell("TMPDIR=/nonexistent $LS plot loss m.st -o p.svg");
    cr_expect(c.status == 1 && strstr(c.err, "/nonexistent") && strstr(c.err, "No such file") &&
                  strstr(c.err, "TMPDIR") && !strstr(c.err, "not installed"),
              "%d %s", c.status, c.err);
    runs_child_free(&c);
    c = shell("TMPDIR=/nonexistent $LS report m.st -o r.html");
    cr_expect(c.status == 1 && strstr(c.err, "r.html") && strstr(c.err, "/nonexistent"), "%d %s",
              c.status, c.err);
    runs_child_free(&c);
    c = shell("PATH=/nonexistent $LS plot loss m.st -o p.svg");
    cr_expect(c.status == 1 && strstr(c.err, "not installed"), "%d %s", c.status, c.err);
    runs_child_free(&c);
    cr_expect(access("p.svg", F_OK) != 0 && access("r.html", F_OK) != 0);
}

#else
Test(streams, skipped) { cr_skip_test("the program was not built"); }
#endif
