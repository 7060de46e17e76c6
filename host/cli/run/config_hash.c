/* SPDX-License-Identifier: MIT */
#include "host/cli/run/config_hash.h"
#include "host/base/error.h"
#include "host/base/sha256.h"
#include "host/cli/base/source.h"
#include "host/cli/base/standard_input.h"
#include "host/cli/run/config.h"
#include "host/data/data.h"
#include "host/data/parts.h"
#include "host/data/read.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Adds the bytes of a file to the hash. */
static ls_status add_file(ls_sha256 *sha, int file, const char *path, ls_error *err)
{
    unsigned char bytes[1 << 16];
    struct stat about;
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode))
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "%s is not a regular file, so it cannot be read a second time to compute its hash; copy its contents to a file",
            path);
    for (;;) {
        ssize_t got = read(file, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return ls_fail(err, LS_ERR_IO, "%s: cannot read: %s; check the file and its disk", path,
                           strerror(errno));
        if (got == 0) return LS_OK;
        ls_sha256_update(sha, bytes, (size_t)got);
    }
}

static ls_status add_path(ls_sha256 *sha, const char *path, ls_error *err)
{
    /* run.json of somebody else may name a pipe */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0)
        return ls_fail(err, LS_ERR_IO, "%s: cannot open: %s; check the path and its permissions",
                       path, strerror(errno));
    ls_status status = add_file(sha, file, path, err);
    close(file);
    return status;
}

/* Of several files, all bytes in order. */
static ls_status hash_file(const char *path, char hex[65], ls_error *err)
{
    ls_sha256 sha;
    ls_parts parts;
    LS_TRY(ls_parts_of(path, &parts, err));
    ls_sha256_init(&sha);
    ls_status status = LS_OK;
    for (size_t i = 0; i < parts.count && status == LS_OK; i++)
        status = add_path(&sha, parts.name[i], err);
    if (status == LS_OK) ls_sha256_final(&sha, hex);
    ls_parts_free(&parts);
    return status;
}

/* Hashes generated features and classes or numbers, little-endian like the weights of a model file.
 */
static void hash_rows(const ls_data *d, char hex[65])
{
    ls_sha256 sha;
    ls_sha256_init(&sha);
    ls_sha256_numbers(&sha, ls_data_x(d), ls_data_rows(d) * ls_data_columns(d), sizeof(float));
    if (d->y) ls_sha256_numbers(&sha, d->y, d->rows, sizeof *d->y);
    if (d->value) ls_sha256_numbers(&sha, d->value, d->rows * d->targets, sizeof *d->value);
    ls_sha256_final(&sha, hex);
}

/* Standard input stays where it is. */
static ls_status hash_input(char hex[65], ls_error *err)
{
    LS_TRY(standard_input_keep(err));
    off_t start = lseek(STDIN_FILENO, 0, SEEK_CUR);
    int file = dup(STDIN_FILENO);
    if (file < 0) return ls_fail(err, LS_ERR_IO, "standard input: %s", strerror(errno));
    ls_sha256 sha;
    ls_sha256_init(&sha);
    ls_status status = add_file(&sha, file, "standard input", err);
    if (status == LS_OK) ls_sha256_final(&sha, hex);
    close(file);
    lseek(STDIN_FILENO, start, SEEK_SET);
    return status;
}

/* path: the file of rows. labels: the file of their classes if one is named, or NULL. */
static ls_status hash_pair(const char *path, const char *labels, char rows_hash[65],
                           char labels_hash[65], ls_error *err)
{
    if (is_standard_input(path) && !labels) return hash_input(rows_hash, err);
    LS_TRY(is_standard_input(path) ? hash_input(rows_hash, err) : hash_file(path, rows_hash, err));
    char *beside = NULL;
    if (!labels) LS_TRY(ls_labels_beside(path, &beside, err));
    ls_status status = labels || beside ? hash_file(labels ? labels : beside, labels_hash, err)
                                        : LS_OK;
    free(beside);
    return status;
}

ls_status config_hash(run_config *c, const ls_data *rows, ls_error *err)
{
    memset(c->hash, 0, INPUT_ROWS * sizeof *c->hash);
    if (source_is_generated(c->data)) hash_rows(rows, c->hash[INPUT_DATA]);
    else
        LS_TRY(hash_pair(c->data, c->source.labels, c->hash[INPUT_DATA], c->hash[INPUT_LABELS],
                         err));
    return c->test ? hash_pair(c->test, NULL, c->hash[INPUT_TEST], c->hash[INPUT_TEST_LABELS], err)
                   : LS_OK;
}
