#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/support/known_metrics.h, the known answers of tests/test_known_metrics.c.

    python3 -m pip install scikit-learn==1.9.1
    python3 tests/support/known_metrics.py > tests/support/known_metrics.h

The answers are scikit-learn's metrics. Scores are float32, as Lockstep's outputs are; the metrics are
computed from them in double. log_loss clips to the epsilon of the type of its argument, so the
scores are first clipped to float32's epsilon and then passed as double.
"""
import sys
import warnings
from fractions import Fraction

import numpy as np
import sklearn
from sklearn.calibration import calibration_curve
from sklearn.metrics import (accuracy_score, brier_score_loss, confusion_matrix, f1_score, log_loss, precision_recall_curve,
                             precision_recall_fscore_support, roc_auc_score)

EPSILON = float(np.finfo(np.float32).eps)
NAN = float("nan")


def cases():
    """Yields name, y, outputs (rows, or rows × classes), positive class, threshold (or None)."""
    rng = np.random.default_rng(20240607)
    ties = np.array([.1, .4, .35, .8, .5, .5, .7, .2, .5, .9, .35, .35, .4, .8])
    y = np.array([0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 0])
    yield "binary with ties", y, ties, 1, None
    yield "binary with ties, class 0", y, ties, 0, None
    yield "binary with ties, threshold on a score", y, ties, 1, .35
    yield "binary with ties, threshold between scores", y, ties, 1, .45
    yield "binary with ties, class 0, threshold", y, ties, 0, .6
    yield "binary, two columns", y, np.stack([1 - ties, ties], axis=1), 1, .35
    yield "scores exactly 0 and 1", np.array([0, 1, 1, 0, 1, 0]), np.array([0, 1, 0, 1, 1, 0.]), 1, None
    yield "scores near 0 and 1", np.array([0, 1, 1, 0]), np.array([1e-12, 1 - 2.**-24, 1e-30, 1 - 2.**-23]), 1, None
    yield "scores on the edges of bins", np.tile([0, 1], 11), np.repeat(np.arange(11) / 10, 2), 1, None
    y = (rng.random(400) < .03).astype(int)
    yield "imbalanced", y, np.clip(.08 * y + rng.beta(1, 9, 400), 0, 1), 1, None
    yield "imbalanced, threshold", y, np.clip(.08 * y + rng.beta(1, 9, 400), 0, 1), 1, .2
    yield "never predicted", np.array([0, 1, 0, 1, 0]), np.array([.1, .2, .3, .4, .05]), 1, None
    yield "no positive row", np.array([0, 0, 0]), np.array([.1, .6, .3]), 1, None
    yield "positive rows only", np.array([1, 1, 1]), np.array([.1, .6, .3]), 1, None
    yield "one row", np.array([1]), np.array([.7]), 1, None
    yield "one row of three classes", np.array([2]), np.array([[.2, .3, .5]]), 1, None
    y = rng.integers(0, 3, 60)
    p = rng.dirichlet([1, 1, 1], 60) + 1.5 * np.eye(3)[y] * rng.random((60, 1))
    yield "three classes", y, p / p.sum(axis=1, keepdims=True), 1, None
    p = np.round(p / p.sum(axis=1, keepdims=True) * 8) / 8
    yield "three classes with ties", y, p / p.sum(axis=1, keepdims=True), 1, None
    y = np.where(rng.random(80) < .9, 0, rng.integers(1, 4, 80))
    p = rng.dirichlet([9, 1, 1, 0.3], 80)
    p[:, 3] = 0
    yield "four classes, imbalanced, one never predicted", y, p / p.sum(axis=1, keepdims=True), 1, None
    y = rng.choice([0, 1, 3], 30)
    yield "four classes, one without rows", y, rng.dirichlet([1, 1, 1, 1], 30), 1, None


def decide(outputs, positive, threshold):
    """Predicted classes by Lockstep's rule; the threshold is rounded to float32, as scores are."""
    if outputs.ndim == 1 and threshold is None:
        return (outputs >= np.float32(.5)).astype(int)
    if threshold is None:
        return outputs.argmax(axis=1)
    return np.where(score(outputs, positive) >= np.float32(threshold), positive, 1 - positive)


def score(outputs, k):
    """float32 score of class k, for two classes."""
    if outputs.ndim == 2:
        return outputs[:, k]
    return outputs if k == 1 else np.float32(1) - outputs


def auc(y, outputs, classes, positive):
    present = np.unique(y)
    if len(present) < classes:
        return NAN
    if classes == 2:
        return roc_auc_score(y == positive, score(outputs, positive))
    return roc_auc_score(y, outputs.astype(float), multi_class="ovr", labels=range(classes))


def best_f1(y, scores, positive):
    """The lowest of the thresholds with the best F1; F1 is compared exactly, as fractions."""
    truth = y == positive
    if not truth.any():
        return NAN
    _, _, thresholds = precision_recall_curve(truth, scores)

    def exact(t):
        found = scores >= t
        return Fraction(2 * int((found & truth).sum()), int(found.sum() + truth.sum()))
    best = max(exact(t) for t in thresholds)
    assert abs(float(best) - max(f1_score(truth, scores >= t) for t in thresholds)) < 1e-12
    return float(min(t for t in thresholds if exact(t) == best))


def calibration(y, columns, classes, positive):
    """Rows, mean score and share of each bin, and the expected calibration error.

    The bins are checked with calibration_curve.
    """
    if classes == 2:
        scores, right = columns[:, positive], y == positive
    else:
        scores, right = columns.max(axis=1), columns.argmax(axis=1) == y
    share, mean = calibration_curve(right, scores, n_bins=10, strategy="uniform") if len(set(right)) == 2 else (None, None)
    # calibration_curve needs both outcomes; its bins are
    # searchsorted(linspace(0, 1, 11)[1:-1], scores)
    bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], scores)
    counts = np.bincount(bins, minlength=10)
    means = [scores[bins == b].mean() if counts[b] else NAN for b in range(10)]
    shares = [right[bins == b].mean() if counts[b] else NAN for b in range(10)]
    if share is not None:
        assert np.allclose(share, [s for s in shares if s == s], rtol=1e-13, atol=0)
        assert np.allclose(mean, [s for s in means if s == s], rtol=1e-13, atol=0)
    error = sum(counts[b] * abs(shares[b] - means[b]) for b in range(10) if counts[b]) / len(y)
    return counts, means, shares, error


def number(x):
    return "NAN" if x != x else repr(float(x))


def numbers(list_):
    return "{" + ", ".join(number(x) for x in list_) + "}"


def write(index, name, y, outputs, positive, threshold):
    outputs = outputs.astype(np.float32)
    classes = 2 if outputs.ndim == 1 else outputs.shape[1]
    labels = range(classes)
    double = outputs.astype(float)
    columns = np.stack([1 - double, double], axis=1) if outputs.ndim == 1 else double
    predicted = decide(outputs, positive, threshold)
    sets = {a: precision_recall_fscore_support(y, predicted, labels=labels, average=a, zero_division=0) for a in (None, "macro", "weighted")}
    log = log_loss(y, np.clip(columns, EPSILON, 1 - EPSILON), labels=labels)
    # scikit-learn's own result for float32
    float32 = log_loss(y, columns.astype(np.float32), labels=labels)
    assert abs(float32 - log) <= 2e-6 * max(1, abs(log)), (name, log, float32)
    counts, means, shares, error = calibration(y, columns, classes, positive)
    print(f"static const float outputs_{index}[] = {{{', '.join(float(x).hex() + 'f' for x in outputs.ravel())}}};")
    print(f"static const int32_t y_{index}[] = {{{', '.join(map(str, y))}}};")
    return f"""    {{"{name}", {len(y)}, {1 if outputs.ndim == 1 else classes}, {classes}, outputs_{index}, y_{index}, {positive}, {number(NAN if threshold is None else threshold)},
     {number(accuracy_score(y, predicted))}, {numbers(sets['macro'][:3])}, {numbers(sets['weighted'][:3])},
     {number(auc(y, outputs, classes, positive))}, {number(log)}, {number(brier_score_loss(y, columns, labels=labels))}, {number(best_f1(y, score(outputs, positive), positive) if classes == 2 else NAN)},
     {numbers(sets[None][0])}, {numbers(sets[None][1])}, {numbers(sets[None][2])}, {{{', '.join(map(str, sets[None][3]))}}},
     {{{', '.join(map(str, confusion_matrix(y, predicted, labels=labels).ravel()))}}},
     {number(error)}, {{{', '.join(map(str, counts))}}},
     {numbers(means)},
     {numbers(shares)}}},
"""


def main():
    warnings.simplefilter("ignore")  # about metrics that are 0/0, which some cases test
    print("/* SPDX-License-Identifier: MIT */")
    print(f"/* Written by tests/support/known_metrics.py with scikit-learn {sklearn.__version__}, numpy {np.__version__}. */")
    print("""typedef struct {
    const char *name;
    size_t rows, columns, classes;
    const float *outputs;
    const int32_t *y;
    size_t positive;
    double threshold;                /* NAN: none */
    double accuracy, macro[3], weighted[3]; /* precision, recall, F1 */
    double auc, log_loss, brier, best_f1;   /* best_f1: the threshold; two classes */
    double precision[4], recall[4], f1[4];
    uint64_t support[4], confusion[16];
    double calibration_error;
    uint64_t bin_rows[10];
    double bin_score[10], bin_share[10];
} known_metrics;
""")
    rows = [write(i, *case) for i, case in enumerate(cases())]
    print("\nstatic const known_metrics known[] = {")
    print("".join(rows) + "};")


if __name__ == "__main__":
    sys.exit(main())
