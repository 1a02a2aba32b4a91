from datetime import datetime, timedelta, timezone
from importlib import metadata

import torch

from spherical_gae.experiments.provenance import provenance


def test_date_is_now_and_versions_are_those_installed() -> None:
    made = provenance()
    assert abs(datetime.now(timezone.utc) - datetime.fromisoformat(made["date"])) < timedelta(minutes=1)
    assert made["versions"]["torch"] == metadata.version("torch")
    # Wheels of the index lack the build's name, which torch itself has.
    assert str(torch.__version__).startswith(made["versions"]["torch"])
    assert made["versions"]["spherical-gae"] == metadata.version("spherical-gae")
