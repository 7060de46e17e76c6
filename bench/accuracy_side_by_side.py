#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares test accuracy of `lockstep train` and of scikit-learn's MLPClassifier on the same rows.

    python3 bench/accuracy_side_by_side.py --data DIR [--sets iris,phoneme] [--seeds 10]
        [--options "--epochs 300"]... [--rare mammography]
        [--search "--standardize='on|off' --folds 5"] [--no-raw] [--lockstep build/lockstep] [--json]

Both sides use their defaults. DIR has SET.csv for each data set, with the class in the last column;
a header is optional. For each seed the rows are split once, stratified, 75 to 25 %, and written as
two CSV files, which both sides read. Each side uses the same seed for its training. By default
Lockstep standardises by the training rows, so MLPClassifier also gets standardised inputs
(StandardScaler, fitted on the training rows), and raw inputs in an additional column.

Each --options adds a column: `lockstep train` with those options. --search adds one more:
`lockstep search` with those options finds a setting by cross-validation within the training rows,
without using the test rows, and trains on all training rows. A win is a seed for which the first
Lockstep column has a higher test accuracy than MLPClassifier on standardised inputs; ties are
counted separately.

--rare names the data set whose second class is rare. For it, macro F1 is compared, too, with
balanced class weights (MLPClassifier has none), and with the threshold that gives the best F1 on a
fifth of the training rows, held out on both sides.
"""
import argparse, csv, json, os, shlex, statistics, subprocess, sys, tempfile, warnings

import numpy as np
import sklearn
from sklearn.metrics import accuracy_score, f1_score, precision_recall_curve
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SETS = ["ionosphere", "iris", "banknote_authentication", "phoneme", "mammography"]
TEST, VALIDATION = 0.25, 0.2


def is_number(text):
    try:
        float(text)
        return True
    except ValueError:
        return False


def read(path):
    """Returns the rows as text, without the header."""
    with open(path, newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    return rows if all(is_number(v) for v in rows[0][:-1]) else rows[1:]


def write(path, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)


def arrays(rows):
    return np.array([[float(v) for v in row[:-1]] for row in rows]), np.array([row[-1] for row in rows])


# ---- One training --------------------------------------------------------------------------------------------------------

def lockstep(args, folder, seed, options):
    """Returns accuracy and macro F1 on the test rows."""
    command = [args.lockstep, "train", f"{folder}/train.csv", "--test", f"{folder}/test.csv", "--seed", str(seed), "--device", "cpu", "--threads", "1",
               "--json", "--quiet", *options.split()]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    test = json.loads(done.stdout)["test"]
    return test["accuracy"], test["macro"]["f1"]


def searched(args, folder, seed):
    """Returns the same metrics for the best result of a search over the training rows."""
    model = f"{folder}/best.safetensors"
    device = ["--device", "cpu", "--quiet"]
    for command in ([args.lockstep, "search", f"{folder}/train.csv", "--seed", str(seed), "-o", model, *device, *shlex.split(args.search)],
                    [args.lockstep, "evaluate", model, f"{folder}/test.csv", "--json", *device]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stderr}")
    figures = json.loads(done.stdout)
    return figures["accuracy"], figures["macro"]["f1"]


def scikit(train, test, seed, standardise, threshold=False):
    x, y = arrays(train)
    held_x, held_y = arrays(test)
    network = MLPClassifier(random_state=seed)
    model = make_pipeline(StandardScaler(), network) if standardise else network
    if threshold:
        x, part_x, y, part_y = train_test_split(x, y, test_size=VALIDATION, stratify=y, random_state=seed)
    model.fit(x, y)
    predicted = model.predict(held_x)
    if threshold:
        positive = sorted(set(y))[1]
        precision, recall, cuts = precision_recall_curve(part_y == positive, model.predict_proba(part_x)[:, 1])
        best = cuts[np.argmax((2 * precision * recall / np.maximum(precision + recall, 1e-12))[:-1])]
        predicted = np.where(model.predict_proba(held_x)[:, 1] >= best, positive, sorted(set(y))[0])
    return accuracy_score(held_y, predicted), f1_score(held_y, predicted, average="macro")


# ---- All of them ---------------------------------------------------------------------------------------------------------

def columns_of(args, rare):
    """Returns {column name: function of (folder, train, test, seed)}."""
    columns = {"Lockstep": lambda folder, train, test, seed: lockstep(args, folder, seed, "")}
    for options in args.options:
        columns["Lockstep " + options] = lambda folder, train, test, seed, o=options: lockstep(args, folder, seed, o)
    if args.search:
        columns["Lockstep, searched"] = lambda folder, train, test, seed: searched(args, folder, seed)
    columns["MLPClassifier"] = lambda folder, train, test, seed: scikit(train, test, seed, True)
    if not args.no_raw:
        columns["MLPClassifier, raw inputs"] = lambda folder, train, test, seed: scikit(train, test, seed, False)
    if rare:
        for options in ["--class-weights balanced", f"--validation {VALIDATION} --threshold best-f1", "--threshold best-f1",
                        f"--class-weights balanced --validation {VALIDATION} --threshold best-f1"]:
            columns["Lockstep " + options] = lambda folder, train, test, seed, o=options: lockstep(args, folder, seed, o)
        columns["MLPClassifier, best threshold"] = lambda folder, train, test, seed: scikit(train, test, seed, True, True)
    return columns


def measure(args, name):
    """Returns {column: [(accuracy, macro F1) of each seed]}."""
    rows = read(os.path.join(args.data, name + ".csv"))
    columns = columns_of(args, name == args.rare)
    results = {c: [] for c in columns}
    for seed in range(1, args.seeds + 1):
        train, test = train_test_split(rows, test_size=TEST, stratify=[row[-1] for row in rows], random_state=seed)
        with tempfile.TemporaryDirectory() as folder:
            write(f"{folder}/train.csv", train)
            write(f"{folder}/test.csv", test)
            for c, run in columns.items():
                results[c].append(run(folder, train, test, seed))
        print(f"{name}, seed {seed}", file=sys.stderr)
    return results


def spread(values):
    return f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}" if len(values) > 1 else f"{values[0]:.4f}"


def report(name, results, rare):
    print(f"\n| {name} | test accuracy |{' macro F1 |' if rare else ''} won, tied, lost |")
    print(f"|---|---|{'---|' if rare else ''}---|")
    peer = [a for a, _ in results["MLPClassifier"]]
    for column, pairs in results.items():
        mine = [a for a, _ in pairs]
        won, lost = sum(a > b for a, b in zip(mine, peer)), sum(a < b for a, b in zip(mine, peer))
        against = f"{won}, {len(mine) - won - lost}, {lost}" if column.startswith("Lockstep") else ""
        print(f"| {column} | {spread(mine)} |{' ' + spread([f for _, f in pairs]) + ' |' if rare else ''} {against} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--options", action="append", default=[])
    parser.add_argument("--search")
    parser.add_argument("--rare", default="mammography")
    parser.add_argument("--no-raw", action="store_true")
    parser.add_argument("--lockstep", default=os.path.join(os.path.dirname(__file__), "..", "build", "lockstep"))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    # MLPClassifier warns about each run that uses all of its 200 epochs
    warnings.simplefilter("ignore")
    version = subprocess.run([args.lockstep, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    print(f"{version}, scikit-learn {sklearn.__version__}, numpy {np.__version__}; {args.seeds} splits")
    everything = {}
    for name in args.sets.split(","):
        everything[name] = measure(args, name)
        report(name, everything[name], name == args.rare)
    if args.json:
        print(json.dumps(everything))


if __name__ == "__main__":
    main()
