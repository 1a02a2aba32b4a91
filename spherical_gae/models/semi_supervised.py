"""M1+M2: classification with few labels by two stacked variational autoencoders, trained end to end."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.nn import functional as F  # noqa: N812

from spherical_gae.core import sampled_entropy, sampled_kl
from spherical_gae.models.vae import MNIST_FEATURES, VariationalAutoencoder, check_dim
from spherical_gae.nn.heads import LatentHead
from spherical_gae.nn.heads.base import checked_outputs
from spherical_gae.nn.mlp import MLP, ClassConditionalMLP, MLPEncoder
from spherical_gae.nn.observations import BernoulliObservation, Observation, log_prob_of_data


class M1M2Loss(NamedTuple):
    """A loss and its parts, means over the batches in nats, shape () each.

    Attributes:
        total: -unlabelled_bound - labelled_weight * labelled_bound + cross_entropy_weight * cross_entropy, with
            all but the reconstruction in the bounds weighted by kl_weight.
        unlabelled_bound: Evidence lower bound of log p(x), the class summed out.
        labelled_bound: Evidence lower bound of log p(x, y).
        cross_entropy: -log q(y | z_1) at the labels.

    Example:
        >>> M1M2Loss(*torch.tensor([25.0, -10.0, -12.0, 0.3])).cross_entropy
        tensor(0.3000)
    """

    total: Tensor
    unlabelled_bound: Tensor
    labelled_bound: Tensor
    cross_entropy: Tensor


class M1M2(nn.Module):
    """Two stacked latents, the second beside the class  (Kingma et al. 2014; Davidson et al. 2018, section 5.3).

    Generation: p(z_2) p(y) p(z_1 | y, z_2) p(x | z_1), with a uniform class y.  Inference: q(z_1 | x) q(y | z_1)
    q(z_2 | z_1, y).  All networks are trained together.

    Args:
        dim1: Dimension of z_1's **manifold**, as in the paper.
        dim2: Dimension of z_2's manifold, likewise.
        head1: Distribution of z_1, given x and given (y, z_2).
        head2: Distribution of z_2; its prior is p(z_2).  N+N, S+S and S+N of the paper are the choices
            of ``NormalHead()`` and ``VonMisesFisherHead()`` for the two.
        in_features: Features of a data point.
        num_classes: Number of classes K.
        hidden_features: Width of the hidden layers.
        encoder1: Module that maps data [B, *event] to ``head1``'s parameters; default: one hidden layer.
        decoder1: Module that maps z_1 [n, m_1] to the observation's parameters [n, *event]; default: one hidden layer.
        observation: Default: Bernoulli pixels.

    Raises:
        ValueError: If a dimension or a width is below 1.

    Example:
        >>> from spherical_gae.nn import NormalHead, VonMisesFisherHead
        >>> model = M1M2(5, 3, VonMisesFisherHead(), NormalHead(), in_features=64)
        >>> x = torch.rand(8, 64).round()
        >>> loss = model.loss(x, x[:4], torch.tensor([0, 1, 2, 3]), cross_entropy_weight=10.0)
        >>> model.predict(x).shape
        torch.Size([8])
    """

    def __init__(
        self,
        dim1: int,
        dim2: int,
        head1: LatentHead,
        head2: LatentHead,
        in_features: int = MNIST_FEATURES,
        num_classes: int = 10,
        hidden_features: int = 500,
        *,
        encoder1: nn.Module | None = None,
        decoder1: nn.Module | None = None,
        observation: Observation | None = None,
    ) -> None:
        super().__init__()
        check_dim(dim1)
        check_dim(dim2)
        m1, m2 = head1.coordinates(dim1), head2.coordinates(dim2)
        widths1, widths2 = head1.parameter_widths(m1), head2.parameter_widths(m2)
        self.num_classes, self._m1, self._m2 = num_classes, m1, m2
        self.head1, self.head2 = head1, head2
        self.encoder1 = MLPEncoder(in_features, (hidden_features,), widths1) if encoder1 is None else encoder1
        self.classifier = MLP((m1, hidden_features, num_classes))
        self.encoder2 = ClassConditionalMLP(m1, num_classes, hidden_features, widths2)
        self.decoder2 = ClassConditionalMLP(m2, num_classes, hidden_features, widths1)
        self.decoder1 = MLP((m1, hidden_features, in_features)) if decoder1 is None else decoder1
        self.observation = BernoulliObservation() if observation is None else observation

    def first_stage(self) -> VariationalAutoencoder:
        """M1: encoder, distribution and decoder of z_1 as an autoencoder of its own, with the prior of ``head1``.

        It shares its weights with this model: fitted before (``fit_vae(model.first_stage(), ...)``), it is the start of
        M1+M2, where z_1 holds what is in the data before a class and a style have to explain it  (Kingma et al. 2014,
        section 2.3, where it is not trained any further).
        """
        return VariationalAutoencoder(self.encoder1, self.head1, self.decoder1, self.observation, self._m1)

    def posterior(self, x: Tensor) -> Any:
        """The distribution q(z_1 | x) for data [B, *event], batch shape [B]."""
        return self.head1(*checked_outputs(self.encoder1(x)))

    def center(self, x: Tensor) -> Tensor:
        """The centre of q(z_1 | x) by ``head1``, for the von Mises-Fisher and normal ones the mode, shape [B, m_1]."""
        return self.head1.center(self.posterior(x))

    def class_logits(self, z1: Tensor) -> Tensor:
        """log q(y | z_1) up to a constant, for latents [B, m_1], shape [B, K]."""
        return self.classifier(z1)

    def style_posterior(self, z1: Tensor, y: Tensor) -> Any:
        """The distribution q(z_2 | z_1, y) for latents [..., m_1] and classes [...], which are broadcast."""
        return self.head2(*self.encoder2(z1, y))

    def conditional_prior(self, z2: Tensor, y: Tensor) -> Any:
        """The distribution p(z_1 | y, z_2) for latents [..., m_2] and classes [...], which are broadcast."""
        return self.head1(*self.decoder2(z2, y))

    def likelihood(self, z1: Tensor) -> Any:
        """The distribution p(x | z_1) for latents [n, m_1], batch shape [n]."""
        return self.observation(self.decoder1(z1))

    def loss(
        self,
        x: Tensor,
        labelled_x: Tensor,
        y: Tensor,
        cross_entropy_weight: float = 1.0,
        labelled_weight: float = 1.0,
        kl_weight: float = 1.0,
        style_samples: int = 1,
    ) -> M1M2Loss:
        """The objective of semi-supervised learning, with one sample of z_1 per data point.

        Args:
            x: Data without labels, shape [B, *event], B >= 1.
            labelled_x: Data with labels, shape [L, *event], L >= 1.
            y: Their classes, int64 [L].
            cross_entropy_weight: Weight of the classifier's cross-entropy.
            labelled_weight: Weight of the labelled bound.
            kl_weight: Weight of all that is not reconstruction in the bounds; 1 for the bounds.
            style_samples: Samples of z_2 for each z_1 and class, at least 1, over which its term is averaged: less
                noise in the gradients of z_2's networks.

        Returns:
            The loss and its parts.  Source: Kingma et al. (2014), eq. 6 to 9, with the terms of z_1.

        Raises:
            ValueError: If ``style_samples`` is below 1.
        """
        if style_samples < 1:
            raise ValueError(f"style_samples must be at least 1, got {style_samples}")
        batch = torch.cat([x, labelled_x])
        posterior = self.posterior(batch)
        z1 = posterior.rsample()
        reconstruction = log_prob_of_data(self.likelihood(z1), batch)
        entropy = sampled_entropy(posterior, z1)
        free, known = z1.split([x.size(0), labelled_x.size(0)])

        log_q = F.log_softmax(self.class_logits(z1), dim=-1)
        log_q_free, log_q_known = log_q.split([x.size(0), labelled_x.size(0)])
        classes = torch.arange(self.num_classes, device=x.device)
        q = log_q_free.exp()
        regular_free = (q * (self._joint(free.unsqueeze(1), classes, style_samples) - log_q_free)).sum(-1)
        regular_known = self._joint(known, y, style_samples)
        regular = torch.cat([regular_free, regular_known]) + entropy

        sizes = [x.size(0), labelled_x.size(0)]
        unlabelled, labelled = (part.mean() for part in (reconstruction + regular).split(sizes))
        free_term, known_term = (part.mean() for part in (reconstruction + kl_weight * regular).split(sizes))
        cross_entropy = F.nll_loss(log_q_known, y)
        total = cross_entropy_weight * cross_entropy - free_term - labelled_weight * known_term
        return M1M2Loss(total, unlabelled, labelled, cross_entropy)

    def _joint(self, z1: Tensor, y: Tensor, num_samples: int) -> Tensor:
        """log p(z_1 | y, z_2) + log p(y) - KL(q(z_2 | z_1, y) || p(z_2)), the mean of samples, shape of the batch."""
        style: Distribution = self.style_posterior(z1, y)
        z2 = style.rsample((num_samples,))
        kl = sampled_kl(style, self.head2.prior(style), z2).mean(0)
        return self.conditional_prior(z2, y).log_prob(z1).mean(0) - math.log(self.num_classes) - kl

    @torch.no_grad()
    def class_probabilities(self, x: Tensor) -> Tensor:
        """q(y | z_1) at the centre of q(z_1 | x), shape [B, K]."""
        return self.class_logits(self.center(x)).softmax(dim=-1)

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """The most probable classes, int64 [B]."""
        return self.class_logits(self.center(x)).argmax(dim=-1)

    @torch.no_grad()
    def style(self, x: Tensor, y: Tensor) -> Tensor:
        """The centre of q(z_2 | z_1, y) at that of q(z_1 | x): what x has besides its class, shape [B, m_2]."""
        return self.head2.center(self.style_posterior(self.center(x), y))

    @torch.no_grad()
    def generate(self, z2: Tensor, y: Tensor) -> Tensor:
        """Data of given styles [n, m_2] and classes [n]: the mean of p(x | z_1) at the centre of p(z_1 | y, z_2)."""
        return self.likelihood(self.head1.center(self.conditional_prior(z2, y))).mean

    @torch.no_grad()
    def sample_styles(self, num_samples: int) -> Tensor:
        """Draws from the prior p(z_2), shape [num_samples, m_2]."""
        return self.head2.prior_of(self._m2, next(self.parameters())).sample((num_samples,))
