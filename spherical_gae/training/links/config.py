"""Settings and results of link prediction training."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spherical_gae.evaluation.criteria import check_criterion
from spherical_gae.evaluation.metrics import LinkScores

_FULL_BATCH_LINKS = 1_000_000
_BATCH_SIZE = 16_384


@dataclass(frozen=True)
class GAEConfig:
    """How to train.

    Attributes:
        epochs: Number of passes over the training links, at least 1.
        learning_rate: Adam's learning rate, > 0.
        kl_weight: Weight of the KL term; 1 is the bound of ``VariationalGAE``, mean KL / N.  >= 0.
        mask_share: Share of the training links that each epoch hides from message passing, in [0, 1); if positive,
            only the hidden links are predicted.
        negatives_per_link: Number of negatives drawn for every link to predict, at least 1.
        hard_negatives: Number of hard negatives drawn for every link to predict besides, see ``HardNegativeSampler``; 0
            for none.  Each link is to be above its own: ``listwise_loss``.  For the full batch.
        ranking_weight: Weight of that loss, in (0, 1]; binary cross-entropy with the uniform negatives has the rest.
        batch_size: Links to predict in a gradient step; 0 for all of them, the full batch.  If None, the full batch up
            to a million training links, else 16,384.  Several processes share a batch, and need one.
        remask_every: Epochs for which training in batches keeps a mask, before it hides other links and propagates
            anew, at least 1; the full batch has another mask in every epoch.
        num_neighbors: Neighbours sampled for a node, layer by layer, at least 1 each; for training in batches with
            an encoder that is no ``PropagatedEncoder``.
        patience: Epochs without a better validation score after which training stops, at least 1; None for all
            ``epochs``.
        select_by: What the best epoch is the best by, on the validation part: ``"auc+ap"`` or ``"auc"`` against all its
            negatives, ``"mrr"`` or ``"hits@K"`` (K a number >= 1) among the negatives that its links share, int64
            [2, Q], or each link's own, int64 [P, K, 2].  See ``evaluation.criterion_value``.

    Raises:
        ValueError: If a value is out of range.

    Example:
        >>> GAEConfig(epochs=50, mask_share=0.15).learning_rate
        0.01
    """

    epochs: int = 200
    learning_rate: float = 0.01
    kl_weight: float = 1.0
    mask_share: float = 0.0
    negatives_per_link: int = 1
    batch_size: int | None = None
    remask_every: int = 1
    num_neighbors: tuple[int, ...] = (10, 10)
    patience: int | None = None
    select_by: str = "auc+ap"
    hard_negatives: int = 0
    ranking_weight: float = 0.5

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {self.epochs}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be positive and finite, got {self.learning_rate}")
        if not 0 <= self.kl_weight < math.inf:
            raise ValueError(f"kl_weight must be finite and at least 0, got {self.kl_weight}")
        if not 0 <= self.mask_share < 1:
            raise ValueError(f"mask_share must be in [0, 1), got {self.mask_share}")
        if self.negatives_per_link < 1:
            raise ValueError(f"negatives_per_link must be at least 1, got {self.negatives_per_link}")
        if self.hard_negatives < 0:
            raise ValueError(f"hard_negatives must be at least 0, got {self.hard_negatives}")
        if not 0 < self.ranking_weight <= 1:
            raise ValueError(f"ranking_weight must be in (0, 1], got {self.ranking_weight}")
        if self.batch_size is not None and self.batch_size < 0:
            raise ValueError(f"batch_size must be at least 1, or 0 for the full batch, got {self.batch_size}")
        if self.remask_every < 1:
            raise ValueError(f"remask_every must be at least 1, got {self.remask_every}")
        if not self.num_neighbors or min(self.num_neighbors) < 1:
            raise ValueError(f"num_neighbors must be numbers of at least 1, at least one, got {self.num_neighbors}")
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience must be at least 1, or None for all epochs, got {self.patience}")
        check_criterion(self.select_by)

    def batch_size_for(self, num_links: int) -> int:
        """Links in a gradient step when so many are there to train on; 0 for the full batch."""
        if self.batch_size is not None:
            return self.batch_size
        return 0 if num_links <= _FULL_BATCH_LINKS else _BATCH_SIZE


@dataclass(frozen=True)
class GAEResult:
    """What training reached, all scores in [0, 1].

    Attributes:
        best_epoch: Epoch that is best by ``GAEConfig.select_by``, counted from 1; the first one of equals.
        val: Validation scores at the best epoch.
        test: Test scores at the best epoch.
        test_last: Test scores at the last epoch.
        history: For each epoch that was trained ``loss``, ``val_auc`` and ``val_ap``; and what is selected by if it is
            another one, ``val_mrr`` or ``val_hits@K``.
        test_reversed: Of a directed graph, scores of the test links at the best epoch against the same links turned
            round, those that are no links; 0.5 for a model that does not know directions.  None if there is none.

    Example:
        >>> from spherical_gae import GAEConfig, GCNEncoder, SphericalGAE, fit_gae, load_graph, split_links
        >>> split = split_links(load_graph("digits"))
        >>> model = SphericalGAE(GCNEncoder(split.train.num_features, 8, (4, 1)))
        >>> result = fit_gae(model, split, GAEConfig(epochs=2), progress=False)
        >>> result.best_epoch <= 2, len(result.history["loss"])
        (True, 2)
    """

    best_epoch: int
    val: LinkScores
    test: LinkScores
    test_last: LinkScores
    history: dict[str, list[float]]
    test_reversed: LinkScores | None = None
