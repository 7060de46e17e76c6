/* SPDX-License-Identifier: MIT */
/* A program of several processes: rank 0 trains, the others work for it. */
#include <lockstep.h>
#include <stdio.h>

int main(void)
{
    char hash[65] = "";
    ls_error err = {LS_OK, ""};
    ls_options *options = NULL;
    ls_device *device = NULL;
    ls_data *data = NULL;
    ls_model *model = NULL;
    int rank = 0, ranks = 0;
    if (ls_ranks_begin(&rank, &ranks, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    if (rank) return ls_ranks_serve(&err) ? 1 : 0;
    int failed = ls_options_create(&options, &err) ||
                 ls_options_set(options, "epochs", "20", &err) ||
                 ls_options_set(options, "batch", "full", &err) ||
                 ls_device_open("cpu", 1, 0, &device, &err) ||
                 ls_data_generate("moons", NULL, &data, &err) ||
                 ls_train(device, options, data, NULL, NULL, &model, &err);
    if (model) ls_model_weights_sha256(model, hash);
    fprintf(stderr, "%d ranks %s\n", ranks, err.message);
    if (!failed) printf("%s\n", hash);
    ls_model_free(model);
    ls_data_free(data);
    ls_device_close(device);
    ls_options_free(options);
    ls_ranks_end();
    return failed;
}
