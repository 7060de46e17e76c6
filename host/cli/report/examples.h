/* SPDX-License-Identifier: MIT */
/* Rows that are images, shown as images: those with the worst mistakes, and some that are right. */
#ifndef LS_CLI_EXAMPLES_H
#define LS_CLI_EXAMPLES_H

#include "host/base/text.h"
#include "host/cli/base/outcome.h"

/* Adds them to the page; nothing if the rows are no images of two dimensions. */
void report_add_examples(ls_text *page, const outcome *o);

#endif
