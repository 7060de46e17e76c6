/* SPDX-License-Identifier: MIT */
/* Why a GPU does not appear, and whether the devices that do are right. */
#ifndef LS_DOCTOR_H
#define LS_DOCTOR_H

#include "host/doctor/report.h"

typedef struct {
    const char *device; /* a number or a part of a name; NULL: all */
    const char *root;   /* the machine's files are looked for under it; NULL: "/". For tests */
    ls_check_callback callback; /* while a device is compared; may be NULL */
    void *user;
} ls_doctor_request;

/* Takes seconds, and up to minutes for each device. The report is freed with ls_report_free, after
 * a failure, too. Errors: LS_ERR_MEMORY. */
ls_status ls_doctor(const ls_doctor_request *request, ls_doctor_report *report, ls_error *err);

#endif
