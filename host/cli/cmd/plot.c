/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/plot.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include <stdlib.h>
#include <string.h>

static const char intro[] =
    "Draws one picture of MODEL, by gnuplot. PICTURE is one of:\n"
    "\n"
    "  loss              how the loss fell (needs no DATA)\n"
    "  accuracy          accuracy an epoch, on the rows held out for validation (needs no DATA)\n"
    "  boundary          what the model makes of the plane, with DATA's rows; of more than two inputs, the plane of their first two\n"
    "                    principal components\n"
    "  confusion         true against predicted classes of DATA\n"
    "  roc               true against false positives of DATA; of more than two classes, each against all others\n"
    "  precision-recall  precision against recall, likewise\n"
    "  calibration       predicted probabilities against what came true\n"
    "  histogram         predicted probabilities, by what came true\n"
    "  balance           rows of each class of DATA\n"
    "  layers            gradient and saturation of each layer over DATA's rows\n"
    "\n"
    "MODEL may be a run's folder. Values show where the pointer is on a picture in SVG.\n"
    "\n"
    "  lockstep plot boundary moons.safetensors moons -o moons.svg\n";

typedef struct {
    ls_model *model;
    ls_data *data;
    ls_device *device;
    outcome outcome;
    plot_plane plane;
    ls_text script;
} plot_work;

/* ---- Pictures -------------------------------------------------------------------------------- */

static ls_status draw_loss(plot_work *w, const char *picture, ls_error *err)
{
    (void)picture, (void)err;
    plot_model_loss(&w->script, w->model);
    return LS_OK;
}

static ls_status draw_accuracy(plot_work *w, const char *picture, ls_error *err)
{
    (void)picture;
    if (!plot_has_accuracy(w->model))
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "no rows were held out in this training, so there is no accuracy an epoch; train with --validation 0.2");
    plot_model_accuracy(&w->script, w->model);
    return LS_OK;
}

static ls_status draw_boundary(plot_work *w, const char *picture, ls_error *err)
{
    (void)picture;
    LS_TRY(plot_plane_fit(w->model, w->data, &w->plane, err));
    return plot_model_boundary(&w->script, w->model, w->device, &w->plane, w->data, NULL, err);
}

static ls_status draw_balance(plot_work *w, const char *picture, ls_error *err)
{
    (void)picture, (void)err;
    plot_balance(&w->script, w->model, w->data, "rows", NULL);
    return LS_OK;
}

static ls_status draw_layers(plot_work *w, const char *picture, ls_error *err)
{
    (void)picture;
    ls_layer_info *layer;
    size_t count = ls_model_layer_count(w->model);
    LS_TRY(ls_alloc(&layer, count, sizeof *layer, "the layers", err));
    ls_status status = ls_model_layers(w->model, w->device, w->data, layer, NULL, err);
    if (status == LS_OK) plot_model_layers(&w->script, layer, count);
    free(layer);
    return status;
}

static ls_status draw_outcome(plot_work *w, const char *picture, ls_error *err)
{
    const outcome *o = &w->outcome;
    LS_TRY(outcome_take(w->model, w->device, w->data, "rows", &w->outcome, err));
    if (!strcmp(picture, "confusion")) plot_confusion(&w->script, o);
    else if (!strcmp(picture, "roc") || !strcmp(picture, "precision-recall"))
        return plot_curves(&w->script, o, picture, err);
    else if (!o->probabilities)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "%s is a picture of probabilities, which the outputs of this model (identity, or several sigmoids) are not",
            picture);
    else if (!strcmp(picture, "calibration")) plot_calibration(&w->script, o);
    else plot_histogram(&w->script, o);
    return LS_OK;
}

static const struct {
    const char *name;
    ls_status (*draw)(plot_work *w, const char *picture, ls_error *err);
    bool alone; /* needs no rows */
} pictures[] = {{"loss", draw_loss, true},
                {"accuracy", draw_accuracy, true},
                {"boundary", draw_boundary, false},
                {"confusion", draw_outcome, false},
                {"roc", draw_outcome, false},
                {"precision-recall", draw_outcome, false},
                {"calibration", draw_outcome, false},
                {"histogram", draw_outcome, false},
                {"balance", draw_balance, false},
                {"layers", draw_layers, false}};
enum { PICTURES = sizeof pictures / sizeof *pictures };

static ls_status no_such_picture(const char *picture, ls_error *err)
{
    const char *names[PICTURES];
    ls_text list = {0};
    for (size_t i = 0; i < PICTURES; i++) {
        names[i] = pictures[i].name;
        ls_text_add(&list, "%s%s", i == 0 ? "" : i + 1 < PICTURES ? ", " : " and ", names[i]);
    }
    const char *near = ls_nearest(picture, names, PICTURES);
    ls_status status = near ? ls_fail(err, LS_ERR_ARGUMENT,
                                      "there is no picture '%.40s'; did you mean '%s'?", picture,
                                      near)
                            : ls_fail(err, LS_ERR_ARGUMENT,
                                      "there is no picture '%.40s'; there are %s", picture,
                                      list.failed ? "" : list.text);
    free(list.text);
    return status;
}

/* ---- The command ----------------------------------------------------------------------------- */

static ls_status read_rows(const source_options *o, const char *picture, const char *data,
                           plot_work *w, ls_error *err)
{
    if (!data)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s is a picture of rows: name their file behind the model", picture);
    LS_TRY(source_read(o, data, w->model, &w->data, err));
    if (!ls_data_classes(w->data) || !ls_data_y(w->data))
        return ls_fail(err, LS_ERR_DATA, "%s has no class column", data);
    return source_device(o, &w->device, err);
}

static ls_status work(const source_options *o, const arguments *args, const char *path,
                      plot_work *w, ls_error *err)
{
    const char *picture = args->operand[0];
    size_t which = 0;
    while (which < PICTURES && strcmp(picture, pictures[which].name)) which++;
    if (which == PICTURES) return no_such_picture(picture, err);
    LS_TRY(source_check_writable(path, err));
    LS_TRY(source_model(args->operand[1], &w->model, err));
    if (!pictures[which].alone)
        LS_TRY(read_rows(o, picture, args->operands > 2 ? args->operand[2] : NULL, w, err));
    LS_TRY(pictures[which].draw(w, picture, err));
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
        {NULL, 'o', POPT_ARG_STRING, &path, 0, "write the picture to this file, .svg or .png",
         "FILE"},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, data, 0, "Data:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device and output:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "PICTURE MODEL [DATA] -o FILE", intro, 2,
                                 3, NULL, NULL);
    if (status == EXIT_OK && !path)
        status = complain("plot", EXIT_USAGE, "name a file for the picture with -o FILE");
    if (status == EXIT_OK && work(&o, &args, path, &w, &err) != LS_OK)
        status = complain_error("plot", &err);
    else if (status == EXIT_OK && o.json) print_json(json_pack("{s:s}", "file", path));
    free(w.script.text);
    outcome_free(&w.outcome);
    plot_plane_free(&w.plane);
    ls_device_close(w.device);
    ls_data_free(w.data);
    ls_model_free(w.model);
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
