/* SPDX-License-Identifier: MIT */
#include "host/base/error.h"
#include "host/base/struct_size.h"
#include "host/training/fleet.h"

/* device: NULL for the CPU path on one thread. */
static ls_status train(ls_device *device, const ls_options *options, const ls_data *data,
                       const ls_train_control *control, ls_model **out, ls_error *err)
{
    ls_fleet *fleet;
    size_t index;
    LS_TRY(ls_fleet_open(device, UINT64_MAX, &fleet, err));
    ls_status status = ls_fleet_add_reporting(fleet, options, data, control->callback,
                                              control->user, &index, err);
    if (status == LS_OK) status = ls_fleet_control(fleet, control, data, err);
    if (status == LS_OK) status = ls_fleet_run(fleet, NULL, 0, 0, NULL, NULL, err);
    if (status == LS_OK) status = ls_fleet_take_model(fleet, index, out, err);
    if (control->unsaved) *control->unsaved = ls_fleet_unsaved(fleet);
    ls_fleet_close(fleet);
    return status;
}

ls_status ls_train(ls_device *device, const ls_options *options, const ls_data *data,
                   ls_epoch_callback callback, void *user, ls_model **out, ls_error *err)
{
    const ls_train_control control = {.callback = callback, .user = user};
    if (!options || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_train: an argument is NULL");
    return train(device, options, data, &control, out, err);
}

ls_status ls_train_controlled(ls_device *device, const ls_options *options, const ls_data *data,
                              const ls_train_control *control, ls_model **out, ls_error *err)
{
    ls_train_control own = {0};
    if (!options || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_train_controlled: an argument is NULL");
    if (control) LS_TRY(LS_READ_STRUCT(ls_train_control, control, &own, err));
    return train(device, options, data, &own, out, err);
}
