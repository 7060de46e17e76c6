/* SPDX-License-Identifier: MIT */
/* Reads model files. They may come from strangers: every value is checked before it is used. */
#include "host/model/model_read.h"
#include "host/base/json.h"
#include "host/base/little_endian.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/model/decision.h"
#include "host/model/ensemble.h"
#include "host/model/model.h"
#include "host/model/model_format.h"
#include "host/model/model_start.h"
#include "host/model/pieces_json.h"
#include "host/model/source_json.h"
#include "host/model/split_json.h"
#include "host/network/pieces.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { CHECKSUMS = 0 }; /* a fuzzer cannot find them and would not get past them */
#else
enum { CHECKSUMS = 1 };
#endif

static ls_status damaged(const char *path, const char *what, ls_error *err)
{
    return ls_fail(err, LS_ERR_DATA, "%s: not a usable model file: %s", path, what);
}

/* Replaces the names by those of a JSON list of the same length. */
static ls_status read_names(const json_t *list, char **names, const char *path, ls_error *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name) return damaged(path, "a name in its metadata is not a string", err);
        free(names[i]);
        if (!(names[i] = ls_strdup(name)))
            return ls_fail(err, LS_ERR_MEMORY, "out of memory reading %s", path);
    }
    return LS_OK;
}

static ls_status read_numbers(const json_t *list, size_t count, double **out, const char *path,
                              ls_error *err)
{
    if (json_is_null(list)) return LS_OK;
    if (json_array_size(list) != count)
        return damaged(path, "its number of standardisation values is not its number of features",
                       err);
    LS_TRY(ls_alloc(out, count, sizeof **out, "a model", err));
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_number(value))
            return damaged(path, "a standardisation value is not a number", err);
        (*out)[i] = json_number_value(value);
        if (!isfinite((*out)[i]))
            return damaged(path, "a standardisation value is not finite", err);
    }
    return LS_OK;
}

/* ---- Targets --------------------------------------------------------------------------------- */

/* The task and the number of targets that the metadata describes. */
static ls_status read_shape(const json_t *meta, const char *path, ls_shape *out, ls_error *err)
{
    const json_t *targets = json_object_get(meta, "targets");
    const char *task = json_string_value(json_object_get(targets, "task"));
    if (!targets) {
        *out = ls_shape_of_classes(json_array_size(json_object_get(meta, "classes")));
        return out->classes ? LS_OK : damaged(path, "its metadata lacks classes", err);
    }
    *out = (ls_shape){.targets = json_array_size(json_object_get(targets, "names"))};
    for (int i = 0; task && i < LS_TASKS; i++)
        if (ls_saved_tasks[i] && !strcmp(task, ls_saved_tasks[i])) out->task = (ls_task)i;
    if (out->task == LS_TASK_CLASSIFICATION || !out->targets)
        return damaged(path, "its targets are malformed", err);
    return json_array_size(json_object_get(meta, "classes"))
               ? damaged(path, "it has both classes and targets", err)
               : LS_OK;
}

/* A list of one finite number per target. */
static ls_status read_target_numbers(const json_t *list, size_t count, double **out,
                                     const char *path, ls_error *err)
{
    if (json_array_size(list) != count)
        return damaged(path, "its number of target values is not its number of targets", err);
    LS_TRY(ls_alloc(out, count, sizeof **out, "a model", err));
    for (size_t i = 0; i < count; i++)
        if (!ls_json_read_number(json_array_get(list, i), &(*out)[i]) || !isfinite((*out)[i]))
            return damaged(path, "a mean or scale of its targets is not a number", err);
    return LS_OK;
}

static ls_status read_target_names(const json_t *list, ls_model *m, const char *path, ls_error *err)
{
    for (size_t i = 0; i < m->targets; i++) {
        const json_t *value = json_array_get(list, i);
        if (json_is_null(value)) continue;
        if (!json_is_string(value))
            return damaged(path, "the name of a target is not a string", err);
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
        return damaged(path, "the scale of its targets does not match its task", err);
    for (size_t i = 0; m->task == LS_TASK_MULTILABEL && i < m->targets; i++)
        if (!(m->target_mean[i] >= 0 && m->target_mean[i] <= 1))
            return damaged(path, "the share of a label is not between 0 and 1", err);
    if (json_is_null(scale)) return LS_OK;
    LS_TRY(read_target_numbers(scale, m->targets, &m->target_scale, path, err));
    for (size_t i = 0; i < m->targets; i++)
        if (!(m->target_scale[i] > 0) || !isnormal(m->target_scale[i]))
            return damaged(path, "its targets have a scale of 0 or less", err);
    return LS_OK;
}

/* The class of most training rows; files of older versions do not have it. */
static ls_status read_most_frequent(const json_t *value, ls_model *m, const char *path,
                                    ls_error *err)
{
    uint64_t k;
    if (!value) return LS_OK;
    if (!ls_json_read_count(value, &k) || k >= m->network.classes)
        return damaged(path, "its most frequent class is not one of its classes", err);
    m->most_frequent = (int32_t)k;
    return LS_OK;
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* Names of one column's categories, null for those without training rows. */
static ls_status read_categories(const json_t *list, ls_column *column, const char *path,
                                 ls_error *err)
{
    size_t count = json_array_size(list);
    LS_TRY(ls_alloc(&column->category, count, sizeof *column->category, "a model", err));
    column->categorical = true;
    column->categories = count;
    for (size_t k = 0; k < count; k++) {
        const json_t *value = json_array_get(list, k);
        if (json_is_null(value)) continue;
        const char *name = json_string_value(value);
        if (!name) return damaged(path, "a category in its metadata is not a string", err);
        if (!(column->category[k] = ls_strdup(name)))
            return ls_fail(err, LS_ERR_MEMORY, "out of memory reading %s", path);
    }
    return LS_OK;
}

static ls_status read_column(const json_t *o, size_t file_columns, ls_column *column,
                             const char *path, ls_error *err)
{
    const char *name = json_string_value(json_object_get(o, "name"));
    json_int_t place = json_integer_value(json_object_get(o, "place"));
    const json_t *categories = json_object_get(o, "categories");
    if (!name || !json_is_number(json_object_get(o, "fill")))
        return damaged(path, "a column in its metadata is malformed", err);
    if (!json_is_integer(json_object_get(o, "place")) || place < 0 ||
        (uint64_t)place >= file_columns)
        return damaged(path, "a column in its metadata has a place beyond the columns of its file",
                       err);
    if (categories && (!json_is_array(categories) || !json_is_boolean(json_object_get(o, "other"))))
        return damaged(path, "the categories of a column in its metadata are malformed", err);
    column->place = (size_t)place;
    if (!(column->name = ls_strdup(name)))
        return ls_fail(err, LS_ERR_MEMORY, "out of memory reading %s", path);
    if (categories) LS_TRY(read_categories(categories, column, path, err));
    return ls_source_read_numbers(o, column, path, err);
}

/* Fill values, which replace missing values. Each must fit its column. */
static ls_status read_fills(const json_t *list, ls_encoder *e, const char *path, ls_error *err)
{
    for (size_t c = 0; c < e->columns; c++) {
        const json_t *o = json_array_get(list, c);
        const ls_column *column = &e->column[c];
        double fill = json_number_value(json_object_get(o, "fill"));
        bool fits = isfinite(fill);
        if (column->categorical) /* a category with a name, or the one for all others */
            fits = fill >= 0 && fill <= (double)column->categories && fill == floor(fill) &&
                   (fill == (double)column->categories || column->category[(size_t)fill]);
        if (!fits) return damaged(path, "the fill value of a column does not fit the column", err);
        e->fill[c] = fill;
        e->other[c] = json_is_true(json_object_get(o, "other"));
    }
    return LS_OK;
}

static ls_status read_missing(const json_t *value, ls_missing *out, const char *path, ls_error *err)
{
    const char *name = json_string_value(value);
    for (size_t i = 0; name && ls_missing_names[i]; i++)
        if (!strcmp(name, ls_missing_names[i])) {
            *out = (ls_missing)i;
            return LS_OK;
        }
    return damaged(path, "its rule for missing values is unknown", err);
}

static int by_place(const void *a, const void *b)
{
    size_t left = ((const ls_column *)a)->place, right = ((const ls_column *)b)->place;
    return (left > right) - (left < right);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sets *twice if two names are equal; NULL entries do not count. */
static ls_status find_twice(char *const *names, size_t count, bool *twice, ls_error *err)
{
    char **sorted;
    size_t n = 0;
    LS_TRY(ls_alloc(&sorted, count, sizeof *sorted, "a model", err));
    for (size_t i = 0; i < count; i++)
        if (names[i]) sorted[n++] = names[i];
    qsort(sorted, n, sizeof *sorted, by_text);
    for (size_t i = 1; i < n; i++) *twice |= !strcmp(sorted[i], sorted[i - 1]);
    free(sorted);
    return LS_OK;
}

/* Checks that columns have different places, other than the class column's, and that each column's
 * categories have different names. */
static ls_status check_columns(const ls_encoder *e, size_t target, const char *path, ls_error *err)
{
    ls_column *sorted;
    bool twice = false;
    LS_TRY(ls_alloc(&sorted, e->columns, sizeof *sorted, "a model", err));
    memcpy(sorted, e->column, e->columns * sizeof *sorted);
    qsort(sorted, e->columns, sizeof *sorted, by_place);
    for (size_t c = 0; c < e->columns; c++)
        twice |= sorted[c].place == target || (c > 0 && sorted[c].place == sorted[c - 1].place);
    free(sorted);
    for (size_t c = 0; c < e->columns && !twice; c++)
        LS_TRY(find_twice(e->column[c].category, e->column[c].categories, &twice, err));
    return twice ? damaged(path, "a column or a category is listed twice", err) : LS_OK;
}

/* Width of the file and place of its class, which files without "source" have here. */
static ls_status read_file_columns(const json_t *object, ls_model *m, const char *path,
                                   ls_error *err)
{
    const json_t *target = json_object_get(object, "file_target");
    json_int_t width = json_integer_value(json_object_get(object, "file_columns")),
               at = json_integer_value(target);
    if (width < 1 || width > INT32_MAX)
        return damaged(path, "its columns do not match its features", err);
    if (!json_is_null(target) && (!json_is_integer(target) || at < 0 || at >= width))
        return damaged(path, "its class column has a place beyond the columns of its file", err);
    m->source.columns = (size_t)width;
    m->target->place = json_is_null(target) ? LS_NO_COLUMN : (size_t)at;
    return LS_OK;
}

static ls_status read_encoder(const json_t *object, ls_model *m, const char *path, ls_error *err)
{
    const json_t *list = json_object_get(object, "list");
    size_t count = json_array_size(list);
    ls_column *column;
    ls_missing missing = LS_MISSING_MEAN;
    LS_TRY(read_missing(json_object_get(object, "missing"), &missing, path, err));
    if (!m->source.columns) LS_TRY(read_file_columns(object, m, path, err));
    if (!count || count > m->network.inputs || count > m->source.columns)
        return damaged(path, "its columns do not match its features", err);
    LS_TRY(ls_alloc(&column, count, sizeof *column, "a model", err));
    ls_status status = LS_OK;
    for (size_t c = 0; c < count && status == LS_OK; c++)
        status = read_column(json_array_get(list, c), m->source.columns, &column[c], path, err);
    if (status == LS_OK && ls_columns_inputs(column, count) != m->network.inputs)
        status = damaged(path, "its columns do not match its features", err);
    if (status != LS_OK) {
        ls_columns_free(column, count);
        return status;
    }
    LS_TRY(ls_encoder_create(column, count, &m->encoder, err));
    m->encoder->missing = missing;
    LS_TRY(check_columns(m->encoder, m->target->place, path, err));
    return read_fills(list, m->encoder, path, err);
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
    if (m->network.classes != 2) return damaged(path, "it has a decision but not two classes", err);
    if (!json_is_integer(positive) || json_integer_value(positive) < 0 ||
        json_integer_value(positive) > 1)
        return damaged(path, "its positive class is not one of its classes", err);
    if (!source || k == LS_SAVED_SOURCES || (k == LS_THRESHOLD_DEFAULT) != json_is_null(threshold))
        return damaged(path,
                       "the source of its threshold is unknown or does not match the threshold",
                       err);
    if (!json_is_null(threshold) &&
        (!json_is_number(threshold) || !(fabs(value) <= (double)FLT_MAX) ||
         (double)(float)value != value || (ranged && (value < 0 || value > 1))))
        return damaged(path, "its threshold is not a possible score", err);
    m->decision = (ls_decision){.positive = (size_t)json_integer_value(positive),
                                .threshold = json_is_null(threshold) ? NAN : (float)value,
                                .source = (ls_threshold_source)k};
    return ls_decision_is_set(&m->decision)
               ? LS_OK
               : damaged(path, "its decision is the default, which is never saved", err);
}

static ls_status read_history(const json_t *list, ls_model *m, const char *path, ls_error *err)
{
    if (!json_is_array(list)) return damaged(path, "its history is malformed", err);
    if (json_array_size(list) > LS_HISTORY_POINTS)
        return damaged(path, "its history is too long", err);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *point = json_array_get(list, i), *validation = json_array_get(point, 2),
                     *accuracy = json_array_get(point, 3);
        ls_history_point h;
        double loss = NAN, validation_loss = NAN, validation_accuracy = NAN;
        if (!ls_json_read_count(json_array_get(point, 0), &h.epoch) ||
            !ls_json_read_number(json_array_get(point, 1), &loss) ||
            (validation && !ls_json_read_number(validation, &validation_loss)) ||
            (accuracy && !ls_json_read_number(accuracy, &validation_accuracy)))
            return damaged(path, "its history is malformed", err);
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
    if (!complete) return damaged(path, "the summary of its training is incomplete", err);
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
        if (!text) return damaged(path, "an option in its metadata is not a string", err);
        if (ls_options_set(options, name, text, &why) != LS_OK)
            return ls_fail(
                err, LS_ERR_DATA,
                "%s: not a usable model file: %.400s (it may come from a newer version; this is %s)",
                path, why.message, ls_version());
    }
    return LS_OK;
}

/* Checks the format number against the optional parts of the metadata. */
static ls_status check_format(const json_t *meta, const char *path, ls_error *err)
{
    json_int_t format = json_integer_value(json_object_get(meta, "format"));
    const json_t *columns = json_object_get(meta, "columns");
    bool decided = json_is_object(json_object_get(meta, "decision"));
    if (format < LS_FORMAT_PLAIN || format > LS_FORMAT_ENSEMBLE)
        return damaged(path, "its format has another version; this program reads formats 1 to 6",
                       err);
    if (format >= LS_FORMAT_DECIDED ? columns && !json_is_object(columns)
                                    : (format == LS_FORMAT_ENCODED) != json_is_object(columns))
        return damaged(path, "its format and its columns contradict each other", err);
    if ((format == LS_FORMAT_ENSEMBLE) != json_is_object(json_object_get(meta, "ensemble")))
        return damaged(path, "its format and its ensemble contradict each other", err);
    if (format < LS_FORMAT_SOURCE
            ? json_object_get(meta, "source") != NULL
            : format == LS_FORMAT_SOURCE && !json_is_object(json_object_get(meta, "source")))
        return damaged(path, "its format and its source contradict each other", err);
    const json_t *decision = json_object_get(meta, "decision"),
                 *targets = json_object_get(meta, "targets");
    if (format >= LS_FORMAT_SOURCE ? (decision && !decided) || (targets && !json_is_object(targets))
                                   : (format == LS_FORMAT_DECIDED) != decided)
        return damaged(path, "its format and its decision contradict each other", err);
    if (format < LS_FORMAT_SOURCE && (format == LS_FORMAT_TARGETS) != json_is_object(targets))
        return damaged(path, "its format and its targets contradict each other", err);
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
        return damaged(path, "its metadata lacks features, classes or options", err);
    unsigned char *pieces = NULL;
    LS_TRY(read_shape(meta, path, &shape, err));
    LS_TRY(ls_options_create(&options, err));
    ls_status status = read_options(json_object_get(meta, "options"), options, path, err);
    if (status == LS_OK) {
        status = ls_pieces_of_json(json_object_get(meta, "pieces"), features, &pieces, err);
        if (status == LS_ERR_DATA) damaged(path, "its pieces are not numbers of its inputs", err);
    }
    if (status == LS_OK && !pieces != !ls_settings_pieces(&options->settings))
        status = damaged(path, "its pieces and its options contradict each other", err);
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
    LS_TRY(read_numbers(json_object_get(object, "mean"), inputs, &m->mean, path, err));
    LS_TRY(read_numbers(json_object_get(object, "scale"), inputs, &m->scale, path, err));
    for (size_t i = 0; m->scale && i < inputs; i++)
        if (!(m->scale[i] > 0))
            return damaged(path, "its standardisation has a scale of 0 or less", err);
    if (!m->mean != !m->scale) return damaged(path, "its standardisation is incomplete", err);
    const json_t *clip = json_object_get(object, "clip");
    if (clip &&
        !(m->mean && ls_json_read_number(clip, &m->clip) && m->clip >= 1e-3 && m->clip <= 1e9))
        return damaged(path, "its standardisation has an impossible limit", err);
    return LS_OK;
}

/* Numbers are clipped exactly if the options say so; images never are. */
static ls_status check_clip(const ls_model *m, const char *path, ls_error *err)
{
    bool images = m->network.image.channels && !m->encoder,
         clipped = m->options->settings.scaling == LS_SCALING_ROBUST && m->mean && !images;
    return (m->clip > 0) == clipped
               ? LS_OK
               : damaged(path, "its standardisation and its options contradict each other", err);
}

/* All metadata, into a model of the right shape. */
static ls_status fill_model(const json_t *meta, const char *path, ls_model *m, ls_error *err)
{
    const json_t *columns = json_object_get(meta, "columns"),
                 *decision = json_object_get(meta, "decision"),
                 *source = json_object_get(meta, "source");
    bool twice = false;
    LS_TRY(read_names(json_object_get(meta, "features"), m->feature_names, path, err));
    LS_TRY(read_names(json_object_get(meta, "classes"), m->class_names, path, err));
    LS_TRY(find_twice(m->class_names, m->network.classes, &twice, err));
    if (twice) return damaged(path, "a class is listed twice", err);
    LS_TRY(read_standardize(json_object_get(meta, "standardize"), m, path, err));
    if (m->task != LS_TASK_CLASSIFICATION)
        LS_TRY(read_targets(json_object_get(meta, "targets"), m, path, err));
    LS_TRY(read_most_frequent(json_object_get(meta, "most_frequent_class"), m, path, err));
    const json_t *split = json_object_get(meta, "split");
    if (split) LS_TRY(ls_split_read(split, path, &m->split, err));
    if (source) LS_TRY(ls_source_read(source, m, path, err));
    if (columns) LS_TRY(read_encoder(columns, m, path, err));
    LS_TRY(check_clip(m, path, err));
    if (source) LS_TRY(ls_source_check(m, path, err));
    else ls_source_guess(m);
    if (decision) LS_TRY(read_decision(decision, m, path, err));
    LS_TRY(read_history(json_object_get(meta, "history"), m, path, err));
    return read_training(json_object_get(meta, "training"), m, path, err);
}

/* A model with everything but its values, which are read next; of an ensemble without its members.
 */
static ls_status read_one(const json_t *meta, const char *path, ls_model **out, ls_error *err)
{
    ls_model *m;
    LS_TRY(create_model(meta, path, &m, err));
    ls_status status = fill_model(meta, path, m, err);
    if (status != LS_OK) ls_model_free(m);
    else *out = m;
    return status;
}

/* The metadata of a member as those of a model: with what it shares with the ensemble, without
 * entries that are null. */
static ls_status complete_member(const json_t *root, const json_t *member, json_t **out,
                                 ls_error *err)
{
    json_t *whole = json_copy((json_t *)member);
    for (size_t i = 0; whole && ls_shared_entries[i]; i++) {
        const char *name = ls_shared_entries[i];
        json_t *shared = json_object_get(root, name), *own = json_object_get(whole, name);
        if (json_is_null(own)) json_object_del(whole, name);
        else if (!own && shared) ls_json_set(&whole, name, json_incref(shared));
    }
    *out = whole;
    return whole ? LS_OK : ls_fail(err, LS_ERR_MEMORY, "out of memory for the ensemble");
}

/* Whether a member takes the rows of the ensemble and predicts its targets. */
static bool fits_ensemble(const ls_model *member, const ls_model *m)
{
    const ls_network *a = &member->network, *b = &m->network;
    const size_t own = member->encoder ? member->encoder->columns : a->inputs,
                 columns = m->encoder ? m->encoder->columns : b->inputs;
    bool same = member->task == m->task && a->inputs == b->inputs && a->outputs == b->outputs &&
                a->classes == b->classes && a->output == b->output && own == columns &&
                member->targets == m->targets && !ls_decision_is_set(&member->decision);
    for (size_t c = 0; same && c < columns; c++)
        same = (member->encoder && member->encoder->column[c].categorical) ==
               (m->encoder && m->encoder->column[c].categorical);
    for (size_t k = 0; same && k < a->classes; k++)
        same = !strcmp(member->class_names[k], m->class_names[k]);
    return same;
}

static ls_status read_member(const json_t *root, const json_t *object, size_t i, const char *path,
                             ls_model *m, ls_error *err)
{
    json_t *whole;
    ls_model **member = &m->ensemble->member[i];
    LS_TRY(complete_member(root, object, &whole, err));
    ls_status status = ls_json_read_count(json_object_get(object, "times"),
                                          &m->ensemble->times[i]) &&
                               m->ensemble->times[i] && m->ensemble->times[i] <= LS_MOST_MEMBERS &&
                               !json_object_get(object, "ensemble") &&
                               !json_object_get(object, "decision")
                           ? read_one(whole, path, member, err)
                           : damaged(path, "a member of its ensemble is incomplete", err);
    json_decref(whole);
    if (status == LS_OK && !fits_ensemble(*member, m))
        status = damaged(path, "a member of its ensemble does not fit the ensemble", err);
    return status;
}

static ls_status read_ensemble(const json_t *root, const char *path, ls_model *m, ls_error *err)
{
    const json_t *object = json_object_get(root, "ensemble"),
                 *list = json_object_get(object, "members");
    size_t members = json_array_size(list);
    double temperature;
    if (!members || members > LS_MOST_MEMBERS ||
        !ls_json_read_number(json_object_get(object, "temperature"), &temperature) ||
        !(temperature >= 1e-3 && temperature <= 1e3))
        return damaged(path, "its ensemble is incomplete", err);
    LS_TRY(ls_ensemble_reserve(m, members, err));
    m->ensemble->temperature = temperature;
    m->summary.parameters = 0;
    for (size_t i = 0; i < members; i++) {
        LS_TRY(read_member(root, json_array_get(list, i), i, path, m, err));
        m->summary.parameters += m->ensemble->member[i]->summary.parameters;
    }
    return LS_OK;
}

static ls_status read_metadata(const json_t *meta, const char *path, ls_model **out, ls_error *err)
{
    ls_model *m;
    LS_TRY(check_format(meta, path, err));
    LS_TRY(read_one(meta, path, &m, err));
    ls_status status = json_object_get(meta, "ensemble") ? read_ensemble(meta, path, m, err)
                                                         : LS_OK;
    if (status != LS_OK) ls_model_free(m);
    else *out = m;
    return status;
}

/* ---- Tensors --------------------------------------------------------------------------------- */

/* Checks one tensor's entry: float32, the network's shape, directly after the tensor before it. */
static ls_status check_tensor(const json_t *entry, const ls_tensor *t, size_t at, const char *path,
                              ls_error *err)
{
    const json_t *shape = json_object_get(entry, "shape"),
                 *offsets = json_object_get(entry, "data_offsets");
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    size_t rank = t->columns ? 2 : 1;
    if (!entry)
        return ls_fail(err, LS_ERR_DATA, "%s: not a usable model file: tensor %s is missing", path,
                       t->name);
    if (!type || strcmp(type, "F32"))
        return ls_fail(err, LS_ERR_DATA, "%s: not a usable model file: tensor %s is not float32",
                       path, t->name);
    bool fits = json_array_size(shape) == rank &&
                json_integer_value(json_array_get(shape, 0)) == (json_int_t)t->rows &&
                (rank == 1 ||
                 json_integer_value(json_array_get(shape, 1)) == (json_int_t)t->columns);
    if (!fits)
        return ls_fail(
            err, LS_ERR_DATA,
            "%s: not a usable model file: the shape of tensor %s is not that of its network", path,
            t->name);
    if (json_array_size(offsets) != 2 ||
        json_integer_value(json_array_get(offsets, 0)) != (json_int_t)at ||
        json_integer_value(json_array_get(offsets, 1)) !=
            (json_int_t)(at + ls_tensor_size(t) * sizeof(float)))
        return ls_fail(err, LS_ERR_DATA,
                       "%s: not a usable model file: tensor %s leaves a gap or overlaps another",
                       path, t->name);
    return LS_OK;
}

/* The tensors of one network, which begin at *at of the data. */
static ls_status read_network(const json_t *root, const char *data, const char *prefix,
                              const char *path, ls_model *m, size_t *at, size_t *found,
                              ls_error *err)
{
    ls_tensor *tensors;
    size_t count;
    char name[96];
    LS_TRY(ls_model_alloc_values(m, err));
    LS_TRY(ls_network_tensors(&m->network, &tensors, &count, err));
    ls_status status = LS_OK;
    for (size_t i = 0; i < count && status == LS_OK; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, tensors[i].name);
        status = check_tensor(json_object_get(root, name), &tensors[i], *at, path, err);
        if (status == LS_OK)
            ls_copy_floats(m->values + tensors[i].offset, data + *at, ls_tensor_size(&tensors[i]));
        *at += ls_tensor_size(&tensors[i]) * sizeof(float);
    }
    *found += count;
    free(tensors);
    return status;
}

static size_t values_of(const ls_model *m) { return m->network.parameters + m->network.running; }

static ls_status read_tensors(const json_t *root, const char *data, size_t size, const char *path,
                              ls_model *m, ls_error *err)
{
    char prefix[LS_MEMBER_PREFIX];
    size_t at = 0, found = 1, bytes = 0;
    for (size_t i = 0; i < ls_model_networks(m); i++) {
        size_t own = values_of(ls_model_network(m, i)) * sizeof(float);
        if (own > size - bytes) bytes = SIZE_MAX;
        else bytes += own;
        if (bytes > size) break;
    }
    if (size != bytes)
        return damaged(path, "its size does not match its network; it is cut short or damaged",
                       err);
    for (size_t i = 0; i < ls_model_networks(m); i++) {
        ls_member_prefix(m->ensemble != NULL, i, prefix);
        LS_TRY(read_network(root, data, prefix, path, m->ensemble ? m->ensemble->member[i] : m, &at,
                            &found, err));
    }
    return json_object_size(root) == found
               ? LS_OK
               : damaged(path, "its tensors are not those of its network", err);
}

/* Checks that all values are finite and match their checksum. */
static ls_status check_weights(const json_t *meta, const ls_model *m, const char *path,
                               ls_error *err)
{
    const char *stated = json_string_value(json_object_get(meta, "weights_sha256"));
    char hash[65];
    for (size_t k = 0; k < ls_model_networks(m); k++) {
        const ls_model *one = ls_model_network(m, k);
        const ls_network *n = &one->network;
        for (size_t i = 0; i < values_of(one); i++)
            if (!isfinite(one->values[i]))
                return damaged(path, "it contains weights that are not finite", err);
        if (n->pieces && !ls_pieces_valid(n, one->values + n->parameters + n->layer[0].table))
            return damaged(path, "the pieces of its inputs are damaged", err);
    }
    ls_model_weights_sha256(m, hash);
    if (CHECKSUMS && (!stated || strcmp(stated, hash)))
        return damaged(path, "its weights do not match their checksum; it is damaged", err);
    return LS_OK;
}

/* A model from the header and the data that follows it. */
static ls_status read_model(const json_t *root, const char *data, size_t size, const char *path,
                            ls_model **out, ls_error *err)
{
    const char *inner = json_string_value(json_object_get(json_object_get(root, "__metadata__"),
                                                          "lockstep"));
    json_error_t where;
    char hash[65], stated_meta[65];
    if (!inner) return damaged(path, "it is a safetensors file that Lockstep did not write", err);
    json_t *meta = json_loads(inner, JSON_REJECT_DUPLICATES, &where);
    if (!meta) return damaged(path, "its metadata is not JSON", err);
    ls_model *m = NULL;
    const char *sum = json_string_value(json_object_get(meta, "metadata_sha256"));
    snprintf(stated_meta, sizeof stated_meta, "%s", sum ? sum : "");
    ls_status status = LS_OK;
    if (CHECKSUMS && (!ls_metadata_hash(meta, hash) || strcmp(hash, stated_meta)))
        status = damaged(path, "its metadata does not match its checksum; it is damaged", err);
    if (status == LS_OK) status = read_metadata(meta, path, &m, err);
    if (status == LS_OK) status = read_tensors(root, data, size, path, m, err);
    if (status == LS_OK) status = check_weights(meta, m, path, err);
    json_decref(meta);
    if (status != LS_OK) ls_model_free(m);
    else *out = m;
    return status;
}

ls_status ls_model_parse(const char *path, const char *bytes, size_t size, ls_model **out,
                         ls_error *err)
{
    json_error_t where;
    size_t length;
    LS_TRY(ls_model_check_start(path, bytes, size, &length, err));
    if (length > size - 8) return damaged(path, "its header is cut short", err);
    json_t *root = json_loadb(bytes + 8, length, JSON_REJECT_DUPLICATES, &where);
    if (!root) return damaged(path, "its header is not JSON", err);
    ls_status status = read_model(root, bytes + 8 + length, size - 8 - length, path, out, err);
    json_decref(root);
    return status;
}
