"""Names of the data sets; apart, so that help on a command needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ROOT_VARIABLE = "SPHERICAL_GAE_DATA"
"""Environment variable that names the data root when a loader is given none."""

PLANETOID_FOLDERS: Mapping[str, str] = MappingProxyType({"cora": "Cora", "citeseer": "CiteSeer", "pubmed": "PubMed"})
"""Name of a Planetoid graph -> its folder under ``<root>/Planetoid``, as PyG spells it."""

DATASETS = (*PLANETOID_FOLDERS, "digits")
"""Names that :func:`~spherical_gae.data.graphs.load_graph` knows."""

IMAGE_DATASETS = ("mnist", "digits")
"""Names that :func:`~spherical_gae.data.images.load_images` knows."""
