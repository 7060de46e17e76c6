/* SPDX-License-Identifier: MIT */
/* --positive and --threshold: which class is to be found, and from which score on. */
#include "host/cli/base/threshold.h"
#include "host/cli/base/json.h"
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
         "the class to find, by name or number from 0: precision, recall, F1 and --threshold are about it (default: the model's, or the second)",
         "CLASS"},
        {"threshold", 0, POPT_ARG_STRING, &o->threshold, 0,
         best_f1
             ? "decide for the positive class where its probability is at least F; best-f1: where that gives the best F1"
             : "decide for the positive class where its probability is at least F",
         best_f1 ? "F|best-f1" : "F"},
        POPT_TABLEEND,
    };
    memcpy(table, all, sizeof all);
}

static const char *const names[] = {"default", "given", "validation", "training", "data"};

static const char *const words[] = {"", " (as asked)",
                                    " (the best F1 on the rows held out for validation)",
                                    " (the best F1 on the training rows)",
                                    " (the best F1 on these very rows, so the figures flatter)"};

json_t *decision_json(const ls_decision *d, const ls_model *model)
{
    if (ls_model_classes(model) != 2) return json_null();
    return json_pack("{s:s,s:o,s:s}", "positive", ls_model_class_name(model, d->positive),
                     "threshold", number_json((double)d->threshold), "source", names[d->source]);
}

void print_decision(const char *label, const ls_decision *d, const ls_model *model)
{
    bool raw = !strcmp(ls_model_option(model, "output"), "identity");
    if (d->source == LS_THRESHOLD_DEFAULT) return;
    /* nine digits give the same float32 back */
    printf("%s'%s' where its %s is at least %.9g%s\n", label,
           ls_model_class_name(model, d->positive), raw ? "output" : "probability",
           (double)d->threshold, words[d->source]);
}
