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

static ls_status note_comment(ls_csv_layout *layout, ls_header option, bool is_header,
                              ls_error *err)
{
    const ls_csv_sample *s = &layout->sample;
    ls_text text = {0};
    ls_text_add(&text, "line %zu begins with # and ", s->comment_line);
    if (is_header) {
        ls_text_add(&text, "is taken as the names of the columns (");
        add_fields(&text, s->comment, s->comment_fields);
        ls_text_add(&text, "); if it is a comment, %s",
                    option == LS_HEADER_YES ? "remove it" : "give --header no");
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
    bool comments = reader->ahead_ended && memchr(reader->ahead + reader->ahead_at, '#', size);
    if (comments)
        return ls_fail(err, LS_ERR_DATA,
                       "%s: has only comments, which are lines that begin with #; give at least "
                       "one row, and put a first field that begins with # in quotes",
                       reader->path);
    return reader->ahead_ended
               ? ls_fail(err, LS_ERR_DATA, "%s: has only blank lines; give at least one row",
                         reader->path)
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

/* The option, or the one that the rows of the model were read with. */
static ls_header option_of(const ls_read_request *request)
{
    const ls_expected_rows *e = &request->expected;
    bool inherits = request->header == LS_HEADER_AUTO && ls_csv_knows_columns(e);
    return inherits ? e->source->header_option : request->header;
}

static ls_status judge_first(const ls_csv_layout *layout, const ls_csv_reader *reader,
                             const ls_read_request *request, ls_csv_verdict *out, ls_error *err)
{
    ls_header option = option_of(request);
    *out = (ls_csv_verdict){.header = option == LS_HEADER_YES};
    if (option != LS_HEADER_AUTO) return LS_OK;
    out->header = true;
    const ls_file_columns texts = {reader->path, layout->text, layout->columns};
    if (ls_names_header(request, &texts)) return LS_OK;
    if (!ls_csv_knows_columns(&request->expected)) {
        ls_csv_first first = first_of(layout, request);
        return ls_csv_judge_header(&first, out, err);
    }
    ls_csv_first_record kind = ls_csv_judge_known(layout->sample.field, layout->columns, request);
    out->header = kind == LS_FIRST_HEADER;
    if (kind != LS_FIRST_UNKNOWN) return LS_OK;
    return ls_fail(err, LS_ERR_DATA,
                   "%s, line %zu: \"%s\" may be a row or the names of the columns, because none "
                   "of its texts is known; say with --header yes or no",
                   reader->path, layout->line, ls_excerpt_of(layout->sample.field[0].text).text);
}

/* ---- The comment right above the first record ------------------------------------------------ */

/* Whether it has as many fields as the records. */
static bool is_comment_like_record(const ls_csv_layout *layout, const ls_read_request *request)
{
    const ls_csv_sample *s = &layout->sample;
    return s->comment_fields == s->columns &&
           (s->columns > 1 || ls_csv_knows_columns(&request->expected));
}

/* Whether the comment could be names: words that differ, or numbers if these are allowed. */
static bool may_be_names(const ls_csv_sample *s, bool numbers)
{
    for (size_t j = 0; j < s->comment_fields; j++) {
        ls_field_kind kind = ls_csv_field_kind(&s->comment[j]);
        if (kind != LS_FIELD_WORD && !(numbers && kind == LS_FIELD_NUMBER)) return false;
        for (size_t k = 0; k < j; k++)
            if (!strcmp(s->comment[j].text, s->comment[k].text)) return false;
    }
    return true;
}

/* Whether the comment has names that are known: all expected ones, or one that an option gives. The
 * first record must not have them, too. */
static ls_status has_comment_names(const ls_csv_layout *layout, const ls_read_request *request,
                                   bool *out, ls_error *err)
{
    const ls_csv_sample *s = &layout->sample;
    const ls_expected_rows *e = &request->expected;
    const char **texts;
    *out = false;
    if (option_of(request) == LS_HEADER_NO || !is_comment_like_record(layout, request))
        return LS_OK;
    if (ls_csv_knows_columns(e)) {
        *out = ls_csv_has_all_names(s->comment, s->columns, e) &&
               !ls_csv_has_all_names(s->field, s->columns, e);
        return LS_OK;
    }
    LS_TRY(ls_alloc(&texts, s->columns, sizeof *texts, "a comment", err));
    for (size_t j = 0; j < s->columns; j++) texts[j] = s->comment[j].text;
    const ls_file_columns comment = {"", texts, s->columns}, first = {"", layout->text, s->columns};
    *out = ls_names_header(request, &comment) && !ls_names_header(request, &first);
    free(texts);
    return LS_OK;
}

/* The same if --header yes was given: the first record is the header only if it plainly is. */
static ls_status judge_comment_or_first(const ls_csv_layout *layout, const ls_csv_reader *reader,
                                        const ls_read_request *request, ls_csv_verdict *out,
                                        ls_error *err)
{
    const ls_csv_sample *s = &layout->sample;
    const ls_file_columns texts = {reader->path, layout->text, layout->columns};
    ls_csv_first first = first_of(layout, request);
    ls_csv_verdict record;
    if (!may_be_names(s, true) || ls_names_header(request, &texts)) return LS_OK;
    LS_TRY(ls_csv_judge_header(&first, &record, err));
    if (record.header && (!record.guess || record.likely)) return LS_OK;
    *out = (ls_csv_verdict){.header = true, .guess = record.guess};
    if (!record.header && may_be_names(s, false)) return LS_OK;
    return ls_fail(err, LS_ERR_DATA,
                   "%s: line %zu, which begins with #, and line %zu may both name the columns; "
                   "remove line %zu if it is a comment, or else its #",
                   reader->path, s->comment_line, layout->line, s->comment_line);
}

/* Whether the comment names the columns although its names are not known. */
static ls_status judge_comment(const ls_csv_layout *layout, const ls_csv_reader *reader,
                               const ls_read_request *request, ls_csv_verdict record,
                               ls_csv_verdict *out, ls_error *err)
{
    const ls_csv_sample *s = &layout->sample;
    const ls_expected_rows *e = &request->expected;
    ls_header option = option_of(request);
    if (option == LS_HEADER_NO || !is_comment_like_record(layout, request)) return LS_OK;
    if (option == LS_HEADER_YES)
        return ls_csv_knows_columns(e) ? LS_OK
                                       : judge_comment_or_first(layout, reader, request, out, err);
    if ((record.header && (!record.guess || record.likely)) || !may_be_names(s, false))
        return LS_OK;
    if (ls_csv_knows_columns(e)) {
        /* Refused later, because others are missing. */
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

/* ---- Rows that begin with # ------------------------------------------------------------------ */

/* Whether the text is a value of the first column. */
static bool recurs(const ls_csv_sample *s, const char *text)
{
    for (size_t i = 0; i < s->rows; i++)
        if (!strcmp(s->field[s->first[i]].text, text)) return true;
    return false;
}

/* Whether the first record plainly is a header: no row stands above it. */
static ls_status is_plain_header(const ls_csv_layout *layout, const ls_csv_reader *reader,
                                 const ls_read_request *request, bool *out, ls_error *err)
{
    ls_csv_verdict verdict;
    *out = option_of(request) == LS_HEADER_YES;
    if (layout->sample.rows == 0 || option_of(request) != LS_HEADER_AUTO) return LS_OK;
    if (ls_csv_knows_columns(&request->expected)) {
        *out = ls_csv_judge_known(layout->sample.field, layout->columns, request) ==
               LS_FIRST_HEADER;
        return LS_OK;
    }
    LS_TRY(judge_first(layout, reader, request, &verdict, err));
    *out = verdict.header && (!verdict.guess || verdict.likely);
    return LS_OK;
}

/* What the comment at *at is; moves *at to the next line. */
static ls_status judge_line(const ls_csv_layout *layout, const ls_csv_reader *reader,
                            const ls_read_request *request, const char **at, size_t line,
                            ls_csv_hash *out, ls_error *err)
{
    size_t size = strcspn(*at, "\r\n");
    bool found, known = ls_csv_knows_columns(&request->expected);
    char *text;
    *out = LS_HASH_COMMENT;
    LS_TRY(ls_alloc(&text, size + 1, 1, "a comment", err));
    memcpy(text, *at, size);
    ls_csv_reader one = ls_csv_reader_of(reader->path, text, size, true, reader->separator, line);
    one.begun = true;
    if (ls_csv_next(&one, &found, NULL) == LS_OK && found &&
        (one.count == layout->sample.columns || layout->sample.rows == 0)) {
        if (known) *out = ls_csv_judge_hash(one.fields, one.count, request);
        else if (recurs(&layout->sample, one.fields->text)) *out = LS_HASH_ROW;
    }
    *at += size;
    *at += **at == '\r';
    *at += **at == '\n';
    ls_csv_close(&one);
    free(text);
    return LS_OK;
}

/* Finds the first row among the comments, and takes the records from there. A comment with a known
 * category, or with a text that recurs below it, is a row. In a file of nothing but comments, those
 * are rows that can be. */
static ls_status find_hash_rows(ls_csv_reader *reader, const ls_read_request *request,
                                ls_csv_layout *layout, ls_error *err)
{
    const char *at = reader->ahead + reader->ahead_at;
    ls_csv_sample *s = &layout->sample;
    size_t end = s->rows ? s->line[0] : SIZE_MAX, line = reader->line;
    ls_csv_hash kind = LS_HASH_COMMENT;
    bool known = ls_csv_knows_columns(&request->expected);
    bool header;
    LS_TRY(is_plain_header(layout, reader, request, &header, err));
    if (header || (!known && s->rows == 0)) return LS_OK;
    for (; line < end && *at && kind == LS_HASH_COMMENT; line++)
        LS_TRY(judge_line(layout, reader, request, &at, line, &kind, err));
    if (kind == LS_HASH_COMMENT) return LS_OK;
    line--;
    if (kind == LS_HASH_UNKNOWN && option_of(request) == LS_HEADER_NO && s->rows) return LS_OK;
    if (kind == LS_HASH_UNKNOWN && s->rows)
        return ls_fail(err, LS_ERR_DATA,
                       "%s, line %zu: begins with # and may be a comment or a row; remove it if it "
                       "is a comment, or else put its first field in quotes",
                       reader->path, line);
    reader->hash_line = line;
    ls_csv_sample_free(s);
    return ls_csv_sample_take(reader, reader->separator, s, err);
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
    ls_csv_verdict verdict, comment = {0};
    LS_TRY(judge_first(layout, reader, request, &verdict, err));
    LS_TRY(judge_comment(layout, reader, request, verdict, &comment, err));
    if (comment.header) {
        if (comment.guess) LS_TRY(note_comment(layout, request->header, true, err));
        return name_columns(layout, s->comment, err);
    }
    if (is_comment_like_record(layout, request) && !verdict.header)
        LS_TRY(note_comment(layout, request->header, false, err));
    LS_TRY(note_first(layout, verdict, err));
    layout->first_is_header = verdict.header;
    layout->rows_from = verdict.header;
    return name_columns(layout, verdict.header ? s->field : NULL, err);
}

/* ---- Layout ---------------------------------------------------------------------------------- */

/* Takes over what the sample says of the first record. */
static ls_status take_first(ls_csv_layout *layout, ls_error *err)
{
    const ls_csv_sample *s = &layout->sample;
    free(layout->text);
    layout->columns = s->columns;
    layout->line = s->line[0];
    LS_TRY(ls_alloc(&layout->text, s->columns, sizeof *layout->text, "the first record", err));
    for (size_t j = 0; j < s->columns; j++) layout->text[j] = s->field[j].text;
    return LS_OK;
}

ls_status ls_csv_find_layout(ls_csv_reader *reader, const ls_read_request *request,
                             ls_csv_layout *layout, ls_error *err)
{
    const ls_csv_sample *s = &layout->sample;
    bool named = false;
    char rival;
    *layout = (ls_csv_layout){0};
    LS_TRY(ls_csv_find_separator(reader, request, &layout->sample, &rival, err));
    layout->separator = reader->separator;
    if (s->rows) {
        LS_TRY(take_first(layout, err));
        /* rows for a model are read one by one: those before an odd record count */
        if (!request->expected.source) LS_TRY(check_counts(layout, reader->path, err));
        LS_TRY(note_rival(layout, rival, err));
        LS_TRY(has_comment_names(layout, request, &named, err));
        if (named) return name_columns(layout, s->comment, err);
    }
    LS_TRY(find_hash_rows(reader, request, layout, err));
    if (s->rows == 0) return no_records(reader, err);
    if (reader->hash_line) LS_TRY(take_first(layout, err));
    if (!request->expected.source) LS_TRY(check_counts(layout, reader->path, err));
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
    data->source.found = layout->columns > 1 ? layout->separator : 0;
    for (size_t i = 0; i < layout->notes; i++)
        LS_TRY(ls_data_note_add(data, err, "%s", layout->note[i]));
    return LS_OK;
}
