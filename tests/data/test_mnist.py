import gzip
import hashlib
import logging
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pooch
import pytest
import torch

from spherical_gae.data import ChecksumError, mnist, roots
from spherical_gae.data.mnist import (
    MNIST_SHA256,
    MNIST_SIZES,
    MNIST_URLS,
    download_mnist_file,
    load_mnist,
    mnist_folder,
    read_mnist_file,
)
from spherical_gae.data.names import ROOT_VARIABLE

CARD = Path(__file__).parents[2] / "datasets" / "mnist.md"
NAMES = list(MNIST_SHA256)
IMAGES = NAMES[0]
ZIPPED = f"{IMAGES}.gz"


def idx(array: np.ndarray) -> bytes:
    """An IDX file of unsigned bytes: 0, 0, 8, dimensions, their sizes big-endian, the data."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes() + array.tobytes()


def fake_arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    shapes = dict(zip(NAMES, [(5, 28, 28), (5,), (3, 28, 28), (3,)], strict=True))
    return {
        name: random.integers(256 if len(shape) == 3 else 10, size=shape, dtype=np.uint8)
        for name, shape in shapes.items()
    }


@pytest.fixture
def contents(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Four small IDX files, which the sums are made to expect."""
    contents = {name: idx(array) for name, array in fake_arrays().items()}
    monkeypatch.setattr(mnist, "MNIST_SHA256", {name: hashlib.sha256(c).hexdigest() for name, c in contents.items()})
    monkeypatch.setattr(mnist, "MNIST_SIZES", {name: len(c) for name, c in contents.items()})
    return contents


@pytest.fixture
def root(tmp_path: Path, contents: dict[str, bytes]) -> Path:
    """A root with the four files, two zipped and two not."""
    folder = mnist_folder(tmp_path)
    folder.mkdir(parents=True)
    for name in NAMES[:2]:
        (folder / f"{name}.gz").write_bytes(gzip.compress(contents[name]))
    for name in NAMES[2:]:
        (folder / name).write_bytes(contents[name])
    return tmp_path


def serve(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], bytes]) -> list[str]:
    """Let ``answer`` stand in for the network; returns the list of the addresses asked."""
    asked: list[str] = []

    def retrieve(url: str, known_hash: None, fname: str, path: str, progressbar: bool) -> str:
        asked.append(url)
        target = Path(path) / fname
        target.write_bytes(answer(url))
        return str(target)

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    return asked


def test_parses_zipped_and_plain_files(root: Path) -> None:
    before = sorted(root.rglob("*"))
    tensors = load_mnist(root)
    for array, tensor in zip(fake_arrays().values(), tensors, strict=True):
        if array.ndim == 3:
            assert tensor.dtype == torch.float32
            assert torch.equal(tensor, torch.from_numpy(array.reshape(len(array), 784)).float() / 255)
        else:
            assert tensor.dtype == torch.int64
            assert tensor.tolist() == array.tolist()
    assert sorted(root.rglob("*")) == before


def test_environment_names_the_root_and_the_argument_wins(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(root))
    assert load_mnist()[0].shape == (5, 784)
    with pytest.raises(FileNotFoundError, match="elsewhere"):
        load_mnist(tmp_path / "elsewhere")


@pytest.mark.parametrize("from_environment", [False, True])
def test_missing_files_in_a_named_root_say_where_and_how(
    root: Path, monkeypatch: pytest.MonkeyPatch, from_environment: bool
) -> None:
    asked = serve(monkeypatch, lambda url: b"")
    if from_environment:
        monkeypatch.setenv(ROOT_VARIABLE, str(root))
    (mnist_folder(root) / f"{NAMES[1]}.gz").unlink()
    (mnist_folder(root) / NAMES[3]).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        load_mnist(None if from_environment else root)
    message = str(caught.value)
    assert f"missing in {mnist_folder(root)}: {NAMES[1]}, {NAMES[3]};" in message
    assert f"python datasets/fetch.py --root {root}" in message
    assert asked == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: gzip.compress(content)[:-200],
        lambda content: gzip.compress(content)[:-1],
        lambda content: gzip.compress(content)[:100] + bytes(50) + gzip.compress(content)[150:],
        lambda content: content,
        lambda content: b"",
        lambda content: gzip.compress(content[:-1]),
        lambda content: gzip.compress(content[:-1] + b"!"),
        lambda content: gzip.compress(content + b"!"),
    ],
    ids=["truncated", "last byte", "overwritten", "not zipped", "empty", "shorter", "other", "longer"],
)
def test_damaged_zipped_file_is_never_parsed(
    root: Path, contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
) -> None:
    path = mnist_folder(root) / f"{IMAGES}.gz"
    path.write_bytes(damage(contents[IMAGES]))
    monkeypatch.setattr(mnist, "_images", lambda _: pytest.fail("was parsed"))
    with pytest.raises(ChecksumError) as caught:
        load_mnist(root)
    message = str(caught.value)
    assert message.startswith(f"{path} is not the published file")
    assert f"expected {len(contents[IMAGES])} bytes when unzipped with SHA-256" in message
    assert hashlib.sha256(contents[IMAGES]).hexdigest() in message


@pytest.mark.parametrize(("extra", "found"), [(b"", "13 bytes"), (b"!!!", "more than 13 bytes")])
def test_damaged_plain_file_is_reported_with_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: bytes, found: str
) -> None:
    monkeypatch.setattr(mnist, "MNIST_SIZES", dict.fromkeys(NAMES, 13))
    (tmp_path / IMAGES).write_bytes(b"something new" + extra)
    with pytest.raises(ChecksumError, match=rf"{IMAGES} is not .*expected 13 bytes with SHA-256 \w+, found {found}"):
        read_mnist_file(IMAGES, tmp_path)


def test_of_two_versions_the_intact_one_is_read(root: Path, contents: dict[str, bytes]) -> None:
    folder = mnist_folder(root)
    (folder / IMAGES).write_bytes(b"wrong")
    assert read_mnist_file(IMAGES, folder) == contents[IMAGES]
    (folder / f"{IMAGES}.gz").write_bytes(b"wrong too")
    with pytest.raises(ChecksumError, match=rf"{IMAGES} is not the .*; .*{IMAGES}\.gz is not the"):
        read_mnist_file(IMAGES, folder)


def test_missing_file_is_reported_when_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=rf"missing in {tmp_path}: {IMAGES} \(or {IMAGES}\.gz\)"):
        read_mnist_file(IMAGES, tmp_path)


def test_missing_file_is_downloaded_once(
    tmp_path: Path, contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = serve(monkeypatch, lambda url: gzip.compress(contents[IMAGES], compresslevel=1))
    folder = tmp_path / "a" / "b"
    assert download_mnist_file(IMAGES, folder)
    assert not download_mnist_file(IMAGES, folder)
    assert asked == [MNIST_URLS[0] + ZIPPED]
    assert [path.name for path in folder.iterdir()] == [ZIPPED]
    assert read_mnist_file(IMAGES, folder) == contents[IMAGES]


def test_intact_plain_file_is_not_downloaded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = serve(monkeypatch, lambda url: b"")
    assert not download_mnist_file(NAMES[2], mnist_folder(root))
    assert asked == []


@pytest.mark.parametrize("first", ["unreachable", "other contents", "truncated"])
def test_mirror_is_tried_when_the_first_fails(
    root: Path, contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    good = gzip.compress(contents[IMAGES])

    def answer(url: str) -> bytes:
        if url.startswith(MNIST_URLS[1]):
            return good
        if first == "unreachable":
            raise ConnectionError("no route")
        return gzip.compress(b"a login page") if first == "other contents" else good[:-9]

    asked = serve(monkeypatch, answer)
    folder = mnist_folder(root)
    (folder / ZIPPED).write_bytes(b"damaged")
    before = sorted(folder.iterdir())
    assert download_mnist_file(IMAGES, folder)
    assert asked == [url + ZIPPED for url in MNIST_URLS]
    assert (folder / ZIPPED).read_bytes() == good
    assert sorted(folder.iterdir()) == before


def test_every_address_and_cause_is_named_and_nothing_kept(
    tmp_path: Path, contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(url: str) -> bytes:
        if url.startswith(MNIST_URLS[0]):
            raise ConnectionError("no route")
        return gzip.compress(b"a login page")

    serve(monkeypatch, answer)
    with pytest.raises(OSError, match=f"could not fetch {ZIPPED} into {tmp_path}") as caught:
        download_mnist_file(IMAGES, tmp_path)
    assert f"{MNIST_URLS[0]}{ZIPPED}: no route" in str(caught.value)
    assert f"{MNIST_URLS[1]}{ZIPPED}: " in str(caught.value)
    assert "found 12 bytes" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_pooch_itself_is_called_rightly(
    tmp_path: Path, contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    (served / ZIPPED).write_bytes(gzip.compress(contents[IMAGES]))

    def copy(url: str, output_file: str, _: object, check_only: bool = False) -> None:
        Path(output_file).write_bytes((served / url.rsplit("/", 1)[1]).read_bytes())

    monkeypatch.setattr("pooch.core.choose_downloader", lambda url, progressbar: copy)
    monkeypatch.setattr(pooch.get_logger(), "level", logging.ERROR)
    assert download_mnist_file(IMAGES, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [ZIPPED]


def test_without_a_named_root_the_cache_folder_is_filled(
    root: Path, contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = serve(monkeypatch, lambda url: gzip.compress(contents[NAMES[3]]))
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    monkeypatch.setattr(roots, "cache_root", lambda: root)
    (mnist_folder(root) / NAMES[3]).write_bytes(b"damaged")
    assert load_mnist()[3].tolist() == fake_arrays()[NAMES[3]].tolist()
    assert asked == [f"{MNIST_URLS[0]}{NAMES[3]}.gz"]


def test_card_agrees_with_the_package() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (\d+) \| `(\w{64})` \|$", CARD.read_text(), re.M)
    assert [(name, int(size), digest) for name, size, digest in rows] == [
        (name, MNIST_SIZES[name], MNIST_SHA256[name]) for name in NAMES
    ]


@pytest.mark.real_data
@pytest.mark.parametrize("name", NAMES)
def test_published_files_are_intact_and_say_their_shape(real_data_root: Path, name: str) -> None:
    content = read_mnist_file(name, mnist_folder(real_data_root))
    shape = [10_000 if "t10k" in name else 60_000, *([28, 28] if "images" in name else [])]
    assert len(content) == MNIST_SIZES[name]
    assert content[: 4 + 4 * len(shape)] == idx(np.empty(shape, np.uint8))[: 4 + 4 * len(shape)]
