/* SPDX-License-Identifier: MIT */
/* Writes a benchmark's results as OUT.csv and OUT.svg. */
#ifndef LS_BENCH_FILES_H
#define LS_BENCH_FILES_H

#include "bench/options.h"
#include "host/base/text.h"
#include "host/include/lockstep.h"

/* Checks --out, which becomes part of a gnuplot script. */
ls_status bench_check_out(const bench_options *o, ls_error *err);
/* Writes the table to OUT.csv and runs the gnuplot script, which writes OUT.svg, if gnuplot is
 * installed. */
ls_status bench_write_files(const bench_options *o, const ls_text *csv, const ls_text *plot,
                            ls_error *err);

#endif
