"""The side of a bipartite graph, or the graph of a batch, that a later node belongs to: its links tell."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.cleaning import some

_UNKNOWN = -1


def kinds_of_later_nodes(old: Data, edge_index: Tensor, new_ids: list[Any]) -> dict[str, Tensor]:
    """``side`` and ``batch`` of all nodes, where the embedded graph has them.

    A node is on the other side from those that it is linked to, and in the same graph; so are, in turn, those that are
    linked to it.

    Args:
        old: The embedded graph.
        edge_index: int64 [2, E], its links and the later ones.
        new_ids: The ids of the later nodes, which are numbered behind the others.

    Raises:
        ValueError: If a later node is not linked to one that is there, by any path, or two nodes are linked that cannot
            be: within a side, or between two graphs.
    """
    found = {}
    if old.get("side") is not None:
        side = _told(old.side, edge_index, len(new_ids), opposite=True)
        _check_all(side, new_ids, "a bipartite graph", "side")
        _check_links(side[edge_index[0]] != side[edge_index[1]], edge_index, old, new_ids, "within a side", "across")
        found["side"] = side
    if old.get("batch") is not None:
        batch = _told(old.batch, edge_index, len(new_ids), opposite=False)
        if bool((old.batch == old.batch[0]).all()):
            batch = batch.clamp(min=int(old.batch[0]))  # one graph, in which a node may be alone
        _check_all(batch, new_ids, "a batch", "graph")
        same = batch[edge_index[0]] == batch[edge_index[1]]
        _check_links(same, edge_index, old, new_ids, "between two graphs", "within one")
        found["batch"] = batch
    return found


def _told(old: Tensor, edge_index: Tensor, num_new: int, *, opposite: bool) -> Tensor:
    """What links tell of the new nodes: the value of their neighbours, or the other one of two."""
    value = torch.cat([old, old.new_full((num_new,), _UNKNOWN)])
    source, target = torch.cat([edge_index, edge_index.flip(0)], dim=1)
    while True:
        tells = (value[source] != _UNKNOWN) & (value[target] == _UNKNOWN)
        if not tells.any():
            return value
        given = value[source[tells]]
        value[target[tells]] = 1 - given if opposite else given


def _check_all(value: Tensor, new_ids: list[Any], kind: str, what: str) -> None:
    of_new = value[value.numel() - len(new_ids) :].tolist()
    alone = [name for name, of_node in zip(new_ids, of_new, strict=True) if of_node == _UNKNOWN]
    if alone:
        raise ValueError(
            f"graph: given the new nodes {some(alone)} without a link to a node that is there, allowed: in {kind} such "
            f"links, as they tell the {what} of a node"
        )


def _check_links(allowed: Tensor, edge_index: Tensor, old: Data, new_ids: list[Any], wrong: str, right: str) -> None:
    odd = (~allowed & (edge_index[0] != edge_index[1])).nonzero().view(-1)
    if odd.numel():
        ids = [*old.node_ids, *new_ids]
        ends = " and ".join(repr(ids[end]) for end in edge_index[:, odd[0]].tolist())
        kind = "a bipartite graph" if right == "across" else "a batch"
        raise ValueError(f"graph: given a link of {ends} {wrong}, allowed: in {kind} links {right}")
