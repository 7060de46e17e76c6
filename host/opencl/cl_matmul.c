/* SPDX-License-Identifier: MIT */
/* The tiles of matrix products, and the kernels compiled for them. */
#include "host/opencl/cl_matmul.h"
#include "host/base/file.h"
#include "host/base/text.h"
#include "host/opencl/cl_program.h"
#include "host/opencl/cl_sources.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TILE_MOST = 4096 }; /* largest number that a tile may have */

/* CPU devices: the size of the register file decides. GPUs: large products need many chains per
 * work-item (8 × 8: a quarter of a load from local memory per multiply-add); small ones need many
 * groups and deep slices, as they are bound by latency. A weight gradient keeps its chunk sums
 * besides its chains, so it gets half as many chains. Slices of the huge tiles are 8 deep: NVIDIA's
 * compiler then needs 127 and 125 registers per work-item, and two groups fit on a multiprocessor;
 * with 16 it needs 130 to 153, and one group fits. Intel's GPUs have registers for 16 chains per
 * work-item. */
void ls_cl_default_tiles(ls_cl_device *d)
{
    static const ls_cl_tile cpu_wide[] = {LS_REGISTER_TILE(6, 2, 8, 16, 256),
                                          LS_REGISTER_TILE(12, 2, 16, 8, 256)};
    static const ls_cl_tile cpu_slim[] = {LS_REGISTER_TILE(12, 1, 8, 4, 256),
                                          LS_REGISTER_TILE(12, 1, 16, 4, 256)};
    static const ls_cl_tile cpu_sums[] = {
        LS_REGISTER_TILE(6, 2, 8, 16, 256),
        LS_REGISTER_TILE(6, 4, 16, 16,
                         256)}; /* large sums over rows: 206 GFLOP/s, with the other tiles 163 */
    static const ls_cl_tile narrow = LS_LOCAL_TILE(16, 16, 64, 8, 8, 2),
                            small = LS_LOCAL_TILE(32, 32, 32, 8, 8, 4);
    static const ls_cl_tile few = LS_LOCAL_TILE(64, 64, 16, 16, 16, 4),
                            large = LS_LOCAL_TILE(64, 64, 16, 16, 8, 4);
    static const ls_cl_tile huge = LS_LOCAL_TILE(128, 128, 8, 16, 16, 4),
                            huge_sums = LS_LOCAL_TILE(128, 64, 8, 16, 16, 4);
    enum { INTEL = 0x8086 };
    for (int f = 0; f < LS_FORM_COUNT; f++) {
        const ls_cl_tile *gpu[LS_SIZE_COUNT] = {&narrow, &small, &large,
                                                f == LS_FORM_GRAD_W ? &huge_sums : &huge};
        if (d->vendor == INTEL) gpu[LS_SIZE_LARGE] = gpu[LS_SIZE_HUGE] = &few;
        for (int c = 0; c < LS_SIZE_COUNT; c++) {
            const ls_cl_tile *cpu = c == LS_SIZE_NARROW ? cpu_slim : cpu_wide;
            if (f == LS_FORM_GRAD_W && c >= LS_SIZE_LARGE) cpu = cpu_sums;
            d->tiles[f][c] = d->is_cpu                    ? cpu[d->lanes >= 16]
                             : ls_cl_tile_fits(d, gpu[c]) ? *gpu[c]
                                                          : narrow;
        }
    }
}

static bool register_tile_fits(const ls_cl_register_tile *t)
{
    return t->rows && t->rows <= 32 && t->vectors && t->vectors <= 4 &&
           (t->lanes == 4 || t->lanes == 8 || t->lanes == 16) && t->repeat && t->repeat <= 64 &&
           t->depth && t->depth <= TILE_MOST && t->depth % LS_CHUNK == 0;
}

static bool local_tile_fits(const ls_cl_device *d, const ls_cl_local_tile *t)
{
    const unsigned sizes[] = {t->m, t->n, t->k, t->items_across, t->items_down};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (!sizes[i] || sizes[i] > TILE_MOST) return false;
    if (t->load != 1 && t->load != 2 && t->load != 4) return false;
    bool whole = t->m % (t->items_down * t->load) == 0 && t->n % (t->items_across * t->load) == 0 &&
                 t->k % t->load == 0 && LS_CHUNK % t->k == 0;
    size_t items = (size_t)t->items_across * t->items_down,
           bytes = 2 * (size_t)t->k * (t->m + t->n + 2 * (size_t)t->load) * sizeof(float);
    return whole && t->items_across % 8 == 0 && t->items_down % 4 == 0 && items <= d->group_limit &&
           bytes <= d->local_memory && (t->m / t->items_down) * (t->n / t->items_across) <= 64;
}

bool ls_cl_tile_fits(const ls_cl_device *d, const ls_cl_tile *t)
{
    return t->family == LS_TILE_REGISTER ? register_tile_fits(&t->reg)
                                         : local_tile_fits(d, &t->local);
}

ls_size_class ls_cl_size_class(size_t m, size_t n)
{
    if (n <= 32) return LS_SIZE_NARROW;
    if (m <= 128 || n <= 128 || m * n <= 256 * 256) return LS_SIZE_SMALL;
    return m * n <= 1024 * 1024 ? LS_SIZE_LARGE : LS_SIZE_HUGE;
}

/* The compiler options that give the kernel sources the tile's sizes, the form, and the function
 * that follows. */
static void write_defines(const ls_cl_variant *v, char out[256])
{
    static const char *const forms[] = {"DENSE", "GRAD_X", "GRAD_W"}, *const functions[] = {
                                                                          "ls_act_", "ls_act_grad_",
                                                                          "ls_opt_"};
    const ls_cl_register_tile *r = &v->tile.reg;
    const ls_cl_local_tile *l = &v->tile.local;
    int n = snprintf(out, 256, "-DFORM_%s", forms[v->form]);
    n +=
        v->tile.family == LS_TILE_REGISTER
            ? snprintf(out + n, 256 - (size_t)n,
                       " -DTILE_ROWS=%u -DTILE_VECTORS=%u -DTILE_LANES=%u -DTILE_REPEAT=%u "
                       "-DTILE_DEPTH=%u",
                       r->rows, r->vectors, r->lanes, r->repeat, r->depth)
            : snprintf(out + n, 256 - (size_t)n,
                       " -DTILE_M=%u -DTILE_N=%u -DTILE_K=%u -DTILE_GX=%u -DTILE_GY=%u -DTILE_V=%u",
                       l->m, l->n, l->k, l->items_across, l->items_down, l->load);
    if (v->function == LS_CL_NO_FUNCTION) return;
    if (v->form == LS_FORM_GRAD_W) {
        const ls_opt_info *opt = &ls_optimizers[v->function];
        snprintf(out + n, 256 - (size_t)n, " -DFINISH=ls_opt_%s -DSTATES=%d", opt->name,
                 opt->states);
        return;
    }
    const ls_act_info *act = &ls_activations[v->function];
    n += snprintf(out + n, 256 - (size_t)n, " -DFINISH=%s%s", functions[v->form], act->name);
    if (v->form == LS_FORM_GRAD_X)
        snprintf(out + n, 256 - (size_t)n, " -DREADS=%c", act->reads_z ? 'Z' : 'A');
}

static ls_status build_variant(ls_cl_device *d, ls_cl_variant *v, ls_error *err)
{
    char defines[256];
    cl_int code;
    write_defines(v, defines);
    if (v->tile.family == LS_TILE_LOCAL)
        LS_TRY(ls_cl_build(d, ls_matmul_local_source, ls_matmul_local_source_size, defines,
                           &v->program, err));
    else LS_TRY(ls_cl_build(d, ls_matmul_source, ls_matmul_source_size, defines, &v->program, err));
    v->kernel = d->cl.clCreateKernel(v->program, "matmul", &code);
    return ls_cl_check(code, "creating a matrix product's kernel", err);
}

static void release_variant(ls_cl_device *d, ls_cl_variant *v)
{
    if (v->kernel) d->cl.clReleaseKernel(v->kernel);
    if (v->program) d->cl.clReleaseProgram(v->program);
    *v = (ls_cl_variant){0};
}

void ls_cl_release_variants(ls_cl_device *d)
{
    for (size_t i = 0; i < d->variants; i++) release_variant(d, &d->variant[i]);
    d->variants = 0;
}

ls_status ls_cl_variant_of(ls_cl_device *d, const ls_cl_tile *tile, ls_form form, int function,
                           const ls_cl_variant **out, ls_error *err)
{
    assert(form != LS_FORM_GRAD_W ? function < (int)LS_ACT_COUNT : function < (int)LS_OPT_COUNT);
    for (size_t i = 0; i < d->variants; i++) {
        const ls_cl_variant *v = &d->variant[i];
        if (v->form != form || v->function != function || !ls_cl_tile_equal(&v->tile, tile))
            continue;
        *out = v;
        return LS_OK;
    }
    /* full, which only the tuner reaches: the oldest is released */
    if (d->variants == LS_CL_VARIANTS) {
        d->cl.clFinish(d->queue);
        release_variant(d, &d->variant[0]);
        memmove(d->variant, d->variant + 1, (LS_CL_VARIANTS - 1) * sizeof *d->variant);
        d->variants--;
    }
    ls_cl_variant *v = &d->variant[d->variants];
    *v = (ls_cl_variant){.tile = *tile, .form = form, .function = function};
    ls_status status = build_variant(d, v, err);
    if (status != LS_OK) {
        release_variant(d, v);
        return status;
    }
    d->variants++;
    *out = v;
    return LS_OK;
}

/* ---- The tuner's choice, kept between runs --------------------------------------------------- */

/* One line per form and class: both as numbers, the family, and the tile's numbers; a register tile
 * has five, and 0 as the sixth. */
static void write_tile(ls_text *text, int form, int class, const ls_cl_tile *t)
{
    const ls_cl_register_tile *r = &t->reg;
    const ls_cl_local_tile *l = &t->local;
    ls_text_add(text, "%d %d %u ", form, class, t->family);
    if (t->family == LS_TILE_REGISTER)
        ls_text_add(text, "%u %u %u %u %u 0\n", r->rows, r->vectors, r->lanes, r->repeat, r->depth);
    else
        ls_text_add(text, "%u %u %u %u %u %u\n", l->m, l->n, l->k, l->items_across, l->items_down,
                    l->load);
}

static bool read_tile(const char *line, unsigned *form, unsigned *class, ls_cl_tile *t)
{
    unsigned family, n[6];
    if (sscanf(line, "%u %u %u %u %u %u %u %u %u", form, class, &family, &n[0], &n[1], &n[2], &n[3],
               &n[4], &n[5]) != 9)
        return false;
    if (family == LS_TILE_REGISTER) *t = (ls_cl_tile)LS_REGISTER_TILE(n[0], n[1], n[2], n[3], n[4]);
    else *t = (ls_cl_tile)LS_LOCAL_TILE(n[0], n[1], n[2], n[3], n[4], n[5]);
    return *form < LS_FORM_COUNT && *class < LS_SIZE_COUNT && family < LS_TILE_FAMILIES;
}

void ls_cl_recall_tiles(ls_cl_device *d, const ls_device_info *info)
{
    char path[LS_CL_PATH], *text, *rest = NULL;
    size_t size;
    ls_cl_cache_path(info, "tiles", path, false);
    if (!*path || ls_read_file(path, &text, &size, NULL) != LS_OK) return;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        unsigned form, class;
        ls_cl_tile t;
        if (read_tile(line, &form, &class, &t) && ls_cl_tile_fits(d, &t)) d->tiles[form][class] = t;
    }
    free(text);
}

ls_status ls_cl_remember_tiles(const ls_cl_device *d, const ls_device_info *info,
                               char path[LS_CL_PATH], ls_error *err)
{
    ls_text text = {0};
    ls_cl_cache_path(info, "tiles", path, true);
    if (!*path)
        return ls_fail(
            err, LS_ERR_IO,
            "there is no cache folder to store the tiles in: set HOME or XDG_CACHE_HOME");
    for (int f = 0; f < LS_FORM_COUNT; f++)
        for (int c = 0; c < LS_SIZE_COUNT; c++) write_tile(&text, f, c, &d->tiles[f][c]);
    ls_status status = text.failed
                           ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the tuner's tiles")
                           : ls_write_file(path, text.text, text.length, err);
    free(text.text);
    return status;
}
