/* SPDX-License-Identifier: MIT */
/* Files and hashes have floats in little-endian order, whatever the machine's. */
#ifndef LS_LITTLE_ENDIAN_H
#define LS_LITTLE_ENDIAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copies floats between memory and a file's bytes, in either direction. The two must not overlap,
 * but may be the same. */
static inline void ls_copy_floats(void *to, const void *from, size_t count)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (count && to != from) memcpy(to, from, count * sizeof(float));
#else
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, (const char *)from + i * sizeof bits, sizeof bits);
        bits = __builtin_bswap32(bits);
        memcpy((char *)to + i * sizeof bits, &bits, sizeof bits);
    }
#endif
}

#endif
