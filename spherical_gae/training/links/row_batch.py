"""Training on batches of links with an encoder of rows: a batch is a gather from features propagated before."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spherical_gae.nn.propagated_encoder import PropagatedEncoder
from spherical_gae.nn.propagation import normalized_adjacency
from spherical_gae.nn.sparse import SparseMatrix
from spherical_gae.training.links.masking import AdjacencyMasking, weight_of_links
from spherical_gae.training.links.mini_batch import LinkBatch, MiniBatchRun

# The stream of random numbers of the masks.
_MASK = 2
_MAPPED_ABOVE = 8 * 10**9


class RowBatchRun(MiniBatchRun):
    """A run with a ``PropagatedEncoder``: cost and memory are linear in links and nodes.

    With a mask, the features are propagated anew every ``config.remask_every`` epochs, and only the links that it
    hides are predicted.  Propagated features of more than 8 GB are kept in a temporary file, memory-mapped.

    It takes the arguments of ``LinkRun``; the encoder is a ``PropagatedEncoder``, and features and graph are on one
    device.
    """

    def prepare(self) -> None:
        """Propagates the features."""
        super().prepare()
        config, train = self.config, self.split.train
        x, graph = self.inputs
        graph = normalized_adjacency(graph, self.num_nodes, x.dtype)
        self.rows = self._propagated(x, graph)
        self.known = self.model.graph_arguments(graph, self.num_nodes)
        self._links = train.pos_edge_label_index
        self._visible = self.rows, self.known
        self._mask_number = -1
        self.masking: AdjacencyMasking | None = None
        if config.mask_share > 0:
            weight = weight_of_links(graph, train)
            self.masking = AdjacencyMasking(train.edge_index, self.num_nodes, config.mask_share, x.dtype, weight)
            self._features = x

    def _propagated(self, x: Tensor | SparseMatrix, graph: SparseMatrix) -> Tensor:
        encoder: PropagatedEncoder = self.model.encoder  # type: ignore[assignment]
        size = x.size(0) * x.size(1) * len(encoder.num_steps) * x.dtype.itemsize
        if size <= _MAPPED_ABOVE or x.device.type != "cpu":
            return encoder.precompute(x, graph)
        with tempfile.TemporaryDirectory(prefix="spherical_gae-") as folder:
            # The mapping outlives the name of the file.
            return encoder.precompute(x, graph, Path(folder) / "rows")

    def links_to_predict(self) -> Tensor:
        """All training links, or those that the mask of this epoch hides."""
        number = self.epoch // self.config.remask_every
        if self.masking is not None and number != self._mask_number:
            # By number, not one after the other: a resumed run draws the same ones.
            generator = torch.Generator(self.masking.links.device).manual_seed(self.stream(_MASK, number))
            adjacency, self._links = self.masking.sample(generator)
            graph = adjacency.to(self._features.device)
            # The old rows make room before there are new ones.
            self._visible = self.rows, self.known
            self._visible = self._propagated(self._features, graph), self.model.graph_arguments(graph, self.num_nodes)
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
