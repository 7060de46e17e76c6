/* SPDX-License-Identifier: MIT */
#include "host/base/clock.h"
#include "host/base/error.h"
#include "host/base/memory.h"
#include "host/cli/base/args.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/notes.h"
#include "host/cli/base/phases.h"
#include "host/cli/base/progress.h"
#include "host/cli/base/result_path.h"
#include "host/cli/base/source.h"
#include "host/cli/base/terminal.h"
#include "host/cli/base/threshold.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/cmd/prediction_lines.h"
#include "host/cli/cmd/read_ahead.h"
#include "host/cli/run/split.h"
#include "host/data/data.h"
#include "host/model/infer.h"
#include "host/model/reader_keep.h"
#include <limits.h>
#include <popt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char intro[] =
    "Writes one line of CSV per row of DATA, in the order of the rows:\n"
    "  classes     the class and the probability of each class, p_NAME (the raw outputs if the model\n"
    "              has --output identity)\n"
    "  regression  the number, in the unit of the target; one column per target\n"
    "  labels      0 or 1 for each label, then the probability of each, p_NAME\n"
    "DATA is a file of rows with the model's features (CSV, IDX, NPY), or - for standard input; a\n"
    "target column in it is not read. MODEL is a model file or a run folder.\n"
    "\n"
    "Rows are read, predicted and written in blocks: memory does not grow with the file. At a row that\n"
    "cannot be read, predict ends with status 1. Standard output then has a line for each row before\n"
    "it; a file (-o) appears only when all rows are done. A row so far outside the training rows that\n"
    "the network's output is not a finite number gets no class and NaN for each number; all rows are\n"
    "done then, and the status is 1.\n"
    "\n"
    "  lockstep predict iris.safetensors new.csv -o predicted.csv\n"
    "  lockstep predict iris.safetensors iris.csv --split test     the rows that train --split held out,\n"
    "                                                              each with its number\n"
    "  lockstep predict iris.safetensors new.csv --id key --top 2      the key, and two classes a row\n"
    "  lockstep predict spam.safetensors mail.csv --positive spam --threshold 0.9\n"
    "  zcat sensors.csv.gz | lockstep predict pump.safetensors - > predicted.csv\n";

/* What is written beside the predictions, and how. */
typedef struct {
    const char *id, *keep; /* columns to pass through, or NULL */
    const char *split;     /* a part of the training data, or NULL for all of DATA */
    int top;
    int json;
} predict_style;

typedef struct {
    const char *name; /* of the data */
    ls_model *model;
    ls_device *device;
    ls_inference *inference;
    ls_reader *reader; /* of a file */
    read_ahead *ahead;
    ls_data *data;  /* or all rows: generated ones, or a part of the training data */
    float *outputs; /* of a block */
    prediction_lines lines;
    ls_sink *file;
    /* Progress on a terminal. */
    bool shown;
    size_t rows; /* written so far */
    double started, reported;
} predict_work;

/* ---- Progress -------------------------------------------------------------------------------- */

static void show_progress(predict_work *w, double share)
{
    enum { PER_SECOND = 5 };
    double now = ls_clock();
    if (!w->shown || now - w->reported < 1.0 / PER_SECOND) return;
    w->reported = now;
    char done[32] = "";
    if (share > 0) snprintf(done, sizeof done, " (%.0f %%)", 100 * share);
    progress_line("predicting %zu rows%s, %.0f rows/s  %s", w->rows, done,
                  (double)w->rows / (now - w->started), w->name);
}

/* ---- Predicting ------------------------------------------------------------------------------ */

static ls_status predict_block(predict_work *w, const ls_data *block, ls_error *err)
{
    LS_TRY(ls_inference_run(w->inference, block, w->outputs, NULL, err));
    LS_TRY(prediction_lines_add(&w->lines, block, w->outputs, err));
    w->rows += block->rows;
    return LS_OK;
}

static ls_status predict_rows(predict_work *w, ls_error *err)
{
    const size_t rows = ls_data_rows(w->data), most = ls_inference_rows(w->inference);
    for (size_t at = 0; at < rows; at += most) {
        const ls_data block = ls_data_block(w->data, at, rows - at < most ? rows - at : most);
        LS_TRY(predict_block(w, &block, err));
        show_progress(w, (double)w->rows / (double)rows);
    }
    return LS_OK;
}

static ls_status predict_blocks(const source_options *o, predict_work *w, ls_error *err)
{
    for (ls_data *block;; ls_data_free(block)) {
        double share;
        LS_TRY(read_ahead_next(w->ahead, &block, &share, err));
        if (!block) return LS_OK;
        if (!w->rows && !o->quiet) notes_print(block, NULL);
        ls_status status = predict_block(w, block, err);
        if (status != LS_OK) {
            ls_data_free(block);
            return status;
        }
        show_progress(w, share);
    }
}

static ls_status predict_file(const source_options *o, predict_work *w, ls_error *err)
{
    unsigned threads;
    LS_TRY(source_threads(o, &threads, err));
    LS_TRY(read_ahead_open(w->reader, ls_inference_rows(w->inference), threads != 1, &w->ahead,
                           err));
    return predict_blocks(o, w, err);
}

/* ---- The command ----------------------------------------------------------------------------- */

/* Opens the rows. */
static ls_status open_rows(const source_options *o, const predict_style *style, predict_work *w,
                           ls_error *err)
{
    if (style->split) {
        if (style->id || style->keep)
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "--%s does not go with --split, which writes the number of each row",
                           style->id ? "id" : "keep");
        return split_read(w->model, o, w->name, style->split, &w->data, err);
    }
    if (source_is_generated(w->name)) {
        if (style->id || style->keep)
            return ls_fail(err, LS_ERR_ARGUMENT, "--%s is for files, but %s is a generator",
                           style->id ? "id" : "keep", w->name);
        return source_read(o, w->name, w->model, &w->data, err);
    }
    LS_TRY(source_rows(o, w->name, w->model, &w->reader, err));
    if (style->id) LS_TRY(ls_reader_keep(w->reader, "id", style->id, err));
    return style->keep ? ls_reader_keep(w->reader, "keep", style->keep, err) : LS_OK;
}

static ls_status prepare(const source_options *o, const predict_style *style,
                         const ls_threshold_options *t, const char *model, const char *to,
                         predict_work *w, ls_error *err)
{
    size_t outputs;
    result_paths paths = {0};
    result_reads(&paths, model);
    result_reads_rows(&paths, w->name);
    result_reads(&paths, o->labels);
    result_writes(&paths, to);
    LS_TRY(result_check(&paths, err));
    LS_TRY(source_model(model, &w->model, err));
    if (t->positive && !t->threshold)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--positive has no effect without --threshold; give both");
    LS_TRY(ls_model_set_threshold(w->model, NULL, NULL, t, err));
    LS_TRY(open_rows(o, style, w, err));
    LS_TRY(source_device(o, &w->device, err));
    LS_TRY(ls_inference_open(w->model, w->device, UINT32_MAX, &w->inference, err));
    if (!ls_mul_size(ls_inference_rows(w->inference), ls_model_outputs(w->model), &outputs))
        return ls_fail(err, LS_ERR_MEMORY, "the model has too many outputs");
    LS_TRY(ls_alloc(&w->outputs, outputs, sizeof *w->outputs, "the predictions", err));
    bool terminal = !strcmp(to, "-") && isatty(STDOUT_FILENO);
    const prediction_style lines = {.top = (size_t)style->top,
                                    .json = style->json != 0,
                                    .number = style->split != NULL,
                                    .visible = terminal};
    return prediction_lines_open(&w->lines, w->model, lines, w->reader, err);
}

static ls_status work(const source_options *o, const predict_style *style,
                      const ls_threshold_options *t, const char *model, const char *to,
                      predict_work *w, ls_error *err)
{
    LS_TRY(prepare(o, style, t, model, to, w, err));
    LS_TRY(ls_sink_open(to, &w->file, err));
    interrupt_removes(ls_sink_temporary(w->file));
    w->shown = !o->quiet && progress_live() && (strcmp(to, "-") || !isatty(STDOUT_FILENO));
    w->started = w->reported = ls_clock();
    LS_TRY(prediction_lines_begin(&w->lines, w->file, err));
    double begun = phase_begin();
    ls_status status = w->data ? predict_rows(w, err) : predict_file(o, w, err);
    progress_clear();
    LS_TRY(status);
    phase_end(begun, "read, predicted and wrote %zu rows", w->rows);
    ls_sink *file = w->file;
    w->file = NULL;
    LS_TRY(ls_sink_finish(file, err));
    return prediction_lines_check(&w->lines, err);
}

static void close_work(predict_work *w)
{
    ls_sink_drop(w->file);
    interrupt_removes(NULL);
    prediction_lines_close(&w->lines);
    free(w->outputs);
    ls_inference_close(w->inference);
    ls_device_close(w->device);
    ls_data_free(w->data);
    read_ahead_close(w->ahead);
    ls_reader_close(w->reader);
    ls_model_free(w->model);
}

int cmd_predict(int argc, const char **argv)
{
    source_options o;
    ls_threshold_options t = {0};
    predict_work w = {0};
    arguments args = {0};
    ls_error err;
    predict_style style = {.top = INT_MIN};
    const char *to = "-";
    source_options_init(&o);
    o.no_target = 1;
    struct poptOption data[SOURCE_DATA], device[SOURCE_DEVICE], threshold[THRESHOLD_OPTIONS];
    source_model_table(&o, data);
    source_hide(data, "sample");
    source_device_table(&o, device);
    threshold_table(&t, false, threshold);
    source_drop(device, "json"); /* it is another one here */
    struct poptOption table[] = {
        {NULL, 'o', POPT_ARG_STRING, &to, 0, "write to this file (default: standard output)",
         "FILE.csv"},
        {"id", 0, POPT_ARG_STRING, &style.id, 0,
         "write this column of the file in front of the predictions, as it stands there",
         "NAME|INDEX"},
        {"keep", 0, POPT_ARG_STRING, &style.keep, 0,
         "the same for several columns, separated by commas, or all", "LIST|all"},
        {"top", 0, POPT_ARG_INT, &style.top, 0,
         "classes: write only the K most probable classes, the most probable first", "K"},
        {"json", 0, POPT_ARG_NONE, &style.json, 0, "write one JSON object a row instead of CSV",
         NULL},
        OPTION_SPLIT(style.split),
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, threshold, 0,
         "Decision (two classes; default: the model's):", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, data, 0, "Data:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "MODEL DATA...", intro, 2, 2, NULL,
                                 NULL);
    w.name = args.operand[1];
    if (status == EXIT_OK && o.sample != SOURCE_ALL_ROWS)
        status = complain("predict", EXIT_USAGE,
                          "--sample: predict writes one line for every row of the file");
    if (status == EXIT_OK && style.top != INT_MIN && style.top < 1)
        status = complain("predict", EXIT_USAGE, "--top is %d, but must be at least 1", style.top);
    if (style.top == INT_MIN) style.top = 0;
    if (status == EXIT_OK && work(&o, &style, &t, args.operand[0], to, &w, &err) != LS_OK)
        status = complain_error("predict", &err);
    close_work(&w);
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
