/* SPDX-License-Identifier: MIT */
#include "bench/rows.h"
#include "host/base/memory.h"
#include "kernels/random.h"
#include <stdlib.h>
#include <string.h>

/* Opens a file of a folder, or NAME.gz through gzip (*piped); NULL if neither exists. */
static FILE *open_file(const char *folder, const char *name, bool *piped)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    *piped = !file;
    if (file) return file;
    snprintf(path, sizeof path, "%s/%s.gz", folder, name);
    if (!(file = fopen(path, "rb"))) return NULL;
    fclose(file);
    snprintf(path, sizeof path, "gzip -dc '%s/%s.gz'", folder, name);
    return popen(path, "r");
}

/* An IDX file of bytes: `count` entries of `width` bytes each. */
typedef struct {
    size_t count, width;
    unsigned char *bytes;
} idx;

static ls_status read_idx(const char *folder, const char *set, const char *kind,
                          unsigned char dimensions, idx *out, ls_error *err)
{
    unsigned char head[16];
    char name[64];
    bool piped;
    size_t length = 4 + 4 * (size_t)dimensions;
    snprintf(name, sizeof name, "%s-%s-idx%d-ubyte", set, kind, dimensions);
    FILE *file = open_file(folder, name, &piped);
    if (!file)
        return ls_fail(err, LS_ERR_IO, "there is neither %s/%s nor %s.gz", folder, name, name);
    ls_status status = fread(head, 1, length, file) == length && !head[0] && !head[1] &&
                               head[2] == 8 && head[3] == dimensions
                           ? LS_OK
                           : ls_fail(err, LS_ERR_DATA,
                                     "%s/%s is not an IDX file of bytes in %d dimensions", folder,
                                     name, dimensions);
    out->width = 1;
    for (size_t at = 4; at < length && status == LS_OK; at += 4) {
        size_t n = (size_t)head[at] << 24 | (size_t)head[at + 1] << 16 | (size_t)head[at + 2] << 8 |
                   head[at + 3];
        if (at == 4) out->count = n;
        else out->width *= n;
    }
    if (status == LS_OK) status = ls_alloc(&out->bytes, out->count, out->width, name, err);
    if (status == LS_OK && fread(out->bytes, out->width, out->count, file) != out->count)
        status = ls_fail(err, LS_ERR_DATA, "%s/%s ends too early", folder, name);
    if (piped) pclose(file);
    else fclose(file);
    return status;
}

/* The training images of a folder, or its test images if it has no training images. */
static ls_status read_images(const char *folder, idx *images, idx *labels, ls_error *err)
{
    if (strchr(folder, '\'') || strlen(folder) > 4000)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--data: the name of the folder is too long or holds a quote");
    const char *set = "train";
    ls_status status = read_idx(folder, set, "images", 3, images, err);
    if (status == LS_ERR_IO) status = read_idx(folder, set = "t10k", "images", 3, images, err);
    if (status == LS_ERR_IO)
        return ls_fail(
            err, status,
            "%s holds neither train-images-idx3-ubyte nor t10k-images-idx3-ubyte, with or without .gz",
            folder);
    LS_TRY(status);
    LS_TRY(read_idx(folder, set, "labels", 1, labels, err));
    if (images->count != labels->count || !images->count)
        return ls_fail(err, LS_ERR_DATA, "%s holds %zu images and %zu labels", folder,
                       images->count, labels->count);
    return LS_OK;
}

/* Fills rows with images, repeating them if there are too few. */
static ls_status fill_images(const bench_options *o, size_t rows, size_t features, size_t outputs,
                             float *x, float *t, ls_error *err)
{
    idx images = {0}, labels = {0};
    ls_status status = read_images(o->data, &images, &labels, err);
    if (status == LS_OK && images.width != features)
        status = ls_fail(err, LS_ERR_DATA,
                         "the images of %s have %zu values, the network takes %zu", o->data,
                         images.width, features);
    for (size_t i = 0; i < rows && status == LS_OK; i++) {
        const unsigned char *pixel = images.bytes + i % images.count * features,
                            label = labels.bytes[i % images.count];
        for (size_t k = 0; k < features; k++)
            x[i * features + k] = (float)pixel[k] * (1.0f / 255.0f);
        if (label < outputs) t[i * outputs + label] = 1.0f;
        else
            status = ls_fail(err, LS_ERR_DATA, "%s has a label %d, the network has %zu outputs",
                             o->data, label, outputs);
    }
    if (status == LS_OK && !o->json)
        printf("data: %zu rows out of the %zu images of %s\n", rows, images.count, o->data);
    free(images.bytes);
    free(labels.bytes);
    return status;
}

ls_status bench_fill_rows(const bench_options *o, size_t rows, size_t features, size_t outputs,
                          float **x, float **t, ls_error *err)
{
    LS_TRY(ls_alloc(x, rows * features, sizeof **x, "the benchmark", err));
    LS_TRY(ls_alloc(t, rows * outputs, sizeof **t, "the benchmark", err));
    if (o->data) return fill_images(o, rows, features, outputs, *x, *t, err);
    for (size_t i = 0; i < rows * features; i++) (*x)[i] = ls_random_uniform(1, 1, 0, (ls_u32)i);
    for (size_t i = 0; i < rows; i++)
        (*t)[i * outputs + (outputs > 1 ? i % outputs : 0)] = outputs > 1 ? 1.0f : (float)(i % 2);
    return LS_OK;
}
