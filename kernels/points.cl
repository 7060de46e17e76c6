/* SPDX-License-Identifier: MIT */
/* Batch normalisation of images, and sums over their positions. */

/* ---- Sums: those of each image's positions, then those of images, in chunks ------------------ */

/* One image and block of channels per work-item: chains of LS_CHUNK positions from 0, the chunks'
 * sums added in ascending order. Launch: (blocks, images). */
#define SUM_POINTS(term)                                                                           \
    const uint c = get_global_id(0) * IMAGE_LANES, image = get_global_id(1), count = channels - c; \
    if (c >= channels) return;                                                                     \
    LANES sum = (LANES)(0.0f);                                                                     \
    ulong at = (ulong)image * points * channels + c;                                               \
    for (uint p0 = 0; p0 < points; p0 += LS_CHUNK) {                                               \
        const uint end = min(p0 + LS_CHUNK, points);                                               \
        LANES acc = (LANES)(0.0f);                                                                 \
        for (uint p = p0; p < end; p++, at += channels) acc = (term);                              \
        sum = p0 ? sum + acc : acc;                                                                \
    }                                                                                              \
    put_lanes(sum, out + (ulong)image * channels + c, count);

__kernel void point_sums(MATRIX(x), MATRIX(out), const uint points, const uint channels)
{
    AT(x), AT(out);
    SUM_POINTS(acc + get_lanes(x + at, count))
}

static LANES squared(LANES x, LANES mean, LANES acc)
{
    const LANES d = x - mean;
    return ls_fma(d, d, acc);
}

__kernel void point_squares(MATRIX(x), MATRIX(mean), MATRIX(out), const uint points,
                            const uint channels)
{
    AT(x), AT(mean), AT(out);
    SUM_POINTS(squared(get_lanes(x + at, count), get_lanes(mean + c, count), acc))
}

__kernel void point_hats(MATRIX(dy), MATRIX(z), MATRIX(mean), MATRIX(inv), MATRIX(out),
                         const uint points, const uint channels)
{
    AT(dy), AT(z), AT(mean), AT(inv), AT(out);
    SUM_POINTS(ls_fma(get_lanes(dy + at, count),
                      LS_NORM_HAT(get_lanes(z + at, count), get_lanes(mean + c, count),
                                  get_lanes(inv + c, count)),
                      acc))
}

/* Sums of chunks of rows, starting with the first; if the sums continue, with what is there.
 * Launch: (blocks of CHUNK_VECTORS vectors of columns, chunks). CPU devices read whole parts of
 * rows, as the values of a column are far apart. */
#if IMAGE_LANES > 1
#define CHUNK_VECTORS 16
#else
#define CHUNK_VECTORS 1
#endif

__kernel void image_chunks(MATRIX(x), MATRIX(out), const uint rows, const uint columns,
                           const uint continues)
{
    const uint c0 = get_global_id(0) * (CHUNK_VECTORS * IMAGE_LANES),
               r0 = get_global_id(1) * LS_CHUNK, end = min(r0 + LS_CHUNK, rows);
    if (c0 >= columns) return;
    const uint vectors = min((uint)CHUNK_VECTORS, LANE_BLOCKS(columns - c0));
    AT(x), AT(out);
    out += (ulong)get_global_id(1) * columns;
    LANES sum[CHUNK_VECTORS];
    for (uint v = 0, c = c0; v < vectors; v++, c += IMAGE_LANES) {
        sum[v] = get_lanes(x + (ulong)r0 * columns + c, columns - c);
        if (continues) sum[v] = get_lanes(out + c, columns - c) + sum[v];
    }
    for (uint r = r0 + 1; r < end; r++)
        for (uint v = 0, c = c0; v < vectors; v++, c += IMAGE_LANES)
            sum[v] = sum[v] + get_lanes(x + (ulong)r * columns + c, columns - c);
    for (uint v = 0, c = c0; v < vectors; v++, c += IMAGE_LANES)
        put_lanes(sum[v], out + c, columns - c);
}

/* ---- Batch normalisation of channels: one work-item per position and block of channels ------- */

__kernel void point_norm(MATRIX(z), MATRIX(mean), MATRIX(inv), MATRIX(gamma), MATRIX(beta),
                         MATRIX(y), const uint channels, const uint positions)
{
    LANES_AT(positions, channels)
    const ulong at = (ulong)position * channels + c;
    AT(z), AT(mean), AT(inv), AT(gamma), AT(beta), AT(y);
    const LANES hat = LS_NORM_HAT(get_lanes(z + at, count), get_lanes(mean + c, count),
                                  get_lanes(inv + c, count));
    put_lanes(ls_fma(get_lanes(gamma + c, count), hat, get_lanes(beta + c, count)), y + at, count);
}

/* z becomes dL/dz. */
__kernel void point_norm_grad(MATRIX(dy), MATRIX(z), MATRIX(mean), MATRIX(inv), MATRIX(gamma),
                              MATRIX(grad_gamma), MATRIX(grad_beta), const uint channels,
                              const float inv_rows, const uint positions)
{
    LANES_AT(positions, channels)
    const ulong at = (ulong)position * channels + c;
    AT(dy), AT(z), AT(mean), AT(inv), AT(gamma), AT(grad_gamma), AT(grad_beta);
    const LANES scale = get_lanes(inv + c, count),
                hat = LS_NORM_HAT(get_lanes(z + at, count), get_lanes(mean + c, count), scale);
    put_lanes(LS_NORM_GRAD(get_lanes(dy + at, count), hat, get_lanes(gamma + c, count), scale,
                           get_lanes(grad_beta + c, count), get_lanes(grad_gamma + c, count),
                           inv_rows),
              z + at, count);
}
