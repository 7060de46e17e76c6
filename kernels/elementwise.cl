/* SPDX-License-Identifier: MIT */
/* Passes over elements and rows. One work-item per element (or per row) unless stated; global sizes
 * are padded to whole work-groups, so every kernel checks its upper bound. */

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
        const uint i = get_global_id(0);                                                           \
        AT(z), AT(a);                                                                              \
        if (i < n) a[i] = ls_act_##name(z[i]);                                                     \
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

/* y = a·mask + skip; without dropout (p = 0), y = a + skip. y may be a. */
__kernel void join(SHARED(a), MATRIX(skip), SHARED(y), const uint n, const ulong seed,
                   const ulong step, const uint purpose, const float p)
{
    const uint i = get_global_id(0);
    if (i >= n) return;
    AT(a), AT(y);
    float value = a[i];
    if (p > 0.0f) value = value * ls_dropout_factor(seed, purpose, step, i, p);
    if (THERE(skip)) value = value + skip[skip_at + i];
    y[i] = value;
}

/* ---- Losses: one work-item per row; scale != 0 means training: z becomes dL/dz --------------- */

#define LOSS_EACH(i) for (uint i = 0; i < 1; i++)
#define LOSS_AT(i, k) ((i) + (k))
#define LS_X(NAME, name)                                                                           \
    __kernel void loss_##name(MATRIX(z), MATRIX(p), MATRIX(t), MATRIX(weight), MATRIX(row_loss),   \
                              const uint rows, const uint columns, const float step_scale,         \
                              const uint sigmoid, const float delta)                               \
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

/* ---- Optimizers: one work-item per parameter; the first `weights` of n are weights ----------- */

#define LS_X(name, states, facts)                                                                  \
    __kernel void update_##name(MATRIX(theta), MATRIX(g), MATRIX(s), MATRIX(v), MATRIX(clip),      \
                                const uint n, const uint weights, const float16 hyper,             \
                                const float8 rates)                                                \
    {                                                                                              \
        const uint i = get_global_id(0);                                                           \
        if (i >= n) return;                                                                        \
        AT(theta), AT(g), AT(s), AT(v);                                                            \
        const ls_hyper h = ls_hyper_of(hyper);                                                     \
        const ls_rates r = ls_rates_of(rates);                                                     \
        const float from = theta[i];                                                               \
        const int decays = i < weights;                                                            \
        const float gradient = ls_opt_gradient(g[i], THERE(clip) ? clip[clip_at] : 1.0f, from,     \
                                               decays, h);                                         \
        const ls_updated u = ls_opt_##name(from, gradient, states > 0 ? s[i] : 0.0f,               \
                                           states > 1 ? v[i] : 0.0f, decays, h, r);                \
        theta[i] = u.theta;                                                                        \
        if (states > 0) s[i] = u.s;                                                                \
        if (states > 1) v[i] = u.v;                                                                \
    }
LS_OPTIMIZERS(LS_X)
#undef LS_X
