/* SPDX-License-Identifier: MIT */
/* Checks of the loader and the drivers. Each check adds at least one finding. */
#ifndef LS_DOCTOR_CHECK_DRIVERS_H
#define LS_DOCTOR_CHECK_DRIVERS_H

#include "host/doctor/state.h"

/* Reads the .icd files and tries the libraries that they name; before all checks. */
void ls_drivers_see(ls_doctor_state *state);

void ls_check_helper(ls_doctor_state *state);
void ls_check_loader(ls_doctor_state *state);
void ls_check_drivers(ls_doctor_state *state);
void ls_check_platforms(ls_doctor_state *state);

#endif
