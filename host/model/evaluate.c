/* SPDX-License-Identifier: MIT */
/* A model's figures, and the threshold that it decides by. */
#include "host/base/memory.h"
#include "host/data/split.h"
#include "host/model/metrics.h"
#include "host/model/model.h"
#include <math.h>
#include <stdlib.h>

/* ---- Deciding -------------------------------------------------------------------------------- */

size_t ls_model_decide(const ls_model *m, const float *outputs)
{
    return ls_decide(outputs, m->network.outputs, &m->decision);
}

ls_decision ls_model_decision(const ls_model *m) { return m->decision; }

static ls_status read_options(const ls_model *m, const ls_threshold_options *options,
                              ls_decision *how, bool *best_f1, ls_error *err)
{
    return ls_threshold_read(options, m->class_names, m->network.classes,
                             m->network.output == LS_OUTPUT_IDENTITY, how, best_f1, err);
}

/* The score of class `positive` with the best F1 as a threshold. */
static ls_status choose(const float *outputs, const ls_data *data, size_t columns, size_t positive,
                        float *threshold, ls_error *err)
{
    ls_scored_row *sorted;
    LS_TRY(ls_scores_sort(outputs, data->rows, columns, data->y, positive, &sorted, err));
    ls_status status = ls_scores_best_f1(sorted, data->rows, threshold, err);
    free(sorted);
    return status;
}

/* ---- Figures --------------------------------------------------------------------------------- */

ls_status ls_model_check_rows(const ls_model *m, const ls_data *data, ls_error *err)
{
    if (!data->y) return ls_fail(err, LS_ERR_ARGUMENT, "the data has no classes to compare with");
    if (!m->encoder && data->features != m->network.inputs)
        return ls_fail(err, LS_ERR_DATA, "the data has %zu features, the model takes %zu",
                       data->features, m->network.inputs);
    for (size_t r = 0; r < data->rows; r++)
        if (data->y[r] < 0 || (size_t)data->y[r] >= m->network.classes)
            return ls_fail(err, LS_ERR_DATA, "row %zu has class %d, the model knows 0 to %zu",
                           r + 1, (int)data->y[r], m->network.classes - 1);
    return LS_OK;
}

ls_status ls_model_evaluate(const ls_model *m, ls_device *device, const ls_data *data,
                            ls_metrics **out, ls_error *err)
{
    return ls_model_evaluate_with(m, device, data, NULL, out, err);
}

ls_status ls_model_evaluate_with(const ls_model *m, ls_device *device, const ls_data *data,
                                 const ls_threshold_options *options, ls_metrics **out,
                                 ls_error *err)
{
    bool best_f1;
    if (!m || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_evaluate: an argument is NULL");
    const ls_network *n = &m->network;
    ls_decision how = m->decision;
    LS_TRY(ls_model_check_rows(m, data, err));
    LS_TRY(read_options(m, options, &how, &best_f1, err));
    float *outputs = NULL, *losses = NULL;
    ls_status status = ls_alloc(&outputs, data->rows, n->outputs * sizeof *outputs, "the outputs",
                                err);
    if (status == LS_OK) status = ls_alloc(&losses, data->rows, sizeof *losses, "the losses", err);
    if (status == LS_OK) status = ls_model_infer(m, device, data, outputs, losses, err);
    if (status == LS_OK && best_f1) {
        how.source = LS_THRESHOLD_DATA;
        status = choose(outputs, data, n->outputs, how.positive, &how.threshold, err);
    }
    if (status == LS_OK) {
        /* another positive class alone changes what is told of the decisions, not the decisions */
        const ls_judging judging = {
            .positive = how.positive,
            .decision = options && options->threshold ? how : m->decision,
            .probabilities = n->output == LS_OUTPUT_SOFTMAX ||
                             (n->output == LS_OUTPUT_SIGMOID && n->outputs == 1)};
        status = ls_metrics_compute(outputs, data->rows, n->outputs, data->y, n->classes, losses,
                                    &judging, out, err);
    }
    free(outputs);
    free(losses);
    return status;
}

/* ---- Setting the threshold ------------------------------------------------------------------- */

static ls_status choose_on(const ls_model *m, ls_device *device, const ls_data *data,
                           size_t positive, float *threshold, ls_error *err)
{
    float *outputs;
    LS_TRY(ls_alloc(&outputs, data->rows, m->network.outputs * sizeof *outputs, "the outputs",
                    err));
    ls_status status = ls_model_infer(m, device, data, outputs, NULL, err);
    if (status == LS_OK)
        status = choose(outputs, data, m->network.outputs, positive, threshold, err);
    free(outputs);
    return status;
}

/* The rows that best-f1 is chosen on: those that training held out (which these are follows from
 * the options), else all. *part is freed with ls_data_free and NULL where it is all. */
static ls_status rows_to_choose_on(const ls_settings *s, const ls_data *data, ls_data **part,
                                   ls_error *err)
{
    ls_data *rest = NULL;
    *part = NULL;
    if (ls_settings_validation(s) > 0)
        LS_TRY(ls_data_cut(data, ls_settings_validation(s), s->seed, true, &rest, part, err));
    ls_data_free(rest);
    return LS_OK;
}

static ls_status choose_held_out(const ls_model *m, ls_device *device, const ls_data *data,
                                 ls_decision *how, ls_error *err)
{
    ls_data *part;
    LS_TRY(ls_model_check_rows(m, data, err));
    LS_TRY(rows_to_choose_on(&m->options->settings, data, &part, err));
    ls_status status = choose_on(m, device, part ? part : data, how->positive, &how->threshold,
                                 err);
    how->source = part ? LS_THRESHOLD_VALIDATION : LS_THRESHOLD_TRAINING;
    ls_data_free(part);
    return status;
}

ls_status ls_threshold_check(const ls_threshold_options *threshold, const ls_options *options,
                             const ls_data *data, ls_error *err)
{
    const ls_settings *s = &options->settings;
    ls_decision how = ls_decision_default();
    ls_data *part;
    bool best_f1, found = false;
    LS_TRY(ls_threshold_read(threshold, data->class_names, data->classes,
                             s->output == LS_OUTPUT_IDENTITY, &how, &best_f1, err));
    if (!best_f1) return LS_OK;
    LS_TRY(rows_to_choose_on(s, data, &part, err));
    const ls_data *rows = part ? part : data;
    for (size_t i = 0; i < rows->rows && !found; i++) found = (size_t)rows->y[i] == how.positive;
    size_t count = rows->rows;
    ls_data_free(part);
    return found
               ? LS_OK
               : ls_fail(
                     err, LS_ERR_DATA,
                     "best-f1: none of the %zu rows it is to be chosen on is of class '%.60s'; hold more rows out (--validation)",
                     count, data->class_names[how.positive]);
}

ls_status ls_model_set_threshold(ls_model *m, ls_device *device, const ls_data *data,
                                 const ls_threshold_options *options, ls_error *err)
{
    bool best_f1;
    if (!m || !options)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_set_threshold: an argument is NULL");
    ls_decision how = m->decision;
    LS_TRY(read_options(m, options, &how, &best_f1, err));
    if (options->positive && !options->threshold && how.positive != m->decision.positive) {
        how.threshold = NAN; /* it was the other class's */
        how.source = LS_THRESHOLD_DEFAULT;
    }
    if (best_f1 && !data)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "best-f1 is chosen on rows with classes, and there are none here; give a number");
    if (best_f1) LS_TRY(choose_held_out(m, device, data, &how, err));
    m->decision = how;
    return LS_OK;
}
