/* SPDX-License-Identifier: MIT */
/* What the experiments say in numbers: verdicts, CSV and Markdown. */
#include "host/base/file.h"
#include "host/base/text.h"
#include "host/cli/experiment/experiment.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *title;
    bool larger;
} figures[EXP_FIGURES] = {
    [EXP_ACCURACY] = {"accuracy", "accuracy", true},
    [EXP_PRECISION] = {"precision", "precision", true},
    [EXP_RECALL] = {"recall", "recall", true},
    [EXP_F1] = {"f1", "F1", true},
    [EXP_LOSS] = {"loss", "loss", false},
    [EXP_LOSS_SUM] = {"loss_sum", "loss, summed", false},
    [EXP_ERROR] = {"error", "error rate", false},
    [EXP_MARK] = {"loss_mark", "loss printed last", false},
    [EXP_FIT] = {"accuracy_train", "accuracy on training rows", true},
    [EXP_THIRTIETH] = {"epochs_to_30_percent", "epochs to 30 %", false},
    [EXP_FAILED] = {"no_progress", "share of runs without progress", false},
};

const char *exp_figure_name(exp_figure f) { return figures[f].name; }
const char *exp_figure_title(exp_figure f) { return figures[f].title; }

const exp_text *exp_text_of(const char *letter)
{
    for (size_t i = 0; i < exp_text_count; i++)
        if (!strcmp(exp_texts[i].letter, letter)) return &exp_texts[i];
    return NULL;
}

/* ---- Verdicts -------------------------------------------------------------------------------- */

size_t exp_claims(const exp_row *row, exp_claim claim[EXP_FIGURES])
{
    char copy[256], *rest = copy;
    size_t n = 0;
    snprintf(copy, sizeof copy, "%s", row->published);
    for (char *word; n < EXP_FIGURES && (word = strtok_r(rest, " ", &rest));) {
        char *value = strchr(word, '='), *upto = strstr(word, "..");
        if (!value) continue;
        *value++ = 0;
        if (upto) *upto = 0;
        for (size_t f = 0; f < EXP_FIGURES; f++) {
            if (strcmp(word, figures[f].name)) continue;
            exp_claim *c = &claim[n];
            c->figure = (exp_figure)f;
            if (!ls_parse_double(value, &c->low)) continue;
            if (!upto || !ls_parse_double(upto + 2, &c->high)) c->high = c->low;
            n++;
        }
    }
    return n;
}

static bool is_loss(exp_figure f) { return f == EXP_LOSS || f == EXP_LOSS_SUM || f == EXP_MARK; }

/* What a published figure's digits are worth: half a percent of a share, 5 % of a loss. */
static double worth(const exp_claim *c) { return is_loss(c->figure) ? 0.05 * c->high : 0.005; }

/* Reached: the published figure lies within one standard deviation over the seeds of ours, but a
 * large spread excuses no more than 0.08 of a share or half of a loss. A loss of ours is the
 * median, as one run in ten that gets stuck makes a mean of losses its own. */
exp_verdict exp_judge(const exp_result *r, const exp_claim *c)
{
    bool loss = is_loss(c->figure);
    double ours = loss ? r->median[c->figure] : r->mean[c->figure], slack = r->sd[c->figure],
           most = loss ? 0.5 * c->high : 0.08;
    if (isnan(ours)) return EXP_NOT_REACHED;
    if (slack > most) slack = most;
    if (slack < worth(c)) slack = worth(c);
    if (ours >= c->low - slack && ours <= c->high + slack) return EXP_REACHED;
    if (c->figure == EXP_FAILED) return EXP_NOT_REACHED;
    return (ours > c->high) == figures[c->figure].larger ? EXP_BETTER : EXP_NOT_REACHED;
}

size_t exp_as_good(const exp_result *r, size_t seeds, const exp_claim *c)
{
    size_t n = 0;
    for (size_t k = 0; k < seeds; k++) {
        double ours = r->run[k].figure[c->figure];
        if (c->figure == EXP_FAILED) n += ours == c->low;
        else
            n += figures[c->figure].larger ? ours >= c->low - worth(c)
                                           : ours <= c->high + worth(c); /* NaN: neither */
    }
    return n;
}

const char *exp_verdict_name(exp_verdict verdict)
{
    static const char *const names[] = {"reached", "better", "not reached", "open"};
    return names[verdict];
}

/* ---- Numbers as text ------------------------------------------------------------------------- */

void exp_show(const exp_result *r, size_t seeds, exp_figure f, char out[64])
{
    double mean = r->mean[f], sd = r->sd[f];
    if (!r->run) snprintf(out, 64, "open");
    else if (isnan(mean)) snprintf(out, 64, f == EXP_THIRTIETH ? "never" : "diverged");
    else if (f == EXP_THIRTIETH) snprintf(out, 64, "%.0f ± %.0f", mean, sd);
    else if (is_loss(f)) snprintf(out, 64, "%.3g ± %.2g", mean, sd);
    else snprintf(out, 64, "%.3f ± %.3f", mean, sd);
    if (r->run && r->counted[f] && r->counted[f] < seeds)
        snprintf(out + strlen(out), 64 - strlen(out), " (%zu of %zu)", r->counted[f], seeds);
}

void exp_show_judged(const exp_result *r, size_t seeds, const exp_claim *c, char out[96])
{
    exp_show(r, seeds, c->figure, out);
    if (is_loss(c->figure) && !isnan(r->median[c->figure]))
        snprintf(out + strlen(out), 96 - strlen(out), ", median %.3g", r->median[c->figure]);
}

void exp_show_claim(const exp_claim *c, char out[64])
{
    if (c->low == c->high) snprintf(out, 64, "%g", c->low);
    else snprintf(out, 64, "%g to %g", c->low, c->high);
}

void exp_show_verdict(const exp_session *s, const exp_result *r, const exp_claim *c, char out[600])
{
    exp_verdict verdict = exp_judge(r, c);
    bool told = verdict == EXP_NOT_REACHED && *r->row->why &&
                !s->order->quick; /* the reason is that of a whole run */
    snprintf(out, 600, "%s%s%s", exp_verdict_name(verdict), told ? ": " : "",
             told ? r->row->why : "");
}

const exp_figure exp_columns[EXP_COLUMNS] = {EXP_ACCURACY, EXP_FIT, EXP_F1, EXP_LOSS,
                                             EXP_THIRTIETH};

size_t exp_failures(const exp_result *r)
{
    return (size_t)(r->mean[EXP_FAILED] * (double)r->counted[EXP_FAILED] + 0.5);
}

static bool in_experiment(const exp_result *r, const char *letter)
{
    return !strcmp(r->row->experiment, letter);
}

/* ---- Curves ---------------------------------------------------------------------------------- */

/* The median shows a usual run even where a single one got stuck. */
bool exp_median(const exp_session *s, const exp_result *r, size_t k, uint64_t *epoch, double *loss)
{
    double value[EXP_MOST_SEEDS];
    size_t n = 0;
    for (size_t i = 0; r->run && i < s->order->seeds; i++) {
        const exp_run *run = &r->run[i];
        if (!run->history || k >= run->points) continue;
        if (n && run->history[k].epoch != *epoch) return false;
        *epoch = run->history[k].epoch;
        value[n++] = (double)run->history[k].loss;
    }
    if (!n) return false;
    *loss = exp_middle(value, n);
    return true;
}

/* About 100 points a curve, which is what an eye sees. */
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
            if (exp_median(s, r, k, &epoch, &loss))
                ls_text_add(csv, "\"%s\",%llu,%.6g\n", r->row->name, (unsigned long long)epoch,
                            loss);
    }
}

/* The losses that are printed every so many epochs, a column a row of the table. */
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

/* ---- Tables ---------------------------------------------------------------------------------- */

static void add_csv(const exp_session *s, const char *letter, ls_text *csv)
{
    ls_text_add(
        csv,
        "experiment,row,data,options,epochs,figure,published_low,published_high,mean,deviation,median,runs,diverged,seeds_as_good,verdict\n");
    for (size_t i = 0; i < s->results; i++) {
        const exp_result *r = &s->result[i];
        exp_claim claim[EXP_FIGURES];
        size_t n = exp_claims(r->row, claim);
        if (!in_experiment(r, letter)) continue;
        if (!r->run) ls_text_add(csv, "%s,\"%s\",,,,,,,,,,0,0,,open\n", letter, r->row->name);
        for (size_t f = 0; r->run && f < EXP_FIGURES; f++) {
            const exp_claim *c = NULL;
            for (size_t k = 0; k < n; k++)
                if (claim[k].figure == f) c = &claim[k];
            if (!c && isnan(r->mean[f])) continue;
            ls_text_add(csv, "%s,\"%s\",\"%s\",\"%s\",%llu,%s,", letter, r->row->name,
                        r->row->data->name, r->row->options, (unsigned long long)r->epochs,
                        figures[f].name);
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

static void add_published(const exp_session *s, const char *letter, ls_text *md)
{
    ls_text_add(
        md,
        "| Row | Figure | Published | Lockstep | Seeds as good | Verdict |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < s->results; i++) {
        const exp_result *r = &s->result[i];
        exp_claim claim[EXP_FIGURES];
        size_t n = exp_claims(r->row, claim);
        if (!in_experiment(r, letter)) continue;
        if (!r->run) ls_text_add(md, "| %s | | | | | %s |\n", r->row->name, r->row->why);
        for (size_t k = 0; r->run && k < n; k++) {
            char ours[96], published[64], verdict[600];
            exp_show_judged(r, s->order->seeds, &claim[k], ours);
            exp_show_claim(&claim[k], published);
            exp_show_verdict(s, r, &claim[k], verdict);
            ls_text_add(md, "| %s | %s | %s | %s | %zu of %zu | %s |\n", r->row->name,
                        figures[claim[k].figure].title, published, ours,
                        exp_as_good(r, s->order->seeds, &claim[k]), s->order->seeds, verdict);
        }
    }
}

static void add_measured(const exp_session *s, const char *letter, ls_text *md)
{
    ls_text_add(md, "\n| Row | Data |");
    for (size_t k = 0; k < EXP_COLUMNS; k++)
        ls_text_add(md, " %s |", figures[exp_columns[k]].title);
    ls_text_add(md, " no progress |\n|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < s->results; i++) {
        const exp_result *r = &s->result[i];
        char text[64];
        if (!in_experiment(r, letter) || !r->run) continue;
        ls_text_add(md, "| %s | %s |", r->row->name, r->row->data->name);
        for (size_t k = 0; k < EXP_COLUMNS; k++) {
            exp_show(r, s->order->seeds, exp_columns[k], text);
            ls_text_add(md, " %s |", text);
        }
        ls_text_add(md, " %zu of %zu |\n", exp_failures(r), s->order->seeds);
    }
}

static void add_markdown(const exp_session *s, const exp_text *t, ls_text *md)
{
    ls_text_add(md, "## %s. %s\n\n%s\n\n", t->letter, t->title, t->about);
    if (s->order->quick)
        ls_text_add(md,
                    "**A quick look with a hundredth of the epochs: too short to judge by.**\n\n");
    add_published(s, t->letter, md);
    add_measured(s, t->letter, md);
    if (!s->order->quick) ls_text_add(md, "\n%s\n", t->found);
}

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

ls_status exp_write_tables(const exp_session *s, ls_error *err)
{
    ls_status status = LS_OK;
    for (size_t t = 0; t < exp_text_count && status == LS_OK; t++) {
        const char *letter = exp_texts[t].letter;
        ls_text text = {0};
        if (!strstr(s->order->letters, letter)) continue;
        add_csv(s, letter, &text);
        status = write_one(s, letter, ".csv", &text, err);
        add_markdown(s, &exp_texts[t], &text);
        if (status == LS_OK) status = write_one(s, letter, ".md", &text, err);
        add_curves(s, letter, &text);
        if (status == LS_OK) status = write_one(s, letter, "-curves.csv", &text, err);
        add_marks(s, letter, &text);
        if (status == LS_OK) status = write_one(s, letter, "-losses.csv", &text, err);
        free(text.text);
    }
    return status;
}
