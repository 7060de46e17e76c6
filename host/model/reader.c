/* SPDX-License-Identifier: MIT */
#include "host/base/memory.h"
#include "host/base/struct_size.h"
#include "host/data/row_reader.h"
#include "host/model/model_data.h"
#include <stdlib.h>

struct ls_reader {
    ls_row_reader *rows;
};

ls_status ls_reader_open(const char *path, const ls_read_options *options, ls_reader **out,
                         ls_error *err)
{
    ls_read_options o;
    ls_read_request request;
    ls_reader *reader;
    if (!path || !out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_reader_open: an argument is NULL");
    LS_TRY(LS_READ_STRUCT(ls_read_options, options, &o, err));
    if (!o.model)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "ls_reader_open: the options have no model; its "
                       "features say how rows are read");
    if (o.sample)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--sample: needs all rows, which are not held when "
                       "they are read block by block");
    LS_TRY(ls_model_data_request(&o, &request, err));
    LS_TRY(ls_alloc(&reader, 1, sizeof *reader, "reading", err));
    ls_status status = ls_row_reader_open(path, &request, &reader->rows, err);
    if (status != LS_OK) free(reader);
    else *out = reader;
    return status;
}

ls_status ls_reader_next(ls_reader *reader, size_t most_rows, ls_data **data, ls_error *err)
{
    if (!reader || !data || !most_rows)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_reader_next: an argument is NULL or 0");
    return ls_row_reader_next(reader->rows, most_rows, data, err);
}

double ls_reader_share(const ls_reader *reader) { return ls_row_reader_share(reader->rows); }

void ls_reader_close(ls_reader *reader)
{
    if (!reader) return;
    ls_row_reader_close(reader->rows);
    free(reader);
}
