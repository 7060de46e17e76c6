/* SPDX-License-Identifier: MIT */
#include "host/auto/space.h"
#include "host/base/memory.h"
#include <stdlib.h>
#include <string.h>

/* ---- The ranges ------------------------------------------------------------------------------ */

typedef struct {
    const char *name, *range;
    size_t least, most; /* rows it is for */
} range_row;

/* Widths, rates, decays and embeddings that recent studies of networks for tables found good:
 * Holzmüller et al., arXiv 2407.04491; Gorishniy et al., arXiv 2410.24210 and 2203.05556. */
static const range_row ranges[] = {
    {"hidden", "64|128|256|64,64|128,128|256,128|128,128,128", 0, SIZE_MAX},
    {"activation", "relu|silu|gelu", 0, SIZE_MAX},
    {"optimizer", "adamw", 0, SIZE_MAX},
    {"schedule", "plateau", 0, SIZE_MAX},
    {"schedule-epochs", "6", 0, SIZE_MAX},
    {"schedule-factor", "0.3", 0, SIZE_MAX},
    {"scaling", "standard|robust", 0, SIZE_MAX},
    {"embedding", "none|piecewise", 0, SIZE_MAX},
    {"bins", "4..24", 0, SIZE_MAX},
    {"lr", "5e-4..1e-2:log", 0, SIZE_MAX},
    {"weight-decay", "1e-4|1e-3..1e-1:log", 0, SIZE_MAX},
    {"dropout", "0|0.05..0.4", 0, SIZE_MAX},
    {"batch", "32|64", 0, 1999},
    {"batch", "64|128|256", 2000, 19999},
    {"batch", "256|512", 20000, SIZE_MAX},
};

ls_status ls_auto_space(const ls_data *data, ls_space **out, ls_error *err)
{
    LS_TRY(ls_space_create(out, err));
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const range_row *r = &ranges[i];
        if (data->rows < r->least || data->rows > r->most) continue;
        ls_status status = ls_space_set(*out, r->name, r->range, err);
        if (status == LS_OK) continue;
        ls_space_free(*out);
        *out = NULL;
        return status;
    }
    return LS_OK;
}

/* ---- Trials ---------------------------------------------------------------------------------- */

static ls_status set_draw(const ls_space *space, uint64_t seed, size_t trial, ls_options *options,
                          ls_error *err)
{
    char **value;
    LS_TRY(ls_alloc(&value, space->count, sizeof *value, "a trial", err));
    ls_status status = ls_space_draw(space, seed, trial, 0, value, err);
    for (size_t k = 0; k < space->count && status == LS_OK; k++)
        status = ls_options_set(options, ls_option_at(space->dimension[k].option)->name, value[k],
                                err);
    for (size_t k = 0; k < space->count; k++) free(value[k]);
    free(value);
    return status;
}

ls_status ls_auto_options(const ls_space *space, uint64_t seed, size_t trial, ls_options **out,
                          ls_error *err)
{
    enum { DEFAULTS, LINEAR };
    ls_options *options;
    LS_TRY(trial == DEFAULTS ? ls_options_create(&options, err)
                             : ls_options_copy(space->base, &options, err));
    ls_status status = LS_OK;
    if (trial == LINEAR) status = ls_options_set(options, "hidden", "none", err);
    if (trial > LINEAR) status = set_draw(space, seed, trial, options, err);
    if (status != LS_OK) ls_options_free(options);
    else *out = options;
    return status;
}
