/* SPDX-License-Identifier: MIT */
/* Makes data of a table whose cells are filled. */
#ifndef LS_TABLE_FINISH_H
#define LS_TABLE_FINISH_H

#include "host/data/table_builder.h"

/* Decides what columns and targets are, names them, and drops rows with missing values if asked to.
 * labels: path of the file that the classes came from, or NULL for the table itself. *again: the
 * file is to be read again with the same assumptions object, and *out is not set. */
ls_status ls_builder_finish(ls_table_builder *table, const char *labels, bool *again, ls_data **out,
                            ls_error *err);

#endif
