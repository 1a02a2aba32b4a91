"""HeaRT's fixed splits of the citation graphs, with their shared negatives and the hard ones of every link."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.graphs import load_graph
from spherical_gae.data.heart_files import (
    DOWNLOADED_ENDS,
    HEART_URLS,
    check_heart_files,
    download_heart_ends,
    download_heart_file,
    heart_ends,
    heart_files,
    heart_folder,
    heart_pairs,
    make_heart_ends_file,
)
from spherical_gae.data.roots import complete_folder
from spherical_gae.data.splits import LinkSplit


class HeartData(NamedTuple):
    """A graph with HeaRT's split.

    Attributes:
        split: Training, validation and test part, as from ``split_links``; the negatives are the shared ones.
        val_hard: Hard negatives of each validation link, int64 [2, P, 500]: the first 250 keep its first end, the
            others its second.
        test_hard: Those of each test link.

    Example:
        >>> from spherical_gae.data import load_heart
        >>> data = load_heart("cora")  # doctest: +SKIP
    """

    split: LinkSplit
    val_hard: Tensor
    test_hard: Tensor


def load_heart(name: str, root: str | Path | None = None) -> HeartData:
    """Load a citation graph with the fixed split and the negatives of HeaRT.

    85% of the links are for training, 5% for validation and 10% for the test. Self-loops among the training links,
    which name isolated nodes in CiteSeer's file, are left out. CiteSeer's hard negatives are downloaded; those of Cora
    and PubMed are not published as a file, and are made by the benchmark's procedure, once, in some minutes. A warning
    says so when they are loaded: ``datasets/heart.md`` has how many of the pairs are those of the results. See Li,
    Shomer, Mao, Zeng, Ma, Shah, Tang and Yin, *Evaluating Graph Neural Networks for Link Prediction: Current Pitfalls
    and New Benchmarking*, NeurIPS 2023.

    Args:
        name: ``"cora"``, ``"citeseer"`` or ``"pubmed"``.
        root: The data root; default: ``SPHERICAL_GAE_DATA`` if set, else the cache folder. As for ``load_graph``,
            a root that was named is only read, and split files missing in the cache folder are downloaded.

    Returns:
        The split and the hard negatives.

    Raises:
        ValueError: The name is none of the above.
        FileNotFoundError: Files are missing in a root that was named.
        ChecksumError: A file has other contents than the published ones.
        OSError: A download failed.

    Example:
        >>> data = load_heart("cora")  # doctest: +SKIP
        >>> data.test_hard.shape  # doctest: +SKIP
        torch.Size([2, 527, 500])
    """
    if name not in HEART_URLS:
        raise ValueError(f"name: given {name!r}, allowed: {', '.join(HEART_URLS)}")

    def download(folder: Path) -> None:
        for file in heart_files(name):
            download_heart_file(name, file, folder)
        if name in DOWNLOADED_ENDS:
            download_heart_ends(name, folder)
        else:
            make_heart_ends_file(name, folder, load_graph(name, root).x)

    folder = complete_folder(root, partial(heart_folder, name), partial(check_heart_files, name), download)
    pairs = heart_pairs(name, folder)
    ends = heart_ends(name, folder)
    data = load_graph(name, root)
    train_links = pairs["train_pos.txt"]
    visible = torch.cat([train_links, train_links.flip(0)], dim=1)

    def part(positives: Tensor, negatives: Tensor | None) -> Data:
        made = Data(x=data.x, y=data.y, edge_index=visible, num_nodes=data.num_nodes, name=name)
        made.pos_edge_label_index = positives
        if negatives is not None:
            made.neg_edge_label_index = negatives
        return made

    split = LinkSplit(
        part(train_links, None),
        part(pairs["valid_pos.txt"], pairs["valid_neg.txt"]),
        part(pairs["test_pos.txt"], pairs["test_neg.txt"]),
    )
    hard = (
        hard_negatives(part.pos_edge_label_index, torch.from_numpy(of_part.astype(np.int64)))
        for part, of_part in zip(split[1:], ends, strict=True)
    )
    return HeartData(split, *hard)


def hard_negatives(positives: Tensor, ends: Tensor) -> Tensor:
    """The pairs that the other ends of hard negatives stand for.

    Args:
        positives: Links (a, b), int64 [2, P].
        ends: Nodes c, int64 [P, 2 K]: K for the pairs (a, c), then K for (c, b).

    Returns:
        int64 [2, P, 2 K].

    Example:
        >>> hard_negatives(torch.tensor([[0], [1]]), torch.tensor([[7, 8]])).tolist()
        [[[0, 8]], [[7, 1]]]
    """
    first, second = ends.chunk(2, dim=1)
    a, b = (end[:, None].expand_as(first) for end in positives)
    return torch.stack([torch.cat([a, second], dim=1), torch.cat([first, b], dim=1)])
