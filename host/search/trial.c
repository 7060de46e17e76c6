/* SPDX-License-Identifier: MIT */
#include "host/search/trial.h"
#include "host/base/text.h"
#include <assert.h>
#include <stdlib.h>

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

const char *ls_trial_status(const ls_search *s, const ls_trial *t)
{
    switch (t->state) {
    case LS_TRIAL_SCORED: return t->rung == s->rungs ? "done" : "stopped";
    case LS_TRIAL_DIVERGED: return "diverged";
    case LS_TRIAL_REFUSED: return "refused";
    case LS_TRIAL_WAITING: break;
    }
    return "waiting";
}

ls_status ls_trial_give_up(ls_trial *t, ls_trial_state state, size_t rung, const char *reason,
                           ls_error *err)
{
    assert(state == LS_TRIAL_DIVERGED || state == LS_TRIAL_REFUSED);
    t->state = state;
    t->rung = rung;
    free(t->reason);
    t->reason = ls_strdup(reason);
    return t->reason ? LS_OK : ls_fail(err, LS_ERR_MEMORY, "out of memory for a message");
}

void ls_trial_clear(ls_trial *t, size_t values)
{
    for (size_t i = 0; t->value && i < values; i++) free(t->value[i]);
    free(t->value);
    free(t->reason);
    free(t->member);
    free(t->score);
}
