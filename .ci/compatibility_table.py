"""Writes the row of a compatibility run: compatibility_table.py WORK DOCS CONSTRAINTS, called by .ci/compatibility."""

from __future__ import annotations

import json
import platform
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

HEADER = """# Versions that were tested

The whole test suite, and the README's first command, each in a fresh environment. A row is made by
`bash .ci/compatibility PYTHON TORCH PYG CONSTRAINTS`; the other versions are those of CONSTRAINTS.
Figures are those of the date: of the commits since, the first command gives 98.5, 98.3.

| Python | torch | torch-geometric | NumPy | SciPy | constraints | date | passed | failed | skipped | S-VGAE: AUC, AP |
|---|---|---|---|---|---|---|---|---|---|---|
"""
OTHERS = ("numpy", "scipy", "scikit-learn", "networkx", "matplotlib", "typer", "pytest")


def made_row(work: Path, constraints: str) -> dict[str, Any]:
    """What ran in this environment: versions, counts of the test report, the table of the first command."""
    suite = ElementTree.parse(work / "report.xml").getroot().find("testsuite")
    assert suite is not None
    total, skipped, failures, errors = (int(suite.attrib[n]) for n in ("tests", "skipped", "failures", "errors"))
    return {
        "python": platform.python_version(),
        "torch": version("torch"),
        "torch-geometric": version("torch-geometric"),
        "constraints": constraints,
        "others": {name: version(name) for name in OTHERS},
        "date": date.today().isoformat(),
        "passed": total - skipped - failures - errors,
        "failed": failures + errors,
        "skipped": skipped,
        "first_command": (work / "table.txt").read_text().split("\n\n")[0].splitlines(),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = []
    for row in rows:
        (scores,) = (line.split()[1:] for line in row["first_command"] if line.startswith("s-vgae"))
        cells = [row["python"], row["torch"], row["torch-geometric"], row["others"]["numpy"], row["others"]["scipy"]]
        cells += [f"`{row['constraints']}`", row["date"], row["passed"], row["failed"], row["skipped"]]
        lines.append("| " + " | ".join(map(str, [*cells, ", ".join(scores)])) + " |\n")
    # A row may be given a note by hand: why something failed.
    notes = [f"- torch {row['torch']}: {row['note']}\n" for row in rows if "note" in row]
    return HEADER + "".join(lines) + ("\n" + "".join(notes) if notes else "")


def main(work: Path, docs: Path, constraints: str) -> None:
    """Replaces the row of the same versions, or adds one."""
    path = docs / "compatibility.json"
    row = made_row(work, constraints)
    rows = json.loads(path.read_text()) if path.exists() else []
    rows = [other for other in rows if any(other[name] != row[name] for name in ("torch", "torch-geometric"))] + [row]
    rows.sort(key=lambda row: [int(part) for part in row["torch"].partition("+")[0].split(".")])
    path.write_text(json.dumps(rows, indent=2) + "\n")
    path.with_suffix(".md").write_text(table(rows))
    print(table([row]).splitlines()[-1])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
