/* SPDX-License-Identifier: MIT */
#include "host/cli/cmd/search_output.h"
#include "host/base/clock.h"
#include "host/base/json.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/base/visible.h"
#include "host/cli/base/device_report.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/model_output.h"
#include "host/cli/base/notes.h"
#include "host/cli/base/progress.h"
#include "host/cli/base/terminal.h"
#include "host/cli/run/config.h"
#include "host/cli/run/train_command.h"
#include "host/model/options_json.h"
#include "host/search/rank.h"
#include "host/search/trial.h"
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The leaderboard ------------------------------------------------------------------------- */

static const char *option_name(const ls_search *s, size_t dimension)
{
    return ls_option_at(s->space->dimension[dimension].option)->name;
}

static const char *const status_names[] = {"waiting", "", "diverged", "refused"};

/* Whether the metric has the units of the target, so that its values may have any size. */
static bool has_units(int metric)
{
    return !ls_score_larger(metric) && ls_score_fits(metric, LS_TASK_REGRESSION) &&
           metric != LS_SCORE_LOSS;
}

static void add_score(ls_text *out, const ls_search *s, const ls_trial *t)
{
    int m = s->how.metric, digits = ls_score_larger(m) ? 4 : 5;
    if (t->state != LS_TRIAL_SCORED) ls_text_show(out, "  %-17s", status_names[t->state]);
    else if (isnan(t->mean[m])) ls_text_show(out, "  %-17s", "undefined");
    else if (isnan(t->sd[m]))
        ls_text_show(out, has_units(m) ? "  %-17.*g" : "  %-17.*f", digits, t->mean[m]);
    else if (has_units(m)) ls_text_show(out, "  %.5g ± %-8.3g", t->mean[m], t->sd[m]);
    else
        ls_text_show(out, "  %.*f ± %-*.*f", digits, t->mean[m], digits == 5 ? 7 : 8, digits,
                     t->sd[m]);
}

enum { MOST_COMPANIONS = 3, COMPANION_WIDTH = 10 };

/* Metrics that are shown beside the one that trials are ranked by. */
static size_t companions(const ls_search *s, int list[MOST_COMPANIONS])
{
    static const int of_numbers[] = {LS_SCORE_RMSE, LS_SCORE_MAE, LS_SCORE_R2, LS_SCORE_LOSS},
                     of_classes[] = {LS_SCORE_LOSS, LS_SCORE_ACCURACY};
    bool numbers = ls_data_task(s->data) == LS_TASK_REGRESSION;
    size_t n = 0, most = numbers ? MOST_COMPANIONS : 1;
    for (size_t i = 0; i < (numbers ? 4u : 2u) && n < most; i++) {
        int metric = numbers ? of_numbers[i] : of_classes[i];
        if (metric != s->how.metric) list[n++] = metric;
    }
    return n;
}

static void add_companion(ls_text *out, const ls_trial *t, int metric)
{
    if (t->state != LS_TRIAL_SCORED || isnan(t->mean[metric]))
        ls_text_show(out, " %*s", COMPANION_WIDTH, "");
    else if (ls_score_larger(metric)) ls_text_show(out, " %*.4f", COMPANION_WIDTH, t->mean[metric]);
    else ls_text_show(out, " %*.5g", COMPANION_WIDTH, t->mean[metric]);
}

/* The width of the column of a searched option over the trials shown; 0 for the last column. */
static int column_width(const ls_search *s, size_t dimension, const size_t *order, size_t rows)
{
    if (dimension + 1 == s->space->count) return 0;
    size_t width = ls_visible_width(option_name(s, dimension));
    for (size_t i = 0; i < rows; i++) {
        size_t n = ls_visible_width(s->trial[order[i]].value[dimension]);
        if (n > width) width = n;
    }
    return width < 40 ? (int)width : 40;
}

/* Adds a heading and one line for each of the first `rows` trials of the order. */
static void add_board(ls_text *out, const ls_search *s, const size_t *order, size_t rows)
{
    bool halving = s->rungs > 1;
    int beside[MOST_COMPANIONS];
    size_t count = companions(s, beside);
    ls_text_show(out, "%4s %6s  %-17s", "rank", "trial", ls_score_names[s->how.metric]);
    for (size_t k = 0; k < count; k++)
        ls_text_show(out, " %*s", COMPANION_WIDTH, ls_score_names[beside[k]]);
    ls_text_show(out, "%s %7s %10s", halving ? " rung" : "", "epochs", "parameters");
    for (size_t k = 0; k < s->space->count; k++)
        ls_text_show(out, "  %-*s", column_width(s, k, order, rows), option_name(s, k));
    ls_text_show(out, "\n");
    for (size_t i = 0; i < rows; i++) {
        const ls_trial *t = &s->trial[order[i]];
        if (ls_search_has_score(s, t)) ls_text_show(out, "%4zu", i + 1);
        else ls_text_show(out, "%4s", "-");
        ls_text_show(out, " %6zu", order[i] + 1);
        add_score(out, s, t);
        for (size_t k = 0; k < count; k++) add_companion(out, t, beside[k]);
        if (halving) ls_text_show(out, " %4zu", t->rung);
        ls_text_show(out, " %7.6g %10llu", t->epochs, (unsigned long long)t->parameters);
        for (size_t k = 0; k < s->space->count; k++)
            ls_text_show(out, "  %-*.40s", column_width(s, k, order, rows), t->value[k]);
        ls_text_show(out, "\n");
    }
}

/* ---- Live ------------------------------------------------------------------------------------ */

/* How far the search is, as one line. */
static void add_state(progress_part part[4], const search_view *v, const ls_fleet_progress *p)
{
    const ls_search *s = v->search;
    size_t through = 0, size = sizeof part[0].text;
    for (size_t i = 0; i < s->trials; i++) through += s->trial[i].rung > s->at;
    int n = snprintf(part[0].text, size, "%zu of %zu trials", through, s->rung[s->at].trials);
    if (s->rungs > 1)
        snprintf(part[0].text + n, size - (size_t)n, " of rung %zu of %zu", s->at + 1, s->rungs);
    snprintf(part[1].text, size, ", %.0f s", v->drawn - v->started);
    if (p)
        snprintf(part[2].text, size, "; %zu trainings running",
                 s->working - (p->waiting < s->working ? p->waiting : s->working));
    if (p && p->seconds > 0 && p->steps)
        snprintf(part[3].text, size, ", %.0f steps/s", (double)p->steps / p->seconds);
}

/* The board of the best trials so far above that line. */
static void draw_board(const search_view *v, const progress_part part[4])
{
    const ls_search *s = v->search;
    size_t rows = ls_search_count(s), height = progress_rows(), *order;
    size_t most = height > 4 ? height - 3 : 1;
    if (ls_alloc(&order, s->trials, sizeof *order, "", NULL) != LS_OK) {
        terminal_lacks();
        return;
    }
    ls_text text = {0};
    if (rows > v->top) rows = v->top;
    if (rows > most) rows = most;
    if (rows && ls_search_rank(s, order, NULL) == LS_OK) add_board(&text, s, order, rows);
    for (size_t i = 0; i < 4; i++) ls_text_add(&text, "%s", part[i].text);
    ls_text_add(&text, "\n");
    if (!text.failed) progress_board(text.text);
    free(text.text);
    free(order);
}

void search_view_draw(search_view *v, const ls_fleet_progress *p)
{
    double time = v->live ? ls_clock() : 0;
    progress_part part[4] = {{.rank = 0}, {.rank = 1}, {.rank = 2}, {.rank = 3}};
    if (!v->live || (v->drawn > 0 && time - v->drawn < 0.2)) return;
    v->drawn = time;
    add_state(part, v, p);
    if (progress_boards()) draw_board(v, part);
    else progress_parts(part, 4);
}

/* ---- Command --------------------------------------------------------------------------------- */

char *search_command(const search_arguments *a, const search_work *w)
{
    ls_text text = {0};
    ls_options *options;
    if (ls_search_options(w->search, w->order[0], 0, &options, NULL) != LS_OK) return NULL;
    const run_config config = {.data = a->data, .source = a->source};
    command_add_train(&text, &config, options);
    ls_text_add(&text, " -o");
    command_add_word(&text, a->save ? a->save : "best.safetensors");
    ls_options_free(options);
    if (!text.failed) return text.text;
    free(text.text);
    return NULL;
}

/* ---- Results --------------------------------------------------------------------------------- */

const ls_trial *search_best(const search_work *w)
{
    const ls_trial *t = w->order ? &w->search->trial[w->order[0]] : NULL;
    return t && ls_search_has_score(w->search, t) ? t : NULL;
}

static size_t count_state(const ls_search *s, ls_trial_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < s->trials; i++) n += s->trial[i].state == state;
    return n;
}

static void print_failed(const ls_search *s, ls_trial_state state, const char *what)
{
    size_t n = count_state(s, state), first = 0;
    if (!n) return;
    while (s->trial[first].state != state) first++;
    terminal_print(stdout, "%zu trial%s %s; the first one (trial %zu): %s\n", n, n == 1 ? "" : "s",
                   what, first + 1, s->trial[first].reason);
}

/* Adds a sentence about a metric that is not defined on all held-out parts; nothing otherwise. */
static void add_undefined(ls_text *out, const ls_search *s, int metric)
{
    size_t least = SIZE_MAX, most = 0;
    for (size_t i = 0; i < s->trials; i++) {
        const ls_trial *t = &s->trial[i];
        if (t->state != LS_TRIAL_SCORED) continue;
        if (t->parts[metric] < least) least = t->parts[metric];
        if (t->parts[metric] > most) most = t->parts[metric];
    }
    if (least >= s->members) return; /* also without a scored trial */
    bool zero = metric == LS_SCORE_PRECISION || metric == LS_SCORE_RECALL ||
                metric == LS_SCORE_F1 || metric == LS_SCORE_MACRO_F1;
    ls_text_add(out, "%s is defined in ", ls_score_names[metric]);
    if (least == most) ls_text_add(out, "%zu", least);
    else ls_text_add(out, "%zu to %zu", least, most);
    ls_text_add(out, " of %zu %s", s->members, s->how.seeds > 1 ? "trainings" : "held-out parts");
    if (zero) ls_text_add(out, "; elsewhere it is 0/0 and counts as 0");
    else if (most) ls_text_add(out, "; its means are over these");
}

/* Calls add_undefined for the metrics shown, and `use` for each sentence. */
static void for_undefined(const ls_search *s, void (*use)(const char *, void *), void *user)
{
    int list[MOST_COMPANIONS + 1] = {s->how.metric};
    size_t n = 1 + companions(s, list + 1);
    for (size_t k = 0; k < n; k++) {
        ls_text text = {0};
        add_undefined(&text, s, list[k]);
        if (text.failed) terminal_lacks();
        else if (text.text) use(text.text, user);
        free(text.text);
    }
}

static void print_note(const char *text, void *user)
{
    (void)user;
    terminal_print(stdout, "note       %s\n", text);
}

static void append_note(const char *text, void *list) { ls_json_append(list, json_shown(text)); }

static void print_heading(const search_work *w)
{
    const ls_search *s = w->search;
    size_t done = 0;
    for (size_t i = 0; i < s->trials; i++) done += s->trial[i].rung > 0;
    device_report_print(&w->report);
    terminal_print(stdout, "search     %s, %zu trial%s", ls_strategy_names[s->how.strategy],
                   s->trials, s->trials == 1 ? "" : "s");
    if (!w->complete) terminal_print(stdout, " (%zu started)", done);
    if (s->how.seeds > 1) terminal_print(stdout, ", %zu seeds each", s->how.seeds);
    if (s->how.folds)
        terminal_print(stdout, ", %zu folds of %zu rows", s->how.folds, ls_data_rows(w->data));
    else
        terminal_print(stdout, ", scored on %zu of %zu rows", ls_data_rows(s->held[0]),
                       ls_data_rows(w->data));
    terminal_print(stdout, ", %.2f s\n", w->seconds);
    if (s->rungs > 1) {
        terminal_print(stdout, "halving    ");
        for (size_t i = 0; i < s->rungs; i++)
            terminal_print(stdout, "%s%zu trial%s to epoch %llu", i ? ", " : "", s->rung[i].trials,
                           s->rung[i].trials == 1 ? "" : "s",
                           (unsigned long long)(s->rung[i].until
                                                    ? s->rung[i].until
                                                    : s->space->base->settings.epochs));
        terminal_print(stdout, "\n");
    }
}

/* The scores of the best trial on each of the parts held out, of the first seed. */
static void print_folds(const ls_search *s, const ls_trial *best)
{
    enum { MOST = 20 };
    int digits = ls_score_larger(s->how.metric) ? 4 : 5;
    if (s->parts < 2) return;
    terminal_print(stdout, "folds      %s of the best:", ls_score_names[s->how.metric]);
    for (size_t i = 0; i < s->parts && i < MOST; i++)
        if (isnan(best->score[i])) terminal_print(stdout, " undefined");
        else
            terminal_print(stdout, has_units(s->how.metric) ? " %.*g" : " %.*f", digits,
                           best->score[i]);
    terminal_print(stdout, "%s\n", s->parts > MOST ? " ..." : "");
}

void search_print_text(const search_arguments *a, const search_work *w)
{
    const ls_search *s = w->search;
    size_t rows = ls_search_count(s);
    ls_text board = {0};
    print_heading(w);
    if (rows > (size_t)a->top) rows = (size_t)a->top;
    if (rows) add_board(&board, s, w->order, rows);
    if (rows && !board.failed && !terminal_is_quiet()) fputs(board.text, stdout);
    if (board.failed) terminal_lacks();
    free(board.text);
    if (search_best(w)) print_folds(s, search_best(w));
    for_undefined(s, print_note, NULL);
    print_failed(s, LS_TRIAL_DIVERGED, "diverged");
    print_failed(s, LS_TRIAL_REFUSED, "had incompatible options");
    char *command = w->complete && search_best(w) ? search_command(a, w) : NULL;
    if (w->complete && search_best(w) && !command) terminal_lacks();
    if (command) terminal_print(stdout, "best       %s\n", command);
    else if (w->complete && !search_best(w))
        terminal_print(stdout, "best       none: no trial has a score by %s\n",
                       ls_score_names[s->how.metric]);
    free(command);
    if (w->model_path) terminal_print(stdout, "%s  %s\n", w->hash, w->model_path);
}

/* The score of each training, in the order of seeds, then folds. */
static json_t *scores_json(const ls_search *s, const ls_trial *t)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->members; i++) ls_json_append(&list, ls_json_number(t->score[i]));
    return list;
}

static json_t *trial_json(const ls_search *s, size_t number, size_t rank)
{
    const ls_trial *t = &s->trial[number];
    bool scored = t->state == LS_TRIAL_SCORED, run = t->rung && t->state != LS_TRIAL_REFUSED;
    json_t *o = json_object(), *options = json_object();
    ls_json_set(&o, "trial", json_integer((json_int_t)number + 1));
    ls_json_set(&o, "rank",
                ls_search_has_score(s, t) ? json_integer((json_int_t)rank) : json_null());
    ls_json_set(&o, "status",
                json_string(scored ? t->rung == s->rungs ? "done" : "stopped"
                                   : status_names[t->state]));
    ls_json_set(&o, "rung", json_integer((json_int_t)t->rung));
    for (size_t k = 0; k < s->space->count; k++)
        ls_json_set(&options, option_name(s, k), json_string(t->value[k]));
    ls_json_set(&o, "options", options);
    for (int k = 0; k < LS_SCORES; k++) {
        if (!ls_score_fits(k, ls_data_task(s->data))) continue;
        json_t *score = json_pack("{s:o,s:o,s:o}", "mean",
                                  scored ? ls_json_number(t->mean[k]) : json_null(), "sd",
                                  scored ? ls_json_number(t->sd[k]) : json_null(), "parts",
                                  scored ? json_integer((json_int_t)t->parts[k]) : json_null());
        if (k == s->how.metric && scored) ls_json_set(&score, "trainings", scores_json(s, t));
        ls_json_set(&o, ls_score_names[k], score);
    }
    ls_json_set(&o, "epochs", run ? json_real(t->epochs) : json_null());
    ls_json_set(&o, "steps", run ? json_real(t->steps) : json_null());
    ls_json_set(&o, "parameters", run ? json_integer((json_int_t)t->parameters) : json_null());
    ls_json_set(&o, "weights_sha256", scored ? json_string(t->weights) : json_null());
    ls_json_set(&o, "reason", t->reason ? json_shown(t->reason) : json_null());
    ls_json_set(&o, "seconds", run ? json_real(t->seconds) : json_null());
    return o;
}

static json_t *space_json(const ls_space *space)
{
    json_t *o = json_object();
    for (size_t i = 0; i < ls_option_count(); i++) {
        const ls_option_info *info = ls_option_at(i);
        const char *value = ls_options_get(space->base, info->name);
        if (strcmp(value, info->initial)) ls_json_set(&o, info->name, json_string(value));
    }
    for (size_t k = 0; k < space->count; k++)
        ls_json_set(&o, ls_option_at(space->dimension[k].option)->name,
                    json_shown(space->dimension[k].text));
    return o;
}

static json_t *best_json(const search_arguments *a, const search_work *w)
{
    ls_options *options;
    if (!search_best(w)) return json_null();
    if (ls_search_options(w->search, w->order[0], 0, &options, NULL) != LS_OK) return NULL;
    json_t *o = trial_json(w->search, w->order[0], 1);
    ls_json_set(&o, "options", ls_options_json(options));
    char *command = search_command(a, w);
    ls_json_set(&o, "command", command ? json_shown(command) : NULL);
    free(command);
    ls_options_free(options);
    return o;
}

int search_print_json(const search_arguments *a, const search_work *w)
{
    const ls_search *s = w->search;
    const ls_device_info *info = &w->report.info;
    json_t *o = json_pack("{s:o,s:s,s:s,s:s,s:I,s:I,s:I,s:o,s:I,s:b,s:f}", "device",
                          json_shown(info->name), "arithmetic",
                          info->exact ? "exact" : "approximate", "strategy",
                          ls_strategy_names[s->how.strategy], "metric",
                          ls_score_names[s->how.metric], "rows", (json_int_t)ls_data_rows(w->data),
                          "seeds", (json_int_t)s->how.seeds, "folds", (json_int_t)s->how.folds,
                          "holdout", s->how.folds ? json_null() : json_real(s->how.holdout),
                          "search_seed", (json_int_t)s->how.seed, "complete", (int)w->complete,
                          "seconds", w->seconds);
    json_t *rungs = json_array(), *trials = json_array();
    for (size_t i = 0; i < s->rungs; i++)
        ls_json_append(&rungs,
                       json_pack("{s:I,s:o}", "trials", (json_int_t)s->rung[i].trials, "epochs",
                                 s->rung[i].until ? json_integer((json_int_t)s->rung[i].until)
                                                  : json_null()));
    for (size_t i = 0; i < s->trials; i++)
        if (s->trial[w->order[i]].state != LS_TRIAL_WAITING)
            ls_json_append(&trials, trial_json(s, w->order[i], i + 1));
    json_t *notes = notes_json(w->data, NULL);
    for_undefined(s, append_note, &notes);
    ls_json_set(&o, "notes", notes);
    ls_json_set(&o, "choice", device_report_json(&w->report));
    ls_json_set(&o, "device_note", device_note_json(&w->report));
    ls_json_set(&o, "space", space_json(s->space));
    ls_json_set(&o, "rungs", rungs);
    ls_json_set(&o, "best", best_json(a, w));
    ls_json_set(&o, "trials", trials);
    ls_json_set(&o, "model", w->model_path ? json_shown(w->model_path) : json_null());
    ls_json_set(&o, "sha256", w->model_path ? json_string(w->hash) : json_null());
    return print_json("search", o);
}
