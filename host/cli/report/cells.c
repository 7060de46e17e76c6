/* SPDX-License-Identifier: MIT */
#include "host/cli/report/cells.h"
#include "host/cli/base/html.h"
#include "host/cli/base/residuals.h"
#include <math.h>
#include <string.h>

void report_cell(ls_text *page, const char *tag, bool number, const char *text)
{
    ls_text_add(page, number ? "<%s class=\"right\">" : "<%s>", tag);
    html_add(page, text);
    ls_text_add(page, "</%s>", tag);
}

void report_row_begin(ls_text *page) { ls_text_add(page, "<tr>"); }
void report_row_end(ls_text *page) { ls_text_add(page, "</tr>\n"); }
void report_text(ls_text *page, const char *text) { report_cell(page, "td", false, text); }

void report_number(ls_text *page, const char *format, double value)
{
    char text[64] = "";
    if (!isnan(value)) snprintf(text, sizeof text, format, value);
    report_cell(page, "td", true, text);
}

void report_head(ls_text *page, const char *const *head, size_t n, size_t texts)
{
    html_table_begin(page);
    report_row_begin(page);
    for (size_t i = 0; i < n; i++) report_cell(page, "th", i >= texts, head[i]);
    report_row_end(page);
}

void report_value(ls_text *page, const ls_data *data, size_t row, size_t c)
{
    ls_column_info info = LS_INIT(ls_column_info);
    double value = residual_value(data, row, c);
    bool named = !isnan(value) && ls_data_column(data, c, &info, NULL) == LS_OK && info.categorical;
    if (named) report_text(page, ls_data_category(data, c, (size_t)value, NULL));
    else report_number(page, info.offset != 0 ? "%.15g" : "%.7g", value);
}

size_t report_columns(const ls_data *data, const size_t *rows, size_t n,
                      size_t list[REPORT_COLUMNS])
{
    const float *x = ls_data_x(data);
    size_t columns = ls_data_columns(data), chosen = 0;
    for (size_t c = 0; c < columns && chosen < REPORT_COLUMNS; c++) {
        bool differ = columns <= REPORT_COLUMNS || n == 1;
        for (size_t i = 1; i < n && !differ; i++)
            differ = memcmp(&x[rows[i] * columns + c], &x[rows[0] * columns + c], sizeof *x) != 0;
        if (differ) list[chosen++] = c;
    }
    return chosen;
}
