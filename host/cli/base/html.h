/* SPDX-License-Identifier: MIT */
/* HTML pages that stand alone: no script, nothing is fetched; for light and dark screens, phones
 * and paper. */
#ifndef LS_CLI_HTML_H
#define LS_CLI_HTML_H

#include "host/base/text.h"

void html_begin(ls_text *page, const char *title);
void html_end(ls_text *page);
/* Adds text with the special characters of HTML and XML escaped, and those that neither allows
 * shown as a terminal does (host/base/visible.h). Every name on a page or in an SVG goes through
 * here. */
void html_add(ls_text *page, const char *text);
/* Adds "<tag>text</tag>" and a newline. tag may have attributes. */
void html_add_element(ls_text *page, const char *tag, const char *text);
/* Adds a plot with its caption; svg: from plot_draw. */
void html_add_plot(ls_text *page, const char *svg, const char *caption);
/* A table that scrolls sideways on narrow screens: begin, rows of n cells, end. head: the cells are
 * headings. */
void html_table_begin(ls_text *page);
void html_table_row(ls_text *page, const char *const *cell, size_t n, bool head);
void html_table_end(ls_text *page);

#endif
