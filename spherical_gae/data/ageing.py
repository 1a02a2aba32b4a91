"""Weights by the age of links, so that message passing listens to recent ones more."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.half_life import check_half_life
from spherical_gae.data.splits.parts import LinkSplit

# float32 holds 2^-126; a link whose weight is below counts nothing beside the node itself.
_MOST_HALVINGS = 100


def age_weights(edge_time: Tensor, half_life: float, now: float | None = None) -> Tensor:
    """How much each link counts: w = 2^(-(now - t) / half_life).

    A link of now counts 1, one that is a half-life old 1/2, two half-lives 1/4.  The weight is at least 2^-100, so that
    the oldest links are still links.

    Args:
        edge_time: Times t [E], of any real dtype.
        half_life: The age at which a link counts half, in the unit of the times, above 0 and finite.
        now: The time from which ages are counted, at least that of the latest link; None for that of the latest link.

    Returns:
        Float32 [E], in (0, 1].

    Raises:
        ValueError: If ``half_life`` is not above 0 and finite, there are no times, one is NaN or infinite, or ``now``
            is before one of them.

    Example:
        >>> age_weights(torch.tensor([10, 20, 25, 30]), half_life=10)
        tensor([0.2500, 0.5000, 0.7071, 1.0000])
    """
    check_half_life(half_life)
    if not edge_time.numel():
        raise ValueError("edge_time: given no times, allowed: one for each link")
    if edge_time.is_floating_point() and not bool(edge_time.isfinite().all()):
        raise ValueError("edge_time: given NaN or infinity, allowed: finite numbers")
    latest = edge_time.max().item()
    now = latest if now is None else now
    if now < latest:
        raise ValueError(f"now: given {now}, allowed: the time of the latest link, {latest}, or later")
    # Integers first: nanoseconds since 1970 are beyond 2^53.  Narrow ones would overflow.
    age = (now - (edge_time.double() if edge_time.is_floating_point() else edge_time.long())).double()
    return torch.exp2(-(age / half_life).clamp(max=_MOST_HALVINGS)).float()


def aged(data: Data, half_life: float) -> Data:
    """A graph whose links count by their age, see :func:`age_weights`; now is the time of its latest link.

    Weights that the links have are multiplied.  Encoders and masks take them as any others: with weights, message
    passing normalises A by its row sums.

    Args:
        data: ``Data`` with ``edge_time`` [E].
        half_life: See :func:`age_weights`.

    Returns:
        A copy, which shares all but ``edge_weight``.

    Raises:
        ValueError: If the graph has no times; and as :func:`age_weights`.

    Example:
        >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> aged(Data(edge_index=edges, edge_time=torch.tensor([1, 1, 3, 3])), half_life=1).edge_weight
        tensor([0.2500, 0.2500, 1.0000, 1.0000])
    """
    check_times(data, half_life)
    weight = age_weights(data.edge_time, half_life)
    younger = copy.copy(data)
    younger.edge_weight = weight if data.edge_weight is None else data.edge_weight * weight
    return younger


def aged_split(split: LinkSplit, half_life: float) -> LinkSplit:
    """A split whose training links count by their age in message passing; now is the time of the last one.

    Validation and test links are asked about as before.

    Args:
        split: From ``split_links`` of a graph with times.
        half_life: See :func:`age_weights`.

    Raises:
        ValueError: As :func:`aged`.

    Example:
        >>> from spherical_gae import split_links
        >>> ring = torch.stack([torch.arange(40), (torch.arange(40) + 1) % 40])
        >>> edges, time = torch.cat([ring, ring.flip(0)], dim=1), torch.arange(40).repeat(2)
        >>> data = Data(edge_index=edges, edge_time=time, num_nodes=40)
        >>> aged_split(split_links(data), half_life=8).train.edge_weight.max()
        tensor(1.)
    """
    return LinkSplit(*(aged(part, half_life) for part in split))


def check_times(data: Data, half_life: float) -> None:
    """Refuses a half-life for a graph without times.

    Raises:
        ValueError: If the graph has no ``edge_time``.
    """
    if data.get("edge_time") is None:
        raise ValueError(
            f"half_life: given {half_life} for a graph without times, allowed: None, or a graph with edge_time; of a "
            "file name the column, time= (--time)"
        )
