/* SPDX-License-Identifier: MIT */
#include "tests/support/oracle_images.h"
#include "tests/support/true_activations.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double *room(size_t count)
{
    double *new = calloc(count + 1, sizeof *new);
    if (!new) abort();
    return new;
}

/* ---- Building -------------------------------------------------------------------------------- */

static node *add(image_net *n, node_kind kind, int from)
{
    if (n->nodes == NODES) abort();
    node *new = &n->node[n->nodes++];
    *new = (node){.kind = kind, .from = from, .other = -1, .groups = 1, .fault = 1.0};
    if (from >= 0) {
        new->channels = n->node[from].channels;
        new->height = n->node[from].height;
        new->width = n->node[from].width;
    }
    return new;
}

static size_t side(size_t size, size_t kernel, size_t stride, size_t dilation, size_t padding)
{
    return (size + padding - dilation * (kernel - 1) - 1) / stride + 1;
}

static void add_window(image_net *n, char *at, node_kind kind, bool bias)
{
    size_t v[12] = {0}, *k = v;
    for (int i = 0; i < (kind == NODE_CONV ? 12 : 8); i++) v[i] = strtoul(at, &at, 10);
    if (*at) abort();
    node *new = add(n, kind, (int)n->nodes - 1);
    if (kind == NODE_CONV) new->channels = *k++;
    for (int s = 0; s < 2; s++) {
        size_t *size = s ? &new->width : &new->height;
        new->kernel[s] = k[s], new->stride[s] = k[2 + s], new->before[s] = k[4 + s];
        new->dilation[s] = kind == NODE_CONV ? k[8 + s] : 1;
        *size = side(*size, k[s], k[2 + s], new->dilation[s], k[4 + s] + k[6 + s]);
    }
    if (kind != NODE_CONV) return;
    new->groups = k[10];
    new->bias = bias;
    new->theta = n->parameters;
    new->beta = new->theta + new->channels *(n->node[new->from].channels / new->groups) *
                                 new->kernel[0] * new->kernel[1];
    n->parameters = new->beta + (bias ? new->channels : 0);
}

static void add_dense(image_net *n, size_t out, bool bias)
{
    node *new = add(n, NODE_DENSE, (int)n->nodes - 1);
    size_t in = node_size(new);
    *new = (node){.kind = NODE_DENSE,
                  .from = new->from,
                  .other = -1,
                  .channels = out,
                  .height = 1,
                  .width = 1,
                  .bias = bias,
                  .fault = 1.0,
                  .theta = n->parameters,
                  .beta = n->parameters + in *out};
    n->parameters = new->beta + (bias ? out : 0);
}

static void add_norm(image_net *n)
{
    node *new = add(n, NODE_NORM, (int)n->nodes - 1);
    new->theta = n->parameters;
    new->beta = new->theta + new->channels;
    n->parameters += 2 * new->channels;
    new->running = n->running_count;
    n->running_count += 2 * new->channels;
    new->mean = room(new->channels);
    new->variance = room(new->channels);
}

static void add_act(image_net *n, const char *name)
{
    node *new = add(n, NODE_ACT, (int)n->nodes - 1);
    const true_activation *truth = true_activation_of(name);
    if (!truth) abort();
    new->act = truth->value, new->slope = truth->slope;
}

static void add_flat(image_net *n)
{
    node *new = add(n, NODE_FLAT, (int)n->nodes - 1);
    new->channels = node_size(new);
    new->height = new->width = 1;
}

/* opened: what the block that is open adds, and open: what comes into it. */
static void add_item(image_net *n, char *item, int *open, int *opened)
{
    char *rest = item + 1;
    switch (*item) {
    case 'c':
    case 'C': add_window(n, rest, NODE_CONV, *item == 'c'); break;
    case 'd':
    case 'D': add_dense(n, strtoul(rest, NULL, 10), *item == 'd'); break;
    case 'm': add_window(n, rest, NODE_MAX, false); break;
    case 'v': add_window(n, rest, NODE_MEAN, false); break;
    case 'n': add_norm(n); break;
    case 'a': add_act(n, rest + strspn(rest, " ")); break;
    case 'o': add(n, NODE_DROP, (int)n->nodes - 1)->rate = strtod(rest, NULL); break;
    case 'f': add_flat(n); break;
    case '[':
        *open = *opened = (int)n->nodes - 1;
        rest += strspn(rest, " ");
        if (!*rest) break;
        add_item(n, rest, open, opened);
        *opened = (int)n->nodes - 1;
        /* the block itself reads what came in */
        add(n, NODE_DROP, *open)->rate = 0.0;
        break;
    case ']': add(n, NODE_ADD, (int)n->nodes - 1)->other = *opened; break;
    default: fprintf(stderr, "oracle_images.c: no item '%s'\n", item); abort();
    }
}

image_net *image_net_new(const char *text, size_t channels, size_t height, size_t width,
                         size_t rows)
{
    image_net *n = calloc(1, sizeof *n);
    int open = -1, opened = -1;
    if (!n) abort();
    n->rows = rows;
    node *input = add(n, NODE_INPUT, -1);
    input->channels = channels, input->height = height, input->width = width;
    while (*text) {
        char item[80];
        size_t length = strcspn(text, ";"), spaces = strspn(text, " ");
        snprintf(item, sizeof item, "%.*s", (int)(length - spaces), text + spaces);
        add_item(n, item, &open, &opened);
        text += length + (text[length] == ';');
    }
    n->theta = room(n->parameters);
    n->running = room(n->running_count);
    for (size_t i = 0; i < n->nodes; i++) {
        node *k = &n->node[i];
        k->value = room(rows * node_size(k));
        k->gradient = room(rows * node_size(k));
        for (size_t c = 0; c < k->channels && k->kind == NODE_NORM; c++)
            n->running[k->running + k->channels + c] = 1.0;
    }
    return n;
}

void image_net_free(image_net *n)
{
    for (size_t i = 0; i < n->nodes; i++) {
        free(n->node[i].value);
        free(n->node[i].gradient);
        free(n->node[i].mean);
        free(n->node[i].variance);
    }
    free(n->theta);
    free(n->running);
    free(n);
}

/* ---- Windows --------------------------------------------------------------------------------- */

/* One product of a convolution, or one value in a window: what is read, and with which weight. */
typedef struct {
    size_t x, weight, out; /* offsets in one image of the input, in theta, in one of the output */
} pair;

typedef void (*visit)(image_net *n, node *k, const double *theta, double *gradient, size_t row,
                      pair p);

/* Visits every value inside the image in every window, for every output and, if `mixes`, every
 * input channel of its group. */
static void each_pair(image_net *n, node *k, const double *theta, double *gradient, size_t rows,
                      bool mixes, visit f)
{
    const node *from = &n->node[k->from];
    size_t in = from->channels / k->groups, out = k->channels / k->groups;
    for (size_t r = 0; r < rows; r++)
        for (size_t o = 0; o < k->channels; o++)
            for (size_t y = 0; y < k->height; y++)
                for (size_t x = 0; x < k->width; x++)
                    for (size_t c = 0; c < (mixes ? in : 1); c++)
                        for (size_t i = 0; i < k->kernel[0]; i++)
                            for (size_t j = 0; j < k->kernel[1]; j++) {
                                /* shifted by the padding, so that nothing is negative */
                                size_t py = y * k->stride[0] + i * k->dilation[0],
                                       px = x * k->stride[1] + j * k->dilation[1],
                                       channel = mixes ? o / out * in + c : o;
                                if (py < k->before[0] || py >= k->before[0] + from->height ||
                                    px < k->before[1] || px >= k->before[1] + from->width)
                                    continue;
                                f(n, k, theta, gradient, r,
                                  (pair){(channel * from->height + py - k->before[0]) *
                                                 from->width +
                                             px - k->before[1],
                                         k->theta +
                                             ((o * in + c) * k->kernel[0] + i) * k->kernel[1] + j,
                                         (o * k->height + y) * k->width + x});
                            }
}

#define VISIT(name)                                                                                \
    static void name(image_net *n, node *k, const double *theta, double *gradient, size_t row,     \
                     pair p)
#define FROM (&n->node[k->from])
#define IN(field) FROM->field[row * node_size(FROM) + p.x]
#define OUT(field) k->field[row * node_size(k) + p.out]
#define UNUSED (void)n, (void)theta, (void)gradient

/* Dumoulin, Visin 2016, without flipping the kernel. */
VISIT(conv_value)
{
    UNUSED;
    OUT(value) += IN(value) * theta[p.weight];
}
VISIT(conv_gradient)
{
    gradient[p.weight] += OUT(gradient) * IN(value);
    IN(gradient) += OUT(gradient) * theta[p.weight];
}
VISIT(max_value)
{
    UNUSED;
    OUT(value) = fmax(OUT(value), IN(value));
}
/* All inputs of a window have other values in these tests. */
VISIT(max_gradient)
{
    UNUSED;
    if (IN(value) == OUT(value)) IN(gradient) += OUT(gradient);
}
VISIT(mean_value)
{
    UNUSED;
    OUT(value) += IN(value);
}

/* Values of the window of an output that lie inside the image. */
static double inside(const image_net *n, const node *k, size_t out)
{
    const node *from = &n->node[k->from];
    size_t y = out / k->width % k->height, x = out % k->width, count = 0;
    for (size_t i = 0; i < k->kernel[0]; i++)
        for (size_t j = 0; j < k->kernel[1]; j++) {
            size_t py = y * k->stride[0] + i, px = x * k->stride[1] + j;
            count += py >= k->before[0] && py < k->before[0] + from->height && px >= k->before[1] &&
                     px < k->before[1] + from->width;
        }
    return (double)count;
}

VISIT(mean_gradient)
{
    UNUSED;
    IN(gradient) += OUT(gradient) / inside(n, k, p.out);
}

/* ---- Forward --------------------------------------------------------------------------------- */

/* Channel of element e of a node's output. */
static size_t channel_of(const node *k, size_t e)
{
    return e / (k->height * k->width) % k->channels;
}

static void dense(const image_net *n, node *k, const double *theta, size_t rows)
{
    size_t in = node_size(FROM);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < k->channels; j++) {
            double sum = k->bias ? theta[k->beta + j] : 0.0;
            for (size_t i = 0; i < in; i++)
                sum += theta[k->theta + j * in + i] * FROM->value[r * in + i];
            k->value[r * k->channels + j] = sum;
        }
}

/* Ioffe, Szegedy 2015, section 3.2: the mean and the variance of a channel are over all positions
 * of all images of the batch. */
static void norm(const image_net *n, node *k, const double *theta, size_t rows, bool training)
{
    const double *z = FROM->value;
    size_t size = rows * node_size(k);
    double count = (double)(rows * k->height * k->width);
    for (size_t c = 0; c < k->channels; c++) {
        k->mean[c] = k->variance[c] = 0.0;
        if (!training) {
            k->mean[c] = n->running[k->running + c];
            k->variance[c] = n->running[k->running + k->channels + c];
        }
    }
    for (size_t e = 0; e < size && training; e++) k->mean[channel_of(k, e)] += z[e] / count;
    for (size_t e = 0; e < size && training; e++)
        k->variance[channel_of(k, e)] += pow(z[e] - k->mean[channel_of(k, e)], 2.0) / count;
    for (size_t e = 0; e < size; e++) {
        size_t c = channel_of(k, e);
        k->value[e] = theta[k->theta + c] * (z[e] - k->mean[c]) / sqrt(k->variance[c] + 1e-5) +
                      theta[k->beta + c];
    }
}

static void flatten(const image_net *n, const node *k, size_t rows, bool back)
{
    size_t points = FROM->height * FROM->width, channels = FROM->channels;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < points; p++) {
                size_t image = (r * channels + c) * points + p,
                       flat = r * channels * points + p * channels + c;
                if (back) FROM->gradient[image] += k->gradient[flat];
                else k->value[flat] = FROM->value[image];
            }
}

static double drop(const node *k, size_t e, bool training)
{
    return !training || k->rate == 0.0 ? 1.0 : k->kept[e] ? 1.0 / (1.0 - k->rate) : 0.0;
}

static void forward(image_net *n, node *k, const double *theta, size_t rows, bool training)
{
    size_t size = rows * node_size(k);
    for (size_t e = 0; e < size && k->kind != NODE_INPUT; e++)
        k->value[e] = k->kind == NODE_CONV && k->bias ? theta[k->beta + channel_of(k, e)]
                      : k->kind == NODE_MAX           ? -INFINITY
                                                      : 0.0;
    switch (k->kind) {
    case NODE_INPUT: break;
    case NODE_CONV: each_pair(n, k, theta, NULL, rows, true, conv_value); break;
    case NODE_DENSE: dense(n, k, theta, rows); break;
    case NODE_NORM: norm(n, k, theta, rows, training); break;
    case NODE_ACT:
        for (size_t e = 0; e < size; e++) k->value[e] = k->act(FROM->value[e]);
        break;
    case NODE_DROP:
        for (size_t e = 0; e < size; e++) k->value[e] = FROM->value[e] * drop(k, e, training);
        break;
    case NODE_MAX: each_pair(n, k, theta, NULL, rows, false, max_value); break;
    case NODE_MEAN:
        each_pair(n, k, theta, NULL, rows, false, mean_value);
        for (size_t e = 0; e < size; e++) k->value[e] /= inside(n, k, e % node_size(k));
        break;
    case NODE_FLAT: flatten(n, k, rows, false); break;
    case NODE_ADD:
        for (size_t e = 0; e < size; e++) k->value[e] = FROM->value[e] + n->node[k->other].value[e];
    }
}

/* ---- Loss ------------------------------------------------------------------------------------ */

/* Output k of a row: softmax, or the value itself. */
static void row_outputs(const image_net *n, const double *z, size_t outputs, double *out)
{
    double top = z[0], sum = 0.0;
    for (size_t k = 1; k < outputs; k++) top = fmax(top, z[k]);
    for (size_t k = 0; k < outputs; k++) sum += exp(z[k] - top);
    for (size_t k = 0; k < outputs; k++) out[k] = n->squares ? z[k] : exp(z[k] - top) / sum;
}

void image_net_outputs(const image_net *n, size_t rows, double *out)
{
    const node *last = &n->node[n->nodes - 1];
    for (size_t r = 0; r < rows; r++)
        row_outputs(n, last->value + r * last->channels, last->channels, out + r * last->channels);
}

double image_net_loss(image_net *n, const double *theta, const double *x, const double *t,
                      size_t rows, bool training)
{
    const node *last = &n->node[n->nodes - 1];
    double *outputs = room(rows * last->channels), loss = 0.0;
    memcpy(n->node[0].value, x, rows * node_size(&n->node[0]) * sizeof *x);
    for (size_t i = 0; i < n->nodes; i++) forward(n, &n->node[i], theta, rows, training);
    image_net_outputs(n, rows, outputs);
    for (size_t e = 0; e < rows * last->channels; e++)
        loss += n->squares ? pow(outputs[e] - t[e], 2.0) : -t[e] * log(outputs[e]);
    free(outputs);
    return loss / (double)rows;
}

/* ---- Backward -------------------------------------------------------------------------------- */

static void dense_backward(const image_net *n, const node *k, const double *theta, size_t rows,
                           double *gradient)
{
    size_t in = node_size(FROM);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < k->channels; j++) {
            double d = k->gradient[r * k->channels + j];
            if (k->bias) gradient[k->beta + j] += d;
            for (size_t i = 0; i < in; i++) {
                gradient[k->theta + j * in + i] += d * FROM->value[r * in + i];
                FROM->gradient[r * in + i] += d * theta[k->theta + j * in + i];
            }
        }
}

/* Ioffe, Szegedy 2015, section 3: dL/dx through the value itself, the variance and the mean. */
static void norm_backward(const image_net *n, const node *k, const double *theta, size_t rows,
                          double *gradient)
{
    const double *z = FROM->value;
    double count = (double)(rows * k->height * k->width);
    for (size_t c = 0; c < k->channels; c++) {
        double spread = k->variance[c] + 1e-5, scale = theta[k->theta + c], d_variance = 0.0,
               d_mean = 0.0;
        for (size_t e = 0; e < rows * node_size(k); e++) {
            if (channel_of(k, e) != c) continue;
            double off = z[e] - k->mean[c], d = k->gradient[e];
            gradient[k->theta + c] += d * off / sqrt(spread);
            gradient[k->beta + c] += d;
            d_variance += d * scale * off * -0.5 * pow(spread, -1.5);
            d_mean -= d * scale / sqrt(spread);
        }
        for (size_t e = 0; e < rows * node_size(k); e++)
            if (channel_of(k, e) == c)
                FROM->gradient[e] += k->gradient[e] * scale / sqrt(spread) +
                                     d_variance * 2.0 * (z[e] - k->mean[c]) / count +
                                     d_mean / count;
    }
}

static void backward(image_net *n, node *k, const double *theta, size_t rows, double *gradient)
{
    size_t size = rows * node_size(k);
    for (size_t e = 0; e < size; e++) k->gradient[e] *= k->fault;
    switch (k->kind) {
    case NODE_INPUT: break;
    case NODE_CONV:
        each_pair(n, k, theta, gradient, rows, true, conv_gradient);
        for (size_t e = 0; e < size && k->bias; e++)
            gradient[k->beta + channel_of(k, e)] += k->gradient[e];
        break;
    case NODE_DENSE: dense_backward(n, k, theta, rows, gradient); break;
    case NODE_NORM: norm_backward(n, k, theta, rows, gradient); break;
    case NODE_ACT:
        for (size_t e = 0; e < size; e++)
            FROM->gradient[e] += k->gradient[e] * k->slope(FROM->value[e]);
        break;
    case NODE_DROP:
        for (size_t e = 0; e < size; e++) FROM->gradient[e] += k->gradient[e] * drop(k, e, true);
        break;
    case NODE_MAX: each_pair(n, k, theta, gradient, rows, false, max_gradient); break;
    case NODE_MEAN: each_pair(n, k, theta, gradient, rows, false, mean_gradient); break;
    case NODE_FLAT: flatten(n, k, rows, true); break;
    case NODE_ADD:
        for (size_t e = 0; e < size; e++) {
            FROM->gradient[e] += k->gradient[e];
            n->node[k->other].gradient[e] += k->gradient[e];
        }
    }
}

void image_net_gradient(image_net *n, const double *theta, const double *t, size_t rows,
                        double *gradient)
{
    node *last = &n->node[n->nodes - 1];
    memset(gradient, 0, n->parameters * sizeof *gradient);
    for (size_t i = 0; i < n->nodes; i++)
        memset(n->node[i].gradient, 0, rows * node_size(&n->node[i]) * sizeof *gradient);
    image_net_outputs(n, rows, last->gradient);
    for (size_t e = 0; e < rows * last->channels; e++)
        last->gradient[e] = (n->squares ? 2.0 : 1.0) * (last->gradient[e] - t[e]) / (double)rows;
    for (size_t i = n->nodes; i-- > 0;) backward(n, &n->node[i], theta, rows, gradient);
}

void image_net_move(image_net *n)
{
    for (size_t i = 0; i < n->nodes; i++) {
        const node *k = &n->node[i];
        for (size_t c = 0; c < k->channels && k->kind == NODE_NORM; c++) {
            double *mean = &n->running[k->running + c], *variance = mean + k->channels;
            *mean += 0.1 * (k->mean[c] - *mean);
            *variance += 0.1 * (k->variance[c] - *variance);
        }
    }
}
