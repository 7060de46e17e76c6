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

static bool same_cells(const ls_data *a, const ls_data *b)
{
    return a->rows == b->rows && a->columns == b->columns &&
           memcmp(a->x, b->x, a->rows * a->columns * sizeof *a->x) == 0;
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
    if (same && (!same_cells(same, data) || same->classes != data->classes)) abort();
    ls_data_free(same);
}

/* Reads the same text again as rows like these: the cells are the same. */
static void read_again(const uint8_t *bytes, size_t size, const ls_data *data, bool other_classes)
{
    static const char *const known[] = {"a", "b"};
    ls_data *again = NULL;
    ls_error err = {LS_OK, ""};
    ls_read_request like = {.expected = ls_expect_like(data), .missing = data->missing};
    if (other_classes && data->class_names)
        like.expected.class_names = known, like.expected.classes = 2;
    ls_status status = read_csv(bytes, size, &like, &again, &err);
    fuzz_check(status, &err);
    if (status == LS_OK && !data->dropped && !data->number && !same_cells(again, data)) abort();
    ls_data_free(again);
}

/* The first three bytes choose the options. */
static ls_read_request choose(const uint8_t how[3])
{
    static const char *const lists[] = {NULL, "0", "a", "1,b"}, *const marks[] = {NULL, "x,none"};
    static const char separators[] = {0, 0, 0, ',', ';', '\t', ' ', '|'};
    static const char decimals[] = {0, 0, '.', ','}, thousands[] = {0, 0, ',', '.', ' ', '\''};
    return (ls_read_request){.missing = (ls_missing)(how[0] % 5),
                             .numbers_only = how[0] & 64,
                             .target = how[0] & 32 ? "1" : NULL,
                             .drop = lists[how[0] >> 3 & 3],
                             .categorical = how[0] & 128 ? "a" : NULL,
                             .header = (ls_header)(how[1] % 3),
                             .separator = separators[how[1] >> 2 & 7],
                             .decimal = decimals[how[1] >> 5 & 3],
                             .missing_mark = marks[how[1] >> 7],
                             .thousands = thousands[how[2] % 6],
                             .task = (ls_task_request)(how[2] / 6 % 3),
                             .dates = how[2] / 18 % 2,
                             .units = lists[how[2] / 36 % 4],
                             .no_target = how[2] > 200};
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 3) return 0;
    ls_read_request request = choose(bytes);
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    ls_status status = read_csv(bytes + 3, size - 3, &request, &data, &err);
    fuzz_check(status, &err);
    read_in_pieces(bytes + 3, size - 3, request, data, status);
    if (status != LS_OK) return 0;
    fuzz_use(data);
    read_again(bytes + 3, size - 3, data, bytes[0] & 32);
    ls_data_free(data);
    return 0;
}
