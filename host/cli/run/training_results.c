/* SPDX-License-Identifier: MIT */
#include "host/cli/run/training_results.h"
#include "host/base/error.h"
#include "host/base/text.h"
#include "host/cli/base/args.h"
#include "host/cli/base/phases.h"
#include "host/cli/plot/letters.h"
#include "host/cli/report/report.h"
#include "host/cli/run/split.h"
#include "host/cli/run/train_command.h"
#include "host/cli/run/training_metrics.h"
#include "host/model/model.h"
#include "host/model/model_file.h"
#include "host/model/training_rows.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- The model ------------------------------------------------------------------------------- */

static bool save_at(training *t, const char *path)
{
    ls_error err;
    char hex[65];
    if (!losses_check(&t->lost, ls_model_save_hashed(t->model, path, hex, &err), &err))
        return false;
    if (t->model_path) return true; /* the first path is the one that is printed */
    t->model_path = path;
    memcpy(t->hash, hex, sizeof hex);
    return true;
}

/* The folder that holds the run folder, freed with free(). */
static char *folder_of(const char *run)
{
    char *path = ls_strdup(run);
    size_t n = path ? strlen(path) : 0;
    while (n > 1 && path[n - 1] == '/') n--;
    while (n > 0 && path[n - 1] != '/') n--;
    if (path && n) path[n] = '\0';
    else if (path) strcpy(path, "."); /* a run folder's name has at least one character */
    return path;
}

static void save_model(const training_request *r, training *t)
{
    ls_error err;
    bool all = !r->save || save_at(t, r->save);
    if (r->run) t->run.missing[RUN_MODEL] = !save_at(t, t->run.file[RUN_MODEL]);
    if (!t->model_path && (r->save || r->run)) {
        char *beside = r->run ? folder_of(r->run) : NULL;
        t->model_path = t->rescued = losses_rescue(&t->lost, t->model, beside, t->hash);
        free(beside);
    } else if (!all) complain(t->lost.command, EXIT_FAILED, "the model is in %s", t->model_path);
    if (!t->model_path) losses_check(&t->lost, ls_model_sha256(t->model, t->hash, &err), &err);
}

/* ---- Pages and figures ----------------------------------------------------------------------- */

/* names_device: whether the report names the device. That of a run folder does not, since it must
 * be the same on every device. */
static bool write_report(const training_request *r, training *t, const char *path,
                         bool names_device)
{
    ls_error err;
    ls_text command = {0};
    command_add_train(&command, &r->inputs, t->model->options);
    const report_input in = {.model = t->model,
                             .hash = *t->hash ? t->hash : NULL,
                             .device = t->device,
                             .trained_on_it = names_device,
                             .data = t->train,
                             .test = t->test,
                             .data_label = "training rows",
                             .source = r->data,
                             .command = command.text};
    ls_status status = command.failed ? ls_fail(&err, LS_ERR_MEMORY, "%s: out of memory", path)
                                      : report_write(&in, path, &err);
    free(command.text);
    return losses_check(&t->lost, status, &err);
}

/* ---- Files that grow with the epochs --------------------------------------------------------- */

static void end_run_folder(training *t)
{
    ls_error err;
    run_outcome outcome = {.model = t->model,
                           .hash = t->hash,
                           .train = t->on_train,
                           .validation = t->on_validation,
                           .test = t->on_test,
                           .rows = t->train,
                           .test_rows = t->test,
                           .device = &t->report};
    if (losses_check(&t->lost,
                     ls_training_rows(&t->model->options->settings, t->train, &outcome.trained,
                                      &err),
                     &err))
        run_folder_end(&t->run, &outcome, &t->lost);
}

void training_end_logs(training *t)
{
    ls_error err;
    for (size_t i = 0; i < t->listeners.count; i++)
        losses_check(&t->lost, t->listeners.list[i].status, &t->listeners.list[i].err);
    losses_check(&t->lost, live_file_check(&t->log, &err), &err);
    losses_check(&t->lost, live_file_close(&t->log, &err), &err);
    losses_check(&t->lost, event_file_close(&t->events, &err), &err);
}

/* The device is noted, and the report that names it written, before evaluation, which may make the
 * device choose again. */
void training_keep(const training_request *r, training *t)
{
    ls_error err;
    device_report_take(&t->report, t->device);
    /* the test rows of a file of their own are no part of the data */
    losses_check(&t->lost,
                 split_note(t->model, &r->inputs, t->train, r->test ? NULL : t->test, t->rows_hash,
                            &err),
                 &err);
    double begun = phase_begin();
    save_model(r, t);
    if (t->model_path) phase_end(begun, "wrote the model to %s", t->model_path);
    training_end_logs(t);
    if (r->report) write_report(r, t, r->report, true);
    if ((r->report || r->run) && !r->source.quiet && !r->source.json) letters_note(t->model);
    training_evaluate(t);
    if (!r->run) return;
    t->run.missing[RUN_REPORT] = !write_report(r, t, t->run.file[RUN_REPORT], false);
    end_run_folder(t);
    phase_end(begun, "wrote the run folder %s", r->run);
}
