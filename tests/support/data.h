/* SPDX-License-Identifier: MIT */
/* Shared by the tests of data. */
#ifndef LS_SUPPORT_DATA_H
#define LS_SUPPORT_DATA_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/error.h"
#include "host/base/sha256.h"
#include "host/data/data.h"
#include "host/data/value.h"
#include "host/model/decision.h"
#include "host/model/metrics.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Writes bytes to a new temporary file. path: set to its path. */
static inline void write_temporary(char path[64], const char *bytes, size_t size)
{
    strcpy(path, LS_TEST_FILES);
    int file = mkstemp(path);
    cr_assert(file >= 0, "no temporary file");
    cr_assert_eq(write(file, bytes, size), (ssize_t)size);
    cr_assert_eq(close(file), 0);
}

static inline ls_status read_bytes(const char *bytes, size_t size, const ls_csv_options *options,
                                   ls_data **out, ls_error *err)
{
    char path[64];
    write_temporary(path, bytes, size);
    ls_status status = ls_data_read_csv(path, options, out, err);
    unlink(path);
    return status;
}

/* Reads text that must be accepted. */
static inline ls_data *read_text(const char *text, const ls_csv_options *options)
{
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    ls_status status = read_bytes(text, strlen(text), options, &data, &err);
    cr_assert_eq(status, LS_OK, "\"%s\" is refused: %s", text, err.message);
    cr_assert_not_null(data);
    return data;
}

static inline void assert_shape(const ls_data *data, size_t rows, size_t features, size_t classes)
{
    cr_assert_eq(ls_data_rows(data), rows, "%zu rows", ls_data_rows(data));
    cr_assert_eq(ls_data_features(data), features, "%zu features", ls_data_features(data));
    cr_assert_eq(ls_data_classes(data), classes, "%zu classes", ls_data_classes(data));
}

static inline ls_data *generate(const char *name, const ls_generate_options *options)
{
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(ls_data_generate(name, options, &data, &err), LS_OK, "%s: %s", name, err.message);
    return data;
}

static inline ls_data *generate_seeded(const char *name, size_t rows, uint64_t seed)
{
    return generate(name,
                    &(ls_generate_options){.rows = rows, .noise = -1, .overlap = -1, .seed = seed});
}

static inline void hash_u32(ls_sha256 *sha, uint32_t value)
{
    unsigned char bytes[4];
    for (unsigned i = 0; i < 4; i++) bytes[i] = (unsigned char)(value >> (8 * i));
    ls_sha256_update(sha, bytes, sizeof bytes);
}

/* SHA-256 of x, and y or the values, as little-endian words. */
static inline void hash_data(const ls_data *data, char hex[65])
{
    ls_sha256 sha;
    ls_sha256_init(&sha);
    for (size_t k = 0; k < data->rows * data->features; k++) {
        uint32_t bits;
        memcpy(&bits, &data->x[k], sizeof bits);
        hash_u32(&sha, bits);
    }
    for (size_t i = 0; data->y && i < data->rows; i++) hash_u32(&sha, (uint32_t)data->y[i]);
    for (size_t i = 0; data->value && i < data->rows * data->targets; i++) {
        uint64_t bits;
        memcpy(&bits, &data->value[i], sizeof bits);
        hash_u32(&sha, (uint32_t)bits);
        hash_u32(&sha, (uint32_t)(bits >> 32));
    }
    ls_sha256_final(&sha, hex);
}

/* Checks that the message starts with `start` and contains every part of `says`, separated by '|'.
 */
static inline void expect_message(const char *message, const char *start, const char *says)
{
    char parts[256];
    cr_expect(strncmp(message, start, strlen(start)) == 0, "\"%s\" does not name the file",
              message);
    snprintf(parts, sizeof parts, "%s", says);
    for (char *part = strtok(parts, "|"); part; part = strtok(NULL, "|")) {
        cr_expect_not_null(strstr(message, part), "\"%s\" does not say \"%s\"", message, part);
    }
}

#endif
