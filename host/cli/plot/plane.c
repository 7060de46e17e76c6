/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/plane.h"
#include "host/base/memory.h"
#include "host/data/data.h"
#include "host/data/split.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 4, /* vectors of the subspace iteration; the two largest eigenvectors are used */
    ITERATIONS = 50
};

/* ---- Principal components -------------------------------------------------------------------- */

/* Makes the columns of v[inputs × block] orthonormal (Gram-Schmidt). A column that depends on the
 * ones before it is replaced by a coordinate axis. */
static void orthonormalize(double *v, size_t inputs, size_t block)
{
    for (size_t j = 0, spare = 0; j < block && spare <= inputs; j++) {
        double norm = 0, before = 0;
        for (size_t i = 0; i < inputs; i++) before += v[i * block + j] * v[i * block + j];
        for (size_t k = 0; k <= j; k++) {
            double dot = 0;
            for (size_t i = 0; i < inputs; i++) dot += v[i * block + j] * v[i * block + k];
            if (k == j) norm = sqrt(dot);
            else
                for (size_t i = 0; i < inputs; i++) v[i * block + j] -= dot * v[i * block + k];
        }
        if (norm > 1e-9 * sqrt(before)) {
            for (size_t i = 0; i < inputs; i++) v[i * block + j] /= norm;
            continue;
        }
        for (size_t i = 0; i < inputs; i++) v[i * block + j] = i == spare;
        spare++;
        j--; /* repeat this column with the axis */
    }
}

/* y[inputs × block] = transpose(x)·(x·v), x: rows × inputs. */
static void multiply(const double *x, size_t rows, size_t inputs, const double *v, double *y,
                     size_t block)
{
    memset(y, 0, inputs * block * sizeof *y);
    for (size_t r = 0; r < rows; r++) {
        double u[BLOCK] = {0};
        for (size_t i = 0; i < inputs; i++)
            for (size_t j = 0; j < block; j++) u[j] += x[r * inputs + i] * v[i * block + j];
        for (size_t i = 0; i < inputs; i++)
            for (size_t j = 0; j < block; j++) y[i * block + j] += x[r * inputs + i] * u[j];
    }
}

/* Eigenvectors of the symmetric t[n × n] by Jacobi rotations, as columns of q; t becomes diagonal.
 */
static void diagonalize(double *t, double *q, size_t n)
{
    for (size_t i = 0; i < n * n; i++) q[i] = i % (n + 1) == 0;
    for (int sweep = 0; sweep < 30; sweep++)
        for (size_t a = 0; a < n; a++)
            for (size_t b = a + 1; b < n; b++) {
                if (t[a * n + b] == 0) continue;
                double theta = (t[b * n + b] - t[a * n + a]) / (2 * t[a * n + b]);
                double tangent = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
                double c = 1 / sqrt(tangent * tangent + 1), s = tangent * c;
                for (size_t k = 0; k < n; k++) {
                    double left = t[k * n + a], right = t[k * n + b];
                    t[k * n + a] = c * left - s * right, t[k * n + b] = s * left + c * right;
                    left = q[k * n + a], right = q[k * n + b];
                    q[k * n + a] = c * left - s * right, q[k * n + b] = s * left + c * right;
                }
                for (size_t k = 0; k < n; k++) {
                    double left = t[a * n + k], right = t[b * n + k];
                    t[a * n + k] = c * left - s * right, t[b * n + k] = s * left + c * right;
                }
            }
}

/* Writes the eigenvector of the eigenvalue number `which` (0: the largest) to axis, with the sign
 * that makes its largest entry positive. Returns the eigenvalue. */
static double take_axis(const double *v, const double *t, const double *q, size_t inputs,
                        size_t block, size_t which, double *axis)
{
    size_t place = 0, largest = 0;
    for (size_t j = 0; j < block; j++) {
        size_t above = 0;
        for (size_t k = 0; k < block; k++)
            above += t[k * (block + 1)] > t[j * (block + 1)] ||
                     (t[k * (block + 1)] == t[j * (block + 1)] && k < j);
        if (above == which) place = j;
    }
    for (size_t i = 0; i < inputs; i++) {
        axis[i] = 0;
        for (size_t j = 0; j < block; j++) axis[i] += v[i * block + j] * q[j * block + place];
        if (fabs(axis[i]) > fabs(axis[largest])) largest = i;
    }
    for (size_t i = 0, turn = axis[largest] < 0; i < inputs && turn; i++) axis[i] = -axis[i];
    return t[place * (block + 1)];
}

/* The first two principal components by subspace iteration on transpose(x)·x, with a fixed start
 * and number of iterations, followed by Rayleigh-Ritz (Halko, Martinsson, Tropp, "Finding structure
 * with randomness", SIAM Review 53, 2011). x: rows × inputs, centred. room: 2 · inputs · BLOCK
 * values. */
static void principal_axes(const double *x, size_t rows, size_t inputs, double *room, plot_plane *p)
{
    size_t block = inputs < BLOCK ? inputs : BLOCK;
    double *v = room, *y = room + inputs * block, t[BLOCK * BLOCK] = {0}, q[BLOCK * BLOCK], all = 0;
    for (size_t i = 0; i < inputs * block; i++)
        v[i] = (double)((i * 7919 + 104729) % 1009) / 1009 - 0.5;
    orthonormalize(v, inputs, block);
    for (int k = 0; k < ITERATIONS; k++) {
        multiply(x, rows, inputs, v, y, block);
        memcpy(v, y, inputs * block * sizeof *v);
        orthonormalize(v, inputs, block);
    }
    multiply(x, rows, inputs, v, y, block);
    for (size_t i = 0; i < inputs; i++)
        for (size_t j = 0; j < block * block; j++)
            t[j] += v[i * block + j / block] * y[i * block + j % block];
    diagonalize(t, q, block);
    for (size_t i = 0; i < rows * inputs; i++) all += x[i] * x[i];
    for (size_t k = 0; k < 2; k++) {
        double held = take_axis(v, t, q, inputs, block, k, p->axis[k]);
        p->share[k] = all > 0 ? held / all : 0;
    }
}

/* ---- The plane ------------------------------------------------------------------------------- */

/* The rows as network inputs, after encoding; *inputs is freed by the caller. */
static ls_status inputs_of(const ls_model *model, const ls_data *rows, float **inputs,
                           ls_error *err)
{
    LS_TRY(ls_alloc(inputs, ls_data_rows(rows), ls_model_features(model) * sizeof **inputs,
                    "the inputs", err));
    return ls_model_inputs(model, rows, *inputs, err);
}

ls_status plot_plane_project(const plot_plane *p, const ls_model *model, const ls_data *rows,
                             float *xy, ls_error *err)
{
    size_t n = ls_data_rows(rows);
    float *inputs = NULL;
    if (!p->principal) {
        memcpy(xy, ls_data_x(rows), n * 2 * sizeof *xy);
        return LS_OK;
    }
    ls_status status = inputs_of(model, rows, &inputs, err);
    for (size_t r = 0; r < 2 * n && status == LS_OK; r++) {
        double sum = 0;
        for (size_t i = 0; i < p->inputs; i++)
            sum += ((double)inputs[r / 2 * p->inputs + i] - p->mean[i]) * p->axis[r % 2][i];
        xy[r] = (float)sum;
    }
    free(inputs);
    return status;
}

static void find_box(const float *xy, size_t rows, double box[4])
{
    for (size_t j = 0; j < 2; j++) {
        double low = HUGE_VAL, high = -HUGE_VAL;
        for (size_t i = 0; i < rows; i++) {
            low = fmin(low, (double)xy[2 * i + j]);
            high = fmax(high, (double)xy[2 * i + j]);
        }
        if (!(low <= high)) low = high = 0; /* all values are missing */
        double margin = high > low ? 0.08 * (high - low) : 1;
        box[2 * j] = low - margin;
        box[2 * j + 1] = high + margin;
    }
}

static ls_status fit_axes(const ls_model *model, const ls_data *rows, plot_plane *p, ls_error *err)
{
    size_t n = ls_data_rows(rows), d = p->inputs;
    float *inputs = NULL;
    double *x = NULL;
    p->rows = n;
    LS_TRY(ls_alloc(&p->mean, d, sizeof *p->mean, "the principal components", err));
    for (size_t k = 0; k < 2; k++)
        LS_TRY(ls_alloc(&p->axis[k], d, sizeof *p->axis[k], "the principal components", err));
    ls_status status = inputs_of(model, rows, &inputs, err);
    if (status == LS_OK)
        status = ls_alloc(&x, n + 2 * BLOCK, d * sizeof *x, "the principal components", err);
    if (status == LS_OK) {
        for (size_t i = 0; i < n * d; i++) p->mean[i % d] += (double)inputs[i] / (double)n;
        for (size_t i = 0; i < n * d; i++) x[i] = (double)inputs[i] - p->mean[i % d];
        principal_axes(x, n, d, x + n * d, p);
    }
    free(x);
    free(inputs);
    return status;
}

/* Fits the axes to `sample`, or to all rows if it is NULL. */
static ls_status fit(const ls_model *model, const ls_data *all, const ls_data *sample,
                     plot_plane *p, ls_error *err)
{
    float *xy;
    if (p->principal) LS_TRY(fit_axes(model, sample ? sample : all, p, err));
    const ls_data *rows = p->principal && sample ? sample : all;
    LS_TRY(ls_alloc(&xy, ls_data_rows(rows), 2 * sizeof *xy, "a boundary", err));
    ls_status status = plot_plane_project(p, model, rows, xy, err);
    if (status == LS_OK) find_box(xy, ls_data_rows(rows), p->box);
    free(xy);
    return status;
}

ls_status plot_plane_fit(const ls_model *model, const ls_data *points, plot_plane *out,
                         ls_error *err)
{
    size_t inputs = ls_model_features(model), most = ((size_t)1 << 20) / inputs;
    *out = (plot_plane){.inputs = inputs, .principal = inputs != 2 || ls_data_columns(points) != 2};
    if (inputs < 2)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "a decision boundary needs at least two features, but the model has one");
    ls_data *sample;
    LS_TRY(ls_data_thin(points, most < 500 ? 500 : most < 4000 ? most : 4000, &sample, err));
    ls_status status = fit(model, points, sample, out, err);
    ls_data_free(sample);
    if (status != LS_OK) plot_plane_free(out);
    return status;
}

void plot_plane_free(plot_plane *p)
{
    free(p->mean);
    free(p->axis[0]);
    free(p->axis[1]);
    *p = (plot_plane){0};
}
