"""What a run says of its graph and of its scores, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch_geometric.data import Data

from spherical_gae.data.splits import LinkSplit
from spherical_gae.experiments.baseline import BASELINE
from spherical_gae.experiments.names import MAX_DRAWN_NODES, METHODS

FEW_TEST_LINKS = 50
"""Below so many test links, scores mean little."""

EXPLANATIONS = {
    "s-vgae": "embeddings on a sphere: the model of this package",
    "n-vgae": "the same network with normal embeddings: the usual VGAE",
    "cosine": "nothing is trained: the cosine of the features, averaged over the training neighbours",
}
"""What a row of the table is."""


def describe_graph(data: Data, split: LinkSplit, name: str) -> Iterator[str]:
    """Says what was read, and what is held out of it.

    Args:
        data: The graph, from ``load_graph`` or ``read_graph``.
        split: Its split of one seed.
        name: What it is called.

    Yields:
        Sentences: nodes, links and weights; features; classes; links held out; a warning if these are few.

    Example:
        >>> from spherical_gae import load_graph, split_links
        >>> data = load_graph("digits")
        >>> for line in describe_graph(data, split_links(data), "digits"):
        ...     print(line)
        digits: 1,797 nodes, 6,256 links, no weights.
        Features: 32 for each node.
        Classes: 10 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9). They colour latent.png, training does not see them.
        Held out: 312 links to choose the epoch, 625 to test. The model is trained on the other 5,319.
    """
    num_links = sum(part.pos_edge_label_index.size(1) for part in split)
    weights = "no weights" if data.edge_weight is None else "with weights"
    yield f"{name}: {data.num_nodes:,} nodes, {num_links:,} links, {weights}."
    if data.get("has_default_features"):
        yield f"Features: none were given; each node gets {data.num_features} random signs by a hash of its id."
    else:
        yield f"Features: {data.num_features:,} for each node."
    if data.y is None:
        yield "Classes: none."
    else:
        missing = int((data.y < 0).sum())
        names = class_names(data)[int(missing > 0) :]
        rest = f" {counted(missing, 'node')} {'has' if missing == 1 else 'have'} none." if missing else ""
        use = "Training does not see them."
        if data.num_nodes <= MAX_DRAWN_NODES:
            use = "They colour latent.png, training does not see them."
        yield f"Classes: {len(names)} ({', '.join(names)}). {use}{rest}"
    train, val, test = (part.pos_edge_label_index.size(1) for part in split)
    yield f"Held out: {val:,} links to choose the epoch, {test:,} to test. The model is trained on the other {train:,}."
    if test < FEW_TEST_LINKS:
        yield (
            f"Warning: only {test} test links: the scores mean little, and another seed may give quite others. "
            f"Try several, --seeds 0-9."
        )


def counted(number: int, thing: str) -> str:
    """A number of things in words.

    Example:
        >>> counted(1, "epoch"), counted(1200, "held-out link")
        ('1 epoch', '1,200 held-out links')
    """
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def class_names(data: Data) -> list[str]:
    """The names of the classes in ``y``, in the order of their numbers: ``label_names``, or else the numbers.

    That of nodes without a class, if there are any, is -1, and comes first.
    """
    return [_class_name(data, value) for value in sorted(set(data.y.tolist()))]


def classes_of_nodes(data: Data) -> list[str | None]:
    """The name of each node's class in ``y``, as in ``class_names``; None for a node without one.

    Example:
        >>> import torch
        >>> classes_of_nodes(Data(y=torch.tensor([1, 0, 1]), label_names=["cat", "dog"]))
        ['dog', 'cat', 'dog']
    """
    return [None if value < 0 else _class_name(data, value) for value in data.y.tolist()]


def _class_name(data: Data, value: int) -> str:
    if value < 0:
        return "no class"
    names = data.get("label_names")
    return str(value) if names is None else str(names[value])


def format_table(metrics: dict[str, Any]) -> Iterator[str]:
    """Lines of a table: test AUC and AP in percent, mean and standard deviation over the seeds.

    Of a directed graph, also those against the test links turned round; of a temporal one, how many of the test links
    have an end that no training link has.

    Args:
        metrics: Content of ``metrics.json``.

    Yields:
        The header, one line for each method, and what else there is.

    Example:
        >>> rows = {name: {"auc": [0.9, 0.92], "ap": [0.9, 0.9]} for name in ("s-vgae", "n-vgae", "cosine")}
        >>> for line in format_table(rows):
        ...     print(line)
        method                AUC             AP
        s-vgae         91.0 ± 1.4     90.0 ± 0.0
        n-vgae         91.0 ± 1.4     90.0 ± 0.0
        cosine         91.0 ± 1.4     90.0 ± 0.0
    """
    columns = {"AUC": "auc", "AP": "ap"}
    if "auc_reversed" in metrics[METHODS[0]]:
        columns |= {"AUC reversed": "auc_reversed", "AP reversed": "ap_reversed"}
    yield f"{'method':<10} " + " ".join(f"{title:>14}" for title in columns)
    for method in (*METHODS, BASELINE):
        cells = []
        for name in columns.values():
            values = 100 * np.array(metrics[method][name])
            spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
            cells.append(f"{values.mean():.1f}{spread}")
        yield f"{method:<10} " + " ".join(f"{cell:>14}" for cell in cells)
    if "share_unseen" in metrics[BASELINE]:
        share = float(np.mean(metrics[BASELINE]["share_unseen"]))
        yield f"{share:.0%} of the test links have an end without training links"


def explain_table(num_seeds: int, directed: bool = False) -> Iterator[str]:
    """Says what the rows and columns of the table are.

    Args:
        num_seeds: Number of seeds that the table is of.
        directed: Whether the table has columns of links turned round.

    Yields:
        A line for each row, and one or two for the columns.

    Example:
        >>> print(next(explain_table(1)))
        s-vgae  embeddings on a sphere: the model of this package
    """
    for method, words in EXPLANATIONS.items():
        yield f"{method:<6}  {words}"
    spread = "" if num_seeds == 1 else f", mean ± standard deviation over {num_seeds} seeds"
    yield f"AUC, AP  how well test links are told from unlinked pairs (%; 50 is chance, 100 is perfect){spread}"
    if directed:
        yield "reversed  how well they are told from the same links turned round; 50 for who knows no directions"
