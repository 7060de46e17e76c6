/* SPDX-License-Identifier: MIT */
/* Devices by number and name: the CPU path is 0, the others follow in the order of the catalogue.
 */
#include "core_cpu/cpu.h"
#include "host/base/cores.h"
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/base/struct_size.h"
#include "host/base/text.h"
#include "host/device/catalogue.h"
#include "host/device/choice.h"
#include "host/device/cpu_path.h"
#include "host/device/ranks.h"
#ifdef LS_OPENCL
#include "host/opencl/opencl.h"
#endif
#include <stdlib.h>
#include <string.h>

/* Callbacks that run in the caller's floating-point mode. */
typedef struct {
    ls_check_callback check;
    ls_tune_callback tune;
    void *user;
    ls_host_mode *mode;
} caller;

static void call_check(const ls_check_progress *progress, void *user)
{
    caller *c = user;
    ls_host_mode_give(c->mode);
    c->check(progress, c->user);
    ls_host_mode_take(c->mode);
}

static int call_tune(const ls_tune_progress *progress, void *user)
{
    caller *c = user;
    ls_host_mode_give(c->mode);
    int stop = c->tune(progress, c->user);
    ls_host_mode_take(c->mode);
    return stop;
}

ls_status ls_devices_list(ls_device_info ***list, size_t *count, char note[256], ls_error *err)
{
    return ls_devices_list_with(NULL, NULL, list, count, note, err);
}

ls_status ls_devices_list_with(ls_check_callback callback, void *user, ls_device_info ***list,
                               size_t *count, char note[256], ls_error *err)
{
    LS_HOST_MODE(mode);
    caller back = {.check = callback, .user = user, .mode = &mode};
    ls_catalogue c;
    ls_device_info **pointers = NULL;
    if (!list) return ls_fail(err, LS_ERR_ARGUMENT, "ls_devices_list: list is NULL");
    LS_TRY(ls_catalogue_open(&c, true, 0, err));
    ls_status status = ls_catalogue_judge(&c, callback ? call_check : NULL, &back, err);
    if (status == LS_OK)
        status = ls_alloc(&pointers, c.count + 1, sizeof *pointers, "the device list", err);
    if (status == LS_OK) {
        for (size_t i = 0; i < c.count; i++) pointers[i] = &c.info[i];
        if (note) memcpy(note, c.note, sizeof c.note);
        if (count) *count = c.count;
        *list = pointers;
        c.info = NULL; /* freed through the list's first pointer */
    }
    ls_catalogue_close(&c);
    return status;
}

ls_status ls_device_get_rates(const ls_device_info *info, ls_device_rates *out, ls_error *err)
{
    LS_HOST_MODE(mode);
    ls_device_rates rates = {.struct_size = sizeof rates};
    if (!info || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_device_get_rates: an argument is NULL");
    LS_TRY(LS_CHECK_STRUCT(ls_device_rates, out, err));
#ifdef LS_OPENCL
    ls_device_speed s;
    if (info->index > 0 && ls_opencl_speed(info, &s)) {
        rates.launch = s.launch, rates.finish = s.finish, rates.barrier = s.barrier;
        rates.copy = s.copy, rates.upload = s.upload;
        memcpy(rates.product, s.product, sizeof rates.product);
        rates.alone = s.alone, rates.fleet = s.fleet;
    }
#endif
    LS_WRITE_STRUCT(ls_device_rates, out, 0, &rates);
    return LS_OK;
}

void ls_devices_free(ls_device_info **list)
{
    if (!list) return;
    free(list[0]); /* all entries are one block */
    free(list);
}

static ls_status open_entry(ls_catalogue *c, size_t i, bool allow_approximate, ls_device **out,
                            ls_error *err)
{
    ls_device *device;
    LS_TRY(ls_alloc(&device, 1, sizeof *device, "a device", err));
    ls_status status = ls_catalogue_start(c, i, &device->backend, err);
    device->info = c->info[i];
    if (status == LS_OK && !device->info.exact && !allow_approximate)
        status =
            ls_fail(err, LS_ERR_DEVICE,
                    "%s is approximate (%s). It would train other models than the CPU path; use "
                    "--allow-approximate if that does not matter, or --device cpu",
                    device->info.name, device->info.reason);
    if (status != LS_OK) {
        ls_device_close(device);
        return status;
    }
    *out = device;
    return LS_OK;
}

/* All ranks together. If they fail, the CPU path of this one goes on. */
static ls_status open_ranks(const char *spec, unsigned threads, bool allow_approximate,
                            ls_device **out, ls_error *err)
{
    ls_device *device;
    LS_TRY(ls_alloc(&device, 1, sizeof *device, "a device", err));
    ls_status status = ls_ranks_open(spec, threads, allow_approximate, &device->info,
                                     &device->backend, err);
    if (status == LS_OK && device->info.exact)
        status = ls_choice_create_fixed(device, threads, &device->choice, err);
    if (status != LS_OK) {
        ls_device_close(device);
        return status;
    }
    *out = device;
    return LS_OK;
}

/* Opens the CPU path, together with a choice (choice.h) of devices or numbers of threads unless
 * both are given. */
static ls_status open_cpu(unsigned threads, bool automatic, ls_device **out, ls_error *err)
{
    ls_catalogue c;
    ls_device *device;
    LS_TRY(ls_catalogue_open(&c, false, threads, err));
    ls_status status = open_entry(&c, 0, false, &device, err);
    ls_catalogue_close(&c);
    LS_TRY(status);
    status = ls_choice_create(device, threads, automatic, &device->choice, err);
    if (status != LS_OK) {
        ls_device_close(device);
        return status;
    }
    *out = device;
    return LS_OK;
}

ls_status ls_device_open(const char *spec, unsigned threads, int allow_approximate, ls_device **out,
                         ls_error *err)
{
    LS_HOST_MODE(mode);
    ls_catalogue c;
    size_t i = 0;
    if (!out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_device_open: an argument is NULL");
    if (!spec || !*spec) spec = "auto";
    if (threads > 1024)
        return ls_fail(err, LS_ERR_ARGUMENT, "%u threads are too many; at most 1024", threads);
    if (ls_ranks_are_free()) return open_ranks(spec, threads, allow_approximate, out, err);
    bool cpu = !ls_ascii_casecmp(spec, "cpu") || !strcmp(spec, "0"),
         automatic = !ls_ascii_casecmp(spec, "auto");
    if (cpu || automatic) return open_cpu(threads, automatic, out, err);
    LS_TRY(ls_catalogue_open(&c, true, threads, err));
    ls_status status = ls_catalogue_choose(&c, spec, &i, err);
    if (status == LS_OK) status = open_entry(&c, i, allow_approximate, out, err);
    ls_catalogue_close(&c);
    if (status != LS_OK || !(*out)->info.exact) return status;
    status = ls_choice_create_fixed(*out, threads, &(*out)->choice, err);
    if (status != LS_OK) ls_device_close(*out);
    return status;
}

const ls_device_info *ls_device_get_info(const ls_device *device)
{
    return device ? &device->info : NULL;
}

const char *ls_device_note(const ls_device *device)
{
    LS_HOST_MODE(mode);
    if (!device || !device->backend) return "";
    const char *note = device->backend->slots->note(device->backend);
    ls_choice *choice = device->choice;
    if (!choice || !*choice->failure) return note;
    snprintf(choice->note, sizeof choice->note, "%s%s%.330s", choice->failure, *note ? "; " : "",
             note);
    return choice->note;
}

ls_status ls_device_set_fallback(ls_device *device, int fallback, ls_error *err)
{
    if (!device) return ls_fail(err, LS_ERR_ARGUMENT, "ls_device_set_fallback: device is NULL");
    if (device->choice) device->choice->no_fallback = !fallback;
    return LS_OK;
}

ls_status ls_device_timings(const ls_device *device, ls_device_timing *list, size_t most,
                            size_t *count, ls_error *err)
{
    LS_HOST_MODE(mode);
    size_t n = 0;
    if (!device || (most && !list) || !count)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_device_timings: an argument is NULL");
    if (most) LS_TRY(LS_CHECK_STRUCT(ls_device_timing, list, err));
    const ls_choice *c = device->choice;
    for (size_t i = 0; c && i < c->count; i++) {
        const ls_device_timing *t = &c->list[i].timing;
        if (!(t->speed > 0) && !*t->note) continue;
        if (n < most) LS_WRITE_STRUCT(ls_device_timing, list, n, t);
        n++;
    }
    *count = n;
    return LS_OK;
}

void ls_device_close(ls_device *device)
{
    LS_HOST_MODE(mode);
    if (!device) return;
    if (device->choice) ls_choice_free(device->choice);
    else if (device->backend) device->backend->slots->close(device->backend);
    free(device);
}

ls_status ls_device_tune(ls_device *device, ls_tune_callback callback, void *user, char *path,
                         ls_error *err)
{
    LS_HOST_MODE(mode);
    caller back = {.tune = callback, .user = user, .mode = &mode};
    const ls_backend_type *type = device ? ls_backend_tuner(device->backend) : NULL;
    if (!type)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "the CPU path has nothing to tune; name an OpenCL device (lockstep devices lists "
            "them)");
    return type->tune(device->backend, &device->info, callback ? call_tune : NULL, &back, path,
                      err);
}

unsigned ls_device_threads(const ls_device *device)
{
    if (!device) return ls_usable_cores();
    unsigned threads = device->choice ? device->choice->threads : ls_cpu_threads(device->backend);
    return threads ? threads : 1;
}
