from pathlib import Path

import pandas as pd

from benchmarks.scaling.read_files import measure, table, write_links
from spherical_gae.data.readers.graph_files import read_graph


def test_both_files_hold_the_same_links(tmp_path: Path) -> None:
    write_links(tmp_path, 50, 9)
    links = pd.read_parquet(tmp_path / "links.parquet")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "links.csv"), links)
    graphs = [read_graph(tmp_path / f"links{suffix}") for suffix in (".csv", ".parquet")]
    assert graphs[0].edge_index.equal(graphs[1].edge_index)
    pairs = {frozenset(pair) for pair in links.itertuples(index=False) if pair[0] != pair[1]}
    assert graphs[0].num_edges == 2 * len(pairs)


def test_rows(tmp_path: Path) -> None:
    write_links(tmp_path, 50, 9)
    rows = measure(tmp_path, rounds=1)
    assert [(row["suffix"], row["reader"]) for row in rows] == [
        (suffix, reader) for suffix in (".csv", ".parquet") for reader in ("pandas", "edges", "links", "graph")
    ]
    assert [row["clock_ratio"] for row in rows if row["reader"] == "pandas"] == [1, 1]
    lines = list(table({"num_links": 50, "num_nodes": 9, "rounds": 1, "rows": rows}))
    assert lines[0].startswith("50 links among 9 nodes")
    assert len(lines) == 4 + len(rows)
