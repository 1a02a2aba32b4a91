"""The list of all heads, for the tests that hold for each: a head is added by its line."""

import pytest

from spherical_gae.nn import (
    NormalHead,
    PowerSphericalHead,
    ProductOfSpheresHead,
    ProjectedNormalHead,
    SphericalCauchyHead,
    VonMisesFisherHead,
)

HEADS = pytest.mark.parametrize(
    "head",
    [
        VonMisesFisherHead(),
        PowerSphericalHead(),
        SphericalCauchyHead(),
        ProjectedNormalHead(),
        NormalHead(),
        ProductOfSpheresHead(2),
    ],
    ids=["vmf", "power spherical", "spherical cauchy", "projected normal", "normal", "product"],
)
