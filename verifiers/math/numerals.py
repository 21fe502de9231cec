"""Written numbers to exact values: decimals, mixed numbers, repeating decimals, other bases."""

from __future__ import annotations

from fractions import Fraction

from selfplay.verifiers.math.tokens import whole_number
from selfplay.verifiers.math.tree import Number, Unreadable


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
