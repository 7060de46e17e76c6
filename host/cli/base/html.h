/* SPDX-License-Identifier: MIT */
/* Pages that stand alone: no script, nothing fetched, light and dark, for phones and for paper. */
#ifndef LS_CLI_HTML_H
#define LS_CLI_HTML_H

#include "host/base/text.h"
#include "host/cli/base/cli.h"

void html_begin(ls_text *page, const char *title);
void html_end(ls_text *page);
/* Text with what HTML gives a meaning escaped. */
void html_add(ls_text *page, const char *text);
/* "<tag>text</tag>" and a newline. */
void html_add_element(ls_text *page, const char *tag, const char *text);
/* A picture with its caption; svg as plot_draw gives it. */
void html_add_picture(ls_text *page, const char *svg, const char *caption);
/* A table that scrolls sideways where the screen is narrow: begin, rows of n cells, end. `head`:
 * cells are headings. */
void html_table_begin(ls_text *page);
void html_table_row(ls_text *page, const char *const *cell, size_t n, bool head);
void html_table_end(ls_text *page);

#endif
