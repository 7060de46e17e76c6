/* SPDX-License-Identifier: MIT */
#include "host/model/decision.h"
#include <assert.h>
#include <math.h>

float ls_class_score(const float *outputs, size_t columns, size_t k)
{
    assert(k < (columns > 1 ? columns : 2));
    if (columns > 1) return outputs[k];
    return k == 1 ? outputs[0] : 1.0f - outputs[0];
}

ls_decision ls_decision_default(void)
{
    return (ls_decision){.positive = 1, .threshold = NAN, .source = LS_THRESHOLD_DEFAULT};
}

bool ls_decision_is_set(const ls_decision *d)
{
    return !isnan(d->threshold) || d->positive != ls_decision_default().positive;
}

ls_decision ls_decision_resolve(ls_decision decision, size_t columns)
{
    if (!isnan(decision.threshold) || columns != 1) return decision;
    return (ls_decision){.positive = 1, .threshold = 0.5f, .source = LS_THRESHOLD_DEFAULT};
}

size_t ls_decide(const float *outputs, size_t columns, const ls_decision *decision)
{
    const ls_decision rule = ls_decision_resolve(*decision, columns);
    assert(isnan(rule.threshold) || (rule.positive < 2 && columns <= 2));
    if (!isnan(rule.threshold))
        return ls_class_score(outputs, columns, rule.positive) >= rule.threshold
                   ? rule.positive
                   : 1 - rule.positive;
    size_t best = 0;
    for (size_t j = 1; j < columns; j++) {
        if (outputs[j] > outputs[best]) best = j;
    }
    return best;
}
