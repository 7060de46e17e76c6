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


PEERS = {"baseline": baseline, "linear": linear, "MLP": mlp, "MLP-stopped": mlp_stopped, "HGB": hgb, "LightGBM": lightgbm, "CatBoost": catboost}
