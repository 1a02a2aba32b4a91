import numpy as np
import pytest
from matplotlib.colors import to_rgb

from spherical_gae.plotting.palette import class_colors


@pytest.mark.parametrize("count", [0, 1, 10, 11, 100])
def test_the_first_ten_are_those_of_matplotlib(count: int) -> None:
    colors = class_colors(count)
    assert colors.shape == (count, 3)
    assert [tuple(color) for color in colors[:10]] == [to_rgb(f"C{number}") for number in range(min(count, 10))]


@pytest.mark.parametrize(("count", "least"), [(24, 0.25), (50, 0.18), (100, 0.09)])
def test_colours_differ_from_each_other_and_from_white(count: int, least: float) -> None:
    """As points in the cube of red, green and blue; the ten of matplotlib are 0.26 apart."""
    colors = np.vstack([class_colors(count), [[1, 1, 1]]])
    assert colors.min() >= 0
    assert colors.max() <= 1
    distance = np.linalg.norm(colors[:, None] - colors, axis=2)
    assert distance[~np.eye(count + 1, dtype=bool)].min() > least


def test_further_colours_are_neither_nearly_white_nor_nearly_black() -> None:
    """Their darkest part is well below white's, and their brightest part above black's."""
    further = class_colors(100)[10:]
    assert further.max(1).min() > 0.15
    assert further.min(1).max() < 0.85


def test_more_classes_do_not_change_the_colours_of_the_first() -> None:
    np.testing.assert_array_equal(class_colors(100)[:30], class_colors(30))


def test_after_a_hundred_they_come_again() -> None:
    colors = class_colors(250)
    np.testing.assert_array_equal(colors[100:200], colors[:100])
    np.testing.assert_array_equal(colors[200:], colors[:50])
