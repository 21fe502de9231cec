"""Rows whose truth is known: what is called wrong is wrong, what is right after all is left out or doubtful."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest

from selfplay.verifiers.audit.attack_files import attacks, hostile_texts
from selfplay.verifiers.audit.corpus import NamedSource, source_rows
from selfplay.verifiers.audit.exact_value import certainly_differ, value
from selfplay.verifiers.audit.labelled_rows import labelled_rows
from selfplay.verifiers.audit.wrong_answers import final_answer, wrong_answers
from selfplay.verifiers.audit.wrong_programs import called, wrong_programs
from selfplay.verifiers.errors import BadFile


@pytest.mark.parametrize(
    ("first", "second", "differ"),
    [
        ("7x^2+7x+8", "8+7x+7x^2", False),
        ("7x^2+8", "7x^2+9", True),
        ("0", "-0", False),
        (r"\frac{1}{2}", "0.5", False),
        ("1,200", "1200", False),
        ("2(x+1)", "2x+2", False),
        ("blue", "red", None),
        ("x^(2", "x", None),
        ("1/0", "1", None),
        ("2^100000", "1", None),
    ],
)
def test_values_that_differ_are_proved_to(first: str, second: str, differ: bool | None) -> None:
    assert certainly_differ(first, second) is differ


def test_values_are_exact() -> None:
    assert value("-2^2+3*(1-0.5)/6", 0) == Fraction(-15, 4)
    assert value("6/2*3", 0) == 9


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        ("3+4=7\n#### 7", "7"),
        (r"so \boxed{\frac{1}{2}} it is", r"\frac{1}{2}"),
        ("first 5.\nThe answer is 12.", "12"),
        ("8+7x", "8+7x"),
        ("two lines\nand no mark", None),
        (r"\boxed{", None),
    ],
)
def test_the_final_answer_is_found(solution: str, answer: str | None) -> None:
    place = final_answer(solution)
    assert (None if place is None else solution[slice(*place)]) == answer


def test_wrong_answers_change_the_answer_and_leave_the_working() -> None:
    for seed in range(20):
        made = list(wrong_answers("He has 5*3=15 left.\n#### 15", "#### 4", Random(seed)))
        kinds = {wrong.category: wrong for wrong in made}
        assert len(made) == 8
        assert all(wrong.label == "wrong" for wrong in made if wrong.category != "truncation")
        changed = kinds["changed number"].completion
        assert changed.startswith("He has 5*3=15 left.\n#### ")
        assert not changed.endswith(" 15")
        assert kinds["flipped sign"].completion.endswith("#### -15")
        # the same answer by chance is not called wrong
        assert next(wrong_answers("#### 15", "so\n#### 15.0", Random(seed))).label == "right"


def test_a_flipped_sign_of_zero_is_right_after_all_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "zeros.py").write_text(ZEROS)
    corpus = source_rows(NamedSource(f"{tmp_path}/zeros.py:Zeros"), 2, 0)
    assert corpus.left_out["flipped sign"] == 2
    assert not [row for row in corpus.rows if row.category == "flipped sign"]


ZEROS = """
from typing import ClassVar
from selfplay.tasks import Problem, TaskSource
class Zeros(TaskSource):
    name: ClassVar[str] = "zeros"
    verifier: ClassVar[str] = "math"
    solution_origin: ClassVar[str] = "human"
    def problems(self, split, seed):
        for text in ("a", "b"):
            yield Problem(prompt=text, reference={"answer": "0"}, verifier="math", solution="#### 0",
                          solution_origin="human", source="zeros", split=split, twin_key=text)
"""


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


def test_rows_of_a_source_say_who_wrote_them_and_hang_on_the_seed_alone() -> None:
    first, again, other = (source_rows(NamedSource("polynomials"), 6, seed) for seed in (0, 0, 1))
    assert first.rows == again.rows
    assert first.rows != other.rows
    assert {row.origin for row in first.rows} == {"procedural"}
    assert sum(row.label == "right" for row in first.rows) == 6
    assert len({row.id for row in first.rows}) == len(first.rows)


def test_attacks_ship_with_the_package() -> None:
    texts = hostile_texts()
    assert len({text.name for text in texts}) == len(texts) > 40
    assert any(len(text.text) > 50_000 for text in texts)
    assert any("\x1b" in text.text for text in texts)
    assert len(attacks()) > 300


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[]", "line 2: the line is not a JSON object"),
        ('{"id": "1", "reference": {}, "completion": "x"}', "line 2: `label` must be `right` or `wrong`"),
        ('{"id": "1", "reference": {}, "completion": "x", "label": "good"}', "line 2: `label` must be"),
        ('{"id": 1, "reference": {}, "completion": "x", "label": "right"}', "line 2: `id` must be a string"),
        ('{"id": "1", "reference": "x", "completion": "x", "label": "right"}', "line 2: `reference` must be an object"),
        ('{"id": "1", "reference": {}, "completion": "x", "label": "right", "category": 3}', "`category`"),
    ],
)
def test_a_bad_labelled_row_is_named(line: str, words: str, tmp_path: Path) -> None:
    good = json.dumps({"id": "1", "reference": {}, "completion": "x", "label": "right"})
    file = tmp_path / "rows.jsonl"
    file.write_text(f"{good}\n{line}\n")
    with pytest.raises(BadFile, match=r"rows\.jsonl") as raised:
        labelled_rows(file)
    assert words in str(raised.value)


def test_a_labelled_file_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("\n")
    with pytest.raises(BadFile, match="has no row"):
        labelled_rows(tmp_path / "rows.jsonl")
