/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

/* The first byte chooses the options. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const known[] = {"a", "b"}, *const lists[] = {NULL, "0", "a", "1,b"};
    if (size == 0) return 0;
    unsigned how = bytes[0];
    ls_layout layout = {.missing = (ls_missing)(how % 5), .numbers_only = how & 64, .target = how & 32 ? "1" : NULL,
                        .drop = lists[how >> 3 & 3], .categorical = how & 128 ? "a" : NULL};
    ls_data *data = NULL, *again = NULL;
    ls_error err = {LS_OK, ""};
    char *text = fuzz_copy(bytes + 1, size - 1);
    ls_status status = ls_read_csv("input", text, size - 1, &layout, &data, &err);
    free(text);
    fuzz_check(status, &err);
    if (status != LS_OK) return 0;
    fuzz_use(data);
    /* rows like these: themselves, but for those that were dropped */
    ls_layout like = {.class_names = how & 32 ? known : (const char *const *)data->class_names, .classes = how & 32 ? 2 : data->classes,
                      .features = data->columns, .names = data->feature_names, .column = data->column, .file_columns = data->file_columns,
                      .file_target = data->file_target, .missing = data->missing};
    text = fuzz_copy(bytes + 1, size - 1);
    fuzz_check(ls_read_csv("input", text, size - 1, &like, &again, &err), &err);
    free(text);
    ls_data_free(again);
    ls_data_free(data);
    return 0;
}
