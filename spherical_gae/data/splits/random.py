"""Splits by chance: leak-proof, for every kind of graph."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import coalesce, is_undirected, remove_self_loops

from spherical_gae.data.kinds import check_graph, negative_sampler
from spherical_gae.data.merging import merge_edges
from spherical_gae.data.splits.parts import LinkSplit, make_split
from spherical_gae.data.splits.temporal import cut_by_time
from spherical_gae.data.undirected import checked_edge_weight


def split_links(data: Data, val: float = 0.05, test: float = 0.1, *, seed: int = 0) -> LinkSplit:
    """Split the links of a graph into training, validation and test links.

    Self-loops and duplicates are removed first, silently (the weights of duplicates are summed), and
    the edges sorted, so that the order in which a graph lists its edges changes nothing. The
    positives are those of PyG's ``RandomLinkSplit(is_undirected=True)`` after
    ``torch.manual_seed(seed)``, on the cleaned graph. The negatives are as many as the positives,
    uniform among the pairs unlinked in the whole graph.

    What the graph has besides says of what kind it is (:func:`~spherical_gae.data.kind_of_graph`
    puts it in words):

    - ``batch``, int64 ``[N]``, as PyG's ``Batch`` has it: several graphs. Negatives are within a
      graph, for each link one of its own graph. Links for which their graph has no more unlinked
      pairs are trained on: held out without a negative, they would tell which graphs are dense.
    - ``side``, int64 ``[N]``, 0 or 1: a bipartite graph. Negatives are across the sides. See
      :func:`~spherical_gae.data.two_sides`.
    - ``directed``, True: i -> j and j -> i are different links, and ``edge_index`` has one column for
      each. The split is that of ``RandomLinkSplit(is_undirected=False)``, negatives are ordered pairs.
    - ``edge_time``, one number for each column of ``edge_index``: a temporal graph. Training links
      come before validation links, these before test links; links of one time stay together, so
      that shares are met as nearly as this allows. ``seed`` is that of the negatives only.

    Every part carries ``x``, ``y``, ``name``, ``batch``, ``side`` and ``directed`` where the graph
    has them (shared, not copied; other attributes are left out), ``num_nodes``, and:

    - ``edge_index``, int64 ``[2, 2 * training links]``: the training links in both directions (of a
      directed graph in theirs, ``[2, training links]``), for message passing. It is the same in all
      three parts; PyG's own test part has the validation links in it too, which would show the
      model a graph that it was not selected on.
    - ``edge_weight`` and ``edge_time``, if the graph has them: those of these links. Weights change
      neither the positives nor the negatives.
    - ``pos_edge_label_index``, int64 ``[2, P]``: the part's links, each once, as i < j (of a directed
      graph as i -> j).
    - ``neg_edge_label_index``, int64 ``[2, P]``, in ``val`` and ``test`` only: unlinked pairs
      i < j, none twice, none in both. For training, draw fresh ones each epoch with
      :class:`~spherical_gae.data.negatives.NonEdgeSampler`.
    - of a directed graph, in ``val`` and ``test``, ``reversed_edge_label_index``, int64 ``[2, R]``: the
      part's links turned round, those that are no links themselves.
    - of a temporal graph, in ``val`` and ``test``, ``is_unseen``, bool ``[P]``: links with an end that
      no training link has.

    The work is done on the CPU, so that the split does not depend on the device of the graph; the
    parts are on that device. The caller's random state, on any device, is left as it was.

    Args:
        data: A graph with an undirected ``edge_index`` (int64 ``[2, E]``; a directed one if it has
            ``directed``) and, optionally, ``edge_weight`` (``[E]``, finite, above 0, the same in both
            directions up to rounding) and what is named above.
        val: Fraction of the links for validation, in (0, 1); the number is rounded down.
        test: Fraction of the links for the test, in (0, 1); the number is rounded down.
        seed: Seed of the split, 0 to 2**63 - 1.

    Returns:
        The parts ``(train, val, test)``.

    Raises:
        TypeError: The graph is no ``Data``, such as ``HeteroData``, or holds NumPy arrays.
        ValueError: A fraction is outside (0, 1), both sum to 1 or more, the seed is out of range,
            the graph has no or an invalid ``edge_index`` or is directed, its weights are out of
            range or differ between directions, it has signs or several kinds of links, links
            within a side or between graphs, too few links for one in each part, or too few unlinked
            pairs for the negatives.

    Example:
        >>> from spherical_gae import load_graph
        >>> split = split_links(load_graph("digits"), val=0.05, test=0.1, seed=0)
        >>> [part.pos_edge_label_index.size(1) for part in split]
        [5319, 312, 625]
        >>> split.test.neg_edge_label_index.shape
        torch.Size([2, 625])
    """
    for argument, fraction in (("val", val), ("test", test)):
        if not 0 < fraction < 1:
            raise ValueError(f"{argument}: given {fraction}, allowed: a fraction in (0, 1)")
    if val + test >= 1:
        raise ValueError(f"val + test: given {val} + {test}, allowed: a sum below 1")
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed: given {seed}, allowed: 0 to 2**63 - 1")
    check_graph(data)
    edge_index = _clean_edge_index(data)
    edge_weight = None if data.edge_weight is None else _clean_edge_weight(data, edge_index)
    is_link = edge_index[0] < edge_index[1]
    if data.get("directed"):
        is_link = torch.ones_like(is_link)
    sampler = negative_sampler(data.clone().cpu(), edge_index)
    links = is_link.nonzero().view(-1)
    _check_size(sampler.num_non_edges, links.numel(), val, test)

    edge_time = None
    if data.get("edge_time") is not None:
        edge_time = _clean_edge_time(data)
        chosen: tuple[Tensor, ...] = cut_by_time(edge_time, links, val, test)
    else:
        chosen = _shuffled(links, int(val * links.numel()), int(test * links.numel()), seed)

    # Hashed, lest the negatives come from the random numbers that have shuffled the positives.
    (hashed_seed,) = np.random.SeedSequence(seed).generate_state(1, np.uint64).tolist()
    generator = torch.Generator().manual_seed(hashed_seed)
    negatives, place = sampler.sample_for(torch.cat([edge_index[:, part] for part in chosen[1:]], dim=1), generator)
    of_val = place < chosen[1].numel()
    if not of_val.any() or of_val.all():
        raise ValueError(
            "data: given validation or test links of graphs that have no unlinked pair, allowed: some that have one"
        )
    chosen = _with_negatives(chosen, place, is_temporal=edge_time is not None)
    split = make_split(
        data,
        [edge_index[:, part] for part in chosen],
        [negatives[:, of_val], negatives[:, ~of_val]],
        None if edge_weight is None else edge_weight[chosen[0]],
        None if edge_time is None else edge_time[chosen[0]],
    )
    if edge_time is not None:
        seen = torch.zeros(data.num_nodes, dtype=torch.bool, device=data.edge_index.device)
        seen[split.train.edge_index.flatten()] = True
        for part in split[1:]:
            part.is_unseen = ~seen[part.pos_edge_label_index].all(0)
    return split


def _with_negatives(chosen: tuple[Tensor, ...], place: Tensor, is_temporal: bool) -> tuple[Tensor, ...]:
    """The parts, without validation and test links that no negative is for: they are trained on."""
    train, held = chosen[0], torch.cat(chosen[1:])
    if place.numel() == held.numel():
        return chosen
    if is_temporal:
        raise ValueError(
            f"data: given {held.numel() - place.numel()} validation and test links more than their graphs have "
            f"unlinked pairs, allowed: graphs with a pair for each; leave out those that are linked completely"
        )
    has_negative = torch.zeros(held.numel(), dtype=torch.bool).index_fill_(0, place, True)
    of_val = torch.arange(held.numel()) < chosen[1].numel()
    return torch.cat([train, held[~has_negative]]), held[has_negative & of_val], held[has_negative & ~of_val]


def _shuffled(links: Tensor, num_val: int, num_test: int, seed: int) -> tuple[Tensor, ...]:
    """The shuffle of PyG's RandomLinkSplit, which would also draw negatives, however few are asked for: minutes on a
    graph of 10^7 links.
    """  # noqa: D205
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which would reseed the accelerators as well.
        torch.default_generator.manual_seed(seed)
        links = links[torch.randperm(links.numel())]
    return links.split([links.numel() - num_val - num_test, num_val, num_test])


def _clean_edge_index(data: Data) -> Tensor:
    if data.edge_index is None:
        raise ValueError("data: given no edge_index, allowed: a graph with one")
    data.validate()  # raises ValueError for a wrong shape and for node ids out of range
    edge_index, _ = remove_self_loops(data.edge_index.cpu())
    edge_index = coalesce(edge_index, num_nodes=data.num_nodes)
    if not data.get("directed") and not is_undirected(edge_index, num_nodes=data.num_nodes):
        raise ValueError(
            "data: given a directed edge_index, allowed: one with both directions of each link; "
            "add the missing ones with torch_geometric.utils.to_undirected, or set data.directed = True "
            "to predict links with their direction"
        )
    return edge_index


def _clean_edge_weight(data: Data, clean_edge_index: Tensor) -> Tensor:
    weight = checked_edge_weight(data.edge_weight.cpu(), data.edge_index.cpu())
    edges, weight = remove_self_loops(data.edge_index.cpu(), weight)
    _, weight = coalesce(edges, weight, data.num_nodes, reduce="sum")
    if data.get("directed"):
        return weight
    # The place of each edge's opposite: both lists are sorted.
    opposite = torch.argsort(clean_edge_index[1] * data.num_nodes + clean_edge_index[0])
    if not torch.allclose(weight, weight[opposite], rtol=1e-5, atol=0):
        raise ValueError(
            "data: given an edge_weight that differs between the directions of a link, allowed: the same for both; "
            "make it so with spherical_gae.data.clean_graph"
        )
    return weight


def _clean_edge_time(data: Data) -> Tensor:
    """The earliest time of each link, in the order of its clean edges."""
    time, edge_index = data.edge_time.cpu(), data.edge_index.cpu()
    if time.shape != edge_index.shape[1:] or time.is_complex() or time.dtype == torch.bool:
        raise ValueError(
            f"data.edge_time: given {time.dtype} of shape {list(time.shape)}, allowed: a number for each edge, shape "
            f"[{edge_index.size(1)}]"
        )
    if not bool(time.isfinite().all()):
        raise ValueError("data.edge_time: given NaN or infinity, allowed: finite numbers")
    merged = merge_edges(edge_index, data.num_nodes, edge_time=time, directed=bool(data.get("directed")))
    assert merged.edge_time is not None
    return merged.edge_time


def _check_size(non_edges: int, links: int, val: float, test: float) -> None:
    num_val, num_test = int(val * links), int(test * links)
    if min(num_val, num_test, links - num_val - num_test) < 1:
        raise ValueError(
            f"data: given {links} links, of which {links - num_val - num_test} train, {num_val} "
            f"val, {num_test} test, allowed: at least one in each part"
        )
    if non_edges < num_val + num_test:
        raise ValueError(
            f"data: given {non_edges} unlinked pairs, allowed: at least {num_val + num_test}, one "
            "for each validation and test link"
        )
