"""Columns of a table as node features: numbers in scale, categories, missing values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from torch import Tensor

if TYPE_CHECKING:
    from typing_extensions import Self

IN_SCALE = 10.0
"""Features up to this size are taken as they are; standardized ones are cut there, in standard deviations."""
MAX_CATEGORIES = 50
"""A column of text with more different values is no category."""


@dataclass
class FeaturePreparation:
    """What makes features of a table; learned once, and the same for nodes that come later.

    The features of a node are, in this order: the numbers, (value - mean) / scale, a missing one as the mean; for every
    column of numbers that lacks some, 1 where it is missing; for every category 1 for the value that the node has.  A
    value that :meth:`fit` has not seen is none of them.

    Attributes:
        numbers: Columns of numbers.
        mean: What is subtracted, one for each of them.
        scale: What they are divided by.
        limit: Where they are cut afterwards, one for each; infinity for never.
        incomplete: Columns of numbers that lack some values.
        fill: The value that a missing one is replaced by, one for each column of numbers.
        categories: Column of text -> its different values, in order.

    Example:
        >>> people = pd.DataFrame({"age": [20.0, None, 60.0], "town": ["Ulm", "Bonn", "Ulm"]})
        >>> preparation = FeaturePreparation.fit(people)
        >>> preparation.feature_names
        ['age', 'age is missing', 'town=Bonn', 'town=Ulm']
        >>> preparation.transform(people)[1].tolist()
        [0.0, 1.0, 1.0, 0.0]
    """

    numbers: list[str] = field(default_factory=list)
    mean: list[float] = field(default_factory=list)
    scale: list[float] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    fill: list[float] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    categories: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def fit(cls, table: pd.DataFrame, standardize: bool | Literal["auto"] = "auto") -> Self:
        """Learns how to make features of a table.

        Args:
            table: One row a node.  Columns of numbers or booleans may have NaN or None for a missing value; all others
                are categories, of at most 50 different values.
            standardize: Which columns of numbers get the mean 0 and the standard deviation 1, and are cut at 10
                standard deviations: True for all but those of zeros and ones, False for none, ``"auto"`` for those with
                a value beyond -10 or 10.  Of those, a column that is mostly 0 and never negative, as counts are, is
                divided by its maximum instead.

        Raises:
            ValueError: If there is no column, two have the same name as text, a number is infinite or beyond float32,
                or a column has more than 50 different texts.
        """
        if standardize not in (True, False, "auto"):
            raise ValueError(f"standardize: given {standardize!r}, allowed: True, False or 'auto'")
        if not table.shape[1] or not len(table):
            raise ValueError(
                f"features: given a table of shape {list(table.shape)}, allowed: at least one row and column"
            )
        table, made = _with_names_of_text(table), cls()
        made.numbers = [name for name in table.columns if _is_numeric(table[name])]
        for name in table.columns:
            if name not in made.numbers:
                made.categories[name] = _categories(name, table[name])
        if not made.numbers:
            return made
        values = _as_floats(table[made.numbers])
        too_large = np.abs(values) > np.finfo(np.float32).max
        if too_large.any():
            row, column = np.argwhere(too_large)[0]
            raise ValueError(
                f"features: given {values[row, column]} as {made.numbers[column]!r} of node {table.index[row]!r}, "
                "allowed: finite float32 numbers"
            )
        missing = np.isnan(values)
        if missing.all(0).any():
            empty = made.numbers[int(missing.all(0).argmax())]
            raise ValueError(f"features: given the column {empty!r} without a value, allowed: numbers")
        made.incomplete = [made.numbers[column] for column in np.flatnonzero(missing.any(0))]
        filled = np.where(missing, 0, values)
        counts = np.maximum((~missing).sum(0), 1)
        mean = filled.sum(0) / counts
        deviation = np.sqrt((np.where(missing, 0, filled - mean) ** 2).sum(0) / counts)
        largest = np.abs(filled).max(0)
        two_valued = np.isin(filled, (0, 1)).all(0)
        chosen = ~two_valued if standardize is True else (largest > IN_SCALE) & (standardize == "auto")
        mostly_zero = (values == 0).sum(0) > 0.5 * counts
        counted = chosen & (filled.min(0) >= 0) & mostly_zero & (standardize == "auto")
        made.fill = mean.tolist()
        made.mean = np.where(chosen & ~counted, mean, 0.0).tolist()
        deviation = np.where(deviation > 0, deviation, 1.0)
        made.scale = np.where(chosen, np.where(counted, largest, deviation), 1.0).tolist()
        made.limit = np.where(chosen, IN_SCALE, np.inf).tolist()
        return made

    @property
    def feature_names(self) -> list[str]:
        """What each feature is, F names."""
        return [
            *self.numbers,
            *(f"{name} is missing" for name in self.incomplete),
            *(f"{name}={value}" for name, values in self.categories.items() for value in values),
        ]

    @property
    def scaled(self) -> list[str]:
        """The columns of numbers that are not taken as they are."""
        return [name for name, limit in zip(self.numbers, self.limit, strict=True) if np.isfinite(limit)]

    def transform(self, table: pd.DataFrame) -> Tensor:
        """Features of the nodes of a table, float32 [N, F].

        Args:
            table: The columns that :meth:`fit` saw, in any order; others are ignored.

        Raises:
            ValueError: If a column is missing, or one of numbers holds anything else or an infinite one.
        """
        table = _with_names_of_text(table)
        lacking = [name for name in (*self.numbers, *self.categories) if name not in table.columns]
        if lacking:
            raise ValueError(
                f"features: given a table without {', '.join(map(repr, lacking))}, allowed: one with all columns"
            )
        for name in self.numbers:
            if not _is_numeric(table[name]) and table[name].notna().any():
                raise ValueError(f"features: given text in the column {name!r}, allowed: numbers")
        text = {name: _as_text(table[name]) for name in self.categories}
        used = pd.concat([table[self.numbers], pd.DataFrame(text, index=table.index)], axis=1)
        self._refuse_infinite(table)
        values = np.asarray(self._transformer().fit_transform(used), dtype=np.float64)
        with np.errstate(over="ignore"):
            features = torch.from_numpy(values.astype(np.float32))
        if not bool(features.isfinite().all()):
            row, column = torch.nonzero(~features.isfinite())[0].tolist()
            raise ValueError(
                f"features: given {values[row, column]} as {self.feature_names[column]!r} of node "
                f"{table.index[row]!r}, allowed: finite float32 numbers"
            )
        return features

    def _refuse_infinite(self, table: pd.DataFrame) -> None:
        """Numbers that are cut would hide it."""
        infinite = np.isinf(_as_floats(table[self.numbers]))
        if infinite.any():
            row, column = np.argwhere(infinite)[0]
            raise ValueError(
                f"features: given an infinite number as {self.numbers[column]!r} of node {table.index[row]!r}, "
                "allowed: finite float32 numbers"
            )

    def num_cut(self, table: pd.DataFrame) -> int:
        """How many numbers of a table are cut at the limit."""
        values = (_as_floats(table[self.numbers]) - self.mean) / self.scale
        return int((np.abs(np.nan_to_num(values)) > np.array(self.limit)).sum())

    def unknown_categories(self, table: pd.DataFrame) -> dict[str, list[str]]:
        """The values of each column of text that :meth:`fit` did not see: no feature stands for them."""
        given = {name: set(_as_text(table[name])) - {"", *known} for name, known in self.categories.items()}
        return {name: sorted(values) for name, values in given.items() if values}

    def _transformer(self) -> ColumnTransformer:
        """All that was learned is a parameter of it: its own ``fit`` learns nothing more."""
        learned = {name: np.array(getattr(self, name)) for name in ("mean", "scale", "limit", "fill")}
        known = [np.array(values, dtype=object) for values in self.categories.values()]
        return ColumnTransformer(
            [
                ("numbers", FunctionTransformer(_standardized, kw_args=learned), self.numbers),
                ("missing", FunctionTransformer(_missing), self.incomplete),
                (
                    "categories",
                    OneHotEncoder(categories=known, handle_unknown="ignore", sparse_output=False),
                    [*self.categories],
                ),
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "limit": [None if np.isinf(value) else value for value in self.limit]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`."""
        return cls(**{**values, "limit": [np.inf if value is None else value for value in values["limit"]]})

    def save(self, path: str | Path) -> None:
        """Writes it as JSON."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads what :meth:`save` wrote.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it holds something else.
        """
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{path}: not a saved FeaturePreparation: {error!r}") from error


def _is_numeric(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column)) and not pd.api.types.is_complex_dtype(column)


def _as_floats(table: pd.DataFrame) -> NDArray[np.float64]:
    return table.to_numpy(dtype=np.float64, na_value=np.nan)


def _as_text(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), None).map(lambda value: "" if value is None else str(value))


def _categories(name: str, column: pd.Series) -> list[str]:
    different = sorted(set(_as_text(column)) - {""})
    if not 1 <= len(different) <= MAX_CATEGORIES:
        raise ValueError(
            f"features: given {len(different)} different texts in the column {name!r}, allowed: numbers, or 1 to "
            f"{MAX_CATEGORIES} categories"
        )
    return different


def _standardized(
    table: pd.DataFrame, mean: Sequence[float], scale: Sequence[float], limit: Sequence[float], fill: Sequence[float]
) -> NDArray[np.float64]:
    values = _as_floats(table)
    values = np.where(np.isnan(values), np.broadcast_to(fill, values.shape), values)
    return np.clip((values - np.asarray(mean)) / np.asarray(scale), -np.asarray(limit), np.asarray(limit))


def _missing(table: pd.DataFrame) -> NDArray[np.float64]:
    return table.isna().to_numpy(dtype=np.float64)


def _with_names_of_text(table: pd.DataFrame) -> pd.DataFrame:
    """scikit-learn takes names that are numbers for places."""
    names = [str(name) for name in table.columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"features: given the column {twice!r} twice, allowed: names that differ as text")
    return table.set_axis(names, axis=1)
