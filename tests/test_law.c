/* SPDX-License-Identifier: MIT */
/* The law of reading: what a file says is read as it says it, or refused; and a model reads a row
 * alone, the whole file, and the file in another order in the same way. Files are drawn from seeds
 * together with the truth of what they say (support/file_maker.h).
 *
 * LOCKSTEP_LAW_FILES in the environment: number of files, 500 by default. LOCKSTEP_LAW_SEED: the
 * first seed; a failure prints its seed and keeps its file. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/data.h"
#include "tests/support/file_maker.h"
#include "tests/support/runs.h"

enum { SHOWN = 40, MOST_OUTPUTS = 16 * MADE_ROWS };

typedef struct {
    char folder[64], path[128], model_path[128];
    ls_options *options;
    bool kinds[MADE_WAYS]; /* that files may have: all */
    char bytes[MADE_BYTES];
    size_t files, read, refused, guessed, failures;
    /* The file at hand. */
    made_file file;
    ls_model *model;
    size_t outputs;
    float out[MOST_OUTPUTS];
    const char *step;
} law;

/* ---- Failures -------------------------------------------------------------------------------- */

/* Prints the options of the first reading as those of the program. */
static void print_options(const made_file *file)
{
    ls_read_options o = made_options(file);
    const char *const list[][2] = {{"target", o.target},           {"drop", o.drop},
                                   {"categorical", o.categorical}, {"header", o.header},
                                   {"separator", o.separator},     {"decimal", o.decimal},
                                   {"thousands", o.thousands},     {"missing-mark", o.missing_mark},
                                   {"missing", o.missing},         {"task", o.task}};
    for (size_t i = 0; i < COUNT(list); i++)
        if (list[i][1]) fprintf(stderr, " --%s '%s'", list[i][0], list[i][1]);
}

/* Prints a failure with its seed and keeps the file. Returns false. */
__attribute__((format(printf, 2, 3))) static bool fault(law *l, const char *format, ...)
{
    char kept[192];
    va_list list;
    l->failures++;
    if (l->failures > SHOWN) return false;
    snprintf(kept, sizeof kept, "/tmp/lockstep-law-%llu.csv", (unsigned long long)l->file.seed);
    rename(l->path, kept);
    fprintf(stderr, "seed %llu, %s: ", (unsigned long long)l->file.seed, l->step);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, " (%s", kept);
    print_options(&l->file);
    fprintf(stderr, ")\n");
    return false;
}

static bool has_note(const ls_data *data, const char *word)
{
    for (size_t i = 0; i < data->notes; i++)
        if (strstr(data->note[i], word)) return true;
    return false;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void write_part(law *l, const made_part *part, bool *ambiguous)
{
    size_t size = made_write(&l->file, part, l->bytes, ambiguous);
    FILE *file = fopen(l->path, "wb");
    cr_assert(file && fwrite(l->bytes, 1, size, file) == size && fclose(file) == 0, "%s", l->path);
}

/* Reads a part with the model, or like the rows of training. The file must be accepted. */
static ls_data *read_like(law *l, const made_part *part, const ls_data *like, bool no_target)
{
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    bool ambiguous;
    ls_read_options options = {.struct_size = sizeof options, .no_target = no_target};
    options.model = like ? NULL : l->model;
    options.like = like;
    write_part(l, part, &ambiguous);
    ls_status status = ls_data_read(l->path, &options, &data, &err);
    if (status == LS_OK) return data;
    if (!strstr(err.message, l->path))
        fault(l, "the message does not name the file: %s", err.message);
    else if (!ambiguous) fault(l, "refused: %s", err.message);
    return NULL;
}

/* ---- The truth ------------------------------------------------------------------------------- */

static bool check_number(law *l, const ls_data *data, size_t row, size_t c, const made_cell *cell)
{
    double offset = data->column ? data->column[c].offset : 0;
    float expected = (float)(cell->value - offset), got = data->x[row * data->columns + c];
    return got == expected || fault(l, "row %zu, column %zu: %s is read as %.9g, offset %.17g", row,
                                    c, cell->text, (double)got, offset);
}

static bool check_cell(law *l, const ls_data *data, const made_part *part, size_t row, size_t c,
                       size_t j)
{
    const made_table *table = &l->file.table;
    const made_cell *cell = &table->cell[part->row[row]][j];
    float got = data->x[row * data->columns + c];
    char name[MADE_TEXT];
    if (cell->missing || isnan(got))
        return (cell->missing && isnan(got)) || fault(l, "row %zu, column %zu: \"%s\" is %smissing",
                                                      row, c, cell->text, isnan(got) ? "" : "not ");
    if (table->column[j].numeric) return check_number(l, data, row, c, cell);
    made_shown_name(table, part->row[row], j, name);
    const char *category = ls_data_category(data, c, (size_t)got, NULL);
    return (category && !strcmp(category, name)) ||
           fault(l, "row %zu, column %zu: category \"%s\" is read as \"%s\"", row, c, name,
                 category ? category : "(none)");
}

/* Two different numbers of a column that have one cell must be told. */
static bool check_kept_apart(law *l, const ls_data *data, const made_part *part, size_t c, size_t j)
{
    for (size_t r = 1; r < part->count; r++) {
        const made_cell *cell = &l->file.table.cell[part->row[r]][j];
        const made_cell *before = &l->file.table.cell[part->row[r - 1]][j];
        if (cell->missing || before->missing || cell->value == before->value ||
            data->x[r * data->columns + c] != data->x[(r - 1) * data->columns + c])
            continue;
        return has_note(data, l->file.table.column[j].name) ||
               fault(l, "column %zu: %s and %s are joined, without a note", c, cell->text,
                     before->text);
    }
    return true;
}

static bool check_column(law *l, const ls_data *data, const made_part *part, size_t c, size_t j)
{
    const made_column *column = &l->file.table.column[j];
    bool categorical = data->column && data->column[c].categorical;
    const char *name = data->column ? data->column[c].name : data->feature_names[c];
    if (l->file.header && strcmp(name, column->name) != 0)
        return fault(l, "column %zu is named \"%s\", not \"%s\"", c, name, column->name);
    if (categorical == column->numeric)
        return fault(l, "column %zu (%s) is read as %s", c, column->name,
                     categorical ? "categories" : "numbers");
    for (size_t r = 0; r < part->count; r++)
        if (!check_cell(l, data, part, r, c, j)) return false;
    return !column->numeric || check_kept_apart(l, data, part, c, j);
}

static bool is_plain_whole(const char *text)
{
    size_t digits = strspn(text + (*text == '-' || *text == '+'), "0123456789");
    const char *at = text + (*text == '-' || *text == '+'), *rest = at + digits;
    if (*rest == '.') rest += 1 + strspn(rest + 1, "0");
    return digits > 0 && *rest == 0 && (digits == 1 || *at != '0');
}

static int compare_names(const char *a, const char *b, bool numbers)
{
    long double left = strtold(a, NULL), right = strtold(b, NULL);
    if (!numbers) return strcmp(a, b);
    if (left != right) return left < right ? -1 : 1;
    if (is_plain_whole(a) != is_plain_whole(b)) return is_plain_whole(a) ? -1 : 1;
    return strcmp(a, b);
}

/* By value if all are numbers (of equal ones the plain spelling first), else by bytes. */
static bool check_order(law *l, char *const *name, size_t count)
{
    bool numbers = true;
    for (size_t k = 0; k < count; k++) {
        char *end;
        (void)strtold(name[k], &end);
        numbers &= *end == 0 && strspn(name[k], "+-0123456789.eE") == strlen(name[k]);
    }
    for (size_t k = 1; k < count; k++)
        if (compare_names(name[k - 1], name[k], numbers) >= 0)
            return fault(l, "\"%s\" is before \"%s\"", name[k - 1], name[k]);
    return true;
}

static bool check_classes(law *l, const ls_data *data, const made_part *part)
{
    const made_table *table = &l->file.table;
    bool joined = false, told = false;
    char name[MADE_TEXT];
    for (size_t r = 0; r < part->count; r++) {
        if (made_shown_name(table, part->row[r], table->target, name)) {
            joined = true;
            told |= has_note(data, name);
        }
        const char *got = ls_data_class_name(data, (size_t)data->y[r]);
        if (!got || strcmp(got, name) != 0)
            return fault(l, "row %zu: class \"%s\" is read as \"%s\"", r, name, got ? got : "");
    }
    if (joined && !told) return fault(l, "spellings of a class are joined without a note");
    return check_order(l, data->class_names, data->classes);
}

static bool check_target(law *l, const ls_data *data, const made_part *part)
{
    const made_table *table = &l->file.table;
    const made_column *target = &table->column[table->target];
    if (l->file.header && strcmp(ls_data_target_name(data), target->name) != 0)
        return fault(l, "the target is \"%s\", not \"%s\"", ls_data_target_name(data),
                     target->name);
    if (target->kind != MADE_TARGET) {
        if (data->task != LS_TASK_CLASSIFICATION || !data->y) return fault(l, "has no classes");
        return check_classes(l, data, part);
    }
    if (data->task != LS_TASK_REGRESSION || !data->value) return fault(l, "is not regression");
    for (size_t r = 0; r < part->count; r++)
        if (data->value[r] != table->cell[part->row[r]][table->target].value)
            return fault(l, "row %zu: target %s is read as %.17g", r,
                         table->cell[part->row[r]][table->target].text, data->value[r]);
    return true;
}

/* Columns in the order of the table. */
static bool check_truth(law *l, const ls_data *data, const made_part *part)
{
    const made_table *table = &l->file.table;
    size_t c = 0;
    if (data->rows != part->count)
        return fault(l, "%zu rows are read, not %zu", data->rows, part->count);
    for (size_t j = 0; j < table->columns; j++) {
        if (table->column[j].dropped || j == table->target) continue;
        if (c < data->columns && !check_column(l, data, part, c, j)) return false;
        c++;
    }
    if (c != data->columns) return fault(l, "%zu columns are read, not %zu", data->columns, c);
    return check_target(l, data, part);
}

/* What was assumed without an option is told. */
static bool check_notes(law *l, const ls_data *data)
{
    const made_file *file = &l->file;
    bool commas = false;
    for (size_t j = 0; j < file->table.columns; j++) {
        const made_column *column = &file->table.column[j];
        if (column->dropped) continue;
        if (column->kind == MADE_MARKED && !file->says_mark && !has_note(data, "unknown"))
            return fault(l, "the mark \"unknown\" is not told");
        for (size_t r = 0; r < file->table.rows && column->numeric; r++)
            commas |= strchr(file->table.cell[r][j].text, ',') != NULL;
    }
    /* Points between thousands leave the comma for decimals. */
    bool said = file->says_decimal || (file->thousands == '.' && file->says_thousands);
    if (file->decimal == ',' && commas && !said && !has_note(data, "comma"))
        return fault(l, "decimal commas are not told");
    return true;
}

/* ---- The law --------------------------------------------------------------------------------- */

static bool same_bits(const void *a, const void *b, size_t size) { return !memcmp(a, b, size); }

static bool same_metrics(law *l, const ls_data *trained, const ls_data *read)
{
    ls_metrics *a = NULL, *b = NULL;
    ls_error err;
    if (ls_model_evaluate(l->model, NULL, trained, &a, &err) != LS_OK ||
        ls_model_evaluate(l->model, NULL, read, &b, &err) != LS_OK) {
        ls_metrics_free(a);
        return fault(l, "evaluate: %s", err.message);
    }
    bool same = a->rows == b->rows && a->classes == b->classes && a->targets == b->targets &&
                same_bits(&a->loss, &b->loss, sizeof a->loss) &&
                same_bits(&a->accuracy, &b->accuracy, sizeof a->accuracy) &&
                same_bits(&a->macro_f1, &b->macro_f1, sizeof a->macro_f1) &&
                same_bits(&a->log_loss, &b->log_loss, sizeof a->log_loss) &&
                same_bits(&a->rmse, &b->rmse, sizeof a->rmse) &&
                same_bits(&a->mae, &b->mae, sizeof a->mae) &&
                same_bits(&a->r2, &b->r2, sizeof a->r2);
    if (!same) fault(l, "rows %zu, loss %.17g, but %zu, %.17g", a->rows, a->loss, b->rows, b->loss);
    ls_metrics_free(a);
    ls_metrics_free(b);
    return same;
}

static bool predict(law *l, const ls_data *data, float *out)
{
    ls_error err;
    if (data->rows > MADE_ROWS + 1) return fault(l, "has %zu rows", data->rows);
    return ls_model_predict_data(l->model, NULL, data, out, &err) == LS_OK ||
           fault(l, "predict: %s", err.message);
}

/* Read block by block, the file that was read last gives the same outputs. */
static bool check_blocks(law *l, const float *out, size_t rows)
{
    enum { MOST = 3 };
    const ls_read_options options = {.struct_size = sizeof options, .model = l->model};
    float block_out[MOST_OUTPUTS];
    ls_reader *reader;
    ls_error err;
    bool right = true;
    size_t done = 0;
    if (ls_reader_open(l->path, &options, &reader, &err) != LS_OK)
        return fault(l, "block by block: %s", err.message);
    for (ls_data *block = NULL; right;) {
        if (ls_reader_next(reader, MOST, &block, &err) != LS_OK)
            right = fault(l, "block by block: %s", err.message);
        if (!right || !block) break;
        right = predict(l, block, block_out);
        if (right && (block->rows > MOST || done + block->rows > rows ||
                      !same_bits(block_out, out + done * l->outputs,
                                 block->rows * l->outputs * sizeof *out)))
            right = fault(l, "outputs differ in the block after row %zu", done);
        done += block->rows;
        ls_data_free(block);
    }
    ls_reader_close(reader);
    return right && (done == rows || fault(l, "block by block: %zu rows, not %zu", done, rows));
}

/* The outputs of a part are those of its rows within the whole file. */
static bool check_part(law *l, const made_part *part, bool no_target)
{
    float out[MOST_OUTPUTS];
    size_t failures = l->failures;
    ls_data *data = read_like(l, part, NULL, no_target);
    if (!data) return l->failures == failures;
    bool right = predict(l, data, out);
    if (right && no_target) right = check_blocks(l, out, data->rows);
    if (right && data->rows != part->count + part->stranger)
        right = fault(l, "%zu rows are read, not %zu", data->rows, part->count + part->stranger);
    for (size_t i = 0; right && i < part->count; i++)
        if (!same_bits(out + i * l->outputs, l->out + part->row[i] * l->outputs,
                       l->outputs * sizeof *out))
            right = fault(l, "row %zu: outputs differ: %.9g, not %.9g", part->row[i],
                          (double)out[i * l->outputs], (double)l->out[part->row[i] * l->outputs]);
    for (size_t i = 0; right && i < part->count && data->y && !no_target; i++) {
        char name[MADE_TEXT];
        made_shown_name(&l->file.table, part->row[i], l->file.table.target, name);
        if (strcmp(name, ls_data_class_name(data, (size_t)data->y[i])) != 0)
            right = fault(l, "row %zu: class \"%s\" is read as \"%s\"", part->row[i], name,
                          ls_data_class_name(data, (size_t)data->y[i]));
    }
    ls_data_free(data);
    return right;
}

/* Columns in another order, without the class and some of the columns that are not used. */
static made_part reordered(const made_file *file, made_random *random, bool with_class)
{
    made_part part = made_whole(file);
    size_t width = 0;
    for (size_t j = 0; j < file->table.columns; j++) {
        if (j == file->table.target ? !with_class
                                    : file->table.column[j].dropped && made_chance(random, 50))
            continue;
        size_t at = made_below(random, ++width);
        part.column[width - 1] = part.column[at];
        part.column[at] = j;
    }
    part.width = width;
    return part;
}

/* Whether a file without header and class is as wide as the used columns with the class. */
static bool fits_two_ways(const made_file *file)
{
    size_t dropped = 0;
    for (size_t j = 0; j < file->table.columns; j++) dropped += file->table.column[j].dropped;
    return !file->header && dropped == 1;
}

static bool check_refused(law *l, const made_part *part)
{
    ls_data *data = NULL;
    ls_error err;
    ls_read_options options = {.struct_size = sizeof options, .model = l->model};
    write_part(l, part, NULL);
    if (ls_data_read(l->path, &options, &data, &err) != LS_OK) return true;
    ls_data_free(data);
    return fault(l, "a file that can be read in two ways is read");
}

static bool check_second_files(law *l, made_random *random)
{
    made_part part;
    for (size_t r = 0; r < l->file.table.rows; r++) {
        l->step = "a row alone";
        part = made_row(&l->file, r);
        if (!check_part(l, &part, false)) return false;
    }
    l->step = "rows in another order, with the model";
    part = made_shuffled(&l->file, random);
    if (!check_part(l, &part, false)) return false;
    if (l->file.header) {
        l->step = "columns in another order";
        part = reordered(&l->file, random, true);
        if (!check_part(l, &part, false)) return false;
    }
    l->step = "without the class";
    part = l->file.header ? reordered(&l->file, random, false) : made_whole(&l->file);
    if (!l->file.header) {
        for (size_t j = l->file.table.target; j + 1 < part.width; j++) part.column[j] = j + 1;
        part.width--;
    }
    /* A single column with gaps has blank lines. */
    if (fits_two_ways(&l->file) ? !check_refused(l, &part)
                                : part.width > 1 && !check_part(l, &part, false))
        return false;
    l->step = "predict beside a row that is strange";
    part = made_whole(&l->file);
    part.stranger = true;
    return check_part(l, &part, true);
}

static bool train(law *l, const ls_data *data)
{
    ls_error err = {LS_OK, ""};
    ls_model *model = NULL;
    if (ls_train(NULL, l->options, data, NULL, NULL, &model, &err) != LS_OK)
        return fault(l, "train: %s", err.message);
    ls_status status = ls_model_save(model, l->model_path, &err);
    ls_model_free(model);
    if (status == LS_OK) status = ls_model_load(l->model_path, &l->model, &err);
    if (status != LS_OK) return fault(l, "the model file: %s", err.message);
    l->outputs = ls_model_outputs(l->model);
    cr_assert(l->outputs * (MADE_ROWS + 1) <= MOST_OUTPUTS);
    return true;
}

/* Reads the file of training again: with the model, or like its rows. */
static bool check_whole(law *l, const ls_data *data, const ls_data *like)
{
    made_part whole = made_whole(&l->file);
    ls_data *again = read_like(l, &whole, like, false);
    if (!again) return false;
    bool same = again->rows == data->rows && again->columns == data->columns;
    if (!same) fault(l, "%zu rows, not %zu", again->rows, data->rows);
    same = same && (same_bits(again->x, data->x, data->rows * data->columns * sizeof *data->x) ||
                    fault(l, "cells differ"));
    same = same && same_metrics(l, data, again) && predict(l, again, l->out);
    ls_data_free(again);
    return same;
}

/* evaluate on the file of training reports what train reports. */
static bool check_again(law *l, const ls_data *data)
{
    l->step = "train";
    if (!train(l, data)) return false;
    l->step = "test rows";
    if (!check_whole(l, data, data)) return false;
    l->step = "evaluate";
    return check_whole(l, data, NULL);
}

/* The same rows in another order say the same. */
static bool check_shuffled(law *l, const ls_data *data, made_random *random)
{
    made_part part = made_shuffled(&l->file, random);
    ls_read_options options = made_options(&l->file);
    ls_data *other = NULL;
    ls_error err = {LS_OK, ""};
    bool ambiguous;
    l->step = "rows in another order";
    if (made_header_is_a_guess(&l->file, &part)) return true;
    write_part(l, &part, &ambiguous);
    if (ls_data_read(l->path, &options, &other, &err) != LS_OK)
        return ambiguous || made_numbers_are_a_guess(&l->file) ||
               fault(l, "refused: %s", err.message);
    bool right = check_truth(l, other, &part);
    if (right && (other->classes != data->classes || other->features != data->features))
        right = fault(l, "%zu classes and %zu inputs, not %zu and %zu", other->classes,
                      other->features, data->classes, data->features);
    /* a comment of as many words as there are columns is guessed to name them, told, or not */
    bool told = has_note(data, "as the names") || has_note(other, "as the names");
    for (size_t k = 0; right && !told && k < data->features; k++)
        if (strcmp(data->feature_names[k], other->feature_names[k]) != 0)
            right = fault(l, "input \"%s\", not \"%s\"", other->feature_names[k],
                          data->feature_names[k]);
    ls_data_free(other);
    return right;
}

/* Reads the whole file. NULL if it is refused, or read in another way than it was meant. */
static ls_data *read_first(law *l)
{
    made_part whole = made_whole(&l->file);
    ls_read_options options = made_options(&l->file);
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    bool ambiguous, guess = made_header_is_a_guess(&l->file, &whole),
                    refuse = made_must_be_refused(&l->file);
    write_part(l, &whole, &ambiguous);
    if (ls_data_read(l->path, &options, &data, &err) != LS_OK) {
        l->refused++;
        if (!strstr(err.message, l->path))
            fault(l, "the message does not name the file: %s", err.message);
        else if (!ambiguous && !guess && !refuse && !made_numbers_are_a_guess(&l->file))
            fault(l, "refused: %s", err.message);
        return NULL;
    }
    if (guess && data->rows != whole.count && has_note(data, "header")) {
        l->guessed++;
    } else if (refuse) {
        fault(l, "dates are read");
    } else if (check_truth(l, data, &whole) && check_notes(l, data)) {
        l->read++;
        return data;
    }
    ls_data_free(data);
    return NULL;
}

static void check_file(law *l, uint64_t seed)
{
    made_random random = {~seed};
    l->step = "read";
    l->model = NULL;
    made_draw(seed, l->kinds, &l->file);
    ls_data *data = read_first(l);
    if (data && check_shuffled(l, data, &random) && check_again(l, data))
        check_second_files(l, &random);
    ls_model_free(l->model);
    ls_data_free(data);
    unlink(l->path);
}

static uint64_t number_of(const char *variable, uint64_t usual)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : usual;
}

Test(law, a_file_is_read_as_it_says_and_each_row_as_in_its_file, .timeout = 0)
{
    law *l = calloc(1, sizeof *l);
    cr_assert_not_null(l);
    memset(l->kinds, true, sizeof l->kinds);
    strcpy(l->folder, LS_TEST_FILES);
    cr_assert_not_null(mkdtemp(l->folder));
    snprintf(l->path, sizeof l->path, "%s/made.csv", l->folder);
    snprintf(l->model_path, sizeof l->model_path, "%s/made.safetensors", l->folder);
    l->options = runs_options("hidden 3 epochs 2 batch 8");
    uint64_t first = number_of("LOCKSTEP_LAW_SEED", 1);
    l->files = number_of("LOCKSTEP_LAW_FILES", 500);
    for (uint64_t seed = first; seed - first < l->files && l->failures < 200; seed++)
        check_file(l, seed);
    printf("law: %zu files, %zu read, %zu refused, %zu with a header that was a guess, %zu wrong\n",
           l->files, l->read, l->refused, l->guessed, l->failures);
    cr_expect_eq(l->failures, 0, "%zu files are wrong", l->failures);
    cr_expect(l->read > l->files / 2, "only %zu files are read", l->read);
    unlink(l->model_path);
    rmdir(l->folder);
    ls_options_free(l->options);
    free(l);
}
