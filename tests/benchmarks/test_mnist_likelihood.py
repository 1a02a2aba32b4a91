from pathlib import Path

import mnist_likelihood
import pytest
import torch
from mnist_unsupervised import Cell
from safetensors.torch import save_file

from spherical_gae.data import ImageSet, ImageSplit, load_images
from spherical_gae.models import widened


def test_estimates_are_those_of_the_first_test_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # All black or white: binarisation leaves nothing to chance.
    images = ImageSplit(*(ImageSet(part.images.round(), part.labels) for part in load_images("digits")))
    monkeypatch.setattr(mnist_likelihood, "load_images", lambda name: images)
    monkeypatch.setattr(mnist_likelihood, "NUM_IMAGES", 5)
    monkeypatch.setattr(mnist_likelihood, "NUM_SAMPLES", (2, 30))
    cell = Cell("s-vae", 2, 1)
    cell.folder(tmp_path).mkdir(parents=True)
    torch.manual_seed(8)
    model = cell.experiment.make_model(64)
    save_file(model.state_dict(), cell.folder(tmp_path) / "model.safetensors")
    result = mnist_likelihood.run_cell(cell, tmp_path)
    for name, proposal in (("posterior", None), ("widened", widened)):
        for number in (2, 30):
            torch.manual_seed(1)
            expected = model.log_likelihood(images.test.images[:5], number, proposal=proposal)
            assert result[f"{name}, {number}"] == pytest.approx(float(expected.double().mean()))


def test_table_shows_what_is_gained() -> None:
    cell = {"model": "s-vae", "dim": 20, "seed": 0, "posterior, 500": -90.0, "posterior, 5000": -89.5}
    (line,) = list(mnist_likelihood.table([{**cell, "widened, 500": -89.25, "widened, 5000": -89.0}]))[2:]
    assert line == "| 20 | S-VAE | 0 | -90.00 | -89.50 | -89.25 | -89.00 | 1.00 |"
