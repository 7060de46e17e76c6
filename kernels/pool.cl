/* SPDX-License-Identifier: MIT */
/* Pools: one work-item per position and block of channels. Windows are not dilated, and each covers
 * part of the image. */

typedef struct {
    int height, width, channels, to_height, to_width, taps[2], stride[2], pad[2];
} pool;

#define POOL_OF(v)                                                                                 \
    {                                                                                              \
        (int)(v).s0, (int)(v).s1, (int)(v).s2, (int)(v).s3, (int)(v).s4,                           \
            {(int)(v).s5, (int)(v).s6}, {(int)(v).s7, (int)(v).s8}, {(int)(v).s9, (int)(v).sa},    \
    }

/* The part of window number `at` along a side that is inside the image: [from, to). */
typedef struct {
    int from, to;
} span;

static span inside(int at, int taps, int stride, int pad, int size)
{
    const int first = at * stride - pad;
    const span s = {max(first, 0), min(first + taps, size)};
    return s;
}

/* The windows along a side that contain position `at`: [from, to). */
static span around(int at, int taps, int stride, int pad, int windows)
{
    const int last = at + pad, first = last - (taps - 1);
    const span s = {first > 0 ? (first + stride - 1) / stride : 0, min(last / stride + 1, windows)};
    return s;
}

#define ROWS_OF(g, y) inside(y, g.taps[0], g.stride[0], g.pad[0], g.height)
#define COLUMNS_OF(g, x) inside(x, g.taps[1], g.stride[1], g.pad[1], g.width)

/* Of the results: image, row and column. */
#define RESULT_AT                                                                                  \
    const pool g = POOL_OF(geometry);                                                              \
    LANES_AT(images *(uint)(g.to_height * g.to_width), (uint)g.channels)                           \
    const uint image = position / (uint)(g.to_height * g.to_width),                                \
               place = position % (uint)(g.to_height * g.to_width);                                \
    const span rows = ROWS_OF(g, (int)place / g.to_width),                                         \
               columns = COLUMNS_OF(g, (int)place % g.to_width);                                   \
    AT(x), AT(a);                                                                                  \
    x += (ulong)image * g.height * g.width * g.channels + c;                                       \
    a += (ulong)position * g.channels + c;

__kernel void max_pool(MATRIX(x), MATRIX(a), MATRIX(index), const uint images,
                       const uint16 geometry)
{
    RESULT_AT
    int at = rows.from * g.width + columns.from;
    LANES best = get_lanes(x + at * g.channels, count);
    INTS where = (INTS)(at);
    for (int y = rows.from; y < rows.to; y++)
        for (int k = columns.from; k < columns.to; k++) {
            at = y * g.width + k;
            const LANES value = get_lanes(x + at * g.channels, count);
            const INTS larger = value > best;
            best = select(best, value, larger);
            where = select(where, (INTS)(at), larger);
        }
    put_lanes(best, a, count);
    if (THERE(index))
        put_lanes(AS_LANES(where), index + index_at + (ulong)position * g.channels + c, count);
}

/* One work-item per image and position. size: height, width and channels. */
__kernel void augment(MATRIX(x), MATRIX(y), const uint images, const uint4 size, const ulong seed,
                      const ulong step, const uint shift, const uint flip)
{
    const uint positions = size.x * size.y, at = get_global_id(0), row = at / positions,
               position = at % positions;
    if (row >= images) return;
    const ls_augmentation a = ls_augmentation_of(seed, step, row, shift, flip);
    const uint from = ls_augmented_from(a, (int)(position / size.y), (int)(position % size.y),
                                        (int)size.x, (int)size.y);
    x += x_at + ((ulong)row * positions + from) * size.z;
    y += y_at + (ulong)at * size.z;
    for (uint c = 0; c < size.z; c++) y[c] = x[c];
}

__kernel void avg_pool(MATRIX(x), MATRIX(a), const uint images, const uint16 geometry)
{
    RESULT_AT
    LANES sum = (LANES)(0.0f);
    for (int y = rows.from; y < rows.to; y++)
        for (int k = columns.from; k < columns.to; k++)
            sum = sum + get_lanes(x + (y * g.width + k) * g.channels, count);
    const int values = (rows.to - rows.from) * (columns.to - columns.from);
    put_lanes(sum * (1.0f / (float)values), a, count);
}

/* Of the gradient: image and position in it; the windows around it. */
#define INPUT_AT                                                                                   \
    const pool g = POOL_OF(geometry);                                                              \
    LANES_AT(images *(uint)(g.height * g.width), (uint)g.channels)                                 \
    const uint image = position / (uint)(g.height * g.width),                                      \
               place = position % (uint)(g.height * g.width);                                      \
    const span rows = around((int)place / g.width, g.taps[0], g.stride[0], g.pad[0], g.to_height), \
               columns = around((int)place % g.width, g.taps[1], g.stride[1], g.pad[1],            \
                                g.to_width);                                                       \
    AT(dz), AT(d);                                                                                 \
    const ulong first = (ulong)image * g.to_height * g.to_width * g.channels + c;                  \
    dz += first;                                                                                   \
    LANES acc = (LANES)(0.0f);

__kernel void max_pool_x(MATRIX(dz), MATRIX(index), MATRIX(d), const uint images,
                         const uint16 geometry)
{
    INPUT_AT
    index += index_at + first;
    for (int y = rows.from; y < rows.to; y++)
        for (int k = columns.from; k < columns.to; k++) {
            const int at = (y * g.to_width + k) * g.channels;
            const INTS hit = AS_INTS(get_lanes(index + at, count)) == (INTS)((int)place);
            acc = select(acc, acc + get_lanes(dz + at, count), hit);
        }
    put_lanes(acc, d + (ulong)position * g.channels + c, count);
}

__kernel void avg_pool_x(MATRIX(dz), MATRIX(d), const uint images, const uint16 geometry)
{
    INPUT_AT
    for (int y = rows.from; y < rows.to; y++)
        for (int k = columns.from; k < columns.to; k++) {
            const span down = ROWS_OF(g, y), across = COLUMNS_OF(g, k);
            const float part = 1.0f / (float)((down.to - down.from) * (across.to - across.from));
            acc = ls_fma(get_lanes(dz + (y * g.to_width + k) * g.channels, count), (LANES)(part),
                         acc);
        }
    put_lanes(acc, d + (ulong)position * g.channels + c, count);
}
