/* SPDX-License-Identifier: MIT */
#include "host/search/out_of_fold.h"
#include "host/base/error.h"
#include "host/base/memory.h"
#include "host/model/model_file.h"
#include "host/search/trial.h"
#include <stdlib.h>
#include <string.h>

static ls_status take_models(const ls_search *s, const size_t *member, ls_model **model,
                             ls_error *err)
{
    for (size_t k = 0; k < s->parts; k++) {
        ls_member_info info = LS_INIT(ls_member_info);
        LS_TRY(ls_fleet_member(s->fleet, member[k], &info, err));
        if (info.state == LS_MEMBER_TRAINING) continue;
        LS_TRY(ls_fleet_model(s->fleet, member[k], &model[k], err));
    }
    return LS_OK;
}

/* The first network's weights are known from the search. */
static ls_status check_weights(const ls_trial *t, const ls_model *model, ls_error *err)
{
    char weights[65];
    if (!model) return LS_OK;
    ls_model_weights_sha256(model, weights);
    return strcmp(weights, t->weights) == 0
               ? LS_OK
               : ls_fail(err, LS_ERR_DEVICE,
                         "the first network trained again has other weights than in the search; "
                         "use --device cpu, and report this");
}

ls_status ls_search_out_of_fold(ls_search *s, size_t trial, ls_fleet_callback callback, void *user,
                                ls_model **model, ls_error *err)
{
    ls_options *options = NULL;
    size_t *member;
    for (size_t k = 0; k < s->parts; k++) model[k] = NULL;
    LS_TRY(ls_alloc(&member, s->parts, sizeof *member, "the trainings", err));
    ls_status status = ls_search_options(s, trial, 0, &options, err);
    size_t added = 0;
    while (status == LS_OK && added < s->parts) {
        status = ls_fleet_add(s->fleet, options, s->train[added], &member[added], err);
        added += status == LS_OK;
    }
    if (status == LS_OK) status = ls_fleet_run(s->fleet, member, added, 0, callback, user, err);
    if (status == LS_OK) status = take_models(s, member, model, err);
    if (status == LS_OK) status = check_weights(&s->trial[trial], model[0], err);
    while (added > 0) ls_fleet_remove(s->fleet, member[--added]);
    ls_options_free(options);
    free(member);
    return status;
}
