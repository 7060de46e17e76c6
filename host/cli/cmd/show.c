/* SPDX-License-Identifier: MIT */
#include "host/base/json.h"
#include "host/cli/base/args.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/model_output.h"
#include "host/cli/base/source.h"
#include "host/cli/base/terminal.h"
#include "host/cli/base/threshold.h"
#include "host/cli/cmd/commands.h"
#include "host/model/model.h"
#include <jansson.h>
#include <math.h>
#include <popt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char intro[] =
    "Prints the network, its size, the options that it was trained with and how the training ended.\n"
    "MODEL is a model file or a run folder.\n";

enum { MOST_SHOWN = 12 }; /* names in a list */

static void show_names(const char *label, const ls_model *model,
                       const char *(*name)(const ls_model *, size_t), size_t count)
{
    terminal_print(stdout, "%-12s%zu:", label, count);
    for (size_t i = 0; i < count && i < MOST_SHOWN; i++)
        terminal_print(stdout, " %s", name(model, i));
    terminal_print(stdout, "%s\n", count > MOST_SHOWN ? " ..." : "");
}

/* The classes or labels; or the numbers with their mean and standard deviation in training. */
static void show_task(const ls_model *model)
{
    const ls_task task = ls_model_task(model);
    terminal_print(stdout, "task        %s\n", model_task_name(model));
    if (task == LS_TASK_CLASSIFICATION) {
        show_names("classes", model, ls_model_class_name, ls_model_classes(model));
        const ls_decision decision = ls_model_decision(model);
        print_decision("decision    ", &decision, model);
        return;
    }
    show_names(task == LS_TASK_REGRESSION ? "targets" : "labels", model, model_target_name,
               ls_model_targets(model));
    for (size_t i = 0; model->target_scale && i < ls_model_targets(model) && i < MOST_SHOWN; i++)
        terminal_print(stdout,
                       "target      %s: mean %.9g, standard deviation %.9g of the training rows\n",
                       model_target_name(model, i), model->target_mean[i],
                       1 / model->target_scale[i]);
}

static const char *output_size(const ls_layer_shape *s, char text[64])
{
    if (s->height * s->width == 1) snprintf(text, 64, "%zu", s->channels);
    else snprintf(text, 64, "%zux%zux%zu", s->channels, s->height, s->width);
    return text;
}

/* One line a layer: what it is, its output, parameters, and FLOP of a forward pass of one row. */
static bool show_layers(const ls_model *model)
{
    ls_layer_shape s = LS_INIT(ls_layer_shape);
    double flop = 0;
    size_t parameters = 0;
    char size[64];
    terminal_print(stdout, "layers      %-44s %14s %12s %12s\n", "", "output", "parameters",
                   "flop a row");
    for (size_t i = 0; i < ls_model_layer_count(model); i++) {
        if (ls_model_layer_shape(model, i, &s, NULL) != LS_OK) return false;
        terminal_print(stdout, "%10zu  %-44s %14s %12zu %12.0f\n", i + 1, s.text,
                       output_size(&s, size), s.parameters, s.flop);
        flop += s.flop;
        parameters += s.parameters;
    }
    terminal_print(stdout, "%10s  %-44s %14s %12zu %12.0f\n", "", "sum", "", parameters, flop);
    return true;
}

static json_t *layers_json(const ls_model *model)
{
    json_t *list = json_array();
    ls_layer_shape s = LS_INIT(ls_layer_shape);
    for (size_t i = 0; i < ls_model_layer_count(model); i++) {
        if (ls_model_layer_shape(model, i, &s, NULL) != LS_OK) {
            json_decref(list);
            return NULL;
        }
        ls_json_append(&list,
                       json_pack("{s:s,s:[I,I,I],s:I,s:f}", "layer", s.text, "output",
                                 (json_int_t)s.channels, (json_int_t)s.height, (json_int_t)s.width,
                                 "parameters", (json_int_t)s.parameters, "flop", s.flop));
    }
    return list;
}

static void show_options(const ls_model *model)
{
    terminal_print(stdout, "options     ");
    size_t shown = 0;
    for (size_t i = 0; i < ls_option_count(); i++) {
        const ls_option_info *o = ls_option_at(i);
        const char *value = ls_model_option(model, o->name);
        if (!strcmp(value, o->initial)) continue;
        const char *quote = value[strcspn(value, " ()|;&<>*?")] ? "'" : ""; /* for a shell */
        if (o->argument) terminal_print(stdout, "--%s %s%s%s ", o->name, quote, value, quote);
        else terminal_print(stdout, "--%s%s ", strcmp(value, "off") ? "" : "no-", o->name);
        shown++;
    }
    terminal_print(stdout, "%s\n",
                   shown ? "(all others at their defaults)" : "all at their defaults");
}

/* Which rows were held out. */
static void show_split(const ls_split_record *r)
{
    if (!r) return;
    terminal_print(stdout, "split       ");
    if (r->test > 0) terminal_print(stdout, "%.4g of the rows for testing", r->test);
    if (r->validation > 0)
        terminal_print(stdout, "%s%.4g of %s for validation", r->test > 0 ? ", " : "",
                       r->validation, r->test > 0 ? "the others" : "the rows");
    terminal_print(stdout, " (evaluate --split)\n");
}

static void show_history(const ls_model *model)
{
    enum { LAST = 5 };
    size_t n;
    const ls_history_point *h = ls_model_history(model, &n);
    if (!n) return;
    terminal_print(stdout, "%s\n",
                   isnan(h[n - 1].validation_accuracy)
                       ? "history     epoch       loss  validation"
                       : "history     epoch       loss  validation  accuracy");
    for (size_t i = 0; i < n; i++) {
        if (i == 1 && n > LAST + 1) {
            terminal_print(stdout, "%17s\n", "...");
            i = n - LAST;
        }
        terminal_print(stdout, "%17llu %10.6g", (unsigned long long)h[i].epoch, (double)h[i].loss);
        if (!isnan(h[i].validation_loss))
            terminal_print(stdout, "  %10.6g", (double)h[i].validation_loss);
        if (!isnan(h[i].validation_accuracy))
            terminal_print(stdout, "  %8.4f", (double)h[i].validation_accuracy);
        terminal_print(stdout, "\n");
    }
}

/* Names, and mean and scale of numbers: the network predicts (number - mean)*scale. */
static json_t *targets_json(const ls_model *model)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ls_model_targets(model); i++) {
        json_t *target = json_pack("{s:s}", "name", model_target_name(model, i));
        if (model->target_scale) {
            ls_json_set(&target, "mean", json_real(model->target_mean[i]));
            ls_json_set(&target, "scale", json_real(model->target_scale[i]));
        }
        ls_json_append(&list, target);
    }
    return list;
}

static json_t *members_json(const ls_model *model)
{
    json_t *list = json_array();
    char widths[256];
    for (size_t i = 0; i < ls_model_members(model); i++) {
        const ls_model *m = ls_model_member(model, i);
        ls_summary s = LS_INIT(ls_summary);
        ls_model_summary(m, &s, NULL);
        describe_widths(m, widths, sizeof widths);
        ls_json_append(&list, json_pack("{s:s,s:I,s:I,s:I,s:I,s:o}", "network", widths, "times",
                                        (json_int_t)ls_model_member_times(model, i), "parameters",
                                        (json_int_t)s.parameters, "epochs", (json_int_t)s.epochs,
                                        "best_epoch", (json_int_t)s.best_epoch, "options",
                                        model_options_json(m)));
    }
    return list;
}

static json_t *model_json(const ls_model *model, const ls_summary *s, const char *widths,
                          const char *weights, const char *hash)
{
    json_t *o = json_pack("{s:s,s:I,s:I,s:I,s:I,s:o,s:s}", "network", widths, "parameters",
                          (json_int_t)s->parameters, "epochs", (json_int_t)s->epochs, "steps",
                          (json_int_t)s->steps, "best_epoch", (json_int_t)s->best_epoch, "loss",
                          ls_json_number(s->loss), "stopped", s->stopped);
    if (s->rollbacks) ls_json_set(&o, "rollbacks", json_integer((json_int_t)s->rollbacks));
    json_t *features = json_array(), *classes = json_array();
    for (size_t i = 0; i < ls_model_features(model); i++)
        ls_json_append(&features, json_string(ls_model_feature_name(model, i)));
    for (size_t i = 0; i < ls_model_classes(model); i++)
        ls_json_append(&classes, json_string(ls_model_class_name(model, i)));
    ls_json_set(&o, "layers", layers_json(model));
    ls_json_set(&o, "task", json_string(model_task_name(model)));
    ls_json_set(&o, "features", features);
    ls_json_set(&o, "targets", targets_json(model));
    ls_json_set(&o, "classes", classes);
    const ls_decision decision = ls_model_decision(model);
    ls_json_set(&o, "decision", decision_json(&decision, model));
    ls_json_set(&o, "options", ls_model_members(model) ? json_null() : model_options_json(model));
    if (model->split) {
        json_t *split = json_pack("{s:f,s:f,s:s}", "test", model->split->test, "validation",
                                  model->split->validation, "sha256", model->split->sha256);
        ls_json_set(&o, "split", split);
    }
    if (ls_model_members(model))
        ls_json_set(&o, "ensemble",
                    json_pack("{s:f,s:o}", "temperature", ls_model_temperature(model), "members",
                              members_json(model)));
    ls_json_set(&o, "weights_sha256", json_hash(weights));
    ls_json_set(&o, "sha256", json_hash(hash));
    return o;
}

/* One line a network: widths, how often it counts, what it was trained with. */
/* ", robust" and so on; nothing for the usual scaling. */
static const char *scaling_text(const ls_model *m)
{
    const char *name = ls_model_option(m, "scaling");
    return !strcmp(name, "robust") ? ", robust" : !strcmp(name, "quantile") ? ", quantile" : "";
}

static void show_members(const ls_model *model)
{
    char widths[256];
    terminal_print(stdout, "temperature %.4g\n", ls_model_temperature(model));
    terminal_print(stdout, "%10s  %-28s %6s %6s  %s\n", "network", "", "counts", "epoch",
                   "options");
    for (size_t i = 0; i < ls_model_members(model); i++) {
        const ls_model *m = ls_model_member(model, i);
        ls_summary s = LS_INIT(ls_summary);
        ls_model_summary(m, &s, NULL);
        describe_widths(m, widths, sizeof widths);
        terminal_print(stdout, "%10zu  %-28s %6llu %6llu  %s, lr %s, dropout %s, fold %s%s%s\n",
                       i + 1, widths, (unsigned long long)ls_model_member_times(model, i),
                       (unsigned long long)s.best_epoch, ls_model_option(m, "activation"),
                       ls_model_option(m, "lr"), ls_model_option(m, "dropout"),
                       ls_model_option(m, "fold"), scaling_text(m),
                       strcmp(ls_model_option(m, "embedding"), "none") ? ", piecewise" : "");
    }
}

/* What one network has: layers, options, its training. */
static void show_network(const ls_model *model, const ls_summary *s)
{
    show_options(model);
    show_split(model->split);
    terminal_print(stdout, "trained     %llu epochs, %llu steps, stopped by %s, loss %.6g\n",
                   (unsigned long long)s->epochs, (unsigned long long)s->steps, s->stopped,
                   s->loss);
    if (s->best_epoch != s->epochs)
        terminal_print(stdout, "kept        the weights of epoch %llu\n",
                       (unsigned long long)s->best_epoch);
    show_history(model);
}

static int show(const char *path, bool json, bool quiet)
{
    ls_model *model;
    ls_summary s = LS_INIT(ls_summary);
    ls_error err;
    char widths[256], weights[65], hash[65];
    char *file = NULL;
    if (source_model_file(path, &model, &file, hash, &err) != LS_OK)
        return complain_error("show", &err);
    ls_model_summary(model, &s, NULL);
    describe_widths(model, widths, sizeof widths);
    ls_model_weights_sha256(model, weights);
    int status = EXIT_OK;
    if (json) status = print_json("show", model_json(model, &s, widths, weights, hash));
    else if (!quiet) {
        bool described = strcmp(ls_model_option(model, "net"), "none") != 0,
             many = ls_model_members(model) > 0;
        terminal_print(stdout, "network     %s%s%s%s, %llu parameters\n", widths,
                       described || many ? "" : " (",
                       described || many ? "" : ls_model_option(model, "activation"),
                       described || many ? "" : ")", (unsigned long long)s.parameters);
        if (!many && !show_layers(model)) terminal_lacks();
        if (!*weights) terminal_lacks();
        show_names("features", model, ls_model_feature_name, ls_model_features(model));
        show_task(model);
        if (many) {
            show_split(model->split);
            show_members(model);
        } else show_network(model, &s);
        terminal_print(stdout, "weights     %s\n%s  %s\n", weights, hash, file);
    }
    ls_model_free(model);
    free(file);
    return status;
}

int cmd_show(int argc, const char **argv)
{
    arguments args = {0};
    int json = 0, quiet = 0;
    struct poptOption table[] = {
        OPTION_JSON(json),
        OPTION_QUIET(quiet),
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "MODEL", intro, 1, 1, NULL, NULL);
    if (status == EXIT_OK) status = show(args.operand[0], json, quiet);
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
