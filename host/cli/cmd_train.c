/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../model.h"
#include "report.h"

static const char intro[] =
    "DATA is a CSV file, its last column the class unless --target says otherwise, or the name of a\n"
    "generator (lockstep make --help lists them). With no other option a sensible network is trained.\n"
    "\n"
    "  lockstep train iris.csv -o iris.safetensors --split 0.2\n"
    "  lockstep train moons --hidden 20,20 --activation tanh --optimizer adam --lr 0.01 --epochs 500\n"
    "  lockstep train data.csv --patience 20 --epochs 10000      stop early, keep the best weights\n"
    "  lockstep train spam.csv --validation 0.2 --positive spam --threshold best-f1\n"
    "  lockstep train train-images-idx3-ubyte.gz                 MNIST; gzip, IDX and NPY are read as they are\n"
    "\n"
    "Columns of text become categories, missing values (nothing, ?, NA) are filled in from the training\n"
    "rows; with such data, and no option that says when to stop, --patience 10 holds.\n"
    "\n"
    "The same data, options and seed give the same model, bit for bit, on every exact device. The last\n"
    "line printed begins with the SHA-256 of the model file. Ctrl-C stops after the epoch at hand, saves\n"
    "what there is and exits with 130.\n";

typedef struct {
    source_options source;
    ls_options *options;
    const char *test, *save, *report;
    double split;
    ls_threshold_options threshold;
    bool stopping; /* whether an option says when to stop */
} train_arguments;

/* What is at work, and freed at the end whatever happened. */
typedef struct {
    ls_data *train, *test;
    ls_device *device;
    device_report report;
    ls_model *model;
    ls_metrics *on_train, *on_test;
} train_work;

/* Lines of progress at most, where they do not overwrite each other. */
enum { LINES = 20 };

/* ---- Progress --------------------------------------------------------------------------------------------------- */

typedef struct {
    bool quiet, terminal;
    double shown; /* when the line on the terminal was last drawn */
} progress_state;

static int on_epoch(const ls_progress *p, void *user)
{
    progress_state *state = user;
    bool last = p->epoch == p->epochs;
    uint64_t every = p->epochs > LINES ? p->epochs / LINES : 1;
    double time = state->terminal ? monotonic_seconds() : 0;
    bool due = state->terminal ? last || time - state->shown > 0.1 : p->epoch == 1 || last || p->epoch % every == 0;
    if (state->quiet || !due) return interrupted();
    state->shown = time;
    double speed = p->seconds > 0 ? (double)p->steps / p->seconds : 0;
    double left = p->seconds / (double)p->epoch * (double)(p->epochs - p->epoch);
    fprintf(stderr, "%sepoch %llu/%llu  loss %.6g", state->terminal ? "\r\033[K" : "", (unsigned long long)p->epoch,
            (unsigned long long)p->epochs, p->loss);
    if (!isnan(p->validation_loss)) fprintf(stderr, "  validation loss %.6g", p->validation_loss);
    fprintf(stderr, "  %.0f steps/s", speed);
    if (state->terminal)
        fprintf(stderr, "  %d:%02d:%02d left", (int)(left / 3600), (int)(left / 60) % 60, (int)left % 60);
    if (!state->terminal || last) fputc('\n', stderr);
    return interrupted();
}

/* ---- Arguments -------------------------------------------------------------------------------------------------- */

static int set_option(int val, const char *text, void *user)
{
    train_arguments *a = user;
    const char *value, *name = library_option(val, text, &value)->name;
    a->stopping |= !strcmp(name, "epochs") || !strcmp(name, "patience") || !strcmp(name, "validation") || !strcmp(name, "tolerance") ||
                   !strcmp(name, "time-limit");
    return library_set(a->options, val, text, "train");
}

static int parse(train_arguments *a, arguments *args, struct poptOption *library, int argc, const char **argv)
{
    struct poptOption data[SOURCE_DATA], device[6], threshold[THRESHOLD_OPTIONS];
    source_data_table(&a->source, data);
    source_device_table(&a->source, device);
    threshold_table(&a->threshold, true, threshold);
    struct poptOption table[] = {
        {NULL, 'o', POPT_ARG_STRING, &a->save, 0, "write the model to this file (safetensors)", "MODEL"},
        {"test", 0, POPT_ARG_STRING, &a->test, 0, "a second file to test on", "FILE"},
        {"report", 0, POPT_ARG_STRING, &a->report, 0, "write a page about the training to this file (HTML)", "FILE"},
        {"split", 0, POPT_ARG_DOUBLE, &a->split, 0, "hold this share of the rows out to test on", "SHARE"},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, data, 0, "Data:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, threshold, 0, "Decision (two classes), kept in the model; best-f1 is chosen on the rows of --validation, or without on the training rows:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, library, 0, "Network and training:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device and output:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(args, argc, argv, table, "DATA", intro, 1, 1, set_option, a);
    if (status == EXIT_OK && a->test && a->split > 0)
        status = complain("train", EXIT_USAGE, "give --test or --split, not both");
    if (status == EXIT_OK && (a->split < 0 || a->split >= 1))
        status = complain("train", EXIT_USAGE, "--split: %g is not a share between 0 and 1", a->split);
    return status;
}

/* ---- Work ------------------------------------------------------------------------------------------------------- */

static ls_status read_test(const train_arguments *a, train_work *w, ls_error *err)
{
    source_options o = a->source;
    o.labels = o.columns = o.drop = o.categorical = o.missing = NULL; /* as the training data have it */
    LS_TRY(source_read_file(&o, a->test, NULL, w->train, &w->test, err));
    return ls_data_y(w->test) ? LS_OK : ls_fail(err, LS_ERR_DATA, "%s: has no class column to compare with", a->test);
}

static ls_status load(const train_arguments *a, const char *name, train_work *w, ls_error *err)
{
    uint64_t seed = 1;
    LS_TRY(source_read(&a->source, name, NULL, &w->train, err));
    if (a->test) return read_test(a, w, err);
    if (!(a->split > 0)) return LS_OK;
    ls_data *rest, *part;
    /* the seed that was asked for decides the split too */
    ls_parse_u64(ls_options_get(a->options, "seed"), &seed);
    LS_TRY(ls_data_split(w->train, a->split, seed, &rest, &part, err));
    ls_data_free(w->train);
    w->train = rest;
    w->test = part;
    return LS_OK;
}

/* Data as people have it: with categories or gaps. What was read of it is told, and where nothing says when to stop, the loss on rows
 * held out does: categories that few rows have are soon learnt by heart. */
static ls_status prepare_mixed(const train_arguments *a, const train_work *w, bool quiet, ls_error *err)
{
    size_t categorical = 0, missing = 0, gaps = 0, columns = ls_data_columns(w->train), dropped = ls_data_dropped(w->train);
    for (size_t c = 0; c < columns; c++) {
        ls_column_info info;
        LS_TRY(ls_data_column(w->train, c, &info, err));
        categorical += info.categorical != 0;
        missing += info.missing;
        gaps += info.missing > 0;
    }
    if (dropped && !quiet) fprintf(stderr, "note: %zu rows with missing values were left out (--missing drop)\n", dropped);
    if (!categorical && !missing) return LS_OK;
    if (!quiet)
        fprintf(stderr, "note: %zu of %zu columns have categories; %zu values are missing, in %zu columns\n", categorical, columns, missing, gaps);
    return a->stopping ? LS_OK : ls_options_set(a->options, "patience", "10", err);
}

/* What of the command line is not kept in the model: where the rows came from. */
static ls_status write_report(const train_arguments *a, const char *name, const train_work *w, ls_error *err)
{
    ls_text more = {0};
    if (a->source.target) ls_text_add(&more, " --target '%s'", a->source.target);
    if (a->source.rows) ls_text_add(&more, " --rows %lld", a->source.rows);
    if (a->source.noise >= 0) ls_text_add(&more, " --noise %g", a->source.noise);
    if (a->source.data_seed != 1) ls_text_add(&more, " --data-seed %lld", a->source.data_seed);
    if (a->test) ls_text_add(&more, " --test '%s'", a->test);
    if (a->split > 0) ls_text_add(&more, " --split %g", a->split);
    if (a->threshold.positive) ls_text_add(&more, " --positive '%s'", a->threshold.positive);
    if (a->threshold.threshold) ls_text_add(&more, " --threshold %s", a->threshold.threshold);
    const report_input in = {.model = w->model, .device = w->device, .trained_on_it = true, .data = w->train, .test = w->test,
                             .data_label = "training rows", .source = name, .more = more.text};
    ls_status status = report_write(&in, a->report, err);
    free(more.text);
    return status;
}

static ls_status work(const train_arguments *a, const char *name, train_work *w, ls_error *err)
{
    progress_state progress = {.quiet = a->source.quiet || a->source.json, .terminal = isatty(STDERR_FILENO) != 0};
    if (a->save && !strcmp(a->save, "-"))
        return ls_fail(err, LS_ERR_ARGUMENT, "-o -: the report goes to standard output; name a file for the model");
    LS_TRY(source_check_writable(a->save, err));
    LS_TRY(source_check_writable(a->report, err));
    LS_TRY(source_check_apart(a->save, name, err));
    LS_TRY(source_check_apart(a->report, name, err));
    LS_TRY(source_check_apart(a->report, a->test, err));
    LS_TRY(source_check_apart(a->save, a->test, err));
    LS_TRY(load(a, name, w, err));
    LS_TRY(prepare_mixed(a, w, progress.quiet, err));
    LS_TRY(ls_threshold_check(&a->threshold, a->options, w->train, err));
    LS_TRY(source_device(&a->source, &w->device, err));
    if (!a->save && !progress.quiet)
        fprintf(stderr, "note: no -o MODEL was given, so the model will not be kept\n");
    interrupt_catch();
    ls_status status = ls_train(w->device, a->options, w->train, on_epoch, &progress, &w->model, err);
    if (progress.terminal && !progress.quiet && (status != LS_OK || interrupted())) fputc('\n', stderr);
    LS_TRY(status);
    LS_TRY(ls_model_set_threshold(w->model, w->device, w->train, &a->threshold, err));
    device_report_take(&w->report, w->device);
    if (a->save) LS_TRY(ls_model_save(w->model, a->save, err));
    if (a->report) LS_TRY(write_report(a, name, w, err));
    LS_TRY(ls_model_evaluate(w->model, w->device, w->train, &w->on_train, err));
    return w->test ? ls_model_evaluate(w->model, w->device, w->test, &w->on_test, err) : LS_OK;
}

/* ---- Results ---------------------------------------------------------------------------------------------------- */

static double speed_of(const ls_summary *s) { return s->seconds > 0 ? (double)s->steps / s->seconds : 0; }

static json_t *history_json(const ls_model *model)
{
    size_t n;
    const ls_history_point *h = ls_model_history(model, &n);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *point = json_pack("{s:I,s:o}", "epoch", (json_int_t)h[i].epoch, "loss", number_json((double)h[i].loss));
        if (!isnan(h[i].validation_loss))
            json_object_set_new(point, "validation_loss", json_real((double)h[i].validation_loss));
        json_array_append_new(list, point);
    }
    return list;
}

static void report_json(const train_arguments *a, const train_work *w, const char *hash, const char *weights)
{
    ls_summary s;
    ls_model_summary(w->model, &s);
    json_t *options = json_object();
    for (size_t i = 0; i < ls_option_count(); i++)
        json_object_set_new(options, ls_option_at(i)->name, json_string(ls_model_option(w->model, ls_option_at(i)->name)));
    json_t *o = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:s,s:f,s:f,s:o}", "device", w->report.info.name,
                          "arithmetic", w->report.info.exact ? "exact" : "approximate", "parameters", (json_int_t)s.parameters, "epochs",
                          (json_int_t)s.epochs, "steps", (json_int_t)s.steps, "best_epoch", (json_int_t)s.best_epoch,
                          "stopped", interrupted() ? "interrupted" : s.stopped, "seconds", s.seconds, "steps_per_second",
                          speed_of(&s), "loss", number_json(s.loss));
    json_object_set_new(o, "choice", device_report_json(&w->report));
    json_object_set_new(o, "train", metrics_json(w->on_train, w->model));
    if (w->on_test) json_object_set_new(o, "test", metrics_json(w->on_test, w->model));
    json_object_set_new(o, "history", history_json(w->model));
    json_object_set_new(o, "options", options);
    json_object_set_new(o, "model", a->save ? json_string(a->save) : json_null());
    json_object_set_new(o, "weights_sha256", json_string(weights));
    json_object_set_new(o, "sha256", json_string(hash));
    print_json(o);
}

static void report_text(const train_arguments *a, const train_work *w, const char *hash)
{
    ls_summary s;
    char widths[256];
    ls_model_summary(w->model, &s);
    describe_widths(w->model, widths, sizeof widths);
    device_report_print(&w->report);
    printf("network    %s, %llu parameters\n", widths, (unsigned long long)s.parameters);
    printf("trained    %llu epochs, %llu steps in %.2f s (%.0f steps/s), stopped by %s\n", (unsigned long long)s.epochs,
           (unsigned long long)s.steps, s.seconds, speed_of(&s), interrupted() ? "interruption" : s.stopped);
    if (s.best_epoch != s.epochs) printf("kept       the weights of epoch %llu, the best validation loss\n", (unsigned long long)s.best_epoch);
    const ls_decision decision = ls_model_decision(w->model);
    print_decision("decision   ", &decision, w->model);
    print_metrics_header();
    print_metrics("train", w->on_train);
    if (w->on_test) print_metrics("test", w->on_test);
    if (a->save) printf("%s  %s\n", hash, a->save);
    else printf("%s\n", hash);
}

static int report(const train_arguments *a, const train_work *w)
{
    char hash[65], weights[65];
    ls_error err;
    if (ls_model_sha256(w->model, hash, &err) != LS_OK) return complain_error("train", &err);
    ls_model_weights_sha256(w->model, weights);
    if (a->source.json) report_json(a, w, hash, weights);
    else report_text(a, w, hash);
    if (!interrupted()) return EXIT_OK;
    return complain("train", EXIT_INTERRUPTED, a->save ? "interrupted; the model so far is in %s" : "interrupted",
                    a->save);
}

static void free_work(train_work *w)
{
    ls_metrics_free(w->on_train);
    ls_metrics_free(w->on_test);
    ls_model_free(w->model);
    ls_device_close(w->device);
    ls_data_free(w->train);
    ls_data_free(w->test);
}

int cmd_train(int argc, const char **argv)
{
    train_arguments a = {0};
    train_work w = {0};
    arguments args = {0};
    ls_error err;
    source_options_init(&a.source);
    if (ls_options_create(&a.options, &err) != LS_OK) return complain_error("train", &err);
    struct poptOption *library = library_table();
    int status = library ? parse(&a, &args, library, argc, argv) : complain("train", EXIT_FAILED, "out of memory");
    if (status == EXIT_OK)
        status = work(&a, args.operand[0], &w, &err) == LS_OK ? report(&a, &w) : complain_error("train", &err);
    free_work(&w);
    arguments_free(&args);
    library_table_free(library);
    ls_options_free(a.options);
    return status < 0 ? EXIT_OK : status;
}
