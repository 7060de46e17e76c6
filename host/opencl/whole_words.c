/* SPDX-License-Identifier: MIT */
#include "host/opencl/whole_words.h"
#include "host/base/memory.h"
#include <stdlib.h>
#include <string.h>

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint32_t view(ls_view v) { return ls_there(v) ? (uint32_t)v.at : WHOLE_NONE; }

static void put_member(uint32_t *w, const ls_plan *p, const ls_whole_phases *phases)
{
    uint64_t per_epoch = ls_plan_steps_per_epoch(p);
    ls_batch first = ls_plan_batch(p, 0), last = ls_plan_batch(p, per_epoch - 1);
    w[WHOLE_seed_low] = (uint32_t)p->seed, w[WHOLE_seed_high] = (uint32_t)(p->seed >> 32);
    w[WHOLE_rows] = (uint32_t)p->rows, w[WHOLE_batch] = (uint32_t)p->batch;
    w[WHOLE_steps_per_epoch] = (uint32_t)per_epoch, w[WHOLE_shuffle] = p->shuffle;
    w[WHOLE_scale] = bits_of(first.scale), w[WHOLE_last_scale] = bits_of(last.scale);
    w[WHOLE_inv_rows] = bits_of(1.0f / (float)first.rows);
    w[WHOLE_last_inv_rows] = bits_of(1.0f / (float)last.rows);
    w[WHOLE_output] = (uint32_t)p->output, w[WHOLE_loss] = (uint32_t)p->loss;
    w[WHOLE_huber_delta] = bits_of(p->huber_delta);
    w[WHOLE_label_keep] = bits_of(p->label_keep), w[WHOLE_label_share] = bits_of(p->label_share);
    w[WHOLE_optimizer] = (uint32_t)p->optimizer;
    w[WHOLE_clip] = bits_of(p->clip);
    w[WHOLE_features] = (uint32_t)p->features;
    w[WHOLE_index] = view(phases->index);
    w[WHOLE_phases] = (uint32_t)phases->phases;
    memcpy(w + WHOLE_hyper, &p->hyper, sizeof p->hyper); /* floats as their bits */
}

/* ---- Operations ------------------------------------------------------------------------------ */

/* DENSE and NORM: what is stored before the activation, and the JOIN. */
static void put_forward(uint32_t *w, const ls_whole_op *o, ls_view before)
{
    const ls_op *op = o->op;
    if (!ls_there(op->a) || !ls_same_view(before, op->a)) w[WHOLE_OP_to] = view(before);
    w[WHOLE_OP_a] = view(op->a);
    if (!o->join) return;
    w[WHOLE_OP_join] = view(o->join->y), w[WHOLE_OP_skip] = view(o->join->skip);
    w[WHOLE_OP_dropout] = bits_of(o->join->dropout), w[WHOLE_OP_purpose] = o->join->purpose;
}

static void put_grad_x(uint32_t *w, const ls_whole_op *o)
{
    const ls_op *op = o->op;
    w[WHOLE_OP_dz] = view(op->dz), w[WHOLE_OP_w] = view(op->w);
    w[WHOLE_OP_skip] = view(op->skip), w[WHOLE_OP_y] = view(op->y);
    if (o->keeps_d) w[WHOLE_OP_d] = view(op->d);
    w[WHOLE_OP_from] = view(ls_activations[op->act].reads_z ? op->z : op->a);
    w[WHOLE_OP_dropout] = bits_of(op->dropout), w[WHOLE_OP_purpose] = op->purpose;
}

static void put_norm(uint32_t *w, const ls_op *op)
{
    w[WHOLE_OP_z] = view(op->z);
    w[WHOLE_OP_mean] = view(op->mean), w[WHOLE_OP_inv] = view(op->inv);
    w[WHOLE_OP_running_mean] = view(op->running_mean);
    w[WHOLE_OP_running_var] = view(op->running_var);
    w[WHOLE_OP_gamma] = view(op->gamma), w[WHOLE_OP_beta] = view(op->beta);
    w[WHOLE_OP_grad_gamma] = view(op->grad_gamma), w[WHOLE_OP_grad_beta] = view(op->grad_beta);
}

static void put_parameters(uint32_t *w, const ls_op *op, size_t skipped)
{
    w[WHOLE_OP_theta] = (uint32_t)(op->theta.at + skipped);
    w[WHOLE_OP_s] = (uint32_t)(op->s.at + skipped), w[WHOLE_OP_v] = (uint32_t)(op->v.at + skipped);
}

static void put_update(uint32_t *w, const ls_whole_op *o, const ls_plan *p)
{
    w[WHOLE_OP_y] = view(o->y);
    w[WHOLE_OP_factor] = view(o->op->b);
    put_parameters(w, o->op, o->theta - o->op->in);
    w[WHOLE_OP_weights] = (uint32_t)(p->weights > o->theta ? p->weights - o->theta : 0);
}

static void put_grad_w(uint32_t *w, const ls_whole_op *o)
{
    const ls_op *op = o->op;
    w[WHOLE_OP_x] = view(o->x), w[WHOLE_OP_data] = o->x.place != LS_ARENA;
    w[WHOLE_OP_dz] = view(op->dz), w[WHOLE_OP_y] = view(op->y);
    w[WHOLE_OP_weights] = (uint32_t)(op->in * op->out);
    if (ls_there(op->theta)) put_parameters(w, op, 0);
}

static void put_op(uint32_t *w, const ls_whole_op *o, const ls_plan *p)
{
    const ls_op *op = o->op;
    for (int i = 0; i < WHOLE_OP_WORDS; i++) w[i] = WHOLE_NONE;
    w[WHOLE_OP_kind] = (uint32_t)o->kind, w[WHOLE_OP_act] = (uint32_t)op->act;
    w[WHOLE_OP_in] = (uint32_t)op->in, w[WHOLE_OP_out] = (uint32_t)o->out;
    w[WHOLE_OP_data] = 0, w[WHOLE_OP_weights] = 0, w[WHOLE_OP_dropout] = bits_of(0.0f);
    w[WHOLE_OP_body] = (uint32_t)o->body;
    w[WHOLE_OP_log_rows] = o->log_rows, w[WHOLE_OP_log_columns] = o->log_columns;
    w[WHOLE_OP_log_chunks] = o->log_chunks, w[WHOLE_OP_log_depth] = o->log_depth;
    switch (o->kind) {
    case WHOLE_DENSE:
        w[WHOLE_OP_x] = view(o->x), w[WHOLE_OP_data] = o->x.place != LS_ARENA;
        w[WHOLE_OP_w] = view(op->w), w[WHOLE_OP_b] = view(op->b);
        put_forward(w, o, op->z);
        break;
    case WHOLE_LOSS:
        w[WHOLE_OP_z] = view(op->z), w[WHOLE_OP_row_loss] = view(op->row_loss);
        w[WHOLE_OP_row_weight] = ls_there(op->row_weight) ? 0 : WHOLE_NONE;
        break;
    case WHOLE_GRAD_X: put_grad_x(w, o); break;
    case WHOLE_GRAD_W: put_grad_w(w, o); break;
    case WHOLE_COLUMN_SUM: w[WHOLE_OP_x] = view(o->x), w[WHOLE_OP_y] = view(o->y); break;
    case WHOLE_NORM:
        w[WHOLE_OP_x] = view(op->z);
        put_norm(w, op);
        put_forward(w, o, op->y);
        break;
    case WHOLE_NORM_GRAD:
        w[WHOLE_OP_x] = view(op->dz);
        put_norm(w, op);
        break;
    case WHOLE_MAX_NORM: w[WHOLE_OP_x] = view(op->w); break;
    case WHOLE_UPDATE: put_update(w, o, p); break;
    case WHOLE_SUMS:
    case WHOLE_FACTOR:
        w[WHOLE_OP_x] = view(op->x), w[WHOLE_OP_y] = view(op->y);
        w[WHOLE_OP_from] = o->from == SIZE_MAX ? WHOLE_NONE : (uint32_t)o->from;
        w[WHOLE_OP_to] = (uint32_t)o->to;
        break;
    case WHOLE_NUMBERS:
    case WHOLE_KINDS: break;
    }
}

/* ---- The program ----------------------------------------------------------------------------- */

/* Members, phases, strands, operations, one list after the other. */
static void put_all(ls_whole_words *to, const ls_plan *plan, const ls_whole_phases *p)
{
    size_t phases = WHOLE_MEMBER_WORDS, strands = phases + p->phases * WHOLE_PHASE_WORDS,
           ops = strands + p->strands * WHOLE_STRAND_WORDS;
    put_member(to->word, plan, p);
    for (size_t i = 0; i < p->phases; i++) {
        uint32_t *w = to->word + phases + i * WHOLE_PHASE_WORDS;
        w[WHOLE_PHASE_strands] = (uint32_t)(strands + p->phase[i].first * WHOLE_STRAND_WORDS);
        w[WHOLE_PHASE_count] = (uint32_t)p->phase[i].count;
    }
    for (size_t i = 0; i < p->strands; i++) {
        uint32_t *w = to->word + strands + i * WHOLE_STRAND_WORDS;
        w[WHOLE_STRAND_share] = (uint32_t)p->strand[i].share;
        w[WHOLE_STRAND_unit] = (uint32_t)p->strand[i].unit;
        w[WHOLE_STRAND_ops] = (uint32_t)(ops + p->strand[i].first * WHOLE_OP_WORDS);
        w[WHOLE_STRAND_count] = (uint32_t)p->strand[i].count;
    }
    for (size_t i = 0; i < p->ops; i++)
        put_op(to->word + ops + i * WHOLE_OP_WORDS, &p->op[p->order[i]], plan);
}

static ls_status build(const ls_plan *plan, const ls_whole_phases *phases, ls_whole_words **out,
                       ls_error *err)
{
    ls_whole_words *w;
    LS_TRY(ls_alloc(&w, 1, sizeof *w, "the network", err));
    w->scratch = phases->scratch;
    w->count = WHOLE_MEMBER_WORDS + phases->phases * WHOLE_PHASE_WORDS +
               phases->strands * WHOLE_STRAND_WORDS + phases->ops * WHOLE_OP_WORDS;
    ls_status status = ls_alloc(&w->word, w->count, sizeof *w->word, "the network", err);
    if (status != LS_OK) {
        free(w);
        return status;
    }
    put_all(w, plan, phases);
    *out = w;
    return LS_OK;
}

ls_status ls_whole_words_build(const ls_plan *plan, const ls_whole_limits *limits,
                               ls_whole_words **out, ls_error *err)
{
    ls_whole_phases *phases;
    *out = NULL;
    LS_TRY(ls_whole_phases_build(plan, limits, &phases, err));
    if (!phases) return LS_OK;
    ls_status status = build(plan, phases, out, err);
    ls_whole_phases_free(phases);
    return status;
}

void ls_whole_words_free(ls_whole_words *w)
{
    if (!w) return;
    free(w->word);
    free(w);
}
