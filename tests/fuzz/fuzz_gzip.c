/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include "host/data/stream.h"

/* Decompressing at once and in small pieces must give the same bytes, or an error each. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *copy = malloc(size ? size : 1), *unpacked = NULL, piece[7];
    size_t length = 0, at = 0, count = 1;
    ls_error err = {LS_OK, ""};
    ls_stream *stream;
    if (!copy) abort();
    memcpy(copy, bytes, size);
    ls_status status = ls_stream_of("input", copy, size, &stream, &err);
    if (status == LS_OK) {
        status = ls_stream_rest(stream, SIZE_MAX, &unpacked, &length, &err);
        ls_stream_close(stream);
    }
    fuzz_check(status, &err);
    if (status == LS_OK && unpacked[length] != 0) abort();
    ls_status again = ls_stream_of("input", copy, size, &stream, &err);
    if (again == LS_OK) {
        for (; again == LS_OK && count; at += count) {
            again = ls_stream_read(stream, piece, sizeof piece, &count, &err);
            if (again != LS_OK) break;
            if (status == LS_OK &&
                (count > length - at || memcmp(piece, unpacked + at, count) != 0))
                abort();
        }
        ls_stream_close(stream);
    }
    if (again != status || (status == LS_OK && at != length)) abort();
    free(unpacked);
    free(copy);
    return 0;
}
