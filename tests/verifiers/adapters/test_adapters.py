"""What the adapters do with another stack's rows, with real workers; the stacks themselves are in the files beside."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from selfplay.verifiers.adapters.columns import last_message, message_text, read_reference
from selfplay.verifiers.adapters.lazy_supervisor import LazySupervisor
from selfplay.verifiers.adapters.lm_eval import process_results_with
from selfplay.verifiers.adapters.trl import reward_function
from selfplay.verifiers.adapters.verl import score_function
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Row
from selfplay.verifiers.errors import BadReference, BadSettings, TooManyFaults, UnknownVerifier

TO_M = {"upto": "M"}


@pytest.mark.parametrize(
    ("columns", "row", "reference"),
    [
        ("reference", {"reference": TO_M}, TO_M),
        ("reference", {"reference": '{"upto": "M"}'}, TO_M),
        ("reference", {"reference": {"upto": "M", "tests": None}}, TO_M),
        ({"answer": "gold"}, {"gold": np.int64(7)}, {"answer": 7}),
        ({"tests": "tests", "setup": "setup"}, {"tests": np.array(["a", "b"]), "setup": None}, {"tests": ["a", "b"]}),
    ],
)
def test_references_are_plain_json(columns: Any, row: dict[str, Any], reference: dict[str, Any]) -> None:
    assert read_reference(columns, row) == reference


def test_a_reference_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(BadSettings, match="no column `reference` \\(it has `prompt`, `gold`\\); name the column"):
        read_reference("reference", {"prompt": "", "gold": "1"})
    with pytest.raises(BadReference, match="the column `gold` holds a text that is not JSON"):
        read_reference("gold", {"gold": "one half"})
    with pytest.raises(BadReference, match="`gold` holds a int where"):
        read_reference("gold", {"gold": 7})


def test_chat_messages_have_a_text() -> None:
    asked = {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "image"}]}
    tool = {"role": "tool", "content": "three"}
    said = [{"role": "assistant", "content": "two"}, tool, {"role": "assistant", "content": "four"}, tool]
    assert message_text([asked, *said]) == "one\n\ntwo\n\nthree\n\nfour\n\nthree"
    assert last_message(said) == "four"
    assert last_message([{"role": "assistant", "content": None, "tool_calls": []}]) == ""
    assert last_message("plain") == "plain"


def test_trl_gets_one_nought_and_none(first_letter: str) -> None:
    judge = reward_function(first_letter, workers=2, max_fault_share=1.0)
    logged: dict[str, float] = {}
    completions = ["Ann", "Zoe", "ann", "raise"]
    rewards = judge(["?"] * 4, completions, reference=[TO_M] * 4, log_metric=logged.__setitem__, trainer_state=object())
    assert rewards == [1.0, 0.0, None, None]
    assert logged == {"first_letter/undecided": 0.5, "first_letter/fault": 0.25}
    chat = [[{"role": "assistant", "content": text}] for text in completions]
    asked = [[{"role": "user", "content": "?"}]] * 4
    assert judge(asked, chat, reference=['{"upto": "M"}'] * 4) == rewards
    judge.close()
    scored = reward_function(first_letter, reference={"upto": "last"}, reward="score")
    assert scored(["?"] * 3, completions[:3], last=["M"] * 3) == [0.25, 0.25, None]
    scored.close()
    with pytest.raises(UnknownVerifier):
        reward_function("maths")
    with pytest.raises(BadSettings, match="`reward` is outcome or score"):
        reward_function(first_letter, reward="points")  # type: ignore[arg-type]


def test_verl_gets_a_number_for_everything(first_letter: str) -> None:
    compute_score = score_function({"letters": first_letter}, undecided=0.5, reference_key="upto", max_fault_share=1.0)
    asked = {"data_source": "letters", "ground_truth": "M", "extra_info": {"index": 3, "prompt": np.array([])}}
    assert [compute_score(solution_str=text, **asked) for text in ("Ann", "Zoe", "ann", "raise")] == [
        {"score": 1.0, "accepted": 1.0, "undecided": 0.0, "fault": 0.0},
        {"score": 0.0, "accepted": 0.0, "undecided": 0.0, "fault": 0.0},
        {"score": 0.5, "accepted": 0.0, "undecided": 1.0, "fault": 0.0},
        {"score": 0.5, "accepted": 0.0, "undecided": 1.0, "fault": 1.0},
    ]
    with pytest.raises(BadSettings, match="no verifier is named for the data source `sums`"):
        compute_score("sums", "Ann", "M")
    compute_score.close()
    with pytest.raises(BadSettings, match="`settings` belong to one verifier"):
        score_function({"letters": first_letter}, {"speed": 1}, undecided=0.0)


def test_lm_eval_gets_both_bounds(first_letter: str) -> None:
    process_results = process_results_with(first_letter, reference={"upto": "last"}, max_fault_share=1.0)
    bounds = {"accepted": 1.0, "accepted_or_undecided": 1.0, "fault": 0.0}
    assert process_results({"last": "M"}, ["Ann"]) == bounds
    halves = {"accepted": 0.25, "accepted_or_undecided": 0.75, "fault": 0.25}
    assert process_results({"last": "M"}, [["Ann", "Zoe", "ann", "raise"]]) == halves
    process_results.close()


def test_a_judge_that_fails_too_often_stops_the_caller(first_letter: str) -> None:
    judge = LazySupervisor(VerifierSpec(verifier=first_letter))
    good, bad = Row("1", TO_M, "Ann"), Row("2", {"lower": 1}, "Ann")
    assert [found.verdict.reason for found in judge.judge([good, bad])] == ["accepted", "fault"]
    with pytest.raises(TooManyFaults, match=r"2 of 3 completions could not be judged .* `upto`: Field required"):
        judge.judge([bad])
    judge.close()


def test_a_copy_in_another_process_has_workers_of_its_own(first_letter: str) -> None:
    judge = reward_function(first_letter)
    program = (
        "import pickle, sys; judge = pickle.load(sys.stdin.buffer)\n"
        "print(judge(['?'] * 2, ['Ann', 'Zoe'], reference=[{'upto': 'M'}] * 2))"
    )
    # no close(): the workers must end with the process
    ran = subprocess.run([sys.executable, "-c", program], input=pickle.dumps(judge), capture_output=True, timeout=120)
    assert ran.stdout.decode().strip() == "[1.0, 0.0]", ran.stderr.decode()
    child = os.fork()
    if child == 0:
        fine = judge(["?"], ["Ann"], reference=[TO_M]) == [1.0]
        judge.close()
        os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert judge(["?"], ["Zoe"], reference=[TO_M]) == [0.0]
    judge.close()
