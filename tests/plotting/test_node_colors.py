import numpy as np
import pandas as pd
import pytest
import torch

from spherical_gae.plotting.node_colors import as_values, category_color, number_color


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
