/* SPDX-License-Identifier: MIT */
/* The page that tells the experiments: index.html, from the same results as the tables. */
#include "host/base/file.h"
#include "host/base/text.h"
#include "host/cli/base/html.h"
#include "host/cli/experiment/experiment.h"
#include <stdlib.h>
#include <string.h>

static const char about[] =
    "Published experiments with small neural networks, run again. Every network is trained with several seeds, each with data of its own; figures are the mean ± the "
    "standard deviation over the seeds. A published figure counts as reached where it lies within one standard deviation of ours (at most 0.08 of a share or half of a loss; a "
    "loss is judged by the median); beside it stands how many seeds are as good by themselves. The original data of R, W, D and F is lost: generated data stands in for it, "
    "so there it is the course that compares rather than the number. Curves show the median over the seeds, boundaries the first seed; no progress means that the loss ended "
    "within 5 % of where it began, or above it. "
    "The same tables and pictures come out of every exact device, byte for byte.";

static void add_published(const exp_session *s, const char *letter, ls_text *page)
{
    static const char *const head[] = {"Row",      "Figure",        "Published",
                                       "Lockstep", "Seeds as good", "Verdict"};
    html_table_begin(page);
    html_table_row(page, head, 6, true);
    for (size_t i = 0; i < s->results; i++) {
        const exp_result *r = &s->result[i];
        exp_claim claim[EXP_FIGURES];
        size_t n = exp_claims(r->row, claim);
        if (strcmp(r->row->experiment, letter)) continue;
        if (!r->run)
            html_table_row(page, (const char *const[]){r->row->name, "", "", "", "", r->row->why},
                           6, false);
        for (size_t k = 0; r->run && k < n; k++) {
            char ours[96], published[64], good[64], verdict[600];
            exp_show_judged(r, s->order->seeds, &claim[k], ours);
            exp_show_claim(&claim[k], published);
            snprintf(good, sizeof good, "%zu of %zu", exp_as_good(r, s->order->seeds, &claim[k]),
                     s->order->seeds);
            exp_show_verdict(s, r, &claim[k], verdict);
            html_table_row(page,
                           (const char *const[]){r->row->name, exp_figure_title(claim[k].figure),
                                                 published, ours, good, verdict},
                           6, false);
        }
    }
    html_table_end(page);
}

static void add_measured(const exp_session *s, const char *letter, ls_text *page)
{
    const char *head[EXP_COLUMNS + 3] = {"Row", "Data"};
    for (size_t k = 0; k < EXP_COLUMNS; k++) head[k + 2] = exp_figure_title(exp_columns[k]);
    head[EXP_COLUMNS + 2] = "no progress";
    ls_text_add(page, "<details open=\"open\"><summary>All rows</summary>\n");
    html_table_begin(page);
    html_table_row(page, head, EXP_COLUMNS + 3, true);
    for (size_t i = 0; i < s->results; i++) {
        const exp_result *r = &s->result[i];
        if (strcmp(r->row->experiment, letter) || !r->run) continue;
        char text[EXP_COLUMNS + 1][64];
        const char *cell[EXP_COLUMNS + 3] = {r->row->name, r->row->data->name};
        for (size_t k = 0; k < EXP_COLUMNS; k++)
            exp_show(r, s->order->seeds, exp_columns[k], text[k]);
        snprintf(text[EXP_COLUMNS], 64, "%zu of %zu", exp_failures(r), s->order->seeds);
        for (size_t k = 0; k <= EXP_COLUMNS; k++) cell[k + 2] = text[k];
        html_table_row(page, cell, EXP_COLUMNS + 3, false);
    }
    html_table_end(page);
    ls_text_add(page, "</details>\n");
}

static void add_settings(const exp_session *s, const char *letter, ls_text *page)
{
    ls_text_add(page, "<details><summary>Settings of each row</summary>\n");
    html_table_begin(page);
    for (size_t i = 0; i < s->results; i++) {
        const exp_row *row = s->result[i].row;
        if (!strcmp(row->experiment, letter) && row->data)
            html_table_row(page, (const char *const[]){row->name, row->options}, 2, false);
    }
    html_table_end(page);
    ls_text_add(page, "</details>\n");
}

static void add_experiment(const exp_session *s, const exp_text *t, char *const *svg, ls_text *page)
{
    ls_text_add(page, "<section id=\"%s\">\n<h2>%s. ", t->letter, t->letter);
    html_add(page, t->title);
    ls_text_add(page, "</h2>\n");
    html_add_element(page, "p", t->about);
    add_published(s, t->letter, page);
    if (!s->order->quick) html_add_element(page, "p", t->found);
    for (size_t i = 0; i < exp_picture_count; i++)
        if (svg[i] && !strcmp(exp_pictures[i].experiment, t->letter))
            html_add_picture(page, svg[i], exp_pictures[i].title);
    add_measured(s, t->letter, page);
    add_settings(s, t->letter, page);
    ls_text_add(page, "</section>\n");
}

ls_status exp_write_page(const exp_session *s, char *const *svg, ls_error *err)
{
    ls_text page = {0};
    char path[4096];
    html_begin(&page, "Lockstep: the published experiments");
    html_add_element(&page, "p", about);
    ls_text_add(
        &page,
        "<p class=\"soft\">%zu trainings, %zu seeds; <code>lockstep experiment %s%s --seeds %zu -o DIR</code></p>\n",
        s->trainings, s->order->seeds, strlen(s->order->letters) == 7 ? "all" : s->order->letters,
        s->order->quick ? " --quick" : "", s->order->seeds);
    if (s->order->quick)
        html_add_element(&page, "p class=\"not\"",
                         "A quick look with a hundredth of the epochs: too short to judge by.");
    ls_text_add(&page, "<nav>");
    for (size_t t = 0; t < exp_text_count; t++)
        if (strstr(s->order->letters, exp_texts[t].letter))
            ls_text_add(&page, "<a href=\"#%s\">%s. %s</a> ", exp_texts[t].letter,
                        exp_texts[t].letter, exp_texts[t].title);
    ls_text_add(&page, "</nav>\n");
    for (size_t t = 0; t < exp_text_count; t++)
        if (strstr(s->order->letters, exp_texts[t].letter))
            add_experiment(s, &exp_texts[t], svg, &page);
    html_end(&page);
    snprintf(path, sizeof path, "%s/index.html", s->order->folder);
    ls_status status = page.failed ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the page")
                                   : ls_write_file(path, page.text, page.length, err);
    free(page.text);
    return status;
}
