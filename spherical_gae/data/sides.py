"""The two sides of a bipartite graph, found by its links; features that are others on each."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.kinds import check_graph


def two_sides(data: Data) -> Tensor:
    """Colours the nodes by 0 and 1 so that every link joins two colours.

    For bipartite graphs whose file does not say which nodes are of which kind: ``data.side = two_sides(data)``.  Of
    each connected part the node with the smallest number is on side 0; so are nodes without links.

    Args:
        data: A graph with ``edge_index``, int64 [2, E], in either or both directions.

    Returns:
        int64 [N], on the device of ``edge_index``.

    Raises:
        TypeError: If ``data`` is no ``Data`` of tensors.
        ValueError: If the graph is not bipartite; the message names a cycle of odd length, by ``node_ids`` if there are
            any.

    Warns:
        UserWarning: If several parts of the graph have links, as links do not say which of their sides belong together.

    Example:
        >>> two_sides(Data(edge_index=torch.tensor([[0, 1, 2], [1, 2, 3]]), num_nodes=4))
        tensor([0, 1, 0, 1])
    """
    check_graph(data)
    num_nodes = int(data.num_nodes)
    i, j = data.edge_index.cpu().numpy()
    # Each node twice, at an even and at an odd number of steps from a start.
    ends = np.concatenate([i, j]), np.concatenate([num_nodes + j, num_nodes + i])
    walks = coo_array((np.ones(2 * i.size), ends), shape=(2 * num_nodes, 2 * num_nodes)).tocsr()
    _, part = connected_components(walks, directed=False)
    even, odd = part[:num_nodes], part[num_nodes:]
    both = np.flatnonzero(even == odd)
    if both.size:
        ids = data.get("node_ids") or range(num_nodes)
        cycle = " - ".join(str(ids[node]) for node in _odd_cycle(walks, int(both[0]), num_nodes))
        raise ValueError(f"data: given a cycle of odd length, {cycle}, allowed: a bipartite graph")
    num_parts = np.unique(np.minimum(even, odd)[i]).size
    if num_parts > 1:
        warnings.warn(
            f"the links of the graph are in {num_parts} parts that no link joins: which of their sides belong together "
            f"cannot be told by the links; set data.side if it is known",
            UserWarning,
            stacklevel=2,
        )
    return torch.from_numpy((even > odd).astype(np.int64)).to(data.edge_index.device)


def features_by_side(x: Tensor, side: Tensor) -> Tensor:
    """Features that are others on each side, so that a linear map of them has weights for both.

    Args:
        x: Node features, shape [N, F].
        side: int64 [N], 0 or 1 for each node.

    Returns:
        Shape [N, 2 F]: those of side 0 in the first F columns, those of side 1 in the others, and zeros.

    Example:
        >>> features_by_side(torch.tensor([[1.0], [2.0]]), torch.tensor([1, 0]))
        tensor([[0., 1.],
                [2., 0.]])
    """
    second = side.to(x.dtype)[:, None]
    return torch.cat([x * (1 - second), x * second], dim=1)


def _odd_cycle(walks: coo_array, start: int, num_nodes: int) -> list[int]:
    """Nodes of a cycle of odd length, the first one again at the end, from a node from which it can be reached."""
    _, before = breadth_first_order(walks, start, directed=False)
    walk = _path_back(before, start + num_nodes, start) % num_nodes
    # A closed walk that meets a node twice is two closed walks, one of which is odd.
    while (repeated := _repeated(walk)) is not None:
        first, second = repeated
        inner = walk[first : second + 1]
        walk = inner if inner.size % 2 == 0 else np.concatenate([walk[:first], walk[second:]])
    return walk.tolist()


def _path_back(before: NDArray[np.int32], end: int, start: int) -> NDArray[np.int64]:
    path = [end]
    while path[-1] != start:
        path.append(int(before[path[-1]]))
    return np.array(path)


def _repeated(walk: NDArray[np.int64]) -> tuple[int, int] | None:
    """Places of a node that is met twice before the walk closes."""
    seen: dict[int, int] = {}
    for place, node in enumerate(walk[:-1].tolist()):
        if node in seen:
            return seen[node], place
        seen[node] = place
    return None
