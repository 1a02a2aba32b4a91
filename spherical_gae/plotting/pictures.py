"""Pictures of latent spheres."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from spherical_gae.training.checkpoint import write_atomically


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

    Args:
        points: Vectors of non-zero length, shape [N, 3].
        labels: Integer class of each point, shape [N]; one colour if None.
        ax: Axes with ``projection="hammer"``; new ones if None.
        names: Names of the classes for the legend, in the order of the numbers that ``labels`` has; these if None.

    Returns:
        The axes.

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
    """Draws points of R^2, as in Davidson et al. (2018, fig. 2 and 3).

    Args:
        points: Shape [N, 2].
        labels: Integer class of each point, shape [N]; one colour if None.
        ax: Axes; new ones if None.
        names: As for ``plot_sphere``.

    Returns:
        The axes, of equal scale.

    Raises:
        ValueError: If the shape is not [N, 2].

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
        for number, value in enumerate(np.unique(classes)):
            chosen = classes == value
            color = f"C{number % 10}"
            name = str(value) if names is None else names[number]
            ax.scatter(x[chosen], y[chosen], s=size, linewidths=0, color=color, label=name)
        larger = (36 / size) ** 0.5
        ax.legend(title="class", loc="center left", bbox_to_anchor=(1.01, 0.5), markerscale=larger, frameon=False)
    ax.grid(True, linewidth=0.4, alpha=0.6)


def save_figure(ax: Axes, path: str | Path, title: str | None = None) -> None:
    """Writes the figure of ``ax`` as PNG, atomically.

    Args:
        ax: Axes of the figure.
        path: The file.
        title: Title above the axes; none if None.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "sphere.png"
        >>> save_figure(plot_sphere(np.eye(3)), path, "three axes")
        >>> path.read_bytes()[1:4]
        b'PNG'
    """
    if title is not None:
        ax.set_title(title, fontsize=11, pad=12)
    # The axes' figure may be a part of one; of its root, get_figure(root=True) asks from matplotlib 3.10 on only.
    figure = ax.figure.figure
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=160))
