/* SPDX-License-Identifier: MIT */
/* The training loop. It asks the backend for slices of steps, as many epochs at once as a moment allows, and reads the
 * losses afterwards. Where a stop falls inside a slice, the slice is undone and run again up to there: runs are functions of
 * their inputs, so the result is that of a loop that looks after every epoch. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "model.h"
#include "schedule.h"

enum { SLICE_STEPS = 1 << 16 }; /* at most, in one call */
static const double slice_seconds = 0.05; /* aimed at: short enough for progress and Ctrl-C */

typedef struct {
    const ls_settings *settings;
    ls_model *model;
    ls_backend *backend;
    ls_workspace *workspace;
    ls_plan *plan;
    const ls_data *train, *validation;  /* validation may be NULL */
    float *x, *t, *weight;              /* training rows, then validation rows */
    ls_rate_plan schedule;
    ls_rates *rates;                    /* SLICE_STEPS, or fewer */
    float *losses;                      /* the same */
    float *row_losses;                  /* validation rows */
    size_t room;
    ls_epoch_callback callback;
    void *user;

    uint64_t step;                      /* steps whose losses have been looked at */
    double epoch_sum;                   /* losses of the epoch at hand */
    double best_loss, best_validation;
    uint64_t bad_epochs, bad_validations;
    uint64_t stride;                    /* every how many epochs history keeps a point */
    double seconds;
    const char *stopped;
    ls_error *err;
} trainer;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- Preparation ------------------------------------------------------------------------------------------------ */

/* Mean and 1/deviation of each feature over the training rows; a constant feature keeps its scale. */
static ls_status fit_standardize(ls_model *m, const ls_data *d, ls_error *err)
{
    size_t features = d->features;
    LS_TRY(ls_alloc(&m->mean, features, sizeof *m->mean, "the preprocessing", err));
    LS_TRY(ls_alloc(&m->scale, features, sizeof *m->scale, "the preprocessing", err));
    for (size_t i = 0; i < features; i++) {
        double sum = 0, squares = 0;
        for (size_t r = 0; r < d->rows; r++) sum += (double)d->x[r * features + i];
        double mean = sum / (double)d->rows;
        for (size_t r = 0; r < d->rows; r++) {
            double e = (double)d->x[r * features + i] - mean;
            squares += e * e;
        }
        m->mean[i] = mean;
        m->scale[i] = squares > 0 ? 1.0 / sqrt(squares / (double)d->rows) : 1.0;
    }
    return LS_OK;
}

/* Weight of each class's rows: n / (classes · rows of the class) where balanced, as scikit-learn has it, or as given. */
static ls_status class_weights(const trainer *tr, double *weight, size_t classes)
{
    const ls_settings *s = tr->settings;
    if (s->class_weights == 2) {
        if (s->class_weight_count != classes)
            return ls_fail(tr->err, LS_ERR_ARGUMENT, "--class-weights names %zu weights, the data has %zu classes",
                           s->class_weight_count, classes);
        memcpy(weight, s->class_weight, classes * sizeof *weight);
        return LS_OK;
    }
    for (size_t k = 0; k < classes; k++) weight[k] = 0;
    for (size_t r = 0; r < tr->train->rows; r++) weight[tr->train->y[r]] += 1;
    for (size_t k = 0; k < classes; k++)
        weight[k] = weight[k] > 0 ? (double)tr->train->rows / ((double)classes * weight[k]) : 0;
    return LS_OK;
}

static ls_status fill_weights(trainer *tr, size_t rows, ls_error *err)
{
    double *weight;
    size_t classes = tr->model->network.classes;
    if (!tr->settings->class_weights) return LS_OK;
    LS_TRY(ls_alloc(&tr->weight, rows, sizeof *tr->weight, "the row weights", err));
    LS_TRY(ls_alloc(&weight, classes, sizeof *weight, "the class weights", err));
    ls_status status = class_weights(tr, weight, classes);
    for (size_t r = 0; r < rows && status == LS_OK; r++)
        tr->weight[r] = r < tr->train->rows ? (float)weight[tr->train->y[r]] : 1.0f;
    free(weight);
    return status;
}

/* Inputs and targets as the network sees them. */
static ls_status fill_rows(trainer *tr, size_t rows, ls_error *err)
{
    const ls_network *n = &tr->model->network;
    size_t inputs, outputs;
    if (!ls_mul_size(rows, n->inputs, &inputs) || !ls_mul_size(rows, n->outputs, &outputs))
        return ls_fail(err, LS_ERR_MEMORY, "%zu rows are too many for this machine's memory", rows);
    LS_TRY(ls_alloc(&tr->x, inputs, sizeof *tr->x, "the inputs", err));
    LS_TRY(ls_alloc(&tr->t, outputs, sizeof *tr->t, "the targets", err));
    LS_TRY(fill_weights(tr, rows, err));
    const ls_data *parts[] = {tr->train, tr->validation};
    for (size_t i = 0, at = 0; i < 2 && parts[i]; at += parts[i++]->rows) {
        ls_model_preprocess(tr->model, parts[i]->x, parts[i]->rows, tr->x + at * n->inputs);
        ls_network_targets(n, parts[i]->y, parts[i]->rows, tr->t + at * n->outputs);
    }
    return LS_OK;
}

static ls_status copy_names(ls_model *m, const ls_data *d, ls_error *err)
{
    bool lost = false;
    for (size_t i = 0; i < d->features; i++) lost |= !(m->feature_names[i] = ls_strdup(d->feature_names[i]));
    for (size_t i = 0; i < d->classes; i++) lost |= !(m->class_names[i] = ls_strdup(d->class_names[i]));
    return lost ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the names of features and classes") : LS_OK;
}

static ls_status check_data(const ls_settings *s, const ls_data *data, ls_error *err)
{
    if (!data->y) return ls_fail(err, LS_ERR_ARGUMENT, "the data has no classes to learn");
    if (s->patience && !(ls_settings_validation(s) > 0))
        return ls_fail(err, LS_ERR_ARGUMENT, "--patience watches the validation loss; hold rows out with --validation 0.1");
    int32_t first = data->y[0];
    for (size_t r = 1; r < data->rows; r++)
        if (data->y[r] != first) return LS_OK;
    return ls_fail(err, LS_ERR_DATA, "all %zu training rows are of class '%s'; there is nothing to learn", data->rows,
                   data->class_names[first]);
}

/* Plan, memory on the device and the starting weights. */
static ls_status open_workspace(trainer *tr, size_t rows, ls_error *err)
{
    const ls_network *n = &tr->model->network;
    LS_TRY(ls_plan_build(n, tr->settings, LS_PLAN_TRAIN, tr->train->rows, tr->weight != NULL, &tr->plan, err));
    ls_rows data = {rows, n->inputs, n->outputs, tr->x, tr->t, tr->weight};
    LS_TRY(ls_workspace_of_one(tr->backend, &data, tr->plan, &tr->workspace, err));
    ls_network_init(n, tr->settings, tr->model->values);
    const ls_plan *p = tr->plan;
    LS_TRY(tr->backend->slots->write(tr->workspace, 0, 0, p->parameters, tr->model->values, err));
    return tr->backend->slots->write(tr->workspace, 0, p->state - p->running, p->running, tr->model->values + p->parameters, err);
}

static ls_status prepare(trainer *tr, ls_error *err)
{
    size_t rows = tr->train->rows + (tr->validation ? tr->validation->rows : 0);
    LS_TRY(ls_model_alloc_values(tr->model, err));
    LS_TRY(copy_names(tr->model, tr->train, err));
    if (tr->settings->standardize) LS_TRY(fit_standardize(tr->model, tr->train, err));
    LS_TRY(fill_rows(tr, rows, err));
    LS_TRY(open_workspace(tr, rows, err));
    uint64_t per_epoch = ls_plan_steps_per_epoch(tr->plan);
    if (tr->settings->epochs > UINT64_MAX / per_epoch / 2 || tr->settings->warmup > UINT64_MAX / per_epoch / 2)
        return ls_fail(err, LS_ERR_ARGUMENT, "--epochs times %llu steps an epoch is too large a number", (unsigned long long)per_epoch);
    ls_rate_plan_init(&tr->schedule, tr->settings, per_epoch);
    uint64_t steps = tr->settings->epochs * per_epoch;
    tr->room = steps < SLICE_STEPS ? (size_t)steps : SLICE_STEPS;
    LS_TRY(ls_alloc(&tr->rates, tr->room, sizeof *tr->rates, "the training loop", err));
    LS_TRY(ls_alloc(&tr->losses, tr->room, sizeof *tr->losses, "the training loop", err));
    if (tr->validation) LS_TRY(ls_alloc(&tr->row_losses, tr->validation->rows, sizeof(float), "the training loop", err));
    tr->best_loss = tr->best_validation = INFINITY;
    tr->stride = 1;
    return LS_OK;
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

/* keep: leave the last step's activations where they can be read. */
static ls_status run_steps(trainer *tr, uint64_t first, uint64_t count, bool keep)
{
    for (uint64_t i = 0; i < count; i++) tr->rates[i] = ls_rates_at(&tr->schedule, first + i);
    ls_run run = {.first = first, .count = count, .rates = tr->rates, .losses = tr->losses, .keep = keep};
    return tr->backend->slots->run(tr->workspace, &run, 1, tr->err);
}

static ls_status copy_state(trainer *tr, size_t from, size_t to)
{
    return tr->backend->slots->copy(tr->workspace, 0, from, to, tr->plan->state, tr->err);
}

/* Mean loss of the validation rows (or their sum, as training has it). */
static ls_status validate(trainer *tr, double *out)
{
    size_t rows = tr->validation->rows;
    double sum = 0;
    double started = now();
    LS_TRY(tr->backend->slots->infer(tr->workspace, 0, tr->train->rows, rows, NULL, tr->row_losses, tr->err));
    tr->seconds += now() - started;
    for (size_t r = 0; r < rows; r++) sum += (double)tr->row_losses[r];
    *out = tr->plan->mean ? sum / (double)rows : sum;
    return LS_OK;
}

static void add_history(trainer *tr, uint64_t epoch, double loss, double validation, bool last)
{
    ls_model *m = tr->model;
    if (epoch != 1 && epoch % tr->stride != 0 && !last) return;
    if (m->history_count >= LS_HISTORY_POINTS - 1 && !last) {
        size_t kept = 0;
        tr->stride *= 2;
        for (size_t i = 0; i < m->history_count; i++)
            if (m->history[i].epoch == 1 || m->history[i].epoch % tr->stride == 0) m->history[kept++] = m->history[i];
        m->history_count = kept;
        if (epoch % tr->stride != 0) return;
    }
    m->history[m->history_count++] = (ls_history_point){epoch, (float)loss, (float)validation};
}

static void stop(trainer *tr, const char *why)
{
    if (!tr->stopped) tr->stopped = why;
}

/* Early stopping on the validation loss; the best state is kept on the device. */
static ls_status watch_validation(trainer *tr, uint64_t epoch, double validation)
{
    const ls_settings *s = tr->settings;
    if (!s->patience) return LS_OK;
    if (validation < tr->best_validation) {
        tr->best_validation = validation;
        tr->bad_validations = 0;
        tr->model->summary.best_epoch = epoch;
        return copy_state(tr, 0, tr->plan->best);
    }
    if (++tr->bad_validations >= s->patience) stop(tr, "patience");
    return LS_OK;
}

/* Looks at an epoch that has been run: history, progress and the reasons to stop. */
static ls_status end_epoch(trainer *tr, uint64_t epoch)
{
    const ls_settings *s = tr->settings;
    ls_summary *summary = &tr->model->summary;
    double loss = tr->plan->mean ? tr->epoch_sum / (double)tr->train->rows : tr->epoch_sum, validation = NAN;
    double rate = ls_rate_at(&tr->schedule, tr->step - 1);
    tr->epoch_sum = 0;
    if (tr->validation) LS_TRY(validate(tr, &validation));
    summary->epochs = epoch;
    summary->steps = tr->step;
    summary->loss = loss;
    if (!s->patience) summary->best_epoch = epoch;
    if (epoch == s->epochs) stop(tr, "epochs");
    LS_TRY(watch_validation(tr, epoch, validation));
    ls_rate_plan_epoch(&tr->schedule, tr->validation ? validation : loss);
    if (s->tolerance > 0) {
        tr->bad_epochs = loss < tr->best_loss - s->tolerance ? 0 : tr->bad_epochs + 1;
        if (tr->bad_epochs >= s->tolerance_epochs) stop(tr, "tolerance");
    }
    if (loss < tr->best_loss) tr->best_loss = loss;
    if (s->time_limit > 0 && tr->seconds >= s->time_limit) stop(tr, "time");
    ls_progress progress = {.epoch = epoch, .epochs = s->epochs, .steps = tr->step, .loss = loss,
                            .validation_loss = validation, .seconds = tr->seconds, .learning_rate = rate};
    if (tr->callback && tr->callback(&progress, tr->user)) stop(tr, "callback");
    add_history(tr, epoch, loss, validation, tr->stopped != NULL);
    return LS_OK;
}

/* ---- Divergence ------------------------------------------------------------------------------------------------- */

static bool all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

/* First layer with a parameter that is not finite, or -1. */
static int bad_parameters(trainer *tr)
{
    const ls_network *n = &tr->model->network;
    float *values = tr->model->values;
    if (tr->backend->slots->read(tr->workspace, 0, 0, n->parameters, values, NULL) != LS_OK) return -1;
    for (size_t i = 0; i < n->count; i++) {
        const ls_layer *l = &n->layer[i];
        if (!all_finite(values + l->weight, l->in * l->out)) return (int)i;
        if (l->norm ? !all_finite(values + l->gamma, 2 * l->out) : !all_finite(values + l->bias, l->out)) return (int)i;
    }
    return -1;
}

/* First layer whose activations in the step just run are not finite, or -1. */
static int bad_activations(trainer *tr)
{
    const ls_plan *p = tr->plan;
    for (size_t i = 0; i < p->step.count; i++) {
        const ls_op *o = &p->step.op[i];
        bool forward = o->kind == LS_OP_DENSE || o->kind == LS_OP_NORM || o->kind == LS_OP_LOSS;
        size_t n = p->batch * o->out;
        float *a;
        if (!forward || !ls_there(o->a) || ls_alloc(&a, n, sizeof *a, "", NULL) != LS_OK) continue;
        bool bad = tr->backend->slots->read(tr->workspace, 0, o->a.at, n, a, NULL) == LS_OK && !all_finite(a, n);
        free(a);
        if (bad) return o->layer;
    }
    return -1;
}

/* The loss of step `first + i` is not finite. Goes back to the slice's start where there is a copy of it, walks up to that
 * step, and names what was not finite first. */
static ls_status diverged(trainer *tr, uint64_t first, uint64_t i)
{
    uint64_t step = first + i;
    float loss = tr->losses[i];
    int layer;
    char what[100] = "the loss itself overflowed, all weights and outputs being finite";
    const char *kind = "weights";
    if (tr->plan->snapshot) {
        LS_TRY(copy_state(tr, tr->plan->snapshot, 0));
        if (i) LS_TRY(run_steps(tr, first, i, false));
        layer = bad_parameters(tr);
        if (layer < 0) {
            kind = "activations";
            LS_TRY(run_steps(tr, step, 1, true));
            layer = bad_activations(tr);
        }
    } else layer = bad_parameters(tr);
    if (layer >= 0)
        snprintf(what, sizeof what, "the %s of layer %d of %zu were the first that are not finite", kind, layer + 1, tr->model->network.count);
    return ls_fail(tr->err, LS_ERR_DIVERGED, "training diverged: the loss became %s at step %llu (epoch %llu); %s. Try a smaller --lr "
                   "(it was %g)%s%s", isnan(loss) ? "NaN" : "infinite", (unsigned long long)step + 1,
                   (unsigned long long)(step / tr->schedule.steps_per_epoch) + 1, what, ls_rate_at(&tr->schedule, step),
                   tr->settings->clip > 0 ? "" : ", or --clip 1", tr->settings->standardize ? "" : ", or --standardize");
}

/* ---- The loop --------------------------------------------------------------------------------------------------- */

/* Runs steps and looks at their losses. */
static ls_status run_slice(trainer *tr, uint64_t first, uint64_t count)
{
    double started = now();
    if (tr->plan->snapshot) LS_TRY(copy_state(tr, 0, tr->plan->snapshot));
    LS_TRY(run_steps(tr, first, count, false));
    double elapsed = now() - started;
    for (uint64_t i = 0; i < count && !tr->stopped; i++) {
        tr->seconds += elapsed / (double)count; /* each step its share, so that progress inside a slice is even */
        if (!isfinite(tr->losses[i])) return diverged(tr, first, i);
        tr->epoch_sum += (double)tr->losses[i];
        tr->step = first + i + 1;
        if (tr->step % tr->schedule.steps_per_epoch == 0)
            LS_TRY(end_epoch(tr, tr->step / tr->schedule.steps_per_epoch));
    }
    if (tr->step == first + count) return LS_OK;
    LS_TRY(copy_state(tr, tr->plan->snapshot, 0));
    return run_steps(tr, first, tr->step - first, false);
}

/* Steps of the next slice: to the end of the epoch, or of several where nothing has to be looked at in between. */
static uint64_t slice_steps(const trainer *tr, double steps_per_second)
{
    uint64_t per_epoch = tr->schedule.steps_per_epoch, left = per_epoch - tr->step % per_epoch;
    bool alone = tr->validation || !tr->plan->snapshot || tr->settings->schedule == LS_SCHEDULE_PLATEAU;
    if (!alone && left == per_epoch) {
        double epochs = steps_per_second * slice_seconds / (double)per_epoch;
        uint64_t most = tr->room / per_epoch, remaining = tr->settings->epochs - tr->step / per_epoch;
        uint64_t wanted = epochs > 1 ? (epochs < (double)most ? (uint64_t)epochs : most) : 1;
        if (wanted > remaining) wanted = remaining;
        if (wanted > 1) left = wanted * per_epoch;
    }
    return left < tr->room ? left : tr->room;
}

static ls_status loop(trainer *tr)
{
    double rate = 0;
    while (!tr->stopped) {
        uint64_t count = slice_steps(tr, rate);
        double before = tr->seconds;
        LS_TRY(run_slice(tr, tr->step, count));
        if (tr->seconds > before) rate = (double)count / (tr->seconds - before);
    }
    return LS_OK;
}

/* The trained state into the model. */
static ls_status finish(trainer *tr)
{
    const ls_plan *p = tr->plan;
    ls_model *m = tr->model;
    if (tr->settings->patience && tr->best_validation < INFINITY) LS_TRY(copy_state(tr, p->best, 0));
    LS_TRY(tr->backend->slots->read(tr->workspace, 0, 0, p->parameters, m->values, tr->err));
    LS_TRY(tr->backend->slots->read(tr->workspace, 0, p->state - p->running, p->running, m->values + p->parameters, tr->err));
    if (!all_finite(m->values, p->parameters + p->running))
        return ls_fail(tr->err, LS_ERR_DIVERGED, "training diverged: weights stopped being finite in the last step; try a "
                       "smaller --lr (it was %g), or --clip 1", ls_rate_at(&tr->schedule, tr->step));
    m->summary.seconds = tr->seconds;
    snprintf(m->stopped, sizeof m->stopped, "%s", tr->stopped);
    return LS_OK;
}

static void trainer_close(trainer *tr)
{
    if (tr->workspace) tr->backend->slots->workspace_close(tr->workspace);
    ls_plan_free(tr->plan);
    free(tr->x);
    free(tr->t);
    free(tr->weight);
    free(tr->rates);
    free(tr->losses);
    free(tr->row_losses);
}

/* Trains on rows that are already divided. */
static ls_status train_on(ls_device *device, const ls_options *options, const ls_data *rows, const ls_data *validation,
                          ls_epoch_callback callback, void *user, ls_model **out, ls_error *err)
{
    trainer tr = {.backend = device->backend, .train = rows, .validation = validation, .callback = callback,
                  .user = user, .err = err};
    LS_TRY(ls_model_create(options, rows->features, rows->classes, &tr.model, err));
    tr.settings = &tr.model->options->settings;
    ls_status status = prepare(&tr, err);
    if (status == LS_OK) status = loop(&tr);
    if (status == LS_OK) status = finish(&tr);
    trainer_close(&tr);
    if (status != LS_OK) ls_model_free(tr.model);
    else *out = tr.model;
    return status;
}

ls_status ls_train(ls_device *device, const ls_options *options, const ls_data *data, ls_epoch_callback callback, void *user,
                   ls_model **out, ls_error *err)
{
    if (!options || !data || !out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_train: an argument is NULL");
    LS_TRY(check_data(&options->settings, data, err));
    ls_device *own = NULL;
    ls_data *rest = NULL, *part = NULL;
    double share = ls_settings_validation(&options->settings);
    ls_status status = share > 0 ? ls_data_split(data, share, options->settings.seed, &rest, &part, err) : LS_OK;
    if (status == LS_OK && !device) status = ls_device_open("cpu", 1, 0, &own, err);
    if (status == LS_OK)
        status = train_on(device ? device : own, options, rest ? rest : data, part, callback, user, out, err);
    ls_device_close(own);
    ls_data_free(rest);
    ls_data_free(part);
    return status;
}
