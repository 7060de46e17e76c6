/* SPDX-License-Identifier: MIT */
/* Checks of what surrounds a program. Each adds at least one finding. */
#ifndef LS_DOCTOR_CHECK_MACHINE_H
#define LS_DOCTOR_CHECK_MACHINE_H

#include "host/doctor/state.h"

void ls_check_system(ls_doctor_state *state);
void ls_check_environment(ls_doctor_state *state);
void ls_check_wsl(ls_doctor_state *state);
void ls_check_container(ls_doctor_state *state);

#endif
