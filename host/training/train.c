/* SPDX-License-Identifier: MIT */
#include "host/base/error.h"
#include "host/base/host_mode.h"
#include "host/training/fleet.h"

/* A callback that runs in the caller's floating-point mode. */
typedef struct {
    ls_epoch_callback callback;
    void *user;
    ls_host_mode *mode;
} caller;

static int call_back(const ls_progress *progress, void *user)
{
    caller *c = user;
    ls_host_mode_give(c->mode);
    int stop = c->callback(progress, c->user);
    ls_host_mode_take(c->mode);
    return stop;
}

ls_status ls_train(ls_device *device, const ls_options *options, const ls_data *data,
                   ls_epoch_callback callback, void *user, ls_model **out, ls_error *err)
{
    LS_HOST_MODE(mode);
    caller c = {callback, user, &mode};
    ls_fleet *fleet;
    size_t index;
    if (!options || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_train: an argument is NULL");
    LS_TRY(ls_fleet_open(device, UINT64_MAX, &fleet, err));
    ls_status status = ls_fleet_add_reporting(fleet, options, data, callback ? call_back : NULL, &c,
                                              &index, err);
    if (status == LS_OK) status = ls_fleet_run(fleet, NULL, 0, 0, NULL, NULL, err);
    if (status == LS_OK) status = ls_fleet_take_model(fleet, index, out, err);
    ls_fleet_close(fleet);
    return status;
}
