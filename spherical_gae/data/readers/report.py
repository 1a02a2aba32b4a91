"""What a reader made of a file, in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class ReadReport:
    """What was read from a file, what was left out and why; ``print(report)`` says it in sentences.

    Attributes:
        file: Name of the file.
        format: What it was read as, such as ``"comma-separated text"``.
        num_nodes: Nodes N.
        num_links: Links between different nodes, each counted once; of a directed graph, those of either direction.
        num_isolated: Nodes without a link.
        num_repeats: Edges that repeat another one and were merged with it.
        num_self_loops: Edges from a node to itself, which were dropped.
        num_reciprocal: Pairs of nodes that were given in both directions and count as one link; 0 for a directed graph.
        directed: Whether the directions were kept.
        header: The names of a table's columns, None for a table without a header and for what is no table.
        columns_used: Role -> name of the column, for tables: ``source``, ``target``, ``weight``, ``time``.
        columns_left_out: Name of a column -> why it was not used.
        attributes_used: Names of the node attributes that became features.
        attributes_left_out: Name of a node attribute -> why it was not used.
        notes: What else is worth knowing.
        warnings: What is likely not wanted.
    """

    file: str
    format: str
    num_nodes: int = 0
    num_links: int = 0
    num_isolated: int = 0
    num_repeats: int = 0
    num_self_loops: int = 0
    num_reciprocal: int = 0
    directed: bool = False
    header: list[str] | None = None
    columns_used: dict[str, str] = field(default_factory=dict)
    columns_left_out: dict[str, str] = field(default_factory=dict)
    attributes_used: list[str] = field(default_factory=list)
    attributes_left_out: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """One sentence a line."""
        kind = "directed links" if self.directed else "links"
        lines = [f"{self.file}: {self.format}.", f"{self.num_nodes:,} nodes, {self.num_links:,} {kind}."]
        if self.num_isolated:
            lines.append(f"{_count(self.num_isolated, 'node has', 'nodes have')} no link.")
        if self.num_repeats:
            lines.append(f"{_count(self.num_repeats, 'edge repeats', 'edges repeat')} another one: merged.")
        if self.num_self_loops:
            lines.append(f"{_count(self.num_self_loops, 'self-loop', 'self-loops')}: dropped.")
        if self.num_reciprocal:
            lines.append(
                f"{_count(self.num_reciprocal, 'link is', 'links are')} given in both directions: counted once."
            )
        if self.header is not None:
            lines.append(f"The first line is a header: {', '.join(map(str, self.header))}.")
        lines += [f"Column used as {role}: {name}." for role, name in self.columns_used.items()]
        lines += [f"Column left out: {name}, {why}." for name, why in self.columns_left_out.items()]
        if self.attributes_used:
            lines.append(f"Features: {_some(self.attributes_used)}.")
        lines += [f"Attribute left out: {name}, {why}." for name, why in self.attributes_left_out.items()]
        return "\n".join([*lines, *self.notes, *(f"Warning: {text}" for text in self.warnings)])


def _count(number: int, singular: str, plural: str) -> str:
    return f"{number:,} {singular if number == 1 else plural}"


def _some(names: list[str], limit: int = 20) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
