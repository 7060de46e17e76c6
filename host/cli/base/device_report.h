/* SPDX-License-Identifier: MIT */
/* The device in use, and how --device auto chose it. */
#ifndef LS_CLI_DEVICE_REPORT_H
#define LS_CLI_DEVICE_REPORT_H

#include "host/include/lockstep.h"
#include <jansson.h>

enum { DEVICE_CANDIDATES = 80 };

/* A copy: later work on the device may choose again. */
typedef struct {
    ls_device_info info;
    char note[1100]; /* ls_device_note */
    ls_device_timing candidate[DEVICE_CANDIDATES];
    size_t count;
} device_report;

void device_report_take(device_report *report, const ls_device *device);

/* Prints "device ...", "note ..." if there is one, and "chosen ..." if there was more than one
 * candidate. */
void device_report_print(const device_report *report);

/* The candidates: a list of {"device", "steps_per_second" (null if not measured),
 * "estimated_steps_per_second" (null if there is no estimate), "chosen", "note"}. */
json_t *device_report_json(const device_report *report);

/* The note, or null. */
json_t *device_note_json(const device_report *report);

#endif
