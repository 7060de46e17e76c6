/* SPDX-License-Identifier: MIT */
/* What convolutions need besides their sums: padded copies, packed weights; and depthwise
 * convolutions, in which a channel is a group. */

/* A padded copy of images: `above` lines of zeros and `left` floats of zeros before what is copied,
 * and zeros after it as far as the copy has space. CPU devices: one line per work-item, launched
 * with (1, lines); others: (floats of a line, lines or fewer). */
__kernel void pad(MATRIX(x), MATRIX(out), const uint height, const uint line, const uint above,
                  const uint left, const uint out_height, const uint out_line, const uint lines)
{
    AT(x), AT(out);
    const uint some = min(line, out_line - left);
    for (uint k = get_global_id(1); k < lines; k += get_global_size(1)) {
        const uint image = k / out_height, y = k % out_height - above;
        __global const float *restrict from = x + ((ulong)image * height + y) * line;
        __global float *restrict to = out + (ulong)k * out_line;
        const uint copied = y < height ? some : 0;
#if IMAGE_LANES > 1
        for (uint i = 0; i < left; i++) to[i] = 0.0f;
        for (uint i = 0; i < copied; i++) to[left + i] = from[i];
        for (uint i = left + copied; i < out_line; i++) to[i] = 0.0f;
#else
        const uint i = get_global_id(0);
        if (i < out_line) to[i] = i >= left && i - left < copied ? from[i - left] : 0.0f;
#endif
    }
}

/* Rows of groups × columns values with zeros after each group, up to `room` values. Launch: (1,
 * rows or fewer). */
__kernel void widen(MATRIX(x), MATRIX(out), const uint groups, const uint columns, const uint room,
                    const uint rows)
{
    AT(x), AT(out);
    for (uint k = get_global_id(1); k < rows; k += get_global_size(1))
        for (uint g = 0; g < groups; g++) {
            __global const float *restrict from = x + ((ulong)k * groups + g) * columns;
            __global float *restrict to = out + ((ulong)k * groups + g) * room;
            for (uint i = 0; i < columns; i++) to[i] = from[i];
            for (uint i = columns; i < room; i++) to[i] = 0.0f;
        }
}

/* Panels of `width` columns of weights, for each group: a row per tap and value of its run, in the
 * order of the sums; zeros after the group's last column. Tap number t is number
 *   first + t / across·line + t % across·step
 * of the weights, in uint arithmetic. Launch: (rows, groups·panels). */
__kernel void pack_window(MATRIX(w), MATRIX(out), const uint rows, const uint run,
                          const uint across, const uint first, const uint line, const uint step,
                          const uint tap_size, const uint group_size, const uint run_step,
                          const uint column_step, const uint columns, const uint panels,
                          const uint width)
{
    const uint row = get_global_id(0), panel = get_global_id(1), tap = row / run,
               j0 = panel % panels * width;
    if (row >= rows) return;
    AT(w), AT(out);
    w += (ulong)(first + tap / across * line + tap % across * step) * tap_size +
         panel / panels * group_size + row % run * run_step + (ulong)j0 * column_step;
    out += ((ulong)panel * rows + row) * width;
    const uint some = min(width, columns - j0);
    for (uint j = 0; j < some; j++) out[j] = w[(ulong)j * column_step];
    for (uint j = some; j < width; j++) out[j] = 0.0f;
}

/* ---- Depthwise convolutions: run and columns of the window are 1, group is 1 ----------------- */

/* One work-item per position and block of channels. Taps of the weights as in pack_window. */
__kernel void depthwise(MATRIX(x), MATRIX(w), MATRIX(begin), MATRIX(c), const uint images,
                        const uint channels, const uint first, const uint line, const uint step,
                        const uint16 g0, const uint8 g1)
{
    const window g = WINDOW_OF(g0, g1);
    const uint blocks = LANE_BLOCKS(channels), position = get_global_id(0) / blocks,
               at = get_global_id(0) % blocks * IMAGE_LANES, count = channels - at,
               points = g.height * g.width;
    if (position >= images * points) return;
    const uint image = position / points, place = position % points, y = place / g.width,
               k = place % g.width;
    AT(x), AT(w), AT(c);
    x += (ulong)image * g.image + y * g.line + k * g.step + g.start + at;
    LANES acc = (LANES)(0.0f);
    if (THERE(begin)) acc = get_lanes(begin + begin_at + at, count);
    for (uint i = 0; i * g.across < g.taps; i++)
        for (uint j = 0; j < g.across; j++)
            acc = ls_fma(get_lanes(x + i * g.tap_line + j * g.tap_step, count),
                         get_lanes(w + (first + i * line + j * step) * channels + at, count), acc);
    put_lanes(acc,
              c + (ulong)image * g.out_image + y * g.out_line + k * g.out_step + g.out_start + at,
              count);
}

/* Gradients of an image: out[images × taps × channels]. Launch: (taps·blocks, images). */
__kernel void depthwise_w(MATRIX(x), MATRIX(dz), MATRIX(out), const uint channels, const uint16 g0,
                          const uint8 g1)
{
    const window g = WINDOW_OF(g0, g1);
    const uint blocks = LANE_BLOCKS(channels), tap = get_global_id(0) / blocks,
               c = get_global_id(0) % blocks * IMAGE_LANES, count = channels - c,
               image = get_global_id(1), points = g.height * g.width;
    if (tap >= g.taps) return;
    AT(x), AT(dz), AT(out);
    x += (ulong)image * g.image + g.start + tap_at(&g, tap) + c;
    dz += (ulong)image * points * channels + c;
    LANES sum = (LANES)(0.0f);
    uint y = 0, k = 0;
    for (uint p0 = 0; p0 < points; p0 += LS_CHUNK) {
        LANES acc = (LANES)(0.0f);
        for (uint p = p0; p < min(p0 + LS_CHUNK, points); p++) {
            acc = ls_fma(get_lanes(x + y * g.line + k * g.step, count), get_lanes(dz, count), acc);
            dz += channels;
            k++;
            if (k == g.width) k = 0, y++;
        }
        sum = p0 ? sum + acc : acc;
    }
    put_lanes(sum, out + ((ulong)image * g.taps + tap) * channels + c, count);
}
