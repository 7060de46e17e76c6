/* SPDX-License-Identifier: MIT */
#include "host/doctor/doctor.h"
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
#include <string.h>

static const char intro[] =
    "Says why a GPU does not appear, and whether the devices that do can be trusted. It looks at the\n"
    "loader, the drivers (each opened in a process of its own, as some crash), the hardware that the\n"
    "kernel lists, permissions, containers and variables, and says of each what was tried, what was\n"
    "found, and what to do. Then it tries each device (or those named): its memory, copies, every\n"
    "kernel on awkward shapes against the CPU path bit by bit, and its speed, which takes up to some\n"
    "minutes a device. What gives wrong bits with a driver is put aside; a device that has failed in\n"
    "an earlier run and now works is chosen again.\n"
    "Exit status: 0 a GPU is usable, 1 only CPUs are, 2 something is broken.\n";

static const char *const verdicts[] = {
    "A GPU is usable.", "No GPU is usable; the CPU path gives the same models.",
    "Something is broken: see above. The CPU path gives the same models."};

/* ---- Progress -------------------------------------------------------------------------------- */

typedef struct {
    bool live; /* a line that is rewritten; otherwise one per device */
    int told;  /* the device that was announced last */
} doctor_progress;

static void on_check(const ls_check_progress *p, void *user)
{
    doctor_progress *s = user;
    if (s->live)
        progress_line("comparing %.40s: %.47s, %u of %u", p->device->name, p->doing, p->done,
                      p->total);
    else if (s->told != p->device->index)
        progress_line("comparing %s with the CPU path", p->device->name);
    s->told = p->device->index;
}

/* ---- Output ---------------------------------------------------------------------------------- */

static void print_finding(const ls_finding *f)
{
    terminal_print(stdout, "%-8s %-12s %s\n%21s found: %s\n", ls_finding_name(f->status), f->check,
                   f->tried, "", f->found);
    if (*f->fix) terminal_print(stdout, "%21s fix:   %s\n", "", f->fix);
}

static json_t *finding_json(const ls_finding *f)
{
    return json_pack("{s:s,s:o,s:s,s:s,s:b,s:s,s:s}", "name", f->check, "device",
                     f->device < 0 ? json_null() : json_integer(f->device), "tried", f->tried,
                     "found", f->found, "ok", f->status <= LS_FINDING_NOTE, "status",
                     ls_finding_name(f->status), "fix", f->fix);
}

static void add_examination(json_t **object, const ls_doctor_device *d)
{
    const ls_examination *e = &d->examination;
    const ls_memory_report *m = &e->memory;
    if (json_object_update_new(*object,
                               json_pack("{s:b,s:s,s:i,s:s,s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:f}",
                                         "exact", e->exact, "reason",
                                         *e->unjudged ? e->unjudged : e->reason, "parts",
                                         (int)e->parts, "put_aside", e->aside, "memory_tried",
                                         (json_int_t)m->tried, "memory_wrong_words",
                                         (json_int_t)m->wrong, "upload_bytes_per_second", m->upload,
                                         "download_bytes_per_second", m->download,
                                         "copy_bytes_per_second", m->copy, "launch_seconds",
                                         e->speed.launch, "finish_seconds", e->speed.finish,
                                         "barrier_seconds", e->speed.barrier)) == 0)
        return;
    json_decref(*object); /* memory has run out */
    *object = NULL;
}

static json_t *device_json(const ls_doctor_device *d)
{
    const ls_device_info *i = &d->info;
    json_t *object = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:I,s:b,s:b}", "index", i->index, "kind",
                               i->kind, "name", i->name, "vendor", i->vendor, "driver", i->driver,
                               "platform", i->platform, "memory", (json_int_t)i->memory, "tried",
                               d->examined, "usable", d->usable);
    if (object && d->examined) add_examination(&object, d);
    return object;
}

static int print_report_json(const ls_doctor_report *r)
{
    const int verdict = ls_report_verdict(r);
    json_t *findings = json_array(), *devices = json_array();
    for (size_t i = 0; i < r->findings; i++)
        ls_json_append(&findings, finding_json(&r->finding[i]));
    for (size_t i = 0; i < r->devices; i++) ls_json_append(&devices, device_json(&r->device[i]));
    int printed = print_json("doctor",
                             json_pack("{s:i,s:s,s:o,s:o}", "exit_status", verdict, "verdict",
                                       verdicts[verdict], "checks", findings, "devices", devices));
    return printed == EXIT_OK ? verdict : 2;
}

static void print_report(const ls_doctor_report *r)
{
    for (size_t i = 0; i < r->findings; i++) print_finding(&r->finding[i]);
    terminal_print(stdout, "\n%s\n", verdicts[ls_report_verdict(r)]);
}

int cmd_doctor(int argc, const char **argv)
{
    arguments args = {0};
    ls_doctor_report report;
    ls_error err;
    char *device = NULL;
    int json = 0, quiet = 0;
    struct poptOption table[] = {
        {"device", 0, POPT_ARG_STRING, &device, 0,
         "try only devices with that index or that part of a name (default: all)", "NAME"},
        OPTION_JSON(json),
        OPTION_QUIET(quiet),
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "", intro, 0, 0, NULL, NULL);
    if (status != EXIT_OK) {
        arguments_free(&args);
        return status < 0 ? EXIT_OK : status;
    }
    doctor_progress progress = {.live = progress_live(), .told = -1};
    const bool say = !json && !quiet;
    const ls_doctor_request request = {
        .device = device, .callback = say ? on_check : NULL, .user = &progress};
    ls_status examined = ls_doctor(&request, &report, &err);
    progress_clear();
    status = ls_report_verdict(&report);
    if (examined != LS_OK) status = complain_error("doctor", &err);
    else if (json) status = print_report_json(&report);
    else print_report(&report);
    ls_report_free(&report);
    arguments_free(&args);
    return status;
}
