/* SPDX-License-Identifier: MIT */
/* Damaged and forged model files: each is refused with a message that names the file, without a
 * crash and without a large allocation. */
#include <criterion/criterion.h>

#if __has_include(<jansson.h>)
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host/base/sha256.h"
#include "host/model/model.h"
#include "host/network/settings.h"
#include "tests/support/model_file.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(model_damage, .init = enter, .fini = leave, .timeout = 300);

/* ---- Damage: every byte ---------------------------------------------------------------------- */

Test(model_damage, cut_short_anywhere)
{
    file_make("moons", "hidden 2 epochs 2", "a.safetensors");
    size_t size;
    char *bytes = runs_file_read("a.safetensors", &size);
    runs_file_write("cut.safetensors", bytes, size);
    for (size_t length = size; length-- > 0;) {
        char what[64];
        cr_assert_eq(truncate("cut.safetensors", (off_t)length), 0);
        snprintf(what, sizeof what, "cut after %zu of %zu bytes", length, size);
        file_assert_refused("cut.safetensors", LS_ERR_DATA, what);
    }
    char *longer = calloc(1, size + 8);
    cr_assert_not_null(longer);
    memcpy(longer, bytes, size);
    for (size_t more = 1; more <= 8; more++) {
        runs_file_write("long.safetensors", longer, size + more);
        file_assert_refused("long.safetensors", LS_ERR_DATA, "bytes after the end");
    }
    free(longer);
    free(bytes);
}

/* Changes every byte in turn by each of the masks. A file that is still accepted must give the same
 * model. Returns the number of files that give another model; `first` describes the first one. */
static size_t flip_every_byte(const char *path, const unsigned char *masks, size_t mask_count,
                              char first[128])
{
    size_t size, wrong = 0;
    char *bytes = runs_file_read(path, &size), hex[65], expected[65];
    ls_error err;
    runs_file_sha256(path, expected);
    runs_file_write("flip.safetensors", bytes, size);
    int file = open("flip.safetensors", O_WRONLY);
    cr_assert(file >= 0);
    for (size_t i = 0; i < size; i++)
        for (size_t k = 0; k < mask_count; k++) {
            ls_model *model = NULL;
            bytes[i] = (char)(bytes[i] ^ masks[k]);
            cr_assert_eq(pwrite(file, &bytes[i], 1, (off_t)i), 1);
            ls_status status = ls_model_load("flip.safetensors", &model, &err);
            if (status == LS_OK && ls_model_sha256(model, hex, &err) == LS_OK &&
                strcmp(hex, expected) && !wrong++)
                snprintf(first, 128, "byte %zu from '%c' to '%c' after \"%.20s\"", i,
                         bytes[i] ^ masks[k], bytes[i], i > 20 ? &bytes[i - 20] : "");
            if (status == LS_OK) ls_model_free(model);
            else
                cr_expect(status == LS_ERR_DATA && strstr(err.message, "flip.safetensors"),
                          "byte %zu ^ %02x: %s: %s", i, masks[k], ls_status_name(status),
                          err.message);
            bytes[i] = (char)(bytes[i] ^ masks[k]);
            cr_assert_eq(pwrite(file, &bytes[i], 1, (off_t)i), 1);
        }
    close(file);
    free(bytes);
    return wrong;
}

#ifdef __SANITIZE_ADDRESS__
static const unsigned char masks[] = {0x01, 0x80}; /* loading is slow with sanitizers */
#else
static const unsigned char masks[] = {0x01, 0x02, 0x04, 0x10, 0x20, 0x80, 0xff};
#endif

Test(model_damage, no_flipped_byte_changes_a_model)
{
    char first[128] = "";
    file_make("moons", "hidden 2 epochs 2", "a.safetensors");
    size_t wrong = flip_every_byte("a.safetensors", masks, RUNS_COUNT(masks), first);
    cr_assert_eq(wrong, 0,
                 "%zu single-byte changes give another model without an error; the first is %s",
                 wrong, first);
}

Test(model_damage, no_flipped_byte_changes_a_model_with_batch_norm)
{
    char first[128] = "";
    file_make("blobs", "hidden 2 epochs 3 batch-norm on patience 2", "a.safetensors");
    size_t wrong = flip_every_byte("a.safetensors", masks, 2, first);
    cr_assert_eq(wrong, 0,
                 "%zu single-byte changes give another model without an error; the first is %s",
                 wrong, first);
}

Test(model_damage, no_flipped_byte_changes_a_model_with_pieces)
{
    char first[128] = "";
    file_make("blobs", "hidden 2 epochs 1 embedding piecewise bins 3", "a.safetensors");
    size_t wrong = flip_every_byte("a.safetensors", masks, 2, first);
    cr_assert_eq(wrong, 0,
                 "%zu single-byte changes give another model without an error; the first is %s",
                 wrong, first);
}

/* ---- Damage: header length and text ---------------------------------------------------------- */

Test(model_damage, header_lengths)
{
    file_make("moons", "hidden 2 epochs 2", "a.safetensors");
    size_t size;
    char *bytes = runs_file_read("a.safetensors", &size), what[64];
    uint64_t right = file_header_length(bytes);
    const uint64_t lengths[] = {0,
                                1,
                                2,
                                right - 8,
                                right - 1,
                                right + 1,
                                right + 8,
                                size - 8,
                                size - 7,
                                size,
                                100000000,
                                100000001,
                                UINT32_MAX,
                                INT64_MAX,
                                UINT64_MAX - 7,
                                UINT64_MAX - 8,
                                UINT64_MAX};
    for (size_t i = 0; i < RUNS_COUNT(lengths); i++) {
        for (int k = 0; k < 8; k++) bytes[k] = (char)(lengths[i] >> (8 * k));
        runs_file_write("b.safetensors", bytes, size);
        snprintf(what, sizeof what, "header length %llu", (unsigned long long)lengths[i]);
        file_assert_refused("b.safetensors", LS_ERR_DATA, what);
    }
    free(bytes);
}

static const struct {
    const char *what, *find, *replace;
} texts[] = {
    {"a tensor twice", "\"layers.0.bias\":{",
     "\"layers.0.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"layers.0.bias\":{"},
    {"metadata twice", "{\"__metadata__\"", "{\"__metadata__\":{},\"__metadata__\""},
    {"a key of a tensor twice", "\"dtype\":", "\"dtype\":\"F32\",\"dtype\":"},
    {"an option twice", "\\\"lr\\\":\\\"auto\\\"",
     "\\\"lr\\\":\\\"auto\\\",\\\"lr\\\":\\\"auto\\\""},
    {"invalid UTF-8 in a key", "layers.0.bias", "layers.0.bia\xff"},
    {"invalid UTF-8 in the metadata", "\\\"x1\\\"", "\\\"\xc3\x28\\\""},
    {"an overlong encoding", "\\\"x1\\\"", "\\\"\xc0\xaf\\\""},
    {"half a surrogate pair", "\\\"x1\\\"", "\\\"\\ud800\\\""},
    {"a NUL in a name", "layers.0.bias", "layers.0.bias\\u0000"},
    {"NaN as a number", "\"data_offsets\":[0,8]", "\"data_offsets\":[NaN,8]"},
    {"a number out of range", "\"data_offsets\":[0,8]",
     "\"data_offsets\":[0,99999999999999999999]"},
    {"a negative number", "\"data_offsets\":[0,8]", "\"data_offsets\":[-8,0]"},
    {"a fraction", "\"data_offsets\":[0,8]", "\"data_offsets\":[0.0,8.0]"},
    {"a comment", "{\"__metadata__\"", "/* */{\"__metadata__\""},
    {"an extra comma", "\"shape\":[2]", "\"shape\":[2,]"},
    {"no closing brace", "}}", "}"},
    {"a list", "{\"__metadata__\"", "[{\"__metadata__\""},
    {"text after the header", "}}", "}}{}"},
    {"a standardisation too large for a number", "\\\"scale\\\":[", "\\\"scale\\\":[1e999,"},
    {"metadata that is not JSON", "\"lockstep\":\"{", "\"lockstep\":\"{{"},
    {"metadata that is a list", "\"lockstep\":\"{", "\"lockstep\":\"[] {"},
};

Test(model_damage, damaged_header_text)
{
    file_make("moons", "hidden 2 epochs 2", "a.safetensors");
    file_parts p = file_take_apart("a.safetensors");
    size_t length = file_header_length(p.bytes);
    char *header = strndup(p.bytes + 8, length), changed[16384];
    for (size_t i = 0; i < RUNS_COUNT(texts); i++) {
        /* "}}" is meant at the end */
        char *at = !strcmp(texts[i].find, "}}") ? strrchr(header, '}') - 1
                                                : strstr(header, texts[i].find);
        cr_assert_not_null(at, "%s: there is no %s in %s", texts[i].what, texts[i].find, header);
        int n = snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - header), header,
                         texts[i].replace, at + strlen(texts[i].find));
        cr_assert(n > 0 && (size_t)n < sizeof changed);
        file_write("b.safetensors", changed, (size_t)n, p.data, p.data_size);
        file_assert_refused("b.safetensors", LS_ERR_DATA, texts[i].what);
    }
    free(header);
    file_parts_free(&p);
}

/* Nesting that would overflow the stack of a recursive reader, in the header and in the metadata.
 */
Test(model_damage, deep_nesting)
{
    enum { DEPTH = 2000000 };
    char *text = malloc(2 * DEPTH + 256);
    static const char *const before[] = {"{\"a\":", "{\"__metadata__\":{\"lockstep\":\"",
                                         "{\"__metadata__\":{\"lockstep\":\"{\\\"history\\\":"};
    static const char *const after[] = {"}", "\"}}", "}\"}}"};
    cr_assert_not_null(text);
    for (size_t i = 0; i < RUNS_COUNT(before); i++) {
        size_t n = strlen(before[i]);
        memcpy(text, before[i], n);
        memset(text + n, '[', DEPTH);
        memset(text + n + DEPTH, ']', DEPTH);
        strcpy(text + n + 2 * DEPTH, after[i]);
        file_write("deep.safetensors", text, strlen(text), "", 0);
        file_assert_refused("deep.safetensors", LS_ERR_DATA, "deep nesting");
    }
    free(text);
}

/* ---- Damage: header values ------------------------------------------------------------------- */

/* Replaces the value at a path of names separated by '|', or deletes it if value is NULL. */
typedef struct {
    const char *what;
    char where; /* 'h': in the header, 'm': in the metadata */
    const char *path, *value;
} edit;

static void apply(json_t *root, const edit *e)
{
    char copy[128], *rest = copy, *name, *next;
    json_t *at = root;
    snprintf(copy, sizeof copy, "%s", e->path);
    for (name = strtok_r(rest, "|", &rest); (next = strtok_r(rest, "|", &rest)); name = next)
        at = json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10))
                               : json_object_get(at, name);
    cr_assert(json_is_array(at) || json_is_object(at), "%s: there is no %s", e->what, e->path);
    json_t *value = e->value ? json_loads(e->value, JSON_DECODE_ANY, NULL) : NULL;
    cr_assert(!e->value == !value, "%s: %s", e->what, e->value);
    int failed = json_is_array(at) ? (value ? json_array_set_new(at, strtoul(name, NULL, 10), value)
                                            : json_array_remove(at, strtoul(name, NULL, 10)))
                 : value           ? json_object_set_new(at, name, value)
                                   : json_object_del(at, name);
    cr_assert_eq(failed, 0, "%s: cannot change %s", e->what, e->path);
}

/* The model below: 2 features, hidden 3, 1 output; biases of 12 and 4 bytes, weights of 24 and 12.
 */
static const edit edits[] = {
    {"no metadata", 'h', "__metadata__", NULL},
    {"metadata null", 'h', "__metadata__", "null"},
    {"metadata of another program", 'h', "__metadata__", "{\"format\":\"pt\"}"},
    {"metadata not text", 'h', "__metadata__|lockstep", "{}"},
    {"metadata empty", 'h', "__metadata__|lockstep", "\"\""},
    {"a missing tensor", 'h', "layers.0.bias", NULL},
    {"an extra tensor without data", 'h', "layers.9.bias",
     "{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[52,52]}"},
    {"an extra tensor", 'h', "layers.9.bias",
     "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[48,52]}"},
    {"a tensor that is a list", 'h', "layers.0.bias", "[]"},
    {"a tensor that is null", 'h', "layers.0.bias", "null"},
    {"another type", 'h', "layers.0.bias|dtype", "\"F16\""},
    {"a type of the same size", 'h', "layers.0.bias|dtype", "\"I32\""},
    {"a type that is not a string", 'h', "layers.0.bias|dtype", "32"},
    {"no type", 'h', "layers.0.bias|dtype", NULL},
    {"another shape", 'h', "layers.0.weight|shape", "[3,2]"},
    {"a flat shape", 'h', "layers.0.weight|shape", "[6]"},
    {"a third dimension", 'h', "layers.0.weight|shape", "[2,3,1]"},
    {"a negative shape", 'h', "layers.0.weight|shape", "[-2,-3]"},
    {"an empty shape", 'h', "layers.0.weight|shape", "[]"},
    {"a shape of text", 'h', "layers.0.weight|shape", "\"2,3\""},
    {"a huge shape", 'h', "layers.0.weight|shape", "[4611686018427387905,3]"},
    {"no shape", 'h', "layers.0.weight|shape", NULL},
    {"a gap", 'h', "layers.0.weight|data_offsets", "[16,40]"},
    {"an overlap", 'h', "layers.0.weight|data_offsets", "[8,32]"},
    {"the end before the beginning", 'h', "layers.0.bias|data_offsets", "[12,0]"},
    {"an end beyond the file", 'h', "layers.1.weight|data_offsets", "[40,56]"},
    {"three offsets", 'h', "layers.0.bias|data_offsets", "[0,12,12]"},
    {"no offsets", 'h', "layers.0.bias|data_offsets", NULL},
    {"format 2", 'm', "format", "2"},
    {"no format", 'm', "format", NULL},
    {"format as text", 'm', "format", "\"1\""},
    {"no options", 'm', "options", NULL},
    {"options in a list", 'm', "options", "[]"},
    {"an unknown option", 'm', "options|hiden", "\"3\""},
    {"an option that is not a string", 'm', "options|hidden", "3"},
    {"an option out of range", 'm', "options|dropout", "\"7\""},
    {"another width", 'm', "options|hidden", "\"4\""},
    {"another depth", 'm', "options|hidden", "\"3,3\""},
    {"too deep", 'm', "options|hidden", "\"1000000,1000000\""},
    {"batch norm on", 'm', "options|batch-norm", "\"on\""},
    {"options that do not fit together", 'm', "options|output", "\"softmax\""},
    {"a loss that does not fit the output", 'm', "options|loss", "\"ce\""},
    {"residual without blocks", 'm', "options|residual", "\"on\""},
    {"activations that do not fit", 'm', "options|activation", "\"relu,relu\""},
    {"no features", 'm', "features", "[]"},
    {"features that are text", 'm', "features", "\"x1\""},
    {"an extra feature", 'm', "features", "[\"x1\",\"x2\",\"x3\"]"},
    {"a feature without a name", 'm', "features", "[\"x1\",2]"},
    {"no classes", 'm', "classes", NULL},
    {"one class", 'm', "classes", "[\"0\"]"},
    {"an extra class", 'm', "classes", "[\"0\",\"1\",\"2\"]"},
    {"a class without a name", 'm', "classes", "[\"0\",null]"},
    {"two classes with the same name", 'm', "classes", "[\"0\",\"0\"]"},
    {"a missing mean", 'm', "standardize|mean", "[0]"},
    {"a mean that is text", 'm', "standardize|mean", "[\"0\",\"0\"]"},
    {"no scale", 'm', "standardize|scale", "null"},
    {"a scale of zero", 'm', "standardize|scale", "[0,0]"},
    {"no standardisation though the options say so", 'm', "standardize", NULL},
    {"a history that is not a list", 'm', "history", "\"long\""},
    {"a history of numbers", 'm', "history", "[1,2,3]"},
    {"a history with an empty point", 'm', "history", "[[]]"},
    {"history of text", 'm', "history", "[[\"1\",\"2\"]]"},
    {"no training", 'm', "training", NULL},
    {"epochs as text", 'm', "training|epochs", "\"many\""},
    {"negative epochs", 'm', "training|epochs", "-1"},
    {"no checksum", 'm', "weights_sha256", NULL},
    {"an empty checksum", 'm', "weights_sha256", "\"\""},
    {"a wrong checksum", 'm', "weights_sha256",
     "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""},
};

Test(model_damage, damaged_header_values)
{
    file_make("moons", "hidden 3 epochs 2", "a.safetensors");
    for (size_t i = 0; i < RUNS_COUNT(edits); i++) {
        file_parts p = file_take_apart("a.safetensors");
        apply(edits[i].where == 'h' ? p.root : p.meta, &edits[i]);
        file_put_together("b.safetensors", &p, edits[i].where == 'm');
        file_assert_refused("b.safetensors", LS_ERR_DATA, edits[i].what);
        file_parts_free(&p);
    }
    file_parts p = file_take_apart("a.safetensors");
    file_put_together("b.safetensors", &p, true);
    size_t size;
    char *bytes = runs_file_read("b.safetensors", &size);
    cr_assert(size == p.size && !memcmp(bytes, p.bytes, size),
              "the test does not reassemble the file to the same bytes");
    free(bytes);
    file_parts_free(&p);
}

/* ---- Robust scaling -------------------------------------------------------------------------- */

static const edit clip_edits[] = {
    {"no limit", 'm', "standardize|clip", NULL},
    {"a limit of zero", 'm', "standardize|clip", "0"},
    {"a negative limit", 'm', "standardize|clip", "-3"},
    {"a tiny limit", 'm', "standardize|clip", "1e-9"},
    {"a huge limit", 'm', "standardize|clip", "1e300"},
    {"a limit that is text", 'm', "standardize|clip", "\"3\""},
    {"a limit that is null", 'm', "standardize|clip", "null"},
    {"a limit that is a list", 'm', "standardize|clip", "[3]"},
    {"a limit without a mean and a scale", 'm', "standardize",
     "{\"mean\":null,\"scale\":null,\"clip\":3}"},
    {"a limit though the options say none", 'm', "options|scaling", NULL},
    {"an unknown scaling", 'm', "options|scaling", "\"rough\""},
};

Test(model_damage, damaged_limits_of_robust_scaling)
{
    file_make("moons", "hidden 3 epochs 2 scaling robust", "a.safetensors");
    for (size_t i = 0; i < RUNS_COUNT(clip_edits); i++) {
        file_parts p = file_take_apart("a.safetensors");
        apply(p.meta, &clip_edits[i]);
        file_put_together("b.safetensors", &p, true);
        file_assert_refused("b.safetensors", LS_ERR_DATA, clip_edits[i].what);
        file_parts_free(&p);
    }
}

/* ---- Models of categories and missing values ------------------------------------------------- */

/* Columns 0: size, 1: town (Bonn, Kiel, Ulm, other); the class is column 2 of the file. 5 inputs.
 */
static void make_encoded(const char *path)
{
    static const char text[] =
        "size,town,class\n1,Ulm,a\n?,Bonn,b\n2,Kiel,a\n3,,b\n4,Ulm,a\n5,Bonn,b\n";
    ls_data *data;
    ls_options *options;
    ls_model *model;
    ls_error err;
    runs_file_write("mixed.csv", text, sizeof text - 1);
    cr_assert_eq(ls_data_read("mixed.csv", NULL, &data, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_options_create_plain(&options, &err), LS_OK);
    cr_assert_eq(ls_options_set(options, "hidden", "2", &err), LS_OK);
    cr_assert_eq(ls_options_set(options, "epochs", "2", &err), LS_OK);
    cr_assert_eq(ls_train(NULL, options, data, NULL, NULL, &model, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_model_save(model, path, &err), LS_OK, "%s", err.message);
    ls_model_free(model);
    ls_options_free(options);
    ls_data_free(data);
}

static const edit column_edits[] = {
    {"format 1 with columns", 'm', "format", "1"},
    {"no columns", 'm', "columns", NULL},
    {"columns that are a list", 'm', "columns", "[]"},
    {"columns without a list", 'm', "columns|list", NULL},
    {"an empty list", 'm', "columns|list", "[]"},
    {"a list of numbers", 'm', "columns|list", "[1,2]"},
    {"a missing column", 'm', "columns|list|1", NULL},
    {"a column without a name", 'm', "columns|list|0|name", NULL},
    {"a column with a number for a name", 'm', "columns|list|0|name", "3"},
    {"a column after the last one of the file", 'm', "columns|list|0|place", "3"},
    {"a negative place", 'm', "columns|list|0|place", "-1"},
    {"a fractional place", 'm', "columns|list|0|place", "0.5"},
    {"a column twice", 'm', "columns|list|0|place", "1"},
    {"a column in the place of the class", 'm', "columns|list|0|place", "2"},
    {"no fill", 'm', "columns|list|0|fill", NULL},
    {"a fill as text", 'm', "columns|list|0|fill", "\"1\""},
    {"a fill that is not a category", 'm', "columns|list|1|fill", "4"},
    {"a fill between categories", 'm', "columns|list|1|fill", "0.5"},
    {"a negative fill", 'm', "columns|list|1|fill", "-1"},
    {"a huge fill", 'm', "columns|list|1|fill", "1e300"},
    {"a fill that is a category without rows", 'm', "columns|list|1",
     "{\"name\":\"town\",\"place\":1,\"fill\":0,\"other\":true,\"categories\":[null,\"a\",\"b\"]}"},
    {"categories that are text", 'm', "columns|list|1|categories", "\"Ulm\""},
    {"categories of numbers", 'm', "columns|list|1|categories", "[1,2,3]"},
    {"a category twice", 'm', "columns|list|1|categories", "[\"Ulm\",\"Ulm\",\"Kiel\"]"},
    {"an extra category", 'm', "columns|list|1|categories", "[\"a\",\"b\",\"c\",\"d\"]"},
    {"a missing category", 'm', "columns|list|1|categories", "[\"a\",\"b\"]"},
    {"no entry about other values", 'm', "columns|list|1|other", NULL},
    {"other values as a number", 'm', "columns|list|1|other", "1"},
    {"no columns in the file", 'm', "source|columns", "0"},
    {"fewer columns in the file", 'm', "source|columns", "1"},
    {"too many columns in the file", 'm', "source|columns", "3e9"},
    {"a width as text", 'm', "source|columns", "\"3\""},
    {"no source", 'm', "source", NULL},
    {"a source that is a list", 'm', "source", "[]"},
    {"no header", 'm', "source|header", NULL},
    {"a header that is a number", 'm', "source|header", "1"},
    {"an unknown header option", 'm', "source|header_option", "\"maybe\""},
    {"a header option that is null", 'm', "source|header_option", "null"},
    {"no separator", 'm', "source|separator", NULL},
    {"a separator of two characters", 'm', "source|separator", "\";;\""},
    {"an empty separator", 'm', "source|separator", "\"\""},
    {"a quote as the separator", 'm', "source|separator", "\"'\""},
    {"a digit as the separator", 'm', "source|separator", "\"7\""},
    {"marks that are a list", 'm', "source|marks", "[\"-999\"]"},
    {"no targets", 'm', "source|targets", NULL},
    {"two targets for classes", 'm', "source|targets",
     "[{\"name\":\"class\",\"place\":2},{\"name\":\"b\",\"place\":null}]"},
    {"a target that is a number", 'm', "source|targets", "[2]"},
    {"a target without a name", 'm', "source|targets", "[{\"place\":2}]"},
    {"a target with a number for a name", 'm', "source|targets", "[{\"name\":1,\"place\":2}]"},
    {"a target without a place", 'm', "source|targets", "[{\"name\":\"class\"}]"},
    {"a class column after the last one of the file", 'm', "source|targets",
     "[{\"name\":\"class\",\"place\":3}]"},
    {"a class column as text", 'm', "source|targets", "[{\"name\":\"class\",\"place\":\"2\"}]"},
    {"a class column that is a feature", 'm', "source|targets",
     "[{\"name\":\"class\",\"place\":1}]"},
    {"a target with an unknown format", 'm', "source|targets",
     "[{\"name\":\"class\",\"place\":2,\"format\":{\"decimal\":\";\"}}]"},
    {"an offset as text", 'm', "columns|list|0|offset", "\"1\""},
    {"an offset that is null", 'm', "columns|list|0|offset", "null"},
    {"an offset of categories", 'm', "columns|list|1|offset", "1"},
    {"a format of categories", 'm', "columns|list|1|format", "{\"decimal\":\",\"}"},
    {"a format that is text", 'm', "columns|list|0|format", "\",\""},
    {"a format that says nothing", 'm', "columns|list|0|format", "{}"},
    {"an unknown decimal point", 'm', "columns|list|0|format", "{\"decimal\":\"x\"}"},
    {"decimals and thousands alike", 'm', "columns|list|0|format",
     "{\"decimal\":\",\",\"thousands\":\",\"}"},
    {"thousands like the usual decimals", 'm', "columns|list|0|format", "{\"thousands\":\".\"}"},
    {"thousands that are long", 'm', "columns|list|0|format", "{\"thousands\":\"  \"}"},
    {"units that are text", 'm', "columns|list|0|format", "{\"units\":\"kg\"}"},
    {"a long prefix", 'm', "columns|list|0|format", "{\"units\":true,\"prefix\":\"12345678\"}"},
    {"a long suffix", 'm', "columns|list|0|format",
     "{\"units\":true,\"suffix\":\"1234567890123456\"}"},
    {"an empty suffix", 'm', "columns|list|0|format", "{\"units\":true,\"suffix\":\"\"}"},
    {"dates in an unknown order", 'm', "columns|list|0|format", "{\"dates\":\"year-first\"}"},
    {"dates that are true", 'm', "columns|list|0|format", "{\"dates\":true}"},
    {"dates with a decimal comma", 'm', "columns|list|0|format",
     "{\"dates\":\"times\",\"decimal\":\",\"}"},
    {"dates of categories", 'm', "columns|list|1|format", "{\"dates\":\"times\"}"},
    {"a target of dates", 'm', "source|targets",
     "[{\"name\":\"class\",\"place\":2,\"format\":{\"dates\":\"times\"}}]"},
    {"a mark that is a number", 'm', "columns|list|0|mark", "-999"},
    {"an empty mark", 'm', "columns|list|0|mark", "\"\""},
    {"an unknown rule for missing values", 'm', "columns|missing", "\"guess\""},
    {"no rule for missing values", 'm', "columns|missing", NULL},
};

Test(model_damage, damaged_columns)
{
    make_encoded("a.safetensors");
    for (size_t i = 0; i < RUNS_COUNT(column_edits); i++) {
        file_parts p = file_take_apart("a.safetensors");
        apply(p.meta, &column_edits[i]);
        file_put_together("b.safetensors", &p, true);
        file_assert_refused("b.safetensors", LS_ERR_DATA, column_edits[i].what);
        file_parts_free(&p);
    }
}

/* Files of the version before "source", which has the width of the file and the place of the class
 * in "columns". */
static file_parts take_apart_older(const char *path)
{
    file_parts p = file_take_apart(path);
    json_t *columns = json_object_get(p.meta, "columns");
    json_object_set_new(p.meta, "format", json_integer(2));
    json_object_del(p.meta, "source");
    json_object_del(p.meta, "most_frequent_class");
    json_object_set_new(columns, "file_columns", json_integer(3));
    json_object_set_new(columns, "file_target", json_integer(2));
    return p;
}

static const edit older_edits[] = {
    {"no columns in the file", 'm', "columns|file_columns", "0"},
    {"fewer columns in the file", 'm', "columns|file_columns", "1"},
    {"too many columns in the file", 'm', "columns|file_columns", "3000000000"},
    {"a class column after the last one of the file", 'm', "columns|file_target", "3"},
    {"a class column as text", 'm', "columns|file_target", "\"2\""},
    {"a class column that is a feature", 'm', "columns|file_target", "1"},
    {"format 2 with a source", 'm', "source",
     "{\"columns\":3,\"header\":true,\"header_option\":\"auto\",\"separator\":null,"
     "\"marks\":null,\"targets\":[{\"name\":\"class\",\"place\":2}]}"},
};

Test(model_damage, damaged_columns_of_older_files)
{
    ls_model *model;
    ls_error err;
    make_encoded("a.safetensors");
    file_parts whole = take_apart_older("a.safetensors");
    file_put_together("old.safetensors", &whole, true);
    file_parts_free(&whole);
    cr_assert_eq(ls_model_load("old.safetensors", &model, &err), LS_OK, "%s", err.message);
    cr_expect(model->source.columns == 3 && model->source.header);
    cr_expect(model->target->place == 2 && !model->target->name);
    ls_model_free(model);
    for (size_t i = 0; i < RUNS_COUNT(older_edits); i++) {
        file_parts p = take_apart_older("a.safetensors");
        apply(p.meta, &older_edits[i]);
        file_put_together("b.safetensors", &p, true);
        file_assert_refused("b.safetensors", LS_ERR_DATA, older_edits[i].what);
        file_parts_free(&p);
    }
}

Test(model_damage, no_flipped_byte_changes_a_model_with_columns)
{
    char first[128] = "";
    make_encoded("a.safetensors");
    size_t wrong = flip_every_byte("a.safetensors", masks, 2, first);
    cr_assert_eq(wrong, 0,
                 "%zu single-byte changes give another model without an error; the first is %s",
                 wrong, first);
}

/* ---- Models with a threshold ----------------------------------------------------------------- */

static void make_decided(const char *path)
{
    ls_model *model = file_make_model("moons", "hidden 3 epochs 2", path);
    ls_error err;
    const ls_threshold_options options = {.positive = "0", .threshold = "0.3"};
    cr_assert_eq(ls_model_set_threshold(model, NULL, NULL, &options, &err), LS_OK, "%s",
                 err.message);
    cr_assert_eq(ls_model_save(model, path, &err), LS_OK, "%s", err.message);
    ls_model_free(model);
}

static const edit decision_edits[] = {
    {"format 1 with a decision", 'm', "format", "1"},
    {"format 2 with a decision", 'm', "format", "2"},
    {"a future format", 'm', "format", "4"},
    {"format 3 without a decision", 'm', "decision", NULL},
    {"format 3 with columns that are null", 'm', "columns", "null"},
    {"a decision that is a number", 'm', "decision", "0.3"},
    {"a decision equal to the default", 'm', "decision",
     "{\"positive\":1,\"source\":\"default\",\"threshold\":null}"},
    {"no positive class", 'm', "decision|positive", NULL},
    {"a third class", 'm', "decision|positive", "2"},
    {"a negative class", 'm', "decision|positive", "-1"},
    {"a class as text", 'm', "decision|positive", "\"0\""},
    {"no threshold", 'm', "decision|threshold", NULL},
    {"a threshold that is null", 'm', "decision|threshold", "null"},
    {"a threshold as text", 'm', "decision|threshold", "\"0.3\""},
    {"a threshold above 1", 'm', "decision|threshold", "1.5"},
    {"a threshold below 0", 'm', "decision|threshold", "-0.25"},
    {"a huge threshold", 'm', "decision|threshold", "1e300"},
    {"a threshold that is not a float32", 'm', "decision|threshold", "0.3"},
    {"no source", 'm', "decision|source", NULL},
    {"an unknown source", 'm', "decision|source", "\"fate\""},
    {"a source that is a number", 'm', "decision|source", "1"},
    {"the source of a default threshold", 'm', "decision|source", "\"default\""},
    {"the source that is never saved", 'm', "decision|source", "\"data\""},
};

Test(model_damage, damaged_decisions)
{
    make_decided("a.safetensors");
    for (size_t i = 0; i < RUNS_COUNT(decision_edits); i++) {
        file_parts p = file_take_apart("a.safetensors");
        apply(p.meta, &decision_edits[i]);
        file_put_together("b.safetensors", &p, true);
        file_assert_refused("b.safetensors", LS_ERR_DATA, decision_edits[i].what);
        file_parts_free(&p);
    }
    file_make("blobs", "hidden 3 epochs 2", "c.safetensors"); /* three classes */
    file_parts p = file_take_apart("c.safetensors"), q = file_take_apart("a.safetensors");
    json_object_set(p.meta, "decision", json_object_get(q.meta, "decision"));
    json_object_set_new(p.meta, "format", json_integer(3));
    file_put_together("b.safetensors", &p, true);
    file_assert_refused("b.safetensors", LS_ERR_DATA, "a threshold for three classes");
    file_parts_free(&p);
    file_parts_free(&q);
}

Test(model_damage, no_flipped_byte_changes_a_model_with_a_decision)
{
    char first[128] = "";
    make_decided("a.safetensors");
    size_t wrong = flip_every_byte("a.safetensors", masks, 2, first);
    cr_assert_eq(wrong, 0,
                 "%zu single-byte changes give another model without an error; the first is %s",
                 wrong, first);
}

/* Values that are not finite are refused, even with a matching checksum. */
Test(model_damage, values_that_are_not_finite)
{
    const float bad[] = {NAN, INFINITY, -INFINITY};
    file_make("moons", "hidden 3 epochs 2", "a.safetensors");
    for (size_t i = 0; i < 2 * RUNS_COUNT(bad); i++) {
        file_parts p = file_take_apart("a.safetensors");
        memcpy(p.data + 16, &bad[i / 2], sizeof *bad);
        char hex[65];
        ls_sha256_of(p.data, p.data_size, hex);
        if (i % 2) json_object_set_new(p.meta, "weights_sha256", json_string(hex));
        file_put_together("b.safetensors", &p, true);
        file_assert_refused("b.safetensors", LS_ERR_DATA,
                            i % 2 ? "a value not finite, with its checksum" : "a value not finite");
        file_parts_free(&p);
    }
}

/* A small file that describes a large network must be refused before memory is allocated for it. */
Test(model_damage, large_networks_in_small_files)
{
    static const edit large[] = {
        {"4 TB", 'm', "options|hidden", "\"1000000,1000000\""},
        {"1.6 GB", 'm', "options|hidden", "\"20000,20000\""},
        {"240 MB", 'm', "options|hidden", "\"20000000\""},
        {"200 MB", 'm', "options|hidden", "\"7000,7000\""},
        {"more than the address space", 'm', "options|hidden",
         "\"1000000,1000000,1000000,1000000,1000000\""},
    };
    struct rusage before, after;
    file_make("moons", "hidden 3 epochs 2", "a.safetensors");
    getrusage(RUSAGE_SELF, &before);
    for (size_t i = 0; i < RUNS_COUNT(large); i++) {
        file_parts p = file_take_apart("a.safetensors");
        apply(p.meta, &large[i]);
        file_put_together("b.safetensors", &p, true);
        file_assert_refused("b.safetensors", LS_ERR_DATA, large[i].what);
        file_parts_free(&p);
    }
    getrusage(RUSAGE_SELF, &after);
    long grown = (after.ru_maxrss - before.ru_maxrss) / 1024;
    cr_assert_lt(grown, 64, "%ld MB were used for a file of a few kB", grown);
}

#else
Test(model_damage, skipped) { cr_skip_test("built without jansson, thus without model files"); }
#endif
