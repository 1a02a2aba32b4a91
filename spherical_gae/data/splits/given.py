"""Splits that others made: public benchmarks, one's own files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.kinds import check_graph, pair_space
from spherical_gae.data.merging import merge_edges
from spherical_gae.data.pairs import checked_pairs
from spherical_gae.data.splits.parts import LinkSplit, make_split
from spherical_gae.data.undirected import checked_edge_weight

Pairs = Tensor | ArrayLike | str | Path
_SUFFIXES = (".npy", ".npz", ".pt", ".csv", ".tsv", ".txt")


def link_split(
    data: Data,
    *,
    train: Pairs,
    val: Pairs,
    test: Pairs,
    val_negatives: Pairs,
    test_negatives: Pairs,
) -> LinkSplit:
    """Makes a split from the links of each part, as a benchmark or a file gives them.

    Message passing sees the training links only, whatever ``data.edge_index`` holds.  Links may be given in one
    direction or in both; each counts once.  Nothing is drawn.

    Links and negatives are integers [2, P], a tensor, an array, or a file: ``.npy``, ``.npz`` (one array), ``.pt``
    (``torch.save``), or ``.csv``, ``.tsv``, ``.txt`` with one pair of node numbers a line.  Node numbers are places in
    ``data``, from 0 on.

    Args:
        data: The graph, for ``num_nodes`` and ``x``, ``y``, ``name``, ``batch``, ``side`` and ``directed`` where it has
            them.  Its ``edge_weight``, if it has one, goes to the training links; weights of parallel edges are summed.
        train: The training links.
        val: The validation links.
        test: The test links.
        val_negatives: Pairs that the validation links are held against: [2, Q], shared by all links; or [P, K, 2], K
            for each link, in the order of ``val``.
        test_negatives: Likewise, for ``test``.

    Returns:
        The parts; see :func:`~spherical_gae.data.split_links`.  ``neg_edge_label_index`` has the shape that was given.

    Raises:
        TypeError: If ``data`` is no ``Data``.
        ValueError: If pairs are of a wrong shape, type or range; a link is in two parts, a leak; a part has a link
            twice where negatives go by link; a negative is a training link, or, where they are shared, a link of its
            own part; a pair is not of the graph's kind, such as within a side; or the directions of an undirected
            graph's link have different weights.  The message names the argument and a pair.
        OSError: If a file cannot be read.

    Example:
        >>> data = Data(x=torch.rand(5, 2), edge_index=torch.empty(2, 0, dtype=torch.long))
        >>> split = link_split(
        ...     data,
        ...     train=[[0, 1], [1, 2]],
        ...     val=[[2], [3]],
        ...     test=[[3], [4]],
        ...     val_negatives=[[0], [4]],
        ...     test_negatives=[[0, 1], [3, 4]],
        ... )
        >>> split.train.edge_index
        tensor([[0, 1, 1, 2],
                [1, 2, 0, 1]])
    """
    check_graph(data)
    num_nodes = int(data.num_nodes)
    directed = bool(data.get("directed"))
    named = {"train": train, "val": val, "test": test}
    links = {name: _links(name, given, num_nodes) for name, given in named.items()}
    negatives = {
        name: checked_pairs(name, _read(name, given), num_nodes)
        for name, given in (("val_negatives", val_negatives), ("test_negatives", test_negatives))
    }
    numbers = {}
    for name, pairs in links.items():
        own = negatives.get(f"{name}_negatives")
        by_link = own is not None and own.dim() == 3
        links[name], numbers[name] = _once(name, pairs, num_nodes, directed, by_link)
        if by_link and own is not None and own.size(0) != links[name].size(1):
            raise ValueError(
                f"{name}_negatives: given {list(own.shape)}, for {own.size(0)} links, allowed: [P, K, 2] with the "
                f"P = {links[name].size(1)} links of {name}"
            )
    _check_leaks(numbers, num_nodes, directed)
    _check_kind(data, links, negatives)
    _check_negatives(numbers, negatives, num_nodes, directed)
    weight = None
    if data.edge_weight is not None:
        weight = _weight_of(links["train"], data, directed)
    device = data.edge_index.device if data.edge_index is not None else links["train"].device
    no_links = torch.empty(2, 0, dtype=torch.long, device=device)
    placed = Data(**{**data.to_dict(), "num_nodes": num_nodes, "edge_index": no_links})
    return make_split(placed, list(links.values()), list(negatives.values()), weight)


def _read(name: str, given: Pairs) -> Tensor | ArrayLike:
    if not isinstance(given, (str, Path)):
        return given
    path = Path(given)
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise ValueError(f"{name}: given {path.name}, allowed: {', '.join(_SUFFIXES)}")
    try:
        if suffix == ".pt":
            return torch.load(path, weights_only=True)
        if suffix == ".npy":
            return np.load(path)
        if suffix == ".npz":
            with np.load(path) as arrays:
                if len(arrays.files) != 1:
                    raise ValueError(f"it holds {len(arrays.files)} arrays, not one")
                return arrays[arrays.files[0]]
        delimiter = {".csv": ",", ".tsv": "\t"}.get(suffix)
        return np.loadtxt(path, dtype=np.int64, delimiter=delimiter, ndmin=2).T
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(f"{name}: {path} cannot be read as pairs of node numbers: {error}") from error


def _links(name: str, given: Pairs, num_nodes: int) -> Tensor:
    pairs = checked_pairs(name, _read(name, given), num_nodes).cpu()
    if pairs.dim() != 2:
        raise ValueError(f"{name}: given shape {list(pairs.shape)}, allowed: [2, P], one pair for each link")
    loops = pairs[0] == pairs[1]
    if loops.any():
        raise ValueError(
            f"{name}: given a link of node {int(pairs[0, loops][0])} with itself, allowed: different nodes"
        )
    return pairs


def _once(name: str, pairs: Tensor, num_nodes: int, directed: bool, by_link: bool) -> tuple[Tensor, Tensor]:
    """Each link once, in the order in which they first come, and their numbers."""
    number = _number(pairs, num_nodes, directed)
    unique, inverse = torch.unique(number, return_inverse=True)
    if unique.numel() == number.numel():
        return pairs, number
    if by_link:
        raise ValueError(
            f"{name}: given {number.numel()} links, of which {number.numel() - unique.numel()} repeat another one, in "
            f"this or the other direction, allowed: each once, as each has negatives of its own"
        )
    place = torch.arange(number.numel()).flip(0)
    first = torch.empty_like(unique).scatter_(0, inverse.flip(0), place).sort().values
    return pairs[:, first], number[first]


def _number(pairs: Tensor, num_nodes: int, directed: bool) -> Tensor:
    i, j = pairs
    return i * num_nodes + j if directed else torch.minimum(i, j) * num_nodes + torch.maximum(i, j)


def _check_leaks(numbers: dict[str, Tensor], num_nodes: int, directed: bool) -> None:
    for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
        shared = numbers[second][torch.isin(numbers[second], numbers[first])]
        if shared.numel():
            arrow = "->" if directed else "-"
            pair = f"{int(shared[0]) // num_nodes} {arrow} {int(shared[0]) % num_nodes}"
            raise ValueError(
                f"{second}: given {shared.numel()} links that are in {first} too, such as {pair}, a leak, allowed: "
                f"links of no other part"
            )


def _check_kind(data: Data, links: dict[str, Tensor], negatives: dict[str, Tensor]) -> None:
    for name, pairs in negatives.items():
        i, j = pairs if pairs.dim() == 2 else pairs.flatten(0, 1).t()
        if (i == j).any():
            raise ValueError(f"{name}: given node {int(i[i == j][0])} with itself, allowed: pairs of different nodes")
    space = pair_space(data.clone().cpu())
    if space is None:
        return
    for name, pairs in {**links, **negatives}.items():
        i, j = (pairs if pairs.dim() == 2 else pairs.flatten(0, 1).t()).cpu()
        outside = ~space.contains(i, j)
        if outside.any():
            raise ValueError(
                f"{name}: given {int(outside.sum())} pairs that are no {space.name}, such as {int(i[outside][0])} - "
                f"{int(j[outside][0])}, allowed: {space.name}"
            )


def _check_negatives(numbers: dict[str, Tensor], negatives: dict[str, Tensor], num_nodes: int, directed: bool) -> None:
    """Refuses negatives that are training links or links of the same part: they would be wrong by definition."""
    for name, pairs in negatives.items():
        part = name.removesuffix("_negatives")
        listed = pairs if pairs.dim() == 2 else pairs.flatten(0, 1).t()
        number = _number(listed.cpu(), num_nodes, directed)
        # Public files have sets of a link's own negatives with other held-out links among them.
        for other in ("train", part) if pairs.dim() == 2 else ("train",):
            wrong = torch.isin(number, numbers[other])
            if wrong.any():
                i, j = listed[:, wrong.nonzero()[0, 0]].tolist()
                raise ValueError(
                    f"{name}: given {int(wrong.sum())} pairs that are links of {other}, such as {i} - {j}, allowed: "
                    f"pairs that are none"
                )


def _weight_of(links: Tensor, data: Data, directed: bool) -> Tensor:
    """The weights of training links, from a graph that has them: the sum of parallel edges, as in ``split_links``."""
    num_nodes, edge_index = int(data.num_nodes), data.edge_index.cpu()
    weight = checked_edge_weight(data.edge_weight.cpu(), edge_index)
    merged = merge_edges(edge_index, num_nodes, weight, directed=directed)
    assert merged.edge_weight is not None
    known = merged.edge_index[0] * num_nodes + merged.edge_index[1]
    if not directed:
        _check_directions(edge_index, weight, known, merged.edge_weight, num_nodes)
    number = _number(links, num_nodes, directed)
    place = torch.searchsorted(known, number).clamp(max=known.numel() - 1)
    missing = known[place] != number if known.numel() else torch.ones_like(number, dtype=torch.bool)
    if missing.any():
        i, j = links[:, missing.nonzero()[0, 0]].tolist()
        raise ValueError(
            f"train: given {int(missing.sum())} links without a weight in data, such as {i} - {j}, allowed: links of "
            f"data.edge_index, or data without edge_weight"
        )
    return merged.edge_weight[place].to(weight.dtype)


def _check_directions(edge_index: Tensor, weight: Tensor, known: Tensor, larger: Tensor, num_nodes: int) -> None:
    """Refuses links whose two directions have different weights; those with one direction only are fine."""
    one_way = merge_edges(edge_index, num_nodes, weight, directed=True)
    assert one_way.edge_weight is not None
    place = torch.searchsorted(known, one_way.edge_index[0] * num_nodes + one_way.edge_index[1])
    different = ~torch.isclose(one_way.edge_weight, larger[place], rtol=1e-5, atol=0)
    if different.any():
        first = int(different.nonzero()[0, 0])
        i, j = one_way.edge_index[:, first].tolist()
        raise ValueError(
            f"data: given an edge_weight that differs between the directions of a link, such as "
            f"{one_way.edge_weight[first].item():g} for {i} - {j} and {larger[place[first]].item():g} for {j} - {i}, "
            "allowed: the same for both; make it so with spherical_gae.data.clean_graph"
        )
