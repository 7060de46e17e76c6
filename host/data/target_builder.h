/* SPDX-License-Identifier: MIT */
/* Collects the cells of one target column, until it is known whether these are classes, numbers or
 * labels. */
#ifndef LS_TARGET_BUILDER_H
#define LS_TARGET_BUILDER_H

#include "host/data/column_builder.h"
#include "host/data/request.h"

typedef struct {
    ls_number_format format;
    bool plain;                   /* numbers are written plainly */
    ls_dictionary *texts;         /* of all cells, if it is the only target; or NULL */
    bool full;                    /* there are more different texts than it takes */
    size_t rows, numbers, labels; /* cells, of which these are numbers; 0, 1 or another label */
    size_t codes;                 /* numbers with leading zeros */
    bool fractions;
    size_t first_line; /* of the first cell that is no number (for several targets: and no label) */
    ls_excerpt first_text;
    size_t other_line; /* several targets: of the first cell that is no label */
    ls_excerpt other_text;
} ls_target_builder;

/* Adds a cell. *y: the number of its text, if the texts are kept and not too many; may be NULL.
 * *value: its number, or the number of its label, or NaN. */
ls_status ls_target_add(ls_target_builder *target, const char *path, const char *text, size_t line,
                        int32_t *y, double *value, ls_error *err);

/* What targets are, by what is asked for and by their cells. *again: the file is to be read again
 * as assumed[i] says. Errors: LS_ERR_DATA for cells that do not fit the task. labels: contexts of
 * the targets, for messages. */
ls_status ls_targets_task(const ls_target_builder *targets, size_t count, ls_task_request asked,
                          const ls_column_context *contexts, ls_assumed *const *assumed,
                          bool *again, ls_task *out, ls_data *data, ls_error *err);

/* The error of a cell that is no number although the task is to predict numbers, if there is one.
 * known: the task is that of a model or of the training rows, so that no option can change it. */
ls_status ls_target_check_numbers(const ls_target_builder *target, const ls_column_context *context,
                                  bool known, ls_error *err);

/* Whether a text is a label: 0, 1, true, false, yes or no. */
bool ls_label_of(const char *text, double *out);

void ls_target_builder_free(ls_target_builder *target);

#endif
