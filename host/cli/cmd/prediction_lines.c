/* SPDX-License-Identifier: MIT */
#include "host/cli/cmd/prediction_lines.h"
#include "host/base/decimal.h"
#include "host/base/error.h"
#include "host/base/memory.h"
#include "host/base/visible.h"
#include "host/model/model.h"
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
    if (l->visible) {
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

ls_status prediction_lines_open(prediction_lines *l, const ls_model *model, bool visible,
                                ls_error *err)
{
    const size_t classes = ls_model_classes(model);
    size_t numbers, longest = 0;
    *l = (prediction_lines){.model = model,
                            .outputs = ls_model_outputs(model),
                            .task = ls_model_task(model),
                            .visible = visible};
    l->raw = !strcmp(ls_model_option(model, "output"), "identity");
    LS_TRY(ls_alloc(&l->class, classes + 1, sizeof *l->class, "the predictions", err));
    for (size_t k = 0; k < classes; k++) {
        ls_text field = {0};
        add_field(l, &field, "", ls_model_class_name(model, k));
        l->class[k] = field.text;
        if (field.failed) return lost(err);
        if (field.length > longest) longest = field.length;
    }
    if (!ls_mul_size(l->outputs + 1, LS_DECIMAL_ROOM + 3, &numbers) ||
        !ls_add_size(numbers, longest + 2, &l->room) || !ls_add_size(l->room, BUFFER, &l->capacity))
        return lost(err);
    return ls_alloc(&l->text, l->capacity, 1, "the predictions", err);
}

void prediction_lines_close(prediction_lines *l)
{
    for (size_t k = 0; l->class && l->class[k]; k++) free(l->class[k]);
    free(l->class);
    free(l->text);
}

/* ---- The header ------------------------------------------------------------------------------ */

static void add_class_names(const prediction_lines *l, ls_text *text)
{
    const size_t classes = ls_model_classes(l->model);
    add_field(l, text, "", "class");
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
        add_field(l, text, prefix, name ? name : number);
    }
}

ls_status prediction_lines_begin(prediction_lines *l, ls_sink *file, ls_error *err)
{
    ls_text text = {0};
    l->file = file;
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

static void add_class(prediction_lines *l, const float *outputs)
{
    const char *class = l->class[ls_model_decide(l->model, outputs)];
    size_t length = strlen(class);
    memcpy(l->text + l->length, class, length);
    l->length += length;
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
    for (size_t k = 0; k < empty + numbers; k++) {
        if (k) l->text[l->length++] = ',';
        if (k < empty) continue;
        memcpy(l->text + l->length, "NaN", 3);
        l->length += 3;
    }
}

ls_status prediction_lines_add(prediction_lines *l, const float *outputs, size_t rows,
                               ls_error *err)
{
    for (size_t r = 0; r < rows; r++, outputs += l->outputs) {
        l->rows++;
        if (!is_finite(l, outputs)) {
            if (!l->marked++) l->first_marked = l->rows;
            add_mark(l);
        } else if (l->task == LS_TASK_CLASSIFICATION) add_class(l, outputs);
        else if (l->task == LS_TASK_REGRESSION) add_numbers(l, outputs);
        else add_labels(l, outputs);
        l->text[l->length++] = '\n';
        assert(l->length <= l->capacity);
        if (r + 1 < rows && l->capacity - l->length >= l->room) continue;
        LS_TRY(ls_sink_write(l->file, l->text, l->length, err));
        l->length = 0;
    }
    return LS_OK;
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
