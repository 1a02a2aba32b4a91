"""What the documents name is there, and their Python runs."""

import ast
import builtins
import re
import symtable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GENERATED = ("docs/api", "docs/data", "docs/examples", "docs/tables", "docs/changelog.md", "docs/contributing.md")
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*/**/*.md")]
    if ".venv" not in path.parts and not str(path.relative_to(ROOT)).startswith(GENERATED)
)
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
WITH_COMMANDS = sorted(
    [*PAGES, *(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "benchmarks" / "results").glob("*.json")]
)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s#]+)", page.read_text())
    broken = [name for name in targets if not re.match("[a-z]+:", name) and not (page.parent / name).exists()]
    assert not broken


def test_commands_beside_results_name_scripts_that_are_there() -> None:
    named = set()
    for path in WITH_COMMANDS:
        # The changelog tells what was, under the names of then.
        if path.name != "CHANGELOG.md":
            named.update(re.findall(r"\b(?:benchmarks|datasets)/[\w/-]+\.py\b", path.read_text()))
    assert len(named) > 15
    assert not [name for name in named if not (ROOT / name).is_file()]


def test_contributors_are_sent_to_files_that_are_there() -> None:
    missing = []
    for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines():
        folder = None
        for name in re.findall(r"`([\w./*-]+(?:\.py|\.pyi|\.json|/))`", line):
            if "your_" in name:
                continue
            # A name alone is in the folder of the one before it in the line, or one below.
            places = [ROOT, ROOT / "spherical_gae"] if folder is None or "/" in name else [folder, *folder.iterdir()]
            found = [path for place in places if place.is_dir() for path in place.glob(name.rstrip("/"))]
            if not found:
                missing.append(name)
            elif found[0].is_file() and len(found[0].relative_to(ROOT).parts) > 1:
                folder = found[0].parent
    assert not missing


def python_blocks(page: Path) -> list[str]:
    """What a reader would paste: blocks fenced as ``python``; those fenced as ``py`` need what is not there."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def names_needed(block: str) -> set[str]:
    """Global names that a block reads and does not bind itself."""
    table = symtable.symtable(block, "block", "exec")
    bound = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}

    def read(scope: symtable.SymbolTable) -> set[str]:
        inner = set().union(*(read(child) for child in scope.get_children()), set())
        own = {s.get_name() for s in scope.get_symbols() if s.is_referenced() and (scope is table or s.is_global())}
        return own | inner

    return read(table) - bound - set(dir(builtins))


WITH_PYTHON = [ROOT / "README.md", *(page for page in PAGES if page.parent.name == "guide" and python_blocks(page))]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("page", WITH_PYTHON, ids=[path.stem for path in WITH_PYTHON])
def test_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One block after the other, as a reader would paste them; figures are looked at elsewhere."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in python_blocks(page):
        exec(compile(block, page.name, "exec"), names)


@pytest.mark.parametrize("page", WITH_PYTHON, ids=[path.stem for path in WITH_PYTHON])
def test_a_block_needs_no_other_but_the_first_of_its_page(page: Path) -> None:
    first, *others = python_blocks(page)
    assert names_needed(first) == set()
    known = set(symtable.symtable(first, "first", "exec").get_identifiers())
    assert {block: names_needed(block) - known for block in others} == {block: set() for block in others}


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_pages_of_the_site_are_in_a_contents_list() -> None:
    """All of guide, results and notes by a pattern; those of the gallery by sphinx-gallery."""
    for folder in ("guide", "results", "notes"):
        assert "\n*\n```" in (ROOT / "docs" / folder / "index.md").read_text()
    examples = list((ROOT / "docs" / "gallery").glob("plot_*.py"))
    assert len(examples) >= 8
    assert all(ast.get_docstring(ast.parse(path.read_text())) for path in examples)
