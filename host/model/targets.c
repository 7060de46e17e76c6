/* SPDX-License-Identifier: MIT */
#include "host/model/targets.h"
#include "host/base/memory.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

bool ls_data_has_targets(const ls_data *d)
{
    return d->task == LS_TASK_CLASSIFICATION ? d->y != NULL : d->value != NULL;
}

ls_shape ls_shape_of(const ls_data *d)
{
    const size_t *side = d->source.image;
    ls_shape shape = {.task = d->task, .targets = d->targets};
    if (d->task == LS_TASK_CLASSIFICATION) shape = ls_shape_of_classes(d->classes);
    if (side[0] * side[1] * side[2] == d->features && side[1] <= UINT32_MAX &&
        side[2] <= UINT32_MAX)
        shape.image = (ls_image){(uint32_t)side[1], (uint32_t)side[2], (uint32_t)side[0]};
    return shape;
}

int32_t ls_most_frequent_class(const ls_data *d)
{
    int32_t best = 0;
    uint64_t most = 0;
    assert(d->y);
    for (size_t k = 0; k < d->classes; k++) {
        uint64_t count = 0;
        for (size_t r = 0; r < d->rows; r++) count += d->y[r] == (int32_t)k;
        if (count <= most) continue;
        most = count;
        best = (int32_t)k;
    }
    return best;
}

void ls_targets_mean(const ls_data *d, double *mean)
{
    assert(d->value);
    for (size_t i = 0; i < d->targets; i++) {
        double sum = 0;
        for (size_t r = 0; r < d->rows; r++) sum += d->value[r * d->targets + i];
        mean[i] = sum / (double)d->rows;
    }
}

/* Whether target i is the same number in all rows. */
static bool constant(const ls_data *d, size_t i)
{
    for (size_t r = 1; r < d->rows; r++)
        if (d->value[r * d->targets + i] != d->value[i]) return false;
    return true;
}

ls_status ls_targets_scale(const ls_data *d, const double *mean, double *scale, ls_error *err)
{
    assert(d->value);
    for (size_t i = 0; i < d->targets; i++) {
        double squares = 0;
        scale[i] = 1;
        if (constant(d, i)) continue;
        for (size_t r = 0; r < d->rows; r++) {
            double off = d->value[r * d->targets + i] - mean[i];
            squares += off * off;
        }
        scale[i] = 1.0 / sqrt(squares / (double)d->rows);
        if (!isfinite(mean[i]) || !isnormal(scale[i]))
            return ls_fail(err, LS_ERR_DATA,
                           "the values of the target '%.100s' are too large, or their differences "
                           "too small, to standardise them; give them in another unit",
                           d->target[i].name ? d->target[i].name : "");
    }
    return LS_OK;
}

static void class_targets(const ls_network *n, const int32_t *y, size_t rows, float *t)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < n->outputs; k++)
            t[r * n->outputs + k] = n->outputs == 1      ? (float)y[r]
                                    : y[r] == (int32_t)k ? 1.0f
                                                         : 0.0f;
}

void ls_network_targets(const ls_network *n, const ls_data *d, const double *mean,
                        const double *scale, float *t)
{
    assert(t && n->outputs > 0 && n->task == d->task && ls_data_has_targets(d));
    if (n->task == LS_TASK_CLASSIFICATION) {
        class_targets(n, d->y, d->rows, t);
        return;
    }
    assert(n->outputs == d->targets);
    for (size_t r = 0; r < d->rows; r++)
        for (size_t i = 0; i < d->targets; i++) {
            double value = d->value[r * d->targets + i];
            t[r * d->targets + i] = (float)(scale ? (value - mean[i]) * scale[i] : value);
        }
}

double ls_target_number(const double *mean, const double *scale, size_t i, float output)
{
    return scale ? mean[i] + (double)output / scale[i] : (double)output;
}
