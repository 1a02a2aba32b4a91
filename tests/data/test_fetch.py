import importlib.util
from pathlib import Path
from typing import Any

import pytest
import typer

from spherical_gae.data.checksums import PLANETOID_SIZES, ChecksumError
from spherical_gae.data.mnist import MNIST_SIZES
from tests.helpers.cli_calls import cli_runner

SCRIPT = Path(__file__).parents[2] / "datasets" / "fetch.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module, cut off from the network."""
    spec = importlib.util.spec_from_file_location("fetch", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    fetch = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fetch)
    monkeypatch.setattr("spherical_gae.data.download.PLANETOID_URL", "http://127.0.0.1:9/")
    for urls in ("heart.HEART_URLS", "networks.NETWORK_URL"):
        address = "http://127.0.0.1:9/"
        value = dict.fromkeys(("cora", "citeseer", "pubmed"), address) if urls.startswith("heart") else address
        monkeypatch.setattr(f"spherical_gae.data.{urls}", value)
    monkeypatch.setattr("spherical_gae.data.mnist.MNIST_URLS", ("http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/"))
    return fetch


@pytest.fixture
def app(script: Any) -> typer.Typer:
    """The script as a command."""
    app = typer.Typer()
    app.command()(script.main)
    return app


@pytest.mark.real_data
def test_verifies_what_is_there(app: typer.Typer, real_data_root: Path) -> None:
    before = sorted(real_data_root.rglob("*"))
    result = cli_runner().invoke(app, ["--root", str(real_data_root)])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 29 + 3 * (5 + 1) + 8
    for file, size in PLANETOID_SIZES.items():
        assert sum(f"{file} ({size} bytes, already there)" in line for line in lines) == 1
    for file, size in MNIST_SIZES.items():
        assert sum(f"{file} ({size} bytes unzipped, already there)" in line for line in lines) == 1
    assert sorted(real_data_root.rglob("*")) == before


def test_reports_every_failure_and_fails(app: typer.Typer, tmp_path: Path) -> None:
    result = cli_runner().invoke(app, ["--root", str(tmp_path)])
    assert result.exit_code == 1
    for file in PLANETOID_SIZES:
        assert f"/raw/{file}: could not fetch http://127.0.0.1:9/{file} into" in result.stderr
    for file in MNIST_SIZES:
        assert f"/raw/{file}: could not fetch {file}.gz into {tmp_path}" in result.stderr
        assert f"http://127.0.0.1:9/b/{file}.gz: " in result.stderr
    for name in ("cora", "pubmed"):
        assert f"FAILED {tmp_path}/HeaRT/{name}/heart_ends_made.npz: files of the split are missing" in result.stderr
    assert f"FAILED {tmp_path}/networks/USAir.npz: could not fetch http://127.0.0.1:9/USAir.mat" in result.stderr
    assert "54 files failed" in result.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_wrong_file_does_not_end_the_others(script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def wrong(file: str, folder: Path) -> bool:
        raise ChecksumError(f"{file} is not the published one")

    assert not script.fetch("a.npz", tmp_path, "a network", wrong)
    assert "FAILED" in capsys.readouterr().err
