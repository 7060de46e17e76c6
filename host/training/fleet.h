/* SPDX-License-Identifier: MIT */
/* What ls_train needs of a fleet beyond the public functions. ls_train is a fleet of one member, so
 * that both give the same bits. */
#ifndef LS_FLEET_H
#define LS_FLEET_H

#include "host/model/model.h"
#include "host/training/start.h"

/* Adds a member whose callback is called after each epoch; the fleet's slices are whole epochs from
 * then on. */
ls_status ls_fleet_add_reporting(ls_fleet *fleet, const ls_options *options, const ls_data *data,
                                 const ls_start *start, ls_epoch_callback callback, void *user,
                                 size_t *index, ls_error *err);
/* Trains member 0, the only one, as control says. *control must outlive the fleet. */
ls_status ls_fleet_control(ls_fleet *fleet, const ls_train_control *control, const ls_data *data,
                           ls_error *err);
/* Checkpoints of it that could not be written. */
size_t ls_fleet_unsaved(const ls_fleet *fleet);
/* Takes the model of a member that has ended out of the fleet, without copying it. The next call
 * must remove the member or close the fleet. */
ls_status ls_fleet_take_model(ls_fleet *fleet, size_t index, ls_model **out, ls_error *err);

#endif
