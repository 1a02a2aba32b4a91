import math

import pytest
import torch

from spherical_gae.nn import (
    LatentHead,
    NormalHead,
    ProductOfSpheresHead,
    ProjectedNormalHead,
    VonMisesFisherHead,
)
from tests.helpers.heads import HEADS


def test_coordinates_of_a_manifold() -> None:
    assert [VonMisesFisherHead().coordinates(d) for d in (1, 2, 40)] == [2, 3, 41]
    assert [NormalHead().coordinates(d) for d in (1, 2, 40)] == [1, 2, 40]
    assert [ProductOfSpheresHead(3).coordinates(d) for d in (3, 6, 30)] == [6, 9, 33]
    with pytest.raises(ValueError, match="manifold_dim must be a multiple of 3, got 4"):
        ProductOfSpheresHead(3).coordinates(4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_geodesic_distance_is_the_angle(dtype: torch.dtype) -> None:
    """In float32 the arccos of an inner product would be 0 at 1e-6.  Near the antipode half of the digits remain."""
    angles = torch.tensor([0.0, 1e-6, 1e-3, 0.5, math.pi / 2, 3.0, math.pi], dtype=torch.float64)
    a = torch.tensor([[0, 1, 0], [0, -1, 0]], dtype=dtype)
    b = torch.stack([angles.sin(), angles.cos(), torch.zeros(7)], dim=1).to(dtype)
    distance = VonMisesFisherHead().geodesic_distance(a, b)
    torch.testing.assert_close(distance[0], angles.to(dtype), rtol=1e-5, atol=1e-12)
    torch.testing.assert_close(distance[1], (math.pi - angles).to(dtype), rtol=1e-5, atol=1e-5)
    torch.manual_seed(0)
    many = torch.nn.functional.normalize(torch.randn(40, 9, dtype=dtype), dim=1)
    expected = (many @ many.t()).clamp(-1, 1).acos().fill_diagonal_(0)
    torch.testing.assert_close(VonMisesFisherHead().geodesic_distance(many, many), expected, rtol=0, atol=1e-5)


def test_geodesic_distance_on_products_and_in_the_plane() -> None:
    angles = torch.tensor([[0.0, 0.0], [0.3, 0.4], [math.pi, 0.0], [1e-6, 2e-6], [math.pi, math.pi]])
    points = torch.stack([angles.cos(), angles.sin()], dim=-1).flatten(1)
    distance = ProductOfSpheresHead(2).geodesic_distance(points[:1], points)
    expected = [0.0, 0.5, math.pi, math.sqrt(5) * 1e-6, math.sqrt(2) * math.pi]
    torch.testing.assert_close(distance, torch.tensor([expected]), rtol=1e-5, atol=1e-12)
    # Far from the origin, and with more rows than those from which cdist would multiply.
    plane = 1024 + torch.tensor([[0.0, 0.0], [3.0, 4.0], [2**-12, 0.0]]).repeat(10, 1)
    assert NormalHead().geodesic_distance(plane, plane)[0, :3].tolist() == [0, 5, 2**-12]


@HEADS
def test_geodesic_distance_is_a_metric(head: LatentHead) -> None:
    torch.manual_seed(0)
    z = head.center(head(torch.randn(20, 4), torch.zeros(20, head.parameter_widths(4)[1]))).double()
    d = head.geodesic_distance(z, z)
    assert torch.equal(d.diagonal(), torch.zeros(20, dtype=d.dtype))
    torch.testing.assert_close(d, d.t())
    assert (d[:, None] <= d[:, :, None] + d[None] + 1e-12).all()


@pytest.mark.parametrize("gap", [0.0, 1e-6, 1e-3])
def test_angle_of_near_antipodes_keeps_its_digits(gap: float) -> None:
    a = torch.tensor([[1.0, 0.0]])
    b = torch.tensor([[-math.cos(gap), math.sin(gap)]])
    found = VonMisesFisherHead().geodesic_distance(a, b).item()
    assert math.pi - found == pytest.approx(gap, abs=3e-7)


@pytest.mark.parametrize("size", [0.0, 1e-25, 1.0, 1e25])
def test_centre_of_a_projected_normal_is_on_the_sphere(size: float) -> None:
    head = ProjectedNormalHead()
    centre = head.center(head(torch.tensor([[3.0, 0.0, -4.0]]) * size, torch.zeros(1, 3)))
    torch.testing.assert_close(centre, torch.tensor([[0.6, 0.0, -0.8] if size else [1.0, 0.0, 0.0]]))
