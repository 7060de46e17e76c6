/* SPDX-License-Identifier: MIT */
/* Ranges and tics of linear and logarithmic axes. */
#ifndef LS_CLI_PLOT_AXIS_H
#define LS_CLI_PLOT_AXIS_H

#include "host/base/text.h"

/* Extends the range [*low, *high] to a value; ignores NaN and values that are not positive. */
void plot_widen(double value, double *low, double *high);
/* Tics at 1, 2 and 5 of each decade, or at powers of ten only if there are many decades: gnuplot's
 * own tics leave short axes without a number. */
void plot_add_log_tics(ls_text *script, const char *axis, double low, double high);
/* Sets the range of an axis with some margin; the axis is logarithmic if high / low > 30. Returns
 * the middle of the axis. */
double plot_add_range(ls_text *script, const char *axis, double low, double high);

#endif
