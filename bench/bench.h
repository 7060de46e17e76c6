/* SPDX-License-Identifier: MIT */
#ifndef LS_BENCH_H
#define LS_BENCH_H

#include "host/base/text.h"
#include "host/network/backend.h"

typedef struct {
    const char *device; /* as --device of lockstep */
    size_t threads;     /* of the CPU path, 0: one a core */
    const char *isa;    /* CPU path only; NULL: the best */
    size_t repeats;     /* timed repetitions of each case, 1 to 1000 */
    double seconds;     /* aimed-at length of one repetition */
    bool json, first;   /* first: no JSON row has been printed yet */
    double peak_flops;  /* of the device, measured; 0: unknown */
    double peak_bytes;
    const char *network; /* widths as 784-512-10 */
    size_t batch, rows;
    const char *optimizer;
    const char *activation; /* of the hidden layers */
    double rate;            /* learning rate, 0: the mode's */
    size_t epochs, members; /* width, fleet, serve; 0: the mode's */
    const char *shape;      /* matmul: m,n,k, or NULL for the standard list */
    const char
        *peer; /* matmul: a BLAS library to compare with, or NULL to look for the usual ones */
    const char *data; /* step, epoch: a folder of IDX files, or NULL for rows made up */
    size_t up_to;     /* sweep: the largest width and batch; fleet: the most members */
    const char *out;  /* sweep, fleet: where the files go, without their endings */
} bench_options;

double bench_now(void);

/* Median of n values (sorts them), and half the distance between the quartiles over the median. */
double bench_median(double *values, size_t n, double *spread);

/* Opens the device of the options: a backend, and its name for the report. */
ls_status bench_open(const bench_options *o, ls_device **out, ls_error *err);

enum { BENCH_DEVICES = 4 };

/* The devices of --device, several by commas: *count of them, each a copy that bench_names_free
 * frees. */
ls_status bench_names(const bench_options *o, char *names[BENCH_DEVICES], size_t *count,
                      ls_error *err);
void bench_names_free(char *names[BENCH_DEVICES], size_t count);

/* One line of the report: name, what was measured in GFLOP/s or GB/s, share of the peak, seconds,
 * spread. */
void bench_row(bench_options *o, const char *what, const char *name, double rate, const char *unit,
               double peak, double seconds, double spread);

/* Peak rates in FLOP/s and bytes/s. */
ls_status bench_peak(ls_device *device, unsigned threads, const char *isa, double *flops,
                     double *bytes, ls_error *err);

ls_status bench_matmul(bench_options *o, ls_device *device, ls_error *err);
ls_status bench_step(bench_options *o, ls_device *device, ls_error *err);
ls_status bench_epoch(bench_options *o, ls_device *device, ls_error *err);
/* Steps over a grid of widths and batches on the devices of --device (several by commas), as a
 * table and a picture. */
ls_status bench_sweep(bench_options *o, ls_error *err);
/* The small networks of bench/README.md, full batch, on the devices of --device in turn: times
 * beside what one core could do. */
ls_status bench_small(bench_options *o, ls_error *err);
/* 250 000 epochs of one small network on each device of --device: seconds, and whether the bits are
 * the same. */
ls_status bench_width(bench_options *o, ls_error *err);
/* Many members against one, on the devices of --device; time and memory over the number of members,
 * as a table and a picture. */
ls_status bench_fleet(bench_options *o, ls_error *err);
/* As bench_serve, with a fleet: each "go" trains all members for --epochs more. */
ls_status bench_serve_fleet(bench_options *o, ls_device *device, ls_error *err);
/* What --device auto chooses over a grid of networks, against each device alone. */
ls_status bench_choose(bench_options *o, ls_error *err);
ls_status bench_elementwise(bench_options *o, ls_device *device, ls_error *err);
/* Obeys lines on standard input, for bench/side_by_side.py: "go" runs one repetition and prints its
 * seconds. */
ls_status bench_serve(bench_options *o, ls_device *device, ls_error *err);

/* Prints the hashes of whole runs (bench_hash.c). */
ls_status bench_hash(ls_device *device, ls_error *err);

/* ---- A network's step, ready to be timed (bench_step.c) -------------------------------------- */

typedef struct {
    ls_device *device;
    ls_options *options;
    struct ls_network *network;
    ls_plan *plan;
    ls_workspace *workspace;
    ls_rates *rates;
    float *x, *t, *losses;
    uint64_t step, room;
    double flops; /* of a step's products: 6·rows·weights, less the first layer's gradient of
                     inputs, which nobody needs */
} bench_run;

/* Fills x and t, which are NULL before, with rows of --data or made up (bench_data.c). */
ls_status bench_fill_rows(const bench_options *o, bench_run *run, size_t rows, size_t features,
                          size_t outputs, ls_error *err);

/* Sets the options' hidden layers from widths such as 784-512-10; features and classes come back.
 */
ls_status bench_set_network(ls_options *options, const char *widths, size_t *features,
                            size_t *classes, ls_error *err);

ls_status bench_run_open(const bench_options *o, ls_device *device, bench_run *run, ls_error *err);
ls_status bench_run_steps(bench_run *run, uint64_t count, ls_error *err);
/* Warms up; *count becomes a number of steps that takes half of --seconds at least. */
ls_status bench_calibrate(const bench_options *o, bench_run *run, uint64_t *count, ls_error *err);
void bench_run_close(bench_run *run);

/* Resident bytes of the process, its peak since the last reset; 0 where the system does not say. */
double bench_resident(void);
double bench_peak_resident(void);
void bench_reset_peak(void);

/* Options of a whole run over full batches, as the command line has them; features and classes of
 * the network come back. */
ls_status bench_full_batch_options(const bench_options *o, ls_options **out, size_t *features,
                                   size_t *classes, ls_error *err);

/* ---- A fleet's figures as files (bench_fleet_plot.c) ----------------------------------------- */

/* One measured fleet. */
typedef struct {
    const char *device; /* its name */
    size_t threads;     /* 0: the device's own affair */
    size_t members, epochs;
    double seconds;       /* adding the members and training them */
    double adding;        /* of these */
    double opening, peak; /* resident bytes before the first member was added, and at most */
} bench_fleet_point;

ls_status bench_fleet_files(const bench_options *o, const bench_fleet_point *points, size_t count,
                            ls_error *err);
/* Writes text to gnuplot; false where it is not installed or does not take it. */
bool bench_draw(const ls_text *plot);

#endif
