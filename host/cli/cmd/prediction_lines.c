/* SPDX-License-Identifier: MIT */
#include "host/cli/cmd/prediction_lines.h"
#include "host/base/decimal.h"
#include "host/base/error.h"
#include "host/base/memory.h"
#include "host/base/visible.h"
#include "host/cli/cmd/prediction_json.h"
#include "host/data/data.h"
#include "host/model/model.h"
#include "host/model/reader_keep.h"
#include "host/model/targets.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER = 256 << 10 }; /* bytes that are written at a time */

static void add_quoted(ls_text *text, const char *prefix, const char *field)
{
    if (!strpbrk(field, ",\"\r\n")) {
        ls_text_add(text, "%s%s", prefix, field);
        return;
    }
    ls_text_add(text, "\"%s", prefix);
    for (; *field; field++) ls_text_add(text, *field == '"' ? "\"\"" : "%c", *field);
    ls_text_add(text, "\"");
}

/* Adds a CSV field, quoted if necessary. */
static void add_field(const prediction_lines *l, ls_text *text, const char *prefix,
                      const char *field)
{
    ls_text shown = {0};
    if (l->style.visible) {
        ls_text_show(&shown, "%s", field);
        text->failed |= shown.failed;
        if (shown.text) field = shown.text;
    }
    add_quoted(text, prefix, field);
    free(shown.text);
}

static ls_status lost(ls_error *err)
{
    return ls_fail(err, LS_ERR_MEMORY, "out of memory for the predictions");
}

/* A text as it is written in a line. */
static void add_name(const prediction_lines *l, ls_text *text, const char *name)
{
    if (l->style.json) prediction_json_string(text, name);
    else add_field(l, text, "", name);
}

static ls_status check_top(const prediction_lines *l, ls_error *err)
{
    const size_t classes = ls_model_classes(l->model);
    if (!l->style.top || (classes && l->style.top <= classes && !l->raw)) return LS_OK;
    if (!classes || l->raw)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--top is for probabilities of classes, which this model does not have");
    return ls_fail(err, LS_ERR_ARGUMENT, "--top %zu: the model has %zu classes", l->style.top,
                   classes);
}

static ls_status take_kept(prediction_lines *l, const ls_reader *reader, ls_error *err)
{
    char storage[32];
    const size_t count = reader ? ls_reader_kept(reader) : 0;
    LS_TRY(ls_alloc(&l->kept, count + 1, sizeof *l->kept, "the kept columns", err));
    for (size_t i = 0; i < count; i++)
        if (!(l->kept[i] = ls_strdup(ls_reader_kept_name(reader, i, storage)))) return lost(err);
    return LS_OK;
}

static ls_status take_classes(prediction_lines *l, size_t *longest, ls_error *err)
{
    const size_t classes = ls_model_classes(l->model);
    LS_TRY(ls_alloc(&l->class, classes + 1, sizeof *l->class, "the predictions", err));
    for (size_t k = 0; k < classes; k++) {
        ls_text field = {0};
        add_name(l, &field, ls_model_class_name(l->model, k));
        l->class[k] = field.text;
        if (field.failed) return lost(err);
        if (field.length > *longest) *longest = field.length;
    }
    LS_TRY(ls_alloc(&l->rank, classes + 1, sizeof *l->rank, "the predictions", err));
    return ls_alloc(&l->probability, classes + 1, sizeof *l->probability, "the predictions", err);
}

ls_status prediction_lines_open(prediction_lines *l, const ls_model *model, prediction_style style,
                                const ls_reader *reader, ls_error *err)
{
    size_t numbers, names, longest = 0;
    *l = (prediction_lines){.model = model,
                            .outputs = ls_model_outputs(model),
                            .task = ls_model_task(model),
                            .style = style};
    l->raw = !strcmp(ls_model_option(model, "output"), "identity");
    LS_TRY(check_top(l, err));
    LS_TRY(take_kept(l, reader, err));
    LS_TRY(take_classes(l, &longest, err));
    if (!ls_mul_size(l->outputs + style.top + 1, LS_DECIMAL_ROOM + 3, &numbers) ||
        !ls_mul_size(style.top + 1, longest + 2, &names) ||
        !ls_add_size(numbers, names, &l->room) || !ls_add_size(l->room, BUFFER, &l->capacity))
        return lost(err);
    return ls_alloc(&l->text, l->capacity, 1, "the predictions", err);
}

static void free_texts(char **list)
{
    for (size_t k = 0; list && list[k]; k++) free(list[k]);
    free(list);
}

void prediction_lines_close(prediction_lines *l)
{
    free_texts(l->class);
    free_texts(l->kept);
    free(l->rank);
    free(l->probability);
    free(l->text);
    free(l->line.text);
}

/* ---- The header ------------------------------------------------------------------------------ */

/* Whether a column that is passed through has the name of a prediction. */
static bool is_kept(const prediction_lines *l, const char *name)
{
    for (size_t i = 0; l->kept[i]; i++)
        if (!strcmp(l->kept[i], name)) return true;
    return false;
}

static void add_class_names(const prediction_lines *l, ls_text *text)
{
    const size_t classes = ls_model_classes(l->model);
    add_field(l, text, is_kept(l, "class") ? "predicted_" : "", "class");
    for (size_t k = 1; k <= l->style.top; k++) ls_text_add(text, ",class_%zu,p_%zu", k, k);
    if (l->style.top) return;
    for (size_t k = 0; k < (l->raw ? l->outputs : classes); k++) {
        ls_text_add(text, ",");
        if (l->raw && l->outputs == 1) add_field(l, text, "", "output");
        else add_field(l, text, l->raw ? "output_" : "p_", ls_model_class_name(l->model, k));
    }
}

/* The names of the targets, each after the prefix. */
static void add_target_names(const prediction_lines *l, const char *prefix, ls_text *text)
{
    for (size_t k = 0; k < l->outputs; k++) {
        char number[32] = "prediction";
        const char *name = ls_model_target_name(l->model, k);
        if (l->outputs > 1) snprintf(number, sizeof number, "prediction_%zu", k + 1);
        if (k) ls_text_add(text, ",");
        bool kept = !*prefix && is_kept(l, name ? name : number);
        add_field(l, text, kept ? "predicted_" : prefix, name ? name : number);
    }
}

ls_status prediction_lines_begin(prediction_lines *l, ls_sink *file, ls_error *err)
{
    ls_text text = {0};
    l->file = file;
    if (l->style.json) return LS_OK;
    if (l->style.number) ls_text_add(&text, "row,");
    for (size_t i = 0; l->kept[i]; i++) {
        add_field(l, &text, "", l->kept[i]);
        ls_text_add(&text, ",");
    }
    if (l->task == LS_TASK_CLASSIFICATION) add_class_names(l, &text);
    else add_target_names(l, "", &text);
    if (l->task == LS_TASK_MULTILABEL) {
        ls_text_add(&text, ",");
        add_target_names(l, "p_", &text);
    }
    ls_text_add(&text, "\n");
    ls_status status = text.failed ? lost(err) : ls_sink_write(file, text.text, text.length, err);
    free(text.text);
    return status;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static void add_number(prediction_lines *l, float value)
{
    l->text[l->length++] = ',';
    l->length += ls_decimal_of_float(value, l->text + l->length);
}

static void add_top(prediction_lines *l, const float *outputs)
{
    prediction_rank(l, outputs, l->rank, l->probability);
    for (size_t k = 0; k < l->style.top; k++) {
        const char *class = l->class[l->rank[k]];
        size_t length = strlen(class);
        l->text[l->length++] = ',';
        memcpy(l->text + l->length, class, length);
        l->length += length;
        add_number(l, l->probability[l->rank[k]]);
    }
}

static void add_class(prediction_lines *l, const float *outputs)
{
    const char *class = l->class[ls_model_decide(l->model, outputs)];
    size_t length = strlen(class);
    memcpy(l->text + l->length, class, length);
    l->length += length;
    if (l->style.top) {
        add_top(l, outputs);
        return;
    }
    if (l->outputs == 1 && !l->raw) add_number(l, 1.0f - outputs[0]);
    for (size_t k = 0; k < l->outputs; k++) add_number(l, outputs[k]);
}

static void add_numbers(prediction_lines *l, const float *outputs)
{
    const ls_model *m = l->model;
    for (size_t k = 0; k < l->outputs; k++) {
        if (k) l->text[l->length++] = ',';
        double value = ls_target_number(m->target_mean, m->target_scale, k, outputs[k]);
        l->length += ls_decimal_of_double(value, l->text + l->length);
    }
}

static void add_labels(prediction_lines *l, const float *outputs)
{
    for (size_t k = 0; k < l->outputs; k++) {
        if (k) l->text[l->length++] = ',';
        l->text[l->length++] = outputs[k] >= 0.5f ? '1' : '0';
    }
    for (size_t k = 0; k < l->outputs; k++) add_number(l, outputs[k]);
}

/* Whether all outputs of a row, in units of the targets, are finite numbers. */
static bool is_finite(const prediction_lines *l, const float *outputs)
{
    const ls_model *m = l->model;
    for (size_t k = 0; k < l->outputs; k++)
        if (!isfinite(l->task == LS_TASK_REGRESSION
                          ? ls_target_number(m->target_mean, m->target_scale, k, outputs[k])
                          : (double)outputs[k]))
            return false;
    return true;
}

/* A row without a prediction: no class, and NaN for each number. */
static void add_mark(prediction_lines *l)
{
    bool labels = l->task == LS_TASK_MULTILABEL, classes = l->task == LS_TASK_CLASSIFICATION;
    size_t empty = classes  ? 1
                   : labels ? l->outputs
                            : 0,
           numbers = l->outputs + (classes && l->outputs == 1 && !l->raw);
    if (l->style.top) numbers = 2 * l->style.top;
    for (size_t k = 0; k < empty + numbers; k++) {
        if (k) l->text[l->length++] = ',';
        if (k < empty || (l->style.top && k % 2)) continue;
        memcpy(l->text + l->length, "NaN", 3);
        l->length += 3;
    }
}

static ls_status write_lines(prediction_lines *l, ls_error *err)
{
    assert(l->length <= l->capacity);
    ls_status status = ls_sink_write(l->file, l->text, l->length, err);
    l->length = 0;
    return status;
}

/* Adds a text of any length, and leaves room for a line behind it. */
static ls_status add_text(prediction_lines *l, const ls_text *text, ls_error *err)
{
    if (text->failed) return lost(err);
    if (l->capacity - l->length < l->room + text->length) LS_TRY(write_lines(l, err));
    if (l->capacity - l->room < text->length)
        return ls_sink_write(l->file, text->text, text->length, err);
    memcpy(l->text + l->length, text->text, text->length);
    l->length += text->length;
    return LS_OK;
}

/* The number of the row, and the columns that are passed through. */
static ls_status add_kept(prediction_lines *l, const ls_data *block, size_t row, ls_error *err)
{
    const ls_kept *kept = block->kept;
    if (!l->kept[0] && !l->style.number) return LS_OK;
    l->line.length = 0;
    if (l->style.number) ls_text_add(&l->line, "%zu,", ls_data_row_number(block, row) + 1);
    for (size_t i = 0; l->kept[i]; i++) {
        add_field(l, &l->line, "", ls_kept_text(kept, row, i));
        ls_text_add(&l->line, ",");
    }
    return add_text(l, &l->line, err);
}

static ls_status add_object(prediction_lines *l, const ls_data *block, size_t row,
                            const float *outputs, bool finite, ls_error *err)
{
    size_t number = l->style.number ? ls_data_row_number(block, row) : l->rows - 1;
    l->line.length = 0;
    prediction_json_add(&l->line, l, block->kept, number, row, finite ? outputs : NULL);
    return add_text(l, &l->line, err);
}

static ls_status add_line(prediction_lines *l, const ls_data *block, size_t row,
                          const float *outputs, bool finite, ls_error *err)
{
    LS_TRY(add_kept(l, block, row, err));
    if (!finite) add_mark(l);
    else if (l->task == LS_TASK_CLASSIFICATION) add_class(l, outputs);
    else if (l->task == LS_TASK_REGRESSION) add_numbers(l, outputs);
    else add_labels(l, outputs);
    l->text[l->length++] = '\n';
    return LS_OK;
}

ls_status prediction_lines_add(prediction_lines *l, const ls_data *block, const float *outputs,
                               ls_error *err)
{
    for (size_t r = 0; r < block->rows; r++, outputs += l->outputs) {
        bool finite = is_finite(l, outputs);
        l->rows++;
        if (!finite && !l->marked++) l->first_marked = l->rows;
        LS_TRY((l->style.json ? add_object : add_line)(l, block, r, outputs, finite, err));
        if (l->capacity - l->length < l->room) LS_TRY(write_lines(l, err));
    }
    return write_lines(l, err);
}

ls_status prediction_lines_check(const prediction_lines *l, ls_error *err)
{
    char others[64] = "";
    if (!l->marked) return LS_OK;
    if (l->marked > 1) snprintf(others, sizeof others, " (and of %zu more rows)", l->marked - 1);
    return ls_fail(err, LS_ERR_DATA,
                   "row %zu%s: the network's output is not a finite number, so that there is no "
                   "prediction; a value of this row lies far outside the training rows",
                   l->first_marked, others);
}
