/* SPDX-License-Identifier: MIT */
/* Passes over elements and rows. One work-item an element (or a row) unless said; global sizes are
 * padded to whole work-groups, so every kernel guards its edge. */

/* index[i] = the data set's row at place first + i of the epoch's order. */
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
#define LS_X(name)                                                                                 \
    __kernel void act_##name(SHARED(z), SHARED(a), const uint n)                                   \
    {                                                                                              \
        const uint i = get_global_id(0);                                                           \
        AT(z), AT(a);                                                                              \
        if (i < n) a[i] = ls_act_##name(z[i]);                                                     \
    }
LS_ACTIVATIONS(LS_X)
#undef LS_X

/* Panels of `width` columns of b, for the products of CPU devices (matmul.cl); zeros behind the
 * last column. Launch: (k, panels); one work-item a row of a panel. */
__kernel void pack(MATRIX(b), MATRIX(out), const uint n, const uint k, const uint b_row,
                   const uint b_col, const uint width)
{
    const uint q = get_global_id(0), j0 = get_global_id(1) * width;
    if (q >= k) return;
    AT(b), AT(out);
    b += (ulong)q * b_row + (ulong)j0 * b_col;
    out += (ulong)j0 * k + (ulong)q * width;
    const uint there = min(width, n - j0);
    for (uint j = 0; j < there; j++) out[j] = b[(ulong)j * b_col];
    for (uint j = there; j < width; j++) out[j] = 0.0f;
}

/* y = a·mask + skip; without dropout (p = 0) there is no mask. y may be a. */
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

/* ---- Losses: one work-item a row. scale != 0: training, z becomes dL/dz ---------------------- */

#define LOSS_ARGS                                                                                  \
    MATRIX(z), MATRIX(p), MATRIX(t), MATRIX(weight), MATRIX(row_loss), const uint rows,            \
        const uint columns, const float scale, const uint sigmoid

__kernel void loss_bce(LOSS_ARGS)
{
    const uint i = get_global_id(0);
    if (i >= rows) return;
    AT(z), AT(p), AT(t), AT(row_loss);
    const float zi = z[i], y = t[i], pi = ls_sigmoid(zi), loss = ls_loss_bce(zi, y);
    const float w = THERE(weight) ? weight[weight_at + i] : 1.0f;
    p[i] = pi;
    row_loss[i] = THERE(weight) ? loss * w : loss;
    if (scale != 0.0f) z[i] = ls_loss_cross_entropy_grad(pi, y, THERE(weight) ? w * scale : scale);
}

__kernel void loss_ce(LOSS_ARGS)
{
    const uint i = get_global_id(0);
    if (i >= rows) return;
    AT(z), AT(p), AT(t), AT(row_loss);
    z += (ulong)i * columns, p += (ulong)i * columns, t += (ulong)i * columns;
    float top = z[0], sum = 0.0f, loss = 0.0f;
    for (uint k = 1; k < columns; k++) top = z[k] > top ? z[k] : top;
    for (uint k = 0; k < columns; k++) {
        const float e = ls_softmax_exp(z[k], top);
        p[k] = e;
        sum = sum + e;
    }
    const float log_sum = top + ls_log(sum), w = THERE(weight) ? weight[weight_at + i] : 1.0f;
    const float s = THERE(weight) ? w * scale : scale;
    for (uint k = 0; k < columns; k++) {
        loss = ls_fma(t[k], log_sum - z[k], loss);
        p[k] = p[k] / sum;
        if (scale != 0.0f) z[k] = ls_loss_cross_entropy_grad(p[k], t[k], s);
    }
    row_loss[i] = THERE(weight) ? loss * w : loss;
}

__kernel void loss_mse(LOSS_ARGS)
{
    const uint i = get_global_id(0);
    if (i >= rows) return;
    AT(z), AT(p), AT(t), AT(row_loss);
    z += (ulong)i * columns, p += (ulong)i * columns, t += (ulong)i * columns;
    const float w = THERE(weight) ? weight[weight_at + i] : 1.0f,
                s = THERE(weight) ? w * scale : scale;
    float loss = 0.0f;
    for (uint k = 0; k < columns; k++) {
        const float zk = z[k], pk = sigmoid ? ls_sigmoid(zk) : zk, error = pk - t[k];
        p[k] = pk;
        loss = ls_fma(error, error, loss);
        if (scale != 0.0f) {
            const float dp = ls_loss_mse_grad(pk, t[k], s);
            z[k] = sigmoid ? dp * ls_act_grad_sigmoid(zk, pk) : dp;
        }
    }
    row_loss[i] = THERE(weight) ? loss * w : loss;
}

/* ---- Optimizers: one work-item a parameter; the first `weights` of n are weights ------------- */

#define LS_X(name, states)                                                                         \
    __kernel void update_##name(MATRIX(theta), MATRIX(g), MATRIX(s), MATRIX(v), MATRIX(clip),      \
                                const uint n, const uint weights, const float8 hyper,              \
                                const float4 rates)                                                \
    {                                                                                              \
        const uint i = get_global_id(0);                                                           \
        if (i >= n) return;                                                                        \
        AT(theta), AT(g), AT(s), AT(v);                                                            \
        const ls_hyper h = HYPER(hyper);                                                           \
        const ls_rates r = RATES(rates);                                                           \
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
