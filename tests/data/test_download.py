import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from spherical_gae.data import checksums, download
from spherical_gae.data.download import download_file

NAME = "ind.cora.y"
CONTENT = b"the published contents"


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that stands in for the Planetoid repository, served over HTTP on this machine."""
    served = tmp_path / "served"
    served.mkdir()
    (served / NAME).write_bytes(CONTENT)
    sums = {NAME: hashlib.sha256(CONTENT).hexdigest()}
    monkeypatch.setattr(checksums, "PLANETOID_SHA256", sums)
    monkeypatch.setattr(download, "PLANETOID_SHA256", sums)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = partial(SimpleHTTPRequestHandler, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr(download, "PLANETOID_URL", f"http://127.0.0.1:{server.server_port}/")
        yield served
        server.shutdown()
        thread.join()


def test_missing_file_is_downloaded_once(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert download_file(NAME, folder)
    assert (folder / NAME).read_bytes() == CONTENT
    (published / NAME).unlink()
    assert not download_file(NAME, folder)
    assert [path.name for path in folder.iterdir()] == [NAME]


def test_damaged_file_is_replaced(published: Path, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT[:-1])
    assert download_file(NAME, tmp_path)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_other_contents_are_refused_and_not_kept(published: Path, tmp_path: Path) -> None:
    (published / NAME).write_bytes(b"something else")
    folder = tmp_path / "cache"
    with pytest.raises(OSError, match=rf"could not fetch http\S+{NAME} into {folder}: .* hash"):
        download_file(NAME, folder)
    assert list(folder.iterdir()) == []


def test_missing_page_is_reported(published: Path, tmp_path: Path) -> None:
    (published / NAME).unlink()
    with pytest.raises(OSError, match=rf"could not fetch http\S+{NAME} into .*404"):
        download_file(NAME, tmp_path / "cache")


def test_no_network_is_reported(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PLANETOID_URL", "http://127.0.0.1:9/")
    with pytest.raises(OSError, match=r"could not fetch http://127\.0\.0\.1:9/ind\.cora\.y into"):
        download_file(NAME, tmp_path / "cache")
