/* SPDX-License-Identifier: MIT */
/* Runs gnuplot, if it is installed, as a child process. */
#ifndef LS_CLI_PLOT_GNUPLOT_H
#define LS_CLI_PLOT_GNUPLOT_H

#include "host/base/text.h"
#include "host/include/lockstep.h"

/* Checks that gnuplot can be run. Errors: LS_ERR_UNSUPPORTED if it is not installed. */
ls_status plot_check(ls_error *err);
/* The message if it is not installed. */
extern const char plot_absent[];

/* Runs a script; *bytes, freed by the caller, is what gnuplot writes. */
ls_status plot_run(const ls_text *script, char **bytes, size_t *size, ls_error *err);

/* Runs a script; *svg, freed by the caller, is the finished plot. title and description (may be
 * NULL) are for screen readers. Errors: LS_ERR_UNSUPPORTED without gnuplot. */
ls_status plot_draw(const ls_text *script, const char *title, const char *description, char **svg,
                    ls_error *err);

/* Draws into a file, in the format that its name ends in: .svg or .png. */
ls_status plot_draw_file(const ls_text *script, const char *title, const char *description,
                         const char *path, ls_error *err);

#endif
