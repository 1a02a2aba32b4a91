"""What all runs on batches of links share, seen through ``RowBatchRun``."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.distributions import kl_divergence

from spherical_gae import GAEConfig
from spherical_gae.data import LinkSplit
from spherical_gae.experiments.presets import build_model, load_preset
from spherical_gae.models import VariationalGAE
from spherical_gae.training.links.mini_batch import BatchLoss, LinkBatch
from spherical_gae.training.links.row_batch import RowBatchRun
from tests.helpers.link_runs import StopHereError, assert_identical, small_split, stop_at, train

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def small() -> LinkSplit:
    return small_split()


def make_model(split: LinkSplit) -> VariationalGAE:
    return build_model(load_preset("scalable").with_changes(latent_dim=8), "s-vgae", split.train.num_features)


def make_run(split: LinkSplit, **settings: object) -> RowBatchRun:
    config = GAEConfig(**{"epochs": 5, "batch_size": 100} | settings)  # type: ignore[arg-type]
    return RowBatchRun(make_model(split), split, config, None, 0, CPU)


def as_pairs(links: Tensor) -> list[tuple[int, int]]:
    return [tuple(sorted(pair)) for pair in links.t().tolist()]


def spy(run: RowBatchRun, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Tensor, Tensor]]:
    seen: list[tuple[Tensor, Tensor]] = []
    make = run.make_batch

    def make_and_see(positives: Tensor, negatives: Tensor) -> LinkBatch:
        seen.append((positives, negatives))
        return make(positives, negatives)

    monkeypatch.setattr(run, "make_batch", make_and_see)
    return seen


def test_an_epoch_takes_every_link_once_in_batches_of_the_given_size(
    small: LinkSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(small, negatives_per_link=3)
    seen = spy(run, monkeypatch)
    run.train_step()
    first = [positives for positives, _ in seen]
    links = as_pairs(small.train.pos_edge_label_index)
    assert sorted(pair for part in first for pair in as_pairs(part)) == sorted(links)
    sizes = [part.size(1) for part in first]
    assert len(sizes) == -(-len(links) // 100)
    assert max(sizes) - min(sizes) <= 1
    linked = set(as_pairs(small.train.edge_index))
    for positives, negatives in seen:
        assert negatives.size(1) == 3 * positives.size(1)
        assert linked.isdisjoint(as_pairs(negatives))
    seen.clear()
    run.train_step()
    assert not torch.equal(seen[0][0], first[0])


def test_loss_has_the_kl_of_uniform_nodes(small: LinkSplit) -> None:
    """Its gradient too: that of the reconstruction on a sample, and of the KL of the ends of the negatives."""
    run = make_run(small)
    positives, negatives = small.train.pos_edge_label_index[:, :50], small.val.neg_edge_label_index
    batch = run.make_batch(positives, negatives)
    run.model.eval()
    torch.manual_seed(0)
    loss = BatchLoss(run.model, 0.25)(batch)
    torch.manual_seed(0)
    posterior = run.model.posterior(*batch.inputs)
    reconstruction = run.model.recon_loss(posterior.rsample(), batch.positives, batch.negatives, **batch.known)
    ends = run.model.posterior(run.rows[negatives.flatten()])
    kl = kl_divergence(ends, run.model.head.prior(ends)).mean()
    torch.testing.assert_close(loss, reconstruction + 0.25 * kl)
    parameters = list(run.model.parameters())
    found, expected = (torch.autograd.grad(f, parameters) for f in (loss, reconstruction + 0.25 * kl))
    torch.testing.assert_close(found, expected)


def test_scores_are_those_of_the_whole_graph(small: LinkSplit) -> None:
    run = make_run(small)
    z = run.model.eval().encode(small.train.x, small.train.edge_index)
    expected = run.model.test(z, small.test.pos_edge_label_index, small.test.neg_edge_label_index, **run.known)
    assert run.score(small.test) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("mask_share", [0.0, 0.3])
def test_interrupted_and_resumed_is_the_same_bit_for_bit(small: LinkSplit, mask_share: float, tmp_path: Path) -> None:
    """Resumed between two masks as well: each is kept for two epochs."""
    config = GAEConfig(6, batch_size=200, mask_share=mask_share, remask_every=2)
    expected = train(small, make_model(small), config=config)
    model = make_model(small)
    per_epoch = calls_in_an_epoch(small, config)
    stop_at(model, 3 * per_epoch + 2)
    with pytest.raises(StopHereError):
        train(small, model, config=config, checkpoint=tmp_path / "run.ckpt")
    saved = torch.load(tmp_path / "run.ckpt", weights_only=True)
    assert saved["epoch"] == 3
    assert_identical(train(small, make_model(small), config=config, checkpoint=tmp_path / "run.ckpt"), expected)


def calls_in_an_epoch(split: LinkSplit, config: GAEConfig) -> int:
    run = RowBatchRun(make_model(split), split, config, None, 0, CPU)
    calls: list[None] = []
    run.model.encoder.register_forward_hook(lambda *_: calls.append(None))
    run.step()
    return len(calls)


def test_same_seed_same_bits_another_seed_others(small: LinkSplit) -> None:
    config = GAEConfig(3, batch_size=200)
    first = train(small, make_model(small), config=config, seed=3)
    torch.manual_seed(99)
    assert_identical(train(small, make_model(small), config=config, seed=3), first)
    assert train(small, make_model(small), config=config, seed=4)[1].history != first[1].history


def test_bad_loss_names_the_epoch(small: LinkSplit) -> None:
    run = make_run(small)
    run.step()
    run.model.decoder.register_forward_hook(lambda *arguments: arguments[2] + float("nan"))
    with pytest.raises(FloatingPointError, match="the loss became nan in epoch 2"):
        run.step()


def test_best_weights_are_kept(small: LinkSplit) -> None:
    """The last epoch is made worse on purpose."""
    run = make_run(small, epochs=3)
    run.step()
    run.step()
    best = run.best_epoch
    weights = copy.deepcopy(run.best_weights)
    with torch.no_grad():
        run.model.decoder.decoder.raw_scale.fill_(-50.0)
    for group in run.optimizer.param_groups:
        group["lr"] = 0.0
    run.step()
    run.finish()
    assert run.best_epoch == best
    assert all(torch.equal(tensor, weights[name]) for name, tensor in run.model.state_dict().items())
