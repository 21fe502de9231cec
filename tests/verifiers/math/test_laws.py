"""Laws that hold for every answer the grammar can write: itself, itself rewritten, itself changed."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers.math import equivalent
from verifiers.math.exact import power, rational, root
from verifiers.math.grammar import parse
from verifiers.math.text import clean
from verifiers.math.words import number_in_words

integers = st.integers(-(10**9), 10**9)
fractions = st.fractions(min_value=-1000, max_value=1000, max_denominator=500)
LAWS = settings(max_examples=60, deadline=None)


def latex(value: Fraction) -> str:
    sign = "-" if value < 0 else ""
    return f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def polynomials() -> st.SearchStrategy[list[tuple[int, int]]]:
    term = st.tuples(st.integers(1, 99), st.integers(0, 5))
    return st.lists(term, min_size=1, max_size=4, unique_by=lambda each: each[1])


def written(terms: list[tuple[int, int]]) -> str:
    return " + ".join(f"{factor}x^{{{exponent}}}" for factor, exponent in terms)


def accepted(reference: str, answer: str) -> bool:
    return equivalent(reference, answer).outcome == "accepted"


@LAWS
@given(integers)
def test_integers(value: int) -> None:
    for same in (
        f"{value:,}",
        f"{value}.00",
        f"+{value}" if value >= 0 else f"−{-value}",
        f"\\left( {value} \\right)",
    ):
        assert accepted(str(value), same)
    for other in (value + 1, -value if value else 1, value * 10 + 1):
        assert equivalent(str(value), str(other)).outcome == "rejected"


@LAWS
@given(fractions, st.integers(2, 50))
def test_fractions_reduced_or_not(value: Fraction, factor: int) -> None:
    unreduced = f"{value.numerator * factor}/{value.denominator * factor}"
    for same in (str(value), unreduced, latex(value), latex(value).replace("\\frac", "\\dfrac")):
        assert accepted(latex(value), same)
        assert accepted(same, latex(value))
    assert not accepted(latex(value), latex(value + Fraction(1, value.denominator)))


@LAWS
@given(polynomials(), st.randoms(use_true_random=False))
def test_polynomials_in_any_order(terms: list[tuple[int, int]], random: object) -> None:
    shuffled = list(terms)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert accepted(written(terms), written(shuffled))
    assert accepted(written(terms), f"\\left({written(terms)}\\right)")
    (factor, exponent), *rest = terms
    assert equivalent(written(terms), written([(factor + 1, exponent), *rest])).outcome == "rejected"


@LAWS
@given(fractions, fractions)
def test_intervals_and_pairs(low: Fraction, high: Fraction) -> None:
    interval = f"[{latex(low)}, {latex(high)})"
    assert accepted(interval, f"[ {low} , {high} )")
    assert not accepted(interval, f"({low}, {high})")
    assert not accepted(interval, f"[{low}, {high}]")
    if low != high:
        assert not accepted(f"({low}, {high})", f"({high}, {low})")


@LAWS
@given(st.sets(st.integers(-50, 50), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_sets_and_lists(values: set[int], random: object) -> None:
    items = list(values)
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    reference = "\\{" + ",".join(map(str, items)) + "\\}"
    assert accepted(reference, "\\{" + ", ".join(map(str, shuffled)) + "\\}")
    assert not accepted(reference, "\\{" + ",".join(map(str, items[1:])) + "\\}")
    assert not accepted(str(items[0]), ", ".join(map(str, items)))


@LAWS
@given(st.text(max_size=60), st.text(alphabet="0123456789+-*/^_(){}[]|\\,.= xyabcfrsqtin", max_size=60))
def test_no_text_makes_the_judge_fail(one: str, other: str) -> None:
    for text in (one, other):
        assert equivalent("17", text).reason != "fault"
        if text.strip():
            assert equivalent(text, text).outcome in ("accepted", "undecided", "rejected")


@LAWS
@given(st.integers(0, 999_999))
def test_numbers_in_words(value: int) -> None:
    assert number_in_words(spelled(value)) == value


def spelled(value: int) -> str:
    small = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    names = [*small.split(), "sixteen", "seventeen", "eighteen", "nineteen"]
    tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    if value < 20:
        return names[value]
    if value < 100:
        return tens[value // 10] + (f"-{names[value % 10]}" if value % 10 else "")
    if value < 1000:
        return f"{names[value // 100]} hundred" + (f" and {spelled(value % 100)}" if value % 100 else "")
    return f"{spelled(value // 1000)} thousand" + (f" {spelled(value % 1000)}" if value % 1000 else "")


@LAWS
@given(st.fractions(0, 1000, max_denominator=1000), st.integers(1, 6))
def test_roots_undo_powers(value: Fraction, degree: int) -> None:
    assert root(power(value, Fraction(degree)), degree) == value if value else True


@LAWS
@given(st.integers(2, 10**6), st.integers(2, 36))
def test_bases(value: int, base: int) -> None:
    digits, rest = "", value
    while rest:
        digits, rest = "0123456789"[rest % base] + digits if rest % base < 10 else "", rest // base
        if not digits:
            return
    assert rational(parse(clean(f"{digits}_{{{base}}}"))) == value
