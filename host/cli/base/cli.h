/* SPDX-License-Identifier: MIT */
/* What the subcommands share. The program is the only part of Lockstep that prints or exits. */
#ifndef LS_CLI_H
#define LS_CLI_H

#include "host/base/error.h"
#include <jansson.h>
#include <popt.h>

/* Exit statuses; stable. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

/* A subcommand: parses argv[1..], does its work, returns an exit status. argv[0] is its name. */
typedef struct {
    const char *name;
    int (*run)(int argc, const char **argv);
    const char *about;
} subcommand;

int cmd_train(int argc, const char **argv);
int cmd_describe(int argc, const char **argv);
int cmd_evaluate(int argc, const char **argv);
int cmd_predict(int argc, const char **argv);
int cmd_show(int argc, const char **argv);
int cmd_devices(int argc, const char **argv);
int cmd_make(int argc, const char **argv);
int cmd_compare(int argc, const char **argv);
int cmd_tune(int argc, const char **argv);
int cmd_search(int argc, const char **argv);
int cmd_experiment(int argc, const char **argv);
int cmd_plot(int argc, const char **argv);
int cmd_report(int argc, const char **argv);
int cmd_verify(int argc, const char **argv);

/* ---- Arguments (args.c) ---------------------------------------------------------------------- */

/* Parsed command line of a subcommand: options went to where its table points, the rest are
 * positional. */
typedef struct {
    poptContext context;
    const char *command;
    const char *operand[8];
    int operands;
    char *owned[32]; /* values of string options, which popt allocates */
    size_t owned_count;
} arguments;

/* Handles an option whose table entry has val != 0; text is its argument or NULL. Returns an exit
 * status, EXIT_OK to go on. */
typedef int (*option_handler)(int val, const char *text, void *user);

/* Parses; usage: what stands behind "lockstep COMMAND" in the help. intro: a paragraph before the
 * options. Returns EXIT_OK, or the status to exit with (after --help: -1 stands for "exit with
 * EXIT_OK"). */
int arguments_parse(arguments *args, int argc, const char **argv, struct poptOption *table,
                    const char *usage, const char *intro, int least, int most,
                    option_handler handler, void *user);
void arguments_free(arguments *args);

/* Prints "lockstep COMMAND: message" to stderr and returns status. */
int complain(const char *command, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed library call: bad arguments exit with EXIT_USAGE, all else with
 * EXIT_FAILED. */
int complain_error(const char *command, const ls_error *err);

/* ---- The library's options (library_options.c) ----------------------------------------------- */

/* popt entries for every option of the library, flags with a "no-" twin; NULL where memory is out.
 */
struct poptOption *library_table(void);
void library_table_free(struct poptOption *table);
/* The option that such an entry stands for, and its value as text. */
const ls_option_info *library_option(int val, const char *text, const char **value);
/* Handles one of them (see option_handler); returns an exit status. */
int library_set(ls_options *options, int val, const char *text, const char *command);

/* ---- What is decided (threshold.c) ----------------------------------------------------------- */

/* popt entries of --positive and --threshold; best_f1: whether that may be asked for. They point
 * into the options. */
enum { THRESHOLD_OPTIONS = 3 };
void threshold_table(ls_threshold_options *options, bool best_f1,
                     struct poptOption table[THRESHOLD_OPTIONS]);
/* positive, threshold (null: the largest output) and source; null for other than two classes. */
json_t *decision_json(const ls_decision *decision, const ls_model *model);
/* A line, or nothing where no threshold was set. */
void print_decision(const char *label, const ls_decision *decision, const ls_model *model);

/* ---- Data and devices (source.c) ------------------------------------------------------------- */

/* Options that say where rows come from and which device works on them. */
typedef struct {
    const char *target, *labels, *columns, *drop, *categorical, *missing;
    long long rows;
    double noise;
    long long data_seed;
    const char *device, *threads;
    int allow_approximate, quiet, json;
} source_options;

void source_options_init(source_options *options);
/* popt entries for parts of them; the tables point into the options and must not outlive them. */
enum { SOURCE_DATA = 10 };
void source_data_table(source_options *options, struct poptOption table[SOURCE_DATA]);
void source_device_table(source_options *options, struct poptOption table[6]);

/* Whether a name stands for a generator: files of that name go first. */
bool source_is_generated(const char *name);
/* Reads a file, or generates where name is a generator's. model: rows for it, or NULL. */
ls_status source_read(const source_options *options, const char *name, const ls_model *model,
                      ls_data **out, ls_error *err);
/* Reads a file. like: rows to train on, of which these are to be like, or NULL. */
ls_status source_read_file(const source_options *options, const char *name, const ls_model *model,
                           const ls_data *like, ls_data **out, ls_error *err);

/* Loads a model, from its file or from a run's folder. */
ls_status source_model(const char *path, ls_model **out, ls_error *err);

/* --threads as a number, 0 for auto. */
ls_status source_threads(const source_options *options, unsigned *out, ls_error *err);
/* Opens the device asked for, with a word on a terminal while an OpenCL device is prepared. */
ls_status source_device(const source_options *options, ls_device **out, ls_error *err);

/* Whether a result could be written to path, asked before long work; NULL and "-" can. */
ls_status source_check_writable(const char *path, ls_error *err);

/* Refuses a result's path that is a file of the data, or the model in a run's folder. */
ls_status source_check_apart(const char *path, const char *data, ls_error *err);
/* Refuses two results in one file. Paths may be NULL. */
ls_status source_check_once(const char *const *paths, size_t count, ls_error *err);

/* ---- Signals and time (interrupt.c) ---------------------------------------------------------- */

/* From here on the first Ctrl-C (or SIGTERM) asks to stop, the second one kills as usual. */
void interrupt_catch(void);
int interrupted(void);

/* ---- Output (output.c) ----------------------------------------------------------------------- */

json_t *metrics_json(const ls_metrics *metrics, const ls_model *model);
void print_metrics_header(void);
void print_metrics(const char *label, const ls_metrics *metrics);
/* Each class's figures with their averages, and a line of those that need no decision; both where
 * classes are few enough for a table. */
void print_classes(const ls_metrics *metrics, const ls_model *model);
void print_confusion(const ls_metrics *metrics, const ls_model *model);
void print_calibration(const ls_metrics *metrics, const ls_model *model);
/* The device in use, and what it was chosen from; taken when the work is done, as later work may
 * choose another. */
enum { DEVICE_TRIALS = 80 };
typedef struct {
    ls_device_info info;
    ls_device_trial trial[DEVICE_TRIALS];
    size_t trials;
} device_report;
void device_report_take(device_report *report, const ls_device *device);
/* Two lines at most: "device …", and "chosen …" where there were others to choose from. */
void device_report_print(const device_report *report);
/* The trials: a list of name, steps_per_second (null: not measured), chosen, note. */
json_t *device_report_json(const device_report *report);
/* "2-20-20-1" */
void describe_widths(const ls_model *model, char *out, size_t size);
/* Prints a JSON object and a newline to stdout and frees it. */
void print_json(json_t *object);
/* A number for JSON; NaN and infinities become null. */
json_t *number_json(double value);

#endif
