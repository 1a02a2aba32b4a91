"""What the base class of the laws with a mean direction adds, through a law of its own."""

from __future__ import annotations

import pytest
import torch

from spherical_gae.core import PowerSpherical, VonMisesFisher
from spherical_gae.core.directional import DirectionalDistribution, expand_if_needed
from tests.helpers.places import direction


class PointMass(DirectionalDistribution):
    """All of its mass at the mean direction."""

    def _sample(self, loc, concentration, generator):
        assert concentration.shape == loc.shape[:-1]
        return loc.clone()

    @property
    def mean_resultant_length(self):
        return torch.ones_like(self.concentration)

    @property
    def principal_variances(self):
        return torch.zeros_like(self.concentration), torch.zeros_like(self.concentration)


ABSTRACT = ("_sample", "mean_resultant_length", "principal_variances")


@pytest.mark.parametrize("missing", ABSTRACT)
def test_what_a_law_has_to_define(missing):
    methods = {name: vars(PointMass)[name] for name in ABSTRACT if name != missing}
    with pytest.raises(TypeError, match=f"abstract.*{missing}"):
        type("Partial", (DirectionalDistribution,), methods)(direction("e1", 3), 1.0)
    with pytest.raises(TypeError, match="abstract"):
        DirectionalDistribution(direction("e1", 3), 1.0)


def test_what_a_law_is_given():
    """Moments from its own three, samples without gradients, checks and a name."""
    loc = torch.stack([direction("random", 3), direction("e1", 3)]).requires_grad_()
    law = PointMass(loc, 2.0)
    assert torch.equal(law.mean, loc)
    assert torch.equal(law.mode, loc)
    assert not law.variance.any()
    assert law.covariance_matrix.shape == (2, 3, 3)
    assert law.rsample((4,)).requires_grad
    assert not law.sample((4,)).requires_grad
    assert repr(law) == "PointMass(loc: [[0.9715, 0.2114, 0.1076], [1.0, 0.0, 0.0]], concentration: [2.0, 2.0])"
    assert repr(law.expand((9, 2))) == "PointMass(loc: (9, 2, 3), concentration: (9, 2))"
    with pytest.raises(ValueError, match=r"at least 0, got -2\.0"):
        PointMass(loc, -2.0, validate_args=True)


def test_expand_if_needed():
    """The same tensor where the shapes agree, without an operation in the graph; else a view."""
    tensor = torch.ones(2, 3, requires_grad=True)
    assert expand_if_needed(tensor, (2, 3)) is tensor
    assert expand_if_needed(tensor, torch.Size((2, 3))) is tensor
    larger = expand_if_needed(tensor, (4, 2, 3))
    assert (larger.shape, larger.data_ptr()) == ((4, 2, 3), tensor.data_ptr())
    with pytest.raises(RuntimeError, match="expand"):
        expand_if_needed(tensor, (3, 3))


def test_arguments_of_the_right_shape_are_kept():
    """They are neither copied nor expanded: their graph is not lengthened."""
    loc, kappa = direction("e1", 3).expand(2, 3).clone().requires_grad_(), torch.ones(2, dtype=torch.float64)
    for law in (PointMass, PowerSpherical, VonMisesFisher):
        made = law(loc, kappa)
        assert made.loc is loc
        assert made.concentration is kappa
