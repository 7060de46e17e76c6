/* SPDX-License-Identifier: MIT */
#include "host/base/json.h"
#include "host/cli/base/args.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/notes.h"
#include "host/cli/base/source.h"
#include "host/cli/base/terminal.h"
#include "host/cli/cmd/commands.h"
#include <jansson.h>
#include <math.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char intro[] =
    "Describes DATA, a file of rows (CSV, IDX or NPY, also compressed with gzip) or the name of a\n"
    "generator: number of rows, columns with their types, ranges, categories and missing values, and\n"
    "the rows of each class. The data are read as lockstep train reads them.\n"
    "\n"
    "  lockstep describe data.csv --target price_band\n";

enum { MOST_COLUMNS = 40, MOST_CLASSES = 20, TOP = 4 };

/* ---- Counting -------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    size_t rows;
} count;

static int by_rows(const void *a, const void *b)
{
    const count *left = a, *right = b;
    if (left->rows != right->rows) return left->rows < right->rows ? 1 : -1;
    return strcmp(left->name, right->name);
}

/* Categories of a column, the most frequent first. Returns NULL if memory runs out. */
static count *count_categories(const ls_data *data, size_t column, size_t n)
{
    count *list = calloc(n + 1, sizeof *list);
    if (!list) terminal_lacks();
    for (size_t k = 0; list && k < n; k++)
        list[k].name = ls_data_category(data, column, k, &list[k].rows);
    if (list) qsort(list, n, sizeof *list, by_rows);
    return list;
}

/* The rows of each class, in the order of the classes. Returns NULL if memory runs out. */
static count *count_classes(const ls_data *data)
{
    size_t n = ls_data_classes(data);
    const int32_t *y = ls_data_y(data);
    count *list = calloc(n + 1, sizeof *list);
    if (!list) terminal_lacks();
    for (size_t k = 0; list && k < n; k++) list[k].name = ls_data_class_name(data, k);
    for (size_t r = 0; list && y && r < ls_data_rows(data); r++) list[y[r]].rows++;
    return list;
}

/* ---- Output ---------------------------------------------------------------------------------- */

static json_t *column_json(const ls_data *data, size_t i, const ls_column_info *c)
{
    json_t *o = json_pack("{s:s,s:I,s:s,s:I}", "name", c->name, "place", (json_int_t)c->place,
                          "type", c->categorical ? "categories" : "numbers", "missing",
                          (json_int_t)c->missing);
    if (!c->categorical) {
        ls_json_set(&o, "least", ls_json_number(c->least));
        ls_json_set(&o, "most", ls_json_number(c->most));
        ls_json_set(&o, "mean", ls_json_number(c->mean));
        ls_json_set(&o, "deviation", ls_json_number(c->deviation));
        return o;
    }
    count *list = count_categories(data, i, c->categories);
    json_t *categories = json_object();
    if (!list) ls_json_set(&categories, "", NULL);
    for (size_t k = 0; list && k < c->categories; k++)
        ls_json_set(&categories, list[k].name, json_integer((json_int_t)list[k].rows));
    ls_json_set(&o, "categories", categories);
    free(list);
    return o;
}

/* Statistics of target t, a number or a label, over the rows. */
static ls_column_info target_of(const ls_data *data, size_t t)
{
    size_t rows = ls_data_rows(data), targets = ls_data_targets(data);
    const double *value = ls_data_values(data);
    ls_column_info c = {.name = ls_data_target_at(data, t)};
    if (!value || !rows) return c;
    double shift = value[t], sum = 0, squares = 0;
    c.least = c.most = shift;
    for (size_t r = 0; r < rows; r++) {
        double v = value[r * targets + t];
        c.least = fmin(c.least, v);
        c.most = fmax(c.most, v);
        sum += (v - shift) / (double)rows;
    }
    c.mean = shift + sum;
    for (size_t r = 0; r < rows; r++) {
        double d = value[r * targets + t] - c.mean;
        squares += d * d / (double)rows;
    }
    c.deviation = sqrt(squares);
    return c;
}

static json_t *targets_json(const ls_data *data)
{
    json_t *list = json_array();
    for (size_t t = 0; t < ls_data_targets(data); t++) {
        ls_column_info c = target_of(data, t);
        json_t *o = json_pack("{s:s?}", "name", c.name);
        ls_json_set(&o, "least", ls_json_number(c.least));
        ls_json_set(&o, "most", ls_json_number(c.most));
        ls_json_set(&o, "mean", ls_json_number(c.mean));
        ls_json_set(&o, "deviation", ls_json_number(c.deviation));
        ls_json_append(&list, o);
    }
    return list;
}

/* What is predicted, if it is not a class. */
static void print_targets(const ls_data *data)
{
    bool labels = ls_data_task(data) == LS_TASK_MULTILABEL;
    size_t targets = ls_data_targets(data);
    terminal_print(stdout, "%-11s %zu\n",
                   labels         ? "labels"
                   : targets == 1 ? "number"
                                  : "numbers",
                   targets);
    for (size_t t = 0; t < targets; t++) {
        ls_column_info c = target_of(data, t);
        terminal_print(stdout, "            %-16s ", c.name ? c.name : "y");
        if (labels)
            terminal_print(stdout, "1 in %.0f of %zu rows\n",
                           round(c.mean * (double)ls_data_rows(data)), ls_data_rows(data));
        else
            terminal_print(stdout, "%.10g … %.10g, mean %.10g ± %.5g\n", c.least, c.most, c.mean,
                           c.deviation);
    }
}

static int report_json(const ls_data *data, const char *name)
{
    json_t *columns = json_array(), *classes = json_object();
    count *list = count_classes(data);
    for (size_t i = 0; i < ls_data_columns(data); i++) {
        ls_column_info c = LS_INIT(ls_column_info);
        bool there = ls_data_column(data, i, &c, NULL) == LS_OK;
        ls_json_append(&columns, there ? column_json(data, i, &c) : NULL);
    }
    if (!list) ls_json_set(&classes, "", NULL);
    for (size_t k = 0; list && k < ls_data_classes(data); k++)
        ls_json_set(&classes, list[k].name, json_integer((json_int_t)list[k].rows));
    free(list);
    json_t *o = json_pack("{s:o,s:I,s:I,s:I,s:s?,s:o,s:o,s:o}", "data", json_shown(name), "rows",
                          (json_int_t)ls_data_rows(data), "dropped_rows",
                          (json_int_t)ls_data_dropped(data), "inputs",
                          (json_int_t)ls_data_features(data), "target", ls_data_target_name(data),
                          "classes", classes, "columns", columns, "notes", notes_json(data, NULL));
    if (ls_data_task(data) != LS_TASK_CLASSIFICATION) {
        bool labels = ls_data_task(data) == LS_TASK_MULTILABEL;
        ls_json_set(&o, "task", json_string(labels ? "multilabel" : "regression"));
        ls_json_set(&o, "targets", targets_json(data));
    }
    return print_json("describe", o);
}

static void print_column(const ls_data *data, size_t i, const ls_column_info *c)
{
    terminal_print(stdout, "%4zu  %-20.20s %-10s %8zu  ", c->place, c->name,
                   c->categorical ? "categories" : "numbers", c->missing);
    if (!c->categorical) {
        /* Large values that are close together, such as times, need more digits. */
        bool close = c->most > c->least && fabs(c->mean) > 1e4 * (c->most - c->least);
        if (close) terminal_print(stdout, "%.15g … %.15g, mean %.12g", c->least, c->most, c->mean);
        else terminal_print(stdout, "%g … %g, mean %.5g", c->least, c->most, c->mean);
        terminal_print(stdout, " ± %.5g\n", c->deviation);
        return;
    }
    count *list = count_categories(data, i, c->categories);
    if (!list) terminal_lacks();
    terminal_print(stdout, "%zu:", c->categories);
    for (size_t k = 0; list && k < c->categories && k < TOP; k++)
        terminal_print(stdout, "%s %.30s %zu", k ? "," : "", list[k].name, list[k].rows);
    terminal_print(stdout, "%s\n", c->categories > TOP ? ", ..." : "");
    free(list);
}

static void report_text(const ls_data *data)
{
    size_t rows = ls_data_rows(data), columns = ls_data_columns(data),
           classes = ls_data_classes(data);
    count *list = count_classes(data);
    if (!list) terminal_lacks();
    terminal_print(stdout, "rows        %zu", rows);
    if (ls_data_dropped(data))
        terminal_print(stdout, " (and %zu dropped because of missing values)",
                       ls_data_dropped(data));
    terminal_print(stdout, "\ncolumns     %zu besides the %s; encoded as %zu network inputs\n",
                   columns, ls_data_task(data) == LS_TASK_CLASSIFICATION ? "class" : "targets",
                   ls_data_features(data));
    if (ls_data_task(data) != LS_TASK_CLASSIFICATION) print_targets(data);
    else
        terminal_print(stdout, "classes     %zu, in \"%s\"\n", classes,
                       ls_data_target_name(data) ? ls_data_target_name(data) : "class");
    for (size_t k = 0; list && k < classes && k < MOST_CLASSES; k++)
        terminal_print(stdout, "            %-24.40s %8zu  %5.1f %%\n", list[k].name, list[k].rows,
                       100 * (double)list[k].rows / (double)rows);
    if (classes > MOST_CLASSES)
        terminal_print(stdout, "            ... and %zu more\n", classes - MOST_CLASSES);
    free(list);
    terminal_print(stdout, "\n%4s  %-20s %-10s %8s\n", "", "column", "type", "missing");
    for (size_t i = 0; i < columns && i < MOST_COLUMNS; i++) {
        ls_column_info c = LS_INIT(ls_column_info);
        if (ls_data_column(data, i, &c, NULL) == LS_OK) print_column(data, i, &c);
        else terminal_lacks();
    }
    if (columns > MOST_COLUMNS)
        terminal_print(stdout, "      ... and %zu more (--json lists all)\n",
                       columns - MOST_COLUMNS);
}

int cmd_describe(int argc, const char **argv)
{
    source_options o;
    ls_data *data = NULL;
    arguments args = {0};
    ls_error err;
    source_options_init(&o);
    struct poptOption from[SOURCE_DATA];
    source_data_table(&o, from);
    struct poptOption table[] = {
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, from, 0, "Data:", NULL},
        OPTION_QUIET(o.quiet),
        OPTION_VERBOSE(o.verbose),
        OPTION_JSON(o.json),
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "DATA...", intro, 1, 1, NULL, NULL);
    if (status == EXIT_OK && source_read(&o, args.operand[0], NULL, &data, &err) != LS_OK)
        status = complain_error("describe", &err);
    else if (status == EXIT_OK && o.json) status = report_json(data, args.operand[0]);
    else if (status == EXIT_OK) report_text(data);
    ls_data_free(data);
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
