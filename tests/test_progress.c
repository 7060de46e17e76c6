/* SPDX-License-Identifier: MIT */
/* Progress on terminals of every width and kind: no line wraps, and a dumb terminal gets plain
 * text. The terminal is a pseudo terminal that changes nothing of what it is given. */
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE /* cfmakeraw */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "host/base/visible.h"
#include "host/cli/base/progress.h"
#include "tests/support/runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(progress, .init = enter, .fini = leave, .timeout = 300);

/* ---- A terminal ------------------------------------------------------------------------------ */

typedef struct {
    int master, side; /* side: the end that programs have */
} terminal;

static void set_width(int of, int columns)
{
    struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = 24};
    cr_assert_eq(ioctl(of, TIOCSWINSZ, &size), 0);
}

static terminal open_terminal(int columns)
{
    terminal t = {.master = posix_openpt(O_RDWR | O_NOCTTY)};
    struct termios how;
    cr_assert(t.master >= 0 && !grantpt(t.master) && !unlockpt(t.master));
    t.side = open(ptsname(t.master), O_RDWR | O_NOCTTY);
    cr_assert(t.side >= 0 && !tcgetattr(t.side, &how));
    cfmakeraw(&how);
    cr_assert_eq(tcsetattr(t.side, TCSANOW, &how), 0);
    set_width(t.master, columns);
    return t;
}

/* What a child does with the terminal as its standard error. */
typedef void (*child_work)(const void *user);

static void set_or_unset(const char *name, const char *value)
{
    if (value) setenv(name, value, 1);
    else unsetenv(name);
}

/* The kind of a terminal: NULL for a variable that is unset. */
typedef struct {
    const char *term, *no_color, *columns;
} kind;

static const kind usual = {.term = "xterm"};

/* All that the child writes to a terminal of that many columns; freed by the caller. */
static char *written(int columns, kind how, child_work work, const void *user)
{
    terminal t = open_terminal(columns);
    pid_t child = fork();
    cr_assert(child >= 0);
    if (!child) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(t.side, STDERR_FILENO);
        dup2(nowhere, STDOUT_FILENO);
        close(t.side);
        close(t.master);
        set_or_unset("TERM", how.term);
        set_or_unset("NO_COLOR", how.no_color);
        set_or_unset("COLUMNS", how.columns);
        work(user);
        _exit(0);
    }
    close(t.side); /* so that reading ends with the child */
    size_t n = 0, room = 1 << 20;
    char *text = malloc(room);
    ssize_t got;
    int status;
    cr_assert(text);
    while (n + 1 < room && (got = read(t.master, text + n, room - 1 - n)) > 0) n += (size_t)got;
    text[n] = '\0';
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", text);
    close(t.master);
    return text;
}

/* ---- What is on its screen ------------------------------------------------------------------- */

/* The longest line in characters that is drawn between returns and newlines, without escape
 * sequences and without blanks at its end. Lines that are no progress do not count. */
static size_t longest(const char *text)
{
    size_t most = 0;
    while (*text) {
        char line[4096];
        size_t n = 0;
        for (; *text && *text != '\r' && *text != '\n' && n + 1 < sizeof line; text++)
            if (*text == '\033') text += strcspn(text, "AJK");
            else line[n++] = *text;
        if (*text) text++;
        line[n] = '\0';
        size_t width = ls_visible_width(line);
        if (width > most && strncmp(line, "note: ", 6) != 0) most = width;
    }
    return most;
}

/* ---- The functions --------------------------------------------------------------------------- */

static void draw_long_lines(const void *user)
{
    (void)user;
    for (int i = 0; i < 3; i++)
        progress_line("%d of a line that is a good deal longer than any of the terminals that there"
                      " are in this test, and then some more of it, which is as long again",
                      i);
    progress_clear();
    progress_part part[3] = {{"first", 0}, {", second which is long", 2}, {", third", 1}};
    progress_parts(part, 3);
    progress_clear();
    if (progress_boards())
        progress_board(
            "one line that is longer than twenty columns\n"
            "and another which is still longer, and that by far: it goes on and on and on\n");
    progress_end();
}

Test(progress, no_line_is_as_wide_as_the_terminal)
{
    for (int width = 2; width <= 120; width++) {
        char *text = written(width, usual, draw_long_lines, NULL);
        cr_expect_eq(longest(text), (size_t)width - 1, "%d columns: %zu: %s", width, longest(text),
                     text);
        free(text);
    }
}

Test(progress, without_a_known_width_columns_counts_and_then_80)
{
    char *text = written(0, (kind){.term = "xterm", .columns = "37"}, draw_long_lines, NULL);
    cr_expect_eq(longest(text), 36);
    free(text);
    text = written(0, usual, draw_long_lines, NULL);
    cr_expect_eq(longest(text), 79);
    free(text);
    text = written(50, (kind){.term = "xterm", .columns = "37"}, draw_long_lines, NULL);
    cr_expect_eq(longest(text), 49); /* the terminal knows better */
    free(text);
}

static void draw_parts(const void *user)
{
    (void)user;
    progress_part part[3] = {{"first", 0}, {", second", 2}, {", third", 1}};
    progress_parts(part, 3);
}

Test(progress, parts_are_left_out_whole)
{
    const struct {
        int width;
        const char *expected;
    } cases[] = {{80, "\rfirst, second, third"},
                 {21, "\rfirst, second, third"},
                 {20, "\rfirst, third"},
                 {13, "\rfirst, third"},
                 {12, "\rfirst"},
                 {5, "\rfirs"}};
    for (size_t i = 0; i < RUNS_COUNT(cases); i++) {
        char *text = written(cases[i].width, usual, draw_parts, NULL);
        cr_expect_str_eq(text, cases[i].expected, "%d columns", cases[i].width);
        free(text);
    }
}

static void draw_wide(const void *user)
{
    (void)user;
    progress_line("数据数据数据数据");
}

Test(progress, characters_of_two_columns_count_twice)
{
    char *text = written(8, usual, draw_wide, NULL);
    cr_expect_str_eq(text, "\r数据数");
    free(text);
}

static void resize(const void *user)
{
    (void)user;
    progress_line("0123456789012345678901234567890123456789");
    set_width(STDERR_FILENO, 20);
    progress_line("abcdefghijabcdefghijabcdefghijabcdefghij");
    set_width(STDERR_FILENO, 30);
    progress_line("ABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJ");
}

Test(progress, a_new_width_is_used_at_once)
{
    char *text = written(100, usual, resize, NULL);
    cr_expect_str_eq(text, "\r0123456789012345678901234567890123456789"
                           "\rabcdefghijabcdefghi"
                           "\rABCDEFGHIJABCDEFGHIJABCDEFGHI");
    free(text);
}

Test(progress, a_dumb_terminal_gets_plain_lines)
{
    const kind plain[] = {{.term = "dumb"}, {.term = NULL}, {.term = ""}};
    for (size_t i = 0; i < RUNS_COUNT(plain); i++) {
        char *text = written(40, plain[i], draw_long_lines, NULL);
        cr_expect(!strchr(text, '\033') && !strchr(text, '\r'), "%s", text);
        cr_expect_eq(longest(text), 39);
        cr_expect(strstr(text, "\n1 of a line"), "%s", text);
        free(text);
    }
}

/* Colours there are none; the variable also keeps escape sequences away. */
Test(progress, no_color_has_no_escape_sequence)
{
    char *text = written(40, (kind){.term = "xterm", .no_color = "1"}, draw_long_lines, NULL);
    cr_expect(!strchr(text, '\033') && strchr(text, '\r'), "%s", text);
    free(text);
    text = written(40, (kind){.term = "xterm", .no_color = ""}, draw_long_lines, NULL);
    cr_expect(strchr(text, '\033'), "%s", text);
    free(text);
}

/* ---- The commands ---------------------------------------------------------------------------- */

static void run_program(const void *user)
{
    char line[1024], *word[64] = {(char *)LS_PROGRAM};
    size_t n = 1;
    snprintf(line, sizeof line, "%s", (const char *)user);
    for (char *w = strtok(line, " "); w && n < 63; w = strtok(NULL, " ")) word[n++] = w;
    execv(LS_PROGRAM, word);
    _exit(127);
}

/* More than 32 MiB, from which on reading is reported. */
static void make_large_file(void)
{
    FILE *file = fopen("a-file-with-a-name-that-is-not-short-at-all.csv", "w");
    cr_assert(file);
    fputs("x,text,y\n", file);
    for (int i = 0; i < 70000; i++)
        fprintf(file, "%d,%0500d,%s\n", i % 97, i, i % 3 ? "yes" : "no");
    cr_assert_eq(fclose(file), 0);
}

static const char *const commands[] = {
    "train moons --rows 60 --epochs 100000 --patience 0 --time-limit 0.4 --validation 0.3 --hidden 4 "
    "--device cpu",
    "train moons --rows 60 --epochs 30 --validation 0.3 --hidden 4 --device cpu -o m.safetensors",
    "search moons --rows 60 --trials 6 --epochs 20 --device cpu -o s.safetensors",
    "auto moons --rows 80 --trials 4 --device cpu -o a.safetensors",
    "describe a-file-with-a-name-that-is-not-short-at-all.csv --drop text",
    "predict m.safetensors moons --rows 300000 -o out.csv --device cpu",
    "experiment X --quick --device cpu -o results",
};

Test(progress, no_command_draws_a_line_that_wraps)
{
    static const int widths[] = {20, 33, 80, 200};
    make_large_file();
    for (size_t w = 0; w < RUNS_COUNT(widths); w++)
        for (size_t i = 0; i < RUNS_COUNT(commands); i++) {
            char *text = written(widths[w], usual, run_program, commands[i]);
            cr_expect_lt(longest(text), (size_t)widths[w], "%d columns: lockstep %s: %s", widths[w],
                         commands[i], text);
            if (strncmp(commands[i], "predict", 7) != 0) /* others draw however fast they are */
                cr_expect(strchr(text, '\r'), "lockstep %s draws nothing", commands[i]);
            free(text);
        }
}

Test(progress, commands_on_a_dumb_terminal_are_plain)
{
    make_large_file();
    for (size_t i = 0; i < RUNS_COUNT(commands); i++) {
        char *text = written(80, (kind){.term = "dumb"}, run_program, commands[i]);
        cr_expect(!strchr(text, '\033') && !strchr(text, '\r'), "lockstep %s: %s", commands[i],
                  text);
        free(text);
    }
}

/* ---- One way --------------------------------------------------------------------------------- */

/* No other file draws, or asks whether standard error is a terminal. */
static void check_folder(const char *path, size_t *files)
{
    DIR *list = opendir(path);
    cr_assert(list, "%s", path);
    for (struct dirent *e; (e = readdir(list));) {
        char inner[1024];
        size_t n = strlen(e->d_name);
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        if (e->d_name[0] == '.') continue;
        if (!strchr(e->d_name, '.')) check_folder(inner, files);
        if (n < 2 || strcmp(e->d_name + n - 2, ".c") != 0 || !strcmp(e->d_name, "progress.c"))
            continue;
        char *text = runs_file_read(inner, NULL);
        cr_assert(text, "%s", inner);
        cr_expect(!strstr(text, "\\033") && !strstr(text, "\\x1b") && !strstr(text, "\"\\r\"") &&
                      !strstr(text, "isatty(STDERR_FILENO)"),
                  "%s draws on the terminal without host/cli/base/progress.h", inner);
        (*files)++;
        free(text);
    }
    closedir(list);
}

Test(progress, is_drawn_in_one_place)
{
    size_t files = 0;
    check_folder(LS_SOURCE_DIR "/host/cli", &files);
    cr_expect_gt(files, 40);
}

#else
Test(progress, skipped) { cr_skip_test("the program was not built"); }
#endif
