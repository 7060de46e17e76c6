/* SPDX-License-Identifier: MIT */
#include "host/cli/cmd/train_report.h"
#include "host/base/json.h"
#include "host/cli/base/args.h"
#include "host/cli/base/device_report.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/metrics_output.h"
#include "host/cli/base/model_output.h"
#include "host/cli/base/notes.h"
#include "host/cli/base/terminal.h"
#include "host/cli/base/threshold.h"
#include "host/cli/run/training_metrics.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>

static double speed_of(const ls_summary *s)
{
    return s->seconds > 0 ? (double)s->steps / s->seconds : 0;
}

static json_t *history_json(const ls_model *model)
{
    size_t n;
    const ls_history_point *h = ls_model_history(model, &n);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *point = json_pack("{s:I,s:o}", "epoch", (json_int_t)h[i].epoch, "loss",
                                  ls_json_number((double)h[i].loss));
        if (!isnan(h[i].validation_loss))
            ls_json_set(&point, "validation_loss", ls_json_number((double)h[i].validation_loss));
        if (!isnan(h[i].validation_accuracy))
            ls_json_set(&point, "validation_accuracy",
                        ls_json_number((double)h[i].validation_accuracy));
        ls_json_append(&list, point);
    }
    return list;
}

/* What a linear model reaches, and on which rows. */
static json_t *linear_json(const training *t)
{
    const ls_metrics *judged;
    json_t *o = metrics_json(t->of_linear, t->model);
    ls_json_set(&o, "of", json_string(training_judged(t, &judged)));
    return o;
}

static int report_json(const char *command, const training_request *r, const training *t)
{
    ls_summary s = LS_INIT(ls_summary);
    char weights[65];
    ls_model_summary(t->model, &s, NULL);
    ls_model_weights_sha256(t->model, weights);
    json_t *o = json_pack("{s:o,s:s,s:I,s:I,s:I,s:I,s:s,s:f,s:f,s:o}", "device",
                          json_shown(t->report.info.name), "arithmetic",
                          t->report.info.exact ? "exact" : "approximate", "parameters",
                          (json_int_t)s.parameters, "epochs", (json_int_t)s.epochs, "steps",
                          (json_int_t)s.steps, "best_epoch", (json_int_t)s.best_epoch, "stopped",
                          interrupted() ? "interrupted" : s.stopped, "seconds", s.seconds,
                          "steps_per_second", speed_of(&s), "loss", ls_json_number(s.loss));
    if (s.rollbacks) ls_json_set(&o, "rollbacks", json_integer((json_int_t)s.rollbacks));
    ls_json_set(&o, "choice", device_report_json(&t->report));
    ls_json_set(&o, "device_note", device_note_json(&t->report));
    ls_json_set(&o, "train", t->on_train ? metrics_json(t->on_train, t->model) : json_null());
    if (t->on_validation) ls_json_set(&o, "validation", metrics_json(t->on_validation, t->model));
    if (t->on_test) ls_json_set(&o, "test", metrics_json(t->on_test, t->model));
    if (t->of_linear) ls_json_set(&o, "linear_model", linear_json(t));
    ls_json_set(&o, "notes", notes_json(t->train, t->test));
    ls_json_set(&o, "history", history_json(t->model));
    ls_json_set(&o, "options", model_options_json(t->model));
    ls_json_set(&o, "model", t->model_path ? json_shown(t->model_path) : json_null());
    if (r->from) ls_json_set(&o, "from", json_shown(r->from));
    if (r->run) ls_json_set(&o, "run", json_shown(r->run));
    ls_json_set(&o, "weights_sha256", json_hash(weights));
    ls_json_set(&o, "sha256", json_hash(t->hash));
    return print_json(command, o);
}

static void report_text(const training_request *r, const training *t)
{
    ls_summary s = LS_INIT(ls_summary);
    char widths[256];
    const ls_decision decision = ls_model_decision(t->model);
    ls_model_summary(t->model, &s, NULL);
    describe_widths(t->model, widths, sizeof widths);
    device_report_print(&t->report);
    if (r->from) terminal_print(stdout, "from       %s\n", r->from);
    terminal_print(stdout, "network    %s, %llu parameters\n", widths,
                   (unsigned long long)s.parameters);
    terminal_print(stdout,
                   "trained    %llu epochs, %llu steps in %.2f s (%.0f steps/s), stopped by %s\n",
                   (unsigned long long)s.epochs, (unsigned long long)s.steps, s.seconds,
                   speed_of(&s), interrupted() ? "interruption" : s.stopped);
    if (s.rollbacks)
        terminal_print(stdout,
                       "went back  %llu times to the start of an epoch, each time with half the "
                       "learning rate\n",
                       (unsigned long long)s.rollbacks);
    if (s.best_epoch != s.epochs)
        terminal_print(
            stdout, "kept       the weights of epoch %llu, which has the lowest validation loss\n",
            (unsigned long long)s.best_epoch);
    print_decision("decision   ", &decision, t->model);
    const ls_metrics *judged;
    const char *rows = training_judged(t, &judged);
    if (judged) print_metrics_header(t->model);
    if (t->on_train) print_metrics("train", t->on_train, t->model);
    if (t->on_validation) print_metrics("validation", t->on_validation, t->model);
    if (t->on_test) print_metrics("test", t->on_test, t->model);
    if (judged) print_baseline(rows, judged, t->model);
    if (judged && t->of_linear) print_linear(rows, t->of_linear, t->model);
    if (judged && ls_model_task(t->model) != LS_TASK_CLASSIFICATION)
        print_details(judged, t->model);
    if (t->model_path) terminal_print(stdout, "%s  %s\n", t->hash, t->model_path);
    else terminal_print(stdout, "%s\n", t->hash);
}

int train_report(const char *command, const training_request *r, const training *t)
{
    int status = EXIT_OK;
    if (r->source.json) status = report_json(command, r, t);
    else report_text(r, t);
    if (interrupted()) {
        const char *folder = r->safety.checkpoint;
        status = complain(command, EXIT_INTERRUPTED, "interrupted%s%s%s%s",
                          t->model_path ? "; the model so far is in " : "",
                          t->model_path ? t->model_path : "",
                          folder ? "; to go on: lockstep resume " : "", folder ? folder : "");
    }
    return t->lost.count ? EXIT_FAILED : status;
}
