/* SPDX-License-Identifier: MIT */
#include "host/cli/run/split.h"
#include "host/base/error.h"
#include "host/base/json.h"
#include "host/base/memory.h"
#include "host/base/neighbours.h"
#include "host/base/text.h"
#include "host/cli/run/config_read.h"
#include "host/cli/run/config_write.h"
#include "host/data/split.h"
#include "host/data/value.h"
#include "host/model/model.h"
#include "host/model/model_format.h"
#include "host/model/training_rows.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { TRAIN, VALIDATION, TEST, PARTS };
static const char *const parts[PARTS] = {"train", "validation", "test"};

/* ---- Noting ---------------------------------------------------------------------------------- */

/* How rows were read. Equal rows give equal models: names of files and generators are left out, and
 * what makes generated rows, which a file of them does not know. */
static run_config without_names(const run_config *c)
{
    run_config bare = config_without_files(c);
    if (bare.data) {
        bare.source.rows = 0;
        bare.source.noise = -1;
        bare.source.data_seed = 1;
    }
    bare.data = bare.source.labels = bare.test = NULL;
    bare.split = 0;
    memset(bare.hash, 0, sizeof bare.hash);
    return bare;
}

ls_status split_note(ls_model *m, const run_config *c, const ls_data *rows, const ls_data *test,
                     const char *hash, ls_error *err)
{
    const ls_settings *s = &m->options->settings;
    ls_split_record r = {.test = test ? c->split : 0,
                         .validation = s->fold.parts ? 1 / (double)s->fold.parts
                                                     : ls_training_share(s, rows)};
    if (r.test <= 0 && r.validation <= 0) return LS_OK;
    run_config bare = without_names(c);
    LS_TRY(config_check(&bare, err));
    json_t *read = config_data_json(&bare);
    r.read = ls_json_dump(read, LS_CANONICAL_JSON);
    json_decref(read);
    if (!r.read) return ls_fail(err, LS_ERR_MEMORY, "out of memory for the split");
    ls_split_record *noted;
    memcpy(r.sha256, hash, strlen(hash) + 1);
    ls_status status = *hash ? LS_OK : ls_split_hash(rows, test, r.sha256, err);
    if (status == LS_OK) status = ls_split_record_copy(&r, &noted, err);
    free(r.read);
    LS_TRY(status);
    ls_split_record_free(m->split);
    m->split = noted;
    return LS_OK;
}

/* ---- Finding again --------------------------------------------------------------------------- */

ls_status split_config(const ls_model *m, run_config *out, ls_error *err)
{
    ls_text text = {0};
    ls_text_add(&text, "{\"data\": %s}", m->split->read);
    ls_status status = text.failed
                           ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the split")
                           : config_parse("the model's split", text.text, text.length, out, err);
    free(text.text);
    if (status == LS_OK) config_settle(out);
    return status;
}

/* Options about data, which the model knows, but for those that say where the rows are: --labels
 * and, of generated data, --rows, --noise and --data-seed. */
static ls_status check_options(const source_options *o, bool generated, ls_error *err)
{
    run_config given = {.source = *o};
    given.source.labels = NULL;
    if (generated) {
        given.source.rows = 0;
        given.source.noise = -1;
        given.source.data_seed = 1;
    }
    for (size_t i = 0; i < CONFIG_ENTRIES; i++) {
        const config_entry *e = &config_entries[i];
        if (config_is_initial(&given, e)) continue;
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--%s does not go with --split: the data are read as for the training",
                       e->name);
    }
    return LS_OK;
}

static ls_status find_part(const ls_model *m, const char *text, int *out, ls_error *err)
{
    for (*out = 0; *out < PARTS && strcmp(text, parts[*out]);) ++*out;
    const char *near = ls_nearest(text, parts, PARTS);
    if (*out == PARTS && near)
        return ls_fail(err, LS_ERR_ARGUMENT, "--split: there is no '%.40s'; did you mean '%s'?",
                       text, near);
    if (*out == PARTS)
        return ls_fail(err, LS_ERR_ARGUMENT, "--split: '%.40s' is not train, validation or test",
                       text);
    if (!m->split)
        return ls_fail(err, LS_ERR_DATA,
                       "--split: the model does not know a split of its data: none of its rows "
                       "were held out (train --split, --validation), or an older version wrote it");
    if (*out == TEST && !(m->split->test > 0))
        return ls_fail(
            err, LS_ERR_DATA,
            "--split: the model has no test rows; hold some out with --split 0.2 when it is "
            "trained, or name a file of test rows and leave --split out");
    if (*out == VALIDATION && !(m->split->validation > 0))
        return ls_fail(err, LS_ERR_DATA,
                       "--split: the model has no validation rows; hold some out with train "
                       "--validation 0.1");
    return LS_OK;
}

/* Splits the rows as the training did: without the test rows, and these (or NULL). */
static ls_status cut_test(const ls_model *m, ls_data *all, ls_data **rows, ls_data **test,
                          ls_error *err)
{
    uint64_t seed = 1;
    *rows = all;
    *test = NULL;
    if (!(m->split->test > 0)) return LS_OK;
    ls_parse_u64(ls_options_get(m->options, "seed"), &seed);
    ls_status status = ls_data_split(all, m->split->test, seed, rows, test, err);
    ls_data_free(all);
    if (status != LS_OK) *rows = *test = NULL;
    return status;
}

/* Puts the part into *out; rows and test are freed by the caller, or NULL if taken. */
static ls_status take(const ls_model *m, int part, ls_data **rows, ls_data **test, ls_data **out,
                      ls_error *err)
{
    ls_data *train = NULL, *validation = NULL;
    if (part == TEST) {
        *out = *test;
        *test = NULL;
        return LS_OK;
    }
    LS_TRY(ls_training_split(&m->options->settings, *rows, &train, &validation, err));
    if (!train) {
        *out = *rows;
        *rows = NULL;
        return LS_OK;
    }
    ls_data_free(part == TRAIN ? validation : train);
    *out = part == TRAIN ? train : validation;
    return LS_OK;
}

static ls_status read_all(const ls_model *m, const source_options *o, const char *data,
                          ls_data **out, ls_error *err)
{
    run_config c;
    LS_TRY(split_config(m, &c, err));
    source_options how = c.source;
    how.labels = o->labels;
    how.device = o->device;
    how.threads = o->threads;
    how.quiet = o->quiet;
    how.json = o->json;
    if (source_is_generated(data)) {
        how.rows = o->rows;
        how.noise = o->noise;
        how.data_seed = o->data_seed;
    }
    ls_status status = source_read(&how, data, c.from ? m : NULL, out, err);
    config_free(&c);
    return status;
}

/* Reads all rows as for the training, split into *rows and *test (NULL: there are none). */
static ls_status read_and_cut(const ls_model *m, const source_options *o, const char *data,
                              ls_data **rows, ls_data **test, char hash[65], ls_error *err)
{
    ls_data *all;
    LS_TRY(read_all(m, o, data, &all, err));
    LS_TRY(cut_test(m, all, rows, test, err));
    return ls_split_hash(*rows, *test, hash, err);
}

ls_status split_is_of(const ls_model *m, const source_options *o, const char *data, bool *out,
                      ls_error *err)
{
    char hash[65];
    ls_error why;
    ls_data *rows = NULL, *test = NULL;
    source_options silent = *o;
    silent.quiet = true; /* the notes have been printed */
    ls_status status = read_and_cut(m, &silent, data, &rows, &test, hash, &why);
    *out = status == LS_OK && !strcmp(hash, m->split->sha256);
    ls_data_free(rows);
    ls_data_free(test);
    /* rows that do not fit are others */
    bool others = status == LS_ERR_DATA || status == LS_ERR_ARGUMENT;
    return status != LS_OK && !others ? ls_fail(err, status, "%s", why.message) : LS_OK;
}

ls_status split_read(const ls_model *m, const source_options *o, const char *data, const char *part,
                     ls_data **out, ls_error *err)
{
    int which;
    char hash[65];
    ls_data *rows = NULL, *test = NULL;
    LS_TRY(check_options(o, source_is_generated(data), err));
    LS_TRY(find_part(m, part, &which, err));
    LS_TRY(read_and_cut(m, o, data, &rows, &test, hash, err));
    ls_status status = LS_OK;
    if (strcmp(hash, m->split->sha256))
        status = ls_fail(err, LS_ERR_DATA,
                         "%s: these are not the rows that the model was trained on, so their split "
                         "is not known (SHA-256 of the rows %.16s..., not %.16s...); name that "
                         "file, or leave --split out to use all rows",
                         data, hash, m->split->sha256);
    if (status == LS_OK) status = take(m, which, &rows, &test, out, err);
    ls_data_free(rows);
    ls_data_free(test);
    return status;
}

const char *split_label(const char *part)
{
    return !strcmp(part, "train")  ? "training rows"
           : !strcmp(part, "test") ? "test rows"
                                   : "validation rows";
}
