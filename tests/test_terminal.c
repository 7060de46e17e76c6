/* SPDX-License-Identifier: MIT */
/* What a terminal is given: no control character of a name from a file or of a path. */
#include <criterion/criterion.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/visible.h"
#include "host/data/value.h"
#include "tests/support/runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(terminal, .init = enter, .fini = leave, .timeout = 300);

/* ---- The writer ------------------------------------------------------------------------------ */

static void expect_shown(const char *text, const char *expected)
{
    char buffer[200];
    ls_text out = {0};
    ls_text_show(&out, "%s", text);
    cr_expect_str_eq(out.text, expected, "'%s', not '%s'", out.text, expected);
    cr_expect(ls_visible_copy(buffer, sizeof buffer, text));
    cr_expect_str_eq(buffer, expected);
    free(out.text);
}

Test(terminal, control_characters_become_question_marks)
{
    expect_shown("plain, ü, €, 𝛑 and 中", "plain, ü, €, 𝛑 and 中");
    expect_shown("a\x1b[31mred\r\n\tb\x07\x7f", "a?[31mred???b??");
    expect_shown("\xc2\x80 \xc2\x9b \xc2\x9f \xc2\xa0",
                 "? ? ? \xc2\xa0"); /* C1, and a no-break space */
    expect_shown("\xe2\x80\xae \xe2\x80\xa8 \xe2\x81\xa6 \xe2\x80\xa2", "? ? ? \xe2\x80\xa2");
    expect_shown("\xff \xc3 \xe2\x82 \xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80",
                 "? ? ?? ?? ??? ????"); /* not UTF-8 */
    expect_shown("", "");
    for (int c = 1; c < 256; c++) { /* each byte alone */
        const char text[2] = {(char)c, '\0'};
        expect_shown(text, c >= ' ' && c < 0x7f ? text : "?");
    }
}

static void expect_format(const char *expected, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void expect_format(const char *expected, const char *format, ...)
{
    ls_text out = {0};
    va_list list;
    va_start(list, format);
    ls_text_vshow(&out, format, list);
    va_end(list);
    cr_expect(!out.failed);
    cr_expect_str_eq(out.text, expected, "\"%s\" gives \"%s\"", format, out.text);
    free(out.text);
}

Test(terminal, widths_are_in_characters)
{
    expect_format("[üü   ]", "[%-5s]", "üü");
    expect_format("[   üü]", "[%5s]", "üü");
    expect_format("[üüü]", "[%.3s]", "üüüüü");
    expect_format("[  中€]", "[%4.2s]", "中€x");
    expect_format("[中   ]", "[%-*.*s]", 4, 1, "中€x");
    expect_format("[x   ]", "[%*s]", -4, "x");
    expect_format("[???]", "[%.3s]", "\x1b\xff\xff\xff");
    expect_format("a % b", "a %% b");
    expect_format("-3 7 4000000000 -5000000000 18446744073709551615 ff x",
                  "%d %zu %u %lld %llu %x %c", -3, (size_t)7, 4000000000u, -5000000000ll,
                  18446744073709551615ull, 255u, 'x');
    expect_format("?|  1.50|1.5   |+2|007|1e+10|       3.142", "%c|%6.2f|%-6g|%+d|%03d|%g|%*.*f",
                  '\x1b', 1.5, 1.5, 2, 7, 1e10, 12, 3, 3.14159);
    char text[2000], cut[1001];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memset(cut, 'a', 1000);
    cut[1000] = '\0';
    expect_format(cut, "%.1000s", text);
    expect_format(text, "%s", text);
}

Test(terminal, excerpts_are_visible_and_whole_characters)
{
    cr_expect_str_eq(ls_excerpt_of("a\x1b"
                                   "b\xc2\x9b\xff")
                         .text,
                     "a?b??");
    char text[100] = "";
    for (int i = 0; i < 30; i++) strcat(text, "ü");
    ls_excerpt e = ls_excerpt_of(text);
    cr_expect(ls_is_utf8(e.text) && strlen(e.text) == 39 && strstr(e.text, "..."), "%s", e.text);
}

/* ---- The program ----------------------------------------------------------------------------- */

#ifdef LS_PROGRAM

/* ESC, BEL, CR, DEL, C1 and a direction control. */
#define BAD                                                                                        \
    "\x1b[31m\x07\x7f\xc2\x9b"                                                                     \
    "31m\xe2\x80\xae"

/* Where text has a character that a terminal must not be given, or NULL. */
static const char *find_control(const char *text)
{
    for (const char *c = text; *c; c++) {
        unsigned char a = (unsigned char)c[0], b = (unsigned char)c[1];
        if ((a < ' ' && a != '\n') || a == 0x7f || (a == 0xc2 && b >= 0x80 && b < 0xa0)) return c;
        if (a == 0xe2 && b == 0x80 && (unsigned char)c[2] == 0xae) return c;
    }
    const char *fake = strstr(text, "\nFAKE"); /* a line that a name would add */
    return fake || ls_is_utf8(text) ? fake : text;
}

static void make_files(void)
{
    char text[4096];
    size_t n = (size_t)snprintf(text, sizeof text, "x" BAD ",kind" BAD ",class" BAD "\n");
    for (int i = 0; i < 24; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%d,%s" BAD "%s,%s" BAD "\n", i * 7 % 24,
                              i % 3 ? "red" : "\"blue\nFAKE", i % 3 ? "" : "\"",
                              i % 2 ? "yes" : "no");
    runs_file_write("in.csv", text, n);
    runs_file_write("in" BAD ".csv", text, n);
    n = 0; /* an error in the middle, with the names in the message */
    n = (size_t)snprintf(text, sizeof text,
                         "x" BAD ",class" BAD "\n1,a" BAD "\n2,b" BAD "\n3,4,5" BAD "\n");
    runs_file_write("wrong" BAD ".csv", text, n);
    n = (size_t)snprintf(text, sizeof text,
                         "x" BAD ",class" BAD "\n1,a" BAD "\n2,b" BAD "\n1" BAD ",a" BAD "\n3,b" BAD
                         "\n4,b" BAD "\n5,b" BAD "\n6,b" BAD "\n");
    runs_file_write("mixed.csv", text, n);
    n = (size_t)snprintf(text, sizeof text,
                         "other" BAD ",kind" BAD ",class" BAD "\n1,red" BAD ",yes" BAD "\n");
    runs_file_write("foreign.csv", text, n);
}

/* Runs a command line, whose words may hold BAD, and checks both of its outputs. */
static void check(const char *line, bool csv)
{
    runs_child c = runs_program(line);
    const char *bad = csv ? NULL : find_control(c.out);
    if (!bad) bad = find_control(c.err);
    cr_expect(!bad, "lockstep %s prints a control character: ...%.60s", line, bad ? bad : "");
    cr_expect(*c.out || *c.err || strstr(line, " -o "), "lockstep %s prints nothing", line);
    cr_expect(c.status <= 2, "lockstep %s: exit status %d", line, c.status);
    runs_child_free(&c);
}

Test(terminal, no_subcommand_prints_control_characters)
{
#define QUICK " --epochs 3 --hidden 4 --device cpu"
    static const char *const lines[] = {
        "train in.csv -o m.safetensors" QUICK,
        "train in" BAD ".csv -o m" BAD ".safetensors" QUICK,
        "train in.csv --run run" QUICK,
        "train in.csv --run run2 --seed 2" QUICK,
        "train in.csv --json" QUICK,
        "train in.csv --test foreign.csv" QUICK,
        "train in.csv --test in" BAD ".csv --split 0" QUICK,
        "train in.csv --patience 2 --report r.html --log l" BAD ".jsonl" QUICK,
        "train wrong" BAD ".csv" QUICK,
        "train mixed.csv" QUICK,
        "train in.csv --target none" BAD QUICK,
        "train in.csv --drop x" BAD " --positive yes" BAD QUICK,
        "train in.csv --positive maybe" BAD QUICK,
        "train in.csv --hidden 4" BAD,
        "train missing" BAD,
        "train --config missing" BAD,
        "train in.csv --no" BAD,
        "wrong" BAD,
        "describe in.csv",
        "describe in" BAD ".csv",
        "describe in.csv --json",
        "describe wrong" BAD ".csv",
        "describe mixed.csv",
        "evaluate m.safetensors in.csv --device cpu",
        "evaluate m" BAD ".safetensors in" BAD ".csv --device cpu",
        "evaluate m.safetensors in.csv --positive yes" BAD " --threshold 0.3 --device cpu",
        "evaluate m.safetensors in.csv --positive no" BAD " --device cpu --json",
        "evaluate m.safetensors foreign.csv --device cpu",
        "evaluate in" BAD ".csv in.csv",
        "show m.safetensors",
        "show m" BAD ".safetensors",
        "show m.safetensors --json",
        "show run",
        "show missing" BAD,
        "predict m.safetensors in.csv -o out.csv --device cpu",
        "predict m.safetensors foreign.csv --device cpu",
        "predict m.safetensors missing" BAD,
        "predict m.safetensors in.csv -o missing" BAD "/out.csv --device cpu",
        "search in.csv --trials 3 --epochs 2 --device cpu",
        "search in" BAD ".csv --trials 3 --epochs 2 --device cpu --json",
        "search in" BAD ".csv --trials 2 --epochs 2 --device cpu --report t" BAD
        ".csv -o b.safetensors",
        "search in.csv --metric auc" BAD,
        "search in.csv --lr 0.1|" BAD " --device cpu",
        "search in.csv --drop nothing" BAD " --device cpu",
        "report m.safetensors in" BAD ".csv -o r" BAD ".html --device cpu",
        "report m.safetensors foreign.csv -o r.html --device cpu",
        "plot confusion m.safetensors in.csv -o p.svg --device cpu",
        "plot confusion" BAD " m.safetensors in.csv -o p.svg --device cpu",
        "plot confusion m.safetensors foreign.csv -o p.svg --device cpu",
        "verify run run2",
        "verify run run" BAD,
        "verify m.safetensors m" BAD ".safetensors",
        "verify run run2 --json",
        "compare in.csv --device" BAD,
        "compare --data missing" BAD,
        "experiment none" BAD,
        "make none" BAD,
        "make moons -o missing" BAD "/x.csv",
        "tune --device none" BAD,
        "devices" BAD,
        "devices extra" BAD,
        "doctor extra" BAD,
        "doctor --device" BAD,
    };
    make_files();
    for (size_t i = 0; i < RUNS_COUNT(lines); i++)
        check(lines[i], !strncmp(lines[i], "predict", 7));
}

/* To a pipe or a file, predict gives names as they are in the file; to a terminal, visibly. */
Test(terminal, predictions_are_data_except_on_a_terminal)
{
    make_files();
    check("train in.csv -o m.safetensors -q --epochs 3 --hidden 4 --device cpu", false);
    runs_child c = runs_program("predict m.safetensors in.csv --device cpu -q");
    cr_assert_eq(c.status, 0, "%s", c.err);
    cr_expect(strstr(c.out, "p_yes" BAD), "the names have changed: %s", c.out);
    runs_child_free(&c);

    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(terminal >= 0 && !grantpt(terminal) && !unlockpt(terminal));
    const char *name = ptsname(terminal);
    pid_t child = fork();
    cr_assert(child >= 0 && name);
    if (!child) {
        int out = open(name, O_RDWR | O_NOCTTY);
        dup2(out, STDOUT_FILENO);
        execl(LS_PROGRAM, LS_PROGRAM, "predict", "m.safetensors", "in.csv", "--device", "cpu", "-q",
              (char *)NULL);
        _exit(127);
    }
    char text[8192];
    size_t n = 0;
    ssize_t got;
    int status;
    while (n + 1 < sizeof text && (got = read(terminal, text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    cr_assert_eq(waitpid(child, &status, 0), child);
    close(terminal);
    for (char *c2 = text; *c2; c2++)
        if (*c2 == '\r') *c2 = ' '; /* of the terminal itself */
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_expect(strstr(text, "p_yes?[31m???31m?") && !find_control(text), "%s", text);
}

/* No source file of the program prints in another way. */
static void check_folder(const char *path, size_t *files)
{
    DIR *list = opendir(path);
    cr_assert(list, "%s", path);
    for (struct dirent *e; (e = readdir(list));) {
        char inner[1024];
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        if (e->d_name[0] == '.') continue;
        size_t n = strlen(e->d_name);
        if (!strchr(e->d_name, '.')) check_folder(inner, files);
        if (n < 2 || strcmp(e->d_name + n - 2, ".c") != 0) continue;
        char *text = runs_file_read(inner, NULL);
        cr_assert(text, "%s", inner);
        for (char *at = text; (at = strstr(at, "printf(")); at++) {
            bool other = at > text && ((at[-1] >= 'a' && at[-1] <= 'z') || at[-1] == '_');
            bool to_file = at > text && at[-1] == 'f' && !(at > text + 1 && at[-2] >= 'a');
            cr_expect(other && !to_file, "%s prints without terminal_print: %.50s", inner, at);
        }
        (*files)++;
        free(text);
    }
    closedir(list);
}

Test(terminal, the_program_prints_in_one_way)
{
    size_t files = 0;
    check_folder(LS_SOURCE_DIR "/host/cli", &files);
    cr_expect_gt(files, 40);
}

#endif
