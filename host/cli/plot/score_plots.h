/* SPDX-License-Identifier: MIT */
/* Plots of predicted scores: ROC and precision-recall curves, calibration, histogram. */
#ifndef LS_CLI_PLOT_SCORE_PLOTS_H
#define LS_CLI_PLOT_SCORE_PLOTS_H

#include "host/base/text.h"
#include "host/cli/base/outcome.h"

/* One curve for two classes; otherwise one per class against all others, at most OUTCOME_CURVES,
 * those with the smallest area. Errors: LS_ERR_DATA if all rows have the same class. */
ls_status plot_roc(ls_text *script, const outcome *o, ls_error *err);
ls_status plot_precision_recall(ls_text *script, const outcome *o, ls_error *err);
/* These two need outputs that are probabilities. */
void plot_calibration(ls_text *script, const outcome *o);
void plot_histogram(ls_text *script, const outcome *o);

#endif
