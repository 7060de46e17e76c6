/* SPDX-License-Identifier: MIT */
/* Reads rows for a model. The readers in host/data know nothing of models: they get the expected
 * rows as a struct. */
#include "host/model/model_data.h"
#include "host/base/host_mode.h"
#include "host/base/struct_size.h"
#include "host/base/text.h"
#include "host/data/notes.h"
#include "host/data/read.h"
#include "host/data/split.h"
#include "host/model/model.h"
#include <stdlib.h>
#include <string.h>

static ls_expected_rows expect_for(const ls_model *m)
{
    ls_expected_rows rows = {.class_names = (const char *const *)m->class_names,
                             .classes = m->network.classes,
                             .features = m->network.inputs,
                             .feature_names = m->feature_names,
                             .source = &m->source,
                             .task = m->task,
                             .target = m->target,
                             .targets = m->targets};
    if (!m->encoder) return rows;
    rows.features = m->encoder->columns;
    rows.column = m->encoder->column;
    rows.missing = m->encoder->missing;
    return rows;
}

/* A second file is read in the way of the first. Options about the file itself count; those about
 * columns and targets are settled. *without_effect: lists these. */
static ls_status read_alike(const char *path, const ls_read_options *o, ls_read_request *r,
                            ls_text *without_effect, ls_error *err)
{
    const ls_source *source = r->expected.source;
    const struct {
        const char *name;
        bool given;
    } settled[] = {{"categorical", o->categorical}, {"units", o->units}, {"decimal", o->decimal},
                   {"thousands", o->thousands},     {"dates", o->dates}, {"task", o->task},
                   {"weight", o->weight},           {"group", o->group}};
    if (r->expected.column && !o->missing) r->missing = r->expected.missing;
    if (r->missing_mark && (!source->marks || strcmp(source->marks, r->missing_mark)))
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "%s: --missing-mark: which texts mark missing values is settled by the training "
            "rows; give it when training",
            path);
    r->missing_mark = source->marks;
    if (r->header == LS_HEADER_AUTO) r->header = source->header_option;
    if (!r->separator) r->separator = source->separator;
    for (size_t i = 0; i < sizeof settled / sizeof *settled; i++)
        if (settled[i].given)
            ls_text_add(without_effect, "%s--%s", without_effect->length ? ", " : "",
                        settled[i].name);
    r->categorical = r->units = r->weight = r->group = NULL;
    r->decimal = r->thousands = 0;
    r->dates = false;
    r->task = LS_ASK_AUTO;
    return LS_OK;
}

/* Replaces the data by the rows drawn from it. */
static ls_status draw(const ls_read_request *r, ls_data **data, ls_error *err)
{
    ls_data *sample;
    size_t rows = ls_data_rows(*data);
    if (!r->sample) return LS_OK;
    if (r->sample > rows)
        return ls_data_note_add(*data, err, "there are only %zu rows, so all are used (--sample)",
                                rows);
    LS_TRY(ls_data_sample(*data, r->sample, r->sample_seed, &sample, err));
    if (!sample) return LS_OK;
    ls_status status = ls_data_notes_move(*data, sample, err);
    sample->dropped = (*data)->dropped;
    ls_data_free(*data);
    *data = sample;
    return status;
}

ls_status ls_model_data_note(ls_data *data, const ls_text *without_effect, ls_error *err)
{
    if (!without_effect->length) return LS_OK;
    return ls_data_note_add(data, err,
                            "%s: no effect here, because the training rows settle how columns are "
                            "read",
                            without_effect->text);
}

static ls_status read_rows(const char *path, const ls_read_request *r,
                           const ls_text *without_effect, bool apart, ls_data **out, ls_error *err)
{
    ls_data *data;
    LS_TRY((apart ? ls_read_apart : ls_read_rows)(path, r, &data, err));
    ls_status status = ls_model_data_note(data, without_effect, err);
    if (status == LS_OK) status = draw(r, &data, err);
    if (status == LS_OK) *out = data;
    else ls_data_free(data);
    return status;
}

ls_status ls_model_data_request(const char *path, const ls_read_options *o, ls_read_request *out,
                                ls_text *without_effect, ls_error *err)
{
    LS_TRY(ls_request_take(o, out, err));
    if (o->model) out->expected = expect_for(o->model);
    else if (o->like) out->expected = ls_expect_like(o->like);
    return out->expected.source ? read_alike(path, o, out, without_effect, err) : LS_OK;
}

static ls_status read_file(const char *path, const ls_read_options *options, bool apart,
                           ls_host_mode *mode, ls_data **out, ls_error *err)
{
    ls_read_options o;
    ls_read_request request;
    if (!path || !out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_data_read: an argument is NULL");
    LS_TRY(LS_READ_STRUCT(ls_read_options, options, &o, err));
    ls_text without_effect = {0};
    ls_status status = ls_model_data_request(path, &o, &request, &without_effect, err);
    request.mode = mode;
    if (status == LS_OK) status = read_rows(path, &request, &without_effect, apart, out, err);
    free(without_effect.text);
    return status;
}

ls_status ls_data_read(const char *path, const ls_read_options *options, ls_data **out,
                       ls_error *err)
{
    LS_HOST_MODE(mode);
    return read_file(path, options, false, &mode, out, err);
}

ls_status ls_model_data_apart(const char *path, const ls_read_options *options, ls_data **out,
                              ls_error *err)
{
    LS_HOST_MODE(mode);
    return read_file(path, options, true, &mode, out, err);
}
