/* SPDX-License-Identifier: MIT */
/* Devices by number and name: the CPU path is 0, OpenCL devices follow in the loader's order. */
#include "core_cpu/cpu.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/device/catalogue.h"
#include "host/device/choice.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Completes info[i] without keeping the device open. A device that cannot be opened is listed as
 * approximate. */
static void judge(ls_catalogue *c, size_t i)
{
    ls_device_info *info = &c->info[i];
    ls_backend *backend;
    ls_error why;
    if (ls_catalogue_recall(c, i)) return;
    if (ls_catalogue_start(c, i, &backend, &why) == LS_OK) {
        backend->slots->close(backend);
        return;
    }
    info->exact = 0;
    snprintf(info->reason, sizeof info->reason, "cannot be opened: %.230s", why.message);
}

ls_status ls_devices_list(ls_device_info **list, size_t *count, char note[256], ls_error *err)
{
    ls_catalogue c;
    LS_TRY(ls_catalogue_open(&c, true, err));
    for (size_t i = 1; i < c.count; i++) judge(&c, i);
    if (note) memcpy(note, c.note, sizeof c.note);
    *list = c.info;
    *count = c.count;
    c.info = NULL;
    ls_catalogue_close(&c);
    return LS_OK;
}

void ls_devices_free(ls_device_info *list) { free(list); }

/* The entry that a name or number means. */
static ls_status choose(const ls_catalogue *c, const char *spec, size_t *out, ls_error *err)
{
    uint64_t index;
    if (ls_parse_u64(spec, &index)) {
        if (index >= c->count)
            return ls_fail(err, LS_ERR_DEVICE,
                           "there is no device %s, only 0 to %zu (lockstep devices lists them)%s%s",
                           spec, c->count - 1, *c->note ? ": " : "", c->note);
        *out = (size_t)index;
        return LS_OK;
    }
    size_t matches = 0;
    for (size_t i = 1; i < c->count; i++)
        if (strcasestr(c->info[i].name, spec) || strcasestr(c->info[i].platform, spec) ||
            strcasestr(c->info[i].vendor, spec)) {
            *out = i;
            matches++;
        }
    if (matches == 1) return LS_OK;
    if (matches)
        return ls_fail(
            err, LS_ERR_DEVICE,
            "'%.60s' fits %zu devices; name one by its index (lockstep devices lists them)", spec,
            matches);
    return ls_fail(err, LS_ERR_DEVICE,
                   "no device's name has '%.60s' in it (lockstep devices lists them)%s%s", spec,
                   *c->note ? ": " : "", c->note);
}

static ls_status open_entry(ls_catalogue *c, size_t i, unsigned threads, bool allow_approximate,
                            ls_device **out, ls_error *err)
{
    ls_device *device;
    LS_TRY(ls_alloc(&device, 1, sizeof *device, "a device", err));
    ls_status status = i ? ls_catalogue_start(c, i, &device->backend, err)
                         : ls_cpu_open(threads, NULL, &device->backend, err);
    device->info = i ? c->info[i] : ls_cpu_info(threads);
    if (status == LS_OK && !device->info.exact && !allow_approximate)
        status =
            ls_fail(err, LS_ERR_DEVICE,
                    "%s is approximate: it %s. It would train other models than the CPU path; use "
                    "--allow-approximate if that does not matter, or --device cpu",
                    device->info.name, device->info.reason);
    if (status != LS_OK) {
        ls_device_close(device);
        return status;
    }
    *out = device;
    return LS_OK;
}

/* The CPU path, and what may be chosen in its place. */
static ls_status open_cpu(unsigned threads, bool automatic, ls_device **out, ls_error *err)
{
    ls_catalogue none = {0};
    ls_device *device;
    LS_TRY(open_entry(&none, 0, threads, false, &device, err));
    ls_status status = ls_choice_create(device, threads, automatic, &device->choice, err);
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
    ls_catalogue c;
    size_t i = 0;
    if (!spec || !*spec) spec = "auto";
    if (threads > 1024)
        return ls_fail(err, LS_ERR_ARGUMENT, "%u threads are too many; at most 1024", threads);
    bool cpu = !strcasecmp(spec, "cpu") || !strcmp(spec, "0"),
         automatic = !strcasecmp(spec, "auto");
    if (cpu || automatic) return open_cpu(threads, automatic, out, err);
    LS_TRY(ls_catalogue_open(&c, true, err));
    ls_status status = choose(&c, spec, &i, err);
    if (status == LS_OK) status = open_entry(&c, i, threads, allow_approximate, out, err);
    ls_catalogue_close(&c);
    return status;
}

const ls_device_info *ls_device_get_info(const ls_device *device) { return &device->info; }

size_t ls_device_timings(const ls_device *device, ls_device_timing *list, size_t most)
{
    size_t n = 0;
    const ls_choice *c = device->choice;
    for (size_t i = 0; c && i < c->count; i++) {
        const ls_device_timing *t = &c->list[i].timing;
        if (!(t->speed > 0) && !*t->note) continue;
        if (n < most) list[n] = *t;
        n++;
    }
    return n;
}

void ls_device_close(ls_device *device)
{
    if (!device) return;
    if (device->choice) ls_choice_free(device->choice);
    else if (device->backend) device->backend->slots->close(device->backend);
    free(device);
}

ls_status ls_device_tune(ls_device *device, ls_tune_callback callback, void *user, char *path,
                         ls_error *err)
{
    char where[700];
    if (!device || device->info.index == 0)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "the CPU path has nothing to tune; name an OpenCL device (lockstep devices lists them)");
#ifdef LS_OPENCL
    ls_cl_device *d = (ls_cl_device *)device->backend;
    LS_TRY(ls_cl_tune(d, callback, user, err));
    LS_TRY(ls_cl_remember_tiles(d, &device->info, where, err));
    if (path) memcpy(path, where, sizeof where);
    return LS_OK;
#else
    (void)callback, (void)user, (void)path, (void)where;
    return ls_fail(err, LS_ERR_UNSUPPORTED, "this build has no OpenCL");
#endif
}
