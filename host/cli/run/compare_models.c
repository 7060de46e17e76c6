/* SPDX-License-Identifier: MIT */
#include "host/cli/run/compare_models.h"
#include "host/base/json.h"
#include "host/base/little_endian.h"
#include "host/base/text.h"
#include "host/cli/run/json_difference.h"
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The files are parsed as safetensors and not loaded as models, because the library refuses damaged
 * models, and the damage is what is to be found. Nothing in the files is trusted. */

typedef struct {
    json_t *root;     /* the parsed header */
    const char *data; /* after the header */
    size_t size;      /* of the data */
} tensor_file;

static bool open_tensors(const char *bytes, size_t size, tensor_file *out)
{
    uint64_t length = 0;
    for (int i = 7; i >= 0 && size >= 8; i--) length = length << 8 | (unsigned char)bytes[i];
    if (size < 8 || length > size - 8) return false;
    out->root = json_loadb(bytes + 8, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
    out->data = bytes + 8 + length;
    out->size = size - 8 - (size_t)length;
    return json_is_object(out->root);
}

/* The float32 values of one tensor. */
typedef struct {
    const char *at;
    size_t count;
    json_t *shape;
} tensor;

static bool find_tensor(const tensor_file *f, const char *name, tensor *out)
{
    const json_t *entry = json_object_get(f->root, name),
                 *offsets = json_object_get(entry, "data_offsets");
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    json_int_t from = json_integer_value(json_array_get(offsets, 0)),
               to = json_integer_value(json_array_get(offsets, 1));
    if (!type || strcmp(type, "F32") || from < 0 || to < from || (uint64_t)to > f->size ||
        (to - from) % 4)
        return false;
    *out = (tensor){f->data + from, (size_t)(to - from) / 4, json_object_get(entry, "shape")};
    return true;
}

static float value_at(const tensor *t, size_t i)
{
    float value;
    ls_copy_floats(&value, t->at + 4 * i, 1);
    return value;
}

/* Maps floats to integers in the same order, so that neighbouring floats map to neighbouring
 * integers. The difference of two of them is the distance in units in the last place. */
static int64_t ordered(float value)
{
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits < 0 ? (int64_t)INT32_MIN - bits : bits;
}

/* The differences of two files. */
typedef struct {
    const char *name; /* the first tensor that differs */
    tensor first[2];
    size_t element; /* the first element of that tensor that differs */
    size_t differing, total;
    int64_t furthest; /* largest distance, in ulps */
} differences;

static void compare_tensor(const char *name, const tensor t[2], differences *d)
{
    for (size_t i = 0; i < t[0].count; i++) {
        if (!memcmp(t[0].at + 4 * i, t[1].at + 4 * i, 4)) continue;
        int64_t ulps = llabs(ordered(value_at(&t[0], i)) - ordered(value_at(&t[1], i)));
        if (ulps > d->furthest) d->furthest = ulps;
        if (d->differing++) continue;
        d->name = name;
        d->first[0] = t[0];
        d->first[1] = t[1];
        d->element = i;
    }
    d->total += t[0].count;
}

/* The row and column of an element, such as [1, 3]; or its number, such as [35], if the shape is
 * not that of a matrix or does not match the data. */
static json_t *place_json(const tensor *t, size_t element)
{
    size_t rank = json_array_size(t->shape);
    json_int_t columns = json_integer_value(json_array_get(t->shape, 1)),
               rows = json_integer_value(json_array_get(t->shape, 0));
    if (rank != 2 || columns <= 0 || rows <= 0 || (uint64_t)columns > t->count ||
        (uint64_t)rows != t->count / (uint64_t)columns)
        return json_pack("[I]", (json_int_t)element);
    return json_pack("[I,I]", (json_int_t)element / columns, (json_int_t)element % columns);
}

static void describe_values(file_pair *p, const differences *d)
{
    float a = value_at(&d->first[0], d->element), b = value_at(&d->first[1], d->element);
    int64_t ulps = llabs(ordered(a) - ordered(b));
    json_t *place = place_json(&d->first[0], d->element);
    char *index = ls_json_dump(place, 0);
    ls_text_add(&p->message, "tensor %s %s: %.9g and %.9g, %lld ulp%s apart", d->name,
                index ? index : "", (double)a, (double)b, (long long)ulps, ulps == 1 ? "" : "s");
    if (d->differing > 1)
        ls_text_add(&p->message, "; in total %zu of %zu values differ, by up to %lld ulps",
                    d->differing, d->total, (long long)d->furthest);
    else ls_text_add(&p->message, "; the other %zu values are the same", d->total - 1);
    ls_json_set(&p->detail, "tensor", json_string(d->name));
    ls_json_set(&p->detail, "index", place);
    ls_json_set(&p->detail, "a", ls_json_number((double)a));
    ls_json_set(&p->detail, "b", ls_json_number((double)b));
    ls_json_set(&p->detail, "ulps", json_integer(ulps));
    ls_json_set(&p->detail, "differing", json_integer((json_int_t)d->differing));
    ls_json_set(&p->detail, "values", json_integer((json_int_t)d->total));
    ls_json_set(&p->detail, "furthest_ulps", json_integer(d->furthest));
    free(index);
}

/* Describes a tensor that is missing in one file or has another shape. Returns false if there is
 * none. */
static bool describe_shapes(file_pair *p, const tensor_file f[2])
{
    const char *name;
    json_t *entry;
    for (int i = 0; i < 2; i++) json_object_foreach(f[i].root, name, entry)
        {
            json_t *other = json_object_get(f[1 - i].root, name);
            if (!strcmp(name, "__metadata__")) continue;
            json_t *shape[2] = {json_object_get(json_object_get(f[0].root, name), "shape"),
                                json_object_get(json_object_get(f[1].root, name), "shape")};
            if (other && json_equal(shape[0], shape[1])) continue;
            ls_text where = {0};
            ls_text_add(&where, "shape of tensor %s", name);
            file_pair_describe_values(p, where.text, shape);
            free(where.text);
            return true;
        }
    return false;
}

/* Describes the first value that differs. Returns false if there is none. */
static bool describe_tensors(file_pair *p, const tensor_file f[2])
{
    const char *name;
    json_t *entry;
    differences d = {0};
    json_object_foreach(f[0].root, name, entry)
    {
        tensor t[2];
        if (!strcmp(name, "__metadata__")) continue;
        if (find_tensor(&f[0], name, &t[0]) && find_tensor(&f[1], name, &t[1]) &&
            t[0].count == t[1].count)
            compare_tensor(name, t, &d);
    }
    if (d.differing) describe_values(p, &d);
    return d.differing > 0;
}

/* Describes the first difference of the metadata. Returns false if there is none. The checksums
 * come last, since they differ whenever anything else does. */
static bool describe_metadata(file_pair *p, const tensor_file f[2])
{
    static const char *const sums[] = {"metadata_sha256", "weights_sha256", NULL};
    json_t *meta[2], *value[2];
    ls_text where = {0};
    for (int i = 0; i < 2; i++) {
        const char *text = json_string_value(json_object_get(json_object_get(f[i].root,
                                                                             "__metadata__"),
                                                             "lockstep"));
        meta[i] = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    }
    bool different = meta[0] && meta[1] && json_difference(meta[0], meta[1], sums, &where, value);
    if (different) {
        ls_text_add(&p->message, "the weights are the same; metadata: ");
        file_pair_describe_values(p, where.text, value);
    }
    free(where.text);
    json_decref(meta[0]);
    json_decref(meta[1]);
    return different;
}

/* Adds why the library refuses either file. A file with a flipped bit usually fails its checksum,
 * and then it is known which of the two is damaged. */
static void describe_damage(file_pair *p)
{
    for (int i = 0; i < 2; i++) {
        ls_model *model = NULL;
        ls_error err;
        if (ls_model_load(p->path[i], &model, &err) != LS_OK)
            ls_text_add(&p->message, "; %s", err.message);
        ls_model_free(model);
    }
}

void compare_models(file_pair *p)
{
    tensor_file f[2] = {{0}, {0}};
    bool readable[2] = {open_tensors(p->bytes[0], p->size[0], &f[0]),
                        open_tensors(p->bytes[1], p->size[1], &f[1])};
    bool described = readable[0] && readable[1] &&
                     (describe_shapes(p, f) || describe_tensors(p, f) || describe_metadata(p, f));
    if (!described) file_pair_describe_byte(p);
    describe_damage(p);
    json_decref(f[0].root);
    json_decref(f[1].root);
}
