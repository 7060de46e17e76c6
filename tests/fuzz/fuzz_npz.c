/* SPDX-License-Identifier: MIT */
#include "host/data/npz.h"
#include "tests/fuzz/fuzz.h"

#include "host/data/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const ls_read_request request = {.missing = LS_MISSING_MEDIAN};
    char *copy = fuzz_copy(bytes, size), *rows = NULL;
    size_t rows_size;
    ls_error err = {LS_OK, ""};
    ls_data *data = NULL;
    ls_stream *stream;
    ls_status status = ls_stream_of("input", copy, size, &stream, &err);
    if (status == LS_OK) {
        status = ls_read_npz("input", stream, &request, &data, &err);
        ls_stream_close(stream);
    }
    fuzz_check(status, &err);
    if (status == LS_OK) fuzz_use(data);
    ls_data_free(data);
    if (ls_stream_of("input", copy, size, &stream, &err) == LS_OK) {
        fuzz_check(ls_npz_rows("input", stream, &rows, &rows_size, &err), &err);
        ls_stream_close(stream);
    }
    free(rows);
    free(copy);
    return 0;
}
