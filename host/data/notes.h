/* SPDX-License-Identifier: MIT */
/* What was assumed when data were read. */
#ifndef LS_NOTES_H
#define LS_NOTES_H

#include "host/data/data.h"

/* Adds a note: a sentence without a full stop at its end that names the column, an example and the
 * option that decides otherwise. Texts from files go through ls_excerpt_of. A note that the data
 * already have is not added again. The result is UTF-8 without control characters. */
ls_status ls_data_note_add(ls_data *data, ls_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Which targets the header of a second file lacks, and its names: "no column "a" (columns of the
 * file: "b", "c")"; NULL if the targets are not looked for by name or are there. */
const char *ls_data_absence(const ls_data *data);

/* Gives the notes of `from` to data that replace it. */
ls_status ls_data_notes_move(ls_data *from, ls_data *to, ls_error *err);

#endif
