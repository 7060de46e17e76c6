/* SPDX-License-Identifier: MIT */
#include "tests/support/true_activations.h"
#include <math.h>
#include <string.h>

/* ---- Values and slopes, as functions of the pre-activation ----------------------------------- */

static double sigmoid(double z) { return 1.0 / (1.0 + exp(-z)); }
/* Gauss's distribution function and density: Abramowitz, Stegun 1964, 26.2.29 and 26.2.1. */
static double normal_cdf(double z) { return 0.5 * erfc(-z / sqrt(2.0)); }
static double normal_pdf(double z) { return exp(-z * z / 2.0) / sqrt(2.0 * acos(-1.0)); }

static double identity(double z) { return z; }
static double identity_slope(double z)
{
    (void)z;
    return 1.0;
}
static double sigmoid_slope(double z)
{
    double c = cosh(z / 2.0);
    return 0.25 / (c * c);
}
static double tanh_slope(double z)
{
    double c = cosh(z);
    return 1.0 / (c * c);
}
static double relu(double z) { return fmax(z, 0.0); }
static double relu_slope(double z) { return z > 0.0; }
/* Slope 0.01 below 0: Maas, Hannun, Ng 2013. */
static double leaky_relu(double z) { return z > 0.0 ? z : 0.01 * z; }
static double leaky_relu_slope(double z) { return z > 0.0 ? 1.0 : 0.01; }
/* alpha = 1: Clevert, Unterthiner, Hochreiter 2016. */
static double elu(double z) { return z > 0.0 ? z : expm1(z); }
static double elu_slope(double z) { return z > 0.0 ? 1.0 : exp(z); }
/* Elfwing, Uchida, Doya 2018, equation 5: σ(z)(1 + z(1 - σ(z))). */
static double silu(double z) { return z * sigmoid(z); }
static double silu_slope(double z) { return sigmoid(z) * (1.0 + z * sigmoid(-z)); }
/* Hendrycks, Gimpel 2016: zΦ(z), hence Φ(z) + zφ(z). */
static double gelu(double z) { return z * normal_cdf(z); }
static double gelu_slope(double z) { return normal_cdf(z) + z * normal_pdf(z); }

/* A relative error of EPS is 1 to 2 ulp. leaky_relu's includes that 0.01f is not 0.01. */
#define EPS 0x1p-23
static const true_activation rows[] = {
    {"identity", identity, identity_slope, 0, 1e-30, 1e-9},
    {"sigmoid", sigmoid, sigmoid_slope, 0, 1.2 * EPS, 1e-7},
    {"tanh", tanh, tanh_slope, 0, 1.3 * EPS, 2e-7},
    {"relu", relu, relu_slope, 1, 1e-30, 1e-9},
    {"leaky_relu", leaky_relu, leaky_relu_slope, 1, 1.0 * EPS, 1e-8},
    {"elu", elu, elu_slope, 1, 1.2 * EPS, 1e-7},
    {"silu", silu, silu_slope, 0, 1.5 * EPS, 3e-7},
    {"gelu", gelu, gelu_slope, 0, 1.7 * EPS, 3e-7},
};

const true_activation *true_activation_of(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(name, rows[i].name)) return &rows[i];
    return NULL;
}
