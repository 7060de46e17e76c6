/* SPDX-License-Identifier: MIT */
/* kernels/arith.h and kernels/activation.h against double precision. The references here use the C
 * library's double functions and share no code with the headers. */
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels/activation.h"
#include "kernels/loss.h"
#include "tests/support/true_activations.h"

static const double PI = 3.14159265358979323846, SQRT1_2 = 0.70710678118654752440,
                    PHI0 = 0.39894228040143267794;

static float from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static uint32_t to_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

/* ---- Double references ----------------------------------------------------------------------- */

static double ref_sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static double ref_softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double ref_normal_cdf(double x) { return 0.5 * erfc(-x * SQRT1_2); }
static double ref_normal_pdf(double x) { return PHI0 * exp(-0.5 * x * x); }

/* sin(pi x + quarter pi/2): fmod reduces exactly, so that pi is multiplied by at most 1/4. */
static double ref_trigpi(double x, int quarter)
{
    double y = fmod(x, 2), q = nearbyint(2 * y), r = PI * (y - 0.5 * q);
    switch (((int)q + quarter) & 3) {
    case 0: return sin(r);
    case 1: return cos(r);
    case 2: return -sin(r);
    default: return -cos(r);
    }
}
static double ref_sinpi(double x) { return isinf(x) ? (double)NAN : ref_trigpi(x, 0); }
static double ref_cospi(double x) { return isinf(x) ? (double)NAN : ref_trigpi(x, 1); }

/* ---- Accuracy: every function within its bound, in ulp of the float grid at the reference ---- */

static float f_exp(float x) { return ls_exp(x); }
static float f_expm1(float x) { return ls_expm1(x); }
static float f_log(float x) { return ls_log(x); }
static float f_log1p(float x) { return ls_log1p(x); }
static float f_sigmoid(float x) { return ls_sigmoid(x); }
static float f_tanh(float x) { return ls_tanh(x); }
static float f_erf(float x) { return ls_erf(x); }
static float f_normal_cdf(float x) { return ls_normal_cdf(x); }
static float f_normal_pdf(float x) { return ls_normal_pdf(x); }
static float f_softplus(float x) { return ls_softplus(x); }
static float f_sinpi(float x) { return ls_sinpi(x); }
static float f_cospi(float x) { return ls_cospi(x); }

static const struct accuracy {
    const char *name;
    float (*f)(float);
    double (*ref)(double);
    double bound; /* ulp */
    float lo,
        hi; /* a range that is swept densely, in addition to the sweep over all bit patterns */
} table[] = {
    {"exp", f_exp, exp, 0.8, -104.0f, 89.0f},
    {"expm1", f_expm1, expm1, 1.45, -20.0f, 89.0f},
    {"log", f_log, log, 0.95, 0.5f, 2.0f},
    {"log1p", f_log1p, log1p, 1.6, -0.9f, 2.0f},
    {"sigmoid", f_sigmoid, ref_sigmoid, 1.5, -104.0f, 20.0f},
    {"tanh", f_tanh, tanh, 1.4, -10.0f, 10.0f},
    {"erf", f_erf, erf, 1.1, -4.0f, 4.0f},
    {"normal_cdf", f_normal_cdf, ref_normal_cdf, 2.2, -14.5f, 6.0f},
    {"normal_pdf", f_normal_pdf, ref_normal_pdf, 1.45, -14.5f, 14.5f},
    {"softplus", f_softplus, ref_softplus, 1.95, -104.0f, 20.0f},
    {"sinpi", f_sinpi, ref_sinpi, 1.0, -4.0f, 4.0f},
    {"cospi", f_cospi, ref_cospi, 0.95, -4.0f, 4.0f},
};

/* Error of y against r in ulp; 0 if both are NaN or the same infinity, or if r overflows the float
 * range and y is the infinity of its sign; HUGE_VAL if only one of them is special. */
static double ulp_error(float y, double r)
{
    if (isnan(r) || isnan(y)) return isnan(r) && isnan(y) ? 0 : HUGE_VAL;
    /* float rounding gives Inf from FLT_MAX + half an ulp on; one ulp either way is allowed */
    if (isinf(r) || isinf(y))
        return isinf(y)
                   ? ((y > 0) == (r > 0) && fabs(r) > (double)FLT_MAX * (1 - 0x1p-24) ? 0
                                                                                      : HUGE_VAL)
                   : HUGE_VAL;
    if (fabs(r) > (double)FLT_MAX * (1 + 0x1p-23)) return HUGE_VAL; /* but y is finite */
    int e;
    double a = fabs(r);
    frexp(a, &e);
    return fabs((double)y - r) / (a < (double)FLT_MIN ? 0x1p-149 : ldexp(1, e - 24));
}

struct worst {
    double ulp;
    float at;
};

static void sweep(const struct accuracy *t, uint32_t from, uint32_t to, uint32_t step,
                  struct worst *w)
{
    for (uint64_t u = from; u <= to; u += step) {
        float x = from_bits((uint32_t)u);
        double e = ulp_error(t->f(x), t->ref((double)x));
        if (e > w->ulp) *w = (struct worst){e, x};
    }
}

static void check_accuracy(const char *name)
{
    const struct accuracy *t = table;
    while (strcmp(t->name, name) != 0) t++;
    struct worst w = {0, 0};
    sweep(t, 0, UINT32_MAX, 211, &w);
    if (t->lo < 0) { /* [-|lo|, -2^-10] and [2^-10, hi], prime steps */
        sweep(t, to_bits(-0x1p-10f), to_bits(t->lo), 61, &w);
        sweep(t, to_bits(0x1p-10f), to_bits(t->hi), 61, &w);
    } else sweep(t, to_bits(t->lo), to_bits(t->hi), 13, &w);
    cr_log_info("%s: max %.3f ulp at %a (%.9g)", t->name, w.ulp, (double)w.at, (double)w.at);
    cr_assert(w.ulp <= t->bound, "%s: %.3f ulp at %a, bound %.3f", t->name, w.ulp, (double)w.at,
              t->bound);
    cr_assert(w.ulp > 0.4,
              "%s: %.3f ulp is less than the rounding error alone: the check does not work",
              t->name, w.ulp);
}

/* One test per function, so that they run in parallel and fail by name. */
#define ACCURACY(name)                                                                             \
    Test(arith, accuracy_##name) { check_accuracy(#name); }
ACCURACY(exp)
ACCURACY(expm1)
ACCURACY(log)
ACCURACY(log1p)
ACCURACY(sigmoid)
ACCURACY(tanh)
ACCURACY(erf)
ACCURACY(normal_cdf)
ACCURACY(normal_pdf)
ACCURACY(softplus)
ACCURACY(sinpi)
ACCURACY(cospi)

/* ---- Special values, bit for bit (any NaN equals any NaN) ------------------------------------ */

static void same(const char *what, float got, float want)
{
    cr_assert((isnan(got) && isnan(want)) || to_bits(got) == to_bits(want), "%s: %a, want %a", what,
              (double)got, (double)want);
}
#define SAME(call, want) same(#call, call, want)

/* TINY is the smallest denormal, DEN the largest. */
static const float INF = INFINITY, TINY = 0x1p-149f, DEN = 0x1.fffffcp-127f;

Test(arith, nan_gives_nan)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        same(table[i].name, table[i].f(NAN), NAN);
}

Test(arith, special_values_of_exponentials)
{
    SAME(ls_exp(0.0f), 1.0f);
    SAME(ls_exp(-0.0f), 1.0f);
    SAME(ls_exp(INF), INF);
    SAME(ls_exp(-INF), 0.0f);
    SAME(ls_exp(FLT_MAX), INF);
    SAME(ls_exp(-FLT_MAX), 0.0f);
    SAME(ls_exp(TINY), 1.0f);
    SAME(ls_exp(-DEN), 1.0f);
    SAME(ls_exp(-103.0f), TINY);
    SAME(ls_exp(-104.0f), 0.0f);
    SAME(ls_exp(88.73f), INF);
    cr_assert(ls_exp(88.72f) < INF);
    SAME(ls_exp(-100.0f), (float)exp(-100.0)); /* a denormal */
    SAME(ls_expm1(0.0f), 0.0f);
    SAME(ls_expm1(-0.0f), -0.0f);
    SAME(ls_expm1(INF), INF);
    SAME(ls_expm1(-INF), -1.0f);
    SAME(ls_expm1(TINY), TINY);
    SAME(ls_expm1(-DEN), -DEN);
    SAME(ls_expm1(-FLT_MAX), -1.0f);
    SAME(ls_expm1(FLT_MAX), INF);
    SAME(ls_expm1(88.73f), INF);
}

Test(arith, special_values_of_logarithms)
{
    SAME(ls_log(0.0f), -INF);
    SAME(ls_log(-0.0f), -INF);
    SAME(ls_log(INF), INF);
    SAME(ls_log(-INF), NAN);
    SAME(ls_log(-TINY), NAN);
    SAME(ls_log(-1.0f), NAN);
    SAME(ls_log(1.0f), 0.0f);
    SAME(ls_log(TINY), (float)log(0x1p-149));
    SAME(ls_log(DEN), (float)log((double)DEN));
    SAME(ls_log(FLT_MAX), (float)log((double)FLT_MAX));
    SAME(ls_log(FLT_MIN), (float)log((double)FLT_MIN));
    SAME(ls_log1p(0.0f), 0.0f);
    SAME(ls_log1p(-0.0f), -0.0f);
    SAME(ls_log1p(-1.0f), -INF);
    SAME(ls_log1p(INF), INF);
    SAME(ls_log1p(-INF), NAN);
    SAME(ls_log1p(-1.0000001f), NAN);
    SAME(ls_log1p(TINY), TINY);
    SAME(ls_log1p(-DEN), -DEN);
    SAME(ls_log1p(FLT_MAX), (float)log1p((double)FLT_MAX));
}

Test(arith, special_values_of_sigmoids)
{
    SAME(ls_sigmoid(0.0f), 0.5f);
    SAME(ls_sigmoid(-0.0f), 0.5f);
    SAME(ls_sigmoid(INF), 1.0f);
    SAME(ls_sigmoid(-INF), 0.0f);
    SAME(ls_sigmoid(FLT_MAX), 1.0f);
    SAME(ls_sigmoid(-FLT_MAX), 0.0f);
    SAME(ls_sigmoid(-103.0f), TINY);
    SAME(ls_sigmoid(TINY), 0.5f);
    SAME(ls_tanh(0.0f), 0.0f);
    SAME(ls_tanh(-0.0f), -0.0f);
    SAME(ls_tanh(INF), 1.0f);
    SAME(ls_tanh(-INF), -1.0f);
    SAME(ls_tanh(TINY), TINY);
    SAME(ls_tanh(-DEN), -DEN);
    SAME(ls_tanh(-FLT_MAX), -1.0f);
    SAME(ls_softplus(0.0f), (float)log(2.0));
    SAME(ls_softplus(INF), INF);
    SAME(ls_softplus(-INF), 0.0f);
    SAME(ls_softplus(FLT_MAX), FLT_MAX);
    SAME(ls_softplus(-FLT_MAX), 0.0f);
    SAME(ls_softplus(-103.0f), TINY);
}

Test(arith, special_values_of_the_normal_distribution)
{
    SAME(ls_erf(0.0f), 0.0f);
    SAME(ls_erf(-0.0f), -0.0f);
    SAME(ls_erf(INF), 1.0f);
    SAME(ls_erf(-INF), -1.0f);
    SAME(ls_erf(TINY), TINY);
    SAME(ls_erf(-DEN), (float)erf(-(double)DEN));
    SAME(ls_erf(FLT_MAX), 1.0f);
    SAME(ls_normal_cdf(0.0f), 0.5f);
    SAME(ls_normal_cdf(-0.0f), 0.5f);
    SAME(ls_normal_cdf(TINY), 0.5f);
    SAME(ls_normal_cdf(INF), 1.0f);
    SAME(ls_normal_cdf(-INF), 0.0f);
    SAME(ls_normal_cdf(-FLT_MAX), 0.0f);
    SAME(ls_normal_cdf(FLT_MAX), 1.0f);
    SAME(ls_normal_cdf(-14.15f), TINY);
    SAME(ls_normal_cdf(-14.5f), 0.0f);
    SAME(ls_normal_pdf(INF), 0.0f);
    SAME(ls_normal_pdf(-INF), 0.0f);
    SAME(ls_normal_pdf(FLT_MAX), 0.0f);
    SAME(ls_normal_pdf(0.0f), (float)PHI0);
    SAME(ls_normal_pdf(-DEN), (float)PHI0);
}

Test(arith, special_values_of_sines_and_cosines)
{
    SAME(ls_sinpi(0.0f), 0.0f);
    SAME(ls_sinpi(-0.0f), -0.0f);
    SAME(ls_sinpi(INF), NAN);
    SAME(ls_sinpi(-INF), NAN);
    SAME(ls_sinpi(1.0f), 0.0f);
    SAME(ls_sinpi(-1.0f), -0.0f);
    SAME(ls_sinpi(0.5f), 1.0f);
    SAME(ls_sinpi(-1.5f), 1.0f);
    SAME(ls_sinpi(FLT_MAX), 0.0f);
    SAME(ls_sinpi(4194303.5f), -1.0f);
    SAME(ls_sinpi(8388607.0f), 0.0f);
    SAME(ls_cospi(0.0f), 1.0f);
    SAME(ls_cospi(-0.0f), 1.0f);
    SAME(ls_cospi(INF), NAN);
    SAME(ls_cospi(TINY), 1.0f);
    SAME(ls_cospi(0.5f), 0.0f);
    SAME(ls_cospi(-0.5f), 0.0f);
    SAME(ls_cospi(1.0f), -1.0f);
    SAME(ls_cospi(FLT_MAX), 1.0f);
    SAME(ls_cospi(8388609.0f), -1.0f);
    SAME(ls_cospi(-8388611.0f), -1.0f);
    SAME(ls_cospi(16777214.0f), 1.0f);
    SAME(ls_cospi(16777215.0f), -1.0f);
    SAME(ls_cospi(4194303.0f), -1.0f);
}

Test(arith, abs_min_max)
{
    SAME(ls_abs(-0.0f), 0.0f), SAME(ls_abs(-INF), INF), SAME(ls_abs(-TINY), TINY),
        SAME(ls_abs(2.0f), 2.0f), SAME(ls_abs(NAN), NAN);
    SAME(ls_max(1.0f, 2.0f), 2.0f), SAME(ls_max(2.0f, 1.0f), 2.0f),
        SAME(ls_max(-INF, -FLT_MAX), -FLT_MAX);
    SAME(ls_min(1.0f, 2.0f), 1.0f), SAME(ls_min(2.0f, 1.0f), 1.0f),
        SAME(ls_min(-INF, -FLT_MAX), -INF);
    SAME(ls_max(NAN, 1.0f), NAN), SAME(ls_max(1.0f, NAN), NAN), SAME(ls_min(NAN, 1.0f), NAN),
        SAME(ls_min(1.0f, NAN), NAN);
    SAME(ls_max(0.0f, -0.0f), -0.0f), SAME(ls_max(-0.0f, 0.0f), 0.0f); /* equal: the second */
    SAME(ls_min(0.0f, -0.0f), -0.0f), SAME(ls_min(-0.0f, 0.0f), 0.0f);
}

Test(arith, softmax_exponentials)
{
    double least = pow(2, -100);
    for (int i = -1100; i <= 0; i++) {
        float z = (float)i * 0.1f, e = ls_softmax_exp(z + 3.0f, 3.0f);
        double true_e = exp((double)(z + 3.0f) - 3.0);
        if (true_e < least * 0.999) SAME(e, 0.0f);
        else if (true_e > least * 1.001)
            cr_assert_float_eq((double)e, true_e, 1e-6 * true_e, "exp(%g) is %g", (double)z,
                               (double)e);
    }
    SAME(ls_softmax_exp(-69.3147f, 0.0f), ls_exp(-69.3147f)),
        SAME(ls_softmax_exp(-69.3148f, 0.0f), 0.0f);
    SAME(ls_softmax_exp(2.0f, 2.0f), 1.0f), SAME(ls_softmax_exp(-INF, 0.0f), 0.0f),
        SAME(ls_softmax_exp(NAN, 0.0f), NAN), SAME(ls_softmax_exp(INF, INF), NAN);
}

Test(arith, integer_parts)
{
    cr_assert(ls_mulhi_u32(0xffffffffu, 0xffffffffu) == 0xfffffffeu);
    cr_assert(ls_mulhi_u32(0xd2511f53u, 0x10u) == 0xdu);
    cr_assert(ls_as_u32(-2.0f) == 0xc0000000u && ls_as_i32(1.0f) == 0x3f800000);
    SAME(ls_as_float(0x40490fdbu), (float)PI);
    SAME(ls_sqrt(2.0f), (float)sqrt(2.0));
    /* one rounding; two would give 0 */
    SAME(ls_fma(0x1.000002p0f, 0x1.000002p0f, -0x1.000004p0f), 0x1p-46f);
}

/* ---- Activations ----------------------------------------------------------------------------- */

/* Allowed: |error| <= rel * |value| + abs. The relative part is 1.5 to 3 ulp. silu and gelu need
 * the absolute one if the sigmoid or Phi that multiplies z is denormal. */
#define ABS_TAIL 1e-43
static void check_activation(const char *name, float (*f)(float), double (*ref)(double), double rel)
{
    double worst = 0;
    float at = 0;
    for (uint64_t u = 0; u <= UINT32_MAX; u += 9973) {
        float z = from_bits((uint32_t)u);
        if (isnan(z)) continue;
        /* at -Inf, where the formula would be -Inf * 0, the limit */
        double r = isinf(z) && z < 0 ? ref(-1000) : ref((double)z);
        double got = (double)f(z);
        if (isinf(r)) {
            cr_assert(got == r, "%s(%a) = %a, want %a", name, (double)z, got, r);
            continue;
        }
        double e = fabs(got - r) / (rel * fabs(r) + ABS_TAIL);
        if (!(e <= worst)) /* NaN counts as worse */
            worst = isnan(e) ? HUGE_VAL : e, at = z;
    }
    cr_log_info("%s: %.2f of the allowed error, at %a", name, worst, (double)at);
    cr_assert(worst <= 1, "%s: %.2f of the allowed error, at %a", name, worst, (double)at);
}

/* Fourth-order central difference of the double activation: at h = 1/1024 its own error is below
 * 1e-9. */
static double difference(double (*ref)(double), double z)
{
    const double h = 0x1p-10;
    return (8 * (ref(z + h) - ref(z - h)) - (ref(z + 2 * h) - ref(z - 2 * h))) / (12 * h);
}

static void check_gradient(const char *name, float (*f)(float), float (*grad)(float, float),
                           double (*ref)(double), int kink, double tolerance)
{
    double worst = 0;
    float at = 0;
    for (int i = -30011; i <= 30011; i++) {
        float z = (float)i * 0.00101f;
        /* no derivative at a kink, and the difference would straddle it */
        if (kink && fabsf(z) < 0x1p-8f) continue;
        double e = fabs((double)grad(z, f(z)) - difference(ref, (double)z));
        if (!(e <= worst)) worst = isnan(e) ? HUGE_VAL : e, at = z;
    }
    cr_log_info("%s': %.3g off, at %a", name, worst, (double)at);
    cr_assert(worst <= tolerance, "%s': %.3g off, at %a", name, worst, (double)at);
}

#define WRAP(name, reads, facts)                                                                   \
    static float a_##name(float z) { return ls_act_##name(z); }                                    \
    static float g_##name(float z, float a)                                                        \
    {                                                                                              \
        (void)z, (void)a;                                                                          \
        return ls_act_grad_##name(LS_READS_##reads(z, a));                                         \
    }
LS_ACTIVATIONS(WRAP)

#define LS_X(name, reads, facts) {#name, a_##name, g_##name},
static const struct {
    const char *name;
    float (*f)(float), (*g)(float, float);
} activations[] = {LS_ACTIVATIONS(LS_X)};
#undef LS_X
enum { ACTIVATIONS = sizeof activations / sizeof *activations };

/* The reference of activation i; fails if true_activations.c has no row for it. */
static const true_activation *truth_of(size_t i)
{
    const true_activation *truth = true_activation_of(activations[i].name);
    cr_assert(truth, "tests/support/true_activations.c has no row for %s", activations[i].name);
    return truth;
}

Test(arith, activation_values)
{
    for (size_t i = 0; i < ACTIVATIONS; i++) {
        const true_activation *truth = truth_of(i);
        check_activation(truth->name, activations[i].f, truth->value, truth->value_error);
    }
}

Test(arith, activation_gradients)
{
    for (size_t i = 0; i < ACTIVATIONS; i++) {
        const true_activation *truth = truth_of(i);
        check_gradient(truth->name, activations[i].f, activations[i].g, truth->value, truth->kink,
                       truth->slope_error);
    }
}

Test(arith, activation_special_values)
{
#define AT_NAN(name, reads, facts) SAME(a_##name(NAN), NAN), SAME(g_##name(NAN, NAN), NAN);
    LS_ACTIVATIONS(AT_NAN)
    struct {
        const char *name;
        float (*f)(float), (*g)(float, float);
        float at_minus_inf, at_inf, g_minus_inf, g_zero, g_inf;
    } t[] = {
        {"identity", a_identity, g_identity, -INF, INF, 1, 1, 1},
        {"sigmoid", a_sigmoid, g_sigmoid, 0, 1, 0, 0.25f, 0},
        {"tanh", a_tanh, g_tanh, -1, 1, 0, 1, 0},
        {"relu", a_relu, g_relu, 0, INF, 0, 0, 1},
        {"leaky_relu", a_leaky_relu, g_leaky_relu, -INF, INF, 0.01f, 0.01f, 1},
        {"elu", a_elu, g_elu, -1, INF, 0, 1, 1},
        {"silu", a_silu, g_silu, -0.0f, INF, 0, 0.5f, 1},
        {"gelu", a_gelu, g_gelu, -0.0f, INF, 0, 0.5f, 1},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        same(t[i].name, t[i].f(-INF), t[i].at_minus_inf);
        same(t[i].name, t[i].f(INF), t[i].at_inf);
        cr_assert(t[i].g(-INF, t[i].f(-INF)) == t[i].g_minus_inf, "%s' at -Inf", t[i].name);
        cr_assert(t[i].g(INF, t[i].f(INF)) == t[i].g_inf, "%s' at Inf", t[i].name);
        cr_assert(t[i].g(0.0f, t[i].f(0.0f)) == t[i].g_zero, "%s' at 0", t[i].name);
        cr_assert(t[i].g(-0.0f, t[i].f(-0.0f)) == t[i].g_zero, "%s' at -0", t[i].name);
    }
    SAME(a_relu(-0.0f), -0.0f), SAME(a_elu(-0.0f), -0.0f), SAME(a_tanh(-0.0f), -0.0f),
        SAME(a_leaky_relu(-0.0f), -0.0f);
}
