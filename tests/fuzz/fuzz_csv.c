/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

static ls_status read_csv(const uint8_t *bytes, size_t size, const ls_layout *layout, ls_data **out,
                          ls_error *err)
{
    ls_stream *stream;
    char *text = fuzz_copy(bytes, size);
    ls_status status = ls_stream_of("input", text, size, &stream, err);
    if (status == LS_OK) {
        status = ls_read_csv("input", stream, layout, out, err);
        ls_stream_close(stream);
    }
    free(text);
    return status;
}

/* However few bytes come at a time, the result is the same. */
static void read_in_pieces(const uint8_t *bytes, size_t size, ls_layout layout, const ls_data *data,
                           ls_status whole)
{
    ls_data *same = NULL;
    ls_error err;
    layout.window = 1 + size % 97;
    ls_status status = read_csv(bytes, size, &layout, &same, &err);
    if ((status == LS_OK) != (whole == LS_OK)) abort();
    if (same && (same->rows != data->rows || same->columns != data->columns ||
                 same->classes != data->classes ||
                 memcmp(same->x, data->x, same->rows * same->columns * sizeof *same->x) != 0))
        abort();
    ls_data_free(same);
}

/* The first byte chooses the options. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const known[] = {"a", "b"}, *const lists[] = {NULL, "0", "a", "1,b"};
    if (size == 0) return 0;
    unsigned how = bytes[0];
    ls_layout layout = {.missing = (ls_missing)(how % 5),
                        .numbers_only = how & 64,
                        .target = how & 32 ? "1" : NULL,
                        .drop = lists[how >> 3 & 3],
                        .categorical = how & 128 ? "a" : NULL};
    ls_data *data = NULL, *again = NULL;
    ls_error err = {LS_OK, ""};
    ls_status status = read_csv(bytes + 1, size - 1, &layout, &data, &err);
    fuzz_check(status, &err);
    read_in_pieces(bytes + 1, size - 1, layout, data, status);
    if (status != LS_OK) return 0;
    fuzz_use(data);
    /* rows like these: themselves, but for those that were dropped */
    ls_layout like = {.class_names = how & 32 ? known : (const char *const *)data->class_names,
                      .classes = how & 32 ? 2 : data->classes,
                      .features = data->columns,
                      .names = data->feature_names,
                      .column = data->column,
                      .file_columns = data->file_columns,
                      .file_target = data->file_target,
                      .missing = data->missing};
    fuzz_check(read_csv(bytes + 1, size - 1, &like, &again, &err), &err);
    ls_data_free(again);
    ls_data_free(data);
    return 0;
}
