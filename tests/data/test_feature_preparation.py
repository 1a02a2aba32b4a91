import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from spherical_gae.data.feature_preparation import FeaturePreparation


@pytest.fixture
def people() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": random.uniform(18, 90, 40),
            "income": np.where(random.random(40) < 0.2, np.nan, random.lognormal(10, 1, 40)),
            "share": random.random(40),
            "is_member": random.random(40) < 0.5,
            "town": random.choice(["Ulm", "Bonn", "Kiel"], 40),
        },
        index=[f"person {k}" for k in range(40)],
    )


def test_features_are_those_of_scikit_learn(people: pd.DataFrame) -> None:
    """Numbers beyond 10 as StandardScaler makes them, a missing one as the mean; categories as OneHotEncoder."""
    preparation = FeaturePreparation.fit(people)
    x = preparation.transform(people).numpy()
    assert x.dtype == np.float32
    names = ["age", "income", "share", "is_member", "income is missing", "town=Bonn", "town=Kiel", "town=Ulm"]
    assert preparation.feature_names == names
    assert preparation.scaled == ["age", "income"]
    expected = np.nan_to_num(StandardScaler().fit_transform(people[["age", "income"]]))
    np.testing.assert_allclose(x[:, :2], expected, atol=1e-5)
    np.testing.assert_allclose(x[:, 2], people.share, rtol=1e-6)
    assert x[:, 3].tolist() == people.is_member.astype(float).tolist()
    assert x[:, 4].tolist() == people.income.isna().astype(float).tolist()
    np.testing.assert_array_equal(x[:, 5:], OneHotEncoder(sparse_output=False).fit_transform(people[["town"]]))


@pytest.mark.parametrize(
    ("standardize", "scaled"), [("auto", ["age", "income"]), (True, ["age", "income", "share"]), (False, [])]
)
def test_what_is_scaled(people: pd.DataFrame, standardize: Any, scaled: list[str]) -> None:
    assert FeaturePreparation.fit(people, standardize).scaled == scaled


def test_later_nodes_get_the_same_features_after_json(people: pd.DataFrame, tmp_path: Path) -> None:
    """Whoever comes with them, in whatever order of columns; what is new is none of the known."""
    preparation = FeaturePreparation.fit(people)
    preparation.save(tmp_path / "preparation.json")
    json.loads((tmp_path / "preparation.json").read_text())
    again = FeaturePreparation.load(tmp_path / "preparation.json")
    assert again == preparation
    whole = preparation.transform(people)
    for rows in ([3], [5, 0], range(10, 40)):
        assert torch.equal(again.transform(people.iloc[list(rows)][people.columns[::-1]]), whole[list(rows)])
    stranger = people.iloc[:1].assign(town="Rome", income=None, age=1e9, other="x")
    x = again.transform(stranger)[0]
    assert x[4:].tolist() == [1, 0, 0, 0]
    assert x[:2].tolist() == [10, 0]


def test_counts_are_divided_by_their_maximum() -> None:
    """Mostly zeros, as words are: zeros stay zeros."""
    counts = pd.DataFrame({"word": [0, 0, 0, 0, 40, 20]})
    assert FeaturePreparation.fit(counts).transform(counts)[:, 0].tolist() == [0, 0, 0, 0, 1, 0.5]


def test_outliers_are_cut() -> None:
    table = pd.DataFrame({"v": [*np.linspace(0, 1, 999), 1e6]})
    preparation = FeaturePreparation.fit(table)
    assert preparation.transform(table).max() == 10
    assert preparation.num_cut(table) == 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"v": [1.0, np.inf]}), "given inf as 'v' of node 1"),
        (pd.DataFrame({"v": [1.0, -1e39]}), r"given -1e\+39 as 'v' of node 1, allowed: finite float32"),
        (pd.DataFrame({"v": [np.nan, np.nan]}), "the column 'v' without a value"),
        (pd.DataFrame({"v": [str(k) + "x" for k in range(51)]}), "given 51 different texts in the column 'v'"),
        (pd.DataFrame(), r"a table of shape \[0, 0\]"),
    ],
)
def test_what_cannot_be_features(table: pd.DataFrame, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FeaturePreparation.fit(table)


def test_tables_of_later_nodes_that_do_not_fit(people: pd.DataFrame, tmp_path: Path) -> None:
    preparation = FeaturePreparation.fit(people)
    with pytest.raises(ValueError, match="a table without 'age', 'town'"):
        preparation.transform(people.drop(columns=["age", "town"]))
    with pytest.raises(ValueError, match="text in the column 'age'"):
        preparation.transform(people.assign(age="old"))
    with pytest.raises(ValueError, match="given an infinite number as 'share' of node 'person 0'"):
        preparation.transform(people.assign(share=np.inf))
    # The age is cut at ten deviations, and would be 10.
    with pytest.raises(ValueError, match="given an infinite number as 'age' of node 'person 0'"):
        preparation.transform(people.assign(age=-np.inf))
    (tmp_path / "other.json").write_text('{"numbers": 3}')
    with pytest.raises(ValueError, match=r"other\.json: not a saved FeaturePreparation"):
        FeaturePreparation.load(tmp_path / "other.json")
    with pytest.raises(ValueError, match="standardize: given 'yes'"):
        FeaturePreparation.fit(people, "yes")  # type: ignore[arg-type]


def test_names_that_are_numbers_are_names() -> None:
    """Not places of columns, which scikit-learn takes them for."""
    table = pd.DataFrame({1: [100.0, 200.0, 300.0], 0: [1.0, 2.0, 3.0]})
    preparation = FeaturePreparation.fit(table)
    expected = FeaturePreparation.fit(table.set_axis(["b", "a"], axis=1)).transform(table.set_axis(["b", "a"], axis=1))
    assert torch.equal(preparation.transform(table), expected)
    assert torch.equal(preparation.transform(table[[0, 1]]), expected)
    with pytest.raises(ValueError, match="given the column '1' twice"):
        FeaturePreparation.fit(table.set_axis([1, "1"], axis=1))


def test_missing_values_are_no_zeros() -> None:
    """A column that is mostly missing is no count."""
    made = FeaturePreparation.fit(pd.DataFrame({"income": [20.0, np.nan, np.nan, 60, np.nan]}))
    assert (made.mean, made.scale) == ([40], [20])
    assert made.transform(pd.DataFrame({"income": [20.0, np.nan]}))[:, 0].tolist() == [-1, 0]
    counts = FeaturePreparation.fit(pd.DataFrame({"count": [0.0, np.nan, 0, 60, np.nan]}))
    assert (counts.mean, counts.scale) == ([0], [60])
