/* SPDX-License-Identifier: MIT */
/* Plots of the training history: loss and validation accuracy per epoch. */
#ifndef LS_CLI_PLOT_HISTORY_PLOTS_H
#define LS_CLI_PLOT_HISTORY_PLOTS_H

#include "host/base/text.h"
#include "host/include/lockstep.h"
#include <stdbool.h>

/* Training (and validation) loss per epoch. */
void plot_loss(ls_text *script, const ls_model *model);
/* Accuracy per epoch on the validation rows. */
void plot_accuracy(ls_text *script, const ls_model *model);
/* Returns true if the history has a validation accuracy. */
bool plot_has_accuracy(const ls_model *model);

/* ---- Several models in one picture ------------------------------------------------------------
 */

enum { PLOT_RUNS = 7 }; /* as many as there are colours */

/* A model and the name that the legend has for it. */
typedef struct {
    const ls_model *model;
    const char *name;
} plot_member;

/* Checks that the curves of these models can be compared. Errors: LS_ERR_ARGUMENT with the reason.
 */
ls_status plot_runs_check(const plot_member *run, size_t count, bool accuracy, ls_error *err);

/* The loss, or the accuracy, per epoch of several models: on the validation rows if all of them
 * have such, otherwise on the training rows. */
void plot_runs(ls_text *script, const plot_member *run, size_t count, bool accuracy);

#endif
