/* SPDX-License-Identifier: MIT */
#include "host/cli/base/threshold.h"
#include "host/base/json.h"
#include "host/cli/base/terminal.h"
#include <jansson.h>
#include <math.h>
#include <popt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void threshold_table(ls_threshold_options *o, bool best_f1,
                     struct poptOption table[THRESHOLD_OPTIONS])
{
    const struct poptOption all[THRESHOLD_OPTIONS] = {
        {"positive", 0, POPT_ARG_STRING, &o->positive, 0,
         "the positive class, by name or by number, counted from 0; precision, recall, F1 and --threshold refer to it (default: the model's, or the second class)",
         "CLASS"},
        {"threshold", 0, POPT_ARG_STRING, &o->threshold, 0,
         best_f1
             ? "predict the positive class if its probability is at least F; best-f1: choose F so that F1 is highest"
             : "predict the positive class if its probability is at least F",
         best_f1 ? "F|best-f1" : "F"},
        POPT_TABLEEND,
    };
    memcpy(table, all, sizeof all);
}

static const char *const source_names[] = {"default", "given", "validation", "training", "data"};

static const char *const source_texts[] = {
    "", " (as given)", " (highest F1 on the validation rows)", " (highest F1 on the training rows)",
    " (highest F1 on these same rows, so the metrics are optimistic)"};

json_t *decision_json(const ls_decision *d, const ls_model *model)
{
    if (ls_model_classes(model) != 2) return json_null();
    return json_pack("{s:s,s:o,s:s}", "positive", ls_model_class_name(model, d->positive),
                     "threshold", ls_json_number((double)d->threshold), "source",
                     source_names[d->source]);
}

void print_decision(const char *label, const ls_decision *d, const ls_model *model)
{
    bool raw = !strcmp(ls_model_option(model, "output"), "identity");
    if (d->source == LS_THRESHOLD_DEFAULT) return;
    /* nine digits identify a float32 */
    terminal_print(stdout, "%s'%s' if its %s is at least %.9g%s\n", label,
                   ls_model_class_name(model, d->positive), raw ? "output" : "probability",
                   (double)d->threshold, source_texts[d->source]);
}
