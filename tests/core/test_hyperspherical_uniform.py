from __future__ import annotations

import copy
import math
import pickle

import pytest
import torch
from scipy import stats
from torch.distributions import Independent

from spherical_gae.core import HypersphericalUniform

SIZE = 50_000
LOG_AREA = {2: math.log(2 * math.pi), 3: math.log(4 * math.pi), 4: math.log(2 * math.pi**2)}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("dim", LOG_AREA)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_density_is_one_over_the_area(dim, dtype):
    law = HypersphericalUniform(dim, dtype=dtype)
    log_area = torch.tensor(LOG_AREA[dim], dtype=dtype)
    torch.testing.assert_close(law.log_prob(law.sample((3,))), -log_area.expand(3))
    torch.testing.assert_close(law.entropy(), log_area)


@pytest.mark.parametrize("dim", [2, 3, 10, 50])
def test_sample_moments(dim):
    """Mean and second moments of a sample are the law's within 5 standard errors."""
    law = HypersphericalUniform(dim, dtype=torch.float64)
    sample = law.rsample((SIZE,), seeded())
    assert ((sample.mean(0) - law.mean).abs() < 5 * sample.std(0) / math.sqrt(SIZE)).all()
    products = sample.unsqueeze(-1) * sample.unsqueeze(-2)
    error = products.std(0) / math.sqrt(SIZE)
    assert ((products.mean(0) - law.covariance_matrix).abs() < 5 * error).all()
    torch.testing.assert_close(law.variance, law.covariance_matrix.diagonal())
    torch.testing.assert_close(law.variance.sum(), torch.ones((), dtype=torch.float64))


@pytest.mark.parametrize("dim", [2, 3, 10, 1000])
def test_coordinates_follow_the_symmetric_beta_law(dim):
    """(1 + x_i) / 2 is Beta((m - 1) / 2, (m - 1) / 2); the norms are 1 to rounding."""
    sample = HypersphericalUniform(dim).sample((5000,), seeded())
    torch.testing.assert_close(sample.norm(dim=-1), torch.ones(5000), rtol=0, atol=1e-6)
    beta = stats.beta((dim - 1) / 2, (dim - 1) / 2)
    assert stats.kstest((1 + sample[:, 0].double().numpy()) / 2, beta.cdf).pvalue > 1e-3


def test_shapes_and_expand():
    law = HypersphericalUniform(3).expand((4, 1)).expand((4, 2))
    assert (law.batch_shape, law.event_shape) == ((4, 2), (3,))
    assert law.sample((5,)).shape == (5, 4, 2, 3)
    assert law.rsample().shape == law.mean.shape == law.variance.shape == (4, 2, 3)
    assert law.covariance_matrix.shape == (4, 2, 3, 3)
    assert law.entropy().shape == (4, 2)
    assert law.log_prob(law.sample((5,))).shape == (5, 4, 2)
    assert law.log_prob(torch.tensor([0.0, 1.0, 0.0])).shape == (4, 2)
    assert HypersphericalUniform(3).expand((0,)).sample((2,)).shape == (2, 0, 3)
    independent = Independent(law, 1)
    assert independent.log_prob(law.sample()).shape == (4,)


def test_dtype_and_device():
    law = HypersphericalUniform(3, dtype=torch.float64, device="meta").expand((2,))
    for tensor in (law.sample(), law.mean, law.variance, law.covariance_matrix, law.entropy()):
        assert (tensor.dtype, tensor.device.type) == (torch.float64, "meta")
    assert HypersphericalUniform(3).sample().dtype == torch.get_default_dtype()


@pytest.mark.parametrize("dim", [1, 0, 2.0, True])
def test_wrong_dimension(dim):
    with pytest.raises(ValueError, match="dim must be an integer of at least 2"):
        HypersphericalUniform(dim)


def test_values_are_checked_when_asked():
    off = torch.tensor([0.5, 0.0, 0.0])
    with pytest.raises(ValueError, match="UnitSphere"):
        HypersphericalUniform(3, validate_args=True).log_prob(off)
    with pytest.raises(ValueError, match="UnitSphere"):
        HypersphericalUniform(3, validate_args=True).expand((2,)).log_prob(off)
    unchecked = HypersphericalUniform(3, validate_args=False).log_prob(off)
    assert unchecked.item() == pytest.approx(-LOG_AREA[3])


def test_generator():
    law, state = HypersphericalUniform(4), torch.get_rng_state()
    first = law.sample((10,), seeded(1))
    assert torch.equal(first, law.sample((10,), seeded(1)))
    assert not torch.equal(first, law.sample((10,), seeded(2)))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda law: pickle.loads(pickle.dumps(law))], ids=["copy", "pickle"])
def test_copies(clone):
    law = clone(HypersphericalUniform(3, dtype=torch.float64).expand((2,)))
    assert (law.batch_shape, law.sample((4,)).dtype) == ((2,), torch.float64)
    assert law.entropy().tolist() == pytest.approx([LOG_AREA[3]] * 2)
