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

enum { NVIDIA = 0x10de, INTEL = 0x8086 };

/* For any device: 32 work-items, 4608 bytes; or one work-item, 3072 bytes. */
static ls_cl_tile smallest_tile(const ls_cl_device *d)
{
    static const ls_cl_tile group = LS_LOCAL_TILE(16, 16, 16, 8, 4, 2),
                            item = LS_LOCAL_TILE(8, 8, 16, 1, 1, 4);
    return ls_cl_tile_fits(d, &group) ? group : item;
}

/* The size of the register file decides. */
static ls_cl_tile cpu_tile(const ls_cl_device *d, ls_form form, ls_size_class size)
{
    static const ls_cl_tile wide[] = {LS_REGISTER_TILE(6, 2, 8, 16, 256),
                                      LS_REGISTER_TILE(12, 2, 16, 8, 256)};
    static const ls_cl_tile slim[] = {LS_REGISTER_TILE(12, 1, 8, 4, 256),
                                      LS_REGISTER_TILE(12, 1, 16, 4, 256)};
    static const ls_cl_tile sums[] = {
        LS_REGISTER_TILE(6, 2, 8, 16, 256),
        LS_REGISTER_TILE(6, 4, 16, 16,
                         256)}; /* large sums over rows: 206 GFLOP/s, with the other tiles 163 */
    bool many = d->lanes >= 16;
    if (form == LS_FORM_GRAD_W && size >= LS_SIZE_LARGE) return sums[many];
    return size == LS_SIZE_NARROW ? slim[many] : wide[many];
}

/* Large products need many chains per work-item (8 × 8: a quarter of a load from local memory per
 * multiply-add); small ones need many groups and deep slices, as they are bound by latency. A
 * weight gradient keeps its chunk sums besides its chains, so it gets half as many chains. Slices
 * of the huge tiles are 8 deep: NVIDIA's compiler then needs 127 and 125 registers per work-item,
 * and two groups fit on a multiprocessor; with 16 it needs 130 to 153, and one group fits. Intel's
 * GPUs have registers for 16 chains per work-item. */
static ls_cl_tile gpu_tile(const ls_cl_device *d, ls_form form, ls_size_class size)
{
    static const ls_cl_tile narrow = LS_LOCAL_TILE(16, 16, 64, 8, 8, 2),
                            small = LS_LOCAL_TILE(32, 32, 32, 8, 8, 4),
                            few = LS_LOCAL_TILE(64, 64, 16, 16, 16, 4),
                            large = LS_LOCAL_TILE(64, 64, 16, 16, 8, 4),
                            huge = LS_LOCAL_TILE(128, 128, 8, 16, 16, 4),
                            huge_sums = LS_LOCAL_TILE(128, 64, 8, 16, 16, 4);
    if (size == LS_SIZE_NARROW) return narrow;
    if (size == LS_SIZE_SMALL) return small;
    if (d->vendor == INTEL) return few;
    if (size == LS_SIZE_LARGE) return large;
    return form == LS_FORM_GRAD_W ? huge_sums : huge;
}

/* With asynchronous copies. Measured on an H100 as 4096³, TFLOP/s: forward 48.2, gradient of inputs
 * 45.8, gradient of weights in the large tile 38.7. The huge tile of the last is not measured: with
 * the sums in local memory it has the registers of the forward tile. */
static ls_cl_tile direct_tile(ls_form form, ls_size_class size)
{
    static const ls_cl_tile large[LS_FORM_COUNT] = {LS_DIRECT_TILE(64, 64, 16, 8, 8, 3, 0),
                                                    LS_DIRECT_TILE(64, 64, 16, 8, 8, 3, 0),
                                                    LS_DIRECT_TILE(32, 64, 32, 8, 8, 2, 0)},
                            huge[LS_FORM_COUNT] = {LS_DIRECT_TILE(64, 128, 16, 8, 8, 3, 0),
                                                   LS_DIRECT_TILE(128, 128, 16, 8, 16, 2, 0),
                                                   LS_DIRECT_TILE(64, 128, 8, 8, 8, 2, 1)};
    return size == LS_SIZE_LARGE ? large[form] : huge[form];
}

void ls_cl_default_tiles(ls_cl_device *d)
{
    for (int f = 0; f < LS_FORM_COUNT; f++)
        for (int c = 0; c < LS_SIZE_COUNT; c++) {
            ls_form form = (ls_form)f;
            ls_size_class size = (ls_size_class)c;
            ls_cl_tile t = d->is_cpu                                  ? cpu_tile(d, form, size)
                           : d->async_copies && size >= LS_SIZE_LARGE ? direct_tile(form, size)
                                                                      : gpu_tile(d, form, size);
            if (!ls_cl_tile_fits(d, &t)) t = c ? d->tiles[f][c - 1] : smallest_tile(d);
            d->tiles[f][c] = t;
        }
}

static bool register_tile_fits(const ls_cl_register_tile *t)
{
    return t->rows && t->rows <= 32 && t->vectors && t->vectors <= 4 &&
           (t->lanes == 4 || t->lanes == 8 || t->lanes == 16) && t->repeat && t->repeat <= 64 &&
           t->depth && t->depth <= TILE_MOST && t->depth % LS_CHUNK == 0;
}

/* Whether the work-items of a group can be placed in blocks of 32 (kernels/matmul_local.cl). */
static bool items_fit(const ls_cl_local_tile *t)
{
    unsigned width = t->items_across < 8 ? t->items_across : 8;
    if (t->items_across * t->items_down < 32) return true;
    return t->items_across % width == 0 && 32 % width == 0 && t->items_down % (32 / width) == 0;
}

static bool local_tile_fits(const ls_cl_device *d, const ls_cl_local_tile *t)
{
    enum { CHAINS = 128 }; /* of a work-item; the most registers that a GPU has for one are 256 */
    const unsigned sizes[] = {t->m, t->n, t->k, t->items_across, t->items_down, t->band};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (!sizes[i] || sizes[i] > TILE_MOST) return false;
    if (t->load != 1 && t->load != 2 && t->load != 4) return false;
    if (t->slices < 2 || t->slices > 4 || t->serpentine > 1 || t->direct > 1 || t->sums > 1)
        return false;
    bool whole = t->m % (t->items_down * t->load) == 0 && t->n % (t->items_across * t->load) == 0 &&
                 t->k % t->load == 0 && LS_CHUNK % t->k == 0;
    size_t items = (size_t)t->items_across * t->items_down, m = t->m, n = t->n,
           floats = (size_t)t->slices * t->k * (m + n + 2 * (size_t)t->load) + t->sums * m * n;
    return whole && items_fit(t) && items <= d->group_limit &&
           floats * sizeof(float) <= d->local_memory && m * n <= CHAINS * items;
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

/* A tile should have at least one group, or better two, for each compute unit; and no more rows or
 * columns than the product. Intel counts as units what are eighths of those of others. */
ls_size_class ls_cl_class_on(const ls_cl_device *d, size_t m, size_t n)
{
    enum { TO_SMALL = 3 * 32 * 32 / 2, TO_LARGE = 3 * 64 * 64 / 2, TO_HUGE = 3 * 64 * 128 };
    if (d->is_cpu) return ls_cl_size_class(m, n);
    size_t units = d->vendor == INTEL ? d->compute_units / 8 : d->compute_units,
           least = m < n ? m : n, each = m * n / (units ? units : 1);
    if (n <= 32 || least <= 16 || each < TO_SMALL) return LS_SIZE_NARROW;
    if (least <= 32 || each < TO_LARGE) return LS_SIZE_SMALL;
    return least <= 64 || each < TO_HUGE ? LS_SIZE_LARGE : LS_SIZE_HUGE;
}

enum { DEFINES = 384 };

static int write_local_defines(const ls_cl_device *d, const ls_cl_local_tile *t, char *out,
                               size_t room)
{
    /* a CPU's compiler takes long for unrolled code that is only run by tests */
    unsigned most = d->is_cpu ? 2 : 16, depth = t->k < most ? t->k : most;
    return snprintf(out, room,
                    " -DTILE_M=%u -DTILE_N=%u -DTILE_K=%u -DTILE_GX=%u -DTILE_GY=%u -DTILE_V=%u"
                    " -DTILE_SLICES=%u -DTILE_BAND=%u -DTILE_DEPTH=%u%s%s%s%s%s",
                    t->m, t->n, t->k, t->items_across, t->items_down, t->load, t->slices, t->band,
                    depth, t->serpentine ? " -DTILE_SERPENTINE" : "",
                    t->sums ? " -DTILE_LOCAL_SUMS" : "", t->direct ? " -DTILE_DIRECT" : "",
                    t->direct && d->async_copies ? " -DLS_CP_ASYNC" : "",
                    d->unoptimised ? " -cl-opt-disable" : "");
}

/* The compiler options that give the kernel sources the tile's sizes, the form, and the function
 * that follows. */
static void write_defines(const ls_cl_device *d, const ls_cl_variant *v, char out[DEFINES])
{
    static const char *const forms[] = {"DENSE", "GRAD_X", "GRAD_W"}, *const functions[] = {
                                                                          "ls_act_", "ls_act_grad_",
                                                                          "ls_opt_"};
    const ls_cl_register_tile *r = &v->tile.reg;
    int n = snprintf(out, DEFINES, "-DFORM_%s", forms[v->form]);
    n += v->tile.family == LS_TILE_LOCAL
             ? write_local_defines(d, &v->tile.local, out + n, DEFINES - (size_t)n)
             : snprintf(out + n, DEFINES - (size_t)n,
                        " -DTILE_ROWS=%u -DTILE_VECTORS=%u -DTILE_LANES=%u -DTILE_REPEAT=%u "
                        "-DTILE_DEPTH=%u",
                        r->rows, r->vectors, r->lanes, r->repeat, r->depth);
    if (v->function == LS_CL_NO_FUNCTION) return;
    if (v->form == LS_FORM_GRAD_W) {
        const ls_opt_info *opt = &ls_optimizers[v->function];
        snprintf(out + n, DEFINES - (size_t)n, " -DFINISH=ls_opt_%s -DSTATES=%d", opt->name,
                 opt->states);
        return;
    }
    const ls_act_info *act = &ls_activations[v->function];
    n += snprintf(out + n, DEFINES - (size_t)n, " -DFINISH=%s%s", functions[v->form], act->name);
    if (v->form == LS_FORM_GRAD_X)
        snprintf(out + n, DEFINES - (size_t)n, " -DREADS=%c", act->reads_z ? 'Z' : 'A');
}

/* Whether a kernel with a local tile can be launched, and has its chains in registers: NVIDIA's
 * driver gives the bytes of a work-item that are in memory instead. */
static bool variant_runs(const ls_cl_device *d, const ls_cl_variant *v)
{
    enum { FEW = 32, SPILLED = 256 };
    const ls_cl_local_tile *t = &v->tile.local;
    size_t items = (size_t)t->items_across * t->items_down, most = 0;
    cl_ulong spilled = 0;
    if (v->tile.family != LS_TILE_LOCAL) return true;
    if (d->cl.clGetKernelWorkGroupInfo(v->kernel, d->id, CL_KERNEL_WORK_GROUP_SIZE, sizeof most,
                                       &most, NULL) == CL_SUCCESS &&
        most < items)
        return false;
    return d->vendor != NVIDIA || (size_t)t->m * t->n <= FEW * items ||
           d->cl.clGetKernelWorkGroupInfo(v->kernel, d->id, CL_KERNEL_PRIVATE_MEM_SIZE,
                                          sizeof spilled, &spilled, NULL) != CL_SUCCESS ||
           spilled <= SPILLED;
}

static ls_status build_variant(ls_cl_device *d, ls_cl_variant *v, ls_error *err)
{
    char defines[DEFINES];
    cl_int code;
    write_defines(d, v, defines);
    if (v->tile.family == LS_TILE_LOCAL)
        LS_TRY(ls_cl_build(d, ls_matmul_local_source, ls_matmul_local_source_size, defines,
                           &v->program, err));
    else LS_TRY(ls_cl_build(d, ls_matmul_source, ls_matmul_source_size, defines, &v->program, err));
    v->kernel = d->cl.clCreateKernel(v->program, "matmul", &code);
    LS_TRY(ls_cl_check(code, "creating a matrix product's kernel", err));
    v->runs = variant_runs(d, v);
    return LS_OK;
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

ls_status ls_cl_product_kernel(ls_cl_device *d, ls_form form, ls_size_class size, int function,
                               const ls_cl_variant **out, ls_error *err)
{
    const ls_cl_tile smallest = smallest_tile(d);
    ls_cl_tile *tile = &d->tiles[form][size];
    for (int below = (int)size;;) {
        ls_status status = ls_cl_variant_of(d, tile, form, function, out, err);
        if (status == LS_OK && (*out)->runs) return LS_OK;
        if (tile->family != LS_TILE_LOCAL || ls_cl_tile_equal(tile, &smallest))
            return status != LS_OK
                       ? status
                       : ls_fail(err, LS_ERR_DEVICE,
                                 "the device cannot launch the kernels of matrix products");
        do below--;
        while (below >= 0 && ls_cl_tile_equal(&d->tiles[form][below], tile));
        *tile = below >= 0 ? d->tiles[form][below] : smallest;
    }
}

/* ---- The tuner's choice, kept between runs --------------------------------------------------- */

/* The file's first line. Files of other versions are ignored: the device has its default tiles
 * until it is tuned again. */
static const char tiles_version[] = "tiles 2";

/* One line per form and class: both as numbers, the family, and the tile's numbers, eleven; those
 * that a register tile does not have are 0. */
static void write_tile(ls_text *text, int form, int class, const ls_cl_tile *t)
{
    const ls_cl_register_tile *r = &t->reg;
    const ls_cl_local_tile *l = &t->local;
    ls_text_add(text, "%d %d %u ", form, class, t->family);
    if (t->family == LS_TILE_REGISTER)
        ls_text_add(text, "%u %u %u %u %u 0 0 0 0 0 0\n", r->rows, r->vectors, r->lanes, r->repeat,
                    r->depth);
    else
        ls_text_add(text, "%u %u %u %u %u %u %u %u %u %u %u\n", l->m, l->n, l->k, l->items_across,
                    l->items_down, l->load, l->slices, l->band, l->serpentine, l->direct, l->sums);
}

static bool read_tile(const char *line, unsigned *form, unsigned *class, ls_cl_tile *t)
{
    unsigned family, n[11];
    if (sscanf(line, "%u %u %u %u %u %u %u %u %u %u %u %u %u %u", form, class, &family, &n[0],
               &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7], &n[8], &n[9], &n[10]) != 14)
        return false;
    t->family = (ls_tile_family)family;
    if (family == LS_TILE_REGISTER) t->reg = (ls_cl_register_tile){n[0], n[1], n[2], n[3], n[4]};
    else
        t->local = (ls_cl_local_tile){n[0], n[1], n[2], n[3], n[4], n[5],
                                      n[6], n[7], n[8], n[9], n[10]};
    return *form < LS_FORM_COUNT && *class < LS_SIZE_COUNT && family < LS_TILE_FAMILIES;
}

void ls_cl_recall_tiles(ls_cl_device *d, const ls_device_info *info)
{
    char path[LS_CL_PATH], *text, *rest = NULL;
    size_t size;
    ls_cl_cache_path(info, "tiles", path, false);
    if (!*path || ls_read_file(path, &text, &size, NULL) != LS_OK) return;
    char *line = strtok_r(text, "\n", &rest);
    bool known = line && !strcmp(line, tiles_version);
    while (known && (line = strtok_r(NULL, "\n", &rest))) {
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
    ls_text_add(&text, "%s\n", tiles_version);
    for (int f = 0; f < LS_FORM_COUNT; f++)
        for (int c = 0; c < LS_SIZE_COUNT; c++) write_tile(&text, f, c, &d->tiles[f][c]);
    ls_status status = text.failed
                           ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the tuner's tiles")
                           : ls_write_file(path, text.text, text.length, err);
    free(text.text);
    return status;
}
