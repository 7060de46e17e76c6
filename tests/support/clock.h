/* SPDX-License-Identifier: MIT */
/* A simulated clock in place of the system's (host/base/clock.h). Work takes no time on it unless
 * the test says so; outcomes that depend on time are then functions of the test's inputs. */
#ifndef SUPPORT_CLOCK_H
#define SUPPORT_CLOCK_H

/* Starts the simulated clock at 0, until the test ends (each is a process of its own). With
 * seconds_per_reading above 0 each reading advances it by that, and by one nanosecond more than the
 * reading before, so that no two calls seem to take as long; with 0 only clock_advance does. */
void clock_start(double seconds_per_reading);

/* Simulated seconds since clock_start; advances nothing. */
double clock_now(void);

void clock_advance(double seconds);

#endif
