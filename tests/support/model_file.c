/* SPDX-License-Identifier: MIT */
#if __has_include(<jansson.h>)
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "host/base/sha256.h"
#include "tests/support/model_file.h"

uint64_t file_header_length(const char *bytes)
{
    uint64_t n = 0;
    for (int i = 7; i >= 0; i--) n = n << 8 | (unsigned char)bytes[i];
    return n;
}

file_parts file_take_apart(const char *path)
{
    file_parts p = {0};
    p.bytes = runs_file_read(path, &p.size);
    cr_assert(p.bytes && p.size > 8, "%s does not exist", path);
    uint64_t length = file_header_length(p.bytes);
    cr_assert_leq(length, p.size - 8);
    p.root = json_loadb(p.bytes + 8, length, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(p.root, "the header is not JSON");
    const char *inner = json_string_value(json_object_get(json_object_get(p.root, "__metadata__"),
                                                          "lockstep"));
    cr_assert_not_null(inner);
    p.meta = json_loads(inner, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(p.meta, "the metadata is not JSON");
    p.data_size = p.size - 8 - length;
    p.data = malloc(p.data_size + 64);
    cr_assert_not_null(p.data);
    memcpy(p.data, p.bytes + 8 + length, p.data_size);
    return p;
}

void file_parts_free(file_parts *p)
{
    free(p->bytes);
    free(p->data);
    json_decref(p->root);
    json_decref(p->meta);
}

void file_write(const char *path, const char *header, size_t length, const char *data,
                size_t data_size)
{
    size_t padded = (length + 7) & ~(size_t)7;
    char *bytes = malloc(8 + padded + data_size);
    cr_assert_not_null(bytes);
    for (int i = 0; i < 8; i++) bytes[i] = (char)(padded >> (8 * i));
    memset(bytes + 8, ' ', padded);
    memcpy(bytes + 8, header, length);
    memcpy(bytes + 8 + padded, data, data_size);
    runs_file_write(path, bytes, 8 + padded + data_size);
    free(bytes);
}

/* Renews the checksum of changed metadata, so that the file is refused for its contents only. */
static void renew_checksum(json_t *meta)
{
    char hex[65];
    json_object_del(meta, "metadata_sha256");
    char *text = json_dumps(meta, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    cr_assert_not_null(text);
    ls_sha256_of(text, strlen(text), hex);
    json_object_set_new(meta, "metadata_sha256", json_string(hex));
    free(text);
}

void file_put_together(const char *path, const file_parts *p, bool with_meta)
{
    if (with_meta) renew_checksum(p->meta);
    char *inner = json_dumps(p->meta, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    if (with_meta)
        json_object_set_new(json_object_get(p->root, "__metadata__"), "lockstep",
                            json_string(inner));
    char *header = json_dumps(p->root, JSON_COMPACT | JSON_PRESERVE_ORDER);
    cr_assert(inner && header);
    file_write(path, header, strlen(header), p->data, p->data_size);
    free(inner);
    free(header);
}

ls_model *file_make_model(const char *data_name, const char *options, const char *path)
{
    ls_data *data = runs_data(data_name, 40);
    runs_run run;
    ls_error err;
    runs_train(NULL, options, data, 0, &run);
    cr_assert_eq(ls_model_save(run.model, path, &err), LS_OK, "%s", err.message);
    ls_model *model = run.model;
    run.model = NULL;
    runs_free(&run);
    ls_data_free(data);
    return model;
}

void file_make(const char *data_name, const char *options, const char *path)
{
    ls_model_free(file_make_model(data_name, options, path));
}

void file_assert_refused(const char *path, ls_status status, const char *what)
{
    ls_model *model = NULL;
    ls_error err = {LS_OK, ""};
    ls_status got = ls_model_load(path, &model, &err);
    cr_expect_eq(got, status, "%s: status is %s, not %s: %s", what, ls_status_name(got),
                 ls_status_name(status), err.message);
    cr_expect(got == LS_OK || strstr(err.message, path),
              "%s: the message does not name the file: %s", what, err.message);
    cr_expect_null(model, "%s: *out was touched", what);
    cr_expect_eq(ls_model_load(path, &model, NULL), got, "%s: another result with err = NULL",
                 what);
    if (got == LS_OK) ls_model_free(model);
}
#else
typedef int no_model_files; /* C does not allow an empty file */
#endif
