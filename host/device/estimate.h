/* SPDX-License-Identifier: MIT */
/* How long training steps would take on a device whose speed is known: from what a step computes
 * and moves. An estimate decides when a device is tried, never which one is chosen. */
#ifndef LS_ESTIMATE_H
#define LS_ESTIMATE_H

#include "host/network/device_speed.h"
#include "host/network/plan.h"

/* What one step of a member asks of a device. */
typedef struct {
    double product[LS_SPEED_CLASSES]; /* fma of matrix products, by size class */
    double small;                     /* all of them, if the step can run chunk-wise; otherwise 0 */
    double bytes;    /* read and written besides by operations on single elements */
    double launches; /* if it runs operation by operation */
    double barriers; /* operations, if it runs in one launch with barriers between them; 0: it
                        cannot */
} ls_step_need;

ls_step_need ls_step_need_of(const ls_plan *plan);

/* Seconds of one step of each of `members` alike members, in the device's fastest way; 0 if too
 * little is known about its speed. */
double ls_estimate_step(const ls_device_speed *speed, const ls_step_need *need, size_t members);

/* Whether to look at a device that is expected to be faster: to find, open and try it. */
typedef struct {
    double expected; /* seconds that remain on the best device */
    double ratio;    /* time on the device / time on the best one, as predicted */
    double clear;    /* the ratio must not be above this */
    double delay;    /* seconds until it can be tried; the training goes on meanwhile */
    double margin;   /* the expected time must be this many times the delay */
    double share;    /* of the best device's speed that is lost during the delay */
    double move;     /* seconds for moving members there, or back: what may be saved must be twice
                        as much as both */
} ls_look;
bool ls_look_pays(const ls_look *look);

#endif
