"""Laws that hold for every answer the grammar can write: itself, itself rewritten, itself changed."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.verifiers.math import equivalent
from selfplay.verifiers.math.latex_cleanup import clean
from selfplay.verifiers.math.number_words import number_in_words
from selfplay.verifiers.math.parser import parse
from selfplay.verifiers.math.rational import power, rational, root

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


NAMES = "abmnxyz"
scalars = st.one_of(
    st.integers(-99, 99).map(str),
    st.tuples(st.integers(1, 99), st.integers(2, 99)).map(lambda each: rf"\frac{{{each[0]}}}{{{each[1]}}}"),
    st.integers(2, 99).map(lambda each: rf"\sqrt{{{each}}}"),
    st.sampled_from([r"\pi", "e", r"2\pi", r"\frac{\pi}{6}", r"\ln 2"]),
)
expressions = st.recursive(
    st.one_of(scalars, st.sampled_from(list(NAMES))),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda each: rf"{each[0]} + \left({each[1]}\right)"),
        st.tuples(inner, inner).map(lambda each: rf"\left({each[0]}\right)\left({each[1]}\right)"),
        st.tuples(inner, inner).map(lambda each: rf"\frac{{{each[0]}}}{{{each[1]}}}"),
        st.tuples(inner, st.integers(2, 4)).map(lambda each: rf"\left({each[0]}\right)^{{{each[1]}}}"),
        inner.map(lambda each: rf"\sqrt{{{each}}}"),
        inner.map(lambda each: rf"\sin\left({each}\right)"),
        inner.map(lambda each: rf"\left|{each}\right|"),
    ),
    max_leaves=5,
)
numbers = st.integers(-50, 50)
references = st.one_of(
    expressions,
    st.tuples(numbers, numbers).map(lambda each: rf"\left({each[0]}, {each[1]}\right)"),
    st.tuples(numbers, st.integers(1, 40), st.sampled_from(["[)", "(]", "[]"])).map(
        lambda each: rf"{each[2][0]}{each[0]}, {each[0] + each[1]}{each[2][1]}"
    ),
    st.lists(numbers, min_size=2, max_size=5, unique=True).map(lambda each: r"\{" + ", ".join(map(str, each)) + r"\}"),
    st.tuples(st.sampled_from(list(NAMES)), st.sampled_from([r"\le", r"\ge", "<", ">", r"\ne"]), numbers).map(
        lambda each: f"{each[0]} {each[1]} {each[2]}"
    ),
    st.tuples(numbers, numbers, numbers, numbers).map(
        lambda each: rf"\begin{{pmatrix}} {each[0]} & {each[1]} \\ {each[2]} & {each[3]} \end{{pmatrix}}"
    ),
    st.tuples(st.integers(1, 999), st.sampled_from(["cm", "m", "kg", "hours", "dollars", "apples"])).map(
        lambda each: rf"{each[0]} \text{{ {each[1]}}}"
    ),
    st.integers(1, 99).map(lambda each: rf"{each}\%"),
    st.tuples(st.integers(2, 999), st.integers(2, 9)).map(lambda each: f"{in_base(*each)}_{each[1]}"),
)  # fmt: skip


def in_base(value: int, base: int) -> str:
    digits = ""
    while value:
        value, digit = divmod(value, base)
        digits = f"{digit}{digits}"
    return digits


def rewritten(text: str) -> list[str]:
    """The same answer in other spacing, sizes and delimiters."""
    return [
        text,
        f"${text}$",
        rf"\[ {text} \]",
        rf"\boxed{{{text}}}",
        text.replace(r"\left", "").replace(r"\right", ""),
        text.replace(r"\frac", r"\dfrac"),
        text.replace(" ", r"\, "),
        text.replace(",", ", ").replace("+", " + "),
    ]


@LAWS
@given(references)
def test_every_reference_equals_itself_rewritten(reference: str) -> None:
    for same in rewritten(reference):
        assert accepted(reference, same), (reference, same, equivalent(reference, same))


@LAWS
@given(expressions, expressions)
def test_equality_has_no_direction(one: str, other: str) -> None:
    there, back = equivalent(one, other), equivalent(other, one)
    assert {there.outcome, back.outcome} != {"accepted", "rejected"}, (one, other, there, back)


@LAWS
@given(expressions, expressions)
def test_terms_and_factors_in_either_order(one: str, other: str) -> None:
    assert accepted(f"{one} + ({other})", f"({other}) + {one}")
    assert accepted(f"({one})({other})", rf"({other}) \cdot ({one})")


@LAWS
@given(expressions, st.integers(1, 9))
def test_more_or_less_is_different(expression: str, step: int) -> None:
    assert not accepted(expression, f"{expression} + {step}")
    assert not accepted(expression, rf"{expression} - \frac{{1}}{{{step}0000}}")
    if equivalent("0", expression).outcome == "rejected":
        assert not accepted(expression, rf"-\left({expression}\right)")


@LAWS
@given(st.integers(1, 999), st.sampled_from([("cm", "m"), ("kg", "g"), ("hours", "minutes"), ("dollars", "cents")]))
def test_units_may_be_left_out_and_must_agree(value: int, units: tuple[str, str]) -> None:
    stated, other = (rf"{value} \text{{ {unit}}}" for unit in units)
    assert accepted(stated, str(value))
    assert not accepted(stated, other)
    assert not accepted(stated, rf"{value} \text{{ apples}}")


@LAWS
@given(numbers, st.integers(1, 40), st.sampled_from([("[", "]"), ("[", ")"), ("(", "]")]))
def test_an_endpoint_opened_or_closed_is_another_interval(low: int, width: int, ends: tuple[str, str]) -> None:
    left, right = ends
    high = low + width
    signs = {"[": r"\le", "(": "<", "]": r"\le", ")": "<"}
    assert accepted(f"{left}{low}, {high}{right}", rf"{low} {signs[left]} x {signs[right]} {high}")
    for other in ("[]", "[)", "(]", "()"):
        if other != left + right:
            assert not accepted(f"{left}{low}, {high}{right}", f"{other[0]}{low}, {high}{other[1]}")


@LAWS
@given(st.lists(scalars, min_size=2, max_size=5, unique=True))
def test_an_element_dropped_or_added_is_another_set(items: list[str]) -> None:
    reference = r"\{" + ", ".join(items) + r"\}"
    assert accepted(reference, r"\{" + ", ".join(reversed(items)) + r"\}")
    assert not accepted(reference, r"\{" + ", ".join([*items, "12345"]) + r"\}")
    if len(items) > 2 or not accepted(items[0], items[1]):
        alone = equivalent(reference, items[0])
        assert alone.outcome != "accepted"


@LAWS
@given(st.integers(1000, 10**12))
def test_separators_of_thousands(value: int) -> None:
    for gap in (",", r"{,}", r"\,", r",\!", " ", "\u202f"):
        assert accepted(str(value), f"{value:,}".replace(",", gap)), gap
    assert not accepted(str(value), f"{value:,}".replace(",", ", "))


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
