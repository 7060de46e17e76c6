/* SPDX-License-Identifier: MIT */
#include "host/data/read.h"
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/base/struct_size.h"
#include "host/base/text.h"
#include "host/data/formats.h"
#include "host/data/pass.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Class labels ---------------------------------------------------------------------------- */

static ls_status stream_format(const char *path, ls_stream *stream, const ls_format **out,
                               ls_error *err)
{
    const char *head;
    size_t count;
    LS_TRY(ls_stream_head(stream, &head, &count, err));
    return ls_format_of(path, head, count, out, err);
}

/* Path of the customary file of classes, if that can be read; else NULL. A pipe in its place, which
 * nobody named, is not waited for. */
static char *readable_labels(const ls_format *format, const char *path)
{
    struct stat about;
    char *labels = format->labels ? format->labels(path) : NULL;
    if (labels && access(labels, R_OK) == 0 && stat(labels, &about) == 0 && S_ISREG(about.st_mode))
        return labels;
    free(labels);
    return NULL;
}

ls_status ls_labels_beside(const char *path, char **out, ls_error *err)
{
    ls_stream *stream;
    const ls_format *format;
    *out = NULL;
    LS_TRY(ls_stream_open(path, &stream, err));
    ls_status status = stream_format(path, stream, &format, err);
    ls_stream_close(stream);
    if (status == LS_OK) *out = readable_labels(format, path);
    return status;
}

/* ---- Matrices -------------------------------------------------------------------------------- */

/* Opens the matrix of a whole file: its header first, then the numbers that this promises and one
 * byte more, which must not be there. *bytes is freed by the caller after the matrix is used. */
static ls_status open_matrix(const ls_format *format, const char *path, ls_stream *stream,
                             char **bytes, ls_matrix *out, ls_error *err)
{
    size_t size, wanted;
    LS_TRY(ls_format_matrix(format, path, stream, out, &wanted, err));
    LS_TRY(ls_stream_rest(stream, wanted < SIZE_MAX ? wanted + 1 : wanted, bytes, &size, err));
    out->bytes = *bytes;
    return ls_check_matrix(out, format->name, size, err);
}

/* The bytes that follow the header, without keeping them; at most one more than wanted. */
static ls_status count_rest(ls_stream *stream, size_t head, size_t wanted, size_t *size,
                            ls_error *err)
{
    char some[1 << 14];
    *size = 0;
    if (ls_stream_is_plain(stream)) {
        *size = ls_stream_size(stream) > head ? ls_stream_size(stream) - head : 0;
        return LS_OK;
    }
    for (size_t count = 1; count && *size <= wanted; *size += count)
        LS_TRY(ls_stream_read(stream, some, sizeof some, &count, err));
    return LS_OK;
}

/* The same for a pass, which reads the numbers from the stream as it needs them. */
static ls_status open_streamed(const ls_format *format, const char *path, ls_stream *stream,
                               ls_matrix *out, ls_error *err)
{
    size_t size, wanted;
    LS_TRY(ls_format_matrix(format, path, stream, out, &wanted, err));
    LS_TRY(count_rest(stream, out->head, wanted, &size, err));
    out->stream = stream;
    return ls_check_matrix(out, format->name, size, err);
}

static ls_status open_labels(const char *path, char **bytes, ls_matrix *out, ls_error *err)
{
    ls_stream *stream;
    const ls_format *format;
    LS_TRY(ls_stream_open(path, &stream, err));
    ls_status status = stream_format(path, stream, &format, err);
    if (status == LS_OK && !format->describe)
        status = ls_fail(err, LS_ERR_DATA,
                         "%s: classes are read from %s files, and this is a %s file", path,
                         ls_matrix_formats().text, format->name);
    if (status == LS_OK) status = open_matrix(format, path, stream, bytes, out, err);
    ls_stream_close(stream);
    return status;
}

static ls_status read_with_labels(const ls_matrix *matrix, const char *path,
                                  const ls_read_request *request, ls_data **out, ls_error *err)
{
    char *bytes = NULL;
    ls_matrix labels;
    ls_status status = open_labels(path, &bytes, &labels, err);
    if (status == LS_OK) status = ls_read_matrix(matrix, &labels, request, out, err);
    free(bytes);
    return status;
}

/* If a format has a customary file of classes, the columns hold none, unless --target names one. */
static ls_status read_without_labels(const ls_format *format, const ls_matrix *matrix,
                                     const ls_read_request *request, ls_data **out, ls_error *err)
{
    char *usual = format->labels && !request->no_target ? format->labels(matrix->path) : NULL;
    if (usual && !request->target && request->expected.features != matrix->columns) {
        ls_status status =
            ls_fail(err, LS_ERR_DATA,
                    "%s: there is no file of its classes (%s); name that file with --labels",
                    matrix->path, usual);
        free(usual);
        return status;
    }
    free(usual);
    return ls_read_matrix(matrix, NULL, request, out, err);
}

static ls_status read_matrix(const ls_format *format, const char *path, ls_stream *stream,
                             const ls_read_request *request, ls_data **out, ls_error *err)
{
    ls_matrix matrix;
    char *bytes = NULL;
    ls_status status = request->pass ? open_streamed(format, path, stream, &matrix, err)
                                     : open_matrix(format, path, stream, &bytes, &matrix, err);
    if (status == LS_OK) {
        bool wanted = !request->no_target;
        char *beside = wanted && !request->labels ? readable_labels(format, path) : NULL;
        const char *labels = wanted && request->labels ? request->labels : beside;
        status = labels ? read_with_labels(&matrix, labels, request, out, err)
                        : read_without_labels(format, &matrix, request, out, err);
        free(beside);
    }
    free(bytes);
    return status;
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* Names go into model files, which are JSON: they must be UTF-8. */
static ls_status check_names(const char *path, const ls_data *data, ls_error *err)
{
    for (size_t k = 0; k < data->targets; k++)
        if (data->target[k].name && !ls_is_utf8(data->target[k].name))
            return ls_fail(
                err, LS_ERR_DATA,
                "%s: the name of the class column is not UTF-8; convert the file, as with iconv -f latin1 -t utf-8",
                path);
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

static ls_status read_stream(const char *path, ls_stream *stream, const ls_read_request *request,
                             ls_data **out, ls_error *err)
{
    const ls_format *format;
    ls_data *data = NULL;
    LS_TRY(stream_format(path, stream, &format, err));
    LS_TRY(ls_format_check_labels(format, request->labels, path, err));
    if (!ls_format_is_text(format) && ls_stream_parts(stream) > 1)
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: only CSV files are read as one table", path);
    if (request->pass && !format->describe && !ls_format_is_text(format))
        return ls_fail(
            err, LS_ERR_UNSUPPORTED,
            "%s: an %s file is unpacked as a whole, and its rows cannot be read piece by "
            "piece; save them as NPY",
            path, format->name);
    if (request->pass && ls_stream_is_pipe(stream))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: is a pipe, and its rows are read several times; write them to a file",
                       path);
    LS_TRY(format->describe ? read_matrix(format, path, stream, request, &data, err)
                            : format->read(path, stream, request, &data, err));
    ls_status status = data ? check_names(path, data, err) : LS_OK;
    if (status == LS_OK) *out = data;
    else ls_data_free(data);
    return status;
}

ls_status ls_read_rows(const char *path, const ls_read_request *request, ls_data **out,
                       ls_error *err)
{
    ls_stream *stream;
    LS_TRY(ls_stream_open(path, &stream, err));
    ls_status status = read_stream(ls_stream_name(path), stream, request, out, err);
    if (status != LS_OK) ls_stream_explain(stream, err);
    ls_stream_close(stream);
    return status;
}

/* ---- Files whose cells are not kept ---------------------------------------------------------- */

/* What tells that a file has been written to, or is another one. A copy of it on another machine
 * has the same size and, if it was made with care, the same time. */
typedef struct {
    bool known;  /* of one file */
    bool copied; /* by another process, which may have read another copy */
    uint64_t device, number, bytes, seconds, nanoseconds;
} file_mark;

static file_mark mark_of(const struct stat *about)
{
    return (file_mark){.known = true,
                       .device = (uint64_t)about->st_dev,
                       .number = (uint64_t)about->st_ino,
                       .bytes = (uint64_t)about->st_size,
                       .seconds = (uint64_t)about->st_mtim.tv_sec,
                       .nanoseconds = (uint64_t)about->st_mtim.tv_nsec};
}

typedef struct {
    const char *path;
    ls_read_request request;
    ls_pass pass;
    file_mark mark; /* before the first pass */
    char *bytes;    /* that path and request point into, or NULL */
} apart_file;

static void free_file(void *context)
{
    apart_file *f = context;
    ls_pass *p = &f->pass;
    for (size_t c = 0; p->map && c < p->apart->columns; c++) free(p->map[c]);
    for (size_t c = 0; p->texts && c < p->apart->columns; c++) ls_dictionary_free(p->texts[c]);
    free(p->map);
    free(p->texts);
    free(p->format);
    free(p->numbers);
    free(p->start);
    free(p->assumed);
    free(f->bytes);
    free(f);
}

/* Also refuses a pipe that has come in the file's place: to open it might take for ever. */
static ls_status check_mark(const apart_file *f, ls_error *err)
{
    const file_mark *a = &f->mark;
    struct stat about;
    if (!a->known || stat(f->path, &about) != 0) return LS_OK; /* opening it tells why */
    const file_mark b = mark_of(&about);
    const bool same_content = S_ISREG(about.st_mode) && a->bytes == b.bytes &&
                              a->seconds == b.seconds && a->nanoseconds == b.nanoseconds;
    if (same_content && (a->copied || (a->device == b.device && a->number == b.number)))
        return LS_OK;
    return a->copied
               ? ls_fail(
                     err, LS_ERR_IO,
                     "%s: is not the file that rank 0 has read: its size or time differs; share "
                     "one file, or copy it with its time (cp -p)",
                     f->path)
               : ls_fail(err, LS_ERR_IO, "%s: has changed since it was read first; start again",
                         f->path);
}

static ls_status read_again(const ls_apart *apart, size_t first, size_t rows, ls_apart_take *take,
                            void *user, ls_error *err)
{
    const apart_file *f = apart->context;
    ls_pass pass = f->pass;
    ls_read_request request = f->request;
    ls_data *none = NULL;
    assert(first % LS_APART_BLOCK == 0 && (!first || (apart->ranged && first < apart->rows)));
    pass.take = take, pass.user = user;
    pass.first = first, pass.rows = rows;
    request.pass = &pass;
    request.callback = NULL;
    LS_TRY(check_mark(f, err)); /* a new file may be damaged, too */
    LS_TRY(ls_read_rows(f->path, &request, &none, err));
    return check_mark(f, err);
}

static ls_status create_apart(ls_apart **out, apart_file **file, ls_error *err)
{
    ls_apart *apart;
    LS_TRY(ls_alloc(&apart, 1, sizeof *apart, "the rows", err));
    *apart = (ls_apart){.uses = 1};
    ls_status status = ls_alloc(file, 1, sizeof **file, "the rows", err);
    if (status != LS_OK) {
        ls_apart_free(apart);
        return status;
    }
    (*file)->pass.apart = apart;
    apart->pass = read_again;
    apart->free_context = free_file;
    apart->context = *file;
    *out = apart;
    return LS_OK;
}

/* Whether the file can be read from some row on. */
static bool is_plain(const char *path)
{
    ls_stream *stream;
    if (ls_stream_open(path, &stream, NULL) != LS_OK) return false;
    const bool plain = ls_stream_is_plain(stream);
    ls_stream_close(stream);
    return plain;
}

ls_status ls_read_apart(const char *path, const ls_read_request *request, ls_data **out,
                        ls_error *err)
{
    ls_apart *apart;
    apart_file *f;
    LS_TRY(create_apart(&apart, &f, err));
    f->path = path;
    f->request = *request;
    f->request.pass = &f->pass;
    struct stat about;
    if (stat(path, &about) == 0) f->mark = mark_of(&about);
    ls_status status = ls_read_rows(path, &f->request, out, err);
    f->request.mode = NULL;
    apart->ranged = status == LS_OK && is_plain(path);
    ls_apart_free(apart);
    return status;
}

/* ---- The same for another process ------------------------------------------------------------ */

/* Bytes that are written, or counted if `to` is NULL; or read, up to `left`. */
typedef struct {
    char *to;
    const char *from;
    size_t size, left;
    bool failed;
} packing;

static void put(packing *p, const void *bytes, size_t size)
{
    if (p->to && size) memcpy(p->to + p->size, bytes, size);
    p->size += size;
}

static void put_text(packing *p, const char *text)
{
    const size_t length = text ? strlen(text) + 1 : 0;
    put(p, &length, sizeof length);
    put(p, text, length);
}

static void get(packing *p, void *bytes, size_t size)
{
    p->failed |= size > p->left;
    if (p->failed) return;
    memcpy(bytes, p->from, size);
    p->from += size;
    p->left -= size;
}

/* The text stays where it is. */
static const char *get_text(packing *p)
{
    size_t length = 0;
    get(p, &length, sizeof length);
    p->failed |= length > p->left || (length && p->from[length - 1]);
    const char *text = p->failed || !length ? NULL : p->from;
    if (!p->failed) p->from += length, p->left -= length;
    return text;
}

/* The texts of a request. */
enum { REQUEST_TEXTS = 9 };
static void texts_of(ls_read_request *r, const char **text[REQUEST_TEXTS])
{
    const char **const all[REQUEST_TEXTS] = {&r->target, &r->labels,       &r->columns,
                                             &r->drop,   &r->categorical,  &r->units,
                                             &r->weight, &r->missing_mark, &r->group};
    memcpy(text, all, sizeof all);
}

static void put_column(packing *p, const ls_pass *pass, size_t c)
{
    const ls_dictionary *texts = pass->texts[c];
    const size_t count = texts ? ls_dictionary_count(texts) : 0;
    const bool mapped = pass->map[c] != NULL;
    put(p, &pass->format[c], sizeof pass->format[c]);
    put(p, &pass->numbers[c], sizeof pass->numbers[c]);
    put(p, &count, sizeof count);
    for (size_t i = 0; i < count; i++) put_text(p, ls_dictionary_text(texts, i, NULL, NULL));
    put(p, &mapped, sizeof mapped);
    if (mapped) put(p, pass->map[c], count * sizeof *pass->map[c]);
}

static void put_file(packing *p, const ls_apart *apart)
{
    const apart_file *f = apart->context;
    ls_read_request request = f->request;
    const char **text[REQUEST_TEXTS];
    texts_of(&request, text);
    put(p, &apart->rows, sizeof apart->rows);
    put(p, &apart->columns, sizeof apart->columns);
    put_text(p, f->path);
    put(p, &f->mark, sizeof f->mark);
    for (size_t i = 0; i < REQUEST_TEXTS; i++) put_text(p, *text[i]);
    put(p, &request, sizeof request);
    put(p, &f->pass.file_columns, sizeof f->pass.file_columns);
    put(p, f->pass.assumed, f->pass.file_columns * sizeof *f->pass.assumed);
    for (size_t c = 0; c < apart->columns; c++) put_column(p, &f->pass, c);
    put(p, &f->pass.starts, sizeof f->pass.starts);
    put(p, f->pass.start, f->pass.starts * sizeof *f->pass.start);
}

ls_status ls_apart_pack(const ls_apart *apart, char **bytes, size_t *size, ls_error *err)
{
    packing p = {0};
    put_file(&p, apart);
    LS_TRY(ls_alloc(&p.to, p.size, 1, "a request", err));
    p.size = 0;
    put_file(&p, apart);
    *bytes = p.to;
    *size = p.size;
    return LS_OK;
}

static ls_status get_column(packing *p, ls_pass *pass, size_t c, ls_error *err)
{
    size_t count = 0;
    bool mapped = false;
    int32_t number;
    get(p, &pass->format[c], sizeof pass->format[c]);
    get(p, &pass->numbers[c], sizeof pass->numbers[c]);
    get(p, &count, sizeof count);
    if (count) LS_TRY(ls_dictionary_create(LS_MOST_TEXTS, &pass->texts[c], err));
    for (size_t i = 0; i < count && !p->failed; i++) {
        const char *text = get_text(p);
        p->failed |= !text;
        if (text && !ls_dictionary_add(pass->texts[c], text, 0, &number))
            return ls_fail(err, LS_ERR_MEMORY, "out of memory for a request");
    }
    get(p, &mapped, sizeof mapped);
    if (p->failed || !mapped) return LS_OK;
    LS_TRY(ls_alloc(&pass->map[c], count, sizeof *pass->map[c], "a request", err));
    get(p, pass->map[c], count * sizeof *pass->map[c]);
    return LS_OK;
}

static ls_status get_file(packing *p, ls_apart *apart, apart_file *f, ls_error *err)
{
    const char *found[REQUEST_TEXTS], **text[REQUEST_TEXTS];
    ls_pass *pass = &f->pass;
    size_t columns = 0;
    get(p, &apart->rows, sizeof apart->rows);
    get(p, &columns, sizeof columns);
    f->path = get_text(p);
    get(p, &f->mark, sizeof f->mark);
    f->mark.copied = true;
    for (size_t i = 0; i < REQUEST_TEXTS; i++) found[i] = get_text(p);
    get(p, &f->request, sizeof f->request);
    texts_of(&f->request, text);
    for (size_t i = 0; i < REQUEST_TEXTS; i++) *text[i] = found[i];
    f->request.callback = NULL, f->request.user = NULL, f->request.mode = NULL;
    get(p, &pass->file_columns, sizeof pass->file_columns);
    LS_TRY(ls_alloc(&pass->assumed, pass->file_columns, sizeof *pass->assumed, "a request", err));
    get(p, pass->assumed, pass->file_columns * sizeof *pass->assumed);
    LS_TRY(ls_alloc(&pass->texts, columns, sizeof *pass->texts, "a request", err));
    LS_TRY(ls_alloc(&pass->map, columns, sizeof *pass->map, "a request", err));
    LS_TRY(ls_alloc(&pass->format, columns, sizeof *pass->format, "a request", err));
    LS_TRY(ls_alloc(&pass->numbers, columns, sizeof *pass->numbers, "a request", err));
    apart->columns = columns;
    for (size_t c = 0; c < columns; c++) LS_TRY(get_column(p, pass, c, err));
    get(p, &pass->starts, sizeof pass->starts);
    LS_TRY(ls_alloc(&pass->start, pass->starts, sizeof *pass->start, "a request", err));
    get(p, pass->start, pass->starts * sizeof *pass->start);
    return p->failed || !f->path ? ls_fail(err, LS_ERR_DATA, "a request is damaged") : LS_OK;
}

ls_status ls_apart_unpack(const char *bytes, size_t size, ls_apart **out, ls_error *err)
{
    ls_apart *apart;
    apart_file *f;
    LS_TRY(create_apart(&apart, &f, err));
    ls_status status = ls_alloc(&f->bytes, size, 1, "a request", err);
    if (status == LS_OK) {
        memcpy(f->bytes, bytes, size);
        status = get_file(&(packing){.from = f->bytes, .left = size}, apart, f, err);
    }
    apart->ranged = true;
    if (status == LS_OK) *out = apart;
    else ls_apart_free(apart);
    return status;
}

ls_expected_rows ls_expect_like(const ls_data *data)
{
    return (ls_expected_rows){.class_names = (const char *const *)data->class_names,
                              .classes = data->classes,
                              .features = data->columns,
                              .feature_names = data->feature_names,
                              .column = data->column,
                              .source = &data->source,
                              .task = data->task,
                              .target = data->target,
                              .targets = data->targets,
                              .missing = data->missing};
}

/* Class names that are said to be there. */
static ls_status check_known(const ls_csv_options *o, ls_error *err)
{
    bool named = o->class_names != NULL;
    if (o->classes > LS_MOST_CLASSES)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "ls_data_read_csv: %zu classes are too many; at most %d", o->classes,
                       LS_MOST_CLASSES);
    for (size_t i = 0; i < o->classes && named; i++)
        named = o->class_names[i] && ls_is_utf8(o->class_names[i]);
    return !o->classes || named ? LS_OK
                                : ls_fail(err, LS_ERR_ARGUMENT,
                                          "ls_data_read_csv: there are %zu classes, but a name is "
                                          "NULL",
                                          o->classes);
}

ls_status ls_data_read_csv(const char *path, const ls_csv_options *options, ls_data **out,
                           ls_error *err)
{
    LS_HOST_MODE(mode);
    ls_csv_options o;
    if (!path || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_data_read_csv: an argument is NULL");
    LS_TRY(LS_READ_STRUCT(ls_csv_options, options, &o, err));
    LS_TRY(check_known(&o, err));
    const ls_read_request request = {
        .target = o.target,
        .expected = {.class_names = o.class_names, .classes = o.classes, .features = o.features},
        .missing = LS_MISSING_ERROR,
        .numbers_only = true,
        .task = LS_ASK_CLASSIFICATION};
    return ls_read_rows(path, &request, out, err);
}
