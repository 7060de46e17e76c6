/* SPDX-License-Identifier: MIT */
/* Model files are safetensors, so that other tools can read the weights. One metadata entry,
 * "lockstep", holds canonical JSON with options, preprocessing, names and history. */
#include "host/model/model_write.h"
#include "host/base/memory.h"
#include "host/model/decision.h"
#include "host/model/model.h"
#include "host/model/model_format.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *names_json(char **names, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, json_string(names[i]));
    return list;
}

static json_t *numbers_json(const double *values, size_t count)
{
    if (!values) return json_null();
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, json_real(values[i]));
    return list;
}

static json_t *options_json(const ls_model *m)
{
    json_t *object = json_object();
    for (size_t i = 0; i < ls_option_count(); i++)
        json_object_set_new(object, ls_option_at(i)->name, json_string(m->options->text[i]));
    return object;
}

/* For people and other tools; loading derives the network from the options again. */
static json_t *network_json(const ls_network *n)
{
    static const char *const outputs[] = {"sigmoid", "softmax", "identity"}, *const losses[] = {
                                                                                 "bce", "ce",
                                                                                 "mse"};
    json_t *layers = json_array();
    for (size_t i = 0; i < n->count; i++) {
        const ls_layer *l = &n->layer[i];
        json_t *layer = json_pack("{s:I,s:I,s:s,s:b}", "in", (json_int_t)l->in, "out",
                                  (json_int_t)l->out, "activation", ls_activations[l->act].name,
                                  "batch_norm", (int)l->norm);
        if (l->skip >= 0) json_object_set_new(layer, "adds_output_of_layer", json_integer(l->skip));
        json_array_append_new(layers, layer);
    }
    return json_pack("{s:o,s:s,s:s}", "layers", layers, "output", outputs[n->output], "loss",
                     losses[n->loss]);
}

static json_t *history_json(const ls_model *m)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->history_count; i++) {
        const ls_history_point *h = &m->history[i];
        json_t *point = json_array();
        json_array_append_new(point, json_integer((json_int_t)h->epoch));
        json_array_append_new(point, json_real((double)h->loss));
        if (isfinite(h->validation_loss))
            json_array_append_new(point, json_real((double)h->validation_loss));
        if (isfinite(h->validation_loss) && isfinite(h->validation_accuracy))
            json_array_append_new(point, json_real((double)h->validation_accuracy));
        json_array_append_new(list, point);
    }
    return list;
}

static json_t *column_json(const ls_encoder *e, size_t c)
{
    const ls_column *column = &e->column[c];
    json_t *o = json_pack("{s:s,s:I,s:f}", "name", column->name, "place", (json_int_t)column->place,
                          "fill", e->fill[c]);
    if (!column->categorical) return o;
    json_t *list = json_array();
    for (size_t k = 0; k < column->categories; k++)
        json_array_append_new(list,
                              column->category[k] ? json_string(column->category[k]) : json_null());
    json_object_set_new(o, "categories", list);
    json_object_set_new(o, "other", json_boolean(e->other[c]));
    return o;
}

static json_t *encoder_json(const ls_encoder *e)
{
    json_t *columns = json_array();
    for (size_t c = 0; c < e->columns; c++) json_array_append_new(columns, column_json(e, c));
    return json_pack("{s:I,s:o,s:s,s:o}", "file_columns", (json_int_t)e->file_columns,
                     "file_target",
                     e->file_target < e->file_columns ? json_integer((json_int_t)e->file_target)
                                                      : json_null(),
                     "missing", ls_missing_names[e->missing], "list", columns);
}

static json_t *decision_json(const ls_decision *d)
{
    return json_pack("{s:I,s:o,s:s}", "positive", (json_int_t)d->positive, "threshold",
                     isnan(d->threshold) ? json_null() : json_real((double)d->threshold), "source",
                     ls_saved_sources[d->source]);
}

static json_t *metadata_json(const ls_model *m)
{
    const ls_network *n = &m->network;
    const ls_summary *s = &m->summary;
    char hash[65];
    ls_model_weights_sha256(m, hash);
    json_t *meta =
        json_pack("{s:i,s:s,s:o,s:o,s:o,s:o,s:{s:o,s:o},s:o,s:{s:I,s:I,s:I,s:f,s:s},s:s}", "format",
                  ls_decision_is_set(&m->decision) ? LS_FORMAT_DECIDED
                  : m->encoder                     ? LS_FORMAT_ENCODED
                                                   : LS_FORMAT_PLAIN,
                  "version", ls_version(), "options", options_json(m), "network", network_json(n),
                  "features", names_json(m->feature_names, n->inputs), "classes",
                  names_json(m->class_names, n->classes), "standardize", "mean",
                  numbers_json(m->mean, n->inputs), "scale", numbers_json(m->scale, n->inputs),
                  "history", history_json(m), "training", "epochs", (json_int_t)s->epochs, "steps",
                  (json_int_t)s->steps, "best_epoch", (json_int_t)s->best_epoch, "loss", s->loss,
                  "stopped", s->stopped, "weights_sha256", hash);
    if (m->encoder) json_object_set_new(meta, "columns", encoder_json(m->encoder));
    if (ls_decision_is_set(&m->decision))
        json_object_set_new(meta, "decision", decision_json(&m->decision));
    return meta;
}

/* The header: metadata, then the tensors in file order. NULL where memory is out. */
static char *header_text(const ls_model *m, const ls_tensor *tensors, size_t count)
{
    json_t *metadata = metadata_json(m), *root = json_object();
    char hex[65], *inner = NULL;
    if (metadata && ls_metadata_hash(metadata, hex) &&
        json_object_set_new(metadata, "metadata_sha256", json_string(hex)) == 0)
        inner = json_dumps(metadata, LS_CANONICAL_JSON);
    json_object_set_new(root, "__metadata__", json_pack("{s:s}", "lockstep", inner ? inner : ""));
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const ls_tensor *t = &tensors[i];
        size_t end = at + ls_tensor_size(t) * sizeof(float);
        json_t *shape = t->columns ? json_pack("[I,I]", (json_int_t)t->rows, (json_int_t)t->columns)
                                   : json_pack("[I]", (json_int_t)t->rows);
        json_object_set_new(root, t->name,
                            json_pack("{s:s,s:o,s:[I,I]}", "dtype", "F32", "shape", shape,
                                      "data_offsets", (json_int_t)at, (json_int_t)end));
        at = end;
    }
    char *text = inner ? json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    free(inner);
    json_decref(metadata);
    json_decref(root);
    return text;
}

static void put_u64(char *to, uint64_t value)
{
    for (int i = 0; i < 8; i++) to[i] = (char)(value >> (8 * i));
}

ls_status ls_model_serialize(const ls_model *m, char **bytes, size_t *size, ls_error *err)
{
    ls_tensor *tensors;
    size_t count, at;
    LS_TRY(ls_network_tensors(&m->network, &tensors, &count, err));
    char *header = header_text(m, tensors, count), *out = NULL;
    size_t length = header ? strlen(header) : 0, padded = (length + 7) & ~(size_t)7;
    size_t data = (m->network.parameters + m->network.running) * sizeof(float);
    ls_status status = !header ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the model file")
                       : padded > LS_HEADER_LIMIT
                           ? ls_fail(err, LS_ERR_DATA, "the model file's header would be too large")
                           : ls_alloc(&out, 8 + padded + data, 1, "the model file", err);
    if (status == LS_OK) {
        put_u64(out, padded);
        memset(out + 8, ' ', padded);
        memcpy(out + 8, header, length);
        at = 8 + padded;
        for (size_t i = 0; i < count; at += ls_tensor_size(&tensors[i++]) * sizeof(float))
            memcpy(out + at, m->values + tensors[i].offset,
                   ls_tensor_size(&tensors[i]) * sizeof(float));
        *bytes = out;
        *size = at;
    }
    free(header);
    free(tensors);
    return status;
}
