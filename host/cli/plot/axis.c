/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/axis.h"
#include <math.h>

void plot_widen(double value, double *low, double *high)
{
    if (!(value > 0)) return; /* false for NaN, too */
    *low = fmin(*low, value);
    *high = fmax(*high, value);
}

void plot_add_log_tics(ls_text *s, const char *axis, double low, double high)
{
    bool few = high / low < 500;
    const char *between = "";
    ls_text_add(s, "set %stics (", axis);
    for (int k = (int)floor(log10(low)); k <= (int)ceil(log10(high)); k++)
        for (int m = 1; m < 10; m = m == 1 ? 2 : m == 2 ? 5 : 10) {
            double at = m * pow(10, k);
            if ((m > 1 && !few) || at < low * 0.999 || at > high * 1.001) continue;
            ls_text_add(s, "%s'%g' %g", between, at, at);
            between = ", ";
        }
    ls_text_add(s, ")\n");
}

double plot_add_range(ls_text *s, const char *axis, double low, double high)
{
    bool logarithmic = high / low > 30;
    if (!(low <= high)) low = 0.1, high = 1; /* there are no values */
    double from = logarithmic ? low / 1.2 : fmax(0, low - 0.06 * (high - low)),
           to = logarithmic ? high * 1.2 : high + 0.06 * (high - low);
    if (!(to > from)) from = low / 2, to = high * 2;
    ls_text_add(s, "set %srange [%.6g:%.6g]\n", axis, from, to);
    if (!logarithmic) return (from + to) / 2;
    ls_text_add(s, "set logscale %s\n", axis);
    plot_add_log_tics(s, axis, from, to);
    return sqrt(from * to);
}
