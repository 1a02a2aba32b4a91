"""Directed links: every node has an embedding as a source and another one as a target."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from torch_geometric.data import Data

from spherical_gae.data.double_cover import cover_edges, cover_features, cover_pairs
from spherical_gae.data.negatives import NonEdgeSampler
from spherical_gae.data.pair_spaces.ordered import OrderedPairs
from spherical_gae.data.pairs import checked_edge_index
from spherical_gae.evaluation.metrics import LinkScores
from spherical_gae.models.encoder_arguments import check_arguments
from spherical_gae.models.graph import VariationalGAE
from spherical_gae.nn.pair_blocks import score_block
from spherical_gae.retrieval.exclusion import known_partners
from spherical_gae.retrieval.top_k import MAX_SCORES, TopK, blockwise_top_k


def check_undirected(name: str, data: Data, model: nn.Module) -> None:
    """Refuses a directed graph, which a model of undirected links would read as an undirected one.

    Raises:
        ValueError: If ``data.directed`` is there and True.
    """
    if data.get("directed"):
        raise ValueError(
            f"{name} must be undirected for {type(model).__name__}, got a directed one: take DirectedGAE(model), with "
            f"a model for features of twice the width, or drop the directions by clean_graph(data, directed=False)"
        )


class DirectedEmbeddings(NamedTuple):
    """What a node is as a source and as a target, both [N, m]: of an S-VGAE, points on two spheres.

    Example:
        >>> z = DirectedEmbeddings(source=torch.eye(3), target=torch.eye(3).flip(0))
        >>> (z.source[0] * z.target[2]).sum()  # how alike 0 as a source and 2 as a target are
        tensor(1.)
    """

    source: Tensor
    target: Tensor


class DirectedGAE(nn.Module):
    """A graph autoencoder of directed links: logit(i -> j) = scale * source_i . target_j + bias.

    It is a model of undirected links on the ``double_cover`` of the graph, of 2 N nodes.  A node gathers from the
    targets of its links to become a source, and from their sources to become a target.  Any encoder, head and decoder
    will do.  ``fit_gae`` and ``score_links`` take it as they take an undirected model, with directed splits and graphs.

    Args:
        model: The model of undirected links, for features of twice the width: ``SphericalGAE(GCNEncoder(2 * F, ...))``.

    Example:
        >>> from spherical_gae import GCNEncoder, SphericalGAE
        >>> model = DirectedGAE(SphericalGAE(GCNEncoder(2 * 5, 8, (3, 1))))
        >>> x, edge_index = torch.rand(4, 5), torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> z = model.encode(x, edge_index)
        >>> loss = model.recon_loss(z, edge_index) + model.kl_loss() / x.size(0)
        >>> z.source.shape, z.target.shape, model.decode(z, torch.tensor([[0, 1], [1, 0]])).shape
        (torch.Size([4, 3]), torch.Size([4, 3]), torch.Size([2]))
    """

    def __init__(self, model: VariationalGAE) -> None:
        super().__init__()
        self.model = model

    def reset_parameters(self) -> None:
        """Resets encoder and decoder."""
        self.model.reset_parameters()

    def forward(self, x: Tensor, edge_index: Tensor) -> DirectedEmbeddings:
        """The same as ``encode``."""
        return self.encode(x, edge_index)

    def posterior(self, x: Tensor, edge_index: Tensor) -> Any:
        """The distribution of every node, batch shape [2 N]: first of the sources, then of the targets."""
        return self.model.posterior(*self._covered(x, edge_index))

    def encode(self, x: Tensor, edge_index: Tensor) -> DirectedEmbeddings:
        """Embeds every node twice.

        Args:
            x: Node features, shape [N, F].
            edge_index: int64 [2, E], links i -> j.

        Returns:
            Shape [N, m] each: in training mode a sample, in evaluation mode the centre, as ``VariationalGAE.encode``.

        Raises:
            TypeError: If an argument is no tensor.
            ValueError: If ``edge_index`` names a node that is not there.
        """
        return DirectedEmbeddings(*self.model.encode(*self._covered(x, edge_index)).chunk(2))

    @staticmethod
    def _covered(x: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
        check_arguments((x, edge_index))
        for name, value in (("x", x), ("edge_index", edge_index)):
            if not isinstance(value, Tensor):
                raise TypeError(f"{name}: given {type(value).__name__}, allowed: a tensor, x also in a sparse layout")
        return cover_features(x), cover_edges(edge_index, x.size(0))

    def graph_arguments(self, edge_index: Tensor, num_nodes: int) -> dict[str, Tensor]:
        """What the decoder needs to know of the graph, such as out- and in-degrees; see ``VariationalGAE``.

        Args:
            edge_index: int64 [2, E], links i -> j.
            num_nodes: Number of nodes N.
        """
        return self.model.graph_arguments(cover_edges(edge_index, num_nodes), 2 * num_nodes)

    def decode(
        self, z: DirectedEmbeddings, edge_index: Tensor, sigmoid: bool = True, **decoder_arguments: Any
    ) -> Tensor:
        """Scores ordered pairs (i, j), int64 [2, P], as links i -> j; shape [P].

        Raises:
            ValueError: If a node is not there, here and in the methods below.
        """
        pairs = _cover_of("edge_index", edge_index, z)
        return self.model.decode(torch.cat(z), pairs, sigmoid=sigmoid, **decoder_arguments)

    def recon_loss(
        self,
        z: DirectedEmbeddings,
        pos_edge_index: Tensor,
        neg_edge_index: Tensor | None = None,
        **decoder_arguments: Any,
    ) -> Tensor:
        """Binary cross-entropy of links and non-links, see ``VariationalGAE.recon_loss``.

        Args:
            z: Embeddings.
            pos_edge_index: int64 [2, P], links i -> j.
            neg_edge_index: int64 [2, Q], ordered pairs that are no links; by default as many as links are drawn
                uniformly from those that are not in ``pos_edge_index``, which may be links turned round.
            **decoder_arguments: See ``graph_arguments``.
        """
        num_nodes = z.source.size(0)
        if neg_edge_index is None:
            sampler = NonEdgeSampler(pos_edge_index, num_nodes, OrderedPairs(num_nodes))
            neg_edge_index = sampler.sample(pos_edge_index.size(1))
        positive = _cover_of("pos_edge_index", pos_edge_index, z)
        negative = _cover_of("neg_edge_index", neg_edge_index, z)
        return self.model.recon_loss(torch.cat(z), positive, negative, **decoder_arguments)

    def kl_loss(self, posterior: Distribution | None = None, z: Tensor | None = None) -> Tensor:
        """The mean over sources and targets, see ``VariationalGAE.kl_loss``; ``z`` is [2 N, m]."""
        return self.model.kl_loss(posterior, z)

    def test(
        self, z: DirectedEmbeddings, pos_edge_index: Tensor, neg_edge_index: Tensor, **decoder_arguments: Any
    ) -> LinkScores:
        """AUC and average precision of embeddings on links and ordered pairs that are none."""
        positive = _cover_of("pos_edge_index", pos_edge_index, z)
        negative = _cover_of("neg_edge_index", neg_edge_index, z)
        return self.model.test(torch.cat(z), positive, negative, **decoder_arguments)

    @torch.no_grad()
    def top_targets(
        self,
        z: DirectedEmbeddings,
        k: int,
        source_index: Tensor | None = None,
        known_edge_index: Tensor | None = None,
        *,
        sigmoid: bool = True,
        max_scores: int = MAX_SCORES,
        **decoder_arguments: Any,
    ) -> TopK:
        """The likeliest new targets j of links i -> j, for each of some nodes i; as ``VariationalGAE.top_links``.

        Args:
            z: Embeddings.
            k: Number of targets of each node, 1 to N.
            source_index: int64 [Q], the nodes i; default: all.
            known_edge_index: int64 [2, E], links i -> j to leave out, in this direction only; default: none.
            sigmoid: Whether to return probabilities instead of log-odds.
            max_scores: Number of pairs scored at once, at least 1.
            **decoder_arguments: See ``graph_arguments``.

        Returns:
            ``(scores [Q, k], indices [Q, k])``, see ``VariationalGAE.top_links``.

        Raises:
            ValueError: If an argument is out of range, or a score is NaN.
        """
        num_nodes, rows = z.source.size(0), torch.cat(z)
        nodes = torch.arange(num_nodes, device=rows.device)
        sources = nodes if source_index is None else source_index.to(rows.device)
        if sources.numel() and not 0 <= int(sources.min()) <= int(sources.max()) < num_nodes:
            bounds = f"{int(sources.min())} to {int(sources.max())}"
            raise ValueError(f"source_index: given {bounds}, allowed: nodes from 0 to {num_nodes - 1}")
        # On the cover a node as a target is another one than as a source; it is none of its own targets.
        known = nodes.expand(2, -1)
        if known_edge_index is not None:
            checked = checked_edge_index(known_edge_index, num_nodes, "known_edge_index")
            known = torch.cat([known, checked.to(rows.device)], dim=1)
        found = known_partners(sources, 2 * num_nodes, cover_pairs(known, num_nodes))
        exclude = found[:, found[1] >= num_nodes] - torch.tensor([[0], [num_nodes]], device=rows.device)
        best = blockwise_top_k(
            lambda one, other: score_block(
                self.model.decoder, rows, sources[one], num_nodes + nodes[other], sigmoid=False, **decoder_arguments
            ),
            sources.numel(),
            num_nodes,
            k,
            exclude=exclude,
            max_scores=max_scores,
            width=rows.size(1),
        )
        return TopK(best.scores.sigmoid(), best.indices) if sigmoid else best


def _cover_of(name: str, pairs: Tensor, z: DirectedEmbeddings) -> Tensor:
    # Checked: of a node that is not there the cover would take another one.
    num_nodes = z.source.size(0)
    return cover_pairs(checked_edge_index(pairs, num_nodes, name), num_nodes)
