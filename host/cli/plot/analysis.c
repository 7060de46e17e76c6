/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/analysis.h"
#include "host/base/memory.h"
#include <stdlib.h>

ls_status analysis_outcomes(analysis *a, ls_error *err)
{
    const ls_data *rows[] = {a->data, a->test};
    const char *const label[] = {a->data_label, "test rows"};
    while (a->outcomes < 2 && rows[a->outcomes]) {
        size_t i = a->outcomes++;
        LS_TRY(outcome_compute(a->model, a->device, rows[i], label[i], &a->outcome[i], err));
    }
    return LS_OK;
}

const outcome *analysis_judged(const analysis *a) { return &a->outcome[a->outcomes - 1]; }

ls_status analysis_plane(analysis *a, ls_error *err)
{
    return a->plane.inputs ? LS_OK : plot_plane_fit(a->model, a->data, &a->plane, err);
}

ls_status analysis_layers(analysis *a, ls_error *err)
{
    if (a->layer) return LS_OK;
    a->layers = ls_model_layer_count(a->model);
    LS_TRY(ls_alloc(&a->layer, a->layers, sizeof *a->layer, "the layers", err));
    a->layer[0].struct_size = sizeof *a->layer;
    return ls_model_layers(a->model, a->device, a->data, a->layer, &a->layer_rows, err);
}

void analysis_free(analysis *a)
{
    for (size_t i = 0; i < 2; i++) outcome_free(&a->outcome[i]);
    plot_plane_free(&a->plane);
    free(a->layer);
    *a = (analysis){0};
}
