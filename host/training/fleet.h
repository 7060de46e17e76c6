/* SPDX-License-Identifier: MIT */
/* What ls_train needs of a fleet beyond the public calls: it is a fleet of one, so that solo and
 * fleet cannot differ. */
#ifndef LS_FLEET_H
#define LS_FLEET_H

#include "host/model/model.h"

/* ls_fleet_add of a member that reports each epoch; the fleet's slices are of whole epochs from
 * then on. */
ls_status ls_fleet_add_reporting(ls_fleet *fleet, const ls_options *options, const ls_data *data,
                                 ls_epoch_callback callback, void *user, size_t *index,
                                 ls_error *err);
/* Takes the model of a member that has ended out of the fleet, without a copy. The member must be
 * removed, or the fleet closed, next. */
ls_status ls_fleet_take_model(ls_fleet *fleet, size_t index, ls_model **out, ls_error *err);

#endif
