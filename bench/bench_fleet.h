/* SPDX-License-Identifier: MIT */
/* Fleets of small networks against one network; time and memory against the number of members. */
#ifndef LS_BENCH_FLEET_H
#define LS_BENCH_FLEET_H

#include "bench/common.h"

ls_status bench_fleet(bench_options *o, ls_error *err);

/* Like bench_serve, with a fleet: each "go" trains all members for --epochs more epochs. */
ls_status bench_serve_fleet(bench_options *o, ls_device *device, ls_error *err);

#endif
