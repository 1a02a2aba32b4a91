"""Pictures of latent spheres."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from spherical_gae.plotting.palette import class_colors
from spherical_gae.training.checkpoint import write_atomically

# The legend has so many names at most, and so many lines in a column, which fit beside the axes.
_MOST_NAMES, _LINES = 20, 11
# Dots for each inch of a file.
_DPI = 160


def to_longitude_latitude(points: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Angles of points on S^2, as matplotlib's ``hammer`` projection takes them.

    Args:
        points: Vectors of non-zero length, shape [N, 3]; only their directions count.

    Returns:
        Longitude in [-pi, pi] and latitude in [-pi/2, pi/2], radians, shape [N] each.

    Raises:
        ValueError: If the shape is not [N, 3].

    Example:
        >>> longitude, latitude = to_longitude_latitude([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        >>> np.degrees(longitude[0]), np.degrees(latitude[1])
        (np.float64(90.0), np.float64(90.0))
    """
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(f"points must have shape [N, 3], got {array.shape}")
    x, y, z = array.T
    return np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))


def plot_sphere(
    points: ArrayLike, labels: ArrayLike | None = None, ax: Axes | None = None, names: Sequence[str] | None = None
) -> Axes:
    """Draws points of S^2 in a Hammer projection, as in Davidson et al. (2018, fig. 2 and 3).

    Each class has a colour, up to 100 of them.  Of more than 20 classes the legend names the 20 with the most points,
    and says how many more there are.

    Args:
        points: Vectors of non-zero length, shape [N, 3].
        labels: Integer class of each point, shape [N]; one colour if None.
        ax: Axes with ``projection="hammer"``; new ones if None.
        names: Names of the classes for the legend, one for each number that ``labels`` has, in the order of the
            numbers; these if None.  They are shown as they are: no formula is read in them.

    Returns:
        The axes.

    Raises:
        ValueError: If the shape is not [N, 3], or there is not one label for each point and one name for each class.

    Example:
        >>> ax = plot_sphere(np.eye(3), labels=[0, 1, 1])
        >>> ax.name
        'hammer'
    """
    longitude, latitude = to_longitude_latitude(points)
    if ax is None:
        ax = Figure(figsize=(8, 4.4), layout="constrained").add_subplot(projection="hammer")
    _scatter(ax, longitude, latitude, labels, names)
    ax.set_xticklabels([])
    ax.set_yticklabels([])
    return ax


def plot_plane(
    points: ArrayLike, labels: ArrayLike | None = None, ax: Axes | None = None, names: Sequence[str] | None = None
) -> Axes:
    """Draws points of R^2, as in Davidson et al. (2018, fig. 2 and 3), classes as ``plot_sphere``.

    Args:
        points: Shape [N, 2].
        labels: Integer class of each point, shape [N]; one colour if None.
        ax: Axes; new ones if None.
        names: As for ``plot_sphere``.

    Returns:
        The axes, of equal scale.

    Raises:
        ValueError: If the shape is not [N, 2], or there is not one label for each point and one name for each class.

    Example:
        >>> ax = plot_plane([[0.0, 1.0], [1.0, 0.0]], labels=[0, 1], names=["cat", "dog"])
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['cat', 'dog']
    """
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"points must have shape [N, 2], got {array.shape}")
    if ax is None:
        ax = Figure(figsize=(6, 4.4), layout="constrained").add_subplot()
    _scatter(ax, array[:, 0], array[:, 1], labels, names)
    ax.set_aspect("equal")
    return ax


def plot_images(images: ArrayLike, columns: int, ax: Axes | None = None) -> Axes:
    """Draws square grey images side by side, row by row.

    Args:
        images: Intensities in [0, 1], black to white, shape [N, side * side] or [N, side, side].
        columns: Images in a row, at least 1.
        ax: Axes; new ones if None.

    Returns:
        The axes.

    Raises:
        ValueError: If the images are not square, there are none, or ``columns`` is below 1.

    Example:
        >>> ax = plot_images(np.zeros((4, 64)), columns=2)
        >>> len(ax.images)
        1
    """
    array = np.asarray(images, dtype=np.float64)
    side = round(float(np.sqrt(np.prod(array.shape[1:]))))
    if array.size == 0 or array.shape[1:] not in ((side * side,), (side, side)):
        raise ValueError(f"images must have shape [N, side * side] or [N, side, side] with N >= 1, got {array.shape}")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    rows = -(-array.shape[0] // columns)
    # A grey line between the images, where black ones would run together.
    tiles = np.full((rows * columns, side + 1, side + 1), 0.5)
    tiles[:, :-1, :-1] = 0
    tiles[: array.shape[0], :-1, :-1] = array.reshape(-1, side, side)
    sheet = tiles.reshape(rows, columns, side + 1, side + 1).swapaxes(1, 2).reshape(rows * (side + 1), -1)[:-1, :-1]
    if ax is None:
        ax = Figure(figsize=(0.5 * columns, 0.5 * rows + 0.3), layout="constrained").add_subplot()
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    return ax


def _scatter(
    ax: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    labels: ArrayLike | None,
    names: Sequence[str] | None = None,
) -> None:
    # Few points are drawn larger.
    size = float(np.clip(2000 / max(len(x), 1), 5, 30))
    if labels is None:
        ax.scatter(x, y, s=size, linewidths=0)
    else:
        classes = np.asarray(labels)
        if classes.shape != x.shape:
            raise ValueError(f"labels must be one for each of the {len(x)} points, got shape {classes.shape}")
        values, place, counts = np.unique(classes, return_inverse=True, return_counts=True)
        if names is not None and len(names) != len(values):
            raise ValueError(f"names must be one for each of the {len(values)} classes in labels, got {len(names)}")
        shown_names = [str(name) for name in (values if names is None else names)]
        # What the caller has drawn into the axes stays in the legend.
        handles, texts = ax.get_legend_handles_labels()
        drawn = [
            ax.scatter(x[place == number], y[place == number], s=size, linewidths=0, color=color, label=name)
            for number, (color, name) in enumerate(zip(class_colors(len(values)), shown_names, strict=True))
        ]
        largest = np.sort(np.argsort(-counts, kind="stable")[:_MOST_NAMES])
        handles += [drawn[number] for number in largest]
        texts += [shown_names[number] for number in largest]
        if len(values) > _MOST_NAMES:
            handles.append(Line2D([], [], linestyle="none"))
            texts.append(f"and {len(values) - _MOST_NAMES:,} more")
        _add_legend(ax, handles, texts, markerscale=(36 / size) ** 0.5)
    ax.grid(True, linewidth=0.4, alpha=0.6)


def _add_legend(ax: Axes, handles: Sequence[Artist], texts: Sequence[str], markerscale: float) -> None:
    """Shows the texts as they are given: matplotlib would drop those with "_" first, and read formulas between "$"."""
    legend = ax.legend(
        handles,
        [""] * len(handles),
        title="class",
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        ncols=max(1, -(-len(handles) // _LINES)),
        markerscale=markerscale,
        frameon=False,
    )
    legend.get_title().set_parse_math(False)
    for shown, text in zip(legend.get_texts(), texts, strict=True):
        shown.set_text(text)
        shown.set_parse_math(False)


def save_figure(ax: Axes, path: str | Path, title: str | None = None) -> None:
    """Writes the figure of ``ax`` as PNG, atomically.

    Args:
        ax: Axes of the figure.
        path: The file.
        title: Title above the axes, shown as it is: no formula is read in it; none if None.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "sphere.png"
        >>> save_figure(plot_sphere(np.eye(3)), path, "three axes")
        >>> path.read_bytes()[1:4]
        b'PNG'
    """
    if title is not None:
        # A title is text too, no formula, whatever name is in it.
        ax.set_title(title, fontsize=11, pad=12).set_parse_math(False)
    # The axes' figure may be a part of one; of its root, get_figure(root=True) asks from matplotlib 3.10 on only.
    figure = ax.figure.figure
    picture = _png(figure)
    names = [] if (legend := ax.get_legend()) is None else legend.get_texts()
    # The layout is made before axes of equal scale shrink, which moves their legend: another one then has its place.
    if any(name.get_window_extent(dpi=_DPI).x1 > figure.get_figwidth() * _DPI for name in names):
        picture = _png(figure)
    write_atomically(path, lambda file: file.write(picture))


def _png(figure: Figure) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=_DPI)
    return file.getvalue()
