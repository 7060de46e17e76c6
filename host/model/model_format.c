/* SPDX-License-Identifier: MIT */
#include "host/model/model_format.h"
#include "host/base/json.h"
#include "host/base/sha256.h"
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const char *const ls_saved_sources[LS_SAVED_SOURCES] = {[LS_THRESHOLD_DEFAULT] = "default",
                                                        [LS_THRESHOLD_GIVEN] = "given",
                                                        [LS_THRESHOLD_VALIDATION] = "validation",
                                                        [LS_THRESHOLD_TRAINING] = "training"};

const char *const ls_saved_tasks[LS_TASKS] = {
    [LS_TASK_REGRESSION] = "regression", [LS_TASK_MULTILABEL] = "multilabel"};

const char *const ls_later_options[] = {"huber-delta",
                                        "standardize-target",
                                        "l2",
                                        "schedule",
                                        "patience",
                                        "net",
                                        "shape",
                                        "augment-shift",
                                        "augment-flip",
                                        "on-nan",
                                        "fold",
                                        "label-smoothing",
                                        "scaling",
                                        "embedding",
                                        "bins",
                                        NULL};

const char *const ls_shared_entries[] = {"features",    "classes", "columns", "source",
                                         "standardize", "targets", NULL};

const ls_training_field ls_training_counts[LS_TRAINING_COUNTS] = {
    {"epochs", offsetof(ls_summary, epochs)},
    {"steps", offsetof(ls_summary, steps)},
    {"best_epoch", offsetof(ls_summary, best_epoch)},
};

void ls_member_prefix(bool ensemble, size_t i, char prefix[LS_MEMBER_PREFIX])
{
    *prefix = 0;
    if (ensemble) snprintf(prefix, LS_MEMBER_PREFIX, "members.%zu.", i);
}

uint64_t *ls_training_count(ls_summary *summary, size_t i)
{
    assert(i < LS_TRAINING_COUNTS);
    return (uint64_t *)(void *)((char *)summary + ls_training_counts[i].offset);
}

bool ls_metadata_hash(json_t *meta, char hex[65])
{
    json_object_del(meta, "metadata_sha256");
    char *text = ls_json_dump(meta, LS_CANONICAL_JSON);
    if (!text) return false;
    ls_sha256_of(text, strlen(text), hex);
    free(text);
    return true;
}
