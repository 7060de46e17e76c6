/* SPDX-License-Identifier: MIT */
/* Rows that are images stand as images in a report: the pictures are read back, pixel by pixel. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/base/png.h"
#include "tests/support/runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(examples, .init = enter, .fini = leave, .timeout = 120);

/* ---- Reading a picture ----------------------------------------------------------------------- */

typedef struct {
    unsigned char byte[20000]; /* of the file */
    size_t count, wide, high, channels;
    const unsigned char *rows; /* each begins with a byte for its filter */
} picture;

static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(digits, c);
    return c && at ? (int)(at - digits) : -1;
}

static uint32_t number_at(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The check of a chunk, by division of polynomials on one bit after another (RFC 2083, 3.4). */
static uint32_t check_of(const unsigned char *bytes, size_t count)
{
    uint32_t rest = 0xffffffff;
    for (size_t i = 0; i < 8 * count; i++) {
        uint32_t bit = (uint32_t)(bytes[i / 8] >> i % 8) & 1;
        rest = (rest ^ bit) & 1 ? (rest >> 1) ^ 0xedb88320u : rest >> 1;
    }
    return ~rest;
}

/* The picture after "data:image/png;base64,"; returns the text behind it. */
static const char *read_picture(const char *text, picture *p)
{
    uint32_t bits = 0;
    int have = 0;
    p->count = 0;
    for (; digit_of(*text) >= 0; text++) {
        bits = bits << 6 | (uint32_t)digit_of(*text);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        cr_assert_lt(p->count, sizeof p->byte);
        p->byte[p->count++] = (unsigned char)(bits >> have);
    }
    cr_assert(p->count > 60 && !memcmp(p->byte, "\x89PNG\r\n\x1a\n", 8));
    for (size_t at = 8, last = 0; !last; at += 12 + number_at(p->byte + at)) {
        size_t size = number_at(p->byte + at);
        const unsigned char *kind = p->byte + at + 4, *body = kind + 4;
        cr_assert(at + 12 + size <= p->count);
        cr_assert_eq(number_at(body + size), check_of(kind, size + 4), "chunk %.4s", kind);
        if (!memcmp(kind, "IHDR", 4)) {
            p->wide = number_at(body), p->high = number_at(body + 4);
            cr_assert(body[8] == 8 && (body[9] == 0 || body[9] == 2));
            p->channels = body[9] ? 3 : 1;
        } else if (!memcmp(kind, "IDAT", 4)) { /* zlib's two bytes, and a stored block's five */
            size_t bytes = p->high * (1 + p->wide * p->channels);
            cr_assert_eq((body[0] * 256 + body[1]) % 31, 0);
            cr_assert(body[2] == 1 && (size_t)(body[3] | body[4] << 8) == bytes);
            cr_assert_eq(size, bytes + 11);
            p->rows = body + 7;
        } else last = !memcmp(kind, "IEND", 4);
        if (last) cr_assert_eq(at + 12, p->count);
    }
    return text;
}

static unsigned pixel(const picture *p, size_t y, size_t x, size_t channel)
{
    return p->rows[y * (1 + p->wide * p->channels) + 1 + x * p->channels + channel];
}

Test(examples, pictures_hold_their_pixels)
{
    static const size_t shapes[][3] = {
        {1, 1, 1}, {2, 3, 3}, {28, 28, 1}, {64, 64, 1}, {4096, 1, 1}};
    for (size_t s = 0; s < RUNS_COUNT(shapes); s++) {
        size_t high = shapes[s][0], wide = shapes[s][1], channels = shapes[s][2];
        unsigned char bytes[PNG_MOST];
        for (size_t i = 0; i < high * wide * channels; i++) bytes[i] = (unsigned char)(i * 37);
        ls_text text = {0};
        png_add_uri(&text, bytes, high, wide, channels);
        picture p;
        cr_assert(text.text && !strncmp(text.text, "data:image/png;base64,", 22));
        const char *rest = read_picture(text.text + 22, &p);
        cr_assert(strspn(rest, "=") == strlen(rest));
        cr_assert(p.wide == wide && p.high == high && p.channels == channels);
        for (size_t y = 0; y < high; y++)
            for (size_t x = 0; x < wide; x++)
                for (size_t c = 0; c < channels; c++)
                    cr_assert_eq(pixel(&p, y, x, c), bytes[(y * wide + x) * channels + c]);
        free(text.text);
    }
}

/* ---- In a report ----------------------------------------------------------------------------- */

enum { ROWS = 60 };

/* Value of a pixel of a row, from 0 to 255, both of which occur in every row. */
static unsigned value_of(size_t row, size_t i, size_t values)
{
    return i == 0 ? 0 : i + 1 == values ? 255 : (unsigned)((row * 131 + i * 29) % 256);
}

/* The class follows the second value, but for some rows, so that there are mistakes. */
static void write_csv(const char *path, size_t values)
{
    FILE *f = fopen(path, "w");
    cr_assert(f);
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t i = 0; i < values; i++) fprintf(f, "%u,", value_of(r, i, values));
        fprintf(f, "%s\n", (value_of(r, 1, values) > 127) ^ (r % 10 == 3) ? "dark" : "light");
    }
    cr_assert_eq(fclose(f), 0);
}

static char *report_of(const char *options)
{
    char line[512];
    snprintf(line, sizeof line, "train a.csv --epochs 30 -q --device cpu --report r.html %s",
             options);
    free(runs_program_expect(line, 0));
    char *text = runs_file_read("r.html", NULL);
    cr_assert(text);
    return text;
}

/* Holds each picture of the page against its row. Returns their number. */
static size_t check_pictures(const char *page, size_t channels, size_t high, size_t wide)
{
    size_t count = 0, values = channels * high * wide;
    for (const char *at = page; (at = strstr(at, "<img src=\"data:image/png;base64,")); count++) {
        picture p;
        size_t row;
        at = read_picture(at + 32, &p);
        at += strspn(at, "=");
        cr_assert_eq(sscanf(at, "\" alt=\"Row %zu:", &row), 1, "%.60s", at);
        cr_assert(p.high == high && p.wide == wide && p.channels == (channels < 3 ? 1 : 3));
        for (size_t c = 0; c < p.channels; c++)
            for (size_t y = 0; y < high; y++)
                for (size_t x = 0; x < wide; x++)
                    cr_assert_eq(pixel(&p, y, x, c),
                                 value_of(row - 1, (c * high + y) * wide + x, values),
                                 "row %zu, (%zu, %zu), channel %zu", row, y, x, c);
    }
    return count;
}

Test(examples, images_of_a_report_are_the_rows)
{
    write_csv("a.csv", 5 * 7);
    char *page = report_of("--shape 5x7");
    size_t count = check_pictures(page, 1, 5, 7);
    cr_expect(count >= 3, "%zu pictures", count);
    cr_expect(strstr(page, ", predicted "), "no mistake is shown");
    cr_expect(strstr(page, "predicted right"), "nothing right is shown");
    free(page);
    write_csv("a.csv", 3 * 4 * 4);
    page = report_of("--shape 3x4x4");
    cr_expect_geq(check_pictures(page, 3, 4, 4), 3);
    free(page);
    write_csv("a.csv", 2 * 4 * 4); /* of two channels the first one */
    page = report_of("--shape 2x4x4");
    cr_expect_geq(check_pictures(page, 2, 4, 4), 3);
    free(page);
}

/* The shape is that of the file. */
Test(examples, rows_of_an_idx_file_are_images)
{
    unsigned char head[16] = {0, 0, 8, 3, 0, 0, 0, ROWS, 0, 0, 0, 6, 0, 0, 0, 6},
                  labels[8 + ROWS] = {0, 0, 8, 1, 0, 0, 0, ROWS}, images[16 + ROWS * 36];
    memcpy(images, head, 16);
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t i = 0; i < 36; i++) images[16 + r * 36 + i] = (unsigned char)value_of(r, i, 36);
        labels[8 + r] = (unsigned char)((value_of(r, 1, 36) > 127) ^ (r % 10 == 3));
    }
    runs_file_write("a-images-idx3-ubyte", images, sizeof images);
    runs_file_write("a-labels-idx1-ubyte", labels, sizeof labels);
    free(runs_program_expect("train a-images-idx3-ubyte --epochs 30 -q --device cpu --hidden 8 "
                             "--report r.html -o m.safetensors",
                             0));
    char *page = runs_file_read("r.html", NULL);
    cr_assert(page);
    cr_expect_geq(check_pictures(page, 1, 6, 6), 3);
    free(page);
    free(runs_program_expect("report m.safetensors a-images-idx3-ubyte -q --device cpu -o r.html",
                             0));
    page = runs_file_read("r.html", NULL);
    cr_expect_geq(check_pictures(page, 1, 6, 6), 3);
    free(page);
}

Test(examples, other_rows_are_no_images)
{
    write_csv("a.csv", 35);
    char *page = report_of("");
    cr_expect_not(strstr(page, "<img"));
    free(page);
    page = report_of("--shape 35"); /* a signal */
    cr_expect_not(strstr(page, "<img"));
    free(page);
}

/* Large images are averaged, and their number is bounded. */
Test(examples, pages_with_large_images_stay_small)
{
    write_csv("a.csv", 3 * 90 * 90);
    char *page = report_of("--shape 3x90x90 --hidden 4");
    size_t count = 0;
    for (const char *at = page; (at = strstr(at, "<img ")); at++) count++;
    cr_expect(count >= 4 && count <= 18, "%zu images", count);
    cr_expect(strstr(page, "Pixels are means of 3×3 values"));
    cr_expect_lt(strlen(page), 300000);
    free(page);
}

#else
Test(examples, skipped) { cr_skip_test("the program was not built"); }
#endif
