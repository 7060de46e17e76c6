/* SPDX-License-Identifier: MIT */
/* Predictions as lines of CSV. Classes: the class, then the probability of each class (p_NAME) or,
 * for identity outputs, the outputs. Numbers: one column per target. Labels: 0 or 1 for each label,
 * then the probability of each (p_NAME). */
#ifndef LS_CLI_PREDICTION_LINES_H
#define LS_CLI_PREDICTION_LINES_H

#include "host/cli/cmd/prediction_state.h"

/* Zero-initialised before. The model must outlive the lines, and keep its decision. reader: whose
 * kept columns stand in front of the predictions, or NULL. Closed with prediction_lines_close, also
 * if this fails. Errors: LS_ERR_ARGUMENT for `top` without that many probabilities. */
ls_status prediction_lines_open(prediction_lines *lines, const ls_model *model,
                                prediction_style style, const ls_reader *reader, ls_error *err);
void prediction_lines_close(prediction_lines *lines);

/* Writes the header to `file`, from now on the place of all lines. */
ls_status prediction_lines_begin(prediction_lines *lines, ls_sink *file, ls_error *err);
/* Writes one line for each row of a block, which has these outputs. A row whose outputs are not
 * finite gets no class, and NaN for each number. */
ls_status prediction_lines_add(prediction_lines *lines, const ls_data *block, const float *outputs,
                               ls_error *err);
/* Fails if there were such rows. Errors: LS_ERR_DATA. */
ls_status prediction_lines_check(const prediction_lines *lines, ls_error *err);

#endif
