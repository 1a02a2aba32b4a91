"""What is asked of a fitted embedding: links, neighbours, tables."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from spherical_gae.core.unit_vectors import unit_direction
from spherical_gae.data.cleaning import plain_ids
from spherical_gae.data.kinds import negative_sampler, pair_space
from spherical_gae.embedding.inputs import pairs_of, raw_graph
from spherical_gae.embedding.likeliest import likeliest_pairs, likeliest_partners
from spherical_gae.embedding.state import EmbeddedGraph, extend_graph
from spherical_gae.evaluation.metrics import auc_ap
from spherical_gae.experiments.presets import Preset
from spherical_gae.models.graph import VariationalGAE
from spherical_gae.retrieval import known_partners, nearest_neighbors

if TYPE_CHECKING:
    from typing_extensions import Self

# Pairs scored at once: the ends' embeddings are gathered, which takes memory.
_PIECE = 1 << 17


class EmbeddingQueries:
    """The questions that ``SphericalGraphEmbedding`` answers once it is fitted."""

    embedding_: npt.NDArray[np.float32]
    concentration_: npt.NDArray[np.float32] | None
    node_ids_: list[int] | list[str]
    seed_: int
    model_: VariationalGAE
    preset_: Preset
    _graph: EmbeddedGraph
    _row_of: dict[str, int]

    def to_frame(self) -> pd.DataFrame:
        """Embeddings as a table indexed by id: columns ``z0``, ``z1``, ... and ``concentration`` (one for each sphere).

        ``to_frame().to_parquet(path)`` and ``to_csv`` write it.
        """
        check_is_fitted(self)
        frame = self._frame(range(len(self.node_ids_)))
        if self.concentration_ is not None:
            columns = self.concentration_.reshape(len(frame), -1)
            names = (
                ["concentration"] if columns.shape[1] == 1 else [f"concentration{k}" for k in range(columns.shape[1])]
            )
            frame = frame.assign(**dict(zip(names, columns.T, strict=True)))
        return frame

    def score_links(self, pairs: Any) -> npt.NDArray[np.float32]:
        """Probabilities of links, by the decoder.

        Training shows the model more non-links than a graph's share of them, so that a probability is relative: .5 is
        what is as likely a link as a non-link among those that the model was shown.

        Args:
            pairs: Pairs of ids: an array [P, 2], a list, or a table of edges.

        Returns:
            Float32 [P], in [0, 1].

        Raises:
            ValueError: If an id is unknown.
        """
        check_is_fitted(self)
        return self._log_odds(self._pairs("pairs", pairs_of(pairs))).sigmoid().numpy()

    def suggest(self, node: Any, k: int = 10) -> pd.DataFrame:
        """The likeliest new links of a node.

        Args:
            node: Its id.
            k: Number of links, at least 1; fewer are returned if there are not so many nodes without a link to it.

        Returns:
            Table with the columns ``node`` and ``probability``, best first.

        Raises:
            ValueError: If the id is unknown or ``k`` below 1.
        """
        check_is_fitted(self)
        (row,) = self._rows("node", [node])
        k = self._checked_k(k)
        found = likeliest_partners(self.model_, self._graph, k, torch.tensor([row]))
        there = found.indices[0] >= 0
        ids = [self.node_ids_[index] for index in found.indices[0][there].tolist()]
        return pd.DataFrame({"node": ids, "probability": found.scores[0][there].sigmoid().numpy()})

    def suggest_all(self, k: int = 100) -> pd.DataFrame:
        """The likeliest new links of the whole graph.

        All pairs are scored, in blocks: time grows with N^2 (about two minutes for 200,000 nodes on one core).

        Args:
            k: Number of links, at least 1.

        Returns:
            Table with the columns ``source``, ``target`` and ``probability``, best first.

        Raises:
            ValueError: If ``k`` is below 1.
        """
        check_is_fitted(self)
        _check_k(k)
        log_odds, pairs = likeliest_pairs(self.model_, self._graph, k)
        source, target = ([self.node_ids_[row] for row in rows] for rows in pairs.tolist())
        return pd.DataFrame({"source": source, "target": target, "probability": log_odds.sigmoid().numpy()})

    def neighbors(self, node: Any, k: int = 10) -> pd.DataFrame:
        """The nodes whose embeddings are nearest to that of a node, by cosine.

        Args:
            node: Its id.
            k: Number of nodes, at least 1.

        Returns:
            Table with the columns ``node``, ``cosine`` and ``linked`` (whether there is a link already), nearest first.

        Raises:
            ValueError: If the id is unknown or ``k`` below 1.
        """
        check_is_fitted(self)
        (row,) = self._rows("node", [node])
        k, place = self._checked_k(k), torch.tensor([[0], [row]])
        found = nearest_neighbors(self.embedding_[row : row + 1], self.embedding_, k, exclude=place)
        partners = known_partners(place[1], len(self.node_ids_), self._graph.data.edge_index)[1]
        there = found.indices[0] >= 0
        nearest = found.indices[0][there]
        return pd.DataFrame(
            {
                "node": [self.node_ids_[index] for index in nearest.tolist()],
                "cosine": found.scores[0][there].numpy(),
                "linked": torch.isin(nearest, partners).numpy(),
            }
        )

    def score(self, links: Any, y: Any = None) -> float:
        """AUC of links that were not trained on, against as many pairs that are no links, drawn by ``random_state``.

        So that ``GridSearchCV`` compares settings on the edges of a table: ``cv`` splits its rows.  Each link should be
        in one row only: links that were trained on, in either direction, are left out with a warning, as they are no
        test, unless all of them were; so are repeats and links of a node with itself.

        Args:
            links: Pairs of ids, as for ``score_links``.  Of a graph without features, ids that are unknown are
                embedded as nodes without links, but for bipartite graphs and batches, where links tell what they are.
            y: Not used; for scikit-learn.

        Returns:
            In [0, 1]; .5 is chance.

        Raises:
            ValueError: If there are no links of different nodes, one is no pair across the sides or within a graph, or
                an id is unknown in a graph with features, with sides or of several graphs.
        """
        check_is_fitted(self)
        pairs = pairs_of(links)
        if not pairs:
            raise ValueError("links: given none, allowed: at least one")
        whole = self
        if self._graph.data.get("has_default_features"):
            raw = raw_graph(pairs)
            raw.edge_index = raw.edge_index[:, :0]  # the links are the question, and may not be seen
            whole = self._extended(raw)
        positive = whole._tested(whole._pairs("links", pairs))
        taken = torch.cat([whole._graph.data.edge_index, positive], dim=1)
        generator = torch.Generator().manual_seed(self.seed_)
        negative = negative_sampler(whole._graph.data, taken).sample(positive.size(1), generator)
        return auc_ap(whole._log_odds(positive), whole._log_odds(negative)).auc

    def _tested(self, pairs: Tensor) -> Tensor:
        """Those pairs that are no links of the graph, each once; of links alone all, each once."""
        size, known = self._graph.num_nodes, self._graph.data.edge_index
        number, first = np.unique((pairs.amin(0) * size + pairs.amax(0)).numpy(), return_index=True)
        is_pair = number // size != number % size
        is_new = is_pair & ~np.isin(number, (known[0] * size + known[1]).numpy())
        if not is_pair.any():
            raise ValueError("links: given only links of nodes with themselves, allowed: links of different nodes")
        space = pair_space(self._graph.data)
        if space is not None:
            outside = (pairs[0] != pairs[1]) & ~space.contains(pairs[0], pairs[1])
            if outside.any():
                i, j = (self.node_ids_[row] for row in pairs[:, outside][:, 0].tolist())
                raise ValueError(
                    f"links: given {int(outside.sum())} that are no {space.name}, such as {i!r} - {j!r}, allowed: "
                    f"{space.name}"
                )
        chosen = is_new if is_new.any() else is_pair
        kept = pairs[:, np.sort(first[chosen])]
        if not is_new.any():
            warnings.warn("links: all of them were trained on; the score is one of training", stacklevel=3)
        elif kept.size(1) < pairs.size(1):
            warnings.warn(
                f"links: {pairs.size(1) - kept.size(1)} of {pairs.size(1)} left out, which were trained on in one "
                "direction or the other, repeat another one or link a node with itself; give each link one row of a "
                "table that is split",
                stacklevel=3,
            )
        return kept

    def _set_graph(self, graph: EmbeddedGraph) -> None:
        """Makes the public arrays of what is known of the nodes."""
        self._graph = graph
        self.node_ids_ = graph.data.node_ids
        # A plain latent has any length, and is looked at by its direction.
        is_plain = self.preset_.latent == "plain"
        rows = unit_direction(graph.z) if is_plain else graph.z / math.sqrt(self.preset_.num_factors)
        self.embedding_ = rows.numpy()
        self.concentration_ = None if graph.concentration is None else graph.concentration.numpy()
        self._row_of = {str(name): row for row, name in enumerate(self.node_ids_)}

    def _extended(self, raw: Any) -> Self:
        whole = copy.copy(self)
        whole._set_graph(extend_graph(self.model_, self._graph, raw))
        return whole

    def _rows(self, name: str, nodes: Iterable[Any]) -> list[int]:
        """Rows of ids; 7, "7" and, where no id is written like that, 7.0 are one id."""
        row_of = self._row_of
        listed = list(nodes)
        rows = [row_of.get(str(node)) for node in listed]
        if None in rows:  # floats may be whole numbers, as ``fit`` reads them
            rows = [
                row_of.get(str(plain_ids([node])[0])) if row is None else row
                for node, row in zip(listed, rows, strict=True)
            ]
        if None in rows:
            some = ", ".join(repr(known) for known in self.node_ids_[:3])
            raise ValueError(
                f"{name}: given the unknown id {str(listed[rows.index(None)])!r}, allowed: one of the "
                f"{len(self.node_ids_)} ids, such as {some}"
            )
        return rows  # type: ignore[return-value]

    def _pairs(self, name: str, pairs: Sequence[tuple[Any, Any]]) -> Tensor:
        rows = self._rows(name, [end for pair in pairs for end in pair])
        return torch.tensor(rows, dtype=torch.long).view(-1, 2).t()

    def _frame(self, rows: Iterable[int]) -> pd.DataFrame:
        rows = list(rows)
        index = pd.Index([self.node_ids_[row] for row in rows], name="node")
        return pd.DataFrame(self.embedding_[rows], index, [f"z{k}" for k in range(self.embedding_.shape[1])])

    def _checked_k(self, k: int) -> int:
        _check_k(k)
        return min(k, len(self.node_ids_))

    @torch.no_grad()
    def _log_odds(self, pairs: Tensor) -> Tensor:
        graph = self._graph
        parts = [
            self.model_.decode(graph.z, piece, sigmoid=False, **graph.known) for piece in pairs.split(_PIECE, dim=1)
        ]
        return torch.cat(parts) if parts else torch.empty(0)


def _check_k(k: Any) -> None:
    if not isinstance(k, Integral):
        raise ValueError(f"k: given {k!r}, allowed: an integer")
    if k < 1:
        raise ValueError(f"k: given {k}, allowed: 1 or more")
