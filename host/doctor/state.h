/* SPDX-License-Identifier: MIT */
/* What the checks of `lockstep doctor` share. */
#ifndef LS_DOCTOR_STATE_H
#define LS_DOCTOR_STATE_H

#include "host/doctor/machine.h"
#include "host/doctor/packages.h"
#include "host/doctor/report.h"

/* An .icd file, which names a driver's library for the loader. */
typedef struct {
    char file[512], library[256];
    char unreadable[128]; /* why it cannot be read, or "" */
    bool looked;
    ls_driver_look look; /* if it could be tried */
} ls_seen_driver;

typedef struct {
    const char *check; /* the name of the one that is running */
    const char *spec;  /* the device that was asked for, or NULL */
    ls_check_callback callback;
    void *user;

    ls_machine machine;
    const char *no_probe; /* why libraries cannot be tried, or NULL */
    char folder[512];     /* of the .icd files, or one of them */
    ls_seen_driver driver[LS_SEEN_MOST];
    size_t drivers;
    ls_doctor_report *report;
} ls_doctor_state;

/* A finding of the running check. */
ls_finding *ls_check_add(ls_doctor_state *state, ls_finding_status status);

#endif
