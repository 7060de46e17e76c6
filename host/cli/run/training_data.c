/* SPDX-License-Identifier: MIT */
#include "host/cli/run/training_data.h"
#include "host/base/error.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/cli/base/source.h"
#include "host/cli/base/standard_input.h"
#include "host/cli/base/terminal.h"
#include "host/cli/run/config.h"
#include "host/cli/run/config_hash.h"
#include "host/data/notes.h"
#include "host/data/parts.h"
#include "host/data/split.h"
#include "host/data/value.h"
#include "host/data/walk.h"
#include "host/model/training_rows.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Hashes what the data are read from, and compares the hashes with those of --config.
 * rows: the rows if they were generated, otherwise NULL. */
static ls_status check_hashes(training_request *r, const ls_data *rows, bool quiet, ls_error *err)
{
    if (!r->run && !r->config) return LS_OK;
    char wanted[INPUT_ROWS][65];
    memcpy(wanted, r->inputs.hash, sizeof wanted);
    LS_TRY(config_hash(&r->inputs, rows, err));
    for (size_t i = 0; i < INPUT_ROWS; i++) {
        const char *name = i == INPUT_TEST || i == INPUT_TEST_LABELS ? r->test : r->data,
                   *what = i == INPUT_LABELS || i == INPUT_TEST_LABELS ? "the classes of " : "",
                   *hash = r->inputs.hash[i], *in_file = r->file.hash[i];
        if (*wanted[i] && strcmp(wanted[i], hash) && r->resumes)
            return ls_fail(
                err, LS_ERR_DATA,
                "%s%s: the data have changed since the training was begun (their SHA-256 "
                "is %.16s..., not %.16s...); if the old file is elsewhere: lockstep "
                "resume %s --data FILE",
                what, name, *hash ? hash : "missing", wanted[i], r->safety.checkpoint);
        if (*wanted[i] && strcmp(wanted[i], hash) && r->repeats)
            return ls_fail(
                err, LS_ERR_DATA,
                "%s%s: these are not the data of the run: their SHA-256 is %.16s..., not "
                "%.16s...; where the run's data are: lockstep verify %s --%s FILE",
                what, name, *hash ? hash : "missing", wanted[i], r->repeats,
                i == INPUT_LABELS ? "labels"
                : name == r->test ? "test"
                                  : "data");
        if (*wanted[i] && strcmp(wanted[i], hash))
            return ls_fail(
                err, LS_ERR_DATA,
                "%s%s: these are not the data of %s: their SHA-256 is %.16s..., not %.16s...; to train on them "
                "anyway, name them: lockstep train DATA --config %s",
                what, name, r->config, *hash ? hash : "missing", wanted[i], r->config);
        if (!quiet && !*wanted[i] && *in_file && *hash && strcmp(in_file, hash))
            terminal_print(stderr, "note: %s%s: not the data of %s\n", what, name, r->config);
    }
    return LS_OK;
}

static ls_status read_test(const training_request *r, const ls_data *train, ls_data **test,
                           ls_error *err)
{
    /* the test rows are read like the training rows, whose options say nothing about another file
     */
    const source_options o = {.quiet = r->source.quiet,
                              .json = r->source.json,
                              .data_seed = 1,
                              .noise = -1,
                              .sample = SOURCE_ALL_ROWS};
    const char *target = ls_data_target_name(train);
    LS_TRY(source_read_file(&o, r->test, NULL, train, test, err));
    if (ls_data_y(*test) || ls_data_values(*test)) return LS_OK;
    if (ls_data_absence(*test))
        return ls_fail(err, LS_ERR_DATA,
                       "%s: has %s to test against; name the column as in the training file",
                       r->test, ls_data_absence(*test));
    return ls_fail(err, LS_ERR_DATA,
                   "%s: has no %s column \"%s\" to test against; name the column as in the "
                   "training file",
                   r->test, ls_data_task(train) == LS_TASK_CLASSIFICATION ? "class" : "target",
                   target ? ls_excerpt_of(target).text : "class");
}

/* Moves the share of --split from *train to *test. The seed of --seed also decides the split. */
static ls_status split(const training_request *r, ls_data **train, ls_data **test, ls_error *err)
{
    uint64_t seed = 1;
    ls_data *rest, *part;
    ls_parse_u64(ls_options_get(r->options, "seed"), &seed);
    LS_TRY(ls_data_split(*train, r->split, seed, &rest, &part, err));
    ls_status status = ls_data_notes_move(*train, rest, err);
    ls_data_free(*train);
    *train = rest;
    *test = part;
    return status;
}

static ls_status read_train(training_request *r, bool quiet, ls_data **train, ls_error *err)
{
    bool generated = source_is_generated(r->data), repeated = r->repeats || r->resumes,
         there = ls_parts_exist(r->data) || (is_standard_input(r->data) && !repeated);
    if (!generated) LS_TRY(training_request_find(r, r->data, "data", err));
    if (r->source.labels) LS_TRY(training_request_find(r, r->source.labels, "labels", err));
    if (r->test) LS_TRY(training_request_find(r, r->test, "test", err));
    if (!generated && !there && r->config && *r->inputs.hash[INPUT_DATA])
        return ls_fail(
            err, LS_ERR_IO,
            "%s, named by %s, does not exist (relative to the current folder); change to the folder of that "
            "training, or name the data: lockstep train DATA --config %s",
            r->data, r->config, r->config);
    if (!generated && there) LS_TRY(check_hashes(r, NULL, quiet, err));
    source_options how = r->source;
    how.apart = r->shards;
    LS_TRY(source_read(&how, r->data, r->start, train, err));
    if (r->start && !generated) LS_TRY(source_require_targets(r->data, *train, r->start, err));
    return generated ? check_hashes(r, *train, quiet, err) : LS_OK;
}

/* Adds a note to the rows and prints it. */
static ls_status tell(ls_data *train, bool quiet, const char *note, ls_error *err)
{
    LS_TRY(ls_data_note_add(train, err, "%s", note));
    if (!quiet) terminal_print(stderr, "note: %s\n", note);
    return LS_OK;
}

static ls_status count_missing(const ls_data *train, size_t *missing, size_t *incomplete,
                               ls_error *err)
{
    size_t *counts;
    LS_TRY(ls_alloc(&counts, train->columns, sizeof *counts, "the columns", err));
    ls_status status = ls_data_missing(train, counts, err);
    *missing = *incomplete = 0;
    for (size_t c = 0; c < train->columns; c++) {
        *missing += counts[c];
        *incomplete += counts[c] > 0;
    }
    free(counts);
    return status;
}

/* Notes what is said about categories and missing values. */
static ls_status handle_mixed(ls_data *train, bool quiet, ls_error *err)
{
    char note[160];
    size_t categorical = 0, missing, incomplete, columns = ls_data_columns(train),
           dropped = ls_data_dropped(train);
    if (!train->column) return LS_OK; /* plain numbers */
    LS_TRY(count_missing(train, &missing, &incomplete, err));
    for (size_t c = 0; c < columns; c++) categorical += train->column[c].categorical;
    if (dropped) {
        snprintf(note, sizeof note, "%zu rows with missing values were left out (--missing drop)",
                 dropped);
        LS_TRY(tell(train, quiet, note, err));
    }
    if (!categorical && !missing) return LS_OK;
    snprintf(note, sizeof note,
             "%zu of %zu columns have categories; %zu values are missing, in %zu columns",
             categorical, columns, missing, incomplete);
    return tell(train, quiet, note, err);
}

ls_status training_data_read(training_request *r, bool quiet, ls_data **train, ls_data **test,
                             ls_error *err)
{
    LS_TRY(read_train(r, quiet, train, err));
    if (r->test) LS_TRY(read_test(r, *train, test, err));
    else if (r->split > 0) LS_TRY(split(r, train, test, err));
    return handle_mixed(*train, quiet, err);
}
