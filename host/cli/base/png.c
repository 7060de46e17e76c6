/* SPDX-License-Identifier: MIT */
#include "host/cli/base/png.h"
#include <assert.h>
#include <stdint.h>
#include <string.h>

/* The file as it grows: a picture, a byte a row, and less than 100 bytes around them. */
typedef struct {
    unsigned char byte[2 * PNG_MOST + 200];
    size_t count;
} buffer;

static void add_bytes(buffer *b, const void *bytes, size_t count)
{
    assert(count <= sizeof b->byte - b->count);
    memcpy(b->byte + b->count, bytes, count);
    b->count += count;
}

static void add_number(buffer *b, uint32_t n)
{
    add_bytes(b,
              (unsigned char[]){(unsigned char)(n >> 24), (unsigned char)(n >> 16),
                                (unsigned char)(n >> 8), (unsigned char)n},
              4);
}

/* The cyclic redundancy check of PNG, bit by bit. */
static uint32_t crc_of(const unsigned char *bytes, size_t count)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xedb88320 : crc >> 1;
    }
    return ~crc;
}

static uint32_t adler_of(const unsigned char *bytes, size_t count)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < count; i++) a = (a + bytes[i]) % 65521, b = (b + a) % 65521;
    return b << 16 | a;
}

static void add_chunk(buffer *b, const char *kind, const unsigned char *bytes, size_t count)
{
    add_number(b, (uint32_t)count);
    size_t from = b->count;
    add_bytes(b, kind, 4);
    add_bytes(b, bytes, count);
    add_number(b, crc_of(b->byte + from, b->count - from));
}

/* A zlib stream (RFC 1950) of one block that is stored as it is (RFC 1951). */
static void add_stored(buffer *b, const unsigned char *bytes, size_t count)
{
    const unsigned char head[] = {0x78,
                                  0x01,
                                  1,
                                  (unsigned char)count,
                                  (unsigned char)(count >> 8),
                                  (unsigned char)~count,
                                  (unsigned char)(~count >> 8)};
    add_bytes(b, head, sizeof head);
    add_bytes(b, bytes, count);
    add_number(b, adler_of(bytes, count));
}

static void add_base64(ls_text *out, const unsigned char *bytes, size_t count)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char line[128];
    size_t n = 0;
    for (size_t i = 0; i < count; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16;
        if (i + 1 < count) three |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < count) three |= bytes[i + 2];
        line[n++] = digit[three >> 18];
        line[n++] = digit[three >> 12 & 63];
        line[n++] = i + 1 < count ? digit[three >> 6 & 63] : '=';
        line[n++] = i + 2 < count ? digit[three & 63] : '=';
        if (n < sizeof line && i + 3 < count) continue;
        ls_text_add(out, "%.*s", (int)n, line);
        n = 0;
    }
}

void png_add_uri(ls_text *out, const unsigned char *pixel, size_t high, size_t wide,
                 size_t channels)
{
    buffer rows = {.count = 0}, stream = {.count = 0}, file = {.count = 0}, head = {.count = 0};
    assert(high * wide * channels <= PNG_MOST && (channels == 1 || channels == 3));
    for (size_t y = 0; y < high; y++) {
        add_bytes(&rows, "", 1); /* no filter */
        add_bytes(&rows, pixel + y * wide * channels, wide * channels);
    }
    add_stored(&stream, rows.byte, rows.count);
    add_number(&head, (uint32_t)wide);
    add_number(&head, (uint32_t)high);
    add_bytes(&head, (unsigned char[]){8, channels == 3 ? 2 : 0, 0, 0, 0}, 5);
    add_bytes(&file, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(&file, "IHDR", head.byte, head.count);
    add_chunk(&file, "IDAT", stream.byte, stream.count);
    add_chunk(&file, "IEND", head.byte, 0);
    ls_text_add(out, "data:image/png;base64,");
    add_base64(out, file.byte, file.count);
}
