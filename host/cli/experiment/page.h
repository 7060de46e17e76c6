/* SPDX-License-Identifier: MIT */
/* The report of the experiments, DIR/index.html. */
#ifndef LS_CLI_EXPERIMENT_PAGE_H
#define LS_CLI_EXPERIMENT_PAGE_H

#include "host/cli/experiment/result.h"

#define EXP_TITLE "Lockstep: published experiments"

/* svg: the plots from exp_draw. */
ls_status exp_write_page(const exp_session *session, char *const *svg, ls_error *err);

#endif
