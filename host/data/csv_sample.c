/* SPDX-License-Identifier: MIT */
#include "host/data/csv_sample.h"
#include "host/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Appends the reader's record. *room: fields that there is room for. */
static ls_status add_record(ls_csv_sample *sample, const ls_csv_reader *reader, size_t *room,
                            ls_error *err)
{
    size_t fields = sample->first[sample->rows];
    LS_TRY(ls_grow(&sample->field, room, fields + reader->count, sizeof *sample->field,
                   "the first records", err));
    memcpy(sample->field + fields, reader->fields, reader->count * sizeof *reader->fields);
    if (sample->rows == 0) sample->columns = reader->count;
    sample->equal &= reader->count == sample->columns;
    sample->line[sample->rows++] = reader->record_line;
    sample->first[sample->rows] = fields + reader->count;
    return LS_OK;
}

/* Splits the comment above the first record. */
static ls_status take_comment(ls_csv_sample *sample, const ls_csv_reader *reader, ls_error *err)
{
    bool found;
    const char *text = reader->comment;
    if (!text || reader->comment_line + 1 != reader->record_line) return LS_OK;
    text += strspn(text, "#");
    size_t size = strcspn(text, "\r\n");
    LS_TRY(ls_alloc(&sample->comment_text, size + 1, 1, "a comment", err));
    memcpy(sample->comment_text, text, size);
    ls_csv_reader line = ls_csv_reader_of(reader->path, sample->comment_text, size, true,
                                          reader->separator, reader->comment_line);
    line.begun = true;
    if (ls_csv_next(&line, &found, NULL) == LS_OK && found) {
        sample->comment = line.fields;
        sample->comment_fields = line.count;
        sample->comment_line = reader->comment_line;
        line.fields = NULL;
    }
    ls_csv_close(&line);
    return LS_OK;
}

static ls_status take_records(ls_csv_sample *sample, ls_csv_reader *reader, size_t most,
                              ls_error *err)
{
    size_t room = 0;
    bool found = true;
    while (sample->rows < most) {
        if (ls_csv_next(reader, &found, NULL) != LS_OK) {
            sample->broken = true;
            break;
        }
        if (!found) break;
        if (sample->rows == 0) LS_TRY(take_comment(sample, reader, err));
        LS_TRY(add_record(sample, reader, &room, err));
    }
    sample->complete = !sample->broken && !found && reader->at == reader->end && reader->ended;
    return LS_OK;
}

ls_status ls_csv_sample_take(const ls_csv_reader *reader, char separator, ls_csv_sample *out,
                             ls_error *err)
{
    size_t size = reader->ahead_count - reader->ahead_at;
    *out = (ls_csv_sample){.equal = true};
    LS_TRY(ls_alloc(&out->first, LS_CSV_SAMPLE_ROWS + 1, sizeof *out->first, "the first records",
                    err));
    LS_TRY(ls_alloc(&out->line, LS_CSV_SAMPLE_ROWS, sizeof *out->line, "the first records", err));
    LS_TRY(ls_alloc(&out->text, size + 1, 1, "the first records", err));
    memcpy(out->text, reader->ahead + reader->ahead_at, size);
    size_t most = reader->sample_rows && reader->sample_rows < LS_CSV_SAMPLE_ROWS
                      ? reader->sample_rows
                      : LS_CSV_SAMPLE_ROWS;
    ls_csv_reader copy = ls_csv_reader_of(reader->path, out->text, size, reader->ahead_ended,
                                          separator, reader->line);
    copy.hash_line = reader->hash_line;
    ls_status status = take_records(out, &copy, most, err);
    ls_csv_close(&copy);
    return status;
}

void ls_csv_sample_free(ls_csv_sample *sample)
{
    free(sample->first);
    free(sample->line);
    free(sample->field);
    free(sample->comment);
    free(sample->text);
    free(sample->comment_text);
    *sample = (ls_csv_sample){0};
}
