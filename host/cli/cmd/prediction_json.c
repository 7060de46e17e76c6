/* SPDX-License-Identifier: MIT */
#include "host/cli/cmd/prediction_json.h"
#include "host/base/decimal.h"
#include "host/base/text.h"
#include "host/model/model.h"
#include "host/model/targets.h"
#include <stdlib.h>
#include <string.h>

void prediction_json_string(ls_text *out, const char *text)
{
    char *clean = ls_strdup(text);
    if (!clean) out->failed = true;
    else ls_clean_utf8(clean);
    ls_text_add(out, "\"");
    for (const char *c = clean; c && *c; c++) {
        if (*c == '"' || *c == '\\') ls_text_add(out, "\\%c", *c);
        else if ((unsigned char)*c < ' ' || *c == 0x7f)
            ls_text_add(out, "\\u%04x", (unsigned)(unsigned char)*c);
        else ls_text_add(out, "%c", *c);
    }
    ls_text_add(out, "\"");
    free(clean);
}

static void add_float(ls_text *out, float value)
{
    char text[LS_DECIMAL_ROOM + 1];
    ls_text_add(out, "%.*s", (int)ls_decimal_of_float(value, text), text);
}

/* The name of a target, as a key. */
static void add_key(ls_text *out, const ls_model *m, size_t k)
{
    char number[32] = "prediction";
    const char *name = ls_model_target_name(m, k);
    if (ls_model_targets(m) > 1) snprintf(number, sizeof number, "prediction_%zu", k + 1);
    ls_text_add(out, k ? "," : "");
    prediction_json_string(out, name ? name : number);
    ls_text_add(out, ":");
}

static void add_kept(ls_text *out, const prediction_lines *l, const ls_kept *kept, size_t row)
{
    ls_text_add(out, ",\"kept\":{");
    for (size_t i = 0; l->kept[i]; i++) {
        ls_text_add(out, i ? "," : "");
        prediction_json_string(out, l->kept[i]);
        ls_text_add(out, ":");
        prediction_json_string(out, ls_kept_text(kept, row, i));
    }
    ls_text_add(out, "}");
}

static void add_probabilities(ls_text *out, const prediction_lines *l, const float *outputs)
{
    ls_text_add(out, ",\"probabilities\":{");
    for (size_t k = 0; k < ls_model_classes(l->model); k++) {
        float p = l->outputs > 1 ? outputs[k] : k ? outputs[0] : 1.0f - outputs[0];
        ls_text_add(out, "%s%s:", k ? "," : "", l->class[k]);
        add_float(out, p);
    }
    ls_text_add(out, "}");
}

static void add_top(ls_text *out, const prediction_lines *l, const float *outputs)
{
    prediction_rank(l, outputs, l->rank, l->probability);
    ls_text_add(out, ",\"top\":[");
    for (size_t k = 0; k < l->style.top; k++) {
        ls_text_add(out, "%s{\"class\":%s,\"p\":", k ? "," : "", l->class[l->rank[k]]);
        add_float(out, l->probability[l->rank[k]]);
        ls_text_add(out, "}");
    }
    ls_text_add(out, "]");
}

static void add_class(ls_text *out, const prediction_lines *l, const float *outputs)
{
    ls_text_add(out, ",\"class\":%s",
                outputs ? l->class[ls_model_decide(l->model, outputs)] : "null");
    if (!outputs)
        ls_text_add(out, ",\"%s\":null",
                    l->style.top ? "top"
                    : l->raw     ? "outputs"
                                 : "probabilities");
    else if (l->style.top) add_top(out, l, outputs);
    else if (!l->raw) add_probabilities(out, l, outputs);
    else {
        ls_text_add(out, ",\"outputs\":[");
        for (size_t k = 0; k < l->outputs; k++) {
            ls_text_add(out, k ? "," : "");
            add_float(out, outputs[k]);
        }
        ls_text_add(out, "]");
    }
}

static void add_numbers(ls_text *out, const ls_model *m, const float *outputs)
{
    char text[LS_DECIMAL_ROOM + 1];
    ls_text_add(out, ",\"predictions\":%s", outputs ? "{" : "null");
    for (size_t k = 0; outputs && k < ls_model_targets(m); k++) {
        double value = ls_target_number(m->target_mean, m->target_scale, k, outputs[k]);
        add_key(out, m, k);
        ls_text_add(out, "%.*s", (int)ls_decimal_of_double(value, text), text);
    }
    if (outputs) ls_text_add(out, "}");
}

static void add_labels(ls_text *out, const ls_model *m, const float *outputs)
{
    if (!outputs) {
        ls_text_add(out, ",\"labels\":null,\"probabilities\":null");
        return;
    }
    ls_text_add(out, ",\"labels\":{");
    for (size_t k = 0; k < ls_model_targets(m); k++) {
        add_key(out, m, k);
        ls_text_add(out, outputs[k] >= 0.5f ? "true" : "false");
    }
    ls_text_add(out, "},\"probabilities\":{");
    for (size_t k = 0; k < ls_model_targets(m); k++) {
        add_key(out, m, k);
        add_float(out, outputs[k]);
    }
    ls_text_add(out, "}");
}

void prediction_json_add(ls_text *out, const prediction_lines *l, const ls_kept *kept,
                         size_t number, size_t row, const float *outputs)
{
    ls_text_add(out, "{\"row\":%zu", number);
    if (l->kept[0]) add_kept(out, l, kept, row);
    if (l->task == LS_TASK_CLASSIFICATION) add_class(out, l, outputs);
    else if (l->task == LS_TASK_REGRESSION) add_numbers(out, l->model, outputs);
    else add_labels(out, l->model, outputs);
    ls_text_add(out, "}\n");
}
