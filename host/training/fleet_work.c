/* SPDX-License-Identifier: MIT */
#include "host/training/fleet_work.h"
#include "host/training/fleet_round.h"

/* Whether two steps run the same kernels on matrices of the same sizes. */
static bool alike(const ls_plan *a, const ls_plan *b)
{
    if (a == b) return true;
    if (a->batch != b->batch || a->arena != b->arena || a->weights != b->weights ||
        a->step.count != b->step.count || a->optimizer != b->optimizer || a->loss != b->loss ||
        a->output != b->output || a->shuffle != b->shuffle)
        return false;
    for (size_t i = 0; i < a->step.count; i++) {
        const ls_op *x = &a->step.op[i], *y = &b->step.op[i];
        if (x->kind != y->kind || x->act != y->act || x->in != y->in || x->out != y->out)
            return false;
    }
    return true;
}

/* Training rows enough for two whole batches and the smaller last one. */
static size_t rows_of(const ls_plan *plan)
{
    return plan->rows < 2 * plan->batch ? plan->rows : 2 * plan->batch + plan->rows % plan->batch;
}

static ls_example example_of(const ls_trainer *trainer, double cost)
{
    return (ls_example){.settings = trainer->settings,
                        .inputs = trainer->model->network.inputs,
                        .shape = ls_model_shape(trainer->model),
                        .rows = rows_of(trainer->plan),
                        .weighted = trainer->block->weighted,
                        .members = 1,
                        .cost = cost};
}

/* Counts the member among the examples, which are sorted, costliest first; of other members there
 * is only room for the costliest. */
static void add_example(ls_fleet *fleet, size_t *count, const ls_trainer *trainer, double cost)
{
    size_t at = 0;
    for (size_t i = 0; i < *count; i++) {
        if (fleet->example[i].cost == cost && alike(fleet->example_plan[i], trainer->plan)) {
            fleet->example[i].members++;
            return;
        }
        if (fleet->example[i].cost >= cost) at = i + 1;
    }
    if (at == LS_EXAMPLES) return;
    if (*count < LS_EXAMPLES) ++*count;
    for (size_t i = *count - 1; i > at; i--) {
        fleet->example[i] = fleet->example[i - 1];
        fleet->example_plan[i] = fleet->example_plan[i - 1];
    }
    fleet->example[at] = example_of(trainer, cost);
    fleet->example_plan[at] = trainer->plan;
}

static void add_examples(ls_fleet *fleet, ls_workload *work)
{
    size_t count = 0;
    for (size_t i = 0; i < fleet->count; i++) {
        const ls_trainer *trainer = fleet->member[i];
        if (trainer && trainer->workspace && ls_trainer_active(trainer))
            add_example(fleet, &count, trainer, ls_round_step_cost(trainer));
    }
    for (size_t i = 0; i < count; i++)
        fleet->example[i].need = ls_step_need_of(fleet->example_plan[i]);
    work->example = fleet->example;
    work->examples = count;
}

ls_workload ls_fleet_workload(ls_fleet *fleet, bool waiting)
{
    ls_workload w = {0};
    for (size_t i = 0; i < fleet->count; i++) {
        const ls_trainer *trainer = fleet->member[i];
        if (!trainer || !ls_trainer_active(trainer)) continue;
        double cost = ls_round_step_cost(trainer);
        w.left += cost * (double)(trainer->goal * trainer->now.schedule.steps_per_epoch -
                                  trainer->now.step);
        if (!waiting && !trainer->workspace) continue;
        w.members++;
        w.step += cost;
        w.bytes += 4 * (double)trainer->plan->state;
    }
    for (size_t i = 0; i < fleet->tables; i++)
        if (fleet->table[i] && fleet->table[i]->residents)
            w.bytes += (double)fleet->table[i]->bytes;
    if (fleet->choice && ls_choice_wants_examples(fleet->choice, &w)) add_examples(fleet, &w);
    return w;
}
