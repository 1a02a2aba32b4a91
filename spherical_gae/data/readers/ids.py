"""Node ids: exact, in order, and numbered."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from spherical_gae.data.readers.cells import is_text

# As Python writes them, and of at most 18 digits: 007 is a string, lest it be confused with 7.
INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_LONG_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")
_WITH_ZERO_FRACTION = re.compile(r"(0|-?[1-9][0-9]{0,14})(\.0+)?")
_OF_ROUNDED = "ids are written like 1.5e+17: a program has rounded them, so that different nodes may look like one"
_ROUNDED = re.compile(r"-?\d\.\d+[eE]\+?\d+")


class NumberedIds(NamedTuple):
    """The different ids of some columns.

    Attributes:
        ids: Sorted: int if all are integers, else str.
        codes: For each column the place of each of its ids in ``ids``, int64 [columns, rows].
        notes: What the report shall say.
        warnings: What it shall warn of.
    """

    ids: list[int] | list[str]
    codes: NDArray[np.int64]
    notes: list[str]
    warnings: list[str]


def typed_ids(texts: list[str]) -> list[int] | list[str]:
    """Ids as int if all are integers of 64 bits, else as they are."""
    if not all(map(_LONG_INTEGER.fullmatch, texts)):
        return texts
    numbers = [int(text) for text in texts]
    return numbers if all(-(2**63) <= number < 2**63 for number in numbers) else texts


def number_ids(columns: list[pa.ChunkedArray]) -> NumberedIds:
    """Numbers the ids of columns, without nulls and without empty strings.

    Ids are any text, which is never changed: if all are integers as Python writes them, they become int and are sorted
    by value; else they are sorted as text.  One exception: where all are integers but some have the fraction .0, as
    pandas writes integers beside a missing value, the fraction is cut off.

    Args:
        columns: Arrow arrays of equal length, of strings, integers or floating point numbers.

    Returns:
        See :class:`NumberedIds`.
    """
    integers = [_as_integers(column) for column in columns]
    if all(values is not None for values in integers):
        ids, codes = _numbered_integers(_joined(integers))
        is_rounded = any(pa.types.is_floating(column.type) for column in columns) and bool((np.abs(ids) >= 2**53).any())
        return NumberedIds(ids.tolist(), codes.reshape(len(columns), -1), [], [_OF_ROUNDED] if is_rounded else [])
    texts = pa.chunked_array([chunk for column in columns for chunk in _as_text(column).chunks], pa.string())
    encoded = texts.dictionary_encode().unify_dictionaries()
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in encoded.chunks]).astype(np.int64)
    different = encoded.chunk(0).dictionary
    cells = different.to_pylist()
    fractions = [_WITH_ZERO_FRACTION.fullmatch(cell) for cell in cells]
    if all(fractions):
        values = np.array([int(match[1]) for match in fractions if match])
        numbers, places = np.unique(values, return_inverse=True)
        note = "Ids such as 4.0 are integers beside a missing value: read as 4."
        return NumberedIds(numbers.tolist(), places.reshape(-1)[codes].reshape(len(columns), -1), [note], [])
    order = pc.sort_indices(different).to_numpy()
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    warnings = similar_ids(different)
    if any(map(_ROUNDED.fullmatch, cells)):
        warnings.append(_OF_ROUNDED)
    return NumberedIds([cells[k] for k in order], place[codes].reshape(len(columns), -1), [], warnings)


def similar_ids(ids: pa.Array) -> list[str]:
    """Warnings of different ids that may be meant to be one: by case, by zeros in front, by their Unicode form."""
    forms = {
        "case only": lambda ids: pc.utf8_lower(ids),
        "zeros in front only": lambda ids: pc.if_else(
            pc.match_substring_regex(ids, r"^0+\d+$"), pc.utf8_ltrim(ids, characters="0"), ids
        ),
        "their Unicode form only": lambda ids: pc.utf8_normalize(ids, "NFKC"),
    }
    found = []
    for what, form in forms.items():
        changed = form(ids)
        numbers = changed.dictionary_encode().indices.to_numpy()
        repeated = np.flatnonzero(pd.Series(numbers).duplicated())
        if repeated.size:
            second = int(repeated[0])
            first = int(np.flatnonzero(numbers == numbers[second])[0])
            pair = f"{ids[first].as_py()!r} and {ids[second].as_py()!r}"
            found.append(f"ids differ by {what}, such as {pair} ({repeated.size:,} like it): they are different nodes")
    return found


def _as_integers(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The values of a column if all are integers as Python writes them."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:
            return None
    if not is_text(column.type):
        return None
    try:
        values = column.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    return None if any(_has_other_numerals(chunk) for chunk in column.chunks) else values


def _joined(columns: list[pa.ChunkedArray]) -> NDArray[np.int64]:
    """One column after the other, in memory of its own."""
    values = np.empty(sum(map(len, columns)), dtype=np.int64)
    start = 0
    for chunk in (chunk for column in columns for chunk in column.chunks):
        values[start : start + len(chunk)] = chunk.to_numpy()
        start += len(chunk)
    return values


def _has_other_numerals(chunk: pa.Array) -> bool:
    """Whether a text that is an integer is not written as Python does: +1, 007, -0."""
    if not len(chunk):
        return False
    offset_type = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
    offsets = np.frombuffer(chunk.buffers()[1], offset_type, len(chunk) + 1, chunk.offset * offset_type().itemsize)
    letters = np.frombuffer(chunk.buffers()[2], np.uint8)
    first, length = letters[offsets[:-1]], np.diff(offsets)
    zero = (first == ord("0")) & (length > 1)
    signed = np.flatnonzero(first == ord("-"))
    return bool(zero.any() or (first == ord("+")).any() or (letters[offsets[signed] + 1] == ord("0")).any())


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_floating(column.type):
        # As Python writes them, so that 4.0 and 4 are told to be one above.
        return pa.chunked_array([pa.array([str(value) for value in column.to_pylist()], pa.string())])
    return column.cast(pa.string())


def _numbered_integers(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Different values in order, and the place of each value among them; the values are overwritten."""
    low, high = int(values.min()), int(values.max())
    if high - low <= 4 * values.size:
        values -= low
        there = np.zeros(high - low + 1, dtype=bool)
        there[values] = True
        if there.all():
            return np.arange(low, high + 1), values
        place = np.cumsum(there, dtype=np.int64) - 1
        return np.flatnonzero(there) + low, place[values]
    codes, different = pd.factorize(values)
    order = np.argsort(different)
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.arange(order.size)
    return different[order], place[codes]
