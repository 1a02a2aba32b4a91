import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from spherical_gae.training.checkpoint import load_checkpoint, save_checkpoint
from spherical_gae.training.images.batches import BatchRun, VAEConfig, crc32, shuffled_batches

CPU = torch.device("cpu")
POINTS = torch.linspace(-1, 2, 7, dtype=torch.float64).outer(torch.tensor([1.0, -3.0, 0.5], dtype=torch.float64))


class Center(nn.Module):
    """A point whose distances to others are to be small, and a frozen scale."""

    def __init__(self) -> None:
        super().__init__()
        self.center = nn.Parameter(torch.zeros(3, dtype=torch.float64))
        self.scale = nn.Parameter(torch.full((), 0.5, dtype=torch.float64), requires_grad=False)
        self.dropout = nn.Dropout(0.5)

    def loss(self, points: Tensor) -> Tensor:
        return self.scale * (self.center - points).square().sum(-1).mean()


class CenterRun(BatchRun):
    """Takes noisy points in batches; scores are scripted, or else the negative distance."""

    def __init__(
        self,
        config: VAEConfig,
        seed: int = 0,
        points: Tensor = POINTS,
        scores: list[float] | None = None,
        num_drawn: int = 0,
        noise: float = 0.0,
    ) -> None:
        super().__init__(Center(), config, seed)
        self.points, self.scores, self.num_drawn, self.noise = points, scores, num_drawn, noise
        self.weights_seen: list[float] = []
        self.drawn: list[list[float]] = []
        self.extra: dict[str, Tensor] = {}

    def train_epoch(self, kl_weight: float) -> dict[str, Tensor]:
        assert self.model.training
        assert torch.is_grad_enabled()
        self.weights_seen.append(kl_weight)
        total = torch.zeros(())
        for index in shuffled_batches(len(self.points), self.config.batch_size, CPU):
            batch = self.points[index]
            if self.noise:
                batch = batch + self.noise * torch.randn_like(batch)
            loss = self.model.loss(batch)
            self.update(loss)
            total += loss.detach() * len(index)
        return {"loss": total / len(self.points), **self.extra}

    def validate(self) -> tuple[float, dict[str, float]]:
        model: Any = self.scored
        assert not model.training
        assert not torch.is_grad_enabled()
        self.drawn.append(torch.rand(self.num_drawn).tolist())
        distance = model.loss(self.points).item()
        score = -distance if self.scores is None else self.scores[self.epoch - 1]
        return score, {"distance": distance}

    def fingerprint(self) -> dict[str, Any]:
        return {"points_crc32": crc32(self.points)}


def run_to_the_end(run: CenterRun, seed: int = 0) -> CenterRun:
    torch.manual_seed(seed)
    while not run.is_finished:
        run.step()
    return run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_epochs": 0}, "max_epochs must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"look_ahead": 0}, "look_ahead must be at least 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be positive and finite, got 0.0"),
        ({"learning_rate": math.nan}, "learning_rate must be positive and finite, got nan"),
        ({"learning_rate": math.inf}, "learning_rate must be positive and finite, got inf"),
        ({"warm_up": -1}, "warm_up must be at least 0, got -1"),
        ({"kl_weight": -0.5}, "kl_weight must be finite and at least 0, got -0.5"),
        ({"kl_weight": math.nan}, "kl_weight must be finite and at least 0, got nan"),
        ({"kl_weight": math.inf}, "kl_weight must be finite and at least 0, got inf"),
        ({"weight_average": -0.1}, r"weight_average must be in \[0, 1\), got -0.1"),
        ({"weight_average": 1.0}, r"weight_average must be in \[0, 1\), got 1.0"),
        ({"weight_average": math.nan}, r"weight_average must be in \[0, 1\), got nan"),
    ],
)
def test_settings_out_of_range_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        VAEConfig(**arguments)


def test_defaults_are_the_papers_and_the_ends_of_ranges_are_allowed() -> None:
    """Appendix F.1: Adam with 1e-3, batches of 64, a warm-up of 100 epochs, a look-ahead of 50."""
    config = VAEConfig()
    assert (config.learning_rate, config.batch_size, config.warm_up, config.look_ahead) == (1e-3, 64, 100, 50)
    assert VAEConfig(max_epochs=1, batch_size=1, look_ahead=1, warm_up=0, kl_weight=0.0).kl_weight_at(1) == 0


@pytest.mark.parametrize(
    ("warm_up", "kl_weight", "expected"),
    [
        (4, 1.0, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]),
        (4, 2.0, [0.5, 1.0, 1.5, 2.0, 2.0, 2.0]),
        (1, 1.0, [1.0] * 6),
        (0, 0.3, [0.3] * 6),
        (100, 1.0, [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]),
    ],
)
def test_kl_weight_grows_linearly_from_the_first_epoch(warm_up: int, kl_weight: float, expected: list[float]) -> None:
    config = VAEConfig(max_epochs=6, warm_up=warm_up, kl_weight=kl_weight)
    assert [config.kl_weight_at(epoch) for epoch in range(1, 7)] == pytest.approx(expected, rel=1e-15)
    assert run_to_the_end(CenterRun(config)).weights_seen == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("num_points", "size", "sizes"), [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (3, 5, [3]), (1, 1, [1])]
)
def test_batches_are_a_permutation_whose_last_may_be_smaller(num_points: int, size: int, sizes: list[int]) -> None:
    batches = list(shuffled_batches(num_points, size, CPU))
    assert [len(batch) for batch in batches] == sizes
    assert sorted(torch.cat(batches).tolist()) == list(range(num_points))


def test_batches_are_in_a_random_order_that_the_seed_fixes() -> None:
    """Each of 5 points is first in 1/5 of 2,000 epochs, to within 5 standard deviations (sd 18)."""
    torch.manual_seed(0)
    firsts = torch.stack([next(shuffled_batches(5, 2, CPU))[0] for _ in range(2000)]).bincount(minlength=5)
    assert (firsts - 400).abs().max() < 90
    orders = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        orders.append(torch.cat(list(shuffled_batches(50, 7, CPU))).tolist())
    assert orders[0] == orders[1] != orders[2]


def test_checksum_tells_data_apart() -> None:
    data = torch.arange(12.0).reshape(3, 4)
    same = [data.clone(), data.t().contiguous().t(), torch.cat([data, data])[3:]]
    assert {crc32(other) for other in same} == {crc32(data)}
    changed = data.clone()
    changed[1, 2] += 1e-6
    different = [changed, data.flip(0), data.t(), data[:2], data.double()]
    assert len({crc32(other) for other in (data, *different)}) == 6


def test_optimizer_step_is_adams() -> None:
    """Kingma & Ba (2015), algorithm 1, over 3 epochs of batches of 3, 3 and 1."""
    run = CenterRun(VAEConfig(max_epochs=3, batch_size=3, learning_rate=0.1))
    run_to_the_end(run, seed=4)

    torch.manual_seed(4)
    center, first, second = (torch.zeros(3, dtype=torch.float64) for _ in range(3))
    time = 0
    for _ in range(3):
        for index in torch.randperm(7).split(3):
            gradient = 2 * 0.5 * (center - POINTS[index]).mean(0)
            time += 1
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            center = center - 0.1 * (first / (1 - 0.9**time)) / ((second / (1 - 0.999**time)).sqrt() + 1e-8)
    assert time == 9
    torch.testing.assert_close(run.model.center.detach(), center, rtol=1e-12, atol=1e-14)
    assert run.model.scale.item() == 0.5
    assert run.history["distance"][-1] == pytest.approx(0.5 * (center - POINTS).square().sum(-1).mean().item())


def test_validation_draws_the_same_numbers_in_every_epoch_and_run() -> None:
    config = VAEConfig(max_epochs=4)
    drawn = [run_to_the_end(CenterRun(config, seed, num_drawn=3), seed).drawn for seed in (1, 2)]
    assert drawn[0] == drawn[1] == [drawn[0][0]] * 4
    assert len(set(drawn[0][0])) == 3


def test_validation_does_not_disturb_training() -> None:
    config = VAEConfig(max_epochs=5, batch_size=2, learning_rate=0.05)
    runs = [run_to_the_end(CenterRun(config, num_drawn=number, noise=1.0)) for number in (0, 1000)]
    assert torch.equal(runs[0].model.center, runs[1].model.center)
    assert runs[0].history == runs[1].history
    # The noise is drawn from the stream that validation might have disturbed.
    assert not torch.equal(run_to_the_end(CenterRun(config, noise=1.0), seed=1).model.center, runs[0].model.center)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_bad_figure_of_training_is_named_with_its_epoch(value: float) -> None:
    run = CenterRun(VAEConfig(max_epochs=5))
    run.step()
    run.step()
    run.extra = {"kl": torch.tensor(value)}
    with pytest.raises(FloatingPointError, match=f"^kl became {value} in epoch 3; lower the learning rate$"):
        run.step()


def test_bad_figure_of_validation_is_named_and_its_weights_are_not_the_best() -> None:
    run = CenterRun(VAEConfig(max_epochs=5), scores=[1.0, 2.0, 3.0])
    run.step()
    run.points = POINTS.clone().fill_(math.inf)
    with pytest.raises(FloatingPointError, match=r"^loss became (nan|inf) in epoch 2"):
        run.step()
    assert run.stopping.best_epoch == 1

    run = CenterRun(VAEConfig(max_epochs=5), scores=[1.0, 2.0, 3.0])
    run.step()
    run.validate = lambda: (9.0, {"distance": math.nan})  # type: ignore[method-assign]
    with pytest.raises(FloatingPointError, match=r"^distance became nan in epoch 2"):
        run.step()
    assert (run.stopping.best_epoch, run.stopping.best_score) == (1, 1.0)


@pytest.mark.parametrize(
    ("look_ahead", "warm_up", "scores", "epochs", "best_epoch"),
    [
        (2, 0, [1, 3, 3, 2, 9], 4, 2),
        (2, 4, [5, 1, 1, 1, 1, 1, 9], 6, 1),
        (50, 0, [1, 2, 5, 4, 3], 5, 3),
    ],
)
def test_finish_leaves_the_best_weights_in_evaluation_mode(
    look_ahead: int, warm_up: int, scores: list[float], epochs: int, best_epoch: int
) -> None:
    config = VAEConfig(max_epochs=len(scores), look_ahead=look_ahead, warm_up=warm_up, learning_rate=0.1)
    run = run_to_the_end(CenterRun(config, scores=scores))
    last = run.model.center.detach().clone()
    run.model.train()
    result = run.finish()
    assert (result.epochs, result.best_epoch, result.best_score) == (epochs, best_epoch, scores[best_epoch - 1])
    assert {name: len(values) for name, values in result.history.items()} == {"loss": epochs, "distance": epochs}
    assert not any(module.training for module in run.model.modules())
    assert not torch.equal(run.model.center, last)
    assert run.model.loss(POINTS).item() == result.history["distance"][best_epoch - 1]


def test_average_of_the_weights_is_scored_and_kept_and_training_goes_on_without_it() -> None:
    """Theta_t = beta Theta_(t-1) + (1 - beta) theta_t from the first step's weights on, over all 3 * 3 steps."""
    config = VAEConfig(max_epochs=3, batch_size=3, learning_rate=0.1, weight_average=0.75)
    run = CenterRun(config)
    steps: list[Tensor] = []
    run.optimizer.register_step_post_hook(lambda *_: steps.append(run.model.center.detach().clone()))
    run_to_the_end(run)
    average, after_epochs = steps[0], []
    for count, step in enumerate(steps, start=1):
        average = 0.75 * average + 0.25 * step
        if count % 3 == 0:
            after_epochs.append(0.5 * (average - POINTS).square().sum(-1).mean().item())
    assert len(steps) == 9
    assert run.history["distance"] == pytest.approx(after_epochs, rel=1e-12)
    straight = run_to_the_end(CenterRun(VAEConfig(max_epochs=3, batch_size=3, learning_rate=0.1)))
    assert torch.equal(straight.model.center, run.model.center)
    assert straight.history["loss"] == run.history["loss"]
    best = run.finish().best_epoch
    assert not run.model.training
    assert run.model.loss(POINTS).item() == run.history["distance"][best - 1] == min(run.history["distance"])


@pytest.mark.parametrize("weight_average", [0.0, 0.9])
@pytest.mark.parametrize("stop", range(1, 6))
def test_restored_run_continues_bit_for_bit(tmp_path: Path, stop: int, weight_average: float) -> None:
    config = VAEConfig(max_epochs=6, batch_size=3, learning_rate=0.1, weight_average=weight_average)
    arguments: dict[str, Any] = {"scores": [1, 4, 2, 3, 4, 0], "noise": 1.0}
    expected = run_to_the_end(CenterRun(config, **arguments))

    torch.manual_seed(0)
    part = CenterRun(config, **arguments)
    for _ in range(stop):
        part.step()
    save_checkpoint(tmp_path / "run.ckpt", part.state())
    torch.manual_seed(99)
    resumed = CenterRun(config, **arguments)
    resumed.restore(load_checkpoint(tmp_path / "run.ckpt"), tmp_path / "run.ckpt")
    while not resumed.is_finished:
        resumed.step()
    assert torch.equal(resumed.model.center, expected.model.center)
    assert resumed.latest() == expected.latest()
    assert resumed.finish() == expected.finish()
    assert torch.equal(resumed.model.center, expected.model.center)


def test_state_of_another_run_is_refused_and_nothing_changed() -> None:
    config = VAEConfig(max_epochs=3)
    run = CenterRun(config, seed=1)
    run.step()
    state = copy.deepcopy(run.state())
    others = [
        CenterRun(VAEConfig(max_epochs=3, learning_rate=0.1), seed=1),
        CenterRun(config, seed=2),
        CenterRun(config, seed=1, points=POINTS.flip(0)),
    ]
    others.append(CenterRun(config, seed=1))
    others[-1].model.dropout = nn.Dropout(0.1)
    for other in others:
        with pytest.raises(ValueError, match=r"(?s)^checkpoint there/run\.ckpt was made by another run: .* here$"):
            other.restore(state, "there/run.ckpt")
        assert (other.epoch, other.model.center.tolist()) == (0, [0.0, 0.0, 0.0])
    CenterRun(config, seed=1).restore(state, "there/run.ckpt")


def test_finished_run_goes_on_with_more_epochs_as_if_it_had_them_from_the_start() -> None:
    first, straight = CenterRun(VAEConfig(max_epochs=2), seed=1), CenterRun(VAEConfig(max_epochs=5), seed=1)
    torch.manual_seed(3)
    for _ in range(2):
        first.step()
    state = copy.deepcopy(first.state())
    torch.manual_seed(3)
    for _ in range(5):
        straight.step()
    longer = CenterRun(VAEConfig(max_epochs=5), seed=1)
    longer.restore(state, "run.ckpt")
    while not longer.is_finished:
        longer.step()
    assert longer.epoch == 5
    assert torch.equal(longer.model.center, straight.model.center)
    # With fewer it is another run, whose best epoch may be an earlier one.
    with pytest.raises(ValueError, match=r"was made by another run: max_epochs: at least 2 in the checkpoint, 1 here$"):
        CenterRun(VAEConfig(max_epochs=1), seed=1).restore(state, "run.ckpt")
