/* SPDX-License-Identifier: MIT */
/* pow() and cos() of the C library are not used: their last bit differs between machines. */
#include "host/network/schedule.h"
#include <math.h>

/* base^n by squaring: the same multiplications on every machine. */
static double power(double base, uint64_t n)
{
    double result = 1.0;
    for (; n; n >>= 1, base *= base)
        if (n & 1) result *= base;
    return result;
}

void ls_rate_plan_init(ls_rate_plan *plan, const ls_settings *s, uint64_t steps_per_epoch)
{
    *plan = (ls_rate_plan){
        .settings = s, .steps_per_epoch = steps_per_epoch, .factors = {1.0, 1.0}, .best = INFINITY};
}

/* The scheduled rate. */
static double scheduled(const ls_rate_plan *plan, uint64_t step)
{
    const ls_settings *s = plan->settings;
    double base = ls_settings_rate(s), floor_rate = s->min_rate < base ? s->min_rate : base,
           rate = base;
    uint64_t warm = s->warmup * plan->steps_per_epoch, total = s->epochs * plan->steps_per_epoch;
    if (step < warm) return base * (double)(step + 1) / (double)warm;
    switch ((ls_schedule)s->schedule) {
    case LS_SCHEDULE_CONSTANT: break;
    case LS_SCHEDULE_STEP:
        rate = base * power(s->schedule_factor, step / plan->steps_per_epoch / s->schedule_epochs);
        break;
    case LS_SCHEDULE_COSINE: { /* Loshchilov, Hutter 2017, without restarts */
        float t = total > warm ? (float)((double)(step - warm) / (double)(total - warm)) : 1.0f;
        rate = floor_rate + (base - floor_rate) * 0.5 * (1.0 + (double)ls_cospi(t));
        break;
    }
    case LS_SCHEDULE_PLATEAU: rate = base * plan->factors.plateau; break;
    }
    return rate > floor_rate ? rate : floor_rate;
}

double ls_rate_at(const ls_rate_plan *plan, uint64_t step)
{
    return scheduled(plan, step) * plan->factors.halved;
}

ls_rates ls_rates_at(const ls_rate_plan *plan, uint64_t step)
{
    const ls_settings *s = plan->settings;
    double rate = ls_rate_at(plan, step);
    const ls_opt_info *optimizer = &ls_optimizers[s->optimizer];
    ls_rates r = {.rate = (float)rate, .rate_corrected = (float)rate, .correction2 = 1, .keep = 1};
    if (optimizer->bias_corrected && s->bias_correction) {
        r.rate_corrected = (float)(rate / (1.0 - power(s->beta1, step + 1)));
        r.correction2 = (float)(1.0 / (1.0 - power(s->beta2, step + 1)));
    }
    if (optimizer->decoupled_decay) r.keep = (float)(1.0 - rate * s->weight_decay);
    return r;
}

void ls_rate_plan_epoch(ls_rate_plan *plan, double loss)
{
    const ls_settings *s = plan->settings;
    if (s->schedule != LS_SCHEDULE_PLATEAU) return;
    if (loss < plan->best) {
        plan->best = loss;
        plan->waited = 0;
    } else if (++plan->waited >= s->schedule_epochs) {
        plan->factors.plateau *= s->schedule_factor;
        plan->waited = 0;
    }
}
