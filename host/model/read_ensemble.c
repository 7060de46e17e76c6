/* SPDX-License-Identifier: MIT */
/* An ensemble's members have what is theirs alone; the rest is that of the ensemble. */
#include "host/base/json.h"
#include "host/model/decision.h"
#include "host/model/ensemble.h"
#include "host/model/model_format.h"
#include "host/model/read_json.h"
#include <string.h>

/* The metadata of a member as those of a model: with what it shares with the ensemble, without
 * entries that are null. */
static ls_status complete_member(const json_t *root, const json_t *member, json_t **out,
                                 ls_error *err)
{
    json_t *whole = json_copy((json_t *)member);
    for (size_t i = 0; whole && ls_shared_entries[i]; i++) {
        const char *name = ls_shared_entries[i];
        json_t *shared = json_object_get(root, name), *own = json_object_get(whole, name);
        if (json_is_null(own)) json_object_del(whole, name);
        else if (!own && shared) ls_json_set(&whole, name, json_incref(shared));
    }
    *out = whole;
    return whole ? LS_OK : ls_fail(err, LS_ERR_MEMORY, "out of memory for the ensemble");
}

/* Whether a member takes the rows of the ensemble and predicts its targets. */
static bool fits_ensemble(const ls_model *member, const ls_model *m)
{
    const ls_network *a = &member->network, *b = &m->network;
    const size_t own = member->encoder ? member->encoder->columns : a->inputs,
                 columns = m->encoder ? m->encoder->columns : b->inputs;
    bool same = member->task == m->task && a->inputs == b->inputs && a->outputs == b->outputs &&
                a->classes == b->classes && a->output == b->output && own == columns &&
                member->targets == m->targets && !ls_decision_is_set(&member->decision);
    for (size_t c = 0; same && c < columns; c++)
        same = (member->encoder && member->encoder->column[c].categorical) ==
               (m->encoder && m->encoder->column[c].categorical);
    for (size_t k = 0; same && k < a->classes; k++)
        same = !strcmp(member->class_names[k], m->class_names[k]);
    return same;
}

static ls_status read_member(const json_t *root, const json_t *object, size_t i, const char *path,
                             ls_model *m, ls_error *err)
{
    json_t *whole;
    ls_model **member = &m->ensemble->member[i];
    LS_TRY(complete_member(root, object, &whole, err));
    ls_status status = ls_json_read_count(json_object_get(object, "times"),
                                          &m->ensemble->times[i]) &&
                               m->ensemble->times[i] && m->ensemble->times[i] <= LS_MOST_MEMBERS &&
                               !json_object_get(object, "ensemble") &&
                               !json_object_get(object, "decision")
                           ? ls_read_one(whole, path, member, err)
                           : ls_damaged(path, "a member of its ensemble is incomplete", err);
    json_decref(whole);
    if (status == LS_OK && !fits_ensemble(*member, m))
        status = ls_damaged(path, "a member of its ensemble does not fit the ensemble", err);
    return status;
}

ls_status ls_read_ensemble(const json_t *root, const char *path, ls_model *m, ls_error *err)
{
    const json_t *object = json_object_get(root, "ensemble"),
                 *list = json_object_get(object, "members");
    size_t members = json_array_size(list);
    double temperature;
    if (!members || members > LS_MOST_MEMBERS ||
        !ls_json_read_number(json_object_get(object, "temperature"), &temperature) ||
        !(temperature >= 1e-3 && temperature <= 1e3))
        return ls_damaged(path, "its ensemble is incomplete", err);
    LS_TRY(ls_ensemble_reserve(m, members, err));
    m->ensemble->temperature = temperature;
    m->summary.parameters = 0;
    for (size_t i = 0; i < members; i++) {
        LS_TRY(read_member(root, json_array_get(list, i), i, path, m, err));
        m->summary.parameters += m->ensemble->member[i]->summary.parameters;
    }
    return LS_OK;
}
