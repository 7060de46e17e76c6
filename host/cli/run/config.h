/* SPDX-License-Identifier: MIT */
/* What a training is repeated from: which data, read how, and the library's options. A run's folder
 * keeps it in run.json, and train --config reads it from there, or from a file that someone wrote
 * by hand. docs/runs.md describes the format. */
#ifndef LS_CLI_CONFIG_H
#define LS_CLI_CONFIG_H

#include "host/base/text.h"
#include "host/cli/base/source.h"
#include <jansson.h>
#include <stdbool.h>

/* The files that rows and classes come from, each with a hash. */
enum { INPUT_DATA, INPUT_LABELS, INPUT_TEST, INPUT_TEST_LABELS, INPUTS };

typedef struct {
    const char *data; /* a file or a generator; NULL: not said */
    const char *test;
    double split;
    ls_threshold_options threshold;
    source_options source; /* its part about data */
    char hash[INPUTS][65]; /* SHA-256 of the files' bytes (of generated data: of its numbers); "":
                              not known */
    json_t *root;          /* the file that was read; texts above lie in it */
} run_config;

/* Numbers that were not said, on the command line or in a file: what stands there before either is
 * read. */
void config_unset(run_config *config);
/* Defaults for numbers that are still not said. */
void config_settle(run_config *config);
/* What is not said is taken from another config; and hashes where they belong to what is taken. */
void config_fill(run_config *config, const run_config *from);

/* Reads a file. Everything in it is checked, the options too; unknown names are refused, with the
 * nearest one. */
ls_status config_read(const char *path, run_config *out, ls_error *err);
/* The same of the bytes of a file; path is for messages. */
ls_status config_parse(const char *path, const char *bytes, size_t size, run_config *out,
                       ls_error *err);
/* Sets the options that the file has; path is for messages. */
ls_status config_options(const run_config *config, const char *path, ls_options *options,
                         ls_error *err);
bool config_has_option(const run_config *config, const char *name);
void config_free(run_config *config);

/* Whether all of it can be written as JSON. */
ls_status config_check(const run_config *config, ls_error *err);
/* {"format", "lockstep", "data", "options"}, and "decision" where one was asked for */
json_t *config_json(const run_config *config, const ls_options *options);

/* Whether an option says when to stop. Where data have categories or gaps and none of these is
 * given, training sets --patience. */
bool config_is_stop(const char *option);

/* " WORD", quoted where the shell would see more than a word in it. */
void command_add_word(ls_text *out, const char *word);
/* "lockstep train DATA --target … --epochs …": all that was said about data and decision, and the
 * options that are not at their defaults. Pasted into a shell it trains the same model. Data that
 * are not known are DATA. */
void command_add_train(ls_text *out, const run_config *config, const ls_options *options);

/* Hashes of what the data were read from. rows: the data, where it was generated. */
ls_status config_hash(run_config *config, const ls_data *rows, ls_error *err);

#endif
