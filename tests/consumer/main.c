/* SPDX-License-Identifier: MIT */
/* A program that uses the library as an embedder does: one header, one training on the CPU path. */
#include <lockstep.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#if __has_include(<model.h>) || __has_include(<host/model/model.h>)
#error "the library's internal headers can be included"
#endif

/* The same under -fshort-enums, whose enums have one byte. */
_Static_assert(offsetof(ls_error, message) == 4 && sizeof(ls_error) == 1028, "ls_error");
_Static_assert(sizeof(ls_decision) == sizeof(size_t) + 8, "ls_decision");
_Static_assert(offsetof(ls_member_info, epochs) == (sizeof(size_t) + 4 + 7) / 8 * 8,
               "ls_member_info");

/* Whether the library finds the caller's ls_error where the caller has it. */
static int error_is_told(ls_options *options)
{
    ls_error err = {LS_OK, ""};
    ls_status status = ls_options_set(options, "nonsense", "1", &err);
    return status == LS_ERR_ARGUMENT && err.status == LS_ERR_ARGUMENT &&
           strstr(err.message, "nonsense");
}

int main(void)
{
    char hash[65] = "";
    ls_error err = {LS_OK, ""};
    ls_options *options = NULL;
    ls_device *device = NULL;
    ls_data *data = NULL;
    ls_model *model = NULL;
    int failed = ls_options_create(&options, &err) ||
                 ls_options_set(options, "epochs", "20", &err) ||
                 ls_options_set(options, "optimizer", "adam", &err) ||
                 ls_options_set(options, "hidden", "20,20", &err) ||
                 ls_options_set(options, "activation", "gelu", &err) ||
                 ls_device_open("cpu", 1, 0, &device, &err) ||
                 ls_data_generate("moons", NULL, &data, &err) ||
                 ls_train(device, options, data, NULL, NULL, &model, &err);
    if (model) ls_model_weights_sha256(model, hash);
    if (failed) fprintf(stderr, "%s\n", err.message);
    else printf("trained with lockstep %s: %s\n", ls_version(), hash);
    failed = failed || !error_is_told(options);
    ls_model_free(model);
    ls_data_free(data);
    ls_device_close(device);
    ls_options_free(options);
    return failed;
}
