/* SPDX-License-Identifier: MIT */
/* The product's gradients against central differences of the oracle's loss, which is computed in
 * double precision and independent of any derivative formula. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "tests/support/rig.h"

/* One step of momentum with decay 0 and rate 1 sets v = 0·v + 1·g, exactly the gradient, in the
 * optimizer's state. */
#define GRADIENT "optimizer=momentum momentum=0 lr=1 order=file "

#define ACTIVATION_CASE(name, reads, facts)                                                        \
    {#name, GRADIENT "hidden=7,5 activation=" #name, 30, 4, 3},

static const rig_case cases[] = {
    {"logistic", GRADIENT "hidden=none", 30, 4, 2},
    {"softmax", GRADIENT "hidden=none", 30, 4, 4},
    {"deep, one activation per layer",
     GRADIENT "hidden=6,5,6,5,4 activation=tanh,gelu,sigmoid,elu,silu", 30, 4, 3},
    {"bce, weights", GRADIENT "hidden=6 activation=tanh class-weights=0.5,2.25", 30, 4, 2},
    {"bce, sum", GRADIENT "hidden=6 activation=tanh reduction=sum", 30, 4, 2},
    {"ce, weights", GRADIENT "hidden=6 activation=tanh class-weights=0.5,2.25,1", 30, 4, 3},
    {"ce, two classes, sum", GRADIENT "hidden=6 activation=tanh output=softmax reduction=sum", 30,
     4, 2},
    {"mse, sigmoid", GRADIENT "hidden=6 activation=tanh loss=mse", 30, 4, 2},
    {"mse, sigmoid, three classes, weights",
     GRADIENT "hidden=6 activation=tanh loss=mse output=sigmoid class-weights=2,0.5,1", 30, 4, 3},
    {"mse, identity", GRADIENT "hidden=6 activation=tanh output=identity", 30, 4, 2},
    {"mse, identity, three classes, sum",
     GRADIENT "hidden=6 activation=tanh output=identity reduction=sum", 30, 4, 3},
    {"numbers, mse", GRADIENT "hidden=6 activation=tanh numbers=1", 30, 4, 0},
    {"numbers, mse, three, weights, sum",
     GRADIENT "hidden=6 activation=tanh reduction=sum numbers=3 row-weights=on", 30, 4, 0},
    {"numbers, mae", GRADIENT "hidden=6 activation=tanh loss=mae numbers=1", 30, 4, 0},
    {"numbers, mae, two, weights",
     GRADIENT "hidden=6 activation=tanh loss=mae numbers=2 row-weights=on", 30, 4, 0},
    {"numbers, huber", GRADIENT "hidden=6 activation=tanh loss=huber numbers=1", 30, 4, 0},
    {"numbers, huber, small delta, three, weights, sum",
     GRADIENT
     "hidden=6 activation=tanh loss=huber huber-delta=0.3 reduction=sum numbers=3 row-weights=on",
     30, 4, 0},
    {"labels", GRADIENT "hidden=6 activation=tanh labels=3", 30, 4, 0},
    {"labels, weights, sum",
     GRADIENT "hidden=6 activation=tanh reduction=sum labels=2 row-weights=on", 30, 4, 0},
    {"one label", GRADIENT "hidden=none loss=bce labels=1", 30, 4, 0},
    {"smoothed, bce", GRADIENT "hidden=6 activation=tanh label-smoothing=0.1", 30, 4, 2},
    {"smoothed, ce, weights, sum",
     GRADIENT
     "hidden=6 activation=tanh label-smoothing=0.3 class-weights=0.5,2.25,1,1 reduction=sum",
     30, 4, 4},
    {"smoothed, labels", GRADIENT "hidden=6 activation=tanh label-smoothing=0.2 labels=3", 30, 4,
     0},
    {"pieces", GRADIENT "hidden=6,5 activation=tanh embedding=piecewise bins=3", 30, 4, 3},
    {"pieces, dropout, batch norm",
     GRADIENT "hidden=5,5 activation=elu embedding=piecewise dropout=0.3 batch-norm=on", 30, 2, 2},
    {"pieces, residual, layered",
     GRADIENT "hidden=6,6,6 activation=tanh residual=on embedding=piecewise bins=2", 30, 3, 2},
    {"batch norm", GRADIENT "hidden=7,5 activation=tanh batch-norm=on", 30, 4, 3},
    {"batch norm, relu", GRADIENT "hidden=7,5 activation=relu batch-norm=on", 30, 4, 3},
    {"batch norm, weights, sum",
     GRADIENT "hidden=7,5 activation=gelu batch-norm=on class-weights=0.5,2.25 reduction=sum", 30,
     4, 2},
    {"residual", GRADIENT "hidden=6,6,6 activation=tanh residual=on", 30, 4, 3},
    {"residual, two blocks, batch norm",
     GRADIENT "hidden=5,6,6,6,6,6 activation=silu residual=on batch-norm=on", 30, 4, 3},
    {"dropout", GRADIENT "hidden=7,5 activation=tanh dropout=0.4", 30, 4, 3},
    {"dropout, residual, batch norm",
     GRADIENT "hidden=6,6,6,6,6 activation=elu dropout=0.3 residual=on batch-norm=on", 30, 4, 3},
    {"l1 and l2", GRADIENT "hidden=7,5 activation=tanh l1=0.02 l2=0.03", 30, 4, 3},
    {"more rows than a chain", GRADIENT "hidden=7,5 activation=gelu batch=full", 300, 4, 3},
    {"more rows than a chain, batch norm",
     GRADIENT "hidden=7,5 activation=tanh batch=full batch-norm=on", 129, 4, 3},
    {"wider than a tile", GRADIENT "hidden=70,40 activation=tanh", 30, 20, 3},
    LS_ACTIVATIONS(ACTIVATION_CASE)};

/* Loss plus penalties at theta with the i-th parameter increased by h. */
static double moved(const oracle *o, double *theta, size_t i, double h, const oracle_batch *batch)
{
    double old = theta[i];
    theta[i] = old + h;
    double loss = oracle_objective(o, theta, batch) + oracle_penalty(o, theta);
    theta[i] = old;
    return loss;
}

/* (L(θ+h) - L(θ-h)) / 2h: errors of h²L'''/6, about 1e-11, and of rounding, 2^-53·L/h = 1e-11·L. */
static double difference(const oracle *o, double *theta, size_t i, const oracle_batch *batch)
{
    const double h = 1e-5;
    return (moved(o, theta, i, h, batch) - moved(o, theta, i, -h, batch)) / (2.0 * h);
}

static double largest(const double *x, size_t n)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    return most;
}

/* Largest error of one tensor's gradient, relative to its largest element. The product's gradient
 * is float32: each element carries the rounding errors of a few dozen successive operations, in
 * total a few 2^-24 as they partly cancel. Cancellation in the sum over the rows makes them
 * relative to the scale of the tensor and not of the element. */
static double tensor_error(const double *got, const double *truth, size_t n)
{
    double error = 0.0;
    for (size_t i = 0; i < n; i++) error = rig_worse(error, fabs(got[i] - truth[i]));
    return error == 0.0 ? 0.0 : error / largest(truth, n);
}

typedef struct {
    double product, oracle; /* largest errors over all tensors */
} gradient_errors;

static gradient_errors check_case(const rig_case *c)
{
    gradient_errors errors = {0};
    rig *r = rig_open(c);
    rig_batch b;
    size_t n = r->truth->parameters;
    float losses[1];
    double *got = oracle_alloc(n), *differences = oracle_alloc(n), *derived = oracle_alloc(n);
    rig_batch_open(r, 0, &b);
    rig_run_product(r, 1, losses);
    rig_to_truth(r, r->state + n, got);
    oracle_gradient(r->truth, r->truth->theta, &b.batch, derived);
    for (size_t i = 0; i < n; i++)
        differences[i] = difference(r->truth, r->truth->theta, i, &b.batch);
    for (size_t i = 0; i < r->truth->layers; i++)
        for (size_t k = 0; k < rig_tensors(r, i); k++) {
            size_t p, t, size = rig_tensor(r, i, k, &p, &t);
            errors.product = rig_worse(errors.product,
                                       tensor_error(got + t, differences + t, size));
            if (r->truth->l1 == 0.0) /* oracle_gradient leaves out the penalties */
                errors.oracle = rig_worse(errors.oracle,
                                          tensor_error(derived + t, differences + t, size));
        }
    rig_batch_close(&b);
    rig_close(r);
    free(got);
    free(differences);
    free(derived);
    return errors;
}

/* Bounds. The product's is about five times the largest error measured (7.5e-7, six layers with
 * batch norm). As its bits are the same on every machine, the errors do not vary; a derivative that
 * is wrong by a thousandth fails. The bound of the oracle's own gradient is the error of the
 * differences relative to the smallest gradients here. */
static const double product_bound = 4e-6, oracle_bound = 4e-8;

Test(gradcheck, every_part_of_the_network)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gradient_errors e = check_case(&cases[i]);
        cr_expect(e.product <= product_bound, "%s: the product's gradient is off by %.2e",
                  cases[i].name, e.product);
        cr_expect(e.oracle <= oracle_bound, "%s: the oracle's gradient is off by %.2e",
                  cases[i].name, e.oracle);
    }
}

/* One unit whose pre-activation is its bias z, output weight 1 and output bias 2, target 0: the
 * gradient of z is 2·(act(z) + 2)·act'(z). Returns the largest error over z in [-9, 9], relative to
 * the gradient where that is above 1. */
static double sweep(const char *activation)
{
    char text[160];
    double worst = 0.0, theta[4];
    float losses[1];
    snprintf(text, sizeof text, GRADIENT "hidden=1 output=identity activation=%s", activation);
    rig_case c = {activation, text, 1, 1, 2};
    rig *r = rig_open(&c);
    rig_batch b;
    rig_batch_open(r, 0, &b);
    b.t[0] = 0.0;
    r->t[0] = 0.0f;
    for (int i = -480; i <= 480; i++) {
        float z = (float)(0.01875 * i + 0.001);
        const float values[] = {0.0f, 1.0f, z, 2.0f}; /* weights of both layers, then biases */
        r->cpu->slots->write(r->workspace, 0, 0, 4, values, NULL);
        r->steps = 0;
        rig_run_product(r, 1, losses);
        rig_to_truth(r, values, theta);
        size_t bias = r->truth->layer[0].bias;
        double truth = difference(r->truth, theta, bias, &b.batch), got = (double)r->state[4 + 2];
        worst = rig_worse(worst, fabs(got - truth) / fmax(fabs(truth), 1.0));
    }
    rig_batch_close(&b);
    rig_close(r);
    return worst;
}

/* Each activation's derivative over a range of inputs, so that a region in which it is wrong is not
 * hidden by others. The bound is 2^-24 times the number of successive operations (activation and
 * slope about 3 ulp each, three products, one sum). It is absolute below 1, as slopes computed from
 * the activation, a(1 - a) or 1 - a², have only the activation's absolute accuracy near 0. */
Test(gradcheck, every_activation_over_its_range)
{
    for (size_t i = 0; i < LS_ACT_COUNT; i++) {
        double worst = sweep(ls_activations[i].name);
        cr_expect(worst <= 1.5e-6, "%s: the gradient is off by %.2e", ls_activations[i].name,
                  worst);
    }
}
