"""Scores of pairs of nodes by a trained graph autoencoder, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.double_cover import cover_pairs, double_cover
from spherical_gae.data.pairs import checked_pairs
from spherical_gae.models.directed import DirectedGAE, check_undirected
from spherical_gae.models.encoder_arguments import graph_inputs
from spherical_gae.models.graph import VariationalGAE
from spherical_gae.nn.modes import evaluating
from spherical_gae.nn.pair_blocks import score_pairs


@torch.no_grad()
def score_links(
    model: VariationalGAE | DirectedGAE,
    data: Data,
    pairs: Tensor | ArrayLike,
    *,
    inputs: Sequence[Any] | None = None,
    sigmoid: bool = False,
) -> Tensor:
    """Scores pairs of nodes: how likely is each a link?

    Encodes the graph once, with the model in evaluation mode, and decodes the pairs in blocks, so that memory grows
    with the nodes and the scores, not with the embeddings of all ends.  The model is left in the mode it was in.

    Args:
        model: A trained model; for a directed graph a ``DirectedGAE``, which scores pairs (i, j) as links i -> j.
        data: The graph that message passing sees, with ``x`` [N, F] and ``edge_index`` [2, E]: a part of a split, for
            instance.
        pairs: The pairs, integers [2, P], a tensor or an array; or [P, K, 2], K pairs for each of P links.
        inputs: Arguments of ``model.encode``, as for ``fit_gae``; default: ``(data.x, data.edge_index)``, with weights
            the adjacency in place of the latter.  Of a ``DirectedGAE`` those of the graph's ``double_cover``.
        sigmoid: Whether to return probabilities instead of log-odds.

    Returns:
        Shape [P], or [P, K], on the model's device.

    Raises:
        ValueError: If ``pairs`` is of another shape or type, or names a node that the graph does not have; if the
            graph is directed and the model is not, or the other way round; or if the graph has weights, and the encoder
            is none of this package's and no inputs are given.

    Example:
        >>> from spherical_gae import GCNEncoder, SphericalGAE
        >>> data = Data(x=torch.rand(4, 5), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
        >>> model = SphericalGAE(GCNEncoder(5, 8, (3, 1)))
        >>> score_links(model, data, [[0, 0, 1], [2, 3, 3]]).shape
        torch.Size([3])
    """
    if inputs is None and data.x is None:
        raise ValueError("data.x: given None, allowed: features [N, F], or inputs")
    device = next(model.parameters()).device
    num_nodes = int(data.num_nodes)
    listed = checked_pairs("pairs", pairs, num_nodes).to(device)
    if isinstance(model, DirectedGAE):
        if inputs is None or not data.get("directed"):
            data = double_cover(data)
        model, listed, num_nodes = model.model, cover_pairs(listed, num_nodes), 2 * num_nodes
    else:
        check_undirected("data", data, model)
    given = tuple(inputs or (part.to(device) for part in graph_inputs(model.encoder, data, "data")))
    with evaluating(model):
        # Not ``encode``: the posterior of a training step that is under way is kept.
        z = model.head.center(model.posterior(*given))
        known = model.graph_arguments(given[-1], num_nodes)
        return score_pairs(model.decoder, z, listed, sigmoid=sigmoid, **known)
