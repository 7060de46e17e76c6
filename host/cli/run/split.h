/* SPDX-License-Identifier: MIT */
/* The split of a model's training data: noted when it is trained, found again for --split. */
#ifndef LS_CLI_SPLIT_H
#define LS_CLI_SPLIT_H

#include "host/cli/base/source.h"
#include "host/cli/run/config.h"
#include "host/include/lockstep.h"
#include <popt.h>

/* clang-format off */
#define OPTION_SPLIT(field) \
    {"split", 0, POPT_ARG_STRING, &(field), 0, \
     "DATA are those that the model was trained on, and these rows of them are meant: train, " \
     "validation or test, as they were split then", "PART"}
/* clang-format on */

/* Notes in a model how its rows were read and split, unless nothing was held out. config: what the
 * training read. rows: without the test rows. test: of --split, or NULL. hash:
 * ls_split_hash of both, or "" if it is not known yet. */
ls_status split_note(ls_model *model, const run_config *config, const ls_data *rows,
                     const ls_data *test, const char *hash, ls_error *err);

/* Reads what the split says about the data of a model that has one; the caller frees it with
 * config_free. */
ls_status split_config(const ls_model *model, run_config *out, ls_error *err);

/* Reads the data that the model was trained on, and gives one part of them. options: device,
 * labels and what makes generated rows count; other options about data are refused, as the model
 * has them. part: as for --split.
 * Errors: LS_ERR_DATA if the model has no such part, or the data are others. */
ls_status split_read(const ls_model *model, const source_options *options, const char *data,
                     const char *part, ls_data **out, ls_error *err);

/* Whether data are those that the model, which has a split, was trained on. */
ls_status split_is_of(const ls_model *model, const source_options *options, const char *data,
                      bool *out, ls_error *err);

/* "test rows", for a part that split_read took. */
const char *split_label(const char *part);

#endif
