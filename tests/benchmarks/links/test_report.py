import math

from scipy import stats

from benchmarks.links.report import comparisons, group, paper_table, summary, table


def cell(dataset: str, method: str, seed: int, auc: float, **more: float) -> dict[str, object]:
    return {
        "dataset": dataset,
        "method": method,
        "seed": seed,
        "auc": auc,
        "ap": auc,
        "auc_degree_matched": auc,
        **more,
    }


CELLS = [
    cell("cora", "paper s-vgae", 0, 0.9, mrr=0.5),
    cell("cora", "paper s-vgae", 1, 0.92, mrr=0.7),
    cell("cora", "paper n-vgae", 0, 0.8),
    cell("cora", "paper n-vgae", 1, 0.85),
    cell("pubmed", "cosine", 0, 0.5),
]


def test_summary_is_mean_deviation_and_standard_error() -> None:
    deviation = math.sqrt(2.0)  # of 90 and 92
    assert summary([0.9, 0.92]) == f"91.00 ± {deviation:.2f} ({deviation / math.sqrt(2):.2f})"
    assert summary([0.5]) == "50.00"


def test_table_has_a_row_for_each_data_set_and_method() -> None:
    header, rule, *rows = table(group(CELLS), {"auc": "AUC", "mrr": "MRR"})
    assert header == "| data set | method | seeds | AUC | MRR |"
    assert rule.count("|") == header.count("|")
    assert rows == [
        "| cora | paper s-vgae | 2 | 91.00 ± 1.41 (1.00) | 60.00 ± 14.14 (10.00) |",
        "| cora | paper n-vgae | 2 | 82.50 ± 3.54 (2.50) |  |",
        "| pubmed | cosine | 1 | 50.00 |  |",
    ]


def test_paper_table_shows_what_was_run_beside_what_was_published() -> None:
    rows = list(paper_table(group(CELLS)))[2:]
    assert [row.split(" | ")[1] for row in rows] == ["paper s-vgae", "paper n-vgae"]
    assert rows[0].endswith("| 94.1 ± .1 / 94.1 ± .3 |")


def test_comparisons_pair_the_seeds() -> None:
    (row,) = list(comparisons(group(CELLS)))[2:]
    p_value = stats.ttest_1samp([10, 7], 0).pvalue  # the differences, in points
    assert row.startswith(f"| cora | paper s-vgae | paper n-vgae | +8.50 | {p_value:.1g} |")


def test_only_seeds_that_both_have_are_compared() -> None:
    more = [cell("cora", "paper s-vgae", 7, 0.1), *CELLS[::-1]]
    rows = [list(comparisons(group(cells)))[2:] for cells in (more, CELLS)]
    assert rows[0] == rows[1]
    assert list(comparisons(group(CELLS[:3])))[2:] == []
