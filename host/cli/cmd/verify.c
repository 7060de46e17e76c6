/* SPDX-License-Identifier: MIT */
#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/json.h"
#include "host/base/text.h"
#include "host/cli/base/args.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/source.h"
#include "host/cli/base/terminal.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/run/compare_files.h"
#include "host/cli/run/compare_reports.h"
#include "host/cli/run/config.h"
#include "host/cli/run/config_read.h"
#include "host/cli/run/run_folder.h"
#include "host/cli/run/training.h"
#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <popt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char intro[] =
    "Compares A and B, two run folders (of train --run) or two model files, bit by bit, and prints the\n"
    "first difference: the tensor and its element, the epoch, or the entry. timing.jsonl is not\n"
    "compared. With one run folder, the training is repeated on the chosen device from the data that\n"
    "the run names, and the two runs are compared. Where the files lie does not matter, their bytes do.\n"
    "\n"
    "  lockstep verify mine theirs                        the same training on two machines\n"
    "  lockstep verify a.safetensors b.safetensors        two models\n"
    "  lockstep verify theirs --device 1                  repeat their run on device 1\n"
    "  lockstep verify theirs --data here/iris.csv        repeat it; the data are here\n"
    "\n"
    "The plots in report.html depend on the version of gnuplot; use --no-report if the versions differ.\n"
    "Exit status: 0 same, 1 different, 2 wrong usage or a file that cannot be read.\n";

typedef struct {
    source_options source; /* the device, quiet and json */
    int no_report;
    const char *path[2];
    bool repeat;
    run_config elsewhere; /* where files of the run are now */
} verify_arguments;

enum { MOST_FILES = 4 };

typedef struct {
    file_pair pair[MOST_FILES];
    size_t count;
    char *path[MOST_FILES][2]; /* owned; the pairs point here */
    char *folder;              /* of a repetition, owned; removed at the end */
} verify_work;

/* ---- Comparing ------------------------------------------------------------------------------- */

static ls_status is_folder(const char *path, bool *out, ls_error *err)
{
    struct stat about;
    assert(path);
    if (stat(path, &about) != 0) return ls_fail(err, LS_ERR_IO, "%s: %s", path, strerror(errno));
    *out = S_ISDIR(about.st_mode);
    return LS_OK;
}

static ls_status compare_file(verify_work *w, int file, const char *const at[2],
                              const bool folder[2], ls_error *err)
{
    file_pair *p = &w->pair[w->count];
    p->name = run_file_names[file];
    for (int i = 0; i < 2; i++) {
        p->inside[i] = folder[i];
        p->path[i] = w->path[w->count][i] = folder[i] ? run_file_path(at[i], file)
                                                      : ls_strdup(at[i]);
        if (!p->path[i])
            return ls_fail(err, LS_ERR_MEMORY, "out of memory for the name of a file in %s", at[i]);
    }
    w->count++;
    return file_pair_compare(p, err);
}

static ls_status compare(const verify_arguments *a, const char *const at[2], verify_work *w,
                         ls_error *err)
{
    bool folder[2] = {false, false};
    for (int i = 0; i < 2; i++) {
        LS_TRY(is_folder(at[i], &folder[i], err));
        char *noted = folder[i] ? run_file_path(at[i], RUN_JSON) : NULL;
        bool run = !folder[i] || (noted && access(noted, F_OK) == 0);
        free(noted);
        if (!run)
            return ls_fail(err, LS_ERR_DATA, "%s is not a run folder: it has no run.json", at[i]);
    }
    LS_TRY(compare_file(w, RUN_MODEL, at, folder, err));
    for (int i = 0; i < 2 && !(folder[0] && folder[1]); i++)
        if (!w->pair[0].bytes[i]) return ls_fail(err, LS_ERR_IO, "%s: no such file", w->path[0][i]);
    if ((!folder[0] || !folder[1]) && a->no_report)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--no-report is for two run folders; models have no report");
    if (!folder[0] || !folder[1]) return LS_OK;
    LS_TRY(compare_file(w, RUN_METRICS, at, folder, err));
    LS_TRY(compare_file(w, RUN_JSON, at, folder, err));
    if (a->no_report) return LS_OK;
    const file_pair *run = &w->pair[w->count - 1];
    LS_TRY(compare_file(w, RUN_REPORT, at, folder, err));
    if (run->same) reports_forgive_names(&w->pair[w->count - 1], run->source);
    return LS_OK;
}

/* ---- Repeating ------------------------------------------------------------------------------- */

/* Reads after which epoch the run was interrupted; 0 if it was not. Fails if the run cannot be
 * repeated. */
static ls_status read_end(const char *path, const verify_arguments *a, uint64_t *until,
                          ls_error *err)
{
    run_config config;
    LS_TRY(config_read(path, &config, err));
    json_t *result = json_object_get(config.root, "result");
    const char *stopped = json_string_value(json_object_get(result, "stopped")),
               *version = json_string_value(json_object_get(config.root, "lockstep"));
    json_int_t epochs = json_integer_value(json_object_get(result, "epochs"));
    ls_status status = LS_OK;
    if (!stopped)
        status = ls_fail(
            err, LS_ERR_DATA,
            "%s has no result: the run did not end properly, so there is nothing to compare with",
            path);
    else if (!strcmp(stopped, "time"))
        status = ls_fail(
            err, LS_ERR_DATA,
            "%s: the run was stopped by --time-limit, so a repetition would stop at another epoch",
            path);
    else if (!strcmp(stopped, "interrupted") && epochs < 1)
        status = ls_fail(err, LS_ERR_DATA, "%s is damaged: interrupted after %lld epochs", path,
                         (long long)epochs);
    else *until = !strcmp(stopped, "interrupted") ? (uint64_t)epochs : 0;
    if (status == LS_OK && version && strcmp(version, ls_version()) && !a->source.quiet &&
        !a->source.json)
        terminal_print(
            stderr,
            "note: %s was written by Lockstep %.20s, and this is %s: models are only guaranteed to be identical within one version\n",
            path, version, ls_version());
    config_free(&config);
    return status;
}

/* Makes a new empty folder in TMPDIR or /tmp. */
static ls_status make_folder(char **out, ls_error *err)
{
    const char *place = getenv("TMPDIR");
    ls_text path = {0};
    ls_text_add(&path, "%s/lockstep-verify-XXXXXX", place && *place ? place : "/tmp");
    if (!path.failed && mkdtemp(path.text)) {
        *out = path.text;
        return LS_OK;
    }
    ls_status status =
        ls_fail(err, LS_ERR_IO,
                "%s: cannot create a temporary folder there: %s; set TMPDIR to another folder",
                place && *place ? place : "/tmp", strerror(errno));
    free(path.text);
    return status;
}

static void remove_folder(char *path)
{
    for (int i = 0; path && i < RUN_FILES; i++) {
        char *file = run_file_path(path, i);
        if (file) unlink(file);
        free(file);
    }
    if (path) rmdir(path);
    free(path);
}

/* Checks that a file of somebody else's folder is one, before it is opened to be read. */
static ls_status check_regular(const char *path, ls_error *err)
{
    int file;
    size_t size;
    LS_TRY(ls_open_regular(path, &file, &size, err));
    close(file);
    return LS_OK;
}

static ls_status repeat(const verify_arguments *a, verify_work *w, ls_error *err)
{
    bool folder = false;
    uint64_t until = 0;
    LS_TRY(is_folder(a->path[0], &folder, err));
    if (!folder)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "%s is not a run folder, so it cannot be repeated; name two files to compare them",
            a->path[0]);
    char *config = run_file_path(a->path[0], RUN_JSON);
    ls_status status = config ? check_regular(config, err)
                              : ls_fail(err, LS_ERR_MEMORY, "out of memory for a name");
    if (status == LS_OK) status = read_end(config, a, &until, err);
    if (status == LS_OK) status = make_folder(&w->folder, err);
    if (status == LS_OK)
        status = training_repeat(config, a->path[0], w->folder, &a->elsewhere, &a->source, until,
                                 err);
    free(config);
    return status == LS_ERR_DIVERGED ? LS_OK : status; /* the original run may have diverged, too */
}

/* ---- Results --------------------------------------------------------------------------------- */

static bool all_same(const verify_work *w)
{
    for (size_t i = 0; i < w->count; i++)
        if (!w->pair[i].same) return false;
    return true;
}

static void print_text(const verify_arguments *a, const verify_work *w)
{
    size_t different = 0;
    for (size_t i = 0; i < w->count; i++) {
        const file_pair *p = &w->pair[i];
        const char *hash = json_string_value(json_object_get(p->detail, "sha256"));
        different += !p->same;
        terminal_print(stdout, "%-18s %-10s %s\n", p->name, p->same ? "same" : "DIFFERENT",
                       p->message.text ? p->message.text
                       : hash          ? hash
                                       : "");
    }
    const char *what = a->repeat      ? "The run and its repetition"
                       : w->count > 1 ? "The runs"
                                      : "The models";
    if (!different) terminal_print(stdout, "%s are the same, bit for bit.\n", what);
    else if (different == 1 && !w->pair[w->count - 1].same && w->count == MOST_FILES)
        terminal_print(
            stdout,
            "%s are the same except for report.html, which depends on the version of gnuplot (--no-report skips it).\n",
            what);
    else terminal_print(stdout, "%s are DIFFERENT.\n", what);
}

/* JSON cannot represent a path that is not valid UTF-8. */
static json_t *path_json(const char *path)
{
    return ls_is_utf8(path) ? json_string(path) : json_null();
}

static int print_object(const verify_arguments *a, const verify_work *w)
{
    json_t *files = json_object();
    for (size_t i = 0; i < w->count; i++)
        ls_json_set(&files, w->pair[i].name, json_incref(w->pair[i].detail));
    return print_json("verify",
                      json_pack("{s:b,s:b,s:o,s:o,s:o}", "same", (int)all_same(w), "repeated",
                                (int)a->repeat, "a", path_json(a->path[0]), "b",
                                a->repeat ? json_null() : path_json(a->path[1]), "files", files));
}

static int work(const verify_arguments *a, verify_work *w)
{
    ls_error err;
    ls_status status = a->repeat ? repeat(a, w, &err) : LS_OK;
    if (interrupted())
        return complain("verify", EXIT_INTERRUPTED, "interrupted; nothing was compared");
    const char *const at[2] = {a->path[0], a->repeat ? w->folder : a->path[1]};
    if (status == LS_OK) status = compare(a, at, w, &err);
    if (status != LS_OK) return complain("verify", EXIT_USAGE, "%s", err.message);
    if (!a->source.json) print_text(a, w);
    else if (print_object(a, w) != EXIT_OK) return EXIT_USAGE;
    return all_same(w) ? EXIT_OK : EXIT_FAILED;
}

static void free_work(verify_work *w)
{
    for (size_t i = 0; i < MOST_FILES; i++) {
        file_pair_free(&w->pair[i]);
        free(w->path[i][0]);
        free(w->path[i][1]);
    }
    remove_folder(w->folder);
}

/* Options for a repetition, where two runs are compared. */
static int check_unused(const verify_arguments *a)
{
    const run_config *e = &a->elsewhere;
    const char *unused = e->data                            ? "data"
                         : e->source.labels                 ? "labels"
                         : e->test                          ? "test"
                         : e->from                          ? "from"
                         : strcmp(a->source.device, "auto") ? "device"
                         : a->source.threads                ? "threads"
                         : a->source.allow_approximate      ? "allow-approximate"
                                                            : NULL;
    return unused ? complain("verify", EXIT_USAGE,
                             "--%s is for repeating one run, and two are to be compared", unused)
                  : EXIT_OK;
}

int cmd_verify(int argc, const char **argv)
{
    verify_arguments a = {0};
    verify_work w = {0};
    arguments args = {0};
    struct poptOption device[SOURCE_DEVICE];
    source_options_init(&a.source);
    source_device_table(&a.source, device);
    struct poptOption table[] = {
        {"no-report", 0, POPT_ARG_NONE, &a.no_report, 0, "do not compare report.html", NULL},
        {"data", 0, POPT_ARG_STRING, &a.elsewhere.data, 0,
         "where the data of the run are now; they must be the same file, under any name", "FILE"},
        {"labels", 0, POPT_ARG_STRING, &a.elsewhere.source.labels, 0,
         "where the file of their classes is now", "FILE"},
        {"test", 0, POPT_ARG_STRING, &a.elsewhere.test, 0, "where the test rows are now", "FILE"},
        {"from", 0, POPT_ARG_STRING, &a.elsewhere.from, 0,
         "where the model is now that the training started from", "MODEL"},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0,
         "Device (for repeating a run) and output:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "A [B]", intro, 1, 2, NULL, NULL);
    for (int i = 0; i < args.operands && status == EXIT_OK; i++) a.path[i] = args.operand[i];
    a.repeat = !a.path[1];
    if (status == EXIT_OK && !a.repeat) status = check_unused(&a);
    if (status == EXIT_OK) status = work(&a, &w);
    free_work(&w);
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
