/* SPDX-License-Identifier: MIT */
#include "host/device/estimate.h"
#include "host/network/chunks.h"

/* ---- What a step needs ----------------------------------------------------------------------- */

/* The classes of ls_device_speed.product, by the sizes of the result. */
static int class_of(size_t m, size_t n)
{
    if (n <= 32) return 0;
    if (m <= 128 || n <= 128 || m * n <= 256 * 256) return 1;
    return m * n <= 1024 * 1024 ? 2 : 3;
}

/* Launches of an operation that runs by itself. */
static double launches_of(const ls_op *op)
{
    switch (op->kind) {
    case LS_OP_GRAD_W: /* chunks, then their sums */
    case LS_OP_GRAD_B: return 2;
    case LS_OP_CLIP:
    case LS_OP_MAX_NORM: return 3;
    case LS_OP_NORM:
    case LS_OP_NORM_GRAD: return 6;
    case LS_OP_CONV: /* padding, packing, the product, what follows */
    case LS_OP_CONV_X: return 4;
    case LS_OP_CONV_W: return 5;
    default: return 1;
    }
}

static void add_product(ls_step_need *need, size_t m, size_t n, size_t k)
{
    need->product[class_of(m, n)] += (double)m * (double)n * (double)k;
}

/* Floats that an update reads and writes per parameter: itself, its gradient, its states. */
static double update_floats(const ls_plan *p)
{
    double states = p->parameters ? (double)(p->state - p->running) / (double)p->parameters - 1 : 0;
    return 3 + 2 * states;
}

/* A convolution is a product whose rows are positions of the batch's images; what is copied for it
 * is read and written once. */
static void add_convolution(ls_step_need *need, const ls_plan *p, const ls_op *op)
{
    const size_t from = ls_image_values(op->window.from), to = ls_image_values(op->window.to),
                 points = p->batch * ls_op_points(op), channels = op->window.to.channels;
    if (op->kind == LS_OP_CONV) add_product(need, points, channels, op->in);
    else if (op->kind == LS_OP_CONV_W) add_product(need, op->in, channels, points);
    else
        need->product[class_of(points, op->window.from.channels)] += (double)points *
                                                                     (double)channels *
                                                                     (double)op->in;
    need->bytes += 8 * (double)p->batch * ((double)from + (double)to);
    if (ls_there(op->theta)) need->bytes += 4 * update_floats(p) * (double)op->in * (double)op->out;
}

static void add_op(ls_step_need *need, const ls_plan *p, const ls_op *op)
{
    double rows = (double)p->batch * (double)ls_op_points(op), out = (double)op->out;
    need->launches += launches_of(op);
    need->barriers += 1;
    switch (op->kind) {
    case LS_OP_DENSE:
    case LS_OP_GRAD_X: add_product(need, p->batch, op->out, op->in); break;
    case LS_OP_GRAD_W:
        add_product(need, op->in, op->out, p->batch);
        if (ls_there(op->theta)) need->bytes += 4 * update_floats(p) * (double)op->in * out;
        break;
    case LS_OP_CONV:
    case LS_OP_CONV_X:
    case LS_OP_CONV_W: add_convolution(need, p, op); break;
    case LS_OP_MAX_POOL:
    case LS_OP_MAX_POOL_X:
    case LS_OP_AVG_POOL:
    case LS_OP_AVG_POOL_X:
        need->bytes += 4 * (double)p->batch *
                       (double)(ls_image_values(op->window.from) + ls_image_values(op->window.to));
        break;
    case LS_OP_UPDATE: need->bytes += 4 * update_floats(p) * out; break;
    case LS_OP_CLIP: need->bytes += 4 * out; break;
    case LS_OP_MAX_NORM: need->bytes += 12 * (double)op->in * out; break;
    case LS_OP_NORM:
    case LS_OP_NORM_GRAD: need->bytes += 24 * rows * out; break;
    default: need->bytes += 8 * rows * out; break;
    }
}

ls_step_need ls_step_need_of(const ls_plan *p)
{
    ls_step_need need = {0};
    bool chunkwise = p->parameters <= LS_CHUNKS_SCRATCH, images = false;
    for (size_t i = 0; i < p->step.count; i++) {
        const ls_op *o = &p->step.op[i];
        add_op(&need, p, o);
        images |= ls_op_points(o) > 1 || ls_image_values(o->window.from);
        if (ls_op_chunkwise[o->kind] == LS_CHUNKWISE_NEVER) chunkwise = false;
    }
    if (images) need.barriers = 0;
    for (int i = 0; chunkwise && i < LS_SPEED_CLASSES; i++) need.small += need.product[i];
    return need;
}

/* ---- How long it takes ----------------------------------------------------------------------- */

/* The measured class nearest to class i; 0 if none was measured. */
static double nearest_class(const ls_device_speed *s, int i)
{
    for (int away = 0; away < LS_SPEED_CLASSES; away++) {
        if (i - away >= 0 && s->product[i - away] > 0) return s->product[i - away];
        if (i + away < LS_SPEED_CLASSES && s->product[i + away] > 0) return s->product[i + away];
    }
    return 0;
}

/* Products and passes over memory; 0 if the device's speed is not known. */
static double work_seconds(const ls_device_speed *s, const ls_step_need *need)
{
    double seconds = s->copy > 0 ? need->bytes / s->copy : 0;
    for (int i = 0; i < LS_SPEED_CLASSES; i++) {
        double rate = nearest_class(s, i);
        if (rate <= 0) return 0;
        seconds += need->product[i] / rate;
    }
    return seconds;
}

static double less(double a, double b) { return b > 0 && (a <= 0 || b < a) ? b : a; }

double ls_estimate_step(const ls_device_speed *s, const ls_step_need *need, size_t members)
{
    double work = work_seconds(s, need), one = 0;
    if (work > 0 && s->launch > 0) one = less(one, work + need->launches * s->launch);
    if (work > 0 && s->barrier > 0 && need->barriers > 0)
        one = less(one, work + need->barriers * s->barrier);
    if (need->small > 0 && s->alone > 0) one = less(one, need->small / s->alone);
    double all = one * (double)members;                   /* one member after the other, */
    if (need->small > 0 && s->fleet > 0 && members > 1) { /* or side by side */
        double fleet = (double)members * need->small / s->fleet;
        all = less(all, fleet > one ? fleet : one);
    }
    return all;
}

bool ls_look_pays(const ls_look *l)
{
    if (!(l->ratio > 0) || l->ratio > l->clear || l->expected < l->margin * l->delay) return false;
    double saved = (l->expected - l->delay) * (1 - l->ratio);
    return saved > l->delay * l->share + 4 * l->move;
}
