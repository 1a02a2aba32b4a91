"""Defaults, missing values, labels and categories among the attributes of nodes."""

from pathlib import Path

import pytest

from tests.helpers.graph_text import graph_of, of_values


@pytest.mark.parametrize(
    ("content", "x"),
    [
        (of_values("3 . . 7", default="5"), [[3], [5], [5], [7]]),
        (of_values("3 . . 7", kind="int", default="5"), [[3], [5], [5], [7]]),
        (of_values("false . . .", kind="boolean", default="true"), [[0], [1], [1], [1]]),
        (of_values("3 . 5 7"), [[3, 0], [5, 1], [5, 0], [7, 0]]),
        (of_values("3 NaN 5 7"), [[3, 0], [5, 1], [5, 0], [7, 0]]),
        (of_values("1 . . .", kind="int"), [[1, 0], [1, 1], [1, 1], [1, 1]]),
    ],
)
def test_defaults_and_missing_values(tmp_path: Path, content: str, x: list[list[float]]) -> None:
    """A missing value is the mean, and has a column that says so; a default is no missing value."""
    assert graph_of(tmp_path, content, "g.graphml").x.tolist() == x


def test_text_may_be_labels_or_categories(tmp_path: Path) -> None:
    content = of_values("red . blue red", "party", "string")
    data = graph_of(tmp_path, content, "g.graphml")
    assert "labels='party'" in data.report.attributes_left_out["'party'"]
    data = graph_of(tmp_path, content, "g.graphml", labels="party")
    assert (data.y.tolist(), data.label_names) == ([1, -1, 0, 1], ["blue", "red"])
    assert "Nodes without a label: 1; theirs is -1." in str(data.report)
    assert data.has_default_features
    data = graph_of(tmp_path, content, "g.graphml", node_attributes=["party"])
    assert data.x.tolist() == [[0, 1], [0, 0], [1, 0], [0, 1]]
