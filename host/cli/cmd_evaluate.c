/* SPDX-License-Identifier: MIT */
#include "cli.h"

static const char intro[] =
    "Reads MODEL and prints its figures on DATA, a CSV file whose class column is the last one unless\n"
    "--target says otherwise (or a generator's name). The model's preprocessing is applied, classes go by name.\n"
    "\n"
    "  lockstep evaluate iris.safetensors iris.csv --json\n";

typedef struct {
    ls_model *model;
    ls_data *data;
    ls_device *device;
    ls_metrics *metrics;
} evaluate_work;

static ls_status work(const source_options *o, const char *model, const char *data, evaluate_work *w, ls_error *err)
{
    LS_TRY(ls_model_load(model, &w->model, err));
    LS_TRY(source_read(o, data, w->model, &w->data, err));
    if (!ls_data_classes(w->data) || !ls_data_y(w->data))
        return ls_fail(err, LS_ERR_DATA, "%s has no class column to compare with; lockstep predict needs none", data);
    LS_TRY(source_device(o, &w->device, err));
    return ls_model_evaluate(w->model, w->device, w->data, &w->metrics, err);
}

static void report(const source_options *o, const evaluate_work *w)
{
    const ls_device_info *info = ls_device_get_info(w->device);
    if (o->json) {
        json_t *object = metrics_json(w->metrics, w->model);
        json_object_set_new(object, "device", json_string(info->name));
        json_object_set_new(object, "arithmetic", json_string(info->exact ? "exact" : "approximate"));
        print_json(object);
        return;
    }
    printf("device     %s (%s)\n", info->name, info->exact ? "exact" : "approximate");
    print_metrics_header();
    print_metrics("data", w->metrics);
    if (ls_model_classes(w->model) == 2) printf("%-10s area under the ROC curve %.4f; precision, recall and F1 are those of class '%s'\n", "", w->metrics->auc, ls_model_class_name(w->model, 1));
    print_confusion(w->metrics, w->model);
}

int cmd_evaluate(int argc, const char **argv)
{
    source_options o;
    evaluate_work w = {0};
    arguments args = {0};
    ls_error err;
    source_options_init(&o);
    struct poptOption data[SOURCE_DATA], device[6];
    source_data_table(&o, data);
    source_device_table(&o, device);
    struct poptOption table[] = {
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, data, 0, "Data:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device and output:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "MODEL DATA", intro, 2, 2, NULL, NULL);
    if (status == EXIT_OK) {
        if (work(&o, args.operand[0], args.operand[1], &w, &err) == LS_OK) report(&o, &w);
        else status = complain_error("evaluate", &err);
    }
    ls_metrics_free(w.metrics);
    ls_device_close(w.device);
    ls_data_free(w.data);
    ls_model_free(w.model);
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
