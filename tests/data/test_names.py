"""Names of data sets, which are what the loaders take."""

import pytest

from spherical_gae import load_graph, load_images
from spherical_gae.data.names import DATASETS, IMAGE_DATASETS, PLANETOID_FOLDERS


def test_other_names_are_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match=", ".join(DATASETS)):
        load_graph("karate")
    with pytest.raises(ValueError, match=", ".join(IMAGE_DATASETS)):
        load_images("cifar")


def test_folders_are_spelled_as_pyg_does() -> None:
    assert dict(PLANETOID_FOLDERS) == {"cora": "Cora", "citeseer": "CiteSeer", "pubmed": "PubMed"}
    with pytest.raises(TypeError):
        PLANETOID_FOLDERS["karate"] = "Karate"  # type: ignore[index]
