/* SPDX-License-Identifier: MIT */
/* Draws the plots of the experiments. */
#ifndef LS_CLI_EXPERIMENT_PLOTS_H
#define LS_CLI_EXPERIMENT_PLOTS_H

#include "host/cli/base/losses.h"
#include "host/cli/experiment/result.h"

/* Draws each plot into DIR and stores its SVG in svg[number of the plot] (freed by the caller; NULL
 * if not drawn). Without gnuplot it prints a message and draws nothing. What fails otherwise is
 * told and counted. */
void exp_draw(const exp_session *session, char **svg, losses *lost);

#endif
