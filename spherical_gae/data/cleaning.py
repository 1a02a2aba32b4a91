"""What makes every graph the same kind of graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.default_features import default_features
from spherical_gae.data.kinds import check_one_kind
from spherical_gae.data.merging import MergedEdges, merge_edges
from spherical_gae.data.pairs import checked_edge_index
from spherical_gae.data.undirected import checked_edge_weight

_NUM_NAMED = 3


def clean_graph(data: Data, *, directed: bool | None = None) -> Data:
    """Makes of a graph what splits, models and commands expect: without repeats and self-loops, with features.

    - Self-loops are removed; their nodes stay.
    - Edges become links in both directions, or keep their direction if ``directed``.  Repeats count once; see
      :func:`~spherical_gae.data.merging.merge_edges`: weights of parallel edges are summed, and of two directions the
      larger sum counts; the time is the earliest.  Weights that are then all 1 are left out.  Of a link with several
      times the weight says something of the later ones, also where a split by time gives it to training.
    - Nodes without links stay.
    - Without ``x``, the nodes get :func:`~spherical_gae.data.default_features.default_features`, and the graph is
      marked by ``has_default_features = True``.

    Args:
        data: A graph with ``edge_index`` (integers ``[2, E]``) and, optionally, ``edge_weight`` (``[E]``),
            ``edge_time`` (``[E]``, integers or finite floats), ``x`` (``[N, F]``, dense or sparse), ``y`` (integers
            ``[N]`` or ``[N, 1]``), ``side`` (0 or 1 for each node of a bipartite graph), ``batch`` (the graph of each
            node), ``node_ids`` (N different ids), ``name`` and ``num_nodes``; other attributes are left out.  Without
            ``num_nodes``, ``x`` or ``node_ids`` it has as many nodes as the largest number in ``edge_index`` says.
        directed: Whether i -> j and j -> i are different links; if None, whether ``data.directed`` is there and True.

    Returns:
        A new ``Data`` with ``x`` (float32 ``[N, F]``, dense), ``edge_index`` (int64 ``[2, 2 * links]``, sorted; if
        ``directed``, ``[2, links]``), ``num_nodes``, and where the graph has them ``edge_weight`` (float32, one for
        each column of ``edge_index``), ``edge_time`` (int64 or float64, likewise), ``y``, ``side`` and ``batch`` (int64
        ``[N]``), ``node_ids`` (list of int or of str) and ``name``.  ``directed`` is True if directions were kept, and
        not there otherwise: ``data.get("directed", False)``.

    Raises:
        ValueError: If the graph has no nodes or no links between different nodes, or a part is of the wrong shape or
            type, names a node that does not exist, holds a weight that is not finite and above 0, a time that is not
            finite, or a feature that is NaN or infinite; the message names it.

    Example:
        >>> clean = clean_graph(Data(edge_index=torch.tensor([[0, 1, 2, 2], [1, 0, 2, 0]]), num_nodes=4))
        >>> clean.edge_index
        tensor([[0, 0, 1, 2],
                [1, 2, 0, 0]])
        >>> clean.x.shape, clean.has_default_features
        (torch.Size([4, 64]), True)
    """
    return clean_counted(data, directed=directed)[0]


def clean_counted(data: Data, *, directed: bool | None = None) -> tuple[Data, MergedEdges]:
    """The graph of :func:`clean_graph`, and what became of its edges."""
    check_one_kind(data)
    directed = bool(data.get("directed")) if directed is None else directed
    num_nodes = count_nodes(data)
    clean = Data(num_nodes=num_nodes)
    node_ids = None if data.get("node_ids") is None else checked_ids(data.node_ids, num_nodes)
    edge_index = checked_edge_index(torch.as_tensor(data.edge_index), num_nodes)
    weight = data.edge_weight
    if weight is not None:
        weight = checked_edge_weight(torch.as_tensor(weight), edge_index, node_ids)
    names = num_nodes if node_ids is None else node_ids
    if data.x is not None:
        clean.x = _checked_features(torch.as_tensor(data.x), num_nodes, node_ids)
        if data.get("has_default_features") is True and are_default_features(clean.x, names):
            clean.has_default_features = True
    if data.y is not None:
        clean.y = _checked_labels(torch.as_tensor(data.y), num_nodes)

    if data.get("side") is not None:
        clean.side = _checked_sides(torch.as_tensor(data.side), num_nodes)
    if data.get("batch") is not None:
        clean.batch = _checked_batch(torch.as_tensor(data.batch), num_nodes)
    time = None if data.get("edge_time") is None else _checked_times(torch.as_tensor(data.edge_time), edge_index)

    merged = merge_edges(edge_index, num_nodes, weight, time, directed=directed)
    if merged.edge_index.size(1) == 0:
        raise ValueError("edge_index: given no link between two different nodes, allowed: at least one")
    clean.edge_index = merged.edge_index
    if merged.edge_weight is not None and not bool((merged.edge_weight == 1).all()):
        clean.edge_weight = checked_edge_weight(merged.edge_weight.float(), merged.edge_index, node_ids)
    if merged.edge_time is not None:
        clean.edge_time = merged.edge_time
    if directed:
        clean.directed = True
    if data.x is None:
        clean.x = default_features(names).to(edge_index.device)
        clean.has_default_features = True
    if node_ids is not None:
        clean.node_ids = node_ids
    if data.get("name") is not None:
        clean.name = data.name
    return clean, merged


def are_default_features(x: Tensor, names: int | list[int] | list[str]) -> bool:
    """Whether a graph that was cleaned before still has the features it got then."""
    try:
        return torch.equal(x.cpu(), default_features(names, x.size(1)))
    except ValueError:  # none has so many columns
        return False


def count_nodes(data: Data) -> int:
    """The number of nodes, as :func:`clean_graph` says; unlike ``data.num_nodes`` without a warning.

    Raises:
        ValueError: If the graph has no ``edge_index`` or no nodes.
    """
    if data.edge_index is None:
        raise ValueError("data: given no edge_index, allowed: a graph with one")
    if data.get("num_nodes") is not None:
        num_nodes = int(data.num_nodes)
    elif data.x is not None:
        num_nodes = len(data.x)
    elif data.get("node_ids") is not None:
        num_nodes = len(data.node_ids)
    else:
        num_nodes = int(data.edge_index.max()) + 1 if data.edge_index.numel() else 0
    if num_nodes < 1:
        raise ValueError("data: given an empty graph, allowed: at least two nodes and a link")
    return num_nodes


def _is_whole(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and float(value).is_integer()


def plain_ids(nodes: Iterable[Any]) -> list[int] | list[str]:
    """Ids that JSON and tables can hold: integers if all are whole numbers of 64 bits, else all as str.

    A column of pandas that lacked a value once, and ``numpy.loadtxt``, make floats of integers.
    """
    listed = nodes.tolist() if isinstance(nodes, Tensor) else list(nodes)
    kinds = set(map(type, listed))
    if kinds == {str}:
        return listed
    if kinds == {int} or all(_is_whole(node) for node in listed):
        numbers = listed if kinds == {int} else [int(node) for node in listed]
        if not numbers or -(2**63) <= min(numbers) <= max(numbers) < 2**63:
            return numbers
    return [str(node) for node in listed]


def some(values: Sequence[Any]) -> str:
    """The first few of many values, for a message."""
    shown = ", ".join(repr(value) for value in values[:_NUM_NAMED])
    return shown if len(values) <= _NUM_NAMED else f"{shown} and {len(values) - _NUM_NAMED} more"


def checked_ids(given: Sequence[Any], num_nodes: int) -> list[int] | list[str]:
    """Ids as ``plain_ids`` makes them.

    Raises:
        ValueError: If they are not one for each node, or not different.
    """
    node_ids = plain_ids(given)
    if len(node_ids) != num_nodes:
        raise ValueError(f"node_ids: given {len(node_ids)}, allowed: one for each of the {num_nodes} nodes")
    if len(set(node_ids)) < num_nodes:
        seen: set[int | str] = set()
        twice = [node for node in node_ids if node in seen or seen.add(node)]  # type: ignore[func-returns-value]
        raise ValueError(f"node_ids: given {some(twice)} more than once, allowed: different ids")
    return node_ids


def _checked_features(given: Tensor, num_nodes: int, node_ids: Sequence[int | str] | None) -> Tensor:
    if given.dim() != 2 or given.size(0) != num_nodes or given.size(1) == 0 or given.is_complex():
        raise ValueError(
            f"x: given {given.dtype} of shape {list(given.shape)}, allowed: real numbers of shape [{num_nodes}, F] "
            "with F >= 1"
        )
    x = (given if given.layout == torch.strided else given.to_dense()).float()
    if not bool(torch.stack(torch.aminmax(x)).isfinite().all()):
        node, feature = torch.nonzero(~x.isfinite())[0].tolist()
        name = node if node_ids is None else node_ids[node]
        raise ValueError(
            f"x: given {x[node, feature].item()} as feature {feature} of node {name!r}, allowed: finite float32 numbers"
        )
    return x


def _checked_labels(y: Tensor, num_nodes: int) -> Tensor:
    if y.shape == (num_nodes, 1):
        y = y.view(num_nodes)
    if y.shape != (num_nodes,) or y.is_floating_point() or y.is_complex():
        raise ValueError(f"y: given {y.dtype} of shape {list(y.shape)}, allowed: integers of shape [{num_nodes}]")
    return y.long()


def _checked_sides(side: Tensor, num_nodes: int) -> Tensor:
    if (
        side.shape != (num_nodes,)
        or side.is_floating_point()
        or side.is_complex()
        or not bool(((side == 0) | (side == 1)).all())
    ):
        raise ValueError(
            f"side: given {side.dtype} of shape {list(side.shape)}, allowed: 0 or 1 for each of the {num_nodes} nodes"
        )
    return side.long()


def _checked_batch(batch: Tensor, num_nodes: int) -> Tensor:
    is_integer = not (batch.is_floating_point() or batch.is_complex() or batch.dtype == torch.bool)
    if batch.shape != (num_nodes,) or not is_integer or bool((batch < 0).any()):
        raise ValueError(
            f"batch: given {batch.dtype} of shape {list(batch.shape)}, allowed: a number of 0 or more for each of the "
            f"{num_nodes} nodes"
        )
    return batch.long()


def _checked_times(time: Tensor, edge_index: Tensor) -> Tensor:
    if time.shape != edge_index.shape[1:] or time.is_complex() or time.dtype == torch.bool:
        raise ValueError(
            f"edge_time: given {time.dtype} of shape {list(time.shape)}, allowed: a number for each edge, shape "
            f"[{edge_index.size(1)}]"
        )
    time = time.double() if time.is_floating_point() else time.long()
    if time.is_floating_point() and not bool(time.isfinite().all()):
        raise ValueError("edge_time: given NaN or infinity, allowed: finite numbers")
    return time
