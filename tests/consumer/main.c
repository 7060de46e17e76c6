/* SPDX-License-Identifier: MIT */
/* A program that uses the library as an embedder does: one header, one training on the CPU path. */
#include <lockstep.h>
#include <stdio.h>

#if __has_include(<model.h>) || __has_include(<host/model/model.h>)
#error "the library's internal headers can be included"
#endif

int main(void)
{
    ls_error err = {LS_OK, ""};
    ls_options *options = NULL;
    ls_device *device = NULL;
    ls_data *data = NULL;
    ls_model *model = NULL;
    int failed = ls_options_create(&options, &err) ||
                 ls_options_set(options, "epochs", "1", &err) ||
                 ls_device_open("cpu", 1, 0, &device, &err) ||
                 ls_data_generate("moons", NULL, &data, &err) ||
                 ls_train(device, options, data, NULL, NULL, &model, &err);
    if (failed) fprintf(stderr, "%s\n", err.message);
    else printf("trained with lockstep %s\n", ls_version());
    ls_model_free(model);
    ls_data_free(data);
    ls_device_close(device);
    ls_options_free(options);
    return failed;
}
