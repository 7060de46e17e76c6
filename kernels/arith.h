/* SPDX-License-Identifier: MIT */
/*
 * Lockstep's elementary functions, compiled as C11 and as OpenCL C 1.2, with the same bits from
 * both.
 *
 * Why the bits agree: everything below is built from + - * / sqrt fma, comparisons, selects and
 * integer operations, each of which has exactly one correct result (IEEE 754, round to nearest
 * even, denormals kept), in one fixed order. Therefore:
 *   - a fused operation is always written ls_fma; any other a*b + c is two roundings, as
 *     contraction is off;
 *   - there is no library function, no double, no table, no conversion that can go out of range and
 *     no shift of a negative value;
 *   - every function is scalar and branch-free (both sides of a select are evaluated), so that
 *     compilers can vectorise loops over it; values computed on the side that is not selected may
 *     be Inf or NaN.
 * C code must be compiled with -ffp-contract=off and without any fast-math option.
 *
 * A NaN argument gives a NaN result. Which NaN is not defined by IEEE 754 and differs between
 * compilers. The coefficients come from docs/fit/fit_arith.py. "max N ulp" is the largest error
 * found against double precision over every fifth of the 2^32 floats, in units of the float spacing
 * at the exact result (2^-149 if that is denormal or zero).
 */
#ifndef LS_ARITH_H
#define LS_ARITH_H

#ifdef __OPENCL_VERSION__

#pragma OPENCL FP_CONTRACT OFF
typedef uint ls_u32;
typedef int ls_i32;
typedef ulong ls_u64;
#define LS_FN static inline
#define ls_as_float(u) as_float(u)
#define ls_as_u32(f) as_uint(f)
#define ls_as_i32(f) as_int(f)
#define ls_fma(a, b, c) fma(a, b, c)
#define ls_sqrt(x) sqrt(x)
#define ls_mulhi_u32(a, b) mul_hi(a, b)

#else

#include <float.h>
#include <stdint.h>
#include <string.h>
#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) ||     \
    __FINITE_MATH_ONLY__ + 0
#error "IEEE arithmetic is needed: build without -ffast-math, -Ofast and what they imply"
#endif
#if FLT_EVAL_METHOD != 0
#error "floats are computed with excess precision (x87): build with -msse2 -mfpmath=sse"
#endif
_Static_assert(sizeof 0.1 == sizeof(double),
               "constants are floats: no -fsingle-precision-constant");
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif
typedef uint32_t ls_u32;
typedef int32_t ls_i32;
typedef uint64_t ls_u64;
#ifdef __GNUC__
/* always_inline: a call that remains in a loop would prevent vectorisation */
#define LS_FN static inline __attribute__((unused, always_inline))
#else
#define LS_FN static inline
#endif
LS_FN float ls_as_float(ls_u32 u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}
LS_FN ls_u32 ls_as_u32(float f)
{
    ls_u32 u;
    memcpy(&u, &f, sizeof u);
    return u;
}
LS_FN ls_i32 ls_as_i32(float f)
{
    ls_i32 i;
    memcpy(&i, &f, sizeof i);
    return i;
}
LS_FN float ls_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
LS_FN float ls_sqrt(float x) { return __builtin_sqrtf(x); }
LS_FN ls_u32 ls_mulhi_u32(ls_u32 a, ls_u32 b) { return (ls_u32)(((ls_u64)a * b) >> 32); }

#endif

/* ---- Constants and small parts --------------------------------------------------------------- */

/* x, or 0 if |x| < 2^-100. Decaying gradients and averages would otherwise become denormal, where
 * many processors are about a hundred times slower, and stay denormal: 0.9 times the smallest
 * denormal rounds to itself. NaN stays NaN. */
LS_FN float ls_flush(float x) { return x < 0x1p-100f && x > -0x1p-100f ? 0.0f : x; }

#define LS_INF ls_as_float(0x7f800000u)
#define LS_NAN ls_as_float(0x7fc00000u)
/* v + LS_ROUND, |v| <= 2^22, rounds v to the nearest integer n, ties to even; the low bits of the
 * sum are then n in two's complement, and subtracting LS_ROUND gives n as a float, exactly. */
#define LS_ROUND 12582912.0f /* 1.5 * 2^23 */
#define LS_ROUND_BITS 0x4b400000u
#define LS_LOG2E 0x1.715476p+0f
/* ln 2 = LS_LN2_HI + LS_LN2_LO */
#define LS_LN2_HI 0x1.62e430p-1f
#define LS_LN2_LO -0x1.05c610p-29f

/* |x|, by clearing the sign bit: exact for every argument, NaN included. */
LS_FN float ls_abs(float x) { return ls_as_float(ls_as_u32(x) & 0x7fffffffu); }

/* The larger / smaller of a and b; NaN if either is NaN; b if they are equal, such as +0 and -0. */
LS_FN float ls_max(float a, float b) { return a > b ? a : a != a ? a : b; }
LS_FN float ls_min(float a, float b) { return a < b ? a : a != a ? a : b; }

/* mag (not negative, or NaN) with the sign of x. */
LS_FN float ls_with_sign_(float mag, float x)
{
    return ls_as_float(ls_as_u32(mag) | (ls_as_u32(x) & 0x80000000u));
}

/* exp(r) - 1 - r = r^2 P(r), |r| <= ln(2)/2: relative error of exp 2^-28.2. */
LS_FN float ls_exp_p_(float r)
{
    float p = 0.00138081319f;
    p = ls_fma(p, r, 0.00836871192f);
    p = ls_fma(p, r, 0.041668389f);
    p = ls_fma(p, r, 0.166665211f);
    return ls_fma(p, r, 0.49999994f);
}

/* exp(h + l), h + l the reduced argument, |h| <= ln(2)/2, l small. The rounding error of 1 + h,
 * h - (s - 1), is exact and is added to the small terms: the total error is little more than the
 * half ulp of the last addition. */
LS_FN float ls_exp_hl_(float h, float l)
{
    float r = h + l, s = 1.0f + h;
    return s + ls_fma(r * r, ls_exp_p_(r), (h - (s - 1.0f)) + l);
}

/* 2^n p for z = n + LS_ROUND, -250 <= n <= 250, p between 2^-6 and 2. 2^n is applied as two
 * factors, both normal numbers; the first product is exact, the second one overflows or is rounded
 * to a denormal at most once, as required. */
LS_FN float ls_scale_(float z, float p)
{
    /* n + 256 > 0; any value if z is NaN, as p then makes the result NaN */
    ls_u32 k = ls_as_u32(z) - LS_ROUND_BITS + 256u;
    ls_u32 k1 = k >> 1, k2 = k - k1;
    /* k1 - 1 = (k1 - 128) + 127, the biased exponent */
    return p * ls_as_float((k1 - 1u) << 23) * ls_as_float((k2 - 1u) << 23);
}

/* exp(x) for -80 <= x <= 80, where one scaling is enough; for tanh and erf. */
LS_FN float ls_exp_mid_(float x)
{
    float z = ls_fma(x, LS_LOG2E, LS_ROUND), n = z - LS_ROUND;
    float p = ls_exp_hl_(ls_fma(n, -LS_LN2_HI, x), n * -LS_LN2_LO);
    return p * ls_as_float((ls_as_u32(z) - LS_ROUND_BITS + 127u) << 23);
}

/* ---- Exponentials ---------------------------------------------------------------------------- */

/* exp(x) = 2^n exp(r), n = round(x / ln 2), r = x - n ln 2 (exact for the high part of ln 2),
 * polynomial of degree 6 in r. Clamped where the result is certain to be 0 or Inf. exp(-Inf) = 0,
 * exp(Inf) = Inf. max 0.77 ulp */
LS_FN float ls_exp(float x)
{
    float c = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;
    float z = ls_fma(c, LS_LOG2E, LS_ROUND), n = z - LS_ROUND;
    return ls_scale_(z, ls_exp_hl_(ls_fma(n, -LS_LN2_HI, c), n * -LS_LN2_LO));
}

/* exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1), reduced as in ls_exp, with a polynomial of degree 7
 * whose error is small relative to exp(r) - 1. 2^128 is not a float: for n = 128, 2^127 is used and
 * the result doubled. +-0 is kept; -1 at -Inf. max 1.44 ulp */
LS_FN float ls_expm1(float x)
{
    float c = x < -32.0f ? -32.0f : x > 89.0f ? 89.0f : x;
    float z = ls_fma(c, LS_LOG2E, LS_ROUND), n = z - LS_ROUND;
    float r = ls_fma(n, -LS_LN2_LO, ls_fma(n, -LS_LN2_HI, c));
    float p = 0.000197213172f;
    p = ls_fma(p, r, 0.00139332179f);
    p = ls_fma(p, r, 0.00833359454f);
    p = ls_fma(p, r, 0.0416664816f);
    p = ls_fma(p, r, 0.166666657f);
    p = ls_fma(p, r, 0.5f);
    float m = ls_fma(r * r, p, r); /* exp(r) - 1 */
    ls_u32 top = n > 127.0f ? 1u : 0u;
    float s = ls_as_float((ls_as_u32(z) - LS_ROUND_BITS + 127u - top) << 23);
    float y = ls_fma(s, m, s - 1.0f);
    y = n > 127.0f ? 2.0f * y : y;
    return x == 0.0f ? x : y;
}

/* 1 / (1 + exp(-x)) as (x >= 0 ? 1 : e) / (1 + e) with e = exp(-|x|): one division, no overflow,
 * and the lower tail keeps its relative accuracy. The rounding errors of 1 + e and of the quotient
 * are corrected (2.2 ulp without). 0 at -Inf, 1 at Inf. max 1.49 ulp */
LS_FN float ls_sigmoid(float x)
{
    float e = ls_exp(-ls_abs(x));
    float num = x < 0.0f ? e : 1.0f, d = 1.0f + e, q = num / d;
    float rest = ls_fma(-q, e - (d - 1.0f), ls_fma(-q, d, num)); /* num - q (1 + e) */
    return ls_fma(rest, ls_fma(d, -0.5f, 1.457f), q); /* 1/d to 5% is enough, d in [1, 2] */
}

/* tanh(x) = x + x^3 P(x^2), degree 4 in x^2, for |x| < 0.6; else 1 - 2 / (exp(2|x|) + 1) with the
 * sign of x. +-0 is kept; +-1 at +-Inf. max 1.40 ulp */
LS_FN float ls_tanh(float x)
{
    float t = ls_abs(x), t2 = t * t;
    float p = -0.00585702853f;
    p = ls_fma(p, t2, 0.020775415f);
    p = ls_fma(p, t2, -0.0537828915f);
    p = ls_fma(p, t2, 0.133319989f);
    p = ls_fma(p, t2, -0.333333045f);
    float small = ls_fma(t * t2, p, t);
    float c = t > 10.0f ? 10.0f : t; /* tanh(10) rounds to 1 */
    float large = 1.0f - 2.0f / (ls_exp_mid_(2.0f * c) + 1.0f);
    return ls_with_sign_(t < 0.6f ? small : large, x);
}

/* ---- Logarithms ------------------------------------------------------------------------------ */

/* k ln 2 + log(1 + f), |f| <= 1/3: log(1 + f) = f - f^2/2 + f^3 P(f), degree 7; the small terms are
 * added first. */
LS_FN float ls_log_kf_(float k, float f)
{
    float p = -0.127320901f;
    p = ls_fma(p, f, 0.140873283f);
    p = ls_fma(p, f, -0.122282825f);
    p = ls_fma(p, f, 0.139901266f);
    p = ls_fma(p, f, -0.166766554f);
    p = ls_fma(p, f, 0.200108632f);
    p = ls_fma(p, f, -0.249998987f);
    p = ls_fma(p, f, 0.333332241f);
    float y = f + ls_fma(f * f, ls_fma(p, f, -0.5f), k * LS_LN2_LO);
    return ls_fma(k, LS_LN2_HI, y);
}

/* The biased exponent k + 127 of u = 2^k m with m in [2/3, 4/3), for a normal u > 0, from the bits
 * of u. */
LS_FN ls_u32 ls_log_exponent_(ls_u32 bits) { return (bits + (0x3f800000u - 0x3f2aaaabu)) >> 23; }

/* log(x) = k ln 2 + log(m), x = 2^k m, m in [2/3, 4/3), m - 1 exact. Denormals are scaled by 2^23
 * first. log(+-0) = -Inf, log(x < 0) = NaN, log(Inf) = Inf, log(1) = +0. max 0.89 ulp */
LS_FN float ls_log(float x)
{
    float low = x < 0x1p-126f ? 1.0f : 0.0f;
    ls_u32 bits = ls_as_u32(x < 0x1p-126f ? x * 0x1p23f : x);
    ls_u32 e = ls_log_exponent_(bits);
    float k = ls_fma(low, -23.0f, (float)(ls_i32)e - 127.0f);
    float y = ls_log_kf_(k, ls_as_float(bits - ((e - 127u) << 23)) - 1.0f);
    y = x < LS_INF ? y : x;
    y = x < 0.0f ? LS_NAN : y;
    return x == 0.0f ? -LS_INF : y;
}

/* log(1 + x): k is taken from the rounded sum 1 + x, but f = 2^-k (1 + x) - 1 from x itself, by one
 * fma: no correction term, no division. 2^-k - 1 is exact in the range where it matters; beyond
 * 2^26, 1 + x is x in float, and f comes from its bits. +-0 is kept; -Inf at -1, NaN below, Inf at
 * Inf. max 1.59 ulp */
LS_FN float ls_log1p(float x)
{
    ls_u32 bits = ls_as_u32(1.0f + x);
    ls_u32 e = ls_log_exponent_(bits);
    float s = ls_as_float((254u - e) << 23);
    float m = ls_as_float(bits - ((e - 127u) << 23));
    float f = x > 0x1p26f ? m - 1.0f : ls_fma(x, s, s - 1.0f);
    float y = ls_log_kf_((float)(ls_i32)e - 127.0f, f);
    y = x < LS_INF ? y : x;
    y = x < -1.0f ? LS_NAN : y;
    y = x == -1.0f ? -LS_INF : y;
    return x == 0.0f ? x : y;
}

/* log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)): no overflow; relative accuracy in the lower tail.
 * 0 at -Inf. max 1.90 ulp */
LS_FN float ls_softplus(float x) { return (x < 0.0f ? 0.0f : x) + ls_log1p(ls_exp(-ls_abs(x))); }

/* ---- The normal distribution ----------------------------------------------------------------- */

/* erf(x) = x + x P(x^2), degree 6 in x^2, for |x| < 0.95; else 1 - exp(Q(|x|)), Q of degree 6
 * fitted to log erfc on [0.95, 4]: the term subtracted from 1 is small, and so is its error. +-0 is
 * kept; +-1 at +-Inf. max 1.09 ulp */
LS_FN float ls_erf(float x)
{
    float t = ls_abs(x), t2 = t * t;
    float p = 8.09306366e-05f;
    p = ls_fma(p, t2, -0.000808003242f);
    p = ls_fma(p, t2, 0.00519603351f);
    p = ls_fma(p, t2, -0.0268577226f);
    p = ls_fma(p, t2, 0.112836719f);
    p = ls_fma(p, t2, -0.376126319f);
    p = ls_fma(p, t2, 0.128379166f);
    float small = ls_fma(t, p, t);
    float c = t > 4.0f ? 4.0f : t; /* erf(4) rounds to 1 */
    float q = 0.00019242178f;
    q = ls_fma(q, c, -0.0030085023f);
    q = ls_fma(q, c, 0.0220875349f);
    q = ls_fma(q, c, -0.103640161f);
    q = ls_fma(q, c, -0.637517154f);
    q = ls_fma(q, c, -1.1274749f);
    q = ls_fma(q, c, -0.000244737486f);
    return ls_with_sign_(t < 0.95f ? small : 1.0f - ls_exp_mid_(q), x);
}

/* exp(-t^2/2) = 2^n p for 0 <= t <= 16 (smaller than any denormal from t = 14.5 on): ls_gauss_z_
 * gives n + LS_ROUND, ls_gauss_p_ gives p. t^2 is h + l exactly, and l is added to the reduced
 * argument: half an ulp of t^2/2 alone would be an error of 2^-18 in p. */
LS_FN float ls_gauss_z_(float t) { return ls_fma(-0.5f * (t * t), LS_LOG2E, LS_ROUND); }
LS_FN float ls_gauss_p_(float t)
{
    float h = t * t, l = ls_fma(t, t, -h), n = ls_gauss_z_(t) - LS_ROUND;
    return ls_exp_hl_(ls_fma(n, -LS_LN2_HI, -0.5f * h), ls_fma(n, -LS_LN2_LO, -0.5f * l));
}

/* phi(x) = exp(-x^2/2) / sqrt(2 pi), the constant in two parts. 0 at +-Inf. max 1.38 ulp */
LS_FN float ls_normal_pdf(float x)
{
    float t = ls_abs(x);
    t = t > 16.0f ? 16.0f : t;
    float p = ls_gauss_p_(t);
    return ls_scale_(ls_gauss_z_(t), ls_fma(p, 0x1.988454p-2f, p * -0x1.857936p-27f));
}

/* Phi(x) = erfc(-x / sqrt 2) / 2. The tail beyond t = |x| is exp(-t^2/2) u P(u - 65/128), u = 4 /
 * (t + 4), degree 10, fitted for t <= 14.4, so the lower tail keeps its relative accuracy until it
 * underflows; for x > 0 the result is 1 minus the tail. d is the rounding error of t + 4 and of the
 * quotient in u, relative to u; its effect on u P is 1 + 0.92 u + 1.27 u^2 times as large (a rough
 * fit is enough), and is added to the rounding error of u P. 0 at -Inf, 1 at Inf. max 2.13 ulp
 * (every float in [-14.5, 0]; between -12.9 and -12.8, where Phi is 2^-124; 1.86 above -12) */
LS_FN float ls_normal_cdf(float x)
{
    float t = ls_abs(x);
    t = t > 16.0f ? 16.0f : t;
    float b = t + 4.0f, u = 4.0f / b, w = u - 0.5078125f;
    float d = 0.25f * ls_fma(-u, t - (b - 4.0f), ls_fma(-u, b, 4.0f));
    float p = -0.00911838934f;
    p = ls_fma(p, w, 0.0243096184f);
    p = ls_fma(p, w, 0.0133239217f);
    p = ls_fma(p, w, -0.0510254465f);
    p = ls_fma(p, w, -0.0588561147f);
    p = ls_fma(p, w, 0.0576168299f);
    p = ls_fma(p, w, 0.243908197f);
    p = ls_fma(p, w, 0.380630285f);
    p = ls_fma(p, w, 0.395969063f);
    p = ls_fma(p, w, 0.310066104f);
    float ph = ls_fma(p, w, 0.191219687f), pl = ls_fma(p, w, 0.191219687f - ph);
    float g = u * ph, e = ls_gauss_p_(t);
    float l = ls_fma(g * d, ls_fma(ls_fma(1.27f, u, 0.92f), u, 1.0f),
                     ls_fma(u, pl, ls_fma(u, ph, -g)));
    float tail = ls_scale_(ls_gauss_z_(t), ls_fma(e, g, e * l));
    return x > 0.0f ? 1.0f - tail : tail;
}

/* ---- sin(pi x), cos(pi x) -------------------------------------------------------------------- */

/* sin(pi r) = pi r + r^3 P(r^2), |r| <= 1/4, with pi in two parts. */
LS_FN float ls_sinpi_r_(float r)
{
    float r2 = r * r, p = -0.589123368f;
    p = ls_fma(p, r2, 2.54978681f);
    p = ls_fma(p, r2, -5.16770887f);
    p = ls_fma(p, r2, -0x1.777a5cp-24f);
    return ls_fma(r, 0x1.921fb6p+1f, r * p);
}

/* cos(pi r) = 1 + r^2 P(r^2), |r| <= 1/4. */
LS_FN float ls_cospi_r_(float r)
{
    float r2 = r * r, p = 0.228954256f;
    p = ls_fma(p, r2, -1.33474767f);
    p = ls_fma(p, r2, 4.05869627f);
    p = ls_fma(p, r2, -4.93480206f);
    return ls_fma(r2, p, 1.0f);
}

/* t >= 0 modulo 2, in [-2, 2], exactly. From 2^24 on every float is an even integer: 0; Inf gives
 * NaN. Between 2^23 and 2^24, where t/2 + LS_ROUND is a multiple of 2, t/2 is rounded to an even
 * integer, which is equivalent modulo 2. */
LS_FN float ls_mod2_(float t)
{
    t = t < 0x1p24f ? t : t - t;
    return ls_fma((0.5f * t + LS_ROUND) - LS_ROUND, -2.0f, t);
}

/* sin(pi x) for every float x: y = |x| modulo 2, y = q/2 + r with |r| <= 1/4, all exact; q selects
 * sine or cosine of r and the sign. At integers, a zero with the sign of x. NaN at +-Inf.
 * max 0.97 ulp */
LS_FN float ls_sinpi(float x)
{
    float y = ls_mod2_(ls_abs(x)), z = ls_fma(y, 2.0f, LS_ROUND),
          r = ls_fma(z - LS_ROUND, -0.5f, y);
    ls_u32 q = ls_as_u32(z);
    float v = (q & 1u) != 0u ? ls_cospi_r_(r) : ls_sinpi_r_(r);
    v = ((q & 2u) != 0u ? -v : v) + 0.0f; /* + 0 turns -0 into 0 */
    return ls_as_float(ls_as_u32(v) ^ (ls_as_u32(x) & 0x80000000u));
}

/* cos(pi x), computed like ls_sinpi. +0 at half-integers. max 0.89 ulp */
LS_FN float ls_cospi(float x)
{
    float y = ls_mod2_(ls_abs(x)), z = ls_fma(y, 2.0f, LS_ROUND),
          r = ls_fma(z - LS_ROUND, -0.5f, y);
    ls_u32 q = ls_as_u32(z);
    float v = (q & 1u) != 0u ? ls_sinpi_r_(r) : ls_cospi_r_(r);
    return (((q + 1u) & 2u) != 0u ? -v : v) + 0.0f;
}

#endif
