/* SPDX-License-Identifier: MIT */
#include "host/cli/cmd/prediction_state.h"
#include <string.h>

void prediction_rank(const prediction_lines *l, const float *outputs, size_t *rank,
                     float *probability)
{
    const size_t classes = ls_model_classes(l->model);
    if (l->outputs == 1) probability[0] = 1.0f - outputs[0], probability[1] = outputs[0];
    else memcpy(probability, outputs, classes * sizeof *probability);
    for (size_t k = 0; k < classes;
         k++) { /* as far as they are wanted; equal ones in their order */
        size_t at = k < l->style.top ? k : l->style.top;
        if (at == l->style.top && !(probability[k] > probability[rank[at - 1]])) continue;
        if (at == l->style.top) at--;
        for (; at > 0 && probability[k] > probability[rank[at - 1]]; at--) rank[at] = rank[at - 1];
        rank[at] = k;
    }
}
