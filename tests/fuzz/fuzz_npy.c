/* SPDX-License-Identifier: MIT */
#include "host/data/npy.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    return fuzz_matrix(bytes, size, "NPY");
}
