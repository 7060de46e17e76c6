/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdatomic.h>
#include <stdint.h>

#include "host/base/clock.h"
#include "tests/support/clock.h"

/* Nanoseconds: sums of integers do not depend on their order. Atomic, as threads of a backend may
 * read the clock. */
static atomic_uint_fast64_t now, per_reading;

static double read_clock(void)
{
    uint_fast64_t step = atomic_load(&per_reading);
    if (step) atomic_fetch_add(&per_reading, 1);
    return 1e-9 * (double)(atomic_fetch_add(&now, step) + step);
}

void clock_start(double seconds_per_reading)
{
    atomic_store(&now, 0);
    atomic_store(&per_reading, (uint_fast64_t)llround(1e9 * seconds_per_reading));
    ls_clock_simulate(read_clock);
}

double clock_now(void) { return 1e-9 * (double)atomic_load(&now); }

void clock_advance(double seconds)
{
    atomic_fetch_add(&now, (uint_fast64_t)llround(1e9 * seconds));
}
