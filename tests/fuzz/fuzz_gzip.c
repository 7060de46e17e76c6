/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include "../../host/gzip.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *copy = malloc(size ? size : 1), *unpacked = NULL;
    size_t length = 0;
    ls_error err = {LS_OK, ""};
    if (!copy) abort();
    memcpy(copy, bytes, size);
    ls_status status = ls_gunzip("input", copy, size, &unpacked, &length, &err);
    fuzz_check(status, &err);
    if (status == LS_OK && unpacked[length] != 0) abort();
    free(unpacked);
    free(copy);
    return 0;
}
