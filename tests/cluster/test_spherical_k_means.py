"""k-means by the cosine: its fixed point, planted clusters, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from spherical_gae.cluster import SphericalKMeans
from spherical_gae.cluster.directions import spread_out
from spherical_gae.core import VonMisesFisher
from tests.helpers.places import seeded
from tests.helpers.tight_clusters import two_tight_clusters


def planted(size: int = 3000, dtype: torch.dtype = torch.float64) -> tuple[np.ndarray, np.ndarray]:
    labels = torch.arange(size) % 4
    x = VonMisesFisher(torch.eye(6, dtype=torch.float64)[labels], 60.0).sample(generator=seeded(0))
    return x.to(dtype).numpy(), labels.numpy()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ends_where_each_point_is_nearest_to_its_mean_direction(dtype: torch.dtype) -> None:
    x, labels = planted(dtype=dtype)
    model = SphericalKMeans(4, tol=0.0, random_state=0).fit(x)
    assert normalized_mutual_info_score(labels, model.labels_) > 0.95
    cosine = x @ model.cluster_centers_.T
    assert np.array_equal(cosine.argmax(1), model.labels_)
    assert np.array_equal(model.predict(x), model.labels_)
    assert model.inertia_ == pytest.approx((1 - cosine.max(1)).sum(), rel=1e-5)
    for k, center in enumerate(model.cluster_centers_):
        mean = x[model.labels_ == k].sum(0)
        np.testing.assert_allclose(center, mean / np.linalg.norm(mean), atol=1e-5)


def test_more_starts_are_no_worse() -> None:
    x, _ = planted(400)
    one, many = (SphericalKMeans(20, n_init=n, random_state=0).fit(x).inertia_ for n in (1, 8))
    assert many <= one
    assert np.array_equal(
        SphericalKMeans(5, random_state=3).fit_predict(x), clone(SphericalKMeans(5, random_state=3)).fit(x).labels_
    )


def test_starts_are_far_from_each_other() -> None:
    """Of four tight groups each gives one; of points that coincide any is taken."""
    x, labels = planted(400)
    points = torch.from_numpy(x)
    for seed in range(5):
        chosen = spread_out(points, 4, np.random.RandomState(seed))
        rows = [int((points == row).all(1).nonzero()[0]) for row in chosen]
        assert sorted(labels[rows]) == [0, 1, 2, 3]
    same = torch.eye(3, dtype=torch.float64)[:1].expand(10, 3).contiguous()
    assert torch.equal(spread_out(same, 3, np.random.RandomState(0)), same[:3])


@pytest.mark.parametrize("separation", [1e-5, 1e-4, 3e-4])
def test_finds_tight_clusters_in_float32(separation: float) -> None:
    """As from float64; there 1 - cosine of the clusters is 5e-11 to 5e-8."""
    x, labels = two_tight_clusters(separation, np.float32)
    model = SphericalKMeans(2, random_state=0).fit(x)
    assert adjusted_rand_score(labels, model.labels_) == 1
    assert np.array_equal(model.predict(x), model.labels_)
    assert model.cluster_centers_.dtype == np.float32
    # Rounding of the rows and of the centres adds to the spread where that is a few times float32's resolution.
    expected = SphericalKMeans(2, random_state=0).fit(x.astype(np.float64)).inertia_
    assert model.inertia_ == pytest.approx(expected, rel=0.1 if separation < 1e-4 else 1e-3)


def test_wrong_data_and_settings_are_named() -> None:
    with pytest.raises(ValueError, match=r"^X must hold unit vectors"):
        SphericalKMeans(1).fit(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"^n_init must be an integer of at least 1, got 0"):
        SphericalKMeans(2, n_init=0).fit(np.eye(2))
    with pytest.raises(ValueError, match=r"^n_clusters must be an integer from 1 to the number of rows, 2, got 3"):
        SphericalKMeans(3).fit(np.eye(2))
    with pytest.raises(ValueError, match=r"^n_clusters must be an integer from 1 to the number of rows, 2, got '2'"):
        SphericalKMeans("2").fit(np.eye(2))
    with pytest.raises(ValueError, match=r"^X must have 2 features, got 3"):
        SphericalKMeans(1).fit(np.eye(2)).predict(np.eye(3))
