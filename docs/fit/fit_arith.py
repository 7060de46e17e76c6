# SPDX-License-Identifier: MIT
"""Derives the polynomial coefficients of kernels/arith.h (needs mpmath).

Remez exchange in 60 digits on the weighted error. Then the coefficients are rounded to float one at
a time, in the given order, and the remaining ones are fitted again after each rounding, so later
coefficients absorb the rounding errors of earlier ones. Prints C floats and the largest weighted
error on a fine grid.
"""
import struct
from mpmath import mp, mpf, matrix, lu_solve, exp, log, log1p, expm1, erf, erfc, tanh, sin, cos, sqrt, pi, mpmathify

mp.dps = 60


def f32(v):
    return mpf(struct.unpack("f", struct.pack("f", float(v)))[0])


def remez(f, w, powers, a, b, rounds=12):
    """Minimises max |w(x) (f(x) - sum c_k x^k)|; f and w are tabulated on a Chebyshev grid."""
    n, m = len(powers), 60 * (len(powers) + 2)
    xs = [(a + b) / 2 - (b - a) / 2 * cos(pi * i / m) for i in range(m + 1)]
    fs, ws = [f(x) for x in xs], [w(x) for x in xs]
    idx = [round(i * m / n) for i in range(n + 1)]
    for _ in range(rounds):
        A, y = matrix(n + 1, n + 1), matrix(n + 1, 1)
        for r, i in enumerate(idx):
            for c, k in enumerate(powers):
                A[r, c] = xs[i] ** k * ws[i]
            A[r, n] = (-1) ** r
            y[r] = fs[i] * ws[i]
        s = lu_solve(A, y)
        err = [ws[i] * (fs[i] - sum(s[c] * xs[i] ** k for c, k in enumerate(powers))) for i in range(m + 1)]
        runs, start = [], 0                      # one extremum per run of equal sign
        for i in range(1, m + 2):
            if i > m or err[i] * err[start] < 0:
                runs.append(max(range(start, i), key=lambda j: abs(err[j])))
                start = i
        while len(runs) > n + 1:
            runs.pop(0 if abs(err[runs[0]]) < abs(err[runs[-1]]) else -1)
        if len(runs) < n + 1 or runs == idx:
            break
        idx = runs
    return [s[c] for c in range(n)], max(abs(e) for e in err)


def fit(name, f, w, powers, a, b):
    a, b, done, left = mpmathify(a), mpmathify(b), {}, list(powers)
    grid = [a + (b - a) * i / 1000 for i in range(1001)]
    tab = [(x, f(x), w(x)) for x in grid]

    def worst(p):
        return max(abs(wx * (fx - sum(v * x ** k for k, v in p.items()))) for x, fx, wx in tab)

    best = None                                  # all coefficients; those in `done` are rounded
    while left:
        c, e = remez(lambda x: f(x) - sum(v * x ** k for k, v in done.items()), w, left, a, b)
        new = {**done, **dict(zip(left, c))}
        if best is None:
            exact = e
        if best is None or worst(new) < worst(best):   # otherwise keep the old coefficients
            best = new
        k = left.pop(0)
        done[k] = best[k] = f32(best[k])
    print(f"{name}: 2^{float(log(exact, 2)):.2f}, rounded to float 2^{float(log(worst(best), 2)):.2f}")
    for k, v in sorted(best.items()):
        print(f"    x^{k}: {float(v):.9g}f")


def series(g, x, terms):
    """g(x), or its Taylor polynomial (terms: coefficients) if x is too small for the quotient."""
    return g(x) if abs(x) > mpf(10) ** -12 else sum(mpf(c) * x ** k for k, c in enumerate(terms))


def even(g):
    """Turns a function of x into a function of x2 = x*x."""
    return lambda x2: g(sqrt(x2))


TINY = mpf(10) ** -30
L = log(mpf(2)) / 2 + mpf("1e-5")


def exp_q(r):
    return series(lambda x: (expm1(x) - x) / x ** 2, r, [.5, mpf(1) / 6])


# exp(r) = 1 + r + r^2 P(r); one more term for expm1, whose error must be small relative to expm1(r)
fit("exp", exp_q, lambda r: r ** 2 / exp(r), range(5), -L, L)
fit("expm1", exp_q, lambda r: r ** 2 / (expm1(r) if abs(r) > TINY else 1), range(6), -L, L)
# log(1 + f) = f - f^2/2 + f^3 P(f), 1 + f in [2/3, 4/3]
fit("log", lambda f: series(lambda x: (log1p(x) - x + x * x / 2) / x ** 3, f, [mpf(1) / 3, -.25]),
    lambda f: f ** 3 / (log1p(f) if abs(f) > TINY else 1), range(8), -mpf(1) / 3, mpf(1) / 3)
# tanh(x) = x + x^3 P(x^2), |x| <= 0.6
fit("tanh", even(lambda x: (tanh(x) - x) / x ** 3 if x > mpf(10) ** -12 else -mpf(1) / 3),
    even(lambda x: x ** 3 / (tanh(x) if x > TINY else 1)), range(5), 0, mpf("0.36"))
# erf(x) = x + x P(x^2), |x| <= 0.95; above, P approximates log erfc(x), weighted by the error of
# erf = 1 - exp(P)
fit("erf, small", even(lambda x: erf(x) / x - 1 if x > TINY else 2 / sqrt(pi) - 1),
    even(lambda x: x / (erf(x) if x > TINY else 1)), range(7), 0, mpf("0.9025"))
fit("erf, large", lambda x: log(erfc(x)), lambda x: erfc(x) / erf(x), range(7), mpf("0.95"), mpf(4))
# sin(pi r) = pi r + r^3 P(r^2), cos(pi r) = 1 + r^2 P(r^2), |r| <= 1/4
fit("sinpi", even(lambda r: (sin(pi * r) - pi * r) / r ** 3 if r > mpf(10) ** -12 else -pi ** 3 / 6),
    even(lambda r: r ** 3 / (sin(pi * r) if r > TINY else 1)), range(3), 0, mpf(1) / 16)
fit("cospi", even(lambda r: (cos(pi * r) - 1) / r ** 2 if r > mpf(10) ** -12 else -pi ** 2 / 2),
    even(lambda r: r ** 2 / cos(pi * r)), range(4), 0, mpf(1) / 16)
# The normal tail, t >= 0: Phi(-t) exp(t^2/2) = u P(u - 65/128), u = 4 / (t + 4); centred, so that
# Horner's scheme stays accurate
def mills(w):
    u = w + mpf(65) / 128
    t = 4 / u - 4
    return erfc(t / sqrt(mpf(2))) / 2 * exp(t * t / 2) / u


fit("normal tail", mills, lambda w: 1 / mills(w), range(11), 4 / mpf("18.4") - mpf(65) / 128, mpf(63) / 128)
for n, v in (("ln 2", log(mpf(2))), ("pi", pi), ("1/sqrt(2 pi)", 1 / sqrt(2 * pi))):
    print(f"{n}: {float(f32(v)).hex()}f + {float(f32(v - f32(v))).hex()}f")
