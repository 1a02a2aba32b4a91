from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from benchmarks.images import mnist_likelihood
from benchmarks.images.mnist_likelihood import refined
from benchmarks.images.mnist_unsupervised import Cell
from spherical_gae.data import ImageSet, ImageSplit, load_images
from spherical_gae.models import SphericalVAE, refined_posterior, widened
from spherical_gae.training.checkpoint import save_json


@pytest.mark.slow
def test_estimates_are_those_of_the_first_test_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # All black or white: binarisation leaves nothing to chance.
    images = ImageSplit(*(ImageSet(part.images.round(), part.labels) for part in load_images("digits")))
    monkeypatch.setattr(mnist_likelihood, "load_images", lambda name: images)
    monkeypatch.setattr(mnist_likelihood, "NUM_IMAGES", 5)
    columns = [("posterior", 2, False), ("widened", 30, False), ("refined", 2, True)]
    monkeypatch.setattr(mnist_likelihood, "COLUMNS", columns)
    cell = Cell("s-vae", 2, 1)
    cell.folder(tmp_path).mkdir(parents=True)
    torch.manual_seed(8)
    model = cell.experiment.make_model(64)
    save_file(model.state_dict(), cell.folder(tmp_path) / "model.safetensors")
    result = mnist_likelihood.run_cell(cell, tmp_path)
    test = images.test.images
    proposals = [lambda x: model.posterior(x), lambda x: widened(model.posterior(x)), partial(refined, model)]
    for name, proposal, number, x in zip(
        ("posterior, 2", "widened, 30", "refined, 2, all"),
        proposals,
        (2, 30, 2),
        (test[:5], test[:5], test),
        strict=True,
    ):
        torch.manual_seed(1)
        expected = model.log_likelihood(x, number, proposal=proposal)
        assert result[name] == pytest.approx(float(expected.double().mean()))


def test_estimates_that_are_there_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist_likelihood, "load_images", lambda name: pytest.fail("computed"))
    cell = Cell("n-vae", 2, 1, "averaged")
    save_json(cell.folder(tmp_path) / "likelihood.json", {"refined, 500": -1.0})
    assert mnist_likelihood.run_cell(cell, tmp_path) == {**cell._asdict(), "refined, 500": -1.0}


@pytest.mark.slow
def test_proposals_are_the_named_ones() -> None:
    torch.manual_seed(8)
    model = SphericalVAE(dim=2, in_features=64, hidden_features=(8,)).eval()
    x = torch.rand(3, 64).round()
    kappa = model.posterior(x).concentration
    laws = {name: make(model, x) for name, make in mnist_likelihood.PROPOSALS.items()}
    torch.testing.assert_close(laws["posterior"].concentration, kappa)
    torch.testing.assert_close(laws["widened"].concentration, kappa / 2)
    torch.manual_seed(1)
    refined_law = refined(model, x)
    torch.manual_seed(1)
    torch.testing.assert_close(refined_law.concentration, refined_posterior(model, x).concentration / 1.5)


def test_table_shows_the_estimates_that_were_made() -> None:
    cells = [
        {"model": "s-vae", "dim": 20, "seed": 0, "posterior, 500": -90.0, "widened, 5000": -89.5},
        {"model": "n-vae", "dim": 40, "seed": 1, "posterior, 500": -88.125, "refined, 500, all": -87.0},
    ]
    assert list(mnist_likelihood.table(cells)) == [
        "| d | model | seed | posterior, 500 | widened, 5000 | refined, 500, all |",
        "|---|---|---|---|---|---|",
        "| 20 | S-VAE | 0 | -90.00 | -89.50 |  |",
        "| 40 | N-VAE | 1 | -88.12 |  | -87.00 |",
    ]
