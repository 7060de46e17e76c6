/* SPDX-License-Identifier: MIT */
/* The one clock. Everything that depends on time (pace, measuring devices, time limits, progress)
 * reads it here, so that tests can replace it by a simulated one. */
#ifndef LS_CLOCK_H
#define LS_CLOCK_H

/* Seconds since some fixed point; never goes back. */
double ls_clock(void);

/* Makes ls_clock return what `clock` returns; NULL restores the system's clock. For tests. Must not
 * be called while other threads read the clock. */
void ls_clock_simulate(double (*clock)(void));

#endif
