/* SPDX-License-Identifier: MIT */
#include "host/base/json.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/model/decision.h"
#include "host/model/model_format.h"
#include "host/model/pieces_json.h"
#include "host/model/quantiles_json.h"
#include "host/model/read_json.h"
#include "host/model/source_json.h"
#include "host/model/split_json.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Targets --------------------------------------------------------------------------------- */

/* The task and the number of targets that the metadata describes. */
static ls_status read_shape(const json_t *meta, const char *path, ls_shape *out, ls_error *err)
{
    const json_t *targets = json_object_get(meta, "targets");
    const char *task = json_string_value(json_object_get(targets, "task"));
    if (!targets) {
        *out = ls_shape_of_classes(json_array_size(json_object_get(meta, "classes")));
        return out->classes ? LS_OK : ls_damaged(path, "its metadata lacks classes", err);
    }
    *out = (ls_shape){.targets = json_array_size(json_object_get(targets, "names"))};
    for (int i = 0; task && i < LS_TASKS; i++)
        if (ls_saved_tasks[i] && !strcmp(task, ls_saved_tasks[i])) out->task = (ls_task)i;
    if (out->task == LS_TASK_CLASSIFICATION || !out->targets)
        return ls_damaged(path, "its targets are malformed", err);
    return json_array_size(json_object_get(meta, "classes"))
               ? ls_damaged(path, "it has both classes and targets", err)
               : LS_OK;
}

/* A list of one finite number per target. */
static ls_status read_target_numbers(const json_t *list, size_t count, double **out,
                                     const char *path, ls_error *err)
{
    if (json_array_size(list) != count)
        return ls_damaged(path, "its number of target values is not its number of targets", err);
    LS_TRY(ls_alloc(out, count, sizeof **out, "a model", err));
    for (size_t i = 0; i < count; i++)
        if (!ls_json_read_number(json_array_get(list, i), &(*out)[i]) || !isfinite((*out)[i]))
            return ls_damaged(path, "a mean or scale of its targets is not a number", err);
    return LS_OK;
}

static ls_status read_target_names(const json_t *list, ls_model *m, const char *path, ls_error *err)
{
    for (size_t i = 0; i < m->targets; i++) {
        const json_t *value = json_array_get(list, i);
        if (json_is_null(value)) continue;
        if (!json_is_string(value))
            return ls_damaged(path, "the name of a target is not a string", err);
        free(m->target[i].name);
        if (!(m->target[i].name = ls_strdup(json_string_value(value))))
            return ls_fail(err, LS_ERR_MEMORY, "out of memory reading %s", path);
    }
    return LS_OK;
}

static ls_status read_targets(const json_t *object, ls_model *m, const char *path, ls_error *err)
{
    const json_t *scale = json_object_get(object, "scale");
    LS_TRY(read_target_names(json_object_get(object, "names"), m, path, err));
    LS_TRY(read_target_numbers(json_object_get(object, "mean"), m->targets, &m->target_mean, path,
                               err));
    if (!scale || (!json_is_null(scale) && m->task != LS_TASK_REGRESSION))
        return ls_damaged(path, "the scale of its targets does not match its task", err);
    for (size_t i = 0; m->task == LS_TASK_MULTILABEL && i < m->targets; i++)
        if (!(m->target_mean[i] >= 0 && m->target_mean[i] <= 1))
            return ls_damaged(path, "the share of a label is not between 0 and 1", err);
    if (json_is_null(scale)) return LS_OK;
    LS_TRY(read_target_numbers(scale, m->targets, &m->target_scale, path, err));
    for (size_t i = 0; i < m->targets; i++)
        if (!(m->target_scale[i] > 0) || !isnormal(m->target_scale[i]))
            return ls_damaged(path, "its targets have a scale of 0 or less", err);
    return LS_OK;
}

/* The class of most training rows; files of older versions do not have it. */
static ls_status read_most_frequent(const json_t *value, ls_model *m, const char *path,
                                    ls_error *err)
{
    uint64_t k;
    if (!value) return LS_OK;
    if (!ls_json_read_count(value, &k) || k >= m->network.classes)
        return ls_damaged(path, "its most frequent class is not one of its classes", err);
    m->most_frequent = (int32_t)k;
    return LS_OK;
}

/* ---- Metadata -------------------------------------------------------------------------------- */

static ls_status read_decision(const json_t *object, ls_model *m, const char *path, ls_error *err)
{
    const json_t *positive = json_object_get(object, "positive"),
                 *threshold = json_object_get(object, "threshold");
    const char *source = json_string_value(json_object_get(object, "source"));
    double value = json_number_value(threshold);
    bool ranged = m->network.output != LS_OUTPUT_IDENTITY;
    size_t k = 0;
    while (source && k < LS_SAVED_SOURCES && strcmp(source, ls_saved_sources[k])) k++;
    if (m->network.classes != 2)
        return ls_damaged(path, "it has a decision but not two classes", err);
    if (!json_is_integer(positive) || json_integer_value(positive) < 0 ||
        json_integer_value(positive) > 1)
        return ls_damaged(path, "its positive class is not one of its classes", err);
    if (!source || k == LS_SAVED_SOURCES || (k == LS_THRESHOLD_DEFAULT) != json_is_null(threshold))
        return ls_damaged(path,
                          "the source of its threshold is unknown or does not match the threshold",
                          err);
    if (!json_is_null(threshold) &&
        (!json_is_number(threshold) || !(fabs(value) <= (double)FLT_MAX) ||
         (double)(float)value != value || (ranged && (value < 0 || value > 1))))
        return ls_damaged(path, "its threshold is not a possible score", err);
    m->decision = (ls_decision){.positive = (size_t)json_integer_value(positive),
                                .threshold = json_is_null(threshold) ? NAN : (float)value,
                                .source = (ls_threshold_source)k};
    return ls_decision_is_set(&m->decision)
               ? LS_OK
               : ls_damaged(path, "its decision is the default, which is never saved", err);
}

static ls_status read_history(const json_t *list, ls_model *m, const char *path, ls_error *err)
{
    if (!json_is_array(list)) return ls_damaged(path, "its history is malformed", err);
    if (json_array_size(list) > LS_HISTORY_POINTS)
        return ls_damaged(path, "its history is too long", err);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *point = json_array_get(list, i), *validation = json_array_get(point, 2),
                     *accuracy = json_array_get(point, 3);
        ls_history_point h;
        double loss = NAN, validation_loss = NAN, validation_accuracy = NAN;
        if (!ls_json_read_count(json_array_get(point, 0), &h.epoch) ||
            !ls_json_read_number(json_array_get(point, 1), &loss) ||
            (validation && !ls_json_read_number(validation, &validation_loss)) ||
            (accuracy && !ls_json_read_number(accuracy, &validation_accuracy)))
            return ls_damaged(path, "its history is malformed", err);
        h.loss = (float)loss;
        h.validation_loss = (float)validation_loss;
        h.validation_accuracy = (float)validation_accuracy;
        m->history[m->history_count++] = h;
    }
    return LS_OK;
}

static ls_status read_training(const json_t *object, ls_model *m, const char *path, ls_error *err)
{
    const char *stopped = json_string_value(json_object_get(object, "stopped"));
    bool complete = stopped &&
                    ls_json_read_number(json_object_get(object, "loss"), &m->summary.loss);
    for (size_t i = 0; i < LS_TRAINING_COUNTS; i++)
        complete &= ls_json_read_count(json_object_get(object, ls_training_counts[i].name),
                                       ls_training_count(&m->summary, i));
    const json_t *rollbacks = json_object_get(object, "rollbacks");
    complete &= !rollbacks || ls_json_read_count(rollbacks, &m->summary.rollbacks);
    if (!complete) return ls_damaged(path, "the summary of its training is incomplete", err);
    snprintf(m->stopped, sizeof m->stopped, "%s", stopped);
    return LS_OK;
}

static ls_status read_options(const json_t *object, ls_options *options, const char *path,
                              ls_error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        ls_error why;
        const char *text = json_string_value(value);
        if (!text) return ls_damaged(path, "an option in its metadata is not a string", err);
        if (ls_options_set(options, name, text, &why) != LS_OK)
            return ls_fail(
                err, LS_ERR_DATA,
                "%s: not a usable model file: %.400s (it may come from a newer version; this is %s)",
                path, why.message, ls_version());
    }
    return LS_OK;
}

/* Checks the format number against the optional parts of the metadata. */
ls_status ls_check_format(const json_t *meta, const char *path, ls_error *err)
{
    json_int_t format = json_integer_value(json_object_get(meta, "format"));
    const json_t *columns = json_object_get(meta, "columns");
    bool decided = json_is_object(json_object_get(meta, "decision"));
    if (format < LS_FORMAT_PLAIN || format > LS_FORMAT_ENSEMBLE)
        return ls_damaged(path, "its format has another version; this program reads formats 1 to 6",
                          err);
    if (format >= LS_FORMAT_DECIDED ? columns && !json_is_object(columns)
                                    : (format == LS_FORMAT_ENCODED) != json_is_object(columns))
        return ls_damaged(path, "its format and its columns contradict each other", err);
    if ((format == LS_FORMAT_ENSEMBLE) != json_is_object(json_object_get(meta, "ensemble")))
        return ls_damaged(path, "its format and its ensemble contradict each other", err);
    if (format < LS_FORMAT_SOURCE
            ? json_object_get(meta, "source") != NULL
            : format == LS_FORMAT_SOURCE && !json_is_object(json_object_get(meta, "source")))
        return ls_damaged(path, "its format and its source contradict each other", err);
    const json_t *decision = json_object_get(meta, "decision"),
                 *targets = json_object_get(meta, "targets");
    if (format >= LS_FORMAT_SOURCE ? (decision && !decided) || (targets && !json_is_object(targets))
                                   : (format == LS_FORMAT_DECIDED) != decided)
        return ls_damaged(path, "its format and its decision contradict each other", err);
    if (format < LS_FORMAT_SOURCE && (format == LS_FORMAT_TARGETS) != json_is_object(targets))
        return ls_damaged(path, "its format and its targets contradict each other", err);
    return LS_OK;
}

/* A model of the network that the options describe. */
static ls_status create_model(const json_t *meta, const char *path, ls_model **out, ls_error *err)
{
    ls_options *options;
    ls_error why;
    ls_shape shape;
    size_t features = json_array_size(json_object_get(meta, "features"));
    if (!features || !json_is_object(json_object_get(meta, "options")))
        return ls_damaged(path, "its metadata lacks features, classes or options", err);
    unsigned char *pieces = NULL;
    LS_TRY(read_shape(meta, path, &shape, err));
    LS_TRY(ls_options_create(&options, err));
    ls_status status = read_options(json_object_get(meta, "options"), options, path, err);
    if (status == LS_OK) {
        status = ls_pieces_of_json(json_object_get(meta, "pieces"), features, &pieces, err);
        if (status == LS_ERR_DATA)
            ls_damaged(path, "its pieces are not numbers of its inputs", err);
    }
    if (status == LS_OK && !pieces != !ls_settings_pieces(&options->settings))
        status = ls_damaged(path, "its pieces and its options contradict each other", err);
    shape.pieces = pieces;
    if (status == LS_OK) {
        status = ls_model_create(options, features, shape, LS_HISTORY_POINTS, out, &why);
        if (status == LS_ERR_ARGUMENT)
            status = ls_fail(err, LS_ERR_DATA, "%s: not a usable model file: %.600s", path,
                             why.message);
        else if (status != LS_OK) ls_fail(err, status, "%.900s", why.message);
    }
    free(pieces);
    ls_options_free(options);
    return status;
}

static ls_status read_standardize(const json_t *object, ls_model *m, const char *path,
                                  ls_error *err)
{
    size_t inputs = m->network.inputs;
    LS_TRY(ls_read_numbers(json_object_get(object, "mean"), inputs, &m->mean, path, err));
    LS_TRY(ls_read_numbers(json_object_get(object, "scale"), inputs, &m->scale, path, err));
    for (size_t i = 0; m->scale && i < inputs; i++)
        if (!(m->scale[i] > 0))
            return ls_damaged(path, "its standardisation has a scale of 0 or less", err);
    if (!m->mean != !m->scale) return ls_damaged(path, "its standardisation is incomplete", err);
    const json_t *clip = json_object_get(object, "clip");
    if (clip &&
        !(m->mean && ls_json_read_number(clip, &m->clip) && m->clip >= 1e-3 && m->clip <= 1e9))
        return ls_damaged(path, "its standardisation has an impossible limit", err);
    return LS_OK;
}

/* Whether the options scale numbers in this way; images never are. */
static bool scales(const ls_model *m, ls_scaling how)
{
    return m->options->settings.scaling == (int)how && m->mean &&
           !(m->network.image.channels && !m->encoder);
}

/* Marks the inputs that are numbers; the others are of categories. */
static void mark_numbers(const ls_model *m, bool *number)
{
    const ls_encoder *e = m->encoder;
    for (size_t i = 0; i < m->network.inputs; i++) number[i] = !e;
    for (size_t c = 0, i = 0; e && c < e->columns; c++) {
        number[i] = !e->column[c].categorical;
        i += e->column[c].categorical ? e->column[c].categories + 1 : 1;
    }
}

static ls_status read_quantiles(const json_t *list, ls_model *m, const char *path, ls_error *err)
{
    bool *number;
    if (!list) return LS_OK;
    LS_TRY(ls_alloc(&number, m->network.inputs, sizeof *number, "a model", err));
    mark_numbers(m, number);
    ls_status status = ls_quantiles_of_json(list, m->network.inputs, number, &m->quantiles, err);
    free(number);
    return status == LS_ERR_DATA
               ? ls_damaged(path, "its quantiles are not ascending numbers of its inputs", err)
               : status;
}

/* Numbers are clipped, or have quantiles, exactly if the options say so. */
static ls_status check_scaling(const ls_model *m, const char *path, ls_error *err)
{
    return (m->clip > 0) == scales(m, LS_SCALING_ROBUST) &&
                   !m->quantiles == !scales(m, LS_SCALING_QUANTILE)
               ? LS_OK
               : ls_damaged(path, "its standardisation and its options contradict each other", err);
}

/* All metadata, into a model of the right shape. */
static ls_status fill_model(const json_t *meta, const char *path, ls_model *m, ls_error *err)
{
    const json_t *columns = json_object_get(meta, "columns"),
                 *decision = json_object_get(meta, "decision"),
                 *source = json_object_get(meta, "source");
    bool twice = false;
    LS_TRY(ls_read_names(json_object_get(meta, "features"), m->feature_names, path, err));
    LS_TRY(ls_read_names(json_object_get(meta, "classes"), m->class_names, path, err));
    LS_TRY(ls_find_twice(m->class_names, m->network.classes, &twice, err));
    if (twice) return ls_damaged(path, "a class is listed twice", err);
    LS_TRY(read_standardize(json_object_get(meta, "standardize"), m, path, err));
    if (m->task != LS_TASK_CLASSIFICATION)
        LS_TRY(read_targets(json_object_get(meta, "targets"), m, path, err));
    LS_TRY(read_most_frequent(json_object_get(meta, "most_frequent_class"), m, path, err));
    const json_t *split = json_object_get(meta, "split");
    if (split) LS_TRY(ls_split_read(split, path, &m->split, err));
    if (source) LS_TRY(ls_source_read(source, m, path, err));
    if (columns) LS_TRY(ls_read_encoder(columns, m, path, err));
    LS_TRY(read_quantiles(json_object_get(json_object_get(meta, "standardize"), "quantiles"), m,
                          path, err));
    LS_TRY(check_scaling(m, path, err));
    if (source) LS_TRY(ls_source_check(m, path, err));
    else ls_source_guess(m);
    if (decision) LS_TRY(read_decision(decision, m, path, err));
    LS_TRY(read_history(json_object_get(meta, "history"), m, path, err));
    return read_training(json_object_get(meta, "training"), m, path, err);
}

/* A model with everything but its values, which are read next; of an ensemble without its members.
 */
ls_status ls_read_one(const json_t *meta, const char *path, ls_model **out, ls_error *err)
{
    ls_model *m;
    LS_TRY(create_model(meta, path, &m, err));
    ls_status status = fill_model(meta, path, m, err);
    if (status != LS_OK) ls_model_free(m);
    else *out = m;
    return status;
}
