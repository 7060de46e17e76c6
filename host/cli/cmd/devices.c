/* SPDX-License-Identifier: MIT */
#include "host/base/json.h"
#include "host/cli/base/args.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/progress.h"
#include "host/cli/base/terminal.h"
#include "host/cli/cmd/commands.h"
#include <jansson.h>
#include <popt.h>
#include <stdbool.h>
#include <stdio.h>

static const char intro[] =
    "Lists the devices that --device accepts. A device is exact if it reports the required arithmetic\n"
    "and passes a self-check, which compares its results with the CPU path bit by bit. The self-check\n"
    "runs once per driver and its verdict is stored, together with what the device can do, which is\n"
    "measured then (-v and --json print it). All other devices are approximate and need\n"
    "--allow-approximate.\n";

/* ---- Progress of the check ------------------------------------------------------------------- */

typedef struct {
    bool live;    /* a line that is rewritten; otherwise one per device */
    int told[64]; /* devices that have been announced */
    size_t count;
} check_state;

static void on_check(const ls_check_progress *p, void *user)
{
    check_state *s = user;
    if (s->live) {
        progress_line("checking %.40s: %.40s, %u of %u", p->device->name, p->doing, p->done,
                      p->total);
        return;
    }
    for (size_t i = 0; i < s->count; i++)
        if (s->told[i] == p->device->index) return;
    if (s->count < sizeof s->told / sizeof *s->told) s->told[s->count++] = p->device->index;
    progress_line("checking %s, which is new (some seconds)", p->device->name);
}

/* ---- Output ---------------------------------------------------------------------------------- */

/* What was measured of a device, or NULL. */
static json_t *rates_json(const ls_device_info *d)
{
    ls_device_rates r = LS_INIT(ls_device_rates);
    if (ls_device_get_rates(d, &r, NULL) != LS_OK || !(r.launch > 0)) return NULL;
    return json_pack("{s:f,s:f,s:f,s:f,s:f,s:[f,f,f,f],s:f,s:f}", "launch_seconds", r.launch,
                     "finish_seconds", r.finish, "barrier_seconds", r.barrier,
                     "copy_bytes_per_second", r.copy, "upload_bytes_per_second", r.upload,
                     "product_fma_per_second", r.product[0], r.product[1], r.product[2],
                     r.product[3], "small_network_fma_per_second", r.alone, "fleet_fma_per_second",
                     r.fleet);
}

static json_t *device_json(const ls_device_info *d)
{
    json_t *object = json_pack("{s:i,s:o,s:o,s:o,s:o,s:o,s:I,s:b,s:o}", "index", d->index, "kind",
                               json_shown(d->kind), "name", json_shown(d->name), "vendor",
                               json_shown(d->vendor), "driver", json_shown(d->driver), "platform",
                               json_shown(d->platform), "memory", (json_int_t)d->memory, "exact",
                               d->exact, "reason", json_shown(d->reason));
    ls_json_set(&object, "version", json_shown(d->version));
    ls_json_set(&object, "unusable", json_boolean(d->unusable));
    ls_json_set(&object, "failed", json_boolean(d->failed));
    json_t *rates = rates_json(d);
    if (rates) ls_json_set(&object, "rates", rates);
    return object;
}

static void print_rates(const ls_device_info *d)
{
    ls_device_rates r = LS_INIT(ls_device_rates);
    if (ls_device_get_rates(d, &r, NULL) != LS_OK || !(r.launch > 0)) return;
    terminal_print(stdout,
                   "   launch %.1f us, copy %.1f GB/s, upload %.1f GB/s, products %.0f to %.0f "
                   "GFLOP/s, fleet %.1f GFLOP/s\n",
                   r.launch * 1e6, r.copy * 1e-9, r.upload * 1e-9, 2e-9 * r.product[0],
                   2e-9 * r.product[3], 2e-9 * r.fleet);
}

static void print_device(const ls_device_info *d)
{
    if (d->index == 0) {
        terminal_print(stdout, "0  %s\n   plain C, always available, %.1f GiB\n   exact\n", d->name,
                       (double)d->memory / (1 << 30));
        return;
    }
    terminal_print(stdout, "%d  %s\n   %s, %s, driver %s, platform %s, %.1f GiB\n   %s%s%s\n",
                   d->index, d->name, d->kind, d->vendor, d->driver, d->platform,
                   (double)d->memory / (1 << 30),
                   d->exact      ? "exact"
                   : d->unusable ? "unusable"
                                 : "approximate",
                   *d->reason ? ": " : "", d->reason);
}

int cmd_devices(int argc, const char **argv)
{
    arguments args = {0};
    ls_device_info **list;
    size_t count;
    char note[256];
    ls_error err;
    int json = 0, verbose = 0, quiet = 0;
    struct poptOption table[] = {
        {"verbose", 'v', POPT_ARG_NONE, &verbose, 0, "also print what was measured", NULL},
        OPTION_JSON(json),
        OPTION_QUIET(quiet),
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "", intro, 0, 0, NULL, NULL);
    arguments_free(&args);
    if (status != EXIT_OK) return status < 0 ? EXIT_OK : status;
    check_state state = {.live = progress_live()};
    bool say = !json && !quiet;
    ls_status listed = ls_devices_list_with(say ? on_check : NULL, &state, &list, &count, note,
                                            &err);
    progress_clear();
    if (listed != LS_OK) return complain_error("devices", &err);
    json_t *devices = json_array();
    for (size_t i = 0; i < count; i++) {
        if (json) ls_json_append(&devices, device_json(list[i]));
        else {
            print_device(list[i]);
            if (verbose) print_rates(list[i]);
        }
    }
    if (json)
        status = print_json("devices",
                            json_pack("{s:o,s:o}", "devices", devices, "note", json_shown(note)));
    else if (*note)
        terminal_print(
            stdout,
            "\nOnly the CPU path is available: %s. It gives the same models, but is slower on large networks.\nlockstep doctor says why, and what to do.\n",
            note);
    if (!json) json_decref(devices);
    ls_devices_free(list);
    return status;
}
