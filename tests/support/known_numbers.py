#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/support/known_numbers.h, the known answers of tests/test_known_numbers.c.

    python3 -m pip install scikit-learn==1.9.1
    python3 tests/support/known_numbers.py > tests/support/known_numbers.h

The answers are scikit-learn's metrics of regression in double, and its metrics of labels (multi-label
indicator matrices) from float32 scores.
"""
import sys
import warnings

import numpy as np
import sklearn
from sklearn.metrics import (accuracy_score, explained_variance_score, mean_absolute_error, median_absolute_error,
                             precision_recall_fscore_support, r2_score, roc_auc_score, root_mean_squared_error)

NAN = float("nan")


def numbers():
    """Yields name, true values and predictions, rows × targets."""
    rng = np.random.default_rng(20240607)
    yield "three rows", np.array([[3.], [-0.5], [2.]]), np.array([[2.5], [0.], [2.]])
    yield "four rows", np.array([[3.], [-0.5], [2.], [7.]]), np.array([[2.5], [0.], [2.], [8.]])
    yield "exact", np.array([[1.], [2.], [4.]]), np.array([[1.], [2.], [4.]])
    yield "off by a constant", np.array([[1.], [2.], [4.]]), np.array([[2.], [3.], [5.]])
    yield "constant target", np.full((5, 1), 4.), np.array([[4.], [5.], [4.], [3.], [4.5]])
    yield "constant target, exact", np.full((5, 1), 4.), np.full((5, 1), 4.)
    yield "constant target, off by a constant", np.full((5, 1), 4.), np.full((5, 1), 5.)
    yield "one row", np.array([[2.]]), np.array([[3.]])
    yield "one row, exact", np.array([[2.]]), np.array([[2.]])
    yield "two rows", np.array([[2.], [5.]]), np.array([[3.], [3.]])
    yield "worse than the mean", np.array([[1.], [2.], [3.], [4.]]), np.array([[9.], [-3.], [8.], [-5.]])
    y = rng.normal(size=(101, 1)) * 30 + 200
    yield "101 rows", y, y + rng.normal(size=(101, 1)) * 7
    y = rng.normal(size=(250, 3)) * [1, 100, 1e-3] + [0, 5000, 1]
    yield "three targets", y, y + rng.standard_t(3, size=(250, 3)) * [.3, 20, 1e-4]
    y = np.exp(rng.normal(size=(64, 2)) * 3)
    yield "skewed", y, y * rng.uniform(.5, 1.5, size=(64, 2))
    y = np.stack([rng.integers(0, 5, 40).astype(float), np.full(40, 2.5)], axis=1)
    yield "ties, and a constant target", y, y + rng.integers(-1, 2, (40, 2))
    yield "large values", 1e9 + rng.integers(0, 1000, (30, 1)), 1e9 + rng.integers(0, 1000, (30, 1)).astype(float)


def labels():
    """Yields name, labels (0 or 1) and scores, rows × labels."""
    rng = np.random.default_rng(7)
    yield "five rows", np.array([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0]]), np.array([[.9, .2], [.5, .7], [.4, .5], [.1, .2], [.8, .6]])
    y = (rng.random((80, 4)) < [.5, .2, .7, .05]).astype(int)
    yield "four labels", y, np.clip(.35 * y + rng.random((80, 4)) * .6, 0, 1)
    yield "four labels with ties", y, np.round(np.clip(.35 * y + rng.random((80, 4)) * .6, 0, 1) * 8) / 8
    yield "never predicted", np.array([[1, 0], [0, 1], [1, 1]]), np.array([[.9, .2], [.4, .3], [.7, .1]])
    yield "a label that applies to no row", np.array([[1, 0], [0, 0], [1, 0]]), np.array([[.9, .2], [.4, .6], [.7, .1]])
    yield "a label that applies to all rows", np.array([[1, 1], [0, 1], [1, 1]]), np.array([[.9, .2], [.4, .6], [.7, .9]])
    yield "no label applies", np.zeros((3, 2), int), np.array([[.1, .2], [.4, .6], [.7, .1]])
    yield "one label", np.array([[1], [0], [1], [0]]), np.array([[.5], [.49], [.2], [.6]])
    y = (rng.random((300, 9)) < .3).astype(int)
    yield "nine labels", y, np.clip(.2 * y + rng.random((300, 9)) * .8, 0, 1)


def number(x):
    return "NAN" if x != x else repr(float(x))


def list_of(values):
    return "{" + ", ".join(number(x) for x in np.ravel(values)) + "}"


def array(kind, name, values, suffix=""):
    texts = ", ".join(float(x).hex() + suffix for x in np.ravel(values))
    print(f"static const {kind} {name}[] = {{{texts}}};")


def write_numbers(i, name, y, p):
    y, p = y.astype(float), p.astype(float)
    array("double", f"truth_{i}", y)
    array("double", f"predicted_{i}", p)
    each = [f(y, p, multioutput="raw_values")
            for f in (root_mean_squared_error, mean_absolute_error, median_absolute_error)]
    each += [np.broadcast_to(f(y, p, multioutput="raw_values"), y.shape[1])  # R2 of one row is one NaN
             for f in (r2_score, explained_variance_score)]
    means = [np.mean(e) for e in each]
    return (f'    {{"{name}", {y.shape[0]}, {y.shape[1]}, truth_{i}, predicted_{i},\n     {list_of(means)},\n     '
            + "{" + ", ".join(list_of(e) for e in each) + "}},\n")


def write_labels(i, name, y, p):
    p = p.astype(np.float32)
    said = (p >= np.float32(.5)).astype(int)
    array("double", f"labels_{i}", y)
    array("float", f"scores_{i}", p, "f")
    if y.shape[1] == 1:  # a column is not taken for an indicator matrix
        sets = {a: precision_recall_fscore_support(y[:, 0], said[:, 0], labels=[1], average=a, zero_division=0)
                for a in (None, "macro", "weighted")}
    else:
        sets = {a: precision_recall_fscore_support(y, said, average=a, zero_division=0) for a in (None, "macro", "weighted")}
    both = all(0 < c < len(y) for c in y.sum(axis=0))
    auc = np.mean([roc_auc_score(y[:, k], p[:, k]) for k in range(y.shape[1])]) if both else NAN
    if both and y.shape[1] > 1:
        assert abs(auc - roc_auc_score(y, p, average="macro")) < 1e-15
    return (f'    {{"{name}", {y.shape[0]}, {y.shape[1]}, labels_{i}, scores_{i}, {number(accuracy_score(y, said))},\n'
            f"     {list_of(sets['macro'][:3])}, {list_of(sets['weighted'][:3])}, {number(auc)},\n"
            f"     {list_of(sets[None][0])}, {list_of(sets[None][1])}, {list_of(sets[None][2])},\n"
            f"     {{{', '.join(map(str, sets[None][3]))}}}}},\n")


def main():
    warnings.simplefilter("ignore")  # about metrics that are 0/0, which some cases test
    print("/* SPDX-License-Identifier: MIT */")
    print(f"/* Written by tests/support/known_numbers.py with scikit-learn {sklearn.__version__}, numpy {np.__version__}. */")
    print("""/* The metrics in this order: RMSE, MAE, median absolute error, R2, explained variance. */
enum { KNOWN_METRICS = 5 };
typedef struct {
    const char *name;
    size_t rows, targets;
    const double *truth, *predicted; /* rows × targets */
    double mean[KNOWN_METRICS];      /* over the targets */
    double each[KNOWN_METRICS][4];   /* per target */
} known_numbers;

typedef struct {
    const char *name;
    size_t rows, labels;
    const double *truth; /* rows × labels */
    const float *scores;
    double accuracy, macro[3], weighted[3], auc; /* precision, recall, F1 */
    double precision[9], recall[9], f1[9];
    uint64_t support[9];
} known_labels;
""")
    rows = [write_numbers(i, *case) for i, case in enumerate(numbers())]
    print("\nstatic const known_numbers numbers[] = {")
    print("".join(rows) + "};\n")
    rows = [write_labels(i, *case) for i, case in enumerate(labels())]
    print("\nstatic const known_labels labels[] = {")
    print("".join(rows) + "};")


if __name__ == "__main__":
    sys.exit(main())
