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

static ls_candidate *new_candidate(ls_choice *choice, const ls_device_info *info)
{
    if (choice->count == LS_CHOICE_MOST) return NULL;
    ls_candidate *candidate = &choice->list[choice->count++];
    *candidate = (ls_candidate){.info = *info};
    snprintf(candidate->timing.name, sizeof candidate->timing.name, "%s", info->name);
    return candidate;
}

bool ls_choice_add(ls_choice *choice, const ls_device_info *info, ls_backend *backend,
                   unsigned threads)
{
    ls_candidate *candidate = new_candidate(choice, info);
    if (!candidate) return false;
    candidate->state = LS_CANDIDATE_OPEN;
    candidate->backend = backend;
    candidate->threads = threads;
    return true;
}

static void set_best(ls_choice *choice, size_t best)
{
    choice->list[choice->best].timing.chosen = 0;
    choice->best = best;
    choice->list[best].timing.chosen = 1;
    choice->device->info = choice->list[best].info;
    choice->device->backend = choice->list[best].backend;
}

/* Adds the CPU path with all threads, and unless their number was given with halves of them. */
static void add_cpu_path(ls_choice *choice, unsigned threads)
{
    for (unsigned n = choice->threads; n; n = threads ? 0 : n / 2) {
        ls_device_info info = ls_cpu_info(n);
        ls_choice_add(choice, &info, choice->device->backend, n);
    }
}

ls_status ls_choice_create(ls_device *device, unsigned threads, bool opencl, ls_choice **out,
                           ls_error *err)
{
    unsigned most = threads ? threads : ls_usable_cores();
    ls_choice *choice;
    *out = NULL;
    if (!opencl && (threads || most == 1)) return LS_OK;
    LS_TRY(ls_alloc(&choice, 1, sizeof *choice, "the devices to choose from", err));
    ls_status status = opencl ? ls_opener_create(&choice->opener, err) : LS_OK;
    if (status != LS_OK) {
        free(choice);
        return status;
    }
    choice->device = device;
    choice->threads = most;
    choice->patience = usual_patience;
    choice->discovered = !opencl;
    add_cpu_path(choice, threads);
    set_best(choice, 0);
    *out = choice;
    return LS_OK;
}

/* ---- Finding and opening devices, beside the training -----------------------------------------
 */

static void begin_finding(ls_choice *choice)
{
    unsigned threads = choice->list[choice->best].threads;
    choice->state = LS_CHOICE_FINDING;
    /* the CPU path's own threads are idle between rounds */
    choice->opener->slots->find(choice->opener, threads ? threads - 1 : 0);
}

static void begin_opening(ls_choice *choice, const ls_workload *work)
{
    choice->state = LS_CHOICE_OPENING;
    choice->opener->slots->open(choice->opener, &choice->list[choice->next].info, &work->example);
}

/* GPUs before others; devices that have to be checked first come last. */
static int rank_of(const ls_found_device *device)
{
    ls_device_kind kind = ls_device_kind_of(&device->info);
    int rank = kind == LS_KIND_GPU ? 0 : kind == LS_KIND_CPU ? 2 : 1;
    return device->checked ? rank : rank + 3;
}

static void end_finding(ls_choice *choice)
{
    const ls_found_device *found;
    size_t count;
    ls_status status = choice->opener->slots->found(choice->opener, &found, &count, NULL);
    choice->state = LS_CHOICE_WATCHING;
    choice->discovered = true;
    for (int rank = 0; rank < 6 && status == LS_OK; rank++)
        for (size_t i = 0; i < count; i++) {
            if (!found[i].info.exact || rank_of(&found[i]) != rank) continue;
            ls_candidate *candidate = new_candidate(choice, &found[i].info);
            if (candidate)
                candidate->state = found[i].checked ? LS_CANDIDATE_FOUND : LS_CANDIDATE_UNCHECKED;
        }
}

static void end_opening(ls_choice *choice)
{
    ls_candidate *candidate = &choice->list[choice->next];
    char *note = candidate->timing.note;
    ls_device_info info;
    ls_error why;
    ls_status status = choice->opener->slots->opened(choice->opener, &candidate->backend, &info,
                                                     &why);
    choice->state = LS_CHOICE_WATCHING;
    candidate->state = LS_CANDIDATE_OUT;
    if (status != LS_OK) {
        snprintf(note, sizeof candidate->timing.note, "cannot be opened: %.230s", why.message);
        return;
    }
    if (info.exact) candidate->state = LS_CANDIDATE_OPEN;
    else snprintf(note, sizeof candidate->timing.note, "is approximate (%.230s)", info.reason);
    candidate->info = info;
}

void ls_choice_free(ls_choice *choice)
{
    if (!choice) return;
    if (choice->state == LS_CHOICE_FINDING) end_finding(choice);
    if (choice->state == LS_CHOICE_OPENING) end_opening(choice);
    for (size_t i = 0; i < choice->count; i++) {
        ls_backend *backend = choice->list[i].backend; /* the CPU path's entries share one */
        if (backend && (i == 0 || !choice->list[i].threads)) backend->slots->close(backend);
    }
    if (choice->opener) choice->opener->slots->close(choice->opener);
    free(choice);
}

/* ---- Whether measuring pays ------------------------------------------------------------------ */

/* Seconds per unit of cost on the best: the least of the latest samples, as disturbances only add
 * time. */
static double best_pace(const ls_choice *choice)
{
    double least = 0;
    for (size_t i = 0; i < choice->best_samples && i < LS_CHOICE_SAMPLES; i++)
        if (i == 0 || choice->best_pace[i] < least) least = choice->best_pace[i];
    return least;
}

static void note_best_pace(ls_choice *choice, double pace)
{
    choice->best_pace[choice->best_samples++ % LS_CHOICE_SAMPLES] = pace;
}

static void discard_sample(ls_choice *choice) { choice->sample_seconds = choice->sample_cost = 0; }

static void discard_best_paces(ls_choice *choice)
{
    choice->best_samples = 0;
    discard_sample(choice);
}

/* Seconds of training to come: what is left of this call, or as long again as the training has
 * lasted, since calls follow each other in a search. */
static double expected_seconds(const ls_choice *choice, const ls_workload *work)
{
    double left = work->left * best_pace(choice);
    if (left < choice->patience.left) return 0;
    return left > choice->spent ? left : choice->spent;
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
static double patience_for(const ls_choice *choice, const ls_candidate *candidate,
                           const ls_workload *work)
{
    if (candidate->threads) return choice->patience.threads;
    double least = candidate->state == LS_CANDIDATE_UNCHECKED ? choice->patience.unchecked
                                                              : choice->patience.devices;
    /* at least two steps are measured, and a device that is no GPU may well be slower */
    double steps = (is_gpu(candidate) ? 20 : 100) * work->step * best_pace(choice);
    return steps > least ? steps : least;
}

/* Fewer threads pay only for few members, and are tried by halves for as long as each number was
 * faster than the one before. True for candidates that are no number of threads. */
static bool has_prospect(const ls_choice *choice, size_t i, const ls_workload *work)
{
    if (!choice->list[i].threads || i == 0) return true;
    double twice = choice->list[i - 1].pace, four_times = i > 1 ? choice->list[i - 2].pace : 0;
    if (work->members >= 2 * choice->threads || twice <= 0) return false;
    return four_times <= 0 || twice < 1.02 * four_times;
}

/* ---- Passes ---------------------------------------------------------------------------------- */

static void begin_pass(ls_choice *choice, const ls_workload *work)
{
    choice->state = LS_CHOICE_WATCHING;
    choice->next = 0;
    choice->decided_on = *work;
    for (size_t i = 0; i < choice->count; i++) choice->list[i].pace = 0;
    choice->list[choice->best].pace = best_pace(choice);
}

static void note_speed(ls_candidate *candidate, const ls_workload *work)
{
    candidate->timing.speed = (double)work->members / (work->step * candidate->pace);
}

static void note_best_speed(ls_choice *choice, const ls_workload *work)
{
    choice->list[choice->best].pace = best_pace(choice);
    note_speed(&choice->list[choice->best], work);
}

static void end_pass(ls_choice *choice, const ls_workload *work)
{
    choice->state = LS_CHOICE_DECIDED;
    choice->spent = 0;
    note_best_speed(choice, work);
}

/* Puts members on candidate `next`, in one of the two states of measuring it. */
static void measure_candidate(ls_choice *choice, ls_choice_state state)
{
    assert(state == LS_CHOICE_MEASURING || state == LS_CHOICE_CONFIRMING_CANDIDATE);
    choice->state = state;
    choice->rounds = 0;
    choice->longest_sample = 0;
    discard_sample(choice);
}

/* From WATCHING to the next thing to do, if the run is long enough for it. */
static void advance(ls_choice *choice, const ls_workload *work)
{
    double seconds = expected_seconds(choice, work);
    assert(choice->state == LS_CHOICE_WATCHING);
    for (; choice->next < choice->count; choice->next++) {
        const ls_candidate *candidate = &choice->list[choice->next];
        if (choice->next == choice->best || candidate->state == LS_CANDIDATE_OUT ||
            !has_prospect(choice, choice->next, work))
            continue;
        if (seconds < patience_for(choice, candidate, work)) return;
        choice->measured = 0;
        if (candidate->state == LS_CANDIDATE_OPEN) measure_candidate(choice, LS_CHOICE_MEASURING);
        else begin_opening(choice, work);
        return;
    }
    if (choice->discovered) end_pass(choice, work);
    else if (seconds >= choice->patience.devices) begin_finding(choice);
}

/* Ends the measurement of candidate `next`. */
static void conclude(ls_choice *choice, const ls_workload *work, bool faster)
{
    choice->list[choice->next].pace = choice->least_pace;
    note_speed(&choice->list[choice->next], work);
    note_best_speed(choice, work);
    if (faster) {
        set_best(choice, choice->next);
        discard_best_paces(choice);
        note_best_pace(choice, choice->least_pace);
    }
    discard_sample(choice);
    choice->state = LS_CHOICE_WATCHING;
    choice->next++;
    advance(choice, work);
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

/* Adds a round to the sample; true if that completes it. */
static bool take_sample(ls_choice *choice, double seconds, double cost, double *pace)
{
    choice->sample_seconds += seconds;
    choice->sample_cost += cost;
    if (choice->sample_seconds < sample_seconds || choice->sample_cost <= 0) return false;
    *pace = choice->sample_seconds / choice->sample_cost;
    if (choice->sample_seconds > choice->longest_sample)
        choice->longest_sample = choice->sample_seconds;
    discard_sample(choice);
    return true;
}

/* A round on candidate `next`. The first one is not counted: it compiles. Close results are
 * measured for longer. */
static void candidate_round(ls_choice *choice, const ls_workload *work, double seconds, double cost)
{
    enum { CLEAR = 2, CLOSE = 5 };
    double pace, best = best_pace(choice), wasted = seconds - cost * best;
    if (wasted > 0) choice->lost += wasted;
    if (choice->rounds++ == 0 || !take_sample(choice, seconds, cost, &pace)) return;
    if (!choice->measured++ || pace < choice->least_pace) choice->least_pace = pace;
    size_t enough = within(choice->least_pace, best, 1.25) ? CLOSE : CLEAR;
    double long_enough = is_gpu(&choice->list[choice->next]) ? long_gpu_sample : long_sample;
    if (choice->measured < enough && choice->longest_sample < long_enough) return;
    bool faster = choice->least_pace < ahead * best;
    if (choice->state == LS_CHOICE_CONFIRMING_CANDIDATE || !faster ||
        choice->least_pace <= far_ahead * best) {
        conclude(choice, work, faster);
        return;
    }
    choice->state = LS_CHOICE_CONFIRMING_BEST;
    choice->measured = 0;
    choice->list[choice->next].pace = choice->least_pace;
    discard_sample(choice);
}

/* A round on the best; true if it completed a sample. */
static bool best_round(ls_choice *choice, double seconds, double cost)
{
    double pace;
    if (!take_sample(choice, seconds, cost, &pace)) return false;
    note_best_pace(choice, pace);
    return true;
}

/* A sample of the best between the two measurements of a candidate. */
static void confirm_best(ls_choice *choice, const ls_workload *work)
{
    if (++choice->measured < 2) return;
    if (choice->least_pace >= ahead * best_pace(choice)) {
        conclude(choice, work, false);
        return;
    }
    measure_candidate(choice, LS_CHOICE_CONFIRMING_CANDIDATE);
    choice->measured = 1; /* its least pace so far counts as a sample */
}

/* Begins a pass, or goes on with one, if the workload is worth it. */
static void watch(ls_choice *choice, const ls_workload *work)
{
    if (choice->best_samples < 2 || !work->members) return;
    bool same = similar(work, &choice->decided_on, 4);
    if (same && choice->state == LS_CHOICE_DECIDED) return;
    if (!same && expected_seconds(choice, work) < choice->patience.threads) return;
    if (!same) begin_pass(choice, work);
    advance(choice, work);
}

size_t ls_choice_round(ls_choice *choice, const ls_workload *work, double seconds, double cost)
{
    assert(seconds >= 0 && cost >= 0);
    choice->spent += seconds;
    switch (choice->state) {
    case LS_CHOICE_MEASURING:
    case LS_CHOICE_CONFIRMING_CANDIDATE:
        if (work->members) candidate_round(choice, work, seconds, cost);
        break;
    case LS_CHOICE_CONFIRMING_BEST:
        if (best_round(choice, seconds, cost) && work->members) confirm_best(choice, work);
        break;
    case LS_CHOICE_FINDING:
    case LS_CHOICE_OPENING:
        best_round(choice, seconds, cost);
        if (!choice->opener->slots->ended(choice->opener)) break;
        if (choice->state == LS_CHOICE_FINDING) end_finding(choice);
        else end_opening(choice);
        watch(choice, work);
        break;
    case LS_CHOICE_WATCHING:
    case LS_CHOICE_DECIDED:
        best_round(choice, seconds, cost);
        watch(choice, work);
        break;
    }
    return ls_choice_at(choice);
}

/* ---- Events from outside --------------------------------------------------------------------- */

/* A measurement ends without a result; members are back on the best. */
static void abandon_measurement(ls_choice *choice)
{
    bool measuring = choice->state == LS_CHOICE_MEASURING ||
                     choice->state == LS_CHOICE_CONFIRMING_BEST ||
                     choice->state == LS_CHOICE_CONFIRMING_CANDIDATE;
    if (measuring) choice->state = LS_CHOICE_WATCHING;
}

size_t ls_choice_failed(ls_choice *choice, size_t candidate, const char *why)
{
    assert(candidate < choice->count && (candidate > 0 || candidate != choice->best));
    ls_candidate *failed = &choice->list[candidate];
    failed->state = LS_CANDIDATE_OUT;
    snprintf(failed->timing.note, sizeof failed->timing.note,
             "failed while it was measured: %.220s", why);
    if (candidate == choice->best) {
        set_best(choice, 0);
        discard_best_paces(choice);
    }
    if (choice->next == candidate) choice->next++;
    abandon_measurement(choice);
    discard_sample(choice);
    return ls_choice_at(choice);
}

size_t ls_choice_begin(ls_choice *choice, const ls_workload *work)
{
    abandon_measurement(choice);
    discard_best_paces(choice);
    /* the fastest on a very different workload is no good guess for this one */
    if (choice->best && !similar(work, &choice->decided_on, 16)) set_best(choice, 0);
    return ls_choice_at(choice);
}

void ls_choice_end(ls_choice *choice) { abandon_measurement(choice); }

size_t ls_choice_at(const ls_choice *choice)
{
    bool candidate = choice->state == LS_CHOICE_MEASURING ||
                     choice->state == LS_CHOICE_CONFIRMING_CANDIDATE;
    return candidate ? choice->next : choice->best;
}

bool ls_choice_is_measuring(const ls_choice *choice)
{
    return (choice->state != LS_CHOICE_WATCHING && choice->state != LS_CHOICE_DECIDED) ||
           choice->best_samples < 2;
}
