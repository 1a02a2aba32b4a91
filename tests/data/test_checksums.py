import hashlib
import re
from pathlib import Path

import pytest

from spherical_gae.data import ChecksumError, checksums
from spherical_gae.data.checksums import (
    PLANETOID_SHA256,
    PLANETOID_SIZES,
    file_sha256,
    is_intact,
    verify_files,
)

CARDS = Path(__file__).parents[2] / "datasets"
NAME = "ind.cora.y"
CONTENT = b"not a pickle, but intact"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one file, which the sums are made to expect."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    monkeypatch.setattr(checksums, "PLANETOID_SHA256", {**PLANETOID_SHA256, NAME: digest})
    monkeypatch.setattr(checksums, "PLANETOID_SIZES", {**PLANETOID_SIZES, NAME: len(CONTENT)})
    (tmp_path / NAME).write_bytes(CONTENT)
    return tmp_path


def test_sums_cover_the_24_files() -> None:
    parts = ["x", "tx", "allx", "y", "ty", "ally", "graph", "test.index"]
    names = {f"ind.{graph}.{part}" for graph in ["cora", "citeseer", "pubmed"] for part in parts}
    assert set(PLANETOID_SHA256) == set(PLANETOID_SIZES) == names
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in PLANETOID_SHA256.values())
    assert len(set(PLANETOID_SHA256.values())) == 24


def test_sums_are_frozen() -> None:
    with pytest.raises(TypeError, match="does not support item assignment"):
        PLANETOID_SHA256["ind.cora.x"] = "0" * 64  # type: ignore[index]


def test_intact_file_passes(folder: Path) -> None:
    assert is_intact(folder / NAME)
    verify_files(folder, [NAME])


def test_missing_files_are_all_named(folder: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        verify_files(folder, [NAME, "ind.cora.x", "ind.cora.graph"])
    assert str(folder) in str(caught.value)
    assert "ind.cora.x, ind.cora.graph" in str(caught.value)
    assert NAME not in str(caught.value)


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[:-1] + b"!", b""])
def test_damaged_file_is_reported_with_sizes_and_sums(folder: Path, content: bytes) -> None:
    (folder / NAME).write_bytes(content)
    assert not is_intact(folder / NAME)
    with pytest.raises(ChecksumError) as caught:
        verify_files(folder, [NAME])
    message = str(caught.value)
    assert str(folder / NAME) in message
    assert f"expected {len(CONTENT)} bytes" in message
    assert f"found {len(content)} bytes" in message
    assert hashlib.sha256(CONTENT).hexdigest() in message
    assert hashlib.sha256(content).hexdigest() in message


def test_unknown_name_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"names: ind\.nell\.x .* allowed: ind\.cora\.x"):
        verify_files(folder, ["ind.nell.x"])


@pytest.mark.real_data
@pytest.mark.parametrize("folder_name", ["Cora", "CiteSeer", "PubMed"])
def test_sizes_are_those_of_the_verified_files(real_data_root: Path, folder_name: str) -> None:
    raw = real_data_root / "Planetoid" / folder_name / "raw"
    names = [name for name in PLANETOID_SHA256 if f".{folder_name.lower()}." in name]
    verify_files(raw, names)
    assert {name: (raw / name).stat().st_size for name in names} == {name: PLANETOID_SIZES[name] for name in names}


@pytest.mark.parametrize("graph", ["cora", "citeseer", "pubmed"])
def test_cards_agree_with_the_package(graph: str) -> None:
    rows = re.findall(r"^\| `(ind\S+)` \| (\d+) \| `(\w+)` \|$", (CARDS / f"{graph}.md").read_text(), re.M)
    assert {name: (int(size), digest) for name, size, digest in rows} == {
        name: (PLANETOID_SIZES[name], digest)
        for name, digest in PLANETOID_SHA256.items()
        if name.startswith(f"ind.{graph}.")
    }


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, 3_000_001])
def test_sum_of_a_file_that_is_read_in_pieces(tmp_path: Path, size: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    (tmp_path / "file").write_bytes(content[:size])
    assert file_sha256(tmp_path / "file") == hashlib.sha256(content[:size]).hexdigest()
