/* SPDX-License-Identifier: MIT */
#include "host/model/training_rows.h"
#include "host/data/split.h"
#include <assert.h>

ls_status ls_training_check_labels(const ls_data *data, ls_error *err)
{
    return data->y ? LS_OK : ls_fail(err, LS_ERR_ARGUMENT, "the data has no classes to learn");
}

ls_status ls_training_check_settings(const ls_settings *s, const ls_data *data, ls_error *err)
{
    if (s->patience && !(ls_settings_validation(s) > 0))
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "--patience watches the validation loss; hold rows out with --validation 0.1");
    if (s->class_weights == LS_WEIGHTS_GIVEN && s->class_weight_count != data->classes)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--class-weights names %zu weights, the data has %zu classes",
                       s->class_weight_count, data->classes);
    return LS_OK;
}

ls_status ls_training_split(const ls_settings *s, const ls_data *data, ls_data **train,
                            ls_data **validation, ls_error *err)
{
    double share = ls_settings_validation(s);
    *train = *validation = NULL;
    return share > 0 ? ls_data_cut(data, share, s->seed, true, train, validation, err) : LS_OK;
}

void ls_network_targets(const ls_network *n, const int32_t *y, size_t rows, float *t)
{
    assert(y && t && n->outputs > 0);
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < n->outputs; k++)
            t[r * n->outputs + k] = n->outputs == 1      ? (float)y[r]
                                    : y[r] == (int32_t)k ? 1.0f
                                                         : 0.0f;
}
