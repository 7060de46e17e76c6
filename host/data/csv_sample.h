/* SPDX-License-Identifier: MIT */
/* The first records of a CSV file, parsed as the reader parses them, before they are read. */
#ifndef LS_CSV_SAMPLE_H
#define LS_CSV_SAMPLE_H

#include "host/data/csv_reader.h"

enum {
    LS_CSV_SAMPLE_ROWS = 1000,
    LS_CSV_SAMPLE_BYTES = 1 << 20 /* of text; more if fewer than two records fit in */
};

/* Owns all it points to, and outlives the reader. */
typedef struct {
    size_t rows;         /* records: 0 to LS_CSV_SAMPLE_ROWS, the header included */
    size_t columns;      /* fields of the first record */
    bool equal;          /* each record has that many */
    bool complete;       /* these are all records of the file */
    bool broken;         /* a record behind the last one cannot be parsed */
    size_t *first;       /* [rows + 1] number of each record's first field among all fields */
    size_t *line;        /* [rows] line number of each record */
    ls_csv_field *field; /* of all records; never changed */
    /* Fields of the comment in the line directly above the first record, without its #. */
    size_t comment_fields; /* 0: there is none, or it cannot be split */
    size_t comment_line;
    ls_csv_field *comment;
    char *text, *comment_text; /* what the fields point to */
} ls_csv_sample;

/* Parses what the reader has read ahead under a separator, and leaves the reader as it is. A record
 * that cannot be parsed ends the sample. Errors: LS_ERR_MEMORY. Freed with ls_csv_sample_free, also
 * if this fails. */
ls_status ls_csv_sample_take(const ls_csv_reader *reader, char separator, ls_csv_sample *out,
                             ls_error *err);
void ls_csv_sample_free(ls_csv_sample *sample);

/* Number of fields of a record. */
static inline size_t ls_csv_sample_count(const ls_csv_sample *sample, size_t row)
{
    return sample->first[row + 1] - sample->first[row];
}

/* A field, or NULL if the record has fewer. */
static inline const ls_csv_field *ls_csv_sample_field(const ls_csv_sample *sample, size_t row,
                                                      size_t column)
{
    return column < ls_csv_sample_count(sample, row) ? &sample->field[sample->first[row] + column]
                                                     : NULL;
}

#endif
