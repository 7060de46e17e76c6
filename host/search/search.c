/* SPDX-License-Identifier: MIT */
/* A search is a list of trials and what is known of each; the next wave follows from that list
 * alone. So it can be stopped and taken up anywhere, and where members are no longer in training
 * they are trained again, to the same bits. */
#include "host/search/search.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include "host/data/split.h"
#include "host/network/network.h"
#include "host/network/plan.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    USUAL_TRIALS = 50,
    GRID_MOST = 10000, /* of a grid that nobody set a bound for */
    TRIALS_MOST = 1000000,
    ATTEMPTS =
        100000, /* draws in a row that are known already: there is hardly anything left to draw */
    WAVE_FIRST = 32,
    WAVE_MOST = 4096
};
static const double wave_short = 2, wave_long = 20; /* seconds */

const char *const ls_strategy_names[] = {"grid", "random", "halving", NULL};
const char *const ls_score_names[] = {"accuracy", "precision",   "recall",   "f1",    "auc", "loss",
                                      "macro_f1", "weighted_f1", "log_loss", "brier", NULL};
const ls_search_settings ls_search_defaults = {.strategy = LS_SEARCH_RANDOM,
                                               .metric = LS_SCORE_ACCURACY,
                                               .seeds = 1,
                                               .holdout = 0.2,
                                               .eta = 3,
                                               .seed = 1};

bool ls_score_larger(int metric)
{
    return metric != LS_SCORE_LOSS && metric != LS_SCORE_LOG_LOSS && metric != LS_SCORE_BRIER;
}

/* ---- Trials ---------------------------------------------------------------------------------- */

/* Assignments that are there already, by hash. */
typedef struct {
    size_t *slot; /* trial + 1, or 0 */
    size_t mask;
} seen_set;

static uint64_t hash_values(char *const *value, size_t count)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < count; i++)
        for (const char *c = value[i];; c++) {
            h = (h ^ (unsigned char)*c) * 1099511628211u;
            if (!*c) break;
        }
    return h;
}

/* Adds trial t, unless one with the same values is there. */
static bool add_new(seen_set *seen, const ls_search *s, size_t t)
{
    size_t count = s->space->count, at = (size_t)hash_values(s->trial[t].value, count) & seen->mask;
    for (; seen->slot[at]; at = (at + 1) & seen->mask) {
        char *const *other = s->trial[seen->slot[at] - 1].value;
        size_t same = 0;
        while (same < count && !strcmp(other[same], s->trial[t].value[same])) same++;
        if (same == count) return false;
    }
    seen->slot[at] = t + 1;
    return true;
}

/* Draws the trial after the last one; *found: there was something new to draw. */
static ls_status draw_trial(ls_search *s, seen_set *seen, bool *found, ls_error *err)
{
    size_t number = s->trials++, count = s->space->count;
    char **value;
    LS_TRY(ls_alloc(&s->trial[number].value, count, sizeof *value, "a trial", err));
    value = s->trial[number].value;
    for (size_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        LS_TRY(ls_space_draw(s->space, s->how.seed, number, attempt, value, err));
        if ((*found = add_new(seen, s, number))) return LS_OK;
        for (size_t i = 0; i < count; i++) free(value[i]);
        memset(value, 0, count * sizeof *value);
    }
    free(value);
    s->trial[number].value = NULL;
    s->trials--;
    return LS_OK;
}

/* Draws different trials; fewer than were asked for where the space has no more. */
static ls_status draw_trials(ls_search *s, size_t wanted, ls_error *err)
{
    seen_set seen = {.mask = 63};
    while (seen.mask < 2 * wanted) seen.mask = 2 * seen.mask + 1;
    LS_TRY(ls_alloc(&seen.slot, seen.mask + 1, sizeof *seen.slot, "the trials", err));
    ls_status status = LS_OK;
    bool found = true;
    while (status == LS_OK && found && s->trials < wanted)
        status = draw_trial(s, &seen, &found, err);
    free(seen.slot);
    return status;
}

static ls_status grid_trials(ls_search *s, size_t count, ls_error *err)
{
    while (s->trials < count) {
        size_t number = s->trials++;
        LS_TRY(ls_alloc(&s->trial[number].value, s->space->count, sizeof(char *), "a trial", err));
        LS_TRY(ls_space_grid(s->space, number, s->trial[number].value, err));
    }
    return LS_OK;
}

static ls_status choose_trials(ls_search *s, ls_error *err)
{
    size_t points = ls_space_points(s->space),
           wanted = s->how.trials ? s->how.trials : USUAL_TRIALS;
    bool grid = s->how.strategy == LS_SEARCH_GRID,
         all = grid || (ls_space_is_finite(s->space) && points <= wanted);
    size_t most = s->how.trials ? s->how.trials : GRID_MOST;
    if (grid && points > most)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "the grid has %zu points, more than %zu: allow them with --trials %zu, or use --strategy random",
            points, most, points);
    if (wanted > TRIALS_MOST || (grid && points > TRIALS_MOST))
        return ls_fail(err, LS_ERR_ARGUMENT, "--trials: at most %d are possible", TRIALS_MOST);
    LS_TRY(ls_alloc(&s->trial, all ? points : wanted, sizeof *s->trial, "the trials", err));
    return all ? grid_trials(s, points, err) : draw_trials(s, wanted, err);
}

ls_status ls_search_options(const ls_search *s, size_t trial, size_t seed, ls_options **out,
                            ls_error *err)
{
    ls_options *options;
    char text[32];
    LS_TRY(ls_options_copy(s->space->base, &options, err));
    ls_status status = LS_OK;
    for (size_t i = 0; i < s->space->count && status == LS_OK; i++)
        status = ls_options_set(options, ls_option_at(s->space->dimension[i].option)->name,
                                s->trial[trial].value[i], err);
    if (status == LS_OK && seed) {
        snprintf(text, sizeof text, "%llu", (unsigned long long)(options->settings.seed + seed));
        status = options->settings.seed > UINT64_MAX - seed
                     ? ls_fail(err, LS_ERR_ARGUMENT, "--seed: there are no %zu seeds after %s",
                               seed, ls_options_get(options, "seed"))
                     : ls_options_set(options, "seed", text, err);
    }
    if (status != LS_OK) ls_options_free(options);
    else *out = options;
    return status;
}

/* Ends a trial without a score. */
static ls_status give_up(ls_trial *t, ls_trial_state state, size_t rung, const char *reason,
                         ls_error *err)
{
    t->state = state;
    t->rung = rung;
    free(t->reason);
    t->reason = ls_strdup(reason);
    return t->reason ? LS_OK : ls_fail(err, LS_ERR_MEMORY, "out of memory for a message");
}

/* Whether options fit together and the data, as far as can be told without training. */
static ls_status check_options(const ls_settings *s, const ls_data *data, ls_error *err)
{
    ls_network network;
    ls_plan *plan = NULL;
    if (s->patience && !(ls_settings_validation(s) > 0))
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "--patience watches the validation loss; hold rows out with --validation 0.1");
    if (s->class_weights == 2 && s->class_weight_count != data->classes)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--class-weights names %zu weights, the data has %zu classes",
                       s->class_weight_count, data->classes);
    LS_TRY(ls_network_build(s, data->features, data->classes, &network, err));
    ls_status status = ls_plan_build(&network, s, LS_PLAN_TRAIN, data->rows, s->class_weights != 0,
                                     &plan, err);
    ls_plan_free(plan);
    ls_network_free(&network);
    return status;
}

/* Refuses trials whose options do not fit together; an error where that leaves none. */
static ls_status check_trials(ls_search *s, ls_error *err)
{
    size_t refused = 0;
    for (size_t i = 0; i < s->trials; i++) {
        ls_options *options;
        ls_error why;
        LS_TRY(ls_search_options(s, i, s->how.seeds - 1, &options, err));
        ls_status status = check_options(&options->settings, s->train[0], &why);
        ls_options_free(options);
        if (status != LS_OK && status != LS_ERR_ARGUMENT)
            return ls_fail(err, status, "%s", why.message);
        if (status == LS_OK) continue;
        LS_TRY(give_up(&s->trial[i], LS_TRIAL_REFUSED, 0, why.message, err));
        refused++;
    }
    return refused < s->trials ? LS_OK : ls_fail(err, LS_ERR_ARGUMENT, "%s", s->trial[0].reason);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static ls_status part_folds(ls_search *s, const uint32_t *fold, bool *marks, ls_error *err)
{
    for (size_t k = 0; k < s->parts; k++) {
        for (size_t i = 0; i < s->data->rows; i++) marks[i] = fold[i] == k;
        LS_TRY(ls_data_pick(s->data, marks, true, &s->held[k], err));
        LS_TRY(ls_data_pick(s->data, marks, false, &s->train[k], err));
    }
    return LS_OK;
}

static ls_status part_rows(ls_search *s, ls_error *err)
{
    uint32_t *fold = NULL;
    bool *marks = NULL;
    s->parts = s->how.folds ? s->how.folds : 1;
    if (s->how.folds > s->data->rows)
        return ls_fail(err, LS_ERR_ARGUMENT, "--folds: the data has only %zu rows", s->data->rows);
    LS_TRY(ls_alloc(&s->train, s->parts, sizeof *s->train, "the folds", err));
    LS_TRY(ls_alloc(&s->held, s->parts, sizeof *s->held, "the folds", err));
    if (!s->how.folds)
        return ls_data_split(s->data, s->how.holdout, s->how.seed, &s->train[0], &s->held[0], err);
    ls_status status = ls_alloc(&fold, s->data->rows, sizeof *fold, "the folds", err);
    if (status == LS_OK) status = ls_alloc(&marks, s->data->rows, sizeof *marks, "the folds", err);
    if (status == LS_OK) status = ls_data_folds(s->data, s->how.folds, s->how.seed, fold, err);
    if (status == LS_OK) status = part_folds(s, fold, marks, err);
    free(fold);
    free(marks);
    return status;
}

/* ---- Stages ---------------------------------------------------------------------------------- */

size_t ls_halving(size_t trials, uint64_t epochs, size_t eta, ls_rung *rung)
{
    size_t rungs = 1;
    uint64_t power = 1; /* eta^(rungs - 1) */
    while (rungs < LS_MOST_RUNGS && power <= trials / eta && power <= epochs / eta) {
        power *= eta;
        rungs++;
    }
    for (size_t i = 0; i < rungs; i++, power /= eta, trials /= eta)
        rung[i] = (ls_rung){trials, power > 1 ? (epochs - 1) / power + 1 : 0};
    return rungs;
}

static void choose_rungs(ls_search *s)
{
    size_t usable = 0;
    for (size_t i = 0; i < s->trials; i++) usable += s->trial[i].state != LS_TRIAL_REFUSED;
    s->rungs = 1;
    s->rung[0] = (ls_rung){usable, 0};
    if (s->how.strategy == LS_SEARCH_HALVING)
        s->rungs = ls_halving(usable, s->space->base->settings.epochs, s->how.eta, s->rung);
}

/* ---- Searches -------------------------------------------------------------------------------- */

static ls_status check_settings(const ls_space *space, const ls_search_settings *h,
                                const ls_data *data, ls_error *err)
{
    if (!data->y) return ls_fail(err, LS_ERR_ARGUMENT, "the data has no classes to learn");
    if (!h->seeds || h->seeds > 10000)
        return ls_fail(err, LS_ERR_ARGUMENT, "--seeds: 1 to 10000 are possible");
    if (h->folds == 1)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "--folds: 1 leaves nothing to train on; use 2 or more, or 0 for one held-out part");
    if (!h->folds && !(h->holdout > 0 && h->holdout < 1))
        return ls_fail(err, LS_ERR_ARGUMENT, "--holdout: %g is not a share between 0 and 1",
                       h->holdout);
    if (h->eta < 2)
        return ls_fail(err, LS_ERR_ARGUMENT, "--eta: one in %zu would go on; use 2 or more",
                       h->eta);
    for (size_t i = 0; i < ls_option_count(); i++)
        if (space->given[i] && !strcmp(ls_option_at(i)->name, "time-limit"))
            return ls_fail(
                err, LS_ERR_ARGUMENT,
                "--time-limit would make the search depend on the machine's speed; use --epochs");
    for (size_t i = 0; i < space->count && h->strategy == LS_SEARCH_HALVING; i++)
        if (!strcmp(ls_option_at(space->dimension[i].option)->name, "epochs"))
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "--strategy halving divides up --epochs itself; give it one number");
    return LS_OK;
}

ls_status ls_search_create(const ls_space *space, const ls_search_settings *how,
                           const ls_data *data, ls_search **out, ls_error *err)
{
    ls_search *s;
    LS_TRY(check_settings(space, how, data, err));
    LS_TRY(ls_alloc(&s, 1, sizeof *s, "the search", err));
    s->space = space;
    s->how = *how;
    s->data = data;
    s->wave = WAVE_FIRST;
    ls_status status = part_rows(s, err);
    s->members = s->parts * how->seeds; /* at most 2^32 rows times 10000 */
    if (status == LS_OK) status = choose_trials(s, err);
    if (status == LS_OK) status = check_trials(s, err);
    if (status == LS_OK) choose_rungs(s);
    if (status != LS_OK) ls_search_free(s);
    else *out = s;
    return status;
}

static void free_trial(ls_search *s, ls_trial *t)
{
    for (size_t i = 0; t->value && i < s->space->count; i++) free(t->value[i]);
    free(t->value);
    free(t->reason);
    free(t->member);
}

void ls_search_free(ls_search *s)
{
    if (!s) return;
    ls_fleet_close(s->fleet);
    ls_device_close(s->judge);
    for (size_t i = 0; s->trial && i < s->trials; i++) free_trial(s, &s->trial[i]);
    free(s->trial);
    for (size_t i = 0; i < s->parts; i++) {
        if (s->train) ls_data_free(s->train[i]);
        if (s->held) ls_data_free(s->held[i]);
    }
    free(s->train);
    free(s->held);
    free(s);
}

ls_status ls_search_start(ls_search *s, ls_device *device, ls_error *err)
{
    /* one thread: scoring takes 0.01 to 3 ms, and sharing that out gains nothing (5 to 64 features,
     * up to 1000 rows) */
    LS_TRY(ls_device_open("cpu", 1, 0, &s->judge, err));
    return ls_fleet_open(device, 0, &s->fleet, err);
}

size_t ls_search_count(const ls_search *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->trials; i++) n += s->trial[i].state != LS_TRIAL_WAITING;
    return n;
}

/* ---- Order ----------------------------------------------------------------------------------- */

typedef struct {
    const ls_trial *trial;
    size_t number;
    int metric;
} ranked;

/* Scored ones first, the further ones before the others; a NaN is no score. */
static int by_rank(const void *pa, const void *pb)
{
    const ranked *a = pa, *b = pb;
    static const int place[] = {[LS_TRIAL_SCORED] = 0,
                                [LS_TRIAL_DIVERGED] = 1,
                                [LS_TRIAL_REFUSED] = 2,
                                [LS_TRIAL_WAITING] = 3};
    int by_state = place[a->trial->state] - place[b->trial->state];
    if (by_state) return by_state;
    if (a->trial->rung != b->trial->rung) return a->trial->rung > b->trial->rung ? -1 : 1;
    if (a->trial->state == LS_TRIAL_SCORED) {
        double x = a->trial->mean[a->metric], y = b->trial->mean[a->metric];
        bool no_x = isnan(x), no_y = isnan(y);
        if (no_x != no_y) return no_x ? 1 : -1;
        if (!no_x && x != y) return (x > y) == ls_score_larger(a->metric) ? -1 : 1;
    }
    return a->number < b->number ? -1 : 1;
}

ls_status ls_search_rank(const ls_search *s, size_t *order, ls_error *err)
{
    ranked *list;
    LS_TRY(ls_alloc(&list, s->trials, sizeof *list, "the ranking", err));
    for (size_t i = 0; i < s->trials; i++) list[i] = (ranked){&s->trial[i], i, s->how.metric};
    qsort(list, s->trials, sizeof *list, by_rank);
    for (size_t i = 0; i < s->trials; i++) order[i] = list[i].number;
    free(list);
    return LS_OK;
}

/* ---- A wave ---------------------------------------------------------------------------------- */

static void release(ls_search *s, ls_trial *t)
{
    for (size_t i = 0; t->member && i < s->members; i++)
        if (t->member[i] != SIZE_MAX) ls_fleet_remove(s->fleet, t->member[i]);
    free(t->member);
    t->member = NULL;
}

/* Adds a trial's trainings to the fleet; one whose options do not fit is refused. */
static ls_status enter(ls_search *s, size_t trial, size_t rung, ls_error *err)
{
    ls_trial *t = &s->trial[trial];
    if (t->member) return LS_OK;
    LS_TRY(ls_alloc(&t->member, s->members, sizeof *t->member, "a trial's trainings", err));
    for (size_t i = 0; i < s->members; i++) t->member[i] = SIZE_MAX;
    for (size_t seed = 0, i = 0; seed < s->how.seeds; seed++) {
        ls_options *options;
        ls_error why;
        LS_TRY(ls_search_options(s, trial, seed, &options, err));
        ls_status status = LS_OK;
        for (size_t part = 0; part < s->parts && status == LS_OK; part++, i++)
            status = ls_fleet_add(s->fleet, options, s->train[part], &t->member[i], &why);
        ls_options_free(options);
        if (status == LS_OK) continue;
        release(s, t);
        return status == LS_ERR_ARGUMENT ? give_up(t, LS_TRIAL_REFUSED, rung + 1, why.message, err)
                                         : ls_fail(err, status, "%s", why.message);
    }
    return LS_OK;
}

/* Whether all of a trial's trainings have come to where the rung ends. */
static ls_status is_complete(const ls_search *s, const ls_trial *t, uint64_t until, bool *out,
                             ls_error *err)
{
    *out = true;
    for (size_t i = 0; i < s->members && *out; i++) {
        ls_member_info info;
        LS_TRY(ls_fleet_member(s->fleet, t->member[i], &info, err));
        *out = info.state != LS_MEMBER_TRAINING || (until && info.epochs >= until);
    }
    return LS_OK;
}

static ls_status member_diverged(const ls_search *s, ls_trial *t, size_t member, size_t rung,
                                 const char *message, ls_error *err)
{
    char where[80] = "", reason[1200];
    if (s->how.seeds > 1)
        snprintf(where, sizeof where, "seed %zu%s", member / s->parts + 1,
                 s->parts > 1 ? ", " : ": ");
    if (s->parts > 1)
        snprintf(where + strlen(where), sizeof where - strlen(where),
                 "fold %zu: ", member % s->parts + 1);
    snprintf(reason, sizeof reason, "%s%s", where, message ? message : "training diverged");
    return give_up(t, LS_TRIAL_DIVERGED, rung + 1, reason, err);
}

/* Scores one training; *diverged: it has no score, and the trial ends with it. */
static ls_status score_member(ls_search *s, ls_trial *t, size_t i, size_t rung,
                              double score[LS_SCORES], bool *diverged, ls_error *err)
{
    ls_member_info info;
    ls_model *model;
    ls_metrics *m;
    ls_error why;
    LS_TRY(ls_fleet_member(s->fleet, t->member[i], &info, err));
    t->epochs += (double)info.epochs / (double)s->members;
    t->steps += (double)info.steps / (double)s->members;
    t->seconds += info.seconds;
    t->parameters = info.parameters;
    if (*diverged) return LS_OK;
    ls_status status = info.state == LS_MEMBER_DIVERGED
                           ? ls_fail(&why, LS_ERR_DIVERGED, "%s",
                                     info.message ? info.message : "training diverged")
                           : ls_fleet_model(s->fleet, t->member[i], &model, &why);
    if ((*diverged = status == LS_ERR_DIVERGED))
        return member_diverged(s, t, i, rung, why.message, err);
    if (status != LS_OK) return ls_fail(err, status, "%s", why.message);
    if (i == 0) ls_model_weights_sha256(model, t->weights);
    status = ls_model_evaluate(model, s->judge, s->held[i % s->parts], &m, err);
    ls_model_free(model);
    LS_TRY(status);
    const double all[LS_SCORES] = {m->accuracy, m->precision, m->recall,   m->f1,
                                   m->auc,      m->loss,      m->macro_f1, m->weighted_f1,
                                   m->log_loss, m->brier};
    memcpy(score, all, sizeof all);
    ls_metrics_free(m);
    return LS_OK;
}

/* Mean and sample standard deviation, in two passes over the trainings in their order. */
static void spread(ls_trial *t, double (*score)[LS_SCORES], size_t n)
{
    for (size_t k = 0; k < LS_SCORES; k++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < n; i++) sum += score[i][k];
        t->mean[k] = sum / (double)n;
        for (size_t i = 0; i < n; i++)
            squares += (score[i][k] - t->mean[k]) * (score[i][k] - t->mean[k]);
        t->sd[k] = n > 1 ? sqrt(squares / (double)(n - 1)) : (double)NAN;
    }
}

static ls_status score_trial(ls_search *s, size_t trial, size_t rung, ls_error *err)
{
    ls_trial *t = &s->trial[trial];
    double(*score)[LS_SCORES];
    bool diverged = false;
    LS_TRY(ls_alloc(&score, s->members, sizeof *score, "the scores", err));
    t->epochs = t->steps = t->seconds = 0;
    ls_status status = LS_OK;
    for (size_t i = 0; i < s->members && status == LS_OK; i++)
        status = score_member(s, t, i, rung, score[i], &diverged, err);
    if (status == LS_OK && !diverged) {
        spread(t, score, s->members);
        t->state = LS_TRIAL_SCORED;
        t->rung = rung + 1;
    }
    free(score);
    return status;
}

/* Frees the trainings of trials that cannot go on: all but the best of those behind this rung, or
 * all of the last one. */
static ls_status release_losers(ls_search *s, size_t rung, ls_error *err)
{
    size_t *order, going_on = rung + 1 < s->rungs ? s->rung[rung + 1].trials : 0, kept = 0;
    LS_TRY(ls_alloc(&order, s->trials, sizeof *order, "the ranking", err));
    ls_status status = ls_search_rank(s, order, err);
    for (size_t i = 0; i < s->trials && status == LS_OK; i++) {
        ls_trial *t = &s->trial[order[i]];
        if (t->rung != rung + 1) continue;
        if (t->state != LS_TRIAL_SCORED || kept++ >= going_on) release(s, t);
    }
    free(order);
    return status;
}

static ls_status run_wave(ls_search *s, const size_t *wave, size_t count, size_t rung,
                          ls_fleet_callback callback, void *user, ls_error *err)
{
    uint64_t until = s->rung[rung].until;
    size_t *members, size, n = 0;
    if (!ls_mul_size(count, s->members, &size))
        return ls_fail(err, LS_ERR_MEMORY, "too many trainings for this machine");
    LS_TRY(ls_alloc(&members, size, sizeof *members, "the trainings", err));
    ls_status status = LS_OK;
    for (size_t i = 0; i < count && status == LS_OK; i++) {
        status = enter(s, wave[i], rung, err);
        const ls_trial *t = &s->trial[wave[i]];
        for (size_t k = 0; t->member && status == LS_OK && k < s->members; k++)
            members[n++] = t->member[k];
    }
    s->working = n;
    if (status == LS_OK && n)
        status = ls_fleet_run(s->fleet, members, n, until, callback, user, err);
    for (size_t i = 0; i < count && status == LS_OK; i++) {
        bool complete = false;
        if (s->trial[wave[i]].member)
            status = is_complete(s, &s->trial[wave[i]], until, &complete, err);
        if (status == LS_OK && complete) status = score_trial(s, wave[i], rung, err);
    }
    free(members);
    return status == LS_OK ? release_losers(s, rung, err) : status;
}

/* Trials for the next wave, into the front of `order`, which is the ranking; 0 where the rung is
 * complete. Those to be trained are the best of the rung before, less those that are through: so it
 * is the same set wherever the search was taken up. */
static size_t next_wave(const ls_search *s, size_t rung, size_t *order)
{
    size_t through = 0, n = 0, most = s->wave / s->members;
    for (size_t i = 0; i < s->trials; i++) through += s->trial[i].rung > rung;
    size_t wanted = s->rung[rung].trials > through ? s->rung[rung].trials - through : 0;
    if (most < 1) most = 1;
    if (wanted > most) wanted = most;
    for (size_t i = 0; i < s->trials && n < wanted; i++) {
        const ls_trial *t = &s->trial[order[i]];
        if (t->rung == rung && t->state == (rung ? LS_TRIAL_SCORED : LS_TRIAL_WAITING))
            order[n++] = order[i];
    }
    return n;
}

ls_status ls_search_step(ls_search *s, ls_fleet_callback callback, void *user, bool *finished,
                         ls_error *err)
{
    size_t *order, n = 0;
    LS_TRY(ls_alloc(&order, s->trials, sizeof *order, "the ranking", err));
    ls_status status = ls_search_rank(s, order, err);
    for (s->at = 0; s->at < s->rungs && status == LS_OK && !n; s->at += !n)
        n = next_wave(s, s->at, order);
    if (s->at == s->rungs) s->at--;
    *finished = !n;
    double started = ls_clock();
    if (status == LS_OK && n) status = run_wave(s, order, n, s->at, callback, user, err);
    free(order);
    /* larger waves while they are short, so that a fast device is filled: the size of a wave
     * changes no result */
    double seconds = ls_clock() - started;
    if (seconds < wave_short && s->wave < WAVE_MOST && n * s->members >= s->wave / 2) s->wave *= 2;
    if (seconds > wave_long && s->wave > WAVE_FIRST) s->wave /= 2;
    return status;
}
