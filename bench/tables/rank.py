#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the candidates of a results file of compare.py: mean ranks, wins, ties and losses, ratios; in Markdown.

    python3 bench/tables/rank.py build/tables/confirmation.csv --against MLP [--candidates default,MLP,HGB] [--by-set]

Only splits that all candidates have are used. Ranks are those of a set's mean over its splits (1 is best; ties share
their mean rank), averaged over sets. Wins, ties and losses against --against count splits. "rel." is the candidate's
log-loss or RMSE over that of --against, as geometric mean over sets; 0.01 is added to both log-losses, so that sets
that both predict perfectly do not decide. "time" is the processor time to fit over that of --against: of the sums
over all sets, and the median set's. --time-against names another candidate for times.
"""
import argparse, csv, math, statistics
from collections import defaultdict

FIGURES = {"accuracy": 1, "logloss": -1, "auc": 1, "rmse": -1}
FLOOR = 0.01


def load(paths):
    """Returns {(set, split): {candidate: row}}."""
    runs = defaultdict(dict)
    for path in paths:
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                runs[row["set"], int(row["split"])][row["candidate"]] = row
    return runs


def complete(runs, candidates, splits):
    return {key: rows for key, rows in runs.items() if key[1] < splits and all(c in rows for c in candidates)}


def ranks(values, sign):
    """Returns the rank of each value, 1 for the best; equal ones share the mean of their places."""
    return [1 + sum(sign * o > sign * v for o in values) + (sum(o == v for o in values) - 1) / 2 for v in values]


def mean(rows, candidate, figure):
    return statistics.fmean(float(r[candidate][figure]) for r in rows)


def by_set(runs):
    sets = defaultdict(list)
    for (name, _), rows in sorted(runs.items()):
        sets[name].append(rows)
    return sets


def having(sets, figure, candidate):
    return {n: rows for n, rows in sets.items() if rows[0][candidate][figure] != ""}


def summary(runs, candidates, against, time_against):
    sets = by_set(runs)
    result = {c: {} for c in candidates}
    for figure, sign in FIGURES.items():
        chosen = having(sets, figure, candidates[0])
        table = {n: [mean(rows, c, figure) for c in candidates] for n, rows in chosen.items()}
        placed = [ranks([round(v, 6) for v in values], sign) for values in table.values()]
        for i, c in enumerate(candidates):
            result[c][figure + " rank"] = statistics.fmean(p[i] for p in placed) if placed else math.nan
        for c in candidates:
            score = [0, 0, 0]
            for rows in chosen.values():
                for r in rows:
                    difference = sign * (float(r[c][figure]) - float(r[against][figure]))
                    score[0 if difference > 1e-9 else 2 if difference < -1e-9 else 1] += 1
            result[c][figure + " wtl"] = "-".join(map(str, score))
            if figure in ("logloss", "rmse"):
                floor = FLOOR if figure == "logloss" else 0
                logs = [math.log((mean(rows, c, figure) + floor) / (mean(rows, against, figure) + floor)) for rows in chosen.values()]
                result[c][figure + " rel"] = math.exp(statistics.fmean(logs)) if logs else math.nan
            else:
                gains = [mean(rows, c, figure) - mean(rows, against, figure) for rows in chosen.values()]
                result[c][figure + " gain"] = statistics.fmean(gains) if gains else math.nan
    for c in candidates:
        times = {n: (mean(rows, c, "cpu"), mean(rows, time_against, "cpu")) for n, rows in sets.items()}
        result[c]["time"] = sum(t for t, _ in times.values()) / sum(t for _, t in times.values())
        result[c]["time median"] = statistics.median(t / o for t, o in times.values())
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+")
    parser.add_argument("--against", default="MLP")
    parser.add_argument("--time-against")
    parser.add_argument("--candidates", default="")
    parser.add_argument("--splits", type=int, default=1000)
    parser.add_argument("--by-set", action="store_true")
    parser.add_argument("--sort", default="", help="logloss rel, accuracy rank, …")
    args = parser.parse_args()
    runs = load(args.results)
    candidates = [c for c in args.candidates.split(",") if c] or sorted({c for rows in runs.values() for c in rows})
    runs = complete(runs, set(candidates) | {args.against, args.time_against or args.against}, args.splits)
    sets = by_set(runs)
    print(f"{len(sets)} sets, {len(runs)} splits; against {args.against}\n")
    if not runs:
        return
    result = summary(runs, candidates, args.against, args.time_against or args.against)
    if args.sort:
        candidates.sort(key=lambda c: result[c][args.sort])
    print("| | rank accuracy | gain | W-T-L | rank log-loss | rel. | W-T-L | rank AUC | rank RMSE | rel. | W-T-L | time, sum | median |")
    print("|---|" + "---|" * 12)
    for c in candidates:
        r = result[c]
        print(f"| {c} | {r['accuracy rank']:.2f} | {r['accuracy gain']:+.4f} | {r['accuracy wtl']} | {r['logloss rank']:.2f} | {r['logloss rel']:.3f} | {r['logloss wtl']}"
              f" | {r['auc rank']:.2f} | {r['rmse rank']:.2f} | {r['rmse rel']:.3f} | {r['rmse wtl']} | {r['time']:.2f} | {r['time median']:.2f} |")
    if args.by_set:
        for figure, digits in (("accuracy", 4), ("logloss", 4), ("rmse", 5)):
            chosen = having(sets, figure, candidates[0])
            print(f"\n| {figure} | " + " | ".join(candidates) + " |\n|---|" + "---|" * len(candidates))
            for name, rows in chosen.items():
                values = [mean(rows, c, figure) for c in candidates]
                best = max(values) if figure == "accuracy" else min(values)
                texts = [f"{v:.{digits}g}" if figure == "rmse" else f"{v:.{digits}f}" for v in values]
                print(f"| {name} | " + " | ".join(f"**{t}**" if v == best else t for t, v in zip(texts, values)) + " |")


if __name__ == "__main__":
    main()
