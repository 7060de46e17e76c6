/* SPDX-License-Identifier: MIT */
/* Plots of predicted numbers: against true ones, and of their residuals (true minus predicted). Of
 * several targets, the first PLOT_PANELS are drawn, each in a panel. */
#ifndef LS_CLI_PLOT_NUMBER_PLOTS_H
#define LS_CLI_PLOT_NUMBER_PLOTS_H

#include "host/base/text.h"
#include "host/cli/base/outcome.h"

/* Predicted against true numbers, with the diagonal. Errors: LS_ERR_MEMORY. */
ls_status plot_predicted(ls_text *script, const outcome *o, ls_error *err);
/* Residuals against predicted numbers, and their means in groups. Errors: LS_ERR_MEMORY. */
ls_status plot_residuals(ls_text *script, const outcome *o, ls_error *err);
/* Histogram of the residuals. Errors: LS_ERR_MEMORY. */
ls_status plot_residual_histogram(ls_text *script, const outcome *o, ls_error *err);
/* Residuals against the inputs that explain most of them. Errors: LS_ERR_MEMORY; LS_ERR_DATA if no
 * input has two values. */
ls_status plot_residuals_by_input(ls_text *script, const outcome *o, ls_error *err);
/* Of a model of one number: its curve over the rows. Errors: LS_ERR_MEMORY, LS_ERR_DEVICE. */
ls_status plot_curve(ls_text *script, const outcome *o, ls_device *device, ls_error *err);
/* Whether the model's only input is a number. */
bool plot_has_curve(const outcome *o);

#endif
