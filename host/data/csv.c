/* SPDX-License-Identifier: MIT */
/* Reads CSV files: decides what the columns are, then fills rows. csv_parse.c cuts the text,
 * csv_labels.c names the classes. */
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/data/cells.h"
#include "host/data/csv_parse.h"
#include "host/data/read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NO_TARGET LS_NO_COLUMN
enum {
    LARGE = 32 << 20,
    REPORT_ROWS = 1 << 16
}; /* bytes of a file whose reading is reported, and how often that is */
enum { FIRST_ROWS = 256 };

/* A file being read. */
typedef struct {
    const char *path;
    ls_stream *stream;
    const ls_layout *options;
    ls_csv_reader reader;
    ls_csv_field *first; /* copy of the first record, which may be the header, and of its text */
    char *first_text;
    size_t first_line;
    size_t columns;
    bool has_header;
    size_t target; /* column of the classes, or NO_TARGET */
    ls_selection selection;
    ls_csv_column *column; /* selection.used of them, as they are found out; also where columns are
                              known to be numbers */
    bool gaps;             /* whether missing values are accepted */
    ls_csv_labels *labels; /* NULL without a target */
    ls_data *data;
    size_t room; /* rows that data can take; data->rows is how many it has */
} csv_file;

/* ---- What the columns are -------------------------------------------------------------------- */

static bool is_number(const ls_csv_field *field)
{
    double value;
    return ls_csv_number(field->text, &value);
}

static bool is_missing(const ls_csv_field *field)
{
    return *field->text == '\0' || (!field->quoted && ls_csv_is_missing(field->text));
}

/* Whether the first record is a header, judged by the columns that hold a number in the second
 * record (a quoted number over plain ones is a name): at least half of them must not hold one in
 * the first. A single odd field is more likely a slip in a row of data, which must be reported and
 * not be dropped as a header. */
static bool looks_like_header(const csv_file *file, const ls_csv_field *second, size_t second_count)
{
    size_t numbers = 0, names = 0, texts = 0;
    for (size_t j = 0; j < file->columns; j++) {
        const ls_csv_field *field = &file->first[j];
        bool text = !is_missing(field) && !is_number(field);
        texts += text;
        if (j >= second_count || !is_number(&second[j])) continue;
        numbers++;
        names += text || (field->quoted && !second[j].quoted);
    }
    /* Nothing but text is a header, too: then a message about the row below is the one that helps.
     */
    return numbers > 0 ? names > 0 && 2 * names >= numbers : texts == file->columns;
}

static ls_status no_such_target(const csv_file *file, const char *wanted, ls_error *err)
{
    if (!file->has_header) {
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: has no header, so no column is named \"%s\"; give the target's "
                       "index, 0 to %zu",
                       file->path, ls_csv_shorten(wanted).text, file->columns - 1);
    }
    const char **names = NULL;
    LS_TRY(ls_alloc(&names, file->columns, sizeof *names, "column names", err));
    for (size_t j = 0; j < file->columns; j++) names[j] = file->first[j].text;
    const char *near = ls_nearest(wanted, names, file->columns);
    free(names);
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "%s: no column is named \"%s\"; %s%s%s (its last column is \"%s\")", file->path,
                   ls_csv_shorten(wanted).text,
                   near ? "did you mean \"" : "see its first line for the names",
                   near ? ls_csv_shorten(near).text : "", near ? "\"?" : "",
                   ls_csv_shorten(file->first[file->columns - 1].text).text);
}

/* Column that the target option names, by name or else by index; NO_TARGET where there is none. A
 * name found in the first record makes it a header. */
static size_t find_target(csv_file *file, const char *wanted)
{
    uint64_t index = 0;
    bool is_index = ls_parse_u64(wanted, &index);
    for (size_t j = 0; j < file->columns && (file->has_header || !is_index); j++) {
        if (strcmp(file->first[j].text, wanted) != 0) continue;
        file->has_header = true;
        return j;
    }
    return is_index && index < file->columns ? (size_t)index : NO_TARGET;
}

static ls_status choose_target(csv_file *file, ls_error *err)
{
    const char *wanted = file->options->target;
    uint64_t index;
    file->target = wanted ? find_target(file, wanted) : file->columns - 1;
    if (file->options->features == file->columns && (!wanted || file->target == NO_TARGET)) {
        file->target = NO_TARGET; /* rows without classes */
        return LS_OK;
    }
    if (file->target != NO_TARGET) return LS_OK;
    if (!ls_parse_u64(wanted, &index)) return no_such_target(file, wanted, err);
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "%s: there is no column %s; the target's index must be 0 to %zu", file->path,
                   wanted, file->columns - 1);
}

/* Selects the columns that are used; the class may turn out not to be there. */
static ls_status choose_columns(csv_file *file, ls_error *err)
{
    const char **names = NULL;
    if (file->columns - (file->target != NO_TARGET) == 0) {
        return ls_fail(err, LS_ERR_DATA,
                       "%s, line %zu: has one column only; fields must be separated by commas, "
                       "semicolons or tabs, and there must be a class column beside the features",
                       file->path, file->first_line);
    }
    if (file->has_header) {
        LS_TRY(ls_alloc(&names, file->columns, sizeof *names, "column names", err));
        for (size_t j = 0; j < file->columns; j++) names[j] = file->first[j].text;
    }
    ls_status status = ls_select(file->options, file->path, names, file->columns, file->target,
                                 &file->selection, err);
    free(names);
    LS_TRY(status);
    file->target = file->selection.target;
    LS_TRY(ls_alloc(&file->column, file->selection.used, sizeof *file->column, "the columns", err));
    for (size_t j = 0; j < file->columns; j++)
        if (file->selection.use[j] == LS_USE_CATEGORY)
            file->column[file->selection.to[j]].categorical = true;
    return LS_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* "2 (width)", or "2" without a header; short enough for a message. */
typedef struct {
    char text[80];
} column_label;

static column_label label_column(const csv_file *file, size_t column)
{
    column_label label;
    if (file->has_header) {
        snprintf(label.text, sizeof label.text, "%zu (%s)", column + 1,
                 ls_csv_shorten(file->first[column].text).text);
    } else {
        snprintf(label.text, sizeof label.text, "%zu", column + 1);
    }
    return label;
}

static ls_status bad_number(const csv_file *file, size_t line, size_t column,
                            const ls_csv_field *field, ls_error *err)
{
    double value;
    const char *trouble = "is not a finite number", *hint = "correct it, or drop the row or column";
    if (is_missing(field)) {
        return ls_fail(
            err, LS_ERR_DATA,
            "%s, line %zu, column %s: the value is missing%s%s%s; fill it in or drop the "
            "row",
            file->path, line, label_column(file, column).text, *field->text ? " (\"" : "",
            ls_csv_shorten(field->text).text, *field->text ? "\")" : "");
    }
    if (ls_csv_number(field->text, &value)) {
        trouble = "is too large for a 32-bit float";
        hint = "use other units";
    } else if (strchr(field->text, ',')) {
        hint = "write decimals with a point";
    } else if (!file->has_header && line == file->first_line) {
        hint = "correct it, or name all columns if this line is a header";
    }
    return ls_fail(err, LS_ERR_DATA, "%s, line %zu, column %s: \"%s\" %s; %s", file->path, line,
                   label_column(file, column).text, ls_csv_shorten(field->text).text, trouble,
                   hint);
}

static ls_status add_label(csv_file *file, size_t line, const ls_csv_field *field, int32_t *number,
                           ls_error *err)
{
    if (is_missing(field)) {
        return ls_fail(err, LS_ERR_DATA,
                       "%s, line %zu, column %s: the class is missing; fill it in or drop the row",
                       file->path, line, label_column(file, file->target).text);
    }
    if (!ls_csv_labels_add(file->labels, field->text, line, number)) {
        return ls_csv_labels_too_many(file->labels, file->path,
                                      label_column(file, file->target).text, err);
    }
    return LS_OK;
}

/* A field that is no number: a gap, a category, or a mistake. */
static ls_status add_other(csv_file *file, size_t line, size_t j, const ls_csv_field *field,
                           float *cell, ls_error *err)
{
    ls_csv_column *column = &file->column[file->selection.to[j]];
    ls_use use = file->selection.use[j];
    if (is_missing(field) && file->gaps) {
        column->gaps++;
        *cell = NAN;
        return LS_OK;
    }
    if (is_missing(field) || use == LS_USE_NUMBER) return bad_number(file, line, j, field, err);
    if (ls_csv_column_add(column, field->text, line, cell)) return LS_OK;
    return ls_csv_column_too_many(column, file->path, label_column(file, j).text, err);
}

/* Half as many rows again. */
static ls_status make_room(csv_file *file, ls_error *err)
{
    ls_data *data = file->data;
    size_t room = file->room + file->room / 2 + FIRST_ROWS, cells = 0, bytes = 0;
    bool fits = ls_mul_size(room, data->columns, &cells) &&
                ls_mul_size(cells, sizeof *data->x, &bytes) && bytes <= ls_most_bytes();
    float *x = fits ? realloc(data->x, bytes) : NULL;
    if (x) data->x = x;
    int32_t *y = x && data->y ? realloc(data->y, room * sizeof *y) : NULL;
    if (y) data->y = y;
    if (!x || (data->y && !y))
        return ls_fail(err, LS_ERR_MEMORY,
                       "%s: out of memory after %zu rows of %zu columns; use fewer of them",
                       file->path, data->rows, data->columns);
    file->room = room;
    return LS_OK;
}

/* Gives back what is left over. */
static void trim(csv_file *file)
{
    ls_data *data = file->data;
    size_t rows = data->rows ? data->rows : 1;
    float *x = realloc(data->x, rows * data->columns * sizeof *x);
    if (x) data->x = x;
    int32_t *y = data->y ? realloc(data->y, rows * sizeof *y) : NULL;
    if (y) data->y = y;
}

static ls_status add_row(csv_file *file, size_t line, const ls_csv_field *fields, size_t count,
                         ls_error *err)
{
    const double limit = 0x1.ffffffp127; /* from here on a double rounds to an infinite float */
    const ls_selection *selection = &file->selection;
    ls_data *data = file->data;
    if (count != file->columns) {
        return ls_fail(
            err, LS_ERR_DATA,
            "%s, line %zu: has %zu fields, but line %zu has %zu; check its separators and "
            "quotes",
            file->path, line, count, file->first_line, file->columns);
    }
    if (data->rows == file->room) LS_TRY(make_room(file, err));
    float *x = data->x + data->rows * data->columns;
    for (size_t j = 0; j < count; j++) {
        double value;
        ls_use use = selection->use[j];
        if (use == LS_USE_TARGET) {
            LS_TRY(add_label(file, line, &fields[j], &data->y[data->rows], err));
        } else if (use == LS_USE_NUMBER || use == LS_USE_LOOK) {
            bool number = ls_csv_number(fields[j].text, &value);
            if (number && !(fabs(value) < limit)) return bad_number(file, line, j, &fields[j], err);
            if (number) {
                x[selection->to[j]] = (float)value;
                file->column[selection->to[j]].numbers++;
            } else {
                LS_TRY(add_other(file, line, j, &fields[j], &x[selection->to[j]], err));
            }
        } else if (use == LS_USE_CATEGORY) {
            LS_TRY(add_other(file, line, j, &fields[j], &x[selection->to[j]], err));
        }
    }
    data->rows++;
    return LS_OK;
}

/* Copies the record at hand as the first one. */
static ls_status keep_first(csv_file *file, ls_error *err)
{
    const ls_csv_field *fields = file->reader.fields;
    size_t bytes = 0;
    for (size_t j = 0; j < file->columns; j++)
        bytes += (size_t)(fields[j].end - fields[j].text) + 1;
    LS_TRY(ls_alloc(&file->first, file->columns, sizeof *file->first, "the first record", err));
    LS_TRY(ls_alloc(&file->first_text, bytes, 1, "the first record", err));
    char *to = file->first_text;
    for (size_t j = 0; j < file->columns; j++) {
        size_t length = (size_t)(fields[j].end - fields[j].text);
        file->first[j] = (ls_csv_field){.text = memcpy(to, fields[j].text, length + 1),
                                        .end = to + length,
                                        .quoted = fields[j].quoted};
        to += length + 1;
    }
    return LS_OK;
}

/* Reads the first two records and decides by them. The second stays in the reader; *found: whether
 * there is one. */
static ls_status read_layout(csv_file *file, bool *found, ls_error *err)
{
    ls_csv_reader *reader = &file->reader;
    LS_TRY(ls_csv_next(reader, found, err));
    if (!*found)
        return ls_fail(err, LS_ERR_DATA, "%s: has only blank lines; give at least one row",
                       file->path);
    file->columns = reader->count;
    file->first_line = reader->record_line;
    LS_TRY(keep_first(file, err));
    LS_TRY(ls_csv_next(reader, found, err));
    file->has_header = looks_like_header(file, reader->fields, *found ? reader->count : 0);
    LS_TRY(choose_target(file, err));
    LS_TRY(choose_columns(file, err));
    if (file->has_header && !*found) {
        return ls_fail(err, LS_ERR_DATA, "%s: has a header but no rows; add at least one",
                       file->path);
    }
    return LS_OK;
}

static ls_status read_rows(csv_file *file, ls_error *err)
{
    bool found = false, labelled;
    ls_csv_reader *reader = &file->reader;
    LS_TRY(read_layout(file, &found, err));
    labelled = file->target != NO_TARGET;
    file->gaps = file->options->missing != LS_MISSING_ERROR;
    file->room = FIRST_ROWS;
    LS_TRY(ls_data_create(file->room, file->selection.used, 0, labelled, &file->data, err));
    file->data->rows = 0;
    if (labelled) LS_TRY(ls_csv_labels_create(&file->labels, err));
    if (!file->has_header) LS_TRY(add_row(file, file->first_line, file->first, file->columns, err));
    const ls_layout *options = file->options;
    for (size_t done = 1; found; done++) {
        LS_TRY(add_row(file, reader->record_line, reader->fields, reader->count, err));
        LS_TRY(ls_csv_next(reader, &found, err));
        if (options->callback && done % REPORT_ROWS == 0 && ls_stream_size(file->stream) > LARGE)
            options->callback(ls_stream_share(file->stream), options->user);
    }
    trim(file);
    return LS_OK;
}

/* ---- Finishing ------------------------------------------------------------------------------- */

static ls_status rename_from(const csv_file *file, char **slot, size_t column, ls_error *err)
{
    char *name = ls_strdup(file->first[column].text);
    if (!name)
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for column names; use less data",
                       file->path);
    free(*slot);
    *slot = name;
    return LS_OK;
}

static ls_status take_names(csv_file *file, ls_error *err)
{
    for (size_t j = 0; j < file->columns; j++) {
        ls_use use = file->selection.use[j];
        if (use == LS_USE_NOT) continue;
        char **slot = use == LS_USE_TARGET ? &file->data->target_name
                                           : &file->data->feature_names[file->selection.to[j]];
        LS_TRY(rename_from(file, slot, j, err));
    }
    return LS_OK;
}

/* The first row was a header with numbers for names, as its class column shows. */
static void drop_first_row(csv_file *file)
{
    ls_data *data = file->data;
    data->rows--;
    memmove(data->x, data->x + data->columns, data->rows * data->columns * sizeof *data->x);
    memmove(data->y, data->y + 1, data->rows * sizeof *data->y);
    ls_csv_labels_drop_first(file->labels);
    file->has_header = true;
}

static ls_status settle_classes(csv_file *file, ls_error *err)
{
    const ls_layout *options = file->options;
    ls_data *data = file->data;
    const char *const *known = options->class_names;
    if (!file->has_header && ls_csv_labels_first_is_title(file->labels, known, options->classes))
        drop_first_row(file);

    int32_t *map = NULL;
    char **names = NULL;
    size_t classes = 0;
    LS_TRY(ls_csv_labels_settle(file->labels, file->path, label_column(file, file->target).text,
                                known, options->classes, &map, &names, &classes, err));
    for (size_t i = 0; i < data->rows; i++) data->y[i] = map[data->y[i]];
    free(map);
    free(data->class_names);
    data->class_names = names;
    data->classes = classes;
    return LS_OK;
}

/* Whether there is more to the data than numbers in the order of the file. */
static bool needs_columns(const csv_file *file)
{
    bool expected = file->options->features > 0,
         needed = expected ? file->options->column != NULL : !file->selection.whole;
    for (size_t c = 0; c < file->selection.used; c++)
        needed |= file->column[c].texts > 0 || file->column[c].gaps > 0 ||
                  file->column[c].categorical;
    return needed;
}

static ls_status settle_columns(csv_file *file, ls_column *column, ls_error *err)
{
    for (size_t j = 0; j < file->columns; j++) {
        ls_use use = file->selection.use[j];
        size_t c = file->selection.to[j];
        if (use == LS_USE_NOT || use == LS_USE_TARGET) continue;
        column[c].place = j;
        column[c].categorical = use == LS_USE_CATEGORY;
        if (!(column[c].name = ls_strdup(file->data->feature_names[c])))
            return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for column names", file->path);
        if (use == LS_USE_NUMBER) continue; /* also one without any value: it is known what it is */
        LS_TRY(ls_csv_column_settle(&file->column[c], file->path, label_column(file, j).text,
                                    file->data, c, &column[c], err));
    }
    return LS_OK;
}

static ls_status describe_columns(csv_file *file, ls_error *err)
{
    ls_column *column;
    ls_data *data = file->data;
    if (!needs_columns(file)) return LS_OK;
    LS_TRY(ls_alloc(&column, data->columns, sizeof *column, "the columns", err));
    ls_status status = settle_columns(file, column, err);
    if (status != LS_OK) {
        ls_columns_free(column, data->columns);
        return status;
    }
    LS_TRY(ls_data_describe_columns(data, column, err));
    data->file_columns = file->columns;
    data->file_target = file->target;
    data->missing = file->options->missing;
    return ls_data_narrow(data, err);
}

static ls_status read_file(csv_file *file, ls_error *err)
{
    LS_TRY(ls_csv_open(&file->reader, file->path, file->stream, file->options->window, err));
    LS_TRY(read_rows(file, err));
    if (file->labels) LS_TRY(settle_classes(file, err));
    if (file->has_header) LS_TRY(take_names(file, err));
    LS_TRY(describe_columns(file, err));
    return ls_data_drop_gaps(file->path, file->options, &file->data, err);
}

ls_status ls_read_csv(const char *path, ls_stream *stream, const ls_layout *layout, ls_data **out,
                      ls_error *err)
{
    csv_file file = {.path = path, .stream = stream, .options = layout};
    ls_status status = read_file(&file, err);
    if (status == LS_OK) *out = file.data;
    else ls_data_free(file.data);
    for (size_t c = 0; file.column && c < file.selection.used; c++)
        ls_csv_column_free(&file.column[c]);
    free(file.column);
    ls_selection_free(&file.selection);
    ls_csv_labels_free(file.labels);
    free(file.first);
    free(file.first_text);
    ls_csv_close(&file.reader);
    return status;
}
