"""What each adapter gives to its stack, with real workers; test_trl.py and test_stacks.py run the stacks."""

from __future__ import annotations

import numpy as np
import pytest

from selfplay.verifiers.adapters.lm_eval import process_results_with
from selfplay.verifiers.adapters.trl import reward_function
from selfplay.verifiers.adapters.verl import score_function
from selfplay.verifiers.errors import BadSettings, UnknownVerifier

TO_M = {"upto": "M"}


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
