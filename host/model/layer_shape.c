/* SPDX-License-Identifier: MIT */
/* Layers in words and numbers. */
#include "host/base/host_mode.h"
#include "host/base/struct_size.h"
#include "host/model/model.h"
#include <stdlib.h>
#include <string.h>

static void write_pair(ls_text *text, const char *name, const uint32_t pair[2])
{
    if (pair[0] == pair[1]) ls_text_add(text, " %s%u", name, pair[0]);
    else ls_text_add(text, " %s%ux%u", name, pair[0], pair[1]);
}

static void write_window(ls_text *text, const ls_layer *l)
{
    const ls_window *w = &l->window;
    bool conv = l->kind == LS_LAYER_CONV;
    ls_text_add(text, " %ux%u", w->kernel[0], w->kernel[1]);
    if (w->pad[0] || w->pad[1]) write_pair(text, "pad ", w->pad);
    if (conv ? w->stride[0] > 1 || w->stride[1] > 1
             : memcmp(w->stride, w->kernel, sizeof w->stride))
        write_pair(text, "stride ", w->stride);
    if (w->dilation[0] > 1 || w->dilation[1] > 1) write_pair(text, "dilation ", w->dilation);
    if (conv && w->groups > 1 && w->groups < w->from.channels)
        ls_text_add(text, " groups %u", w->groups);
}

static void write_map(ls_text *text, const ls_layer *l)
{
    const ls_window *w = &l->window;
    bool whole = w->kernel[0] == w->from.height && w->kernel[1] == w->from.width;
    switch (l->kind) {
    case LS_LAYER_DENSE: ls_text_add(text, "dense %zu", l->out); break;
    case LS_LAYER_CONV:
        if (w->groups > 1 && w->groups == l->out) ls_text_add(text, "depthwise");
        else ls_text_add(text, "conv %zu", l->out);
        write_window(text, l);
        break;
    case LS_LAYER_MAX_POOL:
    case LS_LAYER_AVG_POOL:
        if (l->kind == LS_LAYER_AVG_POOL && whole) {
            ls_text_add(text, "globalpool");
            break;
        }
        ls_text_add(text, "%s", ls_layer_kinds[l->kind].name);
        write_window(text, l);
        break;
    case LS_LAYER_PIECES: ls_text_add(text, "piecewise, %zu to %zu", l->in, l->out); break;
    case LS_LAYER_PASS:
    case LS_LAYER_COUNT: break;
    }
}

static void write_rest(ls_text *text, const ls_layer *l)
{
    const char *comma = text->length ? ", " : "";
    if (l->norm) ls_text_add(text, "%sbatchnorm", comma), comma = ", ";
    if (l->act != LS_ACT_identity)
        ls_text_add(text, "%s%s", comma, ls_activations[l->act].name), comma = ", ";
    if (l->dropout > 0)
        ls_text_add(text, "%sdropout %.6g", comma, (double)l->dropout), comma = ", ";
    if (l->skip >= 0) ls_text_add(text, "%splus layer %d", comma, l->skip + 1);
}

/* Of the map; what follows it takes one operation per value. */
static double flop_of(const ls_layer *l)
{
    double values = (double)ls_layer_width(l), taps = (double)ls_window_taps(&l->window);
    double map = ls_layer_weights(l)          ? 2.0 * (double)l->in * values
                 : l->kind == LS_LAYER_PASS   ? 0
                 : l->kind == LS_LAYER_PIECES ? 2.0 * values
                                              : taps * values;
    return map + values * (l->norm + (l->act != LS_ACT_identity) + (l->skip >= 0));
}

ls_status ls_model_layer_shape(const ls_model *m, size_t i, ls_layer_shape *out, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!m || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_layer_shape: an argument is NULL");
    if (i >= ls_model_layer_count(m))
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_layer_shape: there is no layer %zu of %zu",
                       i, ls_model_layer_count(m));
    LS_TRY(LS_CHECK_STRUCT(ls_layer_shape, out, err));
    const ls_layer *l = &m->network.layer[i];
    bool image = l->kind != LS_LAYER_DENSE && l->kind != LS_LAYER_PIECES && l->window.to.channels;
    ls_layer_shape shape = {.height = image ? l->window.to.height : 1,
                            .width = image ? l->window.to.width : 1,
                            .channels = l->out,
                            .flop = flop_of(l)};
    if (ls_layer_weights(l)) shape.parameters += l->in * l->out;
    if (ls_layer_bias(l)) shape.parameters += l->out;
    if (l->norm) shape.parameters += 2 * l->out;
    ls_text text = {0};
    write_map(&text, l);
    write_rest(&text, l);
    snprintf(shape.text, sizeof shape.text, "%s", text.text ? text.text : "");
    bool lost = text.failed;
    free(text.text);
    if (lost) return ls_fail(err, LS_ERR_MEMORY, "out of memory for the layers");
    LS_WRITE_STRUCT(ls_layer_shape, out, 0, &shape);
    return LS_OK;
}
