"""Leak-proof splits of a graph's links for link prediction."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import coalesce, is_undirected, remove_self_loops

from spherical_gae.data.negatives import NonEdgeSampler
from spherical_gae.data.undirected import checked_edge_weight


class LinkSplit(NamedTuple):
    """Three parts of one graph; see :func:`split_links` for what each carries."""

    train: Data
    val: Data
    test: Data


def split_links(data: Data, val: float = 0.05, test: float = 0.1, *, seed: int = 0) -> LinkSplit:
    """Split the links of an undirected graph into training, validation and test links.

    Self-loops and duplicates are removed first, silently (the weights of duplicates are summed), and
    the edges sorted, so that the order in which a graph lists its edges changes nothing. The
    positives are those of PyG's ``RandomLinkSplit(is_undirected=True)`` after
    ``torch.manual_seed(seed)``, on the cleaned graph. The negatives are as many as the positives,
    uniform among the pairs unlinked in the whole graph.

    Every part carries ``x``, ``y`` and ``name`` where the graph has them (shared, not copied; other
    attributes are left out), ``num_nodes``, and:

    - ``edge_index``, int64 ``[2, 2 * training links]``: the training links in both directions, for
      message passing. It is the same in all three parts; PyG's own test part has the validation
      links in it too, which would show the model a graph that it was not selected on.
    - ``edge_weight``, ``[2 * training links]``, if the graph has it: the weights of these. Weights
      change neither the positives nor the negatives.
    - ``pos_edge_label_index``, int64 ``[2, P]``: the part's links, each once, as i < j.
    - ``neg_edge_label_index``, int64 ``[2, P]``, in ``val`` and ``test`` only: unlinked pairs
      i < j, none twice, none in both. For training, draw fresh ones each epoch with
      :class:`~spherical_gae.data.negatives.NonEdgeSampler`.

    The work is done on the CPU, so that the split does not depend on the device of the graph; the
    parts are on that device. The caller's random state, on any device, is left as it was.

    Args:
        data: A graph with an undirected ``edge_index`` (int64 ``[2, E]``) and, optionally,
            ``edge_weight`` (``[E]``, finite, above 0, the same in both directions up to rounding).
        val: Fraction of the links for validation, in (0, 1); the number is rounded down.
        test: Fraction of the links for the test, in (0, 1); the number is rounded down.
        seed: Seed of the split, 0 to 2**63 - 1.

    Returns:
        The parts ``(train, val, test)``.

    Raises:
        ValueError: A fraction is outside (0, 1), both sum to 1 or more, the seed is out of range,
            the graph has no or an invalid ``edge_index`` or is directed, its weights are out of
            range or differ between directions, it has too few links for one in each part, or too
            few unlinked pairs for the negatives.
    """
    for argument, fraction in (("val", val), ("test", test)):
        if not 0 < fraction < 1:
            raise ValueError(f"{argument}: given {fraction}, allowed: a fraction in (0, 1)")
    if val + test >= 1:
        raise ValueError(f"val + test: given {val} + {test}, allowed: a sum below 1")
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed: given {seed}, allowed: 0 to 2**63 - 1")
    edge_index = _clean_edge_index(data)
    edge_weight = None if data.edge_weight is None else _clean_edge_weight(data, edge_index)
    _check_size(data.num_nodes, edge_index.size(1) // 2, val, test)
    sampler = NonEdgeSampler(edge_index, data.num_nodes)

    # The shuffle of PyG's RandomLinkSplit, which would also draw negatives, however few are asked for: minutes on a
    # graph of 10^7 links.
    upper = (edge_index[0] < edge_index[1]).nonzero().view(-1)
    num_val, num_test = int(val * upper.numel()), int(test * upper.numel())
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which would reseed the accelerators as well.
        torch.default_generator.manual_seed(seed)
        upper = upper[torch.randperm(upper.numel())]
    chosen = upper.split([upper.numel() - num_val - num_test, num_val, num_test])
    positives = [edge_index[:, part] for part in chosen]
    visible = Data(edge_index=torch.cat([positives[0], positives[0].flip(0)], dim=1))
    if edge_weight is not None:
        visible.edge_weight = edge_weight[chosen[0]].repeat(2)

    # Hashed, lest the negatives come from the random numbers that have shuffled the positives.
    (hashed_seed,) = np.random.SeedSequence(seed).generate_state(1, np.uint64).tolist()
    generator = torch.Generator().manual_seed(hashed_seed)
    negatives = sampler.sample_unique(num_val + num_test, generator).split([num_val, num_test], 1)

    return LinkSplit(
        _part(data, visible, positives[0], None),
        _part(data, visible, positives[1], negatives[0]),
        _part(data, visible, positives[2], negatives[1]),
    )


def _clean_edge_index(data: Data) -> Tensor:
    if data.edge_index is None:
        raise ValueError("data: given no edge_index, allowed: a graph with one")
    data.validate()  # raises ValueError for a wrong shape and for node ids out of range
    edge_index, _ = remove_self_loops(data.edge_index.cpu())
    edge_index = coalesce(edge_index, num_nodes=data.num_nodes)
    if not is_undirected(edge_index, num_nodes=data.num_nodes):
        raise ValueError(
            "data: given a directed edge_index, allowed: one with both directions of each link; "
            "add the missing ones with torch_geometric.utils.to_undirected"
        )
    return edge_index


def _clean_edge_weight(data: Data, clean_edge_index: Tensor) -> Tensor:
    weight = checked_edge_weight(data.edge_weight.cpu(), data.edge_index.cpu())
    edges, weight = remove_self_loops(data.edge_index.cpu(), weight)
    _, weight = coalesce(edges, weight, data.num_nodes, reduce="sum")
    # The place of each edge's opposite: both lists are sorted.
    opposite = torch.argsort(clean_edge_index[1] * data.num_nodes + clean_edge_index[0])
    if not torch.allclose(weight, weight[opposite], rtol=1e-5, atol=0):
        raise ValueError(
            "data: given an edge_weight that differs between the directions of a link, allowed: the same for both; "
            "make it so with spherical_gae.data.clean_graph"
        )
    return weight


def _check_size(num_nodes: int, links: int, val: float, test: float) -> None:
    num_val, num_test = int(val * links), int(test * links)
    if min(num_val, num_test, links - num_val - num_test) < 1:
        raise ValueError(
            f"data: given {links} links, of which {links - num_val - num_test} train, {num_val} "
            f"val, {num_test} test, allowed: at least one in each part"
        )
    non_edges = num_nodes * (num_nodes - 1) // 2 - links
    if non_edges < num_val + num_test:
        raise ValueError(
            f"data: given {non_edges} unlinked pairs, allowed: at least {num_val + num_test}, one "
            "for each validation and test link"
        )


def _part(data: Data, visible: Data, positives: Tensor, negatives: Tensor | None) -> Data:
    device = data.edge_index.device
    part = Data(edge_index=visible.edge_index.to(device), num_nodes=data.num_nodes)
    if visible.edge_weight is not None:
        part.edge_weight = visible.edge_weight.to(device)
    for key in ("x", "y", "name"):
        if key in data:
            part[key] = data[key]
    part.pos_edge_label_index = positives.to(device)
    if negatives is not None:
        part.neg_edge_label_index = negatives.to(device)
    return part
