/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_image_program.h"
#include "host/opencl/cl_program.h"
#include "host/opencl/cl_sources.h"
#include <string.h>

/* Vectors of a CPU device in floats. */
static unsigned lanes_of(const ls_cl_device *d)
{
    return d->lanes >= 16 ? 16 : d->lanes >= 8 ? 8 : 4;
}

unsigned ls_cl_image_lanes(const ls_cl_device *d) { return d->is_cpu ? lanes_of(d) : 1; }

static const char *const names[] = {
#define LS_X(name) #name,
    LS_CL_IMAGE_KERNELS(LS_X)
#undef LS_X
};

static void release_program(ls_cl_device *d)
{
    for (int i = 0; i < LS_IMAGE_COUNT; i++) {
        if (d->image_kernel[i]) d->cl.clReleaseKernel(d->image_kernel[i]);
        d->image_kernel[i] = NULL;
    }
    if (d->image_program) d->cl.clReleaseProgram(d->image_program);
    d->image_program = NULL;
}

static ls_status build(ls_cl_device *d, ls_error *err)
{
    char defines[40];
    snprintf(defines, sizeof defines, "-DIMAGE_LANES=%u", ls_cl_image_lanes(d));
    LS_TRY(ls_cl_build(d, ls_image_source, ls_image_source_size, defines, &d->image_program, err));
    d->image_lanes = ls_cl_image_lanes(d);
    return LS_OK;
}

ls_status ls_cl_image_kernel_of(ls_cl_device *d, ls_cl_image_kernel id, cl_kernel *out,
                                ls_error *err)
{
    cl_int code;
    if (d->image_program && d->image_lanes != ls_cl_image_lanes(d)) release_program(d);
    if (!d->image_program) LS_TRY(build(d, err));
    if (!d->image_kernel[id]) {
        cl_kernel kernel = d->cl.clCreateKernel(d->image_program, names[id], &code);
        LS_TRY(ls_cl_check(code, "creating a kernel for images", err));
        d->image_kernel[id] = kernel;
    }
    *out = d->image_kernel[id];
    return LS_OK;
}

/* ---- Slopes ---------------------------------------------------------------------------------- */

ls_status ls_cl_slope_kernel(ls_cl_device *d, ls_act act, bool drops, cl_kernel *out, ls_error *err)
{
    char defines[128];
    cl_int code;
    if ((*out = d->slope_kernel[act][drops])) return LS_OK;
    int n = snprintf(defines, sizeof defines, "-DSLOPE=ls_act_grad_%s%s", ls_activations[act].name,
                     drops ? " -DDROPS" : "");
    if (d->pass_group)
        snprintf(defines + n, sizeof defines - (size_t)n, " -DPASS_GROUP=%zu", d->pass_group);
    if (!d->slope_program[act][drops])
        LS_TRY(ls_cl_build(d, ls_slope_source, ls_slope_source_size, defines,
                           &d->slope_program[act][drops], err));
    cl_kernel kernel = d->cl.clCreateKernel(d->slope_program[act][drops], "slope", &code);
    LS_TRY(ls_cl_check(code, "creating a kernel for images", err));
    *out = d->slope_kernel[act][drops] = kernel;
    return LS_OK;
}

static void release_slopes(ls_cl_device *d)
{
    for (int i = 0; i < 2 * (int)LS_ACT_COUNT; i++) {
        if (d->slope_kernel[i / 2][i % 2]) d->cl.clReleaseKernel(d->slope_kernel[i / 2][i % 2]);
        if (d->slope_program[i / 2][i % 2]) d->cl.clReleaseProgram(d->slope_program[i / 2][i % 2]);
    }
}

/* ---- Convolutions ---------------------------------------------------------------------------- */

/* GPUs: the constants of kernels/conv_local.cl. CPU devices: the register file decides, and how
 * many columns would be computed in vain. */
ls_cl_conv_tile ls_cl_conv_tile_of(const ls_cl_device *d, size_t columns)
{
    enum { ITEMS = 128, FEW = 32 }; /* kernels/conv_local.cl */
    if (!d->is_cpu && d->group_limit && d->group_limit < ITEMS)
        return (ls_cl_conv_tile){0, 16, 32, 1, FEW};
    if (!d->is_cpu) return (ls_cl_conv_tile){0, 64, 32, 1, ITEMS};
    size_t lanes = lanes_of(d), used = (columns + lanes - 1) / lanes;
    ls_cl_conv_tile t = {.vectors = used % 2 ? 1 : 2, .repeat = 8, .items = 1};
    t.columns = t.vectors * lanes;
    t.rows = t.vectors == 1 || lanes == 16 ? 12 : 6;
    return t;
}

static ls_status build_conv(ls_cl_device *d, ls_cl_conv *v, const ls_cl_conv_tile *t, ls_error *err)
{
    static const char *const forms[] = {"DENSE", "GRAD_X", "CONV_W"};
    char defines[256];
    cl_int code;
    int n = snprintf(defines, sizeof defines, "-DFORM_%s", forms[v->form]);
    if (!v->local)
        n += snprintf(defines + n, sizeof defines - (size_t)n,
                      " -DTILE_ROWS=%zu -DTILE_VECTORS=%u -DTILE_LANES=%u -DTILE_REPEAT=%zu",
                      t->rows, t->vectors, lanes_of(d), t->repeat);
    else if (t->rows == 16) n += snprintf(defines + n, sizeof defines - (size_t)n, " -DTILE_M=16u");
    if (v->function != LS_CL_NO_FUNCTION) {
        const ls_act_info *act = &ls_activations[v->function];
        bool slope = v->form == LS_FORM_GRAD_X;
        snprintf(defines + n, sizeof defines - (size_t)n, " -DFINISH=ls_act_%s%s%s",
                 slope ? "grad_" : "", act->name,
                 !slope         ? ""
                 : act->reads_z ? " -DREADS=Z"
                                : " -DREADS=A");
    }
    if (v->local)
        LS_TRY(ls_cl_build(d, ls_conv_local_source, ls_conv_local_source_size, defines, &v->program,
                           err));
    else LS_TRY(ls_cl_build(d, ls_conv_source, ls_conv_source_size, defines, &v->program, err));
    v->kernel = d->cl.clCreateKernel(v->program, "conv", &code);
    return ls_cl_check(code, "creating a convolution's kernel", err);
}

static void release_conv(ls_cl_device *d, ls_cl_conv *v)
{
    if (v->kernel) d->cl.clReleaseKernel(v->kernel);
    if (v->program) d->cl.clReleaseProgram(v->program);
    *v = (ls_cl_conv){0};
}

static void release_convs(ls_cl_device *d)
{
    for (size_t i = 0; i < d->convs; i++) release_conv(d, &d->conv[i]);
    d->convs = 0;
}

ls_status ls_cl_conv_kernel(ls_cl_device *d, ls_form form, const ls_cl_conv_tile *t, int function,
                            cl_kernel *out, ls_error *err)
{
    if (function == LS_CL_NO_FUNCTION && form == LS_FORM_GRAD_X) form = LS_FORM_DENSE;
    for (size_t i = 0; i < d->convs; i++) {
        const ls_cl_conv *v = &d->conv[i];
        if (v->form != form || v->vectors != t->vectors || v->function != function ||
            v->local == d->is_cpu)
            continue;
        *out = v->kernel;
        return LS_OK;
    }
    if (d->convs == LS_CL_CONVS) { /* more than there are of a device */
        d->cl.clFinish(d->queue);
        release_convs(d);
    }
    ls_cl_conv *v = &d->conv[d->convs];
    *v = (ls_cl_conv){
        .form = form, .vectors = t->vectors, .function = function, .local = !d->is_cpu};
    ls_status status = build_conv(d, v, t, err);
    if (status != LS_OK) {
        release_conv(d, v);
        return status;
    }
    d->convs++;
    *out = v->kernel;
    return LS_OK;
}

void ls_cl_release_images(ls_cl_device *d)
{
    release_convs(d);
    release_slopes(d);
    release_program(d);
}
