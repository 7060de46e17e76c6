/* SPDX-License-Identifier: MIT */
/* Experiments under way, saved in a file of their folder, from which the same command goes on. */
#ifndef LS_CLI_EXPERIMENT_SAVED_H
#define LS_CLI_EXPERIMENT_SAVED_H

#include "host/cli/experiment/result.h"

typedef struct {
    exp_session *session;
    ls_fleet *fleet;
    char path[4096];
    char key[65];
    double written, cost; /* clock, when it was written last; seconds that it took */
    bool failed;          /* it cannot be written, which was told */
} exp_saved;

/* Goes on from the file if there is one. device: its arithmetic must agree, as must the data.
 * Errors: LS_ERR_DATA, LS_ERR_ARGUMENT if the file is damaged or of other experiments. */
ls_status exp_saved_open(exp_saved *saved, exp_session *session, ls_fleet *fleet,
                         const ls_device *device, const char *data_sha256, ls_error *err);
/* Writes the file if it is time: every 30 s, or less often if that took more than 1 % of the time.
 */
void exp_saved_offer(exp_saved *saved);
/* Writes it now; returns whether it is there. */
bool exp_saved_write(exp_saved *saved);
/* Removes it, once the results are written. */
void exp_saved_remove(const exp_order *order);

#endif
