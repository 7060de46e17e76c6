/* SPDX-License-Identifier: MIT */
/* The first layer of a network that begins with a convolution: its filters, and its outputs for a
 * few rows. */
#ifndef LS_CLI_REPORT_FILTERS_H
#define LS_CLI_REPORT_FILTERS_H

#include "host/base/text.h"
#include "host/include/lockstep.h"

/* Adds the section, or nothing if the network does not begin with a convolution. data: rows to show
 * the outputs of, or NULL. Errors: LS_ERR_DATA if they do not fit the model; LS_ERR_MEMORY. */
ls_status report_add_filters(ls_text *page, const ls_model *model, const ls_data *data,
                             const char *data_label, ls_error *err);

#endif
