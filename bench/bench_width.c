/* SPDX-License-Identifier: MIT */
#include "bench/bench_width.h"
#include "bench/run.h"
#include "host/base/error.h"
#include <string.h>

/* The result of a training. */
typedef struct {
    double wall; /* seconds in ls_train, including compilation for the device */
    ls_summary summary;
    char hash[65];
} outcome;

static ls_status train(ls_device *device, const ls_options *options, const ls_data *data,
                       outcome *out, ls_error *err)
{
    ls_model *model;
    double start = bench_now();
    LS_TRY(ls_train(device, options, data, NULL, NULL, &model, err));
    out->wall = bench_now() - start;
    out->summary.struct_size = sizeof out->summary;
    ls_model_summary(model, &out->summary, NULL);
    ls_model_weights_sha256(model, out->hash);
    ls_model_free(model);
    return LS_OK;
}

static void report(bench_options *o, const char *device, const outcome *r)
{
    if (o->json) {
        printf(
            "%s{\"bench\":\"width\",\"device\":\"%s\",\"network\":\"%s\",\"rows\":%zu,\"epochs\":%llu,\"seconds\":%.6g,\"wall\":%.6g,"
            "\"loss\":%.9g,\"weights_sha256\":\"%s\"}",
            o->first ? "[" : ",\n", device, o->network, o->rows,
            (unsigned long long)r->summary.epochs, r->summary.seconds, r->wall, r->summary.loss,
            r->hash);
        o->first = false;
        return;
    }
    printf("%-52s %8.2f s training, %8.2f s in all, %7.2f us per epoch, loss %.6f, %.12s\n", device,
           r->summary.seconds, r->wall, 1e6 * r->summary.seconds / (double)r->summary.epochs,
           r->summary.loss, r->hash);
    fflush(stdout);
}

static ls_status on_devices(bench_options *o, char *const *names, size_t count,
                            const ls_options *options, const ls_data *data, ls_error *err)
{
    outcome first = {0}, now;
    bool same = true;
    if (!o->json)
        printf("%zu epochs of %s, %zu rows, full batch, %s hidden, %s, rate %g\n", o->epochs,
               o->network, o->rows, o->activation, o->optimizer, o->rate);
    for (size_t round = 0; round < o->repeats; round++)
        for (size_t d = 0; d < count; d++) {
            ls_device *device;
            o->device = names[d];
            LS_TRY(bench_open(o, &device, err));
            ls_status status = train(device, options, data, &now, err);
            if (status == LS_OK) report(o, ls_device_get_info(device)->name, &now);
            ls_device_close(device);
            LS_TRY(status);
            if (!*first.hash) first = now;
            same = same && !strcmp(first.hash, now.hash);
        }
    if (!o->json && (count > 1 || o->repeats > 1))
        printf(same ? "weights: EQUAL\n" : "weights: DIFFERENT: please report this\n");
    return LS_OK;
}

/* Rows that can be learned, so that the loss means something: moons for two features and two
 * classes. */
static ls_status make_rows(const bench_options *o, size_t features, size_t classes, ls_data **out,
                           ls_error *err)
{
    ls_generate_options how = {.rows = o->rows, .noise = -1, .overlap = -1, .seed = 1};
    if (features == 2 && classes == 2) return ls_data_generate("moons", &how, out, err);
    how.features = features;
    how.classes = classes;
    return ls_data_generate("classification", &how, out, err);
}

ls_status bench_width(bench_options *o, ls_error *err)
{
    char *names[BENCH_DEVICES];
    size_t count = 0, features, classes;
    ls_options *options = NULL;
    ls_data *data = NULL;
    LS_TRY(bench_names(o, names, &count, err));
    ls_status status = bench_full_batch_options(o, &options, &features, &classes, err);
    if (status == LS_OK) status = make_rows(o, features, classes, &data, err);
    if (status == LS_OK) status = on_devices(o, names, count, options, data, err);
    ls_data_free(data);
    ls_options_free(options);
    bench_names_free(names, count);
    return status;
}
