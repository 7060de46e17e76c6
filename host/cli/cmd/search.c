/* SPDX-License-Identifier: MIT */
#include "host/base/clock.h"
#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/base/neighbours.h"
#include "host/base/text.h"
#include "host/cli/base/args.h"
#include "host/cli/base/device_report.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/library_options.h"
#include "host/cli/base/phases.h"
#include "host/cli/base/progress.h"
#include "host/cli/base/result_path.h"
#include "host/cli/base/source.h"
#include "host/cli/base/terminal.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/cmd/search_files.h"
#include "host/cli/cmd/search_oof.h"
#include "host/cli/cmd/search_output.h"
#include "host/cli/run/split.h"
#include "host/model/model_file.h"
#include "host/search/rank.h"
#include "host/search/trial.h"
#include <math.h>
#include <popt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char intro[] =
    "Trains many networks on DATA (a file of rows or the name of a generator), scores each on rows that\n"
    "it was not trained on, and prints the best ones. With -o the best network is then trained on all\n"
    "rows and saved.\n"
    "\n"
    "Every option of lockstep train accepts a value, a list of alternatives 'a|b|c', or a range of\n"
    "numbers:\n"
    "  low..high          uniformly distributed\n"
    "  low..high:log      logarithmically distributed\n"
    "  low..high:log:7    with 7 points in a grid (default: 5); also low..high:7\n"
    "Alternatives may be ranges: '0|1e-6..1e-2:log'. Flags: --batch-norm='on|off'. Quote the values,\n"
    "because | is special to the shell. If no option has alternatives, --hidden, --activation and --lr\n"
    "are searched.\n"
    "\n"
    "  lockstep search data.csv\n"
    "  lockstep search data.csv --hidden '8|16|32,32' --lr 1e-4..1e-1:log --trials 100 --folds 5\n"
    "  lockstep search data.csv --strategy grid --optimizer 'adam|sgd' --l2 '0|1e-4' --metric f1\n"
    "  lockstep search data.csv --strategy halving --trials 300 --epochs 270 --report t.csv\n"
    "  lockstep search data.csv --hidden 16 --lr 0.01 --activation relu --folds 10 --oof oof.csv\n"
    "\n"
    "The last one is a search of one point: that is cross-validation of one network, with its score on\n"
    "each fold and, in oof.csv, a prediction for every row by a network that has not seen it.\n"
    "\n"
    "A trial is one combination of options. Strategies: random draws --trials combinations; grid tries\n"
    "all of them; halving trains many trials for few epochs and continues with the best one in --eta.\n"
    "The score of a trial is the mean over its seeds and folds. Scores do not depend on the device or\n"
    "on the order in which trials end.\n"
    "\n"
    "--report writes a CSV file with one row per trial and, with folds, a column per fold. With it or\n"
    "with --state a search can be interrupted with Ctrl-C (exit status 130); the same command then\n"
    "resumes it.\n";

/* ---- Arguments ------------------------------------------------------------------------------- */

static int set_option(int val, const char *text, void *user)
{
    search_arguments *a = user;
    ls_error err;
    const char *value;
    const ls_option_info *info = library_option(val, text, &value);
    int status = library_check_file(info, value, "search");
    if (status != EXIT_OK) return status;
    return ls_space_set(a->space, info->name, value, &err) == LS_OK
               ? EXIT_OK
               : complain_error("search", &err);
}

/* Handles --FLAG=on|off and removes it from the command line, since flags have no value in popt. */
static int take_flags(search_arguments *a, int *argc, const char **argv)
{
    int kept = 1;
    ls_error err;
    for (int i = 1; i < *argc; i++) {
        const char *equals = strchr(argv[i], '='), *value = NULL;
        for (size_t k = 0; equals && k < ls_option_count(); k++) {
            const ls_option_info *info = ls_option_at(k);
            size_t n = strlen(info->name);
            if (info->argument || strncmp(argv[i], "--", 2) ||
                strncmp(argv[i] + 2, info->name, n) || argv[i] + 2 + n != equals)
                continue;
            value = equals + 1;
            if (ls_space_set(a->space, info->name, value, &err) != LS_OK)
                return complain_error("search", &err);
        }
        if (!value) argv[kept++] = argv[i];
    }
    *argc = kept;
    argv[kept] = NULL;
    return EXIT_OK;
}

/* Compares the value of an option with a name. A "-" in the value matches a "_" in the name, as in
 * macro-f1 for macro_f1. */
static bool is_name(const char *text, const char *name)
{
    for (; *text && (*text == *name || (*text == '-' && *name == '_')); text++) name++;
    return !*text && !*name;
}

static int choose(const char *option, const char *text, const char *const *names, int *out)
{
    size_t n = 0;
    for (; names[n]; n++)
        if (is_name(text, names[n])) {
            *out = (int)n;
            return EXIT_OK;
        }
    const char *near = ls_value_hint(option, text, names, n);
    if (near)
        return complain("search", EXIT_USAGE, "--%s: there is no '%s'; did you mean '%s'?", option,
                        text, near);
    ls_text list = {0};
    for (size_t i = 0; i < n; i++) ls_text_add(&list, "%s%s", i ? ", " : "", names[i]);
    complain("search", EXIT_USAGE, "--%s: there is no '%s'; choose from: %s", option, text,
             list.failed ? "" : list.text);
    free(list.text);
    return EXIT_USAGE;
}

static int check_counts(const search_arguments *a)
{
    const struct {
        const char *name;
        long long value, least;
    } list[] = {{"trials", a->trials, 0},
                {"seeds", a->seeds, 1},
                {"folds", a->folds, 0},
                {"eta", a->eta, 2},
                {"search-seed", a->search_seed, 0},
                {"top", a->top, 1}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (list[i].value < list[i].least)
            return complain("search", EXIT_USAGE, "--%s: %lld is too small; the minimum is %lld",
                            list[i].name, list[i].value, list[i].least);
    if (a->holdout <= 0)
        return complain("search", EXIT_USAGE, "--holdout: %g is not a share between 0 and 1",
                        a->holdout);
    return EXIT_OK;
}

/* "TEXT: grid, random or halving (default: random)". Returns NULL if memory runs out. */
static char *choice_help(const char *text, const char *const *names, const char *initial)
{
    ls_text help = {0};
    ls_text_add(&help, "%s: ", text);
    for (size_t i = 0; names[i]; i++)
        ls_text_add(&help, "%s%s", !i ? "" : names[i + 1] ? ", " : " or ", names[i]);
    ls_text_add(&help, " (default: %s)", initial);
    return help.text;
}

static int parse(search_arguments *a, arguments *args, struct poptOption *library, int argc,
                 const char **argv)
{
    struct poptOption data[SOURCE_DATA], device[SOURCE_DEVICE];
    source_data_table(&a->source, data);
    source_device_table(&a->source, device);
    char *strategies = choice_help("how to choose trials", ls_strategy_names, a->strategy),
         *metrics = choice_help("metric to rank by", ls_score_names,
                                "accuracy, or rmse for numbers");
    struct poptOption own[] = {
        {"strategy", 0, POPT_ARG_STRING, &a->strategy, 0, strategies, "NAME"},
        {"trials", 0, POPT_ARG_LONGLONG, &a->trials, 0,
         "number of trials to draw (default: 50), or the maximum for a grid", "N"},
        {"seeds", 0, POPT_ARG_LONGLONG, &a->seeds, 0,
         "trainings per trial, with seeds from --seed upwards (default: 1)", "N"},
        {"folds", 0, POPT_ARG_LONGLONG, &a->folds, 0,
         "cross-validation with N folds: train without each fold in turn and score on it (default: 0, see --holdout)",
         "N"},
        {"holdout", 0, POPT_ARG_DOUBLE, &a->holdout, 0,
         "without --folds: share of the rows to score on, 0 to 1 (default: 0.2)", "SHARE"},
        {"metric", 0, POPT_ARG_STRING, &a->metric, 0, metrics, "NAME"},
        {"eta", 0, POPT_ARG_LONGLONG, &a->eta, 0,
         "halving: continue with one trial in N, for N times the epochs (default: 3)", "N"},
        {"search-seed", 0, POPT_ARG_LONGLONG, &a->search_seed, 0,
         "seed of the random trials and folds (default: 1)", "S"},
        POPT_TABLEEND,
    };
    struct poptOption results[] = {
        {NULL, 'o', POPT_ARG_STRING, &a->save, 0,
         "train the best network on all rows and write it to this file (safetensors)", "MODEL"},
        {"report", 0, POPT_ARG_STRING, &a->report, 0,
         "write a table of the trials to this file (CSV)", "FILE"},
        {"oof", 0, POPT_ARG_STRING, &a->oof, 0,
         "write the best network's predictions for the rows held out, by networks that have not seen "
         "them, to this file (CSV); needs --folds or --holdout",
         "FILE"},
        {"state", 0, POPT_ARG_STRING, &a->state, 0,
         "file from which an interrupted search resumes (default: the report's name with .state)",
         "FILE"},
        {"restart", 0, POPT_ARG_NONE, &a->restart, 0, "start again even if there is a state file",
         NULL},
        {"top", 0, POPT_ARG_LONGLONG, &a->top, 0, "number of trials to print (default: 10)", "N"},
        POPT_TABLEEND,
    };
    struct poptOption table[] = {
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, own, 0, "Search:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, results, 0, "Results:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, data, 0, "Data:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, library, 0,
         "Network and training (each a value, alternatives or a range):", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device and output:", NULL},
        POPT_TABLEEND,
    };
    int status = take_flags(a, &argc, argv);
    if (status == EXIT_OK)
        status = arguments_parse(args, argc, argv, table, "DATA...", intro, 1, 1, set_option, a);
    free(strategies);
    free(metrics);
    return status == EXIT_OK ? check_counts(a) : status;
}

/* ---- Work ------------------------------------------------------------------------------------ */

static int on_fleet(const ls_fleet_progress *progress, void *user)
{
    search_view_draw(user, progress);
    return interrupted();
}

static ls_status run(const search_arguments *a, search_work *w, search_view *view, ls_error *err)
{
    double kept = ls_clock(), pause = 1;
    ls_status status = LS_OK;
    bool finished = false;
    while (status == LS_OK && !finished && !interrupted()) {
        status = ls_search_step(w->search, on_fleet, view, &finished, err);
        search_view_draw(view, NULL);
        double started = ls_clock();
        if (status != LS_OK || started - kept < pause) continue;
        /* a file that cannot be written now is told at the end, when it has been tried again */
        search_files_table(a, w, NULL);
        search_files_state(a, w, NULL);
        kept = ls_clock();
        /* at most 5 % of the time goes into writing long tables */
        pause = 20 * (kept - started) > 1 ? 20 * (kept - started) : 1;
    }
    progress_clear();
    w->complete = status == LS_OK && finished;
    search_files_keep(a, w); /* even if a device fails, the results so far are written */
    return status;
}

typedef struct {
    bool live;
    double drawn;
} refit_view;

static int on_epoch(const ls_progress *p, void *user)
{
    refit_view *v = user;
    if (v->live && (ls_clock() - v->drawn > 0.1)) {
        v->drawn = ls_clock();
        progress_part part[2] = {{"training the best network on all rows: ", 1}, {.rank = 0}};
        snprintf(part[1].text, sizeof part[1].text, "epoch %llu/%llu", (unsigned long long)p->epoch,
                 (unsigned long long)p->epochs);
        progress_parts(part, 2);
    }
    return interrupted();
}

static int on_oof(const ls_fleet_progress *p, void *user)
{
    search_view *v = user;
    if (v->live && ls_clock() - v->drawn > 0.1) {
        v->drawn = ls_clock();
        progress_line("training the best network without each part again: %zu of %zu done", p->done,
                      p->members);
    }
    return interrupted();
}

/* Trains the best network on all rows, as `lockstep train` does. */
static ls_status refit(search_work *w, bool live, ls_error *err)
{
    ls_options *options;
    refit_view view = {.live = live};
    LS_TRY(ls_search_options(w->search, w->order[0], 0, &options, err));
    ls_status status = ls_train(w->device, options, w->data, on_epoch, &view, &w->model, err);
    progress_clear();
    ls_options_free(options);
    if (status == LS_OK && interrupted()) {
        ls_model_free(w->model);
        w->model = NULL;
        w->complete = false;
    }
    return status;
}

static void save_model(const search_arguments *a, search_work *w)
{
    ls_error err;
    const run_config config = {.data = a->data, .source = a->source};
    losses_check(&w->lost, split_note(w->model, &config, w->data, NULL, "", &err), &err);
    if (losses_check(&w->lost, ls_model_save_hashed(w->model, a->save, w->hash, &err), &err))
        w->model_path = a->save;
    else w->model_path = w->rescued = losses_rescue(&w->lost, w->model, NULL, w->hash);
}

/* Prints a note about everything that may surprise the user. */
static void print_notes(const search_arguments *a, const search_work *w)
{
    const ls_search *s = w->search;
    if (a->source.quiet || a->source.json) return;
    if (s->how.strategy != LS_SEARCH_GRID && a->trials && s->trials < (size_t)a->trials)
        terminal_print(
            stderr, "note: there are only %zu combinations of options, so there are %zu trials\n",
            s->trials, s->trials);
    if (s->how.strategy == LS_SEARCH_HALVING && s->rungs == 1)
        terminal_print(
            stderr,
            "note: too few trials or epochs for halving by %zu: all trials are trained to the end\n",
            s->how.eta);
    if (!a->state)
        terminal_print(
            stderr, "note: without --report or --state an interrupted search cannot be resumed\n");
}

static ls_status work(search_arguments *a, search_work *w, ls_search_settings *how, ls_error *err)
{
    bool live = !a->source.quiet && !a->source.json && progress_live();
    LS_TRY(search_oof_check(a, err));
    LS_TRY(search_files_check(a, err));
    LS_TRY(ls_space_default(a->space, err));
    LS_TRY(source_read(&a->source, a->data, NULL, &w->data, err));
    if (!a->metric) how->metric = ls_score_default(ls_data_task(w->data));
    LS_TRY(ls_search_create(a->space, how, w->data, &w->search, err));
    LS_TRY(source_device(&a->source, &w->device, err));
    LS_TRY(search_files_resume(a, w, err));
    LS_TRY(ls_search_start(w->search, w->device, err));
    LS_TRY(ls_alloc(&w->order, w->search->trials, sizeof *w->order, "the ranking", err));
    print_notes(a, w);
    double started = ls_clock();
    search_view view = {
        .search = w->search, .live = live, .top = (size_t)a->top, .started = started};
    interrupt_catch();
    double begun = phase_begin();
    ls_status status = run(a, w, &view, err);
    phase_end(begun, "searched");
    device_report_take(&w->report, w->device);
    LS_TRY(status);
    w->seconds = ls_clock() - started;
    LS_TRY(ls_search_rank(w->search, w->order, err));
    if (a->oof && w->complete && search_best(w)) search_oof_write(a, w, on_oof, &view);
    begun = phase_begin();
    if (a->save && w->complete && search_best(w)) LS_TRY(refit(w, live, err));
    if (w->model) phase_end(begun, "trained the best network on all rows");
    if (w->model) save_model(a, w);
    if (a->state && w->complete && !w->lost.count) unlink(a->state); /* nothing to resume */
    return LS_OK;
}

static int report(const search_arguments *a, const search_work *w)
{
    int status = EXIT_OK;
    if (a->source.json) status = search_print_json(a, w);
    else search_print_text(a, w);
    if (w->lost.count) status = EXIT_FAILED;
    if (!w->complete && w->state_kept)
        return complain("search", EXIT_INTERRUPTED,
                        "interrupted; the state is in %s, and the same command resumes the search",
                        a->state);
    if (!w->complete) {
        complain("search", EXIT_INTERRUPTED, "interrupted");
        return status == EXIT_OK ? EXIT_INTERRUPTED : status;
    }
    if (search_best(w)) return status;
    const ls_trial *first = &w->search->trial[w->order[0]];
    const char *metric = ls_score_names[w->search->how.metric];
    if (first->reason)
        return complain("search", EXIT_FAILED, "no trial has a score; the first one failed: %s",
                        first->reason);
    return complain(
        "search", EXIT_FAILED,
        !first->parts[w->search->how.metric]
            ? "no trial has a score: %s is not defined on any of the held-out parts; use another --metric"
            : "no trial has a score: %s is infinite; use other options or another --metric",
        metric);
}

static void free_work(search_work *w)
{
    ls_model_free(w->model);
    free(w->rescued);
    ls_search_free(w->search);
    ls_device_close(w->device);
    ls_data_free(w->data);
    free(w->order);
}

/* Prints the results if the search itself is complete, since only the training on all rows has
 * failed then; and the error. */
static int report_failure(const search_arguments *a, const search_work *w, const ls_error *err)
{
    if (w->complete && w->order) report(a, w);
    return complain_error("search", err);
}

/* Options that this search would not use. */
static int check_unused(const search_arguments *a, int strategy)
{
    if (a->folds > 1 && !isnan(a->holdout))
        return complain("search", EXIT_USAGE,
                        "--holdout is for searches without --folds, which score on all rows");
    if (a->eta != (long long)ls_search_defaults.eta && strategy != LS_SEARCH_HALVING)
        return complain("search", EXIT_USAGE, "--eta is for --strategy halving");
    if (a->restart && !a->state && !a->report)
        return complain("search", EXIT_USAGE,
                        "--restart is about the state file; name it with --state or --report");
    return EXIT_OK;
}

static int search(search_arguments *a, arguments *args)
{
    ls_search_settings how = {.trials = (size_t)a->trials,
                              .seeds = (size_t)a->seeds,
                              .folds = (size_t)a->folds,
                              .holdout = isnan(a->holdout) ? -1 : a->holdout,
                              .eta = (size_t)a->eta,
                              .seed = (uint64_t)a->search_seed};
    search_work w = {.lost = {.command = "search"}};
    ls_text state = {0};
    ls_error err;
    int status = choose("strategy", a->strategy, ls_strategy_names, &how.strategy);
    if (status == EXIT_OK && a->metric)
        status = choose("metric", a->metric, ls_score_names, &how.metric);
    if (status == EXIT_OK) status = check_unused(a, how.strategy);
    if (status != EXIT_OK) return status;
    a->data = args->operand[0];
    if (a->report && !a->state) ls_text_add(&state, "%s.state", a->report);
    if (state.text) a->state = state.text;
    status = state.failed                       ? complain("search", EXIT_FAILED, "out of memory")
             : work(a, &w, &how, &err) == LS_OK ? report(a, &w)
                                                : report_failure(a, &w, &err);
    free_work(&w);
    free(state.text);
    return status;
}

int cmd_search(int argc, const char **argv)
{
    const ls_search_settings *d = &ls_search_defaults;
    search_arguments a = {.strategy = ls_strategy_names[d->strategy],
                          .seeds = (long long)d->seeds,
                          .folds = (long long)d->folds,
                          .eta = (long long)d->eta,
                          .search_seed = (long long)d->seed,
                          .holdout = (double)NAN,
                          .top = 10};
    arguments args = {0};
    ls_error err;
    source_options_init(&a.source);
    if (ls_space_create(&a.space, &err) != LS_OK) return complain_error("search", &err);
    struct poptOption *library = library_table();
    int status = library ? parse(&a, &args, library, argc, argv)
                         : complain("search", EXIT_FAILED, "out of memory");
    if (status == EXIT_OK) status = search(&a, &args);
    arguments_free(&args);
    library_table_free(library);
    ls_space_free(a.space);
    return status < 0 ? EXIT_OK : status;
}
