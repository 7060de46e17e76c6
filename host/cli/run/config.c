/* SPDX-License-Identifier: MIT */
#include "host/cli/run/config.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

void config_free(run_config *c)
{
    json_decref(c->root);
    c->root = NULL;
}

/* ---- Entries --------------------------------------------------------------------------------- */

#define AT(field) offsetof(run_config, field)
const config_entry config_entries[CONFIG_ENTRIES] = {
    {"source", CONFIG_TEXT, CONFIG_WHICH, AT(data), 0},
    {"labels", CONFIG_TEXT, CONFIG_WHICH, AT(source.labels), 0},
    {"rows", CONFIG_COUNT, CONFIG_WHICH, AT(source.rows), 0},
    {"noise", CONFIG_REAL, CONFIG_WHICH, AT(source.noise), -1},
    {"data-seed", CONFIG_COUNT, CONFIG_WHICH, AT(source.data_seed), 1},
    {"target", CONFIG_TEXT, CONFIG_HOW, AT(source.target), 0},
    {"columns", CONFIG_TEXT, CONFIG_HOW, AT(source.columns), 0},
    {"drop", CONFIG_TEXT, CONFIG_HOW, AT(source.drop), 0},
    {"categorical", CONFIG_TEXT, CONFIG_HOW, AT(source.categorical), 0},
    {"missing", CONFIG_TEXT, CONFIG_HOW, AT(source.missing), 0},
    {"sample", CONFIG_COUNT, CONFIG_WHICH, AT(source.sample), (double)SOURCE_ALL_ROWS},
    {"task", CONFIG_TEXT, CONFIG_HOW, AT(source.task), 0},
    {"header", CONFIG_TEXT, CONFIG_HOW, AT(source.header), 0},
    {"separator", CONFIG_TEXT, CONFIG_HOW, AT(source.separator), 0},
    {"decimal", CONFIG_TEXT, CONFIG_HOW, AT(source.decimal), 0},
    {"thousands", CONFIG_TEXT, CONFIG_HOW, AT(source.thousands), 0},
    {"units", CONFIG_TEXT, CONFIG_HOW, AT(source.units), 0},
    {"missing-mark", CONFIG_TEXT, CONFIG_HOW, AT(source.missing_mark), 0},
    {"dates", CONFIG_FLAG, CONFIG_HOW, AT(source.dates), 0},
    {"weight", CONFIG_TEXT, CONFIG_HOW, AT(source.weight), 0},
    {"group", CONFIG_TEXT, CONFIG_HOW, AT(source.group), 0},
    {"test", CONFIG_TEXT, CONFIG_HELD_OUT, AT(test), 0},
    {"split", CONFIG_REAL, CONFIG_HELD_OUT, AT(split), 0},
    {"from", CONFIG_TEXT, CONFIG_START, AT(from), 0},
    {"refit", CONFIG_FLAG, CONFIG_START, AT(refit), 0},
    {"positive", CONFIG_TEXT, CONFIG_DECISION, AT(threshold.positive), 0},
    {"threshold", CONFIG_TEXT, CONFIG_DECISION, AT(threshold.threshold), 0},
};
const char *const config_hash_names[INPUTS] = {"sha256", "labels_sha256", "test_sha256",
                                               "test_labels_sha256", "from_sha256"};

const char **config_text_of(const run_config *c, const config_entry *e)
{
    return (const char **)((char *)c + e->offset);
}

long long *config_count_of(const run_config *c, const config_entry *e)
{
    return (void *)((char *)c + e->offset);
}

double *config_real_of(const run_config *c, const config_entry *e)
{
    return (void *)((char *)c + e->offset);
}

int *config_flag_of(const run_config *c, const config_entry *e)
{
    return (void *)((char *)c + e->offset);
}

bool config_is_initial(const run_config *c, const config_entry *e)
{
    switch (e->kind) {
    case CONFIG_TEXT: return !*config_text_of(c, e);
    case CONFIG_FLAG: return !*config_flag_of(c, e);
    case CONFIG_COUNT: return *config_count_of(c, e) == (long long)e->initial;
    default: return !(*config_real_of(c, e) >= 0) || *config_real_of(c, e) == e->initial;
    }
}

/* ---- Merging --------------------------------------------------------------------------------- */

static bool is_set(const run_config *c, const config_entry *e)
{
    switch (e->kind) {
    case CONFIG_TEXT: return *config_text_of(c, e) != NULL;
    case CONFIG_FLAG: return *config_flag_of(c, e) != 0;
    case CONFIG_COUNT: return *config_count_of(c, e) != CONFIG_UNSET;
    default: return *config_real_of(c, e) != CONFIG_UNSET_REAL;
    }
}

static void copy_entry(run_config *to, const run_config *from, const config_entry *e)
{
    switch (e->kind) {
    case CONFIG_TEXT: *config_text_of(to, e) = *config_text_of(from, e); break;
    case CONFIG_COUNT: *config_count_of(to, e) = *config_count_of(from, e); break;
    case CONFIG_REAL: *config_real_of(to, e) = *config_real_of(from, e); break;
    case CONFIG_FLAG: *config_flag_of(to, e) = *config_flag_of(from, e); break;
    }
}

void config_unset(run_config *c)
{
    for (size_t i = 0; i < CONFIG_ENTRIES; i++) {
        const config_entry *e = &config_entries[i];
        if (e->kind == CONFIG_COUNT) *config_count_of(c, e) = CONFIG_UNSET;
        if (e->kind == CONFIG_REAL) *config_real_of(c, e) = CONFIG_UNSET_REAL;
    }
}

void config_settle(run_config *c)
{
    for (size_t i = 0; i < CONFIG_ENTRIES; i++) {
        const config_entry *e = &config_entries[i];
        if (is_set(c, e)) continue;
        if (e->kind == CONFIG_COUNT) *config_count_of(c, e) = (long long)e->initial;
        if (e->kind == CONFIG_REAL) *config_real_of(c, e) = e->initial;
    }
}

void config_fill(run_config *to, const run_config *from)
{
    bool data_set = to->data != NULL,
         other_data = data_set && from->data && strcmp(to->data, from->data) != 0,
         labels_set = to->source.labels != NULL, from_set = to->from != NULL,
         test_set = to->test || to->split != CONFIG_UNSET_REAL,
         generator_set = to->source.rows != CONFIG_UNSET || to->source.noise != CONFIG_UNSET_REAL ||
                         to->source.data_seed != CONFIG_UNSET;
    for (size_t i = 0; i < CONFIG_ENTRIES; i++) {
        const config_entry *e = &config_entries[i];
        /* entries that describe other data than those of `to` */
        bool foreign = (e->role == CONFIG_WHICH && other_data) ||
                       (e->role == CONFIG_HELD_OUT && test_set);
        if (!foreign && !is_set(to, e) && is_set(from, e)) copy_entry(to, from, e);
    }
    const bool taken[INPUTS] = {!data_set && !generator_set, !data_set && !labels_set, !test_set,
                                !test_set, !from_set};
    for (size_t i = 0; i < INPUTS; i++)
        if (taken[i]) strcpy(to->hash[i], from->hash[i]);
}

run_config config_without_files(const run_config *c)
{
    run_config bare = *c;
    if (c->data && !source_is_generated(c->data)) bare.data = NULL;
    if (c->source.labels) bare.source.labels = "LABELS";
    if (c->test) bare.test = "TEST";
    if (c->from) bare.from = "MODEL";
    return bare;
}

/* ---- Options --------------------------------------------------------------------------------- */

bool config_has_option(const run_config *c, const char *name)
{
    return json_object_get(json_object_get(c->root, "options"), name) != NULL;
}
