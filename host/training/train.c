/* SPDX-License-Identifier: MIT */
#include "host/base/error.h"
#include "host/base/host_mode.h"
#include "host/base/struct_size.h"
#include "host/training/fleet.h"

/* What the caller has given; its functions run in its floating-point mode. */
typedef struct {
    ls_train_control control;
    ls_host_mode *mode;
} caller;

static int call_back(const ls_progress *progress, void *user)
{
    const caller *c = user;
    ls_host_mode_give(c->mode);
    int stop = c->control.callback(progress, c->control.user);
    ls_host_mode_take(c->mode);
    return stop;
}

static void give_notice(const char *line, void *user)
{
    const caller *c = user;
    ls_host_mode_give(c->mode);
    c->control.notice(line, c->control.user);
    ls_host_mode_take(c->mode);
}

/* device: NULL for the CPU path on one thread. */
static ls_status train(ls_device *device, const ls_options *options, const ls_data *data, caller *c,
                       ls_model **out, ls_error *err)
{
    ls_train_control control = c->control;
    const ls_start start = {.from = control.from, .refit = control.refit != 0};
    ls_fleet *fleet;
    size_t index;
    if (start.refit && !start.from)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_train_controlled: refit without a model in from");
    control.callback = c->control.callback ? call_back : NULL;
    control.notice = c->control.notice ? give_notice : NULL;
    control.user = c;
    LS_TRY(ls_fleet_open(device, UINT64_MAX, &fleet, err));
    ls_status status = ls_fleet_add_reporting(fleet, options, data, &start, control.callback,
                                              control.user, &index, err);
    if (status == LS_OK) status = ls_fleet_control(fleet, &control, data, err);
    if (status == LS_OK) status = ls_fleet_run(fleet, NULL, 0, 0, NULL, NULL, err);
    if (status == LS_OK) status = ls_fleet_take_model(fleet, index, out, err);
    if (control.unsaved) *control.unsaved = ls_fleet_unsaved(fleet);
    ls_fleet_close(fleet);
    return status;
}

ls_status ls_train(ls_device *device, const ls_options *options, const ls_data *data,
                   ls_epoch_callback callback, void *user, ls_model **out, ls_error *err)
{
    LS_HOST_MODE(mode);
    caller c = {.control = {.callback = callback, .user = user}, .mode = &mode};
    if (!options || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_train: an argument is NULL");
    return train(device, options, data, &c, out, err);
}

ls_status ls_train_controlled(ls_device *device, const ls_options *options, const ls_data *data,
                              const ls_train_control *control, ls_model **out, ls_error *err)
{
    LS_HOST_MODE(mode);
    caller c = {.mode = &mode};
    if (!options || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_train_controlled: an argument is NULL");
    if (control) LS_TRY(LS_READ_STRUCT(ls_train_control, control, &c.control, err));
    return train(device, options, data, &c, out, err);
}
