/* SPDX-License-Identifier: MIT */
/* What writing and reading model files have in common; docs/file-format.md describes the files. */
#ifndef LS_MODEL_FORMAT_H
#define LS_MODEL_FORMAT_H

#include "host/base/error.h"
#include <jansson.h>

/* Versions of the metadata. A file gets the lowest version that can express it, so that older
 * programs read it or refuse it, but never misread it. */
enum {
    LS_FORMAT_PLAIN = 1,   /* rows of plain numbers */
    LS_FORMAT_ENCODED = 2, /* with "columns": categories and missing values */
    LS_FORMAT_DECIDED = 3, /* with "decision", with or without "columns" */
    LS_FORMAT_TARGETS = 4, /* with "targets", numbers or labels, with or without "columns" */
    LS_FORMAT_SOURCE = 5,  /* with "source", with or without any of these */
    LS_FORMAT_ENSEMBLE = 6 /* with "ensemble", with or without any of these */
};

#define LS_HEADER_LIMIT 100000000u /* bytes, as in the reference implementation of safetensors */

/* Flags for jansson: the one text that given metadata has. */
#define LS_CANONICAL_JSON (JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17))

/* Names of the threshold sources that files know, by ls_threshold_source. A threshold chosen on the
 * rows that it judges (LS_THRESHOLD_DATA) is never saved. */
enum { LS_SAVED_SOURCES = 4 };
extern const char *const ls_saved_sources[LS_SAVED_SOURCES];

/* Names of the tasks in "targets"; NULL for classes, which have no such entry. */
enum { LS_TASKS = 3 };
extern const char *const ls_saved_tasks[LS_TASKS];

/* Options that files leave out at their default, because older versions do not have them, or not
 * with this default: they read such a file as it is meant. Ends with NULL. */
extern const char *const ls_later_options[];

/* Entries that a member of an ensemble leaves out where they are those of the ensemble, and has as
 * null where it has none. Ends with NULL. */
extern const char *const ls_shared_entries[];

/* What the names of the tensors of network i begin with: nothing without an ensemble. */
enum { LS_MEMBER_PREFIX = 32 };
void ls_member_prefix(bool ensemble, size_t i, char prefix[LS_MEMBER_PREFIX]);

/* The whole numbers in "training", by name and place in ls_summary. */
typedef struct {
    const char *name;
    size_t offset;
} ls_training_field;
enum { LS_TRAINING_COUNTS = 3 };
extern const ls_training_field ls_training_counts[LS_TRAINING_COUNTS];

/* The place of count i in a summary. */
uint64_t *ls_training_count(ls_summary *summary, size_t i);

/* Removes "metadata_sha256" and hashes the rest as canonical JSON, so that every change in it is
 * noticed. False if memory runs out. */
bool ls_metadata_hash(json_t *meta, char hex[65]);

#endif
