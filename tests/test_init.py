import ast
import importlib
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import get_origin

import pytest

import spherical_gae

PACKAGES = [
    "core",
    "data",
    "embedding",
    "evaluation",
    "experiments",
    "experiments.presets",
    "models",
    "nn",
    "plotting",
    "retrieval",
    "cluster",
    "training",
]

# Fails unless the import leaves torch as it was and spares those who do not plot the import of matplotlib.
UNTOUCHED = """
import sys, torch

def settings():
    return (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.get_num_interop_threads(),
        torch.is_grad_enabled(),
        torch.is_anomaly_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.backends.cuda.matmul.allow_tf32,
        torch.get_float32_matmul_precision(),
        torch.distributions.Distribution._validate_args,
        torch.get_default_device(),
        torch.get_rng_state().tolist(),
    )

before = settings()
import spherical_gae
spherical_gae.SphericalGAE, spherical_gae.VonMisesFisher, spherical_gae.fit_vae
assert settings() == before
assert "matplotlib" not in sys.modules
"""


def test_every_public_name_is_there() -> None:
    for name in spherical_gae.__all__:
        value = getattr(spherical_gae, name)
        assert value.__doc__, name
        assert value.__module__.startswith("spherical_gae."), name
    assert len(spherical_gae.__all__) == len(set(spherical_gae.__all__))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_of_the_packages_is_there(package: str) -> None:
    module = importlib.import_module(f"spherical_gae.{package}")
    for name in getattr(module, "__all__", []):
        assert hasattr(module, name), name


@pytest.mark.parametrize("package", ["", *PACKAGES])
def test_public_names_are_those_that_type_checkers_see(package: str) -> None:
    """``__all__`` of the stub, which is what loads lazily."""
    module = importlib.import_module(f"spherical_gae.{package}".rstrip("."))
    stub = Path(module.__file__).with_suffix(".pyi")
    if stub.exists():
        (names,) = (node.value for node in ast.parse(stub.read_text()).body if isinstance(node, ast.Assign))
        assert sorted(ast.literal_eval(names)) == sorted(module.__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_has_an_example_that_runs(package: str) -> None:
    """CI runs the examples by ``pytest --doctest-modules``; an alias of a type has no place for one."""
    module = importlib.import_module(f"spherical_gae.{package}")
    values = {name: getattr(module, name) for name in getattr(module, "__all__", [])}
    aliases = {name for name, value in values.items() if get_origin(value) is not None}
    without = {name for name, value in values.items() if ">>>" not in (value.__doc__ or "")}
    assert without - aliases == set()


def test_public_names_are_the_documented_ones() -> None:
    assert set(spherical_gae.__all__) >= {
        "HypersphericalUniform",
        "NormalGAE",
        "SphericalGAE",
        "VonMisesFisher",
        "fit_gae",
        "load_graph",
        "split_links",
    }


def test_version_is_that_of_the_installed_package() -> None:
    assert spherical_gae.__version__ == metadata.version("spherical-gae")


def test_types_are_announced() -> None:
    assert importlib.resources.files("spherical_gae").joinpath("py.typed").is_file()


@pytest.mark.slow
def test_import_changes_no_global_setting() -> None:
    subprocess.run([sys.executable, "-c", UNTOUCHED], check=True)
