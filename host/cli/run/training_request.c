/* SPDX-License-Identifier: MIT */
#include "host/cli/run/training_request.h"
#include "host/base/error.h"
#include "host/base/memory.h"
#include "host/cli/base/source.h"
#include "host/cli/run/config.h"
#include "host/cli/run/config_read.h"
#include <stdlib.h>

static run_config config_of(const training_request *r)
{
    return (run_config){.data = r->data,
                        .test = r->test,
                        .split = r->split,
                        .threshold = r->threshold,
                        .source = r->source};
}

static void use_config(training_request *r, const run_config *c)
{
    r->data = c->data;
    r->test = c->test;
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

/* The options of --config, overridden by those of the command line. */
static ls_status merge_options(training_request *r, ls_error *err)
{
    ls_options *merged;
    LS_TRY(ls_options_create(&merged, err));
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
        LS_TRY(merge_options(r, err));
        config_fill(&r->inputs, &r->file);
    }
    config_settle(&r->inputs);
    use_config(r, &r->inputs);
    if (!(r->split >= 0 && r->split < 1))
        return ls_fail(err, LS_ERR_ARGUMENT, "--split: %g is not between 0 and 1", r->split);
    for (size_t i = 0; i < ls_option_count(); i++) {
        const char *name = ls_option_at(i)->name;
        r->stopping |= config_is_stop(name) && (r->given[i] || config_has_option(&r->file, name));
    }
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
    free(r->given);
}
