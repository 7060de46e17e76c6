/* SPDX-License-Identifier: MIT */
#include "host/training/start.h"
#include "host/base/text.h"
#include "host/data/fingerprint.h"
#include "host/model/infer.h"
#include <stdlib.h>
#include <string.h>

bool ls_start_equal(const ls_start *a, const ls_start *b)
{
    return a->from == b->from && a->refit == b->refit;
}

/* ---- Data ------------------------------------------------------------------------------------ */

/* Whether a name is the number of its class, as the classes of arrays are named. */
static bool is_number_of(const char *name, size_t k)
{
    uint64_t number;
    return ls_parse_u64(name, &number) && number == k;
}

static ls_status check_classes(const ls_model *m, const ls_data *data, ls_error *err)
{
    if (data->classes != m->network.classes)
        return ls_fail(err, LS_ERR_DATA,
                       "the data has %zu classes, the model to start from has %zu", data->classes,
                       m->network.classes);
    for (size_t k = 0; k < data->classes; k++)
        if (strcmp(data->class_names[k], m->class_names[k]) &&
            !is_number_of(data->class_names[k], k))
            return ls_fail(err, LS_ERR_DATA,
                           "class %zu of the data is '%.80s', that of the model to start from is "
                           "'%.80s'; read the rows for that model",
                           k, data->class_names[k], m->class_names[k]);
    return LS_OK;
}

/* One kind of preprocessing, which the model has or has not. */
static ls_status check_kept(bool wanted, bool there, const char *option, ls_error *err)
{
    if (wanted == there) return LS_OK;
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "--%s%s differs from the model to start from, whose preprocessing is kept; give "
                   "--%s%s, or --refit to fit it to these rows",
                   wanted ? "" : "no-", option, there ? "" : "no-", option);
}

/* Whether the numbers are scaled as the model has them, if they are. */
static ls_status check_scaling(const ls_model *m, const ls_settings *s, ls_error *err)
{
    static const char *const names[] = {"standard", "robust", "quantile"};
    int has = m->options->settings.scaling;
    if (!s->standardize || s->scaling == has) return LS_OK;
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "--scaling %s differs from the model to start from, whose preprocessing is "
                   "kept; give --scaling %s, or --refit to fit it to these rows",
                   names[s->scaling], names[has]);
}

ls_status ls_start_check(const ls_start *start, const ls_settings *s, const ls_data *data,
                         ls_error *err)
{
    const ls_model *m = start->from;
    if (!m) return LS_OK;
    if (m->ensemble)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "the model to start from is an ensemble; training goes on from one network");
    LS_TRY(ls_model_check_rows(m, data, err));
    LS_TRY(ls_encoder_check_columns(m->encoder, m->network.inputs, data, err));
    if (m->task == LS_TASK_CLASSIFICATION) LS_TRY(check_classes(m, data, err));
    if (m->network.pieces && ls_settings_pieces(s) &&
        ls_settings_pieces(s) != m->network.most_pieces)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "an embedding of %zu pieces does not fit the model to start from, which has "
                       "%zu",
                       ls_settings_pieces(s), m->network.most_pieces);
    if (start->refit) return LS_OK;
    LS_TRY(check_kept(s->standardize, m->mean != NULL, "standardize", err));
    LS_TRY(check_scaling(m, s, err));
    return m->task == LS_TASK_REGRESSION
               ? check_kept(s->standardize_target, m->target_scale != NULL, "standardize-target",
                            err)
               : LS_OK;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static const ls_tensor *find(const ls_tensor *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(list[i].name, name)) return &list[i];
    return NULL;
}

/* Number of the layer of "layers.2.weight". */
static unsigned long layer_of(const ls_tensor *t)
{
    return strtoul(t->name + strcspn(t->name, "0123456789"), NULL, 10);
}

static bool same_shape(const ls_tensor *a, const ls_tensor *b)
{
    return a->rows == b->rows && a->columns == b->columns;
}

/* "8 x 2", or "8" for a vector. */
static const char *shape_text(const ls_tensor *t, char text[48])
{
    if (t->columns) snprintf(text, 48, "%zu x %zu", t->rows, t->columns);
    else snprintf(text, 48, "%zu", t->rows);
    return text;
}

/* The tensor of the first layer of `a` that `b` has not, or in another shape, its weights rather
 * than its bias; NULL if there is none. */
static const ls_tensor *first_misfit(const ls_tensor *a, size_t a_count, const ls_tensor *b,
                                     size_t b_count)
{
    const ls_tensor *first = NULL;
    for (size_t i = 0; i < a_count; i++) {
        const ls_tensor *other = find(b, b_count, a[i].name);
        if (other && same_shape(&a[i], other)) continue;
        bool earlier = first && layer_of(&a[i]) < layer_of(first),
             same = first && layer_of(&a[i]) == layer_of(first);
        if (!first || earlier || (same && a[i].columns && !first->columns)) first = &a[i];
    }
    return first;
}

static ls_status check_fit(const ls_tensor *has, size_t has_count, const ls_tensor *needs,
                           size_t needs_count, ls_error *err)
{
    char here[48], there[48];
    const ls_tensor *wanted = first_misfit(needs, needs_count, has, has_count),
                    *extra = first_misfit(has, has_count, needs, needs_count);
    if (!wanted && !extra) return LS_OK;
    bool is_extra = !wanted || (extra && layer_of(extra) < layer_of(wanted));
    const char *name = is_extra ? extra->name : wanted->name;
    const ls_tensor *model = find(has, has_count, name), *own = find(needs, needs_count, name);
    if (!model)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "the model to start from does not fit: it has no %s, of which %s values are "
                       "needed",
                       name, shape_text(own, here));
    if (!own)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "the model to start from does not fit: it has %s with %s values, for which "
                       "the network has no layer",
                       name, shape_text(model, there));
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "the model to start from does not fit: its %s has %s values, but %s are needed",
                   name, shape_text(model, there), shape_text(own, here));
}

ls_status ls_start_values(const ls_start *start, const ls_network *n, float *values, ls_error *err)
{
    const ls_model *m = start->from;
    ls_tensor *has = NULL, *needs = NULL;
    size_t has_count = 0, needs_count = 0;
    ls_status status = ls_network_tensors(&m->network, &has, &has_count, err);
    if (status == LS_OK) status = ls_network_tensors(n, &needs, &needs_count, err);
    if (status == LS_OK) status = check_fit(has, has_count, needs, needs_count, err);
    for (size_t i = 0; i < needs_count && status == LS_OK; i++) {
        const ls_tensor *from = find(has, has_count, needs[i].name);
        memcpy(values + needs[i].offset, m->values + from->offset,
               ls_tensor_size(from) * sizeof *values);
    }
    free(has);
    free(needs);
    return status;
}

/* ---- What was taken -------------------------------------------------------------------------- */

static void hash_reals(ls_sha256 *sha, const double *list, size_t count)
{
    ls_hash_number(sha, list ? count : 0);
    for (size_t i = 0; list && i < count; i++) ls_hash_real(sha, list[i]);
}

static void hash_encoder(ls_sha256 *sha, const ls_encoder *e)
{
    ls_hash_number(sha, e ? e->columns : 0);
    for (size_t c = 0; e && c < e->columns; c++) {
        const ls_column *column = &e->column[c];
        ls_hash_number(sha, column->categorical ? column->categories + 1 : 0);
        for (size_t k = 0; column->categorical && k < column->categories; k++)
            ls_hash_text(sha, column->category[k] ? column->category[k] : "");
        ls_hash_real(sha, column->categorical ? 0 : column->offset);
        ls_hash_real(sha, e->fill[c]);
        ls_hash_number(sha, e->other[c]);
    }
    if (e) ls_hash_number(sha, e->missing);
}

ls_status ls_start_hash(const ls_start *start, char hex[65], ls_error *err)
{
    const ls_model *m = start->from;
    ls_sha256 sha;
    char weights[65];
    *hex = 0;
    if (!m) return LS_OK;
    ls_model_weights_sha256(m, weights);
    if (!*weights) return ls_fail(err, LS_ERR_MEMORY, "out of memory for the model's hash");
    ls_sha256_init(&sha);
    ls_hash_text(&sha, weights);
    hash_encoder(&sha, m->encoder);
    hash_reals(&sha, m->mean, m->network.inputs);
    hash_reals(&sha, m->scale, m->network.inputs);
    if (m->clip > 0) ls_hash_real(&sha, m->clip);
    if (m->quantiles) {
        const ls_quantiles *q = m->quantiles;
        for (size_t i = 0; i <= q->inputs; i++) ls_hash_number(&sha, q->first[i]);
        hash_reals(&sha, q->x, q->first[q->inputs]);
        hash_reals(&sha, q->z, q->first[q->inputs]);
    }
    hash_reals(&sha, m->target_scale ? m->target_mean : NULL, m->targets);
    hash_reals(&sha, m->target_scale, m->targets);
    for (size_t k = 0; k < m->network.classes; k++) ls_hash_text(&sha, m->class_names[k]);
    ls_sha256_final(&sha, hex);
    return LS_OK;
}
