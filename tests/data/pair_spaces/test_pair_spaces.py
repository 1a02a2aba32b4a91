import itertools

import pytest
import torch
from torch import Tensor

from spherical_gae.data.pair_spaces.across_sides import AcrossSides
from spherical_gae.data.pair_spaces.base import PairSpace
from spherical_gae.data.pair_spaces.ordered import DoubleCoverPairs, OrderedPairs
from spherical_gae.data.pair_spaces.unordered import UnorderedPairs

# Graphs of 3, 1, 2, 0 and 4 nodes, not in order.
BATCH = torch.tensor([4, 0, 2, 0, 4, 1, 4, 0, 2, 4])
SIDE = torch.tensor([1, 0, 0, 1, 0, 1, 1, 0, 0, 0])


def same(i: int, j: int) -> bool:
    return bool(BATCH[i] == BATCH[j])


CASES: list[tuple[PairSpace, set[tuple[int, int]]]] = [
    *((UnorderedPairs(n), set(itertools.combinations(range(n), 2))) for n in (0, 1, 2, 3, 4, 7, 10)),
    *((OrderedPairs(n), set(itertools.permutations(range(n), 2))) for n in (0, 1, 2, 3, 8)),
    *((DoubleCoverPairs(n), {(i, n + j) for i, j in itertools.permutations(range(n), 2)}) for n in (1, 2, 5)),
    (UnorderedPairs(10, BATCH), {(i, j) for i, j in itertools.combinations(range(10), 2) if same(i, j)}),
    (OrderedPairs(10, BATCH), {(i, j) for i, j in itertools.permutations(range(10), 2) if same(i, j)}),
    (DoubleCoverPairs(10, BATCH), {(i, 10 + j) for i, j in itertools.permutations(range(10), 2) if same(i, j)}),
    (AcrossSides(SIDE), {(i, j) for i, j in itertools.permutations(range(10), 2) if SIDE[i] == 0 and SIDE[j] == 1}),
    (
        AcrossSides(SIDE, BATCH),
        {(i, j) for i, j in itertools.permutations(range(10), 2) if SIDE[i] == 0 and SIDE[j] == 1 and same(i, j)},
    ),
    (AcrossSides(torch.zeros(3, dtype=torch.long)), set()),
]
IDS = [f"{type(space).__name__}-{k}" for k, (space, _) in enumerate(CASES)]


def listed(i: Tensor, j: Tensor, space: PairSpace) -> list[tuple[int, int]]:
    ordered = space.is_ordered or isinstance(space, AcrossSides)
    return [(a, b) if ordered else (min(a, b), max(a, b)) for a, b in zip(i.tolist(), j.tolist(), strict=True)]


@pytest.mark.parametrize(("space", "expected"), CASES, ids=IDS)
def test_numbers_and_pairs_are_one_to_one(space: PairSpace, expected: set[tuple[int, int]]) -> None:
    assert space.size == len(expected)
    number = torch.arange(space.size)
    i, j = space.pairs(number)
    assert set(listed(i, j, space)) == expected
    assert torch.equal(space.numbers(i, j), number)
    if not space.is_ordered:
        assert torch.equal(space.numbers(j, i), number)


@pytest.mark.parametrize(("space", "expected"), CASES, ids=IDS)
def test_contains_these_pairs_and_no_others(space: PairSpace, expected: set[tuple[int, int]]) -> None:
    n = 20 if isinstance(space, DoubleCoverPairs) and space.num_nodes == 10 else 10
    if isinstance(space, (UnorderedPairs, OrderedPairs)) and space.batch is None:
        n = space.num_nodes * (2 if isinstance(space, DoubleCoverPairs) else 1)
    elif isinstance(space, AcrossSides):
        n = space.side.numel()
    pairs = torch.tensor(list(itertools.product(range(n), range(n))), dtype=torch.long).view(-1, 2).t()
    inside = pairs[:, space.contains(pairs[0], pairs[1])]
    found = {tuple(pair) for pair in inside.t().tolist()}
    assert found == (expected if space.is_ordered else expected | {(j, i) for i, j in expected})
