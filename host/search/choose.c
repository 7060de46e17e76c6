/* SPDX-License-Identifier: MIT */
#include "host/search/choose.h"
#include "host/base/memory.h"
#include "host/model/targets.h"
#include "host/model/training_rows.h"
#include "host/network/network.h"
#include "host/network/plan.h"
#include "host/search/metric_check.h"
#include "host/search/trial.h"
#include <stdlib.h>
#include <string.h>

enum {
    USUAL_TRIALS = 50,
    GRID_MOST = 10000, /* points of a grid without --trials */
    TRIALS_MOST = 1000000,
    ATTEMPTS = 100000 /* draws in a row without a new combination, after which the space counts as
                         exhausted */
};

/* ---- Drawing --------------------------------------------------------------------------------- */

/* The set of value combinations of the trials so far: a hash table with linear probing. */
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

/* Adds trial t; false if another trial has the same values. */
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

/* Draws one more trial. *found: a new combination was found. */
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

/* Draws different trials; fewer than `wanted` if the space has no more. */
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

ls_status ls_search_choose_trials(ls_search *s, ls_error *err)
{
    size_t points = ls_space_points(s->space),
           wanted = s->how.trials ? s->how.trials : USUAL_TRIALS;
    bool grid = s->how.strategy == LS_SEARCH_GRID,
         all = grid || (ls_space_is_finite(s->space) && points <= wanted);
    size_t most = s->how.trials ? s->how.trials : GRID_MOST;
    if (grid && points > most)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "the grid has %zu points, more than %zu; allow them with --trials %zu, or use --strategy random",
            points, most, points);
    if (wanted > TRIALS_MOST || (grid && points > TRIALS_MOST))
        return ls_fail(err, LS_ERR_ARGUMENT, "--trials: use at most %d", TRIALS_MOST);
    LS_TRY(ls_alloc(&s->trial, all ? points : wanted, sizeof *s->trial, "the trials", err));
    return all ? grid_trials(s, points, err) : draw_trials(s, wanted, err);
}

/* ---- Refusing -------------------------------------------------------------------------------- */

/* Checks that no batch of one row is normalised in any part. */
static ls_status check_batches(const ls_search *search, const ls_settings *s, ls_error *err)
{
    for (size_t p = 0; p < search->parts && ls_settings_normalise_rows(s); p++) {
        size_t rows;
        LS_TRY(ls_training_rows(s, search->train[p], &rows, err));
        LS_TRY(ls_training_check_batch(s, rows, err));
    }
    return LS_OK;
}

/* Checks that options fit together and fit the data, as far as that shows without training. */
static ls_status check_options(const ls_search *search, const ls_settings *s, ls_error *err)
{
    ls_network network;
    ls_plan *plan = NULL;
    const ls_data *data = search->train[0];
    LS_TRY(ls_training_check_settings(s, data, err));
    LS_TRY(check_batches(search, s, err));
    LS_TRY(ls_network_build(s, data->features, ls_shape_of(data), &network, err));
    ls_status status = ls_plan_build(&network, s, LS_PLAN_TRAIN, data->rows,
                                     ls_rows_are_weighted(s, data), &plan, err);
    if (status == LS_OK) status = ls_search_check_outputs(search, &network, err);
    ls_plan_free(plan);
    ls_network_free(&network);
    return status;
}

ls_status ls_search_refuse_unfit(ls_search *s, ls_error *err)
{
    size_t refused = 0;
    for (size_t i = 0; i < s->trials; i++) {
        ls_options *options;
        ls_error why;
        LS_TRY(ls_search_options(s, i, s->how.seeds - 1, &options, err));
        ls_status status = check_options(s, &options->settings, &why);
        ls_options_free(options);
        if (status != LS_OK && status != LS_ERR_ARGUMENT)
            return ls_fail(err, status, "%s", why.message);
        if (status == LS_OK) continue;
        LS_TRY(ls_trial_give_up(&s->trial[i], LS_TRIAL_REFUSED, 0, why.message, err));
        refused++;
    }
    return refused < s->trials ? LS_OK : ls_fail(err, LS_ERR_ARGUMENT, "%s", s->trial[0].reason);
}
