/* SPDX-License-Identifier: MIT */
/* Reads the next block of rows on a thread while the caller works on the one before. */
#ifndef LS_CLI_READ_AHEAD_H
#define LS_CLI_READ_AHEAD_H

#include "host/include/lockstep.h"
#include <stdbool.h>

typedef struct read_ahead read_ahead;

/* Blocks of at most `most` rows. thread: whether to use a thread; otherwise blocks are read when
 * they are asked for. Nothing else may use the reader before read_ahead_close. */
ls_status read_ahead_open(ls_reader *reader, size_t most, bool thread, read_ahead **out,
                          ls_error *err);

/* The next block, as from ls_reader_next. *share: as from ls_reader_share after that block. */
ls_status read_ahead_next(read_ahead *ahead, ls_data **block, double *share, ls_error *err);

/* Ends the thread, also if it waits for input. The reader can then only be closed. */
void read_ahead_close(read_ahead *ahead);

#endif
