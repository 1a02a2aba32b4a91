"""What torch tests of its own distributions, in our words, for what the other files of the contract do not say."""

from typing import Any

import pytest
import torch
from torch.distributions import Independent, constraints

from tests.helpers.distributions import ALL, Case


@ALL
def test_parameters_satisfy_their_constraints(case: Case) -> None:
    """Each name in ``arg_constraints`` is an attribute whose values the constraint allows, batch by batch."""
    law = case.law(batch=(4,))
    for name, constraint in law.arg_constraints.items():
        value = getattr(law, name)
        allowed = constraint.check(value)
        assert allowed.shape == value.shape[: value.dim() - constraint.event_dim]
        assert allowed.all(), name


@ALL
def test_support_says_what_a_point_is(case: Case) -> None:
    """Continuous, of one axis; also of the class, where it depends on parameters; draws lie in it, others do not."""
    law = case.law(batch=(4,))
    for support in (law.support, type(law).support):
        assert not support.is_discrete
        assert support.event_dim == 1
    assert len(law.event_shape) == law.support.event_dim
    x = law.sample((5,))
    assert law.support.check(x).shape == (5, 4)
    assert law.support.check(x).all()
    assert not law.support.check(2 * x).any()
    assert not law.support.check(torch.full_like(x, torch.nan)).any()
    assert isinstance(law.support, constraints.Constraint)


@ALL
def test_a_subclass_expands_to_itself(case: Case) -> None:
    """A subclass with the same arguments keeps its class; one with others must say how it expands."""
    law = case.law(batch=(4,))
    kind: Any = type("Subclass", (type(law),), {})
    law.__class__ = kind
    wide = law.expand((3, 4))
    assert type(wide) is kind
    assert wide.batch_shape == (3, 4)
    other: Any = type("Other", (type(case.law()),), {"__init__": lambda self, more: None})
    law.__class__ = other
    with pytest.raises(NotImplementedError, match=r"Subclass Other of .* must also define a custom"):
        law.expand((3, 4))


@ALL
def test_validation_reaches_the_copies(case: Case) -> None:
    """Switched off, a density is evaluated anywhere, and so by an expanded one; switched on, it is refused by both."""
    outside = 2 * case.points(4)
    for law in (case.law(batch=(4,), validate_args=False), case.law(batch=(4,), validate_args=False).expand((3, 4))):
        law.log_prob(outside)
    checked = case.law(batch=(4,), validate_args=True)
    for law in (checked, checked.expand((3, 4))):
        with pytest.raises(ValueError, match="within the support"):
            law.log_prob(outside)
        with pytest.raises(ValueError, match=r"rightmost|broadcast|shape"):
            law.log_prob(outside[:, :1])


@ALL
def test_log_densities_do_not_depend_on_the_shape_of_the_question(case: Case) -> None:
    """One point for the whole batch, a point for each, many for each, and inside ``Independent``."""
    law = case.law(batch=(4,))
    x = case.points(5, 4)
    table = torch.stack(
        [torch.stack([case_law.log_prob(p) for p, case_law in zip(row, [law] * 4, strict=True)]) for row in x]
    )
    many = law.log_prob(x)
    torch.testing.assert_close(many, torch.diagonal(table, dim1=1, dim2=2))
    torch.testing.assert_close(law.log_prob(x[0, 0]), table[0, 0])
    torch.testing.assert_close(Independent(law, 1).log_prob(x), many.sum(-1))
