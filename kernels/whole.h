/* SPDX-License-Identifier: MIT */
/* The steps of a member that run over a whole device, encoded as 32-bit words: written by the host
 * (host/opencl/cl_whole.c), read by kernels/whole.cl. Offsets are in floats, in the member's arena
 * unless stated; floats are stored as their bits.
 *
 * A program is a member, its phases, their strands and the strands' operations. The work-groups
 * meet in a barrier after each phase. The strands of a phase do not depend on each other: their
 * tasks are shared out over all groups. A task runs the operations of its strand one after the
 * other, on the rows (or columns, or the tile) of the task, by one group. */
#ifndef LS_WHOLE_H
#define LS_WHOLE_H

#define WHOLE_NONE 0xffffffffu

/* A member. The optimizer's constants (LS_HYPER) follow, then the phases.
 *   inv_rows     1/rows of a step, for means over the batch; last_…: of the last step of an epoch
 *   index        the numbers of the step's rows, written by NUMBERS, if rows are shuffled
 *   phases       their number */
#define LS_WHOLE_MEMBER(X)                                                                         \
    X(seed_low)                                                                                    \
    X(seed_high)                                                                                   \
    X(rows)                                                                                        \
    X(batch)                                                                                       \
    X(steps_per_epoch)                                                                             \
    X(shuffle)                                                                                     \
    X(scale)                                                                                       \
    X(last_scale)                                                                                  \
    X(inv_rows)                                                                                    \
    X(last_inv_rows)                                                                               \
    X(output)                                                                                      \
    X(loss)                                                                                        \
    X(huber_delta)                                                                                 \
    X(label_keep)                                                                                  \
    X(label_share)                                                                                 \
    X(optimizer)                                                                                   \
    X(clip)                                                                                        \
    X(features)                                                                                    \
    X(index)                                                                                       \
    X(phases)

/* A phase: where its strands are, in words from the start of the program, and their number. */
#define LS_WHOLE_PHASE(X)                                                                          \
    X(strands)                                                                                     \
    X(count)

/* A strand: how its work is divided (LS_WHOLE_SHARES), in rows, columns or elements per task; its
 * operations. */
#define LS_WHOLE_STRAND(X)                                                                         \
    X(share)                                                                                       \
    X(unit)                                                                                        \
    X(ops)                                                                                         \
    X(count)

/* How the work of a strand is divided into tasks.
 *   ROWS      `unit` rows of the batch, all columns
 *   TILE      a tile of the result of one product
 *   COLUMNS   `unit` columns, all rows
 *   FLAT      `unit` elements
 *   ONE       one task */
#define LS_WHOLE_SHARES(X) X(ROWS) X(TILE) X(COLUMNS) X(FLAT) X(ONE)

/* The kinds of operations, after those of plans (LS_OPS):
 *   NUMBERS       row numbers of the batch (BATCH)
 *   DENSE         with the JOIN that follows it, if any
 *   LOSS
 *   GRAD_X
 *   GRAD_W        with the optimizer's step, if it follows at once
 *   COLUMN_SUM    y = sums of the columns of x over the batch (GRAD_B); LOSS_SUM without y
 *   NORM          with the JOIN that follows it, if any
 *   NORM_GRAD
 *   MAX_NORM
 *   UPDATE        of parameters [theta, theta + out), or of the task's columns of them
 *   SUMS          sums of chunks of squares of x, or of earlier sums, in scratch memory
 *   FACTOR        the sums of chunks until one is left, then the clipping factor */
#define LS_WHOLE_KINDS(X)                                                                          \
    X(NUMBERS)                                                                                     \
    X(DENSE)                                                                                       \
    X(LOSS)                                                                                        \
    X(GRAD_X)                                                                                      \
    X(GRAD_W)                                                                                      \
    X(COLUMN_SUM)                                                                                  \
    X(NORM)                                                                                        \
    X(NORM_GRAD)                                                                                   \
    X(MAX_NORM)                                                                                    \
    X(UPDATE)                                                                                      \
    X(SUMS)                                                                                        \
    X(FACTOR)

/* An operation. Which of the fields it uses depends on its kind.
 *   in, out       sizes as in LS_OPS
 *   data          x are rows of the data set, by their numbers
 *   body          how a product is computed (LS_WHOLE_BODIES); log_rows, log_columns, log_chunks,
 *                 log_depth: logarithms of the height and width of a tile, of the chunks side by
 *                 side (GRAD_W), and of the depth of a slice; log_columns also of COLUMNS strands
 *   y             results; join_*: those of the JOIN
 *   from          GRAD_X: what the derivative reads; SUMS, FACTOR: an offset in scratch or
 *                 WHOLE_NONE
 *   weights       UPDATE: number of the elements, from the first on, that are weights */
#define LS_WHOLE_OPERATION(X)                                                                      \
    X(kind)                                                                                        \
    X(act)                                                                                         \
    X(in)                                                                                          \
    X(out)                                                                                         \
    X(data)                                                                                        \
    X(body)                                                                                        \
    X(log_rows)                                                                                    \
    X(log_columns)                                                                                 \
    X(log_chunks)                                                                                  \
    X(log_depth)                                                                                   \
    X(x)                                                                                           \
    X(w)                                                                                           \
    X(b)                                                                                           \
    X(z)                                                                                           \
    X(a)                                                                                           \
    X(y)                                                                                           \
    X(d)                                                                                           \
    X(dz)                                                                                          \
    X(skip)                                                                                        \
    X(from)                                                                                        \
    X(to)                                                                                          \
    X(join)                                                                                        \
    X(dropout)                                                                                     \
    X(purpose)                                                                                     \
    X(theta)                                                                                       \
    X(s)                                                                                           \
    X(v)                                                                                           \
    X(factor)                                                                                      \
    X(weights)                                                                                     \
    X(mean)                                                                                        \
    X(inv)                                                                                         \
    X(running_mean)                                                                                \
    X(running_var)                                                                                 \
    X(gamma)                                                                                       \
    X(beta)                                                                                        \
    X(grad_gamma)                                                                                  \
    X(grad_beta)                                                                                   \
    X(target)                                                                                      \
    X(row_weight)                                                                                  \
    X(row_loss)

/* How the chains of a product's tile are shared out over the work-items of a group.
 *   ONE   one chain a work-item; height, width and chunks side by side are chosen at run time
 *   TWO   2 × 2 chains a work-item
 *   FOUR  4 × 4 chains a work-item */
#define LS_WHOLE_BODIES(X) X(ONE) X(TWO) X(FOUR)

/* Floats that a work-item moves at most from global memory to a slice of a product. */
#define WHOLE_LOADS 12

/* A member's entry in a launch.
 *   program   where its program starts in the table
 *   arena     the offset of its arena; scratch: of its scratch memory
 *   origin    the row of the data at which its rows start
 *   first     number of its first step
 *   count     of steps; rates, losses: place of the first step's in the launch's arrays */
#define LS_WHOLE_RUN(X)                                                                            \
    X(program)                                                                                     \
    X(arena_low)                                                                                   \
    X(arena_high)                                                                                  \
    X(scratch)                                                                                     \
    X(origin)                                                                                      \
    X(first_low)                                                                                   \
    X(first_high)                                                                                  \
    X(count)                                                                                       \
    X(rates)                                                                                       \
    X(losses)

/* Words that the work-groups of a launch share: the groups that have started, and whether one has
 * waited too long; then a counter for each team of groups, a cache line apart. */
enum { WHOLE_STARTED, WHOLE_STOP, WHOLE_COUNTERS = 32, WHOLE_COUNTER_STRIDE = 32 };

#define LS_X(name) WHOLE_##name,
enum { LS_WHOLE_MEMBER(LS_X) WHOLE_hyper, WHOLE_MEMBER_WORDS = WHOLE_hyper + LS_HYPER_COUNT };
#undef LS_X
#define LS_X(name) WHOLE_PHASE_##name,
enum { LS_WHOLE_PHASE(LS_X) WHOLE_PHASE_WORDS };
#undef LS_X
#define LS_X(name) WHOLE_STRAND_##name,
enum { LS_WHOLE_STRAND(LS_X) WHOLE_STRAND_WORDS };
#undef LS_X
#define LS_X(name) WHOLE_OP_##name,
enum { LS_WHOLE_OPERATION(LS_X) WHOLE_OP_WORDS };
#undef LS_X
#define LS_X(name) WHOLE_RUN_##name,
enum { LS_WHOLE_RUN(LS_X) WHOLE_RUN_WORDS };
#undef LS_X
#define LS_X(NAME) WHOLE_##NAME,
typedef enum { LS_WHOLE_KINDS(LS_X) WHOLE_KINDS } whole_kind;
#undef LS_X
#define LS_X(NAME) WHOLE_BY_##NAME,
typedef enum { LS_WHOLE_SHARES(LS_X) WHOLE_SHARES } whole_share;
#undef LS_X
#define LS_X(NAME) WHOLE_BODY_##NAME,
typedef enum { LS_WHOLE_BODIES(LS_X) WHOLE_BODIES } whole_body;
#undef LS_X

#endif
