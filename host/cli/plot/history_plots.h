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

#endif
