"""Run folders to compare, for the tests of several files."""

import json
from pathlib import Path


def contents(folder: Path) -> dict[str, bytes]:
    """All files but temporary ones, whose names start with a dot; ``config.json`` without the date and the versions."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    found = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    config = found.get("config.json")
    if config is not None and config.startswith(b"{") and b'"made"' in config:
        values = json.loads(config)
        assert set(values.pop("made")) == {"date", "python", "platform", "versions"}
        found["config.json"] = json.dumps(values, indent=2).encode()
    return found
