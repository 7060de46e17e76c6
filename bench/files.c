/* SPDX-License-Identifier: MIT */
#include "bench/files.h"
#include "host/base/file.h"
#include <stdio.h>
#include <string.h>

/* Runs a gnuplot script; returns false if gnuplot is not installed or fails. */
static bool draw(const ls_text *plot)
{
    FILE *gnuplot = popen("gnuplot", "w");
    if (gnuplot) fwrite(plot->text, 1, plot->length, gnuplot);
    return gnuplot && pclose(gnuplot) == 0;
}

ls_status bench_check_out(const bench_options *o, ls_error *err)
{
    if (!strpbrk(o->out, "'\"\\\n") && strlen(o->out) <= 4000) return LS_OK;
    return ls_fail(err, LS_ERR_ARGUMENT, "--out: the name must not hold quotes or backslashes");
}

ls_status bench_write_files(const bench_options *o, const ls_text *csv, const ls_text *plot,
                            ls_error *err)
{
    char path[4200];
    if (csv->failed || plot->failed)
        return ls_fail(err, LS_ERR_MEMORY, "out of memory for %s.csv", o->out);
    snprintf(path, sizeof path, "%s.csv", o->out);
    LS_TRY(ls_write_file(path, csv->text, csv->length, err));
    fprintf(stderr,
            draw(plot) ? "wrote %s.csv and %s.svg\n"
                       : "wrote %s.csv; install gnuplot for the plot %s.svg\n",
            o->out, o->out);
    return LS_OK;
}
