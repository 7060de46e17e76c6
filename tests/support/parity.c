/* SPDX-License-Identifier: MIT */
#include "tests/support/parity.h"

void parity_batches(hand_plan *p, size_t m, size_t features, size_t outputs)
{
    hand_data(p, 2 * m + (m + 1) / 2, m, features, outputs);
    p->step = 5;
}

void parity_inference(hand_plan *p, size_t outputs, ls_view result)
{
    p->infer = true;
    p->first = p->plan.rows > 1;
    p->plan.outputs = outputs;
    p->plan.result = result;
    p->plan.row_loss = hand_room(p, "row_loss", p->plan.capacity, 1);
}

void parity_optimizer(hand_plan *p, ls_op *o, unsigned optimizer, size_t n)
{
    p->plan.optimizer = (ls_opt)optimizer;
    p->plan.hyper = (ls_hyper){.beta1 = 0.9f,
                               .rest1 = 0.1f,
                               .beta2 = 0.99f,
                               .rest2 = 0.01f,
                               .epsilon = 1e-7f,
                               .l1 = 0.003f,
                               .twice_l2 = 0.07f};
    o->theta = hand_room(p, "theta", n, 1);
    o->s = hand_room_positive(p, "state 0", n, 1);
    o->v = hand_room_positive(p, "state 1", n, 1);
}

void parity_relu(hand_plan *p, ls_view view, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p->arena[view.at + i] < 0) p->arena[view.at + i] = -0.0f;
}
