"""What the clusterings share of scikit-learn's conventions: checked settings, and the names of columns."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.base import BaseEstimator

try:
    from sklearn.utils.validation import _check_feature_names
except ImportError:  # a method of estimators before scikit-learn 1.6

    def _check_feature_names(estimator: BaseEstimator, x: Any, *, reset: bool) -> None:
        estimator._check_feature_names(x, reset=reset)


def check_count(name: str, value: Any, rows: int | None = None) -> None:
    """Refuses what is not an integer of at least 1, and of at most ``rows`` if that is given.

    Raises:
        ValueError: As said, with the setting's name.
    """
    if not (isinstance(value, Integral) and int(value) >= 1 and (rows is None or int(value) <= rows)):
        allowed = "of at least 1" if rows is None else f"from 1 to the number of rows, {rows}"
        raise ValueError(f"{name} must be an integer {allowed}, got {value!r}")


def check_tolerance(value: Any) -> None:
    """Refuses what is not a number of at least 0.

    Raises:
        ValueError: As said, with the name ``tol``.
    """
    if not (isinstance(value, Real) and float(value) >= 0):
        raise ValueError(f"tol must be a number, 0 or more, got {value!r}")


def remember_columns(estimator: BaseEstimator, x: Any) -> None:
    """Sets ``feature_names_in_`` where the columns have names that are strings, and removes it elsewhere.

    Raises:
        TypeError: If some names of columns are strings and others are not.
    """
    _check_feature_names(estimator, x, reset=True)


def check_columns(estimator: BaseEstimator, x: Any) -> None:
    """Warns if only one of the training rows and ``x`` has named columns.

    Raises:
        ValueError: If the names differ, or their order does.
    """
    _check_feature_names(estimator, x, reset=False)
