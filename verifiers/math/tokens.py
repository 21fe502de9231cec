"""Text to tokens, the words and signs that the parser knows, and the values of written numbers.

Bounded in length, linear in time. Numbers are decimals, mixed numbers, repeating decimals and other bases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from selfplay.verifiers.math.expression import Number, TooLarge, Unreadable

MOST_CHARACTERS = 10_000
MOST_TOKENS = 3_000

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>(?:\d+(?:\.\d+)?[eE][+-]?\d{1,4}(?![\w.])|\d+(?:,\d+)+(?:\.\d+)?|\d+\.?\d*|\.\d+))
  | (?P<text>\\text\s*\{[^{}]*\})
  | (?P<environment>\\(?:begin|end)\s*\{[a-zA-Z]+\*?\})
  | (?P<command>\\[A-Za-z]+)
  | (?P<newline>\\\\(?:\[[^\]]*\])?)
  | (?P<escaped>\\[{}%$|&#_])
  | (?P<word>[A-Za-z]+'*)
  | (?P<operator>\*\*|<=|>=|!=|==|=<|=>|\.\.\.|[-+*/^_=<>(){}\[\]|,;:!%&~.])
    """,
    re.VERBOSE,
)


@dataclass(slots=True)
class Token:
    kind: str
    """number, text, environment, command, newline, escaped, word, operator or end."""
    text: str
    spaced: bool
    """Whether space stood before it."""


def tokenize(text: str) -> list[Token]:
    """Tokens of cleaned text, with an `end` token at the end.

    Raises:
        TooLarge: more than 10,000 characters or 3,000 tokens.
        Unreadable: a character that no token begins with.
    """
    if len(text) > MOST_CHARACTERS:
        raise TooLarge(f"{len(text)} characters")
    tokens: list[Token] = []
    at, spaced = 0, False
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Unreadable(f"the character {text[at]!r}")
        kind, value = found.lastgroup or "", found.group()
        at = found.end()
        if kind == "space":
            spaced = True
            continue
        tokens.append(Token(kind, value, spaced))
        spaced = False
        if len(tokens) > MOST_TOKENS:
            raise TooLarge(f"more than {MOST_TOKENS} tokens")
    tokens.append(Token("end", "", spaced))
    return tokens


def whole_number(text: str) -> int:
    """`int(text)` for digits alone, also past the interpreter's 4,300 (the caller bounds them)."""
    value = 0
    for start in range(0, len(text), 4000):
        chunk = text[start : start + 4000]
        value = value * 10 ** len(chunk) + int(chunk)
    return value


_GREEK = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi
omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell hbar
"""
_FUNCTIONS = """
sin cos tan sec csc cot arcsin arccos arctan sinh cosh tanh coth ln log lg exp gcd lcm min max sqrt abs floor
ceil sgn det
"""
GREEK = frozenset(_GREEK.split())
FUNCTIONS = frozenset(_FUNCTIONS.split())
SPELLINGS = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "cosec": "csc", "ceiling": "ceil",
    "varepsilon": "epsilon", "vartheta": "theta", "varphi": "phi", "varrho": "rho", "varsigma": "sigma",
}  # fmt: skip
INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}
_CONSTANTS = {"pi": "pi", "Pi": "pi", "infinity": "oo", "inf": "oo", "oo": "oo"}
PLAIN_NAMES = _CONSTANTS | {name: name for name in GREEK}
RELATIONS = {
    "=": "=", "==": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "=<": "<=", "=>": ">=", "!=": "!=",
    ":": ":", "\\le": "<=", "\\leq": "<=", "\\leqslant": "<=", "\\ge": ">=", "\\geq": ">=",
    "\\geqslant": ">=", "\\ne": "!=", "\\neq": "!=", "\\lt": "<", "\\gt": ">", "\\in": "in",
    "\\approx": "~", "\\simeq": "~",
    "\\doteq": "~",    "\\equiv": "==", "\\colon": ":",
}  # fmt: skip
SET_OPERATIONS = {
    "\\cup": "union",
    "U": "union",
    "\\cap": "intersection",
    "\\setminus": "minus",
    "\\backslash": "minus",
}
TIMES = frozenset({"*", "\\cdot", "\\times", "\\ast"})
DIVIDED = frozenset({"/", "\\div"})
_OPENERS = r"( [ { | \{ \lbrace \lbrack \lvert \lfloor \lceil \langle"
OPENERS = frozenset(_OPENERS.split())
_CLOSERS = r"\pm \mp \rvert \rfloor \rceil \rangle \rbrace \rbrack"
_LOGIC = r"\land \wedge \lor \vee \pmod \bmod"
NO_FACTOR = frozenset([*_CLOSERS.split(), *_LOGIC.split()]) | RELATIONS.keys() | SET_OPERATIONS.keys() | TIMES | DIVIDED
"""Commands after which, or at which, a product ends."""
CLOSED_BY = {
    "\\{": ("\\}", "\\rbrace"), "\\lbrace": ("\\}", "\\rbrace"), "\\lvert": ("\\rvert",), "|": ("|",),
    "\\lfloor": ("\\rfloor",), "\\lceil": ("\\rceil",), "\\langle": ("\\rangle",),
    "\\lbrack": ("\\rbrack", "]"),
}  # fmt: skip
MATRICES = frozenset({"pmatrix", "bmatrix", "matrix", "vmatrix", "Bmatrix", "smallmatrix", "psmallmatrix", "array"})
CASES = frozenset({"cases", "dcases", "rcases"})
CONJUNCTIONS = {
    "and": "and", "or": "or", "\\land": "and", "\\wedge": "and", "\\lor": "or", "\\vee": "or",
}  # fmt: skip


def mixed(whole: Number, part: Fraction) -> Number:
    negative = whole.value < 0
    return Number(whole.value - part if negative else whole.value + part)


def decimal(text: str) -> Number:
    """`12`, `12.50`, `.5` or `1.5e3` as an exact number that remembers its printed places."""
    mantissa, scientific, exponent = text.lower().partition("e")
    if scientific:
        return Number(decimal(mantissa).value * Fraction(10) ** int(exponent))
    whole, dot, part = text.partition(".")
    value = whole_number(whole + part or "0")
    return Number(Fraction(value, 10 ** len(part)), len(part) if dot and part else None)


def repeating(whole: str, fixed: str, period: str) -> Fraction:
    """0.fixed(period) exactly: (all - fixed) / (99..9 00..0)."""
    once = whole_number(whole + fixed or "0")
    return Fraction(whole_number(whole + fixed + period) - once, 10 ** len(fixed) * (10 ** len(period) - 1))


def endless_decimal(text: str) -> Number | None:
    """`0.333` or `0.1212` before dots: the digits at its end that repeat, for ever; None where none do."""
    whole, _, part = text.partition(".")
    for length in range(1, len(part) // 2 + 1):
        period = part[-length:]
        times = 1
        while part[: len(part) - times * length].endswith(period):
            times += 1
        if times >= 3 or (times == 2 and length >= 2):
            return Number(repeating(whole, part[: len(part) - length], period))
    return None


def in_base(text: str, base: int) -> int:
    """The value of digits in a base from 2 to 36."""
    if not 2 <= base <= 36 or len(text) > 1000:
        raise Unreadable("a base outside 2 to 36")
    try:
        return int(text, base)
    except ValueError:
        raise Unreadable(f"digits that base {base} does not have") from None
