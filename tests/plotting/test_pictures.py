from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from spherical_gae.plotting.pictures import plot_images, plot_plane, plot_sphere, save_figure, to_longitude_latitude

PI = np.pi


@pytest.mark.parametrize(
    ("point", "longitude", "latitude"),
    [
        ((1, 0, 0), 0, 0),
        ((0, 1, 0), PI / 2, 0),
        ((0, -1, 0), -PI / 2, 0),
        ((-1, 0, 0), PI, 0),
        ((1, 1, 0), PI / 4, 0),
        ((0, 0, 1), 0, PI / 2),
        ((0, 0, -1), 0, -PI / 2),
        ((1, 0, 1), 0, PI / 4),
        ((-1, -1, -(2**0.5)), -3 * PI / 4, -PI / 4),
    ],
)
@pytest.mark.parametrize("scale", [1, 1e-9, 1e9])
def test_angles_of_known_points(point: tuple[float, ...], longitude: float, latitude: float, scale: float) -> None:
    (lon,), (lat,) = to_longitude_latitude([[scale * c for c in point]])
    assert (lon, lat) == pytest.approx((longitude, latitude), abs=1e-12)


def test_angles_lead_back_to_the_points() -> None:
    """Near the poles too, where the arcsine of z would have lost half the digits."""
    points = np.random.default_rng(0).normal(size=(1000, 3))
    points[:10, :2] *= 1e-9
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    lon, lat = to_longitude_latitude(points)
    back = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    np.testing.assert_allclose(back, points, atol=1e-15)


@pytest.mark.parametrize("shape", [(3,), (5, 2), (5, 4), (1, 5, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"points must have shape \[N, 3\], got"):
        plot_sphere(np.ones(shape))


def test_every_class_is_drawn_once_with_its_points() -> None:
    generator = np.random.default_rng(0)
    points, labels = generator.normal(size=(60, 3)), np.repeat([7, -1, 3], 20)
    ax = plot_sphere(points, labels)
    assert ax.name == "hammer"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["-1", "3", "7"]
    for collection, label in zip(ax.collections, (-1, 3, 7), strict=True):
        lon, lat = to_longitude_latitude(points[labels == label])
        np.testing.assert_array_equal(np.asarray(collection.get_offsets()), np.stack([lon, lat], axis=1))
    assert len({tuple(collection.get_facecolor()[0]) for collection in ax.collections}) == 3


def test_without_labels_one_colour_and_no_legend() -> None:
    ax = plot_sphere(np.eye(3))
    assert [len(collection.get_offsets()) for collection in ax.collections] == [3]
    assert ax.get_legend() is None


def test_draws_into_axes_that_are_given() -> None:
    ax = Figure().add_subplot(projection="hammer")
    assert plot_sphere(np.eye(3), [0, 1, 1], ax) is ax
    assert len(ax.collections) == 2


def test_file_is_a_picture_with_the_title(tmp_path: Path) -> None:
    ax = plot_sphere(np.eye(3), [0, 1, 2])
    save_figure(ax, tmp_path / "plain.png")
    assert ax.get_title() == ""
    save_figure(ax, tmp_path / "folder" / "titled.png", "S²")
    assert ax.get_title() == "S²"
    plain, titled = (path.read_bytes() for path in (tmp_path / "plain.png", tmp_path / "folder" / "titled.png"))
    for picture in (plain, titled):
        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        assert int.from_bytes(picture[16:20], "big") == 1280  # 8 inches at 160 dots
    assert plain != titled


def test_keeps_no_figure_alive() -> None:
    """pyplot would keep every figure until it is closed."""
    plot_sphere(np.eye(3))
    assert pyplot.get_fignums() == []


def test_plane_shows_each_class_where_its_points_are() -> None:
    points = np.random.default_rng(0).normal(size=(30, 2))
    labels = np.arange(30) % 3
    ax = plot_plane(points, labels)
    assert ax.get_aspect() == 1
    for value, collection in enumerate(ax.collections):
        np.testing.assert_allclose(np.asarray(collection.get_offsets()), points[labels == value])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0", "1", "2"]
    unlabelled = plot_plane(points)
    np.testing.assert_allclose(np.asarray(unlabelled.collections[0].get_offsets()), points)


def test_plane_wants_two_coordinates() -> None:
    with pytest.raises(ValueError, match=r"points must have shape \[N, 2\], got \(3, 3\)"):
        plot_plane(np.zeros((3, 3)))


def test_images_are_laid_out_row_by_row() -> None:
    """Five of 2 x 2 pixels in rows of three: a grey line between any two, black where there is none."""
    images = np.arange(1, 21).reshape(5, 2, 2) / 20
    line = 0.5
    expected = [
        [0.05, 0.10, line, 0.25, 0.30, line, 0.45, 0.50],
        [0.15, 0.20, line, 0.35, 0.40, line, 0.55, 0.60],
        [line] * 8,
        [0.65, 0.70, line, 0.85, 0.90, line, 0, 0],
        [0.75, 0.80, line, 0.95, 1.00, line, 0, 0],
    ]
    for array in (images, images.reshape(5, 4), images.tolist()):
        (picture,) = plot_images(array, 3).images
        np.testing.assert_array_equal(np.asarray(picture.get_array()), expected)


@pytest.mark.parametrize(("count", "columns", "shape"), [(1, 1, (3, 3)), (3, 1, (11, 3)), (3, 5, (3, 19))])
def test_sheet_has_a_line_between_images_and_none_around(count: int, columns: int, shape: tuple[int, int]) -> None:
    (picture,) = plot_images(np.ones((count, 9)), columns).images
    sheet = np.asarray(picture.get_array())
    assert sheet.shape == shape
    assert (sheet == 1).sum() == 9 * count
    assert (sheet == 0.5).sum() == 3 * ((columns if columns > 1 else count) - 1)


def test_intensities_are_drawn_as_they_are() -> None:
    """0 is black and 1 white whatever the images hold, the first row is on top, and pixels are not blurred."""
    ax = plot_images(np.full((2, 4), 0.25), 2)
    (picture,) = ax.images
    assert picture.get_clim() == (0, 1)
    assert picture.cmap(picture.norm(np.array([0.0, 1.0]))).tolist() == [[0, 0, 0, 1], [1, 1, 1, 1]]
    assert picture.origin == "upper"
    assert picture.get_interpolation() == "nearest"
    assert not ax.axison


def test_images_are_drawn_into_axes_that_are_given() -> None:
    ax = Figure().add_subplot()
    assert plot_images(np.zeros((1, 4)), 1, ax) is ax
    assert len(ax.images) == 1


@pytest.mark.parametrize("shape", [(4,), (3, 5), (3, 2, 8), (3, 2, 2, 4), (3, 1, 4, 4), (0, 4), (3, 0), ()])
def test_images_that_are_not_square_are_refused(shape: tuple[int, ...]) -> None:
    """Eight pixels in each of two rows are not four in each of four."""
    with pytest.raises(ValueError, match=r"images must have shape \[N, side \* side\] or \[N, side, side\]"):
        plot_images(np.zeros(shape), 2)


@pytest.mark.parametrize("columns", [0, -1])
def test_rows_of_no_images_are_refused(columns: int) -> None:
    with pytest.raises(ValueError, match=f"columns must be at least 1, got {columns}"):
        plot_images(np.zeros((2, 4)), columns)


def test_classes_are_named_in_the_legend() -> None:
    ax = plot_sphere(np.eye(3), [4, 7, 4], names=["cats", "dogs"])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["cats", "dogs"]
    ax = plot_plane(np.eye(2), [4, 7], names=["cats", "dogs"])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["cats", "dogs"]
    ax = plot_sphere(np.eye(3), [4, 7, 4])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["4", "7"]


def legend_texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def directions(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 3))


@pytest.mark.parametrize("plot", [plot_sphere, plot_plane])
def test_names_and_titles_are_text_and_no_formulas(plot: Any, tmp_path: Path) -> None:
    """matplotlib cannot read the first two as formulas, and would draw the third in italics without its dollars."""
    names = ["$5-$10", "$a_$", "$5 to $10", r"\$5"]
    ax = plot(directions(4)[:, : 3 if plot is plot_sphere else 2], [0, 1, 2, 3], names=names)
    save_figure(ax, tmp_path / "picture.png", "$a_$")
    assert legend_texts(ax) == names
    assert ax.get_title() == "$a_$"
    texts = [*ax.get_legend().get_texts(), ax.get_legend().get_title(), ax.title]
    assert [text.get_parse_math() for text in texts] == [False] * 6


def test_names_that_begin_with_an_underscore_are_in_the_legend() -> None:
    names = ["_other", "b", "_", "__c", ""]
    ax = plot_sphere(directions(5), range(5), names=names)
    assert legend_texts(ax) == names
    colors = [tuple(collection.get_facecolor()[0]) for collection in ax.collections]
    assert [tuple(handle.get_facecolor()[0]) for handle in ax.get_legend().legend_handles] == colors


def test_legend_keeps_what_is_in_the_axes_already() -> None:
    ax = Figure().add_subplot()
    ax.plot([0, 1], [0, 1], label="a line")
    assert legend_texts(plot_plane(np.eye(2), [3, 4], ax)) == ["a line", "3", "4"]


@pytest.mark.parametrize(("count", "more"), [(20, []), (21, ["and 1 more"]), (120, ["and 100 more"])])
def test_of_many_classes_the_largest_are_named_and_all_are_drawn(count: int, more: list[str]) -> None:
    """The first five have one point each, the last five three, all others two."""
    sizes = np.full(count, 2)
    sizes[:5], sizes[-5:] = 1, 3
    labels = np.repeat(np.arange(count), sizes)
    ax = plot_sphere(directions(len(labels)), labels, names=[f"class {value}" for value in range(count)])
    largest = {20: range(20), 21: [*range(4), *range(5, 21)], 120: [*range(5, 20), *range(115, 120)]}[count]
    assert legend_texts(ax) == [f"class {value}" for value in largest] + more
    assert [len(collection.get_offsets()) for collection in ax.collections] == sizes.tolist()
    for value, handle in zip(largest, ax.get_legend().legend_handles, strict=False):
        assert handle.get_facecolor().tolist() == ax.collections[value].get_facecolor().tolist()


@pytest.mark.parametrize("plot", [plot_sphere, plot_plane])
@pytest.mark.parametrize("count", [24, 100])
def test_legend_is_in_the_picture_and_leaves_room_for_the_points(plot: Any, count: int, tmp_path: Path) -> None:
    ax = plot(directions(count)[:, : 3 if plot is plot_sphere else 2], np.arange(count))
    save_figure(ax, tmp_path / "picture.png", "a title")
    width, height = 160 * ax.figure.get_size_inches()
    axes = ax.get_position()
    for text in (ax.get_legend().get_title(), *ax.get_legend().get_texts()):
        # At the resolution of the file, for which they were placed.
        extent = text.get_window_extent(dpi=160)
        assert axes.x1 * width < extent.x0 < extent.x1 <= width
        assert 0 <= extent.y0 < extent.y1 <= height
    assert axes.width > 0.5


def test_each_of_a_hundred_classes_has_a_colour_of_its_own() -> None:
    ax = plot_sphere(directions(100), range(100))
    colors = [tuple(collection.get_facecolor()[0, :3]) for collection in ax.collections]
    assert len(set(colors)) == 100
    assert colors[:10] == [to_rgb(f"C{number}") for number in range(10)]


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 2, 3], [[0], [1], [2]], 0])
def test_there_must_be_one_label_for_each_point(labels: Any) -> None:
    ax = Figure().add_subplot()
    with pytest.raises(ValueError, match=r"labels must be one for each of the 3 points, got shape \("):
        plot_plane(np.eye(3)[:, :2], labels, ax)
    assert not ax.collections


@pytest.mark.parametrize("names", [[], ["a"], ["a", "b", "c"], ["a"] * 8])
def test_there_must_be_one_name_for_each_class(names: Sequence[str]) -> None:
    message = f"names must be one for each of the 2 classes in labels, got {len(names)}"
    with pytest.raises(ValueError, match=message):
        plot_sphere(np.eye(3), [4, 7, 4], names=names)
