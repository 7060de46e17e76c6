/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const ls_layout layout = {.missing = LS_MISSING_MEDIAN, .target = "0"};
    ls_numbers numbers;
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    char *copy = fuzz_copy(bytes, size);
    if (ls_is_npy(copy, size)) {
        ls_status status = ls_open_npy("input", copy, size, &numbers, &err);
        if (status == LS_OK) status = ls_read_numbers(&numbers, NULL, &layout, &data, &err);
        fuzz_check(status, &err);
        if (status == LS_OK) fuzz_use(data);
        ls_data_free(data);
    }
    free(copy);
    return 0;
}
