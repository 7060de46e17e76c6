/* SPDX-License-Identifier: MIT */
/* The CPU path's dropout, which draws blocks of random words side by side, against the factor of
 * one element (kernels/random.h), in every instruction set of this machine. */
#include "core_cpu/cpu.h"
#include "core_cpu/instruction_sets.h"
#include "host/model/model.h"
#include "kernels/random.h"
#include "tests/support/runs.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(dropout, .timeout = 120);

static const ls_mask masks[] = {
    {1, 0, 0x3, 0.2f},
    {0xfedcba9876543210u, 0x1234567890u, 0x503, 0.5f},
    {77, 3, 0x103, 1e-9f},
    {78, UINT64_MAX, 0x203, 0.99f},
};

static float factor(const ls_mask *m, size_t number)
{
    return ls_dropout_factor(m->seed, m->purpose, m->step, (ls_u32)number, m->p);
}

/* Elements of rows from any number on, near 0 and where 32 bits end; a may be y. Nothing else is
 * written. */
static void check_drop(const ls_cpu_set *set, const ls_mask *m, size_t first, ls_block b)
{
    enum { MOST = 4096 };
    static float a[MOST], y[MOST];
    cr_assert_leq((b.rows - 1) * b.stride + b.columns, MOST);
    for (size_t i = 0; i < MOST; i++) a[i] = (float)i - 700.0f, y[i] = -1.0f;
    set->kernels->drop(a, y, first, b, m);
    for (size_t i = 0; i < MOST; i++) {
        bool in = i / b.stride < b.rows && i % b.stride < b.columns;
        float truth = in ? a[i] * factor(m, first + i) : -1.0f;
        cr_assert(!memcmp(&y[i], &truth, sizeof truth),
                  "%s, p %g: element %zu of %zu x %zu (%zu) from %zu is %a, not %a", set->name,
                  (double)m->p, i, b.rows, b.columns, b.stride, first, (double)y[i], (double)truth);
    }
    set->kernels->drop(a, a, first, b, m);
    for (size_t i = 0; i < MOST; i++)
        cr_assert(i / b.stride >= b.rows || i % b.stride >= b.columns || a[i] == y[i]);
}

Test(dropout, of_rows)
{
    static const ls_block blocks[] = {{1, 1, 1},    {1, 3, 3},     {1, 64, 64},   {1, 1000, 1000},
                                      {6, 16, 20},  {41, 5, 7},    {7, 13, 13},   {5, 31, 131},
                                      {12, 32, 33}, {3, 260, 401}, {4, 256, 512}, {2, 1031, 1031}};
    ls_cpu_set set;
    for (size_t i = 0; ls_cpu_set_at(i, &set); i++)
        for (size_t k = 0; k < RUNS_COUNT(blocks) * RUNS_COUNT(masks); k++)
            for (size_t first = 0; first < 6; first++) {
                const ls_mask *m = &masks[k % RUNS_COUNT(masks)];
                check_drop(&set, m, first * 5, blocks[k / RUNS_COUNT(masks)]);
                check_drop(&set, m, 0xffffffffu - 7 * first, blocks[k / RUNS_COUNT(masks)]);
            }
}

/* A chunk's factors in lanes: every width up to two vectors of words, and wide ones. */
static void check_lanes(const ls_cpu_set *set, const ls_mask *m, size_t row, size_t rows,
                        size_t columns)
{
    enum { WIDEST = 140 };
    static float room[LS_CHUNK * WIDEST + LS_DROPOUT_ROOM], out[LS_CHUNK * WIDEST];
    const size_t lanes = (rows + 15) & ~(size_t)15;
    set->kernels->lanes_factors(m, row, rows, columns, lanes, room, out);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            cr_assert_eq(out[c * lanes + r], factor(m, (row + r) * columns + c),
                         "%s: column %zu of %zu, row %zu of %zu from %zu", set->name, c, columns, r,
                         rows, row);
}

Test(dropout, of_chunks)
{
    ls_cpu_set set;
    for (size_t i = 0; ls_cpu_set_at(i, &set); i++)
        for (size_t columns = 1; columns <= 140; columns += columns < 40 ? 1 : 33)
            for (size_t rows = 1; rows <= LS_CHUNK; rows += rows < 3 ? 1 : 29) {
                const ls_mask *m = &masks[(columns + rows) % RUNS_COUNT(masks)];
                check_lanes(&set, m, 0, rows, columns);
                check_lanes(&set, m, 3 * LS_CHUNK, rows, columns);
            }
}

/* Whole runs with widths that are not multiples of a block: the sets, and the ways of running a
 * step. */
static void train_hash(ls_device *device, const char *text, char hex[65])
{
    ls_data *data = runs_data("classification", 150);
    ls_options *options = runs_options(text);
    ls_model *model;
    ls_error err;
    cr_assert_eq(ls_train(device, options, data, NULL, NULL, &model, &err), LS_OK, "%s",
                 err.message);
    ls_model_weights_sha256(model, hex);
    ls_model_free(model);
    ls_options_free(options);
    ls_data_free(data);
}

Test(dropout, of_runs)
{
    static const char *const options[] = {
        "hidden 13,6 epochs 2 batch 37 dropout 0.3",
        "hidden 7,7,7 epochs 2 batch 70 dropout 0.5 residual on activation gelu",
        "hidden 130 epochs 2 batch full dropout 0.2",
    };
    for (size_t o = 0; o < RUNS_COUNT(options); o++) {
        char expected[65] = "", hex[65];
        const char *isa;
        for (size_t i = 0; (isa = ls_cpu_isa_at(i)); i++)
            for (int layered = 0; layered < 2; layered++) {
                ls_device device = {.info = {.exact = 1}};
                ls_error err;
                cr_assert_eq(ls_cpu_open(1, isa, &device.backend, &err), LS_OK, "%s", err.message);
                if (layered) setenv("LOCKSTEP_STEPS", "layered", 1);
                else unsetenv("LOCKSTEP_STEPS");
                train_hash(&device, options[o], hex);
                if (!*expected) memcpy(expected, hex, sizeof hex);
                cr_expect_str_eq(hex, expected, "%s%s: %s", isa, layered ? ", layered" : "",
                                 options[o]);
                device.backend->slots->close(device.backend);
            }
    }
}
