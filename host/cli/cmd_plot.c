/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include "plot.h"

static const char intro[] =
    "Draws one picture of MODEL, by gnuplot. PICTURE is one of:\n"
    "\n"
    "  loss        how the loss fell (needs no DATA)\n"
    "  boundary    what the model makes of the plane, for two features, with DATA's rows\n"
    "  confusion   true against predicted classes of DATA\n"
    "  roc         true against false positives of DATA, for two classes\n"
    "\n"
    "  lockstep plot boundary moons.safetensors moons -o moons.svg\n";

typedef struct {
    ls_model *model;
    ls_data *data;
    ls_device *device;
    ls_metrics *metrics;
    ls_text script;
} plot_work;

static ls_status read_rows(const source_options *o, const char *picture, const char *data, plot_work *w, ls_error *err)
{
    if (!data) return ls_fail(err, LS_ERR_ARGUMENT, "%s is a picture of rows: name their file behind the model", picture);
    LS_TRY(source_read(o, data, w->model, &w->data, err));
    if (!ls_data_classes(w->data) || !ls_data_y(w->data)) return ls_fail(err, LS_ERR_DATA, "%s has no class column", data);
    return source_device(o, &w->device, err);
}

static ls_status work(const source_options *o, const arguments *args, const char *path, plot_work *w, ls_error *err)
{
    const char *picture = args->operand[0], *data = args->operands > 2 ? args->operand[2] : NULL;
    static const char *const names[] = {"loss", "boundary", "confusion", "roc"};
    size_t which = 0;
    while (which < 4 && strcmp(picture, names[which])) which++;
    if (which == 4) return ls_fail(err, LS_ERR_ARGUMENT, "there is no picture '%.40s'; there are loss, boundary, confusion and roc", picture);
    LS_TRY(source_check_writable(path, err));
    LS_TRY(ls_model_load(args->operand[1], &w->model, err));
    if (which) LS_TRY(read_rows(o, picture, data, w, err));
    if (which == 0) plot_model_loss(&w->script, w->model);
    if (which == 1) LS_TRY(plot_model_boundary(&w->script, w->model, w->data, NULL, err));
    if (which == 2) {
        LS_TRY(ls_model_evaluate(w->model, w->device, w->data, &w->metrics, err));
        plot_model_confusion(&w->script, w->model, w->metrics);
    }
    if (which == 3) LS_TRY(plot_model_roc(&w->script, w->model, w->device, w->data, err));
    return plot_draw_file(&w->script, picture, path, err);
}

int cmd_plot(int argc, const char **argv)
{
    source_options o;
    plot_work w = {0};
    arguments args = {0};
    const char *path = NULL;
    ls_error err;
    source_options_init(&o);
    struct poptOption data[SOURCE_DATA], device[6];
    source_data_table(&o, data);
    source_device_table(&o, device);
    struct poptOption table[] = {
        {NULL, 'o', POPT_ARG_STRING, &path, 0, "write the picture to this file, .svg or .png", "FILE"},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, data, 0, "Data:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device and output:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "PICTURE MODEL [DATA] -o FILE", intro, 2, 3, NULL, NULL);
    if (status == EXIT_OK && !path) status = complain("plot", EXIT_USAGE, "name a file for the picture with -o FILE");
    if (status == EXIT_OK && work(&o, &args, path, &w, &err) != LS_OK) status = complain_error("plot", &err);
    free(w.script.text);
    ls_metrics_free(w.metrics);
    ls_device_close(w.device);
    ls_data_free(w.data);
    ls_model_free(w.model);
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
