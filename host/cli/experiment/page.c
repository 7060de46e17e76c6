/* SPDX-License-Identifier: MIT */
#include "host/cli/experiment/page.h"
#include "host/base/file.h"
#include "host/base/text.h"
#include "host/cli/base/html.h"
#include "host/cli/experiment/result_tables.h"
#include <stdlib.h>
#include <string.h>

static const char about[] =
    "Published experiments with small neural networks, repeated with Lockstep. Every network is trained with several seeds, each with its own data. Values are the mean ± the "
    "standard deviation over the seeds. A published value is reached if it lies within one standard deviation of ours, where the deviation counts as at most 0.08 of a share or half of a "
    "loss; losses are judged by their median. The column \"Seeds as good\" counts the seeds that reach it by themselves. The original data of R, W, D and F is lost and "
    "replaced by generated data, so compare trends there, not single values. Curves show the median over the seeds, decision regions the first seed. \"No progress\" counts runs whose loss ended "
    "less than 5 % below its first value. Tables and plots are identical, byte for byte, on every exact device.";

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
    exp_add_published(s, t->letter, &exp_html, page);
    if (!s->order->quick) html_add_element(page, "p", t->found);
    for (size_t i = 0; i < exp_plot_count; i++)
        if (svg[i] && !strcmp(exp_plots[i].experiment, t->letter))
            html_add_plot(page, svg[i], exp_plots[i].title);
    ls_text_add(page, "<details open=\"open\"><summary>Results of all rows</summary>\n");
    exp_add_measured(s, t->letter, &exp_html, page);
    ls_text_add(page, "</details>\n");
    add_settings(s, t->letter, page);
    ls_text_add(page, "</section>\n");
}

ls_status exp_write_page(const exp_session *s, char *const *svg, ls_error *err)
{
    ls_text page = {0};
    char path[4096];
    html_begin(&page, EXP_TITLE);
    html_add_element(&page, "p", about);
    ls_text_add(
        &page,
        "<p class=\"soft\">%zu trainings, %zu seeds; <code>lockstep experiment %s%s --seeds %zu -o DIR</code></p>\n",
        s->trainings, s->order->seeds, strlen(s->order->letters) == 7 ? "all" : s->order->letters,
        s->order->quick ? " --quick" : "", s->order->seeds);
    if (s->order->quick)
        html_add_element(&page, "p class=\"not\"",
                         "Run with --quick, a hundredth of the epochs: too short to judge by.");
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
    ls_status status = page.failed ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the report")
                                   : ls_write_file(path, page.text, page.length, err);
    free(page.text);
    return status;
}
