# SPDX-License-Identifier: MIT
"""The peers of compare.py: each is a function of (task, numbers, categories, seed, threads) that returns an estimator
with fit and predict or predict_proba on a pandas table. Columns of text are categories, as for Lockstep.
"""
import numpy as np
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
        import pandas as pd
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


# ---- Tuned: 50 settings drawn at random, judged on a fifth of the training rows, the best trained on all of them -----------

def drawn(random, **ranges):
    """Draws from {name: (low, high)}, on a logarithmic scale; whole numbers stay whole."""
    setting = {}
    for name, (low, high) in ranges.items():
        value = float(np.exp(random.uniform(np.log(low), np.log(high))))
        setting[name] = int(round(value)) if isinstance(low, int) else value
    return setting


class Tuned(BaseEstimator):
    def __init__(self, make, task, seed, draw, trials=50):
        self.make, self.task, self.seed, self.draw, self.trials = make, task, seed, draw, trials

    def loss(self, model, table, target):
        if self.task != "classification":
            return float(np.mean((model.predict(table) - target) ** 2))
        place = np.searchsorted(model.classes_, target)
        chances = model.predict_proba(table)[np.arange(len(target)), place]
        return float(-np.log(np.clip(chances, 1e-15, 1)).mean())

    def fit(self, table, target):
        from sklearn.model_selection import train_test_split
        random = np.random.default_rng(self.seed)
        stratify = target if self.task == "classification" else None
        x, held_x, y, held_y = train_test_split(table, target, test_size=0.2, stratify=stratify, random_state=self.seed)
        best = np.inf
        for _ in range(self.trials):
            setting = self.draw(random)
            loss = self.loss(self.make(setting).fit(x, y), held_x, held_y)
            if loss < best:
                best, self.setting = loss, setting
        self.model = self.make(self.setting).fit(table, target)
        self.classes_ = getattr(self.model, "classes_", None)
        return self

    def predict(self, table):
        return self.model.predict(table)

    def predict_proba(self, table):
        return self.model.predict_proba(table)


def tuned(peer, **ranges):
    def make(task, numbers, categories, seed, threads):
        return Tuned(lambda setting: peer(task, numbers, categories, seed, threads, **setting), task, seed, lambda random: drawn(random, **ranges))
    return make


hgb_tuned = tuned(hgb, learning_rate=(0.02, 0.3), max_iter=(50, 400), max_leaf_nodes=(6, 63), min_samples_leaf=(2, 50), l2_regularization=(1e-3, 10.0))
lightgbm_tuned = tuned(lightgbm, learning_rate=(0.02, 0.3), n_estimators=(50, 400), num_leaves=(6, 63), min_child_samples=(2, 50), reg_lambda=(1e-3, 10.0))
catboost_tuned = tuned(catboost, learning_rate=(0.02, 0.3), iterations=(50, 400), depth=(3, 8), l2_leaf_reg=(0.5, 20.0))
mlp_tuned = tuned(mlp, learning_rate_init=(3e-4, 1e-2), alpha=(1e-5, 10.0), max_iter=(30, 300))


PEERS = {"baseline": baseline, "linear": linear, "MLP": mlp, "MLP-stopped": mlp_stopped, "HGB": hgb, "LightGBM": lightgbm, "CatBoost": catboost,
         "MLP-tuned": mlp_tuned, "HGB-tuned": hgb_tuned, "LightGBM-tuned": lightgbm_tuned, "CatBoost-tuned": catboost_tuned}
