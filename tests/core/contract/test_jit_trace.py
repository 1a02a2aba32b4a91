"""Traced by torch.jit, every function of every distribution gives what it gives without, for other arguments too."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import kl_divergence

from tests.helpers.distributions import ALL, KINDS, Case, partners

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
    pytest.mark.filterwarnings("ignore:.torch.jit.trace:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.torch.jit.trace:FutureWarning"),
]
DIM = 5


def functions(case: Case) -> dict[str, Callable[[Any, Tensor], Tensor]]:
    """Of a distribution and a point."""
    found: dict[str, Callable[[Any, Tensor], Tensor]] = {
        "rsample": lambda law, x: law.expand((4,)).rsample((2,)),
        "log_prob": lambda law, x: law.log_prob(x),
        "entropy": lambda law, x: law.entropy(),
        "mean": lambda law, x: law.mean,
        "variance": lambda law, x: law.variance,
    }
    for p, q in partners(case):
        # Made here, as a trace keeps no generator.
        other = (q if p is KINDS[case] else p).law(dim=DIM, seed=1, validate_args=False)
        if p is KINDS[case]:
            found[f"to {q}"] = lambda law, x, other=other: kl_divergence(law, other)
        else:
            found[f"from {p}"] = lambda law, x, other=other: kl_divergence(other, law)
    return found


@ALL
def test_traces(case: Case) -> None:
    first, second = ((case.points(4, dim=DIM, seed=s), *case.raw((4,), DIM, seed=s).values()) for s in (0, 3))
    for name, function in functions(case).items():

        def call(x: Tensor, *raw: Tensor, function=function) -> Tensor:
            law = case.law(dict(zip(case.parameters, raw, strict=True)), (4,), DIM, validate_args=False)
            return function(law, x)

        traced = torch.jit.trace(call, first, check_trace=False)
        for arguments in (first, second):
            results = []
            for version in (call, traced):
                torch.manual_seed(0)
                results.append(version(*arguments))
            torch.testing.assert_close(*results, rtol=1e-9, atol=1e-12, msg=lambda text, name=name: f"{name}: {text}")
