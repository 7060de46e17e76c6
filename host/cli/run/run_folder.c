/* SPDX-License-Identifier: MIT */
#include "host/cli/run/run_folder.h"
#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/json.h"
#include "host/base/text.h"
#include "host/cli/base/device_report.h"
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

const char *const run_file_names[RUN_FILES] = {"run.json", "metrics.jsonl", "model.safetensors",
                                               "report.html", "timing.jsonl"};

char *run_file_path(const char *folder, int file)
{
    ls_text path = {0};
    ls_text_add(&path, "%s/%s", folder, run_file_names[file]);
    if (!path.failed) return path.text;
    free(path.text);
    return NULL;
}

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
    if (!folder && errno == ENOENT) {
        /* "runs/a/" is created in "runs" */
        char *bare = ls_strdup(path);
        if (!bare) return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for its name", path);
        for (size_t n = strlen(bare); n > 1 && bare[n - 1] == '/';) bare[--n] = 0;
        ls_status status = result_check_writable(bare, err);
        free(bare);
        return status;
    }
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
    json_object_set_new(run->head, "result", result);
    char *dump = json_dumps(run->head, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
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

static ls_status fill(run_folder *run, const source_options *device, ls_error *err)
{
    LS_TRY(live_file_open(&run->metrics, run->file[RUN_METRICS], true,
                          err)); /* fails if another run has been faster */
    run->begun = true;
    LS_TRY(write_head(run, json_null(), err));
    LS_TRY(live_file_open(&run->timing, run->file[RUN_TIMING], true, err));
    json_t *line = json_pack("{s:s,s:o,s:s,s:s,s:s}", "event", "begin", "time", now_json(),
                             "lockstep", ls_version(), "device", device->device, "threads",
                             device->threads ? device->threads : "auto");
    return live_file_json(&run->timing, line, err);
}

ls_status run_folder_begin(run_folder *run, const char *path, const run_config *config,
                           const ls_options *options, const source_options *device, ls_error *err)
{
    run->path = path;
    for (int i = 0; i < RUN_FILES; i++)
        if (!(run->file[i] = run_file_path(path, i)))
            return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for its name", path);
    LS_TRY(config_check(config, err));
    if (!(run->head = config_json(config, options)))
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory", path);
    run->made = mkdir(path, 0777) == 0;
    if (!run->made && errno != EEXIST)
        return ls_fail(err, LS_ERR_IO, "--run: %s cannot be created: %s", path, strerror(errno));
    return fill(run, device, err);
}

/* ---- Epochs ---------------------------------------------------------------------------------- */

static bool is_written(uint64_t epoch)
{
    uint64_t every = 1;
    while (epoch / every > 10000) every *= 10;
    return epoch % every == 0;
}

static ls_status write_epoch(run_folder *run, const ls_progress *p, ls_error *err)
{
    run->waiting = false;
    run->broken = true;
    LS_TRY(live_file_json(&run->metrics, epoch_json(p), err));
    LS_TRY(live_file_json(&run->timing,
                          json_pack("{s:I,s:f}", "epoch", (json_int_t)p->epoch, "seconds",
                                    p->seconds),
                          err));
    run->broken = false;
    return LS_OK;
}

ls_status run_folder_epoch(void *state, const ls_progress *p, ls_error *err)
{
    run_folder *run = state;
    run->epochs = p->epoch;
    if (is_written(p->epoch)) return write_epoch(run, p, err);
    run->last = *p;
    run->waiting = true;
    return LS_OK;
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
    enum { USUAL = 32 }; /* "auto" with fewer rows than that */
    const ls_settings *s = &m->options->settings;
    uint64_t chosen = ls_settings_batch(s, rows);
    if (chosen < USUAL) chosen = USUAL;
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

static json_t *result_json(const run_outcome *out, const char *weights, const char *hash)
{
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
    json_object_set_new(o, "train", brief_metrics_json(out->train, out->model));
    if (out->test) json_object_set_new(o, "test", brief_metrics_json(out->test, out->model));
    json_object_set_new(o, "notes", notes_json(out->rows, out->test_rows));
    json_object_set_new(o, "weights_sha256", json_string(weights));
    json_object_set_new(o, "sha256", json_string(hash));
    return o;
}

static ls_status end_metrics(run_folder *run, ls_error *err)
{
    if (run->waiting) LS_TRY(write_epoch(run, &run->last, err));
    return live_file_close(&run->metrics, err);
}

static ls_status end_timing(run_folder *run, const run_outcome *out, ls_error *err)
{
    ls_summary s = LS_INIT(ls_summary);
    ls_model_summary(out->model, &s, NULL);
    const ls_device_info *info = &out->device->info;
    json_t *line = json_pack("{s:s,s:o,s:s,s:s,s:s,s:s,s:f,s:o,s:o}", "event", "end", "time",
                             now_json(), "device", info->name, "vendor", info->vendor, "driver",
                             info->driver, "platform", info->platform, "seconds", s.seconds,
                             "steps_per_second",
                             s.seconds > 0 ? json_real((double)s.steps / s.seconds) : json_null(),
                             "choice", device_report_json(out->device));
    json_object_set_new(line, "device_note", device_note_json(out->device));
    LS_TRY(live_file_json(&run->timing, line, err));
    return live_file_close(&run->timing, err);
}

ls_status run_folder_end(run_folder *run, const run_outcome *out, ls_error *err)
{
    char weights[65], hash[65];
    if (run->broken) return LS_OK;
    LS_TRY(end_metrics(run, err));
    LS_TRY(end_timing(run, out, err));
    LS_TRY(ls_model_sha256(out->model, hash, err));
    ls_model_weights_sha256(out->model, weights);
    return write_head(run, result_json(out, weights, hash), err);
}

void run_folder_fail(run_folder *run, const ls_error *why)
{
    if (why->status == LS_ERR_DIVERGED && run->begun && !run->broken) {
        if (end_metrics(run, NULL) == LS_OK)
            write_head(run,
                       json_pack("{s:s,s:I,s:s}", "stopped", "diverged", "epochs",
                                 (json_int_t)run->epochs, "message", why->message),
                       NULL);
        live_file_json(&run->timing, json_pack("{s:s,s:o}", "event", "end", "time", now_json()),
                       NULL);
    } else if (!run->epochs && run->begun) {
        for (int i = 0; i < RUN_FILES; i++) unlink(run->file[i]);
        if (run->made) rmdir(run->path);
    } else if (run->metrics.file) end_metrics(run, NULL);
    else if (run->made) rmdir(run->path);
}

void run_folder_free(run_folder *run)
{
    live_file_close(&run->metrics, NULL);
    live_file_close(&run->timing, NULL);
    json_decref(run->head);
    for (int i = 0; i < RUN_FILES; i++) free(run->file[i]);
}
