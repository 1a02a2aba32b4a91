import copy
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from spherical_gae.data import ImageSet, ImageSplit, binarize, load_images
from spherical_gae.models import M1M2
from spherical_gae.nn import NormalHead, VonMisesFisherHead
from spherical_gae.training import M1M2Config, VAEResult, fit_m1m2

Outcome = tuple[dict[str, Tensor], VAEResult]


class StopHereError(Exception):
    pass


@pytest.fixture(scope="module")
def digits() -> ImageSplit:
    return load_images("digits")


@pytest.fixture(scope="module")
def labelled(digits: ImageSplit) -> ImageSet:
    """The first five of each digit."""
    rows = torch.cat([(digits.train.labels == digit).nonzero().flatten()[:5] for digit in range(10)])
    return ImageSet(digits.train.images[rows], digits.train.labels[rows])


def make_model(law1: str = "normal", law2: str = "normal", hidden: int = 64) -> M1M2:
    heads = [
        NormalHead() if law == "normal" else VonMisesFisherHead(initial_concentration="dimension")
        for law in (law1, law2)
    ]
    torch.manual_seed(0)
    return M1M2(5, 3, *heads, in_features=64, hidden_features=hidden)


@pytest.fixture
def few(digits: ImageSplit, labelled: ImageSet) -> dict[str, Any]:
    """200 images without labels, 4 batches an epoch of 50."""
    return {
        "unlabelled": digits.train.images[:200],
        "labelled": labelled,
        "val": ImageSet(digits.val.images[:100], digits.val.labels[:100]),
        "config": M1M2Config(max_epochs=7, batch_size=50, learning_rate=3e-3, warm_up=3),
    }


def train(arguments: dict[str, Any], model: M1M2 | None = None, **changes: Any) -> Outcome:
    model = make_model() if model is None else model
    result = fit_m1m2(model, **(arguments | changes), progress=False)
    return copy.deepcopy(model.state_dict()), result


def assert_identical(first: Outcome, second: Outcome) -> None:
    assert first[1] == second[1]
    assert first[0].keys() == second[0].keys()
    assert all(torch.equal(first[0][name], second[0][name]) for name in first[0])


def test_callbacks_see_the_history(few: dict[str, Any]) -> None:
    seen: list[tuple[int, dict[str, float]]] = []
    few["config"] = replace(few["config"], max_epochs=2)
    _, result = train(few, callbacks=[lambda *figures: seen.append(figures)])
    assert seen == [(k + 1, {name: values[k] for name, values in result.history.items()}) for k in range(2)]


def stop_at(model: M1M2, call: int) -> None:
    """Makes the decoder raise at its ``call``-th call: one for each batch, none in validation."""
    calls = iter(range(1, call + 1))

    def raise_there(*_: Any) -> None:
        if next(calls) == call:
            raise StopHereError

    model.decoder1.register_forward_hook(raise_there)


@pytest.mark.slow
@pytest.mark.parametrize("laws", [("normal", "normal"), ("sphere", "normal")])
def test_classifies_digits_with_five_labels_each(digits: ImageSplit, labelled: ImageSet, laws: tuple[str, str]) -> None:
    """Accuracies .72 and .74 (test); 5 nearest neighbours have .63 on the same black and white images."""
    torch.manual_seed(0)
    neighbours = KNeighborsClassifier(5).fit(labelled.images.numpy(), labelled.labels.numpy())
    baseline = neighbours.score(binarize(digits.val.images).numpy(), digits.val.labels.numpy())
    model = make_model(*laws)
    config = M1M2Config(max_epochs=25, learning_rate=1e-2, alpha=10.0, labelled_batch_size=100)
    result = fit_m1m2(model, digits.train.images, labelled, digits.val, config, progress=False)
    assert 0.58 < baseline < 0.68
    assert result.best_score > baseline
    assert result.history["cross_entropy"][-1] < 0.3 < math.log(10) - 0.5 < result.history["cross_entropy"][0]
    assert result.history["unlabelled_bound"][-1] > result.history["unlabelled_bound"][0] + 8
    accuracy = (model.predict(digits.test.images) == digits.test.labels).float().mean().item()
    assert accuracy > 0.65


def test_images_without_labels_are_learned_from(few: dict[str, Any], labelled: ImageSet) -> None:
    """With no weight on the classifier the bound of images rises, and classes stay near chance."""
    config = M1M2Config(max_epochs=20, batch_size=50, learning_rate=3e-3, alpha=0.0)
    _, result = train(few, config=config)
    history = result.history
    assert history["unlabelled_bound"][-1] > history["unlabelled_bound"][0] + 8
    assert history["cross_entropy"][-1] > 1.5


def test_loss_weighs_its_parts(few: dict[str, Any]) -> None:
    """The mean bound of labelled images counts as L of N images, the mean cross-entropy alpha times."""
    num_free, num_labelled = few["unlabelled"].size(0), few["labelled"].images.size(0)
    config = M1M2Config(max_epochs=3, batch_size=64, alpha=0.7)
    history = train(few, config=config)[1].history
    assert list(history) == ["loss", "unlabelled_bound", "labelled_bound", "cross_entropy", "val_accuracy"]
    for loss, free, known, cross_entropy, _ in zip(*history.values(), strict=True):
        weighted = 0.7 * cross_entropy - num_labelled / num_free * known
        assert loss == pytest.approx(weighted - free, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("laws", [("normal", "normal"), ("sphere", "normal"), ("sphere", "sphere")])
def test_interrupted_and_resumed_is_the_same_bit_for_bit(
    few: dict[str, Any], laws: tuple[str, str], tmp_path: Path
) -> None:
    expected = train(few, make_model(*laws))
    path = tmp_path / "run.ckpt"
    # Before the checkpoint of epoch 5; in the midst of epoch 6; resumed from there, in epoch 7.
    for stop, is_written in ((11, False), (4 * 5 + 2, True), (4 + 3, True)):
        model = make_model(*laws)
        stop_at(model, stop)
        with pytest.raises(StopHereError):
            train(few, model, checkpoint=path)
        assert path.exists() == is_written
    resumed = make_model(*laws)
    calls: list[int] = []
    resumed.decoder1.register_forward_hook(lambda *_: calls.append(1))
    assert_identical(train(few, resumed, checkpoint=path), expected)
    assert len(calls) == 2 * 4


def test_checkpoint_of_another_run_is_refused(few: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    settings: dict[str, Any] = {"max_epochs": 1, "batch_size": 50}
    few["config"] = M1M2Config(**settings)
    train(few, checkpoint=path)
    before = path.read_bytes()
    labelled, val = few["labelled"], few["val"]
    wrong: list[dict[str, Any]] = [
        {"config": M1M2Config(**settings, alpha=2.0)},
        {"config": M1M2Config(**settings, labelled_batch_size=10)},
        {"seed": 1},
        {"unlabelled": few["unlabelled"].flip(0)},
        {"labelled": ImageSet(labelled.images.flip(0), labelled.labels)},
        {"labelled": ImageSet(labelled.images, labelled.labels.flip(0))},
        {"val": ImageSet(val.images.flip(0), val.labels)},
        {"model": make_model("sphere")},
        {"model": make_model(hidden=65)},
    ]
    for changes in wrong:
        with pytest.raises(ValueError, match=r"checkpoint .*run\.ckpt was made by another run: "):
            train(few, checkpoint=path, **changes)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("size", "expected"), [(1, 1), (20, 20), (50, 50), (1000, 50)])
def test_labels_are_drawn_without_replacement_all_if_there_are_fewer(
    few: dict[str, Any], size: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each labelled image is known by its label and a pixel pattern that survives binarisation: its number in bits.
    bits = (torch.arange(50).unsqueeze(1) >> torch.arange(64).clamp(max=62)) & 1
    labelled = ImageSet(bits.float(), torch.arange(50) % 10)
    model = make_model()
    drawn: list[list[int]] = []
    loss = model.loss

    def see(x: Tensor, labelled_x: Tensor, y: Tensor, **weights: float) -> Any:
        numbers = (labelled_x[:, :6].long() << torch.arange(6)).sum(-1)
        assert torch.equal(numbers % 10, y)
        drawn.append(numbers.tolist())
        return loss(x, labelled_x, y, **weights)

    monkeypatch.setattr(model, "loss", see)
    config = M1M2Config(max_epochs=3, batch_size=50, labelled_batch_size=size)
    train(few, model, labelled=labelled, config=config)
    assert len(drawn) == 3 * 4
    assert all(len(numbers) == len(set(numbers)) == expected for numbers in drawn)
    if size < 50:
        assert len({tuple(sorted(numbers)) for numbers in drawn}) > 6


def given_to_loss(name: str, few: dict[str, Any], config: M1M2Config) -> list[float]:
    """What the model's loss is given under a name, step by step."""
    model = make_model()
    loss, values = model.loss, []

    def recording(*data: Any, **settings: Any) -> Any:
        values.append(settings[name])
        return loss(*data, **settings)

    model.loss = recording
    train(few, model, config=config)
    return values


def test_warm_up_reaches_the_model(few: dict[str, Any]) -> None:
    config = M1M2Config(max_epochs=3, batch_size=100, warm_up=2, kl_weight=0.8)
    assert given_to_loss("kl_weight", few, config) == [0.4, 0.4, 0.8, 0.8, 0.8, 0.8]


def test_style_samples_reach_the_model(few: dict[str, Any]) -> None:
    config = M1M2Config(max_epochs=1, batch_size=100, style_samples=3)
    assert given_to_loss("style_samples", few, config) == [3, 3]


def test_best_epoch_has_the_best_accuracy_and_its_weights_are_kept(few: dict[str, Any]) -> None:
    """On black and white images, which binarisation leaves as they are."""
    val = ImageSet(few["val"].images.round(), few["val"].labels)
    model = make_model()
    config = M1M2Config(max_epochs=40, batch_size=50, learning_rate=1e-2, look_ahead=4, alpha=10.0)
    _, result = train(few, model, val=val, config=config)
    scores = result.history["val_accuracy"]
    assert result.best_epoch == scores.index(max(scores)) + 1
    assert result.epochs == len(scores) == result.best_epoch + 4 < 40
    assert not model.training
    right = (model.predict(val.images) == val.labels).sum().item()
    assert right == round(100 * result.best_score) > 30
    assert scores[-1] < result.best_score


def test_averaged_weights_are_those_that_are_validated_and_kept(few: dict[str, Any]) -> None:
    """On black and white images, which binarisation leaves as they are."""
    val = ImageSet(few["val"].images.round(), few["val"].labels)
    config = M1M2Config(max_epochs=6, batch_size=50, learning_rate=1e-2, alpha=10.0)
    _, plain = train(few, make_model(), val=val, config=config)
    model = make_model()
    _, averaged = train(few, model, val=val, config=replace(config, weight_average=0.95))
    assert averaged.history["loss"] == plain.history["loss"]
    assert averaged.history["val_accuracy"] != plain.history["val_accuracy"]
    right = (model.predict(val.images) == val.labels).sum().item()
    assert right == round(len(val.labels) * averaged.best_score)
    assert averaged.best_score == max(averaged.history["val_accuracy"])


def test_generator_is_left_as_it_was_and_does_not_matter(few: dict[str, Any]) -> None:
    few["config"] = M1M2Config(max_epochs=2, batch_size=50)
    first = train(few, seed=3)
    model = make_model()
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert_identical(train(few, model, seed=3), first)
    assert torch.equal(torch.get_rng_state(), before)
    assert train(few, seed=4)[1].history != first[1].history


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labelled_batch_size": 0}, "labelled_batch_size must be at least 1, got 0"),
        ({"style_samples": 0}, "style_samples must be at least 1, got 0"),
        ({"num_samples": 5}, r"num_samples must be 1 for M1\+M2, got 5; style_samples is for several"),
        ({"alpha": -1.0}, "alpha must be finite and at least 0, got -1.0"),
        ({"alpha": math.inf}, "alpha must be finite and at least 0, got inf"),
        ({"alpha": math.nan}, "alpha must be finite and at least 0, got nan"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"warm_up": -1}, "warm_up must be at least 0, got -1"),
    ],
)
def test_settings_out_of_range_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        M1M2Config(**arguments)


@pytest.mark.parametrize("which", ["unlabelled", "labelled", "val"])
def test_bad_data_are_refused_before_any_work(few: dict[str, Any], which: str, tmp_path: Path) -> None:
    model = make_model()
    model.decoder1.register_forward_hook(lambda *_: pytest.fail("worked"))
    for change, message in (
        (lambda x: x[:0], r"must have shape \[N, \*event\] with at least one entry, got \(0, 64\)"),
        (lambda x: 2 * x, r"must hold intensities in \[0, 1\] to be binarised, got values from 0 to 2"),
        (lambda x: x.double(), r"must have the dtype of the model, torch.float32, got torch.float64"),
    ):
        part = few[which]
        changed = change(part) if which == "unlabelled" else ImageSet(change(part.images), part.labels)
        with pytest.raises(ValueError, match=f"^{which} {message}"):
            train(few, model, checkpoint=tmp_path / "run.ckpt", **{which: changed})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("which", ["labelled", "val"])
def test_bad_labels_are_refused_before_any_work(few: dict[str, Any], which: str) -> None:
    images, labels = few[which]
    count = labels.numel()
    for wrong, message in (
        (labels[:1], rf"must hold one label for each of its {count} images, got labels of shape \(1,\)"),
        (labels.float(), "must hold int64 labels, got torch.float32"),
        (labels + 1, "must hold labels from 0 to 9, got 1 to 10"),
        (labels - 1, "must hold labels from 0 to 9, got -1 to 8"),
    ):
        with pytest.raises(ValueError, match=f"^{which} {message}$"):
            train(few, **{which: ImageSet(images, wrong)})
    narrow = ImageSet(images[:, 1:], labels)
    with pytest.raises(
        ValueError, match=rf"^{which} must have points of the shape of unlabelled's, \(64,\), got \(63,\)"
    ):
        train(few, **{which: narrow})
