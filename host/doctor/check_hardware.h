/* SPDX-License-Identifier: MIT */
/* Checks of the GPUs that the kernel lists. Each adds at least one finding. */
#ifndef LS_DOCTOR_CHECK_HARDWARE_H
#define LS_DOCTOR_CHECK_HARDWARE_H

#include "host/doctor/state.h"

void ls_check_hardware(ls_doctor_state *state);
void ls_check_permissions(ls_doctor_state *state);

#endif
