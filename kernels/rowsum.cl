/* SPDX-License-Identifier: MIT */
/* Sums over rows in the order of the contract (docs/arithmetic.md): one chain per chunk of LS_CHUNK
 * rows, then the chunks' sums in ascending order.
 *
 *          columns →
 *   rows ┌──────────┐ chunk 0 ─┐
 *    ↓   │          │          │
 *        ├──────────┤ chunk 1 ─┤
 *        │          │          │
 *        ├──────────┤   …     ─┘
 *
 * Kernels *_chunks: one work-item per column and chunk, launched with (columns, chunks); they write
 * to partial[chunks × columns]. Kernels *_total: one work-item per column, ascending over the
 * chunks. */

#define CHUNK_ROWS(rows) const uint r0 = get_global_id(1) * LS_CHUNK, r1 = min(r0 + LS_CHUNK, rows)
#define TO_PARTIAL(value) partial[partial_at + (ulong)get_global_id(1) * columns + c] = (value)

__kernel void row_sum_chunks(MATRIX(x), MATRIX(partial), const uint rows, const uint columns)
{
    const uint c = get_global_id(0);
    CHUNK_ROWS(rows);
    if (c >= columns) return;
    AT(x);
    float acc = 0.0f;
    for (uint r = r0; r < r1; r++) acc = acc + x[(ulong)r * columns + c];
    TO_PARTIAL(acc);
}

/* Sums of (x - mean)², or of x² if there is no mean. */
__kernel void square_chunks(MATRIX(x), MATRIX(mean), MATRIX(partial), const uint rows,
                            const uint columns)
{
    const uint c = get_global_id(0);
    CHUNK_ROWS(rows);
    if (c >= columns) return;
    AT(x);
    const float centre = THERE(mean) ? mean[mean_at + c] : 0.0f;
    float acc = 0.0f;
    for (uint r = r0; r < r1; r++) {
        const float d = THERE(mean) ? x[(ulong)r * columns + c] - centre
                                    : x[(ulong)r * columns + c];
        acc = ls_fma(d, d, acc);
    }
    TO_PARTIAL(acc);
}

/* Sums of dy·hat of batch normalisation. */
__kernel void norm_hat_chunks(MATRIX(dy), MATRIX(z), MATRIX(mean), MATRIX(inv), MATRIX(partial),
                              const uint rows, const uint columns)
{
    const uint c = get_global_id(0);
    CHUNK_ROWS(rows);
    if (c >= columns) return;
    AT(dy), AT(z), AT(mean), AT(inv);
    float acc = 0.0f;
    for (uint r = r0; r < r1; r++) {
        const ulong i = (ulong)r * columns + c;
        acc = ls_fma(dy[i], ls_norm_hat(z[i], mean[c], inv[c]), acc);
    }
    TO_PARTIAL(acc);
}

static float total(__global const float *restrict partial, uint columns, uint chunks, uint c)
{
    float sum = partial[c];
    for (uint k = 1; k < chunks; k++) sum = sum + partial[(ulong)k * columns + c];
    return sum;
}

__kernel void row_sum_total(MATRIX(partial), MATRIX(out), const uint columns, const uint chunks)
{
    const uint c = get_global_id(0);
    AT(partial), AT(out);
    if (c < columns) out[c] = total(partial, columns, chunks, c);
}

/* ---- Batch normalisation: one work-item per column; the last two loop over rows ------------- */

__kernel void norm_mean(MATRIX(partial), MATRIX(mean), const uint columns, const uint chunks,
                        const float inv_rows)
{
    const uint c = get_global_id(0);
    AT(partial), AT(mean);
    if (c < columns) mean[c] = total(partial, columns, chunks, c) * inv_rows;
}

/* inv and the running averages from the sums of squares; or, without `partial`, inv from the
 * running variance. */
__kernel void norm_inv(MATRIX(partial), MATRIX(mean), MATRIX(inv), MATRIX(running_mean),
                       MATRIX(running_var), const uint columns, const uint chunks,
                       const float inv_rows)
{
    const uint c = get_global_id(0);
    if (c >= columns) return;
    AT(mean), AT(inv), AT(running_mean), AT(running_var);
    if (THERE(partial)) {
        const float variance = total(partial + partial_at, columns, chunks, c) * inv_rows;
        inv[c] = ls_norm_inv(variance);
        running_mean[c] = ls_norm_running(running_mean[c], mean[c]);
        running_var[c] = ls_norm_running(running_var[c], variance);
    } else {
        inv[c] = ls_norm_inv(running_var[c]);
    }
}

/* Launch: (columns, rows or fewer). */
__kernel void norm_apply(MATRIX(z), MATRIX(mean), MATRIX(inv), MATRIX(gamma), MATRIX(beta),
                         MATRIX(y), const uint columns, const uint rows)
{
    const uint c = get_global_id(0);
    if (c >= columns) return;
    AT(z), AT(mean), AT(inv), AT(gamma), AT(beta), AT(y);
    for (uint r = get_global_id(1); r < rows; r += get_global_size(1)) {
        const ulong i = (ulong)r * columns + c;
        y[i] = ls_fma(gamma[c], ls_norm_hat(z[i], mean[c], inv[c]), beta[c]);
    }
}

/* z becomes dL/dz. Launch: (columns, rows or fewer). */
__kernel void norm_grad(MATRIX(dy), MATRIX(z), MATRIX(mean), MATRIX(inv), MATRIX(gamma),
                        MATRIX(grad_gamma), MATRIX(grad_beta), const uint columns,
                        const float inv_rows, const uint rows)
{
    const uint c = get_global_id(0);
    if (c >= columns) return;
    AT(dy), AT(z), AT(mean), AT(inv), AT(gamma), AT(grad_gamma), AT(grad_beta);
    for (uint r = get_global_id(1); r < rows; r += get_global_size(1)) {
        const ulong i = (ulong)r * columns + c;
        z[i] = ls_norm_grad(dy[i], ls_norm_hat(z[i], mean[c], inv[c]), gamma[c], inv[c],
                            grad_beta[c], grad_gamma[c], inv_rows);
    }
}

/* ---- Norms ----------------------------------------------------------------------------------- */

/* Sums of squares, or sums, of the chunks of a flat array: one work-item per chunk. */
__kernel void flat_chunks(MATRIX(x), MATRIX(out), const uint n, const uint square)
{
    const uint c = get_global_id(0);
    const ulong i0 = (ulong)c * LS_CHUNK;
    if (i0 >= n) return;
    AT(x), AT(out);
    float acc = 0.0f;
    for (ulong i = i0; i < min(i0 + LS_CHUNK, (ulong)n); i++)
        acc = square ? ls_fma(x[i], x[i], acc) : acc + x[i];
    out[c] = acc;
}

/* Factor that clips a gradient with this squared norm. One work-item. */
__kernel void clip_factor(MATRIX(square), MATRIX(y), const float limit)
{
    y[y_at] = ls_limit_factor(square[square_at], limit);
}

/* Scales the columns of w down to norm `limit`. Launch: (columns, rows or fewer). */
__kernel void max_norm(MATRIX(w), MATRIX(squares), const uint columns, const float limit,
                       const uint rows)
{
    const uint c = get_global_id(0);
    if (c >= columns) return;
    AT(w), AT(squares);
    const float factor = ls_limit_factor(squares[c], limit);
    for (uint r = get_global_id(1); r < rows; r += get_global_size(1))
        w[(ulong)r * columns + c] = w[(ulong)r * columns + c] * factor;
}
