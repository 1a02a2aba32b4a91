"""Training on batches of links: no step, and no validation, holds more of the graph than a batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch_geometric.data import Data

from spherical_gae.core import sampled_kl
from spherical_gae.data.kinds import negative_sampler
from spherical_gae.models.graph import VariationalGAE
from spherical_gae.randomness import seed_random
from spherical_gae.training.links.run import LinkRun
from spherical_gae.training.links.training_links import all_training_links, check_maskable, end_weights
from spherical_gae.training.processes import Processes

# Streams of random numbers: the order of the links and the masks are those of all processes, the rest is each one's.
_ORDER, _OWN = 0, 1
# Pairs whose ends are encoded at once when links are scored.
_SCORED_PAIRS = 1 << 15


class LinkBatch(NamedTuple):
    """What a step needs.

    Attributes:
        inputs: Arguments of ``model.encode``, for the n nodes of the batch.
        positives: int64 [2, P], links to predict, as places among these nodes.
        negatives: int64 [2, Q], non-links, likewise.
        known: What the decoder needs of the graph, one entry for each of these nodes.
        end_weight: Weights of the ends of the negatives in the KL term, shape [2, Q]; None for 1, see ``end_weights``.
    """

    inputs: tuple[Any, ...]
    positives: Tensor
    negatives: Tensor
    known: dict[str, Tensor]
    end_weight: Tensor | None = None


class BatchLoss(nn.Module):
    """The loss of a batch as a module, which is what DistributedDataParallel takes.

    It is recon_loss + kl_weight * KL.  The KL term is the mean over the ends of the negatives, weighted where these are
    not uniform among the nodes, or nearly so (``end_weights``), so that it estimates the mean over all nodes.

    Args:
        model: The model.
        kl_weight: Weight of the KL term.
    """

    def __init__(self, model: VariationalGAE, kl_weight: float) -> None:
        super().__init__()
        self.model, self.kl_weight = model, kl_weight

    def forward(self, batch: LinkBatch) -> Tensor:
        """The loss, shape ()."""
        posterior = self.model.posterior(*batch.inputs)
        z = posterior.rsample()
        reconstruction = self.model.recon_loss(z, batch.positives, batch.negatives, **batch.known)
        kl = sampled_kl(posterior, self.model.head.prior(posterior), z)
        of_ends = kl[batch.negatives]
        if batch.end_weight is not None:
            of_ends = of_ends * batch.end_weight.to(of_ends)
        return reconstruction + self.kl_weight * of_ends.mean()


class MiniBatchRun(LinkRun):
    """A run on batches of links, in one process or several.

    Every epoch has random numbers of its own, by seed, epoch and process, so that a run resumes bit for bit with the
    same number of processes, and may be resumed with another.

    It takes the arguments of ``LinkRun``; the batch size is that of all processes together, and only what a batch needs
    is put on the model's device.

    Raises:
        ValueError: If there are fewer links to predict than processes, or the settings ask for the full batch.
    """

    def prepare(self) -> None:
        """Checks the size of the batches, and wraps the loss if there are several processes."""
        config, train = self.config, self.split.train
        self.processes = Processes.current()
        num_links = train.pos_edge_label_index.size(1)
        self.batch_size = config.batch_size_for(num_links)
        if self.batch_size == 0:
            raise ValueError("config must have a batch_size of at least 1 to train in batches, got the full batch")
        num_predicted = max(1, round(config.mask_share * num_links)) if config.mask_share else num_links
        if num_predicted < self.processes.count:
            raise ValueError(
                f"split must have a link to predict for each of {self.processes.count} processes, got {num_predicted}"
            )
        if config.mask_share > 0:
            check_maskable(train)
        self.sampler = negative_sampler(train, all_training_links(train))
        self.end_weight = end_weights(train, self.sampler)
        loss: nn.Module = BatchLoss(self.model, config.kl_weight / self.num_nodes)
        if self.processes.count > 1:
            loss = DistributedDataParallel(loss, [self.device] if self.device.type == "cuda" else None)
        self.loss = loss

    @abstractmethod
    def links_to_predict(self) -> Tensor:
        """The links of this epoch, int64 [2, P], the same in all processes; called at its start."""

    @abstractmethod
    def make_batch(self, positives: Tensor, negatives: Tensor) -> LinkBatch:
        """A batch for training."""

    @abstractmethod
    def make_scored_batch(self, pairs: Tensor) -> tuple[tuple[Any, ...], Tensor, dict[str, Tensor]]:
        """What it takes to score pairs [2, E]: inputs of ``model.encode``, their places, and what the decoder needs."""

    def train_step(self) -> float:
        """One pass over the links, or over those that the mask hides; returns the mean loss."""
        self.model.train()
        links = self.links_to_predict()
        total, count = torch.zeros((), device=self.device), 0
        seed_random(self.stream(_OWN, self.epoch, self.processes.rank), self.device)
        for positives in self._batches(links):
            negatives = self.sampler.sample(self.config.negatives_per_link * positives.size(1))
            batch = self.make_batch(positives, negatives)
            if self.end_weight is not None:
                batch = batch._replace(end_weight=self.end_weight[negatives.cpu()])
            loss = self.loss(batch)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total, count = total + loss.detach(), count + 1
        self.processes.equalize(self.model)
        value = float(self.processes.mean(total / count))
        self.check_loss(value)
        self.epoch += 1
        return value

    def _batches(self, links: Tensor) -> Iterator[Tensor]:
        """This process's part of each batch; all parts are within one link of each other, so that means are fair."""
        generator = torch.Generator().manual_seed(self.stream(_ORDER, self.epoch))
        order = torch.randperm(links.size(1), generator=generator, device="cpu")
        num_batches = min(-(-order.numel() // self.batch_size), order.numel() // self.processes.count)
        for part in order.tensor_split(num_batches):
            yield links[:, self.processes.share(part).to(links.device)]

    @torch.no_grad()
    def log_odds(self, part: Data) -> tuple[Tensor, Tensor]:
        """Log-odds of a part's links and of its negatives; each process scores a share of them."""
        self.model.eval()
        negatives = part.neg_edge_label_index
        positive = self._log_odds(part.pos_edge_label_index)
        if negatives.dim() == 2:
            return positive, self._log_odds(negatives)
        return positive, self._log_odds(negatives.flatten(0, 1).t()).view(negatives.shape[:2])

    def _log_odds(self, pairs: Tensor) -> Tensor:
        scores: list[Tensor] = []
        for piece in self.processes.share(pairs).split(_SCORED_PAIRS, dim=1):
            inputs, places, known = self.make_scored_batch(piece)
            z = self.model.encode(*inputs)
            self.check_embeddings(z)
            scores.append(self.model.decoder(z, places, sigmoid=False, **known))
        none = torch.zeros(0, dtype=next(self.model.parameters()).dtype, device=self.device)
        own = torch.cat([none, *scores])
        return self.processes.gather(own, pairs.size(1))

    def stream(self, *numbers: int) -> int:
        """A seed of its own for each purpose, epoch and process."""
        (hashed,) = np.random.SeedSequence([self.seed, *numbers]).generate_state(1, np.uint32).tolist()
        return hashed
