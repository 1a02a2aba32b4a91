"""The untrained cosine, which every table has beside what was trained."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch_geometric.data import Data

from spherical_gae.data.splits import LinkSplit
from spherical_gae.evaluation.baselines import untrained_embeddings
from spherical_gae.evaluation.metrics import LinkScores, auc_ap
from spherical_gae.experiments.kinds import undirected_split
from spherical_gae.nn.propagation import normalized_adjacency

BASELINE = "cosine"
_REVERSED = "reversed_edge_label_index"


def baseline_embeddings(data: Data) -> Tensor:
    """Unit embeddings without training: ``untrained_embeddings``, or normalise(A-hat L2(X)) if a feature is negative.

    Tf-idf means something for counts and their like only, which are not negative.

    Args:
        data: As for ``model_inputs``.

    Returns:
        Float32 [N, F].
    """
    if bool((data.x >= 0).all()):
        return untrained_embeddings(data)
    rows = F.normalize(data.x.float(), dim=-1)
    adjacency = normalized_adjacency(data.edge_index, rows.size(0), edge_weight=data.edge_weight)
    return F.normalize(adjacency @ rows, dim=-1)


def score_baseline(split: LinkSplit, negatives: str = "neg_edge_label_index") -> LinkScores:
    """Test scores of the untrained cosine, see ``baseline_embeddings``; of a directed split on its double cover.

    Args:
        split: From ``split_links``.
        negatives: Which pairs the test links are held against; ``"reversed_edge_label_index"`` for those turned round.
    """
    split = undirected_split(split)
    z = baseline_embeddings(split.train)
    positive, negative = ((z[a] * z[b]).sum(-1) for a, b in (split.test.pos_edge_label_index, split.test[negatives]))
    return auc_ap(positive, negative)


def baseline_scores(split: LinkSplit) -> dict[str, Any]:
    """What a run folder keeps of the baseline.

    Returns:
        ``auc`` and ``ap``; of a directed graph ``auc_reversed`` and ``ap_reversed``, against the test links turned
        round; of a temporal one ``share_unseen``, the share of the test links with an end that no training link has.
    """
    scores: dict[str, Any] = score_baseline(split)._asdict()
    turned = split.test.get(_REVERSED)
    if turned is not None and turned.numel():
        scores |= {f"{name}_reversed": value for name, value in score_baseline(split, _REVERSED)._asdict().items()}
    if "is_unseen" in split.test:
        scores["share_unseen"] = float(split.test.is_unseen.double().mean())
    return scores
