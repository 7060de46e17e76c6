/* SPDX-License-Identifier: MIT */
/* Saves, loads and hashes model files; model_write.c and model_read.c know their contents. */
#include "host/model/model_file.h"
#include "host/base/file.h"
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/base/sha256.h"
#include "host/model/model_read.h"
#include "host/model/model_start.h"
#include "host/model/model_write.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Reading --------------------------------------------------------------------------------- */

static ls_status of_other_size(const char *path, ls_error *err)
{
    return ls_fail(err, LS_ERR_DATA,
                   "%s: not a usable model file: its size is not the one that its header promises; "
                   "it is cut short or damaged",
                   path);
}

/* Makes room for `wanted` bytes, of which *size are there, and reads the others. */
static ls_status read_more(int file, const char *path, char **bytes, size_t *size, size_t wanted,
                           ls_error *err)
{
    size_t count;
    char *grown = wanted <= ls_most_bytes() ? realloc(*bytes, wanted) : NULL;
    if (!grown)
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for the %zu bytes of its model", path,
                       wanted);
    *bytes = grown;
    LS_TRY(ls_read_some(file, path, *bytes + *size, wanted - *size, &count, err));
    *size += count;
    return LS_OK;
}

/* Reads the start, then the header, then what these promise and one byte more, which must not be
 * there. total: size of the file, 0 for a pipe. *bytes is freed by the caller also on failure. */
static ls_status read_bytes(int file, const char *path, size_t total, char **bytes, size_t *size,
                            ls_error *err)
{
    enum { START = 9 };
    size_t header, wanted;
    uint64_t data;
    LS_TRY(read_more(file, path, bytes, size, START, err));
    LS_TRY(ls_model_check_start(path, *bytes, *size, &header, err));
    if (total && 8 + header > total) return of_other_size(path, err);
    LS_TRY(read_more(file, path, bytes, size, 8 + header, err));
    if (*size < 8 + header) return of_other_size(path, err);
    LS_TRY(ls_model_promised_size(path, *bytes + 8, header, &data, err));
    if (data > SIZE_MAX - 9 - header) return of_other_size(path, err);
    wanted = 8 + header + (size_t)data;
    if (total && wanted != total) return of_other_size(path, err);
    LS_TRY(read_more(file, path, bytes, size, wanted + 1, err));
    return *size == wanted ? LS_OK : of_other_size(path, err);
}

static ls_status load(const char *path, bool regular, ls_model **out, char hex[65], ls_error *err)
{
    int file;
    char *bytes = NULL;
    size_t total, size = 0;
    LS_TRY(regular ? ls_open_regular(path, &file, &total, err)
                   : ls_open_file(path, &file, &total, err));
    ls_status status = read_bytes(file, path, total, &bytes, &size, err);
    close(file);
    if (status == LS_OK) status = ls_model_parse(path, bytes, size, out, err);
    if (status == LS_OK && hex) ls_sha256_of(bytes, size, hex);
    free(bytes);
    return status;
}

ls_status ls_model_load(const char *path, ls_model **out, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!path || !out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_load: an argument is NULL");
    return load(path, false, out, NULL, err);
}

ls_status ls_model_load_hashed(const char *path, bool regular, ls_model **out, char hex[65],
                               ls_error *err)
{
    return load(path, regular, out, hex, err);
}

/* ---- Writing --------------------------------------------------------------------------------- */

ls_status ls_model_save_hashed(const ls_model *m, const char *path, char hex[65], ls_error *err)
{
    char *bytes;
    size_t size;
    LS_TRY(ls_model_serialize(m, &bytes, &size, err));
    ls_status status = ls_write_file(path, bytes, size, err);
    if (status == LS_OK) ls_sha256_of(bytes, size, hex);
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
