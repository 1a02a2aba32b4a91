"""Full-batch training for link prediction: one gradient step on the whole graph in every epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.feature_neighbors import feature_neighbors
from spherical_gae.data.hard_negatives import HardNegativeSampler
from spherical_gae.data.kinds import negative_sampler, pair_space
from spherical_gae.data.splits import LinkSplit
from spherical_gae.nn.feature_neighbor_encoder import FeatureNeighborEncoder, NeighborFeatures
from spherical_gae.nn.listwise import listwise_loss
from spherical_gae.nn.pair_blocks import score_pairs
from spherical_gae.nn.propagated_encoder import PropagatedEncoder
from spherical_gae.nn.sparse import SparseMatrix
from spherical_gae.training.links.masking import AdjacencyMasking, LinkMasking, weight_of_links
from spherical_gae.training.links.run import LinkRun
from spherical_gae.training.links.training_links import all_training_links, check_maskable


class FullBatchRun(LinkRun):
    """A run that encodes every node in every step.

    It takes the arguments of ``LinkRun``, and puts the split on the model's device.
    """

    def placed(self, split: LinkSplit) -> LinkSplit:
        """A copy on the model's device."""
        return LinkSplit(*(part.clone().to(self.device) for part in split))

    def prepare(self) -> None:
        """Computes once what does not change from step to step."""
        encoder, train = self.model.encoder, self.split.train
        if isinstance(encoder, FeatureNeighborEncoder) and not isinstance(self.inputs[0], NeighborFeatures):
            self.inputs = (encoder.prepare(self.inputs[0]), *self.inputs[1:])
        self.rows = None
        if isinstance(encoder, PropagatedEncoder):
            self.rows = encoder.precompute(*self.inputs)
        self.known = self.model.graph_arguments(self.inputs[-1], self.num_nodes)
        self.masking = self._make_masking()
        self.sampler = negative_sampler(train, all_training_links(train))
        self.hard_sampler = self._make_hard_sampler() if self.config.hard_negatives > 0 else None
        self.compiled_loss: Callable[..., Tensor] | None = None

    def compile_steps(self, backend: str) -> None:
        """Lets torch.compile make the loss and its gradient; draws of links and negatives, and validation, stay."""
        super().compile_steps(backend)
        self.compiled_loss = torch.compile(self.whole_loss, backend=backend)

    def _make_masking(self) -> LinkMasking | AdjacencyMasking | None:
        share = self.config.mask_share
        if share == 0:
            return None
        check_maskable(self.split.train)
        edge_index, graph = self.split.train.edge_index, self.inputs[-1]
        if isinstance(graph, SparseMatrix):
            weight = weight_of_links(graph, self.split.train)
            return AdjacencyMasking(edge_index, self.num_nodes, share, graph.dtype, weight)
        return LinkMasking(edge_index, self.num_nodes, share)

    def _make_hard_sampler(self) -> HardNegativeSampler:
        train, features = self.split.train, self.inputs[0]
        if pair_space(train) is not None:
            raise ValueError(
                f"hard_negatives must be 0 for directed and bipartite graphs and for batches of graphs, got "
                f"{self.config.hard_negatives}: nodes two links apart are no candidates there"
            )
        # Found already, where the encoder has prepared them.
        is_known = isinstance(features, NeighborFeatures)
        similar = features.adjacency.indices if is_known else feature_neighbors(train.x)
        return HardNegativeSampler(all_training_links(train), self.num_nodes, similar)

    def _encode(self, graph: Any) -> Tensor:
        if self.rows is not None and graph is self.inputs[-1]:
            return self.model.encode(self.rows)
        return self.model.encode(*self.inputs[:-1], graph)

    def train_step(self) -> float:
        """One gradient step on all links, or on those that the mask hides; returns the loss."""
        self.model.train()
        self.optimizer.zero_grad()
        if self.masking is None:
            graph, positives = self.inputs[-1], self.split.train.pos_edge_label_index
        else:
            graph, positives = self.masking.sample()
        if self.compiled_loss is not None:
            loss = self.compiled_loss(graph, positives, *self._draw_negatives(positives))
        else:
            # The embeddings are sampled first: published results depend on the order of the draws.
            z = self._encode(graph)
            loss = self._loss(z, graph, positives, *self._draw_negatives(positives))
        value = loss.item()
        self.check_loss(value)
        loss.backward()
        self.optimizer.step()
        self.epoch += 1
        return value

    def _draw_negatives(self, positives: Tensor) -> tuple[Tensor, Tensor | None]:
        """Uniform ones, and hard ones if there are."""
        negatives = self.sampler.sample(self.config.negatives_per_link * positives.size(1))
        if self.hard_sampler is None:
            return negatives, None
        return negatives, self.hard_sampler.sample(positives, self.config.hard_negatives)

    def whole_loss(self, graph: Any, positives: Tensor, negatives: Tensor, hard: Tensor | None) -> Tensor:
        """What a step minimises, as one function."""
        return self._loss(self._encode(graph), graph, positives, negatives, hard)

    def _loss(self, z: Tensor, graph: Any, positives: Tensor, negatives: Tensor, hard: Tensor | None) -> Tensor:
        """What a step minimises, of the embeddings from the graph that the encoder sees."""
        known = self.model.masked_arguments(graph, self.num_nodes, self.known)
        loss = self.model.recon_loss(z, positives, negatives, **known)
        if hard is not None:
            weight = self.config.ranking_weight
            loss = (1 - weight) * loss + weight * self._ranking_loss(z, positives, hard, known)
        return loss + self.config.kl_weight / self.num_nodes * self.model.kl_loss()

    def _ranking_loss(self, z: Tensor, positives: Tensor, hard: Tensor, known: dict[str, Tensor]) -> Tensor:
        """``listwise_loss`` of the links to predict, each among hard negatives of its own."""
        pairs = torch.cat([positives, hard.flatten(1)], dim=1)
        scores = self.model.decoder(z, pairs, sigmoid=False, **known)
        positive, negative = scores.split([positives.size(1), hard[0].numel()])
        return listwise_loss(positive, negative.view(hard.shape[1:]))

    @torch.no_grad()
    def log_odds(self, part: Data) -> tuple[Tensor, Tensor]:
        """Log-odds of a part's links and of its negatives, from one encoding of all nodes."""
        self.model.eval()
        z = self._encode(self.inputs[-1])
        self.check_embeddings(z)
        positive, negative = (
            score_pairs(self.model.decoder, z, pairs, sigmoid=False, **self.known)
            for pairs in (part.pos_edge_label_index, part.neg_edge_label_index)
        )
        return positive, negative
