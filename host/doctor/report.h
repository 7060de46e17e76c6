/* SPDX-License-Identifier: MIT */
/* What `lockstep doctor` has found. */
#ifndef LS_DOCTOR_REPORT_H
#define LS_DOCTOR_REPORT_H

#include "host/base/error.h"
#include "host/network/examination.h"

/* How a check ended, from harmless to grave; the names are those of JSON and of the terminal. */
#define LS_FINDINGS(X) X(OK, ok) X(NOTE, note) X(MISSING, missing) X(BROKEN, broken)
#define LS_X(NAME, name) LS_FINDING_##NAME,
typedef enum { LS_FINDINGS(LS_X) LS_FINDING_KINDS } ls_finding_status;
#undef LS_X
/* "ok": as it should be. "note": something to know. "missing": a GPU would need it. "broken": it is
 * there and does not work. */
const char *ls_finding_name(ls_finding_status status);

typedef struct {
    const char *check; /* the name of its check */
    int device;        /* its index, or -1 */
    ls_finding_status status;
    char tried[320], found[1280];
    char fix[640]; /* what to do, or "" */
} ls_finding;

typedef struct {
    ls_device_info info;
    bool examined; /* otherwise it was not asked for, or could not be tried */
    bool usable;   /* nothing is wrong with it */
    ls_examination examination;
} ls_doctor_device;

typedef struct {
    ls_finding *finding;
    size_t findings, finding_room;
    ls_doctor_device *device; /* all of them; the first is the CPU path */
    size_t devices, device_room;
    bool failed;      /* out of memory: something is not in the lists */
    ls_finding spare; /* written to then */
} ls_doctor_report;

/* Adds a finding. It is valid until the next one is added; never NULL. */
ls_finding *ls_report_add(ls_doctor_report *report, const char *check, ls_finding_status status);
/* Texts of a finding, which are UTF-8. */
void ls_finding_tried(ls_finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ls_finding_found(ls_finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ls_finding_fix(ls_finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The gravest of them. */
ls_finding_status ls_report_worst(const ls_doctor_report *report);
/* 0: a GPU is usable, 1: CPUs only, 2: something is broken. */
int ls_report_verdict(const ls_doctor_report *report);
void ls_report_free(ls_doctor_report *report);

#endif
