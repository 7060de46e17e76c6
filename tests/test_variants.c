/* SPDX-License-Identifier: MIT */
/* One weights_sha256 for a whole run with every tile that the tuner may choose, and with every
 * instruction set. */
#include "core_cpu/cpu.h"
#include "host/model/model.h"
#include "host/network/settings.h"
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#ifdef LS_OPENCL
#include "host/base/file.h"
#include "host/opencl/cl_cache.h"
#include "host/opencl/cl_matmul.h"
#include "host/opencl/cl_ptx.h"
#include "host/opencl/tune.h"
#include "kernels/random.h"
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
    cr_assert_eq(ls_options_create_plain(&options, &err), LS_OK);
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
/* The file of tiles in the cache folder: the version, then one line per form and class with the
 * numbers of both, the family, and the numbers of the tile. */
Test(variants, tiles_in_the_cache)
{
    char folder[] = "/tmp/lockstep-test-XXXXXX", path[LS_CL_PATH], command[64], *text;
    size_t size;
    ls_error err;
    const ls_device_info info = {.name = "none"};
    const ls_cl_tile registers = LS_REGISTER_TILE(6, 2, 8, 16, 256),
                     local = LS_LOCAL_TILE(64, 64, 16, 16, 8, 4),
                     direct = LS_DIRECT_TILE(32, 32, 16, 8, 8, 3, 1),
                     other = LS_LOCAL_TILE(16, 16, 64, 8, 8, 2);
    ls_cl_device *d = calloc(1, sizeof *d);
    cr_assert(d);
    cr_assert(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    d->group_limit = 256, d->local_memory = 32768;
    for (int f = 0; f < LS_FORM_COUNT; f++)
        for (int c = 0; c < LS_SIZE_COUNT; c++)
            d->tiles[f][c] = f == 0 ? registers : f == 1 ? local : direct;
    cr_assert_eq(ls_cl_remember_tiles(d, &info, path, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_read_file(path, &text, &size, &err), LS_OK, "%s", err.message);
    cr_expect_str_eq(text, "tiles 2\n"
                           "0 0 0 6 2 8 16 256 0 0 0 0 0 0\n0 1 0 6 2 8 16 256 0 0 0 0 0 0\n"
                           "0 2 0 6 2 8 16 256 0 0 0 0 0 0\n0 3 0 6 2 8 16 256 0 0 0 0 0 0\n"
                           "1 0 1 64 64 16 16 8 4 2 1 0 0 0\n1 1 1 64 64 16 16 8 4 2 1 0 0 0\n"
                           "1 2 1 64 64 16 16 8 4 2 1 0 0 0\n1 3 1 64 64 16 16 8 4 2 1 0 0 0\n"
                           "2 0 1 32 32 16 8 8 4 3 8 1 1 1\n2 1 1 32 32 16 8 8 4 3 8 1 1 1\n"
                           "2 2 1 32 32 16 8 8 4 3 8 1 1 1\n2 3 1 32 32 16 8 8 4 3 8 1 1 1\n");
    free(text);
    /* tiles that do not fit the device are ignored: 33792 bytes of local memory are too many,
     * family 2 is unknown, and the last lines have too few numbers, 5 slices, and an unknown way */
    static const char written[] =
        "tiles 2\n0 0 0 6 2 8 16 256 0 0 0 0 0 0\n"
        "1 3 1 128 128 16 16 16 4 2 1 0 0 0\n"
        "2 1 2 6 2 8 16 256 0 0 0 0 0 0\n"
        "1 2 1 64 64 16 16 8 4 2 1 0 0 0\n"
        "2 2 1 32 32 16 8 8 4 3 8 1 1 1\n"
        "3 0 0 6 2 8 16 256 0 0 0 0 0 0\n0 1 0 6 2\n"
        "1 0 1 16 16 16 8 4 2 5 1 0 0 0\n1 1 1 16 16 16 8 4 2 2 1 0 2 0\n";
    for (int version = 1; version <= 2; version++) {
        const char *from = version == 2 ? written : strchr(written, '\n') + 1;
        cr_assert_eq(ls_write_file(path, from, strlen(from), &err), LS_OK, "%s", err.message);
        d->local_memory = 20000;
        for (int f = 0; f < LS_FORM_COUNT; f++)
            for (int c = 0; c < LS_SIZE_COUNT; c++) d->tiles[f][c] = other;
        ls_cl_recall_tiles(d, &info);
        for (int f = 0; f < LS_FORM_COUNT; f++)
            for (int c = 0; c < LS_SIZE_COUNT; c++) {
                const ls_cl_tile *expected = version == 1       ? &other
                                             : f == 0 && c == 0 ? &registers
                                             : f == 1 && c == 2 ? &local
                                             : f == 2 && c == 2 ? &direct
                                                                : &other;
                cr_expect(ls_cl_tile_equal(&d->tiles[f][c], expected), "form %d, class %d", f, c);
            }
    }
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_expect_eq(system(command), 0);
    free(d);
}

/* Whatever the device's limits are, each form and class has a tile within them. */
Test(variants, a_tile_for_every_device)
{
    static const struct {
        bool cpu, copies;
        cl_uint vendor;
        size_t group, local, units;
    } devices[] = {{false, false, 0x1002, 1024, 65536, 60}, {false, false, 0x8086, 512, 65536, 96},
                   {false, true, 0x10de, 1024, 49152, 132}, {false, true, 0x10de, 256, 16384, 8},
                   {false, false, 0x13b5, 256, 32768, 10},  {false, false, 0x13b5, 128, 16384, 4},
                   {false, false, 1, 64, 16384, 1},         {false, false, 1, 32, 16384, 1},
                   {false, false, 1, 1, 16384, 1},          {true, false, 1, 4096, 32768, 2}};
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        ls_cl_device *d = calloc(1, sizeof *d);
        cr_assert(d);
        d->is_cpu = devices[i].cpu, d->async_copies = devices[i].copies;
        d->vendor = devices[i].vendor, d->group_limit = devices[i].group;
        d->local_memory = devices[i].local, d->compute_units = devices[i].units;
        ls_cl_default_tiles(d);
        for (int f = 0; f < LS_FORM_COUNT; f++)
            for (int c = 0; c < LS_SIZE_COUNT; c++)
                cr_expect(ls_cl_tile_fits(d, &d->tiles[f][c]), "device %zu, form %d, class %d", i,
                          f, c);
        free(d);
    }
}

/* The class follows from the results per compute unit, and from the smaller side. */
Test(variants, classes_on_gpus)
{
    static const struct {
        size_t units, m, n;
        ls_size_class expected;
    } cases[] = {{132, 4096, 4096, LS_SIZE_HUGE},  {132, 2048, 2048, LS_SIZE_HUGE},
                 {132, 1024, 1024, LS_SIZE_LARGE}, {132, 512, 2048, LS_SIZE_LARGE},
                 {132, 512, 512, LS_SIZE_SMALL},   {132, 128, 4096, LS_SIZE_SMALL},
                 {132, 128, 128, LS_SIZE_NARROW},  {132, 784, 128, LS_SIZE_NARROW},
                 {132, 512, 10, LS_SIZE_NARROW},   {132, 65536, 32, LS_SIZE_NARROW},
                 {132, 16, 65536, LS_SIZE_NARROW}, {132, 32, 65536, LS_SIZE_SMALL},
                 {132, 64, 65536, LS_SIZE_LARGE},  {16, 512, 512, LS_SIZE_LARGE},
                 {16, 1024, 1024, LS_SIZE_HUGE},   {16, 256, 256, LS_SIZE_SMALL},
                 {0, 1, 1, LS_SIZE_NARROW}};
    ls_cl_device *d = calloc(1, sizeof *d);
    cr_assert(d);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        d->compute_units = cases[i].units;
        cr_expect_eq(ls_cl_class_on(d, cases[i].m, cases[i].n), cases[i].expected, "case %zu", i);
    }
    free(d);
}

static void every_tile(ls_cl_device *d, int form, const ls_cl_tile *tile)
{
    for (int f = 0; f < LS_FORM_COUNT; f++)
        for (int c = 0; c < LS_SIZE_COUNT; c++)
            if (form < 0 || form == f) d->tiles[f][c] = *tile;
}

/* Products of random shapes, small and up to a few tiles, aligned or not. */
static void random_products(ls_cl_device *d, ls_backend *cpu, ls_form form, const char *name)
{
    static uint32_t draw;
    ls_error err = {.message = ""};
    for (int i = 0; i < 6; i++) {
        size_t size[3], shift = ls_random_u32(5, 2, 0, draw++) % 4;
        for (int s = 0; s < 3; s++) {
            static const ls_u32 most[] = {5, 70, 290};
            size[s] = 1 + ls_random_u32(5, 1, 0, draw) % most[ls_random_u32(5, 3, 0, draw) % 3];
            if (i % 2) size[s] = (size[s] + 3) / 4 * 4;
            draw++;
        }
        if (i % 2) shift = 0;
        bool exact = false;
        cr_assert_eq(ls_cl_product_is_exact(d, cpu, form, size[0], size[1], size[2], shift, &exact,
                                            &err),
                     LS_OK, "%s", err.message);
        cr_expect(exact, "%s, form %d: %zu x %zu over %zu, shifted by %zu", name, form, size[0],
                  size[1], size[2], shift);
    }
}

/* Tiles that the tuner does not try: groups of 192, 10 and one work-items, whose parts of a slice
 * do not divide evenly; slices of 4 and of 1. */
static const ls_cl_tile uneven[] = {
    {.family = LS_TILE_LOCAL, .local = {96, 64, 16, 16, 12, 4, 2, 8, 1, 1, 0}},
    {.family = LS_TILE_LOCAL, .local = {8, 20, 4, 5, 2, 2, 3, 2, 1, 1, 1}},
    {.family = LS_TILE_LOCAL, .local = {8, 20, 4, 5, 2, 2, 4, 3, 0, 0, 1}},
    {.family = LS_TILE_LOCAL, .local = {8, 8, 16, 1, 1, 4, 2, 1, 0, 0, 0}},
    {.family = LS_TILE_LOCAL, .local = {8, 8, 16, 1, 1, 4, 4, 1, 0, 1, 1}},
    {.family = LS_TILE_LOCAL, .local = {8, 4, 1, 4, 8, 1, 2, 2, 0, 1, 1}},
};
enum { UNEVEN = sizeof uneven / sizeof *uneven };

/* Every tile through local memory, each in one form, those with copies in all. Unoptimised, as the
 * compiler of a CPU takes long for tiles that are made for GPUs. */
Test(variants, local_tiles, .timeout = 600)
{
    ls_device_info **list;
    size_t count, tried = 0;
    ls_error err = {.message = ""};
    ls_backend *cpu;
    cr_assert_eq(ls_cpu_open(1, NULL, &cpu, &err), LS_OK);
    cr_assert_eq(ls_devices_list(&list, &count, NULL, &err), LS_OK);
    for (size_t i = 1; i < count; i++) {
        char index[24];
        ls_device *device;
        const ls_cl_tile *tile;
        if (!list[i]->exact) continue;
        snprintf(index, sizeof index, "%zu", i);
        cr_assert_eq(ls_device_open(index, 0, 0, &device, &err), LS_OK, "%s", err.message);
        ls_cl_device *d = (ls_cl_device *)device->backend;
        d->unoptimised = d->is_cpu;
        for (size_t t = 0; (tile = t < UNEVEN ? &uneven[t] : ls_cl_candidate(t - UNEVEN)); t++)
            for (int f = 0; f < LS_FORM_COUNT; f++) {
                bool exact = false;
                cr_assert(t >= UNEVEN || ls_cl_tile_fits(d, tile), "uneven tile %zu", t);
                char name[64];
                if (tile->family != LS_TILE_LOCAL || !ls_cl_tile_fits(d, tile) ||
                    (t >= UNEVEN && !tile->local.direct && t % LS_FORM_COUNT != (size_t)f))
                    continue;
                snprintf(name, sizeof name, "%.40s: tile %zu", list[i]->name, t);
                cr_assert_eq(ls_cl_tile_is_exact(d, cpu, (ls_form)f, tile, &exact, &err), LS_OK,
                             "%s", err.message);
                cr_expect(exact, "%s, form %d", name, f);
                every_tile(d, f, tile);
                random_products(d, cpu, (ls_form)f, name);
                for (int c = 0; c < LS_SIZE_COUNT; c++)
                    cr_expect(ls_cl_tile_equal(&d->tiles[f][c], tile), "%s was not used", name);
                tried++;
            }
        ls_device_close(device);
    }
    ls_devices_free(list);
    cpu->slots->close(cpu);
    if (!tried && getenv("LOCKSTEP_REQUIRE_OPENCL"))
        cr_assert_fail("there is no exact OpenCL device to compare tiles on");
}

static ls_cl_api real;

/* A device that can launch 32 work-items of these kernels, as small GPUs can of kernels with many
 * registers. */
static cl_int few_items(cl_kernel kernel, cl_device_id id, cl_kernel_work_group_info what,
                        size_t room, void *value, size_t *size)
{
    if (what != CL_KERNEL_WORK_GROUP_SIZE)
        return real.clGetKernelWorkGroupInfo(kernel, id, what, room, value, size);
    *(size_t *)value = 32;
    return CL_SUCCESS;
}

/* A compiler that refuses one tile. */
static cl_int refuse_tile(cl_program program, cl_uint count, const cl_device_id *list,
                          const char *options, void (*notify)(cl_program, void *), void *user)
{
    if (strstr(options, "-DTILE_M=24 ")) return CL_BUILD_PROGRAM_FAILURE;
    return real.clBuildProgram(program, count, list, options, notify, user);
}

/* A tile that cannot be used is replaced by that of the class below, and at last by the smallest.
 */
Test(variants, tiles_that_fail)
{
    static const ls_cl_tile refused = LS_LOCAL_TILE(24, 16, 8, 8, 4, 2),
                            many = LS_LOCAL_TILE(16, 16, 8, 8, 8, 2),
                            smallest = LS_LOCAL_TILE(16, 16, 16, 8, 4, 2);
    ls_device_info **list;
    size_t count;
    ls_error err = {.message = ""};
    ls_backend *cpu;
    cr_assert_eq(ls_cpu_open(1, NULL, &cpu, &err), LS_OK);
    cr_assert_eq(ls_devices_list(&list, &count, NULL, &err), LS_OK);
    for (size_t i = 1; i < count; i++) {
        char index[24];
        ls_device *device;
        if (!list[i]->exact) continue;
        snprintf(index, sizeof index, "%zu", i);
        cr_assert_eq(ls_device_open(index, 0, 0, &device, &err), LS_OK, "%s", err.message);
        ls_cl_device *d = (ls_cl_device *)device->backend;
        d->unoptimised = d->is_cpu;
        real = d->cl;
        d->cl.clBuildProgram = refuse_tile;
        for (int failing = 0; failing < 2; failing++) {
            ls_size_class size = ls_cl_class_on(d, 33, 40);
            bool exact = false;
            if (failing) d->cl.clGetKernelWorkGroupInfo = few_items;
            ls_cl_release_variants(d);
            for (int c = 0; c < LS_SIZE_COUNT; c++)
                d->tiles[LS_FORM_DENSE][c] = c == (int)size ? refused : many;
            cr_assert_eq(ls_cl_product_is_exact(d, cpu, LS_FORM_DENSE, 33, 40, 50, 0, &exact, &err),
                         LS_OK, "%s", err.message);
            cr_expect(exact);
            cr_expect(ls_cl_tile_equal(&d->tiles[LS_FORM_DENSE][size],
                                       failing || !size ? &smallest : &many));
        }
        d->cl = real;
        ls_device_close(device);
    }
    ls_devices_free(list);
    cpu->slots->close(cpu);
}

/* ---- Asynchronous copies --------------------------------------------------------------------- */

Test(variants, copies_that_pay)
{
    ls_cl_copies plain = {1.0, calloc(2 * (size_t)LS_CL_COPY_SUMS, sizeof(unsigned))},
                 async = plain;
    cr_assert(plain.sums);
    async.sums += LS_CL_COPY_SUMS;
    async.seconds = 0.5;
    cr_expect(ls_cl_copies_pay(&plain, &async), "twice as fast");
    async.seconds = 1.2;
    cr_expect_not(ls_cl_copies_pay(&plain, &async), "slower");
    async.seconds = 0.5;
    async.sums[LS_CL_COPY_SUMS - 1] = 1;
    cr_expect_not(ls_cl_copies_pay(&plain, &async), "fast, with other bits");
    free(plain.sums);
}

static int reads;

static cl_int build_without_ptx(cl_program program, cl_uint count, const cl_device_id *list,
                                const char *options, void (*notify)(cl_program, void *), void *user)
{
    if (strstr(options, "LS_CP_ASYNC")) return CL_BUILD_PROGRAM_FAILURE;
    return real.clBuildProgram(program, count, list, options, notify, user);
}

/* Ignores the request for asynchronous copies, as no device of this test has them. */
static cl_int build_plain(cl_program program, cl_uint count, const cl_device_id *list,
                          const char *options, void (*notify)(cl_program, void *), void *user)
{
    char plain[600];
    snprintf(plain, sizeof plain, "%s", options);
    char *at = strstr(plain, "-DLS_CP_ASYNC");
    if (at) memset(at, ' ', strlen("-DLS_CP_ASYNC"));
    return real.clBuildProgram(program, count, list, plain, notify, user);
}

/* The second result of the probe has one bit that is different. */
static cl_int read_wrongly(cl_command_queue queue, cl_mem from, cl_bool blocking, size_t offset,
                           size_t bytes, void *to, cl_uint waits, const cl_event *wait,
                           cl_event *event)
{
    cl_int code = real.clEnqueueReadBuffer(queue, from, blocking, offset, bytes, to, waits, wait,
                                           event);
    if (++reads == 2) ((unsigned char *)to)[bytes / 2] ^= 1;
    return code;
}

/* On devices without asynchronous copies, the probe says so and nothing fails; where they build, it
 * compares bits. */
Test(variants, probe_of_copies)
{
    ls_device_info **list;
    size_t count;
    ls_error err = {.message = ""};
    cr_assert_eq(ls_devices_list(&list, &count, NULL, &err), LS_OK);
    for (size_t i = 1; i < count; i++) {
        char index[24];
        ls_device *device;
        if (!list[i]->exact) continue;
        snprintf(index, sizeof index, "%zu", i);
        cr_assert_eq(ls_device_open(index, 0, 0, &device, &err), LS_OK, "%s", err.message);
        ls_cl_device *d = (ls_cl_device *)device->backend;
        ls_cl_copies a = {0, calloc(2 * (size_t)LS_CL_COPY_SUMS, sizeof(unsigned))}, b = a;
        cr_assert(a.sums);
        b.sums += LS_CL_COPY_SUMS;
        cr_assert_eq(ls_cl_run_copies(d, "", &a, &err), LS_OK, "%s", err.message);
        cr_assert_eq(ls_cl_run_copies(d, "", &b, &err), LS_OK, "%s", err.message);
        cr_expect_arr_eq(a.sums, b.sums, LS_CL_COPY_SUMS * sizeof *a.sums);
        cr_expect_neq(a.sums[0], a.sums[1]);
        cr_expect_neq(ls_cl_run_copies(d, "-DTILE_ITEMS=none", &b, &err), LS_OK);
        free(a.sums);
        real = d->cl;
        bool is_cpu = d->is_cpu;
        cl_uint vendor = d->vendor;
        ls_cl_probe_async_copies(d);
        cr_expect(vendor == 0x10de || !d->async_copies);
        d->is_cpu = false, d->vendor = 0x10de;
        d->cl.clBuildProgram = build_without_ptx;
        ls_cl_probe_async_copies(d);
        cr_expect_not(d->async_copies, "%s: copies that do not build", list[i]->name);
        d->cl.clBuildProgram = build_plain;
        d->cl.clEnqueueReadBuffer = read_wrongly;
        reads = 0;
        ls_cl_probe_async_copies(d);
        cr_expect_eq(reads, 2);
        cr_expect_not(d->async_copies, "%s: copies that are wrong", list[i]->name);
        d->cl = real, d->is_cpu = is_cpu, d->vendor = vendor;
        ls_device_close(device);
    }
    ls_devices_free(list);
}

/* ---- Whole runs ------------------------------------------------------------------------------ */

/* Whole runs with register tiles on CPU devices, and with local tiles on GPUs. */
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
            if (!ls_cl_tile_fits(d, tile) || d->is_cpu != (tile->family == LS_TILE_REGISTER))
                continue;
            every_tile(d, -1, tile);
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
