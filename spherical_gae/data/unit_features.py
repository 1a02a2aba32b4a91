"""Features as unit vectors, whose inner products are similarities: tf-idf, and fewer coordinates of it."""

from __future__ import annotations

import torch
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def tfidf_features(x: Tensor) -> Tensor:
    """L2(tf-idf(X)): counts, or their like, weighted by how rare a feature is  (scikit-learn's smoothed idf).

    Args:
        x: Non-negative features, shape [N, F], of any dtype.

    Returns:
        Float32 [N, F] on the device of ``x``: unit rows, a row without features is zero.

    Raises:
        ValueError: If a feature is negative or NaN.
    """
    if not bool((x >= 0).all()):
        raise ValueError(f"x must be non-negative for tf-idf, got a smallest entry of {float(x.min())}")
    weighted = TfidfTransformer(norm="l2").fit_transform(x.cpu().double().numpy()).toarray()
    return torch.from_numpy(weighted).float().to(x.device)


def unit_features(x: Tensor, dim: int | None = None) -> Tensor:
    """Unit vectors of features: ``tfidf_features``, or L2(X) if a feature is negative.

    Tf-idf means something for counts and their like only, which are not negative.

    Args:
        x: Features, shape [N, F], of any dtype.
        dim: Number of coordinates, at least 1, to which they are reduced by a truncated singular value decomposition
            (of tf-idf: latent semantic analysis, Deerwester et al. 1990), and normalised again; the random numbers
            in it are fixed, and it runs on one thread, so that the same features give the same bits.  Not
            reduced if None, or if there are no more features, or nodes, than that.

    Returns:
        Float32 [N, F] or [N, dim] on the device of ``x``: unit rows, a row without features is zero.

    Raises:
        ValueError: If ``dim`` is below 1.

    Example:
        >>> unit_features(torch.tensor([[3.0, -4.0], [0.0, 0.0]]))
        tensor([[ 0.6000, -0.8000],
                [ 0.0000,  0.0000]])
    """
    if dim is not None and dim < 1:
        raise ValueError(f"dim must be at least 1, got {dim}")
    rows = tfidf_features(x) if bool((x >= 0).all()) else F.normalize(x.float(), dim=-1)
    if dim is None or min(rows.shape) <= dim:
        return rows
    with threadpool_limits(1):
        reduced = TruncatedSVD(dim, random_state=0).fit_transform(rows.cpu().numpy())
    return F.normalize(torch.from_numpy(reduced).to(rows), dim=-1)
