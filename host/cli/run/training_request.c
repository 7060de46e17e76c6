/* SPDX-License-Identifier: MIT */
#include "host/cli/run/training_request.h"
#include "host/base/error.h"
#include "host/base/memory.h"
#include "host/cli/base/source.h"
#include "host/cli/base/standard_input.h"
#include "host/cli/run/config.h"
#include "host/cli/run/config_read.h"
#include "host/data/parts.h"
#include "host/model/model.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

ls_status training_request_find(const training_request *r, const char *path, const char *option,
                                ls_error *err)
{
    bool input = is_standard_input(path);
    if ((!r->resumes && !r->repeats) || (!input && ls_parts_exist(path))) return LS_OK;
    return ls_fail(err, LS_ERR_IO, "%s %s; name the file: lockstep %s %s --%s %s",
                   input ? "the data of the training" : path,
                   input ? "came from standard input" : "does not exist here",
                   r->resumes ? "resume" : "verify", r->resumes ? r->safety.checkpoint : r->repeats,
                   option, strcmp(option, "from") ? "FILE" : "MODEL");
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
    LS_TRY(training_request_find(r, r->from, "from", err));
    if (for_rows)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--%s does not go with --from: the rows are read as those of the model",
                       for_rows);
    LS_TRY(source_model_file(r->from, &r->start, NULL, hex, err));
    if (*wanted && strcmp(wanted, hex) && r->repeats)
        return ls_fail(
            err, LS_ERR_DATA,
            "%s: this is not the model that the run started from: its SHA-256 is "
            "%.16s..., not %.16s...; where that model is: lockstep verify %s --from MODEL",
            r->from, hex, wanted, r->repeats);
    if (*wanted && strcmp(wanted, hex) && r->elsewhere.from)
        return ls_fail(err, LS_ERR_DATA,
                       "%s: the training started from another model: its SHA-256 is %.16s..., not "
                       "%.16s...; name that one with --from",
                       r->from, hex, wanted);
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

/* Replaces a path of the run by where the file is now. */
static ls_status move(const char **path, const char *now, const char *option, bool needs,
                      ls_error *err)
{
    if (now && needs && !*path)
        return ls_fail(err, LS_ERR_ARGUMENT, "--%s: the training has no such file", option);
    if (now) *path = now;
    return LS_OK;
}

static ls_status move_all(run_config *c, const run_config *now, ls_error *err)
{
    LS_TRY(move(&c->data, now->data, "data", true, err));
    LS_TRY(move(&c->source.labels, now->source.labels, "labels", false, err));
    LS_TRY(move(&c->test, now->test, "test", true, err));
    return move(&c->from, now->from, "from", true, err);
}

ls_status training_request_settle(training_request *r, ls_error *err)
{
    r->inputs = config_of(r);
    if (r->config) {
        LS_TRY(config_read(r->config, &r->file, err));
        LS_TRY(move_all(&r->file, &r->elsewhere, err));
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
