/* SPDX-License-Identifier: MIT */
/* Model files are safetensors, so that other tools can read the weights. One metadata entry,
 * "lockstep", holds canonical JSON with options, preprocessing, names and history. */
#include "host/model/model_write.h"
#include "host/base/json.h"
#include "host/base/little_endian.h"
#include "host/base/memory.h"
#include "host/model/decision.h"
#include "host/model/ensemble.h"
#include "host/model/model.h"
#include "host/model/model_format.h"
#include "host/model/options_json.h"
#include "host/model/pieces_json.h"
#include "host/model/quantiles_json.h"
#include "host/model/source_json.h"
#include "host/model/split_json.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAME(constant, name) #name,
static const char *const output_names[LS_OUTPUT_COUNT] = {LS_OUTPUTS(NAME)};
static const char *const loss_names[LS_LOSS_COUNT] = {LS_LOSSES(NAME)};
#undef NAME

/* For readers and other tools; loading derives the network from the options. */
static json_t *network_json(const ls_network *n)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < n->count; i++) {
        const ls_layer *l = &n->layer[i];
        json_t *layer = json_pack("{s:I,s:I,s:s,s:b}", "in", (json_int_t)l->in, "out",
                                  (json_int_t)l->out, "activation", ls_activations[l->act].name,
                                  "batch_norm", (int)l->norm);
        if (l->skip >= 0) ls_json_set(&layer, "adds_output_of_layer", json_integer(l->skip));
        ls_json_append(&layers, layer);
    }
    return json_pack("{s:o,s:s,s:s}", "layers", layers, "output", output_names[n->output], "loss",
                     loss_names[n->loss]);
}

/* Points [epoch, loss, validation loss, validation accuracy], without the last two if not finite.
 */
static json_t *history_json(const ls_model *m)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->history_count; i++) {
        const ls_history_point *h = &m->history[i];
        json_t *point = json_pack("[I,f]", (json_int_t)h->epoch, (double)h->loss);
        if (isfinite(h->validation_loss))
            ls_json_append(&point, json_real((double)h->validation_loss));
        if (isfinite(h->validation_loss) && isfinite(h->validation_accuracy))
            ls_json_append(&point, json_real((double)h->validation_accuracy));
        ls_json_append(&list, point);
    }
    return list;
}

static json_t *column_json(const ls_encoder *e, size_t c)
{
    const ls_column *column = &e->column[c];
    json_t *o = json_pack("{s:s,s:I,s:f}", "name", column->name, "place", (json_int_t)column->place,
                          "fill", e->fill[c]);
    ls_source_add_numbers(&o, column);
    if (!column->categorical) return o;
    ls_json_set(&o, "categories", ls_json_texts(column->category, column->categories));
    ls_json_set(&o, "other", json_boolean(e->other[c]));
    return o;
}

static json_t *encoder_json(const ls_model *m)
{
    const ls_encoder *e = m->encoder;
    json_t *columns = json_array();
    for (size_t c = 0; c < e->columns; c++) ls_json_append(&columns, column_json(e, c));
    return json_pack("{s:s,s:o}", "missing", ls_missing_names[e->missing], "list", columns);
}

static json_t *decision_json(const ls_decision *d)
{
    return json_pack("{s:I,s:o,s:s}", "positive", (json_int_t)d->positive, "threshold",
                     ls_json_number((double)d->threshold), "source", ls_saved_sources[d->source]);
}

static json_t *training_json(ls_summary s)
{
    json_t *o = json_pack("{s:f,s:s}", "loss", s.loss, "stopped", s.stopped);
    for (size_t i = 0; i < LS_TRAINING_COUNTS; i++)
        ls_json_set(&o, ls_training_counts[i].name,
                    json_integer((json_int_t)*ls_training_count(&s, i)));
    if (s.rollbacks) ls_json_set(&o, "rollbacks", json_integer((json_int_t)s.rollbacks));
    return o;
}

static json_t *standardize_json(const ls_model *m)
{
    size_t inputs = m->network.inputs;
    json_t *o = json_pack("{s:o,s:o}", "mean",
                          m->mean ? ls_json_numbers(m->mean, inputs) : json_null(), "scale",
                          m->scale ? ls_json_numbers(m->scale, inputs) : json_null());
    if (m->clip > 0) ls_json_set(&o, "clip", json_real(m->clip));
    if (m->quantiles) ls_json_set(&o, "quantiles", ls_quantiles_json(m->quantiles));
    return o;
}

/* Names of the targets and what outputs become numbers with. A target without a name has null. */
static json_t *targets_json(const ls_model *m)
{
    json_t *names = json_array();
    for (size_t i = 0; i < m->targets; i++)
        ls_json_append(&names, m->target[i].name ? json_string(m->target[i].name) : json_null());
    return json_pack("{s:s,s:o,s:o,s:o}", "task", ls_saved_tasks[m->task], "names", names, "mean",
                     ls_json_numbers(m->target_mean, m->targets), "scale",
                     m->target_scale ? ls_json_numbers(m->target_scale, m->targets) : json_null());
}

/* The options, without later ones at their default. */
static json_t *saved_options(const ls_model *m)
{
    json_t *o = ls_options_json(m->options);
    for (size_t i = 0; i < ls_option_count(); i++)
        for (size_t k = 0; ls_later_options[k]; k++) {
            const ls_option_info *info = ls_option_at(i);
            if (!strcmp(info->name, ls_later_options[k]) &&
                !strcmp(ls_options_get(m->options, info->name), info->initial))
                json_object_del(o, info->name);
        }
    return o;
}

static int format_of(const ls_model *m)
{
    if (m->ensemble) return LS_FORMAT_ENSEMBLE;
    if (ls_model_has_source(m)) return LS_FORMAT_SOURCE;
    if (m->task != LS_TASK_CLASSIFICATION) return LS_FORMAT_TARGETS;
    if (ls_decision_is_set(&m->decision)) return LS_FORMAT_DECIDED;
    return m->encoder ? LS_FORMAT_ENCODED : LS_FORMAT_PLAIN;
}

/* What the metadata of an ensemble, and of each of its members, have alike. */
static json_t *described_json(const ls_model *m)
{
    const ls_network *n = &m->network;
    json_t *meta = json_object();
    ls_json_set(&meta, "features", ls_json_texts(m->feature_names, n->inputs));
    ls_json_set(&meta, "classes", ls_json_texts(m->class_names, n->classes));
    ls_json_set(&meta, "standardize", standardize_json(m));
    if (m->encoder) ls_json_set(&meta, "columns", encoder_json(m));
    if (ls_model_has_source(m)) ls_json_set(&meta, "source", ls_source_json(m));
    if (m->task != LS_TASK_CLASSIFICATION) ls_json_set(&meta, "targets", targets_json(m));
    if (m->split) ls_json_set(&meta, "split", ls_split_json(m->split));
    if (n->pieces) ls_json_set(&meta, "pieces", ls_pieces_json(n));
    if (m->most_frequent >= 0)
        ls_json_set(&meta, "most_frequent_class", json_integer(m->most_frequent));
    return meta;
}

/* What one network's metadata have besides. */
static void add_network(json_t **meta, const ls_model *m)
{
    ls_json_set(meta, "options", saved_options(m));
    ls_json_set(meta, "network", network_json(&m->network));
    ls_json_set(meta, "history", history_json(m));
    ls_json_set(meta, "training", training_json(m->summary));
}

/* A member, without what it shares with the ensemble. */
static json_t *member_json(const ls_model *m, uint64_t times, const json_t *root)
{
    json_t *o = described_json(m);
    for (size_t i = 0; o && ls_shared_entries[i]; i++) {
        const char *name = ls_shared_entries[i];
        json_t *own = json_object_get(o, name), *shared = json_object_get(root, name);
        if (own && shared && json_equal(own, shared)) json_object_del(o, name);
        else if (!own && shared) ls_json_set(&o, name, json_null());
    }
    add_network(&o, m);
    ls_json_set(&o, "times", json_integer((json_int_t)times));
    return o;
}

static json_t *ensemble_json(const ls_ensemble *e, const json_t *root)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->members; i++)
        ls_json_append(&list, member_json(e->member[i], e->times[i], root));
    return json_pack("{s:f,s:o}", "temperature", e->temperature, "members", list);
}

/* All metadata but its own checksum; NULL if memory runs out. */
static json_t *metadata_json(const ls_model *m)
{
    char hash[65];
    ls_model_weights_sha256(m, hash);
    if (!*hash) return NULL;
    json_t *meta = described_json(m);
    ls_json_set(&meta, "format", json_integer(format_of(m)));
    ls_json_set(&meta, "version", json_string(ls_version()));
    ls_json_set(&meta, "weights_sha256", json_string(hash));
    if (ls_decision_is_set(&m->decision))
        ls_json_set(&meta, "decision", decision_json(&m->decision));
    add_network(&meta, m);
    if (m->ensemble) ls_json_set(&meta, "ensemble", ensemble_json(m->ensemble, meta));
    return meta;
}

/* The metadata with its checksum as canonical JSON; NULL if memory runs out. */
static char *metadata_text(const ls_model *m)
{
    char hex[65];
    json_t *meta = metadata_json(m);
    if (meta && ls_metadata_hash(meta, hex))
        ls_json_set(&meta, "metadata_sha256", json_string(hex));
    else {
        json_decref(meta);
        meta = NULL;
    }
    char *text = ls_json_dump(meta, LS_CANONICAL_JSON);
    json_decref(meta);
    return text;
}

/* Adds the tensors of one network, which begin at *at, to the header. */
static ls_status add_tensors(json_t **root, const ls_model *m, const char *prefix, size_t *at,
                             ls_error *err)
{
    ls_tensor *tensors;
    size_t count;
    char name[96];
    LS_TRY(ls_network_tensors(&m->network, &tensors, &count, err));
    for (size_t i = 0; i < count; i++) {
        const ls_tensor *t = &tensors[i];
        size_t end = *at + ls_tensor_size(t) * sizeof(float);
        json_t *shape = t->columns ? json_pack("[I,I]", (json_int_t)t->rows, (json_int_t)t->columns)
                                   : json_pack("[I]", (json_int_t)t->rows);
        snprintf(name, sizeof name, "%s%s", prefix, t->name);
        ls_json_set(root, name,
                    json_pack("{s:s,s:o,s:[I,I]}", "dtype", "F32", "shape", shape, "data_offsets",
                              (json_int_t)*at, (json_int_t)end));
        *at = end;
    }
    free(tensors);
    return LS_OK;
}

/* The header: metadata, then the tensors in file order, which have *bytes. */
static ls_status header_text(const ls_model *m, char **out, size_t *bytes, ls_error *err)
{
    char *metadata = metadata_text(m), prefix[LS_MEMBER_PREFIX];
    json_t *root = metadata ? json_pack("{s:{s:s}}", "__metadata__", "lockstep", metadata) : NULL;
    ls_status status = LS_OK;
    free(metadata);
    *bytes = 0;
    for (size_t i = 0; i < ls_model_networks(m) && status == LS_OK; i++) {
        ls_member_prefix(m->ensemble != NULL, i, prefix);
        status = add_tensors(&root, ls_model_network(m, i), prefix, bytes, err);
    }
    *out = status == LS_OK ? ls_json_dump(root, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    json_decref(root);
    if (status != LS_OK || *out) return status;
    return ls_fail(err, LS_ERR_MEMORY, "out of memory for the model file");
}

static void put_u64(char *to, uint64_t value)
{
    for (int i = 0; i < 8; i++) to[i] = (char)(value >> (8 * i));
}

static ls_status put_values(const ls_model *m, char **to, ls_error *err)
{
    ls_tensor *tensors;
    size_t count;
    LS_TRY(ls_network_tensors(&m->network, &tensors, &count, err));
    for (size_t i = 0; i < count; i++) {
        ls_copy_floats(*to, m->values + tensors[i].offset, ls_tensor_size(&tensors[i]));
        *to += ls_tensor_size(&tensors[i]) * sizeof(float);
    }
    free(tensors);
    return LS_OK;
}

/* The file: the header's length, the header padded with blanks to a multiple of 8, the tensors. */
ls_status ls_model_serialize(const ls_model *m, char **bytes, size_t *size, ls_error *err)
{
    char *header, *out = NULL;
    size_t data;
    assert((m->values || m->ensemble) && m->decision.source != LS_THRESHOLD_DATA);
    LS_TRY(header_text(m, &header, &data, err));
    size_t length = strlen(header), padded = (length + 7) & ~(size_t)7;
    ls_status status = padded > LS_HEADER_LIMIT
                           ? ls_fail(err, LS_ERR_DATA, "the model file's header would be too large")
                           : ls_alloc(&out, 8 + padded + data, 1, "the model file", err);
    if (status == LS_OK) {
        char *to = out + 8 + padded;
        put_u64(out, padded);
        memset(out + 8, ' ', padded);
        memcpy(out + 8, header, length);
        for (size_t i = 0; i < ls_model_networks(m) && status == LS_OK; i++)
            status = put_values(ls_model_network(m, i), &to, err);
    }
    free(header);
    if (status == LS_OK) {
        *bytes = out;
        *size = 8 + padded + data;
    } else free(out);
    return status;
}
