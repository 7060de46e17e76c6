/* SPDX-License-Identifier: MIT */
#include "host/network/network.h"
#include "host/base/memory.h"
#include "host/network/layers.h"
#include "host/network/pieces.h"
#include "kernels/piecewise.h"
#include "kernels/random.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAME(constant, name) #name,
static const char *const output_names[LS_OUTPUT_COUNT] = {LS_OUTPUTS(NAME)};
static const char *const loss_names[LS_LOSS_COUNT] = {LS_LOSSES(NAME)};
#undef NAME

/* ---- Output and loss ------------------------------------------------------------------------- */

static bool measures_numbers(int loss) { return loss == LS_LOSS_MAE || loss == LS_LOSS_HUBER; }

static ls_status choose_for_classes(const ls_settings *s, size_t classes, ls_network *n,
                                    ls_error *err)
{
    int output = s->output, loss = s->loss;
    if (classes < 2)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "the data has %zu class%s, but training needs at least two", classes,
                       classes == 1 ? "" : "es");
    if (loss != LS_AUTO && measures_numbers(loss))
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "--loss %s is for numbers, but the target is a class; use bce, ce or mse, or --task regression",
            loss_names[loss]);
    if (loss == LS_AUTO)
        loss = output == LS_OUTPUT_SOFTMAX    ? LS_LOSS_CE
               : output == LS_OUTPUT_IDENTITY ? LS_LOSS_MSE
               : output == LS_OUTPUT_SIGMOID  ? (classes == 2 ? LS_LOSS_BCE : LS_LOSS_MSE)
               : classes == 2                 ? LS_LOSS_BCE
                                              : LS_LOSS_CE;
    if (output == LS_AUTO) output = loss == LS_LOSS_CE ? LS_OUTPUT_SOFTMAX : LS_OUTPUT_SIGMOID;
    if (loss == LS_LOSS_BCE && output != LS_OUTPUT_SIGMOID)
        return ls_fail(err, LS_ERR_ARGUMENT, "--loss bce needs --output sigmoid");
    if (loss == LS_LOSS_BCE && classes != 2)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--loss bce is for two classes, but the data has %zu; use --loss ce",
                       classes);
    if ((loss == LS_LOSS_CE) != (output == LS_OUTPUT_SOFTMAX))
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "--loss ce and --output softmax go together; mse goes with sigmoid or identity");
    n->loss = (ls_loss)loss;
    n->output = (ls_output)output;
    n->outputs = classes == 2 && output != LS_OUTPUT_SOFTMAX ? 1 : classes;
    return LS_OK;
}

/* Numbers and labels have one output per target, and no classes to weigh. */
static ls_status choose_for_targets(const ls_settings *s, ls_shape shape, ls_network *n,
                                    ls_error *err)
{
    bool numbers = shape.task == LS_TASK_REGRESSION;
    const char *target = numbers ? "a number" : "several labels";
    ls_output output = numbers ? LS_OUTPUT_IDENTITY : LS_OUTPUT_SIGMOID;
    int loss = s->loss != LS_AUTO ? s->loss : numbers ? LS_LOSS_MSE : LS_LOSS_BCE;
    if (!shape.targets)
        return ls_fail(err, LS_ERR_ARGUMENT, "the data has no target, but training needs one");
    if (numbers ? loss != LS_LOSS_MSE && !measures_numbers(loss) : loss != LS_LOSS_BCE)
        return ls_fail(err, LS_ERR_ARGUMENT, "--loss %s does not fit a target that is %s; use %s",
                       loss_names[loss], target, numbers ? "mse, mae or huber" : "bce");
    if (s->output != LS_AUTO && s->output != (int)output)
        return ls_fail(err, LS_ERR_ARGUMENT, "--output %s does not fit a target that is %s; use %s",
                       output_names[s->output], target, output_names[output]);
    if (s->class_weights != LS_WEIGHTS_NONE)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--class-weights is for classes, but the target is %s; weigh rows with "
                       "--weight",
                       target);
    n->loss = (ls_loss)loss;
    n->output = output;
    n->outputs = shape.targets;
    return LS_OK;
}

/* Sets output and loss from the options and what is predicted. */
static ls_status choose_output(const ls_settings *s, ls_shape shape, ls_network *n, ls_error *err)
{
    LS_TRY(shape.task == LS_TASK_CLASSIFICATION ? choose_for_classes(s, shape.classes, n, err)
                                                : choose_for_targets(s, shape, n, err));
    if (s->label_smoothing > 0 && n->loss != LS_LOSS_BCE && n->loss != LS_LOSS_CE)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--label-smoothing is for the losses bce and ce, but the loss is %s",
                       loss_names[n->loss]);
    return LS_OK;
}

/* ---- Layers ---------------------------------------------------------------------------------- */

/* Marks the ends of residual blocks: pairs of hidden layers that are as wide as the layer before
 * them. */
static ls_status choose_residual(ls_network *n, ls_error *err)
{
    size_t hidden = n->count - 1, blocks = 0;
    for (size_t i = ls_pieces_layer(n) ? 2 : 1; i + 1 < hidden;) {
        if (n->layer[i - 1].out == n->layer[i].out && n->layer[i].out == n->layer[i + 1].out) {
            n->layer[i + 1].skip = (int)i - 1;
            blocks++;
            i += 2;
        } else i++;
    }
    return blocks ? LS_OK
                  : ls_fail(err, LS_ERR_ARGUMENT,
                            "--residual needs three hidden layers of equal width in a row, such as "
                            "--hidden 16,16,16: the second and third become x + f(x)");
}

/* Sets the offsets: the weights of all layers first, so that penalties apply to one range, then
 * each layer's other tensors. */
static ls_status place_tensors(ls_network *n, ls_error *err)
{
    size_t at = 0, running = 0;
    for (size_t i = 0; i < n->count; i++) {
        ls_layer *l = &n->layer[i];
        size_t size;
        l->weight = at;
        if (!ls_layer_weights(l)) continue;
        if (!ls_mul_size(l->in, l->out, &size) || !ls_add_size(at, size, &at) ||
            at > (SIZE_MAX >> 6))
            return ls_fail(err, LS_ERR_MEMORY,
                           "layer %zu: %zu x %zu weights are too many for this machine", i, l->in,
                           l->out);
    }
    n->weights = at;
    for (size_t i = 0; i < n->count; i++) {
        ls_layer *l = &n->layer[i];
        if (l->norm) {
            l->gamma = at;
            l->beta = at + l->out;
            at += 2 * l->out;
            l->mean = running;
            l->variance = running + l->out;
            running += 2 * l->out;
        } else if (ls_layer_bias(l)) {
            l->bias = at;
            at += l->out;
        }
    }
    if (ls_pieces_layer(n)) {
        n->layer[0].table = running;
        running += LS_PIECE_ROWS * n->layer[0].out;
    }
    n->parameters = at;
    n->running = running;
    return LS_OK;
}

/* The pieces of the inputs, with an embedding. */
static ls_status set_pieces(const ls_settings *s, ls_shape shape, ls_network *n, ls_error *err)
{
    enum { MOST_INPUTS = 1 << 24 }; /* their numbers are floats of the table */
    size_t most = ls_settings_pieces(s);
    if (!most) return LS_OK;
    if (n->shift || n->flip)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--augment-%s is for images, a piecewise embedding for numbers",
                       n->shift ? "shift" : "flip");
    if (n->inputs > MOST_INPUTS)
        return ls_fail(err, LS_ERR_ARGUMENT, "%zu inputs are too many for an embedding, at most %d",
                       n->inputs, MOST_INPUTS);
    n->image = (ls_image){0};
    LS_TRY(ls_alloc(&n->pieces, n->inputs, 1, "the pieces of the inputs", err));
    n->most_pieces = most;
    size_t out = ls_pieces_count(n->inputs, most, shape.pieces, n->pieces);
    return out < (SIZE_MAX >> 8)
               ? LS_OK
               : ls_fail(err, LS_ERR_MEMORY,
                         "%zu inputs of %zu pieces are too many for this machine", n->inputs, most);
}

/* The layers of --hidden and the options beside it. */
static ls_status hidden_layers(const ls_settings *s, ls_network *n, ls_error *err)
{
    const size_t before = n->pieces != NULL;
    n->count = before + s->hidden_count + 1;
    if (s->hidden_count && s->activation_count != 1 && s->activation_count != s->hidden_count)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "--activation names %zu activations for %zu hidden layers; give one, or one per layer",
            s->activation_count, s->hidden_count);
    LS_TRY(ls_alloc(&n->layer, n->count, sizeof *n->layer, "the network", err));
    for (size_t i = 0; i < n->count; i++) {
        ls_layer *l = &n->layer[i];
        bool hidden = i + 1 < n->count;
        size_t number = i - before; /* of the options' layers */
        l->from = (int)i - 1;
        l->points = 1;
        l->skip = -1;
        if (i < before) {
            ls_pieces_layer_of(n, l);
            continue;
        }
        l->in = i ? n->layer[i - 1].out : n->inputs;
        l->out = hidden ? (size_t)s->hidden[number] : n->outputs;
        l->act = hidden ? (ls_act)s->activation[s->activation_count == 1 ? 0 : number]
                        : LS_ACT_identity;
        l->norm = hidden && s->batch_norm;
        l->dropout = hidden ? (float)s->dropout : 0.0f;
    }
    return s->residual ? choose_residual(n, err) : LS_OK;
}

/* Refuses options that belong to --hidden. */
static ls_status check_net(const ls_settings *s, ls_error *err)
{
    const char *other = s->batch_norm ? "batch-norm" : s->dropout > 0 ? "dropout" : "residual";
    const char *item = s->batch_norm ? "batchnorm" : s->dropout > 0 ? "dropout P" : "residual(...)";
    if (s->batch_norm || s->dropout > 0 || s->residual)
        return ls_fail(err, LS_ERR_ARGUMENT, "--%s is for --hidden; with --net, write '%s' in it",
                       other, item);
    if (s->embedding != LS_EMBEDDING_NONE)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--embedding is for --hidden; with --net, begin it with 'piecewise %llu'",
                       (unsigned long long)s->bins);
    static const char *const replaced[] = {"hidden", "activation"};
    for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++)
        if (!ls_settings_at_default(s, replaced[i]))
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "--%s has no effect beside --net, which describes all layers; leave one "
                           "of them out",
                           replaced[i]);
    return LS_OK;
}

/* What the inputs are, for networks and augmentation that need to know. */
static ls_status set_image(const ls_settings *s, ls_shape shape, ls_network *n, ls_error *err)
{
    bool augments = s->augment_shift || s->augment_flip;
    ls_image image = s->shape.channels ? s->shape : shape.image;
    if (image.channels && ls_image_values(image) != n->inputs)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--shape %ux%ux%u has %zu values, but a row of the data gives %zu inputs",
                       image.channels, image.height, image.width, ls_image_values(image),
                       n->inputs);
    if (!s->net && !augments) return LS_OK;
    n->image = image;
    n->shift = (ls_u32)s->augment_shift;
    n->flip = s->augment_flip;
    if (augments && !n->image.channels)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--augment-%s needs images: say what a row holds by --shape "
                       "CHANNELSxHEIGHTxWIDTH",
                       s->augment_shift ? "shift" : "flip");
    return LS_OK;
}

ls_status ls_network_build(const ls_settings *s, size_t features, ls_shape shape, ls_network *out,
                           ls_error *err)
{
    ls_network n = {.inputs = features,
                    .classes = shape.task == LS_TASK_CLASSIFICATION ? shape.classes : 0,
                    .task = shape.task};
    LS_TRY(choose_output(s, shape, &n, err));
    ls_status status = s->net ? check_net(s, err) : LS_OK;
    if (status == LS_OK) status = set_image(s, shape, &n, err);
    if (status == LS_OK) status = set_pieces(s, shape, &n, err);
    if (status == LS_OK)
        status = s->net ? ls_network_layers(s, &n, err) : hidden_layers(s, &n, err);
    if (status == LS_OK) status = place_tensors(&n, err);
    if (status != LS_OK) {
        ls_network_free(&n);
        return status;
    }
    *out = n;
    return LS_OK;
}

void ls_network_free(ls_network *network)
{
    free(network->layer);
    free(network->pieces);
    network->layer = NULL;
    network->pieces = NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const ls_tensor *)a)->name, ((const ls_tensor *)b)->name);
}

static void add_tensor(ls_tensor *list, size_t *count, size_t layer, const char *role,
                       size_t offset, size_t rows, size_t columns)
{
    ls_tensor *t = &list[(*count)++];
    snprintf(t->name, sizeof t->name, "layers.%zu.%s", layer, role);
    t->offset = offset;
    t->rows = rows;
    t->columns = columns;
}

ls_status ls_network_tensors(const ls_network *n, ls_tensor **out, size_t *count, ls_error *err)
{
    ls_tensor *list;
    size_t c = 0;
    LS_TRY(ls_alloc(&list, n->count * 5, sizeof *list, "tensor names", err));
    for (size_t i = 0; i < n->count; i++) {
        const ls_layer *l = &n->layer[i];
        if (ls_layer_weights(l)) add_tensor(list, &c, i, "weight", l->weight, l->in, l->out);
        if (l->norm) {
            add_tensor(list, &c, i, "norm.gamma", l->gamma, l->out, 0);
            add_tensor(list, &c, i, "norm.beta", l->beta, l->out, 0);
            add_tensor(list, &c, i, "norm.running_mean", n->parameters + l->mean, l->out, 0);
            add_tensor(list, &c, i, "norm.running_variance", n->parameters + l->variance, l->out,
                       0);
        }
        if (ls_layer_bias(l)) add_tensor(list, &c, i, "bias", l->bias, l->out, 0);
        if (l->kind == LS_LAYER_PIECES)
            add_tensor(list, &c, i, "pieces", n->parameters + l->table, LS_PIECE_ROWS, l->out);
    }
    qsort(list, c, sizeof *list, by_name);
    *out = list;
    *count = c;
    return LS_OK;
}

/* A layer's initialisation: the option's, or the default in the activation's row: He for the ReLU
 * family (He et al. 2015), otherwise Xavier (Glorot, Bengio 2010). */
static ls_init init_of(const ls_settings *s, const ls_layer *l)
{
    if (s->init != LS_AUTO) return (ls_init)s->init;
    return ls_activations[l->act].init == LS_DEFAULT_INIT_HE ? LS_INIT_HE_UNIFORM
                                                             : LS_INIT_XAVIER_UNIFORM;
}

/* Variance of a weight: Xavier 2/(in + out), He 2/in, LeCun 1/in. An output of a convolution sums
 * `in` products, and an input takes part in as many outputs as windows have positions, of each
 * channel of its group. */
static double init_variance(ls_init init, const ls_layer *l)
{
    double in = (double)l->in, out = (double)l->out;
    if (l->kind == LS_LAYER_CONV)
        out = out * (double)ls_window_taps(&l->window) / (double)l->window.groups;
    switch (init) {
    case LS_INIT_XAVIER_UNIFORM:
    case LS_INIT_XAVIER_NORMAL: return 2.0 / (in + out);
    case LS_INIT_HE_UNIFORM:
    case LS_INIT_HE_NORMAL: return 2.0 / in;
    case LS_INIT_LECUN_UNIFORM:
    case LS_INIT_LECUN_NORMAL: return 1.0 / in;
    default: return 0.0;
    }
}

void ls_network_init(const ls_network *n, const ls_settings *s, float *values)
{
    const ls_layer *pieces = ls_pieces_layer(n);
    memset(values, 0, (n->parameters + n->running) * sizeof *values);
    if (pieces) ls_pieces_even(n, values + n->parameters + pieces->table);
    for (size_t i = 0; i < n->count; i++) {
        const ls_layer *l = &n->layer[i];
        ls_init init = init_of(s, l);
        ls_u32 purpose = LS_PURPOSE_INIT + ((ls_u32)i << 8);
        double variance = init_variance(init, l);
        bool normal = init == LS_INIT_XAVIER_NORMAL || init == LS_INIT_HE_NORMAL ||
                      init == LS_INIT_LECUN_NORMAL;
        /* a uniform on ±r has variance r²/3 */
        float deviation = (float)sqrt(variance), reach = (float)sqrt(3.0 * variance);
        for (size_t j = 0; ls_layer_weights(l) && j < l->in * l->out && variance > 0; j++)
            values[l->weight + j] =
                normal ? deviation * ls_random_normal(s->seed, purpose, 0, (ls_u32)j)
                       : reach * (2.0f * ls_random_uniform(s->seed, purpose, 0, (ls_u32)j) - 1.0f);
        for (size_t j = 0; j < l->out && l->norm; j++) {
            values[l->gamma + j] = 1.0f;
            values[n->parameters + l->variance + j] = 1.0f;
        }
    }
}

ls_status ls_network_arrange(const ls_network *n, float *x, size_t rows, ls_error *err)
{
    size_t channels = n->image.channels, positions = ls_image_positions(n->image);
    if (channels < 2 || positions < 2) return LS_OK;
    float *row;
    LS_TRY(ls_alloc(&row, n->inputs, sizeof *row, "an image", err));
    for (size_t r = 0; r < rows; r++) {
        float *image = x + r * n->inputs;
        memcpy(row, image, n->inputs * sizeof *row);
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < positions; p++) image[p * channels + c] = row[c * positions + p];
    }
    free(row);
    return LS_OK;
}
