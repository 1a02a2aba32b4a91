"""Names of the data sets; apart, so that help on a command needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ROOT_VARIABLE = "SPHERICAL_GAE_DATA"
"""Environment variable that names the data root when a loader is given none."""

PLANETOID_FOLDERS: Mapping[str, str] = MappingProxyType({"cora": "Cora", "citeseer": "CiteSeer", "pubmed": "PubMed"})
"""Name of a Planetoid graph -> its folder under ``<root>/Planetoid``, as PyG spells it."""

CLASS_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cora": (
            "Theory",
            "Reinforcement learning",
            "Genetic algorithms",
            "Neural networks",
            "Probabilistic methods",
            "Case based",
            "Rule learning",
        ),
        "citeseer": (
            "Artificial intelligence",
            "Machine learning",
            "Information retrieval",
            "Databases",
            "Agents",
            "Human-computer interaction",
        ),
        "pubmed": ("Diabetes, experimental", "Diabetes, type 1", "Diabetes, type 2"),
    }
)
"""Subjects of the papers in the order of the numbers in ``y``; the files have numbers only, the class sizes tell."""

DATASETS = (*PLANETOID_FOLDERS, "digits")
"""Names that :func:`~spherical_gae.data.graphs.load_graph` knows."""

IMAGE_DATASETS = ("mnist", "digits")
"""Names that :func:`~spherical_gae.data.images.load_images` knows."""
