/* SPDX-License-Identifier: MIT */
#include "host/data/fingerprint.h"
#include "host/data/walk.h"
#include <string.h>

void ls_hash_text(ls_sha256 *sha, const char *text)
{
    ls_sha256_update(sha, text, strlen(text) + 1);
}

void ls_hash_number(ls_sha256 *sha, uint64_t number)
{
    unsigned char bytes[8];
    for (unsigned i = 0; i < 8; i++) bytes[i] = (unsigned char)(number >> (8 * i));
    ls_sha256_update(sha, bytes, sizeof bytes);
}

void ls_hash_real(ls_sha256 *sha, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    ls_hash_number(sha, bits);
}

static void hash_column(ls_sha256 *sha, const ls_column *c)
{
    ls_hash_number(sha, c->categorical);
    ls_hash_number(sha, c->categories);
    for (size_t i = 0; c->categorical && i < c->categories; i++) ls_hash_text(sha, c->category[i]);
    ls_hash_real(sha, c->categorical ? 0 : c->offset);
}

static ls_status hash_cells(void *user, const ls_data *block, size_t first, ls_error *err)
{
    (void)first, (void)err;
    ls_sha256_numbers(user, block->x, block->rows * block->columns, sizeof *block->x);
    return LS_OK;
}

ls_status ls_hash_data(ls_sha256 *sha, const ls_data *d, ls_error *err)
{
    ls_hash_number(sha, d->rows);
    ls_hash_number(sha, d->features);
    ls_hash_number(sha, d->classes);
    LS_TRY(ls_data_walk(d, hash_cells, sha, err));
    ls_hash_number(sha, d->task);
    ls_hash_number(sha, d->targets);
    if (d->y) ls_sha256_numbers(sha, d->y, d->rows, sizeof *d->y);
    if (d->value) ls_sha256_numbers(sha, d->value, d->rows * d->targets, sizeof *d->value);
    ls_hash_number(sha, (d->weight ? 1 : 0) + (d->group ? 2 : 0));
    if (d->weight) ls_sha256_numbers(sha, d->weight, d->rows, sizeof *d->weight);
    if (d->group) ls_sha256_numbers(sha, d->group, d->rows, sizeof *d->group);
    for (size_t i = 0; i < d->features; i++) ls_hash_text(sha, d->feature_names[i]);
    for (size_t i = 0; i < d->classes; i++) ls_hash_text(sha, d->class_names[i]);
    for (size_t i = 0; d->column && i < d->columns; i++) hash_column(sha, &d->column[i]);
    if (d->column) ls_hash_number(sha, d->missing);
    return LS_OK;
}
