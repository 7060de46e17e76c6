/* SPDX-License-Identifier: MIT */
/* What the operations of a step over a whole device read and write, and which of them must stay in
 * order because of that. */
#ifndef LS_WHOLE_TOUCHES_H
#define LS_WHOLE_TOUCHES_H

#include "host/opencl/whole_op.h"

/* Which part of a matrix a task touches. */
typedef enum { LS_WHOLE_ANY, LS_WHOLE_OWN_ROWS, LS_WHOLE_OWN_COLUMNS } ls_whole_part;

typedef struct {
    size_t at, count, width; /* floats of the arena; width: of a row */
    ls_whole_part part;
    bool writes;
} ls_whole_touch;

enum { LS_WHOLE_TOUCHES = 20 };
typedef struct {
    ls_whole_touch touch[LS_WHOLE_TOUCHES];
    size_t count;
    ls_whole_part part; /* of the views of the operation's own rows or columns */
    size_t rows;
} ls_whole_touches;

/* index: the row numbers of the batch, or nowhere; scratch: floats of scratch memory. */
ls_whole_touches ls_whole_touches_of(const ls_plan *plan, const ls_whole_op *op, ls_view index,
                                     size_t scratch);

/* Whether operations must stay in order, and if so, whether it is enough that one group runs both
 * on the same rows or columns. */
typedef enum { LS_WHOLE_FREE, LS_WHOLE_LOCAL, LS_WHOLE_ORDERED } ls_whole_relation;
ls_whole_relation ls_whole_relation_of(const ls_whole_touches *a, const ls_whole_touches *b);

#endif
