/* SPDX-License-Identifier: MIT */
#include "host/cli/base/source.h"
#include "host/base/error.h"
#include "host/base/neighbours.h"
#include "host/base/text.h"
#include "host/cli/base/args.h"
#include "host/cli/base/notes.h"
#include "host/cli/base/phases.h"
#include "host/cli/base/progress.h"
#include "host/cli/base/run_files.h"
#include "host/cli/base/terminal.h"
#include "host/data/notes.h"
#include "host/data/parts.h"
#include "host/data/value.h"
#include "host/model/model_data.h"
#include "host/model/model_file.h"
#include <popt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void source_options_init(source_options *o)
{
    *o = (source_options){.noise = -1, .data_seed = 1, .sample = SOURCE_ALL_ROWS, .device = "auto"};
}

void source_data_table(source_options *o, struct poptOption table[SOURCE_DATA])
{
    const struct poptOption entries[SOURCE_DATA] = {
        {"target", 0, POPT_ARG_STRING, &o->target, 0,
         "the column to predict, by name or by number, counted from 0 (default: the last); several columns, separated by commas, are several numbers or labels to predict",
         "NAME|INDEX"},
        {"task", 0, POPT_ARG_STRING, &o->task, 0,
         "what to predict: classification, regression (numbers) or auto, by the values of the target (default: auto)",
         "TASK"},
        {"labels", 0, POPT_ARG_STRING, &o->labels, 0,
         "IDX, NPY: the file of the classes (default for IDX: the labels file in the same folder; for NPY: the last column)",
         "FILE"},
        {"columns", 0, POPT_ARG_STRING, &o->columns, 0,
         "use only these columns: names or numbers (counted from 0), separated by commas", "LIST"},
        {"drop", 0, POPT_ARG_STRING, &o->drop, 0, "do not use these columns", "LIST"},
        {"categorical", 0, POPT_ARG_STRING, &o->categorical, 0,
         "treat these columns as categories although their values are numbers", "LIST"},
        {"missing", 0, POPT_ARG_STRING, &o->missing, 0,
         "how to treat missing values: mean, median or most-frequent (fill in from the training rows; with mean, a missing text is a category of its own), drop (the row) or error (default: mean)",
         "HOW"},
        {"missing-mark", 0, POPT_ARG_STRING, &o->missing_mark, 0,
         "CSV: further texts that mark missing values, separated by commas, as in -999,unknown",
         "LIST"},
        {"header", 0, POPT_ARG_STRING, &o->header, 0,
         "CSV: whether the first line names the columns: yes, no or auto (default: auto)",
         "WHETHER"},
        {"separator", 0, POPT_ARG_STRING, &o->separator, 0,
         "CSV: character between fields: comma, semicolon, tab, space (one or more blanks), pipe, another character, or auto (default: auto)",
         "CHARACTER"},
        {"decimal", 0, POPT_ARG_STRING, &o->decimal, 0,
         "CSV: character before decimals: point, comma or auto, for each column (default: auto)",
         "CHARACTER"},
        {"thousands", 0, POPT_ARG_STRING, &o->thousands, 0,
         "CSV: character between groups of digits: comma, point, space, apostrophe or none (default: none)",
         "CHARACTER"},
        {"units", 0, POPT_ARG_STRING, &o->units, 0,
         "CSV: columns whose numbers have a sign or a unit, which is ignored: $5, 3 kg", "LIST"},
        {"dates", 0, POPT_ARG_NONE, &o->dates, 0,
         "CSV: read dates as numbers: days since 1970-01-01 (times alone: hours)", NULL},
        {"weight", 0, POPT_ARG_STRING, &o->weight, 0,
         "the column with the weight of each row in training", "NAME|INDEX"},
        {"group", 0, POPT_ARG_STRING, &o->group, 0,
         "the column with the group of each row: splits and folds keep a group together",
         "NAME|INDEX"},
        {"sample", 0, POPT_ARG_LONGLONG, &o->sample, 0,
         "use N rows of the file, drawn with --data-seed", "N"},
        {"rows", 0, POPT_ARG_LONGLONG, &o->rows, 0, "generated data: number of rows", "N"},
        {"noise", 0, POPT_ARG_DOUBLE, &o->noise, 0,
         "generated data: standard deviation of the noise", "S"},
        {"data-seed", 0, POPT_ARG_LONGLONG, &o->data_seed, 0,
         "generated data, and --sample: seed (default: 1)", "S"},
        POPT_TABLEEND,
    };
    memcpy(table, entries, sizeof entries);
}

void source_hide(struct poptOption *table, const char *name)
{
    for (; table->longName; table++)
        if (!strcmp(table->longName, name)) table->argInfo |= POPT_ARGFLAG_DOC_HIDDEN;
}

void source_drop(struct poptOption *table, const char *name)
{
    while (table->longName && strcmp(table->longName, name)) table++;
    for (; table->longName; table++) table[0] = table[1];
}

void source_model_table(source_options *o, struct poptOption table[SOURCE_DATA])
{
    source_data_table(o, table);
    source_hide(table, "weight");
    source_hide(table, "group");
}

void source_device_table(source_options *o, struct poptOption table[SOURCE_DEVICE])
{
    const struct poptOption entries[SOURCE_DEVICE] = {
        {"device", 0, POPT_ARG_STRING, &o->device, 0,
         "auto, cpu, an index or part of a name (see lockstep devices). auto starts on the CPU path; in runs longer than a few seconds it measures the exact devices and continues on the fastest (default: auto)",
         "NAME"},
        OPTION_THREADS(o->threads),
        {"allow-approximate", 0, POPT_ARG_NONE, &o->allow_approximate, 0,
         "accept a device that is not exact", NULL},
        OPTION_QUIET(o->quiet),
        OPTION_JSON(o->json),
        OPTION_VERBOSE(o->verbose),
        POPT_TABLEEND,
    };
    memcpy(table, entries, sizeof entries);
}

static bool is_generator(const char *name)
{
    const char *generator;
    for (size_t i = 0; (generator = ls_generator_at(i, NULL)); i++)
        if (!strcmp(name, generator)) return true;
    return false;
}

bool source_is_generated(const char *name) { return access(name, F_OK) != 0 && is_generator(name); }

static ls_status generate(const source_options *o, const char *name, ls_data **out, ls_error *err)
{
    const struct {
        const char *name, *value;
    } files_only[] = {{"target", o->target},
                      {"labels", o->labels},
                      {"columns", o->columns},
                      {"drop", o->drop},
                      {"categorical", o->categorical},
                      {"missing", o->missing},
                      {"header", o->header},
                      {"separator", o->separator},
                      {"decimal", o->decimal},
                      {"thousands", o->thousands},
                      {"units", o->units},
                      {"missing-mark", o->missing_mark},
                      {"weight", o->weight},
                      {"group", o->group},
                      {"dates", o->dates ? "" : NULL},
                      {"sample", o->sample != SOURCE_ALL_ROWS ? "" : NULL}};
    for (size_t i = 0; i < sizeof files_only / sizeof *files_only; i++)
        if (files_only[i].value)
            return ls_fail(err, LS_ERR_ARGUMENT, "--%s is for files, but %s is a generator",
                           files_only[i].name, name);
    if (o->rows < 0 || o->data_seed < 0)
        return ls_fail(err, LS_ERR_ARGUMENT, "--rows and --data-seed must not be negative");
    if (o->noise != -1 && !(o->noise >= 0)) /* -1: not given */
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--noise: %g is not a standard deviation; it must be 0 or more", o->noise);
    ls_generate_options how = {
        .rows = (size_t)o->rows, .noise = o->noise, .overlap = -1, .seed = (uint64_t)o->data_seed};
    double begun = phase_begin();
    LS_TRY(ls_data_generate(name, &how, out, err));
    phase_end(begun, "generated %s: %zu rows, %zu columns besides the target", name,
              ls_data_rows(*out), ls_data_columns(*out));
    if (!o->task || !strcmp(o->task, "auto") ||
        !strcmp(o->task,
                ls_data_task(*out) == LS_TASK_CLASSIFICATION ? "classification" : "regression"))
        return LS_OK;
    ls_data_free(*out);
    *out = NULL;
    return ls_fail(err, LS_ERR_ARGUMENT, "--task: %s does not generate data for '%.40s'", name,
                   o->task);
}

/* The error for a name that is neither a file nor a generator; suggests a similar generator unless
 * the name looks like a path. */
static ls_status no_such_data(const char *name, ls_error *err)
{
    ls_parts parts;
    LS_TRY(ls_parts_of(name, &parts, err));
    for (size_t i = 0; i < parts.count && parts.count > 1; i++)
        if (access(parts.name[i], F_OK) != 0) {
            bool made = is_generator(parts.name[i]);
            if (made)
                ls_fail(err, LS_ERR_ARGUMENT,
                        "%s: several data are files of one table, and %s is a generator", name,
                        parts.name[i]);
            else ls_fail(err, LS_ERR_IO, "%s: no such file", parts.name[i]);
            ls_parts_free(&parts);
            return made ? LS_ERR_ARGUMENT : LS_ERR_IO;
        }
    ls_parts_free(&parts);
    const char *names[64];
    size_t n = 0;
    while (n < 64 && (names[n] = ls_generator_at(n, NULL))) n++;
    const char *near = strpbrk(name, "./") ? NULL : ls_value_hint("generator", name, names, n);
    if (near)
        return ls_fail(err, LS_ERR_IO, "there is no file or generator '%s'; did you mean '%s'?",
                       name, near);
    return ls_fail(
        err, LS_ERR_IO,
        "%s: no such file, and no generator of that name (lockstep make --help lists the generators)",
        name);
}

static void show_share(double share, void *user)
{
    const char *const *name = user;
    progress_line("reading %.0f %%  %s", 100 * share, *name);
}

static ls_read_options read_options(const source_options *o, const ls_model *model)
{
    return (ls_read_options){.struct_size = sizeof(ls_read_options),
                             .target = o->target,
                             .labels = o->labels,
                             .columns = o->columns,
                             .drop = o->drop,
                             .categorical = o->categorical,
                             .missing = o->missing,
                             .header = o->header,
                             .separator = o->separator,
                             .decimal = o->decimal,
                             .thousands = o->thousands,
                             .units = o->units,
                             .missing_mark = o->missing_mark,
                             .task = o->task,
                             .weight = o->weight,
                             .group = o->group,
                             .no_target = o->no_target,
                             .dates = o->dates,
                             .sample = o->sample == SOURCE_ALL_ROWS ? 0 : (size_t)o->sample,
                             .sample_seed = (uint64_t)o->data_seed,
                             .model = model};
}

static void tell_rows(double begun, const char *name, const ls_data *data)
{
    phase_end(begun, "read %s: %zu rows, %zu columns besides the target, %zu network inputs", name,
              ls_data_rows(data), ls_data_columns(data), ls_data_features(data));
}

ls_status source_read_file(const source_options *o, const char *name, const ls_model *model,
                           const ls_data *like, ls_data **out, ls_error *err)
{
    if (o->sample < 1 && o->sample != SOURCE_ALL_ROWS)
        return ls_fail(err, LS_ERR_ARGUMENT, "--sample is %lld, but must be at least 1", o->sample);
    if (o->data_seed < 0) return ls_fail(err, LS_ERR_ARGUMENT, "--data-seed must not be negative");
    ls_read_options how = read_options(o, model);
    how.like = like;
    if (!o->quiet && !o->json && progress_live()) how.callback = show_share, how.user = &name;
    double begun = phase_begin();
    ls_status status = (o->apart ? ls_model_data_apart : ls_data_read)(name, &how, out, err);
    progress_clear();
    if (status == LS_OK) tell_rows(begun, name, *out);
    if (status == LS_OK && !o->quiet && !o->json) notes_print(*out, like ? name : NULL);
    return status;
}

/* Checks that the name is that of a file or "-", and that no option is for generated data. */
static ls_status check_file(const source_options *o, const char *name, ls_error *err)
{
    bool input = strcmp(name, "-") == 0;
    if (!input && !ls_parts_exist(name)) return no_such_data(name, err);
    if (o->data_seed != 1 && o->sample == SOURCE_ALL_ROWS)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--data-seed is for generated data and for --sample, but %s is read whole",
                       input ? "standard input" : name);
    if (!o->rows && o->noise == -1) return LS_OK;
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "--rows and --noise are for generated data, but %s is a file",
                   input ? "standard input" : name);
}

/* Weights and groups say how to train: the rows of a model have none. */
static ls_status check_training_options(const source_options *o, const ls_model *model,
                                        ls_error *err)
{
    if (!model || (!o->weight && !o->group)) return LS_OK;
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "--%s is for training and has no effect on the rows of a model; leave it out",
                   o->weight ? "weight" : "group");
}

ls_status source_read(const source_options *o, const char *name, const ls_model *model,
                      ls_data **out, ls_error *err)
{
    LS_TRY(check_training_options(o, model, err));
    if (source_is_generated(name)) return generate(o, name, out, err);
    LS_TRY(check_file(o, name, err));
    return source_read_file(o, name, model, NULL, out, err);
}

ls_status source_rows(const source_options *o, const char *name, const ls_model *model,
                      ls_reader **out, ls_error *err)
{
    const ls_read_options how = read_options(o, model);
    LS_TRY(check_training_options(o, model, err));
    LS_TRY(check_file(o, name, err));
    return ls_reader_open(name, &how, out, err);
}

ls_status source_require_targets(const char *name, const ls_data *data, const ls_model *model,
                                 ls_error *err)
{
    const char *target = ls_model_target_name(model, 0),
               *what = ls_model_task(model) == LS_TASK_CLASSIFICATION ? "class" : "target";
    if (ls_data_y(data) || ls_data_values(data)) return LS_OK;
    if (ls_data_absence(data) && ls_model_targets(model) > 1)
        return ls_fail(
            err, LS_ERR_DATA,
            "%s: lacks some of the model's %zu target columns: it has %s; name them with "
            "--target, or use lockstep predict, which needs none",
            name, ls_model_targets(model), ls_data_absence(data));
    if (ls_data_absence(data))
        return ls_fail(err, LS_ERR_DATA,
                       "%s: has %s to compare with; name the %s column with --target, or use "
                       "lockstep predict, which needs none",
                       name, ls_data_absence(data), what);
    if (ls_model_targets(model) > 1)
        return ls_fail(
            err, LS_ERR_DATA,
            "%s: lacks one of the model's %zu target columns (lockstep show lists them); "
            "name them with --target, or use lockstep predict, which needs none",
            name, ls_model_targets(model));
    if (target)
        return ls_fail(
            err, LS_ERR_DATA,
            "%s: has no %s column \"%s\" to compare with; name the column with --target, or use "
            "lockstep predict, which needs none",
            name, what, ls_excerpt_of(target).text);
    return ls_fail(err, LS_ERR_DATA,
                   "%s has no %s column to compare with (lockstep predict does not need one)", name,
                   what);
}

ls_status source_model_file(const char *path, ls_model **out, char **file, char hex[65],
                            ls_error *err)
{
    struct stat about;
    bool folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    char *name = folder ? run_file_path(path, RUN_MODEL) : ls_strdup(path);
    ls_status status = LS_OK;
    if (!name) status = ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for its name", path);
    else if (folder && access(name, F_OK))
        status = ls_fail(err, LS_ERR_IO,
                         "%s is a folder without a model.safetensors; name a model or a run folder",
                         path);
    else {
        double begun = phase_begin();
        status = ls_model_load_hashed(name, folder, out, hex, err);
        if (status == LS_OK) phase_end(begun, "loaded the model %s", name);
    }
    if (status == LS_OK && file) *file = name;
    else free(name);
    return status;
}

ls_status source_model(const char *path, ls_model **out, ls_error *err)
{
    return source_model_file(path, out, NULL, NULL, err);
}

ls_status source_threads(const source_options *o, unsigned *out, ls_error *err)
{
    uint64_t n = 0;
    if (o->threads && ls_ascii_casecmp(o->threads, "auto") &&
        (!ls_parse_u64(o->threads, &n) || n > 1024))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--threads: '%.40s' is neither auto nor a number up to 1024", o->threads);
    *out = (unsigned)n;
    return LS_OK;
}

ls_status source_device(const source_options *o, ls_device **out, ls_error *err)
{
    unsigned threads = 0;
    bool named = ls_ascii_casecmp(o->device, "cpu") && ls_ascii_casecmp(o->device, "auto"),
         say = named && !o->quiet && progress_live();
    LS_TRY(source_threads(o, &threads, err));
    if (say) progress_line("preparing the device (the first use takes a few seconds) ...");
    double begun = phase_begin();
    ls_status status = ls_device_open(o->device, threads, o->allow_approximate, out, err);
    if (say) progress_clear();
    if (status == LS_OK)
        phase_end(begun, "opened the device %s (--device %s, --threads %s)",
                  ls_device_get_info(*out)->name, o->device, o->threads ? o->threads : "auto");
    return status;
}
