/* SPDX-License-Identifier: MIT */
/* Shared by the fuzzers. Each input is copied into memory of exactly its size, so that a read
 * beyond it is detected. */
#ifndef LS_FUZZ_H
#define LS_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "host/base/memory.h"
#include "host/data/encoder.h"
#include "host/data/formats.h"
#include "host/data/quantiles.h"
#include "host/data/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A copy followed by a NUL, as from ls_stream_rest. */
static inline char *fuzz_copy(const uint8_t *bytes, size_t size)
{
    char *copy = malloc(size + 1);
    if (!copy) abort();
    memcpy(copy, bytes, size);
    copy[size] = 0;
    return copy;
}

/* An error has a status and a message. */
static inline void fuzz_check(ls_status status, const ls_error *err)
{
    if (status != LS_OK && (err->status != (int)status || !*err->message)) abort();
}

/* Data that was read can be encoded, with each scaling. */
static inline void fuzz_encode(const ls_encoder *encoder, const ls_data *data, float *to)
{
    const size_t inputs = data->features;
    double *mean = calloc(inputs, sizeof *mean), *scale = calloc(inputs, sizeof *scale);
    ls_quantiles *quantiles = NULL;
    ls_error err = {LS_OK, ""};
    if (!mean || !scale) abort();
    ls_number_scaling scaling = {.mean = mean, .scale = scale};
    if (ls_encoder_standardize(encoder, data, mean, scale, &err) != LS_OK ||
        ls_encode(encoder, &scaling, inputs, data, to, &err) != LS_OK)
        abort();
    scaling.clip = 3;
    if (ls_encoder_robust(encoder, data, mean, scale, &err) != LS_OK ||
        ls_encode(encoder, &scaling, inputs, data, to, &err) != LS_OK)
        abort();
    if (ls_encoder_quantiles(encoder, data, &quantiles, &err) != LS_OK) abort();
    scaling = (ls_number_scaling){.mean = mean, .scale = scale, .quantiles = quantiles};
    if (ls_encode(encoder, &scaling, inputs, data, to, &err) != LS_OK) abort();
    ls_quantiles_free(quantiles);
    free(mean);
    free(scale);
}

/* Data that was read can be encoded and split. */
static inline void fuzz_use(const ls_data *data)
{
    ls_encoder *encoder = NULL;
    ls_error err = {LS_OK, ""};
    size_t cells;
    if (!ls_mul_size(data->rows, data->features, &cells) || cells > 1 << 20) return;
    if (ls_encoder_fit(data, &encoder, &err) != LS_OK) abort();
    float *to = calloc(cells, sizeof *to);
    if (!to) abort();
    fuzz_encode(encoder, data, to);
    ls_data *rest = NULL, *part = NULL;
    fuzz_check(ls_data_split(data, 0.3, 1, &rest, &part, &err), &err);
    if (part && data->column && rest) {
        ls_encoder_free(encoder);
        encoder = NULL;
        if (ls_encoder_fit(rest, &encoder, &err) != LS_OK ||
            ls_encode(encoder, &(ls_number_scaling){0}, rest->features, rest, to, &err) != LS_OK)
            abort();
    }
    ls_data_free(rest);
    ls_data_free(part);
    ls_encoder_free(encoder);
    free(to);
}

/* Reads the input as a matrix, if it is one of this format. */
static inline int fuzz_matrix(const uint8_t *bytes, size_t size, const char *name)
{
    static const ls_read_request request = {.missing = LS_MISSING_MEDIAN, .target = "0"};
    ls_matrix matrix;
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    char *copy = fuzz_copy(bytes, size);
    const ls_format *format;
    if (ls_format_of("input", copy, size, &format, NULL) == LS_OK && !strcmp(format->name, name)) {
        ls_status status = format->describe("input", copy, size, &matrix, &err);
        size_t head = format->head(copy, size);
        matrix.bytes = copy + head;
        if (status == LS_OK) status = ls_check_matrix(&matrix, format->name, size - head, &err);
        if (status == LS_OK) status = ls_read_matrix(&matrix, NULL, &request, &data, &err);
        fuzz_check(status, &err);
        if (status == LS_OK) fuzz_use(data);
        ls_data_free(data);
    }
    free(copy);
    return 0;
}

#endif
