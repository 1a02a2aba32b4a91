"""Training on batches of links with any encoder of graphs: PyG samples the neighbourhoods of each batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric import typing as pyg
from torch_geometric.data import Data
from torch_geometric.loader import LinkNeighborLoader
from torch_geometric.sampler import BaseSampler, NeighborSampler

from spherical_gae.nn.feature_neighbor_encoder import FeatureNeighborEncoder
from spherical_gae.training.links.config import GAEConfig
from spherical_gae.training.links.mini_batch import LinkBatch, MiniBatchRun


class NeighborBatchRun(MiniBatchRun):
    """A run whose batches are subgraphs around their links, by PyG's ``LinkNeighborLoader``.

    An encoder that normalises by degree sees the degrees in the subgraph.

    It takes the arguments of ``LinkRun``, of which the encoder takes ``(x, edge_index)``, ``config.num_neighbors`` has
    one entry for each of its layers, and ``inputs`` are None; and besides:

    Args:
        sampler: What samples neighbourhoods; PyG's ``NeighborSampler`` if None.

    Raises:
        ImportError: If there is no sampler and pyg-lib is not installed.
        ValueError: If ``config`` asks for a mask, the links have weights, or the encoder is a
            ``FeatureNeighborEncoder``.
    """

    def __init__(self, *arguments: Any, sampler: BaseSampler | None = None, **named: Any) -> None:
        self._sampler = sampler
        super().__init__(*arguments, **named)

    def prepare(self) -> None:
        """Makes the sampler of neighbourhoods."""
        train = self.split.train
        is_weighted = train.edge_weight is not None
        check_neighbor_batches(self.model.encoder, self.config, is_weighted, self._sampler is not None)
        super().prepare()
        self.graph = Data(x=train.x, edge_index=train.edge_index, num_nodes=self.num_nodes).cpu()
        self.neighbors = self._sampler or NeighborSampler(self.graph, list(self.config.num_neighbors))
        self.known = self.model.graph_arguments(train.edge_index, self.num_nodes)

    def links_to_predict(self) -> Tensor:
        """All training links."""
        return self.split.train.pos_edge_label_index

    def make_batch(self, positives: Tensor, negatives: Tensor) -> LinkBatch:
        """Samples the neighbourhoods of all ends."""
        inputs, places, known = self.make_scored_batch(torch.cat([positives, negatives], dim=1))
        num_positives = positives.size(1)
        return LinkBatch(inputs, places[:, :num_positives], places[:, num_positives:], known)

    def make_scored_batch(self, pairs: Tensor) -> tuple[tuple[Any, ...], Tensor, dict[str, Tensor]]:
        """Samples the neighbourhoods of all ends."""
        pairs = pairs.cpu()
        loader = LinkNeighborLoader(
            self.graph,
            list(self.config.num_neighbors),
            edge_label_index=pairs,
            neighbor_sampler=self.neighbors,
        )
        part = loader(torch.arange(pairs.size(1))).to(self.device)
        known = {name: values[part.n_id.to(values.device)].to(self.device) for name, values in self.known.items()}
        return (part.x, part.edge_index), part.edge_label_index, known


def check_neighbor_batches(encoder: nn.Module, config: GAEConfig, is_weighted: bool, has_sampler: bool = False) -> None:
    """Refuses what cannot be trained on sampled neighbourhoods, see ``NeighborBatchRun``."""
    if isinstance(encoder, FeatureNeighborEncoder):
        raise ValueError(
            "batch_size must be 0 with a FeatureNeighborEncoder, whose feature neighbours are those of the whole "
            "graph: take the full batch, in one process, or PropagatedEncoder (the preset scalable)"
        )
    if not has_sampler and not pyg.WITH_PYG_LIB:
        raise ImportError(
            f"batches of links for {type(encoder).__name__} need sampled neighbourhoods, which need pyg-lib: "
            f"install it (https://github.com/pyg-team/pyg-lib), take PropagatedEncoder (the preset scalable), or "
            f"set batch_size=0 for the full batch, in one process"
        )
    if config.mask_share > 0:
        raise ValueError(
            f"mask_share must be 0 where neighbourhoods are sampled, got {config.mask_share}; masks need "
            f"PropagatedEncoder or the full batch"
        )
    if is_weighted:
        raise ValueError(
            "edge_weight must be None where neighbourhoods are sampled, got weights; these need PropagatedEncoder or "
            "the full batch"
        )
