/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4). */
#ifndef LS_SHA256_H
#define LS_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct ls_sha256 {
    uint32_t state[8];
    uint64_t length;         /* bytes hashed so far */
    unsigned char block[64]; /* holds the last length % 64 bytes */
} ls_sha256;

void ls_sha256_init(ls_sha256 *sha);
void ls_sha256_update(ls_sha256 *sha, const void *bytes, size_t size);
/* `count` numbers of `width` bytes, at most 8, in little-endian order on every machine. */
void ls_sha256_numbers(ls_sha256 *sha, const void *numbers, size_t count, size_t width);
/* Writes the digest as 64 hexadecimal digits and a NUL. Call ls_sha256_init before using sha again.
 */
void ls_sha256_final(ls_sha256 *sha, char hex[65]);

/* The digest of one block of bytes. */
void ls_sha256_of(const void *bytes, size_t size, char hex[65]);

#endif
