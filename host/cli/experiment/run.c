/* SPDX-License-Identifier: MIT */
#include "host/cli/experiment/run.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/notes.h"
#include "host/cli/base/progress.h"
#include "host/cli/base/terminal.h"
#include "host/cli/experiment/saved.h"
#include "host/data/fingerprint.h"
#include "host/network/settings.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Data sets, shared by the rows of the table that use them -------------------------------- */

typedef struct {
    const exp_data *recipe;
    uint64_t seed;
    ls_data *train, *test;
} cached;

typedef struct exp_cache {
    cached *entry;
    size_t count, capacity;
} exp_cache;

static ls_status read_files(const exp_order *order, cached *c, ls_error *err)
{
    char train[4096], test[4096];
    snprintf(train, sizeof train, "%s/three-class-train.csv", order->datasets);
    snprintf(test, sizeof test, "%s/three-class-test.csv", order->datasets);
    if (access(train, R_OK) || access(test, R_OK))
        return ls_fail(
            err, LS_ERR_IO,
            "experiment T needs three-class-train.csv and three-class-test.csv, which are not in %s; name their folder with --datasets",
            order->datasets);
    LS_TRY(ls_data_read_csv(train, NULL, &c->train, err));
    if (!order->quiet) notes_print(c->train, train);
    const char *names[3] = {ls_data_class_name(c->train, 0), ls_data_class_name(c->train, 1),
                            ls_data_class_name(c->train, 2)};
    LS_TRY(ls_data_read_csv(test, &(ls_csv_options){.class_names = names, .classes = 3}, &c->test,
                            err));
    if (!order->quiet) notes_print(c->test, test);
    return LS_OK;
}

static ls_status make(const exp_order *order, cached *c, ls_error *err)
{
    const exp_data *d = c->recipe;
    if (!d->generator) return read_files(order, c, err);
    ls_generate_options how = {.rows = d->rows, .noise = d->noise, .overlap = -1, .seed = c->seed};
    LS_TRY(ls_data_generate(d->generator, &how, &c->train, err));
    if (!(d->test > 0)) return LS_OK;
    ls_data *all = c->train, *rest;
    LS_TRY(ls_data_split(all, d->test, c->seed, &rest, &c->test, err));
    ls_data_free(all);
    c->train = rest;
    return LS_OK;
}

/* Finds or creates a data set. Pointers to its rows stay valid when the cache grows. */
static ls_status find_data(const exp_session *s, const exp_data *recipe, uint64_t seed,
                           const ls_data **train, const ls_data **test, ls_error *err)
{
    exp_cache *cache = s->cache;
    size_t i = 0;
    while (i < cache->count && (cache->entry[i].recipe != recipe || cache->entry[i].seed != seed))
        i++;
    if (i == cache->count) {
        LS_TRY(ls_grow(&cache->entry, &cache->capacity, i + 1, sizeof *cache->entry,
                       "the data sets", err));
        cache->entry[cache->count++] = (cached){.recipe = recipe, .seed = seed};
        LS_TRY(make(s->order, &cache->entry[i], err));
    }
    *train = cache->entry[i].train;
    *test = cache->entry[i].test;
    return LS_OK;
}

/* ---- Members --------------------------------------------------------------------------------- */

/* With --quick, a hundredth of the epochs, but at least LEAST, so that the loss moves at all. */
static uint64_t shorten(const exp_order *order, uint64_t epochs)
{
    enum { LEAST = 20 };
    if (!order->quick) return epochs;
    return epochs / 100 > LEAST ? epochs / 100 : epochs < LEAST ? epochs : LEAST;
}

/* The next word of *rest, which it cuts off, or NULL; a part in single quotes may hold spaces. */
static char *next_word(char **rest)
{
    char *from = *rest + strspn(*rest, " "), *to = from;
    bool quoted = false;
    if (!*from) return NULL;
    for (*rest = from; **rest && (quoted || **rest != ' '); ++*rest) {
        if (**rest == '\'') quoted = !quoted;
        else *to++ = **rest;
    }
    if (**rest) ++*rest;
    *to = '\0';
    return from;
}

static ls_status set_options(const exp_session *s, exp_result *r, uint64_t seed,
                             ls_options *options, ls_error *err)
{
    char copy[512], number[32], *rest = copy;
    uint64_t epochs = 0;
    snprintf(copy, sizeof copy, "%s", r->row->options);
    for (char *word; (word = next_word(&rest));) {
        char *equals = strchr(word, '=');
        if (equals) *equals = 0;
        LS_TRY(ls_options_set(options, word, equals ? equals + 1 : "on", err));
    }
    ls_parse_u64(ls_options_get(options, "epochs"), &epochs);
    r->epochs = shorten(s->order, epochs);
    snprintf(number, sizeof number, "%llu", (unsigned long long)r->epochs);
    LS_TRY(ls_options_set(options, "epochs", number, err));
    snprintf(number, sizeof number, "%llu", (unsigned long long)seed);
    return ls_options_set(options, "seed", number, err);
}

static ls_status add_run(exp_session *s, ls_fleet *fleet, exp_result *r, size_t k, ls_error *err)
{
    const ls_data *train, *test;
    ls_options *options;
    uint64_t seed = k + 1;
    LS_TRY(find_data(s, r->row->data, seed, &train, &test, err));
    if (k == 0) {
        r->train = train;
        r->test = test;
    }
    LS_TRY(ls_options_create_plain(&options, err));
    ls_status status = set_options(s, r, seed, options, err);
    if (status == LS_OK) status = ls_fleet_add(fleet, options, train, &r->run[k].member, err);
    ls_options_free(options);
    s->trainings += status == LS_OK;
    return status;
}

static ls_status add_all(exp_session *s, ls_fleet *fleet, ls_error *err)
{
    LS_TRY(ls_alloc(&s->result, exp_row_count, sizeof *s->result, "the results", err));
    LS_TRY(ls_alloc(&s->cache, 1, sizeof *s->cache, "the data sets", err));
    for (size_t i = 0; i < exp_row_count; i++) {
        if (!strstr(s->order->letters, exp_rows[i].experiment)) continue;
        exp_result *r = &s->result[s->results++];
        r->row = &exp_rows[i];
        if (!r->row->data) continue;
        LS_TRY(ls_alloc(&r->run, s->order->seeds, sizeof *r->run, "the runs", err));
        for (size_t k = 0; k < s->order->seeds; k++) LS_TRY(add_run(s, fleet, r, k, err));
    }
    return LS_OK;
}

/* ---- Training -------------------------------------------------------------------------------- */

typedef struct {
    exp_session *session;
    bool live;
    double shown;
    uint64_t before; /* steps of the calls before this one */
    exp_saved *saved;
} progress;

static int on_progress(const ls_fleet_progress *p, void *user)
{
    progress *state = user;
    double time = ls_clock();
    state->session->steps = state->before + p->steps;
    exp_saved_offer(state->saved);
    if (state->session->order->quiet || time - state->shown < (state->live ? 0.2 : 30))
        return interrupted();
    state->shown = time;
    progress_line("%zu of %zu trainings done, %.1f million steps", p->done + p->diverged,
                  p->members, (double)state->session->steps * 1e-6);
    return interrupted();
}

/* Trains a row in parts and records the loss after each of them. */
static ls_status run_marks(exp_session *s, ls_fleet *fleet, exp_result *r, progress *state,
                           ls_error *err)
{
    uint64_t every = r->row->every ? shorten(s->order, r->row->every) : 0;
    for (size_t m = 0; every && m < EXP_MARKS && (m + 1) * every <= r->epochs; m++)
        for (size_t k = 0; k < s->order->seeds && !interrupted(); k++) {
            if (r->run[k].marks > m) continue; /* an earlier run of the command has recorded it */
            ls_member_info info = LS_INIT(ls_member_info);
            state->before = s->steps;
            LS_TRY(ls_fleet_run(fleet, &r->run[k].member, 1, (m + 1) * every, on_progress, state,
                                err));
            LS_TRY(ls_fleet_member(fleet, r->run[k].member, &info, err));
            if (interrupted()) break;
            r->run[k].mark[m] = info.state == LS_MEMBER_DIVERGED ? (double)NAN : info.loss;
            r->run[k].marks = m + 1;
        }
    return LS_OK;
}

static ls_status train_all(exp_session *s, ls_fleet *fleet, exp_saved *saved, ls_error *err)
{
    progress state = {.session = s,
                      .saved = saved,
                      .live = progress_live(),
                      .shown = progress_live() ? 0 : ls_clock()};
    double started = ls_clock();
    ls_status status = LS_OK;
    for (size_t i = 0; i < s->results && status == LS_OK; i++)
        if (s->result[i].run) status = run_marks(s, fleet, &s->result[i], &state, err);
    state.before = s->steps;
    if (status == LS_OK) status = ls_fleet_run(fleet, NULL, 0, 0, on_progress, &state, err);
    progress_clear();
    s->seconds = ls_clock() - started;
    if (status == LS_OK && interrupted())
        return exp_saved_write(saved)
                   ? ls_fail(err, LS_ERR_IO, "interrupted; the same command goes on from %s",
                             saved->path)
                   : ls_fail(err, LS_ERR_IO, "interrupted; nothing was written");
    return status;
}

/* ---- Evaluation ------------------------------------------------------------------------------ */

static ls_status copy_history(const ls_model *model, exp_run *run, ls_error *err)
{
    size_t n;
    const ls_history_point *h = ls_model_history(model, &n);
    LS_TRY(ls_alloc(&run->history, n, sizeof *h, "the loss curves", err));
    memcpy(run->history, h, n * sizeof *h);
    run->points = n;
    return LS_OK;
}

/* The first epoch in the recorded history whose loss is at most 30 % of the first loss. */
static double thirtieth(const exp_run *run)
{
    for (size_t i = 0; i < run->points; i++)
        if (run->history[i].loss <= 0.3f * run->history[0].loss)
            return (double)run->history[i].epoch;
    return (double)NAN;
}

static ls_status evaluate(exp_run *run, ls_device *cpu, const ls_model *model, const ls_data *train,
                          const ls_data *test, ls_error *err)
{
    ls_metrics *m, *fit;
    LS_TRY(ls_model_evaluate(model, cpu, train, &fit, err));
    ls_status status = ls_model_evaluate(model, cpu, test ? test : train, &m, err);
    if (status == LS_OK) {
        const double all[] = {m->accuracy, m->precision, m->recall,      m->f1,
                              m->loss,     m->loss_sum,  1 - m->accuracy};
        memcpy(run->metric, all, sizeof all);
        run->metric[EXP_FIT] = fit->accuracy;
        ls_metrics_free(m);
    }
    ls_metrics_free(fit);
    return status;
}

static ls_status finish_run(exp_session *s, ls_fleet *fleet, ls_device *cpu, exp_result *r,
                            size_t k, ls_error *err)
{
    exp_run *run = &r->run[k];
    const ls_data *train, *test;
    ls_model *model;
    ls_error why;
    for (size_t f = 0; f < EXP_METRICS; f++) run->metric[f] = (double)NAN;
    if (run->marks) run->metric[EXP_MARK] = run->mark[run->marks > 1 ? run->marks - 2 : 0];
    LS_TRY(find_data(s, r->row->data, k + 1, &train, &test, err));
    ls_status status = ls_fleet_model(fleet, run->member, &model, &why);
    if (status == LS_ERR_DIVERGED) {
        run->diverged = true;
        run->metric[EXP_FAILED] = 1;
        return LS_OK;
    }
    if (status != LS_OK) return ls_fail(err, status, "%s", why.message);
    status = copy_history(model, run, err);
    if (status == LS_OK) status = evaluate(run, cpu, model, train, test, err);
    if (status == LS_OK) {
        run->metric[EXP_THIRTIETH] = thirtieth(run);
        /* a loss that ends as high as it began counts as failed, like one that diverged */
        run->metric[EXP_FAILED] = run->history[run->points - 1].loss > 0.95f * run->history[0].loss;
    }
    if (k == 0) run->model = model;
    else ls_model_free(model);
    ls_fleet_remove(fleet, run->member);
    return status;
}

static ls_status finish_all(exp_session *s, ls_fleet *fleet, ls_error *err)
{
    ls_device *cpu; /* one thread: each evaluation takes some microseconds */
    LS_TRY(ls_device_open("cpu", 1, 0, &cpu, err));
    ls_status status = LS_OK;
    for (size_t i = 0; i < s->results && status == LS_OK; i++) {
        exp_result *r = &s->result[i];
        for (size_t k = 0; r->run && k < s->order->seeds && status == LS_OK; k++)
            status = finish_run(s, fleet, cpu, r, k, err);
        if (r->run && status == LS_OK) exp_summarize(r, s->order->seeds);
    }
    ls_device_close(cpu);
    return status;
}

static void hash_data(const exp_cache *cache, char hex[65])
{
    ls_sha256 sha;
    ls_sha256_init(&sha);
    for (size_t i = 0; i < cache->count; i++) {
        /* their cells are in memory */
        (void)ls_hash_data(&sha, cache->entry[i].train, NULL);
        if (cache->entry[i].test) (void)ls_hash_data(&sha, cache->entry[i].test, NULL);
    }
    ls_sha256_final(&sha, hex);
}

ls_status exp_session_run(exp_session *s, ls_device *device, ls_error *err)
{
    ls_fleet *fleet;
    LS_TRY(ls_fleet_open(device, 0, &fleet, err));
    exp_saved saved;
    ls_status status = add_all(s, fleet, err);
    char data[65];
    if (status == LS_OK) hash_data(s->cache, data);
    if (status == LS_OK) status = exp_saved_open(&saved, s, fleet, device, data, err);
    if (status == LS_OK) status = train_all(s, fleet, &saved, err);
    if (status == LS_OK) status = finish_all(s, fleet, err);
    ls_fleet_close(fleet);
    return status;
}

void exp_session_free(exp_session *s)
{
    for (size_t i = 0; i < s->results; i++) {
        for (size_t k = 0; s->result[i].run && k < s->order->seeds; k++) {
            free(s->result[i].run[k].history);
            ls_model_free(s->result[i].run[k].model);
        }
        free(s->result[i].run);
    }
    free(s->result);
    for (size_t i = 0; s->cache && i < s->cache->count; i++) {
        ls_data_free(s->cache->entry[i].train);
        ls_data_free(s->cache->entry[i].test);
    }
    if (s->cache) free(s->cache->entry);
    free(s->cache);
}
