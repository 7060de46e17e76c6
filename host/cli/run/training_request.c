/* SPDX-License-Identifier: MIT */
#include "host/cli/run/training_request.h"
#include "host/base/error.h"
#include "host/base/memory.h"
#include "host/cli/base/source.h"
#include "host/cli/run/config.h"
#include "host/cli/run/config_read.h"
#include "host/model/model.h"
#include <stdlib.h>
#include <string.h>

static run_config config_of(const training_request *r)
{
    return (run_config){.data = r->data,
                        .test = r->test,
                        .from = r->from,
                        .refit = r->refit,
                        .split = r->split,
                        .threshold = r->threshold,
                        .source = r->source};
}

static void use_config(training_request *r, const run_config *c)
{
    r->data = c->data;
    r->test = c->test;
    r->from = c->from;
    r->refit = c->refit;
    r->split = c->split;
    r->threshold = c->threshold;
    r->source = c->source;
}

ls_status training_request_init(training_request *r, ls_error *err)
{
    *r = (training_request){0};
    source_options_init(&r->source);
    run_config none = config_of(r);
    config_unset(&none);
    use_config(r, &none);
    LS_TRY(ls_options_create(&r->options, err));
    return ls_alloc(&r->given, ls_option_count(), sizeof *r->given, "the options", err);
}

/* Loads the model of --from. */
static ls_status load_start(training_request *r, ls_error *err)
{
    char hex[65], *wanted = r->inputs.hash[INPUT_FROM];
    bool drops = r->source.missing && !strcmp(r->source.missing, "drop");
    const char *for_rows = r->source.weight  ? "weight"
                           : r->source.group ? "group"
                           : drops           ? "missing drop"
                                             : NULL;
    if (!r->from && r->refit)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--refit: name the model to start from with --from as well");
    if (!r->from) return LS_OK;
    if (for_rows)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--%s does not go with --from: the rows are read as those of the model",
                       for_rows);
    LS_TRY(source_model_file(r->from, &r->start, NULL, hex, err));
    if (*wanted && strcmp(wanted, hex))
        return ls_fail(err, LS_ERR_DATA,
                       "%s: this is not the model that the training of %s started from: its "
                       "SHA-256 is %.16s..., not %.16s...; to start from it anyway, name it with "
                       "--from",
                       r->from, r->config, hex, wanted);
    memcpy(wanted, hex, sizeof hex);
    r->inputs.start = r->start;
    return LS_OK;
}

/* The options of the model of --from, overridden by those of --config, and these by those of the
 * command line. */
static ls_status merge_options(training_request *r, ls_error *err)
{
    ls_options *merged;
    LS_TRY(r->start ? ls_options_copy(r->start->options, &merged, err)
                    : ls_options_create(&merged, err));
    ls_status status = config_options(&r->file, r->config, merged, err);
    for (size_t i = 0; i < ls_option_count() && status == LS_OK; i++) {
        const char *name = ls_option_at(i)->name;
        if (r->given[i])
            status = ls_options_set(merged, name, ls_options_get(r->options, name), err);
    }
    ls_options_free(status == LS_OK ? r->options : merged);
    if (status == LS_OK) r->options = merged;
    return status;
}

ls_status training_request_settle(training_request *r, ls_error *err)
{
    r->inputs = config_of(r);
    if (r->config) {
        LS_TRY(config_read(r->config, &r->file, err));
        config_fill(&r->inputs, &r->file);
    }
    config_settle(&r->inputs);
    use_config(r, &r->inputs);
    LS_TRY(load_start(r, err));
    if (r->config || r->start) LS_TRY(merge_options(r, err));
    if (!(r->split >= 0 && r->split < 1))
        return ls_fail(err, LS_ERR_ARGUMENT, "--split: %g is not between 0 and 1", r->split);
    return r->data
               ? LS_OK
               : ls_fail(
                     err, LS_ERR_ARGUMENT,
                     "%s names no data; name a file or generator: lockstep train DATA --config %s",
                     r->config, r->config);
}

void training_request_free(training_request *r)
{
    config_free(&r->file);
    json_decref(r->outputs);
    for (size_t i = 0; i < r->owned_count; i++) free(r->owned[i]);
    ls_options_free(r->options);
    ls_model_free(r->start);
    free(r->given);
}
