/* SPDX-License-Identifier: MIT */
/* Training whose numbers are no longer finite: what was the first to go. */
#ifndef LS_DIVERGENCE_H
#define LS_DIVERGENCE_H

#include "host/training/trainer_state.h"

/* The loss of step i of the slice just run is not finite. Writes the message, which names the layer
 * and whether weights or activations were first, into *why. Where the plan has a snapshot of the
 * slice's start, steps are run again up to that one. Errors: those of the device. */
ls_status ls_divergence_explain(ls_trainer *trainer, uint64_t i, ls_error *why, ls_error *err);

/* Whether the whole state on the device is finite: parameters, optimizer states and running
 * averages. Otherwise *why has the message. */
ls_status ls_divergence_check_state(ls_trainer *trainer, bool *finite, ls_error *why,
                                    ls_error *err);

/* Whether all values are finite; LS_ERR_DIVERGED with a message otherwise. values: parameters, then
 * running averages. */
ls_status ls_divergence_check(const ls_trainer *trainer, const float *values, ls_error *err);

#endif
