/* SPDX-License-Identifier: MIT */
#include "host/model/ensemble.h"
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/model/targets.h"
#include "kernels/arith.h"
#include <assert.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

/* ---- Members --------------------------------------------------------------------------------- */

static ls_status fill(ls_model *m, ls_model **member, const uint64_t *times, size_t members,
                      const ls_model *named, ls_error *err)
{
    LS_TRY(ls_model_name_like(m, named, named->encoder, err));
    LS_TRY(ls_model_prepare_like(m, named, err));
    LS_TRY(ls_ensemble_reserve(m, members, err));
    m->summary.parameters = 0;
    for (size_t i = 0; i < members; i++) {
        const ls_summary *s = &member[i]->summary;
        m->ensemble->member[i] = member[i];
        m->ensemble->times[i] = times[i];
        m->summary.parameters += s->parameters;
        m->summary.epochs += s->epochs;
        m->summary.steps += s->steps;
        m->summary.best_epoch += s->best_epoch;
        member[i] = NULL;
    }
    return LS_OK;
}

ls_status ls_ensemble_create(ls_model **member, const uint64_t *times, size_t members,
                             double temperature, const ls_model *named, ls_model **out,
                             ls_error *err)
{
    ls_options *options = NULL;
    ls_model *m = NULL;
    ls_status status = ls_options_create_plain(&options, err);
    if (status == LS_OK) status = ls_options_set(options, "hidden", "none", err);
    if (status == LS_OK)
        status = ls_model_create(options, named->network.inputs, ls_model_shape(named), 1, &m, err);
    if (status == LS_OK) status = fill(m, member, times, members, named, err);
    if (status == LS_OK) {
        m->ensemble->temperature = temperature;
        snprintf(m->stopped, sizeof m->stopped, "ensemble");
        *out = m;
    } else {
        ls_model_free(m);
        for (size_t i = 0; i < members; i++) ls_model_free(member[i]);
    }
    ls_options_free(options);
    return status;
}

/* ---- What they predict together -------------------------------------------------------------- */

void ls_ensemble_add(const ls_model *m, size_t i, const float *outputs, size_t rows, double *sum)
{
    const ls_model *member = m->ensemble->member[i];
    const double times = (double)m->ensemble->times[i];
    const size_t width = m->network.outputs;
    const bool numbers = m->task == LS_TASK_REGRESSION;
    for (size_t k = 0; k < rows * width; k++)
        sum[k] += times * (numbers ? ls_target_number(member->target_mean, member->target_scale,
                                                      k % width, outputs[k])
                                   : (double)outputs[k]);
}

static float log_of(float p) { return ls_log(p < FLT_MIN ? FLT_MIN : p); }

void ls_calibrate(float *p, size_t n, float inverse)
{
    float top = -FLT_MAX, sum = 0;
    if (n == 1) {
        *p = ls_sigmoid((log_of(*p) - log_of(1.0f - *p)) * inverse);
        return;
    }
    for (size_t k = 0; k < n; k++) {
        p[k] = log_of(p[k]) * inverse;
        if (p[k] > top) top = p[k];
    }
    for (size_t k = 0; k < n; k++) {
        p[k] = ls_exp(p[k] - top);
        sum += p[k];
    }
    for (size_t k = 0; k < n; k++) p[k] /= sum;
}

void ls_ensemble_mean(const ls_model *m, const double *sum, size_t rows, float *outputs)
{
    const ls_ensemble *e = m->ensemble;
    const size_t width = m->network.outputs;
    double times = 0;
    for (size_t i = 0; i < e->members; i++) times += (double)e->times[i];
    for (size_t r = 0; r < rows; r++) {
        for (size_t k = 0, at = r * width; k < width; k++, at++) {
            double mean = sum[at] / times;
            if (m->task == LS_TASK_REGRESSION && m->target_scale)
                mean = (mean - m->target_mean[k]) * m->target_scale[k];
            outputs[at] = (float)mean;
        }
        if (m->task == LS_TASK_CLASSIFICATION && e->temperature != 1)
            ls_calibrate(outputs + r * width, width, (float)(1 / e->temperature));
    }
}

void ls_ensemble_losses(const ls_model *m, const float *outputs, const float *t, size_t rows,
                        float *losses)
{
    const size_t width = m->network.outputs;
    const bool numbers = m->task == LS_TASK_REGRESSION,
               one = m->network.output == LS_OUTPUT_SIGMOID;
    for (size_t r = 0; r < rows; r++) {
        losses[r] = 0;
        for (size_t k = r * width; k < (r + 1) * width; k++) {
            const float p = outputs[k], error = p - t[k];
            if (numbers) losses[r] = ls_fma(error, error, losses[r]);
            else if (t[k] > 0) losses[r] -= log_of(p);
            else if (one) losses[r] -= log_of(1.0f - p);
        }
    }
}

/* ---- The public functions -------------------------------------------------------------------- */

size_t ls_model_members(const ls_model *m) { return m && m->ensemble ? m->ensemble->members : 0; }

const ls_model *ls_model_member(const ls_model *m, size_t i)
{
    return i < ls_model_members(m) ? m->ensemble->member[i] : NULL;
}

uint64_t ls_model_member_times(const ls_model *m, size_t i)
{
    return i < ls_model_members(m) ? m->ensemble->times[i] : 0;
}

double ls_model_temperature(const ls_model *m)
{
    return m && m->ensemble ? m->ensemble->temperature : 1;
}
