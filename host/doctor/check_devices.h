/* SPDX-License-Identifier: MIT */
/* Tries the devices that the loader lists; adds at least one finding. */
#ifndef LS_DOCTOR_CHECK_DEVICES_H
#define LS_DOCTOR_CHECK_DEVICES_H

#include "host/doctor/state.h"

void ls_check_devices(ls_doctor_state *state);

#endif
