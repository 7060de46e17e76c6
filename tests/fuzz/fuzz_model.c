/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "tests/fuzz/fuzz.h"

#include "host/model/model.h"
#include "host/model/model_read.h"
#include "host/model/model_write.h"

/* Predicts with an accepted model and writes it again. */
static void use(const ls_model *model)
{
    size_t columns = model->encoder ? model->encoder->columns : model->network.inputs, size = 0;
    char *bytes = NULL;
    ls_error err = {LS_OK, ""};
    float *x = calloc(columns, sizeof *x), *out = calloc(model->network.outputs, sizeof *out);
    if (!x || !out) abort();
    for (size_t c = 0; c < columns; c++) x[c] = NAN;
    fuzz_check(ls_model_predict(model, NULL, x, 1, out, &err), &err);
    fuzz_check(ls_model_serialize(model, &bytes, &size, &err), &err);
    free(bytes);
    free(x);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    ls_model *model = NULL;
    ls_error err = {LS_OK, ""};
    char *copy = malloc(size ? size : 1);
    if (!copy) abort();
    memcpy(copy, bytes, size);
    ls_status status = ls_model_parse("input", copy, size, &model, &err);
    free(copy);
    fuzz_check(status, &err);
    if (status == LS_OK) use(model);
    ls_model_free(model);
    return 0;
}
