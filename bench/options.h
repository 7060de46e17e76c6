/* SPDX-License-Identifier: MIT */
/* The options of lockstep-bench, which all commands share. */
#ifndef LS_BENCH_OPTIONS_H
#define LS_BENCH_OPTIONS_H

#include "host/base/text.h"
#include <stdbool.h>
#include <stdio.h>

/* 0 and NULL: not given on the command line; the command's default applies (bench/main.c). */
typedef struct {
    const char *device;  /* as for `lockstep --device`; some commands take several, with commas */
    size_t threads;      /* of the CPU path; 0: one per core */
    const char *isa;     /* of the CPU path; NULL: the best */
    size_t repeats;      /* timed repetitions of each case, 1 to 1000 */
    double seconds;      /* intended length of one repetition */
    const char *network; /* widths, such as 784-512-10 */
    size_t batch, rows;  /* rows per step, and of the data set */
    const char *optimizer;
    const char *activation; /* of the hidden layers */
    double rate;            /* learning rate */
    size_t epochs, members; /* of width, fleet, serve */
    const char *shape;      /* matmul: M,N,K; NULL: a standard list */
    const char *peer;       /* matmul: a BLAS library; NULL: the usual ones that are installed */
    const char *data;       /* step, epoch: a folder of IDX files; NULL: generated rows */
    size_t up_to;           /* sweep: largest width and batch; fleet: most members */
    const char *out;        /* sweep, fleet: name of the files without extension */
    bool json;
    /* State of the output. */
    bool first;        /* no JSON row has been printed yet */
    double peak_flops; /* of the device, measured; 0: unknown */
    double peak_bytes;
} bench_options;

/* Prints text and a newline, wrapped at 100 columns; the cursor is at column `indent`. */
void bench_print_wrapped(FILE *out, const char *text, size_t indent);
/* Prints the part of the help that describes the options. */
void bench_options_print_help(FILE *out);

/* Parses argv[1..]. Returns 0, or the exit status after an error message; sets *help for --help. */
int bench_options_parse(bench_options *options, int argc, char **argv, bool *help);
/* Replaces options that were not given by those of `defaults`. */
void bench_options_fill(bench_options *options, const bench_options *defaults);

#endif
