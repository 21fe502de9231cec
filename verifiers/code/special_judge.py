"""Special judges: for problems where several outputs are right, a function decides which.

    # sums.py
    from selfplay.verifiers import Verdict

    def two_summands(stdin, output, expected):
        words = output.split()
        if len(words) != 2 or not all(word.isascii() and word.isdigit() and len(word) < 9 for word in words):
            return Verdict.reject("two_numbers_wanted")
        right = int(words[0]) + int(words[1]) == int(stdin)
        return Verdict.accept() if right else Verdict.reject("wrong_sum")

The reference names it: {"cases": [{"stdin": "7", "stdout": ""}], "judge": "sums.py:two_summands"}, or by the name
it has in the entry-point group `selfplay.judges`.

What is covered: it gets three texts (a case's input, what the program printed, the case's `stdout`) and returns a
`Verdict`; it runs in the supervised worker of the verifier, never in the sandbox and never on what did not end
well. An exception, or anything but a `Verdict`, is a fault of the judge.
What is not covered: the output is hostile text, and a judge that evaluates or unpickles it undoes the sandbox. Its
time is bounded only by the worker's own deadline, after which the row is a fault.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from selfplay.tasks.errors import error_text
from selfplay.tasks.plugins import Found, PluginGroup
from selfplay.verifiers.contract.verdict import Verdict

SpecialJudge = Callable[[str, str, str], Verdict]


def _declared(found: Found) -> SpecialJudge:
    if not callable(found.value):
        raise ValueError(f"the {found.where} is no function of (stdin, output, expected)")
    judge: SpecialJudge = found.value
    return judge


JUDGES = PluginGroup("selfplay.judges", "special judge", unknown=ValueError, broken=ValueError, declared=_declared)


def ask(name: str, stdin: str, output: str, expected: str) -> Verdict:
    """The verdict of the judge of that name on one output; a fault where it fails."""
    try:
        verdict: Any = find(name)(stdin, output, expected)
    except Exception as error:
        return Verdict.fault(f"the special judge `{name}` raised {error_text(error)}")
    if not isinstance(verdict, Verdict):
        return Verdict.fault(f"the special judge `{name}` returned {type(verdict).__name__} where a Verdict is due")
    return verdict


@lru_cache(maxsize=256)
def find(name: str) -> SpecialJudge:
    """The judge for `path/to/file.py:name`, or for a name of the entry-point group `selfplay.judges`.

    Raises:
        ValueError: there is none, it cannot be imported, or it is no function; says which.
    """
    return JUDGES.find(name)
