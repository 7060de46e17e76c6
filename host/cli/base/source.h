/* SPDX-License-Identifier: MIT */
/* The options that say which rows to read and which device to use, and what opens them. */
#ifndef LS_CLI_SOURCE_H
#define LS_CLI_SOURCE_H

#include "host/include/lockstep.h"
#include <limits.h>
#include <popt.h>
#include <stdbool.h>

#define SOURCE_ALL_ROWS LLONG_MIN /* --sample is not given */

typedef struct {
    const char *target, *labels, *columns, *drop, *categorical, *missing;
    const char *header, *separator, *decimal, *thousands, *units, *missing_mark;
    const char *task, *weight, *group;
    long long rows;
    double noise;
    long long data_seed, sample;
    int dates;
    int no_target; /* read the features only; no option */
    int apart;     /* keep no cells of a file, but read them whenever they are needed; no option */
    const char *device, *threads;
    int allow_approximate, quiet, json, verbose;
} source_options;

void source_options_init(source_options *options);

/* popt entries. The tables point into `options`, which must outlive them. */
enum { SOURCE_DATA = 21, SOURCE_DEVICE = 7 };
void source_data_table(source_options *options, struct poptOption table[SOURCE_DATA]);
/* The same for rows of a model, without the options for training in the help. */
void source_model_table(source_options *options, struct poptOption table[SOURCE_DATA]);
/* Leaves an option out of the help. */
void source_hide(struct poptOption *table, const char *name);
/* Removes an option. */
void source_drop(struct poptOption *table, const char *name);
void source_device_table(source_options *options, struct poptOption table[SOURCE_DEVICE]);

/* clang-format off */
#define OPTION_THREADS(field) \
    {"threads", 0, POPT_ARG_STRING, &(field), 0, \
     "threads of the CPU path (default: auto, the fastest number, at most one per core)", "N"}
/* clang-format on */

/* ---- Data and models ------------------------------------------------------------------------- */

/* Whether the name is a generator's. A file of that name takes precedence. */
bool source_is_generated(const char *name);

/* Reads a file, or generates rows if the name is a generator's. model: the model that the rows are
 * for, or NULL. */
ls_status source_read(const source_options *options, const char *name, const ls_model *model,
                      ls_data **out, ls_error *err);

/* Reads a file and prints the notes about it, unless --quiet or --json is given. like: training
 * rows whose columns and classes the file must have, or NULL. */
ls_status source_read_file(const source_options *options, const char *name, const ls_model *model,
                           const ls_data *like, ls_data **out, ls_error *err);

/* Opens a file, or standard input for "-", whose rows the model predicts. */
ls_status source_rows(const source_options *options, const char *name, const ls_model *model,
                      ls_reader **out, ls_error *err);

/* Checks that the rows have the targets of the model. name: of the file. */
ls_status source_require_targets(const char *name, const ls_data *data, const ls_model *model,
                                 ls_error *err);

/* Loads a model from its file or from a run folder. *file: the path of the file, freed with free();
 * hex: the hash of its bytes; both may be NULL. */
ls_status source_model_file(const char *path, ls_model **out, char **file, char hex[65],
                            ls_error *err);
ls_status source_model(const char *path, ls_model **out, ls_error *err);

/* ---- Devices --------------------------------------------------------------------------------- */

/* The value of --threads as a number, 0 for auto. */
ls_status source_threads(const source_options *options, unsigned *out, ls_error *err);

/* Opens the device of --device. While an OpenCL device is prepared, a terminal shows a message. */
ls_status source_device(const source_options *options, ls_device **out, ls_error *err);

#endif
