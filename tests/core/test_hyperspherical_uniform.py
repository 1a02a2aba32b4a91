from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from spherical_gae.core import HypersphericalUniform
from tests.helpers.places import seeded

SIZE = 50_000
LOG_AREA = {2: math.log(2 * math.pi), 3: math.log(4 * math.pi), 4: math.log(2 * math.pi**2)}


@pytest.mark.parametrize("dim", LOG_AREA)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_density_is_one_over_the_area(dim, dtype):
    law = HypersphericalUniform(dim, dtype=dtype)
    log_area = torch.tensor(LOG_AREA[dim], dtype=dtype)
    torch.testing.assert_close(law.log_prob(law.sample((3,))), -log_area.expand(3))
    torch.testing.assert_close(law.entropy(), log_area)


@pytest.mark.parametrize("dim", [2, 3, 10, 1000])
def test_coordinates_follow_the_symmetric_beta_law(dim):
    """(1 + x_i) / 2 is Beta((m - 1) / 2, (m - 1) / 2); the norms are 1 to rounding."""
    sample = HypersphericalUniform(dim).sample((5000,), seeded())
    torch.testing.assert_close(sample.norm(dim=-1), torch.ones(5000), rtol=0, atol=1e-6)
    beta = stats.beta((dim - 1) / 2, (dim - 1) / 2)
    assert stats.kstest((1 + sample[:, 0].double().numpy()) / 2, beta.cdf).pvalue > 1e-3


def test_dtype_and_device():
    law = HypersphericalUniform(3, dtype=torch.float64, device="meta").expand((2,))
    for tensor in (law.sample(), law.mean, law.variance, law.covariance_matrix, law.entropy()):
        assert (tensor.dtype, tensor.device.type) == (torch.float64, "meta")
    assert HypersphericalUniform(3).sample().dtype == torch.get_default_dtype()


def test_without_validation_the_density_is_the_same_anywhere():
    law = HypersphericalUniform(3, validate_args=False)
    assert law.log_prob(torch.tensor([0.5, 0.0, 0.0])).item() == pytest.approx(-LOG_AREA[3])
