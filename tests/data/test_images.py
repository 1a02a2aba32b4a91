import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from spherical_gae.data import ImageSplit, binarize, load_images
from spherical_gae.data.names import ROOT_VARIABLE

# Images of each digit, and the mean intensity, of each part.
MNIST_FACTS = {
    "train": ([4_932, 5_678, 4_968, 5_101, 4_859, 4_506, 4_951, 5_175, 4_842, 4_988], 0.130961),
    "val": ([991, 1_064, 990, 1_030, 983, 915, 967, 1_090, 1_009, 961], 0.129156),
    "test": ([980, 1_135, 1_032, 1_010, 982, 892, 958, 1_028, 974, 1_009], 0.132515),
}
DIGITS_FACTS = {
    "train": ([120, 120, 119, 121, 121, 122, 119, 120, 116, 119], 0.305760),
    "val": ([29, 31, 29, 31, 30, 30, 31, 30, 29, 30], 0.303438),
    "test": ([29, 31, 29, 31, 30, 30, 31, 29, 29, 31], 0.305088),
}


def assert_facts(split: ImageSplit, facts: dict[str, tuple[list[int], float]], pixels: int) -> None:
    assert list(facts) == list(split._fields)
    for part, (counts, mean) in zip(split, facts.values(), strict=True):
        assert part.images.shape == (sum(counts), pixels)
        assert part.images.dtype == torch.float32
        assert part.labels.dtype == torch.int64
        assert part.labels.bincount().tolist() == counts
        assert part.images.aminmax() == (0.0, 1.0)
        assert float(part.images.mean(dtype=torch.float64)) == pytest.approx(mean, abs=5e-7)


@pytest.mark.real_data
def test_mnist_known_facts(real_data_root: Path) -> None:
    split = load_images("MNIST", real_data_root)
    assert_facts(split, MNIST_FACTS, 784)
    assert [len(part.labels) for part in split] == [50_000, 10_000, 10_000]
    # The first labels of the published files, and the last of the training files.
    assert split.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert split.val.labels[-1] == 8
    assert split.test.labels[:5].tolist() == [7, 2, 1, 0, 4]


@pytest.mark.real_data
def test_mnist_images_are_upright_and_whole_bytes(real_data_root: Path) -> None:
    split = load_images("mnist", real_data_root)
    levels = 255 * split.test.images
    assert (levels - levels.round()).abs().max() < 1e-4
    # A one is a vertical stroke: its ink spreads over more rows than columns.
    ones = split.train.images[split.train.labels == 1].view(-1, 28, 28)
    assert (ones.amax(2) > 0.5).sum(1).float().mean() > 1.5 * (ones.amax(1) > 0.5).sum(1).float().mean()


def test_digits_known_facts() -> None:
    split = load_images("Digits")
    assert_facts(split, DIGITS_FACTS, 64)
    assert [len(part.labels) for part in split] == [1_197, 300, 300]


def test_digits_are_divided_without_loss_or_overlap() -> None:
    pixels, digits = load_digits(return_X_y=True)
    expected = np.column_stack([pixels, digits])
    assert len(np.unique(expected, axis=0)) == 1_797  # so that equal rows are the same image
    rows = torch.cat([torch.column_stack([16 * part.images, part.labels]) for part in load_images("digits")])
    assert np.array_equal(np.unique(rows.numpy(), axis=0), np.unique(expected, axis=0))


def test_digits_are_split_as_documented() -> None:
    """The k-th of 300 even places among n, counted from 1, is the ceiling of k n / 300."""
    pixels, digits = load_digits(return_X_y=True)
    remaining = sorted(range(1_797), key=lambda image: (digits[image], image))
    split = load_images("digits")
    for part in (split.test, split.val):
        sample = [remaining[math.ceil(k * len(remaining) / 300) - 1] for k in range(1, 301)]
        assert torch.equal(16 * part.images, torch.from_numpy(pixels[sorted(sample)]).float())
        remaining = [image for image in remaining if image not in sample]
    assert torch.equal(16 * split.train.images, torch.from_numpy(pixels[sorted(remaining)]).float())


def test_digits_ignore_and_keep_the_global_random_state() -> None:
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = load_images("digits")
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    torch.manual_seed(2)
    for part, again in zip(first, load_images("digits"), strict=True):
        assert torch.equal(part.images, again.images)
        assert torch.equal(part.labels, again.labels)


def test_digits_need_no_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    assert len(load_images("digits").train.images) == 1_197


def test_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^name: given 'cora', allowed: mnist, digits$"):
        load_images("cora")


def test_pixels_are_one_with_probability_their_intensity() -> None:
    """The sum of squared z over 41 intensities is chi-square with 41 degrees of freedom."""
    intensities = torch.linspace(0.01, 0.99, 41, dtype=torch.float64)
    draws = 20_000
    drawn = binarize(intensities.expand(draws, 41), torch.Generator().manual_seed(0))
    z = (drawn.sum(0) - draws * intensities) / (draws * intensities * (1 - intensities)).sqrt()
    assert 15 < z.square().sum() < 80  # probability 2e-4 to be outside
    assert z.abs().max() < 4.5


def test_pixels_are_drawn_independently() -> None:
    drawn = binarize(torch.full((20_000, 8), 0.3), torch.Generator().manual_seed(0))
    correlations = torch.corrcoef(drawn.T) - torch.eye(8)
    assert correlations.abs().max() < 4.5 / math.sqrt(20_000)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_black_and_white_are_certain_and_the_dtype_is_kept(dtype: torch.dtype) -> None:
    images = torch.tensor([0.0, 1.0, 0.5], dtype=dtype).repeat(100_000, 1)
    before = images.clone()
    drawn = binarize(images, torch.Generator().manual_seed(0))
    assert drawn.dtype == dtype
    assert drawn.shape == images.shape
    assert torch.equal(images, before)
    assert not drawn[:, 0].any()
    assert drawn[:, 1].all()
    assert drawn.unique().tolist() == [0.0, 1.0]


def test_black_stays_black_when_the_uniform_draw_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "rand", lambda shape, **_: torch.zeros(shape))
    assert binarize(torch.tensor([0.0, 1e-9])).tolist() == [0.0, 1.0]


def test_generator_decides_alone() -> None:
    images = torch.full((64, 64), 0.5)
    state = torch.get_rng_state()
    generator = torch.Generator().manual_seed(3)
    first, second = binarize(images, generator), binarize(images, generator)
    assert torch.equal(first, binarize(images, torch.Generator().manual_seed(3)))
    assert not torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), state)


def test_global_generator_is_the_default() -> None:
    images = torch.full((64, 64), 0.5)
    torch.manual_seed(3)
    assert torch.equal(binarize(images), binarize(images, torch.Generator().manual_seed(3)))


def test_bytes_are_refused() -> None:
    with pytest.raises(TypeError, match=r"images: given torch\.uint8, allowed: floating point"):
        binarize(torch.zeros(2, 2, dtype=torch.uint8))
