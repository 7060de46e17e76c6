/* SPDX-License-Identifier: MIT */
/* From the items of a description (net.h) to layers. Each item is applied to what the one before it
 * gives, an image or a row of values; an item that cannot be is refused with what came in. */
#include "host/network/layers.h"
#include "host/base/memory.h"
#include "host/network/pieces.h"
#include <stdlib.h>
#include <string.h>

/* How much of a layer has been described. */
typedef enum { HAS_MAP, HAS_NORM, HAS_ACT, HAS_DROPOUT, HAS_SKIP } stage;

typedef struct {
    const ls_settings *settings;
    ls_network *net;
    const ls_net_item *item;
    size_t number;  /* of the item, from 1 */
    ls_image image; /* what the layers so far give; channels 0: a row of values, */
    size_t width;   /* so many */
    stage stage;    /* of the last layer */
    int block;      /* the layer at which the open residual block starts; -1: none */
    int projection; /* of the open block, or -1 */
    size_t block_item;
    ls_image block_image;
    size_t block_width;
    ls_error *err;
} maker;

static const char *describe(ls_image image, size_t width, char text[64])
{
    if (image.channels)
        snprintf(text, 64, "an image of %ux%u with %u channel%s", image.height, image.width,
                 image.channels, image.channels == 1 ? "" : "s");
    else snprintf(text, 64, "%zu value%s", width, width == 1 ? "" : "s");
    return text;
}

/* "--net: item 3, 'maxpool 4': it gets an image of 3x3 …, but needs …" */
static ls_status refuse(const maker *m, const char *needs)
{
    char came[64];
    ls_text text = {0};
    ls_net_write_item(m->item, &text);
    ls_fail(m->err, LS_ERR_ARGUMENT, "--net: item %zu, '%s': it gets %s, but needs %s", m->number,
            text.text ? text.text : "", describe(m->image, m->width, came), needs);
    free(text.text);
    return LS_ERR_ARGUMENT;
}

static ls_status needs_image(const maker *m)
{
    return refuse(m, m->net->image.channels
                         ? "an image: it must come before flatten and dense"
                         : "an image: say what a row holds by --shape CHANNELSxHEIGHTxWIDTH");
}

static ls_status too_large(const maker *m)
{
    return refuse(m, "a smaller image, or fewer channels: its result is too large");
}

/* The same for a block, whose layers have turned one shape into another. */
static ls_status refuse_block(const maker *m, const char *needs)
{
    char a[64], b[64];
    return ls_fail(m->err, LS_ERR_ARGUMENT,
                   "--net: item %zu, 'residual%s': its layers turn %s into %s, %s", m->block_item,
                   m->projection >= 0 ? " project" : "",
                   describe(m->block_image, m->block_width, a), describe(m->image, m->width, b),
                   needs);
}

static ls_layer *add(maker *m, ls_layer_kind kind)
{
    ls_network *n = m->net;
    ls_layer *l = &n->layer[n->count];
    *l = (ls_layer){
        .kind = kind, .from = (int)n->count - 1, .act = LS_ACT_identity, .points = 1, .skip = -1};
    l->window.from = l->window.to = m->image;
    n->count++;
    m->stage = HAS_MAP;
    return l;
}

static ls_layer *last(const maker *m) { return &m->net->layer[m->net->count - 1]; }

/* Takes over what the last layer gives. */
static ls_status gives(maker *m, const ls_layer *l)
{
    size_t width;
    if (!ls_mul_size(l->points, l->out, &width) || width > (SIZE_MAX >> 6)) return too_large(m);
    m->image = l->window.to;
    m->width = width;
    return LS_OK;
}

/* The last layer if it is still open to what is applied at this stage, otherwise a new one. */
static ls_layer *open_layer(maker *m, stage wanted)
{
    ls_network *n = m->net;
    bool fits = n->count && m->stage < wanted && n->count > (size_t)(m->block + 1);
    if (fits && wanted < HAS_DROPOUT)
        fits = last(m)->kind != LS_LAYER_MAX_POOL && last(m)->kind != LS_LAYER_AVG_POOL;
    if (!fits) {
        ls_layer *l = add(m, LS_LAYER_PASS);
        l->out = m->image.channels ? m->image.channels : m->width;
        l->points = m->image.channels ? ls_image_positions(m->image) : 1;
    }
    m->stage = wanted;
    return last(m);
}

/* ---- Windows --------------------------------------------------------------------------------- */

/* Along one side: the number of windows, or 0 if none fits; sets the padding before. */
static uint32_t windows_along(const ls_net_item *item, int side, uint32_t size, uint64_t kernel,
                              uint32_t stride, uint32_t *pad)
{
    uint64_t span = (kernel - 1) * item->dilation[side] + 1;
    if (item->padding == LS_PAD_SAME) {
        uint64_t count = ((uint64_t)size + stride - 1) / stride,
                 covered = (count - 1) * stride + span, more = covered > size ? covered - size : 0;
        *pad = (uint32_t)(more / 2);
        return span > 2 * (uint64_t)size + 1 ? 0 : (uint32_t)count; /* mostly padding otherwise */
    }
    *pad = item->padding == LS_PAD_GIVEN ? item->pad[side] : 0;
    uint64_t padded = (uint64_t)size + 2 * (uint64_t)*pad;
    return padded < span ? 0 : (uint32_t)((padded - span) / stride + 1);
}

static ls_status set_window(maker *m, ls_layer *l, bool pool)
{
    const ls_net_item *i = m->item;
    ls_window *w = &l->window;
    if (!m->image.channels) return needs_image(m);
    /* on images of one row, one number means columns: the window's, and with it the padding */
    bool signal = !i->kernel[0] && m->image.height == 1;
    w->kernel[1] = i->kernel[1];
    w->kernel[0] = i->kernel[0] ? i->kernel[0] : signal ? 1 : i->kernel[1];
    uint32_t size[2] = {m->image.height, m->image.width}, count[2];
    for (int s = 0; s < 2; s++) {
        w->dilation[s] = i->dilation[s];
        w->stride[s] = i->stride[s] ? i->stride[s] : pool ? w->kernel[s] : 1;
        if (size[s] == 1 && w->kernel[s] == 1) w->stride[s] = 1;
        if (s == 0 && signal) count[s] = 1;
        else count[s] = windows_along(i, s, size[s], w->kernel[s], w->stride[s], &w->pad[s]);
    }
    if (!count[0] || !count[1]) {
        char needs[80];
        snprintf(needs, sizeof needs, "at least %llux%llu; add same or pad, or use smaller windows",
                 (w->kernel[0] - 1ull) * w->dilation[0] + 1,
                 (w->kernel[1] - 1ull) * w->dilation[1] + 1);
        return refuse(m, needs);
    }
    if (pool && (w->pad[0] >= w->kernel[0] || w->pad[1] >= w->kernel[1]))
        return refuse(m, "a padding smaller than its window");
    w->to.height = count[0], w->to.width = count[1];
    if (!ls_mul_size(w->to.height, w->to.width, &l->points)) return too_large(m);
    return LS_OK;
}

static ls_status add_conv(maker *m)
{
    const ls_net_item *i = m->item;
    ls_layer *l = add(m, LS_LAYER_CONV);
    LS_TRY(set_window(m, l, false));
    ls_window *w = &l->window;
    bool depthwise = i->kind == LS_ITEM_DEPTHWISE;
    uint64_t out = depthwise ? m->image.channels : i->units;
    w->groups = depthwise ? m->image.channels : i->groups;
    if (m->image.channels % w->groups || out % w->groups)
        return refuse(m, "groups that divide the channels that come in and those that go out");
    w->to.channels = (uint32_t)out;
    l->in = ls_window_taps(w) * (m->image.channels / w->groups);
    l->out = (size_t)out;
    return gives(m, l);
}

static ls_status add_pool(maker *m, ls_layer_kind kind)
{
    ls_layer *l = add(m, kind);
    LS_TRY(set_window(m, l, true));
    l->out = m->image.channels;
    return gives(m, l);
}

/* The mean over the whole image. */
static ls_status add_global_pool(maker *m)
{
    ls_layer *l = add(m, LS_LAYER_AVG_POOL);
    if (!m->image.channels) return needs_image(m);
    l->window = (ls_window){.from = m->image,
                            .to = {1, 1, m->image.channels},
                            .kernel = {m->image.height, m->image.width},
                            .stride = {1, 1},
                            .dilation = {1, 1}};
    l->out = m->image.channels;
    return gives(m, l);
}

static ls_status add_dense(maker *m, bool at_end)
{
    const ls_net_item *i = m->item;
    size_t outputs = m->net->outputs;
    if (!i->units && !at_end) return refuse(m, "its number of units");
    ls_layer *l = add(m, LS_LAYER_DENSE);
    l->in = m->width;
    l->out = i->units ? (size_t)i->units : outputs;
    l->window.to = (ls_image){0};
    return gives(m, l);
}

/* Values of each input, which stand alone: what follows is a layer of its own. */
static ls_status add_pieces(maker *m)
{
    if (m->number != 1) return refuse(m, "to be the first item");
    m->image = (ls_image){0};
    ls_layer *l = add(m, LS_LAYER_PIECES);
    ls_pieces_layer_of(m->net, l);
    m->stage = HAS_SKIP;
    return gives(m, l);
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

static ls_status open_block(maker *m)
{
    if (!m->net->count) return refuse(m, "a layer before it, whose output the block adds");
    m->block = (int)m->net->count - 1;
    m->block_item = m->number;
    m->block_image = m->image, m->block_width = m->width;
    m->projection = -1;
    if (m->item->project) { /* filled in at the end of the block */
        add(m, LS_LAYER_PASS);
        m->projection = m->block + 1;
    }
    m->stage = HAS_SKIP; /* what follows starts a layer */
    return LS_OK;
}

/* The projection takes the block's input to the shape of its output. */
static ls_status set_projection(maker *m, ls_layer *p, const ls_layer *end)
{
    ls_image from = m->block_image, to = m->image;
    p->window = (ls_window){
        .from = from, .to = to, .kernel = {1, 1}, .dilation = {1, 1}, .groups = 1};
    p->points = end->points;
    p->out = end->out;
    if (!from.channels != !to.channels)
        return refuse_block(m, "but a projection needs images at both ends, or at neither");
    if (!to.channels) {
        p->kind = LS_LAYER_DENSE;
        p->in = m->block_width;
        return LS_OK;
    }
    p->kind = LS_LAYER_CONV;
    p->in = from.channels;
    uint32_t size[2] = {from.height, from.width}, count[2] = {to.height, to.width};
    for (int s = 0; s < 2; s++) {
        p->window.stride[s] = (size[s] + count[s] - 1) / count[s];
        if ((size[s] - 1) / p->window.stride[s] + 1 != count[s])
            return refuse_block(m, "but a 1x1 convolution can only divide the sides of an image "
                                   "by whole numbers");
    }
    return LS_OK;
}

static ls_status close_block(maker *m)
{
    ls_network *n = m->net;
    int first = m->block + (m->projection >= 0 ? 2 : 1);
    if ((int)n->count <= first)
        return ls_fail(m->err, LS_ERR_ARGUMENT,
                       "--net: item %zu, 'residual', needs at least one layer in its brackets",
                       m->block_item);
    ls_layer *end = last(m);
    bool same = m->image.channels ? !memcmp(&m->image, &m->block_image, sizeof m->image)
                                  : !m->block_image.channels && m->width == m->block_width;
    if (m->projection >= 0) {
        LS_TRY(set_projection(m, &n->layer[m->projection], end));
        n->layer[first].from = m->block;
        end->skip = m->projection;
    } else if (!same) {
        return refuse_block(m, m->image.channels
                                   ? "which cannot be added; write 'residual project(...)', which "
                                     "adds a 1x1 convolution of what comes in, or let them keep "
                                     "its shape"
                                   : "which cannot be added; write 'residual project(...)', which "
                                     "adds a dense layer of what comes in, or let them keep its "
                                     "width");
    } else end->skip = m->block;
    m->block = m->projection = -1;
    m->stage = HAS_SKIP;
    return LS_OK;
}

/* ---- All items ------------------------------------------------------------------------------- */

static ls_status add_item(maker *m, bool at_end)
{
    ls_item_kind kind = m->item->kind;
    bool follows = kind == LS_ITEM_BATCH_NORM || kind == LS_ITEM_ACTIVATION ||
                   kind == LS_ITEM_DROPOUT;
    if (follows && !m->net->count) return refuse(m, "a layer before it");
    switch (kind) {
    case LS_ITEM_CONV:
    case LS_ITEM_DEPTHWISE: return add_conv(m);
    case LS_ITEM_MAX_POOL: return add_pool(m, LS_LAYER_MAX_POOL);
    case LS_ITEM_AVG_POOL: return add_pool(m, LS_LAYER_AVG_POOL);
    case LS_ITEM_GLOBAL_POOL: return add_global_pool(m);
    case LS_ITEM_FLATTEN:
        if (!m->image.channels) return needs_image(m);
        m->image = (ls_image){0};
        m->stage = HAS_SKIP;
        return LS_OK;
    case LS_ITEM_DENSE: return add_dense(m, at_end);
    case LS_ITEM_BATCH_NORM: open_layer(m, HAS_NORM)->norm = true; return LS_OK;
    case LS_ITEM_ACTIVATION: open_layer(m, HAS_ACT)->act = m->item->act; return LS_OK;
    case LS_ITEM_DROPOUT:
        open_layer(m, HAS_DROPOUT)->dropout = (float)m->item->dropout;
        return LS_OK;
    case LS_ITEM_PIECEWISE: return add_pieces(m);
    case LS_ITEM_BLOCK: return open_block(m);
    case LS_ITEM_BLOCK_END: return close_block(m);
    }
    return LS_OK;
}

/* The last layer is the output: units for the classes or targets, and nothing after them. */
static ls_status check_output(const maker *m)
{
    static const ls_layer none = {.kind = LS_LAYER_PASS};
    const ls_layer *l = m->net->count ? last(m) : &none; /* flatten alone is no layer */
    size_t needed = m->net->outputs;
    const char *what = m->net->task == LS_TASK_CLASSIFICATION ? "classes" : "targets";
    char one[80] = "";
    if (l->kind != LS_LAYER_DENSE || m->stage != HAS_MAP)
        return ls_fail(m->err, LS_ERR_ARGUMENT,
                       "--net: the last item must be 'dense' or 'dense %zu', the output%s; the "
                       "function of the output is --output",
                       needed, m->stage != HAS_MAP ? " with nothing after it" : "");
    if (needed == 1 && m->net->task == LS_TASK_CLASSIFICATION)
        snprintf(one, sizeof one,
                 ": two classes have one output, unless --output softmax is given");
    if (l->out != needed)
        return ls_fail(m->err, LS_ERR_ARGUMENT,
                       "--net: the last item, 'dense %zu', needs %zu unit%s for the %s of this "
                       "data%s; write 'dense' to have as many as needed",
                       l->out, needed, needed == 1 ? "" : "s", what, one);
    return LS_OK;
}

ls_status ls_network_layers(const ls_settings *s, ls_network *n, ls_error *err)
{
    maker m = {.settings = s,
               .net = n,
               .image = n->image,
               .width = n->inputs,
               .block = -1,
               .projection = -1,
               .err = err};
    n->count = 0;
    /* a block adds at most a projection, everything else at most a layer */
    LS_TRY(ls_alloc(&n->layer, s->net_count + 1, sizeof *n->layer, "the network", err));
    for (size_t i = 0; i < s->net_count; i++) {
        m.item = &s->net[i];
        m.number += m.item->kind != LS_ITEM_BLOCK_END;
        if (!m.number) m.number = 1;
        LS_TRY(add_item(&m, i + 1 == s->net_count));
    }
    return check_output(&m);
}
