import numpy as np
import pytest
import torch
from scipy.stats import chi2

from spherical_gae.data import ImageSet, draw_labelled

# Classes that are not 0, 1, 2, of different sizes, and mixed.
LABELS = torch.tensor([5, 2, 9, 9, 2, 5, 9, 2, 9, 5, 9, 5, 9, 2, 9, 2, 9, 5, 2, 9, 5, 9])
SIZES = {2: 6, 5: 6, 9: 10}


@pytest.fixture
def images() -> ImageSet:
    """Every image is its own number, twice."""
    number = torch.arange(len(LABELS), dtype=torch.float32)
    return ImageSet(number.unsqueeze(1).expand(-1, 2).contiguous(), LABELS)


def drawn(images: ImageSet, num_labels: int, seed: int = 0) -> list[int]:
    return [int(row[0]) for row in draw_labelled(images, num_labels, seed).images]


def test_classes_are_as_they_are_counted_here() -> None:
    assert {int(value): int((value == LABELS).sum()) for value in LABELS.unique()} == SIZES


@pytest.mark.parametrize("each", [1, 2, 6])
def test_draws_equally_many_of_each_class_without_repetition(images: ImageSet, each: int) -> None:
    few = draw_labelled(images, 3 * each, seed=4)
    assert few.labels.tolist() == [2] * each + [5] * each + [9] * each
    numbers = few.images[:, 0].long()
    assert len(set(numbers.tolist())) == 3 * each
    assert torch.equal(few.labels, LABELS[numbers])
    assert torch.equal(few.images, images.images[numbers])
    assert few.images.dtype == torch.float32


def test_draw_is_a_function_of_the_seed(images: ImageSet) -> None:
    torch.manual_seed(1)
    first = [drawn(images, 9, seed) for seed in range(20)]
    torch.manual_seed(2)
    assert [drawn(images, 9, seed) for seed in range(20)] == first
    assert len({tuple(sorted(numbers)) for numbers in first}) > 15
    assert drawn(images, 9) == first[0]


def test_classes_are_drawn_independently(images: ImageSet) -> None:
    """Two classes of one size: were the same places taken in both, the draws would agree in all 200."""
    places = {value: (value == LABELS).nonzero().flatten().tolist() for value in SIZES}
    agree = 0
    for seed in range(200):
        two, five, _ = drawn(images, 3, seed)
        agree += places[2].index(two) == places[5].index(five)
    # A sixth of 200 is 33, with a standard deviation of 5.3.
    assert 12 < agree < 55


def test_global_generators_are_left_alone(images: ImageSet) -> None:
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    draw_labelled(images, 6)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002


@pytest.mark.parametrize("each", [1, 3])
def test_every_member_of_a_class_is_equally_likely(images: ImageSet, each: int) -> None:
    """How often each is drawn, against the law of draws without replacement."""
    num_draws = 1500
    counts = np.zeros(len(LABELS))
    for seed in range(num_draws):
        counts[drawn(images, 3 * each, seed)] += 1
    for value, size in SIZES.items():
        share = each / size
        members = counts[LABELS.numpy() == value]
        assert members.sum() == num_draws * each
        # Counts of one class sum to a constant: their covariance is that of size - 1 independent directions.
        statistic = ((members - num_draws * share) ** 2).sum() / (num_draws * share * (1 - share)) * (size - 1) / size
        assert 1e-4 < chi2.sf(statistic, size - 1) < 1 - 1e-4


@pytest.mark.parametrize("num_labels", [0, 1, 4, -3, 20])
def test_other_than_multiples_of_the_classes_are_refused(images: ImageSet, num_labels: int) -> None:
    with pytest.raises(ValueError, match=f"num_labels must be a positive multiple of the 3 classes, got {num_labels}$"):
        draw_labelled(images, num_labels)


def test_more_than_a_class_has_is_refused(images: ImageSet) -> None:
    assert len(drawn(images, 18)) == 18
    with pytest.raises(ValueError, match="num_labels must be at most 18, 6 for each class, got 21"):
        draw_labelled(images, 21)


def test_no_images_are_refused() -> None:
    with pytest.raises(ValueError, match="images must hold at least one image, got none"):
        draw_labelled(ImageSet(torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64)), 10)
