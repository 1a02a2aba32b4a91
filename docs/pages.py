"""Pages of the site that come from elsewhere: the API, tables of results, cards of data sets, the changelog."""

import importlib
import inspect
import os
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
ROOT = DOCS.parent

PACKAGES = {
    "core": "Distributions on the sphere",
    "data": "Data, splits, negatives, readers",
    "nn": "Encoders, decoders, heads, priors",
    "models": "Models",
    "training": "Training",
    "evaluation": "Evaluation",
    "embedding": "From a graph to embeddings",
    "cluster": "Clusters",
    "retrieval": "Search",
    "plotting": "Pictures",
    "experiments": "Presets and run folders",
}
"""Packages with public names, and what is in them."""

COPIED = {
    **{path: f"tables/{path.stem}" for path in sorted((ROOT / "benchmarks" / "results").glob("*.md"))},
    **{path: f"data/{path.stem}" for path in sorted((ROOT / "datasets").glob("*.md")) if path.stem != "README"},
    ROOT / "CHANGELOG.md": "changelog",
    ROOT / "CONTRIBUTING.md": "contributing",
}
"""File outside of docs -> name of the page that it is copied to."""


def write_pages() -> None:
    """Writes all of them, each only if it differs."""
    for path, page in COPIED.items():
        text = path.read_text()
        title = "" if text.startswith("# ") else f"# {path.stem.replace('_', ' ').capitalize()}\n\n"
        _write(DOCS / f"{page}.md", title + text)
    for package, title in PACKAGES.items():
        _write(DOCS / "api" / f"{package}.rst", _api_page(package, title))
    _write(DOCS / "api" / "index.rst", _api_index())


def link_rewriter(app: Any, page: str, source: list[str]) -> None:
    """Turns links of a Markdown page to files outside of docs: to the page that is a copy, or into the file's name."""
    if not (DOCS / f"{page}.md").is_file():
        return
    origin = next((path for path, copy in COPIED.items() if copy == page), DOCS / f"{page}.md").parent

    def turned(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        path = (origin / target).resolve()
        if path in COPIED:
            return f"[{text}](/{COPIED[path]}.md{anchor})"
        if DOCS in path.parents:
            return f"[{text}]({os.path.relpath(path, (DOCS / page).parent)}{anchor})"
        return f"{text} (`{os.path.relpath(path, ROOT)}`)"

    source[0] = re.sub(r"(?<!!)\[([^\]]*)\]\((?![a-z]+:|#|/)([^)#\s]+)(#[^)]*)?\)", turned, source[0])


def plain_docstring(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Escapes stars and bars of formulas, which reStructuredText would take for markup; code stays as it is."""
    in_code = False
    for number, line in enumerate(lines):
        in_code = line.lstrip().startswith((">>>", "...")) or (in_code and bool(line.strip()))
        if not in_code:
            # Every second part is between double backticks.
            parts = line.split("``")
            parts[::2] = [re.sub(r"(?<!\\)([*|])", r"\\\1", part) for part in parts[::2]]
            lines[number] = "``".join(parts)


def _api_page(package: str, title: str) -> str:
    module = importlib.import_module(f"spherical_gae.{package}")
    names = sorted((name for name in module.__all__ if not inspect.ismodule(getattr(module, name))), key=str.lower)
    lines = [title, "=" * len(title), "", f".. currentmodule:: {module.__name__}", "", inspect.getdoc(module) or "", ""]
    lines += [".. autosummary::", "", *(f"   {name}" for name in names), ""]
    for name in names:
        value = getattr(module, name)
        kind = "class" if inspect.isclass(value) else "function" if inspect.isroutine(value) else "data"
        lines += [name, "-" * len(name), "", f".. auto{kind}:: {name}", ""]
    return "\n".join(lines)


def _api_index() -> str:
    words = "Every public name, by package. The most used can be imported from ``spherical_gae`` itself."
    lines = ["API", "===", "", words, ""]
    lines += [".. toctree::", "   :maxdepth: 2", "", *(f"   {package}" for package in PACKAGES), ""]
    return "\n".join(lines)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
