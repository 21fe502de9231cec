r"""Whether two short answers are certainly different, without the verifier that is being audited.

    certainly_differ("7x^2+8", "7x^2+9")     True
    certainly_differ("0", "-0")              False: equal
    certainly_differ("blue", "red")          None: nothing is known

What is covered: numbers, single letters, + - * / ^, brackets, \frac, products without a sign, evaluated exactly at
fixed rational points; different values at one point prove that two expressions differ, equal values at all points are
counted as equal. What is not covered, and gives None: everything else.
"""

from __future__ import annotations

import re
from fractions import Fraction

_TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+|[A-Za-z]|[-+*/^(){}]|\S")
_FRAC = re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}")
_DROPPED = re.compile(r"\\left|\\right|\\!|\\,|[$%]|\s|\.$")
POINTS = 3
MOST_CHARACTERS = 200
MOST_POWER = 64
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101)


class _Unread(ValueError):
    """This module cannot read it."""


def certainly_differ(first: str, second: str) -> bool | None:
    """True: proved different. False: equal at every point tried. None: one of them cannot be read."""
    try:
        values = [(value(first, point), value(second, point)) for point in range(POINTS)]
    except (_Unread, ZeroDivisionError):
        return None
    return any(a != b for a, b in values)


def value(text: str, point: int) -> Fraction:
    """The exact value with a fraction in place of each letter, which depends on the letter and the point."""
    if len(text) > MOST_CHARACTERS:
        raise _Unread
    plain = _FRAC.sub(r"((\1)/(\2))", _DROPPED.sub("", text.replace("−", "-"))).replace("\\cdot", "*")
    if re.search(r"[A-Za-z]{2}", plain):
        raise _Unread  # a word is not a product of letters
    reader = _Reader(_TOKEN.findall(plain.replace("\\times", "*").replace("**", "^")), point)
    found = reader.total()
    if reader.left or not plain:
        raise _Unread
    return found


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[str], point: int) -> None:
        self.left, self._point = tokens[::-1], point

    def total(self) -> Fraction:
        found = self._product()
        while self._next() in ("+", "-"):
            sign = self.left.pop()
            found += self._product() if sign == "+" else -self._product()
        return found

    def _product(self) -> Fraction:
        found = self._signed()
        while self._next() not in ("", "+", "-", ")", "}", "^"):
            if self._next() in "*/":
                found = found * self._signed() if self.left.pop() == "*" else found / self._signed()
            else:
                found *= self._power()
        return found

    def _signed(self) -> Fraction:
        if self._next() in ("-", "+"):
            return -self._signed() if self.left.pop() == "-" else self._signed()
        return self._power()

    def _power(self) -> Fraction:
        base = self._atom()
        if self._next() != "^":
            return base
        self.left.pop()
        exponent = self._signed()
        if exponent.denominator != 1 or abs(exponent) > MOST_POWER:
            raise _Unread
        return base ** int(exponent)

    def _atom(self) -> Fraction:
        token = self.left.pop() if self.left else ""
        if token in ("(", "{"):
            found = self.total()
            if self._next() != {"(": ")", "{": "}"}[token]:
                raise _Unread
            self.left.pop()
            return found
        if token[:1].isdecimal() or token.startswith("."):
            return Fraction(token.replace(",", ""))
        if len(token) == 1 and token.isascii() and token.isalpha():
            return Fraction(_PRIMES[(ord(token.lower()) - 97 + token.isupper()) % 26] + self._point, 7 + self._point)
        raise _Unread

    def _next(self) -> str:
        return self.left[-1] if self.left else ""
