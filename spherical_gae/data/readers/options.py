"""How a graph's file is to be read: what ``read_graph`` takes beside the files, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class ReadingOptions:
    """Arguments of :func:`~spherical_gae.data.readers.graph_files.read_graph`, which says what they mean.

    A run keeps them in its ``config.json``; an embedding in its manifest.

    Example:
        >>> options = ReadingOptions(source="from", node_attributes=("age", "town"))
        >>> ReadingOptions.from_dict(options.to_dict()) == options
        True
        >>> options.changed()
        ['source', 'node_attributes']
    """

    source: str | int | None = None
    target: str | int | None = None
    weight: str | int = "auto"
    time: str | int | None = None
    node_attributes: str | tuple[str, ...] = "auto"
    labels: str | None = None
    directed: bool = False
    bipartite: bool | None = None
    standardize: bool | Literal["auto"] = "auto"
    header: bool | None = None
    delimiter: str | None = None
    comment: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and for ``read_graph(path, **options.to_dict())``."""
        names = self.node_attributes
        return {**asdict(self), "node_attributes": names if isinstance(names, str) else list(names)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ReadingOptions:
        """The inverse of :meth:`to_dict`."""
        names = values.get("node_attributes", "auto")
        return cls(**{**values, "node_attributes": names if isinstance(names, str) else tuple(names)})

    def changed(self) -> list[str]:
        """The names of what differs from the defaults."""
        usual = ReadingOptions()
        return [name for name in asdict(self) if getattr(self, name) != getattr(usual, name)]
