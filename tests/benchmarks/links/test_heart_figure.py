from benchmarks.links.heart_figure import together, values


def test_labels_of_near_lines_are_one() -> None:
    assert together({"a": 10.0, "c": 53.72, "b": 53.41}) == {10.0: "a", 53.41: "b, c"}


def test_values_are_those_of_a_row_in_percent() -> None:
    cells = [
        {"dataset": dataset, "method": method, "own_epoch": {"mrr": value}}
        for dataset, method, value in (("cora", "x", 0.25), ("cora", "y", 0.5), ("cora", "x", 0.75), ("pubmed", "x", 1))
    ]
    assert values(cells, "cora", "x", "mrr") == [25, 75]
