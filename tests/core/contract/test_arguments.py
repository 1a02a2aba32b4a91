"""What a law refuses, in which words, and when: arguments always by shape, and values if validation is on."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.distributions import Distribution

from tests.helpers.distributions import ALL, CASES, DIMS, PARAMETERS, Case, Wrong
from tests.helpers.places import DTYPES

SINGLE = [case for case in CASES if case.num_factors is None]
WRONG_VALUES = [
    pytest.param(case, name, wrong, id=f"{case}-{name}-{wrong.message}")
    for case in SINGLE
    for name, parameter in case.parameters.items()
    for wrong in parameter.wrong
]
OTHERS = [pytest.param(case, wrong, id=f"{case}-{wrong.message}") for case in CASES for wrong in case.wrong]


@pytest.mark.parametrize(("case", "name", "wrong"), WRONG_VALUES)
def test_wrong_parameters_are_named(case: Case, name: str, wrong: Wrong) -> None:
    """The message tells the argument, what is allowed and what was given."""
    values: dict[str, Any] = case.values(case.raw((2,)))
    values[name] = wrong.make(values[name])
    with pytest.raises(wrong.error, match=f"^{name} must .*{wrong.message}"):
        case.build(values, (2,), 3, torch.float64, True)


@pytest.mark.parametrize(("case", "wrong"), OTHERS)
def test_other_wrong_arguments_are_named(case: Case, wrong: Wrong) -> None:
    with pytest.raises(wrong.error, match=f"^{wrong.message}"):
        wrong.make(None)


@PARAMETERS
def test_values_are_checked_only_if_validation_is_on(case: Case, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """None follows torch's default, which is on."""
    values = case.values(case.raw((2,)))
    bad = values | {name: torch.full_like(values[name], math.nan)}
    for default, explicit, checks in (
        (True, None, True),
        (False, None, False),
        (False, True, True),
        (True, False, False),
    ):
        monkeypatch.setattr(Distribution, "_validate_args", default)
        if checks:
            with pytest.raises(ValueError, match=f"^{name} must .* got"):
                case.build(bad, (2,), 3, torch.float64, explicit)
        else:
            assert case.build(bad, (2,), 3, torch.float64, explicit).batch_shape == (2,)
        assert case.build(values, (2,), 3, torch.float64, explicit)._validate_args is checks


@ALL
def test_points_are_checked_only_if_validation_is_on(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Off, the formula is evaluated as it stands, with a finite value close to the sphere."""
    off = 1.1 * case.points(2)
    for default, explicit, checks in ((True, None, True), (False, None, False), (False, True, True)):
        monkeypatch.setattr(Distribution, "_validate_args", default)
        law = case.law(batch=(2,), validate_args=explicit)
        for checked in (law, law.expand((3, 2))):
            if checks:
                with pytest.raises(ValueError, match=r"within the support \(Unit\w*\(\)\)"):
                    checked.log_prob(off)
            else:
                assert checked.log_prob(off).isfinite().all()


@ALL
@DTYPES
@DIMS
def test_support(case: Case, dim: int, dtype: torch.dtype) -> None:
    """Each point by itself: samples and rounded unit vectors are in, one block off its sphere is out."""
    law = case.law(batch=(3,), dim=dim, dtype=dtype)
    assert law.support.event_dim == 1
    assert law.support.check(law.sample((50,))).eq(True).all()
    good = case.points(7, dim=dim, dtype=dtype)
    for block in range(case.spheres):
        scale = torch.ones(7, case.spheres, 1, dtype=dtype)
        scale[:, block, 0] = torch.tensor([1, 1.001, 0.999, 0, math.nan, math.inf, -1], dtype=dtype)
        points = (good.unflatten(-1, (case.spheres, dim)) * scale).flatten(-2)
        inside = [True, False, False, False, False, False, True]
        assert law.support.check(points).tolist() == inside
        for point, is_inside in zip(points, inside, strict=True):
            if is_inside:
                assert law.log_prob(point).isfinite().all()
            else:
                with pytest.raises(ValueError, match="within the support"):
                    law.log_prob(point)
        with pytest.raises(ValueError, match="within the support"):
            law.log_prob(points.unsqueeze(1))


@ALL
def test_points_of_a_wrong_shape_are_refused(case: Case) -> None:
    law = case.law(batch=(3,))
    size = 3 * case.spheres
    for width in (1, size - 1, size + 1, 2 * size):
        with pytest.raises(ValueError, match="must match event_shape"):
            law.log_prob(torch.full((width,), width**-0.5, dtype=torch.float64))
    with pytest.raises(ValueError, match="not broadcastable with batch_shape"):
        law.log_prob(case.points(2))
    with pytest.raises(ValueError, match="must be a Tensor"):
        law.log_prob(case.points(3).tolist())
