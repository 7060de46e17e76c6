/* SPDX-License-Identifier: MIT */
#include "host/device/choice.h"
#include "host/base/cores.h"
#include "host/base/memory.h"
#include <stdlib.h>
#include <string.h>

/* A pass tries the candidates one after the other. Fewer threads pay only for few members, and are
 * tried by halves for as long as each was faster than the one before. */

static const ls_choice_patience usual_patience = {
    .threads = 2, .devices = 5, .unchecked = 20, .left = 0.5};
static const double sample_seconds = 0.01; /* a sample takes at least */
static const double
    long_sample = 0.03,
    long_on_gpu = 0.2; /* one sample that takes so long is enough; GPUs may still be compiling */
static const double ahead =
    0.95; /* of the best's time: a candidate that needs less takes its place */
static const double far_ahead = 0.5; /* at once; otherwise both are measured once more, as something
                                        else may have disturbed the best */

/* ---- Candidates ------------------------------------------------------------------------------ */

static ls_candidate *new_candidate(ls_choice *c, const ls_device_info *info)
{
    if (c->count == LS_CHOICE_MOST) return NULL;
    ls_candidate *k = &c->list[c->count++];
    *k = (ls_candidate){.info = *info};
    snprintf(k->trial.name, sizeof k->trial.name, "%s", info->name);
    return k;
}

bool ls_choice_add(ls_choice *c, const ls_device_info *info, ls_backend *backend, unsigned threads)
{
    ls_candidate *k = new_candidate(c, info);
    if (!k) return false;
    k->state = LS_CANDIDATE_OPEN;
    k->backend = backend;
    k->threads = threads;
    return true;
}

/* The best one is the device. */
static void set_best(ls_choice *c, size_t best)
{
    c->list[c->best].trial.chosen = 0;
    c->best = best;
    c->list[best].trial.chosen = 1;
    c->device->info = c->list[best].info;
    c->device->backend = c->list[best].backend;
}

ls_status ls_choice_create(ls_device *device, unsigned threads, bool opencl, ls_choice **out,
                           ls_error *err)
{
    unsigned most = threads ? threads : ls_usable_cores();
    ls_choice *c;
    *out = NULL;
    if (!opencl && (threads || most == 1)) return LS_OK;
    LS_TRY(ls_alloc(&c, 1, sizeof *c, "the devices to choose from", err));
    c->device = device;
    c->threads = most;
    c->patience = usual_patience;
    for (unsigned n = most; n; n = threads ? 0 : n / 2) {
        ls_device_info info = ls_cpu_info(n);
        ls_choice_add(c, &info, device->backend, n);
    }
    c->discovered = !opencl;
    set_best(c, 0);
    *out = c;
    return LS_OK;
}

/* ---- Finding and opening OpenCL devices, beside the training --------------------------------- */

/* A step of the example on zeros, and a look at its outputs. */
static ls_status run_example(const ls_choice *c, ls_backend *backend, const ls_network *net,
                             const ls_plan *plan)
{
    ls_workspace *workspace;
    ls_rates rates = {.correction2 = 1, .keep = 1};
    float *x = NULL, *t = NULL, loss;
    ls_run run = {.count = 1, .rates = &rates, .losses = &loss};
    ls_status status = ls_alloc(&x, c->example_rows, c->example_features * sizeof *x, "", NULL);
    if (status == LS_OK) status = ls_alloc(&t, c->example_rows, net->outputs * sizeof *t, "", NULL);
    ls_rows data = {c->example_rows, c->example_features, net->outputs, x, t, NULL};
    if (status == LS_OK &&
        (status = ls_workspace_of_one(backend, &data, plan, &workspace, NULL)) == LS_OK) {
        status = backend->slots->run(workspace, &run, 1, NULL);
        if (status == LS_OK) status = backend->slots->infer(workspace, 0, 0, 1, NULL, &loss, NULL);
        backend->slots->member_remove(workspace, 0);
        backend->slots->workspace_close(workspace);
    }
    free(x);
    free(t);
    return status;
}

/* Has the device compile what it will need. If this fails, so will the trial, which can say why. */
static void warm_up(const ls_choice *c, ls_backend *backend)
{
    ls_network net = {0};
    ls_plan *plan = NULL;
    if (!c->example) return;
    ls_status status = ls_network_build(&c->example->settings, c->example_features,
                                        c->example_classes, &net, NULL);
    if (status == LS_OK)
        status = ls_plan_build(&net, &c->example->settings, LS_PLAN_TRAIN, c->example_rows, false,
                               &plan, NULL);
    if (status == LS_OK) (void)run_example(c, backend, &net, plan);
    ls_plan_free(plan);
    ls_network_free(&net);
}

static void take_example(ls_choice *c, const ls_workload *w)
{
    ls_options_free(c->example);
    c->example = NULL;
    if (!w->example || ls_options_copy(w->example->options, &c->example, NULL) != LS_OK) return;
    c->example_features = w->example->network.inputs;
    c->example_classes = w->example->network.classes;
    c->example_rows = w->rows;
}

static void *open_one(void *user)
{
    ls_choice *c = user;
    ls_candidate *k = &c->list[c->next];
    size_t number = (size_t)k->info.index;
    if (c->finding) c->open_status = ls_catalogue_finish(&c->catalogue, &c->open_error);
    else {
        c->open_status = ls_catalogue_start(&c->catalogue, number, &k->backend, &c->open_error);
        if (c->open_status == LS_OK && c->catalogue.info[number].exact) warm_up(c, k->backend);
    }
    atomic_store(&c->opened, true);
    return NULL;
}

static void begin_opening(ls_choice *c, const ls_workload *w, bool finding)
{
    if (!finding) take_example(c, w);
    c->finding = finding;
    c->opening = true;
    atomic_store(&c->opened, false);
    /* the CPU path's own threads are idle between rounds */
    if (finding)
        ls_catalogue_begin(&c->catalogue, c->list[c->at].threads ? c->list[c->at].threads - 1 : 0);
    if (pthread_create(&c->thread, NULL, open_one, c) == 0) return;
    c->thread = pthread_self();
    open_one(c);
}

/* GPUs before others; what has to be checked first comes last. */
static int rank_of(const ls_device_info *info, bool checked)
{
    return (checked ? 0 : 10) + (!strcmp(info->kind, "gpu")   ? 0
                                 : !strcmp(info->kind, "cpu") ? 2
                                                              : 1);
}

static void add_found(ls_choice *c)
{
    ls_catalogue *all = &c->catalogue;
    c->discovered = true;
    for (int rank = 0; rank < 20 && c->open_status == LS_OK; rank++)
        for (size_t i = 1; i < all->count; i++) {
            bool checked = ls_catalogue_recall(all, i);
            if (!all->info[i].exact || rank_of(&all->info[i], checked) != rank) continue;
            ls_candidate *k = new_candidate(c, &all->info[i]);
            if (k) k->state = checked ? LS_CANDIDATE_FOUND : LS_CANDIDATE_UNCHECKED;
        }
}

/* What the thread has brought. */
static void end_opening(ls_choice *c)
{
    if (!pthread_equal(c->thread, pthread_self())) pthread_join(c->thread, NULL);
    c->opening = false;
    if (c->finding) {
        add_found(c);
        return;
    }
    ls_candidate *k = &c->list[c->next];
    k->state = LS_CANDIDATE_OPEN;
    if (c->open_status != LS_OK)
        snprintf(k->trial.note, sizeof k->trial.note, "cannot be opened: %.230s",
                 c->open_error.message);
    else {
        const ls_device_info *info = &c->catalogue.info[k->info.index];
        k->info = *info;
        if (info->exact) return;
        snprintf(k->trial.note, sizeof k->trial.note, "is approximate: it %.230s", info->reason);
    }
    k->state = LS_CANDIDATE_OUT;
}

void ls_choice_free(ls_choice *c)
{
    if (!c) return;
    if (c->opening) end_opening(c);
    for (size_t i = 0; i < c->count; i++) {
        ls_backend *backend = c->list[i].backend;
        if (backend && (i == 0 || !c->list[i].threads)) backend->slots->close(backend);
    }
    ls_catalogue_close(&c->catalogue);
    ls_options_free(c->example);
    free(c);
}

/* ---- Whether trying pays --------------------------------------------------------------------- */

/* Seconds of a unit of cost on the best: the least of the latest samples, as what disturbs only
 * adds. */
static double best_pace(const ls_choice *c)
{
    double least = 0;
    for (size_t i = 0; i < c->samples && i < LS_CHOICE_SAMPLES; i++)
        if (i == 0 || c->sample[i] < least) least = c->sample[i];
    return least;
}

static void forget_samples(ls_choice *c)
{
    c->samples = 0;
    c->sample_seconds = c->sample_cost = 0;
}

/* Seconds to come: what is left of this call, or as long again as it has been going on, as calls
 * follow each other in a search. */
static double expected(const ls_choice *c, const ls_workload *w)
{
    double left = w->left * best_pace(c);
    if (left < c->patience.left) return 0;
    return left > c->spent ? left : c->spent;
}

static bool within(double a, double b, double factor) { return a <= factor * b && b <= factor * a; }

/* Whether one workload is so like the other that the same candidate should be the fastest. */
static bool similar(const ls_workload *a, const ls_workload *b, double factor)
{
    if (!a->members || !b->members) return false;
    return within((double)a->members, (double)b->members, factor) &&
           within(a->step / (double)a->members, b->step / (double)b->members, factor);
}

/* Seconds that must be expected before candidate i is tried. */
static double patience_for(const ls_choice *c, const ls_candidate *k, const ls_workload *w)
{
    if (k->threads) return c->patience.threads;
    double least = k->state == LS_CANDIDATE_UNCHECKED ? c->patience.unchecked : c->patience.devices;
    /* two steps at least are tried, and a device that is no GPU may well be slower */
    double steps = (strcmp(k->info.kind, "gpu") ? 100 : 20) * w->step * best_pace(c);
    return steps > least ? steps : least;
}

/* Whether another number of threads has any prospect. */
static bool has_prospect(const ls_choice *c, size_t i, const ls_workload *w)
{
    if (!c->list[i].threads || i == 0) return true;
    double one = c->list[i - 1].pace, two = i > 1 ? c->list[i - 2].pace : 0;
    if (w->members >= 2 * c->threads || one <= 0) return false;
    return two <= 0 || one < 1.02 * two;
}

/* ---- Decisions ------------------------------------------------------------------------------- */

static void begin_pass(ls_choice *c, const ls_workload *w)
{
    c->decided = false;
    c->next = 0;
    c->when = *w;
    for (size_t i = 0; i < c->count; i++) c->list[i].pace = 0;
    c->list[c->best].pace = best_pace(c);
}

static void note_speed(ls_candidate *k, const ls_workload *w)
{
    k->trial.speed = (double)w->members / (w->step * k->pace);
}

static void end_pass(ls_choice *c, const ls_workload *w)
{
    c->decided = true;
    c->spent = 0;
    c->list[c->best].pace = best_pace(c);
    note_speed(&c->list[c->best], w);
}

static size_t put_on_trial(ls_choice *c, size_t i)
{
    c->rounds = 0;
    c->tried = 0;
    c->least = c->longest = 0;
    c->sample_seconds = c->sample_cost = 0;
    return c->at = i;
}

/* The next candidate to try, or the best: while there is one to wait for, and where there is none.
 */
static size_t next_trial(ls_choice *c, const ls_workload *w)
{
    double seconds = expected(c, w);
    while (!c->opening) {
        if (c->next == c->count) {
            if (c->discovered) break;
            if (seconds < c->patience.devices) return c->at = c->best;
            begin_opening(c, w, true);
            return c->at = c->best;
        }
        ls_candidate *k = &c->list[c->next];
        if (c->next == c->best || k->state == LS_CANDIDATE_OUT || !has_prospect(c, c->next, w)) {
            c->next++;
            continue;
        }
        if (seconds < patience_for(c, k, w)) return c->at = c->best;
        if (k->state == LS_CANDIDATE_OPEN) return put_on_trial(c, c->next);
        begin_opening(c, w, false);
    }
    if (!c->opening) end_pass(c, w);
    return c->at = c->best;
}

/* The trial of candidate `next` is over. */
static size_t conclude(ls_choice *c, const ls_workload *w, bool won)
{
    ls_candidate *k = &c->list[c->next];
    k->pace = c->least;
    note_speed(k, w);
    c->list[c->best].pace = best_pace(c);
    note_speed(&c->list[c->best], w);
    if (won) {
        set_best(c, c->next);
        forget_samples(c);
        c->sample[c->samples++] = c->least;
    }
    c->next++;
    c->again = false;
    c->sample_seconds = c->sample_cost = 0;
    return next_trial(c, w);
}

/* Back to the best, and then once more to the candidate. */
static size_t try_again(ls_choice *c)
{
    c->again = true;
    c->tried = 0;
    c->list[c->next].pace = c->least;
    c->sample_seconds = c->sample_cost = 0;
    return c->at = c->best;
}

/* A sample of the best between two trials of a candidate. */
static size_t between_trials(ls_choice *c, const ls_workload *w)
{
    double least = c->least;
    if (++c->tried < 2) return c->at;
    if (least >= ahead * best_pace(c)) return conclude(c, w, false);
    put_on_trial(c, c->next);
    c->least = least;
    c->tried = 1;
    return c->at;
}

/* Gathers rounds until they make a sample. */
static bool take_sample(ls_choice *c, double seconds, double cost, double *pace)
{
    c->sample_seconds += seconds;
    c->sample_cost += cost;
    if (c->sample_seconds < sample_seconds || c->sample_cost <= 0) return false;
    *pace = c->sample_seconds / c->sample_cost;
    if (c->sample_seconds > c->longest) c->longest = c->sample_seconds;
    c->sample_seconds = c->sample_cost = 0;
    return true;
}

/* A round on trial. The first one is not counted: it compiles. Close results are measured for
 * longer. */
static size_t on_trial(ls_choice *c, const ls_workload *w, double seconds, double cost)
{
    enum { CLEAR = 2, CLOSE = 5 };
    double pace, best = best_pace(c), wasted = seconds - cost * best;
    if (wasted > 0) c->lost += wasted;
    if (c->rounds++ == 0 || !take_sample(c, seconds, cost, &pace)) return c->at;
    if (!c->tried++ || pace < c->least) c->least = pace;
    size_t enough = within(c->least, best, 1.25) ? CLOSE : CLEAR;
    double long_enough = strcmp(c->list[c->at].info.kind, "gpu") ? long_sample : long_on_gpu;
    if (c->tried < enough && c->longest < long_enough) return c->at;
    bool won = c->least < ahead * best;
    return won && !c->again && c->least > far_ahead * best ? try_again(c) : conclude(c, w, won);
}

size_t ls_choice_round(ls_choice *c, const ls_workload *w, double seconds, double cost)
{
    double pace;
    c->spent += seconds;
    if (c->at != c->best) return w->members ? on_trial(c, w, seconds, cost) : c->at;
    bool sampled = take_sample(c, seconds, cost, &pace);
    if (sampled) c->sample[c->samples++ % LS_CHOICE_SAMPLES] = pace;
    if (c->again) return sampled && w->members ? between_trials(c, w) : c->at;
    if (c->opening && atomic_load(&c->opened)) end_opening(c);
    if (c->samples < 2 || c->opening || !w->members) return c->at;
    bool same = similar(w, &c->when, 4);
    if (same && c->decided) return c->at;
    if (!same && expected(c, w) < c->patience.threads) return c->at;
    if (!same) begin_pass(c, w);
    return next_trial(c, w);
}

size_t ls_choice_failed(ls_choice *c, size_t candidate, const char *why)
{
    ls_candidate *k = &c->list[candidate];
    k->state = LS_CANDIDATE_OUT;
    snprintf(k->trial.note, sizeof k->trial.note, "failed when it was tried: %.225s", why);
    if (candidate == c->best) {
        set_best(c, 0);
        forget_samples(c);
    }
    if (c->next == candidate) c->next++;
    c->again = false;
    c->sample_seconds = c->sample_cost = 0;
    return c->at = c->best;
}

size_t ls_choice_begin(ls_choice *c, const ls_workload *w)
{
    forget_samples(c);
    c->again = false;
    /* what was the fastest for something very different is no place to begin */
    if (c->best && !similar(w, &c->when, 16)) set_best(c, 0);
    return c->at = c->best;
}

void ls_choice_end(ls_choice *c)
{
    c->again = false;
    c->at = c->best;
}

bool ls_choice_is_measuring(const ls_choice *c)
{
    return c->at != c->best || c->again || c->opening || c->samples < 2;
}
