"""The kind of a graph: what is a pair that may be linked, and what cannot be read as a graph at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData

from spherical_gae.data.graphwise_negatives import GraphwiseSampler
from spherical_gae.data.negatives import NonEdgeSampler
from spherical_gae.data.pair_spaces.across_sides import AcrossSides
from spherical_gae.data.pair_spaces.base import PairSpace
from spherical_gae.data.pair_spaces.ordered import DoubleCoverPairs, OrderedPairs
from spherical_gae.data.pair_spaces.unordered import UnorderedPairs

KIND_ATTRIBUTES = ("batch", "side", "directed")
"""Attributes of a ``Data`` that say of what kind it is; the parts of a split have them too."""


def check_graph(data: Any, name: str = "data") -> None:
    """Refuses what is no graph of tensors with one kind of nodes and one kind of links, and says what to do.

    Args:
        data: What was given for a graph.
        name: What the errors call it.

    Raises:
        TypeError: If it is no ``Data`` of tensors, such as ``HeteroData``, a networkx graph or a matrix.
        ValueError: If its links are of several kinds.

    Example:
        >>> check_graph(Data(edge_index=torch.tensor([[0], [1]])))  # nothing: it is one
    """
    check_one_kind(data, name)
    for key in ("x", "edge_index", "edge_weight", "edge_time", "batch", "side"):
        value = data.get(key)
        if isinstance(value, np.ndarray):
            raise TypeError(f"{name}.{key} must be a tensor, got a NumPy array: torch.from_numpy makes one")


def check_one_kind(data: Any, name: str = "data") -> None:
    """Refuses what is no graph with one kind of nodes and one kind of links; see :func:`check_graph`."""
    if isinstance(data, HeteroData):
        links = ", ".join(repr(kind) for kind in data.edge_types[:3]) or "none"
        raise TypeError(
            f"{name} must be a torch_geometric Data, one kind of nodes and links, got HeteroData with links {links}: "
            f"choose one kind of links, Data(x=..., edge_index={name}[kind].edge_index); if it joins two kinds of "
            f"nodes, number these one after the other and set side to 0 and 1"
        )
    if not isinstance(data, Data):
        raise TypeError(
            f"{name} must be a torch_geometric Data, got {type(data).__name__}: read_graph, from_networkx and "
            f"from_scipy make one"
        )
    kinds = data.get("edge_type")
    if isinstance(kinds, Tensor) and kinds.numel() and bool((kinds != kinds[0]).any()):
        raise ValueError(
            f"{name}.edge_type: given {kinds.unique().numel()} kinds of links, allowed: one; choose one by "
            f"edge_index[:, edge_type == kind], or delete edge_type to read all as one kind"
        )


def pair_space(data: Data) -> PairSpace | None:
    """The pairs of nodes that may be linked; None for all unordered ones.

    Args:
        data: A graph, or a part of a split.  With ``batch`` (int64 [N], of more than one graph), as PyG's ``Batch``
            has it, pairs within a graph; with ``side`` (0 or 1 for each node), pairs across the two sides; with
            ``directed`` set to True, ordered pairs.

    Raises:
        ValueError: If one of these is of the wrong shape or dtype, or a graph is directed and has sides.
    """
    num_nodes = int(data.num_nodes)
    batch, side = (_checked(data, key, num_nodes) for key in ("batch", "side"))
    if batch is not None and (batch.numel() == 0 or bool((batch == batch[0]).all())):
        batch = None
    if side is not None and bool(data.get("directed")):
        raise ValueError(
            "data: given directed and side, allowed: one of them; links of a bipartite graph that all lead from side 0 "
            "to side 1 are undirected ones"
        )
    if bool(data.get("double_cover")):
        half = num_nodes // 2
        return DoubleCoverPairs(half, None if batch is None else batch[:half])
    if bool(data.get("directed")):
        return OrderedPairs(num_nodes, batch)
    if side is not None:
        return AcrossSides(side, batch)
    return None if batch is None else UnorderedPairs(num_nodes, batch)


def num_pairs(data: Data) -> int:
    """How many pairs of nodes may be linked: those across the sides, or within a graph of a batch, or all."""
    space = pair_space(data)
    return data.num_nodes * (data.num_nodes - 1) // 2 if space is None else space.size


def negative_sampler(data: Data, edge_index: Tensor | None = None) -> NonEdgeSampler:
    """What draws negatives for a graph of this kind.

    Args:
        data: As for :func:`pair_space`.
        edge_index: int64 [2, E], links that are not drawn; ``data.edge_index`` if None.

    Raises:
        ValueError: As :func:`pair_space` and ``NonEdgeSampler``: a link within a side, or between two graphs.

    Example:
        >>> from spherical_gae import load_graph
        >>> negative_sampler(load_graph("digits")).sample(5).shape
        torch.Size([2, 5])
    """
    links = data.edge_index if edge_index is None else edge_index
    space = pair_space(data)
    if space is not None and getattr(space, "batch", None) is not None:
        return GraphwiseSampler(links, int(data.num_nodes), space)  # type: ignore[arg-type]
    return NonEdgeSampler(links, int(data.num_nodes), space)


def kind_of_graph(data: Data) -> str:
    """What kind of graph this is and what follows, one sentence.

    Args:
        data: As for :func:`pair_space`.

    Example:
        >>> kind_of_graph(Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2, directed=True))
        'A directed graph: links are predicted with their direction; negatives are ordered pairs.'
    """
    space = pair_space(data)
    words, negatives = [], "all pairs of nodes"
    if data.get("edge_time") is not None:
        words.append("temporal")
    if data.edge_weight is not None:
        words.append("weighted")
    if isinstance(space, OrderedPairs):
        words.append("directed")
        negatives = "ordered pairs"
    elif isinstance(space, AcrossSides):
        words.append("bipartite")
        negatives = (
            f"pairs of the {int((space.side == 0).sum())} nodes of side 0 and the {int(space.side.sum())} of side 1"
        )
    else:
        words.append("undirected")
    what = f"{' '.join(words)} graph"
    if space is not None and getattr(space, "batch", None) is not None:
        what = f"batch of {int(space.batch.max()) + 1} {' '.join(words)} graphs"  # type: ignore[attr-defined]
        negatives += ", within a graph" if negatives != "all pairs of nodes" else " within a graph"
    article = "An" if what[0] in "aeiou" else "A"
    direction = "links are predicted with their direction; " if "directed" in words else ""
    when = "training links come before those of validation and test; " if "temporal" in words else ""
    return f"{article} {what}: {direction}{when}negatives are {negatives}."


def _checked(data: Data, key: str, num_nodes: int) -> Tensor | None:
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, Tensor) or value.dtype != torch.long or value.shape != (num_nodes,):
        given = f"{value.dtype} of shape {list(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"data.{key}: given {given}, allowed: torch.int64 of shape [{num_nodes}]")
    if num_nodes and (int(value.min()) < 0 or (key == "side" and int(value.max()) > 1)):
        allowed = "0 or 1" if key == "side" else "0 or more"
        raise ValueError(
            f"data.{key}: given {int(value.min())} to {int(value.max())}, allowed: {allowed} for each node"
        )
    return value
