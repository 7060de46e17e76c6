/* SPDX-License-Identifier: MIT */
#include "host/data/fingerprint.h"
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

/* Adds 4-byte numbers in little-endian order. */
static void hash_words(ls_sha256 *sha, const void *words, size_t count)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    ls_sha256_update(sha, words, 4 * count);
#else
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[4];
        uint32_t word;
        memcpy(&word, (const char *)words + 4 * i, 4);
        for (unsigned k = 0; k < 4; k++) bytes[k] = (unsigned char)(word >> (8 * k));
        ls_sha256_update(sha, bytes, 4);
    }
#endif
}

static void hash_reals(ls_sha256 *sha, const double *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) ls_hash_real(sha, numbers[i]);
}

static void hash_column(ls_sha256 *sha, const ls_column *c)
{
    ls_hash_number(sha, c->categorical);
    ls_hash_number(sha, c->categories);
    for (size_t i = 0; c->categorical && i < c->categories; i++) ls_hash_text(sha, c->category[i]);
    ls_hash_real(sha, c->categorical ? 0 : c->offset);
}

void ls_hash_data(ls_sha256 *sha, const ls_data *d)
{
    ls_hash_number(sha, d->rows);
    ls_hash_number(sha, d->features);
    ls_hash_number(sha, d->classes);
    hash_words(sha, d->x, d->rows * d->columns);
    ls_hash_number(sha, d->task);
    ls_hash_number(sha, d->targets);
    if (d->y) hash_words(sha, d->y, d->rows);
    if (d->value) hash_reals(sha, d->value, d->rows * d->targets);
    ls_hash_number(sha, (d->weight ? 1 : 0) + (d->group ? 2 : 0));
    if (d->weight) hash_reals(sha, d->weight, d->rows);
    if (d->group) hash_words(sha, d->group, d->rows);
    for (size_t i = 0; i < d->features; i++) ls_hash_text(sha, d->feature_names[i]);
    for (size_t i = 0; i < d->classes; i++) ls_hash_text(sha, d->class_names[i]);
    for (size_t i = 0; d->column && i < d->columns; i++) hash_column(sha, &d->column[i]);
    if (d->column) ls_hash_number(sha, d->missing);
}
