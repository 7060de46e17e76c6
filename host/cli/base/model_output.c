/* SPDX-License-Identifier: MIT */
#include "host/cli/base/model_output.h"
#include "host/base/json.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

void describe_widths(const ls_model *model, char *out, size_t size)
{
    if (ls_model_members(model)) {
        snprintf(out, size, "ensemble of %zu networks, %zu inputs, %zu outputs",
                 ls_model_members(model), ls_model_features(model), ls_model_outputs(model));
        return;
    }
    const char *hidden = ls_model_option(model, "hidden"), *net = ls_model_option(model, "net");
    if (net && strcmp(net, "none")) {
        const char *shape = ls_model_option(model, "shape");
        if (shape && strcmp(shape, "auto")) snprintf(out, size, "%s: %s", shape, net);
        else snprintf(out, size, "%zu: %s", ls_model_features(model), net);
        return;
    }
    int n = snprintf(out, size, "%zu-", ls_model_features(model));
    if (hidden && strcmp(hidden, "none"))
        for (; *hidden && n > 0 && (size_t)n + 2 < size; hidden++)
            out[n++] = *hidden == ',' ? '-' : *hidden;
    if (n > 0 && (size_t)n < size && out[n - 1] != '-') out[n++] = '-';
    if (n > 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, "%zu", ls_model_outputs(model));
}

const char *model_task_name(const ls_model *model)
{
    static const char *const names[] = {[LS_TASK_CLASSIFICATION] = "classification",
                                        [LS_TASK_REGRESSION] = "regression",
                                        [LS_TASK_MULTILABEL] = "multilabel"};
    return names[ls_model_task(model)];
}

const char *model_target_name(const ls_model *model, size_t i)
{
    const char *name = ls_model_target_name(model, i);
    return name ? name : "target";
}

json_t *model_options_json(const ls_model *model)
{
    json_t *o = json_object();
    for (size_t i = 0; i < ls_option_count(); i++) {
        const char *name = ls_option_at(i)->name;
        ls_json_set(&o, name, json_string(ls_model_option(model, name)));
    }
    return o;
}
