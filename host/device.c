/* SPDX-License-Identifier: MIT */
/* Devices by number and name: the CPU path is 0, OpenCL devices follow in the loader's order. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "backend.h"
#ifdef LS_OPENCL
#include "opencl/cl_device.h"
#endif

static ls_device_info cpu_info(unsigned threads)
{
    ls_device_info info = {.exact = 1, .kind = "cpu path"};
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (!threads) threads = ls_usable_cores();
    snprintf(info.name, sizeof info.name, "CPU path (%s, %u thread%s)", ls_cpu_isa_at(0), threads, threads == 1 ? "" : "s");
    snprintf(info.vendor, sizeof info.vendor, "Lockstep");
    snprintf(info.driver, sizeof info.driver, "%s", ls_version());
    snprintf(info.platform, sizeof info.platform, "C");
    info.memory = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    return info;
}

/* Everything found: info[0] is the CPU path. */
typedef struct {
    ls_device_info *info;
    size_t count;
    char note[256];
#ifdef LS_OPENCL
    ls_cl_api cl;
    ls_cl_found *found; /* count - 1 */
#endif
} catalogue;

static void catalogue_close(catalogue *c)
{
    free(c->info);
#ifdef LS_OPENCL
    free(c->found);
    ls_cl_api_close(&c->cl);
#endif
}

static ls_status catalogue_open(catalogue *c, bool opencl, ls_error *err)
{
    size_t found = 0;
    *c = (catalogue){0};
#ifdef LS_OPENCL
    if (opencl) {
        ls_error missing;
        if (ls_cl_api_open(&c->cl, &missing) != LS_OK) snprintf(c->note, sizeof c->note, "%.255s", missing.message);
        else if (ls_cl_probe(c->note)) LS_TRY(ls_cl_find(&c->cl, &c->found, &found, c->note, err));
    }
#else
    (void)opencl;
    snprintf(c->note, sizeof c->note, "this build has no OpenCL (it was made without, or OpenCL headers were missing)");
#endif
    ls_status status = ls_alloc(&c->info, found + 1, sizeof *c->info, "the device list", err);
    if (status != LS_OK) {
        catalogue_close(c);
        return status;
    }
    c->count = found + 1;
    c->info[0] = cpu_info(0);
#ifdef LS_OPENCL
    for (size_t i = 0; i < found; i++) c->info[i + 1] = c->found[i].info;
#endif
    for (size_t i = 0; i < c->count; i++) c->info[i].index = (int)i;
    return LS_OK;
}

/* Opens entry i, i > 0, and completes its info by the self-check. */
static ls_status open_found(catalogue *c, size_t i, ls_backend **out, ls_error *err)
{
#ifdef LS_OPENCL
    ls_cl_device *device;
    LS_TRY(ls_cl_device_open(&c->cl, &c->found[i - 1], &device, err));
    ls_status status = ls_cl_self_check(device, &c->info[i], err);
    if (status != LS_OK) {
        ls_cl_device_close(&device->base);
        return status;
    }
    *out = &device->base;
    return LS_OK;
#else
    (void)c, (void)i, (void)out;
    return ls_fail(err, LS_ERR_UNSUPPORTED, "this build has no OpenCL");
#endif
}

/* Completes info[i] without keeping the device open. A device that cannot be opened is listed as approximate. */
static void judge(catalogue *c, size_t i)
{
#ifdef LS_OPENCL
    ls_device_info *info = &c->info[i];
    ls_backend *backend;
    ls_error why;
    if (!info->exact || ls_cl_recall(info)) return;
    if (open_found(c, i, &backend, &why) == LS_OK) {
        backend->slots->close(backend);
        return;
    }
    info->exact = 0;
    snprintf(info->reason, sizeof info->reason, "cannot be opened: %.230s", why.message);
#else
    (void)c, (void)i;
#endif
}

ls_status ls_devices_list(ls_device_info **list, size_t *count, char note[256], ls_error *err)
{
    catalogue c;
    LS_TRY(catalogue_open(&c, true, err));
    for (size_t i = 1; i < c.count; i++) judge(&c, i);
    if (note) memcpy(note, c.note, sizeof c.note);
    *list = c.info;
    *count = c.count;
    c.info = NULL;
    catalogue_close(&c);
    return LS_OK;
}

void ls_devices_free(ls_device_info *list) { free(list); }

/* The entry that a name or number means. */
static ls_status choose(const catalogue *c, const char *spec, size_t *out, ls_error *err)
{
    uint64_t index;
    if (ls_parse_u64(spec, &index)) {
        if (index >= c->count)
            return ls_fail(err, LS_ERR_DEVICE, "there is no device %s, only 0 to %zu (lockstep devices lists them)%s%s", spec,
                           c->count - 1, *c->note ? ": " : "", c->note);
        *out = (size_t)index;
        return LS_OK;
    }
    size_t matches = 0;
    for (size_t i = 1; i < c->count; i++)
        if (strcasestr(c->info[i].name, spec) || strcasestr(c->info[i].platform, spec) || strcasestr(c->info[i].vendor, spec)) {
            *out = i;
            matches++;
        }
    if (matches == 1) return LS_OK;
    if (matches)
        return ls_fail(err, LS_ERR_DEVICE, "'%.60s' fits %zu devices; name one by its index (lockstep devices lists them)", spec, matches);
    return ls_fail(err, LS_ERR_DEVICE, "no device's name has '%.60s' in it (lockstep devices lists them)%s%s", spec,
                   *c->note ? ": " : "", c->note);
}

/* The first exact GPU, otherwise the CPU path. */
static size_t choose_auto(catalogue *c)
{
    for (size_t i = 1; i < c->count; i++)
        if (!strcmp(c->info[i].kind, "gpu")) {
            judge(c, i);
            if (c->info[i].exact) return i;
        }
    return 0;
}

static ls_status open_entry(catalogue *c, size_t i, unsigned threads, bool allow_approximate, ls_device **out, ls_error *err)
{
    ls_device *device;
    LS_TRY(ls_alloc(&device, 1, sizeof *device, "a device", err));
    ls_status status = i ? open_found(c, i, &device->backend, err) : ls_cpu_open(threads, NULL, &device->backend, err);
    device->info = i ? c->info[i] : cpu_info(threads);
    if (status == LS_OK && !device->info.exact && !allow_approximate)
        status = ls_fail(err, LS_ERR_DEVICE, "%s is approximate: it %s. It would train other models than the CPU path; use "
                         "--allow-approximate if that does not matter, or --device cpu", device->info.name, device->info.reason);
    if (status != LS_OK) {
        ls_device_close(device);
        return status;
    }
    *out = device;
    return LS_OK;
}

ls_status ls_device_open(const char *spec, unsigned threads, int allow_approximate, ls_device **out, ls_error *err)
{
    catalogue c;
    size_t i = 0;
    if (!spec || !*spec) spec = "auto";
    if (threads > 1024) return ls_fail(err, LS_ERR_ARGUMENT, "%u threads are too many; at most 1024", threads);
    bool cpu = !strcasecmp(spec, "cpu") || !strcmp(spec, "0"), automatic = !strcasecmp(spec, "auto");
    LS_TRY(catalogue_open(&c, !cpu, err));
    ls_status status = LS_OK;
    if (automatic) i = choose_auto(&c);
    else if (!cpu) status = choose(&c, spec, &i, err);
    if (status == LS_OK) status = open_entry(&c, i, threads, allow_approximate, out, err);
    catalogue_close(&c);
    return status;
}

const ls_device_info *ls_device_get_info(const ls_device *device) { return &device->info; }

void ls_device_close(ls_device *device)
{
    if (!device) return;
    if (device->backend) device->backend->slots->close(device->backend);
    free(device);
}

ls_status ls_device_tune(ls_device *device, ls_tune_callback callback, void *user, char *path, ls_error *err)
{
    char where[700];
    if (!device || device->info.index == 0)
        return ls_fail(err, LS_ERR_ARGUMENT, "the CPU path has nothing to tune; name an OpenCL device (lockstep devices lists them)");
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
