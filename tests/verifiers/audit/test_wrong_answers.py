"""What is called a wrong answer is wrong."""

from __future__ import annotations

from random import Random

import pytest

from selfplay.verifiers.audit.wrong_answers import final_answer, wrong_answers


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
