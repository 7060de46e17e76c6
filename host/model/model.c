/* SPDX-License-Identifier: MIT */
#include "host/model/model.h"
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/base/sha256.h"
#include "host/base/struct_size.h"
#include "host/base/text.h"
#include "host/model/decision.h"
#include "host/model/scores.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++) free(names[i]);
    free(names);
}

static void free_ensemble(ls_ensemble *e)
{
    if (!e) return;
    for (size_t i = 0; e->member && i < e->members; i++) ls_model_free(e->member[i]);
    free(e->member);
    free(e->times);
    free(e);
}

void ls_model_free(ls_model *m)
{
    if (!m) return;
    free_names(m->class_names, m->network.classes);
    free_names(m->feature_names, m->network.inputs);
    ls_encoder_free(m->encoder);
    ls_split_record_free(m->split);
    ls_source_free(&m->source);
    ls_targets_free(m->target, m->targets);
    free(m->mean);
    free(m->scale);
    ls_quantiles_free(m->quantiles);
    free(m->target_mean);
    free(m->target_scale);
    free(m->values);
    free_ensemble(m->ensemble);
    free(m->history);
    ls_network_free(&m->network);
    ls_options_free(m->options);
    free(m);
}

ls_shape ls_model_shape(const ls_model *m)
{
    return (ls_shape){.task = m->task,
                      .classes = m->network.classes,
                      .targets = m->targets,
                      .pieces = m->network.pieces};
}

static ls_status create_targets(ls_model *m, size_t targets, ls_error *err)
{
    LS_TRY(ls_alloc(&m->target, targets, sizeof *m->target, "a model", err));
    m->targets = targets;
    for (size_t i = 0; i < targets; i++) m->target[i].place = LS_NO_COLUMN;
    return LS_OK;
}

/* The options of a model describe its network alone, without its data. */
static ls_status keep_image(ls_model *m, ls_error *err)
{
    char text[48];
    ls_image image = m->network.image;
    if (!image.channels) return LS_OK;
    snprintf(text, sizeof text, "%ux%ux%u", image.channels, image.height, image.width);
    return ls_options_set(m->options, "shape", text, err);
}

ls_status ls_model_create(const ls_options *options, size_t features, ls_shape shape,
                          size_t history, ls_model **out, ls_error *err)
{
    ls_model *m;
    assert(features > 0);
    LS_TRY(ls_alloc(&m, 1, sizeof *m, "a model", err));
    m->summary.stopped = m->stopped;
    m->decision = ls_decision_default();
    m->task = shape.task;
    m->most_frequent = -1;
    ls_status status = ls_options_copy(options, &m->options, err);
    if (status == LS_OK) ls_settings_resolve(&m->options->settings, shape.task, 0);
    if (status == LS_OK)
        status = ls_network_build(&m->options->settings, features, shape, &m->network, err);
    if (status == LS_OK) status = keep_image(m, err);
    if (status == LS_OK)
        status = ls_alloc(&m->class_names, m->network.classes, sizeof *m->class_names, "a model",
                          err);
    if (status == LS_OK)
        status = ls_alloc(&m->feature_names, features, sizeof *m->feature_names, "a model", err);
    if (status == LS_OK) status = create_targets(m, shape.targets, err);
    if (status == LS_OK)
        status = ls_alloc(&m->history, history, sizeof *m->history, "a model's history", err);
    if (status != LS_OK) {
        ls_model_free(m);
        return status;
    }
    m->summary.parameters = m->network.parameters;
    *out = m;
    return LS_OK;
}

ls_status ls_model_alloc_values(ls_model *m, ls_error *err)
{
    assert(!m->values);
    return ls_alloc(&m->values, m->network.parameters + m->network.running, sizeof *m->values,
                    "the network's weights", err);
}

static ls_status copy_names(ls_model *m, char *const *features, char *const *classes, ls_error *err)
{
    bool failed = false;
    for (size_t i = 0; i < m->network.inputs; i++)
        failed |= !(m->feature_names[i] = ls_strdup(features[i]));
    for (size_t i = 0; i < m->network.classes; i++)
        failed |= !(m->class_names[i] = ls_strdup(classes[i]));
    return failed
               ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the names of features and classes")
               : LS_OK;
}

static ls_status copy_origin(ls_model *m, const ls_source *source, ls_task task,
                             const ls_target *target, size_t targets, ls_error *err)
{
    ls_target *copy;
    LS_TRY(ls_targets_copy(target, targets, &copy, err));
    ls_targets_free(m->target, m->targets);
    m->target = copy;
    m->targets = targets;
    ls_source_free(&m->source);
    LS_TRY(ls_source_copy(source, &m->source, err));
    m->task = task;
    return LS_OK;
}

ls_status ls_model_name(ls_model *m, const ls_data *d, const ls_encoder *encoder, ls_error *err)
{
    assert(d->features == m->network.inputs && d->task == m->task && !m->encoder);
    assert(m->task != LS_TASK_CLASSIFICATION || d->classes == m->network.classes);
    LS_TRY(copy_names(m, d->feature_names, d->class_names, err));
    LS_TRY(copy_origin(m, &d->source, d->task, d->target, d->targets, err));
    return encoder ? ls_encoder_copy(encoder, &m->encoder, err) : LS_OK;
}

ls_status ls_model_name_like(ls_model *m, const ls_model *other, const ls_encoder *encoder,
                             ls_error *err)
{
    assert(other->network.inputs == m->network.inputs && other->task == m->task && !m->encoder);
    assert(other->network.classes == m->network.classes && other->targets == m->targets);
    LS_TRY(copy_names(m, other->feature_names, other->class_names, err));
    LS_TRY(copy_origin(m, &other->source, other->task, other->target, other->targets, err));
    return encoder ? ls_encoder_copy(encoder, &m->encoder, err) : LS_OK;
}

static ls_status copy_doubles(const double *from, size_t count, double **to, ls_error *err)
{
    if (!from) return LS_OK;
    LS_TRY(ls_alloc(to, count, sizeof **to, "a model's preprocessing", err));
    memcpy(*to, from, count * sizeof **to);
    return LS_OK;
}

ls_status ls_model_prepare_like(ls_model *to, const ls_model *m, ls_error *err)
{
    LS_TRY(copy_doubles(m->mean, m->network.inputs, &to->mean, err));
    LS_TRY(copy_doubles(m->scale, m->network.inputs, &to->scale, err));
    to->clip = m->clip;
    LS_TRY(ls_quantiles_copy(m->quantiles, &to->quantiles, err));
    LS_TRY(copy_doubles(m->target_mean, m->targets, &to->target_mean, err));
    LS_TRY(copy_doubles(m->target_scale, m->targets, &to->target_scale, err));
    to->most_frequent = m->most_frequent;
    return LS_OK;
}

ls_status ls_ensemble_reserve(ls_model *m, size_t members, ls_error *err)
{
    assert(!m->ensemble);
    if (!members || members > LS_MOST_MEMBERS)
        return ls_fail(err, LS_ERR_ARGUMENT, "an ensemble of %zu members; 1 to %d are possible",
                       members, (int)LS_MOST_MEMBERS);
    LS_TRY(ls_alloc(&m->ensemble, 1, sizeof *m->ensemble, "an ensemble", err));
    LS_TRY(ls_alloc(&m->ensemble->member, members, sizeof *m->ensemble->member, "an ensemble",
                    err));
    LS_TRY(ls_alloc(&m->ensemble->times, members, sizeof *m->ensemble->times, "an ensemble", err));
    m->ensemble->members = members;
    m->ensemble->temperature = 1;
    return LS_OK;
}

static ls_status copy_ensemble(const ls_ensemble *from, ls_model *to, ls_error *err)
{
    LS_TRY(ls_ensemble_reserve(to, from->members, err));
    ls_ensemble *e = to->ensemble;
    e->temperature = from->temperature;
    memcpy(e->times, from->times, e->members * sizeof *e->times);
    for (size_t i = 0; i < e->members; i++)
        LS_TRY(ls_model_copy(from->member[i], from->member[i]->history_count + 1, &e->member[i],
                             err));
    return LS_OK;
}

static ls_status fill_copy(const ls_model *m, ls_model *to, ls_error *err)
{
    const ls_network *n = &m->network;
    assert((m->values || m->ensemble) && to->history);
    LS_TRY(copy_names(to, m->feature_names, m->class_names, err));
    LS_TRY(copy_origin(to, &m->source, m->task, m->target, m->targets, err));
    if (m->encoder) LS_TRY(ls_encoder_copy(m->encoder, &to->encoder, err));
    if (m->ensemble) LS_TRY(copy_ensemble(m->ensemble, to, err));
    else {
        LS_TRY(ls_model_alloc_values(to, err));
        memcpy(to->values, m->values, (n->parameters + n->running) * sizeof *to->values);
    }
    LS_TRY(ls_model_prepare_like(to, m, err));
    memcpy(to->history, m->history, m->history_count * sizeof *to->history);
    to->history_count = m->history_count;
    memcpy(to->stopped, m->stopped, sizeof to->stopped);
    to->summary = m->summary;
    to->summary.stopped = to->stopped;
    to->decision = m->decision;
    return m->split ? ls_split_record_copy(m->split, &to->split, err) : LS_OK;
}

ls_status ls_model_copy(const ls_model *m, size_t history, ls_model **out, ls_error *err)
{
    ls_model *to;
    LS_TRY(ls_model_create(m->options, m->network.inputs, ls_model_shape(m), history, &to, err));
    ls_status status = fill_copy(m, to, err);
    if (status != LS_OK) {
        ls_model_free(to);
        return status;
    }
    *out = to;
    return LS_OK;
}

ls_decision ls_model_decision(const ls_model *m) { return m ? m->decision : ls_decision_default(); }

size_t ls_model_decide(const ls_model *m, const float *outputs)
{
    LS_FLOAT_MODE(mode);
    if (!m || !outputs) return 0;
    return m->task == LS_TASK_CLASSIFICATION ? ls_decide(outputs, m->network.outputs, &m->decision)
                                             : 0;
}

size_t ls_model_features(const ls_model *m) { return m ? m->network.inputs : 0; }
size_t ls_model_outputs(const ls_model *m) { return m ? m->network.outputs : 0; }
size_t ls_model_classes(const ls_model *m) { return m ? m->network.classes : 0; }
size_t ls_model_layer_count(const ls_model *m) { return m && !m->ensemble ? m->network.count : 0; }

ls_task ls_model_task(const ls_model *m) { return m ? m->task : LS_TASK_CLASSIFICATION; }
size_t ls_model_targets(const ls_model *m) { return m ? m->targets : 0; }

const char *ls_model_target_name(const ls_model *m, size_t i)
{
    return m && i < m->targets ? m->target[i].name : NULL;
}

const char *ls_model_class_name(const ls_model *m, size_t i)
{
    return m && i < m->network.classes ? m->class_names[i] : NULL;
}

const char *ls_model_feature_name(const ls_model *m, size_t i)
{
    return m && i < m->network.inputs ? m->feature_names[i] : NULL;
}

const ls_history_point *ls_model_history(const ls_model *m, size_t *count)
{
    if (count) *count = m ? m->history_count : 0;
    return m ? m->history : NULL;
}

ls_status ls_model_summary(const ls_model *m, ls_summary *out, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!m || !out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_summary: an argument is NULL");
    LS_TRY(LS_CHECK_STRUCT(ls_summary, out, err));
    LS_WRITE_STRUCT(ls_summary, out, 0, &m->summary);
    return LS_OK;
}

const char *ls_model_option(const ls_model *m, const char *name)
{
    return m ? ls_options_get(m->options, name) : NULL;
}

size_t ls_tensor_size(const ls_tensor *t) { return t->rows * (t->columns ? t->columns : 1); }

size_t ls_model_networks(const ls_model *m) { return m->ensemble ? m->ensemble->members : 1; }

const ls_model *ls_model_network(const ls_model *m, size_t i)
{
    return m->ensemble ? m->ensemble->member[i] : m;
}

static ls_status hash_values(const ls_model *m, ls_sha256 *hash)
{
    ls_tensor *tensors;
    size_t count;
    LS_TRY(ls_network_tensors(&m->network, &tensors, &count, NULL));
    for (size_t i = 0; i < count; i++)
        ls_sha256_numbers(hash, m->values + tensors[i].offset, ls_tensor_size(&tensors[i]),
                          sizeof *m->values);
    free(tensors);
    return LS_OK;
}

/* Hashes the file's tensors: parameters and running averages in file order. */
void ls_model_weights_sha256(const ls_model *m, char hex[65])
{
    ls_sha256 hash;
    ls_status status = LS_OK;
    if (!hex) return;
    hex[0] = 0;
    ls_sha256_init(&hash);
    for (size_t i = 0; m && i < ls_model_networks(m) && status == LS_OK; i++)
        status = hash_values(ls_model_network(m, i), &hash);
    if (m && status == LS_OK) ls_sha256_final(&hash, hex);
}
