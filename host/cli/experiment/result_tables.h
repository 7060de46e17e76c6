/* SPDX-License-Identifier: MIT */
/* The tables of results, in Markdown or HTML. */
#ifndef LS_CLI_EXPERIMENT_RESULT_TABLES_H
#define LS_CLI_EXPERIMENT_RESULT_TABLES_H

#include "host/base/text.h"
#include "host/cli/experiment/result.h"

/* How a table is written. */
typedef struct {
    void (*begin)(ls_text *out, const char *const *head, size_t columns);
    void (*row)(ls_text *out, const char *const *cell, size_t columns);
    void (*end)(ls_text *out);
} exp_table_format;

extern const exp_table_format exp_markdown, exp_html;

/* Published metrics of an experiment beside ours, with verdicts. */
void exp_add_published(const exp_session *session, const char *letter,
                       const exp_table_format *format, ls_text *out);
/* The main metrics of all rows of an experiment. */
void exp_add_measured(const exp_session *session, const char *letter,
                      const exp_table_format *format, ls_text *out);

#endif
