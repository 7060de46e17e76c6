/* SPDX-License-Identifier: MIT */
/* Metrics of a model on labelled rows. */
#include "host/base/memory.h"
#include "host/base/struct_size.h"
#include "host/data/split.h"
#include "host/model/infer.h"
#include "host/model/metrics.h"
#include "host/model/threshold.h"
#include <stdlib.h>

ls_status ls_model_evaluate(const ls_model *m, ls_device *device, const ls_data *data,
                            ls_metrics **out, ls_error *err)
{
    return ls_model_evaluate_with(m, device, data, NULL, out, err);
}

ls_status ls_model_evaluate_with(const ls_model *m, ls_device *device, const ls_data *data,
                                 const ls_threshold_options *options, ls_metrics **out,
                                 ls_error *err)
{
    ls_threshold_options o;
    bool best_f1;
    if (!m || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_evaluate: an argument is NULL");
    LS_TRY(LS_READ_STRUCT(ls_threshold_options, options, &o, err));
    const ls_network *n = &m->network;
    ls_decision decision = m->decision;
    LS_TRY(ls_model_check_rows(m, data, err));
    LS_TRY(ls_threshold_read(&o, m->class_names, n->classes, n->output == LS_OUTPUT_IDENTITY,
                             &decision, &best_f1, err));
    float *outputs = NULL, *losses = NULL;
    ls_status status = ls_alloc(&outputs, data->rows, n->outputs * sizeof *outputs, "the outputs",
                                err);
    if (status == LS_OK) status = ls_alloc(&losses, data->rows, sizeof *losses, "the losses", err);
    if (status == LS_OK) status = ls_model_infer(m, device, data, outputs, losses, err);
    if (status == LS_OK && best_f1) {
        decision.source = LS_THRESHOLD_DATA;
        status = ls_threshold_choose(outputs, n->outputs, data, decision.positive,
                                     &decision.threshold, err);
    }
    if (status == LS_OK) {
        /* a positive class without a threshold changes which metrics are reported, but no decision
         */
        const ls_metric_rules rules = {
            .positive = decision.positive,
            .decision = o.threshold ? decision : m->decision,
            .probabilities = n->output == LS_OUTPUT_SOFTMAX ||
                             (n->output == LS_OUTPUT_SIGMOID && n->outputs == 1)};
        status = ls_metrics_compute(outputs, data->rows, n->outputs, data->y, n->classes, losses,
                                    &rules, out, err);
    }
    free(outputs);
    free(losses);
    return status;
}
