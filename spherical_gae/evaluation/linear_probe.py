"""How well a linear classifier reads classes from embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from spherical_gae.evaluation.clustering import names_of

_STRENGTHS = tuple(10.0**power for power in range(-2, 6))
_MAX_ITERATIONS = 10_000


class ProbeScores(NamedTuple):
    """What a linear probe reached.

    Attributes:
        accuracy: On the test part, in [0, 1].
        val_accuracy: On the validation part.
        strength: C, which was best there.

    Example:
        >>> ProbeScores(0.8, 0.75, 1.0)._fields
        ('accuracy', 'val_accuracy', 'strength')
    """

    accuracy: float
    val_accuracy: float
    strength: float


def linear_probe(
    embedding: ArrayLike | Tensor,
    labels: ArrayLike | Tensor,
    train: ArrayLike | Tensor,
    val: ArrayLike | Tensor,
    test: ArrayLike | Tensor,
    strengths: Sequence[float] = _STRENGTHS,
) -> ProbeScores:
    """Trains a multinomial logistic regression on embeddings that stay as they are.

    For each C it minimises |W|^2 / 2 + C sum_i -log softmax(W z_i + b)[y_i] over the training part, by scikit-learn;
    of two classes, |w|^2 / 2 + C sum_i log(1 + exp(-s_i (w . z_i + b))), s_i = -1 or 1.  The best C on the validation
    part, the first of equals, is tested.

    Args:
        embedding: Embeddings, shape [N, m], finite.
        labels: Class of each node, shape [N]: integers or texts.  Any number is a class, -1 too: nodes without one are
            in none of the parts.
        train: The nodes to train on: bool [N], or their numbers.  With at least two classes.
        val: The nodes to choose C on.
        test: The nodes to test on.
        strengths: C to try, each positive.

    Returns:
        Accuracies, and C.

    Raises:
        ValueError: If shapes do not fit, a number is not finite, a part is empty or shares nodes with another one, or
            the validation or test part has a class that no training node has.

    Example:
        >>> z = np.array([[1.0, 0.1], [0.1, 1.0]] * 6)
        >>> parts = np.arange(12).reshape(3, 4)
        >>> linear_probe(z, ["x", "y"] * 6, *parts).accuracy
        1.0
    """
    rows = np.asarray(embedding.detach().cpu() if isinstance(embedding, Tensor) else embedding)
    classes = names_of("labels", labels)
    if rows.ndim != 2 or len(rows) != len(classes):
        raise ValueError(f"embedding: given shape {list(rows.shape)}, allowed: [{len(classes)}, m], as labels has rows")
    # Float64, as optimisation is cheap and its end is then the same on all machines, nearly.
    rows = rows.astype(np.float64)
    if not np.isfinite(rows).all():
        raise ValueError("embedding: given NaN or infinite numbers, allowed: finite ones")
    strengths = [float(strength) for strength in strengths]
    if not strengths or not all(0 < strength < np.inf for strength in strengths):
        raise ValueError(f"strengths: given {strengths}, allowed: one or more positive numbers")
    parts = _disjoint_parts({"train": train, "val": val, "test": test}, len(classes))
    known = set(classes[parts["train"]].tolist())
    if len(known) < 2:
        raise ValueError(f"train: given nodes of the class {known.pop()!r} alone, allowed: of two or more")
    for name in ("val", "test"):
        new = set(classes[parts[name]].tolist()) - known
        if new:
            raise ValueError(f"{name}: given nodes of {sorted(new)}, allowed: of classes that a node of train has")
    best: tuple[float, float, LogisticRegression] | None = None
    for strength in strengths:
        model = LogisticRegression(C=strength, max_iter=_MAX_ITERATIONS)
        model.fit(rows[parts["train"]], classes[parts["train"]])
        accuracy = float(model.score(rows[parts["val"]], classes[parts["val"]]))
        if best is None or accuracy > best[0]:
            best = accuracy, strength, model
    assert best is not None
    return ProbeScores(float(best[2].score(rows[parts["test"]], classes[parts["test"]])), *best[:2])


def _disjoint_parts(parts: dict[str, Any], num_nodes: int) -> dict[str, NDArray[np.int64]]:
    """The numbers of the nodes of each part."""
    found: dict[str, NDArray[np.int64]] = {}
    seen = np.zeros(num_nodes, dtype=bool)
    for name, part in parts.items():
        array = np.asarray(part.detach().cpu() if isinstance(part, Tensor) else part)
        if array.dtype == bool and array.shape == (num_nodes,):
            array = array.nonzero()[0]
        if array.ndim != 1 or not len(array) or array.dtype.kind not in "iu":
            raise ValueError(
                f"{name}: given {array.dtype} of shape {list(array.shape)}, allowed: bool [{num_nodes}], or the "
                "numbers of one node or more"
            )
        if not 0 <= array.min() <= array.max() < num_nodes:
            raise ValueError(f"{name}: given {array.min()} to {array.max()}, allowed: nodes 0 to {num_nodes - 1}")
        if seen[array].any() or len(np.unique(array)) < len(array):
            raise ValueError(f"{name}: given a node twice or one of another part, allowed: each node once")
        seen[array] = True
        found[name] = array.astype(np.int64)
    return found
