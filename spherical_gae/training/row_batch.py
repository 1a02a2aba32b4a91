"""Training on batches of links with an encoder of rows: a batch is a gather from features propagated before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spherical_gae.data.splits import LinkSplit
from spherical_gae.models.graph import VariationalGAE
from spherical_gae.nn.propagated import PropagatedEncoder
from spherical_gae.nn.propagation import normalized_adjacency
from spherical_gae.training.fit_config import FitConfig
from spherical_gae.training.masking import AdjacencyMasking
from spherical_gae.training.mini_batch import LinkBatch, MiniBatchRun

_MASK = 2


class RowBatchRun(MiniBatchRun):
    """A run with a ``PropagatedEncoder``: cost and memory are linear in links and nodes.

    With a mask, the features are propagated anew every ``config.remask_every`` epochs, and only the links that it
    hides are predicted.

    Args:
        model: As for ``fit``; its encoder is a ``PropagatedEncoder``.
        split: As for ``fit``.
        config: Settings.
        inputs: Features and graph on the CPU or on ``device``; those of the split if None.
        seed: Seed of all random numbers.
        device: Where the model is.
        file: Where the propagated features are kept, memory-mapped; in memory if None.
    """

    def __init__(
        self,
        model: VariationalGAE,
        split: LinkSplit,
        config: FitConfig,
        inputs: Sequence[Any] | None,
        seed: int,
        device: torch.device,
        file: str | Path | None = None,
    ) -> None:
        super().__init__(model, split, config, seed, device)
        self.encoder: PropagatedEncoder = model.encoder  # type: ignore[assignment]
        train = split.train
        x, graph = (train.x, train.edge_index) if inputs is None else inputs
        self.features, self.graph = x, normalized_adjacency(graph, self.num_nodes, x.dtype)
        self.rows = self.encoder.precompute(self.features, self.graph, file)
        self.known = model.graph_arguments(self.graph, self.num_nodes)
        self.masking: AdjacencyMasking | None = None
        if config.mask_share > 0:
            self.masking = AdjacencyMasking(
                train.edge_index, self.num_nodes, config.mask_share, x.dtype, train.edge_weight
            )
        self._mask_number = -1
        self._visible = self.rows, self.known
        self._links = train.pos_edge_label_index

    def links_to_predict(self) -> Tensor:
        """All training links, or those that the mask of this epoch hides."""
        number = self.epoch // self.config.remask_every
        if self.masking is not None and number != self._mask_number:
            # By number, not one after the other: a resumed run draws the same ones.
            generator = torch.Generator(self.masking.links.device).manual_seed(self.stream(_MASK, number))
            graph, self._links = self.masking.sample(generator)
            self._visible = (
                self.encoder.precompute(self.features, graph),
                self.model.graph_arguments(graph, self.num_nodes),
            )
            self._mask_number = number
        return self._links

    def make_batch(self, positives: Tensor, negatives: Tensor) -> LinkBatch:
        """Gathers the rows of all ends; a node that occurs twice is encoded, and sampled, twice."""
        inputs, places, known = self._gather(torch.cat([positives, negatives], dim=1), *self._visible)
        num_positives = positives.size(1)
        return LinkBatch(inputs, places[:, :num_positives], places[:, num_positives:], known)

    def make_scored_batch(self, pairs: Tensor) -> tuple[tuple[Any, ...], Tensor, dict[str, Tensor]]:
        """Gathers the rows of all ends, from the graph of all training links."""
        return self._gather(pairs, self.rows, self.known)

    def _gather(
        self, pairs: Tensor, rows: Tensor, known: dict[str, Tensor]
    ) -> tuple[tuple[Any, ...], Tensor, dict[str, Tensor]]:
        nodes = pairs.flatten().to(rows.device)
        places = torch.arange(nodes.numel(), device=self.device).view(2, -1)
        of_nodes = {name: values[nodes.to(values.device)].to(self.device) for name, values in known.items()}
        return (rows.index_select(0, nodes).to(self.device),), places, of_nodes
