/* SPDX-License-Identifier: MIT */
/* Reads model files. They may come from strangers: every value is checked before it is used. */
#include "host/model/model_read.h"
#include "host/base/json.h"
#include "host/base/little_endian.h"
#include "host/model/ensemble.h"
#include "host/model/model_format.h"
#include "host/model/model_start.h"
#include "host/model/read_json.h"
#include "host/network/pieces.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { CHECKSUMS = 0 }; /* a fuzzer cannot find them and would not get past them */
#else
enum { CHECKSUMS = 1 };
#endif

/* ---- Tensors --------------------------------------------------------------------------------- */

/* Checks one tensor's entry: float32, the network's shape, directly after the tensor before it. */
static ls_status check_tensor(const json_t *entry, const ls_tensor *t, size_t at, const char *path,
                              ls_error *err)
{
    const json_t *shape = json_object_get(entry, "shape"),
                 *offsets = json_object_get(entry, "data_offsets");
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    size_t rank = t->columns ? 2 : 1;
    if (!entry)
        return ls_fail(err, LS_ERR_DATA, "%s: not a usable model file: tensor %s is missing", path,
                       t->name);
    if (!type || strcmp(type, "F32"))
        return ls_fail(err, LS_ERR_DATA, "%s: not a usable model file: tensor %s is not float32",
                       path, t->name);
    bool fits = json_array_size(shape) == rank &&
                json_integer_value(json_array_get(shape, 0)) == (json_int_t)t->rows &&
                (rank == 1 ||
                 json_integer_value(json_array_get(shape, 1)) == (json_int_t)t->columns);
    if (!fits)
        return ls_fail(
            err, LS_ERR_DATA,
            "%s: not a usable model file: the shape of tensor %s is not that of its network", path,
            t->name);
    if (json_array_size(offsets) != 2 ||
        json_integer_value(json_array_get(offsets, 0)) != (json_int_t)at ||
        json_integer_value(json_array_get(offsets, 1)) !=
            (json_int_t)(at + ls_tensor_size(t) * sizeof(float)))
        return ls_fail(err, LS_ERR_DATA,
                       "%s: not a usable model file: tensor %s leaves a gap or overlaps another",
                       path, t->name);
    return LS_OK;
}

/* The tensors of one network, which begin at *at of the data. */
static ls_status read_network(const json_t *root, const char *data, const char *prefix,
                              const char *path, ls_model *m, size_t *at, size_t *found,
                              ls_error *err)
{
    ls_tensor *tensors;
    size_t count;
    char name[96];
    LS_TRY(ls_model_alloc_values(m, err));
    LS_TRY(ls_network_tensors(&m->network, &tensors, &count, err));
    ls_status status = LS_OK;
    for (size_t i = 0; i < count && status == LS_OK; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, tensors[i].name);
        status = check_tensor(json_object_get(root, name), &tensors[i], *at, path, err);
        if (status == LS_OK)
            ls_copy_floats(m->values + tensors[i].offset, data + *at, ls_tensor_size(&tensors[i]));
        *at += ls_tensor_size(&tensors[i]) * sizeof(float);
    }
    *found += count;
    free(tensors);
    return status;
}

static size_t values_of(const ls_model *m) { return m->network.parameters + m->network.running; }

static ls_status read_tensors(const json_t *root, const char *data, size_t size, const char *path,
                              ls_model *m, ls_error *err)
{
    char prefix[LS_MEMBER_PREFIX];
    size_t at = 0, found = 1, bytes = 0;
    for (size_t i = 0; i < ls_model_networks(m); i++) {
        size_t own = values_of(ls_model_network(m, i)) * sizeof(float);
        if (own > size - bytes) bytes = SIZE_MAX;
        else bytes += own;
        if (bytes > size) break;
    }
    if (size != bytes)
        return ls_damaged(path, "its size does not match its network; it is cut short or damaged",
                          err);
    for (size_t i = 0; i < ls_model_networks(m); i++) {
        ls_member_prefix(m->ensemble != NULL, i, prefix);
        LS_TRY(read_network(root, data, prefix, path, m->ensemble ? m->ensemble->member[i] : m, &at,
                            &found, err));
    }
    return json_object_size(root) == found
               ? LS_OK
               : ls_damaged(path, "its tensors are not those of its network", err);
}

/* Checks that all values are finite and match their checksum. */
static ls_status check_weights(const json_t *meta, const ls_model *m, const char *path,
                               ls_error *err)
{
    const char *stated = json_string_value(json_object_get(meta, "weights_sha256"));
    char hash[65];
    for (size_t k = 0; k < ls_model_networks(m); k++) {
        const ls_model *one = ls_model_network(m, k);
        const ls_network *n = &one->network;
        for (size_t i = 0; i < values_of(one); i++)
            if (!isfinite(one->values[i]))
                return ls_damaged(path, "it contains weights that are not finite", err);
        if (n->pieces && !ls_pieces_valid(n, one->values + n->parameters + n->layer[0].table))
            return ls_damaged(path, "the pieces of its inputs are damaged", err);
    }
    ls_model_weights_sha256(m, hash);
    if (CHECKSUMS && (!stated || strcmp(stated, hash)))
        return ls_damaged(path, "its weights do not match their checksum; it is damaged", err);
    return LS_OK;
}

/* A model with everything but its values, from all of the metadata. */
static ls_status read_metadata(const json_t *meta, const char *path, ls_model **out, ls_error *err)
{
    ls_model *m;
    LS_TRY(ls_check_format(meta, path, err));
    LS_TRY(ls_read_one(meta, path, &m, err));
    ls_status status = json_object_get(meta, "ensemble") ? ls_read_ensemble(meta, path, m, err)
                                                         : LS_OK;
    if (status != LS_OK) ls_model_free(m);
    else *out = m;
    return status;
}

/* A model from the header and the data that follows it. */
static ls_status read_model(const json_t *root, const char *data, size_t size, const char *path,
                            ls_model **out, ls_error *err)
{
    const char *inner = json_string_value(json_object_get(json_object_get(root, "__metadata__"),
                                                          "lockstep"));
    json_error_t where;
    char hash[65], stated_meta[65];
    if (!inner)
        return ls_damaged(path, "it is a safetensors file that Lockstep did not write", err);
    json_t *meta = json_loads(inner, JSON_REJECT_DUPLICATES, &where);
    if (!meta) return ls_damaged(path, "its metadata is not JSON", err);
    ls_model *m = NULL;
    const char *sum = json_string_value(json_object_get(meta, "metadata_sha256"));
    snprintf(stated_meta, sizeof stated_meta, "%s", sum ? sum : "");
    ls_status status = LS_OK;
    if (CHECKSUMS && (!ls_metadata_hash(meta, hash) || strcmp(hash, stated_meta)))
        status = ls_damaged(path, "its metadata does not match its checksum; it is damaged", err);
    if (status == LS_OK) status = read_metadata(meta, path, &m, err);
    if (status == LS_OK) status = read_tensors(root, data, size, path, m, err);
    if (status == LS_OK) status = check_weights(meta, m, path, err);
    json_decref(meta);
    if (status != LS_OK) ls_model_free(m);
    else *out = m;
    return status;
}

ls_status ls_model_parse(const char *path, const char *bytes, size_t size, ls_model **out,
                         ls_error *err)
{
    json_error_t where;
    size_t length;
    LS_TRY(ls_model_check_start(path, bytes, size, &length, err));
    if (length > size - 8) return ls_damaged(path, "its header is cut short", err);
    json_t *root = json_loadb(bytes + 8, length, JSON_REJECT_DUPLICATES, &where);
    if (!root) return ls_damaged(path, "its header is not JSON", err);
    ls_status status = read_model(root, bytes + 8 + length, size - 8 - length, path, out, err);
    json_decref(root);
    return status;
}
