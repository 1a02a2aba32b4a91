"""When and with what a run was made."""

from __future__ import annotations

import platform
from datetime import datetime, timezone
from importlib import metadata
from typing import Any

PACKAGES = ("spherical-gae", "torch", "torch-geometric", "numpy", "scipy", "scikit-learn")
"""Packages whose versions are recorded."""


def provenance() -> dict[str, Any]:
    """The time and the versions, for ``config.json``.

    Returns:
        ``date`` (UTC, to the second), ``python``, ``platform`` and ``versions`` (package -> version).
    """
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
    }
