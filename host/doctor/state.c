/* SPDX-License-Identifier: MIT */
#include "host/doctor/state.h"

ls_finding *ls_check_add(ls_doctor_state *s, ls_finding_status status)
{
    return ls_report_add(s->report, s->check, status);
}
