import re
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from spherical_gae.data import ChecksumError, load_network, networks
from spherical_gae.data.networks import NETWORK_SHA256, download_network

CARD = Path(__file__).parents[2] / "datasets" / "networks.md"


def test_the_card_has_all_sums() -> None:
    assert dict(re.findall(r"\| (\w+) \|.*\| `([0-9a-f]{64})` \|", CARD.read_text())) == dict(NETWORK_SHA256)


def test_other_names_are_refused() -> None:
    with pytest.raises(ValueError, match="name: given 'Karate', allowed: USAir, NS"):
        load_network("Karate")


def test_missing_and_other_networks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing in .*networks: USAir.npz; fetch them with"):
        load_network("USAir", tmp_path)
    (tmp_path / "networks").mkdir()
    scipy.sparse.save_npz(tmp_path / "networks" / "USAir.npz", scipy.sparse.csr_matrix(np.ones((3, 3))))
    with pytest.raises(ChecksumError, match="does not hold the published network USAir"):
        load_network("USAir", tmp_path)


@pytest.mark.real_data
@pytest.mark.parametrize("name", NETWORK_SHA256)
def test_sizes_are_those_of_the_card(real_data_root: Path, name: str) -> None:
    data = load_network(name, real_data_root)
    nodes, links = re.findall(rf"\| {name} \| ([\d,]+) \| ([\d,]+) \|", CARD.read_text())[0]
    assert (data.num_nodes, data.edge_index.size(1) // 2) == (int(nodes.replace(",", "")), int(links.replace(",", "")))
    assert data.x.shape == (data.num_nodes, 64)
    assert data.has_default_features
    assert data.is_undirected()
    assert not data.has_self_loops()


@pytest.mark.parametrize("left", [b"", b"PK\x03\x04 of an interrupted conversion"])
def test_wrong_downloads_are_not_kept_and_torn_files_are_fetched_again(
    tmp_path: Path, left: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error page in place of the file, then the file."""
    (tmp_path / "NS.npz").write_bytes(left)
    calls = []

    def page(url: str, known_hash: None, path: str) -> str:
        calls.append(url)
        (Path(path) / "NS.mat").write_text("<html>Too many requests</html>")
        return str(Path(path) / "NS.mat")

    monkeypatch.setattr(networks.pooch, "retrieve", page)
    for _ in range(2):
        with pytest.raises(OSError, match=r"could not fetch https.*NS\.mat into"):
            download_network("NS", tmp_path)
    assert len(calls) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["NS.npz"]
