#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares `lockstep search` with scikit-learn's GridSearchCV on the same grid and the same rows.

    python3 bench/search_side_by_side.py [--data FILE.csv] [--epochs 50] [--folds 5] [--batch 200]
        [--jobs 2] [--rounds 3] [--device 1] [--trials N] [--lockstep build/lockstep] [--json]

The grid has 200 points: 5 shapes x 2 activations x 5 learning rates x 4 penalties. Both sides train
each point on every fold with Adam, the same batch size and exactly --epochs epochs (counted and
reported), standardise by the training rows of each fold, and score accuracy on the fold left out.
Neither trains again on all rows. Both use float32, which is scikit-learn's faster form.
scikit-learn has --jobs processes, which are started and have imported everything before the clock
starts. Lockstep's time is that of its whole process, including reading the file. Each side draws
its own weights, batches and folds, so trials are compared by their scores, not by their bits.

--trials N runs N of the 200 points in scikit-learn, spread evenly over shapes and activations, and
EXTRAPOLATES its time to all of them. Lockstep always runs all points. Without --trials all points
run on both sides, which takes minutes.

Without --data the rows come from `lockstep make`. A file has its class in the last column; a header
is optional.
"""
import argparse, csv, json, os, random, statistics, subprocess, sys, tempfile, time, warnings

HIDDEN = [(8,), (16,), (32,), (16, 16), (32, 32)]
ACTIVATIONS = ["relu", "tanh"]
RATES = [0.001, 0.002, 0.005, 0.01, 0.02]
ALPHAS = [0.0, 1e-4, 1e-3, 1e-2]  # scikit-learn's penalty; see l2_of
POINTS = [(h, a, r, p) for h in HIDDEN for a in ACTIVATIONS for r in RATES for p in ALPHAS]


def l2_of(alpha, batch):
    """scikit-learn's penalty gradient is alpha/batch times the weight, Lockstep's 2·l2 times it."""
    return alpha / (2 * batch)


def some_of(count):
    """Points spread evenly over shape and activation, which determine the time of a fit."""
    groups = [[p for p in POINTS if p[:2] == (h, a)] for h in HIDDEN for a in ACTIVATIONS]
    rng = random.Random(1)
    for group in groups:
        rng.shuffle(group)
    rng.shuffle(groups)
    return [groups[i % len(groups)][i // len(groups)] for i in range(min(count, len(POINTS)))]


# ---- Lockstep --------------------------------------------------------------------------------------------------------

def text_of(hidden):
    return ",".join(map(str, hidden))


def run_lockstep(args, data, device):
    """Returns seconds, and {point: (mean, deviation)} of all points."""
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "trials.csv")
        command = [args.lockstep, "search", data, "--strategy", "grid", "--trials", str(len(POINTS)), "--folds", str(args.folds),
                   "--metric", "accuracy", "--optimizer", "adam", "--standardize", "--batch", str(args.batch), "--epochs", str(args.epochs),
                   "--hidden", "|".join(map(text_of, HIDDEN)), "--activation", "|".join(ACTIVATIONS),
                   "--lr", "|".join(map(str, RATES)), "--l2", "|".join(repr(l2_of(a, args.batch)) for a in ALPHAS),
                   "--device", device, "--threads", str(args.jobs), "--report", report, "--quiet", "--json"]
        start = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        seconds = time.perf_counter() - start
        if done.returncode:
            sys.exit(done.stderr.strip())
        with open(report) as file:
            rows = list(csv.DictReader(file))
    epochs = {float(row["epochs_run"]) for row in rows}
    if len(rows) != len(POINTS) or epochs != {float(args.epochs)}:
        sys.exit(f"lockstep search ran {len(rows)} trials of {epochs} epochs; expected {len(POINTS)} of {args.epochs}")
    scores = {}
    for row in rows:
        alpha = min(ALPHAS, key=lambda a: abs(l2_of(a, args.batch) - float(row["l2"])))
        hidden = tuple(int(w) for w in row["hidden"].split(","))
        scores[hidden, row["activation"], float(row["lr"]), alpha] = float(row["accuracy_mean"]), float(row["accuracy_sd"])
    return seconds, scores


# ---- scikit-learn ----------------------------------------------------------------------------------------------------

def score(estimator, x, y):
    """Accuracy, and the number of epochs that were run."""
    return {"accuracy": estimator.score(x, y), "epochs": estimator[-1].n_iter_}


def read_rows(path):
    import numpy as np
    with open(path) as file:
        lines = [line for line in csv.reader(file) if line]
    try:
        float(lines[0][0])
    except ValueError:
        lines = lines[1:]
    return np.array([line[:-1] for line in lines], dtype=np.float32), np.array([line[-1] for line in lines])


def search_of(args, points, epochs):
    import numpy as np
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    # disables early stopping
    network = MLPClassifier(solver="adam", batch_size=args.batch, max_iter=epochs, tol=0, n_iter_no_change=np.inf, random_state=1)
    name = "mlpclassifier__"
    grid = [{name + "hidden_layer_sizes": [h], name + "activation": [a], name + "learning_rate_init": [r], name + "alpha": [p]}
            for h, a, r, p in points]
    return GridSearchCV(make_pipeline(StandardScaler(), network), grid, scoring=score, refit=False, n_jobs=args.jobs, error_score="raise",
                        cv=StratifiedKFold(args.folds, shuffle=True, random_state=1))


def run_sklearn(args, data, points):
    import numpy as np
    # also for the processes that joblib starts: reaching the last epoch is intended here
    os.environ["PYTHONWARNINGS"] = "ignore"
    warnings.simplefilter("ignore")
    x, y = read_rows(data)
    search_of(args, points[:args.jobs], 1).fit(x, y)  # starts the processes
    search = search_of(args, points, args.epochs)
    start = time.perf_counter()
    search.fit(x, y)
    seconds = time.perf_counter() - start
    parts = range(args.folds)
    epochs = {float(e) for k in parts for e in search.cv_results_[f"split{k}_test_epochs"]}
    if epochs != {float(args.epochs)}:
        sys.exit(f"scikit-learn trained for {sorted(epochs)} epochs; expected {args.epochs}")
    folds = np.array([search.cv_results_[f"split{k}_test_accuracy"] for k in parts])
    return seconds, {p: (float(folds[:, i].mean()), float(folds[:, i].std(ddof=1))) for i, p in enumerate(points)}


# ---- The report ------------------------------------------------------------------------------------------------------

def best_of(scores, points):
    return max(((scores[p], p) for p in points), key=lambda pair: pair[0][0])


def named(point):
    h, a, r, p = point
    return f"{text_of(h)} {a} lr {r} alpha {p}"


def report(args, ours, theirs, points):
    whole, few = theirs[0] * len(POINTS) / len(points), len(points) < len(POINTS)
    print(f"{len(POINTS)} trials x {args.folds} folds, {args.epochs} epochs each (counted on both sides), batch {args.batch}, Adam, standardised")
    label = f"EXTRAPOLATED from {len(points)} trials in {theirs[0]:.1f} s" if few else "all trials"
    print(f"{'scikit-learn, ' + str(args.jobs) + ' processes':34} {whole:9.1f} s   {label}")
    for device, (seconds, _) in ours.items():
        print(f"{'lockstep search --device ' + device:34} {seconds:9.2f} s   {whole / seconds:7.1f} x{' (extrapolated)' if few else ''}")
    scores = ours["cpu"][1]
    if any(other[1] != scores for other in ours.values()):
        print("the scores differ between devices: please report this")
    some = f" of the {len(points)} trials run by both" if few else ""
    for name, table, of in [("scikit-learn", theirs[1], points), ("lockstep", scores, points)] + ([("lockstep", scores, POINTS)] if few else []):
        (mean, deviation), point = best_of(table, of)
        print(f"best accuracy{some if of is points else ' of all trials'}, {name:12}: {mean:.4f} ± {deviation:.4f}   {named(point)}")
    gaps = [scores[p][0] - theirs[1][p][0] for p in points]
    if len(gaps) > 1:
        print(f"trial by trial, lockstep minus scikit-learn: {statistics.mean(gaps):+.4f} ± {statistics.stdev(gaps):.4f}")
    if args.json:
        print(json.dumps({"sklearn_seconds": whole, "extrapolated": few, "sklearn_trials": len(points), "trials": len(POINTS),
                          "lockstep_seconds": {d: s for d, (s, _) in ours.items()}, "epochs": args.epochs, "batch": args.batch,
                          "folds": args.folds, "best_sklearn": best_of(theirs[1], points)[0], "best_lockstep": best_of(scores, points)[0]}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=len(POINTS))
    parser.add_argument("--device", action="append", default=[])
    parser.add_argument("--lockstep", default="build/lockstep")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = args.data or os.path.join(folder, "made.csv")
        if not args.data:
            subprocess.run([args.lockstep, "make", "classification", "--rows", "5000", "--features", "5", "-o", data], check=True,
                           stdout=subprocess.DEVNULL)
        times, scores = {}, {}
        for _ in range(args.rounds):  # alternate, because the machine's speed changes
            for device in ["cpu"] + args.device:
                seconds, scores[device] = run_lockstep(args, data, device)
                times.setdefault(device, []).append(seconds)
        points = some_of(args.trials)
        theirs = run_sklearn(args, data, points)
    report(args, {device: (statistics.median(times[device]), scores[device]) for device in times}, theirs, points)


if __name__ == "__main__":
    main()
