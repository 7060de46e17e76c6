/* SPDX-License-Identifier: MIT */
/* Reads rows for a model. The readers in host/data know nothing of models: they get the expected
 * rows as a struct. */
#include "host/base/struct_size.h"
#include "host/data/read.h"
#include "host/model/model.h"

static ls_expected_rows expect_for(const ls_model *m)
{
    ls_expected_rows rows = {.class_names = (const char *const *)m->class_names,
                             .classes = m->network.classes,
                             .features = m->network.inputs,
                             .feature_names = m->feature_names};
    if (!m->encoder) return rows;
    rows.features = m->encoder->columns;
    rows.column = m->encoder->column;
    rows.source = &m->source;
    rows.target = m->target->place;
    rows.missing = m->encoder->missing;
    return rows;
}

ls_status ls_data_read(const char *path, const ls_read_options *options, ls_data **out,
                       ls_error *err)
{
    ls_read_options o;
    if (!path || !out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_data_read: an argument is NULL");
    LS_TRY(LS_READ_STRUCT(ls_read_options, options, &o, err));
    ls_read_request request;
    LS_TRY(ls_request_take(&o, &request, err));
    if (o.model) request.expected = expect_for(o.model);
    else if (o.like) request.expected = ls_expect_like(o.like);
    if (request.expected.column && !o.missing) request.missing = request.expected.missing;
    return ls_read_rows(path, &request, out, err);
}
