import copy
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Data, HeteroData
from torch_geometric.nn import GCNConv
from torch_geometric.utils import to_undirected

from spherical_gae import GAEConfig, GCNEncoder, SphericalGAE, SphericalVAE, fit_gae, load_graph, split_links
from spherical_gae.data import LinkSplit
from spherical_gae.experiments.links import model_inputs
from spherical_gae.training import GAEResult
from spherical_gae.training.links.full_batch import FullBatchRun
from spherical_gae.training.links.loop import make_run
from spherical_gae.training.links.row_batch import RowBatchRun
from tests.helpers.link_runs import EPOCHS, StopHereError, assert_identical, make_model, small_split, stop_at, train


@pytest.fixture(scope="module")
def digits() -> LinkSplit:
    return split_links(load_graph("digits"))


@pytest.fixture(scope="module")
def small() -> LinkSplit:
    return small_split()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "method", "bound"),
    [("paper", "s-vgae", 0.93), ("frontier", "s-vgae", 0.92), ("frontier", "n-vgae", 0.86)],
)
def test_learns_the_links_of_digits(digits: LinkSplit, preset: str, method: str, bound: float) -> None:
    """Test AUC .948, .932 and .877; chance is .5."""
    model = make_model(digits, preset, method)
    _, result = train(digits, model, config=GAEConfig(epochs=20))
    loss = result.history["loss"]
    assert sum(loss[-3:]) / 3 < sum(loss[:3]) / 3 - 0.2
    assert result.test.auc > bound
    assert result.val.auc > bound


def test_same_seed_same_bits_whatever_the_global_generator(small: LinkSplit) -> None:
    first = train(small, seed=3, config=GAEConfig(10))
    torch.manual_seed(99)
    assert_identical(train(small, seed=3, config=GAEConfig(10)), first)
    assert train(small, seed=4, config=GAEConfig(10))[1].history != first[1].history


@pytest.mark.parametrize("fails", [False, True])
def test_generators_are_left_as_they_were(small: LinkSplit, fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the accelerators too, which torch.manual_seed would reseed."""
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("reseeded the GPUs"))
    model = make_model(small)
    if fails:
        stop_at(model, 3)
    before = torch.get_rng_state()
    try:
        train(small, model, config=GAEConfig(3))
    except StopHereError:
        assert fails
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.slow
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


@pytest.mark.slow
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


def with_zeros(part: Data) -> Data:
    """A graph whose features say nothing."""
    part = copy.copy(part)
    part.x = torch.zeros_like(part.x)
    return part


def test_checkpoint_of_before_layers_were_recorded_is_continued(small: LinkSplit, tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    stopped = make_model(small)
    stop_at(stopped, 2 * 26 + 1)
    with pytest.raises(StopHereError):
        train(small, stopped, checkpoint=path, config=GAEConfig(30))
    state = torch.load(path, weights_only=True)
    assert {"layers", "features_crc32"} <= state["identity"].keys()
    for name in ("layers", "features_crc32"):
        del state["identity"][name]
    torch.save(state, path)
    assert_identical(train(small, checkpoint=path, config=GAEConfig(30)), train(small, config=GAEConfig(30)))


def test_checkpoint_of_another_run_is_refused(small: LinkSplit, tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    train(small, checkpoint=path, config=GAEConfig(2))
    before = path.read_bytes()
    wrong: list[dict[str, Any]] = [
        {"config": GAEConfig(3)},
        {"config": GAEConfig(2, learning_rate=0.02)},
        {"config": GAEConfig(2, kl_weight=0.0)},
        {"config": GAEConfig(2), "seed": 1},
        {"config": GAEConfig(2), "split": small_split(seed=1)},
        {"config": GAEConfig(2), "model": make_model(small, method="n-vgae")},
        {"config": GAEConfig(2), "model": make_model(small, dropout=0.9)},
        {"config": GAEConfig(2), "model": make_model(small, latent="ps")},
        {"config": GAEConfig(2), "split": LinkSplit(*(with_zeros(part) for part in small))},
    ]
    for arguments in wrong:
        split = arguments.pop("split", small)
        with pytest.raises(ValueError, match=r"checkpoint .*run\.ckpt was made by another run: "):
            train(split, checkpoint=path, **arguments)
    assert path.read_bytes() == before


def test_pyg_encoder_trains_with_the_default_inputs(digits: LinkSplit) -> None:
    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.direction, self.concentration = GCNConv(32, 8), GCNConv(32, 1)

        def forward(self, x: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
            return self.direction(x, edge_index), self.concentration(x, edge_index)

    torch.manual_seed(0)
    result = fit_gae(SphericalGAE(Encoder()), digits, GAEConfig(20), progress=False)
    assert result.test.auc > 0.91


def test_progress_is_shown_or_not(small: LinkSplit, capsys: pytest.CaptureFixture[str]) -> None:
    train(small, config=GAEConfig(2))
    assert capsys.readouterr() == ("", "")
    train(small, config=GAEConfig(2), progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "SphericalGAE" in err
    assert "2/2" in err


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_trains_resumes_and_leaves_the_generators(small: LinkSplit, tmp_path: Path) -> None:
    def run(stop: int | None = None) -> GAEResult:
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


@pytest.mark.parametrize(
    ("preset", "batch_size", "kind"),
    [("scalable", 0, FullBatchRun), ("paper", None, FullBatchRun), ("scalable", 64, RowBatchRun)],
)
def test_settings_and_encoder_choose_the_run(small: LinkSplit, preset: str, batch_size: int | None, kind: type) -> None:
    run = make_run(make_model(small, preset), small, GAEConfig(batch_size=batch_size), None, 0, torch.device("cpu"))
    assert type(run) is kind


@pytest.mark.slow
def test_full_batch_and_mini_batches_reach_the_same(digits: LinkSplit) -> None:
    """Test AUC within .01 (measured: .9319 and .9256)."""
    scores = []
    for batch_size, epochs in ((0, 60), (256, 10)):
        config = GAEConfig(epochs, batch_size=batch_size)
        scores.append(train(digits, make_model(digits, "scalable"), config=config)[1].test.auc)
    assert scores[0] == pytest.approx(scores[1], abs=0.01)
    assert min(scores) > 0.92


def test_other_splits_are_refused_by_name() -> None:
    """Graphs, and graphs of several kinds of nodes."""
    data = Data(x=torch.rand(20, 3), edge_index=to_undirected(torch.randint(20, (2, 40))))
    model = SphericalGAE(GCNEncoder(3, 4, (3, 1)))
    for wrong in (data, [data, data], None, {"train": data}):
        with pytest.raises(TypeError, match=r"^split must be a LinkSplit, got .*: make one by split_links\(data\)"):
            fit_gae(model, wrong)
    train, val, test = split_links(data, 0.1, 0.1)
    with pytest.raises(TypeError, match=r"^split.test must be a torch_geometric Data, .* got HeteroData"):
        fit_gae(model, LinkSplit(train, val, HeteroData()))
    assert fit_gae(model, LinkSplit(train, val, test), GAEConfig(epochs=1), progress=False).best_epoch == 1


def test_encoder_of_one_output_is_refused() -> None:
    data = Data(x=torch.rand(20, 3), edge_index=to_undirected(torch.randint(20, (2, 40))))
    model = SphericalGAE(GCNConv(3, 4))
    with pytest.raises(ValueError, match=r"^the encoder must return a tuple .* got one tensor of shape \(20, 4\)"):
        fit_gae(model, split_links(data, 0.1, 0.1), progress=False)
    with pytest.raises(ValueError, match=r"^the encoder must return a tuple of tensors, .* got dict"):
        SphericalVAE(2, 8, encoder=Named()).encode(torch.rand(3, 8))


class Named(nn.Module):
    """Returns tensors by name."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"direction": x, "concentration": x}
