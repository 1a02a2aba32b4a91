"""Download of single Planetoid files, verified before they get their name."""

from __future__ import annotations

from pathlib import Path

import pooch

from spherical_gae.data.checksums import PLANETOID_SHA256, is_intact

PLANETOID_URL = "https://github.com/kimiyoung/planetoid/raw/master/data/"
"""Where the raw Planetoid files are published."""


def download_file(name: str, folder: str | Path) -> bool:
    """Make sure that a folder holds one Planetoid file, downloading it if needed.

    An intact file stays as it is, so that an interrupted fetch resumes; a damaged one is replaced.
    The download goes to a temporary file, which gets its name only when its SHA-256 sum is right.

    Args:
        name: File name, a key of :data:`~spherical_gae.data.checksums.PLANETOID_SHA256`.
        folder: Where the file shall be; created if missing.

    Returns:
        True if the file was downloaded, False if it was there already.

    Raises:
        OSError: The download failed (no network, no such page, nothing can be written) or brought
            other contents; the message gives the address, the folder and the cause.
    """
    folder = Path(folder)
    if is_intact(folder / name):
        return False
    url = PLANETOID_URL + name
    try:
        pooch.retrieve(
            url,
            known_hash=f"sha256:{PLANETOID_SHA256[name]}",
            fname=name,
            path=folder,
            progressbar=True,
        )
    # requests reports every network problem as an OSError, pooch a wrong sum as a ValueError.
    except (OSError, ValueError) as error:
        raise OSError(f"could not fetch {url} into {folder}: {error}") from error
    return True
