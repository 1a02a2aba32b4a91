"""Graphs from files of one's own."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch_geometric.data import Data

from spherical_gae.data.cleaning import clean_counted
from spherical_gae.data.feature_preparation import FeaturePreparation
from spherical_gae.data.merging import MergedEdges
from spherical_gae.data.readers.array_files import read_arrays
from spherical_gae.data.readers.dict_edges import read_dict_edges
from spherical_gae.data.readers.edge_columns import EdgeColumns
from spherical_gae.data.readers.edge_lists import read_edge_list
from spherical_gae.data.readers.feature_files import join_features, read_features
from spherical_gae.data.readers.files import first_line
from spherical_gae.data.readers.json_files import read_json
from spherical_gae.data.readers.later import FileReading
from spherical_gae.data.readers.networkx_files import read_networkx
from spherical_gae.data.readers.node_features import sides_by_attribute, take_attributes, take_prepared
from spherical_gae.data.readers.options import ReadingOptions
from spherical_gae.data.readers.raw_graph import RawGraph
from spherical_gae.data.readers.report import ReadReport
from spherical_gae.data.readers.suffixes import DELIMITED, FEATURE_SUFFIXES, GRAPH_SUFFIXES, TABLES, stem_of, suffix_of

_LARGE_WEIGHT = 1e6
_FEW_NODES = 100_000


def read_graph(
    path: str | Path,
    features: str | Path | None = None,
    *,
    source: str | int | None = None,
    target: str | int | None = None,
    weight: str | int = "auto",
    time: str | int | None = None,
    node_attributes: str | Sequence[str] = "auto",
    labels: str | None = None,
    directed: bool = False,
    bipartite: bool | None = None,
    standardize: bool | Literal["auto"] = "auto",
    header: bool | None = None,
    delimiter: str | None = None,
    comment: str | None = None,
) -> Data:
    r"""Reads a graph from a file, by its suffix, and says what was read.

    - .csv, .tsv, .txt, .edges, .edgelist, .parquet: an edge list, see
      :func:`~spherical_gae.data.readers.edge_lists.read_edge_list`; or what ``networkx.write_edgelist`` writes, which
      has no header.
    - .npz, .npy, .mtx: arrays and matrices, see :func:`~spherical_gae.data.readers.array_files.read_arrays`.
    - .graphml, .gexf, .gml, .net: see :func:`~spherical_gae.data.readers.networkx_files.read_networkx`.
    - .json: nodes and links, see :func:`~spherical_gae.data.readers.json_files.read_json`.

    Any of them may be packed by gzip and end in .gz.  Repeats, self-loops, directions and missing features are treated
    as by :func:`~spherical_gae.data.cleaning.clean_graph`.

    Args:
        path: The file.
        features: A file of features, which replaces the graph's own; see
            :func:`~spherical_gae.data.readers.feature_files.read_features`.  In a table, ids are compared as text;
            nodes that only it has are isolated and come last.  Row k of a matrix belongs to the node with the id k of
            an edge list, else to the k-th node of the file.
        source: Column of an edge list's first ends, by name or by number from 1; None to find it.
        target: Column of the second ends.
        weight: Column, or name of the edge attribute, that holds weights; ``"auto"`` to find it, ``"none"`` for none.
        time: Column, or name of the edge attribute, that holds times.
        node_attributes: Which attributes of the nodes, or columns of ``features``, become features: ``"auto"``,
            ``"none"``, or names.  ``"auto"`` leaves out names, text (of ``features``: text of more than 50 different
            values), drawings and statistics of the graph, which tell of links that are held out.
        labels: The attribute of the nodes, or column of ``features``, that holds their classes.
        directed: Whether to keep the directions; not for a file that says that its links have none.
        bipartite: Whether the nodes of an edge list's two columns are of two kinds, whatever their ids; None for what
            the file says, if anything, such as the node attribute ``bipartite``, which False ignores.
        standardize: See :meth:`~spherical_gae.data.feature_preparation.FeaturePreparation.fit`.
        header: Whether the first line of delimited text names the columns; None to find out.
        delimiter: What separates cells, ``" "`` for any number of blanks; None to find out.
        comment: What a line of comment begins with, ``""`` for no comments; None for ``#`` or ``%`` at the head.

    Returns:
        See ``clean_graph``.  ``name`` is the file's name without its suffix; ``report`` a
        :class:`~spherical_gae.data.readers.report.ReadReport`, to be printed; ``reading`` how the file was read, a
        :class:`~spherical_gae.data.readers.later.FileReading`, for later files; and where the graph has them
        ``edge_time``, ``side`` (0 or 1 for each node of a bipartite graph), ``label_names`` (what the numbers in ``y``
        stand for) and ``feature_preparation``, by which nodes that come later get features likewise.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If a suffix is unknown, a file is not what its suffix says, it cannot be told how to read it, or
            as ``clean_graph``; the message names the file and what to do.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "friends.csv")
        >>> _ = path.write_text("from,to,since\namy,bob,2001\nbob,cid,2003\namy,bob,2002\n")
        >>> data = read_graph(path)
        >>> print(data.report)
        friends.csv: text, cells divided by commas.
        3 nodes, 2 links.
        1 edge repeats another one: merged.
        The first line is a header: from, to, since.
        Column used as source: 'from'.
        Column used as target: 'to'.
        Column left out: 'since', it is not named; to use it, name it: weight= or time= (--weight or --time).
        Features: none; the nodes get some by default.
    """
    chosen = node_attributes if isinstance(node_attributes, str) else tuple(node_attributes)
    told = (source, target, weight, time, chosen, labels, directed, bipartite, standardize, header, delimiter, comment)
    return read_as_told(path, features, ReadingOptions(*told))


def read_as_told(
    path: str | Path,
    features: str | Path | None,
    told: ReadingOptions,
    *,
    preparation: FeaturePreparation | None = None,
    known: Container[str] = (),
    prefixes: tuple[str, str] | None = None,
) -> Data:
    """As :func:`read_graph`, of a first file or of a later one.

    Args:
        path: The file.
        features: A file of features.
        told: The other arguments of ``read_graph``.
        preparation: What makes features of the nodes' attributes, as it was learned from an earlier file; None to learn
            it from this one.
        known: Nodes, as text, that have features already; with ``preparation`` they get none here.
        prefixes: What was put before the ids of an earlier file, see ``read_edge_list``.
    """
    path = Path(path)
    _check_files(path, features)
    options = {"header": told.header, "delimiter": told.delimiter, "comment": told.comment}
    raw = _read_links(path, told, prefixes, options, has_table=features is not None and suffix_of(features) in TABLES)
    if told.directed and raw.is_directed is False:
        raise ValueError(
            f"directed: given True for {path.name}, which says that its links have no direction; allowed: False"
        )
    raw.is_one_kind = told.bipartite is False
    if features is not None:
        nodes = {str(node) for node in (raw.node_ids if raw.node_ids is not None else range(raw.num_nodes))}
        texts = {told.labels, *(() if preparation is None else preparation.categories)}
        given = read_features(Path(features), nodes, **options, texts=texts)  # type: ignore[arg-type]
        raw.x, raw.report.notes = None, raw.report.notes + given.notes
        if raw.side is None and raw.attributes is not None:
            raw.side = sides_by_attribute(raw, raw.attributes)
        with _naming(Path(features)):
            join_features(raw, given, numbered=suffix_of(path) in TABLES)
    with _naming(path):
        _check_number_of_nodes(raw)
        data = _as_data(raw)
    with _naming(path if features is None else Path(features)):
        if preparation is None:
            take_attributes(
                raw, data, told.node_attributes, told.labels, told.standardize, own_file=features is not None
            )
        else:
            take_prepared(raw, data, preparation, known)
    data.name = stem_of(path)
    with _naming(path):
        clean, merged = clean_counted(data, directed=told.directed)
    for name in ("label_names", "feature_preparation"):
        if data.get(name) is not None:
            clean[name] = data[name]
    _fill_in(raw.report, clean, merged, told.directed)
    _add_warnings(raw, clean, merged.num_reciprocal)
    clean.report = raw.report
    header = None if raw.report.header is None else tuple(raw.report.header)
    clean.reading = FileReading(told, header, raw.prefixes, raw.places)
    return clean


def _read_links(
    path: Path,
    told: ReadingOptions,
    prefixes: tuple[str, str] | None,
    options: dict[str, bool | str | None],
    *,
    has_table: bool,
) -> RawGraph:
    columns = EdgeColumns(told.source, told.target, told.weight, told.time)
    suffix, has_ends = suffix_of(path), told.source is not None or told.target is not None
    if suffix in DELIMITED and first_line(path, told.comment).endswith(b"}") and not has_ends:
        # Its form is its own, without a header. A table of features takes header and delimiter.
        _refuse_options(path, told, ("bipartite",) if has_table else ("bipartite", "header"))
        delimiter = None if has_table else told.delimiter
        return read_dict_edges(path, told.weight, told.time, delimiter=delimiter, comment=told.comment)
    if suffix in TABLES:
        return read_edge_list(path, columns, bipartite=told.bipartite, prefixes=prefixes, **options)  # type: ignore[arg-type]
    # A table of features takes the options of text.
    _refuse_options(path, told, ("bipartite",) if has_table else ("bipartite", "header", "delimiter", "comment"))
    return _read_other(path, suffix, columns)


def _refuse_options(path: Path, told: ReadingOptions, names: Sequence[str]) -> None:
    """Options of tables do nothing elsewhere, and may not seem to."""
    for name in names:
        value = getattr(told, name)
        if value not in (None, False):
            hint = "; a node attribute of that name tells the sides" if name == "bipartite" else ""
            raise ValueError(f"{name}: given {value!r} for {path.name}, allowed: for tables of cells only{hint}")


def _fill_in(report: ReadReport, clean: Data, merged: MergedEdges, directed: bool) -> None:
    """The numbers of a report."""
    report.num_nodes, report.directed = clean.num_nodes, directed
    report.num_links = clean.num_edges // (1 if directed else 2)
    linked = torch.zeros(clean.num_nodes, dtype=torch.bool)
    for ends in clean.edge_index if directed else clean.edge_index[:1]:
        linked[ends] = True
    report.num_isolated = clean.num_nodes - int(linked.sum())
    report.num_repeats, report.num_self_loops = merged.num_repeats, merged.num_self_loops
    report.num_reciprocal = 0 if directed else merged.num_reciprocal


def _check_files(path: Path, features: str | Path | None) -> None:
    if suffix_of(path) not in GRAPH_SUFFIXES:
        raise ValueError(
            f"path: given {path.name!r}, allowed: a file {', '.join(GRAPH_SUFFIXES)}, packed as .gz or not. What "
            "networkx, pandas or SciPy can read, from_networkx, from_pandas_edgelist of networkx, or from_scipy take"
        )
    if features is not None and suffix_of(features) not in FEATURE_SUFFIXES:
        raise ValueError(f"features: given {Path(features).name!r}, allowed: a file {', '.join(FEATURE_SUFFIXES)}")
    for file in (path, features):
        if file is not None and not Path(file).is_file():
            raise FileNotFoundError(f"{file} is no file")


def _read_other(path: Path, suffix: str, columns: EdgeColumns) -> RawGraph:
    if columns.source is not None or columns.target is not None:
        raise ValueError(f"source, target: given for {path.name}, allowed: for tables only, {', '.join(TABLES)}")
    if suffix in (".npz", ".npy", ".mtx"):
        if columns.time is not None or columns.weight not in ("auto", "none"):
            raise ValueError(f"weight, time: given a name for {path.name}, whose values have no names")
        raw = read_arrays(path)
        if columns.weight == "none":
            raw.edge_weight = None
        return raw
    reader = read_json if suffix == ".json" else read_networkx
    return reader(path, columns.weight, columns.time)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors in a block name the file."""
    try:
        yield
    except (ValueError, OverflowError, MemoryError) as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path}: {error or type(error).__name__}") from error


def _check_number_of_nodes(raw: RawGraph) -> None:
    """A wrong number in a file of a few bytes shall not cost all memory."""
    if raw.counted_only and raw.x is None and raw.num_nodes > max(_FEW_NODES, 20 * raw.edge_index.shape[1]):
        raise ValueError(
            f"given {raw.num_nodes:,} nodes and {raw.edge_index.shape[1]:,} edges, so that most nodes have no link, "
            f"allowed: at most {_FEW_NODES:,} nodes, or 20 for each edge; or features for all of them"
        )


def _as_data(raw: RawGraph) -> Data:
    data = Data(edge_index=torch.from_numpy(np.ascontiguousarray(raw.edge_index)), num_nodes=raw.num_nodes)
    if raw.node_ids is not None:
        data.node_ids = raw.node_ids
    for name in ("edge_weight", "edge_time", "y", "side"):
        values = getattr(raw, name)
        if values is not None:
            # Arrays of Arrow's are not writable.
            data[name] = torch.from_numpy(np.require(values, requirements=["C", "W"]))
    return data


def _add_warnings(raw: RawGraph, clean: Data, num_reciprocal: int) -> None:
    report = raw.report
    if report.num_repeats and clean.edge_weight is not None and clean.get("edge_time") is not None:
        report.warnings.append(
            "the weights of a link that occurs at several times are summed, those after its first time too: split by "
            "time, training sees something of what comes later. To avoid it, leave the weights out: weight='none' "
            "(--weight none)"
        )
    if not report.directed:
        if raw.is_directed:
            report.notes.append(
                "The file says that edges have a direction: directions were dropped. To keep them: directed."
            )
        elif raw.is_directed is None and 0.02 < num_reciprocal / report.num_links < 0.98:
            report.warnings.append(
                f"{num_reciprocal / report.num_links:.0%} of the links are given in both directions, the others in "
                "one: the graph may be directed, and directions were dropped. To keep them: directed"
            )
    if clean.edge_weight is not None and float(clean.edge_weight.max()) > _LARGE_WEIGHT:
        report.warnings.append(
            f"weights reach {float(clean.edge_weight.max()):.3g}: the node itself, of weight 1, is hardly seen beside "
            "its neighbours. If they are no weights, leave them out: weight='none'"
        )
    if report.num_nodes > 4 and report.num_isolated >= report.num_nodes - 2:
        report.warnings.append("all nodes but two have no link: are source and target the right columns?")
