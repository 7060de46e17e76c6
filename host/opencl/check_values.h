/* SPDX-License-Identifier: MIT */
/* The self-check's elementary operations and functions, on awkward values. */
#ifndef LS_CHECK_VALUES_H
#define LS_CHECK_VALUES_H

#include "host/opencl/cl_device.h"

/* Compares the device with the CPU path bit by bit; the first difference goes into reason, which
 * must be "" before. */
ls_status ls_check_values(ls_cl_device *device, char reason[256], ls_error *err);

/* Whether this process computes the answers that are known for these values. If not, its
 * floating-point mode or its compiler is at fault, and nothing that comparing with it has shown may
 * be remembered. False, too, if memory runs out. */
bool ls_check_values_known(void);
/* SHA-256 of the answers as 64 hexadecimal digits, "" if memory runs out. */
void ls_check_values_hash(char hex[65]);

#endif
