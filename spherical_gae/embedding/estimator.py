"""From a graph to embeddings on the sphere in one object, in the style of scikit-learn."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch_geometric.data import Data

from spherical_gae.data.ageing import aged
from spherical_gae.data.half_life import check_half_life
from spherical_gae.data.kinds import num_pairs
from spherical_gae.data.readers.later import FileReading
from spherical_gae.data.readers.options import ReadingOptions
from spherical_gae.embedding.featureless import AUTO, KINDS, kinds_to_try
from spherical_gae.embedding.inputs import as_graph, raw_graph
from spherical_gae.embedding.later_files import later_links
from spherical_gae.embedding.presets import presets_to_try
from spherical_gae.embedding.queries import EmbeddingQueries
from spherical_gae.embedding.state import embed_graph
from spherical_gae.embedding.training import Candidate, Training, default_share, train_embedding
from spherical_gae.experiments.kinds import check_kind
from spherical_gae.experiments.presets import Preset
from spherical_gae.training import Callback

# Wider ones are mistakes, and end in a want of memory.
_LARGEST_DIM = 65_536


class SphericalGraphEmbedding(EmbeddingQueries, BaseEstimator):
    """Embeds the nodes of a graph as unit vectors, and predicts its links.

    Nodes are called by the ids that the graph has.  An epoch is chosen on a few links that are held out; then the model
    is trained anew on all links.

    Args:
        dim: Coordinates of an embedding, 2 to 65,536 (on a product of K spheres a multiple of K); None for the
            preset's.
        preset: Settings of model and training, see ``available_presets``; ``"auto"`` takes one by the graph: see
            ``resolve_preset``; on a graph without features and with fewer than two links per node, the better of two.
        latent: Distribution of the latents on one sphere: ``"s"`` von Mises-Fisher, ``"p"`` projected normal, ``"ps"``
            Power Spherical, ``"sc"`` spherical Cauchy; None for the preset's.
        default_features: What nodes get in a graph that has no features: ``"hash"``, random signs by a hash of the id,
            which message passing mixes, see ``data.default_features``; ``"spectral"``, eigenvectors of the graph, see
            ``data.spectral_features``; ``"auto"``, both are tried, and the better is kept, by validation AUC + AP, or
            ``"hash"`` without trial where nothing is held out, below 8 nodes or above 50,000 links.
        epochs: Number of epochs at most, at least 1; None for the preset's.
        patience: Epochs without a better validation score after which the epoch is chosen, at least 1; None for all
            epochs.
        val_share: Share of the links held out to choose the epoch, in [0, 1); at least one link.  None for 5%, or as
            much more as makes 50 links, up to 20%.  With 0 nothing is held out, and all ``epochs`` are trained.
        refit: Whether to train anew on all links, for as many epochs as were best.  If not, the model is the one that
            has not seen the held-out links in training; its message passing sees them.
        half_life: Age at which a link counts half, in the unit of the graph's times, see ``data.aged``; None where all
            links count the same.  Links that come later, see ``extended``, are as new as the latest one.
        device: Where to train.
        random_state: Seed, 0 to 2^63 - 1; or what scikit-learn takes in its place.
        callbacks: Functions ``callback(epoch, figures)``, see ``fit_gae``; they follow the training that chooses the
            epoch.  Where several settings are tried, epochs are counted on.
        verbose: Whether to show progress bars.

    Attributes:
        embedding_: Float32 [N, m], rows of length 1.  On a product of K spheres a row is K vectors of length K^-1/2
            side by side.
        node_ids_: The ids of its rows.
        concentration_: Of each node's posterior, float32 [N], or [N, K] on a product; None where the distribution has
            no concentration (``latent="p"``).  Presets with a floor (1000) hold it near there: it is then no measure of
            certainty.
        history_: For each epoch ``loss``, ``val_auc`` and ``val_ap``, and ``refit_loss`` of the training on all links;
            where nothing is held out, ``loss`` alone.
        best_epoch_: Number of epochs that the model was trained for.
        default_features_: The kind of features that the nodes got, None if the graph has features.
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

    history_: dict[str, list[float]]
    best_epoch_: int
    default_features_: str | None
    report_: Any

    def __init__(
        self,
        dim: int | None = None,
        preset: str = "auto",
        *,
        latent: str | None = None,
        default_features: str = AUTO,
        epochs: int | None = None,
        patience: int | None = None,
        val_share: float | None = None,
        refit: bool = True,
        half_life: float | None = None,
        device: str = "cpu",
        random_state: Any = 0,
        callbacks: Sequence[Callback] = (),
        verbose: bool = False,
    ) -> None:
        self.dim = dim
        self.preset = preset
        self.latent = latent
        self.default_features = default_features
        self.epochs = epochs
        self.patience = patience
        self.val_share = val_share
        self.refit = refit
        self.half_life = half_life
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
                as by ``clean_graph``.  Labels are not trained on; a ``y`` that is no class of each node is left aside.
                With ``side`` or ``batch``, links are learned and suggested across the sides, or within each graph.
            features: Node features, if the graph has none of its own or others are wanted: an array or sparse matrix
                [N, F] in the order of the nodes; a pandas table indexed by id; of a networkx graph, names of
                attributes; or the path of a file, whose columns are prepared as by ``read_graph``.  Nodes that only a
                table has are isolated.

        Returns:
            The estimator itself.

        Raises:
            TypeError: If a graph or features are of none of these kinds.
            ValueError: If they hold what is not allowed, or a setting is out of range.
        """
        self._check()
        seed = self._seed()
        data = as_graph(graph, features)
        if self.half_life is not None:
            data = aged(data, self.half_life)
        changes = {"latent_dim": self.dim, "latent": self.latent, "epochs": self.epochs}
        candidates = []
        for kind in kinds_to_try(data, self.default_features):
            for preset in presets_to_try(self.preset, data, kind):
                self._check_with(preset, data)
                candidates.append(Candidate(preset.with_changes(**changes), kind))
        share = default_share(data.edge_index.size(1) // 2) if self.val_share is None else self.val_share
        how = Training(share, self.patience, self.refit, seed, self.device, self.callbacks, self.verbose)
        trained = train_embedding(data, candidates, how)
        self.seed_, self.preset_, self.model_ = seed, trained.candidate.preset, trained.model
        self.best_epoch_, self.history_ = trained.num_epochs, trained.history
        self.default_features_ = trained.candidate.features
        self.report_ = data.get("report")
        self._set_graph(embed_graph(trained.model, trained.data))
        return self

    def fit_transform(self, graph: Any, features: Any = None) -> pd.DataFrame:
        """Fits, and returns the embeddings as ``transform`` does."""
        return self.fit(graph, features).transform(graph, features)

    def extended(
        self, graph: Any, features: Any = None, *, reading: ReadingOptions | None = None
    ) -> SphericalGraphEmbedding:
        """A copy that knows later nodes as well; what is known of the others stays as it is, bit for bit.

        The model is applied to the graph with all its nodes and links; nothing is trained.

        Args:
            graph: The new nodes and their links, to nodes that are there and to each other, of any kind that ``fit``
                takes; None for none.  Links between nodes that are there are not used.  Ids are integers while all
                are: beside a new one of text, all become text.
            features: Features of the new nodes, as for ``fit``, if the embedded graph has features.  Of tables, and of
                attributes in a file of links, they are made as those of the embedded graph were, if these were read
                from a file; of a table that was given to ``fit`` the columns must have the same names and order.
                Arrays are taken as they are: a row for each node of ``graph``, or for each new one, in the order of
                their ids (of a table or list of links sorted).  Nodes that are there need none.
            reading: What is to be read from files otherwise than from the embedded graph's file: columns, weights,
                header, delimiter, comments.  By default a file of links is read as that one was.

        Raises:
            TypeError: As ``fit``.
            ValueError: As ``fit``; if new nodes have no features although the others do, or other ones.
        """
        check_is_fitted(self)
        return self._extended(self._later(graph, features, reading))

    def transform(self, graph: Any, features: Any = None, *, reading: ReadingOptions | None = None) -> pd.DataFrame:
        """Embeddings of the nodes of a graph, of those that are known and of later ones; see ``extended``.

        Args:
            graph: As for ``extended``.
            features: As for ``extended``.
            reading: As for ``extended``.

        Returns:
            Table [n, m] indexed by id, in the order of the nodes of ``graph``.
        """
        check_is_fitted(self)
        raw = self._later(graph, features, reading)
        whole = self._extended(raw)
        return whole._frame(whole._rows("graph", raw.node_ids))

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

    def _later(self, graph: Any, features: Any, reading: ReadingOptions | None) -> Data:
        data = self._graph.data
        before, options = self.reading_, reading or ReadingOptions()
        if features is not None and data.get("has_default_features"):
            raise ValueError("features: given some for new nodes, allowed: none, as the embedded graph had none")
        if isinstance(graph, str | os.PathLike):
            graph = later_links(Path(graph), data, options, attributes=features is None)
        return raw_graph(
            graph,
            features,
            known=self._row_of,
            preparation=data.get("feature_preparation"),
            options=options if before is None else before.for_features(options),
        )

    @property
    def reading_(self) -> FileReading | None:
        """How the graph's file was read, by which later files are read too; None if it was no file."""
        reading: FileReading | None = self._graph.data.get("reading")
        return reading

    def _check(self) -> None:
        if self.val_share is not None and not 0 <= self.val_share < 1:
            raise ValueError(f"val_share: given {self.val_share}, allowed: a share in [0, 1), or None")
        if self.val_share == 0 and self.patience is not None:
            raise ValueError(
                f"patience: given {self.patience}, allowed: None with val_share=0, where no score tells when to stop"
            )
        if self.default_features not in KINDS:
            raise ValueError(f"default_features: given {self.default_features!r}, allowed: {', '.join(KINDS)}")
        if self.half_life is not None:
            check_half_life(self.half_life)
        for name, least in (("dim", 2), ("epochs", 1), ("patience", 1)):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Integral):
                raise ValueError(f"{name}: given {value!r}, allowed: an integer, or None")
            if value is not None and value < least:
                raise ValueError(f"{name}: given {value}, allowed: {least} or more, or None")
        if self.dim is not None and self.dim > _LARGEST_DIM:
            raise ValueError(f"dim: given {self.dim}, allowed: 2 to {_LARGEST_DIM}, or None")

    def _check_with(self, preset: Preset, data: Data) -> None:
        """Refuses what does not fit the graph's preset, in the words of this class."""
        check_kind(data, preset)
        if self.dim is not None and (self.dim % preset.num_factors or self.dim < 2 * preset.num_factors):
            raise ValueError(
                f"dim: given {self.dim}, allowed: a multiple of {preset.num_factors}, the spheres of this preset, and "
                f"at least {2 * preset.num_factors}"
            )
        num_links = data.edge_index.size(1) // 2
        if num_links and num_links == num_pairs(data):
            raise ValueError(
                f"graph: given {num_links} links, one for each pair of nodes that may have one, allowed: at least one "
                "pair without a link, to tell links from"
            )
        if num_links < 2 and preset.mask_share > 0:
            raise ValueError(
                "graph: given one link, allowed: at least two for this preset, which hides some in training; "
                "preset='paper' with val_share=0 trains on one"
            )

    def _seed(self) -> int:
        if isinstance(self.random_state, Integral):
            seed = int(self.random_state)
            if not 0 <= seed < 2**63:
                raise ValueError(f"random_state: given {seed}, allowed: 0 to 2^63 - 1")
            return seed
        return int(check_random_state(self.random_state).randint(2**31 - 1))
