"""Which folder a loader reads, when it downloads, and what it says where files are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from spherical_gae.data import roots
from spherical_gae.data.names import ROOT_VARIABLE


def check(folder: Path) -> None:
    if not (folder / "graph").exists():
        raise FileNotFoundError(f"{folder} lacks graph")


def fetched(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "graph").write_text("fetched")


def never(folder: Path) -> None:
    pytest.fail(f"downloaded into {folder}, a root that was named")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    monkeypatch.setattr(roots, "cache_root", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_without_a_root_files_are_fetched_into_the_cache(cache: Path) -> None:
    folder = roots.complete_folder(None, lambda root: Path(root) / "Cora", check, fetched)
    assert folder == cache / "Cora"
    assert (folder / "graph").read_text() == "fetched"


def test_argument_goes_before_the_variable_and_neither_is_written_to(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("argument", "variable"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "graph").write_text(name)
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path / "variable"))
    for root, expected in ((tmp_path / "argument", "argument"), (None, "variable")):
        folder = roots.complete_folder(root, Path, check, never)
        assert (folder / "graph").read_text() == expected
    assert not cache.exists()


def test_files_missing_in_a_named_root_are_refused_with_what_to_do(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        roots.complete_folder(tmp_path, Path, check, never)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path} lacks graph; ")
    assert f"python datasets/fetch.py --root {tmp_path}" in message
    assert ROOT_VARIABLE in message
    assert str(cache) in message
