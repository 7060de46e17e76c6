/* SPDX-License-Identifier: MIT */
#include "host/cli/experiment/result_tables.h"
#include "host/cli/base/html.h"
#include "host/cli/experiment/verdict.h"
#include <math.h>
#include <string.h>

/* ---- Formats --------------------------------------------------------------------------------- */

static void markdown_row(ls_text *out, const char *const *cell, size_t columns)
{
    ls_text_add(out, "|");
    for (size_t i = 0; i < columns; i++) ls_text_add(out, " %s%s|", cell[i], *cell[i] ? " " : "");
    ls_text_add(out, "\n");
}

static void markdown_begin(ls_text *out, const char *const *head, size_t columns)
{
    markdown_row(out, head, columns);
    for (size_t i = 0; i < columns; i++) ls_text_add(out, "|---");
    ls_text_add(out, "|\n");
}

static void markdown_end(ls_text *out) { (void)out; }

static void html_begin_with_head(ls_text *out, const char *const *head, size_t columns)
{
    html_table_begin(out);
    html_table_row(out, head, columns, true);
}

static void html_row(ls_text *out, const char *const *cell, size_t columns)
{
    html_table_row(out, cell, columns, false);
}

const exp_table_format exp_markdown = {markdown_begin, markdown_row, markdown_end};
const exp_table_format exp_html = {html_begin_with_head, html_row, html_table_end};

/* ---- Cells ----------------------------------------------------------------------------------- */

/* "0.994 ± 0.008", with the number of runs if not all of them have the metric. */
static void show(const exp_result *r, size_t seeds, exp_metric f, char out[64])
{
    double mean = r->mean[f], sd = r->sd[f];
    if (!r->run) snprintf(out, 64, "open");
    else if (isnan(mean)) snprintf(out, 64, f == EXP_THIRTIETH ? "never" : "diverged");
    else if (f == EXP_THIRTIETH) snprintf(out, 64, "%.0f ± %.0f", mean, sd);
    else if (exp_is_loss(f)) snprintf(out, 64, "%.3g ± %.2g", mean, sd);
    else snprintf(out, 64, "%.3f ± %.3f", mean, sd);
    if (r->run && r->counted[f] && r->counted[f] < seeds)
        snprintf(out + strlen(out), 64 - strlen(out), " (%zu of %zu)", r->counted[f], seeds);
}

/* The same with the median if that is what is judged. */
static void show_judged(const exp_result *r, size_t seeds, const exp_claim *c, char out[96])
{
    show(r, seeds, c->metric, out);
    if (exp_is_loss(c->metric) && !isnan(r->median[c->metric]))
        snprintf(out + strlen(out), 96 - strlen(out), ", median %.3g", r->median[c->metric]);
}

static void show_claim(const exp_claim *c, char out[64])
{
    if (c->low == c->high) snprintf(out, 64, "%g", c->low);
    else snprintf(out, 64, "%g to %g", c->low, c->high);
}

/* The verdict, with the reason if the value is not reached. Reasons hold for full runs only. */
static void show_verdict(const exp_session *s, const exp_result *r, const exp_claim *c,
                         char out[600])
{
    exp_verdict verdict = exp_judge(r, c);
    bool explained = verdict == EXP_NOT_REACHED && *r->row->why && !s->order->quick;
    snprintf(out, 600, "%s%s%s", exp_verdict_name(verdict), explained ? ": " : "",
             explained ? r->row->why : "");
}

/* ---- Tables ---------------------------------------------------------------------------------- */

void exp_add_published(const exp_session *s, const char *letter, const exp_table_format *format,
                       ls_text *out)
{
    static const char *const head[] = {"Row",      "Metric",        "Published",
                                       "Lockstep", "Seeds as good", "Verdict"};
    enum { COLUMNS = sizeof head / sizeof *head };
    format->begin(out, head, COLUMNS);
    for (size_t i = 0; i < s->results; i++) {
        const exp_result *r = &s->result[i];
        exp_claim claim[EXP_METRICS];
        size_t n = exp_claims(r->row, claim);
        if (strcmp(r->row->experiment, letter)) continue;
        if (!r->run)
            format->row(out, (const char *const[]){r->row->name, "", "", "", "", r->row->why},
                        COLUMNS);
        for (size_t k = 0; r->run && k < n; k++) {
            char ours[96], published[64], good[64], verdict[600];
            show_judged(r, s->order->seeds, &claim[k], ours);
            show_claim(&claim[k], published);
            snprintf(good, sizeof good, "%zu of %zu", exp_as_good(r, s->order->seeds, &claim[k]),
                     s->order->seeds);
            show_verdict(s, r, &claim[k], verdict);
            format->row(out,
                        (const char *const[]){r->row->name, exp_metric_title(claim[k].metric),
                                              published, ours, good, verdict},
                        COLUMNS);
        }
    }
    format->end(out);
}

void exp_add_measured(const exp_session *s, const char *letter, const exp_table_format *format,
                      ls_text *out)
{
    static const exp_metric shown[] = {EXP_ACCURACY, EXP_FIT, EXP_F1, EXP_LOSS, EXP_THIRTIETH};
    enum { SHOWN = sizeof shown / sizeof *shown, COLUMNS = SHOWN + 3 };
    const char *head[COLUMNS] = {"Row", "Data"};
    for (size_t k = 0; k < SHOWN; k++) head[k + 2] = exp_metric_title(shown[k]);
    head[COLUMNS - 1] = "no progress";
    format->begin(out, head, COLUMNS);
    for (size_t i = 0; i < s->results; i++) {
        const exp_result *r = &s->result[i];
        if (strcmp(r->row->experiment, letter) || !r->run) continue;
        char text[SHOWN + 1][64];
        const char *cell[COLUMNS] = {r->row->name, r->row->data->name};
        for (size_t k = 0; k < SHOWN; k++) show(r, s->order->seeds, shown[k], text[k]);
        snprintf(text[SHOWN], sizeof *text, "%zu of %zu", exp_failures(r), s->order->seeds);
        for (size_t k = 0; k <= SHOWN; k++) cell[k + 2] = text[k];
        format->row(out, cell, COLUMNS);
    }
    format->end(out);
}
