/* SPDX-License-Identifier: MIT */
/* The seam: what the host asks of a device. A backend owns memory and runs plans; it may interpret them operation by
 * operation, or run all asked steps in one launch: the caller cannot tell, the bits are the same. */
#ifndef LS_BACKEND_H
#define LS_BACKEND_H

#include "plan.h"

/* The data set that the members of a fleet share. Not owned; must outlive the fleet. */
typedef struct {
    size_t rows, features, outputs;
    const float *x;          /* rows × features */
    const float *t;          /* rows × outputs targets */
    const float *row_weight; /* rows, or NULL where all are 1 */
} ls_rows;

/* One member's share of a call: `count` steps from step `first` on. */
typedef struct {
    size_t member;
    uint64_t first, count;
    const ls_rates *rates;   /* count */
    float *losses;           /* count, out: each step's loss summed over the rows, weighted, before its update */
} ls_run;

typedef struct ls_backend ls_backend;
typedef struct ls_fleet ls_fleet; /* members resident on a backend: their arenas and the data set */

/* A device that runs fleets. All slots are mandatory. */
typedef struct {
    /* Members with these plans over one data set; arenas start as zeros. Plans must outlive the fleet. */
    ls_status (*fleet_open)(ls_backend *backend, const ls_rows *data, const ls_plan *const *plans, size_t members,
                            ls_fleet **out, ls_error *err);
    void (*fleet_close)(ls_fleet *fleet);
    /* Runs steps; returns when the losses are there. Different members each have their own step counter. */
    ls_status (*run)(ls_fleet *fleet, const ls_run *runs, size_t count, ls_error *err);
    /* Outputs (rows × outputs) and losses (rows, unweighted) of rows [first, first + rows); either may be NULL. */
    ls_status (*infer)(ls_fleet *fleet, size_t member, size_t first, size_t rows, float *outputs, float *losses,
                       ls_error *err);
    /* Floats of a member's arena, to and from the host, or from one place in it to another. */
    ls_status (*read)(ls_fleet *fleet, size_t member, size_t at, size_t count, float *to, ls_error *err);
    ls_status (*write)(ls_fleet *fleet, size_t member, size_t at, size_t count, const float *from, ls_error *err);
    ls_status (*copy)(ls_fleet *fleet, size_t member, size_t from, size_t to, size_t count, ls_error *err);
    void (*close)(ls_backend *backend);
} ls_backend_slots;

/* Backends and fleets begin with these, so that the host can call through them. */
struct ls_backend {
    const ls_backend_slots *slots;
};
struct ls_fleet {
    ls_backend *backend;
};

/* The CPU path. threads: 0 for all cores. isa: NULL for the best this machine has, or one of ls_cpu_isa_at. */
ls_status ls_cpu_open(unsigned threads, const char *isa, ls_backend **out, ls_error *err);
/* Name of the i-th instruction set this build has and this machine runs, best first; NULL past the end. */
const char *ls_cpu_isa_at(size_t i);

/* What ls_device_open gives: a backend and what is known of it. */
struct ls_device {
    ls_device_info info;
    ls_backend *backend;
};

#endif
