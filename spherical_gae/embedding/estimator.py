"""From a graph to embeddings on the sphere in one object, in the style of scikit-learn."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from spherical_gae.data.negatives import NonEdgeSampler
from spherical_gae.embedding.inputs import as_graph, pairs_of, raw_graph
from spherical_gae.embedding.likeliest import likeliest_pairs
from spherical_gae.embedding.presets import resolve_preset
from spherical_gae.embedding.state import EmbeddedGraph, embed_graph, extend_graph
from spherical_gae.embedding.training import Training, train_embedding
from spherical_gae.evaluation.metrics import auc_ap
from spherical_gae.experiments.presets import Preset
from spherical_gae.models.graph import VariationalGAE
from spherical_gae.retrieval import known_partners, nearest_neighbors
from spherical_gae.training import Callback

# Pairs scored at once: the ends' embeddings are gathered, which takes memory.
_PIECE = 1 << 17


class SphericalGraphEmbedding(BaseEstimator):
    """Embeds the nodes of a graph as unit vectors, and predicts its links.

    Nodes are called by the ids that the graph has.  An epoch is chosen on a few links that are held out; then the model
    is trained anew on all links.

    Args:
        dim: Coordinates of an embedding, at least 2 (on a product of K spheres a multiple of K); None for the preset's.
        preset: Settings of model and training, see ``available_presets``; ``"auto"`` takes one by the graph: see
            ``resolve_preset``.
        latent: Distribution of the latents on one sphere: ``"s"`` von Mises-Fisher, ``"p"`` projected normal, ``"ps"``
            Power Spherical, ``"sc"`` spherical Cauchy; None for the preset's.
        epochs: Number of epochs at most, at least 1; None for the preset's.
        patience: Epochs without a better validation score after which the epoch is chosen, at least 1; None for all
            epochs.
        val_share: Share of the links held out to choose the epoch, in [0, 1); at least one link.  With 0 nothing is
            held out, and all ``epochs`` are trained.
        refit: Whether to train anew on all links, for as many epochs as were best.  If not, the model is the one that
            has not seen the held-out links in training; its message passing sees them.
        device: Where to train.
        random_state: Seed, at least 0; or what scikit-learn takes in its place.
        callbacks: Functions ``callback(epoch, figures)``, see ``fit_gae``; they follow the training that chooses the
            epoch.
        verbose: Whether to show progress bars.

    Attributes:
        embedding_: Float32 [N, m], rows of length 1.  On a product of K spheres a row is K vectors of length K^-1/2
            side by side.
        node_ids_: The ids of its rows.
        concentration_: How sure the model is of each node, float32 [N], or [N, K] on a product; None where the
            distribution has no concentration (``latent="p"``).
        history_: For each epoch ``loss``, ``val_auc`` and ``val_ap``, and ``refit_loss`` of the training on all links.
        best_epoch_: Number of epochs that the model was trained for.
        report_: What was read.
        seed_: The seed that was used.
        preset_: The settings that were used.
        model_: The ``SphericalGAE``, on the CPU.

    Example:
        >>> import networkx as nx
        >>> embedding = SphericalGraphEmbedding(dim=8, epochs=20).fit(nx.karate_club_graph())
        >>> embedding.embedding_.shape
        (34, 8)
        >>> embedding.suggest(33, k=2).columns.tolist()
        ['node', 'probability']
        >>> embedding.transform([("new", 0), ("new", 33)]).loc["new"].shape
        (8,)
    """

    embedding_: npt.NDArray[np.float32]
    concentration_: npt.NDArray[np.float32] | None
    node_ids_: list[int] | list[str]
    history_: dict[str, list[float]]
    best_epoch_: int
    report_: Any
    seed_: int
    preset_: Preset
    model_: VariationalGAE

    def __init__(
        self,
        dim: int | None = None,
        preset: str = "auto",
        *,
        latent: str | None = None,
        epochs: int | None = None,
        patience: int | None = None,
        val_share: float = 0.05,
        refit: bool = True,
        device: str = "cpu",
        random_state: Any = 0,
        callbacks: Sequence[Callback] = (),
        verbose: bool = False,
    ) -> None:
        self.dim = dim
        self.preset = preset
        self.latent = latent
        self.epochs = epochs
        self.patience = patience
        self.val_share = val_share
        self.refit = refit
        self.device = device
        self.random_state = random_state
        self.callbacks = callbacks
        self.verbose = verbose

    def fit(self, graph: Any, features: Any = None) -> SphericalGraphEmbedding:
        """Reads a graph, trains on it, and embeds all its nodes.

        Args:
            graph: A torch_geometric ``Data``; a networkx graph; a SciPy sparse adjacency matrix; a pandas table of
                edges (columns ``source`` and ``target``, or the first two, and ``weight`` if there is one); an array
                [E, 2] of ids; or the path of a file, see ``read_graph``.  Directions, repeats, self-loops are treated
                as by ``clean_graph``.
            features: Node features, if the graph has none of its own or others are wanted: an array or sparse matrix
                [N, F] in the order of the nodes; a pandas table indexed by id; of a networkx graph, names of
                attributes; or the path of a file.  Nodes that only a table has are isolated.

        Returns:
            The estimator itself.

        Raises:
            TypeError: If a graph or features are of none of these kinds.
            ValueError: If they hold what is not allowed, or a setting is out of range.
        """
        self._check()
        self.seed_ = self._seed()
        data = as_graph(graph, features)
        preset = resolve_preset(self.preset, data).with_changes(
            latent_dim=self.dim, latent=self.latent, epochs=self.epochs
        )
        how = Training(self.val_share, self.patience, self.refit, self.seed_, self.device, self.callbacks, self.verbose)
        trained = train_embedding(data, preset, how)
        self.preset_, self.model_ = preset, trained.model
        self.best_epoch_, self.history_ = trained.num_epochs, trained.history
        self.report_ = data.get("report")
        self._set_graph(embed_graph(trained.model, data))
        return self

    def fit_transform(self, graph: Any, features: Any = None) -> pd.DataFrame:
        """Fits, and returns the embeddings as ``transform`` does."""
        return self.fit(graph, features).transform(graph, features)

    def extended(self, graph: Any, features: Any = None) -> SphericalGraphEmbedding:
        """A copy that knows later nodes as well; what is known of the others stays as it is, bit for bit.

        The model is applied to the graph with all its nodes and links; nothing is trained.

        Args:
            graph: The new nodes and their links, to nodes that are there and to each other, of any kind that ``fit``
                takes; None for none.  Links between nodes that are there are not used.
            features: Features of the new nodes, as for ``fit``, if the embedded graph has features.

        Raises:
            TypeError: As ``fit``.
            ValueError: As ``fit``; if new nodes have no features although the others do, or other ones.
        """
        check_is_fitted(self)
        return self._extended(raw_graph(graph, features))

    def transform(self, graph: Any, features: Any = None) -> pd.DataFrame:
        """Embeddings of the nodes of a graph, of those that are known and of later ones; see ``extended``.

        Args:
            graph: As for ``extended``.
            features: As for ``extended``.

        Returns:
            Table [n, m] indexed by id, in the order of the nodes of ``graph``.
        """
        check_is_fitted(self)
        raw = raw_graph(graph, features)
        whole = self._extended(raw)
        return whole._frame(whole._rows("graph", raw.node_ids))

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
        graph = self._graph
        known: dict[str, Any] = {**graph.known}
        found = self.model_.top_links(graph.z, k, torch.tensor([row]), graph.data.edge_index, **known)
        there = found.indices[0] >= 0
        ids = [self.node_ids_[index] for index in found.indices[0][there].tolist()]
        return pd.DataFrame({"node": ids, "probability": found.scores[0][there].numpy()})

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
        if k < 1:
            raise ValueError(f"k: given {k}, allowed: 1 or more")
        graph = self._graph
        log_odds, pairs = likeliest_pairs(self.model_, graph.z, k, graph.data.edge_index, graph.known)
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

        So that ``GridSearchCV`` compares settings on the edges of a table: ``cv`` splits its rows.

        Args:
            links: Pairs of ids, as for ``score_links``.  Of a graph without features, ids that are unknown are
                embedded as nodes without links.
            y: Not used; for scikit-learn.

        Returns:
            In [0, 1]; .5 is chance.

        Raises:
            ValueError: If there are no links, or an id is unknown in a graph with features.
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
        positive = whole._pairs("links", pairs)
        taken = torch.cat([whole._graph.data.edge_index, positive], dim=1)
        generator = torch.Generator().manual_seed(self.seed_)
        negative = NonEdgeSampler(taken, whole._graph.num_nodes).sample(positive.size(1), generator)
        return auc_ap(whole._log_odds(positive), whole._log_odds(negative)).auc

    def save(self, folder: str | Path) -> None:
        """Writes the estimator into a folder, as safetensors and JSON; see ``load``."""
        from spherical_gae.embedding.persistence import save_embedding

        check_is_fitted(self)
        save_embedding(self, folder)

    @classmethod
    def load(cls, folder: str | Path) -> SphericalGraphEmbedding:
        """Reads what ``save`` wrote; nothing is unpickled.

        Raises:
            FileNotFoundError: If a file is missing.
            ValueError: If a file was changed or is of another version; the message names it.
        """
        from spherical_gae.embedding.persistence import load_embedding

        return load_embedding(folder)

    def _check(self) -> None:
        if not 0 <= self.val_share < 1:
            raise ValueError(f"val_share: given {self.val_share}, allowed: a share in [0, 1)")
        for name, least in (("dim", 2), ("epochs", 1), ("patience", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name}: given {value}, allowed: {least} or more, or None")

    def _seed(self) -> int:
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _set_graph(self, graph: EmbeddedGraph) -> None:
        """Makes the public arrays of what is known of the nodes."""
        self._graph = graph
        self.node_ids_ = graph.data.node_ids
        self.embedding_ = (graph.z / math.sqrt(self.preset_.num_factors)).numpy()
        self.concentration_ = None if graph.concentration is None else graph.concentration.numpy()
        self._row_of = {str(name): row for row, name in enumerate(self.node_ids_)}

    def _extended(self, raw: Any) -> SphericalGraphEmbedding:
        whole = copy.copy(self)
        whole._set_graph(extend_graph(self.model_, self._graph, raw))
        return whole

    def _rows(self, name: str, nodes: Iterable[Any]) -> list[int]:
        """Rows of ids; 7 and "7" are one id."""
        try:
            return [self._row_of[str(node)] for node in nodes]
        except KeyError as error:
            some = ", ".join(repr(known) for known in self.node_ids_[:3])
            raise ValueError(
                f"{name}: given the unknown id {error.args[0]!r}, allowed: one of the {len(self.node_ids_)} ids, such "
                f"as {some}"
            ) from None

    def _pairs(self, name: str, pairs: Sequence[tuple[Any, Any]]) -> Tensor:
        rows = self._rows(name, [end for pair in pairs for end in pair])
        return torch.tensor(rows, dtype=torch.long).view(-1, 2).t()

    def _frame(self, rows: Iterable[int]) -> pd.DataFrame:
        rows = list(rows)
        index = pd.Index([self.node_ids_[row] for row in rows], name="node")
        return pd.DataFrame(self.embedding_[rows], index, [f"z{k}" for k in range(self.embedding_.shape[1])])

    def _checked_k(self, k: int) -> int:
        if k < 1:
            raise ValueError(f"k: given {k}, allowed: 1 or more")
        return min(k, len(self.node_ids_))

    @torch.no_grad()
    def _log_odds(self, pairs: Tensor) -> Tensor:
        graph = self._graph
        parts = [
            self.model_.decode(graph.z, piece, sigmoid=False, **graph.known) for piece in pairs.split(_PIECE, dim=1)
        ]
        return torch.cat(parts) if parts else torch.empty(0)
