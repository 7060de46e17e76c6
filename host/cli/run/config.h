/* SPDX-License-Identifier: MIT */
/* What a training can be repeated from: its data, how they are read, and the library's options. A
 * run folder stores it in run.json, and train --config reads it from there or from a file written
 * by hand. docs/runs.md describes the format. */
#ifndef LS_CLI_CONFIG_H
#define LS_CLI_CONFIG_H

#include "host/cli/base/source.h"
#include <float.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>

enum { CONFIG_FORMAT = 1 }; /* "format" in run.json */

/* The files that rows and classes come from, and the model that training starts from. Each has a
 * hash. */
enum {
    INPUT_DATA,
    INPUT_LABELS,
    INPUT_TEST,
    INPUT_TEST_LABELS,
    INPUT_FROM,
    INPUTS,
    INPUT_ROWS = INPUT_FROM /* number of those before the model */
};
extern const char *const config_hash_names[INPUTS];

typedef struct {
    const char *data; /* a file or a generator, or NULL if not set */
    const char *test;
    const char *from;      /* the model that training starts from, or NULL */
    int refit;             /* its preprocessing is fitted to the rows */
    const ls_model *start; /* that model once it is loaded; not owned */
    double split;
    ls_threshold_options threshold;
    source_options source; /* only the options about data */
    /* SHA-256 of the file's bytes, or of the numbers of generated data; "" if unknown. */
    char hash[INPUTS][65];
    json_t *root; /* the file that was read, or NULL; owns the strings above */
} run_config;

void config_free(run_config *config);

/* ---- Entries --------------------------------------------------------------------------------- */

/* FLAG: set or not; the command line cannot take it back. */
typedef enum { CONFIG_TEXT, CONFIG_COUNT, CONFIG_REAL, CONFIG_FLAG } config_kind;

/* What an entry describes: which data, how they are read, which rows are held out for testing, what
 * training starts from, or how the model decides. Entries of the last role are in "decision", all
 * others in "data". */
typedef enum {
    CONFIG_WHICH,
    CONFIG_HOW,
    CONFIG_HELD_OUT,
    CONFIG_START,
    CONFIG_DECISION
} config_role;

typedef struct {
    const char *name; /* also of the option on the command line */
    config_kind kind;
    config_role role;
    size_t offset;  /* of the value in run_config */
    double initial; /* the default of a number */
} config_entry;

enum { CONFIG_ENTRIES = 27, CONFIG_DECISIONS = 2 }; /* those of "decision" come last */
extern const config_entry config_entries[CONFIG_ENTRIES];

/* Numbers that are not set. The real one is no NaN, since a user may give NaN, which is an error.
 */
#define CONFIG_UNSET LLONG_MIN
#define CONFIG_UNSET_REAL (-DBL_MAX)

/* The value of an entry of the given kind. */
const char **config_text_of(const run_config *config, const config_entry *entry);
long long *config_count_of(const run_config *config, const config_entry *entry);
double *config_real_of(const run_config *config, const config_entry *entry);
int *config_flag_of(const run_config *config, const config_entry *entry);

/* Whether an entry has its default value, so that it need not be written. */
bool config_is_initial(const run_config *config, const config_entry *entry);

/* ---- Merging --------------------------------------------------------------------------------- */

/* Marks all numbers as not set, before the command line or a file is read. */
void config_unset(run_config *config);

/* Sets all numbers that are not set to their defaults. */
void config_settle(run_config *config);

/* Takes whatever is not set from another config, and the hashes of the data that are taken. */
void config_fill(run_config *config, const run_config *from);

/* A copy that names no files: data are NULL unless they are generated, the others "LABELS", "TEST"
 * and "MODEL". */
run_config config_without_files(const run_config *config);

/* ---- Options --------------------------------------------------------------------------------- */

/* Whether the file that was read sets the option. */
bool config_has_option(const run_config *config, const char *name);

#endif
