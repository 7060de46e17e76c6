/* SPDX-License-Identifier: MIT */
#include "host/doctor/doctor.h"
#include "host/base/memory.h"
#include "host/doctor/check_devices.h"
#include "host/doctor/check_drivers.h"
#include "host/doctor/check_hardware.h"
#include "host/doctor/check_machine.h"
#include "host/doctor/probe.h"
#include <stdlib.h>

/* In the order in which they are told. A new check is a row here. */
static const struct {
    const char *name;
    void (*run)(ls_doctor_state *state);
} checks[] = {
    {"system", ls_check_system},       {"helper", ls_check_helper},
    {"loader", ls_check_loader},       {"environment", ls_check_environment},
    {"drivers", ls_check_drivers},     {"platforms", ls_check_platforms},
    {"hardware", ls_check_hardware},   {"permissions", ls_check_permissions},
    {"container", ls_check_container}, {"wsl", ls_check_wsl},
    {"devices", ls_check_devices},
};

static void run_checks(ls_doctor_state *s)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        s->check = checks[i].name;
        checks[i].run(s);
    }
}

ls_status ls_doctor(const ls_doctor_request *request, ls_doctor_report *report, ls_error *err)
{
    ls_doctor_state *s;
    *report = (ls_doctor_report){0};
    LS_TRY(ls_alloc(&s, 1, sizeof *s, "the examination", err));
    s->spec = request->device, s->callback = request->callback, s->user = request->user;
    s->report = report;
    ls_machine_see(&s->machine, request->root ? request->root : "");
    s->no_probe = ls_probe_missing();
    ls_drivers_see(s);
    run_checks(s);
    free(s);
    return report->failed ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the report") : LS_OK;
}
