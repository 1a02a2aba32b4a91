from pathlib import Path

import pytest

from spherical_gae import data
from spherical_gae.data import ImageSet, ImageSplit, load_images
from spherical_gae.experiments.images import ImageExperiment


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs in an empty folder."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")


@pytest.fixture(scope="module")
def few() -> ImageSplit:
    whole = load_images("digits")
    sizes = (150, 40, 50)
    return ImageSplit(*(ImageSet(*(t[:n] for t in part)) for part, n in zip(whole, sizes, strict=True)))


@pytest.fixture
def small(few: ImageSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes ``digits`` the first few of them: an epoch takes milliseconds."""
    monkeypatch.setattr(data, "load_images", lambda name: few)


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageExperiment, "run", lambda *_: pytest.fail("started the run"))
