/* SPDX-License-Identifier: MIT */
/* Tries the devices themselves. */
#include "host/doctor/check_devices.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/device/catalogue.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- One device ------------------------------------------------------------------------------ */

static ls_finding *add(ls_doctor_state *s, const ls_doctor_device *d, ls_finding_status status)
{
    ls_finding *f = ls_check_add(s, status);
    f->device = d->info.index;
    return f;
}

static void report_program(ls_doctor_state *s, const ls_doctor_device *d)
{
    const ls_examination *e = &d->examination;
    const ls_memory_report *m = &e->memory;
    ls_finding *f = add(s, d, LS_FINDING_OK);
    ls_finding_tried(f, "building and running a small program on %s", d->info.name);
    ls_finding_found(f, "it runs");
    if (!*e->failed && !*m->failed) return;
    f->status = LS_FINDING_BROKEN;
    ls_finding_found(f, "%s%s%s", *e->failed ? e->failed : m->failed, *m->log ? ": " : "", m->log);
    ls_finding_fix(f, "update the driver (%s %s), or restart the machine: clinfo should fail, too",
                   d->info.platform, d->info.driver);
}

static void report_memory(ls_doctor_state *s, const ls_doctor_device *d)
{
    const ls_memory_report *m = &d->examination.memory;
    const double mib = 1 << 20;
    if (*d->examination.failed || (*m->failed && !m->wrong)) return;
    ls_finding *f = add(s, d, m->wrong ? LS_FINDING_BROKEN : LS_FINDING_OK);
    ls_finding_tried(f,
                     "writing patterns to the memory of %s and reading them, and copying there "
                     "and back",
                     d->info.name);
    ls_finding_found(f,
                     "%.0f MiB of %.0f MiB are right; to the device %.1f GB/s, back %.1f GB/s, "
                     "within %.1f GB/s",
                     (double)m->tried / mib, (double)m->claimed / mib, m->upload * 1e-9,
                     m->download * 1e-9, m->copy * 1e-9);
    if (!m->wrong) return;
    ls_finding_found(f, "%llu words differ from what was written, the first at byte %llu",
                     (unsigned long long)m->wrong, (unsigned long long)m->first);
    ls_finding_fix(f, "do not use it: the memory or its connection fails; try a lower clock, or "
                      "another slot");
}

static void report_bits(ls_doctor_state *s, const ls_doctor_device *d)
{
    const ls_examination *e = &d->examination;
    ls_finding *f = add(s, d, LS_FINDING_OK);
    ls_finding_tried(f,
                     "comparing every kernel of %s with the CPU path, bit by bit, on awkward "
                     "shapes",
                     d->info.name);
    if (*e->unjudged) {
        f->status = d->info.exact ? LS_FINDING_BROKEN : LS_FINDING_MISSING;
        ls_finding_found(f, "not done: %s", e->unjudged);
        ls_finding_fix(f, f->status == LS_FINDING_BROKEN
                              ? "update the driver"
                              : "none: the device lacks arithmetic that exact results need; "
                                "--allow-approximate uses it all the same");
    } else if (!e->exact) {
        f->status = LS_FINDING_BROKEN;
        ls_finding_found(f, "%s; remembered: only --allow-approximate uses it", e->reason);
        ls_finding_fix(f, "update the driver (%s %s), then try again", d->info.platform,
                       d->info.driver);
    } else ls_finding_found(f, "the same in all %u parts", e->parts);
    if (!*e->aside) return;
    f = add(s, d, LS_FINDING_NOTE);
    ls_finding_tried(f, "putting aside what fails on %s with driver %s", d->info.name,
                     d->info.driver);
    ls_finding_found(f, "not used any more: %s", e->aside);
    ls_finding_fix(f, "nothing has to be done: others, with the same bits, take its place; a newer "
                      "driver is tried anew");
}

static void report_speed(ls_doctor_state *s, const ls_doctor_device *d)
{
    const ls_device_speed *v = &d->examination.speed;
    if (!(v->launch > 0)) return;
    ls_finding *f = add(s, d, LS_FINDING_OK);
    ls_finding_tried(f, "timing launches and products on %s", d->info.name);
    char barrier[64] = "";
    if (v->barrier > 0) snprintf(barrier, sizeof barrier, ", a barrier %.1f us", v->barrier * 1e6);
    ls_finding_found(f, "a launch %.1f us, with its end %.1f us%s; products %.0f to %.0f GFLOP/s",
                     v->launch * 1e6, v->finish * 1e6, barrier, 2e-9 * v->product[0],
                     2e-9 * v->product[LS_SPEED_CLASSES - 1]);
}

static void report_earlier(ls_doctor_state *s, const ls_doctor_device *d)
{
    const ls_examination *e = &d->examination;
    if (!*e->earlier) return;
    ls_finding *f = add(s, d, e->forgotten ? LS_FINDING_NOTE : LS_FINDING_BROKEN);
    ls_finding_tried(f, "reading how %s has failed in earlier runs", d->info.name);
    ls_finding_found(f, "%s; %s", e->earlier,
                     e->forgotten ? "it works now, and is chosen again"
                                  : "it is not chosen until it works or its driver changes");
    if (!e->forgotten) ls_finding_fix(f, "see the other findings on this device");
}

static bool is_usable(const ls_examination *e)
{
    return e->exact && !*e->failed && !*e->memory.failed && !e->memory.wrong;
}

static void examine(ls_doctor_state *s, ls_catalogue *c, size_t i)
{
    ls_doctor_device *d = &s->report->device[i];
    ls_error err;
    ls_status status = ls_catalogue_examine(c, i, s->callback, s->user, &d->examination, &err);
    if (status != LS_OK) {
        ls_finding *f = add(s, d, LS_FINDING_BROKEN);
        ls_finding_tried(f, "trying %s", d->info.name);
        ls_finding_found(f, "%s", err.message);
        ls_finding_fix(f, "see the findings on drivers");
        return;
    }
    d->examined = true;
    d->usable = is_usable(&d->examination);
    report_program(s, d);
    report_memory(s, d);
    report_bits(s, d);
    report_speed(s, d);
    report_earlier(s, d);
    d->info = c->info[i];
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* A number, or a part of a name: every device that has it is tried. */
static bool is_asked_for(const char *spec, const ls_device_info *info)
{
    uint64_t index;
    if (!spec || !strcasecmp(spec, "auto")) return true;
    if (ls_parse_u64(spec, &index)) return index == (uint64_t)info->index;
    if (info->index == 0) return !strcasecmp(spec, "cpu");
    return strcasestr(info->name, spec) || strcasestr(info->platform, spec) ||
           strcasestr(info->vendor, spec);
}

static bool take_list(ls_doctor_state *s, const ls_catalogue *c)
{
    ls_doctor_report *r = s->report;
    r->failed |= ls_grow(&r->device, &r->device_room, c->count, sizeof *r->device, "the devices",
                         NULL) != LS_OK;
    if (r->failed) return false;
    r->devices = c->count;
    for (size_t i = 0; i < c->count; i++) r->device[i].info = c->info[i];
    return true;
}

static void report_list(ls_doctor_state *s, const ls_catalogue *c, size_t asked)
{
    ls_finding *f = ls_check_add(s, LS_FINDING_OK);
    ls_finding_tried(f, "asking the loader for all devices");
    ls_finding_found(f, "%zu besides the CPU path", c->count - 1);
    if (*c->note) {
        f->status = strstr(c->note, "crash") || strstr(c->note, "hang") ? LS_FINDING_BROKEN
                                                                        : LS_FINDING_MISSING;
        ls_finding_found(f, "%s", c->note);
        ls_finding_fix(f, "see the findings on drivers; the CPU path gives the same models");
    }
    if (asked || !s->spec) return;
    f = ls_check_add(s, LS_FINDING_BROKEN);
    ls_finding_tried(f, "looking for the device '%s'", s->spec);
    ls_finding_found(f, "no device has that number, name, platform or vendor");
    ls_finding_fix(f, "lockstep devices lists them");
}

static void try_all(ls_doctor_state *s, ls_catalogue *c)
{
    size_t asked = 0;
    for (size_t i = 0; i < c->count; i++) asked += is_asked_for(s->spec, &c->info[i]);
    report_list(s, c, asked);
    s->report->device[0].usable = true;
    for (size_t i = 1; i < c->count; i++)
        if (is_asked_for(s->spec, &c->info[i])) examine(s, c, i);
}

/* Drivers are not asked in this process. */
static void try_found(ls_doctor_state *s)
{
    ls_catalogue c;
    ls_error err;
    ls_status status = ls_catalogue_open(&c, !s->no_probe, 0, &err);
    if (status == LS_OK) {
        if (s->no_probe) snprintf(c.note, sizeof c.note, "not asked: %.200s", s->no_probe);
        if (take_list(s, &c)) try_all(s, &c);
        ls_catalogue_close(&c);
        return;
    }
    ls_finding *f = ls_check_add(s, LS_FINDING_BROKEN);
    ls_finding_tried(f, "asking the loader for all devices");
    ls_finding_found(f, "%s", err.message);
}

/* Under another root, the loader shall find the drivers there. */
void ls_check_devices(ls_doctor_state *s)
{
    char folder[512];
    bool moved = *s->machine.root && !getenv("OCL_ICD_VENDORS") &&
                 ls_machine_path(&s->machine, s->folder, folder);
    if (moved) setenv("OCL_ICD_VENDORS", folder, 1);
    try_found(s);
    if (moved) unsetenv("OCL_ICD_VENDORS");
}
