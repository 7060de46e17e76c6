/* SPDX-License-Identifier: MIT */
/* Saves, loads and hashes model files; model_write.c and model_read.c know their contents. */
#include "host/base/file.h"
#include "host/base/host_mode.h"
#include "host/base/sha256.h"
#include "host/model/model_read.h"
#include "host/model/model_write.h"
#include <stdlib.h>

ls_status ls_model_load(const char *path, ls_model **out, ls_error *err)
{
    LS_HOST_MODE(mode);
    char *bytes;
    size_t size;
    if (!path || !out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_load: an argument is NULL");
    LS_TRY(ls_read_file(path, &bytes, &size, err));
    ls_status status = ls_model_parse(path, bytes, size, out, err);
    free(bytes);
    return status;
}

ls_status ls_model_save(const ls_model *m, const char *path, ls_error *err)
{
    LS_HOST_MODE(mode);
    char *bytes;
    size_t size;
    if (!m || !path) return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_save: an argument is NULL");
    LS_TRY(ls_model_serialize(m, &bytes, &size, err));
    ls_status status = ls_write_file(path, bytes, size, err);
    free(bytes);
    return status;
}

ls_status ls_model_sha256(const ls_model *m, char hex[65], ls_error *err)
{
    LS_HOST_MODE(mode);
    char *bytes;
    size_t size;
    if (!m || !hex) return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_sha256: an argument is NULL");
    LS_TRY(ls_model_serialize(m, &bytes, &size, err));
    ls_sha256_of(bytes, size, hex);
    free(bytes);
    return LS_OK;
}
