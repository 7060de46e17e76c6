/* SPDX-License-Identifier: MIT */
/* Passes over elements and rows. Those over elements have the launch and the loops of pass.h, the
 * others one work-item per row or as stated; global sizes are padded to whole work-groups, so every
 * kernel checks its upper bound. */

/* index[i] = row of the data at position first + i of the epoch's order. */
__kernel void batch(MATRIX(index), const uint first, const uint rows, const uint n,
                    const ulong seed, const ulong epoch)
{
    const uint i = get_global_id(0);
    AT(index);
    if (i < rows)
        ((__global uint *)index)[i] = ls_permute(first + i, n, seed, LS_PURPOSE_ORDER, epoch);
}

/* y[row] = x[index[row]]. Launch: (columns, rows or fewer). */
__kernel void gather(MATRIX(x), MATRIX(index), MATRIX(y), const uint columns, const uint rows)
{
    const uint c = get_global_id(0);
    AT(x), AT(index), AT(y);
    if (c >= columns) return;
    for (uint r = get_global_id(1); r < rows; r += get_global_size(1))
        y[(ulong)r * columns + c] = x[(ulong)((__global const uint *)index)[r] * columns + c];
}

/* a = act(z); a may be z. */
#define LS_X(name, reads, facts)                                                                   \
    __kernel void act_##name(SHARED(z), SHARED(a), const uint n)                                   \
    {                                                                                              \
        AT(z), AT(a);                                                                              \
        PASS(n, PASS_WHOLE(z) && PASS_WHOLE(a))                                                    \
        {                                                                                          \
            float x[PASS_WIDTH];                                                                   \
            PASS_GET(x, z)                                                                         \
            PASS_EACH(e) x[e] = ls_act_##name(x[e]);                                               \
            PASS_PUT(a, x)                                                                         \
        }                                                                                          \
    }
LS_ACTIVATIONS(LS_X)
#undef LS_X

/* Panels of `width` columns of b, for the products of CPU devices (matmul.cl); zeros after the last
 * column. Launch: (k, panels); one work-item per row of a panel. */
__kernel void pack(MATRIX(b), MATRIX(out), const uint n, const uint k, const uint b_row,
                   const uint b_col, const uint width)
{
    const uint q = get_global_id(0), j0 = get_global_id(1) * width;
    if (q >= k) return;
    AT(b), AT(out);
    b += (ulong)q * b_row + (ulong)j0 * b_col;
    out += (ulong)j0 * k + (ulong)q * width;
    const uint columns = min(width, n - j0);
    for (uint j = 0; j < columns; j++) out[j] = b[(ulong)j * b_col];
    for (uint j = columns; j < width; j++) out[j] = 0.0f;
}

/* y = a·mask + skip; without dropout (p = 0), y = a + skip. y may be a. The mask's first element
 * has that number. */
__kernel void join(SHARED(a), MATRIX(skip), SHARED(y), const uint n, const ulong seed,
                   const ulong step, const uint purpose, const float p, const uint number)
{
    AT(a), AT(y);
    const int skips = THERE(skip);
    if (skips) AT(skip);
    PASS(n, PASS_WHOLE(a) && PASS_WHOLE(y) && PASS_WHOLE(skip))
    {
        float value[PASS_WIDTH];
        PASS_GET(value, a)
        if (p > 0.0f) PASS_EACH(e)
        value[e] = value[e] * ls_dropout_factor(seed, purpose, step, number + PASS_AT(e), p);
        if (skips) {
            float other[PASS_WIDTH];
            PASS_GET(other, skip)
            PASS_EACH(e) value[e] = value[e] + other[e];
        }
        PASS_PUT(y, value)
    }
}

/* a = the piecewise-linear encoding of the rows x, one work-item for each value. */
__kernel void pieces(SHARED(x), SHARED(table), SHARED(a), const uint in, const uint out,
                     const uint n)
{
    const uint i = get_global_id(0), j = i % out;
    if (i >= n) return;
    AT(x), AT(table), AT(a);
    table += j;
    const ulong input = (ulong)(i / out) * in + ls_piece_input(table[0], in);
    a[i] = ls_piece(x[input], table[(ulong)LS_PIECE_FROM * out], table[(ulong)LS_PIECE_SCALE * out],
                    table[(ulong)LS_PIECE_LOW * out], table[(ulong)LS_PIECE_HIGH * out]);
}

/* ---- Losses: one work-item per row; scale != 0 means training: z becomes dL/dz --------------- */

#define LOSS_EACH(i) for (uint i = 0; i < 1; i++)
#define LOSS_AT(i, k) ((i) + (k))
#define LS_X(NAME, name)                                                                           \
    __kernel void loss_##name(MATRIX(z), MATRIX(p), MATRIX(t), MATRIX(weight), MATRIX(row_loss),   \
                              const uint rows, const uint columns, const float step_scale,         \
                              const uint sigmoid, const float delta, const float keep,             \
                              const float share)                                                   \
    {                                                                                              \
        const uint row = get_global_id(0);                                                         \
        if (row >= rows) return;                                                                   \
        const int training = step_scale != 0.0f, weighted = THERE(weight);                         \
        const float w = weighted ? weight[weight_at + row] : 1.0f;                                 \
        float top[1], sum[1], scale[1] = {weighted ? w * step_scale : step_scale};                 \
        AT(z), AT(p), AT(t), AT(row_loss);                                                         \
        z += (ulong)row * columns, p += (ulong)row * columns, t += (ulong)row * columns;           \
        row_loss += row;                                                                           \
        LS_LOSS_ROWS_##NAME if (weighted) row_loss[0] = row_loss[0] * w;                           \
    }
LS_LOSSES(LS_X)
#undef LS_X
#undef LOSS_EACH
#undef LOSS_AT

/* ---- Optimizers; the first `weights` of n parameters are weights ----------------------------- */

#define LS_X(name, states, facts)                                                                  \
    __kernel void update_##name(MATRIX(theta), MATRIX(g), MATRIX(s), MATRIX(v), MATRIX(clip),      \
                                const uint n, const uint weights, const float16 hyper,             \
                                const float8 rates)                                                \
    {                                                                                              \
        AT(theta), AT(g), AT(s), AT(v);                                                            \
        const ls_hyper h = ls_hyper_of(hyper);                                                     \
        const ls_rates r = ls_rates_of(rates);                                                     \
        const float factor = THERE(clip) ? clip[clip_at] : 1.0f;                                   \
        PASS(n, PASS_WHOLE(theta) && PASS_WHOLE(g) && (states < 1 || PASS_WHOLE(s)) &&             \
                    (states < 2 || PASS_WHOLE(v)))                                                 \
        {                                                                                          \
            float from[PASS_WIDTH], slope[PASS_WIDTH], first[PASS_WIDTH], second[PASS_WIDTH];      \
            PASS_GET(from, theta)                                                                  \
            PASS_GET(slope, g)                                                                     \
            if (states > 0) {                                                                      \
                PASS_GET(first, s)                                                                 \
            }                                                                                      \
            if (states > 1) {                                                                      \
                PASS_GET(second, v)                                                                \
            }                                                                                      \
            PASS_EACH(e)                                                                           \
            {                                                                                      \
                const int decays = PASS_AT(e) < weights;                                           \
                const float gradient = ls_opt_gradient(slope[e], factor, from[e], decays, h);      \
                const ls_updated u = ls_opt_##name(from[e], gradient,                              \
                                                   states > 0 ? first[e] : 0.0f,                   \
                                                   states > 1 ? second[e] : 0.0f, decays, h, r);   \
                from[e] = u.theta, first[e] = u.s, second[e] = u.v;                                \
            }                                                                                      \
            PASS_PUT(theta, from)                                                                  \
            if (states > 0) {                                                                      \
                PASS_PUT(s, first)                                                                 \
            }                                                                                      \
            if (states > 1) {                                                                      \
                PASS_PUT(v, second)                                                                \
            }                                                                                      \
        }                                                                                          \
    }
LS_OPTIMIZERS(LS_X)
#undef LS_X
