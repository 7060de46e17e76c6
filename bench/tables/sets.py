# SPDX-License-Identifier: MIT
"""The data sets: where each comes from, its licence, the task, the target, columns left out, and its group.

The group of a set is fixed by its name, before any result: sets that earlier releases were tuned or measured on
(EARLIER) are development sets; of the others, those whose SHA-256 of the name begins with an even digit. All
others are confirmation sets, which are used once, with defaults that are fixed.
"""
import hashlib

UCI = "UCI Machine Learning Repository, CC BY 4.0"
MLBENCH = "Debian r-cran-mlbench (GPL-2); " + UCI
KERNLAB = "Debian r-cran-kernlab (GPL-2)"
MODELDATA = "Debian r-cran-modeldata (MIT)"
CARDATA = "Debian r-cran-cardata (GPL-2+)"
ISLP = "PyPI ISLP (BSD-3-Clause)"
SKLEARN = "scikit-learn (BSD-3-Clause)"
MADE = "generated"

CLASSES, NUMBER = "classification", "regression"

# name: (task, kind of source, where, target, columns left out, source and licence)
SETS = {
    "adult": (CLASSES, "shared", "adult-train.csv.gz", -1, [], UCI),
    "banknote": (CLASSES, "shared", "banknote_authentication.csv", -1, [], UCI),
    "ionosphere": (CLASSES, "shared", "ionosphere.csv", -1, [], UCI),
    "mammography": (CLASSES, "shared", "mammography.csv", -1, [], "OpenML; Woods et al."),
    "phoneme": (CLASSES, "shared", "phoneme.csv", -1, [], "ELENA project"),
    "iris": (CLASSES, "sklearn", "load_iris", None, [], SKLEARN),
    "wine": (CLASSES, "sklearn", "load_wine", None, [], SKLEARN),
    "breast_cancer": (CLASSES, "sklearn", "load_breast_cancer", None, [], SKLEARN),
    "digits": (CLASSES, "sklearn", "load_digits", None, [], SKLEARN),
    "glass": (CLASSES, "rda", "mlbench/Glass", "Type", [], MLBENCH),
    "vehicle": (CLASSES, "rda", "mlbench/Vehicle", "Class", [], MLBENCH),
    "vowel": (CLASSES, "rda", "mlbench/Vowel", "Class", [], MLBENCH),
    "sonar": (CLASSES, "rda", "mlbench/Sonar", "Class", [], MLBENCH),
    "satellite": (CLASSES, "rda", "mlbench/Satellite", "classes", [], MLBENCH),
    "letters": (CLASSES, "rda", "mlbench/LetterRecognition", "lettr", [], MLBENCH),
    "pima": (CLASSES, "rda", "mlbench/PimaIndiansDiabetes2", "diabetes", [], MLBENCH),
    "dna": (CLASSES, "rda", "mlbench/DNA", "Class", [], MLBENCH),
    "soybean": (CLASSES, "rda", "mlbench/Soybean", "Class", [], MLBENCH),
    "votes": (CLASSES, "rda", "mlbench/HouseVotes84", "Class", [], MLBENCH),
    "shuttle": (CLASSES, "rda", "mlbench/Shuttle", "Class", [], MLBENCH),
    "spam": (CLASSES, "rda", "kernlab/spam", "type", [], KERNLAB + "; " + UCI),
    "ticdata": (CLASSES, "rda", "kernlab/ticdata", "CARAVAN", [], KERNLAB + "; Sentient Machine Research"),
    "income": (CLASSES, "rda", "kernlab/income", "INCOME", [], KERNLAB + "; Impact Resources 1987"),
    "musk": (CLASSES, "rda", "kernlab/musk", "Class", [], KERNLAB + "; " + UCI),
    "credit_g": (CLASSES, "arff", "credit-g", "class", [], "Debian weka (GPL-2+); " + UCI),
    "recurrence": (CLASSES, "arff", "breast-cancer", "Class", [], "Debian weka (GPL-2+); " + UCI),
    "segment": (CLASSES, "arff", "segment-challenge,segment-test", "class", [], "Debian weka (GPL-2+); " + UCI),
    "attrition": (CLASSES, "rdb", "modeldata/attrition", "Attrition", [], MODELDATA),
    "cells": (CLASSES, "rdb", "modeldata/cells", "class", ["case"], MODELDATA),
    "credit_data": (CLASSES, "rdb", "modeldata/credit_data", "Status", [], MODELDATA),
    "mlc_churn": (CLASSES, "rdb", "modeldata/mlc_churn", "churn", [], MODELDATA),
    "wa_churn": (CLASSES, "rdb", "modeldata/wa_churn", "churn", [], MODELDATA),
    "hpc": (CLASSES, "rdb", "modeldata/hpc_data", "class", [], MODELDATA),
    "lending_club": (CLASSES, "rdb", "modeldata/lending_club", "Class", [], MODELDATA),
    "stackoverflow": (CLASSES, "rdb", "modeldata/stackoverflow", "Remote", [], MODELDATA),
    "ad_data": (CLASSES, "rdb", "modeldata/ad_data", "Class", [], MODELDATA),
    "arrests": (CLASSES, "rdb", "carData/Arrests", "released", [], CARDATA),
    "chile": (CLASSES, "rdb", "carData/Chile", "vote", [], CARDATA),
    "titanic": (CLASSES, "rdb", "carData/TitanicSurvival", "survived", [], CARDATA),
    "beps": (CLASSES, "rdb", "carData/BEPS", "vote", [], CARDATA),
    "wvs": (CLASSES, "rdb", "carData/WVS", "poverty", [], CARDATA),
    "orange_juice": (CLASSES, "ISLP", "OJ", "Purchase", [], ISLP),
    "default": (CLASSES, "ISLP", "Default", "default", [], ISLP),
    "made_noisy": (CLASSES, "made", "noisy", None, [], MADE),
    "made_classes": (CLASSES, "made", "classes", None, [], MADE),
    "made_checkerboard": (CLASSES, "made", "checkerboard", None, [], MADE),
    "diabetes": (NUMBER, "sklearn", "load_diabetes", None, [], SKLEARN),
    "friedman1": (NUMBER, "made", "friedman1", None, [], MADE),
    "made_linear": (NUMBER, "made", "linear", None, [], MADE),
    "made_tails": (NUMBER, "made", "tails", None, [], MADE),
    "abalone": (NUMBER, "sklego", "abalone", "rings", [], "PyPI scikit-lego (MIT); " + UCI),
    "boston": (NUMBER, "rda", "mlbench/BostonHousing", "medv", [], MLBENCH),
    "ozone": (NUMBER, "rda", "mlbench/Ozone", "V4", [], MLBENCH),
    "servo": (NUMBER, "rda", "mlbench/Servo", "Class", [], MLBENCH),
    "ames": (NUMBER, "rdb", "modeldata/ames", "Sale_Price", [], MODELDATA),
    "concrete": (NUMBER, "rdb", "modeldata/concrete", "compressive_strength", [], MODELDATA),
    "sacramento": (NUMBER, "rdb", "modeldata/Sacramento", "price", [], MODELDATA),
    "car_prices": (NUMBER, "rdb", "modeldata/car_prices", "Price", [], MODELDATA),
    "chicago": (NUMBER, "rdb", "modeldata/Chicago", "ridership", ["date"], MODELDATA),
    "biomass": (NUMBER, "rdb", "modeldata/biomass", "HHV", ["sample", "dataset"], MODELDATA),
    "meats": (NUMBER, "rdb", "modeldata/meats", "fat", ["water", "protein"], MODELDATA),
    "slid": (NUMBER, "rdb", "carData/SLID", "wages", [], CARDATA),
    "salaries": (NUMBER, "rdb", "carData/Salaries", "salary", [], CARDATA),
    "diamonds": (NUMBER, "rdb", "ggplot2/diamonds", "price", [], "Debian r-cran-ggplot2 (MIT)"),
    "tao": (NUMBER, "rdb", "VIM/tao", "Sea.Surface.Temp", [], "Debian r-cran-vim (GPL-2+)"),
    "wine_prices": (NUMBER, "rdb", "VIM/wine", "price", ["taster_twitter_handle", "winery"], "Debian r-cran-vim (GPL-2+)"),
    "schools": (NUMBER, "rdb", "MASS/nlschools", "lang", ["class"], "Debian r-cran-mass (GPL-2+)"),
    "auto_mpg": (NUMBER, "ISLP", "Auto", "mpg", ["name"], ISLP + "; " + UCI),
    "bikeshare": (NUMBER, "ISLP", "Bikeshare", "bikers", ["casual", "registered"], ISLP + "; " + UCI),
    "carseats": (NUMBER, "ISLP", "Carseats", "Sales", [], ISLP),
    "college": (NUMBER, "ISLP", "College", "Apps", [], ISLP),
    "hitters": (NUMBER, "ISLP", "Hitters", "Salary", [], ISLP),
    "wage": (NUMBER, "ISLP", "Wage", "wage", ["logwage", "region"], ISLP),
}

# Looked at while the defaults of earlier releases were chosen, or measured in docs/benchmarks.md
EARLIER = {"ionosphere", "iris", "banknote", "phoneme", "mammography", "digits", "diabetes", "friedman1", "abalone", "auto_mpg", "pima",
           "adult", "wine", "breast_cancer", "hitters", "carseats", "college", "wage", "bikeshare"}


def group(name):
    even = int(hashlib.sha256(name.encode()).hexdigest()[0], 16) % 2 == 0
    return "development" if name in EARLIER or even else "confirmation"
