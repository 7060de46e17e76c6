/* SPDX-License-Identifier: MIT */
#include "host/opencl/check_parts.h"
#include "host/opencl/check_runs.h"
#include "host/opencl/check_shapes.h"
#include "host/opencl/check_values.h"
#include "host/opencl/cl_program.h"
#include "host/opencl/cl_run.h"
#include "host/opencl/tune.h"
#include <assert.h>
#include <string.h>

static ls_check_part *add(ls_check_part *parts, size_t *count, ls_check_kind kind, ls_cl_way_id way,
                          size_t first, size_t number)
{
    assert(*count < LS_CHECK_PARTS_MOST);
    ls_check_part *p = &parts[(*count)++];
    memset(p, 0, sizeof *p); /* padding, too: its bytes are sent */
    p->kind = kind, p->way = way;
    p->first = (unsigned)first, p->count = (unsigned)number;
    return p;
}

/* Every tile that this device uses for its products. */
static void add_tiles(const ls_cl_device *d, ls_check_part *parts, size_t *count)
{
    static const char *const forms[] = {"forward", "gradient of inputs", "gradient of weights"},
                             *const sizes[] = {"narrow", "small", "large", "huge"};
    for (int f = 0; f < LS_FORM_COUNT; f++)
        for (int c = LS_SIZE_COUNT - 1; c >= 0; c--) {
            bool seen = false;
            for (int e = c + 1; e < LS_SIZE_COUNT; e++)
                seen |= ls_cl_tile_equal(&d->tiles[f][e], &d->tiles[f][c]);
            if (seen) continue;
            ls_check_part *p = add(parts, count, LS_CHECK_TILE, LS_CL_WAY_LAYERED, (size_t)f,
                                   (size_t)c);
            p->needs_kernels = d->tiles[f][c].family == LS_TILE_REGISTER; /* they pack */
            snprintf(p->name, sizeof p->name, "products, %s, %s", forms[f], sizes[c]);
        }
}

size_t ls_check_parts(const ls_cl_device *d, ls_check_part parts[LS_CHECK_PARTS_MOST])
{
    size_t count = 0, fixed = ls_check_fixed_runs(), images = ls_check_image_runs(),
           runs = ls_check_run_count() - images;
    ls_check_part *p = add(parts, &count, LS_CHECK_VALUES, LS_CL_WAY_LAYERED, 0, 0);
    p->needs_kernels = true;
    snprintf(p->name, sizeof p->name, "operations and functions");
    for (size_t i = 0; i <= fixed; i++) {
        p = add(parts, &count, LS_CHECK_RUNS, LS_CL_WAY_LAYERED, i, i < fixed ? 1 : runs - fixed);
        p->needs_kernels = true;
        snprintf(p->name, sizeof p->name, "training, layered, %zu", i + 1);
    }
    p = add(parts, &count, LS_CHECK_RUNS, LS_CL_WAY_LAYERED, runs, images);
    p->needs_kernels = true;
    snprintf(p->name, sizeof p->name, "training, layered, images");
    add_tiles(d, parts, &count);
    for (int way = LS_CL_WAY_LAYERED + 1; way < LS_CL_WAY_COUNT; way++) {
        if (!ls_cl_way_is_used(d, (ls_cl_way_id)way)) continue;
        p = add(parts, &count, LS_CHECK_RUNS, (ls_cl_way_id)way, 0, runs);
        snprintf(p->name, sizeof p->name, "training, %s", ls_cl_way_name((ls_cl_way_id)way));
    }
    return count;
}

size_t ls_check_more_parts(const ls_cl_device *d, ls_check_part parts[LS_CHECK_PARTS_MOST],
                           size_t count)
{
    const size_t shapes = ls_check_shape_count(), images = ls_check_image_shape_count();
    enum { PIECE = 4 }; /* shapes of a part: the program of each is built for a second or two */
    for (int way = 0; way < LS_CL_WAY_COUNT; way++) {
        const size_t most = way == LS_CL_WAY_LAYERED ? shapes + images : shapes,
                     piece = way == LS_CL_WAY_LAYERED ? PIECE : most;
        if (way != LS_CL_WAY_LAYERED && !ls_cl_way_is_used(d, (ls_cl_way_id)way)) continue;
        for (size_t i = 0; i < most; i += piece) {
            size_t n = most - i < piece ? most - i : piece;
            ls_check_part *p = add(parts, &count, LS_CHECK_SHAPES, (ls_cl_way_id)way, i, n);
            p->needs_kernels = way == LS_CL_WAY_LAYERED;
            snprintf(p->name, sizeof p->name, "awkward shapes, %s, %zu to %zu",
                     ls_cl_way_name((ls_cl_way_id)way), i + 1, i + n);
        }
    }
    for (int f = 0; f < LS_FORM_COUNT; f++) {
        ls_check_part *p = add(parts, &count, LS_CHECK_PRODUCTS, LS_CL_WAY_LAYERED, (size_t)f, 0);
        p->needs_kernels = true;
        snprintf(p->name, sizeof p->name, "awkward products, form %d", f + 1);
    }
    return count;
}

static ls_status check_tile(ls_cl_device *d, ls_backend *cpu, const ls_check_part *part,
                            char reason[256], ls_error *err)
{
    bool exact = true;
    assert(part->first < LS_FORM_COUNT && part->count < LS_SIZE_COUNT);
    LS_TRY(ls_cl_tile_is_exact(d, cpu, (ls_form)part->first, &d->tiles[part->first][part->count],
                               &exact, err));
    if (!exact)
        snprintf(reason, 256, "self-check: a matrix product (%s) differs from the CPU path's",
                 part->name);
    return LS_OK;
}

ls_status ls_check_part_run(ls_cl_device *d, ls_backend *cpu, const ls_check_part *part,
                            char reason[256], ls_error *err)
{
    if (part->needs_kernels && !d->program) LS_TRY(ls_cl_build_kernels(d, err));
    if (part->kind == LS_CHECK_VALUES) return ls_check_values(d, reason, err);
    if (part->kind == LS_CHECK_TILE) return check_tile(d, cpu, part, reason, err);
    if (part->kind == LS_CHECK_PRODUCTS)
        return ls_check_products(d, cpu, (ls_form)part->first, reason, err);
    if (part->kind == LS_CHECK_SHAPES)
        LS_TRY(ls_check_shapes(d, cpu, part->way, part->first, part->count, reason, err));
    else LS_TRY(ls_check_runs(d, cpu, part->way, part->first, part->count, reason, err));
    /* a way that failed was replaced by the layered one */
    if (*d->way_out[part->way]) return ls_fail(err, LS_ERR_DEVICE, "%s", d->way_out[part->way]);
    return LS_OK;
}
