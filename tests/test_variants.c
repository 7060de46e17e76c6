/* SPDX-License-Identifier: MIT */
/* One weights_sha256 for a whole run on every kernel variant that the tuner may choose, and on
 * every instruction set. */
#include "core_cpu/cpu.h"
#include "host/model/model.h"
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#ifdef LS_OPENCL
#include "host/opencl/cl_matmul.h"
#include "host/opencl/tune.h"
#endif

/* A run that has wide, narrow and odd products, with rows of whole vectors and without for each
 * operand, several chunks of rows, and a smaller last batch. One activation: each tile is compiled
 * for it anew, and test_parity.c has all of them. The network is small, so that without `layered`
 * no tile is used at all. */
static void train_hash(ls_device *device, bool layered, char hex[65])
{
    static const char *const set[][2] = {{"hidden", "132,37,64"},
                                         {"activation", "silu"},
                                         {"batch", "200"},
                                         {"epochs", "1"},
                                         {"class-weights", "balanced"}};
    ls_error err;
    ls_options *options;
    ls_data *data;
    ls_model *model;
    ls_generate_options how = {
        .rows = 317, .noise = -1, .overlap = -1, .classes = 5, .features = 68, .seed = 3};
    if (layered) setenv("LOCKSTEP_STEPS", "layered", 1);
    else unsetenv("LOCKSTEP_STEPS");
    cr_assert_eq(ls_options_create(&options, &err), LS_OK);
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        cr_assert_eq(ls_options_set(options, set[i][0], set[i][1], &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_data_generate("classification", &how, &data, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_train(device, options, data, NULL, NULL, &model, &err), LS_OK, "%s",
                 err.message);
    ls_model_weights_sha256(model, hex);
    ls_model_free(model);
    ls_data_free(data);
    ls_options_free(options);
}

static void reference(char hex[65])
{
    ls_device device = {.info = {.exact = 1}};
    ls_error err;
    cr_assert_eq(ls_cpu_open(1, "generic", &device.backend, &err), LS_OK, "%s", err.message);
    train_hash(&device, true, hex);
    device.backend->slots->close(device.backend);
}

Test(variants, instruction_sets)
{
    char expected[65], hex[65];
    reference(expected);
    const char *isa;
    for (size_t i = 0; (isa = ls_cpu_isa_at(i)); i++)
        for (unsigned threads = 1; threads < 8; threads += 2) {
            ls_device device = {.info = {.exact = 1}};
            ls_error err;
            cr_assert_eq(ls_cpu_open(threads, isa, &device.backend, &err), LS_OK, "%s",
                         err.message);
            for (int layered = 0; layered < 2; layered++) {
                train_hash(&device, layered, hex);
                cr_expect_str_eq(hex, expected, "%s with %u threads gives other weights%s", isa,
                                 threads, layered ? " operation by operation" : "");
            }
            device.backend->slots->close(device.backend);
        }
}

#ifdef LS_OPENCL
Test(variants, tiles, .timeout = 600)
{
    char expected[65], hex[65];
    ls_device_info *list;
    size_t count, tried = 0;
    ls_error err;
    reference(expected);
    cr_assert_eq(ls_devices_list(&list, &count, NULL, &err), LS_OK);
    for (size_t i = 1; i < count; i++) {
        char index[24];
        ls_device *device;
        const ls_cl_tile *tile;
        if (!list[i].exact) continue;
        snprintf(index, sizeof index, "%zu", i);
        cr_assert_eq(ls_device_open(index, 0, 0, &device, &err), LS_OK, "%s", err.message);
        ls_cl_device *d = (ls_cl_device *)device->backend;
        for (size_t t = 0; (tile = ls_cl_candidate(t)); t++) {
            if (!ls_cl_tile_fits(d, tile)) continue;
            for (int f = 0; f < LS_FORM_COUNT; f++)
                for (int c = 0; c < LS_SIZE_COUNT; c++) d->choice[f][c] = *tile;
            train_hash(device, true, hex);
            cr_expect_str_eq(hex, expected, "%s: tile %zu gives other weights", list[i].name, t);
            tried++;
        }
        ls_device_close(device);
    }
    ls_devices_free(list);
    if (!tried && getenv("LOCKSTEP_REQUIRE_OPENCL"))
        cr_assert_fail("no exact OpenCL device was there to try tiles on");
}
#endif
