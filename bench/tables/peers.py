# SPDX-License-Identifier: MIT
"""The peers of compare.py: each is a function of (task, numbers, categories, seed, threads) that returns an estimator
with fit and predict or predict_proba on a pandas table. Columns of text are categories, as for Lockstep. A model that
keeps no networks has expect(table), which is called with the inputs of the test rows before fit.
"""
import contextlib
import json
import os
import sys
import tempfile

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler


def scaled(numbers, categories):
    """Means for gaps and mean 0, deviation 1; one-hot categories, with a missing one as a category of its own."""
    return ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        ("categories", make_pipeline(SimpleImputer(strategy="constant", fill_value="(missing)"), OneHotEncoder(handle_unknown="ignore", sparse_output=False)),
         categories)])


def target_scaled(regressor):
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())


def baseline(task, numbers, categories, seed, threads):
    return DummyClassifier(strategy="prior") if task == "classification" else DummyRegressor()


def mlp(task, numbers, categories, seed, threads, **settings):
    if task == "classification":
        return make_pipeline(scaled(numbers, categories), MLPClassifier(random_state=seed, **settings))
    return make_pipeline(scaled(numbers, categories), target_scaled(MLPRegressor(random_state=seed, **settings)))


def mlp_stopped(*arguments):
    return mlp(*arguments, early_stopping=True)


def linear(task, numbers, categories, seed, threads):
    return make_pipeline(scaled(numbers, categories), LogisticRegression(max_iter=1000) if task == "classification" else Ridge())


class Categorised(BaseEstimator):
    """A model that takes categories of its own kind: prepare turns a table into what it reads."""

    def __init__(self, model, categories, codes):
        self.model, self.categories, self.codes = model, categories, codes

    def prepare(self, table):
        table = table.copy()
        for column in self.categories:
            if self.codes:
                table[column] = table[column].astype("object").astype(self.kinds[column])
            else:
                table[column] = table[column].astype("object").where(table[column].notna(), "(missing)").astype(str)
        return table

    def fit(self, table, target):
        self.kinds = {c: pd.CategoricalDtype(sorted(table[c].dropna().unique())) for c in self.categories}
        self.model.fit(self.prepare(table), target)
        self.classes_ = getattr(self.model, "classes_", None)
        return self

    def predict(self, table):
        return self.model.predict(self.prepare(table))

    def predict_proba(self, table):
        return self.model.predict_proba(self.prepare(table))


def hgb(task, numbers, categories, seed, threads, **settings):
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    kind = HistGradientBoostingClassifier if task == "classification" else HistGradientBoostingRegressor
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan, max_categories=250)
    prepare = ColumnTransformer([("categories", codes, categories), ("numbers", "passthrough", numbers)])
    return make_pipeline(prepare, kind(random_state=seed, categorical_features=list(range(len(categories))) or None, **settings))


def lightgbm(task, numbers, categories, seed, threads, **settings):
    from lightgbm import LGBMClassifier, LGBMRegressor
    kind = LGBMClassifier if task == "classification" else LGBMRegressor
    return Categorised(kind(random_state=seed, n_jobs=threads, verbose=-1, **settings), categories, True)


def catboost(task, numbers, categories, seed, threads, **settings):
    from catboost import CatBoostClassifier, CatBoostRegressor
    kind = CatBoostClassifier if task == "classification" else CatBoostRegressor
    return Categorised(kind(random_seed=seed, thread_count=threads, verbose=0, allow_writing_files=False, cat_features=categories, **settings),
                       categories, False)


# ---- Networks: RealMLP-TD and TabM of pytabkit, and TabPack ------------------------------------------------------------------

def filled(numbers, categories):
    """Means for gaps, and a category of its own; still a table."""
    return ColumnTransformer([("numbers", SimpleImputer(), numbers),
                              ("categories", SimpleImputer(strategy="constant", fill_value="(missing)"), categories)],
                             verbose_feature_names_out=False).set_output(transform="pandas")


class Named(BaseEstimator):
    """A model of pytabkit, which is told the names of the categories."""

    def __init__(self, model, categories):
        self.model, self.categories = model, categories

    def fit(self, table, target):
        self.model.fit(table, target, cat_col_names=self.categories)
        self.classes_ = getattr(self.model, "classes_", None)
        return self

    def predict(self, table):
        return self.model.predict(table)

    def predict_proba(self, table):
        return self.model.predict_proba(table)


def pytabkit_model(name):
    def make(task, numbers, categories, seed, threads, **settings):
        import pytabkit
        kind = getattr(pytabkit, name + ("_Classifier" if task == "classification" else "_Regressor"))
        if task != "classification":
            settings = {k: v for k, v in settings.items() if k not in ("val_metric_name", "use_ls")}
        model = kind(device="cpu", random_state=seed, n_threads=threads, **settings)
        return make_pipeline(filled(numbers, categories), Named(model, categories))
    return make


def with_settings(peer, **settings):
    return lambda *arguments: peer(*arguments, **settings)


realmlp, tabm = pytabkit_model("RealMLP_TD"), pytabkit_model("TabM_D")
# The best epoch by log-loss, and no label smoothing: what pytabkit's documentation advises where log-loss matters
realmlp_logloss = with_settings(realmlp, val_metric_name="cross_entropy", use_ls=False)
tabm_logloss = with_settings(tabm, val_metric_name="cross_entropy")


class TabPack(BaseEstimator):
    """The default settings of TabPack's repository (experiments/tabpack/make.py), whose checkout is in $TABPACK: 64 networks,
    and the ensemble that it makes as they are trained. A fifth of the training rows judges networks and ensembles, by log-loss
    or RMSE. It keeps predictions only, so it is told the test rows' inputs beforehand, with made-up targets.
    """
    SETTINGS = {"n_models": 64, "model": {"activation": "ReLU", "d_block": 384}, "optimizer": {"type": "MuonAdamWPack", "shared_step": True},
                "batch_size": 256, "n_epochs": -1, "patience": 16, "amp_dtype": "bfloat16",
                "online_ensembles": {"greedy": {"type": "greedy", "update_type": "latest", "include_current_ensemble_in_pool": True,
                                                "patience": 32, "options": {"max_ensemble_size": 32}}},
                "sampler": {"type": "RandomSampler", "space": {
                    "model": {"n_blocks": ["_tune_", "int", 1, 4], "dropout": ["_tune_", "?uniform", 0.0, 0.0, 0.5]},
                    "optimizer": {"lr": ["_tune_", "loguniform", 0.0001, 0.005], "weight_decay": ["_tune_", "loguniform", 0.001, 1.0],
                                  "muon_lr": ["_tune_", "loguniform", 0.001, 0.1]}}}}

    def __init__(self, task, numbers, categories, seed, threads):
        self.task, self.numbers, self.categories, self.seed, self.threads = task, numbers, categories, seed, threads

    def expect(self, table):
        self.held = table

    def written(self, folder, table, target):
        """Writes the data as its loader reads them: one array a kind of column, and the rows of each part."""
        from sklearn.model_selection import train_test_split
        stratify = target if self.task == "classification" else None
        train, held_out = train_test_split(np.arange(len(table)), test_size=0.2, stratify=stratify, random_state=self.seed)
        rows = pd.concat([table, self.held], ignore_index=True)
        if self.task == "classification":
            self.classes_, y = np.unique(target, return_inverse=True)
            kind, y = ("binclass" if len(self.classes_) == 2 else "multiclass"), y.astype(np.int64)
        else:
            kind, y = "regression", np.asarray(target, dtype=np.float32)
        np.save(f"{folder}/y.npy", np.concatenate([y, np.resize(y, len(self.held))]))
        if self.numbers:
            means = SimpleImputer().fit(table[self.numbers])
            np.save(f"{folder}/x_num.npy", means.transform(rows[self.numbers]).astype(np.float32))
        if self.categories:
            text = rows[self.categories].astype(object)
            np.save(f"{folder}/x_cat.npy", text.where(text.notna(), "(missing)").to_numpy().astype(np.str_))
        os.makedirs(f"{folder}/splits/default")
        for part, which in (("train", train), ("val", held_out), ("test", np.arange(len(table), len(rows)))):
            np.save(f"{folder}/splits/default/{part}.npy", which.astype(np.int32))
        with open(f"{folder}/info.json", "w") as file:
            json.dump({"task": {"type": kind, "score": "rmse" if kind == "regression" else "cross-entropy"}}, file)

    def fit(self, table, target):
        import torch
        torch.set_num_threads(self.threads)
        os.environ["SNAPSHOT_PATH"] = "/"  # it shows no progress
        sys.path.insert(0, os.path.join(os.environ["TABPACK"], "src"))
        with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing), \
                contextlib.redirect_stderr(nothing), contextlib.chdir(os.environ["TABPACK"]):
            import project.ensemble_utils as utils
            import project.tabpack as tabpack
            kept, update = {}, tabpack.update_online_ensembles

            def updated(ensembles, **known):
                kept.update(ensembles)
                return update(ensembles, **known)
            os.makedirs(f"{folder}/data")
            os.makedirs(f"{folder}/run")
            with open(f"{folder}/run/_RUNNING", "w"):
                self.written(f"{folder}/data", table, target)
            data = {"path": f"{folder}/data", "num_policy": "noisy-quantile", "extract_bin_from_num": True, "bin_policy": "convert-to-cat",
                    **({"cat_policy": "ordinal"} if self.categories else {})}
            tabpack.update_online_ensembles = updated
            try:
                tabpack.main({"seed": self.seed, "data": data, **self.SETTINGS}, f"{folder}/run")
            finally:
                tabpack.update_online_ensembles = update
            best = kept["greedy"]
            self.output = utils.compute_ensemble_prediction(best._predictions["test"], best.weights, best._prediction_type)
        return self

    def predict(self, table):
        return np.asarray(self.output)

    def predict_proba(self, table):
        chances = np.asarray(self.output, dtype=np.float64)
        return np.stack([1 - chances, chances], 1) if chances.ndim == 1 else chances


# ---- Tuned: 50 settings suggested by Optuna, judged on a fifth of the training rows, the best trained on all of them -------

def suggested(trial, **ranges):
    """Suggests from {name: (low, high)}, on a logarithmic scale; whole numbers stay whole."""
    return {name: (trial.suggest_int if isinstance(low, int) else trial.suggest_float)(name, low, high, log=True)
            for name, (low, high) in ranges.items()}


class Tuned(BaseEstimator):
    def __init__(self, make, task, seed, ranges, trials=50):
        self.make, self.task, self.seed, self.ranges, self.trials = make, task, seed, ranges, trials

    def loss(self, model, table, target):
        if self.task != "classification":
            return float(np.mean((model.predict(table) - target) ** 2))
        place = np.searchsorted(model.classes_, target)
        chances = model.predict_proba(table)[np.arange(len(target)), place]
        return float(-np.log(np.clip(chances, 1e-15, 1)).mean())

    def fit(self, table, target):
        import optuna
        from sklearn.model_selection import train_test_split
        stratify = target if self.task == "classification" else None
        x, held_x, y, held_y = train_test_split(table, target, test_size=0.2, stratify=stratify, random_state=self.seed)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=self.seed))
        study.optimize(lambda trial: self.loss(self.make(suggested(trial, **self.ranges)).fit(x, y), held_x, held_y), n_trials=self.trials)
        self.model = self.make(study.best_params).fit(table, target)
        self.classes_ = getattr(self.model, "classes_", None)
        return self

    def predict(self, table):
        return self.model.predict(table)

    def predict_proba(self, table):
        return self.model.predict_proba(table)


def tuned(peer, **ranges):
    def make(task, numbers, categories, seed, threads):
        return Tuned(lambda setting: peer(task, numbers, categories, seed, threads, **setting), task, seed, ranges)
    return make


hgb_tuned = tuned(hgb, learning_rate=(0.02, 0.3), max_iter=(50, 400), max_leaf_nodes=(6, 63), min_samples_leaf=(2, 50), l2_regularization=(1e-3, 10.0),
                  max_features=(0.4, 1.0))
lightgbm_tuned = tuned(lightgbm, learning_rate=(0.02, 0.3), n_estimators=(50, 400), num_leaves=(6, 63), min_child_samples=(2, 50), reg_lambda=(1e-3, 10.0),
                       colsample_bytree=(0.4, 1.0))
catboost_tuned = tuned(catboost, learning_rate=(0.02, 0.3), iterations=(50, 400), depth=(3, 8), l2_leaf_reg=(0.5, 20.0))
mlp_tuned = tuned(mlp, learning_rate_init=(3e-4, 1e-2), alpha=(1e-5, 10.0), max_iter=(30, 300))


PEERS = {"baseline": baseline, "linear": linear, "MLP": mlp, "MLP-stopped": mlp_stopped, "HGB": hgb, "LightGBM": lightgbm, "CatBoost": catboost,
         "RealMLP": realmlp, "RealMLP-log-loss": realmlp_logloss, "TabM": tabm_logloss, "TabPack": TabPack,
         "MLP-tuned": mlp_tuned, "HGB-tuned": hgb_tuned, "LightGBM-tuned": lightgbm_tuned, "CatBoost-tuned": catboost_tuned}
