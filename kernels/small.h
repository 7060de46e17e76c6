/* SPDX-License-Identifier: MIT */
/* The steps of a small network, encoded as 32-bit words: written by the host
 * (host/opencl/cl_small.c), read by kernels/small.cl. Offsets are in floats, in scratch or in the
 * member's arena; floats are stored as their bits. */
#ifndef LS_SMALL_H
#define LS_SMALL_H

#define SMALL_NONE 0xffffffffu

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
 * to v in the arena. */
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
    X(to)

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

/* The kinds of operations. No later operation starts before the results of an earlier one are
 * visible. The first group runs for every chunk (of_chunk of them), the second group once per step,
 * when the gradients are complete (of_step of them). */
enum {
    SMALL_NUMBERS,
    SMALL_LOAD,
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
