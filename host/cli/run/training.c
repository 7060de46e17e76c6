/* SPDX-License-Identifier: MIT */
#include "host/cli/run/training.h"
#include "host/base/error.h"
#include "host/base/folder.h"
#include "host/cli/base/device_report.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/phases.h"
#include "host/cli/base/progress.h"
#include "host/cli/base/result_path.h"
#include "host/cli/base/source.h"
#include "host/cli/base/terminal.h"
#include "host/cli/run/resume.h"
#include "host/cli/run/shards.h"
#include "host/cli/run/training_data.h"
#include "host/cli/run/training_results.h"
#include "host/data/data.h"
#include "host/device/ranks.h"
#include "host/model/split_record.h"
#include "host/model/threshold.h"
#include "host/model/training_rows.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Before training ------------------------------------------------------------------------- */

/* Checks the paths of all results, so that a mistake does not cost a training. */
static ls_status check_results(const training_request *r, ls_error *err)
{
    result_paths paths = {0};
    if (r->save && !strcmp(r->save, "-"))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "-o -: standard output is for the metrics; name a file for the model");
    if (r->log && !strcmp(r->log, "-"))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--log -: standard output is for the metrics; name a file or a named pipe");
    result_reads_rows(&paths, r->data);
    result_reads(&paths, r->source.labels);
    result_reads_rows(&paths, r->test);
    result_reads(&paths, r->config);
    result_reads(&paths, r->from);
    if (r->safety.checkpoint && !r->resumes) {
        result_writes_inside(&paths, r->safety.checkpoint, resume_config_name);
        result_writes_inside(&paths, r->safety.checkpoint, resume_outputs_name);
    }
    result_writes(&paths, r->save);
    result_writes(&paths, r->report);
    result_writes_live(&paths, r->log);
    for (int i = 0; i < RUN_FILES; i++) result_writes_inside(&paths, r->run, run_file_names[i]);
    LS_TRY(result_check(&paths, err));
    if (r->tensorboard) LS_TRY(ls_folder_check(r->tensorboard, err));
    LS_TRY(resume_check(r, err));
    return r->run && !r->resumes ? run_folder_check(r->run, err) : LS_OK;
}

/* Opens everything that is called after each epoch. */
static ls_status open_listeners(const training_request *r, training *t, bool quiet, ls_error *err)
{
    t->progress.live = progress_live() && !phases_told();
    t->progress.every = phases_told();
    t->listeners.until = r->until;
    if (!quiet) epochs_add(&t->listeners, progress_epoch, &t->progress);
    if (r->log) {
        LS_TRY(live_file_open(&t->log, r->log, r->resumes ? LIVE_GO_ON : LIVE_REPLACE, err));
        epochs_add(&t->listeners, log_epoch, &t->log);
    }
    if (r->tensorboard) {
        LS_TRY(event_file_open(&t->events, r->tensorboard, err));
        epochs_add(&t->listeners, event_file_epoch, &t->events);
    }
    interrupt_catch(); /* before the folder exists: Ctrl-C must leave it complete */
    if (r->run) {
        LS_TRY((r->resumes ? run_folder_go_on : run_folder_begin)(&t->run, r->run, &r->inputs,
                                                                  r->options, &r->source, err));
        epochs_add(&t->listeners, run_folder_epoch, &t->run);
        epochs_add(&t->listeners, run_folder_timing_epoch, &t->run);
    }
    return LS_OK;
}

static ls_status train(training_request *r, training *t, bool quiet, ls_error *err)
{
    ls_error why;
    ls_train_control control = {.struct_size = sizeof control,
                                .callback = epochs_notify,
                                .user = &t->listeners,
                                .notice = epochs_notice,
                                .resume = r->resumes,
                                .unsaved = &t->lost.count,
                                .from = r->start,
                                .refit = r->refit};
    LS_TRY(safety_control(&r->safety, &control, err));
    LS_TRY(resume_write(r, err));
    LS_TRY(open_listeners(r, t, quiet, err));
    double begun = phase_begin();
    ls_status status = ls_train_controlled(t->device, r->options, t->train, &control, &t->model,
                                           err);
    progress_end(); /* also of a training that has ended early */
    LS_TRY(status);
    phase_end(begun, "trained on %s", ls_device_get_info(t->device)->name);
    /* a model with another threshold is better than none */
    losses_check(&t->lost,
                 ls_model_set_threshold(t->model, t->device, t->train, &r->threshold, &why), &why);
    return LS_OK;
}

/* Ranks read their parts. What is noted of a split is hashed now: after an interruption there may
 * be no time left to go through the rows once more. */
static ls_status hold_shards(const training_request *r, training *t, ls_error *err)
{
    const ls_settings *s = &r->options->settings;
    double begun = phase_begin();
    LS_TRY(ls_ranks_keep(t->train, err));
    if (t->train->apart->fetch) phase_end(begun, "each rank read its part of %s", r->data);
    if (!(r->split > 0) && !s->fold.parts && !(ls_training_share(s, t->train) > 0)) return LS_OK;
    begun = phase_begin();
    LS_TRY(ls_split_hash(t->train, r->test ? NULL : t->test, t->rows_hash, err));
    phase_end(begun, "hashed the rows of %s", r->data);
    return LS_OK;
}

/* ---- All of it ------------------------------------------------------------------------------- */

ls_status training_run(const char *command, training_request *r, training *t, ls_error *err)
{
    bool quiet = r->source.quiet || r->source.json;
    ls_error why;
    t->lost.command = command;
    ls_train_control checked = {0};
    LS_TRY(safety_control(&r->safety, &checked, err)); /* a mistake costs no reading */
    int ranks;
    LS_TRY(shards_check(r, err));
    LS_TRY(check_results(r, err));
    LS_TRY(training_data_read(r, quiet, &t->train, &t->test, err));
    LS_TRY(ls_threshold_check(&r->threshold, r->options, t->train, err));
    LS_TRY(ls_ranks_begin(NULL, &ranks, err));
    LS_TRY(shards_check_rows(r, t->train, ranks, err));
    if (r->shards) LS_TRY(hold_shards(r, t, err));
    LS_TRY(source_device(&r->source, &t->device, err));
    /* one rank would take too long to go on alone, and what has started the ranks ends it soon */
    LS_TRY(ls_device_set_fallback(t->device, !r->safety.no_fallback && ranks == 1, err));
    if (!r->save && !r->run && !quiet)
        terminal_print(stderr, "note: without -o MODEL or --run DIR the model is not saved\n");
    ls_status status = train(r, t, quiet, &why);
    if (status != LS_OK) {
        training_end_logs(t);
        run_folder_fail(&t->run, &why, &t->lost);
        return ls_fail(err, status, "%s", why.message);
    }
    training_keep(r, t);
    return LS_OK;
}

void training_free(training *t)
{
    live_file_close(&t->log, NULL);
    event_file_close(&t->events, NULL);
    run_folder_free(&t->run);
    ls_metrics_free(t->on_train);
    ls_metrics_free(t->on_validation);
    ls_metrics_free(t->on_test);
    ls_metrics_free(t->of_linear);
    ls_model_free(t->model);
    free(t->rescued);
    ls_device_close(t->device);
    ls_data_free(t->train);
    ls_data_free(t->test);
}

ls_status training_repeat(const char *config, const char *run_of, const char *run,
                          const run_config *elsewhere, const source_options *device, uint64_t until,
                          ls_error *err)
{
    training_request r;
    training t = {0};
    ls_status status = training_request_init(&r, err);
    r.config = config;
    r.repeats = run_of;
    if (elsewhere) r.elsewhere = *elsewhere;
    r.run = run;
    r.until = until;
    r.source.device = device->device;
    r.source.threads = device->threads;
    r.source.allow_approximate = device->allow_approximate;
    r.source.quiet = device->quiet;
    r.source.json = device->json;
    if (status == LS_OK) status = training_request_settle(&r, err);
    if (status == LS_OK) status = training_run("verify", &r, &t, err);
    if (status == LS_OK && t.lost.count)
        status = ls_fail(err, LS_ERR_IO, "the repetition is incomplete");
    training_free(&t);
    training_request_free(&r);
    return status;
}
