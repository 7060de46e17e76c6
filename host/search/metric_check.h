/* SPDX-License-Identifier: MIT */
/* Refuses a metric that no trial can have a score by. */
#ifndef LS_SEARCH_METRIC_CHECK_H
#define LS_SEARCH_METRIC_CHECK_H

#include "host/network/network.h"
#include "host/search/types.h"

/* Checks the metric against the task and the held-out rows. Errors: LS_ERR_ARGUMENT if it is for
 * another task, or not defined on any of the parts. */
ls_status ls_search_check_metric(const ls_search *search, ls_error *err);

/* Checks the metric against a trial's network. Errors: LS_ERR_ARGUMENT if its outputs are no
 * probabilities, which the metric needs. */
ls_status ls_search_check_outputs(const ls_search *search, const ls_network *network,
                                  ls_error *err);

#endif
