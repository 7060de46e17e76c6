/* SPDX-License-Identifier: MIT */
#include "host/device/choice.h"
#include "core_cpu/cpu.h"
#include "host/base/cores.h"
#include "host/base/memory.h"
#include "host/base/trace.h"
#include "host/device/catalogue.h"
#include "host/device/cpu_path.h"
#include "host/network/device_kind.h"
#include <assert.h>
#include <stdlib.h>

static const ls_choice_patience usual_patience = {
    .threads = 2, .find = 2, .devices = 5, .gpu = 3, .unchecked = 20, .left = 0.5};
/* Seconds that finding devices is assumed to take if that is not remembered. */
static const double usual_find = 0.5;

/* A candidate wins if it takes less than this share of the best's time. */
static const double ahead = 0.95;
/* Below this share it wins at once. Otherwise both are measured once more, as something else may
 * have disturbed the best. */
static const double far_ahead = LS_FAR_AHEAD;
/* Share of the remaining seconds that a candidate may cost in rounds that build, each of which may
 * be the last that does, and their number. */
static const double build_share = 0.05;
enum { MOST_BUILD_ROUNDS = 50, MOST_RETURNS = 3 };
/* A GPU that disappointed is tried again after that many times what trying it cost, and at least so
 * many seconds, if as many remain. */
static const double again_after = 60, least_again = 1;

/* ---- Candidates ------------------------------------------------------------------------------ */

static ls_candidate *new_candidate(ls_choice *choice, const ls_known_device *device)
{
    if (choice->count == LS_CHOICE_MOST) return NULL;
    ls_candidate *candidate = &choice->list[choice->count++];
    *candidate = ls_candidate_of(device);
    return candidate;
}

bool ls_choice_add(ls_choice *choice, const ls_device_info *info, ls_backend *backend,
                   unsigned threads)
{
    ls_candidate *candidate = new_candidate(choice, &(ls_known_device){.info = *info});
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
    choice->cores = ls_usable_cores();
    choice->patience = usual_patience;
    choice->find_seconds = usual_find;
    choice->discovered = !opencl;
    add_cpu_path(choice, threads);
    set_best(choice, 0);
    *out = choice;
    return LS_OK;
}

ls_status ls_choice_create_fixed(ls_device *device, unsigned threads, ls_choice **out,
                                 ls_error *err)
{
    ls_choice *choice;
    ls_backend *cpu;
    unsigned most = threads ? threads : ls_usable_cores();
    const ls_device_info named = device->info, info = ls_cpu_info(most);
    LS_TRY(ls_alloc(&choice, 1, sizeof *choice, "the devices to choose from", err));
    ls_status status = ls_cpu_open(most, NULL, &cpu, err);
    if (status != LS_OK) {
        free(choice);
        return status;
    }
    *choice = (ls_choice){.device = device,
                          .threads = most,
                          .cores = ls_usable_cores(),
                          .discovered = true,
                          .fixed = true,
                          .state = LS_CHOICE_DECIDED};
    ls_choice_add(choice, &info, cpu, most);
    ls_choice_add(choice, &named, device->backend, 0);
    set_best(choice, 1);
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

/* Opens candidate `next` if it is not open, and warms it up. */
static void begin_opening(ls_choice *choice, const ls_workload *work)
{
    const ls_candidate *candidate = &choice->list[choice->next];
    choice->state = LS_CHOICE_OPENING;
    choice->example_cost = work->example[0].cost;
    choice->opener->slots->open(choice->opener, &candidate->info, candidate->backend, work->example,
                                work->examples);
}

static void end_finding(ls_choice *choice)
{
    const ls_known_device *found;
    size_t count;
    ls_status status = choice->opener->slots->found(choice->opener, &found, &count, NULL);
    choice->state = LS_CHOICE_WATCHING;
    choice->discovered = true;
    for (int rank = 0; rank < LS_KNOWN_RANKS && status == LS_OK; rank++)
        for (size_t i = 0; i < count; i++)
            if (found[i].info.exact && ls_known_rank(&found[i]) == rank)
                new_candidate(choice, &found[i]);
}

static void end_opening(ls_choice *choice)
{
    ls_candidate *candidate = &choice->list[choice->next];
    char *note = candidate->timing.note;
    ls_device_info info;
    ls_warm_speed tried;
    ls_error why;
    ls_status status = choice->opener->slots->opened(choice->opener, &candidate->backend, &info,
                                                     &tried, &why);
    choice->state = LS_CHOICE_WATCHING;
    candidate->state = LS_CANDIDATE_OUT;
    if (status != LS_OK) {
        snprintf(note, sizeof candidate->timing.note, "cannot be opened: %.230s", why.message);
        return;
    }
    if (info.exact) candidate->state = LS_CANDIDATE_OPEN;
    else snprintf(note, sizeof candidate->timing.note, "is approximate (%.230s)", info.reason);
    candidate->info = info;
    candidate->warm = true;
    candidate->tried = choice->example_cost > 0 ? tried.step / choice->example_cost : 0;
    candidate->copies = tried.copies;
}

void ls_choice_free(ls_choice *choice)
{
    if (!choice) return;
    if (choice->opener) choice->opener->slots->stop(choice->opener);
    if (choice->state == LS_CHOICE_FINDING) end_finding(choice);
    if (choice->state == LS_CHOICE_OPENING) end_opening(choice);
    for (size_t i = 0; i < choice->count; i++) {
        ls_backend *backend = choice->list[i].backend; /* the CPU path's entries share one */
        if (backend && (i == 0 || !choice->list[i].threads)) backend->slots->close(backend);
    }
    if (choice->opener) choice->opener->slots->close(choice->opener);
    free(choice->known_device);
    free(choice);
}

/* ---- Whether measuring pays ------------------------------------------------------------------ */

/* Seconds per unit of cost on the best. */
static double best_pace(const ls_choice *choice) { return ls_pace_least(&choice->paces); }

/* Seconds of training to come: what is left of this call, or as long again as the training has
 * lasted, since calls follow each other in a search. */
static double expected_seconds(const ls_choice *choice, const ls_workload *work)
{
    double left = work->left * best_pace(choice);
    if (left < choice->patience.left) return 0;
    return left > choice->spent ? left : choice->spent;
}

/* Seconds of training that must remain before a candidate is opened, */
static double patience_to_open(const ls_choice *choice, const ls_candidate *candidate)
{
    const ls_choice_patience *p = &choice->patience;
    if (candidate->state == LS_CANDIDATE_OPEN && candidate->warm) return p->threads;
    if (candidate->state == LS_CANDIDATE_UNCHECKED) return p->unchecked;
    double delays = p->gpu * ls_candidate_delay(candidate, 0);
    if (!ls_candidate_is_gpu(candidate) || delays > p->devices) return p->devices;
    return delays < p->threads ? p->threads : delays;
}

/* or measured, whatever is expected of it. */
static double patience_for(const ls_choice *choice, const ls_candidate *candidate,
                           const ls_workload *work)
{
    if (candidate->threads) return choice->patience.threads;
    double least = patience_to_open(choice, candidate);
    /* at least two steps are measured, and a device that is no GPU may well be slower */
    double steps = (ls_candidate_is_gpu(candidate) ? 20 : 100) * work->step * best_pace(choice);
    return steps > least ? steps : least;
}

static bool pays(const ls_choice *choice, const ls_candidate *candidate, const ls_workload *work)
{
    double find = choice->discovered ? 0 : choice->find_seconds;
    return ls_candidate_pays(candidate, work, expected_seconds(choice, work), best_pace(choice),
                             find, choice->cores);
}

/* Fewer threads pay only for few members, and are tried by halves for as long as each number was
 * faster than the one before, unless another device is far ahead of them all. True for candidates
 * that are no number of threads. */
static bool has_prospect(const ls_choice *choice, size_t i, const ls_workload *work)
{
    const ls_candidate *list = choice->list, *best = &list[choice->best];
    if (!list[i].threads || i == 0) return true;
    double twice = list[i - 1].pace, four_times = i > 1 ? list[i - 2].pace : 0;
    if (work->members >= 2 * choice->threads || twice <= 0) return false;
    if (!best->threads && best->pace > 0 && best->pace < far_ahead * list[0].pace) return false;
    return four_times <= 0 || twice < 1.02 * four_times;
}

/* Whether a candidate's turn is still to come. */
static bool waits(const ls_choice *choice, size_t i, const ls_workload *work)
{
    const ls_candidate *candidate = &choice->list[i];
    return i != choice->best && candidate->state != LS_CANDIDATE_OUT && !candidate->taken &&
           has_prospect(choice, i, work);
}

/* The candidate to take up now: of the GPUs from which much is expected the fastest, otherwise the
 * first one for which the run is long enough; choice->count if there is none. */
static size_t due(const ls_choice *choice, const ls_workload *work)
{
    double seconds = expected_seconds(choice, work), least = 0;
    size_t found = choice->count;
    for (size_t i = 0; i < choice->count; i++) {
        const ls_candidate *candidate = &choice->list[i];
        double pace = ls_candidate_expected_pace(candidate, work->members);
        if (!waits(choice, i, work) || !pays(choice, candidate, work)) continue;
        if (found == choice->count || pace < least) found = i, least = pace;
    }
    for (size_t i = 0; i < choice->count && found == choice->count; i++)
        if (waits(choice, i, work) && seconds >= patience_for(choice, &choice->list[i], work))
            found = i;
    return found;
}

/* Whether a GPU is remembered of this machine for whom it is time to look: it pays, or the run is
 * long enough anyway. */
static bool remembers_gpu(ls_choice *choice, const ls_workload *work)
{
    bool found = false;
    if (!choice->asked && choice->opener)
        choice->known = choice->opener->slots->known(choice->opener, &choice->known_device,
                                                     &choice->known_devices, &choice->find_seconds);
    choice->asked = true;
    if (!choice->known) choice->find_seconds = usual_find;
    for (size_t i = 0; i < choice->known_devices && !found; i++) {
        ls_candidate candidate = ls_candidate_of(&choice->known_device[i]);
        ls_candidate_estimate(&candidate, work);
        double least = patience_to_open(choice, &candidate) +
                       choice->patience.gpu * choice->find_seconds;
        found = candidate.info.exact &&
                (pays(choice, &candidate, work) || expected_seconds(choice, work) >= least);
    }
    return found;
}

/* Whether devices should be looked for now. */
static bool should_find(ls_choice *choice, const ls_workload *work)
{
    double seconds = expected_seconds(choice, work);
    if (seconds <= 0) return choice->patience.devices <= 0;
    if (remembers_gpu(choice, work) || seconds >= choice->patience.devices) return true;
    return !choice->known && seconds >= choice->patience.find;
}

/* ---- Passes ---------------------------------------------------------------------------------- */

/* Whether a new workload is worth a pass: it is long, or short and a GPU pays. */
static bool worth_a_pass(ls_choice *choice, const ls_workload *work)
{
    double seconds = expected_seconds(choice, work);
    if (seconds <= 0) return choice->patience.threads <= 0;
    if (seconds >= choice->patience.threads) return true;
    bool worth = !choice->discovered && remembers_gpu(choice, work);
    for (size_t i = 0; i < choice->count && !worth; i++) {
        ls_candidate candidate = choice->list[i]; /* as if its turn were still to come */
        candidate.tried = 0;
        candidate.warm = false;
        ls_candidate_estimate(&candidate, work);
        worth = i != choice->best && candidate.state != LS_CANDIDATE_OUT &&
                pays(choice, &candidate, work);
    }
    return worth;
}

static void begin_pass(ls_choice *choice, const ls_workload *work)
{
    choice->state = LS_CHOICE_WATCHING;
    choice->decided_on = *work;
    choice->decided_on.example = NULL;
    choice->decided_on.examples = 0;
    for (size_t i = 0; i < choice->count; i++) {
        ls_candidate *candidate = &choice->list[i];
        candidate->pace = candidate->tried = candidate->estimate = 0;
        candidate->taken = candidate->warm = false;
    }
    choice->list[choice->best].pace = best_pace(choice);
    choice->list[choice->best].taken = true;
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
    ls_trial_begin(&choice->trial, ls_candidate_builds(&choice->list[choice->next]).ended);
    ls_pace_discard(&choice->paces);
}

/* The turns of devices end that were hopelessly slow while they were warmed up. */
static void drop_hopeless(ls_choice *choice, const ls_workload *work)
{
    double best = best_pace(choice);
    for (size_t i = 0; i < choice->count; i++) {
        ls_candidate *candidate = &choice->list[i];
        if (!waits(choice, i, work) || !ls_candidate_is_hopeless(candidate, work->members, best))
            continue;
        candidate->taken = true;
        snprintf(candidate->timing.note, sizeof candidate->timing.note,
                 "not tried: %.1f times slower when it was warmed up", candidate->tried / best);
        note_best_speed(choice, work);
    }
}

/* From WATCHING to the next thing to do, if the run is long enough for it. */
static void advance(ls_choice *choice, const ls_workload *work)
{
    assert(choice->state == LS_CHOICE_WATCHING);
    if (!work->examples) return;
    for (size_t i = 0; i < choice->count; i++) ls_candidate_estimate(&choice->list[i], work);
    drop_hopeless(choice, work);
    size_t next = due(choice, work);
    if (next < choice->count) {
        const ls_candidate *candidate = &choice->list[choice->next = next];
        bool ready = candidate->state == LS_CANDIDATE_OPEN &&
                     (candidate->threads || candidate->warm);
        choice->trial = (ls_trial){0};
        if (ready) measure_candidate(choice, LS_CHOICE_MEASURING);
        else begin_opening(choice, work);
    } else if (!choice->discovered) {
        if (should_find(choice, work)) begin_finding(choice);
    } else {
        bool over = true;
        for (size_t i = 0; i < choice->count; i++) over = over && !waits(choice, i, work);
        if (over) end_pass(choice, work);
    }
}

/* The turn of candidate `next` is over. */
static void end_turn(ls_choice *choice, const ls_workload *work)
{
    choice->list[choice->next].taken = true;
    ls_pace_discard(&choice->paces);
    choice->state = LS_CHOICE_WATCHING;
    advance(choice, work);
}

/* Ends the measurement of candidate `next`. */
static void conclude(ls_choice *choice, const ls_workload *work, bool faster)
{
    ls_candidate *candidate = &choice->list[choice->next];
    candidate->pace = choice->trial.least_pace;
    candidate->lost = choice->trial.lost;
    candidate->timing.note[0] = 0;
    note_speed(candidate, work);
    note_best_speed(choice, work);
    if (faster) {
        set_best(choice, choice->next);
        ls_pace_forget(&choice->paces);
        ls_pace_note(&choice->paces, choice->trial.least_pace);
    }
    end_turn(choice, work);
}

/* Ends it without a result. */
static void give_up(ls_choice *choice, const ls_workload *work)
{
    ls_candidate *candidate = &choice->list[choice->next];
    snprintf(candidate->timing.note, sizeof candidate->timing.note,
             "was still building its kernels when it was measured");
    end_turn(choice, work);
}

/* One line for each state that the choice comes to. */
static void trace(const ls_choice *choice, const ls_workload *work, ls_choice_state before)
{
    static const char *const names[] = {
        [LS_CHOICE_WATCHING] = "watching",
        [LS_CHOICE_FINDING] = "finding devices",
        [LS_CHOICE_OPENING] = "opening",
        [LS_CHOICE_BUILDING] = "waiting for builds",
        [LS_CHOICE_MEASURING] = "measuring",
        [LS_CHOICE_CONFIRMING_BEST] = "measuring the best again",
        [LS_CHOICE_CONFIRMING_CANDIDATE] = "measuring again",
        [LS_CHOICE_DECIDED] = "decided",
    };
    if (choice->state == before || !ls_trace_is_on()) return;
    ls_trace("choice: %s, candidate %zu of %zu (%s), best %s, %.2f s left there, %.2f s spent",
             names[choice->state], choice->next, choice->count,
             choice->list[choice->next].info.name, choice->list[choice->best].info.name,
             work->left * best_pace(choice), choice->spent);
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

/* How the measurement of candidate `next` is judged. */
static ls_trial_rule rule_of(const ls_choice *choice, const ls_workload *work)
{
    const ls_candidate *candidate = &choice->list[choice->next];
    double best = best_pace(choice);
    return (ls_trial_rule){.best = best,
                           .left = expected_seconds(choice, work),
                           .gpu = ls_candidate_is_gpu(candidate),
                           .at_once = candidate->threads > 0,
                           .promising = ls_candidate_is_promising(candidate, best)};
}

/* The candidate is measured enough and not faster. */
static void judge_slower(ls_choice *choice, const ls_workload *work, const ls_trial_rule *rule,
                         unsigned pending)
{
    if (choice->state == LS_CHOICE_CONFIRMING_CANDIDATE) {
        conclude(choice, work, false);
    } else if (pending && choice->trial.returns < MOST_RETURNS) {
        choice->trial.returns++;
        choice->trial.measured = 0;
        choice->state = LS_CHOICE_BUILDING;
        ls_pace_discard(&choice->paces);
    } else if (ls_trial_has_settled(&choice->trial, rule)) {
        conclude(choice, work, false);
    }
}

/* A round on candidate `next`. */
static void candidate_round(ls_choice *choice, const ls_workload *work, double seconds, double cost)
{
    ls_trial *t = &choice->trial;
    const ls_trial_rule rule = rule_of(choice, work);
    ls_builds builds = ls_candidate_builds(&choice->list[choice->next]);
    double pace, wasted = seconds - cost * rule.best;
    if (wasted > 0) choice->lost += wasted, t->lost += wasted;
    if (ls_trial_is_no_sample(t, builds.ended, seconds)) {
        ls_pace_discard(&choice->paces);
        if (t->build_rounds > MOST_BUILD_ROUNDS ||
            (t->build_rounds > 1 && t->lost > build_share * rule.left))
            give_up(choice, work);
        return;
    }
    double sample = ls_pace_add(&choice->paces, seconds, cost, &pace);
    if (sample <= 0) return;
    ls_trial_note(t, sample, pace);
    if (!ls_trial_is_enough(t, &rule)) return;
    if (t->least_pace >= ahead * rule.best) {
        judge_slower(choice, work, &rule, builds.pending);
    } else if (choice->state == LS_CHOICE_CONFIRMING_CANDIDATE ||
               t->least_pace <= far_ahead * rule.best) {
        conclude(choice, work, true);
    } else {
        choice->state = LS_CHOICE_CONFIRMING_BEST;
        t->measured = 0;
        choice->list[choice->next].pace = t->least_pace;
        ls_pace_discard(&choice->paces);
    }
}

/* A round on the best; true if it completed a sample. */
static bool best_round(ls_choice *choice, double seconds, double cost)
{
    double pace;
    if (ls_pace_add(&choice->paces, seconds, cost, &pace) <= 0) return false;
    ls_pace_note(&choice->paces, pace);
    return true;
}

/* A sample of the best between the two measurements of a candidate. */
static void confirm_best(ls_choice *choice, const ls_workload *work)
{
    if (++choice->trial.measured < 2) return;
    if (choice->trial.least_pace >= ahead * best_pace(choice)) {
        conclude(choice, work, false);
        return;
    }
    measure_candidate(choice, LS_CHOICE_CONFIRMING_CANDIDATE);
    choice->trial.measured = 1; /* its least pace so far counts as a sample */
}

/* Members are on the best while the candidate builds. */
static void wait_for_builds(ls_choice *choice)
{
    if (!ls_candidate_builds(&choice->list[choice->next]).pending)
        measure_candidate(choice, LS_CHOICE_MEASURING);
}

/* After a decision: gives a GPU one more turn that was far ahead while it was warmed up, but not
 * when it was measured; false if there is none, or it is not time yet. */
static bool look_again(ls_choice *choice, const ls_workload *work)
{
    double best = best_pace(choice), left = work->left * best;
    for (size_t i = 0; i < choice->count; i++) {
        ls_candidate *c = &choice->list[i];
        double wait = least_again + again_after * c->lost;
        if (i == choice->best || c->state != LS_CANDIDATE_OPEN ||
            !ls_candidate_is_promising(c, best) || choice->spent < wait || left < wait)
            continue;
        c->taken = false;
        choice->state = LS_CHOICE_WATCHING;
        return true;
    }
    return false;
}

/* Begins a pass, or goes on with one, if the workload is worth it. */
static void watch(ls_choice *choice, const ls_workload *work)
{
    if (choice->fixed) return;
    if (choice->paces.samples < 2 || !work->members) return;
    bool same = ls_workloads_similar(work, &choice->decided_on, 4);
    if (same && choice->state == LS_CHOICE_DECIDED && !look_again(choice, work)) return;
    if (!same && !worth_a_pass(choice, work)) return;
    if (!same) begin_pass(choice, work);
    advance(choice, work);
}

size_t ls_choice_round(ls_choice *choice, const ls_workload *work, double seconds, double cost)
{
    assert(seconds >= 0 && cost >= 0);
    ls_choice_state before = choice->state;
    choice->spent += seconds;
    switch (choice->state) {
    case LS_CHOICE_MEASURING:
    case LS_CHOICE_CONFIRMING_CANDIDATE:
        if (work->members) candidate_round(choice, work, seconds, cost);
        break;
    case LS_CHOICE_BUILDING:
        best_round(choice, seconds, cost);
        if (work->members) wait_for_builds(choice);
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
    trace(choice, work, before);
    return ls_choice_at(choice);
}

/* ---- Events from outside --------------------------------------------------------------------- */

/* A measurement ends without a result; members are back on the best. */
static void abandon_measurement(ls_choice *choice)
{
    bool measuring = choice->state == LS_CHOICE_MEASURING || choice->state == LS_CHOICE_BUILDING ||
                     choice->state == LS_CHOICE_CONFIRMING_BEST ||
                     choice->state == LS_CHOICE_CONFIRMING_CANDIDATE;
    if (measuring) choice->state = LS_CHOICE_WATCHING;
}

size_t ls_choice_failed(ls_choice *choice, size_t candidate, const ls_error *why)
{
    assert(candidate < choice->count && (candidate > 0 || candidate != choice->best));
    ls_candidate *failed = &choice->list[candidate];
    const char *reason = why->message;
    failed->state = LS_CANDIDATE_OUT;
    if (why->status == LS_ERR_DEVICE && !failed->threads)
        ls_catalogue_note_failure(&failed->info, reason);
    if (candidate == choice->best) {
        snprintf(failed->timing.note, sizeof failed->timing.note, "failed: %.240s", reason);
        set_best(choice, 0);
        ls_pace_forget(&choice->paces);
        snprintf(choice->failure, sizeof choice->failure,
                 "%.80s failed (%.140s); the work went on, with the same bits, on %.60s",
                 failed->info.name, reason, choice->device->info.name);
    } else
        snprintf(failed->timing.note, sizeof failed->timing.note,
                 "failed while it was measured: %.220s", reason);
    failed->taken = true;
    abandon_measurement(choice);
    ls_pace_discard(&choice->paces);
    return ls_choice_at(choice);
}

bool ls_choice_replace(ls_device *device, const ls_error *why)
{
    ls_choice *choice = device->choice;
    if (!choice || choice->no_fallback || choice->list[choice->best].threads) return false;
    ls_choice_failed(choice, choice->best, why);
    return true;
}

size_t ls_choice_begin(ls_choice *choice, const ls_workload *work)
{
    abandon_measurement(choice);
    ls_pace_forget(&choice->paces);
    /* the fastest on a very different workload is no good guess for this one */
    if (!choice->fixed && choice->best && !ls_workloads_similar(work, &choice->decided_on, 16))
        set_best(choice, 0);
    return ls_choice_at(choice);
}

void ls_choice_end(ls_choice *choice) { abandon_measurement(choice); }

size_t ls_choice_at(const ls_choice *choice)
{
    bool candidate = choice->state == LS_CHOICE_MEASURING ||
                     choice->state == LS_CHOICE_CONFIRMING_CANDIDATE;
    return candidate ? choice->next : choice->best;
}

bool ls_choice_wants_examples(const ls_choice *choice, const ls_workload *work)
{
    if (choice->fixed) return false;
    switch (choice->state) {
    case LS_CHOICE_WATCHING:
    case LS_CHOICE_FINDING:
    case LS_CHOICE_OPENING: return choice->paces.samples > 0;
    case LS_CHOICE_DECIDED: return !ls_workloads_similar(work, &choice->decided_on, 4);
    default: return false;
    }
}

bool ls_choice_is_measuring(const ls_choice *choice)
{
    /* also while members wait for a device's builds: a slice of a whole epoch may take seconds */
    return (choice->state != LS_CHOICE_WATCHING && choice->state != LS_CHOICE_DECIDED) ||
           choice->paces.samples < 2;
}
