/* SPDX-License-Identifier: MIT */
/* Metrics of a model on rows with targets. */
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/base/struct_size.h"
#include "host/model/infer.h"
#include "host/model/label_metrics.h"
#include "host/model/metrics.h"
#include "host/model/number_metrics.h"
#include "host/model/targets.h"
#include "host/model/threshold.h"
#include <stdlib.h>

ls_status ls_model_evaluate(const ls_model *m, ls_device *device, const ls_data *data,
                            ls_metrics **out, ls_error *err)
{
    return ls_model_evaluate_with(m, device, data, NULL, out, err);
}

/* Metrics of classes. */
static ls_status evaluate_classes(const ls_model *m, const ls_data *data,
                                  const ls_threshold_options *o, const float *outputs,
                                  const float *losses, ls_metrics **out, ls_error *err)
{
    const ls_network *n = &m->network;
    ls_decision decision = m->decision;
    bool best_f1;
    LS_TRY(ls_threshold_read(o, m->class_names, n->classes, n->output == LS_OUTPUT_IDENTITY,
                             &decision, &best_f1, err));
    if (best_f1) {
        decision.source = LS_THRESHOLD_DATA;
        LS_TRY(ls_threshold_choose(outputs, n->outputs, data, decision.positive,
                                   &decision.threshold, err));
    }
    /* a positive class without a threshold changes which metrics are reported, but no decision */
    const ls_metric_rules rules = {
        .positive = decision.positive,
        .decision = o->threshold ? decision : m->decision,
        .probabilities = n->output == LS_OUTPUT_SOFTMAX ||
                         (n->output == LS_OUTPUT_SIGMOID && n->outputs == 1),
        .most_frequent = m->most_frequent};
    return ls_metrics_compute(outputs, data->rows, n->outputs, data->y, n->classes, losses, &rules,
                              out, err);
}

/* Metrics of numbers, in units of the targets. */
static ls_status evaluate_numbers(const ls_model *m, const ls_data *data, const float *outputs,
                                  const float *losses, ls_metrics **out, ls_error *err)
{
    double *numbers;
    LS_TRY(ls_alloc(&numbers, data->rows, m->targets * sizeof *numbers, "the outputs", err));
    for (size_t i = 0; i < data->rows * m->targets; i++)
        numbers[i] = ls_target_number(m->target_mean, m->target_scale, i % m->targets, outputs[i]);
    ls_status status = ls_number_metrics_compute(data->value, numbers, data->rows, m->targets,
                                                 m->target_mean, losses, out, err);
    free(numbers);
    return status;
}

/* Refuses threshold options that do not fit the model, before the rows are computed. */
static ls_status check_threshold(const ls_model *m, const ls_threshold_options *o, ls_error *err)
{
    ls_decision decision = m->decision;
    bool best_f1;
    return ls_threshold_read(o, m->class_names, m->network.classes,
                             m->network.output == LS_OUTPUT_IDENTITY, &decision, &best_f1, err);
}

ls_status ls_model_evaluate_with(const ls_model *m, ls_device *device, const ls_data *data,
                                 const ls_threshold_options *options, ls_metrics **out,
                                 ls_error *err)
{
    LS_HOST_MODE(mode);
    ls_threshold_options o;
    if (!m || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_evaluate: an argument is NULL");
    LS_TRY(LS_READ_STRUCT(ls_threshold_options, options, &o, err));
    LS_TRY(ls_model_check_rows(m, data, err));
    LS_TRY(check_threshold(m, &o, err));
    float *outputs = NULL, *losses = NULL;
    ls_status status = ls_alloc(&outputs, data->rows, m->network.outputs * sizeof *outputs,
                                "the outputs", err);
    if (status == LS_OK) status = ls_alloc(&losses, data->rows, sizeof *losses, "the losses", err);
    if (status == LS_OK) status = ls_model_infer(m, device, data, outputs, losses, err);
    if (status == LS_OK && m->task == LS_TASK_CLASSIFICATION)
        status = evaluate_classes(m, data, &o, outputs, losses, out, err);
    else if (status == LS_OK && m->task == LS_TASK_REGRESSION)
        status = evaluate_numbers(m, data, outputs, losses, out, err);
    else if (status == LS_OK)
        status = ls_label_metrics_compute(outputs, data->value, data->rows, m->targets,
                                          m->target_mean, losses, out, err);
    free(outputs);
    free(losses);
    return status;
}
