from __future__ import annotations

import collections
import datetime
import json
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay.verifiers.sandbox.inside.plain_data import Encoder, Opaque, TooBig, Unreadable, array, decode

hashable = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
    | st.complex_numbers(allow_nan=False) | st.fractions() | st.decimals(allow_nan=False) | st.dates()
    | st.datetimes() | st.timedeltas(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
values = st.recursive(
    hashable,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(hashable, inner, max_size=3) | st.sets(hashable, max_size=3)
    ),
    max_leaves=12,
)  # fmt: skip


def shape(value: Any) -> Any:
    """The value with every type named, so that 1, 1.0 and True are told apart."""
    if isinstance(value, dict):
        return dict, [(shape(key), shape(held)) for key, held in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [shape(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return type(value), sorted(repr(shape(item)) for item in value)
    return type(value), format(value, "x") if type(value) is int else repr(value)


def across(value: Any) -> Any:
    return decode(json.loads(json.dumps(Encoder().encode(value), allow_nan=False)))


@given(values)
def test_values_come_out_as_they_went_in(value: Any) -> None:
    assert shape(across(value)) == shape(value)


def test_rarer_values_come_out_as_they_went_in() -> None:
    for value in (
        range(0, 9, 2), bytearray(b"a"), -0.0, math.inf, -math.inf, 10**5000, -(2**53), "\ud800", Fraction(-1, 3),
        Decimal("NaN"), int, datetime.timedelta(days=-1),
    ):  # fmt: skip
        assert shape(across(value)) == shape(value)
    assert math.isnan(across(math.nan))


def test_a_subclass_leaves_its_behaviour_behind() -> None:
    class Liar(int):
        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 0

        def __index__(self) -> int:
            return 31

    value = across(Liar(5))
    assert type(value) is int
    assert value == 5


def test_a_namedtuple_is_a_tuple_or_what_the_reader_makes_of_it() -> None:
    Point = collections.namedtuple("Point", "x y")
    assert across(Point(1, [2])) == (1, [2])
    plain = Encoder().encode(Point(1, [2]))
    seen = decode(plain, {"named": lambda kind, fields, content: (kind, fields, decode(content))})
    assert seen == ("Point", ["x", "y"], (1, [2]))


def test_numpy_scalars_are_numbers_and_arrays_are_equal_to_nothing() -> None:
    assert shape(across(np.float64(1.5))) == shape(1.5)
    assert shape(across([np.int8(3), np.bool_(True), np.complex128(1j)])) == shape([3, True, 1j])
    assert isinstance(across(np.array([1, 2])), Opaque)
    assert across(np.array([1])) != [1]
    plain = json.loads(json.dumps(Encoder().encode(np.array([[1.5], [2]]))))
    again = decode(plain, {"array": array})
    assert again.dtype == np.float64
    assert again.tolist() == [[1.5], [2.0]]
    with pytest.raises(Unreadable):
        decode(["array", "O", ["list"]], {"array": array})


def test_exception_classes_cross_by_name() -> None:
    assert across([ValueError, KeyError]) == [ValueError, KeyError]


def test_other_objects_are_only_a_name_and_a_text() -> None:
    class Thing:
        def __eq__(self, other: object) -> bool:
            return True

        def __repr__(self) -> str:
            return "31"

        __hash__ = None  # type: ignore[assignment]

    value = across(Thing())
    assert isinstance(value, Opaque)
    assert value != 31
    assert repr(value) == "<Thing object: 31>"
    assert " at 0x" not in repr(across(object()))


def test_what_is_too_deep_or_too_long_is_refused() -> None:
    deep: list[Any] = []
    deep.append(deep)
    for value in (deep, [0] * 1_000_001):
        with pytest.raises(TooBig):
            Encoder().encode(value)


@pytest.mark.parametrize(
    "plain",
    [
        {},
        [],
        ["unknown", 1],
        ["int", 5],
        ["int", "zz"],
        ["float"],
        ["ref", 0],
        ["set", ["list"]],
        ["dict", [1]],
        ["Fraction", "1", "0"],
        ["range", 1, 2, 0],
        ["type", "eval"],
        ["bytes", 1],
        [["list"]],
        ["set", *[["int", format(number * (2**61 - 1), "x")] for number in range(5000)]],
        json.loads("[" * 500 + '"list"' + "]" * 500),
    ],
)
def test_anything_else_is_unreadable(plain: Any) -> None:
    with pytest.raises(Unreadable):
        decode(plain)
