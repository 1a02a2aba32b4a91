import re
from typing import Any

import numpy as np
import pytest
import torch

from spherical_gae.data.pairs import checked_edge_index, checked_pairs

LISTED = [[0, 1, 2], [3, 3, 0]]


@pytest.mark.parametrize(
    "given",
    [
        torch.tensor(LISTED),
        torch.tensor(LISTED, dtype=torch.int32),
        np.array(LISTED),
        np.array(LISTED, dtype=np.uint8),
        LISTED,
        np.array([[0, 3], [1, 3], [2, 0]]).T,
    ],
)
def test_tensors_arrays_and_lists_are_the_same_pairs(given: Any) -> None:
    pairs = checked_pairs("pairs", given, 4)
    assert pairs.dtype == torch.long
    assert pairs.tolist() == LISTED
    assert pairs.is_contiguous()


def test_pairs_of_each_link_keep_their_shape() -> None:
    given = np.arange(12).reshape(2, 3, 2)
    assert torch.equal(checked_pairs("val_negatives", given, 12), torch.arange(12).view(2, 3, 2))


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (torch.rand(2, 3), "torch.float32 of shape [2, 3]"),
        (np.random.default_rng(0).random((2, 3)), "float64 of shape [2, 3]"),
        (torch.zeros(2, 3, dtype=torch.bool), "torch.bool of shape [2, 3]"),
        (torch.zeros(6, dtype=torch.long), "torch.int64 of shape [6]"),
        (torch.zeros(2, 0, dtype=torch.long), "torch.int64 of shape [2, 0]"),
        (torch.zeros(3, 4, 3, dtype=torch.long), "torch.int64 of shape [3, 4, 3]"),
        ([["a", "b"], ["c", "d"]], "<U1 of shape [2, 2]"),
        ([], "float64 of shape [0]"),
    ],
)
def test_what_is_no_list_of_pairs_is_refused(given: Any, what: str) -> None:
    message = f"test: given {what}, allowed: integers of shape [2, P] or [P, K, 2], not empty"
    with pytest.raises(ValueError, match=re.escape(message)):
        checked_pairs("test", given, 10)


def test_one_pair_a_row_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"shape \[5, 2\], .*; one pair a row is read if you pass its transpose"):
        checked_pairs("pairs", torch.zeros(5, 2, dtype=torch.long), 10)


@pytest.mark.parametrize("wrong", [-1, 4, 2**62])
def test_nodes_out_of_range_are_refused(wrong: int) -> None:
    low, high = min(0, wrong), max(1, wrong)
    with pytest.raises(ValueError, match=f"pairs: given nodes {low} to {high}, allowed: 0 to 3"):
        checked_pairs("pairs", torch.tensor([[0, 1], [1, wrong]]), 4)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (torch.zeros(3, 4, dtype=torch.long), "torch.int64 of shape [3, 4]"),
        (torch.zeros(2, 4), "torch.float32 of shape [2, 4]"),
        (torch.zeros(2, 4, dtype=torch.bool), "torch.bool of shape [2, 4]"),
        (torch.eye(2, dtype=torch.long).to_sparse(), "a matrix, torch.sparse_coo of shape [2, 2]"),
    ],
)
def test_edges_of_another_shape_or_type_are_refused(given: torch.Tensor, what: str) -> None:
    message = re.escape(f"known: given {what}, allowed: integers of shape [2, E]")
    with pytest.raises(ValueError, match=message):
        checked_edge_index(given, 5, "known")


@pytest.mark.parametrize(("edges", "range_"), [([[-1], [3]], "-1 to 3"), ([[0], [5]], "0 to 5")])
def test_edges_of_nodes_that_are_not_there_are_refused(edges: list[list[int]], range_: str) -> None:
    with pytest.raises(ValueError, match=f"edge_index: given nodes {range_}, allowed: 0 to 4"):
        checked_edge_index(torch.tensor(edges), 5)


def test_there_may_be_no_edge() -> None:
    assert checked_edge_index(torch.zeros(2, 0, dtype=torch.int32), 0).dtype == torch.long
