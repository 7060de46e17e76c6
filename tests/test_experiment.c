/* SPDX-License-Identifier: MIT */
/* lockstep experiment: all files are written and well formed, and only timing.txt depends on the
 * device. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/include/lockstep.h"
#include "tests/support/runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(experiment, .init = enter, .fini = leave, .timeout = 300);

static runs_child run(const char *what, const char *device, const char *out)
{
    char line[512];
    snprintf(line, sizeof line,
             "experiment %s --quick --device %s -q --datasets " LS_SOURCE_DIR "/datasets -o %s",
             what, device, out);
    runs_child c = runs_program(line);
    cr_assert_eq(c.status, 0, "lockstep %s: %s", line, c.err);
    return c;
}

static char *read_in(const char *out, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", out, name);
    return runs_file_read(path, NULL);
}

/* ---- Well-formed HTML: elements close in reverse order --------------------------------------- */

enum { DEEPEST = 64 };

static const char *skip_special(const char *p)
{
    if (!strncmp(p, "<!", 2) || !strncmp(p, "<?", 2)) return strchr(p, '>');
    return NULL;
}

/* Attribute values in these reports hold no '<' or '>'; one would be reported as a wrong name. */
static void assert_well_formed(const char *text, const char *what)
{
    char open[DEEPEST][32];
    size_t depth = 0;
    for (const char *p = strchr(text, '<'); p; p = strchr(p + 1, '<')) {
        const char *special = skip_special(p), *end = strchr(p, '>');
        char name[32];
        cr_assert_not_null(end, "%s: an element does not end", what);
        if (special) continue;
        bool closing = p[1] == '/';
        size_t n = strcspn(p + 1 + closing, " \t\n/>");
        snprintf(name, sizeof name, "%.*s", (int)(n < 31 ? n : 31), p + 1 + closing);
        cr_assert(isalpha((unsigned char)*name), "%s: there is no element '%s'", what, name);
        if (closing) {
            cr_assert(depth && !strcmp(open[depth - 1], name), "%s: </%s> closes <%s>", what, name,
                      depth ? open[depth - 1] : "nothing");
            depth--;
        } else if (end[-1] != '/') {
            cr_assert_lt(depth, DEEPEST, "%s: nested too deeply", what);
            strcpy(open[depth++], name);
        }
    }
    cr_assert_eq(depth, 0, "%s: <%s> stays open", what, depth ? open[depth - 1] : "");
}

/* ---- Files ----------------------------------------------------------------------------------- */

static bool gnuplot_there(void) { return system("gnuplot --version >/dev/null 2>&1") == 0; }

static size_t count_columns(const char *line)
{
    size_t n = 1;
    bool quoted = false;
    for (; *line && *line != '\n'; line++) {
        quoted ^= *line == '"';
        n += *line == ',' && !quoted;
    }
    return n;
}

static void assert_table(const char *text, const char *name)
{
    size_t columns = count_columns(text), lines = 0;
    for (const char *p = text; p && *p; p = strchr(p, '\n') + 1, lines++)
        cr_assert_eq(count_columns(p), columns, "%s: line %zu has %zu columns, not %zu", name,
                     lines + 1, count_columns(p), columns);
    cr_assert_gt(lines, 1, "%s has no rows", name);
}

Test(experiment, writes_tables_plots_and_a_report)
{
    static const char letters[] = "RWDHFXT";
    runs_child c = run("all", "cpu", "out");
    for (size_t i = 0; letters[i]; i++) {
        char name[3][32];
        snprintf(name[0], sizeof name[0], "%c.csv", letters[i]);
        snprintf(name[1], sizeof name[1], "%c.md", letters[i]);
        snprintf(name[2], sizeof name[2], "%c-curves.csv", letters[i]);
        for (size_t k = 0; k < 3; k++) {
            char *text = read_in("out", name[k]);
            cr_assert_not_null(text, "there is no %s", name[k]);
            if (k != 1) assert_table(text, name[k]);
            else
                cr_expect(strstr(text, "| Row | Metric | Published |") &&
                              strstr(text, "too short to judge by"),
                          "%s", name[k]);
            free(text);
        }
    }
    char *page = read_in("out", "index.html"), *losses = read_in("out", "X-losses.csv"),
         *x = read_in("out", "X.md");
    cr_assert(page && losses && x);
    assert_well_formed(page, "index.html");
    assert_table(losses, "X-losses.csv");
    cr_expect(strstr(x, "with a convolutional layer"), "the row that needs convolution is missing");
    cr_expect(!strstr(page, "<script") && !strstr(page, "src="), "the report needs other files");
    cr_expect_eq(strstr(page, "<svg") != NULL, gnuplot_there(),
                 "plots are drawn if gnuplot is installed");
    free(page);
    free(losses);
    free(x);
    runs_child_free(&c);
}

static void assert_equal_files(const char *a, const char *b)
{
    DIR *list = opendir(a);
    size_t n = 0;
    cr_assert_not_null(list);
    for (struct dirent *e; (e = readdir(list));) {
        char path[2][512];
        size_t size[2];
        if (e->d_name[0] == '.' || !strcmp(e->d_name, "timing.txt")) continue;
        snprintf(path[0], sizeof path[0], "%s/%s", a, e->d_name);
        snprintf(path[1], sizeof path[1], "%s/%s", b, e->d_name);
        char *x = runs_file_read(path[0], &size[0]), *y = runs_file_read(path[1], &size[1]);
        cr_assert(x && y, "%s is not on both sides", e->d_name);
        cr_expect(size[0] == size[1] && !memcmp(x, y, size[0]), "%s differs", e->d_name);
        free(x);
        free(y);
        n++;
    }
    closedir(list);
    cr_assert_gt(n, 20);
    cr_assert_eq(runs_folder_count(a), runs_folder_count(b));
}

Test(experiment, only_the_timing_depends_on_the_device)
{
    runs_device devices[RUNS_DEVICES];
    size_t count = runs_devices_open(devices, (const unsigned[]){1, 0});
    char first[24] = "";
    for (size_t i = 0; i < count; i++) {
        char index[24], out[24];
        snprintf(index, sizeof index, "%d", ls_device_get_info(devices[i].device)->index);
        snprintf(out, sizeof out, "out%zu", i);
        runs_child c = run("all", index, out);
        runs_child_free(&c);
        if (i) assert_equal_files(first, out);
        else strcpy(first, out);
    }
    runs_child c = run("all", "cpu --threads 2", "threads");
    runs_child_free(&c);
    assert_equal_files(first, "threads");
    runs_devices_close(devices, count);
}

Test(experiment, without_gnuplot_there_are_tables_and_a_message)
{
    char *path = strdup(getenv("PATH"));
    setenv("PATH", "/nonexistent", 1);
    runs_child c = run("X", "cpu", "new/folder/out");
    setenv("PATH", path, 1);
    char *page = read_in("new/folder/out", "index.html");
    cr_assert_not_null(page);
    assert_well_formed(page, "index.html");
    cr_expect(strstr(c.err, "gnuplot is not installed"), "no message: %s", c.err);
    cr_expect(!strstr(page, "<svg"));
    runs_child_free(&c);
    free(page);
    free(path);
}

Test(experiment, mistakes)
{
    static const struct {
        const char *line;
        int status;
        const char *word;
    } list[] = {
        {"experiment", 2, "missing"},
        {"experiment X", 2, "-o"},
        {"experiment Z -o out", 2, "R, W, D, H, F, X, T"},
        {"experiment R --seeds -1 -o out", 2, "--seeds"},
        {"experiment R --quick -o file/out", 1, "file/out"},
        {"experiment R --quick -o file", 1, "file"},
        {"experiment T --quick --device cpu --datasets nowhere -o out", 1, "--datasets"},
        {"experiment R --device nonsense -o out", 1, "nonsense"},
    };
    runs_file_write("file", "x", 1);
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        runs_child c = runs_program(list[i].line);
        cr_expect_eq(c.status, list[i].status, "lockstep %s: %d, %s", list[i].line, c.status,
                     c.err);
        cr_expect(strstr(c.err, list[i].word), "lockstep %s: %s", list[i].line, c.err);
        cr_expect(!*c.out, "lockstep %s prints %s", list[i].line, c.out);
        runs_child_free(&c);
    }
}
#endif
