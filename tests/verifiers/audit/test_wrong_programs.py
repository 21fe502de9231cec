"""Programs made wrong: those that only tests can judge are doubtful."""

from __future__ import annotations

from random import Random

from selfplay.verifiers.audit.wrong_programs import called, wrong_programs


def test_programs_made_wrong_are_doubtful_where_tests_must_decide() -> None:
    reference = {"entry_point": "add", "tests": ["assert add(1, 2) == 3"], "prefix": "def add(a, b):\n"}
    other = ({"entry_point": "twice", "tests": ["assert twice(2) == 4"]}, "def twice(a):\n    return 2 * a\n")
    made = {one.category: one for one in wrong_programs(reference, "    return a + b + 0\n", other, Random(0))}
    assert made["another problem's program"].completion == "def add(a):\n    return 2 * a\n"
    assert made["changed operator"].label == "doubtful"
    assert made["changed operator"].completion.startswith("    return")
    assert made["changed number or constant"].completion == "    return a + b + (1)\n"
    assert made["stub"].label == made["empty"].label == made["prose"].label == "wrong"
    assert called({"tests": ["assert sorted(twice(2)) == [4]"]}) == "twice"


def test_a_fenced_program_stays_fenced() -> None:
    solution = "Here:\n```python\ndef f(x):\n    return x + 1\n```\n"
    made = list(wrong_programs({"tests": ["assert f(1) == 2"]}, solution, None, Random(0)))
    changed = [one for one in made if one.label == "doubtful"]
    assert changed
    assert all(one.completion.startswith("Here:\n```python\n") and one.completion.endswith("```\n") for one in changed)
