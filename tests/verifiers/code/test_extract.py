from __future__ import annotations

from typing import Any

import pytest

from selfplay.verifiers.code import CodeVerifier
from selfplay.verifiers.code.extract import readings
from selfplay.verifiers.contract.verifier import Asked

BODY = "def f(x):\n    return x + 1\n"


@pytest.fixture(scope="module")
def verifier() -> Any:
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"sandbox": "process"}))
    made.warm()
    yield made
    made.close()


RESPONSES = [
    ("plain", BODY, "whole response"),
    ("fence", f"Here it is:\n```python\n{BODY}```\nIt adds one.", "block 1 of 1"),
    ("fence without a tag", f"```\n{BODY}```", "block 1 of 1"),
    ("fence in capitals", f"```Python\n{BODY}```", "block 1 of 1"),
    ("tildes", f"~~~py\n{BODY}~~~", "block 1 of 1"),
    ("never closed", f"```python\n{BODY}", "block 1 of 1"),
    ("windows lines", f"```python\n{BODY}```".replace("\n", "\r\n"), "block 1 of 1"),
    ("indented fence", "1. So:\n   ```python\n   def f(x):\n       return x + 1\n   ```", "block 1 of 1"),
    ("the last one counts", f"```python\ndef f(x):\n    return 0\n```\nBetter:\n```python\n{BODY}```", "block 2 of 2"),
    ("an example of use after it", f"```python\n{BODY}```\nUse:\n```python\nprint(f(1))\n```", "block 1 of 2"),
    ("another language", f"```bash\npip install f\n```\n```python\n{BODY}```", "block 1 of 1"),
    (
        "helper in another block",
        "```python\ndef g(x):\n    return x\n```\nthen\n```python\ndef f(x):\n    return g(x) + 1\n```",
        None,
    ),
    ("prose after a bare program", f"{BODY}\nThis adds one to x, as wanted.", "whole response, cut before prose"),
    ("assigned", "```python\nf = lambda x: x + 1\n```", "block 1 of 1"),
]  # fmt: skip


@pytest.mark.parametrize(("response", "how"), [row[1:] for row in RESPONSES], ids=[row[0] for row in RESPONSES])
def test_the_program_is_found_and_how_is_told(verifier: CodeVerifier, response: str, how: str | None) -> None:
    reference = CodeVerifier.Reference.model_validate({"tests": ["assert f(1) == 2"]})
    verdict = verifier.verify(Asked(reference, response))
    if how is None:
        # the last block that defines f is the program, and it does not stand alone
        assert verdict.reason == "exception"
        return
    assert verdict.outcome == "accepted", verdict
    assert verdict.detail["program"] == how


PREFIX = 'import math\n\ndef f(x):\n    """Add one."""\n'
COMPLETIONS = [
    ("body", "    return math.floor(x) + 1\n", "accepted"),
    ("body in a fence", "```python\n    return math.floor(x) + 1\n```", "accepted"),
    ("body without indentation", "return math.floor(x) + 1\n", "accepted"),
    ("first line stripped", "y = math.floor(x)\n    return y + 1\n", "accepted"),
    ("whole function", "```python\ndef f(x):\n    return math.floor(x) + 1\n```", "accepted"),
    ("body, then more text", "    return math.floor(x) + 1\n\nThis is all there is to it.\n", "accepted"),
    ("wrong body", "    return x\n", "rejected"),
    ("nothing but prose", "I cannot solve this.", "rejected"),
]


@pytest.mark.parametrize(
    ("completion", "outcome"), [row[1:] for row in COMPLETIONS], ids=[row[0] for row in COMPLETIONS]
)
def test_a_completion_continues_the_prefix(verifier: CodeVerifier, completion: str, outcome: str) -> None:
    reference = CodeVerifier.Reference.model_validate(
        {"tests": "def check(candidate):\n    assert candidate(1) == 2", "entry_point": "f", "prefix": PREFIX}
    )
    verdict = verifier.verify(Asked(reference, completion))
    assert verdict.outcome == outcome, verdict


def test_text_that_is_no_program_gives_no_reading() -> None:
    assert readings(" \n\t", frozenset({"f"}), "") == []
    assert readings("```python\n\n```", frozenset({"f"}), "") == []


def test_reading_a_hostile_response_takes_no_time() -> None:
    for text in ("```" * 200_000, "~" * 500_000, "\n" * 500_000, "def " * 200_000, "`" * 1_000_000, "```a\n" * 100_000):
        readings(text, frozenset({"f"}), "")
