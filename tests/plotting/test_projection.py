import numpy as np
import pytest

from spherical_gae.plotting import globe_projection


def directions(*shape: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=shape)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_the_own_sphere_is_drawn_as_it_is() -> None:
    x = directions(20, 3)
    projection = globe_projection(5 * x)
    np.testing.assert_allclose(projection.points, x, atol=1e-15)
    assert projection.share == 1
    assert "as they are" in projection.description


def test_the_circle_is_the_equator() -> None:
    x = directions(20, 2)
    projection = globe_projection(x)
    np.testing.assert_allclose(projection.points[:, :2], x, atol=1e-15)
    assert not projection.points[:, 2].any()
    assert "equator" in projection.description


def test_what_lies_in_three_dimensions_is_turned_only() -> None:
    """Angles stay, whatever the three dimensions."""
    x = directions(50, 3)
    axes, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(9, 3)))
    projection = globe_projection(x @ axes.T)
    np.testing.assert_allclose(projection.points @ projection.points.T, x @ x.T, atol=1e-12)
    assert projection.share == 1
    assert (projection.shown == 1).all()
    assert projection.description.endswith("which hold all of their length; nothing is lost.")


@pytest.mark.parametrize("seed", range(20))
def test_rounding_loses_nothing_and_gains_nothing(seed: int) -> None:
    """Of a part of these the mean comes out just above 1, of others just below it."""
    x = directions(40, 3, seed=seed) @ np.random.default_rng(100 + seed).normal(size=(3, 6))
    for rows in (x, x.astype(np.float32)):
        assert globe_projection(rows).share == 1


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (1e-8, "hold all of their length; nothing is lost."),
        (1e-4, "hold more than 99% of their squared length. Nodes drawn side by side may be far apart"),
        (0.1, "hold 90% of their squared length. Nodes drawn side by side may be far apart"),
    ],
)
def test_what_is_lost_is_said_and_not_rounded_away(lost: float, words: str) -> None:
    """Every row has the share ``lost`` in a fourth coordinate, half of them with either sign."""
    x = np.repeat(directions(500, 3), 2, axis=0) * np.sqrt(1 - lost)
    rows = np.hstack([x, np.tile([[np.sqrt(lost)], [-np.sqrt(lost)]], (500, 1))])
    projection = globe_projection(rows)
    assert words in projection.description
    assert projection.share == pytest.approx(1 - lost, abs=1e-6)


def test_one_lost_node_among_many_is_lost() -> None:
    x = np.vstack([np.tile(np.eye(4)[:3], (500_000, 1)), np.eye(4)[3:]])
    projection = globe_projection(x)
    assert 1 - 1e-6 < projection.share < 1
    assert "may be far apart" in projection.description


def test_share_is_that_of_the_three_largest_singular_values() -> None:
    x = directions(200, 7) + np.array([3, 0, 0, 0, 0, 0, 1])
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    squares = np.linalg.svd(x, compute_uv=False) ** 2
    projection = globe_projection(x)
    assert projection.share == pytest.approx(squares[:3].sum() / squares.sum())
    assert f"{projection.share:.0%}" in projection.description
    assert projection.shown.mean() == pytest.approx(projection.share)
    np.testing.assert_allclose(np.linalg.norm(projection.points, axis=1), 1)


def test_a_row_at_right_angles_to_all_three_has_a_place_and_shows_nothing() -> None:
    x = np.eye(4)[[0, 0, 0, 1, 1, 2, 2, 3]]
    projection = globe_projection(x)
    assert projection.shown[-1] == pytest.approx(0, abs=1e-12)
    assert np.linalg.norm(projection.points[-1]) == pytest.approx(1)


def test_the_same_points_again_for_rows_of_opposite_order() -> None:
    """The signs of the directions do not depend on the order."""
    x = directions(60, 5)
    np.testing.assert_allclose(globe_projection(x[::-1]).points[::-1], globe_projection(x).points, atol=1e-9)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones(3), r"shape \[N, m\].*got \[3\]"),
        (np.ones((3, 1)), r"m >= 2, got \[3, 1\]"),
        (np.ones((0, 3)), "N >= 1"),
        ([[1.0, np.nan]], "NaN"),
        ([[1.0, 0.0], [0.0, 0.0]], "zeros, got one in row 1"),
    ],
)
def test_refused(rows: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        globe_projection(rows)
