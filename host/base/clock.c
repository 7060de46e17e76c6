/* SPDX-License-Identifier: MIT */
#include "host/base/clock.h"
#include <stddef.h>
#include <time.h>

static double (*simulated)(void);

double ls_clock(void)
{
    struct timespec t;
    if (simulated) return simulated();
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void ls_clock_simulate(double (*clock)(void)) { simulated = clock; }
