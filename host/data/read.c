/* SPDX-License-Identifier: MIT */
/* Opens a file of rows, and finds its format by what is in it. */
#include "host/data/read.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/data/split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/model/model.h"

ls_status ls_check_names(const char *path, const ls_data *data, ls_error *err)
{
    for (size_t i = 0; i < data->features + data->classes; i++) {
        const char *name = i < data->features ? data->feature_names[i]
                                              : data->class_names[i - data->features];
        if (!ls_is_utf8(name))
            return ls_fail(
                err, LS_ERR_DATA,
                "%s: the %s name number %zu is not UTF-8; convert the file, as with iconv -f latin1 -t utf-8",
                path, i < data->features ? "feature" : "class",
                i < data->features ? i + 1 : i - data->features + 1);
    }
    return LS_OK;
}

ls_status ls_data_drop_gaps(const char *path, const ls_layout *layout, ls_data **data,
                            ls_error *err)
{
    ls_data *d = *data, *kept;
    bool *whole;
    size_t count = 0;
    if (d->missing != LS_MISSING_DROP || !d->column || layout->features) return LS_OK;
    LS_TRY(ls_alloc(&whole, d->rows, sizeof *whole, "the rows", err));
    for (size_t r = 0; r < d->rows; r++) {
        whole[r] = true;
        for (size_t c = 0; c < d->columns && whole[r]; c++)
            whole[r] = !isnan(d->x[r * d->columns + c]);
        count += whole[r];
    }
    ls_status status =
        count
            ? ls_data_pick(d, whole, true, &kept, err)
            : ls_fail(err, LS_ERR_DATA,
                      "%s: every row has a missing value; fill them in with --missing mean", path);
    free(whole);
    LS_TRY(status);
    kept->dropped = d->rows - count;
    ls_data_free(d);
    *data = kept;
    return LS_OK;
}

/* Replaces every `from` by `to`, of equal length. */
static void replace(char *text, const char *from, const char *to)
{
    for (char *at = text; (at = strstr(at, from)); at += strlen(to)) memcpy(at, to, strlen(to));
}

/* Where the classes of IDX images usually lie: "t10k-images-idx3-ubyte.gz" has
 * "t10k-labels-idx1-ubyte.gz" beside it, packed or not. NULL: memory is out, or the name does not
 * follow that custom. */
static char *usual_labels(const char *path)
{
    size_t length = strlen(path);
    const char *slash = strrchr(path, '/');
    char *name = malloc(length + 4);
    if (!name) return NULL;
    memcpy(name, path, length + 1);
    char *base = name + (slash ? slash + 1 - path : 0);
    replace(base, "images", "labels");
    for (const char *digit = "23456789"; *digit; digit++)
        replace(base, (char[]){'i', 'd', 'x', *digit, 0}, "idx1");
    if (strcmp(name, path) == 0) {
        free(name);
        return NULL;
    }
    if (access(name, R_OK) == 0) return name;
    bool packed = length > 3 && strcmp(name + length - 3, ".gz") == 0;
    strcpy(name + length - (packed ? 3 : 0), packed ? "" : ".gz");
    if (access(name, R_OK) != 0)
        strcpy(name + length - (packed ? 3 : 0), packed ? ".gz" : ""); /* for the message */
    return name;
}

static bool is_idx_file(const char *path)
{
    ls_stream *stream;
    const char *head;
    size_t count;
    if (ls_stream_open(path, &stream, NULL) != LS_OK) return false;
    bool idx = ls_stream_head(stream, &head, &count, NULL) == LS_OK && ls_is_idx(head, count);
    ls_stream_close(stream);
    return idx;
}

char *ls_labels_beside(const char *path)
{
    char *labels = usual_labels(path);
    if (labels && access(labels, R_OK) == 0 && is_idx_file(path)) return labels;
    free(labels);
    return NULL;
}

static ls_status read_idx(const char *path, const char *bytes, size_t size, const ls_layout *layout,
                          ls_data **out, ls_error *err)
{
    ls_numbers numbers;
    LS_TRY(ls_open_idx(path, bytes, size, &numbers, err));
    char *labels = usual_labels(path);
    ls_status status = ls_read_numbers(&numbers, labels, layout, out, err);
    free(labels);
    return status;
}

static ls_status read_npy(const char *path, const char *bytes, size_t size, const ls_layout *layout,
                          ls_data **out, ls_error *err)
{
    ls_numbers numbers;
    LS_TRY(ls_open_npy(path, bytes, size, &numbers, err));
    return ls_read_numbers(&numbers, NULL, layout, out, err);
}

/* Numbers as they lie in the file, which is read whole. */
static ls_status read_numbers(const char *path, ls_stream *stream, const ls_layout *layout,
                              ls_data **out, ls_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    LS_TRY(ls_stream_rest(stream, &bytes, &size, err));
    ls_status status = ls_is_idx(bytes, size) ? read_idx(path, bytes, size, layout, out, err)
                                              : read_npy(path, bytes, size, layout, out, err);
    free(bytes);
    return status;
}

static ls_status read_stream(const char *path, ls_stream *stream, const ls_layout *layout,
                             ls_data **out, ls_error *err)
{
    const char *head;
    size_t count;
    ls_data *data = NULL;
    LS_TRY(ls_stream_head(stream, &head, &count, err));
    bool numbers = ls_is_idx(head, count) || ls_is_npy(head, count);
    if (layout->labels && !numbers)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "--labels is for IDX and NPY files, and %s is neither; the class is a column of it (--target)",
            path);
    LS_TRY((numbers ? read_numbers : ls_read_csv)(path, stream, layout, &data, err));
    ls_status status = ls_check_names(path, data, err);
    if (status == LS_OK) *out = data;
    else ls_data_free(data);
    return status;
}

static ls_status read_any(const char *path, const ls_layout *layout, ls_data **out, ls_error *err)
{
    ls_stream *stream;
    LS_TRY(ls_stream_open(path, &stream, err));
    ls_status status = read_stream(path, stream, layout, out, err);
    ls_stream_close(stream);
    return status;
}

static void expect_model(ls_layout *l, const ls_model *m)
{
    l->class_names = (const char *const *)m->class_names;
    l->classes = m->network.classes;
    l->features = m->encoder ? m->encoder->columns : m->network.inputs;
    l->names = m->feature_names;
    if (!m->encoder) return;
    l->column = m->encoder->column;
    l->file_columns = m->encoder->file_columns;
    l->file_target = m->encoder->file_target;
    l->missing = m->encoder->missing;
}

static void expect_alike(ls_layout *l, const ls_data *d)
{
    l->class_names = (const char *const *)d->class_names;
    l->classes = d->classes;
    l->features = d->columns;
    l->names = d->feature_names;
    l->column = d->column;
    l->file_columns = d->file_columns;
    l->file_target = d->file_target;
    if (d->column) l->missing = d->missing;
}

ls_status ls_data_read(const char *path, const ls_read_options *options, ls_data **out,
                       ls_error *err)
{
    static const ls_read_options defaults = {0};
    if (!path || !out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_data_read: an argument is NULL");
    const ls_read_options *o = options ? options : &defaults;
    ls_layout layout = {.target = o->target,
                        .labels = o->labels,
                        .columns = o->columns,
                        .drop = o->drop,
                        .categorical = o->categorical,
                        .callback = o->callback,
                        .user = o->user};
    if (o->model) expect_model(&layout, o->model);
    else if (o->like) expect_alike(&layout, o->like);
    if (o->missing) LS_TRY(ls_missing_parse(o->missing, &layout.missing, err));
    return read_any(path, &layout, out, err);
}

ls_status ls_data_read_csv(const char *path, const ls_csv_options *options, ls_data **out,
                           ls_error *err)
{
    static const ls_csv_options defaults = {0};
    const ls_csv_options *o = options ? options : &defaults;
    ls_layout layout = {.target = o->target,
                        .class_names = o->class_names,
                        .classes = o->classes,
                        .features = o->features,
                        .missing = LS_MISSING_ERROR,
                        .numbers_only = true};
    return read_any(path, &layout, out, err);
}
