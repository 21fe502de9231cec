r"""The `math` verifier: is the answer of a response equal to the reference? docs/judge-math.md has the rules.

What it covers: numbers, percentages, units, tuples, sets, lists, intervals, inequalities, equations, algebraic and
elementary expressions, matrices, piecewise definitions, bases, choice letters, times and words. Accepted needs a proof,
rejected a difference, or an answer that is missing, unreadable or too large. What it does not cover: the reasoning;
limits, derivatives, indefinite integrals and sets of whole numbers beyond equal text. Text never reaches eval or a
sympy parser; parser.py, rational.py and symbolic.py have the bounds.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier
from selfplay.verifiers.math import symbolic
from selfplay.verifiers.math.answer_reading import Reading, read
from selfplay.verifiers.math.compare import compare
from selfplay.verifiers.math.expression import Add, Div, Mul, Name, Node, Number, Pow, TooLarge, Unreadable
from selfplay.verifiers.math.extraction import AnswerMode, extract
from selfplay.verifiers.math.latex_cleanup import clean, squeezed
from selfplay.verifiers.math.numeric import Undefined, points, values
from selfplay.verifiers.math.rational import rational
from selfplay.verifiers.math.scalars import Finding, Rules
from selfplay.verifiers.math.tokens import MOST_CHARACTERS
from selfplay.verifiers.math.units import ALL_TEXT, peel

_PLAIN = re.compile(r"[-+]?\d{1,300}(?:\.\d{1,300})?")
_FRACTION = re.compile(r"([-+]?\d{1,300})\s*/\s*([-+]?\d{1,300})")
_NUMBER_FORM = re.compile(
    r"[-+]?\s*(?:\d[\d,]*\.?\d*|\.\d+|\d[\d,]*\s*/\s*\d[\d,]*|\\frac\s*(?:\{\s*-?\d[\d,]*\s*\}|\d)\s*(?:\{\s*\d[\d,]*\s*\}|\d))"
    r"|-?\d[\d,]*\s*/\s*-\d[\d,]*"
)


class Policy(BaseModel):
    """What an answer may look like, beyond being equal."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    form: Literal["any", "number", "collected"] = "any"
    """`number`: only an integer, a decimal or a fraction of integers, which may be unreduced.
    `collected`: only a polynomial whose like terms are collected, in any order."""
    answer: AnswerMode | None = None
    """`whole`: a completion without a marked answer is the answer. Unset: as the settings."""
    rounding: bool = True
    """Whether an exact answer such as 100/3 may round to a decimal reference such as 33.3."""
    unit: Literal["optional", "required"] = "optional"
    """`required`: a unit, degree or percent sign of the reference must be stated."""
    percent: Literal["stated", "either"] = "stated"
    """`either`: 25% answers 25, for sources whose references leave the sign out. 25 answers 25% under both."""
    order: Literal["any", "given"] = "any"
    """Whether the order of a list without brackets counts."""


class MathReference(BaseModel):
    """The right answer, as text in LaTeX or plain notation."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    answer: str = Field(min_length=1, max_length=10_000)
    kind: Literal["text", "choice", "list"] | None = None
    """Reads the reference as words, as a choice letter, or `1,234` as two numbers. Unset: by its form."""
    policy: Policy = Policy()


class MathSettings(BaseModel):
    """Settings of the math verifier."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    answer: AnswerMode = "marked"
    """`whole`: a completion without a marked answer is the answer; `marked`: it has none."""
    numeric_acceptance: bool = False
    """Accept what agrees at many points to 110 digits where no proof is found; else that is undecided."""


class MathVerifier(Verifier):
    """Judges the answer of a response against a reference answer."""

    name: ClassVar[str] = "math"
    version: ClassVar[str] = "2"
    judges: ClassVar[str] = "whether the final answer is mathematically equal to the reference"
    does_not_catch: ClassVar[str] = "wrong reasoning that ends in the right answer"
    Reference: ClassVar[type[BaseModel]] = MathReference
    Settings: ClassVar[type[BaseModel]] = MathSettings

    def warm(self) -> None:
        symbolic.warm()

    def verify(self, asked: Asked) -> Verdict:
        reference: MathReference = asked.reference
        extracted = extract(asked.completion, reference.policy.answer or self.settings.answer)
        if extracted.text is None:
            return Verdict.reject("no_answer", extracted_by=extracted.rule, rule="no_answer")
        return judge(reference, extracted.text, self.settings, extracted.rule)


def equivalent(reference: str | MathReference, answer: str) -> Verdict:
    """Compare an answer's text with a reference, without extraction, in this process and without a time limit.

    Raises:
        pydantic.ValidationError: the reference is empty or longer than 10,000 characters.
    """
    if isinstance(reference, str):
        reference = MathReference(answer=reference)
    return judge(reference, answer, MathSettings(), "given")


def judge(reference: MathReference, answer: str, settings: MathSettings, extracted_by: str) -> Verdict:
    """The verdict on an extracted answer, with the deciding rule and both sides as understood."""
    policy = reference.policy
    if len(answer) > MOST_CHARACTERS:
        why = f"an answer of {len(answer)} characters"
        return Verdict.reject("too_large", extracted_by=extracted_by, rule="too_large", why=why)
    evidence: dict[str, Any] = {
        "extracted_by": extracted_by,
        "reference": reference.answer[:300],
        "answer": answer[:300],
    }
    if policy.form == "number" and not is_number_form(answer):
        why = "only an integer, a decimal or a fraction is an answer"
        return Verdict.reject("unevaluated", **evidence, rule="unevaluated", why=why)
    fast = _fast(reference.answer, answer)
    if fast is not None:
        # plain numbers are read as they stand
        read_as = {f"{side}_read": f"number: {evidence[side].strip()}" for side in ("reference", "answer")}
        return _verdict(fast, evidence | read_as)
    try:
        mine = _read_reference(reference.answer, reference.kind)
    except (Unreadable, TooLarge) as error:
        if squeezed(clean(reference.answer)) == squeezed(clean(answer)):
            return Verdict.accept("equal_text", **evidence, rule="equal_text")
        return Verdict.fault(f"the reference cannot be read: {error}", **evidence)
    evidence["reference_read"] = mine.shown()
    if squeezed(mine.text) == squeezed(clean(answer)) and answer.strip():
        return Verdict.accept("equal_text", **evidence, answer_read=mine.shown(), rule="equal_text")
    as_text = reference.kind == "text" or (mine.kind in ("text", "choice") and mine.node is None)
    try:
        theirs = read(
            answer,
            kind="text" if as_text else None,
            thousands=mine.kind not in ("list", "set"),
            # beside a plain number, "5 m" can only be a measured one
            letters_are_units=mine.unit is not None or mine.kind == "number",
        )
    except Unreadable as error:
        return Verdict.reject("unreadable_answer", **evidence, rule="unreadable_answer", why=str(error))
    except TooLarge as error:
        return Verdict.reject("too_large", **evidence, rule="too_large", why=str(error))
    evidence["answer_read"] = theirs.shown()
    if policy.form == "collected" and not is_collected(theirs.node):
        return Verdict.reject("unevaluated", **evidence, rule="unevaluated", why="like terms are not collected")
    if policy.unit == "required" and (mine.unit or mine.percent) and not (theirs.unit or theirs.percent):
        return Verdict.reject("unit_missing", **evidence, rule="unit_missing")
    rules = Rules(policy.rounding, policy.percent == "either", settings.numeric_acceptance)
    try:
        finding = compare(mine, theirs, rules, ordered=policy.order == "given")
    except TooLarge as error:
        if mine.node is not None and _too_large(mine.node):
            return Verdict.open(f"the reference is too large to evaluate: {error}", **evidence, rule="too_large")
        return Verdict.reject("too_large", **evidence, rule="too_large", why=str(error))
    return _verdict(finding, evidence)


def _verdict(finding: Finding, evidence: dict[str, Any]) -> Verdict:
    if finding.equal is None:
        return Verdict.open("neither proved nor refuted", **evidence, rule=finding.rule)
    if finding.equal:
        return Verdict.accept(finding.rule, **evidence, rule=finding.rule)
    reason = finding.rule if finding.rule in ("wrong_unit", "inconsistent_chain", "undefined_value") else "wrong_answer"
    return Verdict.reject(reason, **evidence, rule=finding.rule)


def _too_large(node: Node) -> bool:
    """Whether it is the reference that cannot be evaluated: then the answer is not to blame."""
    try:
        rational(node)
        for point in points(node):
            values(node, point)
    except (TooLarge, Undefined) as error:
        return isinstance(error, TooLarge)
    return False


def _fast(reference: str, answer: str) -> Finding | None:
    """Plain integers, decimals and fractions, without a parser; None where either is anything else."""
    mine = _plain_number(reference.strip())
    theirs = _plain_number(answer.strip()) if mine else None
    if mine is None or theirs is None:
        return None
    if mine[0] * theirs[1] == theirs[0] * mine[1]:
        return Finding(True, "equal_value")
    if "." in reference and "/" in answer:
        return None  # may round to the reference
    return Finding(False, "different_value")


def _plain_number(text: str) -> tuple[int, int] | None:
    """(numerator, denominator) with a positive denominator."""
    if _PLAIN.fullmatch(text) and text.isascii():
        whole, _, part = text.partition(".")
        return int(whole + part), 10 ** len(part)
    found = _FRACTION.fullmatch(text)
    if found is None or not text.isascii() or not (bottom := int(found[2])):
        return None
    top = int(found[1])
    return (-top, -bottom) if bottom < 0 else (top, bottom)


def is_number_form(answer: str) -> bool:
    """Whether the text is an integer, a decimal or a fraction of integers, with at most a unit beside it."""
    text = answer.strip()
    if _PLAIN.fullmatch(text) or _FRACTION.fullmatch(text):
        return True
    body, _, percent = peel(clean(text).rstrip(" ."), False)
    return not percent and _NUMBER_FORM.fullmatch(body.strip()) is not None


_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")


@lru_cache(maxsize=4096)
def _read_reference(answer: str, kind: str | None) -> Reading:
    try:
        return read(answer, kind=kind if kind != "list" else None, thousands=kind != "list")
    except Unreadable:
        # a phrase that is no formula, such as "July 4" or "2 red, 3 blue", is compared as words
        if kind is None and "\\" not in ALL_TEXT.sub(r"\1", clean(answer)) and _WORD.search(answer):
            return read(answer, kind="text")
        raise


def is_collected(node: Node | None) -> bool:
    """Whether a scalar is a polynomial with its like terms collected."""
    if node is None:
        return False
    powers = [_powers(term) for term in (node.terms if isinstance(node, Add) else (node,))]
    return None not in powers and len(set(powers)) == len(powers)


def _powers(term: Node) -> frozenset[tuple[str, Fraction]] | None:
    """The powers of a monomial's names; None where the term is no monomial in form."""
    found: list[tuple[str, Fraction]] = []
    coefficients = 0
    for factor in term.factors if isinstance(term, Mul) else (term,):
        match factor:
            case Number() | Div(Number(), Number()):
                coefficients += 1
            case Name(name):
                found.append((name, Fraction(1)))
            case Pow(Name(name), Number(value)) if value.denominator == 1 and value >= 1:
                found.append((name, value))
            case _:
                return None
    return frozenset(found) if coefficients <= 1 and len(dict(found)) == len(found) else None
