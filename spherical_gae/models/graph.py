"""Variational graph autoencoders: S-VGAE on the sphere and N-VGAE in the plane are one model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, kl_divergence
from torch.nn import functional as F  # noqa: N812
from torch_geometric.nn import GAE
from torch_geometric.nn.inits import reset

from spherical_gae.core import sampled_kl
from spherical_gae.data.negatives import sample_non_edges
from spherical_gae.evaluation.metrics import LinkScores, auc_ap
from spherical_gae.models.encoder_arguments import check_arguments
from spherical_gae.nn.decoders import InnerProductDecoder
from spherical_gae.nn.default_decoder import default_decoder
from spherical_gae.nn.heads import LatentHead, NormalHead, ProductOfSpheresHead, VonMisesFisherHead
from spherical_gae.nn.heads.base import checked_outputs
from spherical_gae.nn.initial_concentration import InitialConcentration
from spherical_gae.nn.pair_blocks import score_block
from spherical_gae.retrieval.exclusion import known_partners
from spherical_gae.retrieval.top_k import MAX_SCORES, TopK, blockwise_top_k


class VariationalGAE(GAE):
    """A graph autoencoder with any latent law; used as PyG's ``VGAE`` is, and an instance of its ``GAE``.

    The negative evidence lower bound per node, with the usual conventions of PyG's example, is

        loss = recon_loss(z, pos_edge_index) + kl_loss() / N.

    ``recon_loss`` is the mean over the given links plus the mean over the negatives, ``kl_loss`` the mean over
    the nodes; Kipf & Welling's code weighs them alike, dividing the KL by N once more.

    Args:
        encoder: Module that returns the head's raw parameters, unconstrained.
        head: The latent distribution.
        decoder: Module with PyG's signature ``decoder(z, edge_index, sigmoid=True)``; it may take more keyword
            arguments, and offer a method ``graph_arguments(edge_index, num_nodes)`` that makes them.

    Attributes:
        last_posterior: The posterior of the last ``encode``, None before; it is not copied or pickled.
        last_sample: The sample of it that ``encode`` returned in training mode, likewise.

    Example:
        >>> from spherical_gae.nn import GCNEncoder, InnerProductDecoder, VonMisesFisherHead
        >>> model = VariationalGAE(GCNEncoder(3, 8, (4, 1)), VonMisesFisherHead(), InnerProductDecoder())
        >>> z = model.encode(torch.rand(5, 3), torch.tensor([[0, 1], [1, 0]]))
        >>> z.shape
        torch.Size([5, 4])
    """

    last_posterior: Distribution | None
    last_sample: Tensor | None

    def __init__(self, encoder: nn.Module, head: LatentHead, decoder: nn.Module) -> None:
        # Not PyG's own, which would draw the weights once more.
        nn.Module.__init__(self)
        self.encoder = encoder
        self.head = head
        self.decoder = decoder
        self.last_posterior = self.last_sample = None
        self.reset_parameters()

    def __getstate__(self) -> dict[str, Any]:
        # The posterior holds tensors of the autograd graph, which can be neither copied nor pickled.
        return {**self.__dict__, "last_posterior": None, "last_sample": None}

    def reset_parameters(self) -> None:
        """Resets encoder and decoder by their own ``reset_parameters``."""
        reset(self.encoder)
        reset(self.decoder)

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """The same as ``encode``."""
        return self.encode(*args, **kwargs)

    def posterior(self, *args: Any, **kwargs: Any) -> Any:
        """The distribution q(z | x) of every node, batch shape [N]; arguments go to the encoder.

        Raises:
            TypeError: If an argument is a NumPy array or ``HeteroData``.
            ValueError: If the encoder does not return the parameters of the head.
        """
        check_arguments((*args, *kwargs.values()))
        return self.head(*checked_outputs(self.encoder(*args, **kwargs)))

    def encode(self, *args: Any, **kwargs: Any) -> Tensor:
        """Embeds every node; arguments go to the encoder.

        Returns:
            Shape [N, m]: in training mode a sample of the posterior, in evaluation mode its centre (the mean
            direction, or the mean; see the head's ``center``), deterministic.
        """
        posterior = self.posterior(*args, **kwargs)
        self.last_posterior = posterior
        self.last_sample = posterior.rsample() if self.training else None
        return self.head.center(posterior) if self.last_sample is None else self.last_sample

    def decode(self, *args: Any, **kwargs: Any) -> Tensor:
        """Scores pairs of nodes; arguments go to the decoder."""
        return self.decoder(*args, **kwargs)

    def graph_arguments(self, edge_index: Any, num_nodes: int) -> dict[str, Tensor]:
        """What the decoder needs to know of the graph, as keyword arguments of the methods below.

        Empty unless the decoder has a method of this name, as ``DegreeBiasedDecoder`` does.

        Args:
            edge_index: The graph that the encoder saw: int64 [2, E], or ``normalized_adjacency`` of it.
            num_nodes: Number of nodes N.
        """
        of_decoder = getattr(self.decoder, "graph_arguments", None)
        return {} if of_decoder is None else of_decoder(edge_index, num_nodes)

    def masked_arguments(self, edge_index: Any, num_nodes: int, whole: dict[str, Tensor]) -> dict[str, Tensor]:
        """The same where some links are hidden from the encoder; a decoder may take a part of it from the whole graph.

        Args:
            edge_index: The graph that the encoder saw, as for ``graph_arguments``.
            num_nodes: Number of nodes N.
            whole: ``graph_arguments`` of the graph with all links.

        Returns:
            As ``graph_arguments``.
        """
        of_decoder = getattr(self.decoder, "masked_arguments", None)
        if of_decoder is None:
            return self.graph_arguments(edge_index, num_nodes)
        return of_decoder(edge_index, num_nodes, whole)

    def recon_loss(
        self, z: Tensor, pos_edge_index: Tensor, neg_edge_index: Tensor | None = None, **decoder_arguments: Any
    ) -> Tensor:
        """Binary cross-entropy of links and non-links, computed on the log-odds.

        Args:
            z: Embeddings, shape [N, m].
            pos_edge_index: int64 [2, P], links.
            neg_edge_index: int64 [2, Q], non-links; by default as many as links are drawn uniformly from the
                pairs that are not in ``pos_edge_index``.
            **decoder_arguments: What the decoder needs besides, see ``graph_arguments``.

        Returns:
            Mean over the links plus mean over the non-links, shape ().
        """
        if neg_edge_index is None:
            neg_edge_index = sample_non_edges(pos_edge_index, z.size(0), pos_edge_index.size(1))
        positive = self.decoder(z, pos_edge_index, sigmoid=False, **decoder_arguments)
        negative = self.decoder(z, neg_edge_index, sigmoid=False, **decoder_arguments)
        return F.softplus(-positive).mean() + F.softplus(negative).mean()

    def kl_loss(self, posterior: Distribution | None = None, z: Tensor | None = None) -> Tensor:
        """KL(q(z | x) || p(z)), mean over the nodes, shape ().

        Where it has no closed form (``ProjectedNormalHead``) it is estimated by the sample, see ``sampled_kl``.

        Args:
            posterior: The posterior, by default that of the last ``encode``.
            z: A sample of it, by default the one that the last ``encode`` returned, or else one drawn here.

        Raises:
            RuntimeError: If there is no posterior yet.
        """
        if posterior is None:
            posterior, z = self.last_posterior, self.last_sample if z is None else z
        if posterior is None:
            raise RuntimeError("kl_loss needs a posterior: call encode first, or pass one")
        prior = self.head.prior(posterior)
        kl = kl_divergence(posterior, prior) if z is None else sampled_kl(posterior, prior, z)
        return kl.mean()

    def test(self, z: Tensor, pos_edge_index: Tensor, neg_edge_index: Tensor, **decoder_arguments: Any) -> LinkScores:
        """AUC and average precision of embeddings on links and non-links.

        Args:
            z: Embeddings, shape [N, m].
            pos_edge_index: int64 [2, P], links.
            neg_edge_index: int64 [2, Q], non-links.
            **decoder_arguments: What the decoder needs besides, see ``graph_arguments``.

        Returns:
            The pair (auc, ap), in [0, 1].
        """
        return auc_ap(
            self.decoder(z, pos_edge_index, sigmoid=False, **decoder_arguments),
            self.decoder(z, neg_edge_index, sigmoid=False, **decoder_arguments),
        )

    @torch.no_grad()
    def top_links(
        self,
        z: Tensor,
        k: int,
        node_index: Tensor | None = None,
        known_edge_index: Tensor | None = None,
        *,
        sigmoid: bool = True,
        max_scores: int = MAX_SCORES,
        **decoder_arguments: Any,
    ) -> TopK:
        """The likeliest new partners of nodes among all nodes, by the decoder; exact, in blocks.

        Memory is bounded as in ``blockwise_top_k``.  Inner products take one product of matrices per block, other
        decoders a call with all its pairs.

        Args:
            z: Embeddings, shape [N, m].
            k: Number of partners of each node, 1 to N.
            node_index: int64 [Q], the nodes; default: all.
            known_edge_index: int64 [2, E], links to leave out, each in both directions; default: none.
            sigmoid: Whether to return probabilities instead of log-odds; ranked are the log-odds.
            max_scores: Number of pairs scored at once, at least 1.
            **decoder_arguments: What the decoder needs besides, see ``graph_arguments``.

        Returns:
            ``(scores [Q, k], indices [Q, k])``, best first, of equal scores the lowest index.  A node is no partner
            of itself; where fewer than k are left, the index is -1 and the log-odds -inf.

        Raises:
            ValueError: If an argument is out of range, or a score is NaN.
        """
        num_nodes = z.size(0)
        nodes = torch.arange(num_nodes, device=z.device)
        sources = nodes if node_index is None else node_index.to(z.device)
        found = blockwise_top_k(
            lambda rows, columns: score_block(
                self.decoder, z, sources[rows], nodes[columns], sigmoid=False, **decoder_arguments
            ),
            sources.numel(),
            num_nodes,
            k,
            exclude=known_partners(sources, num_nodes, known_edge_index),
            max_scores=max_scores,
            width=z.size(1),
        )
        return TopK(found.scores.sigmoid(), found.indices) if sigmoid else found


class SphericalGAE(VariationalGAE):
    """S-VGAE: posteriors on the sphere, by default von Mises-Fisher, uniform prior  (Davidson et al. 2018, sec. 5.4).

    Args:
        encoder: Module that returns the head's parameters, unconstrained; by default
            ``(direction [N, m], concentration [N, 1] or [N])``: the first is normalised (a zero row becomes the first
            axis), the second mapped to softplus + ``min_concentration``.
        decoder: Default: an inner product with learnable bias and scale, one scale for each factor.  The bias starts at
            -2, so that training starts at log-odds near 0 (``docs/notes/torch.md``), and at 0 with ``"paper"``.
        min_concentration: Smallest concentration, >= 0.
        initial_concentration: Concentration that a raw value of 0 is mapped to, where training starts, above
            ``min_concentration``: a number; ``"dimension"`` for m, the coordinates of a sphere; ``"paper"`` for
            ``min_concentration`` + log 2, which is noise from about m = 64 on.
        num_factors: Number K of spheres that the latent is a product of.  With more than one, the encoder returns
            ``(directions [N, K m], concentrations [N, K])``, and an embedding is K unit vectors in a row.
        head: Another distribution on the sphere, for instance ``ProjectedNormalHead()``, with which an encoder of
            ``NormalGAE`` becomes spherical as it is; in place of
            ``min_concentration``, ``initial_concentration`` and ``num_factors``.

    Raises:
        ValueError: If ``min_concentration``, ``initial_concentration`` or ``num_factors`` is out of range, or given
            beside ``head``.

    Example:
        >>> import torch
        >>> from spherical_gae.nn import GCNEncoder
        >>> model = SphericalGAE(GCNEncoder(in_channels=5, hidden_channels=8, out_channels=(3, 1)))
        >>> x, edge_index = torch.rand(4, 5), torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> z = model.encode(x, edge_index)
        >>> loss = model.recon_loss(z, edge_index) + model.kl_loss() / x.size(0)
        >>> z.shape, loss.shape
        (torch.Size([4, 3]), torch.Size([]))
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module | None = None,
        min_concentration: float = 1.0,
        num_factors: int = 1,
        head: LatentHead | None = None,
        initial_concentration: InitialConcentration = "dimension",
    ) -> None:
        if head is not None:
            if (min_concentration, num_factors, initial_concentration) != (1.0, 1, "dimension"):
                raise ValueError(
                    "min_concentration, initial_concentration and num_factors must be left out beside head: "
                    "set them in the head"
                )
        elif num_factors == 1:
            head = VonMisesFisherHead(min_concentration, initial_concentration)
        else:
            head = ProductOfSpheresHead(num_factors, min_concentration, initial_concentration)
        super().__init__(encoder, head, default_decoder(head) if decoder is None else decoder)


class NormalGAE(VariationalGAE):
    """N-VGAE: normal posteriors and a standard normal prior  (Kipf & Welling 2016).

    Args:
        encoder: Module that returns ``(mean [N, d], logstd [N, d])``, both unconstrained.
        decoder: Default: the plain inner product, ``InnerProductDecoder(scale=1.0, learnable=False)``.

    Example:
        >>> from spherical_gae import GCNEncoder
        >>> model = NormalGAE(GCNEncoder(3, 8, out_channels=(4, 4)))
        >>> z = model.encode(torch.rand(5, 3), torch.tensor([[0, 1], [1, 0]]))
        >>> z.shape, model.kl_loss() > 0
        (torch.Size([5, 4]), tensor(True))
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module | None = None) -> None:
        decoder = InnerProductDecoder(scale=1.0, learnable=False) if decoder is None else decoder
        super().__init__(encoder, NormalHead(), decoder)

    def kl_loss(
        self,
        posterior: Distribution | Tensor | None = None,
        z: Tensor | None = None,
        *,
        mu: Tensor | None = None,
        logstd: Tensor | None = None,
    ) -> Tensor:
        """KL(q(z | x) || p(z)), mean over the nodes, shape (); also called as PyG's, ``kl_loss(mu, logstd)``.

        Args:
            posterior: As for ``VariationalGAE.kl_loss``; or ``mu``, shape [N, d].
            z: Likewise; or ``logstd``, shape [N, d].
            mu: Mean, in place of a posterior.
            logstd: Logarithm of the standard deviation, beside ``mu``.

        Raises:
            RuntimeError: If there is no posterior yet.
            ValueError: If only one of ``mu`` and ``logstd`` is given, or they are given beside a posterior.
        """
        if isinstance(posterior, Tensor):
            if mu is not None or (z is not None and logstd is not None):
                raise ValueError("kl_loss: given mu or logstd twice, allowed: kl_loss(mu, logstd)")
            return self.kl_loss(mu=posterior, logstd=z if logstd is None else logstd)
        if (mu is None) != (logstd is None):
            raise ValueError(f"{'mu' if mu is None else 'logstd'}: given None, allowed: a tensor beside the other one")
        if mu is not None and logstd is not None:
            if posterior is not None or z is not None:
                raise ValueError("mu: given beside a posterior or its sample, allowed: one of them")
            return super().kl_loss(self.head(mu, logstd))
        return super().kl_loss(posterior, z)

    def reparametrize(self, mu: Tensor, logstd: Tensor) -> Tensor:
        """A sample of the normal distribution in training mode, its mean in evaluation mode, as PyG's."""
        return self.head(mu, logstd).rsample() if self.training else mu
