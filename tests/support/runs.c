/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/logging.h>

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/sha256.h"
#include "host/model/model.h"
#include "host/model/model_write.h"
#include "host/network/settings.h"
#include "tests/support/runs.h"

extern char **environ;

/* ---- Devices --------------------------------------------------------------------------------- */

static void no_opencl(const char *note)
{
    const char *require = getenv("LOCKSTEP_REQUIRE_OPENCL");
    if (require && !strcmp(require, "1"))
        cr_assert_fail("LOCKSTEP_REQUIRE_OPENCL=1, but there is no exact OpenCL device: %s", note);
    cr_log_info("no exact OpenCL device (%s): only the CPU path is held against itself", note);
}

static void open_one(runs_device *to, const char *spec, unsigned threads, const char *label)
{
    ls_error err;
    cr_assert_eq(ls_device_open(spec, threads, 0, &to->device, &err), LS_OK, "device %s: %s", spec,
                 err.message);
    snprintf(to->label, sizeof to->label, "%s", label);
}

size_t runs_devices_open(runs_device list[RUNS_DEVICES], const unsigned *threads)
{
    size_t n = 0, found, exact = 0;
    char label[192], spec[16], note[256] = "";
    ls_device_info **info;
    ls_error err;
    /* before there are threads: drivers are first tried in a forked child, and a fork copies locks
     * that others hold */
    cr_assert_eq(ls_devices_list(&info, &found, note, &err), LS_OK, "%s", err.message);
    for (; *threads; threads++) {
        snprintf(label, sizeof label, "the CPU path on %u thread%s", *threads,
                 *threads == 1 ? "" : "s");
        open_one(&list[n++], "cpu", *threads, label);
    }
    for (size_t i = 1; i < found && n < RUNS_DEVICES; i++) {
        if (!info[i]->exact) continue;
        snprintf(spec, sizeof spec, "%d", info[i]->index);
        open_one(&list[n++], spec, 0, info[i]->name);
        exact++;
    }
    if (!exact) no_opencl(found > 1 ? info[1]->reason : note);
    ls_devices_free(info);
    return n;
}

void runs_devices_close(runs_device *list, size_t count)
{
    for (size_t i = 0; i < count; i++) ls_device_close(list[i].device);
}

/* ---- Runs ------------------------------------------------------------------------------------ */

static void set_options(ls_options *options, const char *text)
{
    char copy[1024], *rest = copy;
    ls_error err;
    cr_assert_lt(strlen(text), sizeof copy);
    strcpy(copy, text);
    for (char *name; (name = strtok_r(rest, " ", &rest));) {
        const char *value = strtok_r(rest, " ", &rest);
        cr_assert_not_null(value, "option %s of \"%s\" has no value", name, text);
        cr_assert_eq(ls_options_set(options, name, value, &err), LS_OK, "%s", err.message);
    }
}

ls_options *runs_options(const char *text)
{
    ls_options *options;
    ls_error err;
    cr_assert_eq(ls_options_create_plain(&options, &err), LS_OK, "%s", err.message);
    set_options(options, text);
    return options;
}

ls_options *runs_defaults(const char *text)
{
    ls_options *options;
    ls_error err;
    cr_assert_eq(ls_options_create(&options, &err), LS_OK, "%s", err.message);
    set_options(options, text);
    return options;
}

/* Knuth's 64-bit linear congruential generator, high bits, in [-1, 1). */
static double noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 33) * 0x1p-30 - 1.0;
}

/* A number: about 200 ± 30 and more for later targets. */
static double number_of(const float *x, size_t target, uint64_t *state)
{
    double sum = 0.3 * noise(state);
    for (size_t j = 0; j < 4; j++)
        sum += (double)(x[j] * x[(j + target) % 4]) - (j % 2 ? 0.5 : -0.8) * (double)x[j];
    return (double)(target + 1) * (200.0 + 30.0 * sum);
}

static ls_data *targets_data(const char *name, size_t rows)
{
    bool labels = *name == 'l';
    size_t targets = strtoul(strchr(name, ':') + 1, NULL, 10);
    float *x = calloc(rows * 4, sizeof *x);
    double *values = calloc(rows * targets, sizeof *values),
           *weights = calloc(rows, sizeof *weights);
    uint64_t state = 17;
    ls_data *data;
    ls_error err;
    cr_assert(x && values && weights && targets && rows);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < 4; j++) x[4 * i + j] = (float)noise(&state);
        for (size_t k = 0; k < targets; k++) {
            double value = number_of(x + 4 * i, k, &state);
            values[i * targets + k] = labels ? value > 215.0 * (double)(k + 1) : value;
        }
        weights[i] = 3.0 + 3.0 * noise(&state);
    }
    cr_assert_eq(ls_data_from_targets(x, values, rows, 4, targets,
                                      labels ? LS_TASK_MULTILABEL : LS_TASK_REGRESSION, &data,
                                      &err),
                 LS_OK, "%s", err.message);
    if (strstr(name, ":weighted"))
        cr_assert_eq(ls_data_set_weights(data, weights, &err), LS_OK, "%s", err.message);
    free(x);
    free(values);
    free(weights);
    return data;
}

ls_data *runs_data(const char *name, size_t rows)
{
    ls_generate_options how = {.rows = rows, .noise = -1, .overlap = -1, .seed = 3};
    ls_data *data;
    ls_error err;
    if (strchr(name, ':')) return targets_data(name, rows);
    cr_assert_eq(ls_data_generate(name, &how, &data, &err), LS_OK, "%s", err.message);
    return data;
}

ls_data *runs_data_file(const char *name)
{
    char path[1024];
    ls_data *data;
    ls_error err;
    snprintf(path, sizeof path, "%s/datasets/%s", LS_SOURCE_DIR, name);
    cr_assert_eq(ls_data_read_csv(path, NULL, &data, &err), LS_OK, "%s", err.message);
    return data;
}

typedef struct {
    runs_run *run;
    size_t room, stop_at;
} recorder;

static int record(const ls_progress *p, void *user)
{
    recorder *r = user;
    if (r->run->epochs == r->room) {
        r->room = r->room ? 2 * r->room : 64;
        r->run->progress = realloc(r->run->progress, r->room * sizeof *r->run->progress);
        if (!r->run->progress) abort();
    }
    r->run->progress[r->run->epochs++] = *p;
    return r->stop_at && p->epoch == r->stop_at;
}

void runs_train(ls_device *device, const char *options, const ls_data *data, size_t stop_at,
                runs_run *out)
{
    ls_options *o = runs_options(options);
    recorder r = {out, 0, stop_at};
    ls_error err = {LS_OK, ""};
    *out = (runs_run){0};
    cr_assert_eq(ls_train(device, o, data, record, &r, &out->model, &err), LS_OK, "%s: %s", options,
                 err.message);
    cr_assert_eq(ls_model_serialize(out->model, &out->bytes, &out->size, &err), LS_OK, "%s",
                 err.message);
    ls_model_weights_sha256(out->model, out->weights);
    ls_options_free(o);
}

void runs_free(runs_run *run)
{
    ls_model_free(run->model);
    free(run->progress);
    free(run->bytes);
    *run = (runs_run){0};
}

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void assert_equal_losses(const runs_run *a, const runs_run *b, const char *label,
                                const char *what)
{
    cr_assert_eq(a->epochs, b->epochs, "%s: %zu epochs, on %s %zu", what, a->epochs, label,
                 b->epochs);
    for (size_t i = 0; i < a->epochs; i++) {
        const ls_progress *p = &a->progress[i], *q = &b->progress[i];
        cr_assert(same_bits(p->loss, q->loss), "%s: epoch %zu has loss %.17g, on %s %.17g", what,
                  i + 1, p->loss, label, q->loss);
        cr_assert(same_bits(p->validation_loss, q->validation_loss),
                  "%s: epoch %zu has validation loss %.17g, on %s %.17g", what, i + 1,
                  p->validation_loss, label, q->validation_loss);
        cr_assert(same_bits(p->validation_accuracy, q->validation_accuracy),
                  "%s: epoch %zu has another accuracy on %s", what, i + 1, label);
        cr_assert(p->epoch == q->epoch && p->epochs == q->epochs && p->steps == q->steps &&
                      same_bits(p->learning_rate, q->learning_rate),
                  "%s: on %s the callback is told otherwise", what, label);
    }
}

static void assert_equal_bytes(const runs_run *a, const runs_run *b, const char *label,
                               const char *what)
{
    size_t n = a->size < b->size ? a->size : b->size, i = 0;
    while (i < n && a->bytes[i] == b->bytes[i]) i++;
    cr_assert(i == n && a->size == b->size,
              "%s: the model file from %s differs from byte %zu on (weights %s and %s)", what,
              label, i, strcmp(a->weights, b->weights) ? "differ" : "equal", b->weights);
}

static void assert_equal_metrics(const ls_metrics *a, const ls_metrics *b, const char *label,
                                 const char *what)
{
#define VALUES(m)                                                                                  \
    {                                                                                              \
        m->loss, m->loss_sum, m->accuracy, m->precision, m->recall, m->f1, m->auc, m->macro_f1,    \
            m->weighted_f1, m->log_loss, m->brier, m->calibration_error, m->baseline_accuracy,     \
            m->rmse, m->mae, m->r2, m->median_absolute_error, m->explained_variance,               \
            m->baseline_rmse, m->baseline_mae                                                      \
    }
    const double p[] = VALUES(a), q[] = VALUES(b);
    static const char *const name[] = {"loss",
                                       "sum of losses",
                                       "accuracy",
                                       "precision",
                                       "recall",
                                       "F1",
                                       "AUC",
                                       "macro F1",
                                       "weighted F1",
                                       "log-loss",
                                       "Brier score",
                                       "calibration error",
                                       "baseline accuracy",
                                       "RMSE",
                                       "MAE",
                                       "R2",
                                       "median absolute error",
                                       "explained variance",
                                       "baseline RMSE",
                                       "baseline MAE"};
    _Static_assert(RUNS_COUNT(p) == RUNS_COUNT(name), "each value has a name");
    for (size_t i = 0; i < RUNS_COUNT(p); i++)
        cr_assert(same_bits(p[i], q[i]), "%s: %s is %.17g, on %s %.17g", what, name[i], p[i], label,
                  q[i]);
    cr_assert(a->rows == b->rows && a->classes == b->classes && a->undefined == b->undefined,
              "%s: on %s", what, label);
    if (!a->classes) return; /* numbers and labels */
    cr_assert_eq(memcmp(a->confusion, b->confusion, a->classes * a->classes * sizeof *a->confusion),
                 0, "%s: another confusion matrix on %s", what, label);
}

/* Outputs of each model on its own device. */
static void assert_equal_outputs(const runs_run *a, ls_device *on_a, const runs_run *b,
                                 const runs_device *on_b, const ls_data *data, const char *what)
{
    size_t n = ls_data_rows(data) * ls_model_outputs(a->model);
    float *p = malloc(n * sizeof *p), *q = malloc(n * sizeof *q);
    ls_error err;
    cr_assert(p && q);
    cr_assert_eq(ls_model_predict(a->model, on_a, ls_data_x(data), ls_data_rows(data), p, &err),
                 LS_OK, "%s", err.message);
    cr_assert_eq(ls_model_predict(b->model, on_b->device, ls_data_x(data), ls_data_rows(data), q,
                                  &err),
                 LS_OK, "%s", err.message);
    cr_assert_eq(memcmp(p, q, n * sizeof *p), 0, "%s: other outputs on %s", what, on_b->label);
    free(p);
    free(q);
}

void runs_assert_equal(const runs_run *a, const runs_device *on_a, const runs_run *b,
                       const runs_device *on_b, const ls_data *data, const char *what)
{
    ls_metrics *m = NULL, *n = NULL;
    ls_error err;
    assert_equal_losses(a, b, on_b->label, what);
    assert_equal_bytes(a, b, on_b->label, what);
    cr_assert_eq(ls_model_evaluate(a->model, on_a->device, data, &m, &err), LS_OK, "%s: %s", what,
                 err.message);
    cr_assert_eq(ls_model_evaluate(b->model, on_b->device, data, &n, &err), LS_OK, "%s: %s", what,
                 err.message);
    assert_equal_metrics(m, n, on_b->label, what);
    ls_metrics_free(m);
    ls_metrics_free(n);
    assert_equal_outputs(a, on_a->device, b, on_b, data, what);
}

void runs_agree(const runs_device *list, size_t count, const char *options, const ls_data *data,
                const char *what, char weights[65])
{
    runs_run first, other;
    runs_train(list[0].device, options, data, 0, &first);
    for (size_t i = 1; i < count; i++) {
        runs_train(list[i].device, options, data, 0, &other);
        runs_assert_equal(&first, &list[0], &other, &list[i], data, what);
        runs_free(&other);
    }
    if (weights) strcpy(weights, first.weights);
    runs_free(&first);
}

/* ---- Files ----------------------------------------------------------------------------------- */

void runs_folder_enter(char path[64])
{
    strcpy(path, LS_TEST_FILES);
    cr_assert_not_null(mkdtemp(path), "no temporary folder");
    cr_assert_eq(chdir(path), 0);
}

void runs_folder_leave(const char *path)
{
    const char *const remove[] = {"rm", "-rf", "--", path, NULL};
    pid_t pid;
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(posix_spawnp(&pid, "rm", NULL, NULL, (char *const *)remove, environ), 0);
    waitpid(pid, NULL, 0);
}

void runs_file_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file, "cannot write %s", path);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
}

char *runs_file_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    char *bytes = NULL;
    size_t length = 0, room = 0, got;
    do {
        if (length + 1 >= room) {
            room = room ? 2 * room : 65536;
            bytes = realloc(bytes, room);
            cr_assert_not_null(bytes);
        }
        got = fread(bytes + length, 1, room - length - 1, file);
        length += got;
    } while (got);
    fclose(file);
    bytes[length] = '\0';
    if (size) *size = length;
    return bytes;
}

size_t runs_folder_count(const char *path)
{
    DIR *folder = opendir(path);
    size_t n = 0;
    cr_assert_not_null(folder, "cannot list %s", path);
    for (struct dirent *entry; (entry = readdir(folder));)
        n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(folder);
    return n;
}

void runs_file_sha256(const char *path, char hex[65])
{
    size_t size;
    char *bytes = runs_file_read(path, &size);
    ls_sha256 sha;
    cr_assert_not_null(bytes, "%s is not there", path);
    ls_sha256_init(&sha);
    ls_sha256_update(&sha, bytes, size);
    ls_sha256_final(&sha, hex);
    free(bytes);
}

/* ---- Child processes ------------------------------------------------------------------------- */

/* Output goes to files rather than pipes, which could fill up. */
static void output_name(char name[32], int pid, const char *which)
{
    snprintf(name, 32, ".child-%d-%s", pid, which);
}

int runs_start(const char *const *arguments)
{
    enum { FLAGS = O_WRONLY | O_CREAT | O_TRUNC };
    posix_spawn_file_actions_t actions;
    char out[32], err[32], to_out[32], to_err[32];
    pid_t pid;
    output_name(out, 0, "out");
    output_name(err, 0, "err");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out, FLAGS, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err, FLAGS, 0600);
    int failed = posix_spawnp(&pid, arguments[0], &actions, NULL, (char *const *)arguments,
                              environ);
    posix_spawn_file_actions_destroy(&actions);
    cr_assert_eq(failed, 0, "cannot start %s: %s", arguments[0], strerror(failed));
    output_name(to_out, pid, "out");
    output_name(to_err, pid, "err");
    cr_assert(rename(out, to_out) == 0 && rename(err, to_err) == 0);
    return pid;
}

void runs_wait(int pid, runs_child *out)
{
    char name[2][32];
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    out->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    output_name(name[0], pid, "out");
    output_name(name[1], pid, "err");
    out->out = runs_file_read(name[0], NULL);
    out->err = runs_file_read(name[1], NULL);
    unlink(name[0]);
    unlink(name[1]);
}

void runs_spawn(const char *const *arguments, runs_child *out)
{
    runs_wait(runs_start(arguments), out);
}

void runs_child_free(runs_child *child)
{
    free(child->out);
    free(child->err);
    *child = (runs_child){0};
}

#ifdef LS_PROGRAM
runs_child runs_program(const char *line)
{
    enum { MOST = 40 };
    char copy[1024];
    const char *arguments[MOST] = {LS_PROGRAM};
    size_t n = 1;
    runs_child child;
    cr_assert_lt(strlen(line), sizeof copy);
    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
        cr_assert_lt(n, MOST - 1);
        arguments[n++] = strcmp(word, "''") ? word : "";
    }
    runs_spawn(arguments, &child);
    return child;
}

char *runs_program_expect(const char *line, int status)
{
    runs_child c = runs_program(line);
    cr_assert_eq(c.status, status, "lockstep %s: exit status %d, not %d\n%s%s", line, c.status,
                 status, c.out, c.err);
    free(c.err);
    return c.out;
}
#endif
