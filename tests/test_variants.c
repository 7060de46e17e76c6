/* SPDX-License-Identifier: MIT */
/* One weights_sha256 for a whole run with every tile that the tuner may choose, and with every
 * instruction set. */
#include "core_cpu/cpu.h"
#include "host/model/model.h"
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#ifdef LS_OPENCL
#include "host/base/file.h"
#include "host/opencl/cl_cache.h"
#include "host/opencl/cl_matmul.h"
#include "host/opencl/tune.h"
#endif

/* Replaces classes by numbers: three of each row's features, and the class. */
static void make_numbers(ls_data **data)
{
    size_t rows = ls_data_rows(*data), features = ls_data_features(*data);
    double *values = calloc(rows * 4, sizeof *values), *weights = calloc(rows, sizeof *weights);
    ls_data *numbers;
    ls_error err;
    cr_assert(values && weights);
    for (size_t i = 0; i < 4 * rows; i++)
        values[i] = i % 4 ? (double)ls_data_x(*data)[i / 4 * features + i % 4]
                          : (double)ls_data_y(*data)[i / 4];
    for (size_t i = 0; i < rows; i++) weights[i] = (double)(i % 5);
    cr_assert_eq(ls_data_from_targets(ls_data_x(*data), values, rows, features, 4,
                                      LS_TASK_REGRESSION, &numbers, &err),
                 LS_OK, "%s", err.message);
    cr_assert_eq(ls_data_set_weights(numbers, weights, &err), LS_OK, "%s", err.message);
    ls_data_free(*data);
    *data = numbers;
    free(values);
    free(weights);
}

/* A run with wide, narrow and odd products, with rows of whole vectors and other rows for each
 * operand, several chunks of rows, and a smaller last batch. One activation, as each tile is
 * compiled for it; test_parity.c has all of them. The network is small, so that tiles are used only
 * in layered mode. */
static void train_hash(ls_device *device, bool layered, const char *loss, char hex[65])
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
    if (loss) {
        make_numbers(&data);
        cr_assert_eq(ls_options_set(options, "class-weights", "none", &err), LS_OK);
        cr_assert_eq(ls_options_set(options, "loss", loss, &err), LS_OK, "%s", err.message);
    }
    cr_assert_eq(ls_train(device, options, data, NULL, NULL, &model, &err), LS_OK, "%s",
                 err.message);
    ls_model_weights_sha256(model, hex);
    ls_model_free(model);
    ls_data_free(data);
    ls_options_free(options);
}

static void reference(const char *loss, char hex[65])
{
    ls_device device = {.info = {.exact = 1}};
    ls_error err;
    cr_assert_eq(ls_cpu_open(1, "generic", &device.backend, &err), LS_OK, "%s", err.message);
    train_hash(&device, true, loss, hex);
    device.backend->slots->close(device.backend);
}

/* loss: of numbers; NULL for classes. */
static void compare_instruction_sets(const char *loss)
{
    char expected[65], hex[65];
    reference(loss, expected);
    const char *isa;
    for (size_t i = 0; (isa = ls_cpu_isa_at(i)); i++)
        for (unsigned threads = 1; threads < 8; threads += 2) {
            ls_device device = {.info = {.exact = 1}};
            ls_error err;
            cr_assert_eq(ls_cpu_open(threads, isa, &device.backend, &err), LS_OK, "%s",
                         err.message);
            for (int layered = 0; layered < 2; layered++) {
                train_hash(&device, layered, loss, hex);
                cr_expect_str_eq(hex, expected, "%s with %u threads gives other weights%s%s", isa,
                                 threads, layered ? " in layered mode" : "", loss ? loss : "");
            }
            device.backend->slots->close(device.backend);
        }
}

Test(variants, instruction_sets)
{
    static const char *const losses[] = {NULL, "mse", "mae", "huber"};
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) compare_instruction_sets(losses[i]);
}

#ifdef LS_OPENCL
/* The file of tiles in the cache folder: one line per form and class with the numbers of both, the
 * family, and the numbers of the tile. */
Test(variants, tiles_in_the_cache)
{
    char folder[] = "/tmp/lockstep-test-XXXXXX", path[LS_CL_PATH], command[64], *text;
    size_t size;
    ls_error err;
    const ls_device_info info = {.name = "none"};
    const ls_cl_tile registers = LS_REGISTER_TILE(6, 2, 8, 16, 256),
                     local = LS_LOCAL_TILE(64, 64, 16, 16, 8, 4),
                     other = LS_LOCAL_TILE(16, 16, 64, 8, 8, 2);
    ls_cl_device *d = calloc(1, sizeof *d);
    cr_assert(d);
    cr_assert(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    d->group_limit = 256, d->local_memory = 32768;
    for (int f = 0; f < LS_FORM_COUNT; f++)
        for (int c = 0; c < LS_SIZE_COUNT; c++) d->tiles[f][c] = f ? local : registers;
    cr_assert_eq(ls_cl_remember_tiles(d, &info, path, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_read_file(path, &text, &size, &err), LS_OK, "%s", err.message);
    cr_expect_str_eq(text, "0 0 0 6 2 8 16 256 0\n0 1 0 6 2 8 16 256 0\n0 2 0 6 2 8 16 256 0\n"
                           "0 3 0 6 2 8 16 256 0\n1 0 1 64 64 16 16 8 4\n1 1 1 64 64 16 16 8 4\n"
                           "1 2 1 64 64 16 16 8 4\n1 3 1 64 64 16 16 8 4\n2 0 1 64 64 16 16 8 4\n"
                           "2 1 1 64 64 16 16 8 4\n2 2 1 64 64 16 16 8 4\n2 3 1 64 64 16 16 8 4\n");
    free(text);
    /* tiles that do not fit the device are ignored: 33792 bytes of local memory are
     * too many, and family 2 is unknown */
    static const char written[] =
        "0 0 0 6 2 8 16 256 0\n1 3 1 128 128 16 16 16 4\n2 1 2 6 2 8 16 256 0\n"
        "1 2 1 64 64 16 16 8 4\n3 0 0 6 2 8 16 256 0\n0 1 0 6 2\n";
    cr_assert_eq(ls_write_file(path, written, sizeof written - 1, &err), LS_OK, "%s", err.message);
    d->local_memory = 20000;
    for (int f = 0; f < LS_FORM_COUNT; f++)
        for (int c = 0; c < LS_SIZE_COUNT; c++) d->tiles[f][c] = other;
    ls_cl_recall_tiles(d, &info);
    for (int f = 0; f < LS_FORM_COUNT; f++)
        for (int c = 0; c < LS_SIZE_COUNT; c++)
            cr_expect(ls_cl_tile_equal(&d->tiles[f][c], f == 0 && c == 0   ? &registers
                                                        : f == 1 && c == 2 ? &local
                                                                           : &other),
                      "form %d, class %d", f, c);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_expect_eq(system(command), 0);
    free(d);
}

Test(variants, tiles, .timeout = 600)
{
    char expected[65], hex[65];
    ls_device_info **list;
    size_t count, tried = 0;
    ls_error err;
    reference(NULL, expected);
    cr_assert_eq(ls_devices_list(&list, &count, NULL, &err), LS_OK);
    for (size_t i = 1; i < count; i++) {
        char index[24];
        ls_device *device;
        const ls_cl_tile *tile;
        if (!list[i]->exact) continue;
        snprintf(index, sizeof index, "%zu", i);
        cr_assert_eq(ls_device_open(index, 0, 0, &device, &err), LS_OK, "%s", err.message);
        ls_cl_device *d = (ls_cl_device *)device->backend;
        for (size_t t = 0; (tile = ls_cl_candidate(t)); t++) {
            if (!ls_cl_tile_fits(d, tile)) continue;
            for (int f = 0; f < LS_FORM_COUNT; f++)
                for (int c = 0; c < LS_SIZE_COUNT; c++) d->tiles[f][c] = *tile;
            train_hash(device, true, NULL, hex);
            cr_expect_str_eq(hex, expected, "%s: tile %zu gives other weights", list[i]->name, t);
            tried++;
        }
        ls_device_close(device);
    }
    ls_devices_free(list);
    if (!tried && getenv("LOCKSTEP_REQUIRE_OPENCL"))
        cr_assert_fail("there is no exact OpenCL device to compare tiles on");
}
#endif
