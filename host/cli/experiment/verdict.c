/* SPDX-License-Identifier: MIT */
#include "host/cli/experiment/verdict.h"
#include "host/base/text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t exp_claims(const exp_row *row, exp_claim claim[EXP_METRICS])
{
    char copy[256], *rest = copy;
    size_t n = 0;
    snprintf(copy, sizeof copy, "%s", row->published);
    for (char *word; n < EXP_METRICS && (word = strtok_r(rest, " ", &rest));) {
        char *value = strchr(word, '='), *to = strstr(word, "..");
        if (!value) continue;
        *value++ = 0;
        if (to) *to = 0;
        for (size_t f = 0; f < EXP_METRICS; f++) {
            if (strcmp(word, exp_metric_name((exp_metric)f))) continue;
            exp_claim *c = &claim[n];
            c->metric = (exp_metric)f;
            if (!ls_parse_double(value, &c->low)) continue;
            if (!to || !ls_parse_double(to + 2, &c->high)) c->high = c->low;
            n++;
        }
    }
    return n;
}

bool exp_is_loss(exp_metric f) { return f == EXP_LOSS || f == EXP_LOSS_SUM || f == EXP_MARK; }

/* The precision of a published value: half a percent of a share, 5 % of a loss. */
static double precision_of(const exp_claim *c)
{
    return exp_is_loss(c->metric) ? 0.05 * c->high : 0.005;
}

exp_verdict exp_judge(const exp_result *r, const exp_claim *c)
{
    bool loss = exp_is_loss(c->metric);
    double ours = loss ? r->median[c->metric] : r->mean[c->metric], slack = r->sd[c->metric],
           most = loss ? 0.5 * c->high : 0.08;
    if (isnan(ours)) return EXP_NOT_REACHED;
    if (slack > most) slack = most;
    if (slack < precision_of(c)) slack = precision_of(c);
    if (ours >= c->low - slack && ours <= c->high + slack) return EXP_REACHED;
    if (c->metric == EXP_FAILED) return EXP_NOT_REACHED;
    return (ours > c->high) == exp_metric_larger_is_better(c->metric) ? EXP_BETTER
                                                                      : EXP_NOT_REACHED;
}

size_t exp_as_good(const exp_result *r, size_t seeds, const exp_claim *c)
{
    size_t n = 0;
    for (size_t k = 0; k < seeds; k++) {
        double ours = r->run[k].metric[c->metric];
        if (c->metric == EXP_FAILED) n += ours == c->low;
        else
            n += exp_metric_larger_is_better(c->metric)
                     ? ours >= c->low - precision_of(c)
                     : ours <= c->high + precision_of(c); /* false for NaN */
    }
    return n;
}

const char *exp_verdict_name(exp_verdict verdict)
{
    static const char *const names[] = {"reached", "better", "not reached", "open"};
    return names[verdict];
}
