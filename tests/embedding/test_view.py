import json
import re
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from spherical_gae.data import from_networkx
from spherical_gae.embedding import view, write_view
from tests.helpers.embeddings import fitted, words_and_links


def shown(page: Path) -> dict:
    (data,) = re.findall(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page.read_text(), re.DOTALL)
    return json.loads(data)


def test_concentration_on_a_product_is_the_mean_over_the_spheres(tmp_path: Path) -> None:
    embedding = fitted(*words_and_links(), preset="frontier-product", dim=12)
    write_view(embedding, tmp_path / "page.html")
    colors = {color["name"]: color["values"] for color in shown(tmp_path / "page.html")["colors"]}
    np.testing.assert_allclose(colors["concentration"], embedding.concentration_.mean(1), rtol=1e-3)


def test_classes_of_the_graph_are_shown_unless_others_are_given(tmp_path: Path) -> None:
    graph = nx.karate_club_graph()
    links = torch.tensor(list(graph.edges)).t()
    data = Data(edge_index=torch.cat([links, links.flip(0)], 1), y=torch.arange(34) % 3, num_nodes=34)
    embedding = fitted(data)
    write_view(embedding, tmp_path / "page.html")
    assert shown(tmp_path / "page.html")["colors"][0]["name"] == "class"
    with pytest.raises(ValueError, match="labels"):
        write_view(embedding, tmp_path / "page.html", labels=[1])


def test_later_nodes_have_no_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = from_networkx(nx.karate_club_graph())
    data.y = torch.arange(34) % 3
    seen: dict[str, Any] = {}
    monkeypatch.setattr(view, "write_globe", lambda path, z, **options: seen.update(options))
    write_view(fitted(data).extended([("late", 0)]), tmp_path / "view.html")
    assert seen["labels"] == [*(k % 3 for k in range(34)), None]
