"""Files of later links, read as the embedded graph's file was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch_geometric.data import Data

from spherical_gae.data.readers.edge_columns import MAY_BE_TIMES, NOT_NAMED
from spherical_gae.data.readers.graph_files import read_as_told
from spherical_gae.data.readers.options import ReadingOptions
from spherical_gae.data.readers.suffixes import TABLES, suffix_of


def later_links(
    path: str | Path, embedded: Data, given: ReadingOptions | None = None, *, attributes: bool = True
) -> Data:
    """Reads a file of later links as the embedded graph's file was read.

    Attributes of its nodes become features as those of the embedded graph did; where that has no features by a file,
    they are numbers as they are; where it has none at all, or ``attributes`` is False, they are left out.

    Args:
        path: The file.
        embedded: The embedded graph.
        given: What is to be read otherwise.
        attributes: Whether features are taken from this file, not from another one.

    Raises:
        OSError: If the file cannot be read.
        ValueError: As ``read_graph``; if it lacks the column of weights, or an attribute, that the embedded graph has.
    """
    reading, options = embedded.get("reading"), given or ReadingOptions()
    if reading is not None:
        options = reading.for_links(path, options)
    if not attributes and suffix_of(path) not in TABLES:
        # These are told for the features' file.
        options = replace(options, header=None, delimiter=None, comment=None)
    preparation = embedded.get("feature_preparation")
    changed = options.changed()
    if not attributes or embedded.get("has_default_features"):
        preparation = None
        options = options if "node_attributes" in changed else replace(options, node_attributes="none")
    elif "standardize" not in changed:
        options = replace(options, standardize=False)
    is_one_kind = reading is None or (given is not None and given.bipartite is False)
    prefixes = None if is_one_kind else reading.prefixes
    known = {str(node) for node in embedded.node_ids}
    inherited = given is None or "weight" not in given.changed()
    try:
        links = read_as_told(path, None, options, preparation=preparation, known=known, prefixes=prefixes)
    except ValueError as error:
        if not (inherited and options.weight != ReadingOptions().weight and "weight: given" in str(error)):
            raise
        raise ValueError(
            f"{error}. The embedded graph's weights are from there; weight='none' (--weight none) gives each of these "
            "links the weight 1"
        ) from error
    # Of ones in an array nobody knows whether they are weights.
    has_links = suffix_of(path) not in (".mtx", ".npz", ".npy") and links.num_edges > 0
    if inherited and has_links and embedded.edge_weight is not None and "weight" not in links.report.columns_used:
        if reading is not None:
            raise ValueError(
                f"{path}: given links without weights, allowed: a weight for each, as in the embedded graph; "
                "weight='none' (--weight none) gives each of these links the weight 1"
            )
        links.report.warnings.append(
            "these links have no weights, and those of the embedded graph have: each gets the weight 1"
        )
    # Times of later links are of no use.
    words = {
        MAY_BE_TIMES: "it may hold times, which later links do not need",
        NOT_NAMED: "it is not named; to use it, name it: weight= (--weight)",
    }
    left_out = links.report.columns_left_out
    links.report.columns_left_out = {name: words.get(why, why) for name, why in left_out.items()}
    return links
