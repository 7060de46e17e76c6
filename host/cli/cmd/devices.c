/* SPDX-License-Identifier: MIT */
#include "host/cli/base/args.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/terminal.h"
#include "host/cli/cmd/commands.h"
#include <jansson.h>
#include <popt.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

static const char intro[] =
    "Lists the devices that --device accepts. A device is exact if it reports the required arithmetic\n"
    "and passes a self-check, which compares its results with the CPU path bit by bit. The self-check\n"
    "runs once per driver and its verdict is stored. All other devices are approximate and need\n"
    "--allow-approximate.\n";

static json_t *device_json(const ls_device_info *d)
{
    return json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:I,s:b,s:s}", "index", d->index, "kind", d->kind,
                     "name", d->name, "vendor", d->vendor, "driver", d->driver, "platform",
                     d->platform, "memory", (json_int_t)d->memory, "exact", d->exact, "reason",
                     d->reason);
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
                   (double)d->memory / (1 << 30), d->exact ? "exact" : "approximate",
                   *d->reason ? ": " : "", d->reason);
}

int cmd_devices(int argc, const char **argv)
{
    arguments args = {0};
    ls_device_info **list;
    size_t count;
    char note[256];
    ls_error err;
    int json = 0;
    struct poptOption table[] = {
        OPTION_JSON(json),
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "", intro, 0, 0, NULL, NULL);
    arguments_free(&args);
    if (status != EXIT_OK) return status < 0 ? EXIT_OK : status;
    bool say = !json && isatty(STDERR_FILENO);
    if (say) terminal_print(stderr, "checking devices (a few seconds for each new device) ...");
    ls_status listed = ls_devices_list(&list, &count, note, &err);
    if (say) terminal_print(stderr, "\r\033[K");
    if (listed != LS_OK) return complain_error("devices", &err);
    json_t *devices = json_array();
    for (size_t i = 0; i < count; i++) {
        if (json) json_array_append_new(devices, device_json(list[i]));
        else print_device(list[i]);
    }
    if (json) print_json(json_pack("{s:O,s:s}", "devices", devices, "note", note));
    else if (*note)
        terminal_print(
            stdout,
            "\nOnly the CPU path is available: %s. It gives the same models, but is slower on large networks.\n",
            note);
    json_decref(devices);
    ls_devices_free(list);
    return EXIT_OK;
}
