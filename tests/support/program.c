/* SPDX-License-Identifier: MIT */
#ifdef LS_PROGRAM
#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/support/program.h"

const char program_mixed_csv[] =
    "age,town,class\n20,Ulm,yes\n?,Bonn,no\n40,Ulm,yes\n60,,no\n30,Bonn,no\n35,Ulm,yes\n50,Ulm,no\n41,Bonn,yes\n";

const char *const program_compared[4] = {"run.json", "metrics.jsonl", "model.safetensors",
                                         "report.html"};

/* ---- Command lines --------------------------------------------------------------------------- */

void program_do(const char *line) { free(runs_program_expect(line, 0)); }

void program_train(const char *line, char hex[65])
{
    char loud[1024];
    cr_assert_lt(strlen(line), sizeof loud);
    strcpy(loud, line);
    for (char *at; (at = strstr(loud, " -q")) && (!at[3] || at[3] == ' ');)
        memmove(at, at + 3, strlen(at + 3) + 1); /* -q prints no hash */
    char *out = runs_program_expect(loud, 0);
    const char *last = program_last_line(out);
    cr_assert(strlen(last) >= 64, "lockstep %s ends with \"%s\"", line, last);
    snprintf(hex, 65, "%s", last);
    free(out);
}

void program_expect_words(const char *line, const char *text, const char *words)
{
    char copy[512];
    cr_assert_lt(strlen(words), sizeof copy);
    strcpy(copy, words);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        cr_expect(strstr(text, word), "lockstep %s does not print '%s': %s", line, word, text);
}

void program_check_mistakes(const program_mistake *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *line = list[i].line;
        runs_child c = runs_program(line);
        cr_expect_eq(c.status, list[i].status, "lockstep %s: exit status %d, not %d: %s", line,
                     c.status, list[i].status, c.err);
        cr_expect(!*c.out, "lockstep %s prints to stdout: %s", line, c.out);
        cr_expect_eq(program_count_lines(c.err), 1, "lockstep %s does not print one line: %s", line,
                     c.err);
        cr_expect(!strncmp(c.err, "lockstep", 8), "lockstep %s: %s", line, c.err);
        program_expect_words(line, c.err, list[i].words);
        runs_child_free(&c);
    }
}

/* ---- Texts and files ------------------------------------------------------------------------- */

size_t program_count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += *text == '\n';
    return n;
}

const char *program_last_line(char *text)
{
    size_t n = strlen(text);
    cr_assert(n && text[n - 1] == '\n', "the output does not end with a newline: \"%s\"", text);
    text[n - 1] = 0;
    char *start = strrchr(text, '\n');
    return start ? start + 1 : text;
}

json_t *program_parse(const char *text, const char *name)
{
    json_error_t where;
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    cr_assert(o && json_is_object(o), "%s is not one JSON object: %s\n%.300s", name, where.text,
              text);
    return o;
}

json_t *program_read_json(const char *path)
{
    char *text = runs_file_read(path, NULL);
    cr_assert_not_null(text, "%s does not exist", path);
    json_t *o = program_parse(text, path);
    free(text);
    return o;
}

void program_assert_same_run(const char *a, const char *b)
{
    char path[2][256];
    for (size_t i = 0; i < RUNS_COUNT(program_compared); i++) {
        size_t size[2];
        char *bytes[2];
        const char *at[2] = {a, b};
        for (int k = 0; k < 2; k++) {
            snprintf(path[k], sizeof path[k], "%s/%s", at[k], program_compared[i]);
            bytes[k] = runs_file_read(path[k], &size[k]);
            cr_assert_not_null(bytes[k], "%s does not exist", path[k]);
        }
        cr_expect(size[0] == size[1] && !memcmp(bytes[0], bytes[1], size[0]), "%s and %s differ",
                  path[0], path[1]);
        free(bytes[0]);
        free(bytes[1]);
    }
}

/* ---- Waits ----------------------------------------------------------------------------------- */

int program_start(const char *line)
{
    enum { MOST = 64 };
    char copy[512], *rest = copy;
    const char *words[MOST] = {LS_PROGRAM};
    size_t n = 1;
    cr_assert_lt(strlen(line), sizeof copy);
    strcpy(copy, line);
    for (char *word; (word = strtok_r(rest, " ", &rest));) {
        cr_assert_lt(n, MOST - 1);
        words[n++] = word;
    }
    return runs_start(words);
}

/* A process that has ended stays a zombie here, so that runs_wait finds it. */
bool program_is_running(int pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != pid;
}

/* Between two looks at what is waited for. */
static void rest(void) { nanosleep(&(struct timespec){0, 1000000}, NULL); }

static bool handles(int pid, int signal)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    char *text = runs_file_read(path, NULL), *caught = text ? strstr(text, "SigCgt:") : NULL;
    unsigned long long mask = caught ? strtoull(caught + 7, NULL, 16) : 0;
    free(text);
    return mask >> (signal - 1) & 1;
}

bool program_wait_for_handler(int pid, int signal)
{
    for (; program_is_running(pid); rest())
        if (handles(pid, signal)) return true;
    return false;
}

bool program_wait_for_file(int pid, const char *path, size_t size)
{
    struct stat about;
    for (; program_is_running(pid); rest())
        if (stat(path, &about) == 0 && (size_t)about.st_size >= size) return true;
    return false;
}

program_version program_file_version(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0) return (program_version){0};
    return (program_version){about.st_ino, about.st_mtim.tv_sec, about.st_mtim.tv_nsec};
}

bool program_wait_for_change(int pid, const char *path, program_version before)
{
    for (; program_is_running(pid); rest()) {
        program_version now = program_file_version(path);
        if (now.inode != before.inode || now.seconds != before.seconds ||
            now.nanoseconds != before.nanoseconds)
            return true;
    }
    return false;
}
#endif
