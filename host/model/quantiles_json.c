/* SPDX-License-Identifier: MIT */
#include "host/model/quantiles_json.h"
#include "host/base/json.h"
#include <math.h>

/* Scores are quantiles of the normal distribution at shares of at least 1/512: far within this. */
#define MOST_SCORE 10.0

json_t *ls_quantiles_json(const ls_quantiles *q)
{
    json_t *list = json_array();
    for (size_t i = 0; i < q->inputs; i++) {
        const size_t at = q->first[i], count = q->first[i + 1] - at;
        json_t *knots = count ? json_pack("[o,o]", ls_json_numbers(q->x + at, count),
                                          ls_json_numbers(q->z + at, count))
                              : json_null();
        ls_json_append(&list, knots);
    }
    return list;
}

/* Numbers that ascend, each at most `most` away from 0. */
static bool read_ascending(const json_t *list, size_t count, double most, double *to)
{
    for (size_t k = 0; k < count; k++)
        if (!ls_json_read_number(json_array_get(list, k), &to[k]) || !(fabs(to[k]) <= most) ||
            (k && !(to[k] > to[k - 1])))
            return false;
    return true;
}

/* The number of knots of an input, or 0 if they are malformed. */
static size_t knots_of(const json_t *pair)
{
    const size_t count = json_array_size(json_array_get(pair, 0));
    return json_array_size(pair) == 2 && json_array_size(json_array_get(pair, 1)) == count &&
                   count <= LS_MOST_KNOTS
               ? count
               : 0;
}

static bool read_input(const json_t *pair, ls_quantiles *q, size_t i)
{
    const size_t at = q->first[i], count = q->first[i + 1] - at;
    return read_ascending(json_array_get(pair, 0), count, HUGE_VAL, q->x + at) &&
           isfinite(q->x[at]) && isfinite(q->x[at + count - 1]) &&
           read_ascending(json_array_get(pair, 1), count, MOST_SCORE, q->z + at);
}

ls_status ls_quantiles_of_json(const json_t *list, size_t inputs, const bool *number,
                               ls_quantiles **out, ls_error *err)
{
    size_t knots = 0;
    *out = NULL;
    if (json_array_size(list) != inputs) return LS_ERR_DATA;
    for (size_t i = 0; i < inputs; i++) {
        const json_t *pair = json_array_get(list, i);
        if (number[i] ? !knots_of(pair) : !json_is_null(pair)) return LS_ERR_DATA;
        knots += number[i] ? knots_of(pair) : 0;
        if (knots > LS_MOST_KNOTS_TOGETHER + inputs) return LS_ERR_DATA;
    }
    LS_TRY(ls_quantiles_create(inputs, knots, out, err));
    ls_quantiles *q = *out;
    for (size_t i = 0; i < inputs; i++) {
        const json_t *pair = json_array_get(list, i);
        q->first[i + 1] = q->first[i] + (number[i] ? knots_of(pair) : 0);
        if (!number[i] || read_input(pair, q, i)) continue;
        ls_quantiles_free(q);
        *out = NULL;
        return LS_ERR_DATA;
    }
    return LS_OK;
}
