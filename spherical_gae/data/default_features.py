"""Features for nodes that have none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

NUM_DEFAULT_FEATURES = 64
"""Features of a node that has none of its own."""
_MAX_FEATURES = 512  # bits of a BLAKE2b digest
_PERSON = b"spherical_gae"


def default_features(node_ids: int | Iterable[int | str], num_features: int = NUM_DEFAULT_FEATURES) -> Tensor:
    """Random signs by a hash of each node's id, rows of length 1.

    The inner products of random vectors that were propagated over the graph approximate those of propagated one-hot
    vectors, that is how much of their neighbourhoods two nodes share, with an error of about 1 / sqrt(num_features)
    (Achlioptas 2003, whose vectors these are), in N * num_features numbers instead of N * N.

    A row depends on the id alone, written as text: a node that is added, or another order, changes no other row.  The
    rows say nothing of the graph by themselves.  Degrees, a common alternative, would: those of the whole graph count
    the links that a split holds out.

    Args:
        node_ids: The nodes' ids; or their number N, for nodes called 0 to N - 1.
        num_features: Number of features, a multiple of 8 from 8 to 512.

    Returns:
        Float32 [N, num_features], entries 1 / sqrt(num_features) and -1 / sqrt(num_features).  No random state is used.

    Raises:
        ValueError: If ``num_features`` is out of range.

    Example:
        >>> default_features(["ann", "bob"]).shape
        torch.Size([2, 64])
        >>> bool((default_features(["bob", "eve", "ann"])[[2, 0]] == default_features(["ann", "bob"])).all())
        True
    """
    if not 8 <= num_features <= _MAX_FEATURES or num_features % 8:
        raise ValueError(f"num_features: given {num_features}, allowed: multiples of 8 from 8 to {_MAX_FEATURES}")
    ids = range(node_ids) if isinstance(node_ids, int) else node_ids
    empty = blake2b(digest_size=num_features // 8, person=_PERSON)
    digests = np.frombuffer(b"".join(_digests(empty, ids)), dtype=np.uint8)
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    signs = torch.from_numpy(bits).float().mul_(2).sub_(1).mul_(num_features**-0.5).numpy()
    return torch.from_numpy(signs[digests].reshape(-1, num_features))


def _digests(empty: blake2b, ids: Iterable[int | str]) -> Iterator[bytes]:
    """The digest of each id as text; a copy of a hash costs half of a new one."""
    for name in ids:
        filled = empty.copy()
        filled.update(str(name).encode())
        yield filled.digest()
