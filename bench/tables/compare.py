#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains candidates on the same splits of the sets that fetch.py gathered, and appends their figures to a CSV file.

    python3 bench/tables/compare.py --lockstep 'default=' --lockstep 'wide=--hidden 128,128' --peers MLP,linear,HGB
    python3 bench/tables/compare.py --confirm --lockstep 'default=' --peers MLP,linear,HGB,LightGBM,CatBoost
    python3 bench/tables/compare.py --confirm --auto 'auto=--trials 100'

A candidate NAME=OPTIONS of --lockstep is `lockstep train` with these options, one of --auto is `lockstep auto`;
in OPTIONS @K stands for a batch, the power of two nearest to training rows / K, and %K for K / training rows;
--peers names functions of peers.py. Without --confirm only development sets are used, and their results are kept in
OUT/development.csv. --confirm uses the confirmation sets alone, for defaults that are fixed; OUT/confirmation.csv.

Each set is split --splits times, 80 to 20 %, stratified by class, and the rows of each split are written to
OUT/splits/NAME/N as two files that all candidates read. Lockstep's seed and the peers' is that of the split.

Figures, on the test rows: accuracy, log-loss (natural logarithm, probabilities clipped at 1e-15 for all alike), AUC
(several classes: mean of one against the rest), RMSE; seconds to fit (Lockstep: the whole program, with reading and
encoding; peers: fit, with encoding), as time on the clock and as time of processors, which depends less on what
else the machine does; epochs. A candidate that is in the file is not run again: an interrupted run goes on.
"""
import argparse, contextlib, csv, json, math, os, re, resource, shlex, signal, subprocess, sys, tempfile, time, warnings
from concurrent.futures import ProcessPoolExecutor, as_completed

import numpy as np
import pandas as pd

FIELDS = ["set", "task", "split", "candidate", "accuracy", "logloss", "auc", "rmse", "seconds", "cpu", "epochs", "best", "note"]
CLIP = 1e-15
CLASSES = "classification"


# ---- Rows ---------------------------------------------------------------------------------------------------------------

def read(path):
    return pd.read_csv(path, keep_default_na=False, na_values=["", "NA", "?"])


def split_folder(out, entry, split):
    """Returns the folder with train.csv and test.csv of a split, made when first asked for."""
    from sklearn.model_selection import train_test_split
    folder = os.path.join(out, "splits", entry["name"], str(split))
    if os.path.exists(os.path.join(folder, "test.csv")):
        return folder
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(out, "sets", entry["name"] + ".csv"), newline="") as file:
        header, *rows = csv.reader(file)
    classes = [row[-1] for row in rows] if entry["task"] == CLASSES else None
    train, test = train_test_split(rows, test_size=0.2, stratify=classes, random_state=split)
    for name, part in (("train.csv", train), ("test.csv", test)):
        with open(os.path.join(folder, name), "w", newline="") as file:
            csv.writer(file).writerows([header] + part)
    return folder


# ---- Figures ------------------------------------------------------------------------------------------------------------

def class_figures(truth, classes, chances):
    """classes: names as text, one a column of chances; truth: names as text."""
    from sklearn.metrics import roc_auc_score
    classes = list(classes)
    number = np.array([classes.index(t) for t in truth])
    chances = np.asarray(chances, dtype=np.float64)
    loss = -np.log(np.clip(chances[np.arange(len(number)), number], CLIP, 1)).mean()
    hits = (chances.argmax(1) == number).mean()
    areas = [roc_auc_score(number == c, chances[:, c]) for c in range(len(classes)) if 0 < (number == c).sum() < len(number)]
    area = areas[-1] if len(classes) == 2 else float(np.mean(areas))
    return {"accuracy": hits, "logloss": loss, "auc": area}


def figures(task, test, classes, output):
    truth = test.iloc[:, -1]
    if task == CLASSES:
        return class_figures([str(t) for t in truth], classes, output)
    return {"rmse": float(np.sqrt(np.mean((np.asarray(output, dtype=np.float64) - truth.to_numpy(dtype=np.float64)) ** 2)))}


# ---- Candidates ---------------------------------------------------------------------------------------------------------

def run(command):
    """Returns its output, seconds on the clock, and processor seconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(command)}: {done.stderr.strip()[-300:]}")
    return done.stdout, seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def quick(args, options, folder, task, split):
    """The figures that the program itself gives: no clipping, no second process."""
    text, seconds, cpu = run([args.program, "train", f"{folder}/train.csv", "--test", f"{folder}/test.csv", "--task", task, "--seed", str(split + 1),
                              "--device", "cpu", "--threads", str(args.threads), "--json", "--quiet", *shlex.split(options)])
    told = json.loads(text)
    test = told["test"]
    result = {"accuracy": test["accuracy"], "logloss": test["log_loss"], "auc": test["auc"]} if task == CLASSES else {"rmse": test["rmse"]}
    return {**result, "seconds": seconds, "cpu": cpu, "epochs": told.get("epochs", ""), "best": told.get("best_epoch", "")}


def lockstep(args, verb, options, folder, task, split):
    if args.quick and verb == "train":
        return quick(args, options, folder, task, split)
    with tempfile.TemporaryDirectory() as scratch:
        model, guesses = os.path.join(scratch, "m.safetensors"), os.path.join(scratch, "p.csv")
        command = [args.program, verb, f"{folder}/train.csv", "--task", task, "--seed", str(split + 1), "--device", "cpu",
                   "--threads", str(args.threads), "-o", model, "--json", "--quiet", *shlex.split(options)]
        text, seconds, cpu = run(command)
        told = json.loads(text)
        run([args.program, "predict", model, f"{folder}/test.csv", "--device", "cpu", "-o", guesses])
        output = pd.read_csv(guesses, keep_default_na=False)
    test = read(f"{folder}/test.csv")
    if task == CLASSES:
        chances = output[[c for c in output.columns if c.startswith("p_")]]
        names = [c[2:] for c in chances.columns]
        result = figures(task, test, names, chances.to_numpy())
    else:
        result = figures(task, test, None, output.iloc[:, -1])
    return {**result, "seconds": seconds, "cpu": cpu, "epochs": told.get("epochs", ""), "best": told.get("best_epoch", "")}


@contextlib.contextmanager
def at_most(limit):
    """Raises TimeoutError after so many processor seconds, as soon as Python runs its next line; 0 for no limit."""
    def stop(*_):
        raise TimeoutError(f"more than {limit} processor seconds")
    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def peer(args, name, folder, task, split):
    from threadpoolctl import threadpool_limits
    import peers
    train, test = read(f"{folder}/train.csv"), read(f"{folder}/test.csv")
    target = train.columns[-1]
    inputs, truth = train.drop(columns=target), train[target]
    if task == CLASSES:
        truth = truth.astype(str)
    categories = [c for c in inputs if inputs[c].dtype.kind not in "biuf"]
    numbers = [c for c in inputs if c not in categories]
    inputs[numbers] = inputs[numbers].astype(float)
    held = test.drop(columns=target)
    for column in numbers:
        held[column] = pd.to_numeric(held[column], errors="coerce").astype(float)
    with threadpool_limits(args.threads):
        model = peers.PEERS[name](task, numbers, categories, split + 1, args.threads)
        if hasattr(model, "expect"):
            model.expect(held)
        with at_most(args.limit):
            start, cpu = time.perf_counter(), time.process_time()
            model.fit(inputs, truth)
            seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        output = model.predict_proba(held) if task == CLASSES else model.predict(held)
    classes = [str(c) for c in model.classes_] if task == CLASSES else None
    return {**figures(task, test, classes, output), "seconds": seconds, "cpu": cpu, "epochs": "", "best": ""}


def by_rows(options, rows):
    """@K becomes the power of two nearest to rows / K, 16 to 256; %K becomes K / rows, at most 0.01."""
    options = re.sub(r"@([\d.]+)", lambda m: str(min(256, max(16, 2 ** round(math.log2(rows / float(m[1])))))), options)
    return re.sub(r"%([\d.]+)", lambda m: f"{min(0.01, float(m[1]) / rows):.6g}", options)


def one(args, entry, split, kind, name, options):
    warnings.simplefilter("ignore")
    folder = split_folder(args.out, entry, split)
    if kind == "peer":
        result = peer(args, name, folder, entry["task"], split)
    else:
        result = lockstep(args, kind, by_rows(options, entry["rows"] * 0.8), folder, entry["task"], split)
    return {"set": entry["name"], "task": entry["task"], "split": split, "candidate": name, "note": options, **result}


# ---- All of them --------------------------------------------------------------------------------------------------------

def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="build/tables")
    parser.add_argument("--results", help="file to append to (default: OUT/development.csv or OUT/confirmation.csv)")
    parser.add_argument("--confirm", action="store_true", help="the confirmation sets; only with defaults that are fixed")
    parser.add_argument("--sets", default="", help="only these, separated by commas")
    parser.add_argument("--skip", default="", help="not these")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--program", default="build/lockstep")
    parser.add_argument("--lockstep", action="append", default=[], metavar="NAME=OPTIONS")
    parser.add_argument("--auto", action="append", default=[], metavar="NAME=OPTIONS")
    parser.add_argument("--peers", default="")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="threads of each candidate")
    parser.add_argument("--limit", type=float, default=0, help="processor seconds after which a peer is given up (default: none)")
    parser.add_argument("--quick", action="store_true", help="Lockstep: the program's own figures (for a search of options)")
    args = parser.parse_args()
    args.results = args.results or os.path.join(args.out, "confirmation.csv" if args.confirm else "development.csv")
    return args


def chosen(args):
    with open(os.path.join(args.out, "catalogue.json")) as file:
        entries = [e for e in json.load(file) if e["group"] == ("confirmation" if args.confirm else "development")]
    if args.sets:
        entries = [e for e in entries if e["name"] in args.sets.split(",")]
    return sorted((e for e in entries if e["name"] not in args.skip.split(",")), key=lambda e: e["rows"] * (e["columns"] + 20))


def main():
    args = arguments()
    candidates = [(verb, *c.split("=", 1)) for verb, given in (("train", args.lockstep), ("auto", args.auto)) for c in given]
    candidates += [("peer", name, "") for name in args.peers.split(",") if name]
    known = set()
    if os.path.exists(args.results):
        with open(args.results, newline="") as file:
            known = {(r["set"], int(r["split"]), r["candidate"]) for r in csv.DictReader(file)}
    todo = [(entry, split, *candidate) for split in range(args.splits) for entry in chosen(args) for candidate in candidates
            if (entry["name"], split, candidate[1]) not in known]
    for entry, split in {(e["name"], s): (e, s) for e, s, *_ in todo}.values():
        split_folder(args.out, entry, split)
    failed = 0
    fresh = not os.path.exists(args.results)
    with open(args.results, "a", newline="") as file, ProcessPoolExecutor(args.jobs) as pool:
        writer = csv.DictWriter(file, FIELDS, restval="")
        if fresh:
            writer.writeheader()
        runs = {pool.submit(one, args, *work): work for work in todo}
        for finished in as_completed(runs):
            work = runs[finished]
            try:
                writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in finished.result().items()})
                file.flush()
            except Exception as error:
                failed += 1
                print(f"{work[0]['name']}, split {work[1]}, {work[3]}: {error}", file=sys.stderr)
    print(f"{len(todo) - failed} runs, {failed} failed; {args.results}", file=sys.stderr)


if __name__ == "__main__":
    main()
