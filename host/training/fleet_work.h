/* SPDX-License-Identifier: MIT */
/* What a fleet has left to do, as the choice of a device sees it. */
#ifndef LS_FLEET_WORK_H
#define LS_FLEET_WORK_H

#include "host/training/fleet_state.h"

/* The remaining work of members that have steps to run. waiting: those that are not on the device
 * count as members at work, too. Examples are there if the choice wants them; they lie in the
 * fleet. */
ls_workload ls_fleet_workload(ls_fleet *fleet, bool waiting);

#endif
