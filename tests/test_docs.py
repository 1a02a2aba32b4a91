"""What the documents name is there, and the README's Python runs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("*/**/*.md")] if ".venv" not in path.parts)
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


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One block after the other, as a reader would paste them; figures are looked at elsewhere."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) > 5
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)


GUIDES = [
    path
    for path in PAGES
    if path.parent.name == "guide" and path.stem in ("clustering", "distributions", "embeddings", "kinds_of_graph")
]


@pytest.mark.parametrize("page", GUIDES, ids=[path.stem for path in GUIDES])
def test_python_of_a_guide_runs(page: Path) -> None:
    """One block after the other."""
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page.name, "exec"), names)
