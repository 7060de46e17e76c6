/* SPDX-License-Identifier: MIT */
/* Pools. CPU devices: one work-item per line of an image; others: one per position and channel.
 * Windows are not dilated, and each covers part of the image. */

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

/* What a work-item has of images of so many lines and columns: columns [column, end) of a line, and
 * channels [c, last) of each. */
typedef struct {
    uint image, c, last;
    int row, column, end;
} share;

#if IMAGE_LANES > 1
static share share_of(uint images, uint height, uint width, uint channels)
{
    const uint line = get_global_id(0);
    const share s = {line / height, 0, channels,
                     line % height, 0, line / height < images ? width : 0};
    return s;
}
#else
static share share_of(uint images, uint height, uint width, uint channels)
{
    const uint position = get_global_id(0) / channels, c = get_global_id(0) % channels,
               column = position % width, line = position / width;
    const share s = {line / height, c,      c + 1,
                     line % height, column, line / height < images ? column + 1 : column};
    return s;
}
#endif

#define EACH_OF(s, column, c)                                                                      \
    for (int column = (s).column; column < (s).end; column++)                                      \
        for (uint c = (s).c; c < (s).last; c += IMAGE_LANES)

#define SHARE_OF_RESULTS                                                                           \
    const pool g = POOL_OF(geometry);                                                              \
    const share s = share_of(images, g.to_height, g.to_width, g.channels);                         \
    const ulong image_at = (ulong)s.image * g.height * g.width * g.channels,                       \
                line_at = ((ulong)s.image * g.to_height + s.row) * g.to_width * g.channels;

__kernel void max_pool(MATRIX(x), MATRIX(a), MATRIX(index), const uint images,
                       const uint16 geometry)
{
    SHARE_OF_RESULTS
    AT(x), AT(a);
    const span rows = ROWS_OF(g, s.row);
    EACH_OF(s, column, c)
    {
        const span columns = COLUMNS_OF(g, column);
        const uint count = g.channels - c, to = column * g.channels + c;
        __global const float *restrict from = x + image_at + c;
        int at = rows.from * g.width + columns.from;
        LANES best = get_lanes(from + at * g.channels, count);
        INTS where = (INTS)(at);
        for (int y = rows.from; y < rows.to; y++)
            for (int k = columns.from; k < columns.to; k++) {
                at = y * g.width + k;
                const LANES value = get_lanes(from + at * g.channels, count);
                const INTS larger = value > best;
                best = select(best, value, larger);
                where = select(where, (INTS)(at), larger);
            }
        put_lanes(best, a + line_at + to, count);
        if (THERE(index)) put_lanes(AS_LANES(where), index + index_at + line_at + to, count);
    }
}

/* One work-item per image and position. size: height, width and channels. */
__kernel void augment(MATRIX(x), MATRIX(y), const uint images, const uint4 size, const ulong seed,
                      const ulong step, const uint shift, const uint flip, const uint first)
{
    const uint positions = size.x * size.y, at = get_global_id(0), row = at / positions,
               position = at % positions;
    if (row >= images) return;
    const ls_augmentation a = ls_augmentation_of(seed, step, first + row, shift, flip);
    const uint from = ls_augmented_from(a, (int)(position / size.y), (int)(position % size.y),
                                        (int)size.x, (int)size.y);
    x += x_at + ((ulong)row * positions + from) * size.z;
    y += y_at + (ulong)at * size.z;
    for (uint c = 0; c < size.z; c++) y[c] = x[c];
}

__kernel void avg_pool(MATRIX(x), MATRIX(a), const uint images, const uint16 geometry)
{
    SHARE_OF_RESULTS
    AT(x), AT(a);
    const span rows = ROWS_OF(g, s.row);
    EACH_OF(s, column, c)
    {
        const span columns = COLUMNS_OF(g, column);
        const uint count = g.channels - c;
        const int values = (rows.to - rows.from) * (columns.to - columns.from);
        LANES sum = (LANES)(0.0f);
        for (int y = rows.from; y < rows.to; y++)
            for (int k = columns.from; k < columns.to; k++)
                sum = sum + get_lanes(x + image_at + (y * g.width + k) * g.channels + c, count);
        put_lanes(sum * (1.0f / (float)values), a + line_at + column * g.channels + c, count);
    }
}

/* Of the gradient of the input. */
#define SHARE_OF_INPUTS                                                                            \
    const pool g = POOL_OF(geometry);                                                              \
    const share s = share_of(images, g.height, g.width, g.channels);                               \
    const ulong image_at = (ulong)s.image * g.to_height * g.to_width * g.channels,                 \
                line_at = ((ulong)s.image * g.height + s.row) * g.width * g.channels;              \
    const span rows = around(s.row, g.taps[0], g.stride[0], g.pad[0], g.to_height);
#define COLUMNS_AROUND(g, x) around(x, g.taps[1], g.stride[1], g.pad[1], g.to_width)

__kernel void max_pool_x(MATRIX(dz), MATRIX(index), MATRIX(d), const uint images,
                         const uint16 geometry)
{
    SHARE_OF_INPUTS
    AT(dz), AT(index), AT(d);
    EACH_OF(s, column, c)
    {
        const span columns = COLUMNS_AROUND(g, column);
        const uint count = g.channels - c;
        const int number = s.row * g.width + column;
        LANES acc = (LANES)(0.0f);
        for (int y = rows.from; y < rows.to; y++)
            for (int k = columns.from; k < columns.to; k++) {
                const ulong at = image_at + (y * g.to_width + k) * g.channels + c;
                const INTS hit = AS_INTS(get_lanes(index + at, count)) == (INTS)(number);
                acc = select(acc, acc + get_lanes(dz + at, count), hit);
            }
        put_lanes(acc, d + line_at + column * g.channels + c, count);
    }
}

/* The same where each input is in one window: work-items have results, and write the windows. */
__kernel void max_pool_spread(MATRIX(dz), MATRIX(index), MATRIX(d), const uint images,
                              const uint16 geometry)
{
    SHARE_OF_RESULTS
    AT(dz), AT(index), AT(d);
    EACH_OF(s, column, c)
    {
        const uint count = g.channels - c;
        const ulong at = line_at + column * g.channels + c;
        const LANES value = (LANES)(0.0f) + get_lanes(dz + at, count);
        const INTS where = AS_INTS(get_lanes(index + at, count));
        for (int y = s.row * g.taps[0]; y < (s.row + 1) * g.taps[0]; y++)
            for (int k = column * g.taps[1]; k < (column + 1) * g.taps[1]; k++) {
                const int number = y * g.width + k;
                put_lanes(select((LANES)(0.0f), value, where == (INTS)(number)),
                          d + image_at + number * g.channels + c, count);
            }
    }
}

__kernel void avg_pool_x(MATRIX(dz), MATRIX(d), const uint images, const uint16 geometry)
{
    SHARE_OF_INPUTS
    AT(dz), AT(d);
    EACH_OF(s, column, c)
    {
        const span columns = COLUMNS_AROUND(g, column);
        const uint count = g.channels - c;
        LANES acc = (LANES)(0.0f);
        for (int y = rows.from; y < rows.to; y++)
            for (int k = columns.from; k < columns.to; k++) {
                const span down = ROWS_OF(g, y), across = COLUMNS_OF(g, k);
                const float part = 1.0f /
                                   (float)((down.to - down.from) * (across.to - across.from));
                acc = ls_fma(get_lanes(dz + image_at + (y * g.to_width + k) * g.channels + c,
                                       count),
                             (LANES)(part), acc);
            }
        put_lanes(acc, d + line_at + column * g.channels + c, count);
    }
}
