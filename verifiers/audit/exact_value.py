r"""Whether two short answers are certainly different, without the verifier that is being audited.

    certainly_differ("7x^2+8", "7x^2+9")     True
    certainly_differ("0", "-0")              False: equal
    certainly_differ("blue", "red")          None: nothing is known

What is covered: numbers, single letters, + - * / ^, brackets, \frac, products without a sign, evaluated exactly at
fixed rational points; different values at one point prove that two expressions differ, equal values at all points are
counted as equal. What is not covered, and gives None: everything else.
"""

from __future__ import annotations

import ast
import re
from fractions import Fraction

_TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+|\S")
_FRAC = re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}")
_DROPPED = re.compile(r"\\left|\\right|\\!|\\,|[$%]|\s|\.$")
_PYTHON = {"^": "**", "{": "(", "}": ")"}
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
    plain = plain.replace("\\times", "*").replace("**", "^")
    if re.search(r"[A-Za-z]{2}|[^\x21-\x7e]|[_'\"]", plain):
        raise _Unread  # a word is not a product of letters
    try:
        return _value(ast.parse(_as_python(plain), mode="eval").body, point)
    except SyntaxError:
        raise _Unread from None


def _as_python(plain: str) -> str:
    """With numbers as texts, which keeps every digit, and a sign in every product."""
    written = ""
    for token in _TOKEN.findall(plain):
        is_number = token[-1].isdigit()
        if written[-1:] in (")", "'") or written[-1:].isalpha():
            written += "*" if is_number or token.isalpha() or token in "({" else ""
        written += repr(token.replace(",", "")) if is_number else _PYTHON.get(token, token)
    return written


def _value(node: ast.expr, point: int) -> Fraction:
    match node:
        case ast.Constant(value=str(digits)):
            return Fraction(digits)
        case ast.Name(id=letter) if len(letter) == 1:
            return Fraction(_PRIMES[(ord(letter.lower()) - 97 + letter.isupper()) % 26] + point, 7 + point)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, point)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, point)
        case ast.BinOp(left=left_node, op=op, right=right_node):
            left, right = _value(left_node, point), _value(right_node, point)
            match op:
                case ast.Add():
                    return left + right
                case ast.Sub():
                    return left - right
                case ast.Mult():
                    return left * right
                case ast.Div():
                    return left / right
                case ast.Pow() if right.denominator == 1 and abs(right) <= MOST_POWER:
                    return left ** int(right)
    raise _Unread
