/* SPDX-License-Identifier: MIT */
/* The one clock: whatever is decided by time (pace, trials, limits, progress) reads it here, so
 * that tests can put a simulated clock in its place. */
#ifndef LS_CLOCK_H
#define LS_CLOCK_H

/* Seconds since some fixed point; never goes back. */
double ls_clock(void);

/* Makes ls_clock return what `clock` returns; NULL: the system's clock again. For tests; not to be
 * called while other threads read the clock. */
void ls_clock_simulate(double (*clock)(void));

#endif
