"""What both clusterings share of scikit-learn's conventions: settings of any kind, names of columns, memory maps."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

from spherical_gae.cluster import SphericalKMeans, VonMisesFisherMixture
from spherical_gae.cluster.settings import check_count, check_tolerance

BOTH = pytest.mark.parametrize("estimator", [SphericalKMeans, VonMisesFisherMixture])
TABLE = pd.DataFrame(np.eye(4), columns=list("abcd"))


@pytest.mark.parametrize("value", [0, -5, 2.5, 2.0, "2", "auto", None, float("nan"), np.float64(2)])
def test_what_is_no_count_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^n_init must be an integer of at least 1, got "):
        check_count("n_init", value)
    with pytest.raises(ValueError, match=r"^n_clusters must be an integer from 1 to the number of rows, 3, got "):
        check_count("n_clusters", value, 3)


def test_counts_go_up_to_the_number_of_rows() -> None:
    for count in (1, 3, np.int64(3), np.uint8(2)):
        check_count("n_clusters", count, 3)
    with pytest.raises(ValueError, match=r"^n_clusters must be an integer from 1 to the number of rows, 3, got 4$"):
        check_count("n_clusters", 4, 3)
    check_count("n_init", 4)


@pytest.mark.parametrize("value", [-1, -1e-9, float("nan"), "1e-5", None, 1j])
def test_what_is_no_tolerance_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^tol must be a number, 0 or more, got "):
        check_tolerance(value)


def test_tolerances_are_numbers_from_0_on() -> None:
    for value in (0, 0.0, np.float32(1e-5), Fraction(1, 3), float("inf")):
        check_tolerance(value)


@BOTH
@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        ("n_init", "auto", "an integer of at least 1, got 'auto'"),
        ("n_init", 2.5, r"an integer of at least 1, got 2\.5"),
        ("max_iter", 0, "an integer of at least 1, got 0"),
        ("max_iter", -5, "an integer of at least 1, got -5"),
        ("tol", float("nan"), "a number, 0 or more, got nan"),
        ("tol", -1, "a number, 0 or more, got -1"),
    ],
)
def test_settings_of_both_are_named(estimator: Any, setting: str, value: Any, allowed: str) -> None:
    with pytest.raises(ValueError, match=f"^{setting} must be {allowed}$"):
        estimator(2, **{setting: value}).fit(np.eye(4))


@BOTH
def test_columns_must_have_the_names_of_training(estimator: Any) -> None:
    model = estimator(2, random_state=0).fit(TABLE)
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    assert np.array_equal(model.predict(TABLE), model.labels_)
    with pytest.raises(ValueError, match="Feature names must be in the same order as they were in fit"):
        model.predict(TABLE[["d", "c", "b", "a"]])
    with pytest.raises(ValueError, match=r"(?s)Feature names unseen at fit time:\n- e\n.*yet now missing:\n- d\n"):
        model.predict(TABLE.rename(columns={"d": "e"}))
    with pytest.warns(UserWarning, match=r"^X does not have valid feature names, but"):
        assert np.array_equal(model.predict(TABLE.to_numpy()), model.labels_)


@BOTH
def test_columns_without_names_have_none_to_match(estimator: Any) -> None:
    model = estimator(2, random_state=0).fit(TABLE).fit(TABLE.to_numpy())
    assert not hasattr(model, "feature_names_in_")
    with pytest.warns(UserWarning, match=r"^X has feature names, but"):
        model.predict(TABLE)
    numbered = pd.DataFrame(np.eye(4))
    assert not hasattr(estimator(2).fit(numbered), "feature_names_in_")
    with pytest.raises(TypeError, match="Feature names are only supported if all input features have string names"):
        estimator(2).fit(numbered.rename(columns={0: "a"}))


def test_all_that_the_mixture_says_of_rows_heeds_the_names() -> None:
    model = VonMisesFisherMixture(2, random_state=0).fit(TABLE)
    for ask in (model.predict_proba, model.score_samples, model.score, model.bic, model.aic):
        with pytest.raises(ValueError, match="same order as they were in fit"):
            ask(TABLE[["b", "a", "c", "d"]])


@BOTH
def test_memory_maps_are_read_without_a_warning(estimator: Any, tmp_path: Path) -> None:
    """Of the rows, and of a fitted model: pytest makes PyTorch's warning an error."""
    random = np.random.default_rng(0)
    x = random.normal(size=(50, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    joblib.dump((x, estimator(3, random_state=0).fit(x)), tmp_path / "saved")
    rows, model = joblib.load(tmp_path / "saved", mmap_mode="r")
    assert not rows.flags.writeable
    assert np.array_equal(estimator(3, random_state=0).fit(rows).labels_, model.labels_)
    assert np.array_equal(model.predict(rows), model.labels_)
    if estimator is VonMisesFisherMixture:
        assert not model.means_.flags.writeable
        assert model.sample(5)[0].shape == (5, 3)
