import copy
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from spherical_gae.data import ImageSplit, binarize, load_images
from spherical_gae.models import Autoencoder, NormalVAE, SphericalVAE
from spherical_gae.nn import NormalObservation, VonMisesFisherHead
from spherical_gae.randomness import seeded
from spherical_gae.training import VAEConfig, VAEResult, fit_vae
from spherical_gae.training.images import vae as vae_module

Outcome = tuple[dict[str, Tensor], VAEResult]

KINDS = [SphericalVAE, NormalVAE]
ALL_KINDS = [*KINDS, Autoencoder]
SHORT = VAEConfig(max_epochs=12, warm_up=4, learning_rate=3e-3)


class StopHereError(Exception):
    pass


@pytest.fixture(scope="module")
def digits() -> ImageSplit:
    return load_images("digits")


@pytest.fixture(scope="module")
def few(digits: ImageSplit) -> tuple[Tensor, Tensor]:
    """200 images to train on, 4 batches an epoch, and 50 to validate."""
    return digits.train.images[:200], digits.val.images[:50]


def make_model(kind: Callable[..., Any] = SphericalVAE, dim: int = 4, hidden: int = 32, **arguments: Any) -> Any:
    torch.manual_seed(0)
    return kind(dim, 64, (hidden,), **arguments)


def train(data: tuple[Tensor, Tensor], model: Any = None, config: VAEConfig = SHORT, **arguments: Any) -> Outcome:
    model = make_model() if model is None else model
    result = fit_vae(model, *data, config, progress=False, **arguments)
    return copy.deepcopy(model.state_dict()), result


def assert_identical(first: Outcome, second: Outcome) -> None:
    assert first[1] == second[1]
    assert first[0].keys() == second[0].keys()
    assert all(torch.equal(first[0][name], second[0][name]) for name in first[0])


def test_averaged_weights_are_those_that_are_validated_and_kept(few: tuple[Tensor, Tensor]) -> None:
    weights, result = train(few, config=replace(SHORT, weight_average=0.9))
    straight, last = train(few)
    assert result.history["loss"] == last.history["loss"]
    assert result.history["val_bound"] != last.history["val_bound"]
    # The weights that are kept have the best score, by the validation of a run that averages nothing.
    model = make_model()
    model.load_state_dict(weights)
    run = vae_module.VAERun(model.eval(), *few, SHORT, 0)
    with torch.no_grad(), seeded(0, torch.device("cpu")):
        assert run.validate()[0] == result.best_score == max(result.history["val_bound"])
    assert any(not torch.equal(weights[name], straight[name]) for name in weights)


def test_callbacks_see_the_history(few: tuple[Tensor, Tensor]) -> None:
    seen: list[tuple[int, dict[str, float]]] = []
    _, result = train(few, config=replace(SHORT, max_epochs=2), callbacks=[lambda *figures: seen.append(figures)])
    assert result.history.keys() == {"loss", "reconstruction", "kl", "val_bound"}
    assert seen == [(k + 1, {name: values[k] for name, values in result.history.items()}) for k in range(2)]


def stop_at(model: nn.Module, call: int) -> None:
    """Makes the decoder raise at its ``call``-th call: one for each batch, then one in validation."""
    calls = iter(range(1, call + 1))

    def raise_there(*_: Any) -> None:
        if next(calls) == call:
            raise StopHereError

    model.decoder.register_forward_hook(raise_there)


def bernoulli_bound(train_images: Tensor, images: Tensor) -> float:
    """E log p(x) of binarised images if pixels are independent, each 1 with its (smoothed) share in training."""
    share = (train_images.sum(0) + 0.5) / (len(train_images) + 1)
    return (torch.xlogy(images, share) + torch.xlogy(1 - images, 1 - share)).sum(-1).mean().item()


@pytest.mark.parametrize("kind", KINDS)
def test_learns_the_digits(digits: ImageSplit, kind: type) -> None:
    """Validation bounds from -38 to -24.6 and -24.5 nats; of a model that is constant -26.9."""
    model = make_model(kind, hidden=64)
    data = digits.train.images, digits.val.images
    _, result = train(data, model, VAEConfig(max_epochs=20, warm_up=4, learning_rate=3e-3))
    bounds = result.history["val_bound"]
    assert bernoulli_bound(*data) == pytest.approx(-26.95, abs=0.01)
    assert bounds[0] < -33
    assert result.best_score > bernoulli_bound(*data) + 1.5
    assert result.history["kl"][-1] > 1.5

    torch.manual_seed(1)
    x = binarize(digits.test.images)
    bound = -sum(model.loss(x).total.item() for _ in range(10)) / 10
    log_likelihood = model.log_likelihood(x, num_samples=100).mean().item()
    # The gap is .26 and .36 nats.
    assert bound + 0.05 < log_likelihood < bound + 1.5
    assert log_likelihood > bernoulli_bound(digits.train.images, digits.test.images) + 1.5


def test_autoencoder_learns_with_the_same_loop(digits: ImageSplit) -> None:
    """Without noise a latent says more: -19.7 nats, beyond the bounds above; no KL."""
    model = make_model(Autoencoder, hidden=64)
    data = digits.train.images, digits.val.images
    _, result = train(data, model, VAEConfig(max_epochs=20, learning_rate=3e-3))
    assert result.best_score > -21.5
    assert result.history["kl"] == [0.0] * 20
    assert not model.training


@pytest.mark.parametrize("kind", KINDS)
def test_real_data_with_a_normal_observation(digits: ImageSplit, kind: type) -> None:
    """Bounds about 14 nats; the best isotropic normal law has -6.6.  Data need not be intensities: these are not."""
    data = -digits.train.images, -digits.val.images
    mean = data[0].mean(0)
    variance = (data[0] - mean).square().mean().item()
    squares = (data[1] - mean).square().sum(-1).mean().item()
    constant = -32 * math.log(2 * math.pi * variance) - squares / (2 * variance)
    model = make_model(kind, hidden=64, observation=NormalObservation(0.3, learnable=True))
    _, result = train(data, model, VAEConfig(max_epochs=20, warm_up=4, learning_rate=3e-3, binarize=False))
    assert constant == pytest.approx(-6.6, abs=0.1)
    assert result.best_score > constant + 12
    assert 0.15 < model.observation.log_std.exp() < 0.22


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_interrupted_and_resumed_is_the_same_bit_for_bit(
    few: tuple[Tensor, Tensor], kind: type, tmp_path: Path
) -> None:
    expected = train(few, make_model(kind))
    path = tmp_path / "run.ckpt"
    # Before the checkpoint of epoch 10; in the midst of epoch 11; resumed from there, in epoch 12's validation.
    for stop, is_written in ((23, False), (5 * 10 + 3, True), (5 * 2, True)):
        model = make_model(kind)
        stop_at(model, stop)
        with pytest.raises(StopHereError):
            train(few, model, checkpoint=path)
        assert path.exists() == is_written
    resumed = make_model(kind)
    nn.init.zeros_(resumed.decoder[0].weight)
    calls: list[bool] = []
    resumed.decoder.register_forward_hook(lambda module, *_: calls.append(module.training))
    assert_identical(train(few, resumed, checkpoint=path), expected)
    assert (calls.count(True), calls.count(False)) == (2 * 4, 2)
    calls.clear()
    assert_identical(train(few, resumed, checkpoint=path), expected)
    assert calls == []


def test_checkpoint_of_another_run_is_refused(few: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    config = VAEConfig(max_epochs=2)
    train(few, checkpoint=path, config=config)
    before = path.read_bytes()
    images, val = few
    wrong: list[dict[str, Any]] = [
        {"config": VAEConfig(max_epochs=2, look_ahead=49)},
        {"config": VAEConfig(max_epochs=2, kl_weight=0.5)},
        {"config": VAEConfig(max_epochs=2, binarize=False)},
        {"seed": 1},
        {"data": (images.flip(0), val)},
        {"data": (images, images[:50])},
        {"model": make_model(NormalVAE)},
        {"model": make_model(Autoencoder)},
        {"model": make_model(hidden=33)},
        {"model": make_model(dim=5)},
        {"model": make_model(head=VonMisesFisherHead(initial_concentration="paper"))},
        {"model": make_model(observation=NormalObservation())},
    ]
    for changes in wrong:
        arguments: dict[str, Any] = {"data": few, "config": config} | changes
        with pytest.raises(ValueError, match=r"checkpoint .*run\.ckpt was made by another run: "):
            train(checkpoint=path, **arguments)
    assert path.read_bytes() == before


@pytest.mark.parametrize("which", ["train", "val"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:0], r"{} must have shape \[N, \*event\] with at least one entry, got \(0, 64\)"),
        (lambda x: x[:, :0], r"{} must have shape .*, got \({}, 0\)"),
        (lambda x: x[0], r"{} must have shape .*, got \(64,\)"),
        (lambda x: 16 * x, r"{} must hold intensities in \[0, 1\] to be binarised, got values from 0 to 16; .*False"),
        (lambda x: x - 1e-3, r"{} must hold intensities in .* got values from -0.001 to 0.999"),
        (lambda x: x.where(x < 1, math.nan), r"{} must hold intensities in .* got values from nan to nan"),
    ],
)
def test_bad_data_are_refused_before_any_work(
    few: tuple[Tensor, Tensor], which: str, change: Callable[[Tensor], Tensor], message: str, tmp_path: Path
) -> None:
    data = dict(zip(("train", "val"), few, strict=True))
    data[which] = change(data[which])
    model = make_model()
    model.register_forward_hook(lambda *_: pytest.fail("worked"))
    model.decoder.register_forward_hook(lambda *_: pytest.fail("worked"))
    with pytest.raises(ValueError, match="^" + message.format(which, len(data[which]))):
        train((data["train"], data["val"]), model, checkpoint=tmp_path / "run.ckpt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("which", "figure"), [(0, "loss"), (1, "val_bound")])
def test_bad_loss_is_named_with_its_epoch(few: tuple[Tensor, Tensor], which: int, figure: str) -> None:
    data = [part.clone() for part in few]
    data[which][3, 5] = 1e30
    with pytest.raises(FloatingPointError, match=f"^{figure} became -?(inf|nan) in epoch 1"):
        train((data[0], data[1]), make_model(Autoencoder, observation=NormalObservation()), VAEConfig(binarize=False))
    data[which][3, 5] = math.nan
    with pytest.raises(ValueError, match=f"^{('train', 'val')[which]} must hold finite numbers, got nan"):
        train((data[0], data[1]), make_model(Autoencoder), VAEConfig(binarize=False))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fails", [False, True])
def test_generator_is_left_as_it_was(few: tuple[Tensor, Tensor], kind: type, fails: bool) -> None:
    model = make_model(kind)
    if fails:
        stop_at(model, 8)
    torch.rand(5)
    before = torch.get_rng_state()
    try:
        train(few, model, VAEConfig(max_epochs=2))
    except StopHereError:
        assert fails
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_bits_whatever_the_global_generator(few: tuple[Tensor, Tensor], kind: type) -> None:
    config = VAEConfig(max_epochs=3)
    first = train(few, make_model(kind), config, seed=3)
    model = make_model(kind)
    torch.manual_seed(99)
    assert_identical(train(few, model, config, seed=3), first)
    assert train(few, make_model(kind), config, seed=4)[1].history != first[1].history


def test_binarises_anew_for_training_and_alike_for_validation(few: tuple[Tensor, Tensor]) -> None:
    images = few[0].sum(0, keepdim=True).div(200).expand(200, 64)
    model = make_model()
    seen: dict[bool, list[Tensor]] = {True: [], False: []}
    model.encoder.register_forward_pre_hook(lambda module, inputs: seen[module.training].append(inputs[0]))
    train((images, few[1]), model, VAEConfig(max_epochs=3, batch_size=200))
    for x in (*seen[True], *seen[False]):
        assert ((x == 0) | (x == 1)).all()
    means = torch.stack([x.mean(0) for x in seen[True]])
    # Standard deviations of a pixel's mean over 200 images are at most .035.
    assert (means - images[0]).abs().max() < 0.18
    assert len({tuple(row) for row in means.tolist()}) == 3
    assert torch.equal(seen[False][0], seen[False][1])
    assert torch.equal(seen[False][0], seen[False][2])


def test_warm_up_weighs_the_loss_but_not_the_validation_bound(few: tuple[Tensor, Tensor]) -> None:
    model = make_model()
    _, result = train(few, model, VAEConfig(max_epochs=4, warm_up=8, kl_weight=20.0, learning_rate=1e-30))
    history = result.history
    for epoch, (loss, reconstruction, kl) in enumerate(
        zip(history["loss"], history["reconstruction"], history["kl"], strict=True), start=1
    ):
        assert loss == pytest.approx(20 * epoch / 8 * kl - reconstruction, rel=1e-5)
    # Nothing was learned, so that all bounds are one and the first epoch is the best.
    assert len(set(history["val_bound"])) == 1
    assert result.best_epoch == 1
    torch.manual_seed(0)
    with torch.no_grad():
        losses = [model.loss(binarize(few[1]), 20.0) for _ in range(200)]
    total, _, kl = torch.tensor(losses).mean(0).tolist()
    assert history["val_bound"][0] == pytest.approx(-total, abs=2)
    # With the weight of epoch 4 of 8 instead, it would be further off.
    assert 10 * kl > 6


@pytest.mark.parametrize("size", [1, 7, 64, 200])
def test_figures_are_means_over_data_whatever_the_batches(
    few: tuple[Tensor, Tensor], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An autoencoder on data as they are is deterministic; 50 validation points are 8 parts of at most 7."""
    monkeypatch.setattr(vae_module, "_VALIDATION_BATCH", 7)
    model = make_model(Autoencoder)
    config = VAEConfig(max_epochs=1, batch_size=size, learning_rate=1e-30, binarize=False)
    _, result = train(few, model, config)
    expected = [model.loss(part).total.item() for part in few]
    assert result.history["loss"] == pytest.approx(expected[:1], rel=1e-5)
    assert result.history["val_bound"] == pytest.approx([-expected[1]], rel=1e-5)


@pytest.mark.parametrize("look_ahead", [1, 2])
def test_stops_early_and_restores_the_best_weights(digits: ImageSplit, look_ahead: int) -> None:
    """20 images are soon learned by heart (epochs 13 to 21 of 300)."""
    generator = torch.Generator().manual_seed(0)
    data = binarize(digits.train.images[:20], generator), binarize(digits.val.images, generator)
    model = make_model(Autoencoder, hidden=64)
    config = VAEConfig(max_epochs=300, warm_up=0, learning_rate=1e-2, look_ahead=look_ahead, binarize=False)
    _, result = train(data, model, config)
    bounds = result.history["val_bound"]
    assert result.epochs == len(bounds) == result.best_epoch + look_ahead < 100
    assert result.best_score == max(bounds) == bounds[result.best_epoch - 1] > bounds[0] + 2
    assert not model.training
    assert -model.loss(data[1]).total.item() == pytest.approx(result.best_score, rel=1e-6)
    assert abs(bounds[-1] - result.best_score) > 1e-3


@pytest.mark.parametrize(("warm_up", "epochs"), [(0, 3), (4, 6)])
def test_look_ahead_begins_after_the_warm_up(few: tuple[Tensor, Tensor], warm_up: int, epochs: int) -> None:
    config = VAEConfig(max_epochs=20, warm_up=warm_up, look_ahead=2, learning_rate=1e-30)
    _, result = train(few, config=config)
    assert (result.best_epoch, result.epochs) == (1, epochs)


def test_bernoulli_pixels_take_values_between_0_and_1_only() -> None:
    """On [-1, 1] the bound would be above 0, without a limit; probabilities, not binarised, are right."""
    x = torch.rand(20, 8)
    config = VAEConfig(max_epochs=1, binarize=False)
    model = SphericalVAE(2, 8, (4,))
    for which in range(2):
        data = [x, x]
        data[which] = 2 * x - 1
        name = ("train", "val")[which]
        with pytest.raises(ValueError, match=rf"^{name} must hold values in \[0, 1\] for a BernoulliObservation, got"):
            fit_vae(model, *data, config, progress=False)
    assert fit_vae(model, x, x, config, progress=False).best_score < 0
    real = SphericalVAE(2, 8, (4,), observation=NormalObservation(0.5))
    fit_vae(real, 2 * x - 1, 2 * x - 1, config, progress=False)


def test_gradients_that_a_model_comes_with_play_no_part(few: tuple[Tensor, Tensor]) -> None:
    model = make_model()
    (1000 * model.loss(few[0]).total).backward()
    torch.manual_seed(0)
    assert_identical(train(few, model), train(few))


def test_importance_samples_need_a_posterior(few: tuple[Tensor, Tensor]) -> None:
    with pytest.raises(ValueError, match="num_samples must be 1 for Autoencoder, which has no posterior"):
        train(few, make_model(Autoencoder), replace(SHORT, num_samples=3))
