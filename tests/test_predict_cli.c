/* SPDX-License-Identifier: MIT */
/* lockstep predict: streams, errors in the middle, interruptions, memory. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/program.h"

extern char **environ;

static char folder[64];

static void enter(void)
{
    runs_folder_enter(folder);
    program_do("make moons --rows 200 -o train.csv");
    program_do("train train.csv --epochs 20 --hidden 5 --device cpu -o m.safetensors -q");
}
static void leave(void) { runs_folder_leave(folder); }

TestSuite(predict_cli, .init = enter, .fini = leave, .timeout = 300);

/* `rows` rows, then the line. */
static void write_rows(const char *path, size_t rows, const char *line)
{
    FILE *f = fopen(path, "w");
    cr_assert(f);
    fputs("x1,x2\n", f);
    for (size_t r = 0; r < rows; r++)
        fprintf(f, "%.3f,%.3f\n", (double)(r % 97) / 50, (double)(r % 89) / 50);
    fputs(line, f);
    cr_assert_eq(fclose(f), 0);
}

/* Runs a line of the shell, in which $LS is the program. */
static runs_child shell(const char *line)
{
    char text[1024];
    runs_child c;
    cr_assert_lt((size_t)snprintf(text, sizeof text, "LS='%s'; %s", LS_PROGRAM, line), sizeof text);
    runs_spawn((const char *const[]){"sh", "-c", text, NULL}, &c);
    return c;
}

/* ---- Standard input -------------------------------------------------------------------------- */

Test(predict_cli, standard_input)
{
    static const char *const lines[] = {
        "$LS predict m.safetensors - --device cpu < new.csv",
        "cat new.csv | $LS predict m.safetensors - --device cpu",
        "gzip -c new.csv | $LS predict m.safetensors - --device cpu",
        "$LS predict m.safetensors - --device cpu -o out.csv < new.csv && cat out.csv"};
    write_rows("new.csv", 30000, "");
    char *wanted = runs_program_expect("predict m.safetensors new.csv --device cpu", 0);
    cr_assert_eq(program_count_lines(wanted), 30001);
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        runs_child c = shell(lines[i]);
        cr_expect_eq(c.status, 0, "%s: %s", lines[i], c.err);
        cr_expect(!strcmp(c.out, wanted), "%s gives other lines", lines[i]);
        runs_child_free(&c);
    }
    free(wanted);
    runs_child c = shell("$LS predict m.safetensors - --device cpu < /dev/null");
    cr_expect(c.status == 1 && !*c.out && strstr(c.err, "standard input"), "%d, %s", c.status,
              c.err);
    runs_child_free(&c);
}

/* The program with pipes for its input and output. */
typedef struct {
    pid_t pid;
    int in;
    FILE *out;
} piped;

static piped start_piped(const char *const *arguments)
{
    int in[2], out[2];
    piped p;
    posix_spawn_file_actions_t actions;
    cr_assert(pipe(in) == 0 && pipe(out) == 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    const int ends[] = {in[0], in[1], out[0], out[1]};
    for (size_t i = 0; i < 4; i++) posix_spawn_file_actions_addclose(&actions, ends[i]);
    cr_assert_eq(posix_spawn(&p.pid, LS_PROGRAM, &actions, NULL, (char *const *)arguments, environ),
                 0);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    p.in = in[1];
    p.out = fdopen(out[0], "r");
    cr_assert(p.out);
    return p;
}

static int end_piped(piped *p)
{
    int status;
    if (p->in >= 0) close(p->in);
    fclose(p->out);
    cr_assert_eq(waitpid(p->pid, &status, 0), p->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Whoever writes rows one by one gets each prediction before the next row. */
Test(predict_cli, answers_each_row_of_a_pipe)
{
    const char *const arguments[] = {LS_PROGRAM, "predict", "m.safetensors", "-", "--device",
                                     "cpu",      NULL};
    char line[256];
    piped p = start_piped(arguments);
    cr_assert_eq(write(p.in, "x1,x2\n0.5,0.25\n1,2\n", 19), 19);
    cr_assert(fgets(line, sizeof line, p.out) && !strncmp(line, "class,p_", 8), "%s", line);
    for (int i = 0; i < 2; i++) cr_assert(fgets(line, sizeof line, p.out) && *line, "row %d", i);
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(write(p.in, i % 2 ? "0.1,-3\n" : "7,7\n", i % 2 ? 7 : 4), i % 2 ? 7 : 4);
        cr_assert(fgets(line, sizeof line, p.out) && strchr(line, ','), "row %d", i);
    }
    cr_assert_eq(write(p.in, "0.1,-3", 6), 6); /* without a line end */
    close(p.in);
    p.in = -1;
    cr_assert(fgets(line, sizeof line, p.out) && strchr(line, ','));
    cr_assert(!fgets(line, sizeof line, p.out));
    cr_expect_eq(end_piped(&p), 0);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

/* Standard output has the rows before the error; a file stays as it was. */
Test(predict_cli, an_error_in_the_middle)
{
    write_rows("new.csv", 70000, "0.5,oops\n1,2\n");
    runs_child c = runs_program("predict m.safetensors new.csv --device cpu");
    cr_expect_eq(c.status, 1);
    cr_expect(strstr(c.err, "new.csv, line 70002") && strstr(c.err, "oops"), "%s", c.err);
    cr_expect_eq(program_count_lines(c.out), 70001, "%zu lines", program_count_lines(c.out));
    runs_child_free(&c);
    size_t before = runs_folder_count(".");
    c = runs_program("predict m.safetensors new.csv --device cpu -o out.csv");
    cr_expect(c.status == 1 && access("out.csv", F_OK) != 0);
    cr_expect_eq(runs_folder_count("."), before, "a temporary file is left");
    runs_child_free(&c);
    runs_file_write("out.csv", "old", 3);
    c = runs_program("predict m.safetensors new.csv --device cpu -o out.csv");
    char *out = runs_file_read("out.csv", NULL);
    cr_expect(c.status == 1 && !strcmp(out, "old"));
    free(out);
    runs_child_free(&c);
    static const char *const same[] = {"predict m.safetensors new.csv -o new.csv",
                                       "predict m.safetensors new.csv -o ./new.csv",
                                       "predict m.safetensors new.csv -o m.safetensors"};
    for (size_t i = 0; i < RUNS_COUNT(same); i++) {
        c = runs_program(same[i]);
        cr_expect(c.status == 2 && strstr(c.err, "input file"), "%s: %d, %s", same[i], c.status,
                  c.err);
        runs_child_free(&c);
    }
}

Test(predict_cli, output_that_cannot_be_written)
{
    static const struct {
        const char *line, *words;
    } list[] = {
        {"{ $LS predict m.safetensors new.csv --device cpu; echo $? > status; } | head -n 1 > head",
         "cannot write"},
        {"$LS predict m.safetensors new.csv --device cpu > /dev/full; echo $? > status",
         "cannot write"},
        {"$LS predict m.safetensors new.csv --device cpu -o /dev/full; echo $? > status",
         "cannot write"},
        {"ulimit -f 200; $LS predict m.safetensors new.csv --device cpu -o out.csv; echo $? > status",
         "cannot write"},
    };
    write_rows("new.csv", 100000, "");
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        runs_child c = shell(list[i].line);
        char *status = runs_file_read("status", NULL);
        cr_expect(status && !strcmp(status, "1\n"), "%s: %s", list[i].line, status);
        cr_expect(strstr(c.err, list[i].words), "%s: %s", list[i].line, c.err);
        free(status);
        runs_child_free(&c);
    }
    cr_expect(access("out.csv", F_OK) != 0);
}

/* Ctrl-C while the program waits for input: no file is left. */
Test(predict_cli, interruption)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    const char *const arguments[] = {LS_PROGRAM, "predict", "m.safetensors", "-", "--device",
                                     "cpu",      "-o",      "out.csv",       NULL};
    for (size_t i = 0; i < RUNS_COUNT(signals); i++) {
        size_t before = runs_folder_count(".");
        piped p = start_piped(arguments);
        cr_assert_eq(write(p.in, "x1,x2\n1,2\n3,4\n", 14), 14);
        cr_assert(program_wait_for_handler(p.pid, signals[i]));
        cr_assert_eq(kill(p.pid, signals[i]), 0);
        cr_expect_eq(end_piped(&p), 130);
        cr_expect_eq(runs_folder_count("."), before, "signal %d leaves a file", signals[i]);
    }
}

/* Options that make no sense for a stream. */
Test(predict_cli, mistakes)
{
    static const struct {
        const char *line;
        const char *words;
    } list[] = {
        {"$LS predict m.safetensors - --rows 5 < train.csv", "--rows"},
        {"$LS predict m.safetensors - --sample 5 < train.csv", "--sample"},
        {"$LS predict m.safetensors - --labels train.csv < train.csv", "--labels"},
        {"$LS predict m.safetensors -", "standard input"},
    };
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        runs_child c = shell(list[i].line);
        cr_expect((c.status == 1 || c.status == 2) && !*c.out && strstr(c.err, list[i].words),
                  "%s: %d, %s", list[i].line, c.status, c.err);
        runs_child_free(&c);
    }
}

/* The columns of each task, and that the numbers are those of the library. */
Test(predict_cli, numbers_and_labels)
{
    FILE *f = fopen("t.csv", "w");
    cr_assert(f);
    fputs("a,b,up,odd\n", f);
    for (int i = 0; i < 90; i++) fprintf(f, "%d,%d,%d,%d\n", i % 7, i % 5, i % 7 > 3, i % 2);
    cr_assert_eq(fclose(f), 0);
    program_do("train t.csv --target up,odd --epochs 5 --hidden 5 --device cpu -o l.st -q");
    program_do(
        "train t.csv --target a,b --task regression --epochs 5 --hidden 5 --device cpu -o n.st -q");
    char *labels = runs_program_expect("predict l.st t.csv --device cpu", 0),
         *numbers = runs_program_expect("predict n.st t.csv --device cpu", 0);
    cr_expect(!strncmp(labels, "up,odd,p_up,p_odd\n", 18), "%.30s", labels);
    cr_expect(!strncmp(numbers, "a,b\n", 4), "%.30s", numbers);
    const ls_model *model;
    ls_model *loaded[2];
    ls_error err;
    cr_assert_eq(ls_model_load("l.st", &loaded[0], &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_model_load("n.st", &loaded[1], &err), LS_OK, "%s", err.message);
    for (int k = 0; k < 2; k++) {
        model = loaded[k];
        const ls_read_options how = {.struct_size = sizeof how, .model = model, .no_target = 1};
        ls_data *data;
        float out[180];
        double number[180];
        cr_assert_eq(ls_data_read("t.csv", &how, &data, &err), LS_OK, "%s", err.message);
        cr_assert_eq(ls_data_rows(data), 90);
        if (k == 0) cr_assert_eq(ls_model_predict_data(model, NULL, data, out, &err), LS_OK);
        else cr_assert_eq(ls_model_predict_numbers(model, NULL, data, number, &err), LS_OK);
        const char *line = strchr(k ? numbers : labels, '\n') + 1;
        for (size_t r = 0; r < 90; r++, line = strchr(line, '\n') + 1) {
            double v[4];
            cr_assert_eq(sscanf(line, k ? "%lf,%lf" : "%lf,%lf,%lf,%lf", &v[0], &v[1], &v[2],
                                &v[3]),
                         k ? 2 : 4, "%.40s", line);
            for (size_t j = 0; j < 2 && k; j++) cr_expect_eq(v[j], number[2 * r + j]);
            for (size_t j = 0; j < 2 && !k; j++) {
                cr_expect_eq((float)v[2 + j], out[2 * r + j]);
                cr_expect_eq(v[j], out[2 * r + j] >= 0.5f ? 1.0 : 0.0);
            }
        }
        cr_expect_eq(*line, '\0');
        ls_data_free(data);
        ls_model_free(loaded[k]);
    }
    free(labels);
    free(numbers);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* Kilobytes that the program needs at most to predict this many rows of a pipe. */
static long peak(size_t rows)
{
    const char *const arguments[] = {LS_PROGRAM, "predict", "m.safetensors", "-", "--device",
                                     "cpu",      "-o",      "/dev/null",     NULL};
    enum { LINES = 4096 };
    static const char line[] = "0.123456789012,-0.98765432101234\n";
    struct rusage used;
    int status;
    char *block = malloc(LINES * sizeof line);
    cr_assert(block);
    piped p = start_piped(arguments);
    for (size_t i = 0; i < LINES; i++) memcpy(block + i * (sizeof line - 1), line, sizeof line);
    for (size_t r = 0; r < rows; r += LINES)
        for (size_t at = 0, size = LINES * (sizeof line - 1); at < size;) {
            ssize_t count = write(p.in, block + at, size - at);
            cr_assert(count > 0);
            at += (size_t)count;
        }
    close(p.in);
    fclose(p.out);
    cr_assert_eq(wait4(p.pid, &status, 0, &used), p.pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free(block);
    return used.ru_maxrss;
}

/* A row alone that two separators split equally well, or whose blanks might be part of its only
 * category, is read as within its file. */
Test(predict_cli, a_row_alone_that_could_be_split_otherwise)
{
    static const char *const files[] = {
        "a,b;blue;-5,18\nc;red;6,5\na,b;red;7,25\nc;blue;1,5\na,b;blue;2,75\nc;red;0,5\n",
        "1.0 a\n1 b\n\"New York\" a\n\"New York\" b\n1 b\n"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        runs_file_write("whole.csv", files[i], strlen(files[i]));
        runs_file_write("row.csv", files[i], strcspn(files[i], "\n") + 1);
        program_do(
            "train whole.csv --header no --epochs 5 --hidden 3 --device cpu -o s.safetensors -q");
        runs_child whole = shell("$LS predict s.safetensors whole.csv --device cpu -q | head -n 2"),
                   row = shell("$LS predict s.safetensors row.csv --device cpu -q");
        cr_expect(row.status == 0 && strlen(row.out) > 4, "%s", row.err);
        cr_expect_str_eq(row.out, whole.out, "%s%s", row.err, files[i]);
        runs_child_free(&whole);
        runs_child_free(&row);
    }
}

/* A row so far outside that the network overflows gets no prediction, and costs no other row its.
 */
Test(predict_cli, outputs_that_are_not_finite)
{
    write_rows("far.csv", 3, "3e38,-3e38\n1,2\n-3e38,3e38\n");
    runs_child c = shell("$LS predict m.safetensors far.csv --device cpu -q -o far.out");
    cr_expect_eq(c.status, 1, "%s", c.out);
    cr_expect(strstr(c.err, "row 4 (and of 1 more rows): the network's output is not a finite"),
              "%s", c.err);
    char *out = runs_file_read("far.out", NULL), *line = out;
    cr_assert_not_null(out);
    for (int row = 0; row < 7; row++, line = strchr(line, '\n') + 1) /* row 0: the header */
        cr_expect_eq(!strncmp(line, ",NaN,NaN\n", 9), row == 4 || row == 6, "row %d: %s", row,
                     line);
    cr_expect(!*line, "%s", line);
    free(out);
    runs_child_free(&c);
    FILE *rows = fopen("narrow.csv", "w"); /* standardising multiplies by some thousands */
    cr_assert_not_null(rows);
    fputs("x,y\n", rows);
    for (int i = 0; i < 40; i++) fprintf(rows, "%d.5e-4,%d.25\n", i % 7, i % 7);
    cr_assert_eq(fclose(rows), 0);
    program_do("train narrow.csv --task regression --epochs 1 --device cpu -q -o s.st");
    runs_file_write("far.csv", "x\n3.4e38\n1e-4\n", 14);
    c = shell("$LS predict s.st far.csv --device cpu -q");
    cr_expect(c.status == 1 && !strncmp(c.out, "y\nNaN\n", 6) && c.out[6] != 'N', "%s%s", c.out,
              c.err);
    runs_child_free(&c);
    runs_file_write("far.csv", "x1,x2,class\n1,1,0\n3e38,-3e38,1\n", 31);
    c = shell("$LS evaluate m.safetensors far.csv --device cpu -q");
    cr_expect(c.status == 1 && strstr(c.err, "the loss is not a finite number"), "%s%s", c.out,
              c.err);
    runs_child_free(&c);
}

Test(predict_cli, memory_does_not_grow)
{
    long few = peak(100000), many = peak(3000000); /* 3 and 99 MB */
    cr_expect_lt(many - few, 16 << 10, "%ld kB for few rows, %ld kB for many", few, many);
}
#endif
