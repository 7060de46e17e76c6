/* SPDX-License-Identifier: MIT */
#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/cli/base/args.h"
#include "host/cli/base/result_path.h"
#include "host/cli/base/source.h"
#include "host/cli/base/threshold.h"
#include "host/cli/cmd/commands.h"
#include <popt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char intro[] =
    "Writes one line of CSV per row of DATA: the predicted class and the probability of each class (the\n"
    "raw outputs if the model has --output identity). DATA is a file of rows with the model's features;\n"
    "a class column after them is ignored. MODEL is a model file or a run folder.\n"
    "\n"
    "  lockstep predict iris.safetensors new.csv -o predicted.csv\n"
    "  lockstep predict spam.safetensors mail.csv --positive spam --threshold 0.9\n";

typedef struct {
    ls_model *model;
    ls_data *data;
    ls_device *device;
    float *outputs;
    ls_text text;
} predict_work;

/* Adds a CSV field, quoted if necessary. */
static void add_field(ls_text *text, const char *prefix, const char *field)
{
    if (!strpbrk(field, ",\"\r\n")) {
        ls_text_add(text, "%s%s", prefix, field);
        return;
    }
    ls_text_add(text, "\"%s", prefix);
    for (; *field; field++) ls_text_add(text, *field == '"' ? "\"\"" : "%c", *field);
    ls_text_add(text, "\"");
}

static void write_rows(predict_work *w, size_t rows)
{
    size_t classes = ls_model_classes(w->model), outputs = ls_model_outputs(w->model);
    bool raw = !strcmp(ls_model_option(w->model, "output"), "identity");
    add_field(&w->text, "", "class");
    for (size_t k = 0; k < (raw ? outputs : classes); k++) {
        ls_text_add(&w->text, ",");
        if (raw && outputs == 1) add_field(&w->text, "", "output");
        else add_field(&w->text, raw ? "output_" : "p_", ls_model_class_name(w->model, k));
    }
    ls_text_add(&w->text, "\n");
    for (size_t r = 0; r < rows; r++) {
        const float *p = w->outputs + r * outputs;
        add_field(&w->text, "", ls_model_class_name(w->model, ls_model_decide(w->model, p)));
        if (outputs == 1 && !raw)
            ls_text_add(&w->text, ",%.9g,%.9g", (double)(1.0f - p[0]), (double)p[0]);
        else
            for (size_t k = 0; k < outputs; k++) ls_text_add(&w->text, ",%.9g", (double)p[k]);
        ls_text_add(&w->text, "\n");
    }
}

static ls_status work(const source_options *o, const ls_threshold_options *t, const char *model,
                      const char *data, const char *to, predict_work *w, ls_error *err)
{
    LS_TRY(result_check_writable(to, err));
    LS_TRY(result_check_apart(to, data, err));
    LS_TRY(result_check_apart(to, model, err));
    LS_TRY(source_model(model, &w->model, err));
    if (t->positive && !t->threshold)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--positive has no effect without --threshold; give both");
    LS_TRY(ls_model_set_threshold(w->model, NULL, NULL, t, err));
    LS_TRY(source_read(o, data, w->model, &w->data, err));
    size_t rows = ls_data_rows(w->data), size;
    if (!ls_mul_size(rows, ls_model_outputs(w->model), &size))
        return ls_fail(err, LS_ERR_MEMORY, "%s has too many rows", data);
    LS_TRY(source_device(o, &w->device, err));
    LS_TRY(ls_alloc(&w->outputs, size, sizeof *w->outputs, "the predictions", err));
    LS_TRY(ls_model_predict_data(w->model, w->device, w->data, w->outputs, err));
    write_rows(w, rows);
    if (w->text.failed) return ls_fail(err, LS_ERR_MEMORY, "out of memory for the predictions");
    return ls_write_file(to, w->text.text, w->text.length, err);
}

int cmd_predict(int argc, const char **argv)
{
    source_options o;
    ls_threshold_options t = {0};
    predict_work w = {0};
    arguments args = {0};
    ls_error err;
    const char *to = "-";
    source_options_init(&o);
    struct poptOption data[SOURCE_DATA], device[SOURCE_DEVICE], threshold[THRESHOLD_OPTIONS];
    source_data_table(&o, data);
    source_device_table(&o, device);
    threshold_table(&t, false, threshold);
    memset(&device[4], 0, sizeof device[4]); /* predictions are CSV, so there is no --json */
    struct poptOption table[] = {
        {NULL, 'o', POPT_ARG_STRING, &to, 0, "write to this file (default: standard output)",
         "FILE.csv"},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, threshold, 0,
         "Decision (two classes; default: the model's):", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, data, 0, "Data:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "MODEL DATA", intro, 2, 2, NULL, NULL);
    if (status == EXIT_OK && work(&o, &t, args.operand[0], args.operand[1], to, &w, &err) != LS_OK)
        status = complain_error("predict", &err);
    free(w.text.text);
    free(w.outputs);
    ls_device_close(w.device);
    ls_data_free(w.data);
    ls_model_free(w.model);
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
