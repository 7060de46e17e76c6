/* SPDX-License-Identifier: MIT */
#include "host/model/threshold.h"
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/base/struct_size.h"
#include "host/base/text.h"
#include "host/model/decision.h"
#include "host/model/infer.h"
#include "host/model/scores.h"
#include "host/model/training_rows.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Reading the options --------------------------------------------------------------------- */

static ls_status find_class(const char *text, char *const *names, size_t classes, size_t *out,
                            ls_error *err)
{
    uint64_t number;
    for (size_t i = 0; i < classes; i++)
        if (!strcmp(text, names[i])) {
            *out = i;
            return LS_OK;
        }
    if (ls_parse_u64(text, &number) && number < classes) {
        *out = (size_t)number;
        return LS_OK;
    }
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "--positive: there is no class '%.60s'; the classes are '%.60s' and '%.60s'",
                   text, names[0], names[1]);
}

static ls_status read_number(const char *text, bool raw, float *out, ls_error *err)
{
    double number;
    if (!ls_parse_double(text, &number) || !isfinite((float)number))
        return ls_fail(err, LS_ERR_ARGUMENT, "--threshold: '%.60s' is neither a number nor best-f1",
                       text);
    if (!raw && (number < 0 || number > 1))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--threshold: %.60s is out of range; scores are probabilities from 0 to 1",
                       text);
    *out = (float)number;
    return LS_OK;
}

ls_status ls_threshold_read(const ls_threshold_options *options, char *const *class_names,
                            size_t classes, bool raw, ls_decision *decision, bool *best_f1,
                            ls_error *err)
{
    ls_decision read = *decision;
    *best_f1 = false;
    if (!options || (!options->positive && !options->threshold)) return LS_OK;
    if (!classes)
        return ls_fail(err, LS_ERR_ARGUMENT, "--%s is for two classes; the target is not a class",
                       options->threshold ? "threshold" : "positive");
    if (classes != 2)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "--%s needs two classes, the data has %zu; the class with the largest output is chosen",
            options->threshold ? "threshold" : "positive", classes);
    if (options->positive)
        LS_TRY(find_class(options->positive, class_names, classes, &read.positive, err));
    if (options->threshold && !strcmp(options->threshold, "best-f1")) *best_f1 = true;
    else if (options->threshold) {
        LS_TRY(read_number(options->threshold, raw, &read.threshold, err));
        read.source = LS_THRESHOLD_GIVEN;
    }
    *decision = read;
    return LS_OK;
}

/* ---- Choosing a threshold -------------------------------------------------------------------- */

ls_status ls_threshold_choose(const float *outputs, size_t columns, const ls_data *data,
                              size_t positive, float *threshold, ls_error *err)
{
    ls_scored_row *sorted;
    assert(data->y);
    LS_TRY(ls_scores_sort(outputs, data->rows, columns, data->y, positive, &sorted, err));
    ls_status status = ls_scores_best_f1(sorted, data->rows, threshold, err);
    free(sorted);
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
        status = ls_threshold_choose(outputs, m->network.outputs, data, positive, threshold, err);
    free(outputs);
    return status;
}

/* The rows that best-f1 is chosen on: the validation rows if there are any. *part is freed with
 * ls_data_free, and NULL if these are all rows. */
static ls_status rows_to_choose_on(const ls_settings *s, const ls_data *data, ls_data **part,
                                   ls_error *err)
{
    ls_data *train;
    LS_TRY(ls_training_split(s, data, &train, part, err));
    ls_data_free(train);
    return LS_OK;
}

static ls_status choose_held_out(const ls_model *m, ls_device *device, const ls_data *data,
                                 ls_decision *decision, ls_error *err)
{
    ls_data *part;
    assert(decision->positive < m->network.classes);
    LS_TRY(ls_model_check_rows(m, data, err));
    LS_TRY(rows_to_choose_on(&m->options->settings, data, &part, err));
    ls_status status = choose_on(m, device, part ? part : data, decision->positive,
                                 &decision->threshold, err);
    decision->source = part ? LS_THRESHOLD_VALIDATION : LS_THRESHOLD_TRAINING;
    ls_data_free(part);
    return status;
}

ls_status ls_threshold_check(const ls_threshold_options *threshold, const ls_options *options,
                             const ls_data *data, ls_error *err)
{
    const ls_settings *s = &options->settings;
    ls_decision decision = ls_decision_default();
    ls_data *part;
    bool best_f1, found = false;
    LS_TRY(ls_threshold_read(threshold, data->class_names,
                             data->task == LS_TASK_CLASSIFICATION ? data->classes : 0,
                             s->output == LS_OUTPUT_IDENTITY, &decision, &best_f1, err));
    if (!best_f1) return LS_OK;
    LS_TRY(rows_to_choose_on(s, data, &part, err));
    const ls_data *rows = part ? part : data;
    for (size_t i = 0; i < rows->rows && !found; i++)
        found = (size_t)rows->y[i] == decision.positive;
    size_t count = rows->rows;
    ls_data_free(part);
    return found
               ? LS_OK
               : ls_fail(
                     err, LS_ERR_DATA,
                     "best-f1: none of the %zu rows to choose the threshold on is of class '%.60s'; hold out more rows with --validation",
                     count, data->class_names[decision.positive]);
}

ls_status ls_model_set_threshold(ls_model *m, ls_device *device, const ls_data *data,
                                 const ls_threshold_options *options, ls_error *err)
{
    LS_HOST_MODE(mode);
    ls_threshold_options o;
    bool best_f1;
    if (!m || !options)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_set_threshold: an argument is NULL");
    LS_TRY(LS_READ_STRUCT(ls_threshold_options, options, &o, err));
    ls_decision decision = m->decision;
    LS_TRY(ls_threshold_read(&o, m->class_names, m->network.classes,
                             m->network.output == LS_OUTPUT_IDENTITY, &decision, &best_f1, err));
    if (o.positive && !o.threshold && decision.positive != m->decision.positive) {
        decision.threshold = NAN; /* the old threshold was for the other class */
        decision.source = LS_THRESHOLD_DEFAULT;
    }
    if (best_f1 && !data)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "best-f1 needs rows with classes; give the threshold as a number");
    if (best_f1) LS_TRY(choose_held_out(m, device, data, &decision, err));
    m->decision = decision;
    return LS_OK;
}
