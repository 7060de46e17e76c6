/* SPDX-License-Identifier: MIT */
#include "host/base/sha256.h"

#include <assert.h>
#include <string.h>

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_constants[64] = {
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u,
    0xab1c5ed5u, 0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu,
    0x9bdc06a7u, 0xc19bf174u, 0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu,
    0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau, 0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u,
    0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u, 0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu,
    0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u, 0xa2bfe8a1u, 0xa81a664bu,
    0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u, 0x19a4c116u,
    0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
    0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u,
    0xc67178f2u};

static uint32_t rotate_right(uint32_t x, unsigned n) { return (x >> n) | (x << (32 - n)); }

static void expand(const unsigned char *block, uint32_t schedule[64])
{
    for (size_t i = 0; i < 16; i++) {
        const unsigned char *b = block + 4 * i;
        schedule[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 |
                      (uint32_t)b[3];
    }
    for (size_t i = 16; i < 64; i++) {
        uint32_t near = schedule[i - 15], far = schedule[i - 2];
        uint32_t s0 = rotate_right(near, 7) ^ rotate_right(near, 18) ^ (near >> 3);
        uint32_t s1 = rotate_right(far, 17) ^ rotate_right(far, 19) ^ (far >> 10);
        schedule[i] = schedule[i - 16] + s0 + schedule[i - 7] + s1;
    }
}

static void compress(uint32_t state[8], const unsigned char *block)
{
    uint32_t schedule[64];
    expand(block, schedule);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (size_t i = 0; i < 64; i++) {
        uint32_t s1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        uint32_t s0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + round_constants[i] + schedule[i];
        uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void ls_sha256_init(ls_sha256 *sha)
{
    static const uint32_t start[8] = {0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                      0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};
    memset(sha, 0, sizeof *sha);
    memcpy(sha->state, start, sizeof start);
}

void ls_sha256_update(ls_sha256 *sha, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    assert(bytes || size == 0);
    while (size > 0) {
        size_t held = (size_t)(sha->length % sizeof sha->block);
        size_t take = sizeof sha->block - held;
        if (take > size) take = size;
        memcpy(sha->block + held, from, take);
        if (held + take == sizeof sha->block) compress(sha->state, sha->block);
        sha->length += take;
        from += take;
        size -= take;
    }
}

void ls_sha256_numbers(ls_sha256 *sha, const void *numbers, size_t count, size_t width)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    ls_sha256_update(sha, numbers, count * width);
#else
    unsigned char turned[8];
    assert(width <= sizeof turned);
    for (const unsigned char *from = numbers; count > 0; count--, from += width) {
        for (size_t i = 0; i < width; i++) turned[i] = from[width - 1 - i];
        ls_sha256_update(sha, turned, width);
    }
#endif
}

void ls_sha256_final(ls_sha256 *sha, char hex[65])
{
    static const unsigned char padding[64] = {0x80};
    static const char digits[] = "0123456789abcdef";
    unsigned char length[8];
    uint64_t bits = sha->length * 8;
    for (size_t i = 0; i < 8; i++) length[i] = (unsigned char)(bits >> (56 - 8 * i));

    size_t held = (size_t)(sha->length % sizeof sha->block);
    ls_sha256_update(sha, padding, held < 56 ? 56 - held : 120 - held);
    ls_sha256_update(sha, length, sizeof length);
    for (size_t i = 0; i < 32; i++) {
        uint32_t byte = sha->state[i / 4] >> (24 - 8 * (i % 4));
        hex[2 * i] = digits[byte >> 4 & 15];
        hex[2 * i + 1] = digits[byte & 15];
    }
    hex[64] = '\0';
}

void ls_sha256_of(const void *bytes, size_t size, char hex[65])
{
    ls_sha256 sha;
    ls_sha256_init(&sha);
    ls_sha256_update(&sha, bytes, size);
    ls_sha256_final(&sha, hex);
}
