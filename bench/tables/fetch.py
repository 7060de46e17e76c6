#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Gathers the data sets of sets.py as CSV files, with a header and the target last, and a catalogue.

    python3 bench/tables/fetch.py [--out build/tables] [--shared DIR] [--debs DIR] [--rows 10000]

Needs numpy, pandas, scikit-learn, scipy and rdata (PyPI), and takes ISLP and scikit-lego, if they are installed
(`pip install --no-deps ISLP scikit-lego` is enough). Sets of Debian packages are read from --debs (default
OUT/debs), where `apt-get download` puts what is missing. --shared is a folder with adult-train.csv.gz,
banknote_authentication.csv and others as CSV. Sets that cannot be had are left out, and named.

Larger sets are cut to --rows rows, drawn with a fixed seed. Rows without a target are left out, and so are rows of
classes that have fewer than 10 rows, and columns that hold one value only. Writes OUT/sets/NAME.csv and
OUT/catalogue.json: name, task, group, source and licence, rows, columns, categories, gaps, classes.
"""
import argparse, bz2, importlib.util, io, json, lzma, os, subprocess, sys, warnings, zipfile, zlib

import numpy as np
import pandas as pd

import sets as catalogue

DEBS = {"mlbench": "r-cran-mlbench", "kernlab": "r-cran-kernlab", "modeldata": "r-cran-modeldata", "carData": "r-cran-cardata",
        "ggplot2": "r-cran-ggplot2", "VIM": "r-cran-vim", "MASS": "r-cran-mass", "weka": "weka"}
FEWEST = 10


def unpacked(args, package):
    """Returns the folder with the files of a Debian package, downloading it if need be."""
    folder = os.path.join(args.debs, package)
    if not os.path.isdir(folder):
        os.makedirs(args.debs, exist_ok=True)
        subprocess.run(["apt-get", "download", package], cwd=args.debs, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        file = next(f for f in os.listdir(args.debs) if f.startswith(package + "_"))
        subprocess.run(["dpkg", "-x", os.path.join(args.debs, file), folder], check=True)
    return folder


def inside(folder, ending):
    return next(os.path.join(at, f) for at, _, files in os.walk(folder) for f in files if os.path.join(at, f).endswith(ending))


# ---- Readers: each returns a table, and the target's name ---------------------------------------------------------------

def shared(args, where, target):
    table = pd.read_csv(os.path.join(args.shared, where), header=None, skipinitialspace=True, na_values="?")
    table.columns = [f"x{i + 1}" for i in range(table.shape[1] - 1)] + ["class"]
    return table, "class"


def sklearn(args, where, target):
    import sklearn.datasets
    table = getattr(sklearn.datasets, where)(as_frame=True).frame
    return table, "target"


def rda(args, where, target):
    import rdata
    package, name = where.split("/")
    return rdata.read_rda(inside(unpacked(args, DEBS[package]), f"/{name}.rda"))[name], target


def rdb(args, where, target):
    """Reads an object of the database that R makes of a package's data: an index and compressed streams."""
    import rdata
    package, name = where.split("/")
    base = inside(unpacked(args, DEBS[package]), f"{package}/data/Rdata.rdb")[:-4]

    def value(raw):
        return rdata.conversion.convert(rdata.parser.parse_data(raw))
    with open(base + ".rdx", "rb") as file:
        start, length = value(file.read())["variables"][name]
    with open(base + ".rdb", "rb") as file:
        part = file.read()[start:start + length]
    if part[4:5] == b"Z":
        raw = lzma.decompress(part[5:], format=lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2}])
    else:
        raw = bz2.decompress(part[5:]) if part[4:5] == b"2" else zlib.decompress(part[4:])
    return value(raw), target


def arff(args, where, target):
    from scipy.io.arff import loadarff
    tables = [pd.DataFrame(loadarff(inside(unpacked(args, "weka"), f"/{name}.arff"))[0]) for name in where.split(",")]
    table = pd.concat(tables)
    for column in table.columns:
        if table[column].dtype == object:
            table[column] = table[column].str.decode("utf-8").replace("?", np.nan)
    return table, target


def package_file(package, file):
    return os.path.join(os.path.dirname(importlib.util.find_spec(package).origin), "data", file)


def islp(args, where, target):
    return pd.read_csv(package_file("ISLP", where + ".csv"), na_values="?"), target


def sklego(args, where, target):
    with zipfile.ZipFile(package_file("sklego", where + ".zip")) as archive:
        return pd.read_csv(io.BytesIO(archive.read(archive.namelist()[0]))), target


def made(args, where, target):
    from sklearn.datasets import make_classification, make_friedman1
    random = np.random.default_rng(15)
    if where == "noisy":
        x, y = make_classification(2000, 20, n_informative=6, n_redundant=4, flip_y=0.2, class_sep=0.8, random_state=15)
    elif where == "classes":
        x, y = make_classification(4000, 12, n_informative=8, n_classes=5, n_clusters_per_class=2, random_state=16)
    elif where == "checkerboard":
        x = random.uniform(0, 4, (3000, 4))
        y = (np.floor(x[:, 0]) + np.floor(x[:, 1])).astype(int) % 2
    elif where == "friedman1":
        x, y = make_friedman1(2000, 10, noise=1.0, random_state=15)
    elif where == "linear":
        x = random.normal(size=(1000, 15))
        y = x @ random.normal(size=15) + random.normal(size=1000)
    else:
        x = np.exp(random.normal(0, 2, (3000, 8)))
        y = np.log1p(x[:, 0]) + np.sin(np.log(x[:, 1])) * np.log1p(x[:, 2]) + 0.3 * random.normal(size=3000)
    table = pd.DataFrame(x.round(6), columns=[f"x{i + 1}" for i in range(x.shape[1])])
    table["y"] = y if y.dtype.kind == "i" else y.round(6)
    return table, "y"


READERS = {"shared": shared, "sklearn": sklearn, "rda": rda, "rdb": rdb, "arff": arff, "ISLP": islp, "sklego": sklego, "made": made}


# ---- Writing ------------------------------------------------------------------------------------------------------------

def cleaned(table, target, dropped, task, rows):
    table = table.drop(columns=dropped).rename(columns=str)
    table = table[[c for c in table.columns if c != target] + [target]]
    table = table[table[target].notna()]
    for column in table.columns:
        if isinstance(table[column].dtype, pd.CategoricalDtype) or table[column].dtype.kind not in "biuf":
            numbers = pd.to_numeric(table[column], errors="coerce")
            if (numbers.notna() == table[column].notna()).all():
                table[column] = numbers
            else:
                table[column] = table[column].astype(object).where(table[column].notna(), None)
                table[column] = table[column].map(lambda v: None if v is None else str(v).strip().strip("'").replace("%", " percent"))
        elif table[column].dtype.kind == "b":
            table[column] = table[column].astype(int)
    if len(table) > rows:
        table = table.sample(rows, random_state=15)
    if task == catalogue.CLASSES:
        counts = table[target].value_counts()
        table = table[table[target].isin(counts[counts >= FEWEST].index)]
    return table[[c for c in table.columns if c == target or table[c].nunique(dropna=False) > 1]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="build/tables")
    parser.add_argument("--shared", default="")
    parser.add_argument("--debs")
    parser.add_argument("--rows", type=int, default=10000)
    args = parser.parse_args()
    args.debs = args.debs or os.path.join(args.out, "debs")
    warnings.simplefilter("ignore")
    os.makedirs(os.path.join(args.out, "sets"), exist_ok=True)
    found = []
    for name, (task, kind, where, target, dropped, source) in catalogue.SETS.items():
        try:
            table, target = READERS[kind](args, where, target)
        except (OSError, ImportError, AttributeError, StopIteration, subprocess.CalledProcessError) as error:
            print(f"{name}: left out ({error.__class__.__name__}: {error})", file=sys.stderr)
            continue
        table = cleaned(table, target, dropped, task, args.rows)
        table.to_csv(os.path.join(args.out, "sets", name + ".csv"), index=False)
        inputs = table.drop(columns=target)
        found.append({"name": name, "task": task, "group": catalogue.group(name), "source": source, "rows": len(table), "columns": inputs.shape[1],
                      "categories": int(sum(inputs[c].dtype.kind not in "biuf" for c in inputs)), "gaps": int(inputs.isna().sum().sum()),
                      "classes": int(table[target].nunique()) if task == catalogue.CLASSES else 0,
                      "largest": round(float(table[target].value_counts(normalize=True).max()), 3) if task == catalogue.CLASSES else None})
        print("{name:18} {task:14} {group:12} rows {rows:6} columns {columns:4} categories {categories:3} gaps {gaps:6} classes {classes:3} {largest}".format(**found[-1]))
    with open(os.path.join(args.out, "catalogue.json"), "w") as file:
        json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
