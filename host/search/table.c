/* SPDX-License-Identifier: MIT */
#include "host/search/table.h"
#include "host/base/memory.h"
#include "host/data/data.h"
#include "host/search/rank.h"
#include "host/search/trial.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add_field(ls_text *out, const char *text)
{
    ls_text_add(out, ",");
    ls_text_add_csv(out, text);
}

/* A missing number is an empty field, as CSV readers expect. */
static void add_number(ls_text *out, double number, bool there)
{
    if (!there || isnan(number)) ls_text_add(out, ",");
    else ls_text_add(out, ",%.10g", number);
}

/* Column of an option: its dimension if it is searched, SAME if it has one value other than the
 * default in all trials, otherwise NONE. */
enum { SAME = -1, NONE = -2 };
static int column_of(const ls_search *s, size_t option)
{
    for (size_t i = 0; i < s->space->count; i++)
        if (s->space->dimension[i].option == option) return (int)i;
    const ls_option_info *info = ls_option_at(option);
    return strcmp(ls_options_get(s->space->base, info->name), info->initial) ? SAME : NONE;
}

/* "accuracy_fold_3", "accuracy_seed_2_fold_3": the score of a training by the metric that trials
 * are ranked by. */
static void add_training_name(const ls_search *s, size_t i, ls_text *out)
{
    ls_text_add(out, ",%s", ls_score_names[s->how.metric]);
    if (s->how.seeds > 1) ls_text_add(out, "_seed_%zu", i / s->parts + 1);
    if (s->parts > 1) ls_text_add(out, "_fold_%zu", i % s->parts + 1);
}

static void add_header(const ls_search *s, ls_text *out)
{
    ls_text_add(out, "trial,rank,status,rung");
    for (size_t i = 0; i < ls_option_count(); i++)
        if (column_of(s, i) != NONE) add_field(out, ls_option_at(i)->name);
    for (int k = 0; k < LS_SCORES; k++)
        if (ls_score_fits(k, s->data->task))
            ls_text_add(out, ",%s_mean,%s_sd,%s_parts", ls_score_names[k], ls_score_names[k],
                        ls_score_names[k]);
    for (size_t i = 0; s->members > 1 && i < s->members; i++) add_training_name(s, i, out);
    ls_text_add(out, ",epochs_run,steps,parameters,weights_sha256,reason\n");
}

static void add_trial(const ls_search *s, size_t number, size_t rank, ls_text *out)
{
    const ls_trial *t = &s->trial[number];
    bool scored = t->state == LS_TRIAL_SCORED, run = t->rung && t->state != LS_TRIAL_REFUSED;
    ls_text_add(out, "%zu,", number + 1);
    if (ls_search_has_score(s, t)) ls_text_add(out, "%zu", rank);
    ls_text_add(out, ",%s,%zu", ls_trial_status(s, t), t->rung);
    for (size_t i = 0; i < ls_option_count(); i++) {
        int at = column_of(s, i);
        if (at != NONE)
            add_field(out, at >= 0 ? t->value[at]
                                   : ls_options_get(s->space->base, ls_option_at(i)->name));
    }
    for (int k = 0; k < LS_SCORES; k++) {
        if (!ls_score_fits(k, s->data->task)) continue;
        add_number(out, t->mean[k], scored);
        add_number(out, t->sd[k], scored);
        add_number(out, (double)t->parts[k], scored);
    }
    for (size_t i = 0; s->members > 1 && i < s->members; i++)
        add_number(out, scored ? t->score[i] : 0, scored);
    add_number(out, t->epochs, run);
    add_number(out, t->steps, run);
    add_number(out, (double)t->parameters, run);
    add_field(out, scored ? t->weights : "");
    add_field(out, t->reason ? t->reason : "");
    ls_text_add(out, "\n");
}

ls_status ls_search_table(const ls_search *s, ls_text *out, ls_error *err)
{
    size_t *order, *rank;
    LS_TRY(ls_alloc(&order, 2 * s->trials, sizeof *order, "the ranking", err));
    rank = order + s->trials;
    ls_status status = ls_search_rank(s, order, err);
    for (size_t i = 0; i < s->trials; i++) rank[order[i]] = i + 1;
    add_header(s, out);
    for (size_t i = 0; i < s->trials && status == LS_OK; i++)
        if (s->trial[i].state != LS_TRIAL_WAITING) add_trial(s, i, rank[i], out);
    free(order);
    if (status == LS_OK && out->failed)
        return ls_fail(err, LS_ERR_MEMORY, "out of memory for the table of trials");
    return status;
}
