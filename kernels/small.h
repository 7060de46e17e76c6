/* SPDX-License-Identifier: MIT */
/* The steps of a small network, encoded as 32-bit words: written by the host
 * (host/opencl/small_words.c), read by kernels/small.cl on CPU devices and by
 * kernels/small_group.cl on GPUs. Offsets are in floats, in scratch or in the member's arena;
 * floats are stored as their bits. */
#ifndef LS_SMALL_H
#define LS_SMALL_H

#define SMALL_NONE 0xffffffffu

/* GPUs: floats from column to column of a chunk's matrix (LS_CHUNK and one more, so that
 * work-items that read the same row of neighbouring columns use different banks of local memory);
 * columns of numbers that the loss needs for itself; and the most parts of a group. */
#define SMALL_PITCH 65
#define SMALL_LOSS_COLUMNS 3
#define SMALL_PARTS 16

/* A member: written once, before its operations. The optimizer's constants (LS_HYPER) follow. */
#define LS_SMALL_MEMBER(X)                                                                         \
    X(seed_low)                                                                                    \
    X(seed_high)                                                                                   \
    X(rows)                                                                                        \
    X(batch)                                                                                       \
    X(steps_per_epoch)                                                                             \
    X(shuffle)                                                                                     \
    X(scale)                                                                                       \
    X(last_scale)                                                                                  \
    X(output)                                                                                      \
    X(loss)                                                                                        \
    X(huber_delta)                                                                                 \
    X(label_keep)                                                                                  \
    X(label_share)                                                                                 \
    X(optimizer)                                                                                   \
    X(clip)                                                                                        \
    X(features)                                                                                    \
    X(outputs)                                                                                     \
    X(x)                                                                                           \
    X(t)                                                                                           \
    X(row_weight)                                                                                  \
    X(row_loss)                                                                                    \
    X(rows_at)                                                                                     \
    X(of_chunk)                                                                                    \
    X(of_step)

/* An operation and the offsets of its matrices: x to dropped, grad, from and to are in scratch, w
 * to v in the arena. wait and tasks are for GPUs: when the work-items of a group must synchronise
 * before the operation, and how many tasks the gradients before this one have. */
#define LS_SMALL_OPERATION(X)                                                                      \
    X(kind)                                                                                        \
    X(act)                                                                                         \
    X(in)                                                                                          \
    X(out)                                                                                         \
    X(x)                                                                                           \
    X(z)                                                                                           \
    X(a)                                                                                           \
    X(y)                                                                                           \
    X(d)                                                                                           \
    X(dz)                                                                                          \
    X(skip)                                                                                        \
    X(dropped)                                                                                     \
    X(grad)                                                                                        \
    X(width)                                                                                       \
    X(dropout)                                                                                     \
    X(purpose)                                                                                     \
    X(w)                                                                                           \
    X(b)                                                                                           \
    X(gradient)                                                                                    \
    X(bias_gradient)                                                                               \
    X(theta)                                                                                       \
    X(s)                                                                                           \
    X(v)                                                                                           \
    X(weights)                                                                                     \
    X(from)                                                                                        \
    X(to)                                                                                          \
    X(wait)                                                                                        \
    X(tasks)

/* A member's entry in a launch. */
#define LS_SMALL_RUN(X)                                                                            \
    X(program)                                                                                     \
    X(arena_low)                                                                                   \
    X(arena_high)                                                                                  \
    X(origin)                                                                                      \
    X(first_low)                                                                                   \
    X(first_high)                                                                                  \
    X(count)                                                                                       \
    X(rates)                                                                                       \
    X(losses)

#define LS_X(name) SMALL_##name,
enum { LS_SMALL_MEMBER(LS_X) SMALL_hyper, SMALL_MEMBER_WORDS = SMALL_hyper + LS_HYPER_COUNT };
#undef LS_X
#define LS_X(name) SMALL_OP_##name,
enum { LS_SMALL_OPERATION(LS_X) SMALL_OP_WORDS };
#undef LS_X
#define LS_X(name) SMALL_RUN_##name,
enum { LS_SMALL_RUN(LS_X) SMALL_RUN_WORDS };
#undef LS_X

/* Values of `wait`. An operation that reads only what the same work-item wrote waits never. */
enum {
    SMALL_WAIT_NEVER,
    SMALL_WAIT_SHARED, /* if several work-items share a row */
    SMALL_WAIT_ALWAYS
};

/* The kinds of operations. No later operation starts before the results of an earlier one are
 * visible. The first group runs for every chunk (of_chunk of them), the second group once per step,
 * when the gradients are complete (of_step of them). GPUs have no ROWS and no UNPACK. */
enum {
    SMALL_NUMBERS,
    SMALL_LOAD,
    SMALL_PIECES,
    SMALL_DENSE,
    SMALL_ACTIVATE,
    SMALL_JOIN,
    SMALL_LOSS,
    SMALL_LOSS_SUM,
    SMALL_GRAD_X,
    SMALL_SKIP,
    SMALL_DROP,
    SMALL_ACTIVATION_GRAD,
    SMALL_ROWS,
    SMALL_GRAD_W,

    SMALL_UNPACK,
    SMALL_UPDATE,
    SMALL_SQUARES,
    SMALL_SUMS,
    SMALL_FACTOR,
    SMALL_MAX_NORM
};

#endif
