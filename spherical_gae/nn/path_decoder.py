"""Paths of three links between two nodes, and a decoder that sees how many there are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch_geometric.nn.inits import reset

from spherical_gae.nn.pair_blocks import score_all, score_block
from spherical_gae.nn.propagation import NormalizedAdjacency

# Below every path's weight, 1 / degree, and above what rounding leaves of a sum that is zero.
_ZERO = 1e-10
# Pairs that may have a path: some forty bytes are needed for each while they are found.
MAX_PAIRS = 100_000_000


class ThreePaths(NamedTuple):
    """The pairs of nodes with a path of three links.

    Attributes:
        pairs: int64 [K], source * N + target of each pair, ascending; a pair and its reverse are both there.
        values: Shape [K], the weight of each pair, above 0.

    Example:
        >>> ThreePaths(torch.tensor([1, 2]), torch.tensor([0.4, 0.4])).pairs  # of (0, 1) and (1, 0) among two nodes
        tensor([1, 2])
    """

    pairs: Tensor
    values: Tensor


def most_three_paths(edge_index: Tensor | NormalizedAdjacency, num_nodes: int) -> int:
    """The most pairs of nodes that may have a path of three links: as many as there are walks, or all pairs.

    Args:
        edge_index: As for ``three_paths``.
        num_nodes: Number of nodes N.

    Example:
        >>> square = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
        >>> most_three_paths(torch.cat([square, square.flip(0)], dim=1), num_nodes=4)
        16
    """
    return _most_pairs(_adjacency(edge_index, num_nodes))


def three_paths(edge_index: Tensor | NormalizedAdjacency, num_nodes: int) -> ThreePaths:
    """Of all pairs of nodes the paths of three links, each weighted by the degrees of the nodes inside.

    p_ij = log(1 + sum over i - a - b - j, a != j, b != i, of 1 / sqrt(degree_a * degree_b)), which is the sum of Kovacs
    et al. (Nature Communications 2019, eq. 2).  The link between i and j is on none of these paths, so that a pair has
    the same value whether it is linked or not.  Weights of links play no part.

    Args:
        edge_index: int64 [2, E], both directions of each link, or ``normalized_adjacency`` of it; self-loops are left
            out.
        num_nodes: Number of nodes N.

    Returns:
        float32 values, exact to rounding, on the device of the links.  They are computed on the CPU.

    Raises:
        ValueError: If more than ``MAX_PAIRS`` pairs may have a path, see ``most_three_paths``.

    Example:
        >>> square = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
        >>> found = three_paths(torch.cat([square, square.flip(0)], dim=1), num_nodes=4)
        >>> [divmod(pair, 4) for pair in found.pairs.tolist()]  # across each side, the other way round
        [(0, 1), (0, 3), (1, 0), (1, 2), (2, 1), (2, 3), (3, 0), (3, 2)]
        >>> found.values[0]  # log(1 + 1 / 2)
        tensor(0.4055)
    """
    device, adjacency = edge_index.device, _adjacency(edge_index, num_nodes)
    if (most := _most_pairs(adjacency)) > MAX_PAIRS:
        raise ValueError(
            f"edge_index: given a graph with up to {most:,} pairs with a path of three links, allowed: {MAX_PAIRS:,}; "
            "use a decoder that does not see them"
        )
    inverse = 1 / np.sqrt(np.maximum(adjacency.sum(axis=1), 1))
    steps = adjacency @ sparse.diags_array(inverse)
    walks = sparse.csr_array(steps @ adjacency @ steps.T)
    # Walks over the link between the ends: i - j - b - j, i - a - i - j, and i - j - i - j, which is both.
    a, b = sparse.coo_array(adjacency).coords
    around = adjacency @ inverse
    over = inverse[b] * around[b] + inverse[a] * around[a] - inverse[a] * inverse[b]
    paths = sparse.csr_array(walks - sparse.csr_array((over, (a, b)), shape=walks.shape))
    paths.sort_indices()
    rows, columns = sparse.coo_array(paths).coords
    there = (paths.data > _ZERO) & (rows != columns)
    pairs = rows[there].astype(np.int64) * num_nodes + columns[there]
    values = np.log1p(paths.data[there]).astype(np.float32)
    return ThreePaths(torch.from_numpy(pairs).to(device), torch.from_numpy(values).to(device))


def _values_of(wanted: Tensor, path_pairs: Tensor, path_values: Tensor) -> Tensor:
    """The values of pairs, 0 for those without a path."""
    # In ascending order, as neighbours in the table are then looked up one after the other.
    ordered, order = wanted.sort()
    place = torch.searchsorted(path_pairs, ordered).clamp(max=path_pairs.numel() - 1)
    values = torch.where(path_pairs[place] == ordered, path_values[place], 0.0)
    return torch.empty_like(values).index_copy_(0, order, values)


def _adjacency(edge_index: Tensor | NormalizedAdjacency, num_nodes: int) -> sparse.csr_array:
    """The matrix of zeros and ones, without self-loops."""
    links = edge_index.indices if isinstance(edge_index, NormalizedAdjacency) else edge_index
    source, target = links.cpu().numpy()
    other = source != target
    adjacency = sparse.csr_array((np.ones(other.sum()), (source[other], target[other])), shape=(num_nodes, num_nodes))
    adjacency.data[:] = 1  # of links that are listed more than once
    return adjacency


def _most_pairs(adjacency: sparse.csr_array) -> int:
    degree = adjacency.sum(axis=1)
    return min(int(degree @ (adjacency @ degree)), adjacency.shape[0] ** 2)


class ThreePathDecoder(nn.Module):
    """Log-odds of a link: decoder(z)_ij + weight * p_ij, p_ij the paths of three links, see ``three_paths``.

    Nodes with many such paths between them are likely to be linked, whatever their features are (Kovacs et al. 2019).
    The paths are those of all links that are known: in masked training too, as a pair's own link is on none of them.
    The weight is learned, from 0.

    Args:
        decoder: Any decoder with PyG's signature ``decoder(z, edge_index, sigmoid=True)`` but another of this kind.

    Raises:
        ValueError: If the decoder counts the paths already.

    Example:
        >>> from spherical_gae.nn import InnerProductDecoder
        >>> decoder = ThreePathDecoder(InnerProductDecoder())
        >>> links = torch.tensor([[0, 1], [1, 0]])
        >>> decoder(torch.eye(3), links, **decoder.graph_arguments(links, 3)).shape
        torch.Size([2])
    """

    decoder: Any

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        if isinstance(decoder, ThreePathDecoder):
            raise ValueError("decoder: given one that counts the paths already, allowed: one that does not")
        self.decoder = decoder
        self.weight = nn.Parameter(torch.zeros(()))

    def reset_parameters(self) -> None:
        """Resets the decoder, and the weight to zero."""
        reset(self.decoder)
        nn.init.zeros_(self.weight)

    def graph_arguments(self, edge_index: Tensor | NormalizedAdjacency, num_nodes: int) -> dict[str, Tensor]:
        """What ``forward`` needs to know of the graph.

        Args:
            edge_index: int64 [2, E], both directions of each link, or ``normalized_adjacency`` of it.
            num_nodes: Number of nodes N.

        Returns:
            ``path_pairs`` and ``path_values``, see ``ThreePaths``, and what the decoder within asks for.

        Raises:
            ValueError: As ``three_paths``.
        """
        pairs, values = three_paths(edge_index, num_nodes)
        return {**self._of_decoder(edge_index, num_nodes), "path_pairs": pairs, "path_values": values}

    def masked_arguments(
        self, edge_index: Tensor | NormalizedAdjacency, num_nodes: int, whole: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """The same where some links are hidden from the encoder: the paths are those of the whole graph.

        Args:
            edge_index: The graph that the encoder sees.
            num_nodes: Number of nodes N.
            whole: ``graph_arguments`` of the graph with all links.
        """
        paths = {name: whole[name] for name in ("path_pairs", "path_values")}
        return {**self._of_decoder(edge_index, num_nodes), **paths}

    def extended_arguments(
        self, old: dict[str, Tensor], whole: dict[str, Tensor], num_old: int, num_nodes: int
    ) -> dict[str, Tensor]:
        """What is known of a graph with later nodes: of two nodes that were there, what was known before.

        Args:
            old: ``graph_arguments`` of the graph with the first ``num_old`` nodes.
            whole: Those of the graph with all nodes.
            num_old: Number of nodes that were there.
            num_nodes: Number of all nodes.
        """
        source, target = (old["path_pairs"] // num_old, old["path_pairs"] % num_old)
        is_new = torch.maximum(whole["path_pairs"] // num_nodes, whole["path_pairs"] % num_nodes) >= num_old
        pairs, order = torch.cat([source * num_nodes + target, whole["path_pairs"][is_new]]).sort()
        values = torch.cat([old["path_values"], whole["path_values"][is_new]])[order]
        # The others have an entry for each node.
        of_nodes = {name: torch.cat([old[name], whole[name][num_old:]]) for name in old if not name.startswith("path_")}
        return {**of_nodes, "path_pairs": pairs, "path_values": values}

    def forward(
        self,
        z: Tensor,
        edge_index: Tensor,
        sigmoid: bool = True,
        *,
        path_pairs: Tensor,
        path_values: Tensor,
        **decoder_arguments: Tensor,
    ) -> Tensor:
        """Scores pairs of nodes.

        Args:
            z: Embeddings of all nodes, shape [N, m].
            edge_index: int64 [2, E], the pairs.
            sigmoid: Whether to return probabilities instead of log-odds.
            path_pairs: See ``ThreePaths``.
            path_values: See ``ThreePaths``.
            **decoder_arguments: What the decoder within needs.

        Returns:
            Shape [E].
        """
        logits = self.decoder(z, edge_index, sigmoid=False, **decoder_arguments)
        if path_pairs.numel() > 0:
            wanted = edge_index[0] * z.size(0) + edge_index[1]
            logits = logits + self.weight * _values_of(wanted, path_pairs, path_values)
        return logits.sigmoid() if sigmoid else logits

    def forward_all(
        self, z: Tensor, sigmoid: bool = True, *, path_pairs: Tensor, path_values: Tensor, **decoder_arguments: Tensor
    ) -> Tensor:
        """Scores all pairs of nodes, shape [N, N]; see ``forward``.  Memory grows with N^2."""
        logits = score_all(self.decoder, z, sigmoid=False, **decoder_arguments)
        values = path_values.new_zeros(z.size(0) ** 2).index_put((path_pairs,), path_values)
        logits = logits + self.weight * values.view_as(logits)
        return logits.sigmoid() if sigmoid else logits

    def forward_block(
        self,
        z: Tensor,
        source: Tensor,
        target: Tensor,
        sigmoid: bool = True,
        *,
        path_pairs: Tensor,
        path_values: Tensor,
        **decoder_arguments: Tensor,
    ) -> Tensor:
        """Scores all pairs of two sets of nodes, int64 [A] and [B], shape [A, B]; see ``forward``."""
        num_nodes = z.size(0)
        logits = score_block(self.decoder, z, source, target, sigmoid=False, **decoder_arguments)
        first, last = (torch.searchsorted(path_pairs, (source + step) * num_nodes) for step in (0, 1))
        count = last - first
        row = torch.arange(source.numel(), device=z.device).repeat_interleave(count)
        # The k-th entry of each row is the k-th after the row's first.
        number = torch.arange(row.numel(), device=z.device) - (count.cumsum(0) - count)[row]
        place = first[row] + number
        values = path_values.new_zeros(source.numel(), num_nodes)
        values[row, path_pairs[place] % num_nodes] = path_values[place]
        logits = logits + self.weight * values[:, target]
        return logits.sigmoid() if sigmoid else logits

    def _of_decoder(self, edge_index: Tensor | NormalizedAdjacency, num_nodes: int) -> dict[str, Tensor]:
        of_decoder = getattr(self.decoder, "graph_arguments", None)
        return {} if of_decoder is None else of_decoder(edge_index, num_nodes)
