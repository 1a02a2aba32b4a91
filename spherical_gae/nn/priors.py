"""Priors on the sphere that are learned with a model: mixtures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Categorical

from spherical_gae.core import SphericalMixture
from spherical_gae.nn.heads import LatentHead

# Of the raw parameters of a mixture's components.
_START_STD = 0.3


class LatentPrior(nn.Module):
    """A prior p(z) with weights of its own, for ``VariationalAutoencoder(prior=)``.

    Example:
        >>> from spherical_gae.nn import MixturePrior
        >>> issubclass(MixturePrior, LatentPrior)
        True
    """

    def forward(self, posterior: Callable[[Tensor], Any]) -> Any:
        """The distribution p(z), event shape [m].

        Args:
            posterior: The model's ``posterior``, which maps data [B, *event] to q(z | x).
        """
        raise NotImplementedError


class MixturePrior(LatentPrior):
    """sum_k w_k q_k(z), with learned weights and components of any kind that a head makes.

    The components start wide, and apart: their raw parameters are drawn from N(0, 0.3^2).  Narrow ones would leave most
    of the sphere without density, and posteriors gather at them before the decoder has found a use for the others.

    Args:
        num_components: Number K of components, at least 1.
        latent_features: Coordinates m of a latent.
        head: Kind of the components, for instance ``VonMisesFisherHead()`` or
            ``ProjectedNormalHead()``.

    Raises:
        ValueError: If ``num_components`` is below 1.

    Example:
        >>> from spherical_gae import SphericalVAE
        >>> from spherical_gae.nn import ProjectedNormalHead
        >>> head = ProjectedNormalHead()
        >>> model = SphericalVAE(2, 64, head=head, prior=MixturePrior(10, 3, head))
        >>> model.loss(torch.rand(5, 64).round()).total.shape, model.prior().batch_shape
        (torch.Size([]), torch.Size([]))
    """

    def __init__(self, num_components: int, latent_features: int, head: LatentHead) -> None:
        super().__init__()
        check_components(num_components)
        self.logits = nn.Parameter(torch.zeros(num_components))
        widths = head.parameter_widths(latent_features)
        self.parameters_of_components = nn.ParameterList(
            _START_STD * torch.randn(num_components, width) for width in widths
        )
        self.head = head

    def forward(self, posterior: Callable[[Tensor], Any]) -> SphericalMixture:
        """The mixture; ``posterior`` is not used."""
        return mixture(self.logits, self.head(*self.parameters_of_components))


class VampPrior(LatentPrior):
    """sum_k w_k q(z | u_k): the posteriors of learned pseudo-inputs u_k  (Tomczak and Welling 2018, eq. 9).

    Pseudo-inputs are intensities in (0, 1), sigmoids of what is learned, which starts as normal noise about -2 or at
    given data.

    Args:
        num_components: Number K of pseudo-inputs, at least 1.
        event_shape: Shape of a data point.
        start: Data in [0, 1] to start from, shape [K, *event], taken to the default dtype and device; noise if None.

    Raises:
        ValueError: If ``num_components`` is below 1, or ``start`` has another shape or values outside [0, 1].

    Example:
        >>> prior = VampPrior(num_components=4, event_shape=(8,))
        >>> sum(parameter.numel() for parameter in prior.parameters())
        36
    """

    def __init__(self, num_components: int, event_shape: Sequence[int], start: Tensor | None = None) -> None:
        super().__init__()
        check_components(num_components)
        shape = (num_components, *event_shape)
        if start is not None and tuple(start.shape) != shape:
            raise ValueError(f"start must have shape {shape}, got {tuple(start.shape)}")
        if start is not None and not bool(((start >= 0) & (start <= 1)).all()):
            raise ValueError(f"start must be in [0, 1], got {float(start.min())} to {float(start.max())}")
        self.logits = nn.Parameter(torch.zeros(num_components))
        raw = torch.randn(shape) - 2 if start is None else torch.logit(start.to(self.logits), eps=0.01)
        self.raw_inputs = nn.Parameter(raw)

    def forward(self, posterior: Callable[[Tensor], Any]) -> SphericalMixture:
        """The mixture of the pseudo-inputs' posteriors."""
        return mixture(self.logits, posterior(torch.sigmoid(self.raw_inputs)))


def mixture(logits: Tensor, components: Any) -> SphericalMixture:
    """The mixture of the elements of a batch, with weights softmax(logits)."""
    weights = Categorical(logits=logits, validate_args=False)
    return SphericalMixture(weights, components, validate_args=False)


def check_components(num_components: int) -> None:
    """Refuses a mixture of nothing."""
    if num_components < 1:
        raise ValueError(f"num_components must be at least 1, got {num_components}")
