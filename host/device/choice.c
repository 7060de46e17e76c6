/* SPDX-License-Identifier: MIT */
#include "host/device/choice.h"
#include "host/base/cores.h"
#include "host/base/memory.h"
#include "host/device/catalogue.h"
#include "host/network/device_kind.h"
#include <assert.h>
#include <stdlib.h>

static const ls_choice_patience usual_patience = {
    .threads = 2, .devices = 5, .unchecked = 20, .left = 0.5};

/* Rounds are one sample as soon as they have taken this long. */
static const double sample_seconds = 0.01;
/* One sample that takes so long is enough. GPUs may still be compiling. */
static const double long_sample = 0.03, long_gpu_sample = 0.2;
/* A candidate wins if it takes less than this share of the best's time. */
static const double ahead = 0.95;
/* Below this share it wins at once. Otherwise both are measured once more, as something else may
 * have disturbed the best. */
static const double far_ahead = 0.5;

/* ---- Candidates ------------------------------------------------------------------------------ */

static ls_candidate *new_candidate(ls_choice *c, const ls_device_info *info)
{
    if (c->count == LS_CHOICE_MOST) return NULL;
    ls_candidate *candidate = &c->list[c->count++];
    *candidate = (ls_candidate){.info = *info};
    snprintf(candidate->timing.name, sizeof candidate->timing.name, "%s", info->name);
    return candidate;
}

bool ls_choice_add(ls_choice *c, const ls_device_info *info, ls_backend *backend, unsigned threads)
{
    ls_candidate *candidate = new_candidate(c, info);
    if (!candidate) return false;
    candidate->state = LS_CANDIDATE_OPEN;
    candidate->backend = backend;
    candidate->threads = threads;
    return true;
}

static void set_best(ls_choice *c, size_t best)
{
    c->list[c->best].timing.chosen = 0;
    c->best = best;
    c->list[best].timing.chosen = 1;
    c->device->info = c->list[best].info;
    c->device->backend = c->list[best].backend;
}

/* Adds the CPU path with all threads, and unless their number was given with halves of them. */
static void add_cpu_path(ls_choice *c, unsigned threads)
{
    for (unsigned n = c->threads; n; n = threads ? 0 : n / 2) {
        ls_device_info info = ls_cpu_info(n);
        ls_choice_add(c, &info, c->device->backend, n);
    }
}

ls_status ls_choice_create(ls_device *device, unsigned threads, bool opencl, ls_choice **out,
                           ls_error *err)
{
    unsigned most = threads ? threads : ls_usable_cores();
    ls_choice *c;
    *out = NULL;
    if (!opencl && (threads || most == 1)) return LS_OK;
    LS_TRY(ls_alloc(&c, 1, sizeof *c, "the devices to choose from", err));
    ls_status status = opencl ? ls_opener_create(&c->opener, err) : LS_OK;
    if (status != LS_OK) {
        free(c);
        return status;
    }
    c->device = device;
    c->threads = most;
    c->patience = usual_patience;
    c->discovered = !opencl;
    add_cpu_path(c, threads);
    set_best(c, 0);
    *out = c;
    return LS_OK;
}

/* ---- Finding and opening devices, beside the training -----------------------------------------
 */

static void begin_finding(ls_choice *c)
{
    unsigned threads = c->list[c->best].threads;
    c->state = LS_CHOICE_FINDING;
    /* the CPU path's own threads are idle between rounds */
    c->opener->slots->find(c->opener, threads ? threads - 1 : 0);
}

static void begin_opening(ls_choice *c, const ls_workload *w)
{
    c->state = LS_CHOICE_OPENING;
    c->opener->slots->open(c->opener, &c->list[c->next].info, &w->example);
}

/* GPUs before others; devices that have to be checked first come last. */
static int rank_of(const ls_found_device *device)
{
    ls_device_kind kind = ls_device_kind_of(&device->info);
    int rank = kind == LS_KIND_GPU ? 0 : kind == LS_KIND_CPU ? 2 : 1;
    return device->checked ? rank : rank + 3;
}

static void end_finding(ls_choice *c)
{
    const ls_found_device *found;
    size_t count;
    ls_status status = c->opener->slots->found(c->opener, &found, &count, NULL);
    c->state = LS_CHOICE_WATCHING;
    c->discovered = true;
    for (int rank = 0; rank < 6 && status == LS_OK; rank++)
        for (size_t i = 0; i < count; i++) {
            if (!found[i].info.exact || rank_of(&found[i]) != rank) continue;
            ls_candidate *candidate = new_candidate(c, &found[i].info);
            if (candidate)
                candidate->state = found[i].checked ? LS_CANDIDATE_FOUND : LS_CANDIDATE_UNCHECKED;
        }
}

static void end_opening(ls_choice *c)
{
    ls_candidate *candidate = &c->list[c->next];
    char *note = candidate->timing.note;
    ls_device_info info;
    ls_error why;
    ls_status status = c->opener->slots->opened(c->opener, &candidate->backend, &info, &why);
    c->state = LS_CHOICE_WATCHING;
    candidate->state = LS_CANDIDATE_OUT;
    if (status != LS_OK) {
        snprintf(note, sizeof candidate->timing.note, "cannot be opened: %.230s", why.message);
        return;
    }
    if (info.exact) candidate->state = LS_CANDIDATE_OPEN;
    else snprintf(note, sizeof candidate->timing.note, "is approximate: it %.230s", info.reason);
    candidate->info = info;
}

void ls_choice_free(ls_choice *c)
{
    if (!c) return;
    if (c->state == LS_CHOICE_FINDING) end_finding(c);
    if (c->state == LS_CHOICE_OPENING) end_opening(c);
    for (size_t i = 0; i < c->count; i++) {
        ls_backend *backend = c->list[i].backend; /* the CPU path's entries share one */
        if (backend && (i == 0 || !c->list[i].threads)) backend->slots->close(backend);
    }
    if (c->opener) c->opener->slots->close(c->opener);
    free(c);
}

/* ---- Whether measuring pays ------------------------------------------------------------------ */

/* Seconds per unit of cost on the best: the least of the latest samples, as disturbances only add
 * time. */
static double best_pace(const ls_choice *c)
{
    double least = 0;
    for (size_t i = 0; i < c->best_samples && i < LS_CHOICE_SAMPLES; i++)
        if (i == 0 || c->best_pace[i] < least) least = c->best_pace[i];
    return least;
}

static void note_best_pace(ls_choice *c, double pace)
{
    c->best_pace[c->best_samples++ % LS_CHOICE_SAMPLES] = pace;
}

static void discard_sample(ls_choice *c) { c->sample_seconds = c->sample_cost = 0; }

static void discard_best_paces(ls_choice *c)
{
    c->best_samples = 0;
    discard_sample(c);
}

/* Seconds of training to come: what is left of this call, or as long again as the training has
 * lasted, since calls follow each other in a search. */
static double expected_seconds(const ls_choice *c, const ls_workload *w)
{
    double left = w->left * best_pace(c);
    if (left < c->patience.left) return 0;
    return left > c->spent ? left : c->spent;
}

static bool within(double a, double b, double factor) { return a <= factor * b && b <= factor * a; }

/* Whether two workloads are so alike that the same candidate should be the fastest on both. */
static bool similar(const ls_workload *a, const ls_workload *b, double factor)
{
    if (!a->members || !b->members) return false;
    return within((double)a->members, (double)b->members, factor) &&
           within(a->step / (double)a->members, b->step / (double)b->members, factor);
}

static bool is_gpu(const ls_candidate *candidate)
{
    return ls_device_kind_of(&candidate->info) == LS_KIND_GPU;
}

/* Seconds of training that must remain before a candidate is opened or measured. */
static double patience_for(const ls_choice *c, const ls_candidate *candidate, const ls_workload *w)
{
    if (candidate->threads) return c->patience.threads;
    double least = candidate->state == LS_CANDIDATE_UNCHECKED ? c->patience.unchecked
                                                              : c->patience.devices;
    /* at least two steps are measured, and a device that is no GPU may well be slower */
    double steps = (is_gpu(candidate) ? 20 : 100) * w->step * best_pace(c);
    return steps > least ? steps : least;
}

/* Fewer threads pay only for few members, and are tried by halves for as long as each number was
 * faster than the one before. True for candidates that are no number of threads. */
static bool has_prospect(const ls_choice *c, size_t i, const ls_workload *w)
{
    if (!c->list[i].threads || i == 0) return true;
    double twice = c->list[i - 1].pace, four_times = i > 1 ? c->list[i - 2].pace : 0;
    if (w->members >= 2 * c->threads || twice <= 0) return false;
    return four_times <= 0 || twice < 1.02 * four_times;
}

/* ---- Passes ---------------------------------------------------------------------------------- */

static void begin_pass(ls_choice *c, const ls_workload *w)
{
    c->state = LS_CHOICE_WATCHING;
    c->next = 0;
    c->decided_on = *w;
    for (size_t i = 0; i < c->count; i++) c->list[i].pace = 0;
    c->list[c->best].pace = best_pace(c);
}

static void note_speed(ls_candidate *candidate, const ls_workload *w)
{
    candidate->timing.speed = (double)w->members / (w->step * candidate->pace);
}

static void note_best_speed(ls_choice *c, const ls_workload *w)
{
    c->list[c->best].pace = best_pace(c);
    note_speed(&c->list[c->best], w);
}

static void end_pass(ls_choice *c, const ls_workload *w)
{
    c->state = LS_CHOICE_DECIDED;
    c->spent = 0;
    note_best_speed(c, w);
}

/* Puts members on candidate `next`, in one of the two states of measuring it. */
static void measure_candidate(ls_choice *c, ls_choice_state state)
{
    assert(state == LS_CHOICE_MEASURING || state == LS_CHOICE_CONFIRMING_CANDIDATE);
    c->state = state;
    c->rounds = 0;
    c->longest_sample = 0;
    discard_sample(c);
}

/* From WATCHING to the next thing to do, if the run is long enough for it. */
static void advance(ls_choice *c, const ls_workload *w)
{
    double seconds = expected_seconds(c, w);
    assert(c->state == LS_CHOICE_WATCHING);
    for (; c->next < c->count; c->next++) {
        const ls_candidate *candidate = &c->list[c->next];
        if (c->next == c->best || candidate->state == LS_CANDIDATE_OUT ||
            !has_prospect(c, c->next, w))
            continue;
        if (seconds < patience_for(c, candidate, w)) return;
        c->measured = 0;
        if (candidate->state == LS_CANDIDATE_OPEN) measure_candidate(c, LS_CHOICE_MEASURING);
        else begin_opening(c, w);
        return;
    }
    if (c->discovered) end_pass(c, w);
    else if (seconds >= c->patience.devices) begin_finding(c);
}

/* Ends the measurement of candidate `next`. */
static void conclude(ls_choice *c, const ls_workload *w, bool faster)
{
    c->list[c->next].pace = c->least_pace;
    note_speed(&c->list[c->next], w);
    note_best_speed(c, w);
    if (faster) {
        set_best(c, c->next);
        discard_best_paces(c);
        note_best_pace(c, c->least_pace);
    }
    discard_sample(c);
    c->state = LS_CHOICE_WATCHING;
    c->next++;
    advance(c, w);
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

/* Adds a round to the sample; true if that completes it. */
static bool take_sample(ls_choice *c, double seconds, double cost, double *pace)
{
    c->sample_seconds += seconds;
    c->sample_cost += cost;
    if (c->sample_seconds < sample_seconds || c->sample_cost <= 0) return false;
    *pace = c->sample_seconds / c->sample_cost;
    if (c->sample_seconds > c->longest_sample) c->longest_sample = c->sample_seconds;
    discard_sample(c);
    return true;
}

/* A round on candidate `next`. The first one is not counted: it compiles. Close results are
 * measured for longer. */
static void candidate_round(ls_choice *c, const ls_workload *w, double seconds, double cost)
{
    enum { CLEAR = 2, CLOSE = 5 };
    double pace, best = best_pace(c), wasted = seconds - cost * best;
    if (wasted > 0) c->lost += wasted;
    if (c->rounds++ == 0 || !take_sample(c, seconds, cost, &pace)) return;
    if (!c->measured++ || pace < c->least_pace) c->least_pace = pace;
    size_t enough = within(c->least_pace, best, 1.25) ? CLOSE : CLEAR;
    double long_enough = is_gpu(&c->list[c->next]) ? long_gpu_sample : long_sample;
    if (c->measured < enough && c->longest_sample < long_enough) return;
    bool faster = c->least_pace < ahead * best;
    if (c->state == LS_CHOICE_CONFIRMING_CANDIDATE || !faster ||
        c->least_pace <= far_ahead * best) {
        conclude(c, w, faster);
        return;
    }
    c->state = LS_CHOICE_CONFIRMING_BEST;
    c->measured = 0;
    c->list[c->next].pace = c->least_pace;
    discard_sample(c);
}

/* A round on the best; true if it completed a sample. */
static bool best_round(ls_choice *c, double seconds, double cost)
{
    double pace;
    if (!take_sample(c, seconds, cost, &pace)) return false;
    note_best_pace(c, pace);
    return true;
}

/* A sample of the best between the two measurements of a candidate. */
static void confirm_best(ls_choice *c, const ls_workload *w)
{
    if (++c->measured < 2) return;
    if (c->least_pace >= ahead * best_pace(c)) {
        conclude(c, w, false);
        return;
    }
    measure_candidate(c, LS_CHOICE_CONFIRMING_CANDIDATE);
    c->measured = 1; /* its least pace so far counts as a sample */
}

/* Begins a pass, or goes on with one, if the workload is worth it. */
static void watch(ls_choice *c, const ls_workload *w)
{
    if (c->best_samples < 2 || !w->members) return;
    bool same = similar(w, &c->decided_on, 4);
    if (same && c->state == LS_CHOICE_DECIDED) return;
    if (!same && expected_seconds(c, w) < c->patience.threads) return;
    if (!same) begin_pass(c, w);
    advance(c, w);
}

size_t ls_choice_round(ls_choice *c, const ls_workload *w, double seconds, double cost)
{
    assert(seconds >= 0 && cost >= 0);
    c->spent += seconds;
    switch (c->state) {
    case LS_CHOICE_MEASURING:
    case LS_CHOICE_CONFIRMING_CANDIDATE:
        if (w->members) candidate_round(c, w, seconds, cost);
        break;
    case LS_CHOICE_CONFIRMING_BEST:
        if (best_round(c, seconds, cost) && w->members) confirm_best(c, w);
        break;
    case LS_CHOICE_FINDING:
    case LS_CHOICE_OPENING:
        best_round(c, seconds, cost);
        if (!c->opener->slots->ended(c->opener)) break;
        if (c->state == LS_CHOICE_FINDING) end_finding(c);
        else end_opening(c);
        watch(c, w);
        break;
    case LS_CHOICE_WATCHING:
    case LS_CHOICE_DECIDED:
        best_round(c, seconds, cost);
        watch(c, w);
        break;
    }
    return ls_choice_at(c);
}

/* ---- Events from outside --------------------------------------------------------------------- */

/* A measurement ends without a result; members are back on the best. */
static void abandon_measurement(ls_choice *c)
{
    bool measuring = c->state == LS_CHOICE_MEASURING || c->state == LS_CHOICE_CONFIRMING_BEST ||
                     c->state == LS_CHOICE_CONFIRMING_CANDIDATE;
    if (measuring) c->state = LS_CHOICE_WATCHING;
}

size_t ls_choice_failed(ls_choice *c, size_t candidate, const char *why)
{
    assert(candidate < c->count && (candidate > 0 || candidate != c->best));
    ls_candidate *failed = &c->list[candidate];
    failed->state = LS_CANDIDATE_OUT;
    snprintf(failed->timing.note, sizeof failed->timing.note,
             "failed while it was measured: %.220s", why);
    if (candidate == c->best) {
        set_best(c, 0);
        discard_best_paces(c);
    }
    if (c->next == candidate) c->next++;
    abandon_measurement(c);
    discard_sample(c);
    return ls_choice_at(c);
}

size_t ls_choice_begin(ls_choice *c, const ls_workload *w)
{
    abandon_measurement(c);
    discard_best_paces(c);
    /* the fastest on a very different workload is no good guess for this one */
    if (c->best && !similar(w, &c->decided_on, 16)) set_best(c, 0);
    return ls_choice_at(c);
}

void ls_choice_end(ls_choice *c) { abandon_measurement(c); }

size_t ls_choice_at(const ls_choice *c)
{
    bool candidate = c->state == LS_CHOICE_MEASURING || c->state == LS_CHOICE_CONFIRMING_CANDIDATE;
    return candidate ? c->next : c->best;
}

bool ls_choice_is_measuring(const ls_choice *c)
{
    return (c->state != LS_CHOICE_WATCHING && c->state != LS_CHOICE_DECIDED) || c->best_samples < 2;
}
