/* SPDX-License-Identifier: MIT */
/* The table of options, from which the command line, the library, the help text and the model file
 * are derived. */
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/base/neighbours.h"
#include "host/base/text.h"
#include "host/network/activation.h"
#include "host/network/optimizer.h"
#include "host/network/pieces.h"
#include "host/network/settings.h"
#include "kernels/loss.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef enum {
    KIND_FLAG,
    KIND_COUNT,
    KIND_REAL,
    KIND_CHOICE,
    KIND_WIDTHS,
    KIND_ACTIVATIONS,
    KIND_NET,
    KIND_SHAPE,
    KIND_BATCH,
    KIND_FOLD,
    KIND_CLASS_WEIGHTS
} option_kind;

typedef struct {
    ls_option_info info;
    option_kind kind;
    size_t offset;    /* of the field in ls_settings */
    double low, high; /* inclusive range of COUNT and REAL */
    /* CHOICE: names, NULL-terminated; if the first is "auto", it stands for LS_AUTO */
    const char *const *choices;
} option;

#define LS_X(name, reads, facts) #name,
static const char *const activations[] = {LS_ACTIVATIONS(LS_X) NULL};
#undef LS_X
#define LS_X(name, states, facts) #name,
static const char *const optimizers[] = {LS_OPTIMIZERS(LS_X) NULL};
#undef LS_X
#define LS_X(NAME, name) #name,
static const char *const losses[] = {"auto", LS_LOSSES(LS_X) NULL};
static const char *const outputs[] = {"auto", LS_OUTPUTS(LS_X) NULL};
#undef LS_X

/* The same names in one literal, for help texts. */
#define ACTIVATION_NAME(name, reads, facts) #name " "
#define ACTIVATION_NAMES LS_ACTIVATIONS(ACTIVATION_NAME)
#define OPTIMIZER_NAME(name, states, facts) #name " "
#define OPTIMIZER_NAMES LS_OPTIMIZERS(OPTIMIZER_NAME)
#define FIRST_OF(first, ...) #first
#define OPTIMIZER_RATE(name, states, facts) ", " #name " " FIRST_OF facts
#define OPTIMIZER_RATES LS_OPTIMIZERS(OPTIMIZER_RATE)

static const char *const embeddings[] = {"none", "piecewise", NULL};
static const char *const orders[] = {"shuffle", "file", NULL};
static const char *const reductions[] = {"mean", "sum", NULL};
static const char *const schedules[] = {"auto", "constant", "step", "cosine", "plateau", NULL};
static const char *const scalings[] = {"standard", "robust", "quantile", NULL};
static const char *const on_nans[] = {"stop", "rollback", NULL};
static const char *const inits[] = {"auto",  "xavier",       "xavier_normal", "he", "he_normal",
                                    "lecun", "lecun_normal", "zeros",         NULL};

/* 2^53: all whole numbers up to it are doubles. */
#define MANY 9007199254740992.0

/* The rest of a row, by kind of option: the field of ls_settings, and its range or the names of its
 * values. */
#define FIELD(kind, field, low, high, choices)                                                     \
    KIND_##kind, offsetof(ls_settings, field), low, high, choices
#define FLAG(field) FIELD(FLAG, field, 0, 0, NULL)
#define COUNT(field, low, high) FIELD(COUNT, field, low, high, NULL)
#define REAL(field, low, high) FIELD(REAL, field, low, high, NULL)
#define CHOICE(field, names) FIELD(CHOICE, field, 0, 0, names)
#define WIDTHS(field, low, high) FIELD(WIDTHS, field, low, high, NULL)
#define ACTIVATIONS(field, names) FIELD(ACTIVATIONS, field, 0, 0, names)
#define NET(field) FIELD(NET, field, 0, 0, NULL)
#define SHAPE(field) FIELD(SHAPE, field, 0, 0, NULL)
#define BATCH(field, low, high) FIELD(BATCH, field, low, high, NULL)
#define FOLD(field) FIELD(FOLD, field, 0, 0, NULL)
#define CLASS_WEIGHTS(field, low, high) FIELD(CLASS_WEIGHTS, field, low, high, NULL)

enum { SIZE = sizeof(ls_option_info) };

/* Name, placeholder of the value in help texts, default and help of each option; then its field. */
static const option table[] = {
    {{SIZE, "hidden", "WIDTHS", "64,64",
      "widths of the hidden layers, as in 20,20; none: logistic or softmax regression"},
     WIDTHS(hidden, 1, 1e6)},
    {{SIZE, "activation", "NAMES", "relu",
      ACTIVATION_NAMES "(one for all hidden layers, or one per layer separated by commas)"},
     ACTIVATIONS(activation, activations)},
    {{SIZE, "net", "LAYERS", "none",
      "the whole network in words, instead of --hidden and --activation, as in "
      "'conv 16 3 same, relu, maxpool 2, dense 64, relu, dense 10'; docs/networks.md"},
     NET(net)},
    {{SIZE, "embedding", "NAME", "none",
      "what numbers become before the first layer: none, or piecewise: shares of the pieces between "
      "quantiles of the training rows"},
     CHOICE(embedding, embeddings)},
    {{SIZE, "bins", "N", "8", "pieces of a number, with --embedding piecewise"},
     COUNT(bins, LS_LEAST_PIECES, LS_MOST_PIECES)},
    {{SIZE, "shape", "CxHxW", "auto",
      "image that a row holds, channel by channel, as in 1x28x28; auto: as the file says"},
     SHAPE(shape)},
    {{SIZE, "augment-shift", "N", "0",
      "training images are shifted by up to N positions each way, anew in each step"},
     COUNT(augment_shift, 0, 1000)},
    {{SIZE, "augment-flip", NULL, "off",
      "training images are mirrored left to right, every second one on average"},
     FLAG(augment_flip)},
    {{SIZE, "output", "NAME", "auto",
      "activation of the output: auto, sigmoid, softmax or identity"},
     CHOICE(output, outputs)},
    {{SIZE, "loss", "NAME", "auto",
      "loss: auto, bce (binary cross-entropy), ce (categorical cross-entropy), mse (squared error), "
      "mae (absolute error) or huber"},
     CHOICE(loss, losses)},
    {{SIZE, "huber-delta", "D", "1",
      "error from which --loss huber is linear instead of quadratic, in standard deviations of the "
      "target if that is standardised"},
     REAL(huber_delta, 1e-6, 1e6)},
    {{SIZE, "label-smoothing", "P", "0",
      "classes and labels: train towards (1 - P) of the target and P of all classes alike (bce, ce)"},
     REAL(label_smoothing, 0, 0.49999997)},
    {{SIZE, "optimizer", "NAME", "adamw", OPTIMIZER_NAMES "(gd takes the full batch)"},
     CHOICE(optimizer, optimizers)},
    {{SIZE, "lr", "RATE", "auto",
      "learning rate; auto: the default of the optimizer" OPTIMIZER_RATES},
     REAL(rate, 0, 1e6)},
    {{SIZE, "momentum", "G", "0.9", "decay of the velocity (momentum, nesterov)"},
     REAL(momentum, 0, 1)},
    {{SIZE, "rho", "R", "0.9", "decay of the squared average (rmsprop)"}, REAL(rho, 0, 1)},
    {{SIZE, "beta1", "B", "0.9", "decay of the first average (adam, adamw)"},
     REAL(beta1, 0, 0.99999994)},
    {{SIZE, "beta2", "B", "0.999", "decay of the second average (adam, adamw)"},
     REAL(beta2, 0, 0.99999994)},
    {{SIZE, "epsilon", "E", "1e-08",
      "added to the root of the second average (rmsprop, adam, adamw); with 0, a weight without a "
      "gradient divides by 0"},
     REAL(epsilon, 0, 1)},
    {{SIZE, "bias-correction", NULL, "on",
      "correct the averages of adam and adamw for their start at zero"},
     FLAG(bias_correction)},
    {{SIZE, "weight-decay", "D", "0.2", "decoupled weight decay (adamw)"},
     REAL(weight_decay, 0, 1e6)},
    {{SIZE, "batch", "ROWS", "auto",
      "rows per step, or full; auto: full for gd, otherwise the power of two next to a fiftieth of "
      "the training rows, from 16 to 256"},
     BATCH(batch, 1, MANY)},
    {{SIZE, "order", "NAME", "shuffle",
      "order of the rows: shuffle (again for each epoch, from the seed) or file"},
     CHOICE(order, orders)},
    {{SIZE, "reduction", "NAME", "mean", "loss of a batch: mean or sum over its rows"},
     CHOICE(reduction, reductions)},
    {{SIZE, "epochs", "N", "100", "maximum number of passes over the training rows"},
     COUNT(epochs, 1, 1e12)},
    {{SIZE, "tolerance", "T", "0",
      "stop when the loss improves by less than T for --tolerance-epochs epochs; 0: never"},
     REAL(tolerance, 0, 1e30)},
    {{SIZE, "tolerance-epochs", "N", "10", "number of epochs for --tolerance"},
     COUNT(tolerance_epochs, 1, 1e12)},
    {{SIZE, "patience", "N", "auto",
      "stop when the validation loss has not improved for N epochs, and restore the best weights; "
      "0: never; auto: 20 with validation rows, otherwise 0"},
     COUNT(patience, 0, 1e12)},
    {{SIZE, "validation", "SHARE", "auto",
      "fraction of the training rows used for validation; auto: 0.1, or 0 with --patience 0 or "
      "fewer than 50 rows"},
     REAL(validation, 0, 0.9)},
    {{SIZE, "fold", "I/K", "none",
      "validation rows are part I of K equal parts of the rows (counted from 1), in place of "
      "--validation; I/K:S: parts of the seed S instead of 1"},
     FOLD(fold)},
    {{SIZE, "time-limit", "SECONDS", "0",
      "stop after the epoch in which the training time reaches this limit; 0: never"},
     REAL(time_limit, 0, 1e9)},
    {{SIZE, "batch-norm", NULL, "off", "batch normalisation before each hidden activation"},
     FLAG(batch_norm)},
    {{SIZE, "dropout", "P", "0", "probability of dropping the output of a hidden unit in training"},
     REAL(dropout, 0, 0.99)},
    {{SIZE, "residual", NULL, "off",
      "residual blocks: "
      "two hidden layers of the same width as the layer before them become x + f(x)"},
     FLAG(residual)},
    {{SIZE, "l1", "L", "0", "penalty L*|w| per weight"}, REAL(l1, 0, 1e6)},
    {{SIZE, "l2", "L", "auto", "penalty L*w^2 per weight; auto: 1 / training rows, at most 0.01"},
     REAL(l2, 0, 1e6)},
    {{SIZE, "max-norm", "C", "0", "maximum norm of the incoming weights of each unit; 0: none"},
     REAL(max_norm, 0, 1e30)},
    {{SIZE, "clip", "C", "0", "maximum norm of the whole gradient; 0: none"}, REAL(clip, 0, 1e30)},
    {{SIZE, "schedule", "NAME", "auto",
      "learning rate schedule: constant, step, cosine or plateau; "
      "auto: cosine"},
     CHOICE(schedule, schedules)},
    {{SIZE, "warmup", "EPOCHS", "0", "number of epochs of linear warm-up from 0"},
     COUNT(warmup, 0, 1e12)},
    {{SIZE, "schedule-epochs", "N", "10",
      "step: epochs between reductions; "
      "plateau: epochs without a better loss before a reduction"},
     COUNT(schedule_epochs, 1, 1e12)},
    {{SIZE, "schedule-factor", "F", "0.5", "step, plateau: factor of a reduction"},
     REAL(schedule_factor, 0, 1)},
    {{SIZE, "min-lr", "RATE", "0", "step, cosine, plateau: lowest rate after the warm-up"},
     REAL(min_rate, 0, 1e6)},
    {{SIZE, "on-nan", "WHAT", "stop",
      "when values are not finite any more: stop, or rollback to the start of the epoch and go on "
      "with half the learning rate (at most 20 times)"},
     CHOICE(on_nan, on_nans)},
    {{SIZE, "init", "NAME", "auto",
      "initial weights: "
      "xavier, xavier_normal, he, he_normal, lecun (variance 1/in), lecun_normal or zeros; "
      "auto: he for relu, leaky_relu, elu, silu and gelu, except for regression; otherwise xavier"},
     CHOICE(init, inits)},
    {{SIZE, "class-weights", "W", "none",
      "weights of the classes in the loss: none, balanced, or one number per class, as in 1,2.5"},
     CLASS_WEIGHTS(class_weight, 0, 1e9)},
    {{SIZE, "standardize", NULL, "on",
      "shift and scale each feature to mean 0 and standard deviation 1 over the training rows"},
     FLAG(standardize)},
    {{SIZE, "scaling", "NAME", "standard",
      "how --standardize scales numbers: standard, by mean and deviation; robust, by median and "
      "quartiles, with values beyond about three of these ranges drawn in; or quantile, by their "
      "place in order, so that they become normally distributed"},
     CHOICE(scaling, scalings)},
    {{SIZE, "standardize-target", NULL, "on",
      "regression: shift and scale each target to mean 0 and standard deviation 1 over the training "
      "rows; results are in units of the target"},
     FLAG(standardize_target)},
    {{SIZE, "seed", "S", "1", "seed of everything random"}, COUNT(seed, 0, 18446744073709551615.0)},
};

enum { OPTIONS = sizeof table / sizeof *table };

size_t ls_option_count(void) { return OPTIONS; }

const ls_option_info *ls_option_at(size_t i) { return i < OPTIONS ? &table[i].info : NULL; }

bool ls_option_numeric(size_t i, bool *whole)
{
    if (i >= OPTIONS) return false;
    *whole = table[i].kind == KIND_COUNT || table[i].kind == KIND_BATCH;
    return *whole || table[i].kind == KIND_REAL;
}

static ls_status bad_value(const option *o, const char *value, const char *why, ls_error *err)
{
    return ls_fail(err, LS_ERR_ARGUMENT, "--%s: '%.60s' %s (%s)", o->info.name, value, why,
                   o->info.help);
}

/* Length of a NULL-terminated list of names. */
static size_t name_count(const char *const *names)
{
    size_t n = 0;
    while (names[n]) n++;
    return n;
}

/* *out: index of value among the choices, counted from LS_AUTO if the first one is "auto". */
static ls_status parse_choice(const option *o, const char *value, int *out, ls_error *err)
{
    size_t n = name_count(o->choices);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(value, o->choices[i])) {
            *out = (int)i - (strcmp(o->choices[0], "auto") == 0);
            return LS_OK;
        }
    const char *near = ls_value_hint(o->info.name, value, o->choices, n);
    if (near)
        return ls_fail(err, LS_ERR_ARGUMENT, "--%s: there is no '%.60s'; did you mean '%s'?",
                       o->info.name, value, near);
    return bad_value(o, value, "is not one of its values", err);
}

static ls_status parse_real(const option *o, const char *value, double *out, ls_error *err)
{
    double number;
    if (!strcmp(value, "auto") && !strcmp(o->info.initial, "auto")) {
        *out = -1;
        return LS_OK;
    }
    if (!ls_parse_double(value, &number)) return bad_value(o, value, "is not a number", err);
    if (number < o->low || number > o->high)
        return ls_fail(err, LS_ERR_ARGUMENT, "--%s: %.60s is out of range, %g to %.8g are allowed",
                       o->info.name, value, o->low, o->high);
    *out = number;
    return LS_OK;
}

static ls_status parse_count(const option *o, const char *value, uint64_t *out, ls_error *err)
{
    uint64_t number;
    double real;
    if (!strcmp(value, "auto") && !strcmp(o->info.initial, "auto")) {
        *out = LS_COUNT_AUTO;
        return LS_OK;
    }
    if (!ls_parse_u64(value, &number)) {
        /* large counts are often written as 1e5 */
        if (!ls_parse_double(value, &real) || real < 0 || real > MANY ||
            real != (double)(uint64_t)real)
            return bad_value(o, value, "is not a whole number", err);
        number = (uint64_t)real;
    }
    if ((double)number < o->low || (double)number > o->high)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--%s: %.60s is out of range, %.0f to %.0f are allowed (%s)", o->info.name,
                       value, o->low, o->high, o->info.help);
    *out = number;
    return LS_OK;
}

/* Parses the i-th element of a list. */
typedef ls_status (*piece_parser)(const option *o, const char *piece, void *array, size_t i,
                                  ls_error *err);

/* Parses the comma-separated elements of value, at most `most` of them, into a new array. */
static ls_status parse_list(const option *o, const char *value, size_t size, size_t most,
                            piece_parser parse, void **out, size_t *count, ls_error *err)
{
    size_t n = 1, done = 0;
    for (const char *c = value; *c; c++) n += *c == ',';
    if (n > most)
        return ls_fail(err, LS_ERR_ARGUMENT, "--%s: %zu values, at most %zu are allowed",
                       o->info.name, n, most);
    char *copy = ls_strdup(value);
    void *array = NULL;
    ls_status status = copy ? ls_alloc(&array, n, size, "an option", err)
                            : ls_fail(err, LS_ERR_MEMORY, "out of memory for --%s", o->info.name);
    for (char *piece = copy; status == LS_OK && piece; done++) {
        char *comma = strchr(piece, ',');
        if (comma) *comma = 0;
        status = parse(o, piece, array, done, err);
        piece = comma ? comma + 1 : NULL;
    }
    free(copy);
    if (status != LS_OK) {
        free(array);
        return status;
    }
    free(*out);
    *out = array;
    *count = n;
    return LS_OK;
}

static ls_status piece_width(const option *o, const char *piece, void *array, size_t i,
                             ls_error *err)
{
    return parse_count(o, piece, (uint64_t *)array + i, err);
}

static ls_status piece_activation(const option *o, const char *piece, void *array, size_t i,
                                  ls_error *err)
{
    return parse_choice(o, piece, (int *)array + i, err);
}

static ls_status piece_weight(const option *o, const char *piece, void *array, size_t i,
                              ls_error *err)
{
    return parse_real(o, piece, (double *)array + i, err);
}

static ls_status parse_widths(const option *o, const char *value, ls_settings *s, ls_error *err)
{
    if (!strcmp(value, "none") || !*value) {
        s->hidden_count = 0;
        return LS_OK;
    }
    return parse_list(o, value, sizeof *s->hidden, LS_MAX_HIDDEN, piece_width, (void **)&s->hidden,
                      &s->hidden_count, err);
}

static ls_status parse_net(const char *value, ls_settings *s, ls_error *err)
{
    ls_net_item *items = NULL;
    size_t count = 0;
    if (strcmp(value, "none") && *value) LS_TRY(ls_net_parse(value, &items, &count, err));
    free(s->net);
    s->net = items;
    s->net_count = count;
    return LS_OK;
}

static ls_status parse_shape(const char *value, ls_settings *s, ls_error *err)
{
    if (strcmp(value, "auto")) return ls_image_parse(value, &s->shape, err);
    s->shape = (ls_image){0};
    return LS_OK;
}

static ls_status parse_batch(const option *o, const char *value, ls_settings *s, ls_error *err)
{
    if (!strcmp(value, "auto")) s->batch = LS_BATCH_AUTO;
    else if (!strcmp(value, "full")) s->batch = 0;
    else LS_TRY(parse_count(o, value, &s->batch, err));
    return LS_OK;
}

static ls_status parse_fold(const option *o, const char *value, ls_settings *s, ls_error *err)
{
    ls_fold f = {.seed = 1};
    char part[24], parts[24], seed[24];
    if (!strcmp(value, "none")) {
        s->fold = (ls_fold){0};
        return LS_OK;
    }
    int n = sscanf(value, "%20[0-9]/%20[0-9]:%20[0-9]", part, parts, seed);
    const char *colon = strchr(value, ':'), *last = n == 3 ? seed : parts;
    size_t length = strlen(value), end = n < 2 ? 0 : strlen(last);
    bool read = n == (colon ? 3 : 2) && ls_parse_u64(part, &f.part) &&
                ls_parse_u64(parts, &f.parts) && (n == 2 || ls_parse_u64(seed, &f.seed)) &&
                !strcmp(value + length - end, last);
    if (!read) return bad_value(o, value, "is not a part, as in 1/5", err);
    if (f.parts < 2 || f.parts > UINT32_MAX || !f.part || f.part > f.parts)
        return bad_value(o, value, "is no part: use 1/K to K/K, with K of 2 or more", err);
    s->fold = f;
    return LS_OK;
}

static ls_status parse_class_weights(const option *o, const char *value, ls_settings *s,
                                     ls_error *err)
{
    if (!strcmp(value, "none") || !strcmp(value, "balanced")) {
        s->class_weights = *value == 'b' ? LS_WEIGHTS_BALANCED : LS_WEIGHTS_NONE;
        return LS_OK;
    }
    LS_TRY(parse_list(o, value, sizeof *s->class_weight, 1000, piece_weight,
                      (void **)&s->class_weight, &s->class_weight_count, err));
    s->class_weights = LS_WEIGHTS_GIVEN;
    return LS_OK;
}

static ls_status parse_flag(const option *o, const char *value, bool *out, ls_error *err)
{
    bool on = !strcmp(value, "on") || !strcmp(value, "true") || !strcmp(value, "1") ||
              !strcmp(value, "yes");
    bool off = !strcmp(value, "off") || !strcmp(value, "false") || !strcmp(value, "0") ||
               !strcmp(value, "no");
    if (!on && !off) return bad_value(o, value, "is neither on nor off", err);
    *out = on;
    return LS_OK;
}

static ls_status parse(const option *o, const char *value, ls_settings *s, ls_error *err)
{
    void *field = (char *)s + o->offset;
    switch (o->kind) {
    case KIND_FLAG: return parse_flag(o, value, field, err);
    case KIND_COUNT: return parse_count(o, value, field, err);
    case KIND_REAL: return parse_real(o, value, field, err);
    case KIND_CHOICE: return parse_choice(o, value, field, err);
    case KIND_WIDTHS: return parse_widths(o, value, s, err);
    case KIND_ACTIVATIONS:
        return parse_list(o, value, sizeof(int), LS_MAX_HIDDEN, piece_activation,
                          (void **)&s->activation, &s->activation_count, err);
    case KIND_NET: return parse_net(value, s, err);
    case KIND_SHAPE: return parse_shape(value, s, err);
    case KIND_BATCH: return parse_batch(o, value, s, err);
    case KIND_FOLD: return parse_fold(o, value, s, err);
    case KIND_CLASS_WEIGHTS: return parse_class_weights(o, value, s, err);
    }
    return LS_OK;
}

/* Appends the value of an option as canonical text: equal values give equal model files, whatever
 * the user typed. */
static void canonical(const option *o, const ls_settings *s, ls_text *text)
{
    const void *field = (const char *)s + o->offset;
    switch (o->kind) {
    case KIND_FLAG: ls_text_add(text, "%s", *(const bool *)field ? "on" : "off"); break;
    case KIND_COUNT:
        if (*(const uint64_t *)field == LS_COUNT_AUTO) ls_text_add(text, "auto");
        else ls_text_add(text, "%llu", (unsigned long long)*(const uint64_t *)field);
        break;
    case KIND_REAL:
        if (*(const double *)field < 0) ls_text_add(text, "auto");
        else ls_text_add(text, "%.12g", *(const double *)field);
        break;
    case KIND_CHOICE:
        ls_text_add(text, "%s",
                    o->choices[*(const int *)field + (strcmp(o->choices[0], "auto") == 0)]);
        break;
    case KIND_WIDTHS:
        for (size_t i = 0; i < s->hidden_count; i++)
            ls_text_add(text, "%s%llu", i ? "," : "", (unsigned long long)s->hidden[i]);
        if (!s->hidden_count) ls_text_add(text, "none");
        break;
    case KIND_ACTIVATIONS:
        for (size_t i = 0; i < s->activation_count; i++)
            ls_text_add(text, "%s%s", i ? "," : "", o->choices[s->activation[i]]);
        break;
    case KIND_NET:
        if (s->net) ls_net_write(s->net, s->net_count, text);
        else ls_text_add(text, "none");
        break;
    case KIND_SHAPE:
        if (s->shape.channels)
            ls_text_add(text, "%ux%ux%u", s->shape.channels, s->shape.height, s->shape.width);
        else ls_text_add(text, "auto");
        break;
    case KIND_BATCH:
        if (s->batch == LS_BATCH_AUTO || s->batch == 0)
            ls_text_add(text, "%s", s->batch ? "auto" : "full");
        else ls_text_add(text, "%llu", (unsigned long long)s->batch);
        break;
    case KIND_FOLD:
        if (!s->fold.parts) ls_text_add(text, "none");
        else
            ls_text_add(text, "%llu/%llu", (unsigned long long)s->fold.part,
                        (unsigned long long)s->fold.parts);
        if (s->fold.parts && s->fold.seed != 1)
            ls_text_add(text, ":%llu", (unsigned long long)s->fold.seed);
        break;
    case KIND_CLASS_WEIGHTS:
        for (size_t i = 0; i < s->class_weight_count && s->class_weights == LS_WEIGHTS_GIVEN; i++)
            ls_text_add(text, "%s%.12g", i ? "," : "", s->class_weight[i]);
        if (s->class_weights != LS_WEIGHTS_GIVEN)
            ls_text_add(text, "%s", s->class_weights == LS_WEIGHTS_BALANCED ? "balanced" : "none");
        break;
    }
}

static ls_status find(const char *name, size_t *out, ls_error *err)
{
    const char *names[OPTIONS];
    for (size_t i = 0; i < OPTIONS; i++) {
        names[i] = table[i].info.name;
        if (!strcmp(name, names[i])) {
            *out = i;
            return LS_OK;
        }
    }
    const char *near = ls_option_hint(name, names, OPTIONS).name;
    return near ? ls_fail(err, LS_ERR_ARGUMENT, "there is no option '%.60s'; did you mean '%s'?",
                          name, near)
                : ls_fail(err, LS_ERR_ARGUMENT, "there is no option '%.60s'", name);
}

ls_status ls_options_set(ls_options *options, const char *name, const char *value, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!options || !name || !value)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_options_set: an argument is NULL");
    size_t i;
    LS_TRY(find(name, &i, err));
    ls_text text = {0};
    LS_TRY(parse(&table[i], value, &options->settings, err));
    canonical(&table[i], &options->settings, &text);
    if (text.failed) {
        free(text.text);
        return ls_fail(err, LS_ERR_MEMORY, "out of memory for --%s", name);
    }
    free(options->text[i]);
    options->text[i] = text.text;
    return LS_OK;
}

const char *ls_options_get(const ls_options *options, const char *name)
{
    size_t i;
    return options && name && find(name, &i, NULL) == LS_OK ? options->text[i] : NULL;
}

ls_status ls_options_create(ls_options **out, ls_error *err)
{
    LS_HOST_MODE(mode);
    ls_options *options;
    if (!out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_options_create: an argument is NULL");
    LS_TRY(ls_alloc(&options, 1, sizeof *options, "options", err));
    ls_status status = ls_alloc(&options->text, OPTIONS, sizeof *options->text, "options", err);
    for (size_t i = 0; i < OPTIONS && status == LS_OK; i++)
        status = ls_options_set(options, table[i].info.name, table[i].info.initial, err);
    if (status != LS_OK) {
        ls_options_free(options);
        return status;
    }
    *out = options;
    return LS_OK;
}

/* Some values are not the defaults; "auto" where that does not depend on the rows. */
static const struct {
    const char *name, *value;
} plain[] = {
    {"hidden", "32,32"}, {"optimizer", "adam"},    {"batch", "32"},          {"l2", "0"},
    {"epochs", "100"},   {"weight-decay", "0.01"}, {"schedule", "constant"}, {"patience", "0"},
    {"dropout", "0"}};

ls_status ls_options_create_plain(ls_options **out, ls_error *err)
{
    LS_TRY(ls_options_create(out, err));
    ls_status status = LS_OK;
    for (size_t i = 0; i < sizeof plain / sizeof *plain && status == LS_OK; i++)
        status = ls_options_set(*out, plain[i].name, plain[i].value, err);
    if (status == LS_OK) return LS_OK;
    ls_options_free(*out);
    *out = NULL;
    return status;
}

/* *out (a pointer): a copy of count elements, or NULL if `from` is NULL. */
static ls_status copy_array(const void *from, size_t count, size_t size, void *out, ls_error *err)
{
    void *array = NULL;
    if (from) LS_TRY(ls_alloc(&array, count, size, "options", err));
    if (from) memcpy(array, from, count * size);
    memcpy(out, &array, sizeof array);
    return LS_OK;
}

/* Does not parse the texts again: a fleet of thousands copies options thousands of times. */
ls_status ls_options_copy(const ls_options *from, ls_options **out, ls_error *err)
{
    ls_options *copy;
    const ls_settings *s = &from->settings;
    LS_TRY(ls_alloc(&copy, 1, sizeof *copy, "options", err));
    copy->settings = *s;
    copy->settings.hidden = NULL;
    copy->settings.activation = NULL;
    copy->settings.net = NULL;
    copy->settings.class_weight = NULL;
    ls_status status = ls_alloc(&copy->text, OPTIONS, sizeof *copy->text, "options", err);
    if (status == LS_OK)
        status = copy_array(s->hidden, s->hidden_count, sizeof *s->hidden, &copy->settings.hidden,
                            err);
    if (status == LS_OK)
        status = copy_array(s->activation, s->activation_count, sizeof *s->activation,
                            &copy->settings.activation, err);
    if (status == LS_OK)
        status = copy_array(s->net, s->net_count, sizeof *s->net, &copy->settings.net, err);
    if (status == LS_OK)
        status = copy_array(s->class_weight, s->class_weight_count, sizeof *s->class_weight,
                            &copy->settings.class_weight, err);
    for (size_t i = 0; i < OPTIONS && status == LS_OK; i++)
        if (!(copy->text[i] = ls_strdup(from->text[i])))
            status = ls_fail(err, LS_ERR_MEMORY, "out of memory for options");
    if (status != LS_OK) ls_options_free(copy);
    else *out = copy;
    return status;
}

void ls_options_free(ls_options *options)
{
    if (!options) return;
    for (size_t i = 0; options->text && i < OPTIONS; i++) free(options->text[i]);
    free(options->text);
    free(options->settings.hidden);
    free(options->settings.activation);
    free(options->settings.net);
    free(options->settings.class_weight);
    free(options);
}

size_t ls_settings_pieces(const ls_settings *s)
{
    if (s->net) return s->net[0].kind == LS_ITEM_PIECEWISE ? (size_t)s->net[0].units : 0;
    return s->embedding == LS_EMBEDDING_PIECEWISE ? (size_t)s->bins : 0;
}

double ls_settings_rate(const ls_settings *s)
{
    return s->rate >= 0 ? s->rate : ls_optimizers[s->optimizer].rate;
}

/* A normal prior of the weights makes the penalty of the mean loss proportional to 1 / rows.
 * Numbers are learnt best from smaller initial weights. The values are those of docs/benchmarks.md,
 * "Defaults". */
void ls_settings_resolve(ls_settings *s, ls_task task, size_t rows)
{
    bool numbers = task == LS_TASK_REGRESSION;
    if (s->l2 < 0 && rows) s->l2 = fmin(1.0 / (double)rows, 0.01);
    if (s->schedule == LS_AUTO) s->schedule = LS_SCHEDULE_COSINE;
    if (s->init == LS_AUTO && numbers) s->init = LS_INIT_XAVIER_UNIFORM;
}

bool ls_settings_at_default(const ls_settings *s, const char *name)
{
    size_t i;
    ls_text text = {0};
    if (find(name, &i, NULL) != LS_OK) return false;
    canonical(&table[i], s, &text);
    bool same = text.text && !strcmp(text.text, table[i].info.initial);
    for (size_t k = 0; k < sizeof plain / sizeof *plain; k++)
        same |= text.text && !strcmp(name, plain[k].name) && !strcmp(text.text, plain[k].value);
    free(text.text);
    return same;
}

bool ls_settings_normalise_rows(const ls_settings *s)
{
    bool values = false; /* an image has become a row of values */
    if (!s->net) return s->batch_norm && s->hidden_count;
    for (size_t i = 0; i < s->net_count; i++) {
        ls_item_kind kind = s->net[i].kind;
        values |= kind == LS_ITEM_DENSE || kind == LS_ITEM_FLATTEN || kind == LS_ITEM_GLOBAL_POOL;
        if (values && kind == LS_ITEM_BATCH_NORM) return true;
    }
    return false;
}

/* The power of two next to a fiftieth of the rows, from 16 to 256; the smaller of equally near. */
static uint64_t usual_batch(uint64_t rows)
{
    uint64_t batch = 16;
    while (batch < 256 && rows > 50 * (batch + batch / 2)) batch *= 2;
    return batch;
}

uint64_t ls_settings_batch(const ls_settings *s, uint64_t rows)
{
    uint64_t batch = s->batch;
    bool norm = s->net ? ls_settings_normalise_rows(s) : s->batch_norm;
    if (batch == LS_BATCH_AUTO) {
        batch = ls_optimizers[s->optimizer].full_batch ? 0 : usual_batch(rows);
        while (batch && norm && batch < rows && rows % batch == 1) batch++;
    }
    return batch == 0 || batch > rows ? rows : batch;
}

double ls_settings_validation(const ls_settings *s, size_t rows)
{
    const double usual = 0.1;
    if (s->validation >= 0) return s->validation;
    if (s->patience == LS_COUNT_AUTO) return rows < LS_LEAST_VALIDATED ? 0 : usual;
    return s->patience ? usual : 0;
}

void ls_settings_watch(ls_settings *s, bool validated)
{
    enum { USUAL = 20 };
    if (s->patience == LS_COUNT_AUTO) s->patience = validated ? USUAL : 0;
}
