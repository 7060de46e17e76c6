/* SPDX-License-Identifier: MIT */
#include "host/cli/base/device_report.h"
#include <jansson.h>
#include <stdio.h>

void device_report_take(device_report *r, const ls_device *device)
{
    r->info = *ls_device_get_info(device);
    r->trials = ls_device_trials(device, r->trial, DEVICE_TRIALS);
    if (r->trials > DEVICE_TRIALS) r->trials = DEVICE_TRIALS;
}

void device_report_print(const device_report *r)
{
    const char *between = "";
    printf("device     %s (%s)\n", r->info.name, r->info.exact ? "exact" : "approximate");
    if (!r->trials) return;
    printf("chosen    ");
    for (size_t i = 0; i < r->trials; i++, between = ";") {
        const ls_device_trial *t = &r->trial[i];
        if (t->speed > 0) printf("%s %s: %.0f steps/s", between, t->name, t->speed);
        else printf("%s %s", between, t->name);
        if (*t->note) printf(" %s", t->note);
    }
    putchar('\n');
}

json_t *device_report_json(const device_report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->trials; i++) {
        const ls_device_trial *t = &r->trial[i];
        json_array_append_new(list,
                              json_pack("{s:s,s:o,s:b,s:o}", "device", t->name, "steps_per_second",
                                        t->speed > 0 ? json_real(t->speed) : json_null(), "chosen",
                                        t->chosen, "note",
                                        *t->note ? json_string(t->note) : json_null()));
    }
    return list;
}
