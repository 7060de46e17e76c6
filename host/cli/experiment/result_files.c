/* SPDX-License-Identifier: MIT */
#include "host/cli/experiment/result_files.h"
#include "host/base/file.h"
#include "host/base/text.h"
#include "host/cli/experiment/result_tables.h"
#include "host/cli/experiment/verdict.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool in_experiment(const exp_result *r, const char *letter)
{
    return !strcmp(r->row->experiment, letter);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

/* The first and last ten points of each curve and every tenth in between. */
static void add_curves(const exp_session *s, const char *letter, ls_text *csv)
{
    ls_text_add(csv, "row,epoch,median_training_loss\n");
    for (size_t i = 0; i < s->results; i++) {
        const exp_result *r = &s->result[i];
        uint64_t epoch;
        double loss;
        size_t points = r->run && r->run[0].history ? r->run[0].points : 0;
        for (size_t k = 0; in_experiment(r, letter) && k < points;
             k += k < 10 || k + 10 >= points ? 1 : 10)
            if (exp_median_loss(s, r, k, &epoch, &loss))
                ls_text_add(csv, "\"%s\",%llu,%.6g\n", r->row->name, (unsigned long long)epoch,
                            loss);
    }
}

/* The losses recorded every exp_row.every epochs, if any. */
static void add_marks(const exp_session *s, const char *letter, ls_text *csv)
{
    for (size_t i = 0; i < s->results; i++) {
        const exp_result *r = &s->result[i];
        if (!in_experiment(r, letter) || !r->run || !r->run[0].marks) continue;
        uint64_t every = r->epochs / r->run[0].marks;
        if (!csv->length) ls_text_add(csv, "row,epoch,mean_training_loss\n");
        for (size_t m = 0; m < r->run[0].marks; m++) {
            double sum = 0;
            for (size_t k = 0; k < s->order->seeds; k++) sum += r->run[k].mark[m];
            ls_text_add(csv, "\"%s\",%llu,%.6g\n", r->row->name,
                        (unsigned long long)((m + 1) * every), sum / (double)s->order->seeds);
        }
    }
}

static void add_csv(const exp_session *s, const char *letter, ls_text *csv)
{
    ls_text_add(
        csv,
        "experiment,row,data,options,epochs,figure,published_low,published_high,mean,deviation,median,runs,diverged,seeds_as_good,verdict\n");
    for (size_t i = 0; i < s->results; i++) {
        const exp_result *r = &s->result[i];
        exp_claim claim[EXP_METRICS];
        size_t n = exp_claims(r->row, claim);
        if (!in_experiment(r, letter)) continue;
        if (!r->run) ls_text_add(csv, "%s,\"%s\",,,,,,,,,,0,0,,open\n", letter, r->row->name);
        for (size_t f = 0; r->run && f < EXP_METRICS; f++) {
            const exp_claim *c = NULL;
            for (size_t k = 0; k < n; k++)
                if (claim[k].metric == f) c = &claim[k];
            if (!c && isnan(r->mean[f])) continue;
            ls_text_add(csv, "%s,\"%s\",\"%s\",\"%s\",%llu,%s,", letter, r->row->name,
                        r->row->data->name, r->row->options, (unsigned long long)r->epochs,
                        exp_metric_name((exp_metric)f));
            if (c) ls_text_add(csv, "%g,%g,", c->low, c->high);
            else ls_text_add(csv, ",,");
            if (isnan(r->mean[f])) ls_text_add(csv, ",,,");
            else ls_text_add(csv, "%.9g,%.9g,%.9g,", r->mean[f], r->sd[f], r->median[f]);
            ls_text_add(csv, "%zu,%zu,", r->counted[f], r->diverged);
            if (c)
                ls_text_add(csv, "%zu,%s\n", exp_as_good(r, s->order->seeds, c),
                            exp_verdict_name(exp_judge(r, c)));
            else ls_text_add(csv, ",\n");
        }
    }
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void add_markdown(const exp_session *s, const exp_text *t, ls_text *md)
{
    ls_text_add(md, "## %s. %s\n\n%s\n\n", t->letter, t->title, t->about);
    if (s->order->quick)
        ls_text_add(md,
                    "**Run with --quick, a hundredth of the epochs: too short to judge by.**\n\n");
    exp_add_published(s, t->letter, &exp_markdown, md);
    ls_text_add(md, "\n");
    exp_add_measured(s, t->letter, &exp_markdown, md);
    if (!s->order->quick) ls_text_add(md, "\n%s\n", t->found);
}

/* Writes DIR/NAMESUFFIX unless the text is empty, and frees the text. */
static ls_status write_one(const exp_session *s, const char *name, const char *suffix,
                           ls_text *text, ls_error *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%s", s->order->folder, name, suffix);
    ls_status status = text->failed   ? ls_fail(err, LS_ERR_MEMORY, "out of memory for %s", path)
                       : text->length ? ls_write_file(path, text->text, text->length, err)
                                      : LS_OK;
    free(text->text);
    *text = (ls_text){0};
    return status;
}

void exp_write_files(const exp_session *s, losses *lost)
{
    ls_error err;
    for (size_t t = 0; t < exp_text_count; t++) {
        const char *letter = exp_texts[t].letter;
        ls_text text = {0};
        if (!strstr(s->order->letters, letter)) continue;
        add_csv(s, letter, &text);
        losses_check(lost, write_one(s, letter, ".csv", &text, &err), &err);
        add_markdown(s, &exp_texts[t], &text);
        losses_check(lost, write_one(s, letter, ".md", &text, &err), &err);
        add_curves(s, letter, &text);
        losses_check(lost, write_one(s, letter, "-curves.csv", &text, &err), &err);
        add_marks(s, letter, &text);
        losses_check(lost, write_one(s, letter, "-losses.csv", &text, &err), &err);
    }
}
