/* SPDX-License-Identifier: MIT */
#include "host/search/search.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/data/split.h"
#include "host/device/cpu_path.h"
#include "host/model/training_rows.h"
#include "host/network/network.h"
#include "host/network/plan.h"
#include "host/search/choose.h"
#include "host/search/metric_check.h"
#include "host/search/parts.h"
#include "host/search/rank.h"
#include "host/search/rungs.h"
#include "host/search/scoring.h"
#include "host/search/trial.h"
#include "host/search/wave.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WAVE_FIRST = 32, WAVE_MOST = 4096 };         /* trainings at once */
static const double wave_short = 2, wave_long = 20; /* seconds */

const char *const ls_strategy_names[] = {"grid", "random", "halving", NULL};
const ls_search_settings ls_search_defaults = {.strategy = LS_SEARCH_RANDOM,
                                               .metric = LS_SCORE_ACCURACY,
                                               .seeds = 1,
                                               .holdout = -1,
                                               .eta = 3,
                                               .seed = 1};

static ls_status check_settings(const ls_space *space, const ls_search_settings *h,
                                const ls_data *data, ls_error *err)
{
    LS_TRY(ls_training_check_labels(data, err));
    if (!h->seeds || h->seeds > 10000)
        return ls_fail(err, LS_ERR_ARGUMENT, "--seeds: use 1 to 10000");
    if (h->folds == 1)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "--folds: 1 leaves no training rows; use 2 or more, or 0 for one held-out part");
    if (!h->folds && !(h->holdout < 0) && !(h->holdout > 0 && h->holdout < 1))
        return ls_fail(err, LS_ERR_ARGUMENT, "--holdout: %g is not a share between 0 and 1",
                       h->holdout);
    if (h->eta < 2)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--eta: with %zu, no trial would drop out; use 2 or more", h->eta);
    for (size_t i = 0; i < ls_option_count(); i++)
        if (space->given[i] && !strcmp(ls_option_at(i)->name, "time-limit"))
            return ls_fail(
                err, LS_ERR_ARGUMENT,
                "--time-limit would make the search depend on the machine's speed; use --epochs");
    for (size_t i = 0; i < space->count && h->strategy == LS_SEARCH_HALVING; i++)
        if (!strcmp(ls_option_at(space->dimension[i].option)->name, "epochs"))
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "--strategy halving divides --epochs among its rungs; give one number");
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
    s->wave_size = WAVE_FIRST;
    ls_status status = ls_search_split_rows(s, err);
    s->members = s->parts * how->seeds; /* at most 2^32 rows times 10000 */
    if (status == LS_OK) status = ls_search_check_metric(s, err);
    if (status == LS_OK) status = ls_search_choose_trials(s, err);
    if (status == LS_OK) status = ls_search_refuse_unfit(s, err);
    if (status == LS_OK) ls_search_choose_rungs(s);
    if (status != LS_OK) ls_search_free(s);
    else *out = s;
    return status;
}

void ls_search_free(ls_search *s)
{
    if (!s) return;
    ls_fleet_close(s->fleet);
    ls_device_close(s->scoring_device);
    ls_scorers_close(s->scorers);
    for (size_t i = 0; s->trial && i < s->trials; i++)
        ls_trial_clear(&s->trial[i], s->space->count);
    free(s->trial);
    ls_search_free_parts(s);
    free(s);
}

ls_status ls_search_start(ls_search *s, ls_device *device, ls_error *err)
{
    assert(!s->fleet && !s->scoring_device);
    LS_TRY(ls_device_open("cpu", 1, 0, &s->scoring_device, err));
    LS_TRY(ls_scorers_open(ls_device_threads(device), &s->scorers, err));
    return ls_fleet_open(device, 0, &s->fleet, err);
}

ls_status ls_search_step(ls_search *s, ls_fleet_callback callback, void *user, bool *finished,
                         ls_error *err)
{
    size_t *order, n = 0;
    LS_TRY(ls_alloc(&order, s->trials, sizeof *order, "the ranking", err));
    ls_status status = ls_search_rank(s, order, err);
    for (s->at = 0; s->at < s->rungs && status == LS_OK && !n; s->at += !n)
        n = ls_search_next_wave(s, s->at, order);
    if (s->at == s->rungs) s->at--;
    *finished = !n;
    double started = ls_clock();
    if (status == LS_OK && n) status = ls_search_run_wave(s, order, n, s->at, callback, user, err);
    free(order);
    /* short waves double the size, so that a fast device is filled; the size of a wave changes no
     * result */
    double seconds = ls_clock() - started;
    if (seconds < wave_short && s->wave_size < WAVE_MOST && n * s->members >= s->wave_size / 2)
        s->wave_size *= 2;
    if (seconds > wave_long && s->wave_size > WAVE_FIRST) s->wave_size /= 2;
    return status;
}
