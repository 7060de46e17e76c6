/* SPDX-License-Identifier: MIT */
/* Trains the rows of the table with every seed, as one fleet, and evaluates the models. */
#ifndef LS_CLI_EXPERIMENT_RUN_H
#define LS_CLI_EXPERIMENT_RUN_H

#include "host/cli/experiment/result.h"

/* Runs everything that session->order asks for. */
ls_status exp_session_run(exp_session *session, ls_device *device, ls_error *err);
void exp_session_free(exp_session *session);

#endif
