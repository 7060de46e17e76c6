/* SPDX-License-Identifier: MIT */
#include "host/cli/run/run_folder.h"
#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/folder.h"
#include "host/base/json.h"
#include "host/base/text.h"
#include "host/cli/base/device_report.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/metrics_output.h"
#include "host/cli/base/model_output.h"
#include "host/cli/base/notes.h"
#include "host/cli/base/result_path.h"
#include "host/cli/base/source.h"
#include "host/cli/run/config.h"
#include "host/cli/run/config_write.h"
#include "host/model/model.h"
#include "host/model/training_rows.h"
#include "host/network/optimizer.h"
#include "kernels/loss.h"
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- Start ----------------------------------------------------------------------------------- */

/* Whether an open folder has no entries. */
static bool is_empty(DIR *folder)
{
    struct dirent *entry;
    while ((entry = readdir(folder)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) return false;
    return true;
}

ls_status run_folder_check(const char *path, ls_error *err)
{
    if (!*path) return ls_fail(err, LS_ERR_ARGUMENT, "--run: the name of the folder is empty");
    DIR *folder = opendir(path);
    if (!folder && errno == ENOENT) return ls_folder_check(path, err);
    if (!folder && errno == ENOTDIR)
        return ls_fail(err, LS_ERR_IO, "--run: %s is not a folder, or its parent is not a folder",
                       path);
    if (!folder)
        return ls_fail(err, LS_ERR_IO, "--run: %s cannot be read: %s", path, strerror(errno));
    bool empty = is_empty(folder);
    closedir(folder);
    if (!empty)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "--run: %s is not empty, and runs are never overwritten; name another folder, or remove this one first",
            path);
    return access(path, W_OK | X_OK) == 0
               ? LS_OK
               : ls_fail(err, LS_ERR_IO, "--run: %s cannot be written: %s", path, strerror(errno));
}

static ls_status write_head(run_folder *run, json_t *result, ls_error *err)
{
    ls_text text = {0};
    json_t *all = json_copy(run->head); /* so that it outlives a result that could not be made */
    ls_json_set(&all, "result", result);
    char *dump = ls_json_dump(all, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    json_decref(all);
    if (dump) ls_text_add(&text, "%s\n", dump);
    ls_status status = dump && !text.failed
                           ? ls_write_file(run->file[RUN_JSON], text.text, text.length, err)
                           : ls_fail(err, LS_ERR_MEMORY, "%s: out of memory", run->file[RUN_JSON]);
    free(dump);
    free(text.text);
    return status;
}

/* "2024-05-31T12:00:00Z" */
static json_t *now_json(void)
{
    char text[32] = "";
    time_t now = time(NULL);
    struct tm parts;
    if (gmtime_r(&now, &parts)) strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return json_string(text);
}

static ls_status fill(run_folder *run, const source_options *device, live_start start,
                      ls_error *err)
{
    LS_TRY(live_file_open(&run->metrics, run->file[RUN_METRICS], start,
                          err)); /* LIVE_NEW fails if another run has been faster */
    run->begun = true;
    if (start == LIVE_NEW) LS_TRY(write_head(run, json_null(), err));
    LS_TRY(live_file_open(&run->timing, run->file[RUN_TIMING], start, err));
    json_t *line = json_pack("{s:s,s:o,s:s,s:o,s:o}", "event",
                             start == LIVE_GO_ON ? "resume" : "begin", "time", now_json(),
                             "lockstep", ls_version(), "device", json_shown(device->device),
                             "threads", json_shown(device->threads ? device->threads : "auto"));
    return live_file_json(&run->timing, line, err);
}

static ls_status name_files(run_folder *run, const char *path, const run_config *config,
                            const ls_options *options, ls_error *err)
{
    run->path = path;
    for (int i = 0; i < RUN_FILES; i++)
        if (!(run->file[i] = run_file_path(path, i)))
            return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for its name", path);
    LS_TRY(config_check(config, err));
    return (run->head = config_json(config, options))
               ? LS_OK
               : ls_fail(err, LS_ERR_MEMORY, "%s: out of memory", path);
}

static ls_status make(run_folder *run, ls_error *err)
{
    return ls_folder_make(run->path, &run->made, err);
}

ls_status run_folder_begin(run_folder *run, const char *path, const run_config *config,
                           const ls_options *options, const source_options *device, ls_error *err)
{
    LS_TRY(name_files(run, path, config, options, err));
    LS_TRY(make(run, err));
    return fill(run, device, LIVE_NEW, err);
}

/* Whether a training has ended between the first two files of its folder: metrics.jsonl is empty,
 * and there is no run.json. */
static bool has_just_begun(const run_folder *run)
{
    struct stat metrics, json;
    return stat(run->file[RUN_METRICS], &metrics) == 0 && S_ISREG(metrics.st_mode) &&
           metrics.st_size == 0 && lstat(run->file[RUN_JSON], &json) != 0 && errno == ENOENT;
}

/* Whether a folder that is not empty is that of this training: same options, same data. */
static ls_status check_same_run(const run_folder *run, ls_error *err)
{
    char *bytes;
    size_t size;
    bool same = false;
    DIR *folder = opendir(run->path);
    bool empty = folder && is_empty(folder);
    if (folder) closedir(folder);
    if (empty || has_just_begun(run)) return LS_OK;
    if (ls_read_regular(run->file[RUN_JSON], &bytes, &size, NULL) == LS_OK) {
        json_t *there = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
        const json_t *data = json_object_get(there, "data"),
                     *own = json_object_get(run->head, "data");
        same = json_equal(json_object_get(there, "options"), json_object_get(run->head, "options"));
        for (int i = 0; i < INPUTS; i++) {
            const char *name = config_hash_names[i];
            const char *a = json_string_value(json_object_get(data, name)),
                       *b = json_string_value(json_object_get(own, name));
            same &= !a == !b && (!a || !strcmp(a, b));
        }
        json_decref(there);
        free(bytes);
    }
    return same
               ? LS_OK
               : ls_fail(err, LS_ERR_ARGUMENT,
                         "%s is not the run folder of the training that is resumed: its options or "
                         "data are others, or it has no run.json; name that one, or a new one, "
                         "with --run",
                         run->path);
}

ls_status run_folder_go_on(run_folder *run, const char *path, const run_config *config,
                           const ls_options *options, const source_options *device, ls_error *err)
{
    LS_TRY(name_files(run, path, config, options, err));
    LS_TRY(make(run, err));
    LS_TRY(check_same_run(run, err));
    run->resumed = true;
    run->epochs = live_file_last_epoch(run->file[RUN_METRICS]);
    return fill(run, device, LIVE_GO_ON, err);
}

/* ---- Epochs ---------------------------------------------------------------------------------- */

static bool is_written(uint64_t epoch)
{
    uint64_t every = 1;
    while (epoch / every > 10000) every *= 10;
    return epoch % every == 0;
}

static ls_status write_metrics(run_folder *run, const ls_progress *p, ls_error *err)
{
    bool goes_on = run->metrics.goes_on;
    ls_status status = live_file_reach(&run->metrics, p->epoch, is_written, err);
    /* the result of the interrupted part ends here */
    if (status == LS_OK && goes_on) status = write_head(run, json_null(), err);
    if (status == LS_OK) status = live_file_json(&run->metrics, epoch_json(p), err);
    run->missing[RUN_METRICS] |= status != LS_OK;
    return status;
}

static ls_status write_timing(run_folder *run, json_t *line, ls_error *err)
{
    ls_status status = live_file_json(&run->timing, line, err);
    run->missing[RUN_TIMING] |= status != LS_OK;
    return status;
}

static ls_status write_time(run_folder *run, const ls_progress *p, ls_error *err)
{
    LS_TRY(live_file_reach(&run->timing, p->epoch, is_written, err));
    return write_timing(run,
                        json_pack("{s:I,s:f}", "epoch", (json_int_t)p->epoch, "seconds",
                                  p->seconds),
                        err);
}

/* Whether the lines of an epoch are due; otherwise they are kept for the end. */
static bool take_epoch(run_folder *run, const ls_progress *p)
{
    run->epochs = p->epoch;
    run->waiting = !is_written(p->epoch);
    if (run->waiting) run->last = *p;
    return !run->waiting;
}

ls_status run_folder_epoch(void *state, const ls_progress *p, ls_error *err)
{
    return take_epoch(state, p) ? write_metrics(state, p, err) : LS_OK;
}

ls_status run_folder_timing_epoch(void *state, const ls_progress *p, ls_error *err)
{
    return take_epoch(state, p) ? write_time(state, p, err) : LS_OK;
}

/* ---- End ------------------------------------------------------------------------------------- */

#define NAME(NAME, name) #name,
static const char *const output_names[] = {LS_OUTPUTS(NAME)};
static const char *const loss_names[] = {LS_LOSSES(NAME)};
static const char *const schedule_names[] = {[LS_SCHEDULE_CONSTANT] = "constant",
                                             [LS_SCHEDULE_STEP] = "step",
                                             [LS_SCHEDULE_COSINE] = "cosine",
                                             [LS_SCHEDULE_PLATEAU] = "plateau"};
#undef NAME

/* The values of options that were "auto". */
static json_t *resolved_json(const ls_model *m, const ls_data *data, size_t rows)
{
    const ls_settings *s = &m->options->settings;
    uint64_t chosen = ls_settings_batch(s, rows);
    bool full = s->batch == 0 ||
                (s->batch == LS_BATCH_AUTO && ls_optimizers[s->optimizer].full_batch);
    json_t *batch = full
                        ? json_string("full")
                        : json_integer((json_int_t)(s->batch == LS_BATCH_AUTO ? chosen : s->batch));
    return json_pack("{s:s,s:s,s:f,s:o,s:f,s:f,s:s}", "output", output_names[m->network.output],
                     "loss", loss_names[m->network.loss], "lr", ls_settings_rate(s), "batch", batch,
                     "validation", ls_training_share(s, data), "l2", s->l2, "schedule",
                     schedule_names[s->schedule]);
}

/* The metrics, without the confusion matrix if there are many classes: it would be most of the
 * file, and evaluate prints it. */
static json_t *brief_metrics_json(const ls_metrics *metrics, const ls_model *model)
{
    enum { MOST_CLASSES = 20 };
    json_t *o = metrics_json(metrics, model);
    if (metrics->classes > MOST_CLASSES) json_object_del(o, "confusion");
    return o;
}

static json_t *missing_json(const run_folder *run)
{
    json_t *list = json_array();
    for (int i = 0; i < RUN_FILES; i++)
        if (run->missing[i]) ls_json_append(&list, json_string(run_file_names[i]));
    return list;
}

static bool is_complete(const run_folder *run)
{
    for (int i = 0; i < RUN_FILES; i++)
        if (run->missing[i]) return false;
    return true;
}

static json_t *result_json(const run_folder *run, const run_outcome *out)
{
    char weights[65];
    ls_model_weights_sha256(out->model, weights);
    ls_summary s = LS_INIT(ls_summary);
    char widths[256];
    ls_model_summary(out->model, &s, NULL);
    describe_widths(out->model, widths, sizeof widths);
    /* the callback only stops a training after Ctrl-C (or where an interrupted run is repeated) */
    const char *stopped = strcmp(s.stopped, "callback") ? s.stopped : "interrupted";
    json_t *o = json_pack("{s:s,s:s,s:I,s:I,s:I,s:s,s:I,s:o,s:o}", "stopped", stopped, "arithmetic",
                          out->device->info.exact ? "exact" : "approximate", "epochs",
                          (json_int_t)s.epochs, "steps", (json_int_t)s.steps, "best_epoch",
                          (json_int_t)s.best_epoch, "network", widths, "parameters",
                          (json_int_t)s.parameters, "resolved",
                          resolved_json(out->model, out->rows, out->trained), "loss",
                          ls_json_number(s.loss));
    ls_json_set(&o, "train", out->train ? brief_metrics_json(out->train, out->model) : json_null());
    if (out->validation)
        ls_json_set(&o, "validation", brief_metrics_json(out->validation, out->model));
    if (out->test) ls_json_set(&o, "test", brief_metrics_json(out->test, out->model));
    ls_json_set(&o, "notes", notes_json(out->rows, out->test_rows));
    ls_json_set(&o, "weights_sha256", json_hash(weights));
    ls_json_set(&o, "sha256", json_hash(out->hash));
    if (!is_complete(run)) ls_json_set(&o, "missing", missing_json(run));
    return o;
}

static ls_status end_metrics(run_folder *run, ls_error *err)
{
    ls_status status = LS_OK;
    if (run->waiting && !run->missing[RUN_METRICS]) status = write_metrics(run, &run->last, err);
    if (status == LS_OK) status = live_file_check(&run->metrics, err);
    run->missing[RUN_METRICS] |= run->metrics.gap;
    ls_status closed = live_file_close(&run->metrics, status == LS_OK ? err : NULL);
    run->missing[RUN_METRICS] |= closed != LS_OK;
    return status == LS_OK ? closed : status;
}

static json_t *end_json(const run_outcome *out)
{
    ls_summary s = LS_INIT(ls_summary);
    ls_model_summary(out->model, &s, NULL);
    const ls_device_info *info = &out->device->info;
    json_t *line = json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:f,s:o,s:o}", "event", "end", "time",
                             now_json(), "device", json_shown(info->name), "vendor",
                             json_shown(info->vendor), "driver", json_shown(info->driver),
                             "platform", json_shown(info->platform), "seconds", s.seconds,
                             "steps_per_second",
                             s.seconds > 0 ? json_real((double)s.steps / s.seconds) : json_null(),
                             "choice", device_report_json(out->device));
    ls_json_set(&line, "device_note", device_note_json(out->device));
    return line;
}

static ls_status end_timing(run_folder *run, const run_outcome *out, ls_error *err)
{
    ls_status status = LS_OK;
    bool whole = !run->missing[RUN_TIMING];
    if (whole && run->waiting) status = write_time(run, &run->last, err);
    if (whole && status == LS_OK) status = write_timing(run, end_json(out), err);
    ls_status closed = live_file_close(&run->timing, status == LS_OK ? err : NULL);
    run->missing[RUN_TIMING] |= closed != LS_OK;
    return status == LS_OK ? closed : status;
}

void run_folder_end(run_folder *run, const run_outcome *out, losses *lost)
{
    ls_error err;
    losses_check(lost, end_metrics(run, &err), &err);
    losses_check(lost, end_timing(run, out, &err), &err);
    losses_check(lost, write_head(run, result_json(run, out), &err), &err);
}

static json_t *diverged_json(const run_folder *run, const ls_error *why)
{
    json_t *o = json_pack("{s:s,s:I,s:o}", "stopped", "diverged", "epochs", (json_int_t)run->epochs,
                          "message", json_shown(why->message));
    if (!is_complete(run)) ls_json_set(&o, "missing", missing_json(run));
    return o;
}

void run_folder_fail(run_folder *run, const ls_error *why, losses *lost)
{
    ls_error err;
    if (why->status == LS_ERR_DIVERGED && run->begun) {
        losses_check(lost, end_metrics(run, &err), &err);
        losses_check(lost, write_head(run, diverged_json(run, why), &err), &err);
        if (!run->missing[RUN_TIMING])
            losses_check(lost,
                         write_timing(run,
                                      json_pack("{s:s,s:o}", "event", "end", "time", now_json()),
                                      &err),
                         &err);
    } else if (!run->epochs && !run->resumed && run->begun) {
        for (int i = 0; i < RUN_FILES; i++) unlink(run->file[i]);
        ls_folder_unmake(run->path, run->made);
    } else if (run->metrics.file) end_metrics(run, NULL);
    else ls_folder_unmake(run->path, run->made);
}

void run_folder_free(run_folder *run)
{
    live_file_close(&run->metrics, NULL);
    live_file_close(&run->timing, NULL);
    json_decref(run->head);
    for (int i = 0; i < RUN_FILES; i++) free(run->file[i]);
}
