/* SPDX-License-Identifier: MIT */
#include "host/data/csv_layout.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <stdlib.h>
#include <string.h>

#include "host/data/csv_header.h"
#include "host/data/csv_known.h"
#include "host/data/csv_separator.h"
#include "host/data/notes.h"
#include "host/data/selection.h"
#include "host/data/value.h"

enum { SHOWN_NAMES = 3 };

/* ---- Notes ----------------------------------------------------------------------------------- */

/* Takes over the text. */
static ls_status add_note(ls_csv_layout *layout, ls_text *text, ls_error *err)
{
    if (text->failed || layout->notes == LS_CSV_MOST_NOTES) {
        free(text->text);
        return text->failed ? ls_fail(err, LS_ERR_MEMORY, "out of memory for a note") : LS_OK;
    }
    layout->note[layout->notes++] = text->text;
    return LS_OK;
}

/* "a", "b", "c", ... */
static void add_fields(ls_text *text, const ls_csv_field *field, size_t count)
{
    for (size_t j = 0; j < count && j < SHOWN_NAMES; j++)
        ls_text_add(text, "%s\"%s\"", j ? ", " : "", ls_excerpt_of(field[j].text).text);
    if (count > SHOWN_NAMES) ls_text_add(text, ", ...");
}

static ls_status note_first(ls_csv_layout *layout, ls_csv_verdict verdict, ls_error *err)
{
    ls_text text = {0};
    if (!verdict.guess) return LS_OK;
    ls_text_add(&text, "line %zu (", layout->line);
    add_fields(&text, layout->sample.field, layout->columns);
    ls_text_add(&text, "%s",
                verdict.header
                    ? ") is taken as the names of the columns; if it is a row, give --header no"
                    : ") is taken as a row; if it names the columns, give --header yes");
    return add_note(layout, &text, err);
}

static ls_status note_comment(ls_csv_layout *layout, bool is_header, ls_error *err)
{
    const ls_csv_sample *s = &layout->sample;
    ls_text text = {0};
    ls_text_add(&text, "line %zu begins with # and ", s->comment_line);
    if (is_header) {
        ls_text_add(&text, "is taken as the names of the columns (");
        add_fields(&text, s->comment, s->comment_fields);
        ls_text_add(&text, "); if it is a comment, give --header no");
    } else {
        ls_text_add(&text,
                    "is left out as a comment, although it has %zu fields as the records "
                    "have; if it is a record, quote its first field",
                    s->comment_fields);
    }
    return add_note(layout, &text, err);
}

static ls_status note_rival(ls_csv_layout *layout, char rival, ls_error *err)
{
    ls_text text = {0};
    if (!rival) return LS_OK;
    ls_text_add(&text,
                "fields could be separated by %s or by %s; the former are taken (--separator "
                "decides)",
                ls_csv_separator_name(layout->separator).text, ls_csv_separator_name(rival).text);
    return add_note(layout, &text, err);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

ls_status ls_csv_odd_record(const ls_csv_layout *layout, const char *path,
                            const ls_csv_field *field, size_t count, size_t line, ls_error *err)
{
    const char *hint = "check its separators and quotes";
    if (count && *field[0].text == '#' && !field[0].quoted)
        hint = "it begins with #, but comments stand above the first record only: remove it";
    else if (line == layout->sample.line[1 % layout->sample.rows] && layout->columns + 1 == count)
        hint = "if the first column has no name, begin the first line with a separator";
    return ls_fail(err, LS_ERR_DATA, "%s, line %zu: has %zu field%s, but line %zu has %zu; %s",
                   path, line, count, count == 1 ? "" : "s", layout->line, layout->columns, hint);
}

static ls_status no_records(const ls_csv_reader *reader, ls_error *err)
{
    bool found;
    ls_csv_reader copy = *reader; /* the first record may be broken: its error is the better one */
    copy.ahead = NULL;
    char *text;
    size_t size = reader->ahead_count - reader->ahead_at;
    LS_TRY(ls_alloc(&text, size + 1, 1, "the first record", err));
    memcpy(text, reader->ahead + reader->ahead_at, size);
    copy = ls_csv_reader_of(reader->path, text, size, reader->ahead_ended, reader->separator,
                            reader->line);
    ls_status status = ls_csv_next(&copy, &found, err);
    ls_csv_close(&copy);
    free(text);
    LS_TRY(status);
    return reader->ahead_ended
               ? ls_fail(err, LS_ERR_DATA, "%s: has only blank lines%s; give at least one row",
                         reader->path, "")
               : ls_fail(err, LS_ERR_DATA,
                         "%s, line %zu: has a record of more than %zu bytes; is a quote left open?",
                         reader->path, reader->line, size);
}

/* The first records must have equally many fields. */
static ls_status check_counts(const ls_csv_layout *layout, const char *path, ls_error *err)
{
    const ls_csv_sample *s = &layout->sample;
    for (size_t i = 1; i < s->rows && !s->equal; i++)
        if (ls_csv_sample_count(s, i) != s->columns)
            return ls_csv_odd_record(layout, path, s->field + s->first[i],
                                     ls_csv_sample_count(s, i), s->line[i], err);
    return LS_OK;
}

/* ---- Header ---------------------------------------------------------------------------------- */

static ls_csv_first first_of(const ls_csv_layout *layout, const ls_read_request *request)
{
    const ls_expected_rows *e = &request->expected;
    const char *wanted = request->target;
    uint64_t index;
    ls_csv_first first = {.field = layout->sample.field,
                          .columns = layout->columns,
                          .sample = &layout->sample,
                          .from = 1,
                          .target = LS_NO_COLUMN,
                          .class_names = e->class_names,
                          .classes = e->classes};
    if (wanted && ls_parse_u64(wanted, &index)) {
        if (index < layout->columns) first.target = (size_t)index;
    } else if (!wanted && !request->no_target && e->features != layout->columns) {
        first.target = layout->columns - 1;
    }
    if (first.target == LS_NO_COLUMN) first.class_names = NULL;
    return first;
}

static ls_header header_option(const ls_read_request *request)
{
    const ls_expected_rows *e = &request->expected;
    return request->header == LS_HEADER_AUTO && ls_csv_knows_columns(e) ? e->source->header_option
                                                                        : request->header;
}

/* Whether the first record names the columns, by its texts. *unknown: they say nothing to a model.
 */
static ls_status judge_texts(const ls_csv_layout *layout, const ls_csv_reader *reader,
                             const ls_read_request *request, ls_csv_verdict *out, bool *unknown,
                             ls_error *err)
{
    *out = (ls_csv_verdict){.header = true};
    *unknown = false;
    const ls_file_columns texts = {reader->path, layout->text, layout->columns};
    if (ls_names_header(request, &texts)) return LS_OK;
    if (!ls_csv_knows_columns(&request->expected)) {
        ls_csv_first first = first_of(layout, request);
        return ls_csv_judge_header(&first, out, err);
    }
    ls_csv_first_record kind = ls_csv_judge_known(layout->sample.field, layout->columns, request);
    out->header = kind == LS_FIRST_HEADER;
    *unknown = kind == LS_FIRST_UNKNOWN;
    return LS_OK;
}

static ls_status judge_first(const ls_csv_layout *layout, const ls_csv_reader *reader,
                             const ls_read_request *request, ls_csv_verdict *out, ls_error *err)
{
    bool unknown;
    ls_header option = header_option(request);
    *out = (ls_csv_verdict){.header = option == LS_HEADER_YES};
    if (option != LS_HEADER_AUTO) return LS_OK;
    LS_TRY(judge_texts(layout, reader, request, out, &unknown, err));
    if (!unknown) return LS_OK;
    return ls_fail(err, LS_ERR_DATA,
                   "%s, line %zu: \"%s\" may be a row or the names of the columns, because none "
                   "of its texts is known; say with --header yes or no",
                   reader->path, layout->line, ls_excerpt_of(layout->sample.field[0].text).text);
}

/* Whether the comment could be names: words that differ. */
static bool may_be_names(const ls_csv_sample *s)
{
    for (size_t j = 0; j < s->comment_fields; j++) {
        if (ls_csv_field_kind(&s->comment[j]) != LS_FIELD_WORD) return false;
        for (size_t k = 0; k < j; k++)
            if (!strcmp(s->comment[j].text, s->comment[k].text)) return false;
    }
    return true;
}

/* Whether the comment right above the first record names the columns. */
static ls_status judge_comment(const ls_csv_layout *layout, const ls_read_request *request,
                               ls_csv_verdict *out, ls_error *err)
{
    const ls_csv_sample *s = &layout->sample;
    const ls_expected_rows *e = &request->expected;
    *out = (ls_csv_verdict){0};
    if (!may_be_names(s)) return LS_OK;
    if (ls_csv_knows_columns(e)) {
        out->header = ls_csv_has_known_name(s->comment, s->comment_fields, e);
        return LS_OK;
    }
    ls_csv_first first = first_of(layout, request);
    first.field = s->comment;
    first.from = 0;
    LS_TRY(ls_csv_judge_header(&first, out, err));
    out->guess |= layout->separator == ' ';
    for (size_t j = 0; j < s->comment_fields; j++)
        out->guess |= strchr(s->comment[j].text, ' ') != NULL;
    return LS_OK;
}

static ls_status name_columns(ls_csv_layout *layout, const ls_csv_field *header, ls_error *err)
{
    if (!header) return LS_OK;
    LS_TRY(ls_alloc(&layout->name, layout->columns, sizeof *layout->name, "the header", err));
    for (size_t j = 0; j < layout->columns; j++) layout->name[j] = header[j].text;
    return LS_OK;
}

static ls_status find_header(ls_csv_layout *layout, const ls_csv_reader *reader,
                             const ls_read_request *request, ls_error *err)
{
    const ls_csv_sample *s = &layout->sample;
    const ls_expected_rows *e = &request->expected;
    ls_csv_verdict verdict = {0}, comment = {0}, texts;
    bool unknown, known = ls_csv_knows_columns(e), no = header_option(request) == LS_HEADER_NO,
                  like_record = s->comment_fields == layout->columns && s->columns > 1;
    /* a known name counts more than what the first record looks like */
    if (like_record && known && !no && !ls_csv_has_known_name(s->field, s->columns, e))
        LS_TRY(judge_comment(layout, request, &comment, err));
    if (!comment.header) LS_TRY(judge_first(layout, reader, request, &verdict, err));
    texts = verdict;
    /* the header that the user speaks of may be the comment */
    if (like_record && !known && header_option(request) == LS_HEADER_YES)
        LS_TRY(judge_texts(layout, reader, request, &texts, &unknown, err));
    if (like_record && !known && !no && !(texts.header && !texts.guess))
        LS_TRY(judge_comment(layout, request, &comment, err));
    if (comment.header) {
        if (comment.guess) LS_TRY(note_comment(layout, true, err));
        return name_columns(layout, s->comment, err);
    }
    if (like_record && !verdict.header) LS_TRY(note_comment(layout, false, err));
    LS_TRY(note_first(layout, verdict, err));
    layout->first_is_header = verdict.header;
    layout->rows_from = verdict.header;
    return name_columns(layout, verdict.header ? s->field : NULL, err);
}

/* ---- Layout ---------------------------------------------------------------------------------- */

ls_status ls_csv_find_layout(ls_csv_reader *reader, const ls_read_request *request,
                             ls_csv_layout *layout, ls_error *err)
{
    const ls_csv_sample *s = &layout->sample;
    char rival;
    *layout = (ls_csv_layout){0};
    LS_TRY(ls_csv_find_separator(reader, request, &layout->sample, &rival, err));
    if (s->rows == 0) return no_records(reader, err);
    layout->separator = reader->separator;
    layout->columns = s->columns;
    layout->line = s->line[0];
    /* rows for a model are read one by one: those before an odd record count */
    if (!request->expected.source) LS_TRY(check_counts(layout, reader->path, err));
    LS_TRY(ls_alloc(&layout->text, s->columns, sizeof *layout->text, "the first record", err));
    for (size_t j = 0; j < s->columns; j++) layout->text[j] = s->field[j].text;
    LS_TRY(note_rival(layout, rival, err));
    return find_header(layout, reader, request, err);
}

void ls_csv_layout_free(ls_csv_layout *layout)
{
    ls_csv_sample_free(&layout->sample);
    for (size_t i = 0; i < layout->notes; i++) free(layout->note[i]);
    free(layout->name);
    free(layout->text);
    *layout = (ls_csv_layout){0};
}

ls_status ls_csv_tell_layout(const ls_csv_layout *layout, const ls_read_request *request,
                             ls_data *data, ls_error *err)
{
    data->source.header_option = request->header;
    data->source.separator = request->separator;
    for (size_t i = 0; i < layout->notes; i++)
        LS_TRY(ls_data_note_add(data, err, "%s", layout->note[i]));
    return LS_OK;
}
