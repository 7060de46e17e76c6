/* SPDX-License-Identifier: MIT */
#include "host/cli/run/training.h"
#include "host/base/error.h"
#include "host/base/text.h"
#include "host/cli/base/device_report.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/result_path.h"
#include "host/cli/base/source.h"
#include "host/cli/base/terminal.h"
#include "host/cli/report/report.h"
#include "host/cli/run/train_command.h"
#include "host/cli/run/training_data.h"
#include "host/model/model.h"
#include "host/model/threshold.h"
#include "host/model/training_rows.h"
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Before training ------------------------------------------------------------------------- */

/* Checks the paths of all results, so that a mistake does not cost a training. */
static ls_status check_results(const training_request *r, ls_error *err)
{
    const char *const files[] = {r->save, r->report, r->log};
    const char *const data[] = {r->data, r->source.labels, r->test, r->config};
    if (r->save && !strcmp(r->save, "-"))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "-o -: standard output is for the metrics; name a file for the model");
    if (r->log && !strcmp(r->log, "-"))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--log -: standard output is for the metrics; name a file or a named pipe");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        /* a log may be a pipe or a device in a folder that is not writable */
        bool pipe = files[i] == r->log && r->log && access(r->log, W_OK) == 0;
        if (!pipe) LS_TRY(result_check_writable(files[i], err));
        for (size_t k = 0; k < sizeof data / sizeof *data; k++)
            LS_TRY(result_check_apart(files[i], data[k], err));
    }
    LS_TRY(result_check_distinct(files, sizeof files / sizeof *files, err));
    return r->run ? run_folder_check(r->run, err) : LS_OK;
}

/* Opens everything that is called after each epoch. */
static ls_status open_listeners(const training_request *r, training *t, bool quiet, ls_error *err)
{
    t->progress.terminal = isatty(STDERR_FILENO) != 0;
    t->listeners.until = r->until;
    if (!quiet) epochs_add(&t->listeners, progress_epoch, &t->progress);
    if (r->log) {
        /* if the reader of a pipe goes away, the write fails instead of ending the process */
        signal(SIGPIPE, SIG_IGN);
        LS_TRY(live_file_open(&t->log, r->log, false, err));
        epochs_add(&t->listeners, log_epoch, &t->log);
    }
    if (r->tensorboard) {
        LS_TRY(event_file_open(&t->events, r->tensorboard, err));
        epochs_add(&t->listeners, event_file_epoch, &t->events);
    }
    interrupt_catch(); /* before the folder exists: Ctrl-C must leave it complete */
    if (r->run) {
        LS_TRY(run_folder_begin(&t->run, r->run, &r->inputs, r->options, &r->source, err));
        epochs_add(&t->listeners, run_folder_epoch, &t->run);
    }
    return LS_OK;
}

static ls_status train(training_request *r, training *t, bool quiet, ls_error *err)
{
    LS_TRY(open_listeners(r, t, quiet, err));
    ls_status status = ls_train(t->device, r->options, t->train, epochs_notify, &t->listeners,
                                &t->model, err);
    if (t->progress.terminal && !quiet && (status != LS_OK || interrupted())) fputc('\n', stderr);
    LS_TRY(status);
    return ls_model_set_threshold(t->model, t->device, t->train, &r->threshold, err);
}

/* ---- Results --------------------------------------------------------------------------------- */

static ls_status save_model(const training_request *r, const training *t, ls_error *err)
{
    if (r->save) LS_TRY(ls_model_save(t->model, r->save, err));
    return r->run ? ls_model_save(t->model, t->run.file[RUN_MODEL], err) : LS_OK;
}

/* names_device: whether the report names the device. That of a run folder does not, since it must
 * be the same on every device. */
static ls_status write_report(const training_request *r, const training *t, const char *path,
                              bool names_device, ls_error *err)
{
    ls_text command = {0};
    command_add_train(&command, &r->inputs, t->model->options);
    const report_input in = {.model = t->model,
                             .device = t->device,
                             .trained_on_it = names_device,
                             .data = t->train,
                             .test = t->test,
                             .data_label = "training rows",
                             .source = r->data,
                             .command = command.failed ? "" : command.text};
    ls_status status = report_write(&in, path, err);
    free(command.text);
    return status;
}

static ls_status evaluate(training *t, ls_error *err)
{
    LS_TRY(ls_model_evaluate(t->model, t->device, t->train, &t->on_train, err));
    return t->test ? ls_model_evaluate(t->model, t->device, t->test, &t->on_test, err) : LS_OK;
}

static ls_status complete_run_folder(const training_request *r, training *t, ls_error *err)
{
    LS_TRY(write_report(r, t, t->run.file[RUN_REPORT], false, err));
    run_outcome outcome = {.model = t->model,
                           .train = t->on_train,
                           .test = t->on_test,
                           .rows = t->train,
                           .test_rows = t->test,
                           .device = &t->report};
    LS_TRY(ls_training_rows(&t->model->options->settings, t->train, &outcome.trained, err));
    return run_folder_end(&t->run, &outcome, err);
}

/* The device is noted, and the report that names it written, before evaluation, which may make the
 * device choose again. */
static ls_status keep_results(const training_request *r, training *t, ls_error *err)
{
    device_report_take(&t->report, t->device);
    LS_TRY(save_model(r, t, err));
    if (r->report) LS_TRY(write_report(r, t, r->report, true, err));
    LS_TRY(evaluate(t, err));
    return r->run ? complete_run_folder(r, t, err) : LS_OK;
}

const char *training_model_path(const training_request *r, const training *t)
{
    return r->save ? r->save : t->run.file[RUN_MODEL];
}

/* ---- All of it ------------------------------------------------------------------------------- */

ls_status training_run(training_request *r, training *t, ls_error *err)
{
    bool quiet = r->source.quiet || r->source.json;
    ls_error why;
    LS_TRY(check_results(r, err));
    LS_TRY(training_data_read(r, quiet, &t->train, &t->test, err));
    LS_TRY(ls_threshold_check(&r->threshold, r->options, t->train, err));
    LS_TRY(source_device(&r->source, &t->device, err));
    if (!r->save && !r->run && !quiet)
        terminal_print(stderr, "note: without -o MODEL or --run DIR the model is not saved\n");
    ls_status status = train(r, t, quiet, &why);
    if (status != LS_OK) {
        run_folder_fail(&t->run, &why);
        return ls_fail(err, status, "%s", why.message);
    }
    return keep_results(r, t, err);
}

void training_free(training *t)
{
    live_file_close(&t->log, NULL);
    event_file_close(&t->events, NULL);
    run_folder_free(&t->run);
    ls_metrics_free(t->on_train);
    ls_metrics_free(t->on_test);
    ls_model_free(t->model);
    ls_device_close(t->device);
    ls_data_free(t->train);
    ls_data_free(t->test);
}

ls_status training_repeat(const char *config, const char *run, const source_options *device,
                          uint64_t until, ls_error *err)
{
    training_request r;
    training t = {0};
    ls_status status = training_request_init(&r, err);
    r.config = config;
    r.run = run;
    r.until = until;
    r.source.device = device->device;
    r.source.threads = device->threads;
    r.source.allow_approximate = device->allow_approximate;
    r.source.quiet = device->quiet;
    r.source.json = device->json;
    if (status == LS_OK) status = training_request_settle(&r, err);
    if (status == LS_OK) status = training_run(&r, &t, err);
    if (status == LS_OK && t.listeners.status != LS_OK)
        status = ls_fail(err, t.listeners.status, "%s", t.listeners.err.message);
    training_free(&t);
    training_request_free(&r);
    return status;
}
