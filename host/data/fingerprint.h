/* SPDX-License-Identifier: MIT */
/* A hash of everything in a data set that results depend on. */
#ifndef LS_FINGERPRINT_H
#define LS_FINGERPRINT_H

#include "host/base/sha256.h"
#include "host/data/data.h"

/* Adds text with its NUL, a number, and the bits of a real number; the same on every machine. */
void ls_hash_text(ls_sha256 *sha, const char *text);
void ls_hash_number(ls_sha256 *sha, uint64_t number);
void ls_hash_real(ls_sha256 *sha, double number);

/* Adds the cells, targets, weights and groups of the rows, and the names of columns and classes.
 * Fails only where cells must be read again (host/data/walk.h). */
ls_status ls_hash_data(ls_sha256 *sha, const ls_data *data, ls_error *err);

#endif
