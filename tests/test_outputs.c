/* SPDX-License-Identifier: MIT */
/* Outputs that cannot be written: each call for files fails once (support/failing_io.c), and a disk
 * is full. What is written is whole, what is not is told, and no output costs another. */
#include <criterion/criterion.h>

#if defined LS_PROGRAM && defined LS_FAILING_IO
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/program.h"

static char folder[64];

static void enter(void)
{
    runs_folder_enter(folder);
    program_do("make moons --rows 60 -o d.csv");
}
static void leave(void) { runs_folder_leave(folder); }

TestSuite(outputs, .init = enter, .fini = leave, .timeout = 600);

/* ---- Runs in a folder of their own ----------------------------------------------------------- */

/* Runs a line of the shell in the new folder `at`; $LS is the program. */
static runs_child in_folder(const char *at, const char *line)
{
    char text[2048];
    runs_child c;
    cr_assert_lt((size_t)snprintf(text, sizeof text,
                                  "rm -rf '%s'; mkdir '%s'; cd '%s'; LS='%s'; %s", at, at, at,
                                  LS_PROGRAM, line),
                 sizeof text);
    runs_spawn((const char *const[]){"/bin/sh", "-c", text, NULL}, &c);
    return c;
}

/* Runs the program in the new folder `at` with its call number `call` failing; 0: none. There is no
 * gnuplot in its PATH. */
static runs_child run_failing(const char *at, long call, const char *line)
{
    char text[1200];
    snprintf(
        text, sizeof text,
        "mkdir tmp; PATH=/nonexistent TMPDIR=tmp ASAN_OPTIONS=verify_asan_link_order=0:$ASAN_OPTIONS "
        "LOCKSTEP_FAIL_AT=%ld LOCKSTEP_FAIL_LOG=failed LD_PRELOAD='" LS_FAILING_IO "' exec $LS %s",
        call, line);
    return in_folder(at, text);
}

typedef struct {
    const char *line;
    const char *files[12]; /* that must be equal to those of an undisturbed run, or absent */
    const char *lines[6];  /* that must be whole lines */
    const char *apart;     /* a call that names this may cost no more than one file */
} command;

/* The file at[/]name, or NULL. */
static char *read_at(const char *at, const char *name, size_t *size)
{
    char path[512];
    snprintf(path, sizeof path, "%s%s%s", *name == '/' ? "" : at, *name == '/' ? "" : "/", name);
    return runs_file_read(path, size);
}

static bool is_there(const char *at, const char *name)
{
    char *bytes = read_at(at, name, NULL);
    free(bytes);
    return bytes != NULL;
}

/* Whether a file is the same as that of the undisturbed run. Fails the test if it is there and
 * neither that nor, of run.json, one that says that something is missing. */
static bool is_whole(const command *c, const char *name, const char *what)
{
    size_t size[2] = {0, 0};
    char *bytes[2] = {read_at("good", name, &size[0]), read_at("bad", name, &size[1])};
    cr_assert_not_null(bytes[0], "lockstep %s: no %s", c->line, name);
    bool same = bytes[1] && size[0] == size[1] && !memcmp(bytes[0], bytes[1], size[0]);
    if (bytes[1] && !same && strstr(name, "run.json")) {
        json_t *o = program_parse(bytes[1], name), *result = json_object_get(o, "result");
        cr_expect(json_is_null(result) || json_array_size(json_object_get(result, "missing")),
                  "lockstep %s, %s: %s is another one", c->line, what, name);
        json_decref(o);
    } else if (bytes[1] && strstr(name, ".jsonl")) {
        cr_expect(!strncmp(bytes[0], bytes[1], size[1]), "lockstep %s, %s: %s has other lines",
                  c->line, what, name);
    } else cr_expect(!bytes[1] || same, "lockstep %s, %s: %s is wrong", c->line, what, name);
    free(bytes[0]);
    free(bytes[1]);
    return same;
}

static void expect_whole_lines(const command *c, const char *name, const char *what)
{
    char *text = read_at("bad", name, NULL);
    size_t n = text ? strlen(text) : 0;
    cr_expect(!n || text[n - 1] == '\n', "lockstep %s, %s: the last line of %s is torn: %s",
              c->line, what, name, text);
    free(text);
}

static void expect_no_temporary(const command *c, const char *path, const char *what)
{
    DIR *list = opendir(path);
    for (struct dirent *e; list && (e = readdir(list));)
        cr_expect(strncmp(e->d_name, ".lockstep", 9), "lockstep %s, %s: %s/%s is left behind",
                  c->line, what, path, e->d_name);
    if (list) closedir(list);
}

/* The model that the printed JSON names is there and has the printed hash. */
static void expect_named_model(const command *c, const runs_child *child, const char *what)
{
    char path[600], hex[65];
    if (!strstr(c->line, "--json") || !*child->out) return;
    json_t *o = program_parse(child->out, c->line);
    const char *model = json_string_value(json_object_get(o, "model")),
               *hash = json_string_value(json_object_get(o, "sha256"));
    if (json_object_get(o, "model")) {
        cr_assert(model && hash, "lockstep %s, %s: no model in %s", c->line, what, child->err);
        snprintf(path, sizeof path, "%s%s", *model == '/' ? "" : "bad/", model);
        runs_file_sha256(path, hex);
        cr_expect_str_eq(hex, hash, "lockstep %s, %s: another hash", c->line, what);
    }
    json_decref(o);
}

static void check_one(const command *c, const runs_child *child, const char *what)
{
    size_t missing = 0;
    cr_expect(child->status == 0 || (child->status == 1 && *child->err),
              "lockstep %s, %s: exit status %d: %s", c->line, what, child->status, child->err);
    for (size_t i = 0; c->files[i]; i++) {
        if (is_whole(c, c->files[i], what)) continue;
        missing++;
        /* told by its own name, unless nothing was begun */
        bool begun = *child->out || strstr(child->err, "the model is in");
        cr_expect(!begun || strstr(child->err, c->files[i]) || strstr(c->files[i], "run.json"),
                  "lockstep %s, %s: nothing tells of %s: %s", c->line, what, c->files[i],
                  child->err);
    }
    cr_expect(child->status == 1 || !missing, "lockstep %s, %s: exit status 0 without %zu files",
              c->line, what, missing);
    /* run.json may tell of the other one */
    cr_expect(!*child->out || missing <= 2, "lockstep %s, %s: %zu files are missing: %s", c->line,
              what, missing, child->err);
    cr_expect(!c->apart || !strstr(what, c->apart) || missing <= 1,
              "lockstep %s, %s: %zu files are missing: %s", c->line, what, missing, child->err);
    for (size_t i = 0; c->lines[i]; i++) expect_whole_lines(c, c->lines[i], what);
    expect_no_temporary(c, "bad", what);
    expect_no_temporary(c, "bad/run", what);
    expect_named_model(c, child, what);
}

/* Every call fails once. Returns how many there are. */
static long fail_each(const command *c)
{
    runs_child good = run_failing("good", 0, c->line);
    cr_assert_eq(good.status, 0, "lockstep %s: %s", c->line, good.err);
    runs_child_free(&good);
    for (long n = 1;; n++) {
        char what[700];
        runs_child child = run_failing("bad", n, c->line);
        char *failed = read_at("bad", "failed", NULL);
        snprintf(what, sizeof what, "call %ld: %.600s", n, failed ? failed : "");
        if (failed) check_one(c, &child, what);
        else cr_expect_eq(child.status, 0, "%s", child.err);
        runs_child_free(&child);
        free(failed);
        if (!failed) return n - 1;
    }
}

Test(outputs, of_a_training_when_any_call_fails)
{
    static const command c = {
        .line =
            "train ../d.csv --split 0.2 --epochs 3 --hidden 3 --device cpu --threads 1 -q --json "
            "-o m.st --run run --report r.html --log log --tensorboard tb",
        .files = {"m.st", "r.html", "run/model.safetensors", "run/report.html", "run/run.json",
                  "run/metrics.jsonl"},
        .lines = {"log", "run/metrics.jsonl", "run/timing.jsonl"}};
    cr_expect_gt(fail_each(&c), 90);
}

Test(outputs, of_a_search_when_any_call_fails)
{
    static const command c = {
        .line = "search ../d.csv --trials 2 --epochs 2 --hidden '2|3' --device "
                "cpu --threads 1 -q --json --report t.csv -o b.st",
        .files = {"b.st"},
        .lines = {"t.csv"}};
    cr_expect_gt(fail_each(&c), 20);
}

Test(outputs, of_pages_and_predictions_when_any_call_fails)
{
    program_do("train d.csv --epochs 3 --hidden 3 --device cpu -q -o m.st");
    static const command list[] = {
        {.line = "report ../m.st ../d.csv --device cpu --threads 1 -o r.html", .files = {"r.html"}},
        {.line = "predict ../m.st ../d.csv --device cpu --threads 1 -o p.csv", .files = {"p.csv"}},
        {.line = "make moons --rows 20 -o m.csv", .files = {"m.csv"}},
    };
    for (size_t i = 0; i < RUNS_COUNT(list); i++) cr_expect_gt(fail_each(&list[i]), 5);
}

Test(outputs, of_an_experiment_when_any_call_fails)
{
    static const command c = {
        .line = "experiment F --quick --seeds 1 -o run --device cpu -q",
        .files = {"run/index.html", "run/F.csv", "run/F.md", "run/F-curves.csv"},
        .lines = {"run/timing.txt"},
        .apart = "run/"};
    cr_expect_gt(fail_each(&c), 20);
}

/* ---- Places for the model -------------------------------------------------------------------- */

static void expect_rescued(const char *line, const char *place)
{
    runs_child c = in_folder("lost", line);
    char *told = strstr(c.err, "the model is in "), path[600], hex[65];
    cr_assert(c.status == 1 && told, "%s: %d %s", line, c.status, c.err);
    told += strlen("the model is in ");
    int n = (int)(strstr(told, " instead") - told);
    snprintf(path, sizeof path, "%s%.*s", *told == '/' ? "" : "lost/", n, told);
    cr_expect(strstr(path, place), "%s, not in %s", path, place);
    runs_file_sha256(path, hex);
    char end[700];
    snprintf(end, sizeof end, "%s  %.*s\n", hex, n, told);
    cr_expect(strstr(c.out, end), "%s prints another model than %s: %s", line, end, c.out);
    unlink(path);
    *strrchr(path, '/') = '\0';
    cr_expect_eq(rmdir(path), 0, "more than the model in %s", path);
    runs_child_free(&c);
}

/* A name that becomes a folder while it trains cannot be replaced. */
#define TAKEN(options)                                                                                       \
    "$LS train ../d.csv --epochs 1000000000 --patience 0 --hidden 2 --device cpu --log log -o m.st " options \
    " & while [ ! -s log ]; do :; done; mkdir m.st m.st/x; kill -TERM $!; wait $!"

Test(outputs, a_model_whose_place_is_gone_is_kept_elsewhere)
{
    expect_rescued("mkdir tmp; export TMPDIR=$PWD/tmp; " TAKEN(""), "lost/tmp/lockstep-model-");
    expect_rescued("export TMPDIR=/nonexistent; " TAKEN(""), "/tmp/lockstep-model-");
    runs_child c = in_folder("lost", TAKEN("--run run"));
    cr_expect(c.status == 1 && strstr(c.err, "the model is in run/model.safetensors") &&
                  strstr(c.out, "  run/model.safetensors\n"),
              "%d %s %s", c.status, c.err, c.out);
    runs_child_free(&c);
    cr_expect(is_there("lost", "run/report.html") && is_there("lost", "run/model.safetensors"));
    json_t *run = program_read_json("lost/run/run.json");
    cr_expect(json_is_object(json_object_get(run, "result")), "no result");
    json_decref(run);
}

/* Where no place will do, no model is named. */
Test(outputs, a_model_that_is_lost_is_not_named)
{
    static const char *const lines[] = {
        "search ../d.csv --trials 2 --epochs 2 --hidden 2 --device cpu -o m.st",
        "train ../d.csv --epochs 2 --hidden 2 --device cpu -o m.st"};
    for (size_t i = 0; i < RUNS_COUNT(lines); i++)
        for (int json = 0; json < 2; json++) {
            char line[300];
            snprintf(line, sizeof line,
                     "( ( ulimit -f 0; exec $LS %s%s ) 2>&1 >&3 | cat >&2 ) 3>&1 | cat", lines[i],
                     json ? " --json" : "");
            runs_child c = in_folder("lost", line);
            cr_expect(strstr(c.err, "m.st: cannot write") && !strstr(c.err, "instead"), "%s: %s",
                      line, c.err);
            /* the command that would train it again may name it */
            char *last = strrchr(c.out, '\n');
            cr_assert(last && *c.out, "%s prints nothing: %s", line, c.err);
            if (json) {
                json_t *o = program_parse(c.out, line);
                cr_expect(json_is_null(json_object_get(o, "model")), "%s: %s", line, c.out);
                json_decref(o);
            } else cr_expect(!strstr(c.out, "  m.st\n"), "%s: %s", line, c.out);
            runs_child_free(&c);
            cr_expect_eq(runs_folder_count("lost"), 0);
        }
}

/* A log that fails before a divergence is told with it. */
Test(outputs, a_log_of_a_divergence_is_told)
{
    runs_child c = in_folder(
        "lost",
        "$LS train linear-regression --hidden none --optimizer gd --lr 3 --l2 0 --schedule constant --patience 0 --epochs 3000 --device cpu -q --log /dev/full");
    cr_expect(c.status == 1 && strstr(c.err, "diverged") && strstr(c.err, "/dev/full"), "%d %s",
              c.status, c.err);
    runs_child_free(&c);
}

/* ---- A full disk ----------------------------------------------------------------------------- */

/* A limit on the size of files acts like a full disk on the files that grow. */
Test(outputs, logs_keep_whole_lines)
{
    runs_child c = in_folder(
        "small",
        "ulimit -f 200; PATH=/nonexistent; exec $LS train ../d.csv --hidden 2 --epochs 5000 --patience 0 "
        "--device cpu -q --log log --run run --tensorboard tb -o m.st");
    cr_expect(c.status == 1 && strstr(c.err, "log: cannot write") &&
                  strstr(c.err, "metrics.jsonl: cannot write") &&
                  strstr(c.err, "timing.jsonl: cannot write") && strstr(c.err, "tfevents"),
              "%d %s", c.status, c.err);
    runs_child_free(&c);
    static const char *const list[] = {"log", "run/metrics.jsonl", "run/timing.jsonl"};
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        char *text = read_at("small", list[i], NULL);
        size_t n = text ? strlen(text) : 0;
        cr_expect(n > 1000 && text[n - 1] == '\n', "%s has %zu bytes", list[i], n);
        free(text);
    }
    json_t *run = program_read_json("small/run/run.json");
    cr_expect_eq(json_array_size(json_object_get(json_object_get(run, "result"), "missing")), 2);
    json_decref(run);
    program_do("show small/m.st");
}

/* A disk of 64 kB, which each output in turn meets. */
Test(outputs, on_a_full_disk)
{
    static const struct {
        const char *line, *told, *there[3];
    } list[] = {
        {"-o full/m.st --run run --report r.html",
         "full/m.st",
         {"run/model.safetensors", "r.html"}},
        {"-o m.st --run run --report full/r.html", "full/r.html", {"m.st", "run/report.html"}},
        {"-o m.st --log full/log --report r.html", "full/log", {"m.st", "r.html"}},
        {"-o full/m.st", "full/m.st", {"tmp"}},
    };
    cr_assert_eq(mkdir("full", 0700), 0);
    if (mount("none", "full", "tmpfs", 0, "size=64k") != 0)
        cr_skip_test("only root can mount a small file system");
    char *filler = calloc(1, 60 << 10);
    cr_assert_not_null(filler);
    runs_file_write("full/filler", filler, 60 << 10);
    free(filler);
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        char line[600];
        snprintf(line, sizeof line,
                 "ln -s ../full full; mkdir tmp; export TMPDIR=tmp PATH=/nonexistent; $LS train "
                 "../d.csv --epochs 40 --hidden 64,64 --device cpu -q %s",
                 list[i].line);
        runs_child c = in_folder("disk", line);
        cr_expect(c.status == 1 && strstr(c.err, list[i].told), "%s: %d %s", list[i].line, c.status,
                  c.err);
        for (size_t k = 0; k < 3 && list[i].there[k]; k++) {
            char path[64];
            snprintf(path, sizeof path, "disk/%s", list[i].there[k]);
            cr_expect(access(path, F_OK) == 0, "%s: no %s: %s", list[i].line, path, c.err);
        }
        unlink("full/log");
        cr_expect_eq(runs_folder_count("full"), 1);
        runs_child_free(&c);
    }
    cr_expect_eq(umount("full"), 0);
}

/* ---- Files that must not be written over ----------------------------------------------------- */

/* The program refuses the line, and no file changes. */
static void expect_refused(const char *line, const char *const *files, size_t count)
{
    char before[8][65], after[65];
    for (size_t k = 0; k < count; k++) runs_file_sha256(files[k], before[k]);
    runs_child c = runs_program(line);
    cr_expect(c.status == 2 && (strstr(c.err, "another one") || strstr(c.err, "twice") ||
                                strstr(c.err, "another folder")),
              "lockstep %s: %d %s", line, c.status, c.err);
    runs_child_free(&c);
    for (size_t k = 0; k < count; k++) {
        runs_file_sha256(files[k], after);
        cr_expect_str_eq(before[k], after, "lockstep %s changes %s", line, files[k]);
    }
}

Test(outputs, nothing_that_is_read_is_written_over)
{
    static const char *const files[] = {"d.csv",  "a-images-idx2-ubyte", "a-labels-idx1-ubyte",
                                        "m.svg",  "old/run.json",        "old/report.html",
                                        "c.json", "site/index.html"};
    static const char *const lines[] = {
        "train a-images-idx2-ubyte -o a-labels-idx1-ubyte",
        "train a-images-idx2-ubyte --log a-labels-idx1-ubyte",
        "train d.csv --test a-images-idx2-ubyte --report ./a-labels-idx1-ubyte",
        "search a-images-idx2-ubyte --report a-labels-idx1-ubyte",
        "predict m.svg a-images-idx2-ubyte -o a-labels-idx1-ubyte",
        "report m.svg a-images-idx2-ubyte -o a-labels-idx1-ubyte",
        "compare d.csv --sweep sweep",
        "plot loss m.svg -o m.svg",
        "plot confusion m.svg d.svg -o ./d.svg",
        "plot loss old -o old/plot.svg",
        "report old -o old/report.html",
        "report old -o old/run.json",
        "predict old d.csv -o old/metrics.jsonl",
        "train d.csv --run r -o r/run.json",
        "train d.csv --run ./r/ -o r/model.safetensors",
        "train d.csv --run r --report r//report.html",
        "train d.csv --run r --log r/../r/metrics.jsonl",
        "train --config c.json -o c.json",
        "train --config c.json --report ./c.json",
        "experiment F --quick --seeds 1 -o site",
    };
    static const char images[] = "\0\0\x08\2\0\0\0\4\0\0\0\2\1\2\3\4\5\6\7\x08",
                      labels[] = "\0\0\x08\1\0\0\0\4\0\1\0\1";
    static const char config[] = "{\"data\": {\"source\": \"d.csv\"}}", page[] = "<p>mine</p>";
    runs_file_write("a-images-idx2-ubyte", images, sizeof images - 1);
    runs_file_write("a-labels-idx1-ubyte", labels, sizeof labels - 1);
    runs_file_write("c.json", config, sizeof config - 1);
    program_do("train d.csv --epochs 2 --device cpu -q -o m.svg --run old");
    cr_assert(mkdir("site", 0700) == 0 && symlink("d.csv", "sweep.svg") == 0 &&
              link("d.csv", "d.svg") == 0 && symlink("../m.svg", "old/plot.svg") == 0);
    runs_file_write("site/index.html", page, sizeof page - 1);
    unlink("old/plot.svg");
    cr_assert_eq(link("old/model.safetensors", "old/plot.svg"), 0);
    for (size_t i = 0; i < RUNS_COUNT(lines); i++)
        expect_refused(lines[i], files, RUNS_COUNT(files));
    cr_expect(access("r", F_OK) != 0 && access("site/F.csv", F_OK) != 0);
    runs_child c = in_folder("stdin", "cp ../d.csv .; $LS predict ../m.svg - -o d.csv < d.csv");
    cr_expect(c.status == 2 && strstr(c.err, "another one"), "%d %s", c.status, c.err);
    runs_child_free(&c);
    /* an experiment may be repeated in its own folder */
    program_do("experiment F --quick --seeds 1 -o own --device cpu -q");
    program_do("experiment F --quick --seeds 1 -o own --device cpu -q");
}

/* ---- Hashes ---------------------------------------------------------------------------------- */

/* A file of another version of the program is not what this one would write. */
Test(outputs, the_printed_hash_is_that_of_the_file)
{
    char hex[65];
    program_do("train d.csv --epochs 2 --device cpu -q -o m.st");
    size_t size;
    char *bytes = runs_file_read("m.st", &size);
    unsigned char *at = (unsigned char *)bytes;
    uint64_t length = 0;
    for (int i = 0; i < 8; i++) length |= (uint64_t)at[i] << (8 * i);
    char *longer = calloc(1, size + 8); /* a header with more blanks behind it */
    cr_assert_not_null(longer);
    memcpy(longer, bytes, 8 + length);
    memset(longer + 8 + length, ' ', 8);
    memcpy(longer + 16 + length, bytes + 8 + length, size - 8 - length);
    length += 8;
    for (int i = 0; i < 8; i++) longer[i] = (char)(length >> (8 * i));
    runs_file_write("longer.st", longer, size + 8);
    runs_file_sha256("longer.st", hex);
    char *shown = runs_program_expect("show longer.st", 0);
    cr_expect(strstr(shown, hex), "show prints another hash than %s: %s", hex, shown);
    free(shown);
    shown = runs_program_expect("show longer.st --json", 0);
    cr_expect(strstr(shown, hex), "%s", shown);
    free(shown);
    program_do("report longer.st -o r.html");
    char *page = runs_file_read("r.html", NULL);
    cr_expect(strstr(page, hex), "the report has another hash");
    free(page);
    free(longer);
    free(bytes);
}

#else
Test(outputs, skipped) { cr_skip_test("the program was not built"); }
#endif
