/* SPDX-License-Identifier: MIT */
/* Values at the ends of float32's range: what would go on silently ends with a message, and what
 * decays ends at 0. */
#include "kernels/norm.h"
#include "kernels/optimizer.h"
#include "tests/support/rig.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(extremes, .timeout = 300);

Test(extremes, running_averages_are_flushed)
{
    const float limit = 0x1p-100f;
    cr_expect_eq(ls_norm_running(limit, 0), 0);
    cr_expect_eq(ls_norm_running(-limit, 0), 0);
    cr_expect_gt(ls_norm_running(2 * limit, 0), limit);
    cr_expect_eq(ls_norm_running(0, limit), 0);
    float x = 1;
    for (int i = 0; i < 2000; i++) x = ls_norm_running(x, 0);
    cr_expect_eq(x, 0);
}

Test(extremes, limits_of_infinite_norms)
{
    cr_expect_eq(ls_limit_factor(4, 1), 0.5f);
    cr_expect_eq(ls_limit_factor(0x1p126f, 1), 0x1p-63f);
    cr_expect_eq(ls_limit_factor(1, 1), 1);
    cr_expect(isnan(ls_limit_factor(INFINITY, 1)));
}

static void train(const char *text, const ls_data *data, ls_status expected, const char *words,
                  ls_model **out)
{
    ls_options *options = rig_options(text);
    ls_model *model = NULL;
    ls_error err = {0};
    cr_expect_eq(ls_train(NULL, options, data, NULL, NULL, &model, &err), expected, "%s: %s", text,
                 err.message);
    if (words) cr_expect(strstr(err.message, words), "%s: %s", text, err.message);
    if (out) *out = model;
    else ls_model_free(model);
    ls_options_free(options);
}

/* Without a gradient, the weights would stay as they were. */
Test(extremes, a_norm_that_overflows_ends_the_training)
{
    float x[128];
    int32_t y[64];
    ls_data *data;
    for (int i = 0; i < 128; i++) x[i] = (i % 7 - 3.3f) * 3e19f;
    for (int i = 0; i < 64; i++) y[i] = i % 2;
    cr_assert_eq(ls_data_from_arrays(x, y, 64, 2, 2, &data, NULL), LS_OK);
    train("hidden=6 clip=1 optimizer=sgd standardize=off epochs=20", data, LS_ERR_DIVERGED,
          "a gradient whose norm exceeds 1.8e19 cannot be clipped", NULL);
    train("hidden=6 clip=1 optimizer=sgd epochs=20", data, LS_OK, NULL, NULL);
    ls_data_free(data);
}

/* A feature that is always 0 gives the first layer's weights no gradient. */
Test(extremes, epsilon_0_is_named)
{
    float x[128] = {0};
    int32_t y[64];
    ls_data *data;
    for (int i = 0; i < 64; i++) y[i] = i % 2;
    cr_assert_eq(ls_data_from_arrays(x, y, 64, 2, 2, &data, NULL), LS_OK);
    static const char *const optimizers[] = {"rmsprop", "adam", "adamw"};
    for (size_t i = 0; i < 3; i++) {
        char text[128];
        snprintf(text, sizeof text, "hidden=6 optimizer=%s epsilon=0 epochs=5", optimizers[i]);
        train(text, data, LS_ERR_DIVERGED, "--epsilon above 0", NULL);
        snprintf(text, sizeof text, "hidden=6 optimizer=%s epochs=5", optimizers[i]);
        train(text, data, LS_OK, NULL, NULL);
    }
    ls_data_free(data);
}
