/* SPDX-License-Identifier: MIT */
/* A simulated clock in place of the system's (host/base/clock.h). Work takes no time on it unless
 * the test says so; outcomes that depend on time are then functions of the test's inputs. */
#ifndef SUPPORT_CLOCK_H
#define SUPPORT_CLOCK_H

/* Starts the simulated clock at 0. Each reading advances it by seconds_per_reading: 0 leaves that
 * to clock_advance. Lasts until the test ends, as each test is a process of its own. */
void clock_start(double seconds_per_reading);

/* Simulated seconds since clock_start; advances nothing. */
double clock_now(void);

void clock_advance(double seconds);

#endif
