"""What an import loads, and that the rooms of the house depend on those below them only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import spherical_gae

PACKAGE = Path(spherical_gae.__file__).parent
# A file may import from its own room and from those before it.
ROOMS = (
    "randomness",
    "core",
    "retrieval",
    "cluster",
    "data",
    "nn",
    "evaluation",
    "models",
    "training",
    "plotting",
    "experiments",
    "embedding",
    "cli",
)
FOLDERS_OF_TRAINING = ("links", "images")
NOT_FOR_A_DISTRIBUTION = {"torch_geometric", "sklearn", "matplotlib", "networkx", "pandas", "typer"}


def loaded_by(code: str) -> set[str]:
    """Top-level modules that are loaded at the end of a program, or when it exits with status 0."""
    report = (
        "import atexit, sys; atexit.register(lambda: print('\\n' + ' '.join({m.split('.')[0] for m in sys.modules})))"
    )
    finished = subprocess.run([sys.executable, "-c", f"{report}\n{code}"], capture_output=True, text=True, check=True)
    return set(finished.stdout.splitlines()[-1].split())


OTHERS = ("PowerSpherical", "ProjectedNormal", "SphericalCauchy", "HypersphericalUniform", "ProductOfSpheres")


@pytest.mark.parametrize("name", ["VonMisesFisher", *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def test_a_distribution_costs_no_import_of_what_graphs_need(name: str) -> None:
    loaded = loaded_by(f"from spherical_gae import {name}")
    assert "torch" in loaded
    assert not loaded & NOT_FOR_A_DISTRIBUTION


def test_a_distribution_costs_no_part_of_scipy() -> None:
    """They are loaded when a table is first built, and cost as much as all of this package."""
    loaded_by(
        "import sys\nfrom spherical_gae import VonMisesFisher\n"
        "assert not {'scipy.special', 'scipy.interpolate', 'scipy.stats'} & {*sys.modules}"
    )


def test_a_divergence_is_registered_whichever_distribution_is_imported() -> None:
    loaded_by(
        "from spherical_gae import HypersphericalUniform as U\n"
        "from torch.distributions import kl_divergence\n"
        "assert kl_divergence(U(3), U(3)).item() == 0"
    )


def test_the_package_alone_costs_nothing() -> None:
    assert not loaded_by("import spherical_gae; spherical_gae.__version__") & {*NOT_FOR_A_DISTRIBUTION, "torch"}


@pytest.mark.parametrize("command", ["--version", "--help", "train --help", "train-vae --help", "neighbors --help"])
def test_help_and_version_need_no_torch(command: str) -> None:
    loaded = loaded_by(
        f"import sys\nfrom spherical_gae.cli.app import main\nsys.argv = 'spherical-gae {command}'.split()\nmain()"
    )
    assert "typer" in loaded
    assert not loaded & {"torch", "torch_geometric", "sklearn", "matplotlib", "networkx", "pandas"}


def imported_modules(path: Path) -> list[str]:
    """The modules of this package that a file imports, those for type checkers too."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            # What is imported may be a module, or a name in one.
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return [module for module in found if module.startswith("spherical_gae.")]


@pytest.mark.parametrize("room", ROOMS)
def test_dependencies_point_downwards(room: str) -> None:
    allowed = ROOMS[: ROOMS.index(room) + 1]
    files = sorted((PACKAGE / room).rglob("*.py")) or [PACKAGE / f"{room}.py"]
    for path in files:
        for module in imported_modules(path):
            assert module.split(".")[1] in (*allowed, "__version__"), f"{path} imports {module}"


def test_the_shared_loop_knows_neither_links_nor_images() -> None:
    for path in (PACKAGE / "training").glob("*.py"):
        for module in imported_modules(path):
            assert module.split(".")[2] not in FOLDERS_OF_TRAINING, f"{path} imports {module}"
    for folder, other in (FOLDERS_OF_TRAINING, FOLDERS_OF_TRAINING[::-1]):
        for path in (PACKAGE / "training" / folder).glob("*.py"):
            assert not any(f"training.{other}" in module for module in imported_modules(path)), path


def test_every_file_has_a_room() -> None:
    names = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path.is_dir() and path.stem[0] != "_")}
    assert names - {"__init__", "__main__"} == {*ROOMS}
