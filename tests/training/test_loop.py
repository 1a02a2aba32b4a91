import copy
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv
from torch_geometric.utils import subgraph

from spherical_gae import FitConfig, SphericalGAE, fit, load_graph, split_links
from spherical_gae.data import LinkSplit
from spherical_gae.models import VariationalGAE
from spherical_gae.presets import build_model, load_preset
from spherical_gae.training import FitResult
from spherical_gae.training.experiment import model_inputs

EPOCHS = 60

Outcome = tuple[dict[str, Tensor], FitResult]


class StopHereError(Exception):
    pass


@pytest.fixture(scope="module")
def digits() -> LinkSplit:
    return split_links(load_graph("digits"))


def small_split(seed: int = 0) -> LinkSplit:
    """The first 400 digits: an epoch takes milliseconds."""
    data = load_graph("digits")
    edge_index, _ = subgraph(torch.arange(400), data.edge_index)
    return split_links(Data(x=data.x[:400], y=data.y[:400], edge_index=edge_index), seed=seed)


@pytest.fixture(scope="module")
def small() -> LinkSplit:
    return small_split()


def make_model(split: LinkSplit, preset: str = "paper", method: str = "s-vgae", **changes: Any) -> VariationalGAE:
    settings = load_preset(preset).with_changes(latent_dim=8, **changes)
    return build_model(settings, method, split.train.num_features)


def train(split: LinkSplit, model: VariationalGAE | None = None, **arguments: Any) -> Outcome:
    """Weights and result; the model has dropout, and so more randomness to get wrong."""
    model = model or make_model(split)
    arguments = {"config": FitConfig(EPOCHS), "inputs": model_inputs(split.train), "progress": False} | arguments
    result = fit(model, split, arguments.pop("config"), **arguments)
    return copy.deepcopy(model.state_dict()), result


def assert_identical(first: Outcome, second: Outcome) -> None:
    assert first[1] == second[1]
    assert first[0].keys() == second[0].keys()
    assert all(torch.equal(first[0][name], second[0][name]) for name in first[0])


@pytest.mark.parametrize(
    ("preset", "method", "bound"),
    [("paper", "s-vgae", 0.97), ("frontier", "s-vgae", 0.9), ("frontier", "n-vgae", 0.9)],
)
def test_learns_the_links_of_digits(digits: LinkSplit, preset: str, method: str, bound: float) -> None:
    """Test AUC .986, .986, .943; chance is .5."""
    model = make_model(digits, preset, method)
    _, result = train(digits, model, config=FitConfig(epochs=20))
    loss = result.history["loss"]
    assert sum(loss[-3:]) / 3 < sum(loss[:3]) / 3 - 0.2
    assert result.test.auc > bound
    assert result.val.auc > bound


def test_same_seed_same_bits_whatever_the_global_generator(small: LinkSplit) -> None:
    first = train(small, seed=3, config=FitConfig(10))
    torch.manual_seed(99)
    assert_identical(train(small, seed=3, config=FitConfig(10)), first)
    assert train(small, seed=4, config=FitConfig(10))[1].history != first[1].history


@pytest.mark.parametrize("fails", [False, True])
def test_generators_are_left_as_they_were(small: LinkSplit, fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the accelerators too, which torch.manual_seed would reseed."""
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("reseeded the GPUs"))
    model = make_model(small)
    if fails:
        stop_at(model, 3)
    before = torch.get_rng_state()
    try:
        train(small, model, config=FitConfig(3))
    except StopHereError:
        assert fails
    assert torch.equal(torch.get_rng_state(), before)


def stop_at(model: VariationalGAE, call: int) -> None:
    """Makes the encoder raise at its ``call``-th call; an epoch takes two, for training and validation."""
    calls = iter(range(1, call + 1))

    def raise_there(*_: Any) -> None:
        if next(calls) == call:
            raise StopHereError

    model.encoder.register_forward_hook(raise_there)


def test_interrupted_and_resumed_is_the_same_bit_for_bit(small: LinkSplit, tmp_path: Path) -> None:
    expected = train(small)
    generator = random.Random(0)
    # Before the first checkpoint; between the first two; resumed from there, after the second; in the final scoring.
    stops = [generator.randrange(*part) for part in ((1, 50), (51, 100), (51, 70))]
    for stop in (*stops, 21):
        model = make_model(small)
        stop_at(model, stop)
        with pytest.raises(StopHereError):
            train(small, model, checkpoint=tmp_path / "run.ckpt")
    assert_identical(train(small, checkpoint=tmp_path / "run.ckpt"), expected)


def test_resuming_does_only_what_is_left(small: LinkSplit, tmp_path: Path) -> None:
    model = make_model(small)
    stop_at(model, 2 * 30)
    with pytest.raises(StopHereError):
        train(small, model, checkpoint=tmp_path / "run.ckpt")
    resumed = make_model(small)
    calls: list[bool] = []
    resumed.encoder.register_forward_hook(lambda module, *_: calls.append(module.training))
    expected = train(small, resumed, checkpoint=tmp_path / "run.ckpt")
    assert calls.count(True) == EPOCHS - 25
    # A finished run is only scored again, whatever the state of the model that is passed.
    finished = make_model(small)
    finished.encoder.register_forward_hook(lambda module, *_: calls.append(module.training))
    calls.clear()
    assert_identical(train(small, finished, checkpoint=tmp_path / "run.ckpt"), expected)
    assert calls == [False, False]


def test_checkpoint_of_another_run_is_refused(small: LinkSplit, tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    train(small, checkpoint=path, config=FitConfig(2))
    before = path.read_bytes()
    wrong: list[dict[str, Any]] = [
        {"config": FitConfig(3)},
        {"config": FitConfig(2, learning_rate=0.02)},
        {"config": FitConfig(2, kl_weight=0.0)},
        {"config": FitConfig(2), "seed": 1},
        {"config": FitConfig(2), "split": small_split(seed=1)},
        {"config": FitConfig(2), "model": make_model(small, method="n-vgae")},
    ]
    for arguments in wrong:
        split = arguments.pop("split", small)
        with pytest.raises(ValueError, match=r"checkpoint .*run\.ckpt was made by another run: "):
            train(split, checkpoint=path, **arguments)
    assert path.read_bytes() == before


@pytest.mark.parametrize("seed", range(3))
def test_best_epoch_has_the_best_validation_scores(small: LinkSplit, seed: int) -> None:
    model = make_model(small)
    _, result = train(small, model, seed=seed, config=FitConfig(60, learning_rate=0.02))
    totals = [sum(scores) for scores in zip(result.history["val_auc"], result.history["val_ap"], strict=True)]
    best = totals.index(max(totals))
    assert result.best_epoch == best + 1 < 60
    assert [len(values) for values in result.history.values()] == [60] * 3
    assert result.val == (result.history["val_auc"][best], result.history["val_ap"][best])

    # What is returned is that model, in evaluation mode.
    assert not model.training
    z = model.encode(*model_inputs(small.train))
    for part, scores in ((small.val, result.val), (small.test, result.test)):
        assert model.test(z, part.pos_edge_label_index, part.neg_edge_label_index) == scores
    assert result.test_last != result.test


def test_first_of_equally_good_epochs_is_the_best(small: LinkSplit) -> None:
    weights, result = train(small, config=FitConfig(5, learning_rate=1e-30))
    assert len(set(result.history["val_auc"])) == 1
    assert result.best_epoch == 1
    assert result.test == result.test_last
    torch.testing.assert_close(weights, dict(make_model(small).state_dict()), rtol=0, atol=1e-20)


def test_validation_and_test_links_are_not_seen(small: LinkSplit) -> None:
    """With the labels of both parts swapped, every loss is the same, and every score the other way round."""
    swapped = LinkSplit(*(part.clone() for part in small))
    for part in swapped[1:]:
        positives, negatives = part.pos_edge_label_index, part.neg_edge_label_index
        part.pos_edge_label_index, part.neg_edge_label_index = negatives, positives
    _, result = train(small, config=FitConfig(10))
    _, other = train(swapped, config=FitConfig(10))
    assert other.history["loss"] == result.history["loss"]
    assert other.history["val_auc"] == pytest.approx([1 - auc for auc in result.history["val_auc"]], abs=1e-12)
    assert result.test_last.auc > 0.8
    assert other.test_last.auc == pytest.approx(1 - result.test_last.auc, abs=1e-12)


def test_split_is_left_as_it_was(small: LinkSplit) -> None:
    before = [part.to_dict() for part in small]
    copies = copy.deepcopy(before)
    train(small, config=FitConfig(1))
    for part, expected in zip(small, copies, strict=True):
        assert all(torch.equal(part[key], value) for key, value in expected.items() if isinstance(value, Tensor))


def test_kl_term_is_the_mean_over_nodes_divided_by_their_number(small: LinkSplit) -> None:
    model = make_model(small, dropout=0.0)
    with torch.no_grad():
        expected = float(model.kl_loss(model.posterior(small.train.x, small.train.edge_index))) / 400
    losses = []
    for weight in (0.0, 1000.0):
        config = FitConfig(1, kl_weight=weight)
        _, result = train(small, make_model(small, dropout=0.0), config=config)
        losses += result.history["loss"]
    assert (losses[1] - losses[0]) / 1000 == pytest.approx(expected, rel=1e-5)


def test_fresh_negatives_each_epoch_as_many_as_links(small: LinkSplit) -> None:
    model = make_model(small)
    seen: list[Tensor] = []
    model.decoder.register_forward_hook(lambda module, inputs, _: seen.append(inputs[1]) if module.training else None)
    train(small, model, config=FitConfig(3))
    positives, negatives = seen[::2], seen[1::2]
    links = small.train.pos_edge_label_index
    assert all(torch.equal(pairs, links) for pairs in positives)
    assert [pairs.shape for pairs in negatives] == [links.shape] * 3
    assert not torch.equal(negatives[0], negatives[1])
    linked = {tuple(pair) for pair in small.train.edge_index.t().tolist()}
    assert not linked & {tuple(pair) for pairs in negatives for pair in pairs.t().tolist()}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_bad_loss_names_the_epoch(small: LinkSplit, value: float) -> None:
    model = make_model(small)
    calls = iter(range(100))
    # Calls 0 to 3 are two epochs; the next one trains in the third.
    model.decoder.register_forward_hook(lambda *_: _[2] + value if next(calls) >= 8 else None)
    with pytest.raises(FloatingPointError, match=r"the loss became (nan|inf) in epoch 3"):
        train(small, model)


def test_weights_that_blow_up_name_the_epoch(small: LinkSplit) -> None:
    with pytest.raises(FloatingPointError, match="the embeddings became NaN or infinite in epoch 1"):
        train(small, config=FitConfig(5, learning_rate=1e20))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be positive and finite, got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be positive and finite, got nan"),
        ({"learning_rate": float("inf")}, "learning_rate must be positive and finite, got inf"),
        ({"kl_weight": -1.0}, "kl_weight must be finite and at least 0, got -1.0"),
        ({"kl_weight": float("nan")}, "kl_weight must be finite and at least 0, got nan"),
        ({"mask_share": 1.0}, r"mask_share must be in \[0, 1\), got 1.0"),
        ({"mask_share": -0.1}, r"mask_share must be in \[0, 1\), got -0.1"),
        ({"negatives_per_link": 0}, "negatives_per_link must be at least 1, got 0"),
    ],
)
def test_settings_out_of_range_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FitConfig(**arguments)


def test_inputs_go_to_the_encoder(small: LinkSplit) -> None:
    class Scaled(nn.Module):
        def __init__(self, encoder: nn.Module) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, factor: float, x: Tensor, edge_index: Tensor) -> tuple[Tensor, ...]:
            return self.encoder(factor * x, edge_index)

    model = make_model(small)
    model.encoder = Scaled(model.encoder)
    scaled = train(small, model, inputs=(2.0, small.train.x, small.train.edge_index), config=FitConfig(3))
    doubled = LinkSplit(*(part.clone() for part in small))
    doubled.train.x = 2.0 * small.train.x
    assert scaled[1] == train(doubled, inputs=None, config=FitConfig(3))[1]


def as_pairs(links: Tensor) -> set[tuple[int, int]]:
    return {(min(pair), max(pair)) for pair in links.t().tolist()}


@pytest.mark.parametrize("sparse", [True, False])
def test_masked_training_predicts_what_the_encoder_does_not_see(
    small: LinkSplit, sparse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(small, "frontier", dropout=0.0)
    seen: list[set[tuple[int, int]]] = []
    predicted: list[tuple[Tensor, Tensor]] = []
    degrees: list[Tensor] = []

    def see(module: nn.Module, arguments: tuple[Any, Any], _: Any) -> None:
        graph = arguments[1]
        pairs = graph if isinstance(graph, Tensor) else graph.to_dense().nonzero().t()
        seen.append({pair for pair in as_pairs(pairs) if pair[0] != pair[1]})

    def predict(z: Tensor, positives: Tensor, negatives: Tensor, degree: Tensor) -> Tensor:
        predicted.append((positives, negatives))
        degrees.append(degree)
        return type(model).recon_loss(model, z, positives, negatives, degree=degree)

    model.encoder.register_forward_hook(see)
    monkeypatch.setattr(model, "recon_loss", predict)
    config = FitConfig(3, mask_share=0.2, negatives_per_link=3)
    train(small, model, config=config, inputs=model_inputs(small.train) if sparse else None)
    everything = as_pairs(small.train.edge_index)
    num_hidden = round(0.2 * len(everything))
    for visible, (positives, negatives), degree in zip(seen[:-2:2], predicted, degrees, strict=True):
        assert visible.isdisjoint(as_pairs(positives))
        assert visible | as_pairs(positives) == everything
        assert positives.size(1) == num_hidden
        assert negatives.size(1) == 3 * num_hidden
        assert as_pairs(negatives).isdisjoint(everything)
        assert degree.sum() == 2 * len(visible)
    assert as_pairs(predicted[0][0]) != as_pairs(predicted[1][0])
    # Validation and test see all training links.
    assert all(visible == everything for visible in (*seen[1::2], seen[-1]))


def test_masked_training_resumes_bit_for_bit(small: LinkSplit, tmp_path: Path) -> None:
    config = FitConfig(EPOCHS, mask_share=0.15, negatives_per_link=2)
    expected = train(small, make_model(small, "frontier"), config=config)
    model = make_model(small, "frontier")
    stop_at(model, 2 * 40)
    with pytest.raises(StopHereError):
        train(small, model, config=config, checkpoint=tmp_path / "run.ckpt")
    resumed = train(small, make_model(small, "frontier"), config=config, checkpoint=tmp_path / "run.ckpt")
    assert_identical(resumed, expected)


def test_sparse_inputs_train_as_the_default_ones(small: LinkSplit) -> None:
    """Without dropout, whose masks differ, only the order of sums does."""
    _, default = train(small, make_model(small, dropout=0.0), inputs=None, config=FitConfig(5))
    _, sparse = train(small, make_model(small, dropout=0.0), config=FitConfig(5))
    assert sparse.history["loss"] == pytest.approx(default.history["loss"], rel=1e-3)


def test_pyg_encoder_trains_with_the_default_inputs(digits: LinkSplit) -> None:
    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.direction, self.concentration = GCNConv(64, 8), GCNConv(64, 1)

        def forward(self, x: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
            return self.direction(x, edge_index), self.concentration(x, edge_index)

    torch.manual_seed(0)
    result = fit(SphericalGAE(Encoder()), digits, FitConfig(20), progress=False)
    assert result.test.auc > 0.95


def test_progress_is_shown_or_not(small: LinkSplit, capsys: pytest.CaptureFixture[str]) -> None:
    train(small, config=FitConfig(2))
    assert capsys.readouterr() == ("", "")
    train(small, config=FitConfig(2), progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "SphericalGAE" in err
    assert "2/2" in err


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_trains_resumes_and_leaves_the_generators(small: LinkSplit, tmp_path: Path) -> None:
    def run(stop: int | None = None) -> FitResult:
        model = make_model(small, dropout=0.5).cuda()
        if stop is not None:
            stop_at(model, stop)
        inputs = model_inputs(small.train, "cuda")
        return train(small, model, inputs=inputs, checkpoint=tmp_path / "run.ckpt")[1]

    before = torch.cuda.get_rng_state()
    with pytest.raises(StopHereError):
        run(stop=70)
    assert run().test.auc > 0.8
    assert torch.equal(torch.cuda.get_rng_state(), before)
