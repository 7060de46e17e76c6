#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares test RMSE of `lockstep train` and of scikit-learn's MLPRegressor on the same rows.

    python3 bench/regression_side_by_side.py [--confirm] [--sets diabetes,friedman1,abalone,auto-mpg]
        [--seeds 10] [--first-seed 1] [--options "--epochs 50"]... [--max-iter N] [--jobs 1]
        [--lockstep build/lockstep] [--data DIR] [--json]

Needs scikit-learn, and for most sets the packages that bring them (nothing else of them is used, so
`pip install --no-deps scikit-lego mlxtend ISLP palmerpenguins statsmodels` is enough):

    diabetes   442 rows, 10 numbers      scikit-learn (BSD-3-Clause); Efron et al. 2004
    friedman1  500 rows, 10 numbers      `lockstep make friedman1`, noise 1, another data seed for each split
    abalone    4177 rows, 7 numbers, sex scikit-lego (MIT); UCI Abalone, CC BY 4.0; target: rings
    auto-mpg   392 rows, 7 numbers       mlxtend (BSD-3-Clause); UCI Auto MPG, CC BY 4.0; target: mpg

These four were looked at while the defaults of `lockstep train` for regression were chosen. --confirm
runs sets that were not, and the first two with new seeds (--first-seed 1001: other splits, other data
of friedman1, other starting weights). The list, the targets and the columns left out were fixed before
the first run:

    hitters    263 rows, 16 numbers, 3 texts   ISLP (BSD-3-Clause); StatLib baseball 1986/87; target: Salary,
                                               without the 59 rows that lack it
    carseats   400 rows, 7 numbers, 3 texts    ISLP; simulated for the book; target: Sales
    college    777 rows, 16 numbers, 1 text    ISLP; StatLib, U.S. News 1995; target: Apps
    credit     400 rows, 6 numbers, 4 texts    ISLP; simulated for the book; target: Balance; without ID
    wage       3000 rows, 2 numbers, 6 texts   ISLP; U.S. Current Population Survey; target: wage; without
                                               logwage (its logarithm) and region (one value)
    bikeshare  8645 rows, 10 numbers, 2 texts  ISLP; UCI Bike Sharing, CC BY 4.0; target: bikers; without
                                               casual and registered (their sum is the target)
    penguins   333 rows, 4 numbers, 3 texts    palmerpenguins (MIT), data CC0; target: body_mass_g, without
                                               the 11 rows with gaps
    randhie    20190 rows, 9 numbers           statsmodels (BSD-3-Clause), data in the public domain; target:
                                               mdvis (visits to a doctor)

Columns stay as the files have them: what is written as numbers is a number on both sides. A category
that only test rows have is no information to either side.

--data DIR adds DIR/NAME.csv for each other NAME in --sets: a header, numbers or text, the target last.

For each seed the rows are split once, 75 to 25 %, and written as two CSV files, which both sides
read. Each side uses the same seed for its training. Both sides see standardised inputs (text columns
one-hot) and a standardised target, fitted on the training rows: Lockstep does this by default,
MLPRegressor gets StandardScaler, OneHotEncoder and TransformedTargetRegressor.

The columns:
    Lockstep                        `lockstep train --task regression` as it comes (the task is named
                                    because rings are few whole numbers, which would be classes)
    Lockstep OPTIONS                with the options of an --options
    MLPRegressor                    as it comes: 100 units, at most 200 epochs, ends after 10 epochs in
                                    which the training loss did not fall by 1e-4
    MLPRegressor, Lockstep's shape  hidden (32, 32), 100 epochs, batches of 32: what Lockstep uses
                                    (not with --confirm: it takes most of the time)
    MLPRegressor, early stopping    as it comes, with early_stopping=True
    MLPRegressor, up to N epochs    with --max-iter N: as it comes, but with more epochs

A run chooses nothing on the test rows. The mean target of the training rows is the baseline. A win is a
seed for which the first Lockstep column has a lower test RMSE than MLPRegressor as it comes. The
verdict of a set is the difference of the mean RMSE, with the standard error of the paired difference.
Splits of the same rows overlap, so that this error is too small; the corrected one (Nadeau and Bengio
2003) is its square root of 1 + splits * test rows / training rows, about 2.1 times for ten splits. It
is printed beside it where the rows are the same in each split.
"""
import argparse, csv, gzip, importlib.util, io, json, math, os, statistics, subprocess, sys, tempfile, warnings, zipfile
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import sklearn
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

SETS = ["diabetes", "friedman1", "abalone", "auto-mpg"]
TEST = 0.25
# Sets for --confirm: (package, file in it, target, columns left out)
CONFIRM = {
    "hitters": ("ISLP", "data/Hitters.csv", "Salary", []),
    "carseats": ("ISLP", "data/Carseats.csv", "Sales", []),
    "college": ("ISLP", "data/College.csv", "Apps", []),
    "credit": ("ISLP", "data/Credit.csv", "Balance", ["ID"]),
    "wage": ("ISLP", "data/Wage.csv", "wage", ["logwage", "region"]),
    "bikeshare": ("ISLP", "data/Bikeshare.csv", "bikers", ["casual", "registered"]),
    "penguins": ("palmerpenguins", "data/penguins.csv", "body_mass_g", []),
    "randhie": ("statsmodels", "datasets/randhie" "/randhie.csv", "mdvis", []),
}
CONFIRM_SEED = 1001


# ---- Data: lists of rows of text, the target last, with a header -----------------------------------------------------------

def inside(package, path):
    """A file of an installed package, without importing it."""
    found = importlib.util.find_spec(package)
    if not found:
        sys.exit(f"the package {package} is not installed; see the top of {sys.argv[0]}")
    return os.path.join(list(found.submodule_search_locations)[0], path)


def diabetes():
    data = load_diabetes(scaled=False)
    rows = [[repr(float(v)) for v in x] + [repr(float(y))] for x, y in zip(data.data, data.target)]
    return [*data.feature_names, "progression"], rows


def abalone():
    with zipfile.ZipFile(inside("sklego", "data/abalone.zip")) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    head, *rows = csv.reader(io.StringIO(text))
    return head, rows


def auto_mpg():
    with gzip.open(inside("mlxtend", "data/data/autompg.csv.gz"), "rt") as file:
        rows = [row[:7] + row[8:] for row in csv.reader(file)]  # without the car's name
    return ["cylinders", "displacement", "horsepower", "weight", "acceleration", "year", "origin", "mpg"], rows


def friedman1(args, seed):
    text = subprocess.run([args.lockstep, "make", "friedman1", "--seed", str(seed)], stdout=subprocess.PIPE, text=True, check=True).stdout
    head, *rows = csv.reader(io.StringIO(text))
    return head, rows


def confirmation(name):
    package, path, target, dropped = CONFIRM[name]
    with open(inside(package, path), newline="") as file:
        head, *rows = csv.reader(file)
    kept = [i for i, column in enumerate(head) if column not in [target, *dropped]] + [head.index(target)]
    complete = [row for row in rows if not any(row[i] in ("", "NA") for i in kept)]
    return [head[i] for i in kept], [[row[i].strip() for i in kept] for row in complete]


def rows_of(args, name, seed):
    if name == "friedman1":
        return friedman1(args, seed)
    if args.data and os.path.exists(f"{args.data}/{name}.csv"):
        with open(f"{args.data}/{name}.csv", newline="") as file:
            head, *rows = [row for row in csv.reader(file) if row]
        return head, rows
    if name in CONFIRM:
        return confirmation(name)
    return {"diabetes": diabetes, "abalone": abalone, "auto-mpg": auto_mpg}[name]()


def write(path, head, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([head, *rows])


# ---- One training: RMSE on the test rows -----------------------------------------------------------------------------------

def lockstep(args, folder, seed, options=""):
    command = [args.lockstep, "train", f"{folder}/train.csv", "--test", f"{folder}/test.csv", "--task", "regression", "--seed", str(seed), "--device", "cpu", "--threads", "1",
               "--json", "--quiet", *options.split()]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    test = json.loads(done.stdout)["test"]
    if test["task"] != "regression":
        sys.exit(f"{' '.join(command)}: the task is {test['task']}")
    return test["rmse"]


def is_number(text):
    try:
        float(text)
        return True
    except ValueError:
        return False


def scikit(train, test, seed, **options):
    numbers = [i for i in range(len(train[0]) - 1) if all(is_number(row[i]) for row in train)]
    texts = [i for i in range(len(train[0]) - 1) if i not in numbers]
    x, held_x = (np.array([row[:-1] for row in rows], dtype=object) for rows in (train, test))
    y, held_y = (np.array([float(row[-1]) for row in rows]) for rows in (train, test))
    columns = ColumnTransformer([("numbers", StandardScaler(), numbers), ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts)])
    network = MLPRegressor(random_state=seed, **options)
    model = TransformedTargetRegressor(make_pipeline(columns, network), transformer=StandardScaler())
    model.fit(x, y)
    return float(np.sqrt(np.mean((model.predict(held_x) - held_y) ** 2)))


def baseline(train, test):
    mean = statistics.fmean(float(row[-1]) for row in train)
    return math.sqrt(statistics.fmean((float(row[-1]) - mean) ** 2 for row in test))


# ---- All of them -----------------------------------------------------------------------------------------------------------

def columns_of(args):
    """Returns {column name: function of (folder, train, test, seed)}."""
    columns = {"Lockstep": lambda folder, train, test, seed: lockstep(args, folder, seed)}
    for options in args.options:
        columns["Lockstep " + options] = lambda folder, train, test, seed, o=options: lockstep(args, folder, seed, o)
    columns["MLPRegressor"] = lambda folder, train, test, seed: scikit(train, test, seed)
    if not args.confirm:
        columns["MLPRegressor, Lockstep's shape"] = lambda folder, train, test, seed: scikit(
            train, test, seed, hidden_layer_sizes=(32, 32), batch_size=min(32, len(train)), max_iter=100, n_iter_no_change=100)
    columns["MLPRegressor, early stopping"] = lambda folder, train, test, seed: scikit(train, test, seed, early_stopping=True)
    if args.max_iter:
        columns[f"MLPRegressor, up to {args.max_iter} epochs"] = lambda folder, train, test, seed: scikit(
            train, test, seed, max_iter=args.max_iter)
    columns["mean of the training rows"] = lambda folder, train, test, seed: baseline(train, test)
    return columns


def one_split(job):
    """Returns {column: RMSE} for one seed."""
    args, name, seed = job
    warnings.simplefilter("ignore")  # MLPRegressor warns about each run that uses all of its epochs
    head, rows = rows_of(args, name, seed)
    train, test = train_test_split(rows, test_size=TEST, random_state=seed)
    with tempfile.TemporaryDirectory() as folder:
        write(f"{folder}/train.csv", head, train)
        write(f"{folder}/test.csv", head, test)
        results = {c: run(folder, train, test, seed) for c, run in columns_of(args).items()}
    print(f"{name}, seed {seed}", file=sys.stderr)
    return results


def measure(args, name):
    """Returns {column: [RMSE of each seed]}."""
    jobs = [(args, name, seed) for seed in range(args.first_seed, args.first_seed + args.seeds)]
    with ProcessPoolExecutor(args.jobs) as pool:
        splits = list(pool.map(one_split, jobs))
    return {c: [split[c] for split in splits] for c in splits[0]}


def spread(values):
    return f"{statistics.mean(values):.4g} ± {statistics.stdev(values):.2g}" if len(values) > 1 else f"{values[0]:.4g}"


def verdict(mine, peer, same_rows):
    """Words for the paired difference of the RMSE."""
    difference = [a - b for a, b in zip(mine, peer)]
    mean = statistics.mean(difference)
    error = statistics.stdev(difference) / math.sqrt(len(difference)) if len(difference) > 1 else 0
    words = "better" if mean < 0 else "worse"
    if abs(mean) < 2 * error:
        words = "no difference beyond two standard errors; " + words
    corrected = error * math.sqrt(1 + len(difference) * TEST / (1 - TEST))
    errors = f"± {error:.2g} (standard error{f'; corrected ± {corrected:.2g}' if same_rows else ''})"
    return f"Lockstep's mean RMSE is {words}: {mean:+.3g} {errors}, {100 * mean / statistics.mean(peer):+.1f} %"


def report(name, results):
    print(f"\n| {name} | test RMSE | won, tied, lost |")
    print("|---|---|---|")
    peer = results["MLPRegressor"]
    for column, mine in results.items():
        won, lost = sum(a < b for a, b in zip(mine, peer)), sum(a > b for a, b in zip(mine, peer))
        against = f"{won}, {len(mine) - won - lost}, {lost}" if column.startswith("Lockstep") else ""
        print(f"| {column} | {spread(mine)} | {against} |", flush=True)
    print(f"\n{verdict(results['Lockstep'], peer, name != 'friedman1')}", flush=True)


def summary(everything):
    """Over all sets: RMSE divided by that of MLPRegressor as it comes."""
    print("\n| of all sets | geometric mean of RMSE / MLPRegressor's | lowest | highest |")
    print("|---|---|---|---|")
    for column in next(iter(everything.values())):
        ratios = [statistics.mean(r[column]) / statistics.mean(r["MLPRegressor"]) for r in everything.values()]
        print(f"| {column} | {statistics.geometric_mean(ratios):.4f} | {min(ratios):.3f} | {max(ratios):.3f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--confirm", action="store_true")
    parser.add_argument("--sets")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int)
    parser.add_argument("--max-iter", type=int)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--options", action="append", default=[])
    parser.add_argument("--lockstep", default=os.path.join(os.path.dirname(__file__), "..", "build", "lockstep"))
    parser.add_argument("--data")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    args.sets = args.sets or ",".join([*CONFIRM, *SETS[:2]] if args.confirm else SETS)
    args.first_seed = args.first_seed or (CONFIRM_SEED if args.confirm else 1)
    version = subprocess.run([args.lockstep, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    print(f"{version}, scikit-learn {sklearn.__version__}, numpy {np.__version__}; {args.seeds} splits, seeds from {args.first_seed}")
    everything = {}
    for name in args.sets.split(","):
        everything[name] = measure(args, name)
        report(name, everything[name])
    summary(everything)
    if args.json:
        print(json.dumps(everything))


if __name__ == "__main__":
    main()
