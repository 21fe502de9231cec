"""What a statement of the tests does with a value of the program, read from its compiled form.

What is covered: a call whose result nobody takes, and an assert (or a method called `assert...`) that an exception kept
from being decided. What is not covered: a call in a helper, of which only the helper's own statement is looked at.
"""

from __future__ import annotations

import dis
import types
from functools import lru_cache


@lru_cache(maxsize=1000)
def is_dropped(code: types.CodeType, place: int, method: str) -> bool:
    """Whether the statement that calls does nothing with the result, as in `s.push(1)` where `push` returns `s`."""
    steps = list(dis.get_instructions(code))
    at = next((number for number, step in enumerate(steps) if step.offset == place), len(steps))
    if not method or steps[at + 1 : at + 2] == [] or steps[at + 1].opname != "POP_TOP":
        return False
    begins = [(step.positions.lineno, step.positions.col_offset) if step.positions else (None, None) for step in steps]
    if None in begins[at]:
        return False  # an interpreter without columns (`-X no_debug_ranges`) tells no call from another
    # the call begins where its method's owner does, so it is this method that it calls
    return any(
        step.argval == method and step.opname in ("LOAD_METHOD", "LOAD_ATTR") and begin == begins[at]
        for step, begin in zip(steps, begins, strict=False)
    )


def is_in_assert(trace: types.TracebackType) -> bool:
    """Whether the error kept an assert from being decided."""
    line = trace.tb_lineno
    for step in dis.get_instructions(trace.tb_frame.f_code):
        where = step.positions
        if where is None or where.lineno is None:
            continue
        asserts = step.opname == "LOAD_ASSERTION_ERROR" or step.argval is AssertionError
        method = step.opname in ("LOAD_METHOD", "LOAD_ATTR") and str(step.argval).startswith("assert")
        if (asserts or method) and where.lineno <= line <= (where.end_lineno or where.lineno):
            return True
    return False
