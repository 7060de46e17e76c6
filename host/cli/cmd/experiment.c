/* SPDX-License-Identifier: MIT */
#include "host/base/clock.h"
#include "host/base/file.h"
#include "host/base/folder.h"
#include "host/base/json.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/cli/base/args.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/source.h"
#include "host/cli/base/terminal.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/experiment/page.h"
#include "host/cli/experiment/plots.h"
#include "host/cli/experiment/result_files.h"
#include "host/cli/experiment/run.h"
#include "host/cli/experiment/saved.h"
#include "host/cli/experiment/verdict.h"
#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char intro[] =
    "Runs published experiments, each with several seeds, and writes tables (CSV and Markdown), plots\n"
    "(SVG, needs gnuplot) and a report (index.html) to the folder DIR. EXPERIMENT is one of these\n"
    "letters, several (RXT), or all:\n"
    "\n"
    "  R  logistic regression          H  hyperparameters        T  three classes\n"
    "  W  width                        F  files\n"
    "  D  depth                        X  linear and XOR\n"
    "\n"
    "  lockstep experiment all --device cpu -o results\n"
    "  lockstep experiment X --quick -o quick       a hundredth of the epochs, 2 seeds, for a quick test\n"
    "\n"
    "All files except timing.txt are identical, byte for byte, on every exact device.\n";

static int set_letters(exp_order *order, const char *name)
{
    if (!strcmp(name, "all")) name = "RWDHFXT";
    if (!*name || strspn(name, "RWDHFXT") != strlen(name) || strlen(name) >= sizeof order->letters)
        return complain(
            "experiment", EXIT_USAGE,
            "unknown experiment '%.40s'; the experiments are R, W, D, H, F, X, T and all", name);
    snprintf(order->letters, sizeof order->letters, "%s", name);
    return EXIT_OK;
}

static ls_status make_folder(const char *folder, ls_error *err)
{
    assert(folder);
    LS_TRY(ls_folder_make(folder, NULL, err));
    return access(folder, W_OK) ? ls_fail(err, LS_ERR_IO, "cannot write to the folder %s: %s",
                                          folder, strerror(errno))
                                : LS_OK;
}

/* Whether a file has the title of the page of experiments. */
static bool is_our_page(const char *path)
{
    char text[1024];
    size_t size, length = 0;
    int file;
    if (ls_open_regular(path, &file, &size, NULL) != LS_OK) return false;
    ls_status status = ls_read_some(file, path, text, sizeof text - 1, &length, NULL);
    close(file);
    text[length] = '\0';
    return status == LS_OK && strstr(text, "<title>" EXP_TITLE "</title>");
}

static ls_status check_file(const exp_order *order, const char *name, const char *suffix,
                            ls_error *err)
{
    struct stat about;
    ls_text path = {0};
    ls_text_add(&path, "%s/%s%s", order->folder, name, suffix);
    ls_status status = path.failed ? ls_fail(err, LS_ERR_MEMORY, "out of memory for a name")
                       : lstat(path.text, &about) == 0
                           ? ls_fail(err, LS_ERR_ARGUMENT,
                                     "%s exists, and is not of an experiment; name another folder",
                                     path.text)
                           : LS_OK;
    free(path.text);
    return status;
}

/* A folder may hold the results of an earlier experiment, but no other files with their names. */
static ls_status check_folder(const exp_order *order, ls_error *err)
{
    static const char *const tables[] = {".csv", ".md", "-curves.csv", "-losses.csv"};
    ls_text page = {0};
    ls_text_add(&page, "%s/index.html", order->folder);
    bool ours = !page.failed && is_our_page(page.text);
    free(page.text);
    if (ours) return LS_OK;
    LS_TRY(check_file(order, "index", ".html", err));
    LS_TRY(check_file(order, "timing", ".txt", err));
    for (const char *letter = order->letters; *letter; letter++) {
        const char name[2] = {*letter, '\0'};
        for (size_t k = 0; k < sizeof tables / sizeof *tables; k++)
            LS_TRY(check_file(order, name, tables[k], err));
        for (size_t k = 0; k < exp_plot_count; k++) {
            if (strcmp(exp_plots[k].experiment, name)) continue;
            char plot[64];
            snprintf(plot, sizeof plot, "%s-%s", name, exp_plots[k].name);
            LS_TRY(check_file(order, plot, ".svg", err));
        }
    }
    return LS_OK;
}

/* timing.txt is the only file that depends on the machine. */
static ls_status write_timing(const exp_session *s, const ls_device *device, double total,
                              ls_error *err)
{
    ls_text text = {0};
    char path[4096];
    ls_text_add(&text,
                "device    %s\ntrainings %zu\nsteps     %llu\ntraining  %.1f s\ntotal     %.1f s\n",
                ls_device_get_info(device)->name, s->trainings, (unsigned long long)s->steps,
                s->seconds, total);
    snprintf(path, sizeof path, "%s/timing.txt", s->order->folder);
    ls_status status = text.failed ? ls_fail(err, LS_ERR_MEMORY, "out of memory")
                                   : ls_write_file(path, text.text, text.length, err);
    free(text.text);
    return status;
}

/* A plot that cannot be drawn is left out of the page. */
static void write_report(const exp_session *s, losses *lost)
{
    char **svg;
    ls_error err;
    if (!losses_check(lost, ls_alloc(&svg, exp_plot_count, sizeof *svg, "the plots", &err), &err))
        return;
    exp_draw(s, svg, lost);
    losses_check(lost, exp_write_page(s, svg, &err), &err);
    for (size_t i = 0; i < exp_plot_count; i++) free(svg[i]);
    free(svg);
}

static ls_status work(const exp_order *order, const source_options *source, exp_session *s,
                      losses *lost, ls_error *err)
{
    ls_device *device;
    double started = ls_clock();
    LS_TRY(make_folder(order->folder, err));
    LS_TRY(check_folder(order, err));
    LS_TRY(source_device(source, &device, err));
    interrupt_catch();
    ls_status status = exp_session_run(s, device, err);
    if (status == LS_OK) {
        ls_error why;
        write_report(s, lost); /* first: a folder is known by it */
        exp_write_files(s, lost);
        losses_check(lost, write_timing(s, device, ls_clock() - started, &why), &why);
        if (!lost->count) exp_saved_remove(order);
    }
    ls_device_close(device);
    return status;
}

/* How many of the published metrics of a letter are reached, better and not reached. */
static void count_verdicts(const exp_session *s, const char *letter, size_t count[4])
{
    for (size_t i = 0; i < s->results; i++) {
        exp_claim claim[EXP_METRICS];
        const exp_result *r = &s->result[i];
        if (strcmp(r->row->experiment, letter)) continue;
        size_t n = exp_claims(r->row, claim);
        if (!r->row->data) count[EXP_OPEN]++;
        for (size_t k = 0; r->row->data && k < n; k++) count[exp_judge(r, &claim[k])]++;
    }
}

/* Prints one line per experiment. */
static void summarize(const exp_session *s)
{
    for (size_t t = 0; t < exp_text_count; t++) {
        size_t count[4] = {0};
        if (!strstr(s->order->letters, exp_texts[t].letter)) continue;
        count_verdicts(s, exp_texts[t].letter, count);
        terminal_print(stdout,
                       "%s  %-24s %2zu published metrics reached, %2zu better, %2zu not reached",
                       exp_texts[t].letter, exp_texts[t].title, count[EXP_REACHED],
                       count[EXP_BETTER], count[EXP_NOT_REACHED]);
        if (count[EXP_OPEN]) terminal_print(stdout, ", %zu open", count[EXP_OPEN]);
        terminal_print(stdout, "\n");
    }
    terminal_print(stdout, "%zu trainings, %.1f million steps in %.1f s%s; see %s\n", s->trainings,
                   (double)s->steps * 1e-6, s->seconds,
                   s->order->quick ? " (--quick: too short to judge by)" : "", s->order->folder);
}

/* The same as an object. */
static int print_summary(const exp_session *s)
{
    json_t *list = json_array();
    for (size_t t = 0; t < exp_text_count; t++) {
        size_t count[4] = {0};
        if (!strstr(s->order->letters, exp_texts[t].letter)) continue;
        count_verdicts(s, exp_texts[t].letter, count);
        ls_json_append(&list, json_pack("{s:s,s:s,s:I,s:I,s:I,s:I}", "experiment",
                                        exp_texts[t].letter, "title", exp_texts[t].title, "reached",
                                        (json_int_t)count[EXP_REACHED], "better",
                                        (json_int_t)count[EXP_BETTER], "not_reached",
                                        (json_int_t)count[EXP_NOT_REACHED], "open",
                                        (json_int_t)count[EXP_OPEN]));
    }
    return print_json("experiment",
                      json_pack("{s:o,s:I,s:I,s:f,s:b,s:o}", "experiments", list, "trainings",
                                (json_int_t)s->trainings, "steps", (json_int_t)s->steps, "seconds",
                                s->seconds, "quick", (int)s->order->quick, "folder",
                                json_shown(s->order->folder)));
}

int cmd_experiment(int argc, const char **argv)
{
    exp_order order = {.datasets = "datasets"};
    exp_session session = {.order = &order};
    source_options source;
    arguments args = {0};
    losses lost = {.command = "experiment"};
    ls_error err;
    int seeds = 0, quick = 0;
    source_options_init(&source);
    struct poptOption table[] = {
        {NULL, 'o', POPT_ARG_STRING, &order.folder, 0, "the folder to write to; created if missing",
         "DIR"},
        {"seeds", 0, POPT_ARG_INT, &seeds, 0,
         "trainings of each network, each with its own data (default: 10; with --quick 2)", "N"},
        {"quick", 0, POPT_ARG_NONE, &quick, 0, "a hundredth of the epochs", NULL},
        {"datasets", 0, POPT_ARG_STRING, &order.datasets, 0,
         "folder of the files of experiment T (default: datasets)", "DIR"},
        {"device", 0, POPT_ARG_STRING, &source.device, 0, "as for lockstep train", "NAME"},
        {"threads", 0, POPT_ARG_STRING, &source.threads, 0,
         "threads of the CPU path (default: one per core)", "N"},
        OPTION_QUIET(source.quiet),
        OPTION_JSON(source.json),
        OPTION_VERBOSE(source.verbose),
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "EXPERIMENT -o DIR", intro, 1, 1, NULL,
                                 NULL);
    order.quick = quick;
    order.quiet = source.quiet || source.json;
    order.seeds = seeds > 0 ? (size_t)seeds : quick ? 2 : 10;
    if (status == EXIT_OK && !order.folder)
        status = complain("experiment", EXIT_USAGE, "name a folder for the results with -o DIR");
    if (status == EXIT_OK && (seeds < 0 || seeds > EXP_MOST_SEEDS))
        status = complain("experiment", EXIT_USAGE, "--seeds takes a number from 1 to 1000");
    if (status == EXIT_OK) status = set_letters(&order, args.operand[0]);
    if (status == EXIT_OK) {
        if (work(&order, &source, &session, &lost, &err) == LS_OK) {
            if (source.json) status = print_summary(&session);
            else summarize(&session);
            if (lost.count) status = EXIT_FAILED;
        } else
            status = interrupted() ? complain("experiment", EXIT_INTERRUPTED, "%s", err.message)
                                   : complain_error("experiment", &err);
    }
    exp_session_free(&session);
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
