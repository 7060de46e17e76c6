/* SPDX-License-Identifier: MIT */
#include "host/data/csv.h"
#include "host/data/read.h"
#include "tests/fuzz/fuzz.h"

static ls_status read_csv(const uint8_t *bytes, size_t size, const ls_read_request *request,
                          ls_data **out, ls_error *err)
{
    ls_stream *stream;
    char *text = fuzz_copy(bytes, size);
    ls_status status = ls_stream_of("input", text, size, &stream, err);
    if (status == LS_OK) {
        status = ls_read_csv("input", stream, request, out, err);
        ls_stream_close(stream);
    }
    free(text);
    return status;
}

/* The result does not depend on how many bytes are read at a time. */
static void read_in_pieces(const uint8_t *bytes, size_t size, ls_read_request request,
                           const ls_data *data, ls_status whole)
{
    ls_data *same = NULL;
    ls_error err;
    request.window = 1 + size % 97;
    ls_status status = read_csv(bytes, size, &request, &same, &err);
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
    ls_read_request request = {.missing = (ls_missing)(how % 5),
                               .numbers_only = how & 64,
                               .target = how & 32 ? "1" : NULL,
                               .drop = lists[how >> 3 & 3],
                               .categorical = how & 128 ? "a" : NULL};
    ls_data *data = NULL, *again = NULL;
    ls_error err = {LS_OK, ""};
    ls_status status = read_csv(bytes + 1, size - 1, &request, &data, &err);
    fuzz_check(status, &err);
    read_in_pieces(bytes + 1, size - 1, request, data, status);
    if (status != LS_OK) return 0;
    fuzz_use(data);
    /* Read the same text again as rows like these. */
    ls_read_request like = {.expected = ls_expect_like(data), .missing = data->missing};
    if (how & 32) like.expected.class_names = known, like.expected.classes = 2;
    fuzz_check(read_csv(bytes + 1, size - 1, &like, &again, &err), &err);
    ls_data_free(again);
    ls_data_free(data);
    return 0;
}
