"""What a link prediction experiment runs, as its ``config.json`` says it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from spherical_gae.data.readers.options import ReadingOptions
from spherical_gae.experiments.presets import Preset


@dataclass(frozen=True)
class ExperimentConfig:
    """What is run: saved as ``config.json``.

    Attributes:
        dataset: Name for ``load_graph``, or path for ``read_graph``.
        preset_name: Where the settings came from.
        preset: The settings, with all changes applied.
        seeds: One split and one training run of each method for every seed.
        features: Path of a file of features, None for none.
        dataset_sha256: Checksum of the graph's file, None for a name.
        features_sha256: Checksum of the file of features, None for none.
        reading: How the files are read.

    Raises:
        ValueError: If there is no seed, one twice, or a negative one.

    Example:
        >>> from spherical_gae.experiments import load_preset
        >>> config = ExperimentConfig("digits", "frontier", load_preset("frontier", "digits"), seeds=(0, 1))
        >>> ExperimentConfig.from_dict(config.to_dict()) == config
        True
    """

    dataset: str
    preset_name: str
    preset: Preset
    seeds: tuple[int, ...]
    features: str | None = None
    dataset_sha256: str | None = None
    features_sha256: str | None = None
    reading: ReadingOptions = field(default_factory=ReadingOptions)

    def __post_init__(self) -> None:
        seeds = tuple(self.seeds)
        if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
            raise ValueError(f"seeds must be at least one, all different, none negative, got {seeds}")
        object.__setattr__(self, "seeds", seeds)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        plain = {"preset": self.preset.to_dict(), "seeds": list(self.seeds), "reading": self.reading.to_dict()}
        return {**asdict(self), **plain}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ExperimentConfig:
        """The inverse of ``to_dict``."""
        return cls(
            values["dataset"],
            values["preset_name"],
            Preset(**values["preset"]),
            tuple(values["seeds"]),
            # Runs from before there were files of one's own do not have these.
            features=values.get("features"),
            dataset_sha256=values.get("dataset_sha256"),
            features_sha256=values.get("features_sha256"),
            reading=ReadingOptions.from_dict(values.get("reading", {})),
        )

    @property
    def title(self) -> str:
        """The name of the data set: a file's without folder and suffix."""
        return Path(self.dataset).stem
