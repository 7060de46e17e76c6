/* SPDX-License-Identifier: MIT */
/* The checks of `lockstep doctor`. Each adds at least one finding; doctor.c has their table. */
#ifndef LS_DOCTOR_CHECKS_H
#define LS_DOCTOR_CHECKS_H

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

/* check_drivers.c */
void ls_drivers_see(ls_doctor_state *state);
/* The file of the dynamic linker's name for a library under the root. */
void ls_library_path(const ls_machine *machine, const char *library, char out[512]);
void ls_check_helper(ls_doctor_state *state);
void ls_check_loader(ls_doctor_state *state);
void ls_check_drivers(ls_doctor_state *state);
void ls_check_platforms(ls_doctor_state *state);

/* check_machine.c */
void ls_check_system(ls_doctor_state *state);
void ls_check_environment(ls_doctor_state *state);
void ls_check_wsl(ls_doctor_state *state);
void ls_check_container(ls_doctor_state *state);

/* check_hardware.c */
void ls_check_hardware(ls_doctor_state *state);
void ls_check_permissions(ls_doctor_state *state);

/* check_devices.c */
void ls_check_devices(ls_doctor_state *state);

#endif
