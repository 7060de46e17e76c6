/* SPDX-License-Identifier: MIT */
/* The texts of numbers, compared with those of printf. */
#include <criterion/criterion.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/decimal.h"

TestSuite(decimal, .timeout = 300);

enum { NUMBERS = 400000 };

static uint64_t state = 88172645463325252u;
static uint64_t draw(void) /* xorshift64*, Vigna 2016 */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717u;
}

static void expect_float(float value)
{
    char text[LS_DECIMAL_ROOM], wanted[64];
    size_t length = ls_decimal_of_float(value, text);
    snprintf(wanted, sizeof wanted, "%.9g", (double)value);
    cr_assert(!strcmp(text, wanted) && length == strlen(text), "%a: %s instead of %s",
              (double)value, text, wanted);
}

static void expect_double(double value)
{
    char text[LS_DECIMAL_ROOM], wanted[64];
    size_t length = ls_decimal_of_double(value, text);
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(wanted, sizeof wanted, "%.*g", digits, value);
        if (strtod(wanted, NULL) == value || isnan(value)) break;
    }
    cr_assert(!strcmp(text, wanted) && length == strlen(text), "%a: %s instead of %s", value, text,
              wanted);
}

Test(decimal, floats)
{
    const float list[] = {0.0f,         -0.0f,        1.0f,       -1.0f,          0.1f,    1e9f,
                          999999999.f,  1234567.125f, 0.5f,       FLT_MAX,        FLT_MIN, 1e-45f,
                          INFINITY,     -INFINITY,    1e-4f,      9.99999975e-5f, 1e-36f,  1e-37f,
                          1234567.375f, 100.0f,       16777216.f, 0.99999994f,    1e8f,    -1e-30f};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) expect_float(list[i]);
    for (int i = 0; i < NUMBERS; i++) {
        uint32_t bits = (uint32_t)draw();
        float value;
        memcpy(&value, &bits, sizeof value);
        expect_float(value);
        expect_float((float)(draw() >> 40) * 0x1p-24f);
        /* exact halves in the ninth digit */
        expect_float((float)(int32_t)(draw() % 40000000) / (float)(1 << draw() % 12));
    }
}

Test(decimal, doubles)
{
    const double list[] = {0.0,  -0.0,    1.0,     0.1,  0.3, 1.0 / 3,   100.0,  1e15,  1e16,
                           1e17, DBL_MAX, DBL_MIN, 1e22, NAN, -INFINITY, 5e-324, 1e-15, 1e-16};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) expect_double(list[i]);
    for (int i = 0; i < NUMBERS; i++) {
        uint64_t bits = draw(), power = (990 + draw() % 90) << 52;
        double value;
        memcpy(&value, &bits, sizeof value);
        expect_double(value);
        memcpy(&value, &power, sizeof value); /* the gap below is half of the gap above */
        expect_double(value);
        expect_double((double)(draw() >> 11) * 0x1p-53);
        expect_double((double)(int64_t)(draw() % 2000000000) / 1000.0);
        expect_double((double)(float)((double)(draw() >> 20) / (double)(1 << draw() % 30)));
    }
}

/* A program may set a locale with a decimal comma. */
Test(decimal, other_locale)
{
    const double list[] = {0.1, 1.25e-200, 1.0 / 3 * 1e-200, 12345.678e90};
    char before[4][LS_DECIMAL_ROOM], after[LS_DECIMAL_ROOM];
    for (size_t i = 0; i < 4; i++) ls_decimal_of_double(list[i], before[i]);
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "de_DE.utf8"))
        cr_skip_test("there is no German locale");
    for (size_t i = 0; i < 4; i++) {
        ls_decimal_of_double(list[i], after);
        cr_expect_str_eq(after, before[i]);
    }
    ls_decimal_of_float(1.5e-40f, after);
    cr_expect_eq(strchr(after, ','), NULL, "%s", after);
}
