/* SPDX-License-Identifier: MIT */
/* The networks that `lockstep auto` tries: ranges of options, and the draw of each trial. */
#ifndef LS_AUTO_SPACE_H
#define LS_AUTO_SPACE_H

#include "host/data/data.h"
#include "host/search/space.h"

/* Ranges for these rows. Freed with ls_space_free. */
ls_status ls_auto_space(const ls_data *data, ls_space **out, ls_error *err);

/* Options of a trial: number 0 has the defaults of training, number 1 is a linear model, all others
 * are drawn, as a function of (seed, trial). Freed with ls_options_free. */
ls_status ls_auto_options(const ls_space *space, uint64_t seed, size_t trial, ls_options **out,
                          ls_error *err);

#endif
