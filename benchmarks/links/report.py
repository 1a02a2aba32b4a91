"""Tables of the link prediction benchmark: means, deviations, paired differences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy.stats import ttest_rel

# Davidson et al. (2018), table 4: mean ± standard error over 5 runs, in percent.
PAPER = {
    ("cora", "paper s-vgae"): "94.1 ± .1 / 94.1 ± .3",
    ("cora", "paper n-vgae"): "92.7 ± .2 / 93.2 ± .4",
    ("citeseer", "paper s-vgae"): "94.7 ± .2 / 95.2 ± .2",
    ("citeseer", "paper n-vgae"): "90.3 ± .5 / 91.5 ± .5",
    ("pubmed", "paper s-vgae"): "96.0 ± .1 / 96.0 ± .1",
    ("pubmed", "paper n-vgae"): "97.1 ± .0 / 97.1 ± .0",
}
MAIN_COLUMNS = {
    "auc": "AUC",
    "ap": "AP",
    "auc_last": "AUC, last epoch",
    "ap_last": "AP, last epoch",
    "auc_bucket_off": "AUC, bucket off",
    "ap_bucket_off": "AP, bucket off",
    "auc_degree_matched": "AUC, degree-matched",
    "ap_degree_matched": "AP, degree-matched",
}
MORE_COLUMNS = {
    "mrr": "MRR",
    "hits_at_10": "Hits@10",
    "auc_connected": "AUC, connected",
    "ap_connected": "AP, connected",
    "mrr_connected": "MRR, connected",
    "hits_at_10_connected": "Hits@10, connected",
    "ece": "ECE",
    "brier": "Brier",
}
COMPARISONS = (
    ("paper s-vgae", "paper n-vgae"),
    ("paper s-vgae", "cosine"),
    ("frontier s-vgae", "frontier n-vgae"),
    ("frontier s-vgae", "paper s-vgae"),
    ("frontier s-vgae", "frontier s-vgae, no isolated bucket"),
    ("frontier s-vgae", "frontier-product s-vgae"),
    ("frontier-product s-vgae", "frontier-product s-vgae, no feature neighbors"),
)

Results = dict[tuple[str, str], list[dict[str, Any]]]
"""The cells of each (data set, method), in the order of the seeds."""


def group(cells: Sequence[dict[str, Any]]) -> Results:
    """Cells by data set and method, in the order in which these come."""
    results: Results = {}
    for cell in cells:
        results.setdefault((cell["dataset"], cell["method"]), []).append(cell)
    return results


def summary(values: Sequence[float]) -> str:
    """Mean ± standard deviation (standard error) in percent."""
    percent = 100 * np.asarray(values, dtype=float)
    if len(percent) < 2:
        return f"{percent.mean():.2f}"
    deviation = percent.std(ddof=1)
    return f"{percent.mean():.2f} ± {deviation:.2f} ({deviation / math.sqrt(len(percent)):.2f})"


def table(results: Results, columns: dict[str, str]) -> Iterator[str]:
    """Markdown lines, one for each data set and method."""
    yield "| data set | method | seeds | " + " | ".join(columns.values()) + " |"
    yield "|---" * (len(columns) + 3) + "|"
    for (dataset, method), cells in results.items():
        values = [
            summary([cell[name] for cell in cells]) if all(name in cell for cell in cells) else "" for name in columns
        ]
        yield f"| {dataset} | {method} | {len(cells)} | {' | '.join(values)} |"


def paper_table(results: Results) -> Iterator[str]:
    """Markdown lines: table 4 of the paper, reproduced and published."""
    yield "| data set | method | AUC / AP here | published |"
    yield "|---|---|---|---|"
    for (dataset, method), published in PAPER.items():
        cells = results.get((dataset, method))
        if cells:
            here = " / ".join(summary([cell[name] for cell in cells]) for name in ("auc", "ap"))
            yield f"| {dataset} | {method} | {here} | {published} |"


def comparisons(results: Results) -> Iterator[str]:
    """Markdown lines: differences over the seeds that both have, with the p-value of a two-sided paired t-test."""
    yield "| data set | first | second | AUC | p | AP | p | AUC, degree-matched | p |"
    yield "|---" * 9 + "|"
    for dataset in dict.fromkeys(name for name, _ in results):
        for first, second in COMPARISONS:
            pair = [{cell["seed"]: cell for cell in results.get((dataset, name), [])} for name in (first, second)]
            seeds = [seed for seed in pair[0] if seed in pair[1]]
            if len(seeds) < 2:
                continue
            columns = []
            for name in ("auc", "ap", "auc_degree_matched"):
                a, b = (100 * np.array([cells[seed][name] for seed in seeds]) for cells in pair)
                columns.append(f"{(a - b).mean():+.2f} | {ttest_rel(a, b).pvalue:.1g}")
            yield f"| {dataset} | {first} | {second} | {' | '.join(columns)} |"
