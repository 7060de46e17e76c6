/* SPDX-License-Identifier: MIT */
#include "host/base/error.h"
#include "host/training/fleet.h"

ls_status ls_train(ls_device *device, const ls_options *options, const ls_data *data,
                   ls_epoch_callback callback, void *user, ls_model **out, ls_error *err)
{
    ls_fleet *fleet;
    size_t index;
    if (!options || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_train: an argument is NULL");
    LS_TRY(ls_fleet_open(device, UINT64_MAX, &fleet, err));
    ls_status status = ls_fleet_add_reporting(fleet, options, data, callback, user, &index, err);
    if (status == LS_OK) status = ls_fleet_run(fleet, NULL, 0, 0, NULL, NULL, err);
    if (status == LS_OK) status = ls_fleet_take_model(fleet, index, out, err);
    ls_fleet_close(fleet);
    return status;
}
