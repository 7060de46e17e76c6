/* SPDX-License-Identifier: MIT */
/* Plots with one row or bar per class: confusion matrix and class balance. */
#ifndef LS_CLI_PLOT_CLASS_PLOTS_H
#define LS_CLI_PLOT_CLASS_PLOTS_H

#include "host/base/text.h"
#include "host/cli/base/outcome.h"

/* Counts per true and predicted class, shaded by the share of the true class. */
void plot_confusion(ls_text *script, const outcome *o);
/* Rows of each class; label: what data holds, such as "training rows"; test may be NULL. */
void plot_balance(ls_text *script, const ls_model *model, const ls_data *data, const char *label,
                  const ls_data *test);

#endif
