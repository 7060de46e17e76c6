/* SPDX-License-Identifier: MIT */
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/base/struct_size.h"
#include "host/data/row_reader.h"
#include "host/data/stream.h"
#include "host/model/model_data.h"
#include "host/model/reader_keep.h"
#include <stdlib.h>

struct ls_reader {
    ls_row_reader *rows;
    ls_text without_effect; /* for a note in the first block */
};

static ls_status open_rows(const char *path, const ls_read_options *o, ls_reader *reader,
                           ls_error *err)
{
    ls_read_request request;
    LS_TRY(ls_model_data_request(ls_stream_name(path), o, &request, &reader->without_effect, err));
    return ls_row_reader_open(path, &request, &reader->rows, err);
}

ls_status ls_reader_open(const char *path, const ls_read_options *options, ls_reader **out,
                         ls_error *err)
{
    LS_HOST_MODE(mode);
    ls_read_options o;
    ls_reader *reader;
    if (!path || !out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_reader_open: an argument is NULL");
    LS_TRY(LS_READ_STRUCT(ls_read_options, options, &o, err));
    if (!o.model)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "ls_reader_open: the options have no model, which says how rows are read");
    if (o.sample)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--sample: draws from all rows, but here they are read block by block");
    LS_TRY(ls_alloc(&reader, 1, sizeof *reader, "reading", err));
    ls_status status = open_rows(path, &o, reader, err);
    if (status != LS_OK) ls_reader_close(reader);
    else *out = reader;
    return status;
}

ls_status ls_reader_next(ls_reader *reader, size_t most_rows, ls_data **data, ls_error *err)
{
    LS_HOST_MODE(mode);
    ls_data *block;
    if (!reader || !data || !most_rows)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_reader_next: an argument is NULL or 0");
    LS_TRY(ls_row_reader_next(reader->rows, most_rows, &block, err));
    if (block && block->first == 0) {
        ls_status status = ls_model_data_note(block, &reader->without_effect, err);
        if (status != LS_OK) {
            ls_data_free(block);
            return status;
        }
    }
    *data = block;
    return LS_OK;
}

ls_status ls_reader_keep(ls_reader *reader, const char *option, const char *list, ls_error *err)
{
    LS_HOST_MODE(mode);
    return ls_row_reader_keep(reader->rows, option, list, err);
}

size_t ls_reader_kept(const ls_reader *reader) { return ls_row_reader_kept(reader->rows); }

const char *ls_reader_kept_name(const ls_reader *reader, size_t i, char storage[32])
{
    return ls_row_reader_kept_name(reader->rows, i, storage);
}

double ls_reader_share(const ls_reader *reader)
{
    LS_FLOAT_MODE(mode);
    return reader ? ls_row_reader_share(reader->rows) : 0;
}

void ls_reader_close(ls_reader *reader)
{
    LS_HOST_MODE(mode);
    if (!reader) return;
    ls_row_reader_close(reader->rows);
    free(reader->without_effect.text);
    free(reader);
}
