import numpy as np
import pandas as pd
import pytest
import torch

from spherical_gae.plotting.node_colors import as_values, category_color, concentration_color, number_color


@pytest.mark.parametrize(
    "values", [[1, 2, 2], np.array([1, 2, 2]), list(np.array([1, 2, 2])), torch.tensor([1, 2, 2]), range(3)]
)
def test_values_of_any_sequence(values: object) -> None:
    assert as_values("labels", values, 3) in ([1, 2, 2], [0, 1, 2])


def test_missing_values() -> None:
    assert as_values("labels", np.array([1.5, np.nan]), 2) == [1.5, None]
    assert as_values("labels", ["a", None], 2) == ["a", None]


@pytest.mark.parametrize("values", [[1, 2], [[1], [2], [3]], np.ones((3, 1)), torch.tensor(3)])
def test_one_value_for_each_node(values: object) -> None:
    with pytest.raises(ValueError, match="labels must have one value for each of the 3 nodes"):
        as_values("labels", values, 3)


def test_categories_in_the_order_of_numbers_or_of_the_alphabet() -> None:
    assert category_color("class", [10, 9, None, 10]) == {
        "name": "class",
        "categories": ["9", "10"],
        "values": [1, 0, -1, 1],
    }
    assert category_color("class", ["b", "a", 3])["categories"] == ["3", "a", "b"]
    listed = as_values("class", list(np.arange(12)), 12)
    assert category_color("class", listed)["categories"] == [str(k) for k in range(12)]
    assert number_color("degree", as_values("degree", list(np.arange(3, dtype=np.float32)), 3))["values"] == [0, 1, 2]


def test_numbers_of_a_wide_range_by_their_logarithm() -> None:
    assert number_color("degree", [0, 5, 200, None])["log"]
    assert not number_color("degree", [3, 5])["log"]
    assert not number_color("x", [-5.0, 200.0])["log"]
    assert number_color("concentration", [1 / 3, None])["values"] == [0.3333, None]


@pytest.mark.parametrize("value", ["a", float("inf")])
def test_numbers_only(value: object) -> None:
    with pytest.raises(ValueError, match="degree must be finite numbers, got"):
        number_color("degree", [1, value])


def test_missing_values_of_pandas() -> None:
    assert as_values("labels", pd.Series([1, None, 2], dtype="Int64"), 3) == [1, None, 2]
    assert as_values("labels", pd.Series(["a", None], dtype="string"), 2) == ["a", None]


def test_integers_among_missing_values_are_shown_as_integers() -> None:
    """An array of integers has floats where some are missing."""
    listed = as_values("labels", np.array([0, 1, 2, np.nan, 1, 10]), 6)
    expected = {"name": "class", "categories": ["0", "1", "2", "10"], "values": [0, 1, 2, -1, 1, 3]}
    assert category_color("class", listed) == expected
    series = as_values("labels", pd.Series([10, None, 9]), 3)
    assert category_color("class", series)["categories"] == ["9", "10"]
    assert category_color("class", [1, 1.0, 0.5, "1.0"])["categories"] == ["0.5", "1", "1.0"]
    assert category_color("class", [2.0**53, float("inf")])["categories"] == ["9007199254740992.0", "inf"]


@pytest.mark.parametrize("values", [{0: "a", 1: "b", 2: "c"}, {"a", "b", "c"}, frozenset("abc")])
def test_values_that_are_in_no_order_are_refused(values: object) -> None:
    kind = type(values).__name__
    with pytest.raises(ValueError, match=f"^labels must have one value for each .* in their order, got a {kind}$"):
        as_values("labels", values, 3)


def test_names_of_a_view_are_in_its_order() -> None:
    assert as_values("node_ids", {"b": 1, "a": 2}.keys(), 2) == ["b", "a"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, -1, -2.5], "concentration must be at least 0, got -2.5"),
        ([1, None], "concentration must be at least 0, got NaN or None"),
        ([1, float("inf")], "concentration must be finite numbers, got inf"),
        ([-1, "a"], "concentration must be finite numbers, got 'a'"),
    ],
)
def test_concentrations_are_at_least_0(values: list[object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        concentration_color("concentration", values)


def test_0_is_the_concentration_of_the_uniform_distribution() -> None:
    assert concentration_color("concentration", [0, 500.0]) == number_color("concentration", [0, 500.0])
