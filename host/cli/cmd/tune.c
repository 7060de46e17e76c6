/* SPDX-License-Identifier: MIT */
#include "host/cli/base/args.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/progress.h"
#include "host/cli/base/source.h"
#include "host/cli/base/terminal.h"
#include "host/cli/cmd/commands.h"
#include <jansson.h>
#include <popt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char intro[] =
    "Measures the tile sizes for matrix products on an OpenCL device and stores the fastest of each\n"
    "class of products in the user's cache folder, for this device, driver and version. The results of\n"
    "each candidate are compared with the CPU path bit by bit before it is timed, so tuning changes the\n"
    "speed and never a result. It takes up to a minute on an idle machine.\n";

typedef struct {
    bool quiet, live;
    char product[64];
    double best;
} tune_state;

static int on_progress(const ls_tune_progress *p, void *user)
{
    tune_state *s = user;
    if (s->quiet) return 0;
    bool better = strcmp(s->product, p->product) || p->best > s->best;
    snprintf(s->product, sizeof s->product, "%s", p->product);
    s->best = p->best;
    if (s->live) progress_line("%3u %%  %s  %s", 100 * p->done / p->total, p->product, p->tile);
    if (!better || p->flops == 0) return 0;
    terminal_print(stdout, "%-30s %-40s %9.1f GFLOP/s\n", p->product, p->tile, p->flops * 1e-9);
    fflush(stdout);
    return 0;
}

/* The index of the first exact GPU, or "1". */
static const char *first_device(void)
{
    ls_device_info **list;
    size_t count;
    if (ls_devices_list(&list, &count, NULL, NULL) != LS_OK) return "1";
    for (size_t i = 1; i < count; i++)
        if (list[i]->exact && !strcmp(list[i]->kind, "gpu")) {
            static char index[24];
            snprintf(index, sizeof index, "%zu", i);
            ls_devices_free(list);
            return index;
        }
    ls_devices_free(list);
    return "1";
}

int cmd_tune(int argc, const char **argv)
{
    source_options o;
    arguments args = {0};
    ls_device *device = NULL;
    ls_error err;
    char path[700];
    source_options_init(&o);
    o.device = NULL;
    struct poptOption table[] = {
        {"device", 0, POPT_ARG_STRING, &o.device, 0,
         "an index or part of a name (default: the first GPU, or device 1 if there is none)",
         "NAME"},
        OPTION_QUIET(o.quiet),
        OPTION_JSON(o.json),
        OPTION_VERBOSE(o.verbose),
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "", intro, 0, 0, NULL, NULL);
    if (status != EXIT_OK) {
        arguments_free(&args);
        return status < 0 ? EXIT_OK : status;
    }
    tune_state state = {.quiet = o.quiet || o.json, .live = progress_live()};
    if (!o.device) o.device = first_device();
    if (source_device(&o, &device, &err) != LS_OK ||
        ls_device_tune(device, on_progress, &state, path, &err) != LS_OK)
        status = complain_error("tune", &err);
    else if (o.json)
        status = print_json("tune", json_pack("{s:o,s:o}", "device",
                                              json_shown(ls_device_get_info(device)->name),
                                              "stored", json_shown(path)));
    else terminal_print(stdout, "%s: stored in %s\n", ls_device_get_info(device)->name, path);
    ls_device_close(device);
    arguments_free(&args);
    return status;
}
