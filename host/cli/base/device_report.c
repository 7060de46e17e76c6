/* SPDX-License-Identifier: MIT */
#include "host/cli/base/device_report.h"
#include "host/base/json.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/terminal.h"
#include <jansson.h>
#include <stdio.h>

void device_report_take(device_report *r, const ls_device *device)
{
    r->info = *ls_device_get_info(device);
    snprintf(r->note, sizeof r->note, "%s", ls_device_note(device));
    r->candidate[0].struct_size = sizeof *r->candidate;
    if (ls_device_timings(device, r->candidate, DEVICE_CANDIDATES, &r->count, NULL) != LS_OK)
        r->count = 0;
    if (r->count > DEVICE_CANDIDATES) r->count = DEVICE_CANDIDATES;
}

void device_report_print(const device_report *r)
{
    const char *between = "";
    terminal_print(stdout, "device     %s (%s)\n", r->info.name,
                   r->info.exact ? "exact" : "approximate");
    if (*r->note) terminal_print(stdout, "note       %s\n", r->note);
    if (!r->count) return;
    terminal_print(stdout, "chosen    ");
    for (size_t i = 0; i < r->count; i++, between = ";") {
        const ls_device_timing *c = &r->candidate[i];
        if (c->speed > 0) terminal_print(stdout, "%s %s: %.0f steps/s", between, c->name, c->speed);
        else terminal_print(stdout, "%s %s", between, c->name);
        if (c->estimated > 0)
            terminal_print(stdout, c->speed > 0 ? " (%.0f estimated)" : " (%.0f steps/s estimated)",
                           c->estimated);
        if (*c->note) terminal_print(stdout, " %s", c->note);
    }
    terminal_print(stdout, "\n");
}

json_t *device_note_json(const device_report *r)
{
    return *r->note ? json_shown(r->note) : json_null();
}

static json_t *number_or_null(double speed) { return speed > 0 ? json_real(speed) : json_null(); }

json_t *device_report_json(const device_report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->count; i++) {
        const ls_device_timing *c = &r->candidate[i];
        ls_json_append(&list, json_pack("{s:o,s:o,s:o,s:b,s:o}", "device", json_shown(c->name),
                                        "steps_per_second", number_or_null(c->speed),
                                        "estimated_steps_per_second", number_or_null(c->estimated),
                                        "chosen", c->chosen, "note",
                                        *c->note ? json_shown(c->note) : json_null()));
    }
    return list;
}
